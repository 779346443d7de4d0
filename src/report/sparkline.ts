/** U+2581 to U+2588, of one to eight eighths of a line's height. */
const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/**
 * A series as a line of blocks, one character a value, null as a space: the smallest value is the lowest block, the largest the highest.
 * @param floor span, as a share of the largest value, that the blocks stand for at least, so that noise is not drawn as mountains: with
 *   0.01 a change of half a percent climbs half of the height, and one of a thousandth none of it. Values that are all the same are the lowest
 *   block, whatever the floor.
 */
export function sparkline(values: readonly (number | null)[], floor = 0.01): string {
  const known = values.filter((value) => value !== null)
  const low = known.reduce((least, value) => Math.min(least, value), Infinity)
  const high = known.reduce((most, value) => Math.max(most, value), -Infinity)
  const span = Math.max(high - low, Math.abs(high) * floor)
  const blockOf = (value: number): string => {
    const height = span === 0 ? 0 : (value - low) / span
    return BLOCKS[Math.round(height * (BLOCKS.length - 1))] ?? ' '
  }
  return values.map((value) => (value === null ? ' ' : blockOf(value))).join('')
}
