import type { Measurement } from '../image/measurement.ts'
import type { Over } from '../inputs/budget-lines.ts'
import type { Point, Release } from '../record/record.ts'

/** What is known of an image's history on the default branch, for one platform. Serialisable. */
export type History = {
  /** Its records, oldest first. */
  points: Point[]
  releases: Release[]
  /** When the image is judged, ISO 8601. */
  now: string
  /** Why the records are not known, as the end of a sentence: then nothing is judged by them, unseen. Null where they are, also where there are none. */
  problem: string | null
}

/** Of an image whose records nobody read. */
export const NO_HISTORY: History = {
  points: [],
  releases: [],
  now: '1970-01-01T00:00:00Z',
  problem: 'no records were read',
}

/** The record that growth is counted from; `tag`: the release that it is counted from, else null. */
export type Start = { point: Point; tag: string | null }

/**
 * The record that growth over a time is counted from: the newest that is that old, or the newest of a released commit that is not the
 * head's own. Records of another store, or whose size was counted otherwise, are passed over. Where there is none, `why` says why, as the
 * end of a sentence.
 */
export function startOf(over: Over, head: Measurement, history: History): Start | { why: string } {
  const { points } = history
  if (points.length === 0) return { why: 'there is no record yet' }
  const alike = points.filter((point) => isAlike(head, point))
  if (alike.length === 0) return { why: 'all records were measured on another store than this image, or otherwise' }
  const some = alike.length < points.length ? ' that can be compared' : ''
  return over.kind === 'release'
    ? lastRelease(alike, history.releases, head.commit, some)
    : recordOfOld(alike, over.days, history.now, some)
}

/** Whether an image's figures and a record's mean the same. */
export function isAlike(head: Measurement, point: Point): boolean {
  if ((head.engine?.store ?? null) !== point.store) return false
  return head.size === null || point.size === null || head.sizeFrom === point.sizeFrom
}

function recordOfOld(points: readonly Point[], days: number, now: string, some: string): Start | { why: string } {
  const ageOf = ({ at }: Point): number => (timeOf(now) - timeOf(at)) / DAY
  const point = points.findLast((each) => ageOf(each) >= days)
  if (point !== undefined) return { point, tag: null }
  const age = Math.floor(ageOf(points[0]!))
  const old = age < 1 ? 'less than a day' : age === 1 ? '1 day' : `${age} days`
  return { why: `the oldest record${some} is ${old} old` }
}

function lastRelease(
  points: readonly Point[],
  releases: readonly Release[],
  head: string | null,
  some: string,
): Start | { why: string } {
  const tags = new Map<string, string[]>()
  for (const { name, commit } of releases) tags.set(commit, [...(tags.get(commit) ?? []), name])
  const point = points.findLast(({ commit }) => commit !== head && tags.has(commit))
  if (point === undefined) return { why: `no recorded commit${some} has a tag` }
  return { point, tag: preciseTag(tags.get(point.commit) ?? []) }
}

/** Of several tags of a commit (`latest`, `v1`, `v1.4.2`) the one that tells most: the longest that is a version and nothing else. */
function preciseTag(names: readonly string[]): string | null {
  const versions = names.filter((name) => /^v?\d+(?:\.\d+)*$/.test(name))
  return versions.toSorted((one, other) => other.length - one.length)[0] ?? names[0] ?? null
}

/** A day in milliseconds. */
const DAY = 86_400_000

/** Milliseconds since 1970; NaN where it is no time. */
function timeOf(text: string): number {
  // oxlint-disable-next-line no-restricted-globals -- it reads a time that is given, and asks no clock
  return Date.parse(text)
}
