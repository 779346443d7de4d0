import type { Point, StoredRecord } from './record.ts'

/** A point's place in the history. */
export type Placed = Pick<Point, 'at' | 'commit'>

/** An image's history as its files have it: by month (`YYYY-MM`, UTC), and what lies before. Each sorted by time. */
export type Compacted<P extends Placed = Point> = { recent: Map<string, P[]>; older: P[] }

/** Months before the current one whose points are kept, all of them; and those of which each day's last is. */
const WHOLE_MONTHS = 1
const DAILY_MONTHS = WHOLE_MONTHS + 12

const DAY_MS = 86_400_000
/** Days from a Monday to 1970-01-01: weeks begin on Mondays, as in ISO 8601. */
const FIRST_WEEKDAY = 3

/**
 * What is kept of a record for good. It cannot have been committed after it was measured: where a clock says so that is when it counts
 * from, or a commit of the year 2099 would make all others old.
 */
export function pointOf({ commit, committedAt, measuredAt, caps, measurement }: StoredRecord): Point {
  const { size, downloadSize, layers, engine, sizeFrom } = measurement
  return {
    commit,
    at: timeOf(committedAt, measuredAt),
    size,
    downloadSize,
    layers: layers.length,
    caps,
    store: engine?.store ?? null,
    sizeFrom,
  }
}

/** Years have four digits, and texts are in the order of the times: what a clock says beyond them cannot be kept. */
const YEARS = /^\d{4}-/

function timeOf(committedAt: string, measuredAt: string): string {
  return YEARS.test(committedAt) && committedAt < measuredAt ? committedAt : measuredAt
}

/** Sorted by time, those of one time by commit. Of a commit that is there more than once the latest. */
export function inOrder<P extends Placed>(points: readonly P[]): P[] {
  const sorted = points.toSorted(compareTimes)
  const latest = new Map(sorted.map((point) => [point.commit, point]))
  return sorted.filter((point) => latest.get(point.commit) === point)
}

/** The order in which records and points stand: by time, those of one time by commit. */
export function compareTimes(one: Placed, other: Placed): number {
  if (one.at !== other.at) return one.at < other.at ? -1 : 1
  return one.commit < other.commit ? -1 : one.commit > other.commit ? 1 : 0
}

/**
 * What is kept of the points when the newest of them is of `now`: all of that month and the one before, of a year before that the last of
 * each day, and beyond the last of each week; those of released commits always. What goes now or later has a later one in its day or
 * week. So it makes no difference in which order points come, nor how often this is done.
 */
export function compact<P extends Placed>(
  points: readonly P[],
  { now, released }: { now: string; released: ReadonlySet<string> },
): Compacted<P> {
  const daily = monthBefore(monthOf(now), DAILY_MONTHS)
  const recent = new Map<string, P[]>()
  const old: P[] = []
  const last = new Map<string, P>()
  for (const point of inOrder(points)) {
    const month = monthOf(point.at)
    if (hasFile(month, now)) {
      const those = recent.get(month)
      if (those) those.push(point)
      else recent.set(month, [point])
      continue
    }
    old.push(point)
    last.set(month >= daily ? dayOf(point.at) : weekOf(point.at), point)
  }
  const kept = new Set(last.values())
  return { recent, older: old.filter((point) => kept.has(point) || released.has(point.commit)) }
}

/** Whether a month (`YYYY-MM`) has its own file when the newest point is of `now`. */
export function hasFile(month: string, now: string): boolean {
  return month >= monthBefore(monthOf(now), WHOLE_MONTHS)
}

/** All that is kept, sorted by time. */
export function pointsIn<P extends Placed>({ recent, older }: Compacted<P>): P[] {
  return inOrder([...older, ...[...recent.values()].flat()])
}

function monthOf(at: string): string {
  return at.slice(0, 7)
}

function dayOf(at: string): string {
  return at.slice(0, 10)
}

function weekOf(at: string): string {
  return `week ${Math.floor((Date.parse(at) / DAY_MS + FIRST_WEEKDAY) / 7)}`
}

/** The month so many before a month, `YYYY-MM`; none is before the year 0. */
function monthBefore(month: string, months: number): string {
  const index = Math.max(0, Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 - months)
  return `${String(Math.floor(index / 12)).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}`
}
