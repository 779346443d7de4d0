/**
 * What a record of the base saves: `npm run bench -- --records`, with the engines of scripts/engine.sh running.
 *
 * On each store, for builds that keep one core busy or all of them and make a layer of 30 or 100 MB anew, in each round, one after the other:
 *   head    `docker buildx build` of the change alone,
 *   record  the bundled action on a pull request whose base commit a push has recorded,
 *   build   the same with `baseline: build`,
 * and what it takes a push to record. Both sides' steps run anew each time, as on a fresh runner: each is a commit of its own, and
 * the step that takes long depends on a file that no other commit has. GitHub is the tests' stand-in, which holds each answer back for as long as the
 * real one takes.
 *
 * `--quick`: one round of a short build, to see that all works. `--rounds N`: another number than 3. `--store NAME`: one of the two alone. `--write`: the tables go into docs/benchmark.md. `--action FOLDER`: another
 * build of the action than this repository's.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { docker, engines, type Engine } from '../__tests__/support/engine.ts'
import { startGitHub, type GitHub } from '../__tests__/support/github/server.ts'
import { payload, type Event } from '../__tests__/support/payload.ts'
import { checkOut, createRepository, mergeCommit, type TestRepository } from '../__tests__/support/repository.ts'
import { runAction } from '../__tests__/support/runner.ts'
import { BOTH, hookUsage, median, timed, writeTables } from './bench-figures.ts'
import { loadLayout, writeLayer, writeLayout } from './bench-image.ts'

const { values: options } = parseArgs({
  options: {
    records: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    store: { type: 'string' },
    write: { type: 'boolean', default: false },
    action: { type: 'string' },
  },
})
const ROUNDS = options.quick ? 1 : Number(options.rounds)
if (!Number.isInteger(ROUNDS) || ROUNDS < 1) throw new Error(`--rounds takes a number from 1, not ${options.rounds}`)
/** Bytes that a build works through: 20 s and more of one core, on the machine of the documented run. */
const WORK = options.quick ? 500e6 : 5e9
/** Milliseconds until GitHub answers: what its API takes a runner of its own. */
const LATENCY = 200
const BRANCH = 'image-budget'
const REPOSITORY = { full_name: 'octo-org/shop', default_branch: 'main' }
/** Megabytes that a build may install, in 25 kB a file: what its engine has to pack anew where it keeps layers unpacked. */
const INSTALLED = options.quick ? [30] : [30, 100]
/** What the builds install: an image, for it is fetched and not sent along. */
const packagesOf = (megabytes: number): string => `image-budget-bench/packages:${megabytes}`
const FOLDER = 'dependencies'
const MIX = { text: 0.35, json: 0.15, program: 0.3, packed: 0.2 }
/** What each store tells without an image being read. */
const AT_HAND = { classic: 'size', containerd: 'download-size' }

const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))
const seed = `${Date.now()}`
let commits = 0

/** A build of 20 s: it installs what is there, and then works through it in so many processes at a time. */
function dockerfileFor(workers: number, megabytes: number): string {
  return `FROM image-budget/base:1
COPY app /app
RUN --mount=type=bind,from=${packagesOf(megabytes)},target=/packages \\
    cp -R /packages/${FOLDER} /app/${FOLDER} && \\
    work() { for pass in $(seq ${Math.round(WORK / megabytes / 1e6)}); do find /app/${FOLDER} -type f -exec cat {} + | sha512sum; done; } && \\
    for worker in $(seq ${workers}); do work >"/app/$worker.sum" & done; wait
`
}

/** A repository with GitHub around it, on one engine: a row of the table. */
type Subject = { engine: Engine; origin: TestRepository; github: GitHub; metrics: string }

/** A commit on top of the present one that has to be built anew. */
function commit({ origin }: Subject, files: Record<string, string> = {}): string {
  commits += 1
  return origin.commit({ 'app/round': `${seed}-${commits}`, ...files }, `Commit ${commits}`)
}

type Run = { seconds: number; memory: number; requests: number; isBaseBuilt: boolean }

