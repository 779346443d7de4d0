import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CouldNotMeasure, toFailure } from '../../failure.ts'
import type { LayerContents } from '../layer/contents.ts'
import { createTurns } from '../../turns.ts'
import { digestOf } from '../oci.ts'
import { openIncoming, type Incoming } from './incoming.ts'
import { MAX_DOCUMENT_SIZE } from './manifests.ts'

/** What is done with what an engine has to push. */
export type Reception = {
  /** Each layer is walked while it comes in, and added here. Null: layers are only hashed. */
  contents: LayerContents | null
  /** Whether a blob that is not known is to be sent; where not, the engine is told that it is here already. */
  isWanted: (digest: string) => boolean
}

/** A push under way: the name to push to, and what has come in so far. */
export type Arrival = {
  /** What the image is to be named for the push: `127.0.0.1:PORT/REPOSITORY:TAG`. */
  name: string
  /** Whether anything has come here since the push began. */
  isReached: () => boolean
  /** Digest of the manifest or index that stands under the name itself; null until it came. */
  top: () => string | null
  /** The bytes of a manifest, index or config, verified; undefined where it was not sent or was too large to be kept. */
  document: (digest: string) => Buffer | undefined
  /** Bytes of a layer that came in, now or in an earlier push. */
  size: (digest: string) => number | undefined
  /** DiffID of a layer that was walked, now or in an earlier push. */
  diffId: (digest: string) => string | undefined
}

/**
 * A registry inside this process that an engine pushes images to, for as long as a run lasts. It keeps documents (manifests, configs)
 * and, of layers, what is known of them: a layer that came in once is not sent again.
 */
export type Receiver = {
  /**
   * Receives one image: `push` names it, pushes that name, takes the name away, and gives what it makes of what came. One push after
   * the other. Throws CouldNotMeasure `measure` of a layer that could not be read, whatever `push` gives or throws; else what it throws.
   */
  receive: <T>(reception: Reception, push: (arrival: Arrival) => Promise<T>, name?: string) => Promise<T>
  /** A name to push to that nothing else has: what an image is built by can be pushed without another one. For `receive`. */
  reserve: () => string
  /** Ends all connections. Safe to call twice. */
  close: () => Promise<void>
}

/** What is known of the layers that came in, by the digests of their blobs. */
export type KnownLayers = Map<string, { size: number; diffId: string | null }>

/** How many layers are read at a time; the others' senders wait. */
const AT_A_TIME = 2
/** What all documents of a run may take, in bytes. */
const DOCUMENTS_LIMIT = 64 * 1024 * 1024
const UPLOADS_LIMIT = 64

type Upload = { incoming: Incoming; isBusy: boolean }
type Delivery = Reception & {
  tag: string
  top: string | null
  isReached: boolean
  /** Why it failed; from then on every request is refused. */
  error: unknown
  uploads: Map<string, Upload>
}
type Exchange = { request: IncomingMessage; response: ServerResponse; method: string; digest: string | null }

/**
 * Starts a receiver on the loopback interface, at a port that the system chooses. Its repository's name is random: who does not know
 * it finds nothing. `layers`: what others have received, and learn of this one. The protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md, as far as pushing needs it.
 */
