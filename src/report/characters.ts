import { stripVTControlCharacters } from 'node:util'

/**
 * What a string from a pull request may do to the place it is printed at: move the cursor, colour the terminal, break a
 * line or a table row, reorder what stands beside it. Here it loses all of that; what it says in Markdown is
 * markdown.ts's matter.
 */

/** Stands where a character was that must not be printed. */
const REPLACEMENT = '\uFFFD'

/**
 * Unicode category Cc (controls) and Cf (format: the bidirectional overrides of CVE-2021-42574, zero-width spaces, tag
 * characters), private use and unassigned ones. U+200D stays: it joins emoji, and moves nothing.
 */
const UNPRINTABLE = /(?!\u200D)[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu

const LINE_BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g

/** One line of printable characters. Escape sequences are dropped, line breaks become one space, the rest is replaced. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(LINE_BREAKS, ' ')).trim()
}

/** Lines of printable characters, tabs as two spaces, without blank lines at either end. */
export function manyLines(text: string): string[] {
  const lines = text
    .replaceAll('\t', '  ')
    .split(/\r\n|[\n\v\f\r\u0085\u2028\u2029]/)
    .map((line) => printable(line).trimEnd())
  const first = lines.findIndex((line) => line !== '')
  return first === -1 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== '') + 1)
}

function printable(text: string): string {
  return stripVTControlCharacters(text).toWellFormed().replaceAll(UNPRINTABLE, REPLACEMENT)
}

/** At most `max` characters (code points), the last of them the ellipsis where something was cut. */
export function shorten(text: string, max: number, ellipsis = '…'): string {
  if (text.length <= max) return text
  const characters = Array.from(text)
  if (characters.length <= max) return text
  return `${characters.slice(0, Math.max(0, max - ellipsis.length)).join('')}${ellipsis}`.slice(0, 2 * max)
}

/** The same with what is cut taken from the middle: the end of a path, and of an instruction, tells as much as its beginning. */
export function shortenMiddle(text: string, max: number): string {
  return withoutMiddle(text, max, { ellipsis: '…', tailShare: 1 / 3, widthOf: () => 1 })
}

/** Of a terminal. */
export const ELLIPSIS = '...'

/** At most `width` columns of a terminal; where something was cut, it is the middle. */
export function fitMiddle(line: string, width: number): string {
  return withoutMiddle(line, width, { ellipsis: ELLIPSIS, tailShare: 1 / 2, widthOf: characterWidth })
}

/** `tailShare`: so much of what is kept stands after the ellipsis. */
type Cut = { ellipsis: string; tailShare: number; widthOf: (character: string) => number }

function withoutMiddle(text: string, max: number, { ellipsis, tailShare, widthOf }: Cut): string {
  const characters = Array.from(text)
  const widths = (part: readonly string[]): number => part.reduce((sum, character) => sum + widthOf(character), 0)
  if (widths(characters) <= max) return text
  const room = max - ellipsis.length
  if (room <= 0) return ellipsis.slice(0, Math.max(0, max))
  const end = fitting(characters.toReversed(), Math.floor(room * tailShare), widthOf).toReversed()
  const start = fitting(characters, room - widths(end), widthOf)
  return `${start.join('')}${ellipsis}${end.join('')}`
}

/** The first characters that have room in so many columns. */
function fitting(characters: readonly string[], columns: number, widthOf: Cut['widthOf']): string[] {
  let used = 0
  const end = characters.findIndex((character) => (used += widthOf(character)) > columns)
  return characters.slice(0, end === -1 ? undefined : end)
}

const NO_WIDTH = /^(?:\p{Mn}|\p{Me}|\u{200D})$/u
/**
 * JavaScript has no property for Unicode's East Asian Width: these are the blocks of its Wide and Fullwidth characters (UAX #11), whole, for
 * terminals differ over what else stands in them. A column too many is room left over, one too few a line that wraps.
 */
const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115F\u2329\u232A\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE1F\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18DFF}\u{1AFF0}-\u{1B2FF}\u{1D300}-\u{1D37F}\u{1F200}-\u{1F2FF}\u{20000}-\u{3FFFD}]$/u

/** Columns that a terminal needs for a line of printable characters: 2 for wide ones, 0 for combining ones. */
export function displayWidth(line: string): number {
  let width = 0
  for (const character of line) width += characterWidth(character)
  return width
}

/** Columns of one character (code point). */
export function characterWidth(character: string): number {
  if (character < '\u0300') return 1
  if (NO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}
