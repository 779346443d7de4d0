import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import {
  CHECKSUM_FLOOR,
  createEntries,
  flat,
  NO_FACTS,
  type LayerEntries,
  type LayerEntry,
  type LayerFile,
} from '../image/layer/entries.ts'
import type { FileFact } from '../image/layer/facts.ts'
import { MAX_ENTRIES, MAX_PATH_BYTES, SMALL_FACT, type Listed } from '../image/layer/listing.ts'
import { parseJson } from '../json.ts'

/** What a layer does to paths, and the bytes of its files. */
export type LayerListing = { size: number; entries: LayerEntries }

/** The same, as it was read back. `factBytes` as `Listed` has it. */
export type UnpackedListing = LayerListing & Pick<Listed, 'factBytes'>

/** Bytes of a listing as it is kept: that of half a million files. */
export const MAX_LISTING = 5_000_000
/** Bytes of its text: what packs as well as paths do has a tenth of it. */
const MAX_TEXT = 64_000_000

const KINDS = {
  file: 'f',
  link: 'l',
  symlink: 's',
  folder: 'd',
  other: 'o',
  removed: 'r',
  opaque: 'q',
} satisfies Record<LayerEntry['kind'], string>

const name = z.string()
const version = z.string().nullable()
const count = z.int().nonnegative()
const packageFiles = z.array(z.object({ name, version, files: z.string() }))

/** What files tell of themselves, as it is written: a lock file's packages as a list, for a Map has no JSON. */
export const writtenFact = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('apk'), packages: packageFiles }),
  z.discriminatedUnion('of', [
    z.object({
      kind: z.literal('dpkg'),
      of: z.literal('packages'),
      packages: z.array(z.object({ name, version, architecture: z.string() })),
    }),
    z.object({ kind: z.literal('dpkg'), of: z.literal('files'), files: z.string() }),
  ]),
  z.object({ kind: z.literal('elf'), symbols: count, debug: count, go: z.boolean() }),
  z.object({ kind: z.literal('go'), name, version }),
  z.object({
    kind: z.literal('java'),
    name,
    version,
    nested: z.array(z.object({ path: z.string(), name, version, size: count })),
  }),
  z.discriminatedUnion('of', [
    z.object({
      kind: z.literal('npm'),
      of: z.literal('package'),
      name: name.nullable(),
      version,
      dependencies: z.array(name),
    }),
    z.object({
      kind: z.literal('npm'),
      of: z.literal('project'),
      dependencies: z.array(name),
      devDependencies: z.array(name),
    }),
    z.object({
      kind: z.literal('npm'),
      of: z.literal('lock'),
      packages: z
        .array(z.tuple([z.string(), version, z.boolean()]))
        .transform((rows) => new Map(rows.map(([path, locked, dev]) => [path, { version: locked, dev }]))),
    }),
  ]),
  z.discriminatedUnion('of', [
    z.object({ kind: z.literal('python'), of: z.literal('metadata'), name, version }),
    z.object({
      kind: z.literal('python'),
      of: z.literal('files'),
      from: z.enum(['site-packages', 'info']),
      files: z.string(),
    }),
  ]),
  z.object({ kind: z.literal('rpm'), packages: packageFiles }),
  z.object({
    kind: z.literal('secret'),
    secret: z.enum([
      'private-key',
      'npm-token',
      'netrc-password',
      'pypi-token',
      'aws-key',
      'docker-login',
      'git-credentials',
      'env-file',
    ]),
  }),
])
type WrittenFact = z.input<typeof writtenFact>
/** The number of a file, and what it tells. */
const factRow = z.tuple([count, writtenFact])

