import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openDataBranch, type DataBranch, type Update } from '../../src/github/data-branch.ts'
import { openGitHub } from '../../src/github/octokit.ts'
import type { FileChange, Shelf } from '../../src/record/shelf.ts'
import {
  primaryRateLimit,
  secondaryRateLimit,
  startGitHub,
  type Fault,
  type GitHub,
  type GitHubOptions,
  type Token,
} from '../support/github/server.ts'
import { createRepository } from '../support/repository.ts'

const NOW = Date.UTC(2026, 0, 2)
const BRANCH = 'image-budget'
const REF = /\/git\/ref\/heads(?:\/|%2F)image-budget$/
const REFS = /\/git\/refs$/
const THE_REF = /\/git\/refs\/heads(?:\/|%2F)image-budget$/
const WRITER: Token = { kind: 'actions', permissions: { contents: 'write' } }

let github: GitHub
let waits: number[]

async function start(options: GitHubOptions = {}): Promise<void> {
  await github?.close()
  github = await startGitHub({ tokens: { token: WRITER }, ...options })
}

beforeEach(async () => {
  await start()
  waits = []
})
afterEach(async () => {
  await github.close()
  expect(github.violations).toEqual([])
})

/** Opens the branch as a job of its own would, with a clock that only notes how long it was to wait. */
function open({ branch = BRANCH, timeout = 10_000, random = 0 } = {}): DataBranch {
  const octokit = openGitHub('token', { baseUrl: github.url, timeout })
  const clock = { now: () => NOW, sleep: async (milliseconds: number) => void waits.push(milliseconds) }
  return openDataBranch(octokit, { owner: github.owner, repo: github.name, branch }, clock, () => random)
}

const put = (files: Record<string, FileChange['content']>) => async (): Promise<FileChange[]> =>
  Object.entries(files).map(([path, content]) => ({ path, content }))

/** Adds a line to a file, whether it is there already or not. */
const append =
  (path: string, line: string, more: FileChange[] = []) =>
  async (shelf: Shelf): Promise<FileChange[]> => [
    { path, content: `${((await shelf.read(path)) ?? '').toString()}${line}\n` },
    ...more,
  ]

/** Puts files on the branch as someone else would, with git. Gives the commit. */
function commit(files: Record<string, string>, { branch = BRANCH, onto = '' } = {}): string {
  const origin = createRepository()
  origin.git('fetch', '--quiet', github.gitDir(), '+refs/heads/*:refs/remotes/origin/*')
  if (onto !== '') origin.git('reset', '--quiet', '--hard', onto)
  const made = origin.commit(files, 'By hand')
  origin.git('push', '--quiet', '--force', github.gitDir(), `HEAD:refs/heads/${branch}`)
  origin.dispose()
  return made
}

const tipOf = (branch = BRANCH): string => github.git('rev-parse', `refs/heads/${branch}`)
const countOf = (branch = BRANCH): number => Number(github.git('rev-list', '--count', `refs/heads/${branch}`))
const show = (path: string, branch = BRANCH): string => github.git('show', `refs/heads/${branch}:${path}`)
const filesOf = (branch = BRANCH): string[] =>
  github.git('ls-tree', '-r', '--name-only', `refs/heads/${branch}`).split('\n')
const requests = (method: string, path = /./): number =>
  github.requests.filter((request) => request.method === method && path.test(request.path)).length

