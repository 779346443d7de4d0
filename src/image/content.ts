import { setImmediate } from 'node:timers/promises'
import { layOneByOne } from './files.ts'
import type { ImageFiles } from './runs.ts'
import type { LayerContent, LayerContents } from './layer/contents.ts'
import type { Package } from './packages/package.ts'
import { findPackages } from './packages/packages.ts'
import type { SourceImage } from './source/source.ts'

/** What lies in an image. */
export type ImageContent = {
  /** Every regular file that its layers ship, in the layers' order, also those that are lost: their sizes sum up to the image's. */
  files: ImageFiles
  packages: Package[]
}

/** What is read of an image: `sizes` of its layers, base layer first, null for one that lies elsewhere; its content where it is known of all of them. */
export type ReadImage = { sizes: (number | null)[]; content: ImageContent | null }

/**
 * Reads an image's layers; what is known already is not read again. A layer that lies elsewhere (non-distributable) has no size: its addresses come from
 * the image and are not followed. The layers are laid on each other while others are read.
 * Throws CouldNotMeasure naming the layer that cannot be read: never a partial number.
 */
export async function readImage(
  image: Pick<SourceImage, 'config' | 'packed' | 'openLayer'>,
  contents: LayerContents,
): Promise<ReadImage> {
  const reading = readLayers(image, contents)
  let isInVain = false
  const whole = Promise.all(reading).catch((error: unknown) => {
    isInVain = true
    throw error
  })
  const [layers, content] = await Promise.all([whole, contentIn(reading, () => isInVain)])
  return { sizes: layers.map((layer) => layer && layer.size), content }
}

/** What is known, or will be, of each layer of an image; null for one that lies elsewhere. */
export function readLayers(
  image: Pick<SourceImage, 'config' | 'packed' | 'openLayer'>,
  contents: LayerContents,
): Promise<LayerContent | null>[] {
  const diffIds = image.config.rootfs?.diff_ids ?? []
  return diffIds.map(async (diffId, at) => {
    const known = contents.get(diffId)
    if (known) return known
    const blob = image.packed?.layers[at]
    if (blob?.elsewhere) return null
    return contents.read(diffId, blob ?? null, () => image.openLayer(at))
  })
}

/** The files and packages of an image of these layers (diffIDs, base layer first), all of which are known; null where one is not, or has more files than can be kept. */
export function contentOf(diffIds: readonly string[], contents: LayerContents): Promise<ImageContent | null> {
  return contentIn(diffIds.map((diffId) => contents.get(diffId) ?? null))
}

/** Each layer is laid as soon as it is there, a part of it at a time, unless it is in vain. */
async function contentIn(
  layers: readonly (Promise<LayerContent | null> | LayerContent | null)[],
  isInVain: () => boolean = () => false,
): Promise<ImageContent | null> {
  const laying = layOneByOne()
  for (const layer of layers) {
    const entries = (await layer)?.entries ?? null
    if (entries === null) return null
    for (const _ of laying.add(entries)) {
      if (isInVain()) return null
      await setImmediate()
    }
  }
  const laid = laying.end()
  if (laid === null) return null
  const packages = findPackages(laid)
  return { files: laid.files, packages }
}

/** How many layers' content is not known yet. */
export function unknownLayers({ config }: Pick<SourceImage, 'config'>, contents: LayerContents): number {
  return (config.rootfs?.diff_ids ?? []).filter((diffId) => contents.get(diffId) === undefined).length
}
