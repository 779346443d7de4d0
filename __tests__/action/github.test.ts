import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { engines } from '../support/engine.ts'
import { primaryRateLimit, startGitHub, type GitHub, type GitHubOptions } from '../support/github/server.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** The comment decides nothing: whatever GitHub says, verdict, outputs, summary and annotation are as ever. */
const { env } = engines()[0]!
const inputs = { 'max-increase': '10 kB' }
const COMMENTS = /\/issues\/1\/comments$/

let github: GitHub
let change: PullRequestFixture
/** What it is when GitHub takes the comment. */
let asEver: RunResult
beforeAll(async () => {
  change = openPullRequest(
    { Dockerfile: 'FROM image-budget/base:1\nCOPY payload /payload\n', payload: 'x' },
    { payload: 'x'.repeat(50_001) },
  )
  github = await startGitHub()
  asEver = await change.run(env, { github, inputs })
  await github.close()
})
afterAll(() => change.dispose())
beforeEach(() => start())
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

async function start(options: GitHubOptions = {}): Promise<void> {
  github = await startGitHub(options)
}

/** What a run says without the comment's and the file's addresses, and without the label: that is offered where it can be looked up. */
function decided({ exitCode, outputs, summary: text }: RunResult): object {
  const { report, 'comment-url': url, 'comment-body': comment = '', ...rest } = outputs
  const [summary, body] = [text, comment].map((each) =>
    each
      .replace(/ · add the label `[^`]+` to accept \+[\d.]+ kB/, '')
      .replace(/ · the records could not be read:[^·]+(?= · )/, ''),
  )
  const others = { ...rest, body }
  return { exitCode, outputs: others, summary, wasReported: report !== '', hadComment: url !== undefined }
}

/** Runs, and holds everything but the comment against a run whose comment was taken. */
async function runAsEver(token?: string): Promise<{ result: RunResult; warnings: string[] }> {
  const result = await change.run(env, { github, inputs, ...(token === undefined ? {} : { token }) })
  expect(decided(result)).toEqual(decided(asEver))
  expect(result.annotations.filter(({ level }) => level === 'error')).toEqual(asEver.annotations)
  return {
    result,
    warnings: result.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message),
  }
}

it('a summary that cannot be written is a warning, and changes nothing else', async () => {
  const result = await change.run({ ...env, GITHUB_STEP_SUMMARY: '/nowhere/summary.md' }, { github, inputs })
  expect(decided({ ...result, summary: asEver.summary })).toEqual(decided(asEver))
  expect(result.annotations).toMatchObject([
    ...asEver.annotations,
    { level: 'warning', message: expect.stringContaining('The job summary could not be written') },
  ])
})

describe('a comment that cannot be written is a warning', () => {
  it('a fork’s read-only token: names the permission', async () => {
    await github.close()
    await start({ tokens: { token: { kind: 'actions', permissions: { pull_requests: 'read', contents: 'read' } } } })
    const { result, warnings } = await runAsEver()
    expect(result.exitCode).toBe(1)
    expect(result.outputs['comment-url']).toBe('')
    expect(github.state.comments).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('`permissions: pull-requests: write`')])
  })

  it.each([
    ['errors of its own', { path: COMMENTS, status: 500, times: 20 }, /500|GitHub/],
    [
      'a rate limit that lasts an hour',
      { path: COMMENTS, times: 20, ...primaryRateLimit(Math.ceil(Date.now() / 1000) + 3600) },
      /rate limit/i,
    ],
    ['not found', { path: COMMENTS, status: 404, times: 20 }, /permission|404/],
  ])('GitHub answers with %s', async (_, fault, said) => {
    github.fault(fault)
    const { result, warnings } = await runAsEver()
    expect(result.outputs['comment-url']).toBe('')
    expect(warnings).toEqual([expect.stringMatching(said)])
  })

  it('an empty token, or one that GitHub does not know', async () => {
    const { warnings } = await runAsEver('')
    expect(warnings).toEqual([expect.stringContaining('`github-token` is empty')])
    expect(github.requests).toEqual([])
    expect((await runAsEver('expired')).warnings).toEqual([
      expect.stringMatching(/^The label `image-budget: accept` accepts nothing: it could not be looked up\. .*401/),
      expect.stringContaining('401'),
    ])
  })
})

it('one error of GitHub is got over', async () => {
  github.fault({ method: 'POST', path: COMMENTS, status: 502 })
  const { result, warnings } = await runAsEver()
  expect(warnings).toEqual([])
  expect(result.outputs['comment-url']).not.toBe('')
  expect(github.state.comments).toHaveLength(1)
})