describe('an update', () => {
  it('makes the branch, then writes above what is there, one commit each time', async () => {
    const raw = Buffer.from([0x1f, 0x8b, 0, 255])
    const first = await open().update(
      put({ 'README.md': '# Räcords\n', 'api/a/1.json': '1', 'api/b.gz': raw }),
      'First',
    )
    expect(first).toEqual({ commit: tipOf(), isNew: true, action: 'created', tries: 1 })
    expect(countOf()).toBe(1)
    expect(filesOf()).toEqual(['README.md', 'api/a/1.json', 'api/b.gz'])
    expect(show('README.md')).toBe('# Räcords')
    expect(github.git('cat-file', '-s', `${BRANCH}:api/b.gz`)).toBe('4')

    const second = await open().update(put({ 'api/a/2.json': '2', 'api/a/1.json': null, 'none.txt': null }), 'Second')
    expect(second).toEqual({ commit: tipOf(), isNew: false, action: 'created', tries: 1 })
    expect(filesOf()).toEqual(['README.md', 'api/a/2.json', 'api/b.gz'])
    expect(github.git('log', '--format=%s, by %an', BRANCH)).toBe(
      'Second, by github-actions[bot]\nFirst, by github-actions[bot]',
    )
    expect(github.git('log', '--format=%s', 'main')).toBe('Add a shop')
  })

  it('that would change nothing writes nothing', async () => {
    const files = put({ 'a.txt': 'a', 'b.gz': Buffer.from([1, 2]), 'gone.txt': null })
    const { commit: before } = await open().update(files, 'First')
    github.requests.length = 0
    expect(await open().update(files, 'Again')).toEqual({
      commit: before,
      isNew: false,
      action: 'unchanged',
      tries: 1,
    })
    expect(requests('POST') + requests('PATCH')).toBe(0)
    expect(await open({ branch: 'none' }).update(put({ 'a.txt': null }), 'None')).toEqual({
      commit: null,
      isNew: false,
      action: 'unchanged',
      tries: 1,
    })
    expect(github.git('for-each-ref', '--format=%(refname:short)')).toBe(`${BRANCH}\nmain`)
  })

  it('replaces what stands in the place of a file as something else', async () => {
    const origin = createRepository()
    origin.git('commit', '--quiet', '--allow-empty', '--message=Nothing')
    const link = origin.git('hash-object', '-w', '--no-filters', '--stdin')
    origin.git('update-index', '--add', '--cacheinfo', `120000,${link},a.txt`)
    origin.git('commit', '--quiet', '--message=Link')
    origin.git('push', '--quiet', github.gitDir(), `HEAD:refs/heads/${BRANCH}`)
    origin.dispose()
    expect(await (await open().snapshot())?.read('a.txt')).toBeNull()
    // The same content, and so the same id.
    expect((await open().update(put({ 'a.txt': '' }), 'File')).action).toBe('created')
    expect(github.git('ls-tree', BRANCH)).toBe(`100644 blob ${link}\ta.txt`)
  })

  it('sees what the branch has, and is not tried again where that makes no sense', async () => {
    commit({ 'a/b.txt': 'b' })
    let seen: unknown[] = []
    await open().update(async (shelf) => {
      seen = [await shelf.list('a'), await shelf.list(''), await shelf.list('c'), String(await shelf.read('a/b.txt'))]
      return []
    }, 'Nothing')
    expect(seen).toEqual([['b.txt'], ['a'], null, 'b'])
    const failing = open().update(async () => {
      throw new Error('There is a bug.')
    }, 'Bug')
    await expect(failing).rejects.toThrow('There is a bug.')
    expect(waits).toEqual([])
  })
})

