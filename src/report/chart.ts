import { changeOf } from '../compare/compare.ts'
import type { Point, Release } from '../record/record.ts'
import { isRelease, preciseTag, tagsByCommit } from '../record/releases.ts'
import { timeAxis, type TimeAxis } from './axes.ts'
import { oneLine, shorten } from './characters.ts'
import { LEFT, METRICS, PADDING, RIGHT, panelOf, type Edges, type Metric, type TimedPoint } from './panel.ts'
import { list } from './phrase.ts'
import { COLOURS, coordinate, stroked, textAt, textWidth, xml, type Colours, type Theme } from './svg.ts'
import { formatCount } from './units.ts'

/** An image's history as a picture: what it was at each commit of the default branch, beside its budgets and releases. */
export type History = {
  name: string
  platform: string
  points: readonly Point[]
  /** Those whose commit has no point are not drawn. */
  releases: readonly Release[]
}

const FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif"
const WIDTH = 800
/** The last value stays, as far as is known: its line goes on for so many pixels. */
const STUB = 16
const SMALL = 11
/** From one panel's plot to the next one's: room for its title. */
const PANEL_HEAD = 46

/**
 * The history as an SVG, 800 pixels wide: a panel each for size, download size and layers, but for those without any value, over one
 * time axis in UTC. A value stays until the next record. It has less than 60 kB, however many points there are.
 */
export function renderHistorySvg(history: History, theme: Theme): string {
  const points = history.points
    .map((point) => ({ ...point, time: millisecondsOf(point.at) }))
    .filter(({ time }) => Number.isFinite(time))
    .toSorted((left, right) => left.time - right.time)
  const times = points.map(({ time }) => time)
  const axis = timeAxis(times, { left: LEFT, right: RIGHT - STUB })
  const tags = tagsOf(history.releases, points, axis)
  const colours = COLOURS[theme]

  const top = tags.length === 0 ? 36 : 64
  const panels: string[] = []
  let bottom = top
  for (const metric of METRICS) {
    if (points.every((point) => point[metric.metric] === null)) continue
    const plot = bottom + PANEL_HEAD
    bottom = plot + metric.height[panels.length === 0 ? 0 : 1]
    panels.push(panelOf(metric, points, axis, { top: plot, bottom }, colours))
  }
  const height = points.length === 0 ? 50 : bottom + 44
  const words = historyWords(history, points)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${xml(words.title)}">`,
    `<title>${xml(words.title)}</title>`,
    `<desc>${xml(words.description, DESCRIPTION_MAX)}</desc>`,
    `<rect x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="6" fill="${colours.page}" stroke="${colours.rule}"/>`,
    `<g font-family="${FONT}" font-size="${SMALL}" fill="${colours.muted}">`,
    headOf(history, points, colours),
    ...tagLines(tags, { top, bottom }, colours),
    ...panels,
    stroked(axis.ticks.map(({ x }) => `M${coordinate(x)} ${bottom + 6}v5`).join(''), colours.muted),
    ...axis.ticks.map(({ x, label }) => textAt(label, x, bottom + 25, 'text-anchor="middle"')),
    '</g>',
    '</svg>\n',
  ]
    .filter((each) => each !== '')
    .join('\n')
}

function millisecondsOf(at: string): number {
  // oxlint-disable-next-line no-restricted-globals -- reads a text: no clock is asked
  return Date.parse(at)
}

const NAME_MAX = 100
const PLATFORM_MAX = 30

function headOf({ name, platform }: History, points: readonly TimedPoint[], colours: Colours): string {
  const [first, last] = [points[0], points.at(-1)]
  const span = first === undefined || last === undefined ? [] : [...new Set([dateOf(first), dateOf(last)])]
  const count = span.length === 0 ? 'no record yet' : `${formatCount(points.length, 'record')}, ${span.join(' to ')}`
  const beside = shorten(oneLine(platform), PLATFORM_MAX)
  const room = WIDTH - 2 * PADDING - textWidth(beside, 12) - textWidth(count, 12) - 36
  const title = fitted(shorten(oneLine(name), NAME_MAX), room)
  return [
    textAt(title.text, PADDING, 30, `font-size="16" font-weight="600" fill="${colours.text}"`),
    textAt(beside, PADDING + title.width + 12, 30, 'font-size="12"'),
    textAt(count, WIDTH - PADDING, 30, 'font-size="12" text-anchor="end"'),
  ].join('\n')
}

