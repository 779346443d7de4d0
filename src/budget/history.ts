import type { Measurement } from '../image/measurement.ts'
import type { Over } from '../inputs/budget-lines.ts'
import { figuresOf, isAlike as areAlike } from '../record/alike.ts'
import type { Point, Release } from '../record/record.ts'
import { isRelease, preciseTag, tagsByCommit } from '../record/releases.ts'

/** What is known of an image's history on the default branch, for one platform. Serialisable. */
export type History = {
  /** Its records, oldest first. */
  points: Point[]
  releases: Release[]
  /** When what is judged was committed (else: when it is judged), ISO 8601: a run that is repeated later is judged alike. */
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
    : recordOfOld(
        alike.filter(({ commit }) => commit !== head.commit),
        over.days,
        history.now,
        some,
      )
}

/** Whether an image's figures and a record's mean the same. */
export function isAlike(head: Measurement, point: Point): boolean {
  return areAlike(figuresOf(head), point)
}

function recordOfOld(points: readonly Point[], days: number, now: string, some: string): Start | { why: string } {
  if (points.length === 0) return { why: `there is no record${some} but its own` }
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
  const tags = tagsByCommit(releases.filter(({ name }) => isRelease(name)))
  const point = points.findLast(({ commit }) => commit !== head && tags.has(commit))
  if (point === undefined) return { why: `no recorded commit${some} has a tag` }
  return { point, tag: preciseTag(tags.get(point.commit) ?? []) }
}

/** A day in milliseconds. */
const DAY = 86_400_000

/** Milliseconds since 1970; NaN where it is no time. */
function timeOf(text: string): number {
  // oxlint-disable-next-line no-restricted-globals -- it reads a time that is given, and asks no clock
  return Date.parse(text)
}
