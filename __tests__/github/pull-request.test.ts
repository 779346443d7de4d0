import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openGitHub } from '../../src/github/octokit.ts'
import { findPullRequest, type FoundPullRequest } from '../../src/github/pull-request.ts'
import type { FollowedRun } from '../../src/inputs/event.ts'
import { startGitHub, type GitHub, type GitHubOptions } from '../support/github/server.ts'

const HEAD = 'd4e5f6a0'.repeat(5)
const NEWER = 'e5f6a7b0'.repeat(5)
const FORK = 'mallory/shop'

let github: GitHub
let waits: number[]
beforeEach(async () => {
  github = await startGitHub()
  waits = []
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

type Pulls = NonNullable<GitHubOptions['pullRequests']>

async function start(pullRequests: Pulls): Promise<void> {
  await github.close()
  github = await startGitHub({ pullRequests })
}

const from = (repository: string, sha = HEAD, ref = 'feature') => ({ head: { ref, sha, repository } })

function find(run: Partial<FollowedRun> = {}): Promise<FoundPullRequest> {
  const octokit = openGitHub('token', { baseUrl: github.url })
  const clock = { now: () => 0, sleep: async (milliseconds: number) => void waits.push(milliseconds) }
  const followed = { headSha: HEAD, headRepository: FORK, headBranch: 'feature', ...run }
  return findPullRequest(octokit, { owner: github.owner, repo: github.name }, followed, clock)
}

describe('the pull request of a run that this one follows', () => {
  it('is the open one of the branch and commit that the event tells, among others of that branch’s name', async () => {
    await start([
      { number: 1, ...from('octo-org/shop') },
      { number: 2, ...from('octocat/shop') },
      { number: 3, ...from('mallory/shop-2') },
      { number: 4, ...from(FORK) },
      { number: 5, ...from(FORK, HEAD, 'other') },
      { number: 6, state: 'closed', ...from(FORK) },
    ])
    expect(await find()).toEqual({ number: 4 })
    expect(await find({ headRepository: 'Octo-Org/shop' })).toEqual({ reason: expect.any(String) })
    expect(await find({ headRepository: 'octo-org/shop' })).toEqual({ number: 1 })
    expect(github.requests.map(({ query }) => query['head'])).toContain('mallory:feature')
  })

  it('is none that was pushed to since, is closed, or was never there', async () => {
    await start([{ number: 1, ...from(FORK, NEWER) }])
    expect(await find()).toEqual({
      reason: '`feature` of `mallory/shop` was pushed to since `d4e5f6a`, which was run',
    })
    await start([{ number: 1, state: 'closed', ...from(FORK) }])
    expect(await find()).toEqual({ reason: '`feature` of `mallory/shop` has no open pull request any more' })
    expect(await find({ headBranch: 'main' })).toMatchObject({
      reason: expect.stringContaining('no open pull request'),
    })
  })

  it('is none where nothing tells which of several it was', async () => {
    await start([
      { number: 1, ...from(FORK) },
      { number: 2, ...from(FORK), base: { ref: 'release', sha: 'a1b2c3d0'.repeat(5) } },
    ])
    expect(await find()).toMatchObject({ reason: expect.stringContaining('several open pull requests') })
  })

  it('is looked for in branches of any name', async () => {
    const ref = 'a&b=c#d?state=all/ü'
    await start([{ number: 7, ...from(FORK, HEAD, ref) }])
    expect(await find({ headBranch: ref })).toEqual({ number: 7 })
  })

  it('is asked for again where GitHub is in trouble, and what it refuses is told', async () => {
    github.fault({ path: /\/pulls$/, status: 502 })
    expect(await find({ headRepository: 'octo-org/shop' })).toEqual({ number: 1 })
    expect(waits).toHaveLength(1)
    github.fault({ path: /\/pulls$/, status: 403, message: 'Resource not accessible by integration' })
    await expect(find()).rejects.toThrow('permissions: pull-requests: write')
  })
})
