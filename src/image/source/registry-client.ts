import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { CouldNotMeasure } from '../../failure.ts'
import type { ImageReference } from '../../inputs/reference.ts'
import { DIGEST, digestOf } from '../oci.ts'
import { parseChallenges, type Challenge } from './challenge.ts'
import type { Credential, Credentials } from './credentials.ts'
import { createHttp, readBody } from './http.ts'
import { parseJson } from '../../json.ts'
import { DOCUMENT_TYPES, MAX_DOCUMENT_SIZE, type Entry } from './manifests.ts'
import type { PackedLayer } from './source.ts'

/** A reference to an image in a registry. */
export type RegistryReference = Extract<ImageReference, { transport: 'docker' }>

export type RegistryDeps = {
  credentials: Credentials
  /** Stops what is under way when the run is cancelled. */
  signal: AbortSignal
  clock: Clock
  /** Milliseconds without a byte after which a request is given up: 30,000 unless given. */
  idleTimeout?: number
}

/**
 * Reads from registries: OCI distribution-spec v1.1 and Docker's Registry HTTP API V2. One for a run: connections, tokens and documents
 * are shared by all references. All it throws is CouldNotMeasure: `measure` naming the reference, `precondition` for the user's
 * credentials, `cancelled`.
 */
export type RegistryClient = {
  /** What the reference leads to: its digest, or its tag's as the registry tells it. */
  resolve: (reference: RegistryReference) => Promise<Entry>
  /** The bytes of a manifest, an index or a config, as `ReadDocument` has it: read once, whatever reference leads to it. */
  readDocument: (reference: RegistryReference, digest: string, kind: 'manifest' | 'config') => Promise<Uint8Array>
  /** A layer's blob as stored; what breaks off is taken up again where it broke. `signal` ends it while it is being read. */
  openBlob: (reference: RegistryReference, layer: PackedLayer, signal: AbortSignal) => Promise<Readable>
}

/** How often a request is sent before it is given up; the waits between are a second, two and four, or what the server asks for. */
const ATTEMPTS = 4
/** Milliseconds of `Retry-After` that are waited for. */
const LONGEST_WAIT = 60_000
const MAX_REDIRECTS = 5
/** How often a blob that breaks off is taken up again. */
const RESUMES = 3
const TOKEN_SIZE = 1024 * 1024
const ERROR_SIZE = 64 * 1024
/** Milliseconds for a loopback registry to show whether it speaks TLS. */
const PROBE_TIMEOUT = 3_000

const TRANSIENT = new Set([429, 502, 503, 504])
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** What Node calls a server's certificate that it does not trust. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS_/
const NOT_TLS = /^(?:EPROTO|ERR_SSL_)/

/** What a token service answers (https://distribution.github.io/distribution/spec/auth/token/); OAuth2 calls it `access_token`. */
const printable = z.string().regex(/^[\x21-\x7e]+$/)
const tokenAnswer = z.object({ token: printable.optional(), access_token: printable.optional() })
/** A registry's error (distribution-spec); only the code goes into a message: the text may be anything. */
const errorAnswer = z.object({ errors: z.array(z.object({ code: z.string().regex(/^[A-Z_]{1,40}$/) })).min(1) })

/** What is asked for, and whom errors blame. */
type Request = {
  reference: RegistryReference
  method: 'GET' | 'HEAD'
  /** Below `/v2/REPOSITORY/`: `manifests/latest`. */
  path: string
  headers: Record<string, string>
  /** What it is, for errors: `the manifest sha256:…`. */
  what: string
  signal?: AbortSignal
}

/** An answer that is none of the expected. */
class BadStatus extends Error {
  readonly status: number
  /** The first error's code in a registry's answer: `MANIFEST_UNKNOWN`; null where there is none. */
  readonly code: string | null
  readonly isPage: boolean
  readonly retryAfter: string | undefined
  /** The host that answered. */
  readonly host: string

  constructor(response: IncomingMessage, body: Buffer | null, host: string) {
    super(`status ${response.statusCode ?? 0}`)
    this.status = response.statusCode ?? 0
    this.code = errorAnswer.safeParse(parseJson(body ?? '')).data?.errors[0]?.code ?? null
    // A proxy's page that tells of a server which is busy or down is no sign of a wrong address.
    this.isPage = isPage(response) && this.status < 500 && this.status !== 429
    this.retryAfter = response.headers['retry-after']
    this.host = host
  }
}

