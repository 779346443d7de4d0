import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { engines } from '../support/engine.ts'
import { startGitHub, type GitHub, type GitHubOptions } from '../support/github/server.ts'
import { payload, type Event } from '../support/payload.ts'
import { checkOut, createRepository, mergeCommit, type TestRepository } from '../support/repository.ts'
import { runAction, type RunOptions, type RunResult } from '../support/runner.ts'

// Several real builds a test, on a machine that may be busy.
jest.setTimeout(120_000)

const BRANCH = 'image-budget'
const REPOSITORY = { full_name: 'octo-org/shop', default_branch: 'main' }
const DOCKERFILE = 'FROM image-budget/base:1\nCOPY payload /payload\nCOPY app /app\n'
const WRITER: NonNullable<GitHubOptions['tokens']> = {
  token: { kind: 'actions', permissions: { pull_requests: 'write', contents: 'write' } },
  reader: { kind: 'actions', permissions: { pull_requests: 'read', contents: 'read' } },
}

let origin: TestRepository
let github: GitHub
let folders: string[]
/** Two commits of main, of 100 and 200 kB. */
let main: [string, string]
beforeEach(async () => {
  origin = createRepository()
  folders = [origin.dir]
  const first = commitOf(100_000)
  main = [first, commitOf(200_000)]
  await open()
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
  folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }))
})

async function open(options: GitHubOptions = {}): Promise<void> {
  github = await startGitHub({ git: { dir: origin.dir }, tokens: WRITER, ...options })
}

function commitOf(bytes: number, files: Record<string, string> = {}): string {
  return origin.commit({ Dockerfile: DOCKERFILE, payload: 'x'.repeat(bytes), 'app/a.js': 'a', ...files })
}

async function run(
  event: Event,
  sha: string,
  options: Partial<RunOptions> = {},
  env = engines()[0]!.env,
): Promise<RunResult> {
  const checkout = checkOut(origin, sha)
  const temp = mkdtempSync(join(tmpdir(), 'image-budget-runner-'))
  folders.push(checkout.dir, temp)
  return runAction({ event, workspace: checkout.dir, temp, github, sha, env, ...options })
}

/** The run of a push to a branch. */
function push(
  sha: string,
  options: Partial<RunOptions> = {},
  branch = 'main',
  env = engines()[0]!.env,
): Promise<RunResult> {
  const [, before = '0'.repeat(40)] = origin.git('rev-list', '--max-count=2', sha).split('\n')
  const event = payload('push', { ref: `refs/heads/${branch}`, before, after: sha, repository: REPOSITORY })
  return run(event, sha, options, env)
}

/** The run of a pull request from the last commit of main, which makes the payload `bytes` large. */
async function pullRequest(
  bytes: number,
  options: Partial<RunOptions> = {},
  env = engines()[0]!.env,
): Promise<RunResult> {
  const base = origin.git('rev-parse', 'main')
  origin.git('checkout', '--quiet', '-B', 'feature', base)
  const head = commitOf(bytes, { 'app/b.js': 'b'.repeat(30_000) })
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
  return run(event, merge, options, env)
}

function reportOf({ outputs }: RunResult): Report {
  return JSON.parse(readFileSync(outputs['report']!, 'utf8')) as Report
}

/** The files of the data branch; [] where it is not there. */
function kept(): string[] {
  if (origin.git('for-each-ref', `refs/heads/${BRANCH}`) === '') return []
  return origin.git('ls-tree', '-r', '--name-only', BRANCH).split('\n')
}

function read(path: string): string {
  return origin.git('show', `${BRANCH}:${path}`)
}

const warningsOf = ({ annotations }: RunResult): string[] =>
  annotations.filter(({ level }) => level !== 'notice').map(({ message }) => message)
const wasBuilt = ({ groups }: RunResult): boolean => groups.some(({ title }) => title.startsWith('Build base'))
const FOLDER = 'shop/linux-amd64'

