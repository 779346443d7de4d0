import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { CouldNotMeasure } from '../../failure.ts'
import { DIGEST, imagesOf, index, platformName } from '../oci.ts'
import { offersNamed, severalImages, type Offer } from './choice.ts'
import { openFile, READ_SIZE, readDocument, readWhole, reason, type ImageFiles } from './files.ts'
import { resolveImages, type Entry, type ReadDocument, type ResolvedImage } from './manifests.ts'
import type { PlatformsWanted, Source, SourceImage } from './source.ts'

/** https://github.com/opencontainers/image-spec/blob/main/image-layout.md#oci-layout-file */
const layoutFile = z.object({ imageLayoutVersion: z.string() })

/** The ends of a packed layer's media type: OCI's `…tar+gzip`, Docker's `…tar.gzip`. */
const PACKED_TYPE = /[.+](?:gzip|zstd)$/

/** An image that a layout's `index.json` lists, with its names: what docker calls it, the `ref.name`. */
export type Top = Offer & Pick<Entry, 'digest' | 'size' | 'mediaType' | 'platform' | 'annotations'>

/**
 * `oci:DIR[:REF]`: an image in an OCI layout's folder. REF is the image's `org.opencontainers.image.ref.name` (skopeo, podman,
 * buildx), its `io.containerd.image.name` (docker), or `@INDEX`; it may be left out where there is one image.
 * A platform that the image's index lists and that is not there (a layout of one pulled platform) is left out.
 */
export function ociLayout(folder: string, name: string | null): Source {
  return {
    images: async (wanted) => {
      await requireFolder(folder)
      return layoutImages(folderFiles(folder), name, wanted)
    },
    close: async () => {},
  }
}

/**
 * Opens a blob of an OCI layout's folder, as stored.
 * Throws CouldNotMeasure `measure` naming the blob where it is not there, or is no regular file.
 */
export async function openBlob(folder: string, digest: string): Promise<Readable> {
  const blob = await folderFiles(folder).open(blobPath(digest))
  if (blob) return blob
  throw missingBlob(`oci:${folder}`, digest)
}

/**
 * The images of an OCI layout, wherever its files are; `name` and `platforms` as for `Source`. What `docker save` wrote into it (it has a
 * `manifest.json`) is taken as `withoutUnpacked` says.
 * Throws as `Source.images` does, and CouldNotMeasure `input` where the name is no image's, or more than one's.
 */
export async function layoutImages(
  files: ImageFiles,
  name: string | null,
  { platforms, leftOut }: PlatformsWanted,
): Promise<SourceImage[]> {
  const tops = chooseTops(await readTops(files), name, files.place)
  const images = await resolveImages(files.place, documentsOf(files), tops, platforms, leftOut)
  const isSaved = (await files.read('manifest.json')) !== null
  const found = await Promise.all(images.map((image) => toSourceImage(files, image)))
  return found.map((image) => (isSaved ? withoutUnpacked(image) : image))
}

/**
 * Without what a layout of the classic store (`docker save` since 25) says of packed layers: it has all layers unpacked, and a push packs
 * them. The containerd store's and buildx's has them as a push sends them, where at least one is packed. An image without layers is the
 * same in both.
 */
export function withoutUnpacked(image: SourceImage): SourceImage {
  const { layers } = image.packed ?? { layers: [] }
  const isAsPushed = layers.length === 0 || layers.some(({ mediaType }) => PACKED_TYPE.test(mediaType))
  return isAsPushed ? image : { ...image, digest: null, packed: null }
}

/**
 * A layout's image whose manifest is read. Throws CouldNotMeasure `measure` for a layer that is not there or has another size than the
 * manifest lists.
 */
export async function toSourceImage(
  files: ImageFiles,
  { digest, config, packed }: ResolvedImage,
): Promise<SourceImage> {
  for (const layer of packed.layers) {
    const actual = await files.size(blobPath(layer.digest))
    if (actual === null && !layer.elsewhere) throw missingBlob(files.place, layer.digest)
    if (actual !== null && actual !== layer.size) {
      throw new CouldNotMeasure(
        'measure',
        `The layer ${layer.digest} in \`${files.place}\` has ${actual} bytes, and its manifest lists ${layer.size}.`,
      )
    }
  }
  return {
    digest,
    config,
    packed,
    openLayer: async (at) => {
      const layer = packed.layers[at]
      if (layer === undefined) throw new Error(`There is no layer ${at}.`)
      const blob = layer.elsewhere ? null : await files.open(blobPath(layer.digest))
      if (blob) return blob
      throw missingBlob(files.place, layer.digest)
    },
  }
}