/** As much of a name as there is room for. */
function fitted(name: string, room: number): { text: string; width: number } {
  const characters = Array.from(name)
  const lengths = characters.map((_, index) => characters.length - index)
  const texts = lengths.map((length) => shorten(name, length))
  const widths = texts.map((each) => textWidth(each, 16) * BOLD)
  const index = widths.findIndex((width) => width <= room)
  return { text: texts[index] ?? '', width: widths[index] ?? 0 }
}

/** How much wider a text is in bold. */
const BOLD = 1.12

function dateOf({ at }: Point): string {
  return at.slice(0, 10)
}

/** A release's line, and its label where there is room for one. */
type Tag = { x: number; label: { x: number; text: string } | null }

/** Lines drawn, the newest; more would be a grey wall. */
const TAGS_MAX = 100
const TAG_NAME_MAX = 24
const TAG_GAP = 10

/** A line for each commit with a tag; the newest are labelled first, the others where they do not touch. */
function tagsOf(releases: readonly Release[], points: readonly TimedPoint[], axis: TimeAxis): Tag[] {
  const tags = tagsByCommit(releases.filter(({ name }) => isRelease(name)))
  let free = WIDTH - PADDING
  return points
    .filter(({ commit }) => tags.has(commit))
    .slice(-TAGS_MAX)
    .toReversed()
    .map(({ commit, time }) => {
      const x = axis.place(time)
      const name = shorten(oneLine(preciseTag(tags.get(commit) ?? []) ?? ''), TAG_NAME_MAX)
      const half = textWidth(name, SMALL) / 2
      const centre = Math.max(x, PADDING + half)
      if (name === '' || centre + half > free) return { x, label: null }
      free = centre - half - TAG_GAP
      return { x, label: { x: centre, text: name } }
    })
}

/** Those with a label are easier to see: among many, they are what the eye holds on to. */
function tagLines(tags: readonly Tag[], { top, bottom }: Edges, { muted }: Colours): string[] {
  const lines = (of: readonly Tag[]) => of.map(({ x }) => `M${coordinate(x)} ${top}V${bottom}`).join('')
  return [
    stroked(lines(tags.filter(({ label }) => label === null)), muted, 'stroke-opacity=".2"'),
    stroked(lines(tags.filter(({ label }) => label !== null)), muted, 'stroke-opacity=".55" stroke-dasharray="1 2"'),
    ...tags.flatMap(({ label }) =>
      label === null ? [] : [textAt(label.text, label.x, top - 5, 'text-anchor="middle"')],
    ),
  ]
}

const DESCRIPTION_MAX = 1000

/** The same in words, for those who do not see it. */
function historyWords(
  { name, platform }: History,
  points: readonly TimedPoint[],
): { title: string; description: string } {
  const shown = METRICS.filter(({ metric }) => points.some((point) => point[metric] !== null))
  const titles = list(shown.map(({ title }) => title.toLowerCase()))
  const title = `${shorten(oneLine(name), NAME_MAX)} (${shorten(oneLine(platform), PLATFORM_MAX)})`
  if (points.length === 0) return { title: `${title}: no record yet`, description: 'No record yet.' }
  return {
    title: `${title}: ${titles} over time`,
    description: shown.map((metric) => `${metric.title} ${metricWords(metric, points)}.`).join(' '),
  }
}

/** `from 135.9 MB on 2025-10-03 to 148.2 MB on 2026-11-14, +12.3 MB (+9.0 %), within its budget of 160 MB`. */
function metricWords(metric: Metric, points: readonly TimedPoint[]): string {
  const known = points.filter((point) => point[metric.metric] !== null)
  const [first, last] = [known[0]!, known.at(-1)!]
  const [before, after] = [first[metric.metric]!, last[metric.metric]!]
  const cap = last.caps[metric.metric]
  const budget = cap === null ? '' : `, ${after > cap ? 'over' : 'within'} its budget of ${metric.formatLimit(cap)}`
  if (known.length === 1) return `${metric.format(after)} on ${dateOf(last)}${budget}`
  const change = metric.kind(first) === metric.kind(last) ? `, ${metric.formatChange(changeOf(before, after))}` : ''
  return `from ${metric.format(before)} on ${dateOf(first)} to ${metric.format(after)} on ${dateOf(last)}${change}${budget}`
}
