import type { FileFact } from './facts.ts'
import { whiteoutOf } from './whiteout.ts'

/** What a layer does to one path, which is absolute, `/` the root. Sizes in bytes. */
export type LayerEntry =
  | LayerFile
  /** Another name of the file `target` in the same layer. */
  | { kind: 'link'; path: string; target: string }
  | { kind: 'symlink'; path: string; target: string }
  | { kind: 'folder'; path: string }
  /** A device or fifo. */
  | { kind: 'other'; path: string }
  /** Takes away what the layers below have there. */
  | { kind: 'removed'; path: string }
  /** Hides what the layers below have in this folder. */
  | { kind: 'opaque'; path: string }

/** A regular file as a layer ships it. */
export type LayerFile = {
  kind: 'file'
  path: string
  /** Payload bytes. */
  size: number
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** CRC-32 of the payload, as a signed integer: with the size, whether two files are the same. Null: not computed (below CHECKSUM_FLOOR, sparse). */
  checksum: number | null
  facts: FileFact[]
}

/**
 * Bytes of a file from which it has a checksum: less than the files that the rules compare by it have (`advice/duplicate-files.ts`, `debug-symbols.ts`); smaller
 * ones `removed-later.ts` tells by other signs. Most files of an image are smaller.
 */
export const CHECKSUM_FLOOR = 50_000

/** Most files have none: they share them. */
export const NO_FACTS: FileFact[] = []

/** A path that was put together, in one piece: the string that an operator makes keeps what it was made of until it is looked into. */
export function flat(path: string): string {
  path.lastIndexOf('/')
  return path
}

/** What a layer does, in the tar's order. */
export type LayerEntries = Iterable<LayerEntry> & {
  readonly length: number
  /** Whether it takes anything away from the layers below; absent: perhaps. */
  readonly takesAway?: boolean
}

/** Entries that can be added to. */
export type GrowingEntries = LayerEntries & {
  push: (entry: LayerEntry) => void
  /** Adds a file of a tar, by its path there: relative, not empty, no whiteout's and without NUL. */
  pushFile: (file: NamedFile, checksum: number | null, facts: FileFact[]) => void
  /** The same entries, files that stand together in one folder as one. */
  items: () => readonly ListedItem[]
}

export type ListedItem = LayerEntry | ListedFolder

/** Two regular files or more of one folder that stand one after the other in a layer, none of them a whiteout's. */
export type ListedFolder = {
  kind: 'files'
  /** With its final `/`. */
  folder: string
  /** Of each file in turn, NUL between them. */
  names: string
  sizes: readonly number[]
  /** The sizes' sum, and how many of them are not 0. */
  bytes: number
  filled: number
  /** Whether each name comes after the one before: then no two are the same. */
  isInOrder: boolean
  /** Of each file, or of all of them. */
  attributes: Attributes | readonly Attributes[]
  /** Those that few files have, by the file's place. */
  checksums: ReadonlyMap<number, number> | null
  facts: ReadonlyMap<number, FileFact[]> | null
}

type Attributes = Pick<LayerFile, 'mode' | 'uid' | 'gid'>

/**
 * Starts a list of entries. Files that stand together in a folder are kept together, in some 40 bytes each, and made anew whenever the list is gone
 * through; any other entry is kept as it is, in some 150.
 */
export function createEntries(): GrowingEntries {
  const items: ListedItem[] = []
  let folder: GrowingFolder | null = null
  let length = 0
  let takesAway = false
  const endFolder = (): void => {
    if (folder !== null) items.push(folder.end())
    folder = null
  }
  const pushFile: GrowingEntries['pushFile'] = (file, checksum, facts) => {
    length += 1
    if (folder?.add(file, checksum, facts)) return
    endFolder()
    folder = new GrowingFolder(file.path)
    folder.add(file, checksum, facts)
  }
  return {
    get length() {
      return length
    },
    get takesAway() {
      return takesAway
    },
    push: (entry) => {
      if (entry.kind === 'file' && isPlain(entry.path)) {
        pushFile({ ...entry, path: entry.path.slice(1) }, entry.checksum, entry.facts)
        return
      }
      length += 1
      endFolder()
      if (entry.kind === 'removed' || entry.kind === 'opaque') takesAway = true
      items.push(entry)
    },
    pushFile,
    items: () => {
      endFolder()
      return items
    },
    *[Symbol.iterator]() {
      endFolder()
      for (const item of items) {
        if (item.kind === 'files') yield* filesIn(item)
        else yield item
      }
    },
  }
}

