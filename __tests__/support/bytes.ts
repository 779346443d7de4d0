import { createHash } from 'node:crypto'

/** `length` bytes that no compressor makes smaller, the same for the same seed: file contents whose download size shows. */
export function incompressible(length: number, seed = 0): Uint8Array {
  const blocks: Buffer[] = []
  for (let at = 0; at * 32 < length; at += 1) blocks.push(createHash('sha256').update(`${seed} ${at}`).digest())
  return Buffer.concat(blocks).subarray(0, length)
}
