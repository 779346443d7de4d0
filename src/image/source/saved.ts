import { z } from 'zod'
import { CouldNotMeasure } from '../../failure.ts'
import { normalisePath } from '../layer/tar-header.ts'
import { digestOf, imageConfig } from '../oci.ts'
import { offersNamed, sameName, severalImages, type Offer } from './choice.ts'
import { parseDocument, readDocument, type ImageFiles } from './files.ts'
import { documentsOf, layoutImages, readTops, toSourceImage, withoutUnpacked, type Top } from './layout.ts'
import { keepWanted, resolveImages, type ResolvedImage } from './manifests.ts'
import type { PlatformsWanted, SourceImage } from './source.ts'

/** `manifest.json` of `docker save`: https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format */
const savedManifest = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullish() }),
)
type SavedImage = Offer & { config: string; layers: string[] }

/**
 * The images in what `docker save` writes. `manifest.json` says which images there are; where there is an OCI layout as well, it tells
 * all platforms of them, and what their packed layers weigh.
 *
 * `packed` is null where there is no layout, or one with unpacked layers (`withoutUnpacked`). A layout without `manifest.json` (Bazel) is
 * loaded by docker as well, and taken as it is.
 * Throws as `layoutImages` does.
 */
export async function savedImages(
  files: ImageFiles,
  name: string | null,
  wanted: PlatformsWanted,
): Promise<SourceImage[]> {
  const listed = await readDocument(files, 'manifest.json', savedManifest)
  const hasLayout = (await files.read('oci-layout')) !== null
  if (listed === null) {
    if (hasLayout) return layoutImages(files, name, wanted)
    throw new CouldNotMeasure(
      'measure',
      `There is no \`manifest.json\` in \`${files.place}\`: \`docker save\` did not write it.`,
    )
  }
  const offers = listed.map(({ Config: config, RepoTags: tags, Layers: layers }, at): SavedImage => ({
    at,
    names: tags ?? [],
    config,
    layers: layers ?? [],
  }))
  const [image, ...others] = offersNamed(offers, name, files.place)
  if (!image || others.length > 0) throw severalImages([...(image ? [image] : []), ...others], files.place)
  const config = await readConfig(files, image.config)
  const found = hasLayout ? await findInLayout(files, image, name, config.digest) : null
  const inLayout = found && (await Promise.all(found.map((each) => toSourceImage(files, each))))
  return keepWanted(inLayout?.map(withoutUnpacked) ?? [savedImage(files, image, config.bytes)], wanted)
}

/**
 * The images of the layout beside `manifest.json` that are this one, one a platform; null where there is none: the one with the config that
 * `manifest.json` names and, where they have names, with the name that was asked for.
 */
async function findInLayout(
  files: ImageFiles,
  image: SavedImage,
  name: string | null,
  configDigest: string,
): Promise<ResolvedImage[] | null> {
  const names = name === null || name.startsWith('@') ? image.names : [name]
  const isNamed = (top: Top): boolean => names.some((asked) => top.names.some((has) => sameName(has, asked)))
  const tops = (await readTops(files)).filter((top) => names.length === 0 || isNamed(top))
  const found = new Map<string, { top: Top; images: ResolvedImage[] }>()
  for (const top of tops) {
    if (found.has(top.digest)) continue
    const images = await resolveImages(files.place, documentsOf(files), [top], [])
    if (images.some((each) => each.configDigest === configDigest)) found.set(top.digest, { top, images })
  }
  const [only, ...others] = found.values()
  if (only && others.length > 0) throw severalImages([only.top, ...others.map(({ top }) => top)], files.place)
  return only?.images ?? null
}

/** An image of which nothing but its entry in `manifest.json` is known. */
function savedImage(files: ImageFiles, { config: path, layers }: SavedImage, bytes: Buffer): SourceImage {
  const config = parseDocument(bytes, imageConfig, `${path} in \`${files.place}\``)
  const count = config.rootfs?.diff_ids?.length ?? 0
  if (layers.length !== count) {
    const message = `\`${files.place}\` lists ${layers.length} layers in manifest.json and ${count} in ${path}.`
    throw new CouldNotMeasure('measure', message)
  }
  return {
    digest: null,
    config,
    packed: null,
    openLayer: async (at) => {
      const layer = layers[at]
      if (layer === undefined) throw new Error(`There is no layer ${at}.`)
      const content = await files.open(normalisePath(layer))
      if (content) return content
      throw new CouldNotMeasure('measure', `The layer ${layer} is not in \`${files.place}\`.`)
    },
  }
}

/** A config, with its digest, verified where its name tells that: `HEX.json`, `blobs/sha256/HEX`, `sha256:HEX`. */
async function readConfig(files: ImageFiles, path: string): Promise<{ bytes: Buffer; digest: string }> {
  const bytes = await files.read(normalisePath(path))
  if (bytes === null) throw new CouldNotMeasure('measure', `The config ${path} is not in \`${files.place}\`.`)
  const digest = digestOf(bytes)
  const [, named] = /(?:^|[/:])([0-9a-f]{64})(?:\.json)?$/.exec(path) ?? []
  if (named === undefined || digest === `sha256:${named}`) return { bytes, digest }
  throw new CouldNotMeasure('measure', `The config ${path} in \`${files.place}\` has another digest, ${digest}.`)
}