export function createRegistryClient(deps: RegistryDeps): RegistryClient {
  const { credentials, signal, clock } = deps
  const http = createHttp(signal, deps.idleTimeout)
  /** Whether a loopback registry speaks TLS. */
  const secure = new Map<string, Promise<boolean>>()
  /** The `Authorization` for a repository, once the registry has asked for one. */
  const authorizations = new Map<string, Promise<string>>()
  const documents = new Map<string, Promise<Buffer>>()

  /** Where a registry's API is: over https, but on this machine over http where it does not speak TLS, as docker does. */
  async function originOf(reference: RegistryReference): Promise<string> {
    const { registry } = reference
    const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
    const url = urlOf(`https://${host}`)
    if (url === null) throw failure(reference, `\`${registry}\` is no host`)
    if (!isLoopback(url)) return url.origin
    const probe = secure.get(host) ?? speaksTls(host)
    secure.set(host, probe)
    return (await probe) ? url.origin : new URL(`http://${host}`).origin
  }

  async function speaksTls(host: string): Promise<boolean> {
    try {
      const url = new URL(`https://${host}/v2/`)
      const response = await http({ method: 'HEAD', url, headers: {}, idleTimeout: PROBE_TIMEOUT })
      response.destroy()
      return true
    } catch (error) {
      if (error instanceof CouldNotMeasure) throw error
      return CERTIFICATE.test(codeOf(error))
    }
  }

  /** Sends a request and those that it is redirected to; the credential stays with the first one's origin. */
  async function follow(
    first: URL,
    { method, headers, signal: ended }: Pick<Request, 'method' | 'headers' | 'signal'>,
  ): Promise<{ response: IncomingMessage; url: URL }> {
    let url = first
    let sent = headers
    for (let redirects = 0; ; redirects += 1) {
      const response = await http({ method, url, headers: sent, ...(ended && { signal: ended }) })
      const { location } = response.headers
      if (!REDIRECTS.has(response.statusCode ?? 0) || location === undefined) return { response, url }
      await discard(response)
      const next = urlOf(location, url)
      const isSafe =
        next?.protocol === 'https:' || (next?.protocol === 'http:' && isLoopback(next) && isLoopback(first))
      // The address itself is not told: it may be signed.
      if (next === null || !isSafe)
        throw new CouldNotMeasure('measure', `\`${url.host}\` redirects to no https address.`)
      if (redirects === MAX_REDIRECTS) throw new CouldNotMeasure('measure', `\`${first.host}\` redirects in a circle.`)
      if (next.origin !== url.origin) {
        const { authorization: _, ...others } = sent
        sent = others
      }
      url = next
    }
  }

  /** Sends a request, logs in where that is asked for, once more where a token has run out. Gives an answer of 200 or 206. */
  async function send(request: Request): Promise<IncomingMessage> {
    const { reference, path, headers } = request
    const { registry, repository } = reference
    const origin = await originOf(reference)
    const key = `${registry}/${repository}`
    for (let isFirst = true; ; isFirst = false) {
      const used = authorizations.get(key)
      const authorization = await used
      const { response, url } = await follow(new URL(`${origin}/v2/${repository}/${path}`), {
        ...request,
        headers: { 'accept-encoding': 'identity', ...headers, ...(authorization !== undefined && { authorization }) },
      })
      const status = response.statusCode ?? 0
      if ((status === 200 || status === 206) && !isPage(response)) return response
      if (status === 401 && isFirst && url.origin === origin) {
        await discard(response)
        const challenges = parseChallenges(response.headers['www-authenticate'] ?? '')
        // Another request may have logged in again by now.
        if (authorizations.get(key) === used) authorizations.set(key, logIn(reference, url, challenges))
        continue
      }
      throw new BadStatus(response, await readBody(response, ERROR_SIZE), url.host)
    }
  }

  /** The `Authorization` that a registry's challenge asks for. */
  async function logIn(reference: RegistryReference, asked: URL, challenges: Challenge[]): Promise<string> {
    const credential = await credentials(reference.registry, reference.repository)
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (bearer) {
      if (credential?.kind === 'registry-token') return `Bearer ${credential.token}`
      return `Bearer ${await fetchToken(reference, asked, bearer.parameters, credential)}`
    }
    const takesBasic = challenges.some(({ scheme }) => scheme === 'basic')
    if (takesBasic && credential?.kind === 'password') return basic(credential)
    throw refused(reference, 401, null, credential !== null)
  }

  /** Changes the credential, or none, for a token that reads the repository. */
  async function fetchToken(
    reference: RegistryReference,
    asked: URL,
    parameters: Map<string, string>,
    credential: Credential | null,
  ): Promise<string> {
    const realm = urlOf(parameters.get('realm') ?? '')
    if (realm?.protocol !== 'https:' && !(realm?.protocol === 'http:' && isLoopback(realm) && isLoopback(asked))) {
      throw new CouldNotMeasure('measure', `\`${asked.host}\` names no https address for its tokens.`)
    }
    const service = parameters.get('service')
    const query: Record<string, string> = {
      ...(service !== undefined && { service }),
      scope: parameters.get('scope') ?? `repository:${reference.repository}:pull`,
    }
    const response = await withRetries(reference, `a token of \`${realm.host}\``, async () => {
      const { response: answer, url } = await askForToken(realm, query, credential)
      const body = await readBody(answer, TOKEN_SIZE)
      if (answer.statusCode === 200) return body
      if (answer.statusCode === 401 || answer.statusCode === 403) {
        throw refused(reference, answer.statusCode, null, credential !== null)
      }
      throw new BadStatus(answer, body, url.host)
    })
    const { data } = tokenAnswer.safeParse(parseJson(response ?? ''))
    const token = data?.token ?? data?.access_token
    if (token === undefined) {
      throw new CouldNotMeasure('measure', `\`${realm.host}\` gave no token for \`${reference.text}\`.`)
    }
    return token
  }

  async function askForToken(
    realm: URL,
    query: Record<string, string>,
    credential: Credential | null,
  ): Promise<{ response: IncomingMessage; url: URL }> {
    if (credential?.kind === 'identity-token') {
      const form = { grant_type: 'refresh_token', client_id: 'image-budget', refresh_token: credential.token, ...query }
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams(form).toString()
      return { response: await http({ method: 'POST', url: realm, headers, body }), url: realm }
    }
    const url = new URL(realm)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    return follow(url, {
      method: 'GET',
      headers: credential?.kind === 'password' ? { authorization: basic(credential) } : {},
    })
  }

  /** Does it again where the server is busy or the connection was lost; what it throws in the end is CouldNotMeasure. */
  async function withRetries<T>(reference: RegistryReference, what: string, task: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task()
      } catch (error) {
        if (error instanceof CouldNotMeasure) throw error
        const wait = waitAfter(error, attempt)
        if (wait === null) throw await asFailure(reference, what, error)
        // Where the wait ends because the run is cancelled, so does the next attempt.
        await clock.sleep(wait, signal).catch(() => undefined)
      }
    }
  }

  /** Milliseconds until the next attempt; null where there is none. */
  function waitAfter(error: unknown, attempt: number): number | null {
    const isWorthIt = error instanceof BadStatus ? TRANSIENT.has(error.status) : isLost(codeOf(error))
    if (!isWorthIt || attempt === ATTEMPTS) return null
    const asked = error instanceof BadStatus ? error.retryAfter : undefined
    if (asked === undefined) return 1_000 * 2 ** (attempt - 1)
    // Seconds, or a date.
    const wait = /^\d+$/.test(asked) ? Number(asked) * 1_000 : Date.parse(asked) - clock.now()
    if (Number.isNaN(wait)) return 1_000 * 2 ** (attempt - 1)
    return wait > LONGEST_WAIT ? null : Math.max(wait, 0)
  }

  async function asFailure(reference: RegistryReference, what: string, error: unknown): Promise<CouldNotMeasure> {
    if (!(error instanceof BadStatus)) return networkFailure(reference, what, error)
    if (error.status === 401 || error.status === 403) {
      const credential = await credentials(reference.registry, reference.repository).catch(() => null)
      return refused(reference, error.status, error.code, credential !== null)
    }
    return statusFailure(reference, what, error)
  }

  async function readWhole(request: Request): Promise<{ response: IncomingMessage; body: Buffer }> {
    return withRetries(request.reference, request.what, async () => {
      const response = await send(request)
      const told = Number(response.headers['content-length'] ?? 0)
      const body = told > MAX_DOCUMENT_SIZE ? null : await readBody(response, MAX_DOCUMENT_SIZE)
      if (body !== null) return { response, body }
      response.destroy()
      throw failure(request.reference, `${request.what} has more than ${MAX_DOCUMENT_SIZE} bytes`)
    })
  }

  async function resolve(reference: RegistryReference): Promise<Entry> {
    if (reference.digest !== null) return { digest: reference.digest }
    const path = `manifests/${reference.tag ?? 'latest'}`
    const headers = { accept: DOCUMENT_TYPES.join(', ') }
    const request = { reference, path, headers, what: `the manifest of \`${reference.tag ?? 'latest'}\`` }
    // Docker Hub counts a GET of a manifest as a pull, and a HEAD not.
    const told = await withRetries(reference, request.what, async () => {
      try {
        const response = await send({ ...request, method: 'HEAD' })
        await discard(response)
        return response.headers['docker-content-digest']
      } catch (error) {
        if (error instanceof BadStatus && (error.status === 405 || error.status === 501)) return undefined
        throw error
      }
    })
    if (typeof told === 'string' && DIGEST.test(told)) return { digest: told }
    const { response, body } = await readWhole({ ...request, method: 'GET' })
    const digest = digestOf(body)
    documents.set(digest, Promise.resolve(body))
    const type = response.headers['content-type']
    return { digest, ...(type?.includes('manifest.v1+') && { mediaType: type }) }
  }

  async function fetchDocument(
    reference: RegistryReference,
    digest: string,
    kind: 'manifest' | 'config',
  ): Promise<Buffer> {
    const request =
      kind === 'manifest'
        ? {
            path: `manifests/${digest}`,
            headers: { accept: DOCUMENT_TYPES.join(', ') },
            what: `the manifest ${digest}`,
          }
        : { path: `blobs/${digest}`, headers: {}, what: `the image config ${digest}` }
    return (await readWhole({ reference, method: 'GET', ...request })).body
  }

  /** A document that is not what its digest says is not kept: another registry may have the right one. */
  function readDocument(
    reference: RegistryReference,
    digest: string,
    kind: 'manifest' | 'config',
  ): Promise<Uint8Array> {
    const already = documents.get(digest)
    if (already) return already
    const document = fetchDocument(reference, digest, kind)
    documents.set(digest, document)
    const forget = (): void => void documents.delete(digest)
    document.then((bytes) => digestOf(bytes) === digest || forget(), forget)
    return document
  }

  async function openBlob(reference: RegistryReference, layer: PackedLayer, ended: AbortSignal): Promise<Readable> {
    const what = `the layer ${layer.digest}${layer.elsewhere ? ', a non-distributable one that lies elsewhere' : ''}`
    const open = (from: number): Promise<IncomingMessage> =>
      withRetries(reference, what, () =>
        send({
          reference,
          method: 'GET',
          path: `blobs/${layer.digest}`,
          headers: from === 0 ? {} : { range: `bytes=${from}-` },
          what,
          signal: ended,
        }),
      )
    const first = await open(0)
    const told = first.headers['content-length']
    if (told !== undefined && Number(told) !== layer.size) {
      first.destroy()
      throw failure(reference, `${what} has ${told} bytes where its manifest lists ${layer.size}`)
    }
    return Readable.from(blobChunks(reference, what, layer.size, first, open), { objectMode: false })
  }

  return { resolve, readDocument, openBlob }
}