export async function startReceiver(layers: KnownLayers = new Map()): Promise<Receiver> {
  const repository = `${randomUUID()}/image`
  const documents = new Map<string, { bytes: Buffer; type: string }>()
  let documentBytes = 0
  const inTurn = createTurns(AT_A_TIME)
  const oneByOne = createTurns(1)
  let current: Delivery | null = null
  let deliveries = 0

  // Layers take as long as they take: no limit on the time of a request, nor on that between two.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
    const delivery = current
    answer(request, response, delivery).catch((error: unknown) => {
      // Who went away hears no answer, and may try again.
      if (!request.complete) return
      if (delivery) fail(delivery, error)
      refuse(request, response, 500, 'UNKNOWN', 'The request could not be answered.')
    })
  })
  // Engines try TLS first, and are told by Node's own answer (400, in plain HTTP) that there is none.
  server.on('connection', () => {
    if (current) current.isReached = true
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  async function answer(request: IncomingMessage, response: ServerResponse, delivery: Delivery | null): Promise<void> {
    const { method = '', url = '' } = request
    const [path = '', query] = url.split('?', 2)
    if (path === '/v2/' && (method === 'GET' || method === 'HEAD')) return send(response, 200)
    const [, kind, reference = ''] = path.startsWith(`/v2/${repository}/`)
      ? (/^(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(path.slice(`/v2/${repository}/`.length)) ?? [])
      : []
    if (!delivery || kind === undefined)
      return refuse(request, response, 404, 'NAME_UNKNOWN', 'There is no such thing here.')
    delivery.isReached = true
    if (delivery.error !== null) return deny(request, response, delivery)
    const digest = new URLSearchParams(query).get('digest')
    const exchange = { request, response, method, digest }
    if (kind === 'blobs/uploads') return takePart(exchange, delivery, reference)
    if (kind === 'manifests' && method === 'PUT') return takeManifest(exchange, delivery, reference)
    if (kind === 'manifests') return give(exchange, (reference === delivery.tag ? delivery.top : reference) ?? '')
    const layer = layers.get(reference)
    const isKnown =
      layer && (!delivery.contents || (layer.diffId !== null && delivery.contents.get(layer.diffId) !== undefined))
    if (method === 'HEAD' && !documents.has(reference) && (isKnown || !delivery.isWanted(reference))) {
      return send(response, 200, { 'Content-Length': layer?.size ?? 0, 'Docker-Content-Digest': reference })
    }
    return give(exchange, reference)
  }

  /** POST opens an upload, PATCH adds to it, PUT ends it; POST with a digest is all of these in one. */
  async function takePart(
    { request, response, method, digest }: Exchange,
    delivery: Delivery,
    id: string,
  ): Promise<void> {
    const isNew = method === 'POST' && id === ''
    if (isNew && delivery.uploads.size >= UPLOADS_LIMIT) {
      return refuse(request, response, 429, 'TOOMANYREQUESTS', 'Too many uploads are open.')
    }
    const name = isNew ? randomUUID() : id
    if (isNew) delivery.uploads.set(name, { incoming: openIncoming(delivery.contents, inTurn), isBusy: false })
    const upload = delivery.uploads.get(name)
    if (!upload) return refuse(request, response, 404, 'BLOB_UPLOAD_UNKNOWN', 'There is no such upload.')
    const { incoming } = upload
    const isLast = digest !== null && (isNew || method === 'PUT')
    const status = (): OutgoingHttpHeaders => ({
      Location: `/v2/${repository}/blobs/uploads/${name}`,
      Range: `0-${Math.max(0, incoming.received() - 1)}`,
      'Docker-Upload-UUID': name,
    })
    if (method === 'GET') return send(response, 204, status())
    if (isNew && !isLast) return send(response, 202, status())
    if (method === 'DELETE') {
      giveUp(delivery, name)
      return send(response, 204)
    }
    if (method !== 'PATCH' && !isLast) return refuse(request, response, 405, 'UNSUPPORTED', 'That cannot be done here.')
    if (isLast) incoming.expect(digest)
    const start = /^(?:bytes )?(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1]
    if (upload.isBusy || (start !== undefined && Number(start) !== incoming.received())) {
      return refuse(request, response, 416, 'BLOB_UPLOAD_INVALID', 'The parts of an upload come one after the other.')
    }
    upload.isBusy = true
    const outcome = await incoming.feed(request)
    upload.isBusy = isLast
    if (outcome === 'cut') return giveUp(delivery, name)
    if (outcome === 'whole' && !isLast) return send(response, 202, status())
    return endUpload({ request, response, method, digest }, delivery, name, incoming)
  }

  async function endUpload(
    { request, response }: Exchange,
    delivery: Delivery,
    name: string,
    incoming: Incoming,
  ): Promise<void> {
    incoming.end()
    try {
      const { digest, size, layer, document } = await incoming.blob
      if (layer) delivery.contents?.add(layer)
      if (document) keep(digest, document, 'application/octet-stream')
      else layers.set(digest, { size, diffId: layer?.diffId ?? null })
      delivery.uploads.delete(name)
      send(response, 201, { Location: `/v2/${repository}/blobs/${digest}`, 'Docker-Content-Digest': digest })
    } catch (error) {
      if (!delivery.uploads.has(name) && delivery.error === null) {
        return refuse(request, response, 404, 'BLOB_UPLOAD_UNKNOWN', 'The upload was given up.')
      }
      fail(delivery, error)
      return deny(request, response, delivery)
    }
  }

  async function takeManifest({ request, response }: Exchange, delivery: Delivery, reference: string): Promise<void> {
    const parts: Buffer[] = []
    let size = 0
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      parts.push(part)
      size += part.length
      if (size > MAX_DOCUMENT_SIZE) return refuse(request, response, 413, 'SIZE_INVALID', 'The manifest is too large.')
    }
    const bytes = Buffer.concat(parts)
    const digest = digestOf(bytes)
    if (reference !== delivery.tag && reference !== digest) {
      fail(
        delivery,
        new CouldNotMeasure('measure', `The engine sent the manifest ${digest} as ${reference.slice(0, 200)}.`),
      )
      return deny(request, response, delivery)
    }
    keep(digest, bytes, request.headers['content-type'] ?? 'application/octet-stream')
    if (reference === delivery.tag) delivery.top = digest
    send(response, 201, { Location: `/v2/${repository}/manifests/${digest}`, 'Docker-Content-Digest': digest })
  }

  /** Answers HEAD and GET of what is kept. */
  function give({ request, response, method }: Exchange, digest: string): void {
    const found = documents.get(digest)
    if (method !== 'HEAD' && method !== 'GET')
      return refuse(request, response, 405, 'UNSUPPORTED', 'That cannot be done here.')
    if (!found) return refuse(request, response, 404, 'BLOB_UNKNOWN', 'It is not here.')
    const headers = {
      'Content-Type': found.type,
      'Content-Length': found.bytes.length,
      'Docker-Content-Digest': digest,
    }
    send(response, 200, headers, method === 'GET' ? found.bytes : undefined)
  }

  function keep(digest: string, bytes: Buffer, type: string): void {
    if (documents.has(digest) || documentBytes + bytes.length > DOCUMENTS_LIMIT) return
    documents.set(digest, { bytes, type })
    documentBytes += bytes.length
  }

  const reserve = (): string => `${host}/${repository}:${(deliveries += 1)}`
  return {
    reserve,
    receive: (reception, push, name = reserve()) =>
      oneByOne(async () => {
        const delivery: Delivery = {
          ...reception,
          tag: name.slice(name.lastIndexOf(':') + 1),
          top: null,
          isReached: false,
          error: null,
          uploads: new Map(),
        }
        current = delivery
        try {
          return await push({
            name,
            isReached: () => delivery.isReached,
            top: () => delivery.top,
            document: (digest) => documents.get(digest)?.bytes,
            size: (digest) => layers.get(digest)?.size,
            diffId: (digest) => layers.get(digest)?.diffId ?? undefined,
          })
        } finally {
          current = null
          for (const upload of delivery.uploads.keys()) giveUp(delivery, upload)
          // oxlint-disable-next-line no-unsafe-finally -- the cause, whatever the push said itself
          if (delivery.error !== null) throw delivery.error
        }
      }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The first error is the cause; what else is under way ends with it. */
function fail(delivery: Delivery, error: unknown): void {
  delivery.error ??= error
  for (const name of delivery.uploads.keys()) giveUp(delivery, name)
}

/** An upload that its sender gave up is no error: it may try again. */
function giveUp(delivery: Delivery, name: string): void {
  delivery.uploads.get(name)?.incoming.end(new Error('The upload was given up.'))
  delivery.uploads.delete(name)
}

/** An answer that engines take as final: after any other error they would try again, for half a minute. */
function deny(request: IncomingMessage, response: ServerResponse, { error }: Delivery): void {
  refuse(request, response, 403, 'DENIED', toFailure(error).message)
}

/** The body is read to its end, into nothing: an engine that cannot send it whole might not look at the answer. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
): void {
  request.resume()
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message }] }))
  send(response, status, { 'Content-Type': 'application/json', 'Content-Length': body.length }, body)
}

function send(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}, body?: Buffer): void {
  if (response.headersSent || response.destroyed) return
  // Without a length Node would announce one in chunks, which Go's client takes for an unknown one.
  response.writeHead(status, { 'Docker-Distribution-API-Version': 'registry/2.0', 'Content-Length': 0, ...headers })
  response.end(body)
}
