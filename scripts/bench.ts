/**
 * What the action costs beside the builds it makes: `npm run bench`, with the engines of scripts/engine.sh running.
 *
 * On each store, for an image of about 10 MB and one of about 1 GB, the wall time of
 *   head   `docker buildx build` of the change alone,
 *   both   the same of change and base, started together,
 *   action dist/index.js as the runner runs it,
 * once with every step in BuildKit's cache (the median of some rounds, one after the other in turn) and once with none. Ratios and
 * differences of one run are what counts; the seconds are this machine's. `--quick`: the small image, cached, three rounds.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engines, type Engine } from '../__tests__/support/engine.ts'
import { payload } from '../__tests__/support/payload.ts'
import { createRepository, type TestRepository } from '../__tests__/support/repository.ts'
import { runAction } from '../__tests__/support/runner.ts'
import { BOTH, hookUsage, median, timed } from './bench-figures.ts'

const quick = process.argv.includes('--quick')
const MEGABYTES = quick ? [10] : [10, 1000]
/** What is measured unless a workflow says otherwise, and what each store has at hand. */
const AT_HAND = { classic: 'size', containerd: 'download-size' }
let coldRounds = 0
const CACHED_ROUNDS = quick ? 3 : 7

const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))
/** A repository with a base and a change of one copied folder, on top of a layer of random bytes. */
function createSubject(megabytes: number): { repository: TestRepository; base: string; head: string } {
  const repository = createRepository()
  const dockerfile = `FROM image-budget/base:1
ARG ROUND=0
RUN echo "$ROUND" && dd if=/dev/urandom of=/data bs=1M count=${megabytes}
COPY app /app
RUN cat /app/* > /joined
`
  const base = repository.commit({ Dockerfile: dockerfile, 'app/a': 'a'.repeat(100_000) }, 'Base')
  const head = repository.commit({ 'app/b': 'b'.repeat(100_000) }, 'Change')
  return { repository, base, head }
}

function plainBuild(engine: Engine, folder: string, round: string): Promise<void> {
  const child = spawn('docker', ['buildx', 'build', '--quiet', '--build-arg', `ROUND=${round}`, folder], {
    env: { ...process.env, ...engine.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let image = ''
  child.stdout.on('data', (data: Buffer) => (image += data.toString()))
  return new Promise((done, fail) => {
    child.once('close', (code) => {
      if (code !== 0) return fail(new Error(`docker buildx build: exit code ${code}`))
      images.add(image.trim())
      done()
    })
  })
}
const images = new Set<string>()

type Seconds = { head: number; both: number; action: number; megabytesOfMemory: number }

async function measure(engine: Engine, megabytes: number, metrics: string, rounds: string[][]): Promise<Seconds[]> {
  const { repository, base, head } = createSubject(megabytes)
  const trees = { head: join(scratch, 'head'), base: join(scratch, 'base') }
  for (const [side, commit] of Object.entries({ head, base })) {
    repository.git('worktree', 'add', '--quiet', '--detach', trees[side as 'head' | 'base'], commit)
    rmSync(join(trees[side as 'head' | 'base'], '.git'))
  }
  const event = payload('push', { before: base, after: head, ref: 'refs/heads/main' })
  const results: Seconds[] = []
  for (const [forHead, forBoth, forAction] of rounds) {
    const headAlone = await timed(() => plainBuild(engine, trees.head, forHead!))
    const both = await timed(() =>
      Promise.all([plainBuild(engine, trees.head, forBoth!), plainBuild(engine, trees.base, forBoth!)]),
    )
    const temp = mkdtempSync(join(scratch, 'run-'))
    const usage = hookUsage(temp)
    const action = await timed(async () => {
      const result = await runAction({
        inputs: { 'build-args': `ROUND=${forAction}`, metrics, 'max-layers': '100', comment: 'off' },
        event,
        workspace: repository.dir,
        temp,
        env: { ...engine.env, ...usage.env },
      })
      if (result.exitCode !== 0) throw new Error(`the action failed:\n${result.stdout}\n${result.stderr}`)
    })
    results.push({ head: headAlone, both, action, megabytesOfMemory: usage.read().memory })
  }
  repository.dispose()
  for (const folder of Object.values(trees)) rmSync(folder, { recursive: true })
  for (const image of images) {
    execFileSync('docker', ['image', 'rm', '--force', image], {
      env: { ...process.env, ...engine.env },
      stdio: 'ignore',
    })
  }
  images.clear()
  return results
}

function row(store: string, megabytes: number, cache: string, metrics: string, results: Seconds[]): string {
  const of = (pick: (result: Seconds) => number): number => median(results.map(pick))
  const cells = [
    store,
    `${megabytes} MB`,
    cache,
    metrics,
    of((result) => result.head).toFixed(2),
    of((result) => result.both).toFixed(2),
    of((result) => result.action).toFixed(2),
    of((result) => result.action / result.head).toFixed(2),
    of((result) => result.action / result.both).toFixed(2),
    of((result) => (result.action - result.both) / 2).toFixed(2),
    of((result) => result.megabytesOfMemory).toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

try {
  console.log(`| store | image | cache | metrics | head, s | both, s | action, s | action / head | action / both | added per image, s | memory, MB |
|:--|--:|:--|:--|--:|--:|--:|--:|--:|--:|--:|`)
  for (const engine of engines()) {
    for (const megabytes of MEGABYTES) {
      const seed = `${Date.now()}`
      const cold = (): string[] => ['head', 'both', 'action'].map((what) => `${seed}-${what}-${++coldRounds}`)
      for (const metrics of [BOTH, AT_HAND[engine.store]]) {
        if (!quick) {
          console.log(
            row(engine.store, megabytes, 'none', metrics, await measure(engine, megabytes, metrics, [cold()])),
          )
        }
        // The first round fills the cache and does not count.
        const count = megabytes >= 1000 && metrics === BOTH ? 3 : CACHED_ROUNDS
        const rounds = Array.from({ length: count + 1 }, () => [seed, seed, seed])
        const cached = await measure(engine, megabytes, metrics, rounds)
        console.log(row(engine.store, megabytes, 'all steps', metrics, cached.slice(1)))
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
