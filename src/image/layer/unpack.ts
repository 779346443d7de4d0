import { createGunzip } from 'node:zlib'
import type { Transform } from 'node:stream'
import { CouldNotMeasure } from '../../failure.ts'
import { release } from './release.ts'
import { createZstdDecoder, isZstd, splitFrames } from './zstd.ts'

/** How a layer's blob is packed, told by its content. */
export type Compression = 'gzip' | 'zstd' | 'none'

/**
 * An unpacker works in a thread of its own while what came out is hashed here, and stands still after each chunk until this thread looks
 * again: fewer, larger chunks cost less. What came out waits in up to `AHEAD` bytes.
 */
const OUTPUT_CHUNK = 1024 * 1024
const AHEAD = 4 * OUTPUT_CHUNK
const STREAM = { chunkSize: OUTPUT_CHUNK, readableHighWaterMark: AHEAD }

/**
 * Unpacks a blob, in constant memory. How it is packed is told by its first bytes, never by a media type. gzip may have more than one
 * member (estargz), and zeros after the last, as gzip(1) has it (tapes and block devices fill up with them); zstd may have several
 * frames, and skippable ones (zstd:chunked). Whatever is neither is handed on as it is. Stopping early lets the source go.
 * `isOurs`: the stored chunks are not used by anyone else, and their memory is let go of. Others need to be as they are until the next one is
 * asked for, the first four until the fifth is.
 * Throws CouldNotMeasure `measure` (a sentence on "it", the blob) where it is corrupt or cut off, `precondition` where this Node
 * cannot unpack it; and what the source throws.
 */
export async function unpack(
  stored: AsyncIterable<Uint8Array>,
  isOurs = false,
): Promise<{ compression: Compression; chunks: AsyncIterable<Uint8Array> }> {
  const source = stored[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let bytes = 0
  while (bytes < 4) {
    const { done, value } = await source.next()
    if (done) break
    first.push(value)
    bytes += value.length
  }
  const magic = Buffer.concat(first).subarray(0, 4)
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* first
      for (;;) {
        const { done, value } = await source.next()
        if (done) return
        yield value
      }
    } finally {
      await source.return?.()
    }
  }
  const compression = detectCompression(magic)
  switch (compression) {
    case 'gzip':
      return { compression, chunks: gunzip(whole(), isOurs) }
    case 'zstd':
      return { compression, chunks: decode(splitFrames(whole()), createZstdDecoder(STREAM), 'zstd', isOurs) }
    case 'none':
      return { compression, chunks: whole() }
  }
}

/** How content is packed that begins with these bytes; four are looked at. */
export function detectCompression(magic: Buffer): Compression {
  // RFC 1952, with its one compression method.
  if (magic[0] === 0x1f && magic[1] === 0x8b && magic[2] === 0x08) return 'gzip'
  return isZstd(magic) ? 'zstd' : 'none'
}

async function* gunzip(stored: AsyncIterable<Uint8Array>, isOurs: boolean): AsyncGenerator<Uint8Array> {
  let total = 0
  let zeros = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stored) {
      total += chunk.length
      const trailing = trailingZeros(chunk)
      zeros = trailing === chunk.length ? zeros + trailing : trailing
      yield chunk
    }
  }
  const decoder = createGunzip(STREAM)
  yield* decode(counted(), decoder, 'gzip', isOurs)
  // Node takes zeros after a member as the end, and drops what follows them.
  if (total - decoder.bytesWritten > zeros) {
    throw new CouldNotMeasure('measure', 'It is a corrupt gzip file: more follows after its end.')
  }
}

function trailingZeros(chunk: Uint8Array): number {
  let at = chunk.length
  while (at > 0 && chunk[at - 1] === 0) at--
  return chunk.length - at
}

/** Sends all of `stored` through the decoder, whose thread works while its output of before is used. */
async function* decode(
  stored: AsyncIterable<Uint8Array>,
  decoder: Transform,
  format: string,
  isOurs: boolean,
): AsyncGenerator<Uint8Array> {
  let isOver = false
  let failure: unknown
  // One that comes after the end, about what follows it, has nobody else to hear it: `errored` tells of it.
  decoder.on('error', () => {})
  /** Ends when the source does, even if the decoder has seen its end before. */
  async function feed(): Promise<void> {
    try {
      // Of ours one is used and one waits; what comes to a socket meanwhile gathers there, and is had in one piece.
      let last = Promise.resolve()
      for await (const chunk of stored) {
        if (isOver) break
        // A decoder that is done takes no more: what follows is only read.
        if (decoder.destroyed) continue
        const used = use(decoder, chunk, isOurs)
        await (isOurs ? last : used)
        last = used
        // Who reads the source next must not find it being read.
        if (isOver) break
      }
      if (!decoder.destroyed) decoder.end()
    } catch (error) {
      failure = error
      decoder.destroy(error instanceof Error ? error : undefined)
    }
  }
  const feeding = feed()
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array
    await feeding
    if (failure === undefined && decoder.errored) throw decoder.errored
  } catch (error) {
    if (failure === undefined && isDecodingError(error)) throw corruption(format, error.code)
    throw failure ?? error
  } finally {
    isOver = true
    decoder.destroy()
  }
  if (failure !== undefined) throw failure
}

/** Resolved when the decoder has used the chunk, or has ended, whose thread may use it still. */
function use(decoder: Transform, chunk: Uint8Array, isOurs: boolean): Promise<void> {
  return new Promise((resolve) => {
    decoder.once('close', resolve)
    decoder.write(chunk, (error) => {
      decoder.off('close', resolve)
      // One that was not used may lie in the memory of one that is being used.
      if (isOurs && !error) release(chunk)
      resolve()
    })
  })
}

function isDecodingError(error: unknown): error is { code: string } {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZLIB|ERR_STREAM|ERR_TRAILING)/.test(code)
}

function corruption(format: string, code: string): CouldNotMeasure {
  const isCutOff = code === 'Z_BUF_ERROR'
  return new CouldNotMeasure(
    'measure',
    isCutOff ? `It is cut off: the ${format} file ends too early.` : `It is a corrupt ${format} file (${code}).`,
  )
}
