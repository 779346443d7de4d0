/** Less than what is unpacked at a time; smaller buffers may be parts of a shared one. */
const LEAST = 64 * 1024

/**
 * Lets go of the memory of a chunk that is not used any more, where it is the last part of a buffer of its own: V8 leaves up to 64 MB of
 * such memory lying about before it looks, and memory that was just freed is still in the processor's cache. Does nothing before Node 21.
 */
export function release({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const isLast = byteOffset + byteLength === buffer.byteLength && buffer.byteLength >= LEAST
  if (isLast && buffer instanceof ArrayBuffer && typeof buffer.transfer === 'function') buffer.transfer(0)
}
