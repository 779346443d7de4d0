import { stringify } from 'csv-stringify/sync'
import { isAlike } from '../record/alike.ts'
import type { Point, Release } from '../record/record.ts'
import { tagsByCommit } from '../record/releases.ts'
import { oneLine, shorten } from './characters.ts'
import { paint, penFor, tableLines, withoutPercent, wrap, type Pen, type TerminalOptions } from './lines.ts'
import type { Phrase } from './phrase.ts'
import { sparkline } from './sparkline.ts'
import type { Table } from './tables.ts'
import {
  formatBytes,
  formatBytesAmong,
  formatCount,
  formatLimit,
  formatPercent,
  formatSigned,
  formatSignedCount,
} from './units.ts'
import { METRICS, shortCommit } from './words.ts'

/** What is recorded of one image, for one platform. */
export type ImageHistory = {
  name: string
  /** `os/architecture[/variant]`. */
  platform: string
  /** Oldest first. */
  points: Point[]
}

/** What is shown, whatever the form. */
export type Histories = {
  images: ImageHistory[]
  releases: Release[]
  /** How many of the newest records of each image; null: all of them. */
  last: number | null
}

type Row = Point & {
  tags: string[]
  /** What it is compared with: the nearest record before it that was measured alike, shown or not; null: there is none. */
  before: Point | null
}

/** `rows` oldest first; `earlier`: how many there are before them. */
type Shown = { image: ImageHistory; rows: Row[]; earlier: number }

function shownOf({ images, releases, last }: Histories): Shown[] {
  const tags = tagsByCommit(releases)
  return images.map((image) => {
    const rows: Row[] = []
    for (const point of image.points) {
      const before = rows.findLast((row) => isAlike(row, point)) ?? null
      rows.push({ ...point, tags: tags.get(point.commit) ?? [], before })
    }
    const earlier = last === null ? 0 : Math.max(0, rows.length - last)
    return { image, rows: rows.slice(earlier), earlier }
  })
}

type Metric = (typeof METRICS)[number]['metric']
type LeadMetric = Exclude<Metric, 'layers'>

/** The metric that an image is spoken of in: its size, or its download size where only that was measured last; null: neither was. */
function leadOf(last: Point): LeadMetric | null {
  if (last.size !== null) return 'size'
  return last.downloadSize === null ? null : 'downloadSize'
}

/** `+15.7 MB (+10.6 %)`, `+1`, `same`. */
function changeOf(metric: Metric, from: number, to: number): string {
  if (from === to) return 'same'
  if (metric === 'layers') return formatSignedCount(to - from)
  return `${formatSigned(to - from)}${from === 0 ? '' : ` (${formatPercent(((to - from) / from) * 100)})`}`
}

/** `2026-11-03`, of ISO 8601 in UTC. */
function dayOf({ at }: Point): string {
  return at.slice(0, 10)
}

/**
 * Histories as text for a terminal, one image after the other: a sentence, a line of blocks for each metric, a table of the records, newest
 * last. No line is wider than `width` (at least 40); no escape sequence or control character of what is shown gets through.
 */
export function renderHistoryTable(histories: Histories, options: TerminalOptions): string {
  const pen = penFor(options)
  const blocks = shownOf(histories).flatMap((shown) => imageBlocks(shown, pen))
  const lines = blocks.filter((block) => block.length > 0).map((block) => block.join('\n'))
  return `${lines.join('\n\n')}\n`
}

/** The names of repositories on GitHub have at most 100 characters. */
const NAME_MAX = 100

function imageBlocks({ image, rows, earlier }: Shown, pen: Pen): string[][] {
  const title = wrap([shorten(oneLine(image.name), NAME_MAX, '...'), ` (${image.platform})`], pen)
  const last = rows.at(-1)
  const strong = title.map((line) => paint(line, 'strong', pen))
  if (last === undefined) return [[...strong, ...wrap(['There is no record.'], pen)]]
  const words = `Not shown: ${formatCount(earlier, 'earlier record')} (--last ${earlier + rows.length} shows all).`
  const note = earlier === 0 ? [] : wrap([words], pen, '  ')
  return [
    [...strong, ...wrap(sentence(rows, last), pen)],
    tableLines(trendTables(rows, last), pen),
    [...tableLines(recordTables(rows, last), pen), ...note.map((line) => paint(line, 'dim', pen))],
  ]
}

