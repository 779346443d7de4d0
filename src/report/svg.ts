import { characterWidth, oneLine, shorten } from './characters.ts'

/**
 * What the pictures have in common: text that no name gets out of, the same digits for the same figures, and how wide a text will be.
 * Nothing in them is a script or leads anywhere.
 */

/** The pages they are shown on: GitHub's light one is #ffffff, its dark one #0d1117. */
export type Theme = 'light' | 'dark'

/** GitHub's own colours (Primer's `bgColor-default`, `fgColor-*`, `borderColor-default`), so that a chart is a part of the page. */
export const COLOURS: Record<Theme, Colours> = {
  light: {
    page: '#ffffff',
    text: '#1f2328',
    muted: '#59636e',
    rule: '#d1d9e0',
    line: '#0969da',
    budget: '#9a6700',
    over: '#d1242f',
  },
  dark: {
    page: '#0d1117',
    text: '#f0f6fc',
    muted: '#9198a1',
    rule: '#3d444d',
    line: '#4493f8',
    budget: '#d29922',
    over: '#f85149',
  },
}
export type Colours = Record<'page' | 'text' | 'muted' | 'rule' | 'line' | 'budget' | 'over', string>

/** Characters kept of any text in a picture. */
const TEXT_MAX = 300

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text or an attribute's value in XML, on one line: no markup comes of it, no control or bidirectional character is left. */
export function xml(value: string, max = TEXT_MAX): string {
  return shorten(oneLine(value), max).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

/** A coordinate: at most two decimals, so that the same points give the same bytes. */
export function coordinate(value: number): string {
  // `+ 0` makes 0 of −0.
  return String(Math.round(value * 100) / 100 + 0)
}

/** Advance widths of DejaVu Sans, in thousandths of the font's size. Verdana's are about the same; most other fonts are narrower. */
const WIDTHS: readonly (readonly [width: number, characters: string])[] = [
  [275, "'"],
  [278, 'ijl'],
  [295, 'IJ'],
  [318, ' ,.·'],
  [337, '/:;\\|'],
  [352, 'f'],
  [361, '-'],
  [392, '()[]t'],
  [411, '!r'],
  [460, '"'],
  [500, '*_`'],
  [531, '?sz'],
  [550, 'c'],
  [557, 'L'],
  [579, 'Fk'],
  [592, 'vxy'],
  [615, 'PTYaeo'],
  [636, '$0123456789ESbdghnpqu{}'],
  [656, 'K'],
  [698, 'ABCRVXZ'],
  [752, 'NU'],
  [787, '&DGHOQ'],
  [838, '#+<=>^~w\u2212'],
  [863, 'M'],
  [1000, '%@Wm…'],
]
const WIDTH_OF = new Map(WIDTHS.flatMap(([width, characters]) => Array.from(characters, (each) => [each, width])))
/** Of characters that the table does not have, by the columns that they take in a terminal. */
const OTHER_WIDTHS = [0, 800, 1400]

/** How wide a text will be at most, in pixels, at a font size in pixels: what is laid out by it is not cut in other fonts. */
export function textWidth(text: string, size: number): number {
  let width = 0
  for (const character of text) width += WIDTH_OF.get(character) ?? OTHER_WIDTHS[characterWidth(character)] ?? 0
  return (width * size) / 1000
}

/** A line of text whose baseline begins (or with `text-anchor`, ends) there. */
export function textAt(content: string, x: number, y: number, attributes = ''): string {
  return `<text x="${coordinate(x)}" y="${coordinate(y)}"${attributes === '' ? '' : ` ${attributes}`}>${xml(content)}</text>`
}

/** A path that is drawn and not filled; nothing for nothing. */
export function stroked(path: string, colour: string, attributes = ''): string {
  return path === ''
    ? ''
    : `<path fill="none" stroke="${colour}"${attributes === '' ? '' : ` ${attributes}`} d="${path}"/>`
}
