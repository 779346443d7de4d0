import { z } from 'zod'
import { DIGEST } from '../image/oci.ts'
import { parseJson } from '../json.ts'
import { compareTimes } from './points.ts'
import { listOf, point } from './schema.ts'

/**
 * A record that is kept, and its place in the history; of the newest, whose listings are kept, also what `shortDigest` makes of their
 * layers' diffIDs. `layers` null: it does not tell.
 */
export type KeptRecord = z.output<typeof keptRecord>

/** A layer's listing that is kept, and its bytes. */
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

/** Enough to tell an image's layers apart; were two alike, a listing would be kept that nobody needs. */
const SHORT_DIGEST = 12

const keptRecord = point.pick({ commit: true, at: true }).extend({
  layers: listOf(z.string().regex(/^[0-9a-f]{12}$/))
    .nullable()
    .catch(null),
})
const keptListing = z.object({ diffId: z.string().regex(DIGEST), bytes: z.int().nonnegative() })

/** The first digits of a diffID, as records of the index name their layers. */
export function shortDigest(diffId: string): string {
  return diffId.slice('sha256:'.length).slice(0, SHORT_DIGEST)
}

/**
 * A line of JSON for each: the records, newest first, and the listings by their diffIDs. What a later version may have in it is lost, and
 * can be: it says nothing that the other files do not.
 */
export function renderKept({ records, listings }: Kept): string {
  const ordered = listings.toSorted(byDiffId)
  return [
    ...newestFirst(records).map(({ commit, at, layers }, place) =>
      JSON.stringify(place < LISTED_RECORDS && layers !== null ? { commit, at, layers } : { commit, at }),
    ),
    ...ordered.map(({ diffId, bytes }) => JSON.stringify({ diffId, bytes })),
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

/** The layers of the newest records, whose listings are kept: by short digest the place of the newest record that has it. */
export function listedLayers(records: readonly KeptRecord[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [place, { layers }] of newestFirst(records).slice(0, LISTED_RECORDS).entries()) {
    for (const layer of layers ?? []) if (!places.has(layer)) places.set(layer, place)
  }
  return places
}

/**
 * The listings that are kept, when these records are: those of the newest ones' layers; of too many bytes those of the newest record come
 * first, and of one record's the smallest.
 */
export function keepListings(listings: readonly KeptListing[], records: readonly KeptRecord[]): KeptListing[] {
  const places = listedLayers(records)
  const inTurn = listings
    .flatMap((listing) => {
      const place = places.get(shortDigest(listing.diffId))
      return place === undefined ? [] : [{ listing, place }]
    })
    .toSorted(
      (one, other) =>
        one.place - other.place || one.listing.bytes - other.listing.bytes || byDiffId(one.listing, other.listing),
    )
  const kept = new Map<string, KeptListing>()
  let left = MAX_LISTINGS
  for (const { listing } of inTurn) {
    if (kept.has(listing.diffId) || listing.bytes > left) continue
    kept.set(listing.diffId, listing)
    left -= listing.bytes
  }
  return [...kept.values()]
}
