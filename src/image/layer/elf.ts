import type { FileReader, OpenReader } from './gather.ts'

/** What an ELF program or library carries that running it does not take. Bytes in the file. */
export type ElfFact = {
  kind: 'elf'
  /** The symbol table (`.symtab`) and its names. */
  symbols: number
  /** Debugging information: `.debug_*`, also compressed (`.zdebug_*`), `.stab*`, `.gdb_index`. */
  debug: number
  /** Built by Go's compiler. */
  go: boolean
}

/** Smaller files have little to strip. */
const FLOOR = 100_000
/** An executable or library has some 40 sections; section names take some 500 bytes. */
const MAX_SECTIONS = 1_000
const MAX_NAMES = 64 * 1024
/** Bytes that are kept before and after a place that may be the table of section names, and the places that are kept. */
const WINDOW = 8 * 1024
const MAX_PLACES = 8

/** https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html, and elf.h */
const MAGIC = Buffer.from('\x7fELF', 'latin1')
const ET_EXEC = 2
const ET_DYN = 3
const PT_LOAD = 1
/** Programs and libraries have some ten segments. */
const MAX_SEGMENTS = 100
const SHT_SYMTAB = 2
const SHT_NOBITS = 8
/** Every table of section names has this one in it: its own. */
const OWN_NAME = Buffer.from('.shstrtab\0', 'latin1')

type Header = {
  read: Read
  is64: boolean
  sectionsAt: number
  sectionSize: number
  sections: number
  namesIndex: number
  segmentsAt: number
  segmentSize: number
  segments: number
}
type Section = { name: number; type: number; at: number; size: number; link: number }
/** Integers of the file's byte order; of 8 bytes, those beyond 2^53 come out inexact, which fits in no file. */
type Read = {
  u16: (from: Buffer, at: number) => number
  u32: (from: Buffer, at: number) => number
  word: (from: Buffer, at: number) => number
}

/** A range of the file that running it loads, from its first byte to before `end`. */
type Loaded = { start: number; end: number }

/** A range of the file that is kept while it passes by. */
type Kept = { at: number; bytes: Buffer; filled: number }

export const elfReader: OpenReader<ElfFact> = createElfReader(FLOOR)

/**
 * Tells of ELF files from `floor` bytes on what stripping saves, while their bytes pass by once, in some 200 kB of memory.
 *
 * Linkers put the section headers at the end (GNU ld, lld, mold) or near the beginning (Go's). The names that they refer to lie after
 * them, and are then waited for; or before, anywhere. So what stands around each place that looks like a table of section names is kept
 * until the headers tell which one it is; what running the file loads, most of it, is not looked through: who puts the headers last does not load the table.
 * Where none of them is, and in any file that contradicts itself, nothing is told.
 */
export function createElfReader(floor: number): OpenReader<ElfFact> {
  return (path, size) => (size < floor || /\.(?:o|a|ko)$/.test(path) ? null : new ElfReader(size))
}

class ElfReader implements FileReader<ElfFact> {
  private readonly size: number
  /** Bytes of the file that have passed by. */
  private passed = 0
  private isElf = true
  private header: Header | null = null
  private readonly first: Kept = keep(0, 64)
  private segments: Kept | null = null
  private loaded: Loaded[] = []
  private sections: Kept | null = null
  private names: Kept | null = null
  private places: Kept[] = []
  /** The last WINDOW bytes that passed by. */
  private recent = Buffer.alloc(0)

  constructor(size: number) {
    this.size = size
  }