describe.each(engines())('a push to the default branch ($store store)', ({ env }) => {
  it('is recorded on a branch of its own, and serves the pull requests upon it as a base that is not built', async () => {
    const pushed = await push(main[1], { inputs: { 'max-size': '1 GB' } }, 'main', env)
    expect(pushed.exitCode).toBe(0)
    expect(warningsOf(pushed)).toEqual([])
    expect(pushed.summary).toContain('Recorded on the branch `image-budget`')
    expect(pushed.summary).toContain('A badge and the chart for the README')
    expect(origin.git('rev-list', '--count', BRANCH)).toBe('1')
    expect(kept()).toEqual(
      expect.arrayContaining([
        'README.md',
        `${FOLDER}/badge-size.json`,
        `${FOLDER}/badge-size.svg`,
        `${FOLDER}/badge-size-dark.svg`,
        `${FOLDER}/history.svg`,
        `${FOLDER}/history-dark.svg`,
        `${FOLDER}/points/2026-01.jsonl`,
        `${FOLDER}/records/${main[1]}.json`,
      ]),
    )
    expect(JSON.parse(read(`${FOLDER}/badge-size.json`))).toMatchObject({ label: 'image size', color: 'brightgreen' })

    const built = await pullRequest(250_000, { inputs: { baseline: 'build', 'max-increase': '60 kB' } }, env)
    const recorded = await pullRequest(250_000, { inputs: { 'max-increase': '60 kB' } }, env)
    expect(wasBuilt(built)).toBe(true)
    expect(wasBuilt(recorded)).toBe(false)
    expect(recorded.exitCode).toBe(1)
    const [before, now] = [built, recorded].map((each) => reportOf(each).images[0]!)
    expect(now!.baseline).toMatchObject({ kind: 'record', commit: main[1], record: { commit: main[1], behind: 0 } })
    // What it says of the change is what it says beside a build, to the byte.
    expect({ ...now, baseline: null, trend: [] }).toEqual({ ...before, baseline: null, trend: [] })
    expect(recorded.outputs['comment-body']).toContain(`base as recorded of \`${main[1].slice(0, 7)}\``)
    expect(recorded.outputs['comment-body']).toContain('/app/b.js')
  })

  it('is one commit for each push, and the same again changes nothing but when it was measured', async () => {
    await push(main[0], {}, 'main', env)
    await push(main[1], {}, 'main', env)
    await push(main[1], {}, 'main', env)
    const points = read(`${FOLDER}/points/2026-01.jsonl`).split('\n')
    expect(points.map((line) => (JSON.parse(line) as { commit: string }).commit)).toEqual(main)
    expect(kept().filter((path) => path.includes('/records/') && path.endsWith('.json'))).toHaveLength(2)
  })
})

describe('what is no push to the default branch, or cannot be measured, is not recorded', () => {
  it('a push to another branch', async () => {
    origin.git('branch', 'other', main[1])
    const result = await push(main[1], {}, 'other')
    expect(result.exitCode).toBe(0)
    expect(kept()).toEqual([])
  })

  it('a pull request', async () => {
    await pullRequest(250_000)
    expect(kept()).toEqual([])
  })

  it('a build that fails: what is there stays as it is', async () => {
    await push(main[1])
    const tip = origin.git('rev-parse', BRANCH)
    const broken = origin.commit({ Dockerfile: `${DOCKERFILE}RUN false\n` })
    const result = await push(broken)
    expect(result.exitCode).toBe(2)
    expect(origin.git('rev-parse', BRANCH)).toBe(tip)
  })

  it('a checkout of another commit than the event’s', async () => {
    const event = payload('push', { ref: 'refs/heads/main', before: main[0], after: main[1], repository: REPOSITORY })
    const checkout = checkOut(origin, main[0])
    const temp = mkdtempSync(join(tmpdir(), 'image-budget-runner-'))
    folders.push(checkout.dir, temp)
    const result = await runAction({
      event,
      workspace: checkout.dir,
      temp,
      github,
      sha: main[1],
      env: engines()[0]!.env,
    })
    expect(result.summary).toContain(`Not recorded: what was measured is \`${main[0].slice(0, 7)}\``)
    expect(kept()).toEqual([])
  })

  it('with `record: off`', async () => {
    await push(main[1], { inputs: { record: 'off' } })
    expect(kept()).toEqual([])
  })
})

