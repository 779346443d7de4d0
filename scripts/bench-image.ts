/**
 * Images for the benchmark of reading, made here and the same on every run: layers of words, JSON, programs and packed files,
 * which gzip makes smaller by about what it does with real ones, in OCI layouts.
 */
import { execFileSync } from 'node:child_process'
import { createCipheriv, createHash } from 'node:crypto'
import { createWriteStream, linkSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Engine } from '../__tests__/support/engine.ts'

/** What a layer has: numbers of files of each kind, and the bytes of all of them. */
export type LayerPlan = {
  name: string
  files: number
  bytes: number
  /** Shares of the bytes, 1 in all: words, JSON, programs (half of which packs well), and what is packed already. */
  mix: Record<Kind, number>
}
type Kind = 'text' | 'json' | 'program' | 'packed'

/** A gzipped layer in a file; `packedSize` is the blob's, in bytes. */
export type PackedLayer = { file: string; digest: string; diffId: string; packedSize: number }

/** One of which it is known how many files it has, and how many bytes in them. */
export type Layer = PackedLayer & { size: number; files: number }

/** About 1 GB in 50,000 files, in four layers as an application has them. */
export const REAL_IMAGE: LayerPlan[] = [
  { name: 'base', files: 6_000, bytes: 120e6, mix: { text: 0.3, json: 0, program: 0.5, packed: 0.2 } },
  { name: 'dependencies', files: 42_000, bytes: 480e6, mix: { text: 0.35, json: 0.15, program: 0.3, packed: 0.2 } },
  { name: 'application', files: 1_990, bytes: 100e6, mix: { text: 0.5, json: 0.2, program: 0, packed: 0.3 } },
  { name: 'programs', files: 10, bytes: 300e6, mix: { text: 0.4, json: 0, program: 0.5, packed: 0.1 } },
]

/** The image with so many times the files, and the bytes. */
export function scaled(plans: LayerPlan[], files: number, bytes: number): LayerPlan[] {
  return plans.map((plan) => ({
    ...plan,
    files: Math.max(1, Math.round(plan.files * files)),
    bytes: Math.round(plan.bytes * bytes),
  }))
}

/** All of an image's files in one layer. */
export function inOneLayer(name: string, plans: LayerPlan[]): LayerPlan {
  const bytes = plans.reduce((sum, plan) => sum + plan.bytes, 0)
  const share = (kind: Kind): number => plans.reduce((sum, plan) => sum + plan.mix[kind] * plan.bytes, 0) / bytes
  return {
    name,
    files: plans.reduce((sum, plan) => sum + plan.files, 0),
    bytes,
    mix: { text: share('text'), json: share('json'), program: share('program'), packed: share('packed') },
  }
}

/** Pseudo-random numbers from 0 to 1 (mulberry32), the same for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Files are pieces of these, from any place: gzip, which looks back 32 KiB, does not find a piece again. */
const POOL_BYTES = 16 * 1024 * 1024
let pools: Record<Kind, Buffer> | null = null

function makePools(): Record<Kind, Buffer> {
  const next = random(1)
  const pick = (count: number): number => Math.floor(next() * count)
  const syllables = Array.from({ length: 120 }, () => 'bcdfghklmnprstvz'[pick(16)]! + 'aeiou'[pick(5)]!)
  const words = Array.from({ length: 6_000 }, () =>
    Array.from({ length: 1 + pick(4) }, () => syllables[pick(120)]!).join(''),
  )
  // Few words are frequent and most are rare.
  const word = (): string => words[Math.floor(words.length * next() ** 3)]!
  const fill = (piece: () => string): Buffer => {
    const pool = Buffer.alloc(POOL_BYTES)
    for (let at = 0; at < POOL_BYTES;) at += pool.write(piece(), at, 'latin1')
    return pool
  }
  const text = fill(() => `${word()}${next() < 0.1 ? `(${word()}, ${pick(1000)});\n` : ' '}`)
  const json = fill(
    () => `{"name":"${word()}","version":"${pick(20)}.${pick(20)}.${pick(20)}","${word()}":${next()}},\n`,
  )
  const packed = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(POOL_BYTES))
  const program = Buffer.from(packed)
  for (let at = 0; at < POOL_BYTES; at += 2048) text.copy(program, at, at, at + 1024)
  return { text, json, program, packed }
}