/** One run of the action, on a checkout of its own. Throws where it fails, or says anything that it would not on a good day. */
async function run(subject: Subject, event: Event, sha: string, inputs: Record<string, string> = {}): Promise<Run> {
  const { engine, origin, github, metrics } = subject
  const checkout = checkOut(origin, sha)
  const temp = mkdtempSync(join(scratch, 'run-'))
  const usage = hookUsage(temp)
  const before = github.requests.length
  try {
    let isBaseBuilt = false
    const seconds = await timed(async () => {
      const result = await runAction({
        event,
        sha,
        temp,
        github,
        workspace: checkout.dir,
        inputs: { metrics, [metrics === 'download-size' ? 'max-download-size' : 'max-size']: '1 GB', ...inputs },
        env: { ...engine.env, ...usage.env },
        ...(options.action !== undefined && { action: resolve(options.action) }),
      })
      isBaseBuilt = result.groups.some(({ title }) => title.startsWith('Build base'))
      const complaints = result.annotations.filter(({ level }) => level === 'error')
      if (result.exitCode !== 0 || complaints.length > 0 || github.violations.length > 0)
        throw new Error(`the action failed: ${github.violations.join('; ')}\n${result.stdout}\n${result.stderr}`)
    })
    return { seconds, memory: usage.read().memory, requests: github.requests.length - before, isBaseBuilt }
  } finally {
    checkout.dispose()
    rmSync(temp, { recursive: true, force: true })
  }
}

/** The run of a push of the last commit of main. */
function push(subject: Subject, inputs: Record<string, string> = {}): Promise<Run> {
  const after = subject.origin.git('rev-parse', 'main')
  const before = subject.origin.git('rev-parse', 'main~1')
  return run(subject, payload('push', { ref: 'refs/heads/main', before, after, repository: REPOSITORY }), after, inputs)
}

/** The run of a pull request from that base. */
function pullRequest(subject: Subject, base: string, inputs: Record<string, string> = {}): Promise<Run> {
  const { origin } = subject
  origin.git('checkout', '--quiet', '--detach', base)
  const head = commit(subject, { 'app/b.js': 'b'.repeat(30_000) })
  origin.git('checkout', '--quiet', 'main')
  const merge = mergeCommit(origin, base, head)
  const event = payload('pull_request.synchronize', {
    number: 1,
    repository: REPOSITORY,
    pull_request: {
      number: 1,
      merge_commit_sha: merge,
      head: { ref: 'feature', sha: head },
      base: { ref: 'main', sha: base },
    },
  })
  return run(subject, event, merge, inputs)
}

/** Seconds of `docker buildx build` of such a change. */
async function plainBuild(subject: Subject): Promise<number> {
  const { engine, origin } = subject
  origin.git('checkout', '--quiet', '--detach', 'main')
  const checkout = checkOut(origin, commit(subject, { 'app/b.js': 'b'.repeat(30_000) }))
  origin.git('checkout', '--quiet', 'main')
  let image = ''
  try {
    return await timed(async () => {
      image = docker(engine, 'buildx', 'build', '--quiet', '--provenance=false', checkout.dir)
      return Promise.resolve()
    })
  } finally {
    if (image !== '') docker(engine, 'image', 'rm', '--force', image)
    checkout.dispose()
  }
}

type Round = { head: number; record: Run; build: Run; unrecorded: Run; recorded: Run }

async function measureRound(subject: Subject): Promise<Round> {
  const { origin } = subject
  const tip = (): string => origin.git('rev-parse', BRANCH)
  const before = tip()
  const base = commit(subject)
  await push(subject)
  const after = tip()
  // The same once more with all steps in the cache: what recording adds to it is less than builds differ by themselves.
  const unrecorded = await push(subject, { record: 'off' })
  origin.git('update-ref', `refs/heads/${BRANCH}`, before)
  const recorded = await push(subject)
  if (tip() === before || tip() === after) throw new Error('the push was not recorded anew')

  const head = await plainBuild(subject)
  const record = await pullRequest(subject, base)
  origin.git('checkout', '--quiet', '--detach', base)
  const unbuilt = commit(subject)
  const build = await pullRequest(subject, unbuilt, { baseline: 'build' })
  if (record.isBaseBuilt || !build.isBaseBuilt) throw new Error('the base was not had as it should have been')
  return { head, record, build, unrecorded, recorded }
}

