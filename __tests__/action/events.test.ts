import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { engines } from '../support/engine.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { payload, type Event } from '../support/payload.ts'
import { checkOut, createRepository, mergeCommit, type TestRepository } from '../support/repository.ts'
import { runAction, type RunOptions, type RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** Which workflow event it is decides what the image is compared with; sizes tell which commit that was. */
const { env } = engines()[0]!
const REPOSITORY = { full_name: 'octo-org/shop' }
/** What `before` is where there was nothing. */
const NONE = '0'.repeat(40)
const DOCKERFILE = 'FROM image-budget/base:1\nCOPY payload /payload\n'

let origin: TestRepository
let folders: string[]
/** Three commits of main, 100, 200 and 300 bytes; of a branch from the second, 5,000. */
let main: [string, string, string]
let feature: string
beforeAll(() => {
  origin = createRepository()
  const commit = (bytes: number): string => origin.commit({ Dockerfile: DOCKERFILE, payload: 'x'.repeat(bytes) })
  const [first, second] = [commit(100), commit(200)]
  origin.git('checkout', '--quiet', '-b', 'feature')
  origin.commit({ 'README.md': 'Read me' })
  feature = commit(5_000)
  origin.git('checkout', '--quiet', 'main')
  // Beside the payload, so that it merges.
  const third = origin.commit({ Dockerfile: `${DOCKERFILE}COPY more /more\n`, more: 'x'.repeat(100) })
  main = [first, second, third]
  folders = [origin.dir]
})
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

let github: GitHub
beforeEach(async () => {
  github = await startGitHub()
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

/** Runs the action on a checkout of `commit`; depth 1 unless told. */
async function run(
  event: Event,
  commit: string,
  options: Partial<RunOptions> & { depth?: number } = {},
): Promise<RunResult> {
  const checkout = checkOut(origin, commit, options.depth)
  const temp = mkdtempSync(join(tmpdir(), 'image-budget-runner-'))
  folders.push(checkout.dir, temp)
  return runAction({ event, workspace: checkout.dir, temp, github, sha: commit, env, ...options })
}

function pullRequest(overrides: { head: string; base: string }): Event {
  return payload('pull_request.opened', {
    number: 1,
    repository: REPOSITORY,
    pull_request: {
      number: 1,
      head: { ref: 'feature', sha: overrides.head },
      base: { ref: 'main', sha: overrides.base },
    },
  })
}

describe('pull_request', () => {
  it('compares a merge commit with its first parent, not with what the base branch was when the event came', async () => {
    const merge = mergeCommit(origin, main[2], feature)
    const result = await run(pullRequest({ head: feature, base: main[1] }), merge)
    expect(result.outputs).toMatchObject({ verdict: 'within', 'size-change': '4800', 'layers-change': '0' })
    expect(result.summary).toContain(`main \`${main[2].slice(0, 7)}\``)
  })

  it('compares a checked-out head with the merge base, deepening a shallow clone', async () => {
    const result = await run(pullRequest({ head: feature, base: main[2] }), feature)
    expect(result.outputs).toMatchObject({ verdict: 'within', 'size-change': '4800' })
    expect(result.summary).toContain(`main \`${main[1].slice(0, 7)}\``)
  })

  it.each([
    ['a branch', 'main', 4_700],
    ['a commit', () => main[0], 4_900],
  ])('compares with %s that `base-ref` names', async (_, ref, change) => {
    const baseRef = typeof ref === 'string' ? ref : ref()
    const result = await run(pullRequest({ head: feature, base: main[1] }), feature, {
      inputs: { 'base-ref': baseRef },
    })
    expect(result.outputs).toMatchObject({ 'size-change': String(change) })
  })

  it('says so where `base-ref` names nothing', async () => {
    const result = await run(pullRequest({ head: feature, base: main[1] }), feature, {
      inputs: { 'base-ref': 'trunk' },
    })
    expect(result.exitCode).toBe(2)
    expect(result.annotations[0]?.message).toContain('`base-ref` is `trunk`')
  })

  it.each([
    ['that is closed', 'pull_request.closed', {}],
    ['of a fork that is gone', 'pull_request.synchronize', { head: { repo: null, user: null } }],
  ] as const)('%s is measured as any other, and has its comment', async (_, kind, facts) => {
    const event = payload(kind, {
      number: 1,
      repository: REPOSITORY,
      pull_request: {
        number: 1,
        ...facts,
        head: { ref: 'feature', sha: feature, ...('head' in facts ? facts.head : {}) },
        base: { ref: 'main', sha: main[1] },
      },
    })
    const result = await run(event, feature, { inputs: { comment: 'always' } })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'size-change': '4800' } })
    expect(github.state.comments).toHaveLength(1)
  })

  it('that is run again is judged as before, in the same comment', async () => {
    const event = pullRequest({ head: feature, base: main[1] })
    const once = await run(event, feature, { inputs: { comment: 'always' } })
    const again = await run(event, feature, { inputs: { comment: 'always' }, env: { ...env, GITHUB_RUN_ATTEMPT: '2' } })
    expect(again.outputs['comment-url']).toBe(once.outputs['comment-url'])
    expect(again.outputs['size-change']).toBe('4800')
    expect(github.state.comments).toHaveLength(1)
  })

  it('is refused as pull_request_target, before anything is built', async () => {
    const { payload: facts } = pullRequest({ head: feature, base: main[1] })
    const result = await run({ name: 'pull_request_target', payload: facts }, main[1])
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error', size: '' }, groups: [] })
    expect(result.annotations).toMatchObject([
      { level: 'error', message: expect.stringMatching(/`pull_request_target`.*\n.*`pull_request`/s) },
    ])
    expect(github.requests).toEqual([])
  })
})