/** From what to what, over how many records, and how far that is from the caps that were in force last. */
function sentence(rows: readonly Row[], last: Row): Phrase {
  const lead = leadOf(last)
  const metric: Metric = lead ?? 'layers'
  const compared = rows.filter((row) => isAlike(last, row) && row[metric] !== null)
  const others = formatCount(rows.length - compared.length, 'other')
  const uncompared = rows.length === compared.length ? '' : ` (${others} cannot be compared)`
  const figure = (value: number, other: number): string =>
    metric === 'layers' ? formatCount(value, 'layer') : formatBytesAmong(value, [other])
  const to = last[metric] ?? 0
  const from = compared[0]?.[metric] ?? to
  const what = metric === 'downloadSize' ? ' to download' : ''
  const over = `over ${formatCount(compared.length, 'record')} since ${dayOf(compared[0] ?? last)}${uncompared}`
  const budgets = budgetWords(last)
  const end = budgets.length === 0 ? '.' : `; it is ${budgets.join(', ')}.`
  if (compared.length === 1) return [`${figure(to, from)}${what} on ${dayOf(last)}${uncompared}${end}`]
  if (from === to) return [`${figure(to, from)}${what}, as at first, ${over}${end}`]
  const verb = to > from ? 'Grew' : 'Shrank'
  return [
    `${verb} from ${figure(from, to)} to ${figure(to, from)}${what}, ${changeOf(metric, from, to)}, ${over}${end}`,
  ]
}

/** `6.1 MB under its budget of 170 MB`, for each cap that was in force. */
function budgetWords(last: Row): string[] {
  return METRICS.flatMap(({ metric }) => {
    const [cap, value] = [last.caps[metric], last[metric]]
    if (cap === null || value === null) return []
    const limit =
      metric === 'layers' ? formatCount(cap, 'layer') : `${formatLimit(cap)}${metric === 'size' ? '' : ' to download'}`
    if (value === cap) return [`exactly at its budget of ${limit}`]
    const distance = Math.abs(cap - value)
    const amount = metric === 'layers' ? String(distance) : formatBytes(distance)
    return [`${amount} ${value > cap ? 'over' : 'under'} its budget of ${limit}`]
  })
}

/** How many blocks a line may have: the first that the terminal has room for. */
const BLOCKS = [48, 32, 20, 10]

/** Stands for a record without the figure, or one that was measured otherwise than the last: a space at a line's end would be lost. */
const GAP = '·'

const WITHOUT_HEAD: Table['columns'][number] = { head: [], align: 'left' }

/** A row a metric: blocks, from and to, the change. */
function trendTables(rows: readonly Row[], last: Row): [Table, ...Table[]] {
  const tableOf = (blocks: number): Table => ({
    columns: [WITHOUT_HEAD, WITHOUT_HEAD, WITHOUT_HEAD, WITHOUT_HEAD],
    rows: METRICS.flatMap(({ metric, name }) => {
      const values = rows.map((row) => (isAlike(last, row) ? row[metric] : null))
      const known = values.filter((value) => value !== null)
      const [from, to] = [known[0], known.at(-1)]
      if (from === undefined || to === undefined || known.length === 1) return []
      const figure = metric === 'layers' ? String : formatBytes
      const drawn = sparkline(inGroups(values, blocks)).replaceAll(' ', GAP)
      return [[[name], [drawn], [`${figure(from)} → ${figure(to)}`], [changeOf(metric, from, to)]]]
    }),
  })
  const [most, ...fewer] = BLOCKS.map(tableOf)
  return [most!, ...fewer, withoutPercent(fewer.at(-1)!)]
}

/** At most `max` values: the largest of each of so many groups of neighbours, for a peak is what a budget is broken by. */
function inGroups(values: readonly (number | null)[], max: number): (number | null)[] {
  if (values.length <= max) return [...values]
  const start = (group: number): number => Math.floor((group * values.length) / max)
  return Array.from({ length: max }, (_, group) => {
    const known = values.slice(start(group), start(group + 1)).filter((value) => value !== null)
    return known.length === 0 ? null : Math.max(...known)
  })
}

const NOT_MEASURED = 'not measured'

/** Characters of a commit's tags. */
const TAGS_MAX = 60
const FEW_TAGS_MAX = 16

type Column = { head: string; align: 'left' | 'right'; cell: (row: Row) => Phrase }

