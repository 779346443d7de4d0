import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startGitHub, type GitHub } from './server.ts'

let github: GitHub

beforeEach(async () => {
  github = await startGitHub({
    tokens: {
      job: { kind: 'actions', permissions: { pull_requests: 'write' } },
      user: { kind: 'pat', login: 'mona' },
    },
    pullRequests: [{ number: 1, labels: ['bug', 'image-budget: accept'] }],
  })
})

afterEach(() => github.close())

async function ask(
  method: string,
  path: string,
  body?: unknown,
  token = 'job',
): Promise<{ status: number; body: any; link: string | null }> {
  const response = await fetch(`${github.url}${path}`, {
    method,
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text), link: response.headers.get('link') }
}

const COMMENTS = '/repos/octo-org/shop/issues/1/comments'

describe('the stand-in refuses what GitHub does not know', () => {
  it.each([
    ['an unknown key', 'POST', COMMENTS, { body: 'x', bodi: 'y' }, 'body/bodi is not a key that GitHub knows'],
    ['a missing key', 'POST', COMMENTS, {}, "must have required property 'body'"],
    ['a wrong type', 'POST', COMMENTS, { body: 1 }, 'body/body must be string'],
    ['no body', 'POST', COMMENTS, undefined, 'body is missing'],
    ['a body where none is expected', 'DELETE', '/repos/octo-org/shop/issues/comments/1', {}, 'body is not expected'],
    ['an unknown path', 'GET', '/repos/octo-org/shop/issue/1/comments', undefined, 'is not in the description'],
    ['an unknown method', 'PUT', COMMENTS, { body: 'x' }, 'is not in the description'],
    [
      'a path of the wrong type',
      'GET',
      '/repos/octo-org/shop/issues/one/comments',
      undefined,
      'issue_number must be integer',
    ],
    ['an unknown parameter', 'GET', `${COMMENTS}?pages=2`, undefined, 'query parameter pages'],
    ['a parameter of the wrong type', 'GET', `${COMMENTS}?page=two`, undefined, 'page must be integer'],
    ['another GraphQL query', 'POST', '/graphql', { query: '{ viewer { email } }' }, 'a query that is not known'],
  ])('%s', async (_, method, path, body, violation) => {
    expect((await ask(method, path, body)).status).toBe(500)
    expect(github.violations).toEqual([expect.stringContaining(violation)])
    expect(github.state.comments).toEqual([])
  })

  it('a response of its own that breaks the description', async () => {
    github.comment({ number: 1, login: 'mona', body: 7 as unknown as string })
    expect((await ask('GET', COMMENTS)).status).toBe(500)
    expect(github.violations).toEqual([expect.stringContaining('own response: response/0/body must be string')])
  })
})

describe('what it does serve keeps to the description', () => {
  afterEach(() => expect(github.violations).toEqual([]))

  it('a comment from creation to deletion', async () => {
    const created = await ask('POST', COMMENTS, { body: 'hello' })
    expect(created).toMatchObject({
      status: 201,
      body: {
        body: 'hello',
        user: { login: 'github-actions[bot]', type: 'Bot' },
        performed_via_github_app: { slug: 'github-actions' },
      },
    })
    const one = `/repos/octo-org/shop/issues/comments/${created.body.id}`
    expect(await ask('PATCH', one, { body: 'bye' })).toMatchObject({ status: 200, body: { body: 'bye' } })
    expect(await ask('GET', one)).toMatchObject({ status: 200, body: { body: 'bye' } })
    expect((await ask('DELETE', one)).status).toBe(204)
    expect((await ask('GET', one)).status).toBe(404)
  })

  it('pages of 30, of what was asked for, and of at most 100, linked as GitHub links them', async () => {
    for (let index = 0; index < 130; index += 1) github.comment({ number: 1, login: 'mona', body: `${index}` })
    expect((await ask('GET', COMMENTS)).body).toHaveLength(30)
    expect((await ask('GET', `${COMMENTS}?per_page=500`)).body).toHaveLength(100)
    const middle = await ask('GET', `${COMMENTS}?per_page=50&page=2`)
    expect(middle.body.map((comment: { body: string }) => comment.body)).toEqual(
      Array.from({ length: 50 }, (_, index) => `${index + 50}`),
    )
    const next = /<([^>]+)>; rel="next"/.exec(middle.link ?? '')?.[1] ?? ''
    expect((await ask('GET', next.slice(github.url.length))).body).toHaveLength(30)
    expect((await ask('GET', `${COMMENTS}?per_page=50&page=4`)).body).toEqual([])
  })

  it('pull request, labels, limits and the user, who is closed to the token of a job', async () => {
    const pull = await ask('GET', '/repos/octo-org/shop/pulls/1')
    expect(pull).toMatchObject({
      status: 200,
      body: { number: 1, base: { ref: 'main', repo: { full_name: 'octo-org/shop' } }, labels: [{ name: 'bug' }, {}] },
    })
    const labels = await ask('GET', '/repos/octo-org/shop/issues/1/labels')
    expect(labels.body).toMatchObject([{ name: 'bug' }, { name: 'image-budget: accept' }])
    expect((await ask('GET', '/rate_limit')).status).toBe(200)
    expect((await ask('GET', '/user')).status).toBe(403)
    expect((await ask('GET', '/user', undefined, 'user')).body).toMatchObject({ login: 'mona' })
    expect((await ask('GET', '/user', undefined, 'nobody')).status).toBe(401)
  })

  it("refusals in GitHub's own form", async () => {
    expect((await ask('POST', COMMENTS, { body: 'x' }, 'user')).body).toMatchObject({
      message: 'Resource not accessible by personal access token',
      status: '403',
    })
    expect((await ask('POST', COMMENTS, { body: '😀'.repeat(65_536) })).status).toBe(201)
    expect(await ask('POST', COMMENTS, { body: 'x'.repeat(65_537) })).toMatchObject({
      status: 422,
      body: { message: 'Validation Failed', errors: [{ message: 'Body is too long (maximum is 65536 characters)' }] },
    })
    expect((await ask('GET', '/repos/octo-org/shop/issues/2/comments')).status).toBe(404)
  })
})
