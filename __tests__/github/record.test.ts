import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { openDataBranch } from '../../src/github/data-branch.ts'
import { openGitHub } from '../../src/github/octokit.ts'
import { record, type Kept } from '../../src/github/record.ts'
import { openRecords } from '../../src/github/records.ts'
import type { LayerContent } from '../../src/image/layer/contents.ts'
import { parseLines } from '../../src/record/lines.ts'
import { parseRecord } from '../../src/record/schema.ts'
import { startGitHub, type Fault, type GitHub } from '../support/github/server.ts'
import { aLayer, aMeasurement, digest } from '../support/measurements.ts'
import { commitOf, NO_CAPS } from '../support/records.ts'

// Hundreds of requests, each answered by git.
jest.setTimeout(120_000)

const BRANCH = 'image-budget'
const IMAGES = ['api', 'web', 'worker', 'shop (docs)']
const COMMITS = 5

let github: GitHub
beforeEach(async () => {
  github = await startGitHub({ tokens: { token: { kind: 'actions', permissions: { contents: 'write' } } } })
})
afterEach(async () => {
  await github.close()
  expect(github.violations).toEqual([])
})

/** One layer that all commits have, and one of the commit's own. */
function contentsOf(name: string, at: number): Map<string, LayerContent> {
  const file = (path: string, size: number): LayerContent => ({
    size,
    entries: [{ kind: 'file', path, size, mode: 0o644, uid: 0, gid: 0, checksum: size, facts: [] }],
  })
  return new Map([
    [digest('shared'), file('/bin/sh', 1_000_000)],
    [digest(`${name} ${at}`), file('/app', 1_000 * at)],
  ])
}

/** The run of a push that measured an image, as a job of its own. */
async function job(name: string, at: number, measuredAt = Date.UTC(2026, 10, 21, 12)): Promise<Kept> {
  const place = { owner: github.owner, repo: github.name, branch: BRANCH }
  const octokit = openGitHub('token', { baseUrl: github.url, timeout: 10_000 })
  const clock = { now: () => measuredAt, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) }
  const contents = contentsOf(name, at)
  const layers = [...contents].map(([diffId, { size }]) => aLayer('RUN build', { diffId, size }))
  const size = layers.reduce((sum, layer) => sum + layer.size!, 0)
  // Nobody waits here, so that they overtake each other all the time: no patience is used up by it.
  const branch = openDataBranch(octokit, place, clock, () => 0)
  return record(
    branch,
    openRecords(octokit, place, branch, clock),
    [
      {
        commit: commitOf(at),
        committedAt: `2026-11-${String(at).padStart(2, '0')}T10:00:00Z`,
        recipe: { context: '1a2b' },
        caps: { ...NO_CAPS, size: 1_004_000 },
        measurements: [aMeasurement({ name, commit: commitOf(at), layers, size, sizeFrom: 'content' })],
        contents: {
          get: (diffId) => contents.get(diffId),
          add: () => {},
          read: () => Promise.reject(new Error('read')),
          readNow: () => Promise.reject(new Error('read')),
        },
      },
    ],
    clock,
  )
}

const show = (path: string): string => github.git('show', `${BRANCH}:${path}`)
const files = (): string[] => github.git('ls-tree', '-r', '--name-only', BRANCH).split('\n')
const all = IMAGES.flatMap((name) => Array.from({ length: COMMITS }, (_, at) => [name, at + 1] as const))

/** All that twenty jobs recorded is there, and nothing else; one commit each, one above the other. */
function expectAll(kept: Kept[]): void {
  expect(kept.filter(({ isNew }) => isNew)).toHaveLength(1)
  expect(github.git('rev-list', '--count', BRANCH)).toBe(String(all.length))
  expect(github.git('rev-list', '--count', '--merges', BRANCH)).toBe('0')
  const folders = new Map(kept.flatMap(({ images }) => images.map(({ name, folder }) => [name, folder])))
  expect([...folders.keys()].toSorted()).toEqual(IMAGES.toSorted())
  for (const [name, folder] of folders) {
    const points = parseLines(show(`${folder}/points/2026-11.jsonl`)).lines.map(({ point }) => point)
    expect(points.map(({ commit, size }) => [commit, size])).toEqual(
      Array.from({ length: COMMITS }, (_, at) => [commitOf(at + 1), 1_000_000 + 1_000 * (at + 1)]),
    )
    for (const { commit } of points) {
      const stored = parseRecord(`${show(`${folder}/records/${commit}.json`)}\n`)
      expect(stored).toMatchObject({ commit, measurement: { name } })
    }
    // The newest commit's, whoever came last.
    expect(JSON.parse(show(`${folder}/badge-size.json`))).toMatchObject({ message: '1.0 MB', color: 'red' })
    expect(files().filter((path) => path.startsWith(`${folder}/layers/`))).toHaveLength(COMMITS + 1)
  }
  expect(files().filter((path) => !path.includes('/'))).toEqual(['README.md'])
}

describe('twenty jobs that record at once', () => {
  it('lose nothing, and write nothing twice', async () => {
    expectAll(await Promise.all(all.map(([name, at]) => job(name, at))))
  })

  it('nor do they where GitHub fails now and then, before it does something or after', async () => {
    const kinds: Pick<Fault, 'status' | 'after'>[] = [
      { status: 500 },
      { status: 502, after: 'apply' },
      { status: 'drop-response', after: 'apply' },
      { status: 'drop-response' },
    ]
    kinds.forEach((kind, at) => {
      for (const method of ['GET', 'POST', 'PATCH'])
        for (let round = 0; round < 5; round += 1)
          github.fault({ ...kind, method, path: /\/git\//, skip: 3 + at + 11 * round })
    })
    expectAll(await Promise.all(all.map(([name, at]) => job(name, at))))
  })

  it('give the same files in whatever order they come', async () => {
    await Promise.all(all.map(([name, at]) => job(name, at)))
    const trees = [github.git('rev-parse', `${BRANCH}^{tree}`)]
    github.git('branch', '-D', BRANCH)
    for (const [name, at] of all.toReversed()) await job(name, at)
    trees.push(github.git('rev-parse', `${BRANCH}^{tree}`))
    expect(trees[1]).toBe(trees[0])
  })
})

it('the same run again is no commit; measured anew, it takes the place of what was there', async () => {
  await job('api', 1)
  const before = github.git('rev-parse', BRANCH)
  expect(await job('api', 1)).toMatchObject({ action: 'unchanged', isNew: false })
  expect(github.git('rev-parse', BRANCH)).toBe(before)
  expect(await job('api', 1, Date.UTC(2026, 10, 22))).toMatchObject({ action: 'recorded' })
  expect(files().filter((path) => path.includes('/records/'))).toHaveLength(1)
  expect(parseLines(show('api/linux-amd64/points/2026-11.jsonl')).lines).toHaveLength(1)
})