it('a token that may not write: verdict and summary as ever, and the permission is named without an annotation', async () => {
  const result = await push(main[1], { token: 'reader' })
  expect(result.exitCode).toBe(0)
  expect(warningsOf(result)).toEqual([])
  expect(result.summary).toMatch(/Not recorded: .*`?contents: write/)
  expect(kept()).toEqual([])
})

it('a branch that has something else is left alone, whatever `data-branch` says', async () => {
  for (const branch of ['main', 'other']) {
    origin.git('branch', '--force', 'other', main[0])
    const before = origin.git('rev-parse', branch)
    const result = await push(main[1], { inputs: { 'data-branch': branch } })
    expect(result.exitCode).toBe(0)
    expect(warningsOf(result)).toEqual([expect.stringContaining('it is not made for records')])
    expect(origin.git('rev-parse', branch)).toBe(before)
  }
})

it('GitHub in trouble: a warning, and nothing is half written', async () => {
  github.fault({ method: 'PATCH', path: /\/git\/refs\//, status: 500, times: 1000 })
  github.fault({ method: 'POST', path: /\/git\/refs$/, status: 422, times: 1000, message: 'Validation Failed' })
  const result = await push(main[1])
  expect(result.exitCode).toBe(0)
  expect(warningsOf(result)).toEqual([expect.stringContaining('was not recorded')])
  expect(kept()).toEqual([])
})

describe('a base without a record of its own', () => {
  it('is built with `auto`; `record` takes the nearest commit before it, and says so', async () => {
    await push(main[0])
    const built = await pullRequest(250_000)
    expect(wasBuilt(built)).toBe(true)
    expect(reportOf(built).images[0]!.baseline).toMatchObject({ kind: 'build', record: null, passedOver: null })

    const result = await pullRequest(250_000, { inputs: { baseline: 'record' } })
    expect(wasBuilt(result)).toBe(false)
    const { baseline, change } = reportOf(result).images[0]!
    expect(baseline).toMatchObject({ kind: 'record', commit: main[1], record: { commit: main[0], behind: 1 } })
    expect(change!.size!.amount).toBe(150_000 + 30_000)
    expect(result.outputs['comment-body']).toContain(
      `base as recorded of \`${main[0].slice(0, 7)}\` (2026-01-01), 1 commit before \`${main[1].slice(0, 7)}\``,
    )
  })

  it('is none with `record` where there is no data branch: caps are judged', async () => {
    const result = await pullRequest(250_000, { inputs: { baseline: 'record', 'max-size': '100 kB' } })
    expect(result.exitCode).toBe(1)
    expect(reportOf(result).images[0]!.baseline).toMatchObject({
      kind: 'none',
      reason: `the branch \`image-budget\` has no record of \`${main[1].slice(0, 7)}\`, nor of a commit before it`,
    })
  })

  it('pushed by force: the nearest commit that is still there', async () => {
    await push(main[0])
    await push(main[1])
    origin.git('reset', '--quiet', '--hard', main[0])
    const rewritten = commitOf(210_000)
    const result = await pullRequest(250_000, { inputs: { baseline: 'record' } })
    expect(reportOf(result).images[0]!.baseline).toMatchObject({ commit: rewritten, record: { commit: main[0] } })
  })

  it('after the data branch was deleted: built, and the next push makes it again', async () => {
    await push(main[0])
    origin.git('branch', '--quiet', '-D', BRANCH)
    const result = await pullRequest(250_000)
    expect(wasBuilt(result)).toBe(true)
    const pushed = await push(main[1])
    expect(pushed.summary).toContain('It is new')
    expect(kept()).toContain(`${FOLDER}/records/${main[1]}.json`)
  })

  it('of an image that was renamed: built under the new name, whose history begins anew', async () => {
    await push(main[1])
    const result = await pullRequest(250_000, { inputs: { name: 'api' } })
    expect(wasBuilt(result)).toBe(true)
    await push(main[1], { inputs: { name: 'api' } })
    expect(kept()).toContain(`api/linux-amd64/records/${main[1]}.json`)
    expect(kept()).toContain(`${FOLDER}/records/${main[1]}.json`)
  })
})

