import { z } from 'zod'
import { DIGEST } from '../image/oci.ts'
import { parseJson } from '../image/source/json.ts'
import { compareTimes } from './points.ts'
import { point } from './schema.ts'

/** A record that is kept, and its place in the history. */
export type KeptRecord = z.output<typeof keptRecord>

/**
 * A layer's listing that is kept, its bytes, and the newest record's commit that has the layer: when that record is too old for its
 * listings to be kept, so are all others that have the layer.
 */
export type KeptListing = z.output<typeof keptListing>

/**
 * The records and listings that are kept of an image on one platform. It tells nothing that they do not; but without it all records would
 * have to be read to tell which of them, and which listings, are too many once there is one more.
 */
export type Kept = { records: KeptRecord[]; listings: KeptListing[] }

/** Records that are kept, and how many of them have their layers' listings kept. */
export const MAX_RECORDS = 100
export const LISTED_RECORDS = 30
/** Bytes of all listings of an image on one platform. */
export const MAX_LISTINGS = 30_000_000
/** Bytes and lines of the file: a hundred records, and the layers of 30 that have as many as engines take, have a third of it. */
const MAX_INDEX = 3_000_000
const MAX_LINES = 12_000

const keptRecord = point.pick({ commit: true, at: true })
const keptListing = z.object({
  diffId: z.string().regex(DIGEST),
  bytes: z.int().nonnegative(),
  commit: keptRecord.shape.commit,
})

/** A line of JSON for each: the records, newest first, and the listings by their diffIDs. */
export function renderKept({ records, listings }: Kept): string {
  const ordered = listings.toSorted(byDiffId)
  return [
    ...newestFirst(records).map(({ commit, at }) => JSON.stringify({ commit, at })),
    ...ordered.map(({ diffId, bytes, commit }) => JSON.stringify({ diffId, bytes, commit })),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function byDiffId({ diffId: one }: KeptListing, { diffId: other }: KeptListing): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** What a text tells of them. What is not as it is written here is left out. */
export function parseKept(text: string): Kept {
  const lines = Buffer.byteLength(text) > MAX_INDEX ? [] : text.split('\n').slice(0, MAX_LINES).map(parseJson)
  return {
    records: lines.flatMap((line) => keptRecord.safeParse(line).data ?? []),
    listings: lines.flatMap((line) => keptListing.safeParse(line).data ?? []),
  }
}

/** The newest of the records, newest first: those that are kept. */
export function keepRecords(records: readonly KeptRecord[]): KeptRecord[] {
  return newestFirst(records).slice(0, MAX_RECORDS)
}

function newestFirst(records: readonly KeptRecord[]): KeptRecord[] {
  return records.toSorted((one, other) => compareTimes(other, one))
}

/**
 * The listings that are kept, when `records` (newest first) are: those of the newest ones' layers; of too many bytes those of the
 * newest record come first, and of one record's the smallest. Of a layer that is there more than once the newest record counts.
 */
export function keepListings(listings: readonly KeptListing[], records: readonly KeptRecord[]): KeptListing[] {
  const places = new Map(records.slice(0, LISTED_RECORDS).map(({ commit }, at) => [commit, at]))
  const placeOf = ({ commit }: KeptListing): number => places.get(commit) ?? LISTED_RECORDS
  const inOrder = listings
    .filter((listing) => placeOf(listing) < LISTED_RECORDS)
    .toSorted((one, other) => placeOf(one) - placeOf(other) || one.bytes - other.bytes || byDiffId(one, other))
  const kept = new Map<string, KeptListing>()
  let left = MAX_LISTINGS
  for (const listing of inOrder) {
    if (kept.has(listing.diffId) || listing.bytes > left) continue
    kept.set(listing.diffId, listing)
    left -= listing.bytes
  }
  return [...kept.values()]
}