/** Entries as a list has them, wherever they come from. */
export function itemsOf(entries: LayerEntries): readonly ListedItem[] {
  if ('items' in entries) return (entries as GrowingEntries).items()
  const list = createEntries()
  for (const entry of entries) list.push(entry)
  return list.items()
}

/** Whether a file can be kept with others: it has a name, in which no NUL is, and is not a whiteout's payload. */
function isPlain(path: string): boolean {
  return whiteoutOf(path) === null && !path.endsWith('/') && !path.includes('\0')
}

/** A file but for what its bytes tell. */
type NamedFile = Omit<LayerFile, 'kind' | 'checksum' | 'facts'>

/** The files of one folder, while they come. What is done for each of them is written out. */
class GrowingFolder {
  private readonly folder: string
  private readonly names: string[] = []
  private readonly sizes: number[] = []
  private bytes = 0
  private filled = 0
  private lastPath = ''
  private isInOrder = true
  private attributes: Attributes | null = null
  private allAttributes: Attributes[] | null = null
  private checksums: Map<number, number> | null = null
  private facts: Map<number, FileFact[]> | null = null

  /** The folder of a relative path. */
  constructor(path: string) {
    this.folder = path.slice(0, path.lastIndexOf('/') + 1)
  }

  /** Adds the next file, unless it lies elsewhere. */
  add(file: NamedFile, checksum: number | null, facts: FileFact[]): boolean {
    const { path, size } = file
    const { folder, names } = this
    if (path.lastIndexOf('/') !== folder.length - 1 || !path.startsWith(folder)) return false
    const at = names.length
    // Of paths, not of names: a slice takes longer to compare.
    if (at > 0 && !(path > this.lastPath)) this.isInOrder = false
    this.lastPath = path
    names.push(path.slice(folder.length))
    this.sizes.push(size)
    this.bytes += size
    if (size !== 0) this.filled += 1
    this.addAttributes(file, at)
    if (checksum !== null) (this.checksums ??= new Map<number, number>()).set(at, checksum)
    if (facts.length > 0) (this.facts ??= new Map<number, FileFact[]>()).set(at, facts)
    return true
  }

  /** A file that stands alone takes less as it is. */
  private only(): LayerFile {
    const { lastPath, bytes, attributes, checksums, facts } = this
    const path = flat(`/${lastPath}`)
    const told = { checksum: checksums?.get(0) ?? null, facts: facts?.get(0) ?? NO_FACTS }
    return { kind: 'file', path, size: bytes, ...attributes!, ...told }
  }

  private addAttributes({ mode, uid, gid }: NamedFile, at: number): void {
    const last = this.attributes
    if (last?.mode !== mode || last.uid !== uid || last.gid !== gid) {
      this.attributes = { mode, uid, gid }
      if (last !== null) this.allAttributes ??= Array.from({ length: at }, () => last)
    }
    this.allAttributes?.push(this.attributes!)
  }

  end(): ListedItem {
    if (this.names.length === 1) return this.only()
    const { folder, names, sizes, bytes, filled, isInOrder, attributes, allAttributes, checksums, facts } = this
    return {
      kind: 'files',
      folder: flat(`/${folder}`),
      names: names.join('\0'),
      // A copy has no room to grow.
      sizes: sizes.slice(),
      bytes,
      filled,
      isInOrder,
      attributes: allAttributes ?? attributes!,
      checksums,
      facts,
    }
  }
}

/** The files of a folder, made anew. */
export function* filesIn({
  folder,
  names,
  sizes,
  attributes,
  checksums,
  facts,
}: ListedFolder): Generator<LayerFile, void> {
  for (let at = 0, start = 0; at < sizes.length; at += 1) {
    const nul = names.indexOf('\0', start)
    const end = nul === -1 ? names.length : nul
    const { mode, uid, gid } = 'mode' in attributes ? attributes : attributes[at]!
    yield {
      kind: 'file',
      path: flat(folder + names.slice(start, end)),
      size: sizes[at]!,
      mode,
      uid,
      gid,
      checksum: checksums?.get(at) ?? null,
      facts: facts?.get(at) ?? NO_FACTS,
    }
    start = end + 1
  }
}
