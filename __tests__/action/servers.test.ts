import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { payload } from '../support/payload.ts'
import { createRepository, type TestRepository } from '../support/repository.ts'
import { runAction, type RunResult } from '../support/runner.ts'

// A machine that may be busy.
jest.setTimeout(60_000)

/** Servers that are GitHub somewhere else, or only like it; the image is one that the change leaves alone, so that nothing is built. */
let repository: TestRepository
let folder: string
let commits: [string, string]
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-servers-'))
  repository = createRepository()
  const base = repository.commit({ 'api/Dockerfile': 'FROM scratch\n', 'README.md': '1' })
  commits = [base, repository.commit({ 'README.md': '2' })]
})
afterAll(() => {
  repository.dispose()
  rmSync(folder, { recursive: true, force: true })
})

let github: GitHub
let servers: Server[]
beforeEach(async () => {
  github = await startGitHub({
    tokens: {
      token: { kind: 'actions', permissions: { pull_requests: 'write' } },
      person: { kind: 'pat', login: 'mona', permissions: { pull_requests: 'write' } },
    },
  })
  servers = []
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

async function run(env: Record<string, string>, token = 'token'): Promise<RunResult> {
  const [base, head] = commits
  const event = payload('pull_request.synchronize', {
    number: 1,
    repository: { full_name: 'octo-org/shop' },
    pull_request: { number: 1, head: { ref: 'docs', sha: head }, base: { ref: 'main', sha: base } },
  })
  const temp = mkdtempSync(join(folder, 'runner-'))
  const inputs = { context: 'api', comment: 'always' }
  return runAction({ event, workspace: repository.dir, temp, github, token, sha: head, env, inputs })
}

const addressOf = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`

async function listen(server: Server): Promise<string> {
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return addressOf(server)
}

/** Serves GitHub under other paths: `pathOf` gives GitHub's own, or null for what is not there. */
function gateway(pathOf: (path: string) => string | null): Promise<string> {
  return listen(
    createServer((request, response) => {
      const path = pathOf(request.url ?? '')
      if (path === null) {
        response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>')
        return
      }
      const { method, headers } = request
      const sent = forward(`${github.url}${path}`, { method, headers }, (answer: IncomingMessage) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      request.pipe(sent)
    }),
  )
}

/** Two runs: the second has to find the first one's comment again, which takes to know whose it is. */
async function twice(env: Record<string, string>, token?: string): Promise<void> {
  for (const _ of [1, 2]) {
    const result = await run(env, token)
    expect(result).toMatchObject({ exitCode: 0, annotations: [] })
    expect(result.outputs['comment-url']).toContain('#issuecomment-')
    expect(github.state.comments).toHaveLength(1)
  }
}

describe('GitHub Enterprise Server', () => {
  const pathOf = (path: string): string | null => {
    if (path === '/api/graphql') return '/graphql'
    return path.startsWith('/api/v3/') ? path.slice('/api/v3'.length) : null
  }

  it('has its API below a path, and GraphQL beside it', async () => {
    const host = await gateway(pathOf)
    const rest = { GITHUB_API_URL: `http://${host}/api/v3` }
    await twice({ ...rest, GITHUB_GRAPHQL_URL: `http://${host}/api/graphql` })
    await twice({ ...rest, GITHUB_GRAPHQL_URL: '' })
  })

  it('may have GraphQL anywhere', async () => {
    const host = await gateway((path) =>
      path === '/else/where' ? '/graphql' : path === '/api/graphql' ? null : pathOf(path),
    )
    await twice({ GITHUB_API_URL: `http://${host}/api/v3`, GITHUB_GRAPHQL_URL: `http://${host}/else/where` })
  })
})

describe('a server that is only like GitHub', () => {
  const withoutGraphql = (path: string): string | null =>
    path.startsWith('/api/v1/') && path !== '/api/v1/graphql' ? path.slice('/api/v1'.length) : null

  it('may have no GraphQL', async () => {
    const host = await gateway(withoutGraphql)
    await twice({ GITHUB_API_URL: `http://${host}/api/v1`, GITHUB_GRAPHQL_URL: '' }, 'person')
    expect(github.requests.some(({ path }) => path === '/user')).toBe(true)
  })

  it('has its verdict where it does not tell whose the token is', async () => {
    const host = await gateway((path) => (path === '/api/v1/user' ? null : withoutGraphql(path)))
    const env = { GITHUB_API_URL: `http://${host}/api/v1`, GITHUB_GRAPHQL_URL: '' }
    expect(await run(env)).toMatchObject({ exitCode: 0, annotations: [] })
    const result = await run(env)
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'comment-url': '' } })
    expect(result.annotations).toMatchObject([
      { level: 'warning', message: expect.stringContaining('The comment could not be written') },
    ])
  })
})

describe('a proxy', () => {
  /** Lets everything through that is asked for, to GitHub; what was asked for. */
  async function proxy(): Promise<{ host: string; asked: string[] }> {
    const asked: string[] = []
    const server = createServer((_, response) => void response.writeHead(400).end())
    server.on('connect', (request, socket, first) => {
      asked.push(request.url ?? '')
      const { port } = new URL(github.url)
      const there = connect(Number(port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        there.write(first)
        there.pipe(socket).pipe(there)
      })
      for (const each of [there, socket]) each.on('error', () => [there, socket].forEach((one) => one.destroy()))
    })
    return { host: await listen(server), asked }
  }

  /** A name that nothing but the proxy knows. */
  const NAME = 'github.example.invalid:8080'
  const rest = { GITHUB_API_URL: `http://${NAME}`, GITHUB_GRAPHQL_URL: `http://${NAME}/graphql` }

  it('is what GitHub is asked through', async () => {
    const { host, asked } = await proxy()
    await twice({ ...rest, HTTP_PROXY: `http://${host}` })
    expect(new Set(asked)).toEqual(new Set([NAME]))
  })

  it('is not asked for a host of `NO_PROXY`', async () => {
    const { host, asked } = await proxy()
    const result = await run({ ...rest, HTTP_PROXY: `http://${host}`, NO_PROXY: 'example.invalid' })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
    expect(result.annotations[0]?.message).toContain('GitHub could not be reached')
    expect(asked).toEqual([])
  })
})