/** The layer as a tar archive (ustar), in pieces of about a megabyte. */
async function* writeTar({ name, files, bytes, mix }: LayerPlan): AsyncGenerator<Buffer> {
  const content = (pools ??= makePools())
  const next = random(createHash('sha256').update(`${name} ${files} ${bytes}`).digest().readInt32LE())
  // Sizes as in a real file system: many small files, few large ones (log-normal).
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  const weights = Array.from({ length: files }, () => Math.exp(1.2 * normal()))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const kinds = Object.keys(mix) as Kind[]
  // Each file is of the kind that is the furthest behind its share.
  const behind = new Map(kinds.map((kind) => [kind, mix[kind] * bytes]))
  let left = bytes
  let pieces: Buffer[] = []
  let length = 0
  for (const [at, weight] of weights.entries()) {
    const size = at === files - 1 ? left : Math.min(left, Math.round((bytes * weight) / total))
    left -= size
    const kind = kinds.reduce((best, one) => (behind.get(one)! > behind.get(best)! ? one : best))
    behind.set(kind, behind.get(kind)! - size)
    // A folder's files follow each other, as in every tar of a file system: a dozen a folder.
    const folder = Math.floor(at / 12)
    pieces.push(tarHeader(`${name}/${Math.floor(folder / 50)}/${folder}/file-${at}.${kind}`, size))
    length += 512 + size
    for (let rest = size, from = Math.floor(next() * POOL_BYTES); rest > 0; from = 0) {
      const piece = content[kind].subarray(from, from + rest)
      pieces.push(piece)
      rest -= piece.length
    }
    pieces.push(Buffer.alloc((512 - (size % 512)) % 512))
    if (length > 1024 * 1024) {
      yield Buffer.concat(pieces)
      pieces = []
      length = 0
    }
  }
  yield Buffer.concat([...pieces, Buffer.alloc(1024)])
}

function tarHeader(path: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, digits: number): number =>
    block.write(value.toString(8).padStart(digits, '0'), at)
  block.write(path)
  octal(0o644, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(size, 124, 11)
  octal(0, 136, 11)
  block.write('        0', 148)
  block.write('ustar\u000000', 257)
  const sum = block.reduce((all, byte) => all + byte, 0)
  octal(sum, 148, 6)
  block[154] = 0
  return block
}

function blobPath({ digest }: { digest: string }): string {
  return `blobs/${digest.replace(':', '/')}`
}

/** Writes the layer, gzipped at this level, into a file of the folder. */
export async function writeLayer(folder: string, plan: LayerPlan, level = 6): Promise<Layer> {
  const packed = await packTar(folder, plan.name, writeTar(plan), level)
  return { ...packed, size: plan.bytes, files: plan.files }
}

/** Writes a tar archive, gzipped at this level, into a file of the folder. `name` is no other's. */
export async function packTar(
  folder: string,
  name: string,
  tar: AsyncIterable<Buffer>,
  level: number,
): Promise<PackedLayer> {
  const [unpacked, packed] = [createHash('sha256'), createHash('sha256')]
  let packedSize = 0
  const partial = join(folder, `${name}.partial`)
  await pipeline(
    Readable.from(tar, { highWaterMark: 2 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        unpacked.update(chunk)
        yield chunk
      }
    },
    createGzip({ level, chunkSize: 256 * 1024 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        packed.update(chunk)
        packedSize += chunk.length
        yield chunk
      }
    },
    createWriteStream(partial),
  )
  const digest = `sha256:${packed.digest('hex')}`
  const file = join(folder, digest.slice('sha256:'.length))
  renameSync(partial, file)
  return { file, digest, diffId: `sha256:${unpacked.digest('hex')}`, packedSize }
}

/**
 * Writes an image of these layers as an OCI layout that is at once what `docker save` writes (a `manifest.json`): every store can load it.
 * The layers' files are linked, not copied.
 */
export function writeLayout(folder: string, tag: string, layers: PackedLayer[]): void {
  const blobs = join(folder, 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  const put = (mediaType: string, document: unknown): { mediaType: string; digest: string; size: number } => {
    const text = JSON.stringify(document)
    const hex = createHash('sha256').update(text).digest('hex')
    writeFileSync(join(blobs, hex), text)
    return { mediaType, digest: `sha256:${hex}`, size: text.length }
  }
  for (const { file, digest } of layers) linkSync(file, join(blobs, digest.slice('sha256:'.length)))
  const config = put('application/vnd.oci.image.config.v1+json', {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created_by: 'benchmark' })),
  })
  const manifest = put('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: layers.map(({ digest, packedSize: size }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest,
      size,
    })),
  })
  const write = (name: string, document: unknown): void => writeFileSync(join(folder, name), JSON.stringify(document))
  write('oci-layout', { imageLayoutVersion: '1.0.0' })
  const annotations = {
    'io.containerd.image.name': `docker.io/${tag}`,
    'org.opencontainers.image.ref.name': tag.replace(/^.*:/, ''),
  }
  write('index.json', { schemaVersion: 2, manifests: [{ ...manifest, annotations }] })
  write('manifest.json', [{ Config: blobPath(config), RepoTags: [tag], Layers: layers.map(blobPath) }])
}

/** Loads what a layout's folder holds into an engine, under the names that it has there. */
export function loadLayout({ env }: Engine, folder: string): void {
  const lines = 'tar -C "$1" -cf - . | docker load --quiet >/dev/null'
  execFileSync('bash', ['-euo', 'pipefail', '-c', lines, 'bash', folder], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
