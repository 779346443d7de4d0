import { inflateRawSync } from 'node:zlib'
import type { FileReader, OpenReader } from '../layer/gather.ts'
import type { FindPackages, FoundPackage } from './package.ts'
import { stanzasOf, word } from './text.ts'

/** What a Java archive tells: of itself, and of the archives in it, whose sizes are the bytes that they take in it. */
export type JavaFact = { kind: 'java'; name: string; version: string | null; nested: NestedJar[] }

type NestedJar = { path: string; name: string; version: string | null; size: number }

const ARCHIVE = /\.(?:jar|war|ear)$/
/** What is read of an archive: its begin, where the manifest is, and its end, where the list of entries is. */
const HEAD = 64 * 1024
const TAIL = 8 * 1024 * 1024
const MAX_NESTED = 5_000
const MAX_PATH = 1_000
/** Of a manifest or pom.properties, unpacked. */
const MAX_TEXT = 256 * 1024

/** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
const END_SIGNATURE = 0x06054b50
const END_SIZE = 22
const MAX_COMMENT = 0xffff
const ENTRY_SIGNATURE = 0x02014b50
const ENTRY_SIZE = 46
const LOCAL_SIGNATURE = 0x04034b50
const LOCAL_SIZE = 30
const STORED = 0
const DEFLATED = 8

export const javaReader: OpenReader<JavaFact> = (path, size) => (ARCHIVE.test(path) ? createReader(path, size) : null)

function createReader(path: string, size: number): FileReader<JavaFact> {
  const head = Buffer.alloc(Math.min(size, HEAD))
  const tail = Buffer.alloc(Math.min(size, TAIL))
  const tailStart = size - tail.length
  let position = 0
  const reader: FileReader<JavaFact> = {
    push: (chunk) => {
      if (position < head.length) head.set(chunk.subarray(0, head.length - position), position)
      const before = Math.max(0, tailStart - position)
      if (before < chunk.length) tail.set(chunk.subarray(before), position + before - tailStart)
      position += chunk.length
    },
    end: () => {
      const fact = archive(path, { size, head, tail, tailStart })
      reader.keeps =
        1_000 + fact.nested.reduce((sum, { path: nested, name }) => sum + 100 + nested.length + name.length, 0)
      return fact
    },
  }
  return reader
}

/** The parts of an archive that were kept. */
type Kept = { size: number; head: Buffer; tail: Buffer; tailStart: number }
type Entry = { path: string; method: number; packedSize: number; offset: number }

/** The name is the archive's file name: what it was built as, only its version is looked for inside. */
function archive(path: string, kept: Kept): JavaFact {
  const own = nameAndVersion(path)
  const entries = entriesOf(kept)
  const nested = entries.flatMap((entry): NestedJar[] =>
    ARCHIVE.test(entry.path) && entry.path.length <= MAX_PATH
      ? [{ path: entry.path, ...nameAndVersion(entry.path), size: entry.packedSize }]
      : [],
  )
  const bytes = nested.reduce((sum, { size }) => sum + size, 0)
  return {
    kind: 'java',
    name: own.name,
    version: own.version ?? versionInside(entries, kept),
    nested: nested.length > MAX_NESTED || bytes > kept.size ? [] : nested,
  }
}

/** `…/jackson-core-2.17.1.jar`: the version begins with the last part that begins with a digit, and has a dot, and follows a word. */
function nameAndVersion(path: string): { name: string; version: string | null } {
  const file = path
    .slice(path.lastIndexOf('/') + 1)
    .replace(ARCHIVE, '')
    .slice(0, 300)
  const parts = file.split('-')
  const isVersion = (part: string, at: number): boolean => /^\d/.test(part) && at > 0 && !/^\d/.test(parts[at - 1]!)
  const dotted = parts.findLastIndex((part, at) => isVersion(part, at) && part.includes('.'))
  const at = dotted === -1 ? parts.findLastIndex(isVersion) : dotted
  if (at === -1) return { name: file, version: null }
  return { name: parts.slice(0, at).join('-'), version: parts.slice(at).join('-') }
}

