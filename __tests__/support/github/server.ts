/**
 * A stand-in for GitHub at the HTTP boundary: a server on this machine that keeps a repository with its pull requests,
 * comments and git (`git.ts`), knows what a token may do, has rate limits and faults on demand, and holds every request
 * and each of its own responses against GitHub's OpenAPI description. What breaks it is answered with 500 and kept in
 * `violations`: a test ends with `expect(github.violations).toEqual([])`.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { payload, type JsonObject } from '../payload.ts'
import { failure, loginOf, notFound, slugOf, type Answer, type Asked, type Handler, type Token } from './answers.ts'
import { serveGit } from './git.ts'
import { findOperation, requestProblems, responseProblems, type Operation } from './openapi.ts'

export type { Token }

export type PullRequest = {
  number: number
  title: string
  state: 'open' | 'closed'
  head: { ref: string; sha: string; /** `owner/name`; another one than the base's: a fork. */ repository: string }
  base: { ref: string; sha: string }
  labels: string[]
}

export type Comment = {
  id: number
  /** The pull request's number. */
  number: number
  body: string
  /** The author as REST names it: a bot ends with `[bot]`. */
  login: string
  /** Slug of the app that wrote it, or null. */
  app: string | null
  /** When it was created, ISO 8601. */
  at: string
}

/** A label that was set on a pull request, or taken off. */
export type LabelEvent = {
  id: number
  number: number
  event: 'labeled' | 'unlabeled'
  label: string
  login: string
  /** ISO 8601, to the second. */
  at: string
}

/** A request as it came, and how it was answered. */
export type RecordedRequest = {
  method: string
  /** As sent, without the query. */
  path: string
  query: Record<string, string>
  body: unknown
  /** Who asked; null: without a token that is known. */
  login: string | null
  /** Null: the client never had an answer. */
  status: number | null
}

/** Something that goes wrong, for the next `times` requests that match. */
export type Fault = {
  method?: string
  /** Matched against the path without its query. */
  path: RegExp
  /** A status to answer with; `drop-response`: the connection is cut; `timeout`: nothing is ever answered. */
  status: number | 'drop-response' | 'timeout'
  /** 1 unless given. */
  times?: number
  /** So many requests that match go well before. 0 unless given. */
  skip?: number
  /** `apply`: the request has its effect, and only the answer is lost or bad. Otherwise it has none. */
  after?: 'apply'
  headers?: Record<string, string>
  message?: string
  /** The whole body, instead of an error with `message`. */
  body?: unknown
}

export type GitHubOptions = {
  owner?: string
  name?: string
  /** A private repository cannot be read without permission. False unless given. */
  private?: boolean
  /** An archived repository can be read, and nothing else. False unless given. */
  archived?: boolean
  /** Folder of the git repository that it serves, bare or not. Unless given, one with a commit on `main` is made when it is needed. */
  git?: { dir: string }
  tokens?: Record<string, Token>
  pullRequests?: (Partial<PullRequest> & { number: number })[]
  /** Files of other repositories, `owner/name/path`, that any token can read. */
  elsewhere?: Record<string, string>
  /** Milliseconds that each answer is held back. None unless given. */
  latency?: number
}

export type GitHub = {
  /** Base URL of REST (`GITHUB_API_URL`); GraphQL is at `/graphql` below it. */
  url: string
  owner: string
  name: string
  state: { pullRequests: PullRequest[]; comments: Comment[]; events: LabelEvent[] }
  requests: RecordedRequest[]
  /** Runs git in the repository that is served, and gives its output, trimmed; throws where it fails. */
  git(...args: string[]): string
  /** That repository's folder. */
  gitDir(): string
  /** What broke GitHub's own description, one sentence each; empty when all is well. */
  violations: string[]
  fault(fault: Fault): void
  /** Holds requests that match until `parties` of them are there, then lets them go together: a race, every time. */
  rendezvous(match: { method: string; path: RegExp; parties: number }): void
  /** Does something just before the next request that matches is served: what others do between two of ours. */
  meanwhile(match: { method: string; path: RegExp }, act: () => void): void
  /** Puts a comment there as if someone had written it, now unless `at` says when; returns it. */
  comment(comment: { number: number; login: string; body: string; app?: string; at?: string }): Comment
  /** Sets a label as if someone had, now unless `at` says when; or takes it off. */
  label(label: Partial<LabelEvent> & { label: string; login: string }): LabelEvent
  close(): Promise<void>
}

