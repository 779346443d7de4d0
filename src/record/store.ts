import { normalisePlatform } from '../image/source/manifests.ts'
import { createTurns } from '../turns.ts'
import {
  keepListings,
  keepRecords,
  LISTED_RECORDS,
  listedLayers,
  parseKept,
  renderKept,
  shortDigest,
  type Kept,
  type KeptRecord,
} from './kept.ts'
import {
  compareMeasured,
  compareTexts,
  latestLines,
  lineOf,
  parseLines,
  renderLines,
  type PointFile,
  type PointLine,
} from './lines.ts'
import { MAX_LISTING, unpackListing, type UnpackedListing } from './listing.ts'
import {
  commitOfRecord,
  diffIdOfListing,
  folderOf,
  imageFolder,
  indexPath,
  listingPath,
  listingsFolder,
  monthOfPoints,
  olderPointsPath,
  platformOf,
  pointsFolder,
  pointsPath,
  recordPath,
  recordsFolder,
} from './paths.ts'
import { compact, hasFile, pointsIn } from './points.ts'
import type { Point, StoredRecord } from './record.ts'
import { parseLaterRecord, parseRecord, renderRecord } from './schema.ts'
import type { FileChange, Records, Shelf } from './shelf.ts'

/** Files that are read at a time; listings take their memory twice while they are. */
const AT_A_TIME = 6
const LISTINGS_AT_A_TIME = 2
/** Entries of all listings that are read for one comparison: as many as a run keeps of layers (`image/layer/contents.ts`). */
const MAX_ENTRIES = 2_000_000
/** Files of months that are read: there are two, unless someone else has written some. */
const MAX_MONTHS = 36
/** Records that are read where the index does not have them. */
const MAX_UNKNOWN = 200

/** The record of an image on one platform at a commit; null where there is none, or the file has another one's. */
export async function readRecord(
  shelf: Shelf,
  name: string,
  platform: string,
  commit: string,
): Promise<StoredRecord | null> {
  const text = (await shelf.read(recordPath(folderOf(name, platform), commit)))?.toString()
  return recordIn(text, { name, platform, commit })
}

function recordIn(
  text: string | undefined,
  { name, platform, commit }: { name: string; platform: string; commit: string },
): StoredRecord | null {
  const record = text === undefined ? null : parseRecord(text)
  if (record === null || record.commit !== commit) return null
  const { measurement } = record
  return measurement.name === name && measurement.platform === platform ? record : null
}

/** The commits of which there is a record; whether that can be read is another question. */
export async function recordedCommits(shelf: Shelf, name: string, platform: string): Promise<Set<string>> {
  return new Set(await namesIn(shelf, recordsFolder(folderOf(name, platform)), commitOfRecord))
}

/** The platforms of an image that have something kept, `os/architecture[/variant]`, sorted. */
export async function platformsIn(shelf: Shelf, name: string): Promise<string[]> {
  return (await namesIn(shelf, imageFolder(name), platformOf)).toSorted()
}

