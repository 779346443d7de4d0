import type { Change } from '../compare/comparison.ts'
import { kindOf } from '../record/alike.ts'
import type { Caps, Point } from '../record/record.ts'
import { valueAxis, type Axis, type TimeAxis } from './axes.ts'
import { stepLine } from './step-line.ts'
import { coordinate, stroked, textAt, type Colours } from './svg.ts'
import { formatBytes, formatLimit, formatSignedCount } from './units.ts'
import { changeWords } from './words.ts'

/** One panel of the history's chart: a metric's line, its budget, the last value. */

/** The plots' edges: left of them are the ticks' labels, right of them the last values. */
export const LEFT = 84
export const RIGHT = 664
/** Where a panel's title and the chart's own begin. */
export const PADDING = 20

/** What one panel shows. */
export type Metric = {
  metric: keyof Caps
  title: string
  format: (value: number) => string
  formatLimit: (value: number) => string
  formatChange: (change: Change) => string
  /** Points of unlike kinds mean nothing beside each other: no line joins them. */
  kind: (point: Point) => string
  /** The least that its axis shows, in its unit. */
  leastSpan: number
  /** Pixels of its plot, where it is the first panel and where it is not. */
  height: readonly [first: number, further: number]
}

/** Nothing of them depends on how a size is counted. */
const kindWithoutSize = (point: Point): string => kindOf({ ...point, size: null })

const bytes = { format: formatBytes, formatLimit, formatChange: changeWords, leastSpan: 10 }
/** From top to bottom. */
export const METRICS: readonly Metric[] = [
  {
    metric: 'size',
    title: 'Size',
    ...bytes,
    kind: kindOf,
    height: [150, 150],
  },
  { metric: 'downloadSize', title: 'Download size', ...bytes, kind: kindWithoutSize, height: [150, 100] },
  {
    metric: 'layers',
    title: 'Layers',
    format: String,
    formatLimit: String,
    formatChange: ({ amount }) => (amount === 0 ? 'same' : formatSignedCount(amount)),
    leastSpan: 6,
    kind: kindWithoutSize,
    height: [70, 70],
  },
]

/** A point, and when that was in milliseconds since 1970. */
export type TimedPoint = Point & { time: number }

/** A panel's plot, in pixels from the top of the picture. */
export type Edges = { top: number; bottom: number }

/** Where a budget is further from all of the values than this factor, it would flatten them: it is named at the edge, not drawn. */
const BUDGET_FACTOR = 2

/** The panel of a metric of which at least one point has a value. */
export function panelOf(
  metric: Metric,
  points: readonly TimedPoint[],
  time: TimeAxis,
  edges: Edges,
  colours: Colours,
): string {
  const known = points.filter((point) => point[metric.metric] !== null)
  const values = known.map((point) => point[metric.metric]!)
  const [least, most] = extent(values)
  const isInView = (cap: number) => cap <= most * BUDGET_FACTOR && cap >= least / BUDGET_FACTOR
  const caps = points.map((point) => point.caps[metric.metric])
  const shownCaps = caps.map((cap) => (cap !== null && isInView(cap) ? cap : null))
  const [low, high] = extent([least, most, ...shownCaps.filter((cap) => cap !== null)])
  const axis = valueAxis({ low, high }, { ...edges, leastSpan: metric.leastSpan })
  const place = (value: number | null) => (value === null ? null : axis.place(value))

  const line = points.map((point) => ({
    x: time.place(point.time),
    y: place(point[metric.metric]),
    kind: metric.kind(point),
  }))
  const budget = points.map((point, index) => ({
    x: time.place(point.time),
    y: place(shownCaps[index] ?? null),
    kind: '',
  }))
  const last = known.at(-1)!
  const value = last[metric.metric]!
  const cap = caps.at(-1) ?? null
  // A line that was interrupted ends where its value was no longer known.
  const next = points[points.indexOf(last) + 1]
  const end = next === undefined ? RIGHT : time.place(next.time)
  const lineColour = value > (last.caps[metric.metric] ?? Infinity) ? colours.over : colours.line
  const ticks = axis.ticks.map((tick) => ({
    y: axis.place(tick),
    label: tick === 0 ? '0' : metric.formatLimit(tick),
  }))
  const beside = besideOf(metric, { value, cap, isDrawn: cap !== null && isInView(cap) }, axis, edges)
  return [
    textAt(metric.title, PADDING, edges.top - 20, `font-size="12" font-weight="600" fill="${colours.text}"`),
    stroked(ticks.map(({ y }) => `M${LEFT} ${coordinate(y)}H${RIGHT}`).join(''), colours.rule, 'stroke-opacity=".7"'),
    ...ticks.map(({ y, label }) => textAt(label, LEFT - 8, y + 4, 'text-anchor="end"')),
    stroked(stepLine(line, RIGHT), colours.line, 'stroke-width="2" stroke-linejoin="round"'),
    stroked(stepLine(budget, RIGHT), colours.budget, 'stroke-width="1.5" stroke-dasharray="5 4"'),
    `<circle cx="${coordinate(end)}" cy="${coordinate(axis.place(value))}" r="4.5" fill="${lineColour}" stroke="${colours.page}" stroke-width="2"/>`,
    textAt(metric.format(value), RIGHT + 10, beside.value, `font-size="13" font-weight="600" fill="${lineColour}"`),
    beside.budget === null ? '' : textAt(beside.budget.text, RIGHT + 10, beside.budget.y, `fill="${colours.budget}"`),
  ]
    .filter((each) => each !== '')
    .join('\n')
}

/** Least and largest; a spread of thousands of values into `Math.min` would be as many arguments. */
function extent(values: readonly number[]): [number, number] {
  return [
    values.reduce((least, value) => Math.min(least, value), Infinity),
    values.reduce((most, value) => Math.max(most, value), -Infinity),
  ]
}

/** From one line of text beside the plot to the next. */
const LINE_HEIGHT = 17

/** Where the last value and the budget stand beside the plot, each at its height, but never on each other. */
function besideOf(
  { formatLimit: format }: Metric,
  { value, cap, isDrawn }: { value: number; cap: number | null; isDrawn: boolean },
  axis: Axis,
  { top, bottom }: Edges,
): { value: number; budget: { text: string; y: number } | null } {
  const at = axis.place(value)
  if (cap === null) return { value: at + 4.5, budget: null }
  const isAbove = cap >= value
  const budgetAt = isDrawn ? axis.place(cap) : isAbove ? top : bottom
  const missing = Math.max(0, LINE_HEIGHT - Math.abs(at - budgetAt))
  const upper = Math.max(top, Math.min(at, budgetAt) - missing / 2)
  const lower = Math.min(bottom, Math.max(Math.max(at, budgetAt) + missing / 2, upper + LINE_HEIGHT))
  const [valueY, budgetY] = isAbove
    ? [lower, Math.min(upper, lower - LINE_HEIGHT)]
    : [Math.min(upper, lower - LINE_HEIGHT), lower]
  const arrow = isDrawn ? '' : isAbove ? ' \u2191' : ' \u2193'
  return { value: valueY + 4.5, budget: { text: `budget ${format(cap)}${arrow}`, y: budgetY + 4 } }
}
