import { setImmediate } from 'node:timers/promises'
import { layingFiles, type ImageFile } from './files.ts'
import type { LayerContents } from './layer/contents.ts'
import type { Package } from './packages/package.ts'
import { findPackages } from './packages/packages.ts'
import type { SourceImage } from './source/source.ts'

/**
 * The size of each layer of an image, base layer first, from its content; what is known already is not read again. Null for a
 * layer that lies elsewhere (non-distributable): its addresses come from the image and are not followed.
 * Throws CouldNotMeasure naming the layer that cannot be read: never a partial number.
 */
export async function readLayerSizes(
  image: Pick<SourceImage, 'config' | 'packed' | 'openLayer'>,
  contents: LayerContents,
): Promise<(number | null)[]> {
  const diffIds = image.config.rootfs?.diff_ids ?? []
  return Promise.all(
    diffIds.map(async (diffId, at) => {
      const known = contents.get(diffId)
      if (known) return known.size
      const blob = image.packed?.layers[at]
      if (blob?.elsewhere) return null
      const { size } = await contents.read(diffId, blob ?? null, () => image.openLayer(at))
      return size
    }),
  )
}

/** What lies in an image. */
export type ImageContent = {
  /** Every regular file that its layers ship, in the layers' order, also those that are lost: their sizes sum up to the image's. */
  files: ImageFile[]
  packages: Package[]
}

/**
 * The files and packages of an image of these layers (diffIDs, base layer first), all of which were read; null where one was not, or has more
 * files than can be kept. In between, what is being read of another image goes on.
 */
export async function contentOf(diffIds: readonly string[], contents: LayerContents): Promise<ImageContent | null> {
  const layers = diffIds.map((diffId) => contents.get(diffId)?.entries ?? null)
  if (!layers.every((entries) => entries !== null)) return null
  const steps = layingFiles(layers)
  let step = steps.next()
  for (; !step.done; step = steps.next()) await setImmediate()
  const laid = step.value
  if (laid === null) return null
  const packages = findPackages(laid)
  return { files: laid.files, packages }
}

/** How many layers' content is not known yet. */
export function unknownLayers({ config }: Pick<SourceImage, 'config'>, contents: LayerContents): number {
  return (config.rootfs?.diff_ids ?? []).filter((diffId) => contents.get(diffId) === undefined).length
}