describe('a record of something else is passed over, and the report says why', () => {
  it.each([
    ['build arguments', { 'build-args': 'VERSION=2' }, 'the build argument `VERSION`'],
    ['a target', { target: 'final', name: 'shop' }, '`target`'],
  ] as [string, Record<string, string>, string][])('%s', async (_, inputs, said) => {
    origin.commit({ Dockerfile: DOCKERFILE.replace(':1', ':1 AS final') })
    main = [main[1], origin.git('rev-parse', 'main')]
    await push(main[1])
    const result = await pullRequestOn(() => inputs)
    expect(wasBuilt(result)).toBe(true)
    expect(reportOf(result).images[0]!.baseline.passedOver).toContain(said)
    expect(result.outputs['comment-body']).toContain('does not serve')
  })

  it('another store', async () => {
    const [one, other] = engines()
    await push(main[1], {}, 'main', one!.env)
    const result = await pullRequest(250_000, {}, other!.env)
    expect(wasBuilt(result)).toBe(true)
    expect(reportOf(result).images[0]!.baseline.passedOver).toMatch(/was measured on the \w+ store/)
  })

  it('a commit in a build argument is nothing else', async () => {
    await push(main[1], { inputs: { 'build-args': `REVISION=${main[1]}` } })
    const result = await pullRequestOn((merge) => ({ 'build-args': `REVISION=${merge}` }))
    expect(wasBuilt(result)).toBe(false)
  })

  /** A pull request that keeps the Dockerfile of main. */
  async function pullRequestOn(inputsOf: (merge: string) => Record<string, string>): Promise<RunResult> {
    const base = origin.git('rev-parse', 'main')
    origin.git('checkout', '--quiet', '-B', 'feature', base)
    const head = origin.commit({ payload: 'x'.repeat(300_000) })
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
    return run(event, merge, { inputs: inputsOf(merge) })
  }
})

it('a fork’s pull request reads records with its read-only token', async () => {
  await push(main[1])
  const result = await pullRequest(250_000, { token: 'reader' })
  expect(wasBuilt(result)).toBe(false)
  expect(reportOf(result).images[0]!.baseline.kind).toBe('record')
})

it('records that cannot be read: the base is built, or with `baseline: record` it is an error', async () => {
  await push(main[1])
  github.fault({ path: /\/git\/ref\//, status: 500, times: 1000 })
  const built = await pullRequest(250_000)
  expect(wasBuilt(built)).toBe(true)
  expect(reportOf(built).images[0]!.baseline.passedOver).toContain('the records could not be read')
  const failed = await pullRequest(250_000, { inputs: { baseline: 'record' } })
  expect(failed.exitCode).toBe(2)
})

it('growth over time is judged against the records', async () => {
  await push(main[0])
  await push(main[1])
  origin.git('tag', 'v1.0', main[1])
  const inputs = { budgets: 'max-increase=10 kB,over=release', 'max-increase': '1 MB' }
  const result = await pullRequest(250_000, { inputs })
  expect(result.exitCode).toBe(1)
  const check = reportOf(result).images[0]!.checks.find(({ over }) => over !== null)
  expect(check).toMatchObject({ status: 'over', against: { commit: main[1], tag: 'v1.0' }, excess: 80_000 - 10_000 })
})