/** The bytes of a blob, exactly `size`. */
async function* blobChunks(
  reference: RegistryReference,
  what: string,
  size: number,
  first: IncomingMessage,
  open: (from: number) => Promise<IncomingMessage>,
): AsyncGenerator<Buffer> {
  let response = first
  let received = 0
  try {
    for (let resumes = 0; ; resumes += 1) {
      const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
      let lost: unknown
      for (;;) {
        const next = await chunks.next().catch((error: unknown) => {
          lost = error
        })
        if (!next || next.done) break
        received += next.value.length
        if (received > size) throw failure(reference, `${what} has more than the ${size} bytes its manifest lists`)
        yield next.value
      }
      if (lost === undefined && received === size) return
      if (lost instanceof CouldNotMeasure) throw lost
      const brokeOff = failure(reference, `${what} broke off after ${received} of ${size} bytes`)
      if (resumes === RESUMES || received === size) throw brokeOff
      response = await open(received)
      if (!(response.headers['content-range'] ?? '').startsWith(`bytes ${received}-`)) throw brokeOff
    }
  } finally {
    response.destroy()
  }
}

/** Ends with a response whose body is of no use; a short one is read, for then the connection can be used again. */
async function discard(response: IncomingMessage): Promise<void> {
  await readBody(response, ERROR_SIZE).catch(() => null)
}

