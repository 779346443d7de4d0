import { createHash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { CouldNotMeasure } from '../../failure.ts'
import type { InTurn } from '../../turns.ts'
import type { LayerContents } from '../layer/contents.ts'
import type { ReadLayer } from '../layer/read.ts'
import type { ExpectedLayer } from '../layer/walk.ts'
import { READ_SIZE } from './files.ts'
import { MAX_DOCUMENT_SIZE } from './manifests.ts'

/** A blob that came in whole. */
export type Blob = {
  /** `sha256:…`, computed while it came in. */
  digest: string
  /** Bytes. */
  size: number
  /** What the walk found, or null: a document, or a layer that was only hashed. */
  layer: ReadLayer | null
  /** The bytes of a JSON document; null for a layer, and for a document that was too large to keep. */
  document: Buffer | null
}

/** A blob that is coming in, in one part or several. */
export type Incoming = {
  /** Takes the next part. The sender waits while nobody reads. `refused`: reading failed, and `blob` tells why. */
  feed: (part: Readable) => Promise<'whole' | 'cut' | 'refused'>
  /** Bytes so far. */
  received: () => number
  /** Says what the blob's digest is to be; senders say so with its last part. */
  expect: (digest: string) => void
  /** Ends the blob, or gives it up: with an error that the promise is rejected with. */
  end: (error?: Error) => void
  /** Rejected with CouldNotMeasure where it is a layer that cannot be read, or has another digest than it is to have. */
  blob: Promise<Blob>
}

const TAR_BLOCK = 512

/** Opens a blob: a layer is walked while it comes in, in constant memory, where its content is asked for; a document is kept. */
export function openIncoming(contents: LayerContents | null, inTurn: InTurn): Incoming {
  // The reader gets in one piece what has gathered: a socket gives 64 KiB at a time. That costs a copy, and some 20 MB that V8 leaves lying about.
  const sink = new PassThrough({ readableHighWaterMark: READ_SIZE })
  // What went wrong is told by the promise.
  sink.on('error', () => {})
  let received = 0
  const count = (part: Buffer): void => void (received += part.length)
  // Looked at when the end is reached: only then it is known.
  const expected: ExpectedLayer = { digest: null, diffId: null }
  const blob = readBlob(sink, expected, contents, inTurn).then((read) => {
    if (expected.digest === null || read.digest === expected.digest) return read
    throw new CouldNotMeasure('measure', `The engine sent the blob ${read.digest} as ${expected.digest}.`)
  })
  // Whoever waits for it hears of it; until then it is no unhandled rejection. What still comes goes nowhere.
  blob.catch((error: unknown) => sink.destroy(error as Error))
  const refused = blob.then(
    () => new Promise<never>(() => {}),
    () => 'refused' as const,
  )
  return {
    feed: async (part) => {
      part.on('data', count)
      part.pipe(sink, { end: false })
      const whole = finished(part, { writable: false }).then(
        () => 'whole' as const,
        () => 'cut' as const,
      )
      const outcome = await Promise.race([whole, refused])
      part.off('data', count)
      part.unpipe(sink)
      return outcome
    },
    received: () => received,
    expect: (digest) => void (expected.digest = digest),
    end: (error) => (error ? sink.destroy(error) : sink.end()),
    blob,
  }
}

async function readBlob(
  stored: AsyncIterable<Buffer>,
  expected: ExpectedLayer,
  contents: LayerContents | null,
  inTurn: InTurn,
): Promise<Blob> {
  const parts = stored[Symbol.asyncIterator]()
  const start: Buffer[] = []
  let length = 0
  while (length < TAR_BLOCK) {
    const { done, value } = await parts.next()
    if (done === true) break
    start.push(value)
    length += value.length
  }
  const first = Buffer.concat(start)
  const all = (async function* () {
    yield first
    yield* { [Symbol.asyncIterator]: () => parts }
  })()
  if (isDocument(first.subarray(0, TAR_BLOCK))) return hashBlob(all, true)
  return inTurn(async () => {
    if (contents === null) return hashBlob(all, false)
    const layer = await contents.readNow(all, { ...expected, isOurs: true })
    return { digest: layer.digest, size: layer.packedSize, layer, document: null }
  })
}

/** Told by its first 512 bytes: JSON of an object has no NUL, the first block of a tar always has, and packed layers start otherwise. */
function isDocument(start: Buffer): boolean {
  return start[0] === 0x7b && !start.includes(0)
}

async function hashBlob(parts: AsyncIterable<Buffer>, isKept: boolean): Promise<Blob> {
  const hash = createHash('sha256')
  let size = 0
  let kept: Buffer[] | null = isKept ? [] : null
  for await (const part of parts) {
    hash.update(part)
    size += part.length
    if (size > MAX_DOCUMENT_SIZE) kept = null
    kept?.push(part)
  }
  return { digest: `sha256:${hash.digest('hex')}`, size, layer: null, document: kept && Buffer.concat(kept) }
}
