import { crc32 } from 'node:zlib'
import {
  CHECKSUM_FLOOR,
  createEntries,
  flat,
  NO_FACTS,
  type GrowingEntries,
  type LayerEntries,
  type LayerEntry,
  type LayerFile,
} from './entries.ts'
import { readersOf, type FileFact } from './facts.ts'
import type { TarEntry } from './tar.ts'
import type { PayloadConsumer } from './walk.ts'
import { whiteoutOf, type Whiteout } from './whiteout.ts'

/** Collects what a layer does, entry by entry. */
export type Listing = {
  visit: (entry: TarEntry, sparse: boolean) => PayloadConsumer | void
  end: () => Listed
}

export type Listed = {
  /** In the tar's order; null where there are more than can be kept. */
  entries: LayerEntries | null
  /** Bytes of facts that are kept in them, at most. */
  factBytes: number
}

/** Entries, bytes of paths and of facts that are kept of one layer: several times what the largest usual images have in all. */
export const MAX_ENTRIES = 1_000_000
export const MAX_PATH_BYTES = 200_000_000
const MAX_FACT_BYTES = 128 * 1024 * 1024
/** Bytes of a fact whose reader does not say how many. */
export const SMALL_FACT = 500

/** Starts a listing. */
export function createListing(): Listing {
  let entries: GrowingEntries | null = createEntries()
  let pathBytes = 0
  let factBytes = 0
  let finish: (() => void) | null = null

  function add(entry: TarEntry, whiteout: Whiteout | null, checksum: number | null, facts: FileFact[]): void {
    const { type, path } = entry
    if (type === 'file' && whiteout === null && path !== '') entries?.pushFile(entry, checksum, facts)
    else for (const listed of entriesOf(entry, whiteout, checksum)) entries?.push(listed)
  }

  return {
    visit: (entry, sparse) => {
      finish?.()
      finish = null
      if (entries === null) return
      pathBytes += entry.path.length + (entry.target?.length ?? 0)
      if (entries.length >= MAX_ENTRIES || pathBytes > MAX_PATH_BYTES) {
        entries = null
        return
      }
      const whiteout = whiteoutOf(entry.path)
      const isFile = entry.type === 'file'
      const readers = isFile && whiteout === null ? readersOf(entry.path, entry.size) : []
      const isLarge = isFile && entry.size >= CHECKSUM_FLOOR
      // A sparse file may claim any length: its holes are not read.
      if (sparse) {
        for (const listed of entriesOf(entry, whiteout, null)) entries.push(listed)
        return
      }
      if (!isLarge && readers.length === 0) {
        add(entry, whiteout, null, NO_FACTS)
        return
      }
      let checksum = 0
      finish = () => {
        const facts: FileFact[] = []
        for (const reader of readers) {
          const fact = reader.end()
          if (fact === null) continue
          facts.push(fact)
          factBytes += reader.keeps ?? SMALL_FACT
        }
        if (factBytes > MAX_FACT_BYTES) entries = null
        // Signed, it is a small integer to V8: unsigned, half of them would be objects.
        add(entry, whiteout, isLarge ? checksum | 0 : null, facts.length > 0 ? facts : NO_FACTS)
      }
      return (chunk) => {
        if (isLarge) checksum = crc32(chunk, checksum)
        for (const reader of readers) reader.push(chunk)
      }
    },
    end: () => {
      finish?.()
      finish = null
      return { entries, factBytes: entries === null ? 0 : factBytes }
    },
  }
}

/** A whiteout's payload is shipped and never unpacked: it is listed as a file too, so that the bytes add up. */
function entriesOf(
  { path, type, size, mode, uid, gid, target }: TarEntry,
  whiteout: Whiteout | null,
  checksum: number | null,
): LayerEntry[] {
  const at = flat(`/${path}`)
  const file: LayerFile = { kind: 'file', path: at, size, mode, uid, gid, checksum, facts: NO_FACTS }
  if (whiteout !== null) {
    const payload = type === 'file' && size > 0 ? [file] : []
    return whiteout.kind === 'metadata'
      ? payload
      : [...payload, { kind: whiteout.kind, path: flat(`/${whiteout.path}`) }]
  }
  if (type === 'file') return [file]
  if (type === 'link') return [{ kind: 'link', path: at, target: `/${target ?? ''}` }]
  if (type === 'symlink') return [{ kind: 'symlink', path: at, target: target ?? '' }]
  return [{ kind: type === 'directory' ? 'folder' : 'other', path: at }]
}
