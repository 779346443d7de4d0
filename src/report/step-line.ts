import { coordinate } from './svg.ts'

/** A record on a line, in pixels. `y` null: not measured. Marks of unlike kinds are not joined. */
export type Mark = { x: number; y: number | null; kind: string }

/** A line of more marks than these is thinned: so many steps are all that its width can show. */
const EXACT_MAX = 400
/** Pixels that are one step of a thinned line. */
const COLUMN = 3

/**
 * The data of an SVG path through marks, sorted by x: each value stays until the next mark. It is interrupted where there is none, and where
 * the kind changes. The last one stays until `end`. Of very many marks, each column's least, largest and last are kept: what stands out
 * still does.
 */
export function stepLine(marks: readonly Mark[], end: number): string {
  const steps = marks.length > EXACT_MAX ? thinned(marks) : marks.map(exact)
  let path = ''
  /** Where the pen is down: at what height, on the line of which kind. */
  let pen: { y: string; kind: string } | null = null
  for (const { x, ys, kind } of steps) {
    const at = coordinate(x)
    const heights = ys.map(coordinate)
    if (pen !== null && (heights.length === 0 || pen.kind !== kind)) {
      path += `H${at}`
      pen = null
    }
    const [first] = heights
    if (pen === null && first !== undefined) {
      path += `M${at} ${first}`
      pen = { y: first, kind }
    } else if (pen !== null && heights.some((y) => y !== pen?.y)) {
      path += `H${at}`
    }
    for (const y of heights) {
      if (pen === null || y === pen.y) continue
      path += `V${y}`
      pen.y = y
    }
  }
  return pen === null ? path : `${path}H${coordinate(end)}`
}

/** What is drawn at one place: the heights that the line goes through, the last of which it keeps; none: it is interrupted. */
type Step = { x: number; ys: number[]; kind: string }

function exact({ x, y, kind }: Mark): Step {
  return { x, ys: y === null ? [] : [y], kind }
}

function thinned(marks: readonly Mark[]): Step[] {
  const columns = new Map<number, Mark[]>()
  for (const mark of marks) {
    const column = Math.floor(mark.x / COLUMN)
    columns.set(column, [...(columns.get(column) ?? []), mark])
  }
  return [...columns.values()].flatMap((column) => {
    const ys = column.flatMap(({ y }) => (y === null ? [] : [y]))
    const [first, last] = [column[0], column.at(-1)]
    if (first === undefined || last === undefined) return []
    const kept = ys.length === 0 ? [] : [Math.min(...ys), Math.max(...ys), ys.at(-1)!]
    const step = { x: first.x, ys: kept, kind: last.kind }
    return last.y === null && kept.length > 0 ? [step, { x: last.x, ys: [], kind: last.kind }] : [step]
  })
}
