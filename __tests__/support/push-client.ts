import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import { sha256 } from './images.ts'

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string }
type Options = { body?: string | Buffer; headers?: Record<string, string> }

/** A client of the distribution protocol, for a name as `docker push` is given it. */
export class PushClient {
  readonly url: URL
  readonly tag: string

  constructor(name: string) {
    const [, host, repository, tag] = /^([^/]+)\/(.+):(\w+)$/.exec(name)!
    this.url = new URL(`http://${host}/v2/${repository}/`)
    this.tag = tag!
  }

  open(method: string, path: string, headers: Record<string, string> = {}): ClientRequest {
    // Not resolved against the base: a path may be odd on purpose.
    const { hostname: host, port } = this.url
    return httpRequest({ host, port, method, path: path.startsWith('/') ? path : this.url.pathname + path, headers })
  }

  async send(method: string, path: string, { body, headers }: Options = {}): Promise<Answer> {
    return answerOf(this.open(method, path, headers).end(body))
  }

  async startUpload(): Promise<string> {
    const { status, headers } = await this.send('POST', 'blobs/uploads/')
    if (status !== 202) throw new Error(`An upload was answered with ${status}.`)
    return headers.location!
  }

  /** As containerd and BuildKit push a blob. */
  async push(bytes: Buffer | string, digest = sha256(bytes)): Promise<Answer> {
    return this.send('PUT', `${await this.startUpload()}?digest=${digest}`, { body: bytes })
  }

  /** As the classic store pushes one: it learns the digest while it sends. */
  async stream(bytes: Buffer | string, digest = sha256(bytes)): Promise<Answer> {
    const sent = await this.send('PATCH', await this.startUpload(), { body: bytes })
    return sent.status === 202 ? this.send('PUT', `${sent.headers.location}?digest=${digest}`) : sent
  }
}

/** The answer to a request, read to its end. */
export async function answerOf(sent: ClientRequest): Promise<Answer> {
  const [response] = await once(sent, 'response')
  let body = ''
  for await (const part of response) body += String(part)
  return { status: response.statusCode, headers: response.headers, body }
}