/** A list all of whose elements pass. A schema for each of a million would take seconds, and tell of each that fails. */
function listOf<T>(isOne: (value: unknown) => boolean) {
  return z.custom<T[]>((value) => Array.isArray(value) && value.every(isOne))
}
const texts = listOf<string>((value) => typeof value === 'string')
const counts = listOf<number>((value) => Number.isSafeInteger(value) && (value as number) >= 0)
const modes = listOf<number>(
  (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 0o7777,
)
/** A user's or group's number: a tar may have any. */
const ids = listOf<number>(Number.isFinite)
/** As signed integers of 32 bits. */
const checksums = listOf<number | null>((value) => value === null || ((value as number) | 0) === value)

/**
 * A listing in columns, an element an entry: what is alike stands together, which packs in half the bytes. Of `shared`, `rest`: the
 * characters that its path has in common with the one before, and those that follow. `targets`: an element a link; all from `sizes` on: a
 * file. `facts` by the number of the file.
 */
const columns = z.object({
  schema: z.literal(1),
  diffId: z.string(),
  size: count,
  kinds: z.string().max(MAX_ENTRIES),
  shared: counts,
  rest: texts,
  targets: texts,
  sizes: counts,
  modes,
  uids: ids,
  gids: ids,
  checksums,
  facts: listOf<z.input<typeof factRow>>(Array.isArray),
})
type Columns = z.output<typeof columns>

const packed = promisify(gzip)
const unpacked = promisify(gunzip)

/**
 * A layer's listing as it is kept, gzipped; null where it is too large to be, or its files' sizes are not the layer's in sum. The same
 * bytes for the same layer. Of small files, and of those that hold a secret, no checksum is kept.
 */
export async function packListing(diffId: string, { size, entries }: Readonly<LayerListing>): Promise<Buffer | null> {
  if (entries.length > MAX_ENTRIES || payloadOf(entries) !== size) return null
  const text = textOf(columnsOf(diffId, size, entries))
  if (text === null) return null
  const bytes = await packed(text)
  return bytes.length > MAX_LISTING ? null : bytes
}

function textOf(value: Columns): Buffer | null {
  try {
    const text = Buffer.from(JSON.stringify(value))
    return text.length > MAX_TEXT ? null : text
  } catch {
    // Longer than any string may be.
    return null
  }
}

function payloadOf(entries: LayerEntries): number {
  let sum = 0
  for (const entry of entries) if (entry.kind === 'file') sum += entry.size
  return sum
}

function columnsOf(diffId: string, size: number, entries: LayerEntries): Columns {
  const kinds: string[] = []
  const to: Omit<Columns, 'kinds'> = {
    schema: 1,
    diffId,
    size,
    shared: [],
    rest: [],
    targets: [],
    sizes: [],
    modes: [],
    uids: [],
    gids: [],
    checksums: [],
    facts: [],
  }
  let before = ''
  for (const entry of entries) {
    const { kind, path } = entry
    const common = commonLength(before, path)
    kinds.push(KINDS[kind])
    to.shared.push(common)
    to.rest.push(path.slice(common))
    before = path
    if ('target' in entry) to.targets.push(entry.target)
    if (entry.kind !== 'file') continue
    for (const fact of entry.facts) to.facts.push([to.sizes.length, write(fact)])
    to.sizes.push(entry.size)
    to.modes.push(entry.mode)
    to.uids.push(entry.uid)
    to.gids.push(entry.gid)
    to.checksums.push(keptChecksum(entry))
  }
  return { ...to, kinds: kinds.join('') }
}

/**
 * A small file has none, whatever is listed of it: whoever reads its checksum could guess at a password in it, and know when the guess is
 * right.
 */
function keptChecksum({ size, checksum, facts }: LayerFile): number | null {
  return size < CHECKSUM_FLOOR || facts.some(({ kind }) => kind === 'secret') ? null : checksum
}

function commonLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  for (let at = 0; at < most; at++) if (one.charCodeAt(at) !== other.charCodeAt(at)) return at
  return most
}

function write(fact: FileFact): WrittenFact {
  if (fact.kind !== 'npm' || fact.of !== 'lock') return fact
  const packages = [...fact.packages].map(([path, locked]): [string, string | null, boolean] => {
    return [path, locked.version, locked.dev]
  })
  return { ...fact, packages }
}

