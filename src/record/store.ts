import { normalisePlatform } from '../image/source/manifests.ts'
import { createTurns } from '../turns.ts'
import { keepListings, keepRecords, parseKept, renderKept, type Kept, type KeptRecord } from './kept.ts'
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
import { compact, inOrder, pointOf, pointsIn, withPoint } from './points.ts'
import type { Point, StoredRecord } from './record.ts'
import { parsePoints, parseRecord, renderPoints, renderRecord } from './schema.ts'
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
  const record = await recordAt(shelf, folderOf(name, platform), commit)
  const { measurement } = record ?? {}
  return measurement?.name === name && measurement.platform === platform ? record : null
}

async function recordAt(shelf: Shelf, folder: string, commit: string): Promise<StoredRecord | null> {
  const text = (await shelf.read(recordPath(folder, commit)))?.toString()
  const record = text === undefined ? null : parseRecord(text)
  return record?.commit === commit ? record : null
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
 * are those that are too many together.
 */
export async function readListings(
  shelf: Shelf,
  folder: string,
  diffIds: readonly string[],
  known: (diffId: string) => boolean,
): Promise<Map<string, UnpackedListing>> {
  const inTurn = createTurns(LISTINGS_AT_A_TIME)
  const found = new Map<string, UnpackedListing>()
  let left = MAX_ENTRIES
  const unknown = [...new Set(diffIds)].filter((diffId) => !known(diffId))
  await Promise.all(
    unknown.map((diffId) =>
      inTurn(async () => {
        const bytes = left > 0 ? await shelf.read(listingPath(folder, diffId)) : null
        const listing = bytes && (await unpackListing(bytes, diffId))
        if (!listing || listing.entries.length > left) return
        left -= listing.entries.length
        found.set(diffId, listing)
      }),
    ),
  )
  return found
}

/**
 * The image's history on one platform, sorted by time. `atLeast`: as many points as are needed, where there are as many: what lies
 * further back is not read then.
 */
export async function readPoints(shelf: Shelf, name: string, platform: string, atLeast?: number): Promise<Point[]> {
  const folder = folderOf(name, platform)
  const points: Point[] = []
  const read = async (path: string): Promise<void> => {
    const text = (await shelf.read(path))?.toString()
    if (text !== undefined) points.push(...parsePoints(text))
  }
  for (const month of await monthsIn(shelf, folder)) {
    if (atLeast !== undefined && points.length >= atLeast) return inOrder(points)
    await read(pointsPath(folder, month))
  }
  if (atLeast === undefined || points.length < atLeast) await read(olderPointsPath(folder))
  return inOrder(points)
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
 * What is there afterwards depends on which records were kept, and not on their order: whoever comes second may well be the older commit.
 */
export async function changesOf(
  shelf: Shelf,
  { record, listings }: Addition,
  released: ReadonlySet<string>,
): Promise<{ changes: FileChange[]; points: Point[] }> {
  const folder = folderOf(record.measurement.name, record.measurement.platform)
  const [history, records] = await Promise.all([
    changedPoints(shelf, folder, pointOf(record), released),
    changedRecords(shelf, folder, record, listings),
  ])
  const changes = [...history.changes, ...records]
  return {
    changes: changes.toSorted((one, other) => (one.path < other.path ? -1 : 1)),
    points: history.points,
  }
}

async function changedPoints(
  shelf: Shelf,
  folder: string,
  point: Point,
  released: ReadonlySet<string>,
): Promise<{ changes: FileChange[]; points: Point[] }> {
  const inTurn = createTurns(AT_A_TIME)
  const months = await monthsIn(shelf, folder)
  const paths = [...months.map((month) => pointsPath(folder, month)), olderPointsPath(folder)]
  const texts = await Promise.all(
    paths.map((path) => inTurn(async () => [path, (await shelf.read(path))?.toString()] as const)),
  )
  const points = withPoint(
    texts.flatMap(([, text]) => (text === undefined ? [] : parsePoints(text))),
    point,
  )
  const compacted = compact(points, { now: points.at(-1)!.at, released })
  const wanted = new Map(
    [...compacted.recent].map(([month, those]) => [pointsPath(folder, month), renderPoints(those)]),
  )
  if (compacted.older.length > 0) wanted.set(olderPointsPath(folder), renderPoints(compacted.older))
  return { changes: changesTo(wanted, new Map(texts)), points: pointsIn(compacted) }
}

/** What makes files of the present texts those that are wanted; undefined: it is not there. */
function changesTo(wanted: Map<string, string>, present: Map<string, string | undefined>): FileChange[] {
  const written = [...wanted].filter(([path, content]) => present.get(path) !== content)
  const gone = [...present].filter(([path, content]) => content !== undefined && !wanted.has(path))
  return [...written.map(([path, content]) => ({ path, content })), ...gone.map(([path]) => ({ path, content: null }))]
}

/** A layer of a record. */
type Reference = { diffId: string; commit: string }

async function changedRecords(
  shelf: Shelf,
  folder: string,
  record: StoredRecord,
  listings: ReadonlyMap<string, Buffer>,
): Promise<FileChange[]> {
  const text = renderRecord(record)
  // Too long to be read back: it would only be in the way.
  if (parseRecord(text) === null) return []
  const [path, indexAt] = [recordPath(folder, record.commit), indexPath(folder)]
  const [before, indexBefore, commits, diffIds] = await Promise.all([
    shelf.read(path),
    shelf.read(indexAt),
    namesIn(shelf, recordsFolder(folder), commitOfRecord),
    namesIn(shelf, listingsFolder(folder), diffIdOfListing),
  ])
  const index = parseKept(indexBefore?.toString() ?? '')
  const others = await recordsThere(
    shelf,
    folder,
    index,
    commits.filter((commit) => commit !== record.commit),
  )
  const records = keepRecords([...others.records, { commit: record.commit, at: pointOf(record).at }])
  const isKept = new Set(records.map(({ commit }) => commit))
  const references = [...index.listings, ...others.layers, ...layersOf(record)]
  const there = await listingsThere(shelf, folder, index, new Set(diffIds), references)
  const atHand = references.flatMap(({ diffId, commit }) => {
    const bytes = there.get(diffId) ?? listings.get(diffId)?.length ?? Infinity
    return bytes > MAX_LISTING ? [] : [{ diffId, bytes, commit }]
  })
  const kept = keepListings(atHand, records)
  const isListed = new Set(kept.map(({ diffId }) => diffId))

  const wanted = new Map([[indexAt, renderKept({ records, listings: kept })]])
  if (isKept.has(record.commit)) wanted.set(path, text)
  const present = new Map([
    [indexAt, indexBefore?.toString()],
    [path, before?.toString()],
  ])
  const goneRecords = others.records.filter(({ commit }) => !isKept.has(commit))
  const goneListings = diffIds.filter((diffId) => !isListed.has(diffId))
  const newListings = kept.filter(({ diffId }) => !there.has(diffId))
  return [
    ...changesTo(wanted, present),
    ...goneRecords.map(({ commit }) => ({ path: recordPath(folder, commit), content: null })),
    ...goneListings.map((diffId) => ({ path: listingPath(folder, diffId), content: null })),
    ...newListings.map(({ diffId }) => ({ path: listingPath(folder, diffId), content: listings.get(diffId)! })),
  ]
}

function layersOf({ commit, measurement }: StoredRecord): Reference[] {
  return measurement.layers.map(({ diffId }) => ({ diffId, commit }))
}

/**
 * The records of these commits, as the index has them. Those that it does not have are read, and their layers told; what cannot be read
 * is left alone, for a later version may have written it.
 */
async function recordsThere(
  shelf: Shelf,
  folder: string,
  index: Kept,
  commits: readonly string[],
): Promise<{ records: KeptRecord[]; layers: Reference[] }> {
  const known = new Map(index.records.map((each) => [each.commit, each]))
  const inTurn = createTurns(AT_A_TIME)
  const unknown = commits.filter((commit) => !known.has(commit)).slice(0, MAX_UNKNOWN)
  const read = await Promise.all(unknown.map((commit) => inTurn(() => recordAt(shelf, folder, commit))))
  const found = read.filter((record) => record !== null)
  return {
    records: [
      ...commits.flatMap((commit) => known.get(commit) ?? []),
      ...found.map((record) => ({ commit: record.commit, at: pointOf(record).at })),
    ],
    layers: found.flatMap(layersOf),
  }
}

/**
 * The bytes of the listings that are there, of those layers, as the index has them; what it does not have is read. One that is larger than
 * any can be is as if it were not there.
 */
async function listingsThere(
  shelf: Shelf,
  folder: string,
  index: Kept,
  diffIds: ReadonlySet<string>,
  references: readonly Reference[],
): Promise<Map<string, number>> {
  const known = new Map(index.listings.map(({ diffId, bytes }) => [diffId, bytes]))
  const inTurn = createTurns(AT_A_TIME)
  const wanted = [...new Set(references.map(({ diffId }) => diffId))].filter((diffId) => diffIds.has(diffId))
  const sizes = await Promise.all(
    wanted.map(async (diffId): Promise<[string, number]> => {
      const read = (): Promise<Buffer | null> => inTurn(() => shelf.read(listingPath(folder, diffId)))
      return [diffId, known.get(diffId) ?? (await read())?.length ?? Infinity]
    }),
  )
  return new Map(sizes.filter(([, bytes]) => bytes <= MAX_LISTING))
}