async function measure(engine: Engine, metrics: string, workers: number, megabytes: number): Promise<Round[]> {
  const origin = createRepository()
  const github = await startGitHub({
    git: { dir: origin.dir },
    tokens: { token: { kind: 'actions', permissions: { pull_requests: 'write', contents: 'write' } } },
    latency: LATENCY,
  })
  const subject = { engine, origin, github, metrics }
  try {
    const dockerfile = dockerfileFor(workers, megabytes)
    commit(subject, { Dockerfile: dockerfile, 'app/a.js': 'a'.repeat(100_000) })
    commit(subject)
    // Makes the data branch; its time does not count.
    await push(subject)
    const rounds: Round[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.push(await measureRound(subject))
      const { head, record, build, unrecorded, recorded } = rounds.at(-1)!
      const seconds = [head, record.seconds, build.seconds, unrecorded.seconds, recorded.seconds]
      const told = seconds.map((value) => value.toFixed(2)).join(' ')
      console.error(`${engine.store}, ${metrics}: ${told} (load average ${loadavg()[0]!.toFixed(1)})`)
    }
    return rounds
  } finally {
    await github.close()
    origin.dispose()
  }
}

/** What the builds install goes into the engine. */
async function loadPackages(engine: Engine, megabytes: number): Promise<void> {
  const folder = join(scratch, `packages-${engine.name}-${megabytes}`)
  mkdirSync(folder)
  const layer = await writeLayer(folder, { name: FOLDER, files: 40 * megabytes, bytes: megabytes * 1e6, mix: MIX }, 1)
  const layout = join(folder, 'layout')
  writeLayout(layout, packagesOf(megabytes), [layer])
  loadLayout(engine, layout)
}

const seconds = (value: number): string => value.toFixed(2)
const rows: string[][] = []
const pushRows: string[][] = []

function tell(engine: Engine, metrics: string, cores: string, megabytes: number, rounds: Round[]): void {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick))
  rows.push([
    engine.store,
    metrics,
    cores,
    `${megabytes}`,
    seconds(of(({ head }) => head)),
    seconds(of(({ record }) => record.seconds)),
    of(({ head, record }) => record.seconds / head).toFixed(2),
    seconds(of(({ build }) => build.seconds)),
    of(({ head, build }) => build.seconds / head).toFixed(2),
    of(({ record }) => record.requests).toFixed(0),
    of(({ record }) => record.memory).toFixed(0),
  ])
  pushRows.push([
    engine.store,
    metrics,
    `${megabytes}`,
    seconds(of(({ unrecorded }) => unrecorded.seconds)),
    seconds(of(({ recorded }) => recorded.seconds)),
    seconds(of(({ unrecorded, recorded }) => recorded.seconds - unrecorded.seconds)),
    of(({ unrecorded, recorded }) => recorded.requests - unrecorded.requests).toFixed(0),
    of(({ recorded }) => recorded.memory).toFixed(0),
  ])
}

try {
  for (const engine of engines().filter(({ store }) => (options.store ?? store) === store)) {
    for (const megabytes of INSTALLED) await loadPackages(engine, megabytes)
    const all = availableParallelism()
    const kinds: [string, string, number, number][] = options.quick
      ? [[BOTH, 'one', 1, 30]]
      : [
          [BOTH, 'one', 1, 30],
          [BOTH, 'one', 1, 100],
          [AT_HAND[engine.store], 'one', 1, 100],
          [BOTH, 'all', all, 30],
        ]
    for (const [metrics, cores, workers, megabytes] of kinds) {
      tell(engine, metrics, cores, megabytes, await measure(engine, metrics, workers, megabytes))
    }
  }
  const header = ['store', 'metrics', 'cores busy', 'anew, MB', 'head alone, s', 'with a record, s', 'of head alone']
  const pulls = markdownTable(
    [[...header, '`baseline: build`, s', 'of head alone', 'requests', 'memory, MB'], ...rows],
    { align: ['l', 'l', 'l', ...Array.from({ length: 8 }, () => 'r')] },
  )
  const pushes = markdownTable(
    [
      ['store', 'metrics', 'anew, MB', 'not recorded, s', 'recorded, s', 'recording, s', 'requests', 'memory, MB'],
      ...pushRows,
    ],
    { align: ['l', 'l', 'r', 'r', 'r', 'r', 'r', 'r'] },
  )
  const tables = `${pulls}\n\nA push, with every step in the cache:\n\n${pushes}`
  console.log(tables)
  if (options.write) await writeTables('records', tables)
} finally {
  for (const engine of engines()) {
    try {
      docker(engine, 'image', 'rm', '--force', ...INSTALLED.map(packagesOf))
    } catch (error) {
      console.error(error)
    }
  }
  rmSync(scratch, { recursive: true, force: true })
}
