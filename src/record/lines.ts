import { parseJson } from '../json.ts'
import { inOrder, pointOf } from './points.ts'
import type { Point, StoredRecord } from './record.ts'
import { MAX_POINTS, MAX_POINTS_FILE, measured, point as pointSchema } from './schema.ts'

/**
 * A point as its file has it. `text`: its line, verbatim, with what a later version may have added to it; `measuredAt`: of two of one
 * commit the one that was measured later counts; null: the line does not say.
 */
export type PointLine = Pick<Point, 'commit' | 'at'> & { point: Point; measuredAt: string | null; text: string }

/** What a file of points has, in its order. `others`: objects that are no points to this version, for a later one may have written them. */
export type PointFile = { lines: PointLine[]; others: string[] }

/** Characters of a line that is carried as it is; what this version writes has a fifth of it. */
const MAX_LINE = 2_000

/** What is kept of a record for good. */
export function lineOf(record: StoredRecord): PointLine {
  const point = pointOf(record)
  const { commit, at } = point
  return { commit, at, point, measuredAt: record.measuredAt, text: lineText(point, record.measuredAt) }
}

function lineText(
  { commit, at, size, downloadSize, layers, caps, store, sizeFrom }: Point,
  measuredAt: string | null,
): string {
  const ordered: Point = {
    commit,
    at,
    size,
    downloadSize,
    layers,
    caps: { size: caps.size, downloadSize: caps.downloadSize, layers: caps.layers },
    store,
    sizeFrom,
  }
  return JSON.stringify(measuredAt === null ? ordered : { ...ordered, measuredAt })
}

/** The lines of a file's text. What is no object is left out; so is what is more or longer than a file or a line can be. */
export function parseLines(written: string): PointFile {
  const file: PointFile = { lines: [], others: [] }
  if (Buffer.byteLength(written) > MAX_POINTS_FILE) return file
  // As many of each; the last line ends with a newline too.
  for (const each of written.split('\n').slice(-2 * MAX_POINTS - 1)) {
    const text = each.trim()
    const value = parseJson(text)
    const { data: point } = pointSchema.safeParse(value)
    if (point !== undefined) {
      const measuredAt = measured.safeParse(value).data?.measuredAt ?? null
      const { commit, at } = point
      const isShort = text.length <= MAX_LINE
      file.lines.push({ commit, at, point, measuredAt, text: isShort ? text : lineText(point, measuredAt) })
    } else if (text.startsWith('{') && value !== undefined && value !== null && text.length <= MAX_LINE) {
      file.others.push(text)
    }
  }
  return { ...file, lines: file.lines.slice(-MAX_POINTS) }
}

/** A file's text: what no point is, then the points, each in their order. Of more than a file can have, the last points come first. */
export function renderLines({ lines, others }: PointFile): string {
  let left = MAX_POINTS_FILE
  const fitting = (texts: readonly string[]): string[] => {
    const kept: string[] = []
    for (const text of texts.slice(-MAX_POINTS).toReversed()) {
      left -= Buffer.byteLength(text) + 1
      if (left < 0) break
      kept.push(`${text}\n`)
    }
    return kept.toReversed()
  }
  const points = fitting(lines.map(({ text }) => text))
  return [...fitting(others), ...points].join('')
}

/** The lines, sorted by time. Of a commit that has several, the one that was measured last; the result is the same in any order. */
export function latestLines(lines: readonly PointLine[]): PointLine[] {
  const latest = new Map<string, PointLine>()
  for (const line of lines) {
    const before = latest.get(line.commit)
    if (before === undefined || compareLines(before, line) < 0) latest.set(line.commit, line)
  }
  return inOrder([...latest.values()])
}

/** Negative where the other of one commit's lines counts. Of two that say the same it is the one with more in it for a later version. */
function compareLines(one: PointLine, other: PointLine): number {
  return compareMeasured(one, other) || one.text.length - other.text.length || compareTexts(one.text, other.text)
}

/** Negative where the other of one commit's measurements counts: the later one, or of one time always the same. */
export function compareMeasured(one: PointLine, other: PointLine): number {
  return (
    compareTexts(one.measuredAt ?? '', other.measuredAt ?? '') ||
    compareTexts(lineText(one.point, null), lineText(other.point, null))
  )
}

export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
