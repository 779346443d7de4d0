import type { FileReader, OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'
import { word } from './text.ts'

/** What Go's linker wrote into a program: the main module, else the package that was built, and the module's version. */
export type GoFact = { kind: 'go'; name: string; version: string | null }

/** Go's runtime is in each program: none is as small as this. */
const MIN_SIZE = 100_000
const ELF = Buffer.from('\x7fELF', 'latin1')
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

/** Where the build info lies, section headers tell, which come last: it is searched for while the bytes pass by. */
function createReader(): FileReader<GoFact> {
  let state: 'begin' | 'search' | 'gather' | 'done' = 'begin'
  /** Bytes that passed by, and the last of them: as many as are needed to find what lies across two chunks. */
  let position = 0
  let last: Buffer = Buffer.alloc(0)
  /** What may be build info, as far as it came, and how much of it tells more. */
  let parts: Buffer[] = []
  let gathered = 0
  let needed = 0
  let tries = 0
  let fact: GoFact | null = null

  function push(bytes: Buffer): void {
    if (state === 'done') return
    position += bytes.length
    if (state === 'begin') {
      last = Buffer.concat([last, bytes])
      if (last.length < ELF.length) return
      state = last.subarray(0, ELF.length).equals(ELF) ? 'search' : 'done'
      if (state === 'search') search(last)
    } else if (state === 'search') {
      const edge = Buffer.concat([last, bytes.subarray(0, MAGIC.length - 1)])
      const found = find(edge, position - bytes.length - last.length)
      if (found !== -1) gather(Buffer.concat([edge.subarray(found), bytes.subarray(MAGIC.length - 1)]))
      else if (bytes.length >= MAGIC.length) search(bytes)
      else last = edge.subarray(Math.max(0, edge.length - MAGIC.length + 1))
    } else {
      gather(bytes)
    }
  }

  /** `bytes`: the last ones before `position`. */
  function search(bytes: Buffer): void {
    const found = find(bytes, position - bytes.length)
    if (found === -1) last = Buffer.from(bytes.subarray(Math.max(0, bytes.length - MAGIC.length + 1)))
    else gather(bytes.subarray(found))
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
    tries += 1
    fact = told
    state = told === null && tries < MAX_TRIES ? 'search' : 'done'
    if (state === 'search') search(info.subarray(1))
  }

  return {
    push: (chunk) => push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)),
    end: () => fact,
  }
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
