/**
 * A registry at the HTTP boundary: a server on this machine that gives the images put into it, asks for each kind of login, has
 * faults on demand and keeps every request.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { addImage, addIndex, type Blobs, type Document, type ImageOptions } from './images.ts'

/** How the registry lets in. */
export type RegistryLogin =
  | { kind: 'basic'; username: string; password: string }
  | {
      kind: 'token'
      /** Gives tokens to whoever asks. */
      anonymous?: boolean
      /** Gives tokens for this user's name and password. */
      user?: { username: string; password: string }
      /** Gives tokens for this refresh token. */
      identityToken?: string
      /** Member of the token service's answer; `token` unless given. */
      member?: 'token' | 'access_token'
      /** How many requests a token is good for. */
      uses?: number
      /** Where tokens are to be had; this server's `/token` unless given. */
      realm?: string
    }

/** A request as it came, and how it was answered. */
export type RegistryRequest = {
  method: string
  /** With the query. */
  path: string
  authorization: string | null
  /** The `Range` asked for. */
  range: string | null
  /** The body, of a POST. */
  body: string
  /** Null: the connection was cut. */
  status: number | null
}

/** Something that goes wrong, for the next `times` requests that match. */
export type RegistryFault = {
  method?: string
  path: RegExp
  /** 1 unless given. */
  times?: number
  /**
   * Instead of the answer; one with a `transfer-encoding` does not tell its length. `cut`: the connection is closed; `silence`: nothing
   * is ever answered.
   */
  answer: { status: number; headers?: Record<string, string>; body?: string | Uint8Array } | 'cut' | 'silence'
  /** Bytes of the body after which the connection is closed, however long it claims to be. */
  cutAfter?: number
}

export type RegistryOptions = {
  /** By `repository:tag`; several are an index of their platforms. */
  images?: Record<string, ImageOptions | ImageOptions[]>
  /** Documents by `repository:tag`, whose blobs are in `blobs`; they go before `images`. */
  tags?: Record<string, Document>
  blobs?: Blobs
  login?: RegistryLogin
  /** Another server's URL, to which blobs are redirected: `URL/DIGEST`. */
  redirectBlobsTo?: string
  /** Leaves `Docker-Content-Digest` out. */
  withoutDigestHeader?: boolean
  /** Speaks TLS. */
  tls?: { key: string; cert: string }
}

export type Registry = {
  /** `127.0.0.1:PORT`, as in a reference. */
  host: string
  /** Base URL. */
  url: string
  requests: RegistryRequest[]
  /** Each request in short, without the probe for TLS: `HEAD manifests/1`, `GET blobs/sha256:…`, `GET token`. */
  log: () => string[]
  blobs: Blobs
  tags: Record<string, Document>
  fault: (fault: RegistryFault) => void
  stop: () => Promise<void>
}

