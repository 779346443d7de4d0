import { Readable } from 'node:stream'
import { CouldNotMeasure } from '../../failure.ts'
import type { LayerContents } from '../layer/contents.ts'
import { readTar } from '../layer/tar.ts'
import { gather, unreadable, type ImageFiles } from './files.ts'
import type { layoutImages } from './layout.ts'
import { MAX_DOCUMENT_SIZE } from './manifests.ts'
import { createMembers } from './members.ts'
import { savedImages } from './saved.ts'
import type { SourceImage, Wanted } from './source.ts'

/** Documents that are always kept, and the bytes of all others that are: there may be SBOMs among them. */
const NEEDED = new Set(['manifest.json', 'index.json', 'oci-layout'])
const MAX_KEPT = 64 * 1024 * 1024

/** What passed by: a document that was kept, a layer that was read, or what was passed over and why. */
type Passed = { size: number } & ({ document: Buffer } | { diffId: string } | { problem: CouldNotMeasure })

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
  return readStream(saved, place, name, wanted, savedImages, 'end-marker')
}

/** As `readSavedStream`, for any kind of tar archive with images in it. */
export async function readStream(
  stream: AsyncIterable<Uint8Array>,
  place: string,
  name: string | null,
  wanted: Wanted,
  readImages: typeof layoutImages,
  until: 'source-ends' | 'end-marker' = 'source-ends',
): Promise<SourceImage[]> {
  const images = await readImages(await passedFiles(stream, place, wanted.contents, until), name, wanted)
  if (wanted.contents === null) return images
  for (const { config, packed, openLayer } of images) {
    for (const [at, diffId] of (config.rootfs?.diff_ids ?? []).entries()) {
      // What is not known by now is a short layer that was kept as a document was, or is not there: then this says so.
      if (packed?.layers[at]?.elsewhere !== true) await wanted.contents.read(diffId, null, () => openLayer(at))
    }
  }
  return images
}

/** Reads a tar archive to its end and keeps what is needed of it. */
async function passedFiles(
  stream: AsyncIterable<Uint8Array>,
  place: string,
  contents: LayerContents | null,
  until: 'source-ends' | 'end-marker',
): Promise<ImageFiles> {
  const members = createMembers<Passed>()
  let kept = 0
  let failed: unknown
  try {
    for await (const { entry, payload } of readTar(
      noting(stream, (error) => (failed = error)),
      until,
    )) {
      const passed = entry.type === 'file' ? await pass(entry.path, entry.size, payload) : null
      members.add(entry, passed)
    }
  } catch (error) {
    // What the stream throws tells its own cause: the program that ended, the run that was cancelled.
    throw error === failed ? error : unreadable(place, error)
  }

  function unread(path: string, why: string): CouldNotMeasure {
    return new CouldNotMeasure('measure', `${path} in \`${place}\` could not be read. ${why}`)
  }

  /** Reads one member, or passes over it. */
  async function pass(path: string, size: number, payload: AsyncIterable<Uint8Array>): Promise<Passed> {
    const [, hex] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path) ?? []
    if (hex && contents?.get(`sha256:${hex}`)) return { size, diffId: `sha256:${hex}` }
    const chunks = payload[Symbol.asyncIterator]()
    const first = await chunks.next()
    const start = first.done ? new Uint8Array() : first.value
    const rest = prepend(start, chunks)
    if (size <= MAX_DOCUMENT_SIZE && (size === 0 || isJson(start))) {
      if (!NEEDED.has(path)) kept += size
      if (kept > MAX_KEPT)
        return { size, problem: unread(path, `There are more than ${MAX_KEPT} bytes of documents before it.`) }
      return { size, document: await gather(rest) }
    }
    if (contents === null) return { size, problem: unread(path, 'It has passed by.') }
    let broken: unknown
    try {
      const layer = await contents.readNow(
        noting(rest, (error) => (broken = error)),
        { digest: hex === undefined ? null : `sha256:${hex}`, diffId: null },
      )
      contents.add(layer)
      return { size, diffId: layer.diffId }
    } catch (error) {
      // Whether this member is a layer at all shows at the end.
      if (broken !== undefined) throw broken
      if (!(error instanceof CouldNotMeasure)) throw error
      const { kind, message, ...details } = error.failure
      return { size, problem: new CouldNotMeasure(kind, `${path} in \`${place}\`: ${message}`, details) }
    }
  }

  return {
    place,
    size: (path) => Promise.resolve(members.get(path)?.size ?? null),
    read: async (path) => {
      const passed = members.get(path)
      if (passed === null) return null
      if ('document' in passed) return passed.document
      throw unread(path, `It is no JSON document of at most ${MAX_DOCUMENT_SIZE} bytes.`)
    },
    open: async (path) => {
      const passed = members.get(path)
      if (passed === null) return null
      if ('document' in passed) return Readable.from([passed.document])
      if ('problem' in passed) throw passed.problem
      throw unread(path, `Its content is not what the image's config says: its diffID is ${passed.diffId}.`)
    },
  }
}

function isJson([byte]: Uint8Array): boolean {
  return byte === 0x7b || byte === 0x5b
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
