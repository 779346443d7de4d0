import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { markerOf, upsertComment, type CommentOutcome, type StickyComment } from '../../src/github/comment.ts'
import { openGitHub } from '../../src/github/octokit.ts'
import {
  primaryRateLimit,
  secondaryRateLimit,
  startGitHub,
  type Fault,
  type GitHub,
  type GitHubOptions,
} from '../support/github/server.ts'

const NOW = Date.UTC(2026, 0, 2)
const COMMENTS = /\/issues\/1\/comments$/
const ANY_COMMENT = /\/issues\/comments\/\d+$/
const BOT = 'github-actions[bot]'

let github: GitHub
let waits: number[]

async function start(options: GitHubOptions = {}): Promise<void> {
  await github.close()
  github = await startGitHub(options)
}

/** Writes the comment of image `api` with a clock that only notes how long it was to wait. */
function upsert(
  given: Partial<StickyComment> = {},
  { token = 'token', timeout = 5_000 } = {},
): Promise<CommentOutcome> {
  const octokit = openGitHub(token, { baseUrl: github.url, timeout })
  const comment = {
    owner: github.owner,
    repo: github.name,
    number: 1,
    key: 'api',
    bodies: ['### Report'],
    createIfMissing: true,
    ...given,
  }
  const clock = { now: () => NOW, sleep: async (milliseconds: number) => void waits.push(milliseconds) }
  return upsertComment(octokit, comment, clock)
}

const bodies = (): string[] => github.state.comments.map(({ body }) => body)
const marked = (body: string, key = 'api'): string => `${markerOf(key)}\n${body}`
const count = (method: string, path: RegExp): number =>
  github.requests.filter((request) => request.method === method && path.test(request.path)).length

beforeEach(async () => {
  github = await startGitHub()
  waits = []
})

afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

