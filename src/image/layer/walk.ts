import type { TarEntry } from './tar.ts'

/** How a layer's blob is packed, told by its content. */
export type Compression = 'gzip' | 'zstd' | 'none'

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
  /** Number of tar entries, whiteouts included. */
  entries: number
}

/** Takes the payload of one entry, chunk by chunk; a chunk is valid during the call only. */
export type PayloadConsumer = (chunk: Uint8Array) => void

/** Called for each entry in the tar's order; what it answers gets the entry's payload. */
export type Visitor = (entry: TarEntry) => PayloadConsumer | void

/**
 * Reads a layer once, in constant memory: unpacks, walks its entries, verifies the digests that are expected.
 * Throws CouldNotMeasure `measure` naming the layer: truncated, corrupt, not a tar, another digest.
 */
export function walkLayer(
  _stored: AsyncIterable<Uint8Array>,
  _expected: { digest: string | null; diffId: string | null },
  _visit?: Visitor,
): Promise<WalkedLayer> {
  throw new Error('to be written')
}