/** The records, newest last, and what can be left out of their table on a narrow terminal. */
function recordTables(rows: readonly Row[], last: Row): [Table, ...Table[]] {
  const lead = leadOf(last)
  const change: Column = {
    head: 'change',
    align: 'right',
    cell: (row) => {
      const [from, to] = lead === null ? [null, null] : [row.before?.[lead] ?? null, row[lead]]
      return lead === null || from === null || to === null ? [] : [changeOf(lead, from, to)]
    },
  }
  const sized = (metric: LeadMetric, head: string): Column[] => [
    ...(rows.some((row) => row[metric] !== null) ? [{ head, align: 'right' as const, cell: figureOf(metric) }] : []),
    ...(metric === lead ? [change] : []),
  ]
  const names: Column[] = [
    { head: 'date', align: 'left', cell: (row) => [dayOf(row)] },
    { head: 'commit', align: 'left', cell: ({ commit }) => [shortCommit(commit)] },
  ]
  const [size, download] = [sized('size', 'size'), sized('downloadSize', 'download')]
  const layers: Column = {
    head: 'layers',
    align: 'right',
    cell: (row) => [...overSign(row, 'layers'), String(row.layers)],
  }
  const isTagged = rows.some(({ tags }) => tags.length > 0)
  const tags = (max: number): Column[] =>
    isTagged ? [{ head: 'tag', align: 'left', cell: (row) => [shorten(oneLine(row.tags.join(', ')), max, '...')] }] : []

  const tableOf = (...columns: Column[]): Table => ({
    columns: columns.map(({ head, align }) => ({ head: [head], align })),
    rows: rows.map((row) => columns.map(({ cell }) => cell(row))),
  })
  const whole = [...names, ...size, ...download, layers]
  const least = [...names, ...(lead === 'downloadSize' ? download : size)]
  return [
    tableOf(...whole, ...tags(TAGS_MAX)),
    tableOf(...whole, ...tags(FEW_TAGS_MAX)),
    withoutPercent(tableOf(...whole, ...tags(FEW_TAGS_MAX))),
    withoutPercent(tableOf(...least, ...tags(FEW_TAGS_MAX))),
    withoutPercent(tableOf(...least)),
  ]
}

function figureOf(metric: LeadMetric): Column['cell'] {
  return (row) => {
    const value = row[metric]
    return value === null ? [NOT_MEASURED] : [...overSign(row, metric), formatBytes(value)]
  }
}

/** Marks what was over the cap of its time. */
function overSign(row: Row, metric: Metric): Phrase {
  const [cap, value] = [row.caps[metric], row[metric]]
  return cap !== null && value !== null && value > cap ? [{ tone: 'bad' }] : []
}

const CSV_COLUMNS = [
  'image',
  'platform',
  'date',
  'commit',
  'size',
  'download-size',
  'layers',
  'max-size',
  'max-download-size',
  'max-layers',
  'store',
  'tags',
]

/**
 * Histories as CSV (RFC 4180, with LF; docs/history.md): a head, then a line a record. Times are ISO 8601 in UTC, sizes every byte, what was
 * not measured or set is empty. A name that a spreadsheet would take for a formula has an apostrophe before it.
 */
export function renderHistoryCsv(histories: Histories): string {
  const lines = shownOf(histories).flatMap(({ image, rows }) =>
    rows.map(({ at, commit, size, downloadSize, layers, caps, store, tags }) => [
      oneLine(image.name),
      oneLine(image.platform),
      at,
      commit,
      size,
      downloadSize,
      layers,
      caps.size,
      caps.downloadSize,
      caps.layers,
      store,
      oneLine(tags.join(' ')),
    ]),
  )
  return stringify([CSV_COLUMNS, ...lines], { escape_formulas: true })
}

/** Histories as JSON (docs/history.md): two spaces, a newline at the end. `version`: of what wrote it; the branch's name and commit. */
export function renderHistoryJson(
  histories: Histories,
  { version, branch, commit }: { version: string; branch: string; commit: string },
): string {
  const images = shownOf(histories).map(({ image, rows, earlier }) => ({
    name: image.name,
    platform: image.platform,
    earlier,
    points: rows.map(pointOf),
  }))
  return `${JSON.stringify({ schema: 1, version, branch, commit, images }, null, 2)}\n`
}

/** Its keys in the documented order, and none but those. */
function pointOf({ commit, at, size, downloadSize, layers, caps, store, sizeFrom, tags }: Row) {
  return {
    commit,
    at,
    size,
    downloadSize,
    layers,
    caps: { size: caps.size, downloadSize: caps.downloadSize, layers: caps.layers },
    store,
    sizeFrom,
    tags,
  }
}
