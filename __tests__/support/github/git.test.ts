import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { checkOut, createRepository } from '../repository.ts'
import { startGitHub, type GitHub, type GitHubOptions } from './server.ts'

const TOKENS: GitHubOptions['tokens'] = {
  writer: { kind: 'actions', permissions: { contents: 'write' } },
  reader: { kind: 'actions', permissions: { contents: 'read', pull_requests: 'write' } },
  commenter: { kind: 'pat', permissions: { pull_requests: 'write' } },
}
const NOWHERE = 'eeed0456ca0e8d129a91bd4826732ab95a3edbb6'

let github: GitHub

beforeEach(async () => {
  github = await startGitHub({ tokens: TOKENS })
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

async function ask(
  method: string,
  path: string,
  body?: unknown,
  token = 'writer',
): Promise<{ status: number; body: any }> {
  const response = await fetch(`${github.url}/repos/octo-org/shop/${path}`, {
    method,
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

const file = (path: string, content: string) => ({ path, mode: '100644', type: 'blob', content })
const shaOf = async (method: string, path: string, body: unknown): Promise<string> =>
  (await ask(method, path, body)).body.sha
const commitOf = async (tree: string, parents: string[], message = 'Change'): Promise<string> =>
  shaOf('POST', 'git/commits', { message, tree, parents })

describe('a branch', () => {
  it('is made and moved forward, and git has it as it was written', async () => {
    const blob = await shaOf('POST', 'git/blobs', {
      content: Buffer.from([0, 255, 10]).toString('base64'),
      encoding: 'base64',
    })
    const tree = await shaOf('POST', 'git/trees', {
      tree: [file('a/b.txt', 'ä\n'), file('c', ''), { path: 'a/raw', mode: '100644', type: 'blob', sha: blob }],
    })
    const first = await commitOf(tree, [])
    expect(await ask('POST', 'git/refs', { ref: 'refs/heads/data', sha: first })).toMatchObject({
      status: 201,
      body: { ref: 'refs/heads/data', object: { type: 'commit', sha: first } },
    })

    const next = await shaOf('POST', 'git/trees', {
      base_tree: tree,
      tree: [file('a/b.txt', 'b\n'), { path: 'c', mode: '100644', type: 'blob', sha: null }],
    })
    const second = await commitOf(next, [first], 'Another')
    expect((await ask('PATCH', 'git/refs/heads/data', { sha: second })).status).toBe(200)
    expect((await ask('GET', 'git/ref/heads/data')).body.object.sha).toBe(second)

    expect(github.git('log', '--format=%s %an', 'data')).toBe('Another github-actions[bot]\nChange github-actions[bot]')
    expect(github.git('ls-tree', '-r', '--name-only', 'data')).toBe('a/b.txt\na/raw')
    expect(github.git('show', 'data:a/b.txt')).toBe('b')
    expect(github.git('show', 'data~1:a/b.txt')).toBe('ä')
  })

  it('is read as git has it', async () => {
    const commit = github.git('rev-parse', 'main')
    const tree = github.git('rev-parse', 'main^{tree}')
    const blob = github.git('rev-parse', 'main:README.md')
    expect((await ask('GET', `git/commits/${commit}`)).body).toMatchObject({
      sha: commit,
      tree: { sha: tree },
      parents: [],
    })
    for (const recursive of ['', '?recursive=1'])
      expect((await ask('GET', `git/trees/${tree}${recursive}`)).body).toMatchObject({
        sha: tree,
        truncated: false,
        tree: [{ path: 'README.md', mode: '100644', type: 'blob', sha: blob, size: 7 }],
      })
    const { content, ...rest } = (await ask('GET', `git/blobs/${blob}`)).body
    expect(Buffer.from(content, 'base64').toString()).toBe('# Shop\n')
    expect(rest).toMatchObject({ sha: blob, size: 7, encoding: 'base64' })
  })

  it('is only moved forward, and only made once', async () => {
    const main = github.git('rev-parse', 'main')
    const tree = github.git('rev-parse', 'main^{tree}')
    const [one, other] = [await commitOf(tree, [main], 'One'), await commitOf(tree, [main], 'Other')]
    expect((await ask('PATCH', 'git/refs/heads/main', { sha: one })).status).toBe(200)
    expect((await ask('PATCH', 'git/refs/heads/main', { sha: one })).status).toBe(200)
    const refusals = [
      [await ask('PATCH', 'git/refs/heads/main', { sha: other }), 'Update is not a fast forward'],
      [await ask('PATCH', 'git/refs/heads/main', { sha: main, force: false }), 'Update is not a fast forward'],
      [await ask('PATCH', 'git/refs/heads/none', { sha: one }), 'Reference does not exist'],
      [await ask('PATCH', 'git/refs/heads/main', { sha: NOWHERE }), 'Object does not exist'],
      [await ask('PATCH', 'git/refs/heads/main', { sha: tree }), 'Object is not a commit'],
      [await ask('POST', 'git/refs', { ref: 'refs/heads/main', sha: one }), 'Reference already exists'],
      [await ask('POST', 'git/refs', { ref: 'refs/heads/new', sha: NOWHERE }), 'Object does not exist'],
      [await ask('POST', 'git/refs', { ref: 'refs/heads/new', sha: tree }), 'Reference update failed'],
      [await ask('POST', 'git/refs', { ref: 'heads/new', sha: one }), "Reference name must start with 'refs/'."],
    ] as const
    for (const [answer, message] of refusals) expect(answer).toMatchObject({ status: 422, body: { message } })
    expect(github.git('rev-parse', 'main')).toBe(one)
    expect((await ask('PATCH', 'git/refs/heads/main', { sha: other, force: true })).status).toBe(200)
    expect(github.git('for-each-ref', '--format=%(refname) %(objectname)')).toBe(`refs/heads/main ${other}`)
  })

  it('is moved by one of two who move it at the same moment', async () => {
    const main = github.git('rev-parse', 'main')
    const tree = github.git('rev-parse', 'main^{tree}')
    const commits = [await commitOf(tree, [main], 'One'), await commitOf(tree, [main], 'Other')]
    github.rendezvous({ method: 'PATCH', path: /main$/, parties: 2 })
    const answers = await Promise.all(commits.map((sha) => ask('PATCH', 'git/refs/heads/main', { sha })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 422]))
    expect(commits).toContain(github.git('rev-parse', 'main'))
  })
})

describe('what GitHub refuses', () => {
  it('is refused in its words', async () => {
    const main = github.git('rev-parse', 'main')
    const tree = github.git('rev-parse', 'main^{tree}')
    const entry = { path: 'a', mode: '100644', type: 'blob' }
    const refusals = [
      [await ask('POST', 'git/trees', { tree: [file('a', '')], base_tree: main }), 'base_tree is not a valid tree oid'],
      [await ask('POST', 'git/trees', { tree: [entry] }), 'Must supply either tree.sha or tree.content. Request'],
      [
        await ask('POST', 'git/trees', { tree: [{ ...entry, sha: NOWHERE }] }),
        `tree.sha ${NOWHERE} is not a valid blob`,
      ],
      [await ask('POST', 'git/trees', { tree: [{ ...entry, sha: null }], base_tree: tree }), 'GitRPC::BadObjectState'],
      [await ask('POST', 'git/commits', { message: 'm', tree: NOWHERE }), 'Tree SHA does not exist'],
      [await ask('POST', 'git/commits', { message: 'm', tree, parents: [NOWHERE] }), 'Parent SHA does not exist or is'],
    ] as const
    for (const [{ status, body }, message] of refusals) {
      expect(status).toBe(422)
      expect(body.message).toContain(message)
    }
    for (const path of [`git/commits/${tree}`, `git/trees/${NOWHERE}`, `git/blobs/${tree}`, 'git/ref/heads/none'])
      expect(await ask('GET', path)).toMatchObject({ status: 404, body: { message: 'Not Found' } })
  })

  it('is what the token may not do', async () => {
    const main = github.git('rev-parse', 'main')
    expect(await ask('POST', 'git/blobs', { content: '' }, 'reader')).toMatchObject({
      status: 403,
      body: { message: 'Resource not accessible by integration' },
    })
    expect(await ask('PATCH', 'git/refs/heads/main', { sha: main }, 'commenter')).toMatchObject({
      status: 403,
      body: { message: 'Resource not accessible by personal access token' },
    })
    expect((await ask('GET', 'git/ref/heads/main', undefined, 'commenter')).status).toBe(200)

    await github.close()
    github = await startGitHub({ tokens: TOKENS, private: true, archived: true })
    expect((await ask('GET', 'git/ref/heads/main', undefined, 'commenter')).status).toBe(403)
    expect((await ask('GET', 'git/ref/heads/main', undefined, 'reader')).status).toBe(200)
    expect(await ask('POST', 'git/blobs', { content: '' })).toMatchObject({
      status: 403,
      body: { message: 'Repository was archived so is read-only.' },
    })
  })

  it('is anything in an empty repository', async () => {
    const repository = createRepository()
    await github.close()
    github = await startGitHub({ tokens: TOKENS, git: { dir: repository.dir } })
    const empty = { status: 409, body: { message: 'Git Repository is empty.' } }
    expect(await ask('GET', 'git/ref/heads/main')).toMatchObject(empty)
    expect(await ask('POST', 'git/trees', { tree: [file('a', '')] })).toMatchObject(empty)
    expect(await ask('GET', 'commits')).toMatchObject(empty)
    expect(await ask('GET', 'tags')).toEqual({ status: 200, body: [] })
    repository.dispose()
  })
})

describe('the history', () => {
  it('is listed, and so are the tags, of the repository that a checkout was cloned from', async () => {
    const origin = createRepository()
    const commits = [1, 2, 3].map((each) => origin.commit({ a: String(each) }, `Commit ${each}`))
    origin.git('tag', 'v1.0.0', commits[0]!)
    origin.git('tag', '--annotate', '--message=Two', 'v2.0.0', commits[1]!)
    const checkout = checkOut(origin, 'main')
    await github.close()
    github = await startGitHub({ tokens: TOKENS, git: { dir: origin.dir } })

    const listed = (await ask('GET', `commits?sha=${checkout.git('rev-parse', 'HEAD')}&per_page=2`)).body
    expect(listed).toMatchObject([
      { sha: commits[2], commit: { message: 'Commit 3' }, parents: [{ sha: commits[1] }] },
      { sha: commits[1] },
    ])
    expect((await ask('GET', 'commits?sha=main&page=2&per_page=2')).body).toMatchObject([{ sha: commits[0] }])
    expect((await ask('GET', `commits?sha=${NOWHERE}`)).status).toBe(404)
    expect((await ask('GET', 'tags')).body).toMatchObject([
      { name: 'v2.0.0', commit: { sha: commits[1] } },
      { name: 'v1.0.0', commit: { sha: commits[0] } },
    ])
    origin.dispose()
    checkout.dispose()
  })
})