  push(chunk: Uint8Array): void {
    if (!this.isElf) return
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    fill(this.first, this.passed, bytes)
    if (this.header === null && isFull(this.first)) {
      this.header = readHeader(this.first.bytes, this.size)
      if (this.header === null) {
        this.isElf = false
        return
      }
      this.sections = keep(this.header.sectionsAt, this.header.sections * this.header.sectionSize)
      // What a chunk before this one had of them is gone, but for a first chunk that is shorter than the header.
      fill(this.sections, 0, this.first.bytes)
      this.segments = keep(this.header.segmentsAt, this.header.segments * this.header.segmentSize)
      fill(this.segments, 0, this.first.bytes)
    }
    if (this.segments !== null && !isFull(this.segments)) {
      fill(this.segments, this.passed, bytes)
      if (isFull(this.segments)) this.loaded = readLoaded(this.header!, this.segments.bytes)
    }
    for (const place of this.places) fill(place, this.passed, bytes)
    if (this.names === null && !this.isLoaded(bytes.length)) this.findNames(bytes)
    if (this.sections !== null && !isFull(this.sections)) {
      fill(this.sections, this.passed, bytes)
      if (isFull(this.sections)) this.expectNames()
    }
    if (this.names !== null) fill(this.names, this.passed, bytes)
    this.passed += bytes.length
    this.recent = Buffer.from(
      bytes.length >= WINDOW ? bytes.subarray(-WINDOW) : Buffer.concat([this.recent, bytes]).subarray(-WINDOW),
    )
  }

  /** Whether the next bytes, so many, are in a range that is loaded. */
  private isLoaded(length: number): boolean {
    return this.loaded.some(({ start, end }) => start <= this.passed && this.passed + length <= end)
  }

  /** Keeps what stands around each place in these bytes where a table of section names has its own name. */
  private findNames(bytes: Buffer): void {
    const seam = Buffer.concat([this.recent.subarray(1 - OWN_NAME.length), bytes.subarray(0, OWN_NAME.length - 1)])
    const before = this.passed - Math.min(this.recent.length, OWN_NAME.length - 1)
    const found: number[] = []
    for (let at = seam.indexOf(OWN_NAME); at !== -1; at = seam.indexOf(OWN_NAME, at + 1)) found.push(before + at)
    for (let at = bytes.indexOf(OWN_NAME); at !== -1; at = bytes.indexOf(OWN_NAME, at + 1)) {
      found.push(this.passed + at)
      if (found.length > MAX_PLACES) found.shift()
    }
    for (const at of found) {
      const start = Math.max(0, at - WINDOW, this.passed - this.recent.length)
      const place = keep(start, at + WINDOW - start)
      fill(place, this.passed - this.recent.length, this.recent)
      fill(place, this.passed, bytes)
      this.places.push(place)
    }
    this.places = this.places.slice(-MAX_PLACES)
  }

  /** The headers are there: the names' table may still come. */
  private expectNames(): void {
    const names = this.header && this.sectionsRead()[this.header.namesIndex]
    if (names && names.at >= this.passed && names.size <= MAX_NAMES) this.names = keep(names.at, names.size)
  }

  private sectionsRead(): Section[] {
    if (this.header === null || this.sections === null || !isFull(this.sections)) return []
    return readSections(this.header, this.sections.bytes)
  }

  end(): ElfFact | null {
    const sections = this.sectionsRead()
    const { namesIndex = 0 } = this.header ?? {}
    const table = sections[namesIndex]
    const names = table && this.tableOf(table)
    if (!names) return null
    const named = sections.map((section) => ({ ...section, text: nameAt(names, section.name) }))
    const stored = named.filter(({ type }) => type !== SHT_NOBITS)
    if (stored.some(({ at, size }) => at + size > this.size)) return null
    const tables = stored.filter(({ type }) => type === SHT_SYMTAB)
    // The names of symbols may share the table of the sections' names, which stays.
    const texts = new Set(tables.map(({ link }) => link).filter((link) => link !== namesIndex))
    const linked = [...texts].flatMap((link) => sections[link] ?? [])
    const symbols = sum(tables) + sum(linked)
    const debug = sum(stored.filter(({ text }) => /^\.(?:z?debug_|stab|gdb_index$)/.test(text)))
    if (symbols + debug === 0 || symbols + debug > this.size) return null
    return {
      kind: 'elf',
      symbols,
      debug,
      go: named.some(({ text }) => text === '.go.buildinfo' || text === '.gopclntab'),
    }
  }

  private tableOf({ at, size }: Section): Buffer | null {
    const kept = [...(this.names ? [this.names] : []), ...this.places].find(
      (each) => each.at <= at && at + size <= each.at + each.filled,
    )
    return kept ? kept.bytes.subarray(at - kept.at, at - kept.at + size) : null
  }
}

