import type { FileReader, OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'
import { word } from './text.ts'

/** What Go's linker wrote into a program: the main module, else the package that was built, and the module's version. */
export type GoFact = { kind: 'go'; name: string; version: string | null }

/** Go's runtime is in each program: none is as small as this. */
const MIN_SIZE = 100_000
const ELF = Buffer.from('\x7fELF', 'latin1')
/** In so many bytes at the begin the program headers are. */
const HEADERS = 4096
const SEGMENT_LOADED = 1
const WRITABLE = 2
const NONE = Buffer.alloc(0)
const MAGIC = Buffer.from('\xff Go buildinf:', 'latin1')
/** Where the build info can begin. */
const ALIGNMENT = 16
/** Magic, pointer size, flags, zeros. */
const HEADER = 32
const FLAGS = 15
/** Since Go 1.18 the strings follow the header; before, it has pointers to them. */
const INLINE = 2
/** Stands before and behind the module info. */
const SENTINEL = 16
/** Longest build info that is read: the largest programs have a tenth of it. */
const MAX_INFO = 1024 * 1024
/** Places that look like build info; programs that read it have the magic as well. */
const MAX_TRIES = 64

export const goReader: OpenReader<GoFact> = (_, size) => (size < MIN_SIZE ? null : createReader())

/**
 * The build info lies in a segment that is writable, which the program headers at the begin tell, and there it is searched for while the
 * bytes pass by, as Go itself does where there are no section headers: https://pkg.go.dev/debug/buildinfo
 */
function createReader(): FileReader<GoFact> {
  let state: 'begin' | 'search' | 'gather' | 'done' = 'begin'
  let range: Range = { start: 0, end: 0 }
  /** Bytes that passed by, and the last of them: as many as are needed to find what lies across two chunks. */
  let position = 0
  let last: Buffer = NONE
  /** What may be build info, as far as it came, and how much of it tells more. */
  let parts: Buffer[] = []
  let gathered = 0
  let needed = 0
  let tries = 0
  let fact: GoFact | null = null

  function push(bytes: Buffer): void {
    position += bytes.length
    if (state === 'begin') begin(bytes)
    else if (state === 'search' && position > range.start) search(bytes)
    else if (state === 'gather') gather(bytes)
  }

  function begin(bytes: Buffer): void {
    const first = last.length === 0 ? bytes : Buffer.concat([last, bytes])
    const start = first.subarray(0, ELF.length)
    const mayBeElf = start.equals(ELF.subarray(0, start.length))
    if (mayBeElf && first.length < HEADERS) {
      last = Buffer.from(first)
      return
    }
    const found = mayBeElf ? writableRange(first) : null
    state = found === null ? 'done' : 'search'
    if (found === null) return
    range = found
    last = NONE
    if (position > range.start) search(first)
  }

  /** `bytes`: the last ones before `position`. */
  function search(bytes: Buffer): void {
    const writable = bytes.subarray(Math.max(0, range.start - (position - bytes.length)))
    const joined = last.length === 0 ? writable : Buffer.concat([last, writable])
    const at = find(joined, position - joined.length)
    if (at !== -1) gather(joined.subarray(at))
    else if (position < range.end) last = Buffer.from(joined.subarray(Math.max(0, joined.length - MAGIC.length + 1)))
    else state = 'done'
  }

  function gather(bytes: Buffer): void {
    state = 'gather'
    parts.push(Buffer.from(bytes))
    gathered += bytes.length
    if (gathered < needed) return
    const info = Buffer.concat(parts)
    const told = buildInfo(info)
    if (typeof told === 'number') {
      needed = told
      return
    }
    parts = []
    gathered = 0
    needed = 0
    last = NONE
    tries += 1
    fact = told
    state = told === null && tries < MAX_TRIES ? 'search' : 'done'
    if (state === 'search') search(info.subarray(1))
  }

  return {
    push: (chunk) => {
      if (state !== 'done') push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    },
    end: () => fact,
  }
}

/** Bytes of a file, from `start` up to `end`. */
type Range = { start: number; end: number }

/** From the first writable segment to the end of the last one, or null: none, or the headers are not all in what is at hand. */
function writableRange(head: Buffer): Range | null {
  const is64 = head[4] === 2
  const isLittle = head[5] === 1
  const number = (at: number, bytes: 2 | 4 | 8): number => {
    if (bytes === 8) return Number(isLittle ? head.readBigUInt64LE(at) : head.readBigUInt64BE(at))
    return isLittle ? head.readUIntLE(at, bytes) : head.readUIntBE(at, bytes)
  }
  const size = is64 ? 8 : 4
  const table = number(is64 ? 32 : 28, size)
  const entrySize = number(is64 ? 54 : 42, 2)
  const count = number(is64 ? 56 : 44, 2)
  if (entrySize < (is64 ? 56 : 32) || table + count * entrySize > head.length) return null
  let start = Number.POSITIVE_INFINITY
  let end = 0
  for (let at = table; at < table + count * entrySize; at += entrySize) {
    const flags = number(at + (is64 ? 4 : 24), 4)
    if (number(at, 4) !== SEGMENT_LOADED || (flags & WRITABLE) === 0) continue
    const offset = number(at + (is64 ? 8 : 4), size)
    start = Math.min(start, offset)
    end = Math.max(end, offset + number(at + (is64 ? 32 : 16), size))
  }
  return end > start ? { start, end } : null
}

/** Where build info may begin in `bytes`, which stand at `start` in the file; -1: nowhere. */
function find(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(MAGIC); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
    if ((start + at) % ALIGNMENT === 0) return at
  }
  return -1
}