/**
 * What a listing that was kept tells of the layer with this diffID; null where it is another layer's, or not as `packListing` writes it.
 * Takes the memory that its entries take, and three times the text's for the moment.
 */
export async function unpackListing(bytes: Uint8Array, diffId: string): Promise<UnpackedListing | null> {
  if (bytes.length > MAX_LISTING) return null
  const text = await unpacked(bytes, { maxOutputLength: MAX_TEXT }).catch(() => null)
  const { data } = columns.safeParse(text && parseJson(text))
  if (data?.diffId !== diffId) return null
  const entries = entriesOf(data)
  if (entries === null || payloadOf(entries) !== data.size) return null
  return { size: data.size, entries, factBytes: factBytesOf(data.facts) }
}

/** As a layer's listing counts them when it is read. */
function factBytesOf(rows: Columns['facts']): number {
  return rows.reduce((sum, [, fact]) => sum + Math.max(SMALL_FACT, JSON.stringify(fact).length), 0)
}

function entriesOf(from: Columns): LayerEntries | null {
  const facts = factsOf(from.facts)
  if (facts === null) return null
  const entries = createEntries()
  let files = 0
  let links = 0
  let pathBytes = 0
  let before = ''
  for (let at = 0; at < from.kinds.length; at++) {
    const common = from.shared[at] ?? 0
    const rest = from.rest[at] ?? ''
    pathBytes += common + rest.length
    // Two lines can stand for paths of any length.
    if (common > before.length || pathBytes > MAX_PATH_BYTES) return null
    const path = flat(before.slice(0, common) + rest)
    // As a tar's are normalised: `layOneByOne` goes by it.
    if (!path.startsWith('/') || path.includes('//') || (path.length > 1 && path.endsWith('/'))) return null
    before = path
    switch (from.kinds[at]) {
      case KINDS.file:
        entries.push(fileAt(from, files, path, facts.get(files) ?? NO_FACTS))
        files += 1
        break
      case KINDS.link:
        entries.push({ kind: 'link', path, target: from.targets[links++] ?? '' })
        break
      case KINDS.symlink:
        entries.push({ kind: 'symlink', path, target: from.targets[links++] ?? '' })
        break
      case KINDS.folder:
        entries.push({ kind: 'folder', path })
        break
      case KINDS.other:
        entries.push({ kind: 'other', path })
        break
      case KINDS.removed:
        entries.push({ kind: 'removed', path })
        break
      case KINDS.opaque:
        entries.push({ kind: 'opaque', path })
        break
      default:
        return null
    }
  }
  const isWhole =
    [from.shared, from.rest].every(({ length }) => length === entries.length) &&
    [from.sizes, from.modes, from.uids, from.gids, from.checksums].every(({ length }) => length === files) &&
    from.targets.length === links &&
    [...facts.keys()].every((file) => file < files)
  return isWhole ? entries : null
}

/** By the number of their file; null where they are not as they are written. */
function factsOf(rows: Columns['facts']): Map<number, FileFact[]> | null {
  const facts = new Map<number, FileFact[]>()
  for (const row of rows) {
    const [file, fact] = factRow.safeParse(row).data ?? []
    if (file === undefined || fact === undefined) return null
    const known = facts.get(file)
    if (known) known.push(fact)
    else facts.set(file, [fact])
  }
  return facts
}

function fileAt(
  { sizes, modes: permissions, uids, gids, checksums: sums }: Columns,
  at: number,
  path: string,
  facts: FileFact[],
): LayerFile {
  return {
    kind: 'file',
    path,
    size: sizes[at] ?? 0,
    mode: permissions[at] ?? 0,
    uid: uids[at] ?? 0,
    gid: gids[at] ?? 0,
    checksum: sums[at] ?? null,
    facts,
  }
}