function keep(at: number, length: number): Kept {
  return { at, bytes: Buffer.alloc(length), filled: 0 }
}

function isFull({ bytes, filled }: Kept): boolean {
  return filled === bytes.length
}

/** Copies what comes next of a range out of bytes that stand at a place in the file. */
function fill(kept: Kept, at: number, bytes: Buffer): void {
  const next = kept.at + kept.filled
  if (isFull(kept) || next < at || next >= at + bytes.length) return
  kept.filled += bytes.copy(kept.bytes, kept.filled, next - at)
}

/** The file's header; null where it is no program or library, or has no sections to tell of. */
function readHeader(bytes: Buffer, size: number): Header | null {
  const [wide, order] = [bytes[4], bytes[5]]
  if (!bytes.subarray(0, 4).equals(MAGIC) || (wide !== 1 && wide !== 2) || (order !== 1 && order !== 2)) return null
  const is64 = wide === 2
  const read = readerOf(order === 1, is64)
  const type = read.u16(bytes, 16)
  if (type !== ET_EXEC && type !== ET_DYN) return null
  const sectionsAt = read.word(bytes, is64 ? 40 : 32)
  const [sectionSize, sections, namesIndex] = [0, 2, 4].map((at) => read.u16(bytes, (is64 ? 58 : 46) + at)) as [
    number,
    number,
    number,
  ]
  if (sectionSize !== (is64 ? 64 : 40) || sections === 0 || sections > MAX_SECTIONS || namesIndex >= sections)
    return null
  if (sectionsAt < (is64 ? 64 : 52) || sectionsAt + sections * sectionSize > size) return null
  const segmentsAt = read.word(bytes, is64 ? 32 : 28)
  const [segmentSize, told] = [0, 2].map((at) => read.u16(bytes, (is64 ? 54 : 42) + at)) as [number, number]
  // Which ranges are loaded only spares work: where that is not told as usual, none is.
  const segments = segmentSize === (is64 ? 56 : 32) && told <= MAX_SEGMENTS ? told : 0
  return { read, is64, sectionsAt, sectionSize, sections, namesIndex, segmentsAt, segmentSize, segments }
}

function readLoaded({ read, is64, segmentSize, segments }: Header, bytes: Buffer): Loaded[] {
  return Array.from({ length: segments }, (_, index) => index * segmentSize)
    .filter((at) => read.u32(bytes, at) === PT_LOAD)
    .map((at) => {
      const start = read.word(bytes, at + (is64 ? 8 : 4))
      return { start, end: start + read.word(bytes, at + (is64 ? 32 : 16)) }
    })
}

function readSections({ read, is64, sectionSize, sections }: Header, bytes: Buffer): Section[] {
  return Array.from({ length: sections }, (_, index) => {
    const at = index * sectionSize
    return {
      name: read.u32(bytes, at),
      type: read.u32(bytes, at + 4),
      at: read.word(bytes, at + (is64 ? 24 : 16)),
      size: read.word(bytes, at + (is64 ? 32 : 20)),
      link: read.u32(bytes, at + (is64 ? 40 : 24)),
    }
  })
}

function readerOf(isLittle: boolean, is64: boolean): Read {
  const u16 = (from: Buffer, at: number): number => (isLittle ? from.readUInt16LE(at) : from.readUInt16BE(at))
  const u32 = (from: Buffer, at: number): number => (isLittle ? from.readUInt32LE(at) : from.readUInt32BE(at))
  const u64 = (from: Buffer, at: number): number =>
    Number(isLittle ? from.readBigUInt64LE(at) : from.readBigUInt64BE(at))
  return { u16, u32, word: is64 ? u64 : u32 }
}

function nameAt(names: Buffer, at: number): string {
  const end = names.indexOf(0, at)
  return at >= names.length || end === -1 ? '' : names.toString('latin1', at, Math.min(end, at + 100))
}

function sum(sections: Section[]): number {
  return sections.reduce((total, { size }) => total + size, 0)
}