describe('one comment, kept up to date', () => {
  it('is created, then left alone, then updated', async () => {
    const created = await upsert()
    expect(created).toEqual({
      action: 'created',
      url: expect.stringMatching(/^https:\/\/github\.com\/octo-org\/shop\/pull\/1#issuecomment-\d+$/),
      removed: 0,
    })
    expect(await upsert()).toEqual({ ...created, action: 'unchanged' })
    expect(count('PATCH', ANY_COMMENT)).toBe(0)

    expect(await upsert({ bodies: ['### Another report'] })).toEqual({ ...created, action: 'updated' })
    expect(bodies()).toEqual([marked('### Another report')])
  })

  it('is not created where none is wanted, but one that is there is updated', async () => {
    expect(await upsert({ createIfMissing: false })).toEqual({ action: 'none', url: null, removed: 0 })
    expect(bodies()).toEqual([])

    await upsert()
    expect((await upsert({ createIfMissing: false, bodies: ['new'] })).action).toBe('updated')
    expect(bodies()).toEqual([marked('new')])
  })

  it.each([0, 99, 100, 150, 250])('is found behind %i other comments', async (others) => {
    for (let index = 0; index < others; index += 1) github.comment({ number: 1, login: 'reviewer', body: `${index}` })
    const ours = github.comment({ number: 1, login: BOT, body: marked('old') })

    expect((await upsert({ bodies: ['new'] })).action).toBe('updated')
    expect(ours.body).toBe(marked('new'))
    expect(github.state.comments).toHaveLength(others + 1)
  })

  it('counts as equal when only line ends and trailing space differ', async () => {
    github.comment({ number: 1, login: BOT, body: `${marked('one\ntwo').replaceAll('\n', '\r\n')}\r\n` })
    expect((await upsert({ bodies: ['one\ntwo'] })).action).toBe('unchanged')
  })

  it('stays on its own pull request', async () => {
    await start({ pullRequests: [{ number: 1 }, { number: 2 }] })
    await upsert({ number: 2 })
    await upsert({ number: 1 })
    expect(github.state.comments.map(({ number }) => number)).toEqual([2, 1])
  })
})

describe('whose comment it is', () => {
  it.each([
    ['the job', { kind: 'actions', permissions: { pull_requests: 'write' } }, BOT],
    ['a GitHub App', { kind: 'app', login: 'size-police', permissions: { issues: 'write' } }, 'size-police[bot]'],
    ['a user', { kind: 'pat', login: 'mona', permissions: { pull_requests: 'write' } }, 'mona'],
  ] as const)('with the token of %s it is found again', async (_, token, login) => {
    await start({ tokens: { token } })
    await upsert()
    expect((await upsert({ bodies: ['new'] })).action).toBe('updated')
    expect(github.state.comments).toMatchObject([{ login, body: marked('new') }])
  })

  it("never touches another author's copy of the marker", async () => {
    const forged = github.comment({ number: 1, login: 'mallory', body: marked('### Report') })
    const botLike = github.comment({ number: 1, login: 'github-actions', body: marked('All is well') })

    expect((await upsert()).action).toBe('created')
    expect((await upsert({ bodies: ['new'] })).action).toBe('updated')
    expect(bodies()).toEqual([forged.body, botLike.body, marked('new')])
  })

  it('is not fooled by a marker that one of our own comments quotes', async () => {
    await upsert({ key: 'worker', bodies: [`\`${markerOf('api')}\`\n${markerOf('api')}\ntext`] })
    expect((await upsert()).action).toBe('created')
    expect(github.state.comments).toHaveLength(2)
  })

  it.each([
    ['a--><b>', 'a'],
    ['x%2Fy', 'x/y'],
    ['a-', 'a--'],
    ['a b', 'a+b'],
    ['API', 'api'],
    ['ü', 'u\u0308'],
    ['--!>', '-'],
    ['two\nlines', 'two lines'],
    ['\uD800', 'ok'],
  ])('keeps the comments of images %j and %j apart', async (one, other) => {
    await upsert({ key: one, bodies: ['one'] })
    await upsert({ key: other, bodies: ['other'] })
    expect((await upsert({ key: one, bodies: ['one, again'] })).action).toBe('updated')
    expect((await upsert({ key: other, bodies: ['other'] })).action).toBe('unchanged')
    expect(bodies()).toEqual([marked('one, again', one), marked('other', other)])
  })

  it.each(['a--><img src=x>', '--!>', '>', '->', 'a\r\n-->', '\u2028-->', '--', '---->'])(
    'is one HTML comment of one line for the name %j',
    (key) => {
      expect(markerOf(key)).toMatch(/^<!-- (?:(?!--|>)[\x20-\x7e])+ -->$/)
    },
  )
})

describe('more than one of our own', () => {
  it('keeps the oldest, brings it up to date and deletes the others', async () => {
    const oldest = github.comment({ number: 1, login: BOT, body: marked('first') })
    github.comment({ number: 1, login: 'reviewer', body: 'hm' })
    github.comment({ number: 1, login: BOT, body: marked('second') })
    github.comment({ number: 1, login: BOT, body: marked('of another image', 'worker') })
    github.comment({ number: 1, login: BOT, body: marked('third') })

    const outcome = await upsert({ bodies: ['now'] })
    expect(outcome).toMatchObject({ action: 'updated', removed: 2 })
    expect(outcome.url).toContain(String(oldest.id))
    expect(bodies()).toEqual([marked('now'), 'hm', marked('of another image', 'worker')])
  })

  it.each([2, 3])('leaves one when %i jobs write at the same moment', async (parties) => {
    github.rendezvous({ method: 'POST', path: COMMENTS, parties })
    const jobs = Array.from({ length: parties }, (_, index) => upsert({ bodies: [`of job ${index}`] }))
    const outcomes = await Promise.all(jobs)

    expect(count('POST', COMMENTS)).toBe(parties)
    expect(github.state.comments).toHaveLength(1)
    const [left] = github.state.comments
    expect(new Set(outcomes.map(({ url }) => url))).toEqual(new Set([expect.stringContaining(String(left?.id))]))
  })

  it('writes a new one when someone deletes the comment between the look and the write', async () => {
    await upsert({ bodies: ['old'] })
    github.meanwhile({ method: 'PATCH', path: ANY_COMMENT }, () => github.state.comments.splice(0))
    expect((await upsert({ bodies: ['new'] })).action).toBe('created')
    expect(bodies()).toEqual([marked('new')])
    expect(waits).toEqual([0])
  })

  it('takes it as done when someone else deletes the surplus first', async () => {
    github.comment({ number: 1, login: BOT, body: marked('first') })
    github.comment({ number: 1, login: BOT, body: marked('second') })
    github.meanwhile({ method: 'DELETE', path: ANY_COMMENT }, () => github.state.comments.splice(1))
    expect(await upsert({ bodies: ['new'] })).toMatchObject({ action: 'updated', removed: 0 })
    expect(bodies()).toEqual([marked('new')])
    expect(waits).toEqual([])
  })
})

describe('length', () => {
  const full = `full ${'x'.repeat(65_536)}`

  it('uses the first body that fits, the marker included', async () => {
    const exactly = 'y'.repeat(65_536 - marked('').length)
    await upsert({ bodies: [full, `${exactly}y`, exactly, 'minimal'] })
    expect(bodies()).toEqual([marked(exactly)])
    expect(count('POST', COMMENTS)).toBe(1)
  })

  it('falls to the next shorter one when GitHub refuses the length, in a new and in an existing comment', async () => {
    const refuse: Fault = { path: COMMENTS, method: 'POST', status: 422, message: 'Validation Failed' }
    github.fault(refuse)
    expect((await upsert({ bodies: ['full', 'short'] })).action).toBe('created')
    expect(bodies()).toEqual([marked('short')])

    github.fault({ ...refuse, method: 'PATCH', path: ANY_COMMENT })
    expect((await upsert({ bodies: ['new full', 'new short'] })).action).toBe('updated')
    expect(bodies()).toEqual([marked('new short')])
  })

  it('explains when not even the shortest is taken', async () => {
    await expect(upsert({ bodies: [full] })).rejects.toThrow('short enough for GitHub')
    github.fault({ path: COMMENTS, method: 'POST', status: 422, times: 2, message: 'Validation Failed' })
    await expect(upsert({ bodies: ['full', 'short'] })).rejects.toThrow('422 Validation Failed')
    expect(bodies()).toEqual([])
  })
})

describe('what passes', () => {
  it.each([500, 502, 503, 504])('tries again after %i', async (status) => {
    github.fault({ path: COMMENTS, status, times: 2 })
    expect((await upsert()).action).toBe('created')
    expect(waits).toEqual([1000, 4000])
    expect(github.state.comments).toHaveLength(1)
  })

  it.each([
    ['429 with retry-after', secondaryRateLimit(429, 7), 7000],
    ['403 with retry-after', secondaryRateLimit(403, 60), 60_000],
    ['403 that only says so', secondaryRateLimit(403, null), 60_000],
    ['the primary limit, soon reset', primaryRateLimit(NOW / 1000 + 20), 21_000],
    ['the primary limit, reset by now', primaryRateLimit(NOW / 1000 - 20), 1000],
  ])('waits as long as GitHub asks: %s', async (_, limit, wait) => {
    github.fault({ method: 'POST', path: COMMENTS, ...limit })
    expect((await upsert()).action).toBe('created')
    expect(waits).toEqual([wait])
  })

  it('waits as long as a server in trouble asks', async () => {
    github.fault({ path: COMMENTS, status: 503, headers: { 'retry-after': '9' } })
    await upsert()
    expect(waits).toEqual([9000])
  })

  it("waits for GraphQL's limit, which comes with status 200", async () => {
    github.comment({ number: 1, login: BOT, body: marked('old') })
    const body = { data: null, errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] }
    github.fault({ path: /^\/graphql$/, body, ...primaryRateLimit(NOW / 1000 + 5), status: 200 })
    expect((await upsert()).action).toBe('updated')
    expect(waits).toEqual([6000])
  })

  it.each([
    ['the secondary limit', secondaryRateLimit(429, 61)],
    ['the primary limit', primaryRateLimit(NOW / 1000 + 1800)],
  ])('gives up at once when %s asks for more than a minute', async (_, limit) => {
    github.fault({ path: COMMENTS, ...limit })
    await expect(upsert()).rejects.toThrow(/rate limit .* can be used again in (61|1801) s/)
    expect(waits).toEqual([])
  })

  it('gives up after three tries', async () => {
    github.fault({ path: COMMENTS, status: 502, times: 99 })
    await expect(upsert()).rejects.toThrow('GitHub is in trouble (502')
    expect(count('GET', COMMENTS)).toBe(3)
    expect(waits).toEqual([1000, 4000])
  })

  it.each(['drop-response', 502, 'timeout'] as const)(
    'does not write a second comment when the answer to the first is lost (%s)',
    async (status) => {
      github.fault({ method: 'POST', path: COMMENTS, status, after: 'apply' })
      expect(await upsert({}, { timeout: 300 })).toMatchObject({ action: 'created', removed: 0 })
      expect(bodies()).toEqual([marked('### Report')])
    },
  )

  it('reports an update whose answer is lost as one', async () => {
    await upsert({ bodies: ['old'] })
    github.fault({ method: 'PATCH', path: ANY_COMMENT, status: 'drop-response', after: 'apply' })
    expect((await upsert({ bodies: ['new'] })).action).toBe('updated')
    expect(bodies()).toEqual([marked('new')])
  })

  it('tries again when the connection breaks before anything happened', async () => {
    github.fault({ path: COMMENTS, status: 'drop-response' })
    github.fault({ path: /^\/graphql$/, status: 'drop-response' })
    github.comment({ number: 1, login: BOT, body: marked('old') })
    expect((await upsert()).action).toBe('updated')
    expect(waits).toEqual([1000, 4000])
  })

  it('still reports the comment when only the clean-up fails', async () => {
    github.comment({ number: 1, login: BOT, body: marked('first') })
    github.comment({ number: 1, login: BOT, body: marked('second') })
    github.fault({ method: 'DELETE', path: ANY_COMMENT, status: 403, message: 'Forbidden' })
    expect(await upsert()).toMatchObject({ action: 'updated', url: expect.any(String), removed: 0 })
  })
})

