import { Buffer } from 'node:buffer'

/** What Node reads from a socket at a time, and less than what is unpacked. */
const LEAST = 64 * 1024

/**
 * Lets go of the memory of a chunk that is not used any more, where it is the last part of a buffer of its own: V8 leaves up to 64 MB of
 * such memory lying about before it looks, and memory that was just freed is still in the processor's cache. Does nothing before Node 21.
 */
export function release({ buffer, byteOffset, byteLength }: Uint8Array): void {
  // A buffer of the pool's size may be the pool, which others share.
  const isOwn = buffer.byteLength >= LEAST && buffer.byteLength !== Buffer.poolSize
  const isLast = isOwn && byteOffset + byteLength === buffer.byteLength
  if (isLast && buffer instanceof ArrayBuffer && typeof buffer.transfer === 'function') buffer.transfer(0)
}
