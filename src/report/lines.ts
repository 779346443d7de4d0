import { characterWidth, displayWidth, oneLine, shorten, shortenMiddle } from './characters.ts'
import { placeName, type Phrase, type Piece, type Tone } from './phrase.ts'
import type { Table } from './tables.ts'

/** Phrases and tables as lines of a terminal: within its width, coloured where it is asked for, whatever they were made of. */

/** The one table of a terminal's signs. Each stands before words that say the same. */
const SIGNS: Record<Tone, string> = { good: '✓ ', warn: '! ', bad: '✗ ', none: '' }

/** SGR codes (ECMA-48 8.3.117). */
const COLOURS: Record<Tone | 'strong' | 'dim', string> = {
  good: '32',
  warn: '33',
  bad: '31',
  none: '',
  strong: '1',
  dim: '2',
}

/** Narrower than this, no table of figures can be read; lines may then be longer than the terminal is wide. */
const WIDTH_MIN = 40
const INSTRUCTION_MAX = 120

/** How something is written to a terminal. */
export type TerminalOptions = {
  /** Write SGR colours. The caller knows the stream and the user's wish (`NO_COLOR`); nothing is looked up here. */
  colour: boolean
  /** Columns to stay within. */
  width: number
}

/** The options with a width that can be kept. */
export function penFor({ colour, width }: TerminalOptions): TerminalOptions {
  return { colour, width: Math.max(WIDTH_MIN, Math.floor(width)) }
}

/** A phrase as plain characters. */
function written(words: Phrase): string {
  return words.map(writtenPiece).join('')
}

function writtenPiece(piece: Piece): string {
  if (typeof piece === 'string') return clean(piece, 1000)
  if ('code' in piece) return clean(piece.code, INSTRUCTION_MAX, shortenMiddle)
  if ('strong' in piece) return clean(piece.strong, 1000)
  if ('place' in piece) return clean(placeName(piece.place), INSTRUCTION_MAX, shortenMiddle)
  if ('link' in piece) return clean(`${piece.link}: ${piece.url}`, 1000)
  return SIGNS[piece.tone]
}

/** `oneLine` trims; between the pieces of a phrase the spaces count. */
function clean(value: string, max: number, cut = shorten): string {
  const inner = cut(oneLine(value), max, '...')
  if (inner === '') return value === '' ? '' : ' '
  return `${/^\s/.test(value) ? ' ' : ''}${inner}${/\s$/.test(value) ? ' ' : ''}`
}

/** Lines of at most the terminal's width, broken at spaces; in an indented block, the lines after the first further. */
export function wrap(words: Phrase, pen: TerminalOptions, indent = ''): string[] {
  return fold(written(words), pen.width, indent)
}

/** The same with a line that is plain characters already. */
export function fold(line: string, width: number, indent: string): string[] {
  const hanging = `${indent}${indent}`
  const lines: string[] = []
  let current = ''
  for (const word of line.split(' ').flatMap((each) => pieces(each, width - hanging.length))) {
    const start = lines.length === 0 ? indent : hanging
    if (current !== '' && displayWidth(`${start}${current} ${word}`) > width) {
      lines.push(`${start}${current}`)
      current = word
    } else {
      current = current === '' ? word : `${current} ${word}`
    }
  }
  if (current !== '') lines.push(`${lines.length === 0 ? indent : hanging}${current}`)
  return lines
}

/** A word cut where it is wider than a line. */
function pieces(word: string, width: number): string[] {
  const cut: string[] = []
  let piece = ''
  let used = 0
  for (const character of word) {
    const columns = characterWidth(character)
    if (used + columns > width) {
      cut.push(piece)
      piece = ''
      used = 0
    }
    piece += character
    used += columns
  }
  return piece === '' ? cut : [...cut, piece]
}

const GAP = '  '

/**
 * Aligned columns, as much of them as fits the terminal: the first of the tables that does, each of which says less than the one before it.
 * Where none does, a paragraph for each row of the first instead. Heads that are all empty are no line.
 */
export function tableLines([table, ...narrower]: [Table, ...Table[]], pen: TerminalOptions): string[] {
  const fitting = [table, ...narrower].find((each) => columnsOf(each).total <= pen.width)
  if (fitting === undefined) return table.rows.flatMap((row) => stacked(table, row, pen))

  const { cells, widths } = columnsOf(fitting)
  const lines = cells.map((row, number) => {
    const line = row.map((text, index) => {
      const space = ' '.repeat((widths[index] ?? 0) - displayWidth(text))
      const words = number === 0 ? [] : (fitting.rows[number - 1]?.[index] ?? [])
      const painted = number === 0 ? paint(text, 'dim', pen) : paintCell(text, words, pen)
      return fitting.columns[index]?.align === 'right' ? `${space}${painted}` : `${painted}${space}`
    })
    return `  ${line.join(GAP)}`.trimEnd()
  })
  return lines[0] === '' ? lines.slice(1) : lines
}

function columnsOf(table: Table): { cells: string[][]; widths: number[]; total: number } {
  const cells = [table.columns.map(({ head }) => head), ...table.rows].map((row) => row.map(written))
  const widths = table.columns.map((_, index) => Math.max(...cells.map((row) => displayWidth(row[index] ?? ''))))
  return { cells, widths, total: 2 + widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) }
}

/** `+15.7 MB` for `+15.7 MB (+10.6 %)`. */
export function withoutPercent(table: Table): Table {
  return { ...table, rows: table.rows.map((row) => row.map((words) => words.map(percentDropped))) }
}

function percentDropped(piece: Piece): Piece {
  return typeof piece === 'string' ? piece.replace(/ \([^)]* %\)$/, '') : piece
}

/** `Size: main a1b2c3d 148.2 MB, this change d4e5f6a 163.9 MB, change +15.7 MB (+10.6 %), budget 160 MB, ✗ over by 3.9 MB`. */
function stacked(table: Table, row: Phrase[], pen: TerminalOptions): string[] {
  const [name = [], ...cells] = row
  const said = cells.flatMap((words, index) => {
    const text = written(words)
    const head = written(table.columns[index + 1]?.head ?? [])
    if (text === '') return []
    return [[head === '' ? text : `${head} ${text}`]]
  })
  const status = row.flat().find((piece) => typeof piece === 'object' && 'tone' in piece)
  const lines = fold(`${written(name)}: ${said.join(', ')}`, pen.width, '  ')
  return lines.map((line) => paintCell(line, status === undefined ? [] : [status], pen))
}

function paintCell(text: string, words: Phrase, pen: TerminalOptions): string {
  for (const piece of words) {
    if (typeof piece === 'object' && 'tone' in piece) return paint(text, piece.tone, pen)
    if (typeof piece === 'object' && 'strong' in piece) return paint(text, 'strong', pen)
  }
  return text
}

/** Text in a colour, or as it is. */
export function paint(text: string, colour: keyof typeof COLOURS, pen: TerminalOptions): string {
  if (!pen.colour || COLOURS[colour] === '' || text === '') return text
  return `\u001B[${COLOURS[colour]}m${text}\u001B[0m`
}