describe('what does not pass', () => {
  it.each([
    ['actions', /403 Resource not accessible by integration.*`permissions: pull-requests: write`.*fork.*read-only/],
    ['pat', /403 Resource not accessible by personal access token.*Pull requests: Read and write/],
  ] as const)('names the permission that the token lacks: %s', async (kind, message) => {
    await start({ tokens: { token: { kind, permissions: { pull_requests: 'read', contents: 'read' } } } })
    await expect(upsert()).rejects.toThrow(message)
    expect(count('POST', COMMENTS)).toBe(1)
    expect(waits).toEqual([])
  })

  it('names it also where the token cannot even read', async () => {
    await start({ private: true, tokens: { token: { kind: 'actions', permissions: { contents: 'read' } } } })
    await expect(upsert()).rejects.toThrow('`permissions: pull-requests: write`')
  })

  it('names the input when the token is not accepted', async () => {
    await expect(upsert({}, { token: 'stale' })).rejects.toThrow(/401 Bad credentials.*`github-token`/)
  })

  it('says that the pull request is not there', async () => {
    await expect(upsert({ number: 404 })).rejects.toThrow(/does not find the pull request \(404 Not Found\)/)
    await expect(upsert({ repo: 'elsewhere' })).rejects.toThrow(/404/)
  })

  it('says that the conversation is locked', async () => {
    const message = 'Unable to create comment because issue is locked.'
    github.fault({ method: 'POST', path: COMMENTS, status: 403, message })
    await expect(upsert()).rejects.toThrow(/conversation is locked.*Unlock/)
  })

  it("says that there is no server, and keeps a proxy's page to one line", async () => {
    const { url } = github
    await github.close()
    await expect(
      upsertComment(
        openGitHub('token', { baseUrl: url }),
        { owner: 'o', repo: 'r', number: 1, key: 'api', bodies: ['x'], createIfMissing: true },
        { now: () => NOW, sleep: async () => {} },
      ),
    ).rejects.toThrow(/^GitHub could not be reached: .*\.$/)
    github = await startGitHub()
    github.fault({ path: COMMENTS, status: 502, times: 3, message: `<html>\n<b>Bad\tgateway</b>${'.'.repeat(500)}` })
    const error = await upsert().catch((thrown: unknown) => thrown)
    expect((error as Error).message).toMatch(/^GitHub is in trouble \(502 <html> <b>Bad gateway<\/b>[^\n]{0,220}$/)
  })
})