/**
 * What a layout's `index.json` lists, attestations excluded.
 * Throws CouldNotMeasure `measure` where the files are no OCI layout of version 1.
 */
export async function readTops(files: ImageFiles): Promise<Top[]> {
  const layout = await readDocument(files, 'oci-layout', layoutFile)
  if (layout === null) throw notALayout(files.place, 'oci-layout')
  if (!layout.imageLayoutVersion.startsWith('1.')) {
    const version = layout.imageLayoutVersion.slice(0, 20)
    throw new CouldNotMeasure('measure', `\`${files.place}\` is an OCI layout of version ${version}, not of 1.0.0.`)
  }
  const listed = await readDocument(files, 'index.json', index)
  if (listed === null) throw notALayout(files.place, 'index.json')
  const images = new Set(imagesOf(listed))
  return listed.manifests
    .map((entry, at) => Object.assign(entry, { at, names: namesOf(entry) }))
    .filter((entry) => images.has(entry))
}

/** Gives the documents of a layout, by digest; null for one that is not there. */
export function documentsOf(files: ImageFiles): ReadDocument {
  return (digest) => files.read(blobPath(digest))
}

/**
 * The one image that the name means. It stands there once; or several times, for one platform each, under one name or none: the layout's
 * index is the image's index then (https://github.com/opencontainers/image-spec/blob/main/image-layout.md#indexjson-file).
 */
function chooseTops(tops: Top[], name: string | null, place: string): Top[] {
  const found = offersNamed(tops, name, place)
  const distinct = [...new Map(found.map((top) => [top.digest, top])).values()]
  const platforms = new Set(distinct.flatMap(({ platform }) => (platform ? [platformName(platform)] : [])))
  const names = new Set(distinct.map((top) => top.names.join('\n')))
  const isOne = platforms.size === distinct.length && names.size === 1
  if (distinct.length === 1 || isOne) return distinct
  throw severalImages(distinct, place)
}

function namesOf({ annotations }: Entry): string[] {
  return ['io.containerd.image.name', 'org.opencontainers.image.ref.name'].flatMap((key) => annotations?.[key] ?? [])
}

/** The files of a folder. */
function folderFiles(folder: string): ImageFiles {
  return {
    place: `oci:${folder}`,
    read: async (path) => {
      const file = await openFile(join(folder, path))
      return file && readWhole(file, join(folder, path))
    },
    size: async (path) => {
      const file = await openFile(join(folder, path))
      if (file === null) return null
      try {
        return (await file.stat()).size
      } finally {
        await file.close()
      }
    },
    open: async (path) => {
      const file = await openFile(join(folder, path))
      return file && file.createReadStream({ highWaterMark: READ_SIZE })
    },
  }
}

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw new CouldNotMeasure('precondition', `There is no folder \`${folder}\`: ${reason(error)}.`, {
      remedy: 'Check the path; the step that writes it has to run before this one.',
    })
  })
  if (found.isDirectory()) return
  throw new CouldNotMeasure('precondition', `\`${folder}\` is a file, and \`oci:\` takes a folder.`, {
    remedy: `Write \`oci-archive:${folder}\`, or \`docker-archive:${folder}\` for what \`docker save\` writes.`,
  })
}

function blobPath(digest: string): string {
  // It becomes a path of the machine's.
  if (!DIGEST.test(digest)) throw new Error(`Not a digest: ${digest.slice(0, 100)}`)
  return `blobs/${digest.replace(':', '/')}`
}

function notALayout(place: string, missing: string): CouldNotMeasure {
  return new CouldNotMeasure('measure', `There is no \`${missing}\` in \`${place}\`: it is no OCI layout.`, {
    remedy: place.startsWith('oci-archive:')
      ? `Write \`${place.replace('oci-archive:', 'docker-archive:')}\` for what \`docker save\` writes.`
      : null,
  })
}

function missingBlob(place: string, digest: string): CouldNotMeasure {
  return new CouldNotMeasure(
    'measure',
    `The layer ${digest} is not in \`${place}\`: there is no \`${blobPath(digest)}\`.`,
  )
}