/** This machine, as docker sees it: 127.0.0.0/8, ::1 and `localhost`. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function urlOf(text: string, base?: URL): URL | null {
  return URL.canParse(text, base?.href) ? new URL(text, base) : null
}

function isPage({ headers }: IncomingMessage): boolean {
  return /^text\/html\b/i.test(headers['content-type'] ?? '')
}

function basic({ username, password }: Extract<Credential, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function codeOf(error: unknown): string {
  // Several addresses were tried: one error for each.
  const [first] = (error as { errors?: unknown[] }).errors ?? []
  return (error as NodeJS.ErrnoException).code ?? (first as NodeJS.ErrnoException | undefined)?.code ?? ''
}

/** Whether the network may do better the next time. */
function isLost(code: string): boolean {
  return /^(?:ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_STREAM_PREMATURE_CLOSE|HPE_.*)$/.test(
    code,
  )
}

function failure(
  reference: RegistryReference,
  what: string,
  remedy: string | null = null,
  kind: 'measure' | 'missing' = 'measure',
): CouldNotMeasure {
  return new CouldNotMeasure(kind, `\`${reference.text}\`: ${what}.`, { remedy })
}

function refused(
  reference: RegistryReference,
  status: number,
  code: string | null,
  hasCredential: boolean,
): CouldNotMeasure {
  const { registry } = reference
  const login = registry === 'docker.io' ? 'docker login' : `docker login ${registry}`
  const forGhcr = registry === 'ghcr.io' ? ' and `permissions: packages: read`' : ''
  const why = `${status}${code === null ? '' : ` ${code}`}`
  return failure(
    reference,
    hasCredential
      ? `\`${registry}\` refuses the credentials that it was given (${why})`
      : `\`${registry}\` gives it only after a login (${why}), or it is not there`,
    `Check the name; log in with \`${login}\`, in a workflow with docker/login-action in a step before this one${forGhcr}.`,
  )
}