/** The platforms that an image will have: those that are asked for; else the one that is built where nothing else is said, as far as records tell. */
export async function likelyPlatforms(shelf: Shelf, name: string, wanted: readonly string[]): Promise<string[]> {
  if (wanted.length > 0) return wanted.map(normalisePlatform)
  const recorded = await platformsIn(shelf, name)
  const native = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`
  return recorded.includes(native) ? [native] : recorded.slice(0, 1)
}

/** What the files in a folder are called, of those whose names are ours. */
async function namesIn(shelf: Shelf, folder: string, meaningOf: (name: string) => string | null): Promise<string[]> {
  return ((await shelf.list(folder)) ?? []).flatMap((name) => meaningOf(name) ?? [])
}

/** Those of the layers whose listing is not kept yet, each once. */
export async function unlistedLayers(shelf: Shelf, folder: string, diffIds: readonly string[]): Promise<string[]> {
  const listed = new Set(await namesIn(shelf, listingsFolder(folder), diffIdOfListing))
  return [...new Set(diffIds)].filter((diffId) => !listed.has(diffId))
}

/**
 * What the layers that are not known already do to paths, by diffID. A layer whose listing is not there, or cannot be read, is left out; so
 * are those for which the ones before leave no room.
 */
export async function readListings(
  shelf: Shelf,
  folder: string,
  diffIds: readonly string[],
  known: (diffId: string) => boolean,
  maxEntries = MAX_ENTRIES,
): Promise<Map<string, UnpackedListing>> {
  const found = new Map<string, UnpackedListing>()
  let left = maxEntries
  const unknown = [...new Set(diffIds)].filter((diffId) => !known(diffId))
  for (let at = 0; at < unknown.length && left > 0; at += LISTINGS_AT_A_TIME) {
    const some = unknown.slice(at, at + LISTINGS_AT_A_TIME)
    const read = await Promise.all(some.map((diffId) => readListing(shelf, folder, diffId)))
    for (const [place, listing] of read.entries()) {
      if (listing === null || listing.entries.length > left) continue
      left -= listing.entries.length
      found.set(some[place]!, listing)
    }
  }
  return found
}

/**
 * Begins to read the listings of these layers: whoever reads them from the shelf that it gives has them sooner. What fails is told to those
 * who ask for it.
 */
export function readListingsAhead(shelf: Shelf, folder: string, diffIds: readonly string[]): Shelf {
  const begun = new Map(
    diffIds.map((diffId) => {
      const path = listingPath(folder, diffId)
      const reading = shelf.read(path)
      reading.catch(() => {})
      return [path, reading] as const
    }),
  )
  return { ...shelf, read: (path) => begun.get(path) ?? shelf.read(path) }
}

async function readListing(shelf: Shelf, folder: string, diffId: string): Promise<UnpackedListing | null> {
  const bytes = await shelf.read(listingPath(folder, diffId))
  return bytes && unpackListing(bytes, diffId)
}

/**
 * The image's history on one platform, sorted by time. `atLeast`: as many points as are needed, where there are as many: what lies
 * further back is not read then.
 */
export async function readPoints(shelf: Shelf, name: string, platform: string, atLeast?: number): Promise<Point[]> {
  const folder = folderOf(name, platform)
  const lines: PointLine[] = []
  const read = async (path: string): Promise<void> => {
    const text = (await shelf.read(path))?.toString()
    if (text !== undefined) lines.push(...parseLines(text).lines)
  }
  const points = (): Point[] => latestLines(lines).map(({ point }) => point)
  for (const month of await monthsIn(shelf, folder)) {
    if (atLeast !== undefined && lines.length >= atLeast) return points()
    await read(pointsPath(folder, month))
  }
  if (atLeast === undefined || lines.length < atLeast) await read(olderPointsPath(folder))
  return points()
}

/** An image's history on a platform, sorted by time, as `readPoints` gives it; null: there is no data branch. */
export type PointsOf = (platform: string) => Promise<Point[] | null>

/**
 * Begins to read the history of an image that is still to be measured, on the platforms that it will likely have. What fails is told to those
 * who ask for it.
 */
export function readPointsAhead(
  records: Pick<Records, 'open'>,
  { name, platforms, atLeast }: { name: string; platforms: readonly string[]; atLeast: number | undefined },
): PointsOf {
  const begun = new Map<string, ReturnType<PointsOf>>()
  const pointsOf: PointsOf = (platform) => {
    const reading =
      begun.get(platform) ?? records.open().then((shelf) => shelf && readPoints(shelf, name, platform, atLeast))
    begun.set(platform, reading)
    return reading
  }
  const begin = async (): Promise<void> => {
    const shelf = await records.open()
    if (shelf !== null) await Promise.all((await likelyPlatforms(shelf, name, platforms)).map(pointsOf))
  }
  begin().catch(() => {})
  return pointsOf
}

/** The months that have a file of points, `YYYY-MM`, the newest first. */
async function monthsIn(shelf: Shelf, folder: string): Promise<string[]> {
  const months = await namesIn(shelf, pointsFolder(folder), monthOfPoints)
  return months.toSorted().toReversed().slice(0, MAX_MONTHS)
}

/** A record, and the listings of its layers as far as they are at hand: packed, by diffID. */
export type Addition = { record: StoredRecord; listings: ReadonlyMap<string, Buffer> }

/**
 * What changes on the data branch when a record is kept, by path; nothing, where it is there as it is. `points`: the history then, sorted by
 * time. `released`: commits whose points stay for good.
 *
 * What is there afterwards depends on which records were kept, and not on their order: whoever comes second may well be the older commit, or
 * have the older measurement of the same one.
 */
export async function changesOf(
  shelf: Shelf,
  { record, listings }: Addition,
  released: ReadonlySet<string>,
): Promise<{ changes: FileChange[]; points: Point[] }> {
  const { name, platform } = record.measurement
  const folder = folderOf(name, platform)
  const before = (await shelf.read(recordPath(folder, record.commit)))?.toString()
  const chosen = chosenOf(before, record)
  const [history, records] = await Promise.all([
    changedPoints(shelf, folder, lineOf(chosen.record), released),
    chosen.text === null ? [] : changedRecords(shelf, folder, { ...chosen, text: chosen.text, before }, listings),
  ])
  const changes = [...history.changes, ...records]
  return {
    changes: changes.toSorted((one, other) => (one.path < other.path ? -1 : 1)),
    points: history.points,
  }
}

/**
 * Of what is there of a commit and a record of it, the one that was measured later, with its file's text; of one time it is always the same.
 * `text` null: its file stays as it is, since a later version's record is in it, or what is to be kept could not be read back.
 */
function chosenOf(before: string | undefined, record: StoredRecord): { record: StoredRecord; text: string | null } {
  const { name, platform } = record.measurement
  const text = renderRecord(record)
  const there = recordIn(before, { name, platform, commit: record.commit })
  if (before !== undefined && there !== null) {
    const order = compareMeasured(lineOf(there), lineOf(record)) || compareTexts(renderRecord(there), text)
    if (order >= 0) return { record: there, text: before }
  }
  const isLater = before !== undefined && parseLaterRecord(before) !== null
  return { record, text: isLater || parseRecord(text) === null ? null : text }
}

async function changedPoints(
  shelf: Shelf,
  folder: string,
  line: PointLine,
  released: ReadonlySet<string>,
): Promise<{ changes: FileChange[]; points: Point[] }> {
  const inTurn = createTurns(AT_A_TIME)
  const read = (path: string): Promise<string | undefined> => inTurn(async () => (await shelf.read(path))?.toString())
  const months = (await monthsIn(shelf, folder)).toReversed()
  const paths = [olderPointsPath(folder), ...months.map((month) => pointsPath(folder, month))]
  const texts = await Promise.all(paths.map(read))
  const [older, ...files] = texts.map((text) => parseLines(text ?? ''))
  const lines = latestLines([line, ...older!.lines, ...files.flatMap((file) => file.lines)])
  const now = lines.at(-1)!.at
  const compacted = compact(lines, { now, released })
  const others = new Map(months.map((month, at) => [month, files[at]!.others]))
  const moved = [...others].flatMap(([month, those]) => (hasFile(month, now) ? [] : those))
  const staying = [...others].flatMap(([month, those]) => (hasFile(month, now) && those.length > 0 ? [month] : []))

  const wanted = new Map<string, string>()
  const want = (path: string, file: PointFile): void => {
    if (file.lines.length + file.others.length > 0) wanted.set(path, renderLines(file))
  }
  want(olderPointsPath(folder), { lines: compacted.older, others: [...older!.others, ...moved] })
  for (const month of new Set([...compacted.recent.keys(), ...staying]))
    want(pointsPath(folder, month), { lines: compacted.recent.get(month) ?? [], others: others.get(month) ?? [] })
  const present = new Map(paths.map((path, at) => [path, texts[at]]))
  return { changes: changesTo(wanted, present), points: pointsIn(compacted).map(({ point }) => point) }
}

/** What makes files of the present texts those that are wanted; undefined: it is not there. */
function changesTo(wanted: Map<string, string>, present: Map<string, string | undefined>): FileChange[] {
  const written = [...wanted].filter(([path, content]) => present.get(path) !== content)
  const gone = [...present].filter(([path, content]) => content !== undefined && !wanted.has(path))
  return [...written.map(([path, content]) => ({ path, content })), ...gone.map(([path]) => ({ path, content: null }))]
}

async function changedRecords(
  shelf: Shelf,
  folder: string,
  { record, text, before }: { record: StoredRecord; text: string; before: string | undefined },
  listings: ReadonlyMap<string, Buffer>,
): Promise<FileChange[]> {
  const [path, indexAt] = [recordPath(folder, record.commit), indexPath(folder)]
  const [indexBefore, commits, diffIds] = await Promise.all([
    shelf.read(indexAt),
    namesIn(shelf, recordsFolder(folder), commitOfRecord),
    namesIn(shelf, listingsFolder(folder), diffIdOfListing),
  ])
  const index = parseKept(indexBefore?.toString() ?? '')
  const others = commits.filter((commit) => commit !== record.commit)
  const there = await recordsThere(shelf, folder, index, others)
  const records = await withLayers(shelf, folder, keepRecords([...there, keptOf(record)]))
  const layers = listedLayers(records)
  const sizes = await listingsThere(
    shelf,
    folder,
    index,
    diffIds.filter((diffId) => layers.has(shortDigest(diffId))),
  )
  const atHand = [...listings]
    .filter(([diffId, { length }]) => !sizes.has(diffId) && length <= MAX_LISTING)
    .map(([diffId, { length }]) => ({ diffId, bytes: length }))
  const kept = keepListings([...[...sizes].map(([diffId, bytes]) => ({ diffId, bytes })), ...atHand], records)
  const isListed = new Set(kept.map(({ diffId }) => diffId))
  const isKept = new Set(records.map(({ commit }) => commit))

  const wanted = new Map([[indexAt, renderKept({ records, listings: kept })]])
  if (isKept.has(record.commit)) wanted.set(path, text)
  const present = new Map([
    [indexAt, indexBefore?.toString()],
    [path, before],
  ])
  const goneRecords = there.filter(({ commit }) => !isKept.has(commit))
  const goneListings = diffIds.filter((diffId) => !isListed.has(diffId))
  const newListings = kept.filter(({ diffId }) => !sizes.has(diffId))
  return [
    ...changesTo(wanted, present),
    ...goneRecords.map(({ commit }) => ({ path: recordPath(folder, commit), content: null })),
    ...goneListings.map((diffId) => ({ path: listingPath(folder, diffId), content: null })),
    ...newListings.map(({ diffId }) => ({ path: listingPath(folder, diffId), content: listings.get(diffId)! })),
  ]
}

function keptOf(record: StoredRecord): KeptRecord {
  const { commit, at } = lineOf(record)
  return { commit, at, layers: shortDigests(record.measurement.layers) }
}

function shortDigests(layers: readonly { diffId: string }[]): string[] {
  return [...new Set(layers.map(({ diffId }) => shortDigest(diffId)))]
}

/** Where a record of which nothing can be read has its place: it is the first that goes. */
const UNKNOWN_TIME = '0000-01-01T00:00:00Z'

/** The records of these commits, as the index has them; those that it does not have are read. */
async function recordsThere(
  shelf: Shelf,
  folder: string,
  index: Kept,
  commits: readonly string[],
): Promise<KeptRecord[]> {
  const known = new Map(index.records.map((each) => [each.commit, each]))
  const inTurn = createTurns(AT_A_TIME)
  const unknown = commits.filter((commit) => !known.has(commit)).slice(0, MAX_UNKNOWN)
  const found = await Promise.all(unknown.map((commit) => inTurn(() => readKept(shelf, folder, commit))))
  return [...commits.flatMap((commit) => known.get(commit) ?? []), ...found]
}

/** The records (newest first), with the layers of those whose listings are kept. */
async function withLayers(shelf: Shelf, folder: string, records: readonly KeptRecord[]): Promise<KeptRecord[]> {
  const inTurn = createTurns(AT_A_TIME)
  return Promise.all(
    records.map(async (each, place) => {
      if (place >= LISTED_RECORDS || each.layers !== null) return each
      const { layers } = await inTurn(() => readKept(shelf, folder, each.commit))
      return { ...each, layers }
    }),
  )
}

/** A record as the index has it; of one that cannot be read, for a later version may have written it, what it tells all the same. */
async function readKept(shelf: Shelf, folder: string, commit: string): Promise<KeptRecord> {
  const text = (await shelf.read(recordPath(folder, commit)))?.toString() ?? ''
  const record = parseRecord(text)
  if (record?.commit === commit) return keptOf(record)
  const { committedAt, measuredAt, measurement } = parseLaterRecord(text) ?? {}
  const times = [committedAt, measuredAt].filter((time) => typeof time === 'string')
  return { commit, at: times.toSorted()[0] ?? UNKNOWN_TIME, layers: shortDigests(measurement?.layers ?? []) }
}

/**
 * The bytes of these listings, which are there, as the index has them; what it does not have is read. One that is larger than any can be is
 * as if it were not there.
 */
async function listingsThere(
  shelf: Shelf,
  folder: string,
  index: Kept,
  diffIds: readonly string[],
): Promise<Map<string, number>> {
  const known = new Map(index.listings.map(({ diffId, bytes }) => [diffId, bytes]))
  const inTurn = createTurns(AT_A_TIME)
  const sizes = await Promise.all(
    diffIds.map(async (diffId): Promise<[string, number]> => {
      const read = (): Promise<Buffer | null> => inTurn(() => shelf.read(listingPath(folder, diffId)))
      return [diffId, known.get(diffId) ?? (await read())?.length ?? Infinity]
    }),
  )
  return new Map(sizes.filter(([, bytes]) => bytes <= MAX_LISTING))
}
