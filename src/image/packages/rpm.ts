import { gathering, type OpenReader } from '../layer/gather.ts'
import { decodeName } from '../layer/tar-header.ts'
import type { FindPackages } from './package.ts'
import { rowsOf } from './sqlite.ts'
import { linesIn, word } from './text.ts'

/** The packages that rpm has installed. `files`: an absolute path on each line. */
export type RpmFact = { kind: 'rpm'; packages: { name: string; version: string | null; files: string }[] }

/** Since rpm 4.16; before, in Berkeley DB, which is not read. The second one since Fedora 36. */
const DATABASE = 'var/lib/rpm/rpmdb.sqlite'
const FEDORA_DATABASE = 'usr/lib/sysimage/rpm/rpmdb.sqlite'
/** Longest database that is read, in bytes: it has some 10 kB for each package. */
const MAX_DATABASE = 64 * 1024 * 1024
/** Characters of all its packages' paths: folders stand in it once, and in each path. */
const MAX_PATHS = 64 * 1024 * 1024
const MAX_PACKAGES = 100_000
/** Files, or folders, of one package: a header of zero bytes has as many names as bytes. */
const MAX_FILES = 200_000

export const rpmReader: OpenReader<RpmFact> = (path, size) =>
  path === DATABASE || path === FEDORA_DATABASE ? gathering(size, MAX_DATABASE, installed, weightOf) : null

function weightOf({ packages }: RpmFact): number {
  return packages.reduce((sum, { files }) => sum + 300 + files.length, 0)
}

function installed(database: Buffer): RpmFact | null {
  const packages: RpmFact['packages'] = []
  let left = MAX_PATHS
  for (const [, header] of rowsOf(database, 'Packages')) {
    if (!Buffer.isBuffer(header)) continue
    const found = packageOf(header)
    if (!found) continue
    // Joined only when it is known how long they are.
    left -= found.files.reduce((sum, path) => sum + path.length + 1, 0)
    if (left < 0) return null
    if (packages.length === MAX_PACKAGES) return null
    packages.push({ ...found, files: Buffer.from(found.files.join('\n')).toString() })
  }
  return packages.length > 0 ? { kind: 'rpm', packages } : null
}

/** Tags of a header: https://rpm-software-management.github.io/rpm/manual/tags.html */
const NAME = 1000
const VERSION = 1001
const RELEASE = 1002
const EPOCH = 1003
const FOLDER_INDEXES = 1116
const FILE_NAMES = 1117
const FOLDERS = 1118
const WANTED = new Set([NAME, VERSION, RELEASE, EPOCH, FOLDER_INDEXES, FILE_NAMES, FOLDERS])
/** A header begins with the number of its entries and the length of their data. */
const PREFIX = 8
const ENTRY = 16

type Entry = { at: number; count: number }

/** Throws where the header is broken or has too many files. https://rpm-software-management.github.io/rpm/manual/format_header.html */
function packageOf(header: Buffer): { name: string; version: string | null; files: string[] } | null {
  const count = header.readUInt32BE(0)
  const data = header.subarray(PREFIX + count * ENTRY)
  const entries = new Map<number, Entry>()
  for (let at = PREFIX; at < PREFIX + count * ENTRY; at += ENTRY) {
    const tag = header.readUInt32BE(at)
    if (!WANTED.has(tag)) continue
    entries.set(tag, { at: header.readUInt32BE(at + 8), count: header.readUInt32BE(at + 12) })
  }
  const [name, version, release] = [NAME, VERSION, RELEASE].map((tag) =>
    strings(data, entries.get(tag)).next().value?.toString(),
  )
  const [epoch] = integers(data, entries.get(EPOCH))
  if (word(name) === null) return null
  const folders: string[] = []
  for (const folder of strings(data, entries.get(FOLDERS))) folders.push(decodeName(folder))
  const indexes = integers(data, entries.get(FOLDER_INDEXES))
  const files: string[] = []
  for (const file of strings(data, entries.get(FILE_NAMES))) {
    files.push(`${folders[indexes[files.length] ?? -1] ?? ''}${decodeName(file)}`)
  }
  return {
    name: name!,
    version: word(version) && `${epoch ? `${epoch}:` : ''}${word(version)}${word(release) ? `-${word(release)}` : ''}`,
    files,
  }
}

/** Texts that end with a zero byte, one after the other. Throws where there are too many, before it makes the first. */
function* strings(data: Buffer, entry: Entry | undefined): Generator<Buffer, undefined> {
  const { at: start, count } = limited(entry)
  for (let at = start, found = 0; found < count; found++) {
    const end = data.indexOf(0, at)
    if (end === -1) return
    yield data.subarray(at, end)
    at = end + 1
  }
}

function integers(data: Buffer, entry: Entry | undefined): number[] {
  const { at: start, count } = limited(entry)
  if (start + count * 4 > data.length) return []
  return Array.from({ length: count }, (_, at) => data.readUInt32BE(start + at * 4))
}

function limited(entry: Entry | undefined): Entry {
  if (entry && entry.count > MAX_FILES) throw new Error('more files than a package has')
  return entry ?? { at: 0, count: 0 }
}

/**
 * Packages of rpm: what `rpm -ql` lists of each. None where the database has changes that were not written into it, which lie beside
 * it in a log.
 */
export const findRpmPackages: FindPackages = ({ facts, file }) =>
  facts.flatMap(({ path, fact }) =>
    fact.kind !== 'rpm' || (file(`${path}-wal`)?.size ?? 0) > 0
      ? []
      : fact.packages.map(({ name, version, files }) => ({
          ecosystem: 'rpm' as const,
          name,
          version,
          path: null,
          dev: null,
          owns: { files: linesIn(files) },
        })),
  )
