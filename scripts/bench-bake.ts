/**
 * What many images cost beside their builds: `npm run bench -- --bake`, with the engines of scripts/engine.sh running.
 *
 * A bake file with 20 targets that start from one more, each with some seconds of work of its own for a processor, of which a change
 * touches all. On each store, in turn and with nothing of it in BuildKit's cache,
 *   bake   `docker buildx bake` of both commits' files, started together,
 *   action dist/index.js as the runner runs it, with `bake-files` and `baseline: build`.
 * The first of the two in one round is the second in the next. A machine that others share is not always as fast: each step tells the
 * processor time that its work took, which is the same work in both, and what is compared is the time for each second of it.
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
import { hookUsage, median, timed, writeTables, type Usage } from './bench-figures.ts'

const quick = process.argv.includes('--quick')
const only = process.argv.find((argument) => argument.startsWith('--store='))?.slice('--store='.length)
const TARGETS = quick ? 4 : 20
const ROUNDS = quick ? 1 : 3
/** Turns of a shell's loop: two to three seconds of one core here. */
const WORK = 2_200_000

const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))

const names = Array.from({ length: TARGETS }, (_, at) => `service-${at + 1}`)
const bakeFile = `variable "ROUND" { default = "0" }
group "default" { targets = ["service"] }
target "shared" {
  dockerfile = "shared.Dockerfile"
  args = { ROUND = ROUND }
}
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
RUN echo "$ROUND" && head -c 1000000 /dev/urandom >/data && i=0; while [ $i -lt ${WORK} ]; do i=$((i + 1)); done; times
`

/** Seconds of the processor that the steps say their work took: what `times` of a shell prints. Throws where not each of them says so. */
function workOf(log: string): number {
  const told = [...log.matchAll(/(\d+)m([\d.]+)s (\d+)m([\d.]+)s/g)]
  // Its own time, and that of what it started.
  if (told.length !== 2 * 2 * TARGETS) throw new Error(`${told.length} lines of times in\n${log}`)
  return told.reduce((sum, [, ...parts]) => {
    const [minutes, seconds, systemMinutes, systemSeconds] = parts.map(Number) as [number, number, number, number]
    return sum + 60 * (minutes + systemMinutes) + seconds + systemSeconds
  }, 0)
}

/** Gives the log. */
function bake(engine: Engine, folder: string, round: string): Promise<string> {
  const child = spawn('docker', ['buildx', 'bake', '--progress=plain'], {
    cwd: folder,
    env: { ...process.env, ...engine.env, ROUND: round },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  return new Promise((done, fail) => {
    child.once('close', (code) =>
      code === 0 ? done(log) : fail(new Error(`docker buildx bake: exit code ${code}\n${log}`)),
    )
  })
}

const rows: string[] = []
const repository = createRepository()
try {
  const files = {
    'docker-bake.hcl': bakeFile,
    'shared.Dockerfile':
      'FROM image-budget/base:1\nARG ROUND\nRUN echo "$ROUND" && head -c 1000000 /dev/zero >/shared\n',
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
    const rounds: (Record<'alone' | 'action' | 'work' | 'actionWork' | 'ratio', number> & Usage)[] = []
    for (let round = 1; round <= ROUNDS; round += 1) {
      const seed = `${Date.now()}`
      const logs = { alone: '', action: '' }
      const runBake = (): Promise<number> =>
        timed(async () => {
          const both = [bake(engine, trees.head, `${seed}-bake`), bake(engine, trees.base, `${seed}-bake`)]
          logs.alone = (await Promise.all(both)).join('\n')
        })
      const temp = mkdtempSync(join(scratch, 'run-'))
      const usage = hookUsage(temp)
      const runIt = (): Promise<number> =>
        timed(async () => {
          const result = await runAction({
            inputs: { 'bake-files': 'docker-bake.hcl', baseline: 'build', 'max-size': '10 MB', comment: 'off' },
            event,
            workspace: repository.dir,
            temp,
            env: { ...engine.env, ...usage.env, ROUND: `${seed}-action` },
          })
          logs.action = result.stdout
          if (result.exitCode !== 0) throw new Error(`the action failed:\n${result.stdout}\n${result.stderr}`)
        })
      let [alone, action] = [0, 0]
      if (round % 2 === 1) alone = await runBake()
      action = await runIt()
      if (round % 2 === 0) alone = await runBake()
      const work = { alone: workOf(logs.alone), action: workOf(logs.action) }
      const ratio = action / work.action / (alone / work.alone)
      rounds.push({ alone, action, work: work.alone, actionWork: work.action, ratio, ...usage.read() })
      console.error(
        `${engine.store}, round ${round}: ${alone.toFixed(1)} s of ${work.alone.toFixed(1)} s work, ${action.toFixed(1)} s of ${work.action.toFixed(1)} s, ${ratio.toFixed(2)}, load ${loadavg()[0]?.toFixed(1)}`,
      )
    }
    const of = (pick: (round: (typeof rounds)[number]) => number): number => median(rounds.map(pick))
    const cells = [
      engine.store,
      TARGETS,
      of(({ alone }) => alone).toFixed(1),
      of(({ work }) => work).toFixed(1),
      of(({ action }) => action).toFixed(1),
      of(({ actionWork }) => actionWork).toFixed(1),
      of(({ ratio }) => ratio).toFixed(2),
      of(({ processor }) => processor).toFixed(1),
      of(({ memory }) => memory).toFixed(0),
    ]
    rows.push(`| ${cells.join(' | ')} |`)
  }
} finally {
  repository.dispose()
  rmSync(scratch, { recursive: true, force: true })
}
const table = `| store | targets | bake, s | its work, s | action, s | its work, s | ratio | own processor, s | memory, MB |
|:--|--:|--:|--:|--:|--:|--:|--:|--:|
${rows.join('\n')}`
if (process.argv.includes('--write')) await writeTables('bake', table)
else console.log(table)
