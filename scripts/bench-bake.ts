/**
 * What many images cost beside their builds: `npm run bench -- --bake`, with the engines of scripts/engine.sh running.
 *
 * A bake file with 20 targets that start from one more, each with some seconds of work of its own for a processor, of which a change
 * touches all. On each store, in turn and with nothing of it in BuildKit's cache,
 *   bake   `docker buildx bake` of both commits' files, started together,
 *   action dist/index.js as the runner runs it, with `bake-targets` and `baseline: build`.
 * `--quick`: four targets, one round. `--write` puts the table into docs/benchmark.md.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { engines, type Engine } from '../__tests__/support/engine.ts'
import { payload } from '../__tests__/support/payload.ts'
import { createRepository } from '../__tests__/support/repository.ts'
import { runAction } from '../__tests__/support/runner.ts'
import { hookUsage, median, timed, writeTables } from './bench-figures.ts'

const quick = process.argv.includes('--quick')
const only = process.argv.find((argument) => argument.startsWith('--store='))?.slice('--store='.length)
const TARGETS = quick ? 4 : 20
const ROUNDS = quick ? 1 : 3
/** Turns of a shell's loop: some three seconds of one core here. */
const WORK = 3_300_000

const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))

const names = Array.from({ length: TARGETS }, (_, at) => `service-${at + 1}`)
const bakeFile = `variable "ROUND" { default = "0" }
group "default" { targets = ["service"] }
target "shared" { dockerfile = "shared.Dockerfile" }
target "service" {
  name = "service-\${number}"
  matrix = { number = [${names.map((_, at) => `"${at + 1}"`).join(', ')}] }
  context = "services/\${number}"
  dockerfile = "../Dockerfile"
  contexts = { shared = "target:shared" }
  args = { ROUND = ROUND }
}
`
const service = `FROM shared
ARG ROUND
COPY app /app
RUN echo "$ROUND" && head -c 1000000 /dev/urandom >/data && i=0; while [ $i -lt ${WORK} ]; do i=$((i + 1)); done
`

function bake(engine: Engine, folder: string, round: string): Promise<void> {
  const child = spawn('docker', ['buildx', 'bake', '--progress=quiet'], {
    cwd: folder,
    env: { ...process.env, ...engine.env, ROUND: round },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return new Promise((done, fail) => {
    child.once('close', (code) => (code === 0 ? done() : fail(new Error(`docker buildx bake: exit code ${code}`))))
  })
}

const rows: string[] = []
const repository = createRepository()
try {
  const files = {
    'docker-bake.hcl': bakeFile,
    'shared.Dockerfile': 'FROM image-budget/base:1\nRUN head -c 1000000 /dev/zero >/shared\n',
    'services/Dockerfile': service,
  }
  const services = (text: string): Record<string, string> =>
    Object.fromEntries(names.map((_, at) => [`services/${at + 1}/app`, `${at} ${text}`]))
  const base = repository.commit({ ...files, ...services('a'.repeat(10_000)) }, 'Base')
  const head = repository.commit(services('b'.repeat(20_000)), 'Change')
  const trees = { head: join(scratch, 'head'), base: join(scratch, 'base') }
  repository.git('worktree', 'add', '--quiet', '--detach', trees.head, head)
  repository.git('worktree', 'add', '--quiet', '--detach', trees.base, base)
  const event = payload('push', { before: base, after: head, ref: 'refs/heads/main' })
  for (const engine of engines().filter(({ store }) => only === undefined || store === only)) {
    const rounds: { alone: number; action: number; processor: number; memory: number }[] = []
    for (let round = 1; round <= ROUNDS; round += 1) {
      const seed = `${Date.now()}`
      const alone = await timed(() =>
        Promise.all([bake(engine, trees.head, `${seed}-bake`), bake(engine, trees.base, `${seed}-bake`)]),
      )
      const temp = mkdtempSync(join(scratch, 'run-'))
      const usage = hookUsage(temp)
      const action = await timed(async () => {
        const result = await runAction({
          inputs: { 'bake-files': 'docker-bake.hcl', baseline: 'build', 'max-size': '10 MB', comment: 'off' },
          event,
          workspace: repository.dir,
          temp,
          env: { ...engine.env, ...usage.env, ROUND: `${seed}-action` },
        })
        if (result.exitCode !== 0) throw new Error(`the action failed:\n${result.stdout}\n${result.stderr}`)
      })
      rounds.push({ alone, action, ...usage.read() })
      console.error(
        `${engine.store}, round ${round}: ${alone.toFixed(1)} s, ${action.toFixed(1)} s, load ${loadavg()[0]?.toFixed(1)}`,
      )
    }
    const of = (pick: (round: (typeof rounds)[number]) => number): number => median(rounds.map(pick))
    const cells = [
      engine.store,
      TARGETS,
      of(({ alone }) => alone).toFixed(1),
      of(({ action }) => action).toFixed(1),
      of(({ alone, action }) => action / alone).toFixed(2),
      of(({ processor }) => processor).toFixed(1),
      of(({ memory }) => memory).toFixed(0),
    ]
    rows.push(`| ${cells.join(' | ')} |`)
  }
} finally {
  repository.dispose()
  rmSync(scratch, { recursive: true, force: true })
}
const table = `| store | targets | bake, s | action, s | ratio | own processor, s | memory, MB |
|:--|--:|--:|--:|--:|--:|--:|
${rows.join('\n')}`
if (process.argv.includes('--write')) await writeTables('bake', table)
else console.log(table)
