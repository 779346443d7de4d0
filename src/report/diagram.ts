import { isChanged, layerFigures } from './causes.ts'
import { displayWidth, oneLine, shortenMiddle } from './characters.ts'
import type { ImageReport } from './report.ts'
import { familiarName, leadMetric } from './state.ts'
import { formatBytes, formatCount, formatSigned } from './units.ts'

/**
 * The image's size by layer as a mermaid diagram, which GitHub draws in a job's summary. An `xychart-beta` with the option `horizontal` is what
 * mermaid has had since 10.6 (https://mermaid.js.org/syntax/xyChart.html). Its series are drawn over each other, each in the next colour of the
 * palette: what grew and what shrank first, and over both what head and base have in common, so that only the difference is seen of them.
 */

/** One bar: bytes of the leading metric in base and head. */
type Bar = { name: string; before: number; after: number; note: 'new' | 'removed' | null }

/** Bars of one diagram; what is more is one bar. */
const BARS_MAX = 12
/** Columns (as of a terminal) of an instruction beside its bar. */
const NAME_MAX = 32

/** What is less than this share of the largest bar is no bar to the eye: some two pixels. */
const SEEN_SHARE = 0.005

/**
 * CSS pixels. Mermaid measures labels as they are on the screen and places them as if nothing was scaled
 * (https://github.com/mermaid-js/mermaid/issues/5688): a diagram wider than its place loses the beginnings of its labels. This fits all but a phone.
 */
const WIDTH = 680
const BAR_HEIGHT = 30
const FONT_SIZE = 13
/** Percent of the width that is kept for the bars. Where the labels need more than the rest, mermaid leaves all of them out. */
const BARS_SHARE = 35

/** Grew, shrank, the same: told from each other by whoever sees no red or green, on white and on black. */
const PALETTE = '#e16f24, #218bff, #8c959f'
const LEGEND = 'Grey is in both, orange is new, blue is gone.'

/** A diagram of an image's layers, and the words that it needs beside it. */
export type Diagram = { title: string; legend: string | null; source: string }

/**
 * Base against head by layer, or head alone where there is no base; the base image's layers are one bar. Null where that would say nothing: with fewer
 * than two bars, or where a layer's figure is not known in the image's leading metric.
 */
export function layersDiagram(image: ImageReport): Diagram | null {
  const metric = leadMetric(image)
  const bars = metric === null ? null : fewer(barsOf(image, metric))
  if (bars === null || bars.length < 2) return null
  const compared = image.base !== null
  const labels = bars.map((bar) => `"${label(bar, compared)}"`).join(', ')
  const series = (value: (bar: Bar) => number): string => `  bar [${bars.map(value).join(', ')}]`
  const largest = Math.max(...bars.map(({ before, after }) => Math.max(before, after)))
  const source = [
    '---',
    'config:',
    '  xyChart:',
    `    width: ${WIDTH}`,
    `    height: ${bars.length * BAR_HEIGHT}`,
    `    plotReservedSpacePercent: ${BARS_SHARE}`,
    '    xAxis:',
    `      labelFontSize: ${FONT_SIZE}`,
    '      showTick: false',
    '      showAxisLine: false',
    '    yAxis:',
    '      showLabel: false',
    '      showTitle: false',
    '      showTick: false',
    '      showAxisLine: false',
    '  themeVariables:',
    '    xyChart:',
    '      backgroundColor: "transparent"',
    `      plotColorPalette: "${PALETTE}"`,
    '---',
    'xychart-beta horizontal',
    `  x-axis [${labels}]`,
    `  y-axis 0 --> ${largest}`,
    series(({ before, after }) => (after > before ? after : 0)),
    series(({ before, after }) => (after < before ? before : 0)),
    series(({ before, after }) => Math.min(before, after)),
  ].join('\n')
  return {
    title: metric === 'size' ? 'Size by layer' : 'Download size by layer',
    legend: bars.some(({ before, after }) => before !== after) ? LEGEND : null,
    source,
  }
}

/** The layers that have a size, base layer first; none where one is not known. */
function barsOf(image: ImageReport, metric: 'size' | 'downloadSize'): Bar[] {
  const compared = image.base !== null
  const own: Bar[] = []
  const fromBase: Bar = { name: baseName(image), before: 0, after: 0, note: null }
  for (const layer of image.layerChanges) {
    const figures = layerFigures(layer)
    if (figures.metric !== metric) return []
    const after = figures.after ?? 0
    // Without a base there is nothing to differ from.
    const before = compared ? (figures.before ?? 0) : after
    if (layer.fromBase) {
      fromBase.before += before
      fromBase.after += after
      continue
    }
    const note = compared && isChanged(layer) && layer.change !== 'changed' ? layer.change : null
    own.push({
      name: layer.instruction,
      before,
      after,
      note: note === 'added' ? 'new' : note === 'removed' ? note : null,
    })
  }
  return [fromBase, ...own].filter(({ before, after }) => before + after > 0)
}

function baseName({ baseImage }: ImageReport): string {
  const name = baseImage?.after?.name ?? null
  return name === null ? 'base image' : `FROM ${familiarName(name)}`
}

/** The bars that changed or can be seen; where these are too many, those that changed most, then the largest, and all others as one. */
function fewer(bars: Bar[]): Bar[] {
  const largest = Math.max(...bars.map(({ before, after }) => Math.max(before, after)))
  const telling = bars.filter(({ before, after }) => before !== after || after >= largest * SEEN_SHARE)
  if (telling.length <= BARS_MAX) return telling
  const changeOf = ({ before, after }: Bar): number => Math.abs(after - before)
  const kept = new Set(
    telling.toSorted((a, b) => changeOf(b) - changeOf(a) || b.after - a.after).slice(0, BARS_MAX - 1),
  )
  const others = bars.filter((bar) => !kept.has(bar))
  const sum = (side: 'before' | 'after'): number => others.reduce((total, bar) => total + bar[side], 0)
  const rest: Bar = {
    name: formatCount(others.length, 'other layer'),
    before: sum('before'),
    after: sum('after'),
    note: null,
  }
  return [...bars.filter((bar) => kept.has(bar)), rest]
}

/** `RUN npm ci · 56.3 MB (+12.3 MB)`, `COPY coverage ./coverage · 3.4 MB, new`. */
function label({ name, before, after, note }: Bar, compared: boolean): string {
  const change = !compared || note !== null || before === after ? '' : ` (${formatSigned(after - before)})`
  const figure = note === 'removed' ? `${formatBytes(before)}, removed` : `${formatBytes(after)}${change}`
  return `${inert(narrow(name))} · ${figure}${note === 'new' ? ', new' : ''}`
}

/** Within the columns that a label may have. */
function narrow(name: string): string {
  const line = oneLine(name)
  let max = NAME_MAX
  while (displayWidth(shortenMiddle(line, max)) > NAME_MAX) max -= 1
  return shortenMiddle(line, max)
}

/**
 * A text that stays within a mermaid string and says there what it says here: what would end the string, begin Markdown, a tag, an entity
 * (`#35;`), a comment or a directive (`%%`) becomes the character that looks most like it.
 */
function inert(text: string): string {
  return text.replaceAll(/["`<>#]|%(?=[%{])/g, (character) => ALIKE[character] ?? '')
}

const ALIKE: Record<string, string> = {
  '"': '\u2033',
  '`': '\u2032',
  '<': '\u2039',
  '>': '\u203A',
  '#': '\uFF03',
  '%': '\uFF05',
}