/** What build info tells; null: it is none, or of a program without a name. A number: so many bytes of it are needed. */
function buildInfo(info: Buffer): GoFact | number | null {
  if (info.length < HEADER) return HEADER
  if ((info[FLAGS]! & INLINE) === 0) return null
  const version = stringAt(info, HEADER)
  if (version === null || typeof version === 'number') return version
  if (!/^(?:go\d|devel)/.test(info.toString('latin1', version.start, version.end))) return null
  const modules = stringAt(info, version.end)
  if (modules === null || typeof modules === 'number') return modules
  return mainModule(info.toString('utf8', modules.start + SENTINEL, Math.max(modules.end - SENTINEL, 0)))
}

/** A string with its length before it, as a varint; null: none of a length that can be. A number: so many bytes are needed. */
function stringAt(info: Buffer, at: number): { start: number; end: number } | number | null {
  let length = 0
  for (let shift = 0; shift < 28; shift += 7, at++) {
    const byte = info[at]
    if (byte === undefined) return at + 1
    length |= (byte & 0x7f) << shift
    if (byte >= 0x80) continue
    const start = at + 1
    const end = start + length
    return end > MAX_INFO ? null : end > info.length ? end : { start, end }
  }
  return null
}

/** Of lines like `mod<tab>github.com/spf13/cobra<tab>v1.8.0<tab>h1:…`. https://pkg.go.dev/runtime/debug#BuildInfo */
function mainModule(modules: string): GoFact | null {
  const lines = modules.split('\n').map((line) => line.split('\t'))
  const [, path] = lines.find(([key]) => key === 'path') ?? []
  const [, module, version] = lines.find(([key]) => key === 'mod') ?? []
  const name = word(module) ?? word(path)
  return name === null ? null : { kind: 'go', name, version: version === '(devel)' ? null : word(version) }
}

/** Go programs, each a package of its own: the file. Where Go keeps its modules' sources is no package. */
export const findGoPackages: FindPackages = ({ facts }) =>
  facts.flatMap(({ path, fact }) =>
    fact.kind !== 'go'
      ? []
      : [
          {
            ecosystem: 'go' as const,
            name: fact.name,
            version: fact.version,
            path,
            dev: null,
            owns: { files: [path] },
          },
        ],
  )