/** The primary rate limit used up, to be had again at `reset` (seconds since the epoch). */
export function primaryRateLimit(reset: number): Pick<Fault, 'status' | 'headers' | 'message'> {
  return {
    status: 403,
    headers: { 'x-ratelimit-limit': '1000', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) },
    message: 'API rate limit exceeded for installation ID 1234.',
  }
}

/** The secondary rate limit: too much at once. `retryAfter` in seconds; null: GitHub does not say, as it sometimes does not. */
export function secondaryRateLimit(
  status: 403 | 429,
  retryAfter: number | null,
): Pick<Fault, 'status' | 'headers' | 'message'> {
  return {
    status,
    headers: retryAfter === null ? {} : { 'retry-after': String(retryAfter) },
    message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
  }
}

/** Most characters of a comment's body. */
const LONGEST_BODY = 65_536
const REPOSITORY_ID = 186853002
const RATE_LIMIT_HEADERS = {
  'x-ratelimit-limit': '5000',
  'x-ratelimit-remaining': '4990',
  'x-ratelimit-reset': '1893456000',
}
/** Keys of a pull request that a list of them does not have. */
const OF_ONE_PULL_REQUEST = new Set(
  `merged mergeable rebaseable mergeable_state merged_by comments review_comments maintainer_can_modify commits additions deletions
  changed_files`.split(/\s+/),
)
/** What a permission is for. */
type Area = 'conversation' | 'contents'

function refused(token: Token, area: Area, access: 'read' | 'write'): Answer {
  const who = token.kind === 'pat' ? 'personal access token' : 'integration'
  const accepted = area === 'contents' ? `contents=${access}` : 'issues=write; pull_requests=write'
  return {
    ...failure(403, `Resource not accessible by ${who}`),
    headers: { 'x-accepted-github-permissions': accepted },
  }
}

function simpleUser(login: string): Record<string, unknown> {
  const url = `https://api.github.com/users/${encodeURIComponent(login)}`
  const id = Array.from(login).reduce((sum, character) => sum * 31 + (character.codePointAt(0) ?? 0), 7) % 100_000_000
  return {
    login,
    id,
    node_id: `U_${id}`,
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: '',
    url,
    html_url: `https://github.com/${encodeURIComponent(login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: login.endsWith('[bot]') ? 'Bot' : 'User',
    site_admin: false,
  }
}

function integration(slug: string): Record<string, unknown> {
  return {
    id: 15368,
    slug,
    node_id: 'A_15368',
    owner: simpleUser('github'),
    name: slug,
    description: null,
    external_url: 'https://github.com/features/actions',
    html_url: `https://github.com/apps/${slug}`,
    created_at: '2018-07-30T09:30:17Z',
    updated_at: '2019-12-10T19:04:12Z',
    permissions: { issues: 'write', metadata: 'read' },
    events: [],
  }
}

/** GitHub's own refusal of a body, or null. It counts characters, not UTF-16 units. */
function refusedBody(body: string): Answer | null {
  const problem =
    body.trim() === ''
      ? 'Body cannot be blank'
      : Array.from(body).length > LONGEST_BODY
        ? `Body is too long (maximum is ${LONGEST_BODY} characters)`
        : null
  if (problem === null) return null
  const error = { resource: 'IssueComment', code: 'unprocessable', field: 'data', message: problem }
  return failure(422, 'Validation Failed', { errors: [error] })
}

