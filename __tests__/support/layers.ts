import { gzipSync } from 'node:zlib'
import { sha256 } from './images.ts'

/** A layer made here, as an engine sends it. Sizes in bytes. */
export type TestLayer = { packed: Buffer; digest: string; diffId: string; size: number }

/** A gzipped ustar archive of regular files. */
export function makeLayer(files: Record<string, string | Buffer>): TestLayer {
  const contents = Object.entries(files).map(([path, payload]) => [path, Buffer.from(payload)] as const)
  const blocks = contents.flatMap(([path, payload]) => [
    header(path, payload.length),
    payload,
    Buffer.alloc((512 - (payload.length % 512)) % 512),
  ])
  const tar = Buffer.concat([...blocks, Buffer.alloc(1024)])
  const packed = gzipSync(tar, { level: 1 })
  const size = contents.reduce((sum, [, payload]) => sum + payload.length, 0)
  return { packed, digest: sha256(packed), diffId: sha256(tar), size }
}

function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, length: number): number =>
    block.write(value.toString(8).padStart(length - 1, '0'), at)
  block.write(path, 0)
  octal(0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.write('        0', 148)
  block.write('ustar\u000000', 257)
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return block
}