/** Starts a registry on a free port of 127.0.0.1. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const blobs: Blobs = options.blobs ?? new Map<string, Document>()
  const tags: Record<string, Document> = {}
  for (const [name, image] of Object.entries(options.images ?? {})) {
    tags[name] = Array.isArray(image)
      ? addIndex(
          blobs,
          image.map((one) => {
            const [os, architecture, variant] = (one.platform ?? 'linux/amd64').split('/')
            return { document: addImage(blobs, one), platform: { os, architecture, variant } }
          }),
        )
      : addImage(blobs, image)
  }
  Object.assign(tags, options.tags)
  const requests: RegistryRequest[] = []
  const faults: (RegistryFault & { times: number })[] = []
  const tokens = new Map<string, number>()
  const { login } = options

  function giveToken(recorded: RegistryRequest, response: ServerResponse): void {
    if (login?.kind !== 'token') return end(recorded, response, 404)
    const { anonymous = false, user, identityToken, member = 'token', uses = Infinity } = login
    const form = new URLSearchParams(recorded.body)
    const isKnown =
      recorded.method === 'POST'
        ? form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === identityToken
        : recorded.authorization === null
          ? anonymous
          : user !== undefined && recorded.authorization === basicHeader(user)
    if (!isKnown) return end(recorded, response, 401)
    const token = `token-${tokens.size + 1}`
    tokens.set(token, uses)
    end(recorded, response, 200, { 'content-type': 'application/json' }, JSON.stringify({ [member]: token }))
  }

  /** The challenge for a request that may not pass, or null. */
  function challenge(recorded: RegistryRequest, repository: string, url: string): string | null {
    if (login === undefined) return null
    if (login.kind === 'basic') {
      return recorded.authorization === basicHeader(login) ? null : 'Basic realm="a registry, \\"ours\\""'
    }
    const token = recorded.authorization?.replace(/^Bearer /, '') ?? ''
    const left = tokens.get(token) ?? 0
    tokens.set(token, left - 1)
    if (left > 0) return null
    return `Bearer realm="${login.realm ?? `${url}/token`}",service="a registry",scope="repository:${repository}:pull"`
  }

  function answer(recorded: RegistryRequest, response: ServerResponse, url: string): void {
    const { pathname } = new URL(recorded.path, url)
    if (pathname === '/token') return giveToken(recorded, response)
    if (pathname === '/v2/') return end(recorded, response, 200)
    const [, repository = '', kind, which = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? []
    const asked = challenge(recorded, repository, url)
    if (asked !== null) return end(recorded, response, 401, { 'www-authenticate': asked }, errorBody('UNAUTHORIZED'))
    const found = kind === 'manifests' ? (tags[`${repository}:${which}`] ?? blobs.get(which)) : blobs.get(which)
    if (!found)
      return end(recorded, response, 404, {}, errorBody(kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN'))
    if (kind === 'blobs' && options.redirectBlobsTo !== undefined) {
      return end(recorded, response, 307, { location: `${options.redirectBlobsTo}/${which}` })
    }
    const from = Number(/^bytes=(\d+)-$/.exec(recorded.range ?? '')?.[1] ?? 0)
    end(
      recorded,
      response,
      recorded.range === null ? 200 : 206,
      {
        'content-type': kind === 'manifests' ? found.mediaType : 'application/octet-stream',
        ...(options.withoutDigestHeader ? {} : { 'docker-content-digest': found.digest }),
        ...(recorded.range === null ? {} : { 'content-range': `bytes ${from}-${found.size - 1}/${found.size}` }),
      },
      found.bytes.subarray(from),
    )
  }

  /** Ends a response, with its body cut short where a fault says so. */
  function end(
    recorded: RegistryRequest,
    response: ServerResponse,
    status: number,
    headers: Record<string, string> = {},
    body: string | Uint8Array = '',
    cutAfter: number | null = null,
  ): void {
    recorded.status = status
    const bytes = Buffer.from(body)
    const length = 'transfer-encoding' in headers ? {} : { 'content-length': bytes.length }
    response.writeHead(status, { ...length, ...headers })
    if (recorded.method === 'HEAD') return void response.end()
    if (cutAfter === null) return void response.end(bytes)
    response.write(bytes.subarray(0, cutAfter), () => response.destroy())
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const recorded: RegistryRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization ?? null,
      range: request.headers.range ?? null,
      body: Buffer.concat(chunks).toString(),
      status: null,
    }
    requests.push(recorded)
    const fault = faults.find(
      ({ method, path, times }) =>
        times > 0 && path.test(recorded.path) && (method === undefined || method === recorded.method),
    )
    if (!fault) return answer(recorded, response, url)
    fault.times -= 1
    if (fault.answer === 'cut') return void request.socket.destroy()
    if (fault.answer === 'silence') return
    const { status, headers, body } = fault.answer
    end(recorded, response, status, headers, body, fault.cutAfter)
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => void handle(request, response)
  const server: Server = options.tls ? createSecureServer(options.tls, listener) : createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = `${options.tls ? 'https' : 'http'}://${host}`

  return {
    host,
    url,
    requests,
    log: () =>
      requests.map(({ method, path }) => `${method} ${path.replace(/^\/(?:v2\/.+(?=manifests|blobs))?|\?.*$/g, '')}`),
    blobs,
    tags,
    fault: (fault) => void faults.push({ times: 1, ...fault }),
    stop: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

export function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function errorBody(code: string): string {
  return JSON.stringify({ errors: [{ code, message: 'told by the registry' }] })
}
