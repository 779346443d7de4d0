/** U+2581 to U+2588, of one to eight eighths of a line's height. */
const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const MIDDLE = '▄'

/** What spans less than this share of its largest value is flat. */
export const FLAT_SHARE = 0.01

/** The blocks stand for at least this share of the largest value, so that noise does not look like a mountain. */
const SPAN_SHARE = 0.1

/**
 * A series as a line of blocks, one character a value, null as a space: the smallest value is the lowest block, the largest the highest. What
 * spans little stays around the middle, and what is flat, or one value, is the middle block throughout.
 * @param floor share of the largest value; a series that spans less is flat
 */
export function sparkline(values: readonly (number | null)[], floor = FLAT_SHARE): string {
  const known = values.filter((value) => value !== null)
  const low = known.reduce((least, value) => Math.min(least, value), Infinity)
  const high = known.reduce((most, value) => Math.max(most, value), -Infinity)
  const isFlat = high === low || high - low < high * floor
  const span = Math.max(high - low, high * SPAN_SHARE)
  const foot = (low + high - span) / 2
  const blockOf = (value: number): string => {
    if (isFlat) return MIDDLE
    const height = Math.floor(((value - foot) / span) * BLOCKS.length)
    return BLOCKS[Math.min(BLOCKS.length - 1, height)]!
  }
  return values.map((value) => (value === null ? ' ' : blockOf(value))).join('')
}