function statusFailure(reference: RegistryReference, what: string, error: BadStatus): CouldNotMeasure {
  const { status, code, host } = error
  const answer = `${status}${code === null ? '' : ` ${code}`}`
  if (error.isPage) {
    return failure(
      reference,
      `\`${host}\` answered with a web page (${status})`,
      'Is it a registry? Check the host and its port.',
    )
  }
  if (status === 404) {
    const said = `\`${host}\` does not have ${what} in \`${reference.repository}\` (${answer})`
    // What an index or a tag leads to and is not there is the registry's fault: the image as such exists.
    const isNamed = what.startsWith('the manifest of ') || what === `the manifest ${reference.digest}`
    return isNamed ? failure(reference, said, 'Check the name and the tag.', 'missing') : failure(reference, said)
  }
  if (status === 429) {
    const remedy =
      reference.registry === 'docker.io'
        ? 'Docker Hub limits pulls, least of all those of a login: `docker login`, in a workflow docker/login-action.'
        : 'Log in if you have not, or try again later.'
    return failure(reference, `\`${host}\` refused ${what}: too many requests (${answer})`, remedy)
  }
  return failure(reference, `\`${host}\` answered ${answer} for ${what}`, status >= 500 ? 'Try again later.' : null)
}

function networkFailure(reference: RegistryReference, what: string, error: unknown): CouldNotMeasure {
  const { registry } = reference
  const code = codeOf(error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return failure(
      reference,
      `there is no host \`${registry}\` (${code})`,
      'Check the name, and the proxy if there is one.',
    )
  }
  if (CERTIFICATE.test(code)) {
    return failure(
      reference,
      `the certificate of \`${registry}\` is not trusted (${code})`,
      'Check the host; where the authority is your own, NODE_EXTRA_CA_CERTS names the file with its certificate.',
    )
  }
  if (NOT_TLS.test(code)) {
    return failure(
      reference,
      `\`${registry}\` does not speak TLS (${code})`,
      'Only registries on this machine (`localhost`, 127.0.0.0/8) are read over http.',
    )
  }
  const { message } = error as Error
  const viaProxy = /^tunneling socket could not be established, (.{1,200})/.exec(message)?.[1]
  const why = viaProxy ? `the proxy did not let it through (${viaProxy})` : code || message.slice(0, 200)
  return failure(
    reference,
    `${what} could not be had from \`${registry}\`: ${why}`,
    'Check the network, and the proxy if there is one.',
  )
}
