import { createHash } from 'node:crypto'
import { CouldNotMeasure } from '../../failure.ts'
import { release } from './release.ts'
import { TarParser, withoutEnd, type TarEntry } from './tar.ts'
import { unpack, type Compression } from './unpack.ts'

/** What walking one layer gives. All sizes are integers in bytes. */
export type WalkedLayer = {
  /** Digest of the unpacked tar, `sha256:…`, computed while reading. */
  diffId: string
  /** Digest of the blob as stored, `sha256:…`, computed while reading. */
  digest: string
  compression: Compression
  /** Bytes of the blob as stored. */
  packedSize: number
  /** The metric `size`: payload bytes of regular files, a hard link once; symbolic links, folders, devices and whiteouts count 0. */
  size: number
}

/** Takes the payload of one entry, chunk by chunk; a chunk is valid during the call only. A sparse file's holes come as zeros. */
export type PayloadConsumer = (chunk: Uint8Array) => void

/** Called for each entry in the tar's order; what it answers gets the entry's payload. A sparse file's may be of any length. */
export type Visitor = (entry: TarEntry, sparse: boolean) => PayloadConsumer | void

/** Which layer is read, and what it must turn out to be; null where that is not known. */
export type ExpectedLayer = {
  digest: string | null
  diffId: string | null
  /** Bytes of the blob as stored, where a manifest lists them. */
  packedSize?: number | undefined
  /** Who hands the chunks over does not use them again, nor what else lies in their buffers: their memory is let go of. */
  isOurs?: boolean
  /** Told of bytes as stored, while they are read. */
  onRead?: ((bytes: number) => void) | undefined
}

/**
 * Reads a layer once, in constant memory: unpacks, walks its entries, verifies the digests that are expected.
 *
 * An archive without an end marker, and an empty blob, are what the engines take for a whole layer: here only where an expected
 * digest proves that nothing is missing.
 * Throws CouldNotMeasure `measure` naming the layer: truncated, corrupt, not a tar, another digest; `precondition` where this Node cannot
 * unpack it. What `visit` throws is thrown on. The source is destroyed when the walk fails.
 */
export async function walkLayer(
  stored: AsyncIterable<Uint8Array>,
  expected: ExpectedLayer,
  visit: Visitor = () => {},
): Promise<WalkedLayer> {
  const packed = createHash('sha256')
  let packedSize = 0
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const chunk of readable(stored)) {
      packed.update(chunk)
      packedSize += chunk.length
      expected.onRead?.(chunk.length)
      yield chunk
    }
  }
  try {
    const { compression, chunks } = await unpack(measured(), expected.isOurs)
    // What is not packed has one digest: hashing it once is enough.
    const unpacked = compression === 'none' ? null : createHash('sha256')
    const walk = new LayerWalk(visit)
    for await (const chunk of chunks) {
      unpacked?.update(chunk)
      walk.push(chunk)
      if (compression !== 'none') release(chunk)
    }
    const digest = `sha256:${packed.digest('hex')}`
    const diffId = unpacked ? `sha256:${unpacked.digest('hex')}` : digest
    verify('digest', expected.digest, digest)
    verify('diffID', expected.diffId, diffId)
    if (expected.packedSize !== undefined && expected.packedSize !== packedSize) {
      throw new CouldNotMeasure('measure', `It has ${packedSize} bytes, and the manifest lists ${expected.packedSize}.`)
    }
    const isVerified = expected.digest !== null || expected.diffId !== null
    return { diffId, digest, compression, packedSize, ...walk.end(isVerified) }
  } catch (error) {
    ;(stored as { destroy?: () => void }).destroy?.()
    throw naming(expected, error)
  }
}

/** Sums up what passes by. */
class LayerWalk {
  private readonly parser = new TarParser()
  private readonly visit: Visitor
  private consumer: PayloadConsumer | void = undefined
  private size = 0

  constructor(visit: Visitor) {
    this.visit = visit
  }

  push(chunk: Uint8Array): void {
    const { parser } = this
    parser.push(chunk)
    for (let event = parser.next(); event; event = parser.next()) {
      const { entry } = event
      if (!entry) {
        this.consumer?.(event.payload)
        continue
      }
      this.size += entry.size
      if (!Number.isSafeInteger(this.size)) throw new CouldNotMeasure('measure', 'It has files of an impossible size.')
      this.consumer = this.visit(entry, event.sparse)
      if (!this.consumer) parser.skip()
    }
  }

  end(isVerified: boolean): Pick<WalkedLayer, 'size'> {
    if (!this.parser.end() && !isVerified) throw withoutEnd(this.parser.offset)
    return { size: this.size }
  }
}

/** The source, whose own errors (a connection that breaks, a file that cannot be read) become CouldNotMeasure. */
async function* readable(stored: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stored
  } catch (error) {
    if (error instanceof CouldNotMeasure) throw error
    throw new CouldNotMeasure(
      'measure',
      `Reading it failed: ${(error as Error | undefined)?.message ?? String(error)}.`,
    )
  }
}

function verify(what: string, expected: string | null, actual: string): void {
  if (expected === null || expected === actual) return
  throw new CouldNotMeasure('measure', `Its content is not what it should be: its ${what} is ${actual}.`)
}

/** The error, with the layer's name before it. */
function naming({ digest, diffId }: ExpectedLayer, error: unknown): unknown {
  if (!(error instanceof CouldNotMeasure) || error.failure.kind === 'cancelled') return error
  const { kind, message, ...details } = error.failure
  const name =
    digest !== null
      ? `Layer ${digest}${diffId === null ? '' : ` (diffID ${diffId})`}`
      : diffId !== null
        ? `The layer with diffID ${diffId}`
        : 'A layer'
  return new CouldNotMeasure(kind, `${name} could not be read. ${message}`, details)
}