describe('without a pull request there is a verdict and no comment', () => {
  afterEach(() => expect(github.requests.filter(({ path }) => /\/(?:issues|pulls)\//.test(path))).toEqual([]))

  it('merge_group: compares with the queue’s base', async () => {
    const event = payload('merge_group.checks_requested', {
      repository: REPOSITORY,
      merge_group: { head_sha: feature, base_sha: main[1], base_ref: 'refs/heads/main' },
    })
    const result = await run(event, feature, { inputs: { 'max-increase': '1 kB' } })
    expect(result).toMatchObject({
      exitCode: 1,
      outputs: { verdict: 'over', 'size-change': '4800', 'comment-url': '' },
    })
    expect(result.outputs['comment-body']).toContain('is over its growth budget')
  })

  it('push: compares with the commit before', async () => {
    const event = payload('push', { repository: REPOSITORY, ref: 'refs/heads/main', before: main[0], after: main[1] })
    const result = await run(event, main[1], { inputs: { comment: 'always' } })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'size-change': '100' } })
  })

  it.each([
    [
      'a force push over a commit that is gone',
      { name: 'push', facts: { before: 'a'.repeat(40), ref: 'refs/heads/main', after: () => feature } },
      'could not be fetched',
    ],
    [
      'the first push of the default branch',
      { name: 'push', facts: { before: NONE, ref: 'refs/heads/main', after: () => feature } },
      'the push created `main`, there is no commit before it',
    ],
    [
      'a push of a tag',
      { name: 'push', facts: { before: NONE, ref: 'refs/tags/v1.4', after: () => feature } },
      'the push created the tag `v1.4`',
    ],
    [
      'a push that deleted a branch',
      { name: 'push', facts: { before: 'a'.repeat(40), ref: 'refs/heads/old', after: NONE, deleted: true } },
      'the push deleted `old`',
    ],
    ['a dispatch', { name: 'workflow_dispatch', facts: { ref: 'refs/heads/main' } }, 'has no base commit'],
    ['a schedule', { name: 'schedule', facts: { schedule: '0 5 * * *' } }, 'has no base commit'],
    ['a release', { name: 'release.published', facts: {} }, 'the event `release` has no base commit'],
    ['a comment', { name: 'issue_comment.created', facts: {} }, 'the event `issue_comment` has no base commit'],
    ['an event of tomorrow', { name: 'some_event', facts: {} }, 'the event `some_event` has no base commit'],
  ] as const)('%s: judges the caps alone and says why', async (_, { name, facts }, why) => {
    const told = Object.fromEntries(
      Object.entries(facts).map(([key, value]) => [key, typeof value === 'function' ? value() : value]),
    )
    const event =
      name === 'schedule' || name === 'some_event'
        ? { name, payload: { ...told, repository: { ...REPOSITORY, default_branch: 'main' } } }
        : payload(name, { ...told, repository: { ...REPOSITORY, default_branch: 'main' } })
    const inputs = { 'max-size': '1 MB', 'max-increase': '1 kB', comment: 'always', record: 'off' }
    const result = await run(event, feature, { inputs })
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'base-size': '', 'size-change': '' } })
    expect(result.summary).toContain(why)
  })

  it.each([
    ['a push of a new branch', 'push', { before: NONE, ref: 'refs/heads/feature' }],
    ['a dispatch on a branch', 'workflow_dispatch', { ref: 'refs/heads/feature' }],
  ] as const)('%s: compares with the merge base with the default branch', async (_, name, facts) => {
    const event = payload(name, { ...facts, repository: { ...REPOSITORY, default_branch: 'main' } })
    const result = await run(event, feature, { inputs: { comment: 'always' } })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'size-change': '4800' } })
    expect(result.summary).toContain(`main \`${main[1].slice(0, 7)}\``)
  })

  it('a branch that has nothing of its own has no comparison', async () => {
    const event = payload('workflow_dispatch', {
      ref: 'refs/heads/stale',
      repository: { ...REPOSITORY, default_branch: 'main' },
    })
    const result = await run(event, main[1])
    expect(result).toMatchObject({ exitCode: 0, outputs: { 'size-change': '' } })
    expect(result.summary).toContain('`main` has all that the checked-out commit has')
  })

  it('a dispatch compares with `base-ref` where that is given', async () => {
    const event = payload('workflow_dispatch', { repository: REPOSITORY })
    const result = await run(event, feature, { inputs: { 'base-ref': 'main' } })
    expect(result.outputs).toMatchObject({ 'size-change': '4700' })
  })
})
