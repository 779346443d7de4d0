import { scaleLinear, scaleUtc } from 'd3-scale'
import { textWidth } from './svg.ts'

/** The axes of the history's chart: what they show, and which of it is written beside them. */

/** Where a value is, and which values are written beside it. */
export type Axis = { place: (value: number) => number; ticks: number[] }

/**
 * An axis shows at least this share of the largest value: a change of 1 % is a twentieth of the panel's height, whatever else there is, so
 * that noise never looks like a mountain.
 */
const SPAN_SHARE = 0.2
/** Where less than this share of the largest value would lie below the axis, it begins at 0, and heights are the sizes themselves. */
const FOOT_SHARE = 0.4
/** Of the span, above and below what is shown. */
const AIR_SHARE = 0.08

/**
 * The axis of all that is to be shown (from `low` to `high`, neither negative), from the panel's bottom to its top.
 * @param leastSpan in the values' unit
 */
export function valueAxis(
  { low, high }: { low: number; high: number },
  { bottom, top, leastSpan }: { bottom: number; top: number; leastSpan: number },
): Axis {
  const span = Math.max(high - low, high * SPAN_SHARE, leastSpan)
  const beyond = (span - (high - low)) / 2 + span * AIR_SHARE
  const foot = low - beyond < high * FOOT_SHARE ? 0 : low - beyond
  // What an axis from 0 does not need below is not needed above, either.
  const head = foot === 0 ? Math.max(high, leastSpan) * (1 + AIR_SHARE) : high + beyond
  const plain = scaleLinear([foot, head], [bottom, top])
  // d3's steps are 1, 2 and 5: where none of them gives three or four ticks, the axis is widened until it does.
  const choices = [4, 3].map((count) => ({ scale: plain, count }))
  const widened = [4, 3, 2, 1].map((count) => ({ scale: plain.copy().nice(count), count }))
  const ticked = [...choices, ...widened].map(({ scale, count }) => ({
    scale,
    ticks: scale.ticks(count).filter(Number.isInteger),
  }))
  const { scale, ticks } = ticked.find(({ ticks: { length } }) => length === 3 || length === 4) ??
    ticked.find(({ ticks: { length } }) => length === 2 || length === 5) ?? { scale: plain, ticks: [] }
  return { place: (value) => scale(value), ticks }
}

/** A time axis, its times in milliseconds; its labels do not touch each other. */
export type TimeAxis = { place: (time: number) => number; ticks: { x: number; label: string }[] }

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The axis of sorted times, from left to right, in UTC. A time alone stands at the right, after a week of nothing. */
export function timeAxis(times: readonly number[], { left, right }: { left: number; right: number }): TimeAxis {
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  const domain = first === last ? [first - 7 * DAY, last] : [first, last]
  const scale = scaleUtc(domain, [left, right])
  const place = (time: number) => scale(time)
  for (const count of times.length === 0 ? [] : [6, 5, 4, 3, 2]) {
    const dates = scale.ticks(count)
    const xs = dates.map((date) => place(date.getTime()))
    const label = scale.tickFormat(count, formatFor(dates))
    const room = Math.max(0, ...dates.map((date) => textWidth(label(date), TIME_FONT_SIZE))) + LABEL_GAP
    if (xs.every((x, index) => index === 0 || x - (xs[index - 1] ?? 0) >= room)) {
      return { place, ticks: dates.map((date, index) => ({ x: xs[index] ?? 0, label: label(date) })) }
    }
  }
  return { place, ticks: [] }
}

export const TIME_FONT_SIZE = 11
const LABEL_GAP = 10

/** As much of the date as tells one tick from the next; the year always, but for hours. */
function formatFor(dates: readonly Date[]): string {
  const gaps = dates.slice(1).map((date, index) => date.getTime() - (dates[index]?.getTime() ?? 0))
  const least = Math.min(...gaps)
  if (least >= 360 * DAY && least < Infinity) return '%Y'
  if (least >= 27 * DAY && least < Infinity) return '%b %Y'
  return least >= 20 * HOUR ? '%-d %b %Y' : '%-d %b %H:%M'
}
