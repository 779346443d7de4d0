import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { openDataBranch } from '../../src/github/data-branch.ts'
import { openGitHub } from '../../src/github/octokit.ts'
import { openRecords } from '../../src/github/records.ts'
import type { Records } from '../../src/record/shelf.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { createRepository, type TestRepository } from '../support/repository.ts'

// Hundreds of commits and tags, on a machine that may be busy.
jest.setTimeout(60_000)

let origin: TestRepository
let github: GitHub
let waits: number[]

beforeEach(async () => {
  origin = createRepository()
  github = await startGitHub({
    git: { dir: origin.dir },
    private: true,
    tokens: {
      reader: { kind: 'actions', permissions: { contents: 'read' } },
      commenter: { kind: 'actions', permissions: { pull_requests: 'write' } },
    },
  })
  waits = []
})
afterEach(async () => {
  await github.close()
  origin.dispose()
  expect(github.violations).toEqual([])
})

function open(token = 'reader'): Records {
  const octokit = openGitHub(token, { baseUrl: github.url, timeout: 10_000 })
  const clock = { now: () => 0, sleep: async (milliseconds: number) => void waits.push(milliseconds) }
  const place = { owner: github.owner, repo: github.name, branch: 'image-budget' }
  return openRecords(octokit, place, openDataBranch(octokit, place, clock), clock)
}

/** Makes so many commits, each above the other. Gives them, the latest first. */
function history(length: number): string[] {
  const first = origin.commit({ a: 'a' })
  const tree = origin.git('rev-parse', 'HEAD^{tree}')
  const commits = [first]
  for (let count = 1; count < length; count += 1)
    commits.unshift(origin.git('commit-tree', tree, '-p', commits[0]!, '-m', `Commit ${count}`))
  return commits
}

describe('the records', () => {
  it('are the data branch as it was when it was asked for first', async () => {
    origin.commit({ a: 'a' })
    origin.git('update-ref', 'refs/heads/image-budget', 'main')
    const records = open()
    const shelf = await records.open()
    origin.git('update-ref', '-d', 'refs/heads/image-budget')
    expect(String(await shelf?.read('a'))).toBe('a')
    expect(await records.open()).toBe(shelf)
    expect(await open().open()).toBeNull()
  })

  it('are none in an empty repository', async () => {
    expect(await open().open()).toBeNull()
    expect(await open().releases()).toEqual([])
  })
})

describe('the ancestors of a commit', () => {
  it('are told from itself on, in as many pages as there are, and no more than 300', async () => {
    const commits = history(302)
    const [latest = '', second = '', third = ''] = commits
    expect(await open().ancestors(latest)).toEqual(commits.slice(0, 300))
    expect(github.requests).toHaveLength(3)
    expect(await open().ancestors(second)).toEqual(commits.slice(1, 301))
    expect(await open().ancestors(third)).toEqual(commits.slice(2))
    expect(await open().ancestors(commits[299]!)).toEqual(commits.slice(299))
  }, 60_000)

  it('have those of a merge among them, and nothing of other branches', async () => {
    const base = origin.commit({ a: '1' })
    const side = origin.commit({ b: '1' })
    origin.git('reset', '--quiet', '--hard', base)
    const main = origin.commit({ a: '2' })
    origin.git('merge', '--quiet', '--no-ff', '--message=Merge', side)
    const merge = origin.git('rev-parse', 'HEAD')
    expect(new Set(await open().ancestors(merge))).toEqual(new Set([merge, main, side, base]))
    expect((await open().ancestors(merge))[0]).toBe(merge)
    expect(await open().ancestors(main)).toEqual([main, base])
  })

  it('are asked for again where that fails for a while, and explained where it fails for good', async () => {
    const commit = origin.commit({ a: 'a' })
    github.fault({ path: /\/commits$/, status: 502, times: 2 })
    expect(await open().ancestors(commit)).toEqual([commit])
    expect(waits).toEqual([1000, 4000])
    await expect(open().ancestors('1'.repeat(40))).rejects.toThrow(/does not find the repository or the commit \(404/)
    await expect(open('commenter').ancestors(commit)).rejects.toThrow(/403 .* `permissions: contents: read`/)
  })
})

describe('the releases', () => {
  it('are the tags that have a number, each with its commit', async () => {
    const [one, two] = [origin.commit({ a: '1' }), origin.commit({ a: '2' })]
    origin.git('tag', 'v1.0.0', one)
    origin.git('tag', '--annotate', '--message=Two', '2.0', two)
    origin.git('tag', 'latest', two)
    const found = await open().releases()
    expect(found.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: '2.0', commit: two },
      { name: 'v1.0.0', commit: one },
    ])
  })

  it('are at most 1,000', async () => {
    const commit = origin.commit({ a: '1' })
    origin.git('fetch', '--quiet', '.', ...Array.from({ length: 1_001 }, (_, each) => `main:refs/tags/v${each}`))
    const found = await open().releases()
    expect(found).toHaveLength(1_000)
    expect(new Set(found.map((each) => each.commit))).toEqual(new Set([commit]))
    expect(github.requests).toHaveLength(10)
  })
})