/** As GitHub says times. */
function nowInSeconds(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Starts the stand-in on a free port of 127.0.0.1. Without options: the public repository `octo-org/shop` with the open
 * pull request 1, and the token `token` of a job that may write to pull requests.
 */
export async function startGitHub(options: GitHubOptions = {}): Promise<GitHub> {
  const { owner = 'octo-org', name = 'shop' } = options
  const isPrivate = options.private ?? false
  const isArchived = options.archived ?? false
  const tokens: Record<string, Token> = options.tokens ?? {
    token: { kind: 'actions', permissions: { pull_requests: 'write', contents: 'read' } },
  }
  const defaultPullRequest = (): PullRequest => ({
    number: 0,
    title: 'Add a dependency',
    state: 'open',
    head: { ref: 'feature', sha: 'd4e5f6a0'.repeat(5), repository: `${owner}/${name}` },
    base: { ref: 'main', sha: 'a1b2c3d0'.repeat(5) },
    labels: [],
  })
  const state: GitHub['state'] = {
    pullRequests: (options.pullRequests ?? [{ number: 1 }]).map((given) => Object.assign(defaultPullRequest(), given)),
    comments: [],
    events: [],
  }
  const requests: RecordedRequest[] = []
  const violations: string[] = []
  const faults: { fault: Fault; left: number; skip: number }[] = []
  const meetings: { method: string; path: RegExp; parties: number; waiting: (() => void)[] }[] = []
  const interludes: { method: string; path: RegExp; act: () => void }[] = []
  let nextId = 1_000_001
  let url = ''

  const addComment: GitHub['comment'] = ({ number, login, body, app, at }) => {
    const comment = { id: nextId++, number, login, body, app: app ?? null, at: at ?? nowInSeconds() }
    state.comments.push(comment)
    return comment
  }

  const addLabel: GitHub['label'] = (given) => {
    const event: LabelEvent = { id: nextId++, number: 1, event: 'labeled', at: nowInSeconds(), ...given }
    state.events.push(event)
    return event
  }

  function restEvent({ id, event, label, login, at }: LabelEvent): unknown {
    return {
      id,
      node_id: `LE_${id}`,
      url: `${url}/repos/${owner}/${name}/issues/events/${id}`,
      actor: simpleUser(login),
      event,
      commit_id: null,
      commit_url: null,
      created_at: at,
      label: { name: label, color: 'd73a4a' },
      performed_via_github_app: null,
    }
  }

  function restComment(comment: Comment): unknown {
    const base = `${url}/repos/${owner}/${name}/issues`
    return {
      url: `${base}/comments/${comment.id}`,
      html_url: `https://github.com/${owner}/${name}/pull/${comment.number}#issuecomment-${comment.id}`,
      issue_url: `${base}/${comment.number}`,
      id: comment.id,
      node_id: `IC_${comment.id}`,
      user: simpleUser(comment.login),
      created_at: comment.at,
      updated_at: comment.at,
      body: comment.body,
      author_association: comment.login.endsWith('[bot]') ? 'NONE' : 'CONTRIBUTOR',
      performed_via_github_app: comment.app === null ? null : integration(comment.app),
    }
  }

  function restLabel(label: string, index: number): unknown {
    const at = `${url}/repos/${owner}/${name}/labels/${encodeURIComponent(label)}`
    return {
      id: index + 1,
      node_id: `LA_${index + 1}`,
      url: at,
      name: label,
      color: 'd73a4a',
      default: false,
      description: null,
    }
  }

  /** A payload's pull request has the form of REST's. */
  function restPullRequest(pullRequest: PullRequest): unknown {
    const { number, title, labels, base, head } = pullRequest
    const [headOwner = '', headName = ''] = head.repository.split('/')
    const event = payload('pull_request.synchronize', {
      number,
      repository: { full_name: `${owner}/${name}` },
      pull_request: {
        title,
        state: pullRequest.state,
        base: { ...base, label: `${owner}:${base.ref}`, repo: { private: isPrivate } },
        head: {
          ref: head.ref,
          sha: head.sha,
          label: `${headOwner}:${head.ref}`,
          repo: {
            full_name: head.repository,
            name: headName,
            owner: { login: headOwner },
            fork: head.repository !== `${owner}/${name}`,
          },
        },
      },
    })
    // The payload's repositories have a key that REST's have not.
    const text = JSON.stringify(event.payload.pull_request, (key, value: unknown) =>
      key === 'custom_properties' ? undefined : value,
    )
    return { ...(JSON.parse(text) as JsonObject), labels: labels.map(restLabel) }
  }

  /** What a list has of it. */
  function simplePullRequest(pullRequest: PullRequest): unknown {
    return Object.fromEntries(
      Object.entries(restPullRequest(pullRequest) as JsonObject).filter(([key]) => !OF_ONE_PULL_REQUEST.has(key)),
    )
  }

  /** The page of `all` that was asked for, with the Link header that GitHub sends: by the repository's id. */
  function page(all: unknown[], { operation, query }: Asked): Answer {
    const size = Math.min(Number(query.get('per_page') ?? 30) || 30, 100)
    const number = Math.max(Number(query.get('page') ?? 1), 1)
    const last = Math.max(Math.ceil(all.length / size), 1)
    const at = Object.entries(operation.params).reduce(
      (path, [key, value]) => path.replace(`{${key}}`, value),
      operation.template.replace('/repos/{owner}/{repo}', `/repositories/${REPOSITORY_ID}`),
    )
    const link = (to: number, rel: string): string => {
      const parameters = new URLSearchParams(query)
      parameters.set('page', String(to))
      return `<${url}${at}?${parameters.toString()}>; rel="${rel}"`
    }
    const links = [
      ...(number > 1 ? [link(number - 1, 'prev')] : []),
      ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
      ...(number > 1 ? [link(1, 'first')] : []),
    ]
    const body = all.slice((number - 1) * size, number * size)
    return { status: 200, body, ...(links.length > 0 ? { headers: { link: links.join(', ') } } : {}) }
  }

  function may(token: Token, area: Area, access: 'read' | 'write'): boolean {
    if (access === 'read' && !isPrivate) return true
    const { issues, pull_requests: pullRequests, contents } = token.permissions ?? {}
    const granted = new Set(area === 'contents' ? [contents] : [issues, pullRequests])
    return granted.has('write') || (access === 'read' && granted.has('read'))
  }

  function withPullRequest(asked: Asked, reply: (pullRequest: PullRequest) => Answer): Answer {
    const number = Number(asked.operation.params.issue_number ?? asked.operation.params.pull_number)
    const pullRequest = state.pullRequests.find((candidate) => candidate.number === number)
    return pullRequest === undefined ? notFound() : reply(pullRequest)
  }

  function withComment(asked: Asked, reply: (comment: Comment) => Answer): Answer {
    const comment = state.comments.find(({ id }) => id === Number(asked.operation.params.comment_id))
    return comment === undefined ? notFound() : reply(comment)
  }

  const gitServer = serveGit({
    dir: options.git?.dir ?? null,
    api: () => `${url}/repos/${owner}/${name}`,
    html: `https://github.com/${owner}/${name}`,
    page,
  })

  const handlers: Record<string, Handler> = {
    ...gitServer.handlers,
    'issues/list-comments': (asked) =>
      withPullRequest(asked, ({ number }) =>
        page(state.comments.filter((comment) => comment.number === number).map(restComment), asked),
      ),
    'issues/create-comment': (asked) =>
      withPullRequest(asked, ({ number }) => {
        const { body } = asked.body as { body: string }
        const app = slugOf(asked.token)
        const login = loginOf(asked.token)
        return (
          refusedBody(body) ?? {
            status: 201,
            body: restComment(addComment({ number, login, body, ...(app === null ? {} : { app }) })),
          }
        )
      }),
    'issues/get-comment': (asked) => withComment(asked, (comment) => ({ status: 200, body: restComment(comment) })),
    'issues/update-comment': (asked) =>
      withComment(asked, (comment) => {
        const { body } = asked.body as { body: string }
        const refusal = refusedBody(body)
        if (refusal !== null) return refusal
        comment.body = body
        return { status: 200, body: restComment(comment) }
      }),
    'issues/delete-comment': (asked) =>
      withComment(asked, (comment) => {
        state.comments.splice(state.comments.indexOf(comment), 1)
        return { status: 204 }
      }),
    'issues/list-events': (asked) =>
      withPullRequest(asked, ({ number }) =>
        page(state.events.filter((event) => event.number === number).map(restEvent), asked),
      ),
    'issues/list-labels-on-issue': (asked) =>
      withPullRequest(asked, ({ labels }) => page(labels.map(restLabel), asked)),
    'pulls/list': (asked) => {
      const { query } = asked
      const [wanted, head] = [query.get('state') ?? 'open', query.get('head')]
      const listed = state.pullRequests.filter(
        (pull) =>
          (wanted === 'all' || pull.state === wanted) &&
          (head === null || head === `${pull.head.repository.split('/')[0]}:${pull.head.ref}`),
      )
      return page(listed.map(simplePullRequest), asked)
    },
    'pulls/get': (asked) => withPullRequest(asked, (found) => ({ status: 200, body: restPullRequest(found) })),
    'users/get-authenticated': ({ token }) => {
      if (token.kind !== 'pat') return refused(token, 'conversation', 'write')
      const profile = { name: null, company: null, blog: '', location: null, email: null, hireable: null, bio: null }
      const counts = { public_repos: 1, public_gists: 0, followers: 0, following: 0 }
      const times = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' }
      return { status: 200, body: { ...simpleUser(loginOf(token)), ...profile, ...counts, ...times } }
    },
    'rate-limit/get': () => {
      const rate = { limit: 5000, remaining: 4990, reset: 1893456000, used: 10 }
      return { status: 200, body: { resources: { core: rate, search: rate }, rate } }
    },
  }

  function violated(what: string): Answer {
    violations.push(what)
    return failure(500, what)
  }

  /** GraphQL is not in the OpenAPI description: only the one query that is used is known. */
  function graphql(body: unknown, token: Token | undefined): Answer {
    const query = (body as { query?: unknown } | undefined)?.query
    if (typeof query !== 'string' || !/^\s*(?:query\b[^{}]*)?\{\s*viewer\s*\{\s*login\s*\}\s*\}\s*$/.test(query)) {
      return violated(`POST /graphql: a query that is not known: ${String(query)}`)
    }
    if (token === undefined) return failure(401, 'Bad credentials')
    return { status: 200, body: { data: { viewer: { login: loginOf(token) } } } }
  }

  function contentOf({ params }: Operation): Answer {
    const { owner: of = '', repo = '', path = '' } = params
    const text = options.elsewhere?.[`${of}/${repo}/${path}`]
    if (text === undefined) return notFound()
    const bytes = Buffer.from(text)
    const at = `${url}/repos/${of}/${repo}`
    const sha = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
    const html = `https://github.com/${of}/${repo}/blob/main/${path}`
    return {
      status: 200,
      body: {
        type: 'file',
        encoding: 'base64',
        size: bytes.length,
        name: path.split('/').at(-1)!,
        path,
        // In lines, as GitHub has it.
        content: bytes.toString('base64').replaceAll(/.{60}/g, '$&\n'),
        sha,
        url: `${at}/contents/${path}?ref=main`,
        git_url: `${at}/git/blobs/${sha}`,
        html_url: html,
        download_url: `https://raw.githubusercontent.com/${of}/${repo}/main/${path}`,
        _links: { git: `${at}/git/blobs/${sha}`, self: `${at}/contents/${path}?ref=main`, html },
      },
    }
  }

  async function rest(
    operation: Operation,
    query: URLSearchParams,
    body: unknown,
    token: Token | undefined,
  ): Promise<Answer> {
    if (token === undefined) return failure(401, 'Bad credentials')
    const { owner: ownerAsked, repo } = operation.params
    if (operation.id === 'repos/get-content') return contentOf(operation)
    if (ownerAsked !== undefined && (ownerAsked !== owner || repo !== name)) return notFound()
    const access = operation.method === 'GET' ? 'read' : 'write'
    const area = Object.hasOwn(gitServer.handlers, operation.id) ? 'contents' : 'conversation'
    if (ownerAsked !== undefined && !may(token, area, access)) return refused(token, area, access)
    if (isArchived && access === 'write') return failure(403, 'Repository was archived so is read-only.')
    const handler = handlers[operation.id]
    return handler === undefined
      ? violated(`${operation.id} is described, but the stand-in does not do it yet`)
      : handler({ operation, query, body, token })
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET'
    const address = new URL(request.url ?? '/', url)
    const path = address.pathname
    const text = await readBody(request)
    const key = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const token = key !== undefined && Object.hasOwn(tokens, key) ? tokens[key] : undefined

    let body: unknown
    const problems: string[] = []
    try {
      body = text === '' ? undefined : JSON.parse(text)
    } catch {
      problems.push('body is not JSON')
    }
    if (text !== '' && !request.headers['content-type']?.startsWith('application/json')) {
      problems.push('content-type is not JSON')
    }
    if (request.headers['user-agent'] === undefined) problems.push('user-agent is missing')
    const recorded: RecordedRequest = {
      method,
      path,
      query: Object.fromEntries(address.searchParams),
      body,
      login: token === undefined ? null : loginOf(token),
      status: null,
    }
    requests.push(recorded)

    const meeting = meetings.find((candidate) => candidate.method === method && candidate.path.test(path))
    if (meeting !== undefined) {
      await new Promise<void>((go) => {
        meeting.waiting.push(go)
        if (meeting.waiting.length < meeting.parties) return
        meetings.splice(meetings.indexOf(meeting), 1)
        for (const release of meeting.waiting) release()
      })
    }

    const interlude = interludes.findIndex((candidate) => candidate.method === method && candidate.path.test(path))
    if (interlude !== -1) interludes.splice(interlude, 1)[0]?.act()

    const byName = path.replace(`/repositories/${REPOSITORY_ID}/`, `/repos/${owner}/${name}/`)
    const isGraphql = method === 'POST' && path === '/graphql'
    const operation = isGraphql ? null : findOperation(method, byName)
    if (operation === null && !isGraphql) problems.push('is not in the description')
    if (operation !== null) problems.push(...requestProblems(operation, address.searchParams, body))

    const armed = faults.find(
      ({ fault, left }) => left > 0 && (fault.method ?? method) === method && fault.path.test(path),
    )
    const strikes = armed !== undefined && armed.skip-- <= 0
    if (strikes) armed.left -= 1
    const fault = strikes ? armed.fault : undefined

    let result: Answer | null = null
    if (problems.length > 0) {
      result = violated(`${method} ${path}: ${problems.join('; ')}`)
    } else if (fault === undefined || fault.after === 'apply') {
      result = operation === null ? graphql(body, token) : await rest(operation, address.searchParams, body, token)
    }
    if (fault !== undefined && problems.length === 0) {
      result =
        typeof fault.status === 'number'
          ? {
              ...failure(fault.status, fault.message ?? 'Server Error'),
              ...(fault.body === undefined ? {} : { body: fault.body }),
              headers: fault.headers ?? {},
            }
          : null
    }

    if (result === null) {
      if (fault?.status === 'drop-response') request.socket.destroy()
      return
    }
    // A fault is not GitHub's own.
    if (operation !== null && problems.length === 0 && fault === undefined) {
      const own = responseProblems(operation, result.status, result.body)
      if (own.length > 0) result = violated(`${method} ${path}: own response: ${own.join('; ')}`)
    }
    if (options.latency !== undefined) await sleep(options.latency)
    recorded.status = result.status
    response.writeHead(result.status, {
      ...RATE_LIMIT_HEADERS,
      ...(result.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...result.headers,
    })
    response.end(result.body === undefined ? undefined : JSON.stringify(result.body))
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      violations.push(`the stand-in itself failed: ${String(error)}`)
      response.destroy()
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    owner,
    name,
    state,
    requests,
    violations,
    git: gitServer.git,
    gitDir: gitServer.dir,
    fault: (fault) => void faults.push({ fault, left: fault.times ?? 1, skip: fault.skip ?? 0 }),
    rendezvous: (match) => void meetings.push({ ...match, waiting: [] }),
    meanwhile: (match, act) => void interludes.push({ ...match, act }),
    comment: addComment,
    label: addLabel,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((closed) => server.close(() => closed()))
      gitServer.dispose()
    },
  }
}
