import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { HttpClient } from '@actions/http-client'
import { CouldNotMeasure } from '../../failure.ts'

/** Milliseconds for a connection to be made. */
const CONNECT_TIMEOUT = 10_000

export type HttpRequest = {
  method: 'GET' | 'HEAD' | 'POST'
  url: URL
  headers: Record<string, string>
  body?: string
  /** Ends the request, and its response while it is being read; beside the client's own. */
  signal?: AbortSignal
  /** Milliseconds without a byte after which the request is given up; the client's own unless given. */
  idleTimeout?: number
}

/**
 * Sends one request and gives the response with its body unread; no redirect is followed and nothing is tried again. The body has
 * to be read or destroyed. Throws the network's own error, its `code` telling which; CouldNotMeasure `cancelled` after an abort.
 */
export type Http = (request: HttpRequest) => Promise<IncomingMessage>

/**
 * An Http that keeps connections and goes through the proxies of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. Of the client of GitHub's
 * toolkit it takes the agents alone: its redirects keep `Authorization` on another port of a host, and its requests cannot be aborted.
 */
export function createHttp(signal: AbortSignal, idleTimeout = 30_000): Http {
  // One for each origin: a client remembers its first agent, for http and https alike.
  const clients = new Map<string, HttpClient>()

  return (request) =>
    new Promise((resolve, reject) => {
      const { method, url, headers, body } = request
      const limit = request.idleTimeout ?? idleTimeout
      const signals = [signal, ...(request.signal ? [request.signal] : [])]
      if (signals.some(({ aborted }) => aborted)) return reject(cancelled(url))
      const client = clients.get(url.origin) ?? new HttpClient('image-budget', [], { keepAlive: true, maxSockets: 6 })
      clients.set(url.origin, client)
      const isSecure = url.protocol === 'https:'
      const sent = (isSecure ? requestHttps : requestHttp)(url, {
        method,
        // The agents of a proxy take the port from here.
        port: url.port || (isSecure ? 443 : 80),
        agent: client.getAgent(url.href),
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      })
      let received: IncomingMessage | undefined
      const giveUp = (error: Error): void => {
        received?.destroy(error)
        sent.destroy(error)
      }
      const abort = (): void => giveUp(cancelled(url))
      for (const each of signals) each.addEventListener('abort', abort, { once: true })
      // The way through a proxy has no socket of the request's own yet: so this is a timer, not a socket's timeout.
      const late = setTimeout(() => giveUp(timedOut(limit)), limit)

      // What does not even connect is not waited for as long as a slow answer.
      let connecting: NodeJS.Timeout | undefined
      sent.on('socket', (socket) => {
        if (!socket.connecting) return
        connecting = setTimeout(() => giveUp(timedOut(CONNECT_TIMEOUT)), CONNECT_TIMEOUT)
        socket.once('connect', () => clearTimeout(connecting))
      })
      sent.on('response', (response) => {
        received = response
        clearTimeout(late)
        const { socket } = response
        const idle = (): void => giveUp(timedOut(limit))
        socket.setTimeout(limit)
        socket.on('timeout', idle)
        // A connection that is kept must not keep these.
        response.once('close', () => socket.removeListener('timeout', idle))
        resolve(response)
      })
      const tidyUp = (): void => {
        clearTimeout(late)
        clearTimeout(connecting)
        for (const each of signals) each.removeEventListener('abort', abort)
      }
      sent.on('close', tidyUp)
      sent.on('error', (error) => {
        // A request that its proxy refused is not closed.
        tidyUp()
        reject(error)
      })
      sent.end(body)
    })
}

/** Reads a whole body of at most `limit` bytes; null where it is larger: then the connection is closed. */
export async function readBody(response: IncomingMessage, limit: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function timedOut(limit: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`no answer for ${limit / 1000} s`), { code: 'ETIMEDOUT' })
}

function cancelled({ host }: URL): CouldNotMeasure {
  return new CouldNotMeasure('cancelled', `The run was cancelled while \`${host}\` was being read.`)
}
