import { Readable } from 'node:stream'
import { CouldNotMeasure } from '../../failure.ts'
import type { LayerContents } from '../layer/contents.ts'
import { readTar } from '../layer/tar.ts'
import { walkLayer } from '../layer/walk.ts'
import { unreadable, type ImageFiles } from './files.ts'
import type { layoutImages } from './layout.ts'
import { MAX_DOCUMENT_SIZE } from './manifests.ts'
import { createMembers } from './members.ts'
import { savedImages } from './saved.ts'
import type { SourceImage, Wanted } from './source.ts'

/** Bytes of documents that are kept of a stream, beside `manifest.json`, `index.json` and the like: there are SBOMs among them. */
const MAX_KEPT = 64 * 1024 * 1024

/** What passed by: a document that was kept, a layer that was read, or what was passed over and why. */
type Passed = { document: Buffer } | { diffId: string } | { problem: CouldNotMeasure }

/**
 * The images in what `docker save` prints, read in one pass: layers come before the documents that tell which they are, so each is walked
 * as it comes, if `wanted.contents` asks for content, and added to that. A layer whose name tells that it is known is passed over.
 * `place` names the stream in errors, `name` is as for `dockerArchive`. All layers of the images are in `wanted.contents` afterwards;
 * `openLayer` is of no use, and throws.
 * Throws as `Source.images` does, and what the stream throws.
 */
export function readSavedStream(
  saved: AsyncIterable<Uint8Array>,
  place: string,
  name: string | null,
  wanted: Wanted,
): Promise<SourceImage[]> {
  return readStream(saved, place, name, wanted, savedImages)
}

/** As `readSavedStream`, for any kind of tar archive with images in it. */
export async function readStream(
  stream: AsyncIterable<Uint8Array>,
  place: string,
  name: string | null,
  { contents, platforms }: Wanted,
  readImages: typeof layoutImages,
): Promise<SourceImage[]> {
  const images = await readImages(await passedFiles(stream, place, contents), name, platforms)
  if (contents === null) return images
  for (const { config, packed, openLayer } of images) {
    for (const [at, diffId] of (config.rootfs?.diff_ids ?? []).entries()) {
      // What is not known by now is a short layer that was kept as a document was, or is not there: then this says so.
      if (packed?.layers[at]?.elsewhere !== true) await contents.read(diffId, null, () => openLayer(at))
    }
  }
  return images
}

/** Reads a tar archive to its end and keeps what is needed of it. */
async function passedFiles(
  stream: AsyncIterable<Uint8Array>,
  place: string,
  contents: LayerContents | null,
): Promise<ImageFiles> {
  const members = createMembers<Passed>(place)
  let kept = 0
  try {
    for await (const { entry, payload } of readTar(stream)) {
      const passed = entry.type === 'file' ? await pass(entry.path, entry.size, payload) : null
      members.add(entry, passed)
    }
  } catch (error) {
    throw unreadable(place, error)
  }

  /** Reads one member, or passes over it. */
  async function pass(path: string, size: number, payload: AsyncIterable<Uint8Array>): Promise<Passed> {
    const [, hex] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path) ?? []
    if (hex && contents?.get(`sha256:${hex}`)) return { diffId: `sha256:${hex}` }
    const chunks = payload[Symbol.asyncIterator]()
    const first = await chunks.next()
    const start = first.done ? new Uint8Array() : first.value
    const rest = prepend(start, chunks)
    if (size <= MAX_DOCUMENT_SIZE && (size === 0 || isJson(start))) {
      const isBlob = path.includes('/')
      if (isBlob && kept + size > MAX_KEPT) {
        return { problem: new CouldNotMeasure('measure', `\`${place}\` has more than ${MAX_KEPT} bytes of JSON documents.`) }
      }
      if (isBlob) kept += size
      return { document: await gather(rest) }
    }
    if (contents === null) return { problem: new CouldNotMeasure('measure', `${path} in \`${place}\` was not read.`) }
    let broken: unknown
    try {
      const layer = await walkLayer(noting(rest, (error) => (broken = error)), {
        digest: hex === undefined ? null : `sha256:${hex}`,
        diffId: null,
      })
      contents.add(layer)
      return { diffId: layer.diffId }
    } catch (error) {
      // Whether this member is a layer at all shows at the end.
      if (broken !== undefined) throw broken
      if (error instanceof CouldNotMeasure) return { problem: error }
      throw error
    }
  }

  return {
    place,
    read: async (path) => {
      const passed = members.get(path)
      if (passed === null) return null
      if ('document' in passed) return passed.document
      throw 'problem' in passed
        ? passed.problem
        : new CouldNotMeasure('measure', `${path} in \`${place}\` is a layer where a JSON document should be.`)
    },
    open: async (path) => {
      const passed = members.get(path)
      if (passed === null) return null
      if ('document' in passed) return Readable.from([passed.document])
      throw 'problem' in passed
        ? passed.problem
        : new CouldNotMeasure('measure', `${path} in \`${place}\` is not what the image's config says: it has diffID ${passed.diffId}.`)
    },
  }
}

function isJson([byte]: Uint8Array): boolean {
  return byte === 0x7b || byte === 0x5b
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = []
  // A chunk is valid until the next one comes.
  for await (const chunk of chunks) all.push(Buffer.from(chunk))
  return Buffer.concat(all)
}

async function* prepend(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

/** Tells of an error of the stream itself: it is not the layer's. */
async function* noting(chunks: AsyncIterable<Uint8Array>, note: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } catch (error) {
    note(error)
    throw error
  }
}
