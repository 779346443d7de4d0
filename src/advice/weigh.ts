import type { ImageContent } from '../image/content.ts'
import { addTo } from '../groups.ts'
import { byFolder, type FolderRun, type ImageFile, type ImageFiles } from '../image/runs.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import { DISTRIBUTIONS, type Package } from '../image/packages/package.ts'
import { MAX_PATHS, type Found } from './finding.ts'

/** Whether the layer of a file, or of files that stand together, is the image's own: it did not come with the `FROM` image, as far as the build's record tells. */
export function isOwn({ layers }: Measurement, { layer }: Pick<ImageFile, 'layer'>): boolean {
  return layers[layer]?.fromBase !== true
}

/** The distribution's package that put a file there; null: none did. */
export function distributionPackage(content: ImageContent, file: ImageFile): Package | null {
  return file.package !== null && isOfDistribution(content, file.package) ? content.packages[file.package]! : null
}

/** Whether the package with this index is one that the distribution's manager installed. */
export function isOfDistribution({ packages }: ImageContent, owner: number): boolean {
  const found = packages[owner]
  return found !== undefined && DISTRIBUTIONS.has(found.ecosystem)
}

/** Bytes of files, in the image or lost. */
export function bytesOf(files: Iterable<ImageFile>): number {
  let bytes = 0
  for (const { size } of files) bytes += size
  return bytes
}

/** The layer that brought in more than half of the files' bytes; null: none did. */
export function mainLayer({ layers }: Measurement, files: readonly ImageFile[]): Layer | null {
  const [main] = heaviest(files, ({ layer }) => layer)
  return main && 2 * main.bytes > bytesOf(files) ? (layers[main.place] ?? null) : null
}

/** A finding about files, told by place: a folder, or the file itself. */
export function findingIn(
  image: Measurement,
  files: readonly ImageFile[],
  {
    placeOf = ({ path }) => path,
    ...told
  }: Pick<Found, 'what' | 'fix' | 'key'> & { placeOf?: (file: ImageFile) => string },
): Found & { bytes: number } {
  const places = heaviest(files, placeOf)
  return {
    paths: places.slice(0, MAX_PATHS).map(({ place }) => place),
    count: places.length,
    bytes: bytesOf(files),
    layer: mainLayer(image, files),
    otherLayer: null,
    ...told,
  }
}

/** Findings, the one with the most bytes first. */
export function largestFirst<Sized extends { bytes: number }>(findings: Sized[]): Sized[] {
  return findings.toSorted((one, other) => other.bytes - one.bytes)
}

/** The places of files, the one with the most bytes first. */
export function heaviest<Place>(
  files: readonly ImageFile[],
  placeOf: (file: ImageFile) => Place,
): { place: Place; bytes: number }[] {
  const places = new Map<Place, number>()
  for (const file of files) {
    const place = placeOf(file)
    places.set(place, (places.get(place) ?? 0) + file.size)
  }
  return [...places].map(([place, bytes]) => ({ place, bytes })).toSorted((one, other) => other.bytes - one.bytes)
}

/** Computes it once for each image: several rules leave the same files to another one. */
export function oncePerImage<Told>(tell: (image: Measurement) => Told): (image: Measurement) => Told {
  const known = new WeakMap<Measurement, Told>()
  return (image) => {
    const found = known.get(image) ?? tell(image)
    known.set(image, found)
    return found
  }
}

/**
 * An image's files by what they have in common, where most are told by their folder: `keyIn` is asked once of files that stand together in one, and gives what
 * tells their keys; null leaves all of them out.
 */
export function groupedByFolder<Key>(
  files: ImageFiles,
  keyIn: (run: FolderRun) => ((file: ImageFile) => Key | null) | null,
): Map<Key, ImageFile[]> {
  const groups = new Map<Key, ImageFile[]>()
  for (const run of byFolder(files)) {
    const keyOf = keyIn(run)
    if (keyOf === null) continue
    for (const file of run.files) addTo(groups, keyOf(file), file)
  }
  return groups
}

/** The folder of a path that is so many names deep, or the path where it is not that deep: of `/usr/lib/gcc/cc1` and 2, `/usr/lib`. */
export function folderAt(path: string, depth: number): string {
  let end = 0
  for (let names = 0; names <= depth; names++) {
    end = path.indexOf('/', end + (names === 0 ? 0 : 1))
    if (end === -1) return path
  }
  return path.slice(0, end)
}

/** The deepest folder that all paths lie in; `''` is the root. */
export function commonFolder(paths: readonly string[]): string {
  let [folder = ''] = paths
  folder = parentOf(folder)
  for (const path of paths) while (!path.startsWith(`${folder}/`)) folder = parentOf(folder)
  return folder
}

/** The folder that a path lies in; `''` is the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
