import type { PageImage } from '../src/page/format.ts'

/** An image as the map takes it: the columns of its files as numbers side by side. Indexes are the file's. */
export type Loaded = {
  facts: Omit<PageImage, 'files' | 'folders'>
  folderNames: string[]
  /** Of a folder its parent; -1 for the root, 0. */
  folderParents: Int32Array
  names: string[]
  folderOf: Int32Array
  before: Float64Array
  after: Float64Array
  layerBefore: Int32Array
  layerAfter: Int32Array
  packageBefore: Int32Array
  packageAfter: Int32Array
  lostBefore: Int32Array
  lostAfter: Int32Array
}

export function load({ files, folders, ...facts }: PageImage): Loaded {
  const folderOf = new Int32Array(files.names.length)
  let at = 0
  for (const [folder, count] of files.counts.entries()) {
    folderOf.fill(folder, at, at + count)
    at += count
  }
  const after = Float64Array.from(files.after)
  return {
    facts,
    folderNames: folders.names,
    folderParents: Int32Array.from(folders.parents),
    names: files.names,
    folderOf,
    before: after.map((bytes, file) => bytes - files.growth[file]!),
    after,
    layerBefore: Int32Array.from(files.layerBefore),
    layerAfter: Int32Array.from(files.layerAfter),
    packageBefore: Int32Array.from(files.packageBefore),
    packageAfter: Int32Array.from(files.packageAfter),
    lostBefore: Int32Array.from(files.lostBefore),
    lostAfter: Int32Array.from(files.lostAfter),
  }
}

/** A folder's path without a final `/`; '' for the root. */
export function folderPath({ folderNames, folderParents }: Loaded, folder: number): string {
  const names: string[] = []
  for (let at = folder; at > 0; at = folderParents[at]!) names.push(folderNames[at]!)
  return names.length === 0 ? '' : `/${names.toReversed().join('/')}`
}

export function filePath(image: Loaded, file: number): string {
  return `${folderPath(image, image.folderOf[file]!)}/${image.names[file]!}`
}