/** None where the archive is broken, its list is longer than what was kept, or in the form of archives beyond 4 GB. */
function entriesOf({ tail, tailStart }: Kept): Entry[] {
  const end = endOf(tail)
  if (end === -1) return []
  const size = tail.readUInt32LE(end + 12)
  let at = tail.readUInt32LE(end + 16) - tailStart
  if (at < 0 || at + size > end) return []
  const stop = at + size
  const entries: Entry[] = []
  while (at + ENTRY_SIZE <= stop && tail.readUInt32LE(at) === ENTRY_SIGNATURE) {
    const nameLength = tail.readUInt16LE(at + 28)
    const next = at + ENTRY_SIZE + nameLength + tail.readUInt16LE(at + 30) + tail.readUInt16LE(at + 32)
    if (next > stop) return []
    // Of most entries nothing is wanted: their names need not become strings.
    if (isWanted(tail, at + ENTRY_SIZE, nameLength)) {
      entries.push({
        path: tail.toString('utf8', at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength),
        method: tail.readUInt16LE(at + 10),
        packedSize: tail.readUInt32LE(at + 20),
        offset: tail.readUInt32LE(at + 42),
      })
    }
    at = next
  }
  return entries
}

/** Where the record at an archive's end begins, before a comment; -1: nowhere. */
function endOf(tail: Buffer): number {
  for (let at = tail.length - END_SIZE; at >= Math.max(0, tail.length - END_SIZE - MAX_COMMENT); at--) {
    if (tail.readUInt32LE(at) === END_SIGNATURE && at + END_SIZE + tail.readUInt16LE(at + 20) === tail.length) return at
  }
  return -1
}

const MANIFEST = 'META-INF/MANIFEST.MF'
const PROPERTIES = /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/

function isWanted(tail: Buffer, start: number, length: number): boolean {
  const extension = tail.toString('latin1', start + Math.max(0, length - 4), start + length)
  if (ARCHIVE.test(extension)) return true
  return tail.toString('latin1', start, start + Math.min(length, 9)) === 'META-INF/' && /(?:\.MF|ties)$/.test(extension)
}

/** As Maven has it, where the archive was built of one project; else as the manifest has it. */
function versionInside(entries: Entry[], kept: Kept): string | null {
  const properties = entries.filter(({ path }) => PROPERTIES.test(path))
  if (properties.length === 1) {
    const found = /^version=(\S+)\s*$/m.exec(textOf(properties[0]!, kept) ?? '')
    if (found) return word(found[1])
  }
  const manifest = entries.find(({ path }) => path === MANIFEST)
  const text = manifest ? textOf(manifest, kept) : null
  const main = text === null ? undefined : stanzasOf(Buffer.from(text), ['Implementation-Version']).next().value
  return word(main?.get('Implementation-Version'))
}

/** An entry's content, where it lies in what was kept. */
function textOf({ method, packedSize, offset }: Entry, { head, tail, tailStart }: Kept): string | null {
  const [bytes, at] = offset >= tailStart ? [tail, offset - tailStart] : [head, offset]
  if (at + LOCAL_SIZE > bytes.length || bytes.readUInt32LE(at) !== LOCAL_SIGNATURE) return null
  const start = at + LOCAL_SIZE + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
  if (start + packedSize > bytes.length) return null
  const packed = bytes.subarray(start, start + packedSize)
  if (method === STORED) return packed.toString('utf8', 0, MAX_TEXT)
  if (method !== DEFLATED) return null
  try {
    return inflateRawSync(packed, { maxOutputLength: MAX_TEXT }).toString('utf8')
  } catch {
    return null
  }
}

/** Java archives, each a package of its own: the file; and those in it (`/app/app.jar!/BOOT-INF/lib/x-1.2.jar`). */
export const findJavaPackages: FindPackages = ({ facts }) =>
  facts.flatMap(({ path, fact }): FoundPackage[] =>
    fact.kind !== 'java'
      ? []
      : [
          {
            ecosystem: 'java',
            name: fact.name,
            version: fact.version,
            path,
            dev: null,
            owns: { files: [path] },
            parts: fact.nested.map(({ path: nested, name, version, size }) => ({
              name,
              version,
              path: `${path}!/${nested}`,
              size,
            })),
          },
        ],
  )
