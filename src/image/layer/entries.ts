import type { FileFact } from './facts.ts'

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
export type GrowingEntries = LayerEntries & { push: (entry: LayerEntry) => void }

/** As many entries are packed together. */
const BLOCK = 1_000

const KINDS = [
  'file',
  'link',
  'symlink',
  'folder',
  'other',
  'removed',
  'opaque',
] as const satisfies LayerEntry['kind'][]

/** Elements of `numbers` for each file: its size, mode, uid and gid. */
const NUMBERS = 4

/**
 * Entries in columns. `kinds` and `paths`: an element an entry; `targets`: a link. `checksums` and `facts`, which few files have, by the place of
 * their file among the files. No typed array for the numbers: what is read from one of doubles V8 makes an object of.
 */
type Block = {
  kinds: Uint8Array
  paths: string[]
  targets: string[]
  numbers: number[]
  checksums: Map<number, number>
  facts: Map<number, FileFact[]>
}

/**
 * Starts a list of entries. What it hands out is made anew whenever it is gone through: kept are some 50 bytes an entry beside its path, where
 * an object takes twice as many.
 */
export function createEntries(): GrowingEntries {
  const blocks: Block[] = []
  let last: LayerEntry[] = []
  let takesAway = false
  return {
    get length() {
      return blocks.length * BLOCK + last.length
    },
    get takesAway() {
      return takesAway
    },
    push: (entry) => {
      last.push(entry)
      if (entry.kind === 'removed' || entry.kind === 'opaque') takesAway = true
      if (last.length < BLOCK) return
      blocks.push(pack(last))
      last = []
    },
    [Symbol.iterator]: () => oneByOne(blocks, last),
  }
}

/** Written out, for it is gone through for every entry of an image. */
function oneByOne(blocks: readonly Block[], last: readonly LayerEntry[]): IterableIterator<LayerEntry> {
  let [block, at] = [0, 0]
  let entries = blocks.length > 0 ? unpack(blocks[0]!) : last
  const all: IterableIterator<LayerEntry> = {
    next: () => {
      while (at === entries.length) {
        if (block >= blocks.length) return { done: true, value: undefined }
        block += 1
        entries = block < blocks.length ? unpack(blocks[block]!) : last
        at = 0
      }
      const value = entries[at]!
      at += 1
      return { done: false, value }
    },
    [Symbol.iterator]: () => all,
  }
  return all
}

/** Written as one loop: it is gone through for every entry of an image. */
function pack(entries: readonly LayerEntry[]): Block {
  const kinds = new Uint8Array(entries.length)
  const paths: string[] = []
  const targets: string[] = []
  const numbers: number[] = []
  const checksums = new Map<number, number>()
  const facts = new Map<number, FileFact[]>()
  let files = 0
  for (let at = 0; at < entries.length; at += 1) {
    const entry = entries[at]!
    kinds[at] = KINDS.indexOf(entry.kind)
    paths.push(entry.path)
    if (entry.kind === 'link' || entry.kind === 'symlink') targets.push(entry.target)
    if (entry.kind !== 'file') continue
    numbers.push(entry.size, entry.mode, entry.uid, entry.gid)
    if (entry.checksum !== null) checksums.set(files, entry.checksum)
    if (entry.facts.length > 0) facts.set(files, entry.facts)
    files += 1
  }
  // A copy has no room to grow.
  return { kinds, paths: paths.slice(), targets, numbers: numbers.slice(), checksums, facts }
}

function unpack({ kinds, paths, targets, numbers, checksums, facts }: Block): LayerEntry[] {
  let [files, links] = [0, 0]
  return paths.map((path, at): LayerEntry => {
    const kind = KINDS[kinds[at]!]!
    if (kind === 'link' || kind === 'symlink') return { kind, path, target: targets[links++]! }
    if (kind !== 'file') return { kind, path }
    const file = files
    const first = NUMBERS * file
    files += 1
    return {
      kind,
      path,
      size: numbers[first]!,
      mode: numbers[first + 1]!,
      uid: numbers[first + 2]!,
      gid: numbers[first + 3]!,
      checksum: checksums.get(file) ?? null,
      facts: facts.get(file) ?? NO_FACTS,
    }
  })
}