describe('a snapshot', () => {
  it('is the branch as it was when it was taken', async () => {
    const before = commit({ 'a/b.txt': 'one', 'c.bin': 'c' })
    const snapshot = await open().snapshot()
    commit({ 'a/b.txt': 'two', 'a/d.txt': 'd' }, { onto: before })
    expect(snapshot?.commit).toBe(before)
    expect(String(await snapshot?.read('a/b.txt'))).toBe('one')
    expect(await snapshot?.list('a')).toEqual(['b.txt'])
    expect(await snapshot?.list('')).toEqual(['a', 'c.bin'])
    for (const path of ['a', 'a/none', 'a/b.txt/c', 'a//b.txt', '/a/b.txt', '../a/b.txt', '__proto__', ''])
      expect(await snapshot?.read(path)).toBeNull()
    for (const path of ['a/b.txt', 'none', '__proto__', 'a/']) expect(await snapshot?.list(path)).toBeNull()
  })

  it('is none where there is no branch', async () => {
    expect(await open().snapshot()).toBeNull()
    const empty = createRepository()
    await start({ git: { dir: empty.dir } })
    expect(await open().snapshot()).toBeNull()
    empty.dispose()
  })

  it('asks for nothing twice', async () => {
    commit({ 'a/b/one.txt': 'same', 'a/b/two.txt': 'same' })
    const snapshot = await open().snapshot()
    await Promise.all(['a/b/one.txt', 'a/b/two.txt', 'a/b/one.txt'].map(async (path) => snapshot?.read(path)))
    await snapshot?.list('a/b')
    const paths = github.requests.map(({ path }) => path)
    expect(paths).toHaveLength(5)
    expect(new Set(paths).size).toBe(5)
  })

  it('reads an image’s folder with all below it at once, and folder by folder where it has too many files for that', async () => {
    commit({
      'README.md': '',
      'api/p/records/1.json': '1',
      'api/p/points/1.jsonl': '',
      'api/q/r/s/2.json': '2',
      'web/a': '',
    })
    const read = async (): Promise<unknown[]> => {
      github.requests.length = 0
      const shelf = (await open().snapshot())!
      const folders = ['api', 'api/p', 'api/p/records', 'api/q/r', 'api/none', '']
      const files = ['api/p/records/1.json', 'api/q/r/s/2.json', 'api/p']
      const listed = await Promise.all(folders.map((folder) => shelf.list(folder)))
      const texts = await Promise.all(files.map(async (path) => (await shelf.read(path))?.toString()))
      return [...listed, ...texts]
    }
    const all = [
      ['p', 'q'],
      ['points', 'records'],
      ['1.json'],
      ['s'],
      null,
      ['README.md', 'api', 'web'],
      '1',
      '2',
      undefined,
    ]
    expect(await read()).toEqual(all)
    expect(requests('GET', /trees/)).toBe(2)

    const tree = github.git('rev-parse', `${BRANCH}:api`)
    const body = { sha: tree, url: `${github.url}/trees/${tree}`, tree: [], truncated: true }
    github.fault({ path: new RegExp(`/git/trees/${tree}`), status: 200, body })
    expect(await read()).toEqual(all)
    // The root, what was cut short, and six folders.
    expect(requests('GET', /trees/)).toBe(8)
  })

  it('is patient, and says what cannot be had', async () => {
    commit({ 'a.txt': 'a' })
    for (const path of [REF, /\/git\/commits\//, /\/git\/trees\//, /\/git\/blobs\//])
      github.fault({ path, status: 502 })
    const snapshot = await open().snapshot()
    expect(String(await snapshot?.read('a.txt'))).toBe('a')
    expect(waits).toEqual([1000, 4000, 1000, 4000])

    github.fault({ path: REF, status: 502, times: 3 })
    await expect(open().snapshot()).rejects.toThrow('GitHub is in trouble (502')
    github.fault({ path: /\/git\/blobs\//, status: 403, message: 'Resource not accessible by integration' })
    await expect(
      open()
        .snapshot()
        .then((each) => each?.read('a.txt')),
    ).rejects.toThrow('`permissions: contents: read`')
  })

  it('does not read what is too large', async () => {
    commit({ 'large.bin': ' '.repeat(20_000_001) })
    const snapshot = await open().snapshot()
    await expect(snapshot?.read('large.bin')).rejects.toThrow('too large to be read: 20000001 bytes')
    expect(requests('GET', /blobs/)).toBe(0)
  })
})

describe('twenty at the same time', () => {
  const twenty = Array.from({ length: 20 }, (_, index) => index)

  /** That nothing was lost and nothing written twice: one commit each, in a line, each with all of its own change and nothing else. */
  function expectOneCommitEach(updates: Update[], first: number): void {
    expect(new Set(updates.map((each) => each.commit)).size).toBe(20)
    expect(updates.map(({ action }) => action)).toEqual(twenty.map(() => 'created'))
    expect(updates.filter(({ isNew }) => isNew)).toHaveLength(first)
    // Who is overtaken is so by one of the others, once by each.
    expect(Math.max(...updates.map(({ tries }) => tries))).toBeLessThanOrEqual(20)
    expect(github.git('rev-list', '--min-parents=2', BRANCH)).toBe('')
  }

  /** By status and path, what each commit changed. */
  const changes = (commits: number): string[][] =>
    github
      .git('log', '--format=%x00', '--name-status', '--no-renames', '--root', `--max-count=${commits}`, BRANCH)
      .split('\0')
      .slice(1)
      .map((text) => text.trim().split('\n'))

  it.each([
    ['the branch is there', true],
    ['it is made for the first of them', false],
  ])(
    'write files of their own: %s',
    async (_, isThere) => {
      if (isThere) commit({ 'README.md': '#' })
      github.rendezvous(
        isThere ? { method: 'PATCH', path: THE_REF, parties: 20 } : { method: 'POST', path: REFS, parties: 20 },
      )
      const updates = await Promise.all(
        twenty.map((each) =>
          open().update(
            put({ [`${each}/a.json`]: `${each}`, [`${each}/b.gz`]: Buffer.from([each, 255]) }),
            `Of ${each}`,
          ),
        ),
      )
      expectOneCommitEach(updates, isThere ? 0 : 1)
      expect(countOf()).toBe(isThere ? 21 : 20)
      expect(new Set(changes(20).map((each) => each.join()))).toEqual(
        new Set(twenty.map((each) => `A\t${each}/a.json,A\t${each}/b.gz`)),
      )
      for (const each of twenty) expect(show(`${each}/a.json`)).toBe(String(each))
      expect(requests('POST', /\/git\/blobs$/)).toBe(20)
    },
    60_000,
  )

  it('add a line each to the same file', async () => {
    commit({ 'lines.txt': '' })
    github.rendezvous({ method: 'PATCH', path: THE_REF, parties: 20 })
    const updates = await Promise.all(twenty.map((each) => open().update(append('lines.txt', `${each}`), `Of ${each}`)))
    expectOneCommitEach(updates, 0)
    const lines = show('lines.txt').split('\n').map(Number)
    expect(lines.toSorted((one, other) => one - other)).toEqual(twenty)
    expect(github.git('log', '--format=', '--numstat', '--max-count=20', BRANCH).split('\n')).toEqual(
      twenty.map(() => '1\t0\tlines.txt'),
    )
  }, 60_000)
})

describe('whatever fails at whichever request, the branch has one commit more, with everything in it', () => {
  const more: FileChange[] = [
    { path: 'new/text.json', content: '{}' },
    { path: 'new/raw.gz', content: Buffer.from([0, 1, 2]) },
  ]
  const faults: [string, Omit<Fault, 'path'>][] = [
    ['409', { status: 409, message: 'Conflict' }],
    ['422', { status: 422, message: 'GitRPC::BadObjectState' }],
    ['500', { status: 500 }],
    ['502 after it was done', { status: 502, after: 'apply' }],
    ['no answer', { status: 'timeout' }],
    ['no answer after it was done', { status: 'timeout', after: 'apply' }],
    ['a broken connection', { status: 'drop-response' }],
    ['a broken connection after it was done', { status: 'drop-response', after: 'apply' }],
  ]

  it.each(faults.flatMap(([name, fault]) => [true, false].map((isThere) => ({ name, fault, isThere }))))(
    '$name, where the branch is there: $isThere',
    async ({ fault, isThere }) => {
      const seed = isThere ? commit({ 'lines.txt': 'zero\n', 'old/gone.txt': 'x', 'README.md': '#' }) : ''
      const change = append('lines.txt', 'one', isThere ? [...more, { path: 'old/gone.txt', content: null }] : more)
      const branches = Array.from({ length: isThere ? 10 : 6 }, (_, index) => `try/${index}`)
      if (isThere) github.git('fetch', '--quiet', '.', ...branches.map((each) => `${BRANCH}:refs/heads/${each}`))

      for (const [index, branch] of branches.entries()) {
        // The last one goes well.
        if (index < branches.length - 1) github.fault({ path: /./, skip: index, ...fault })
        else github.requests.length = 0
        // Long enough for what is answered, on a machine that is busy.
        const timeout = fault.status === 'timeout' ? 1_000 : 10_000
        const { tries, ...done } = await open({ branch, timeout }).update(change, 'One')
        expect(done).toEqual({ commit: expect.any(String), isNew: !isThere, action: 'created' })
        expect(tries > 1).toBe(index < branches.length - 1)
      }
      expect(github.requests).toHaveLength(branches.length - 1)
      const [clean = '', ...others] = github
        .git('for-each-ref', '--format=%(tree) %(parent)', 'refs/heads/try')
        .split('\n')
        .map((line) => line.trim())
      expect(clean).toMatch(isThere ? new RegExp(`^[0-9a-f]{40} ${seed}$`) : /^[0-9a-f]{40}$/)
      expect(others).toEqual(branches.slice(1).map(() => clean))
      expect(show('lines.txt', 'try/0')).toBe(isThere ? 'zero\none' : 'one')
      expect(filesOf('try/0')).toEqual([...(isThere ? ['README.md'] : []), 'lines.txt', 'new/raw.gz', 'new/text.json'])
    },
    60_000,
  )
})

describe('what others do meanwhile', () => {
  const lose: Fault = { method: 'PATCH', path: THE_REF, status: 'drop-response' }

  it('an update lands above it, and only what they changed is asked for again', async () => {
    const before = commit({ 'theirs/a.txt': 'a', 'ours/lines.txt': '', 'still/x.txt': 'x' })
    let other = ''
    github.meanwhile({ method: 'PATCH', path: THE_REF }, () => {
      other = commit({ 'theirs/a.txt': 'b' }, { onto: before })
      github.requests.length = 0
    })
    const read = async (shelf: Shelf): Promise<FileChange[]> => {
      await shelf.list('still')
      return append('ours/lines.txt', 'one', [{ path: 'ours/raw.gz', content: Buffer.from([0, 1]) }])(shelf)
    }
    expect(await open({ random: 0.5 }).update(read, 'One')).toMatchObject({ action: 'created', tries: 2 })
    expect(github.git('rev-parse', `${BRANCH}~1`)).toBe(other)
    expect(show('ours/lines.txt')).toBe('one')
    expect(waits).toEqual([2000])
    expect(github.requests.map(({ method, path }) => `${method} ${path.split('/git/')[1]?.split('/')[0]}`)).toEqual([
      'GET ref',
      'GET commits',
      'GET trees',
      'POST trees',
      'POST commits',
      'PATCH refs',
    ])
  })

  it('it is found below what they put above it, where its answer was lost', async () => {
    commit({ 'lines.txt': '' })
    github.fault({ ...lose, after: 'apply' })
    let ours = ''
    github.meanwhile({ method: 'PATCH', path: THE_REF }, () =>
      github.meanwhile({ method: 'GET', path: REF }, () => {
        ours = tipOf()
        commit({ 'theirs.txt': 'x' }, { onto: ours })
      }),
    )
    expect(await open().update(append('lines.txt', 'one'), 'One')).toEqual({
      commit: ours,
      isNew: false,
      action: 'created',
      tries: 2,
    })
    expect(countOf()).toBe(3)
    expect(show('lines.txt')).toBe('one')
  })

  it('it is not written twice where it is done late, when nobody waits for it any more', async () => {
    commit({ 'lines.txt': '' })
    github.fault(lose)
    github.meanwhile({ method: 'PATCH', path: THE_REF }, () =>
      github.meanwhile({ method: 'PATCH', path: THE_REF }, () => {
        const late = github.requests.find(({ method }) => method === 'PATCH')?.body as { sha: string }
        github.git('update-ref', `refs/heads/${BRANCH}`, late.sha)
      }),
    )
    let asked = 0
    const change = async (shelf: Shelf): Promise<FileChange[]> => {
      asked += 1
      return append('lines.txt', `one, asked ${asked}`)(shelf)
    }
    const done = await open().update(change, 'One')
    expect(done).toEqual({ commit: tipOf(), isNew: false, action: 'created', tries: 3 })
    expect(countOf()).toBe(2)
    expect(show('lines.txt')).toBe('one, asked 1')
  })

  it('the branch is made again where it is deleted, before the update or within it', async () => {
    commit({ 'lines.txt': 'old\n' })
    github.meanwhile({ method: 'PATCH', path: THE_REF }, () => github.git('update-ref', '-d', `refs/heads/${BRANCH}`))
    expect(await open().update(append('lines.txt', 'one'), 'One')).toMatchObject({ isNew: true, tries: 2 })
    expect([countOf(), show('lines.txt')]).toEqual([1, 'one'])

    github.git('update-ref', '-d', `refs/heads/${BRANCH}`)
    expect(await open().update(append('lines.txt', 'two'), 'Two')).toMatchObject({ isNew: true, tries: 1 })
    expect([countOf(), show('lines.txt')]).toEqual([1, 'two'])
  })

  it('it lands on what the branch was forced to', async () => {
    commit({ 'lines.txt': 'old\n' })
    let forced = ''
    github.meanwhile({ method: 'PATCH', path: THE_REF }, () => {
      forced = commit({ 'lines.txt': 'new\n', 'more.txt': '' })
    })
    expect(await open().update(append('lines.txt', 'one'), 'One')).toMatchObject({ isNew: false, tries: 2 })
    expect(github.git('rev-parse', `${BRANCH}~1`)).toBe(forced)
    expect(show('lines.txt')).toBe('new\none')
  })
})

describe('how long it tries', () => {
  it('as often as others are quicker, up to forty times', async () => {
    commit({ 'a.txt': '' })
    const quicker: Fault = { method: 'PATCH', path: THE_REF, status: 422, message: 'Update is not a fast forward' }
    github.fault({ ...quicker, times: 39 })
    expect(await open().update(put({ 'a.txt': 'a' }), 'A')).toMatchObject({ action: 'created', tries: 40 })
    github.fault({ ...quicker, times: 40 })
    await expect(open().update(put({ 'a.txt': 'b' }), 'B')).rejects.toThrow(
      /^Others wrote to the branch at the same moment, in every try \(422 Update is not a fast forward\)/,
    )
    expect(show('a.txt')).toBe('a')
  })

  it('and no longer than three minutes, each time longer', async () => {
    commit({ 'a.txt': '' })
    github.fault({
      method: 'PATCH',
      path: THE_REF,
      status: 422,
      message: 'Update is not a fast forward',
      times: 40,
    })
    await expect(open({ random: 1 }).update(put({ 'a.txt': 'a' }), 'A')).rejects.toThrow('Others wrote to the branch')
    expect(waits.slice(0, 6)).toEqual([4000, 6000, 9000, 13_500, 20_000, 20_000])
    expect(waits.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(180_000)
  })

  it('five times where nobody else moves the branch', async () => {
    commit({ 'a.txt': '' })
    const refused: Fault = { method: 'PATCH', path: THE_REF, status: 422, message: 'Reference cannot be updated' }
    github.fault({ ...refused, times: 4 })
    expect(await open().update(put({ 'a.txt': 'a' }), 'A')).toMatchObject({ tries: 5 })
    github.fault({ ...refused, times: 5 })
    await expect(open().update(put({ 'a.txt': 'b' }), 'B')).rejects.toThrow(
      /does not let the branch be written to \(422 Reference cannot be updated\)/,
    )
    github.fault({ path: REF, status: 502, times: 5 })
    waits = []
    await expect(open().update(put({ 'a.txt': 'b' }), 'B')).rejects.toThrow('GitHub is in trouble (502')
    expect(waits).toEqual([1000, 4000, 16_000, 16_000])
  })

  it('as GitHub asks, where its limits are reached', async () => {
    github.fault({ method: 'POST', path: /\/git\/trees$/, ...secondaryRateLimit(403, 7) })
    github.fault({ method: 'POST', path: /\/git\/commits$/, ...primaryRateLimit(NOW / 1000 + 20) })
    expect(await open({ random: 0.5 }).update(put({ 'a.txt': 'a' }), 'A')).toMatchObject({ tries: 3 })
    expect(waits).toEqual([7000 + 2000, 21_000 + 3000])
    github.fault({ path: REF, ...primaryRateLimit(NOW / 1000 + 1800) })
    await expect(open().update(put({ 'a.txt': 'b' }), 'B')).rejects.toThrow(/rate limit .* can be used again in 1801 s/)
  })
})

describe('what cannot be written is explained, and tried once', () => {
  async function expectRefusal(message: RegExp): Promise<void> {
    github.requests.length = 0
    const refused = await open()
      .update(put({ 'a.txt': 'a' }), 'A')
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ message: expect.stringMatching(message), cause: expect.anything() })
    expect(requests('GET', REF)).toBe(1)
    expect(waits).toEqual([])
  }

  it.each([
    [
      { kind: 'actions', permissions: { contents: 'read' } },
      /^The token is not allowed to do this \(403 Resource not accessible by integration\)\. Add `permissions: contents: write` to the job\./,
    ],
    [{ kind: 'pat', permissions: { pull_requests: 'write' } }, /"Contents: Read and write" \(a fine-grained token\)/],
  ] as const)('a token of %j', async (token, message) => {
    await start({ tokens: { token } })
    await expectRefusal(message)
  })

  it('a repository that is archived', async () => {
    await start({ archived: true })
    await expectRefusal(/^The repository is archived, so nothing can be written to it \(403 Repository was archived/)
  })

  it('a repository that is empty', async () => {
    const empty = createRepository()
    await start({ git: { dir: empty.dir } })
    await expectRefusal(/^The repository is empty \(409 Git Repository is empty\.\)\. Push a first commit\.$/)
    empty.dispose()
  })

  it.each([
    'Repository rule violations found\n\nChanges must be made through a pull request.\n\n',
    'Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n',
    "You're not authorized to push to this branch. Visit https://docs.github.com for more information.",
    'Required status check "test" is expected.',
    'Cannot update this protected ref.',
  ])('a branch under a rule: %s', async (message) => {
    github.fault({ method: 'POST', path: REFS, status: 422, message })
    await expectRefusal(/^GitHub does not let the branch be written to \(422 .*\)\. Take it out of the rulesets/)
  })
})
