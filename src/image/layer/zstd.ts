import * as zlib from 'node:zlib'
import type { Transform } from 'node:stream'
import { CouldNotMeasure } from '../../failure.ts'

/*
 * Node's zstd decoder stops at the end of the first frame in a chunk and drops the rest of it without a word (nodejs/node#64741). So
 * the stream is cut where frames end. Format: RFC 8878, https://www.rfc-editor.org/rfc/rfc8878
 */

const MAGIC = 0xfd2fb528
/** Skippable frames: 0x184D2A50 to 0x184D2A5F. zstd:chunked keeps its table of contents in one. */
const SKIPPABLE = 0x184d2a50
const BLOCK_TYPE_RLE = 1
const BLOCK_TYPE_RESERVED = 3

/**
 * The largest window that is unpacked, as a power of two: 128 MiB, as `zstd -d` has it. That much memory is needed to unpack such a
 * layer; builders use 8 MiB or less.
 */
const WINDOW_LOG = 27

/** Whether content that begins with these four bytes is zstd's, be it a skippable frame. */
export function isZstd(magic: Buffer): boolean {
  return magic.length >= 4 && (magic.readUInt32LE() === MAGIC || isSkippable(magic.readUInt32LE()))
}

function isSkippable(magic: number): boolean {
  return (magic & ~0xf) >>> 0 === SKIPPABLE
}

/** A decoder of one frame after the other, of which no two may be in one chunk. Throws CouldNotMeasure `precondition` where Node has none. */
export function createZstdDecoder(stream: { chunkSize: number }): Transform {
  // Node 20, and 22 before 22.15, have none.
  if (typeof zlib.createZstdDecompress !== 'function') {
    throw new CouldNotMeasure('precondition', `It is packed with zstd, which Node ${process.version} cannot unpack.`, {
      remedy: 'Run Image Budget with Node 22.15 or newer.',
    })
  }
  return zlib.createZstdDecompress({ ...stream, params: { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG } })
}

/**
 * The stream's frames in chunks that never reach over a frame's end; skippable frames are left out.
 * Throws CouldNotMeasure `measure` where the stream is no sequence of frames, is cut off within one, or needs too large a window.
 */
export async function* splitFrames(stored: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  /** What the next bytes are, how many of them are to come, and those of them that came. */
  let part: 'magic' | 'descriptor' | 'header' | 'block' | 'content' | 'checksum' | 'skippable-size' | 'skipped' =
    'magic'
  let left = 4
  let field: number[] = []
  let frame = { isSingleSegment: false, hasChecksum: false, isLastBlock: false }

  for await (const chunk of stored) {
    // Where in the chunk the bytes begin that are not handed on yet; null within what is left out.
    let start: number | null = part === 'skippable-size' || part === 'skipped' ? null : 0
    for (let at = 0; at < chunk.length;) {
      const length = Math.min(left, chunk.length - at)
      if (part !== 'content' && part !== 'skipped') field.push(...chunk.subarray(at, at + length))
      at += length
      left -= length
      // A part may be empty: a block without content.
      while (left === 0) {
        const bytes = field
        field = []
        switch (part) {
          case 'magic': {
            const magic = littleEndian(bytes)
            if (isSkippable(magic)) [part, left, start] = ['skippable-size', 4, null]
            else if (magic === MAGIC) {
              // Its first bytes came with the chunk before, which did not hand them on.
              if (at < 4) {
                yield Buffer.from(bytes)
                start = at
              } else start = at - 4
              ;[part, left] = ['descriptor', 1]
            } else throw corrupt('It is a corrupt zstd file: something else follows a frame.')
            break
          }
          case 'descriptor': {
            const [descriptor = 0] = bytes
            const isSingleSegment = (descriptor & 0x20) !== 0
            frame = { isSingleSegment, hasChecksum: (descriptor & 4) !== 0, isLastBlock: false }
            const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
            const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0
            if (dictionaryId > 0) throw corrupt('It is packed with zstd and a dictionary, which a layer cannot have.')
            ;[part, left] = ['header', contentSize + (isSingleSegment ? 0 : 1)]
            break
          }
          case 'header':
            checkWindow(bytes, frame.isSingleSegment)
            ;[part, left] = ['block', 3]
            break
          case 'block': {
            const header = littleEndian(bytes)
            const type = (header >> 1) & 3
            if (type === BLOCK_TYPE_RESERVED) throw corrupt('It is a corrupt zstd file: a block has an unknown type.')
            frame.isLastBlock = (header & 1) === 1
            ;[part, left] = ['content', type === BLOCK_TYPE_RLE ? 1 : header >> 3]
            break
          }
          case 'content':
            if (!frame.isLastBlock) [part, left] = ['block', 3]
            else if (frame.hasChecksum) [part, left] = ['checksum', 4]
            else [part, left] = ['magic', 4]
            break
          case 'checksum':
            ;[part, left] = ['magic', 4]
            break
          case 'skippable-size':
            ;[part, left] = ['skipped', littleEndian(bytes)]
            break
          case 'skipped':
            ;[part, left] = ['magic', 4]
            break
        }
        if (part === 'magic' && start !== null && at > start) yield chunk.subarray(start, at)
        if (part === 'magic') start = null
      }
    }
    if (part !== 'magic' && start !== null && start < chunk.length) yield chunk.subarray(start)
  }
  if (part !== 'magic' || left !== 4) throw corrupt('It is cut off: the zstd file ends within a frame.')
}

function littleEndian(bytes: number[]): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0)
}

/** The window's size is in the header's first byte; a frame of a single segment has its content's size for that. */
function checkWindow(header: number[], isSingleSegment: boolean): void {
  const [first = 0] = header
  const base = 2 ** (10 + (first >> 3))
  const contentSize = littleEndian(header) + (header.length === 2 ? 256 : 0)
  const window = isSingleSegment ? contentSize : base + (base / 8) * (first & 7)
  if (window > 2 ** WINDOW_LOG) {
    throw corrupt(
      `It is packed with zstd in a way that takes ${window} bytes of memory to unpack (its window); at most ${2 ** WINDOW_LOG} are used.`,
    )
  }
}

function corrupt(message: string): CouldNotMeasure {
  return new CouldNotMeasure('measure', message)
}
