import { filesIn, type LayerFile, type ListedFolder } from './layer/entries.ts'

/** One regular file that a layer ships; hard links count once, under the name that comes first. Together they are the image's size. */
export type ImageFile = Omit<LayerFile, 'kind'> & {
  /** Absolute: `/app/server.js`; bytes that are not UTF-8 as `\xNN`. */
  path: string
  /** Index of the layer that ships it, 0 is the base layer. */
  layer: number
  /** How its bytes are shipped and yet not in the image; null where they are. */
  lost: Loss | null
  /** Index in the content's `packages`; null: no package's. */
  package: number | null
}

/** A layer above (or the same one, which has the path twice) took the file away; or it is a whiteout's payload, which nobody unpacks. */
export type Loss = { layer: number; how: 'removed' | 'replaced' }

/** An image's files, in the layers' order, within a layer in the tar's. To be asked folder by folder (`byFolder`): there may be hundreds of thousands. */
export type ImageFiles = Iterable<ImageFile> & { readonly length: number }

/** What the files of a run that are one package's, or none's, have together; `filled`: how many are not empty. */
export type Share = { package: number | null; files: number; bytes: number; filled: number }

/**
 * Files of an image that stand one after the other and lie in one folder of one layer: mostly a tar has a folder's files together, but for those of the
 * folders in it. Objects are made of them once somebody looks at each: most are never looked at.
 */
export class FolderRun {
  /** With its final `/`. */
  readonly folder: string
  /** Index of the layer. */
  readonly layer: number
  private readonly listed: ListedFolder | null
  private made: ImageFile[] | null
  /** The package of all files, as long as none is made. */
  private package: number | null = null

  private constructor(folder: string, layer: number, listed: ListedFolder | null, made: ImageFile[] | null) {
    this.folder = folder
    this.layer = layer
    this.listed = listed
    this.made = made
  }

  static ofListed(listed: ListedFolder, layer: number): FolderRun {
    return new FolderRun(listed.folder, layer, listed, null)
  }

  static ofFiles(folder: string, layer: number, files: ImageFile[]): FolderRun {
    return new FolderRun(folder, layer, null, files)
  }

  get length(): number {
    return this.made?.length ?? this.listed!.sizes.length
  }

  /** Each of them. */
  get files(): readonly ImageFile[] {
    this.made ??= Array.from(filesIn(this.listed!), ({ path, size, mode, uid, gid, checksum, facts }): ImageFile => ({
      path,
      layer: this.layer,
      size,
      mode,
      uid,
      gid,
      checksum,
      facts,
      lost: null,
      package: this.package,
    }))
    return this.made
  }

  get lost(): readonly ImageFile[] {
    return this.made?.filter(({ lost }) => lost !== null) ?? []
  }

  /** Those that tell something of themselves. */
  get withFacts(): readonly ImageFile[] {
    return this.listed?.facts === null ? [] : this.files.filter(({ facts }) => facts.length > 0)
  }

  /** Those that a checksum was computed of. */
  get withChecksum(): readonly ImageFile[] {
    return this.listed?.checksums === null ? [] : this.files.filter(({ checksum }) => checksum !== null)
  }

  /** Whether it may be that a file's name has this in it. */
  mayHave(part: string): boolean {
    return this.listed === null || this.listed.names.includes(part)
  }

  /** Whether such a package, of those that have an index, has any of them. */
  mayBeOf(isMeant: (owner: number) => boolean): boolean {
    if (this.made === null) return this.package !== null && isMeant(this.package)
    return this.made.some(({ package: owner }) => owner !== null && isMeant(owner))
  }

  /** The packages that have files in it, in no order, and what no package has. */
  shares(): Iterable<Share> {
    if (this.made === null) {
      const { sizes, bytes, filled } = this.listed!
      return [{ package: this.package, files: sizes.length, bytes, filled }]
    }
    const shares = new Map<number | null, Share>()
    for (const { size, package: owner } of this.made) {
      const share = shares.get(owner) ?? { package: owner, files: 0, bytes: 0, filled: 0 }
      share.files += 1
      share.bytes += size
      if (size !== 0) share.filled += 1
      shares.set(owner, share)
    }
    return shares.values()
  }

  /** Gives those that no package has to this one. */
  claim(owner: number | null): void {
    if (this.made === null) this.package ??= owner
    else for (const file of this.made) file.package ??= owner
  }

  /** Gives the files of each package to another one. */
  assign(ownerOf: (owner: number) => number | null): void {
    if (this.made === null) this.package = this.package === null ? null : ownerOf(this.package)
    else for (const file of this.made) file.package = file.package === null ? null : ownerOf(file.package)
  }
}

/** The files of an image that was laid. */
export class FolderRuns implements Iterable<ImageFile> {
  readonly runs: FolderRun[] = []
  length = 0

  add(run: FolderRun): void {
    this.runs.push(run)
    this.length += run.length
  }

  *[Symbol.iterator](): Generator<ImageFile> {
    for (const { files } of this.runs) yield* files
  }
}

const knownRuns = new WeakMap<ImageFiles, FolderRun[]>()

/** An image's files by folder, in their order. What a folder decides has not to be asked of each file. */
export function byFolder(files: ImageFiles): readonly FolderRun[] {
  if (files instanceof FolderRuns) return files.runs
  const known = knownRuns.get(files)
  if (known) return known
  const runs: FolderRun[] = []
  let its: ImageFile[] = []
  for (const file of files) {
    const { path, layer } = file
    const folder = folderOf(path)
    const last = runs.at(-1)
    if (last?.folder === folder && last.layer === layer) {
      its.push(file)
      continue
    }
    its = [file]
    runs.push(FolderRun.ofFiles(folder, layer, its))
  }
  knownRuns.set(files, runs)
  return runs
}

/** The folder that a path lies in, with its final `/`. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** Each file of the folders that are meant. */
export function filesOf(files: ImageFiles, isMeant: (run: FolderRun) => boolean): ImageFile[] {
  return byFolder(files).flatMap((run) => (isMeant(run) ? run.files : []))
}
