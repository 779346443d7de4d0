import type { Seen } from './causes.ts'
import { ELLIPSIS, characterWidth, displayWidth, fitMiddle, oneLine, shorten } from './characters.ts'
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
/** Columns of an instruction or a path: three quarters of a line, within these. */
const CODE_MIN = 36
const CODE_MAX = 120
/** Characters of anything, where nothing has to be cut for want of room. */
const TEXT_MAX = 1000
/** Columns that are left of a name in a table's first column. */
const NAME_MIN = 12

/** How something is written to a terminal. */
export type TerminalOptions = {
  /** Write SGR colours. The caller knows the stream and the user's wish (`NO_COLOR`); nothing is looked up here. */
  colour: boolean
  /** Columns to stay within. */
  width: number
  /** Nobody's terminal is as wide: sentences are broken there all the same, but what stands between spaces and tables stay whole. */
  isWhole?: boolean
}

/** The options with a width that can be kept. */
export function penFor({ colour, width, isWhole = false }: TerminalOptions): Pen {
  return { colour, width: Math.max(WIDTH_MIN, Math.floor(width)), isWhole }
}

/** Options that can be kept. */
export type Pen = Required<TerminalOptions>

/** A phrase as plain characters. */
function written(words: Phrase, pen: Pen): string {
  return words.map((piece) => writtenPiece(piece, pen)).join('')
}

function writtenPiece(piece: Piece, pen: Pen): string {
  if (typeof piece === 'string') return clean(piece)
  if ('code' in piece) return shortCode(piece.code, pen)
  if ('strong' in piece) return clean(piece.strong)
  if ('place' in piece) return shortCode(placeName(piece.place), pen)
  if ('link' in piece) return clean(`${piece.link}: ${piece.url}`)
  return SIGNS[piece.tone]
}

/** An instruction or a path: its end says as much as its start. */
function shortCode(value: string, { width, isWhole }: Pen): string {
  const whole = clean(value)
  return isWhole ? whole : fitMiddle(whole, codeWidth(width))
}

function codeWidth(width: number): number {
  return Math.max(CODE_MIN, Math.min(CODE_MAX, Math.floor(width * 0.75)))
}

/** What is seen of an instruction: `shortCode`. */
export function seenBy({ width, isWhole }: Pen): Seen {
  const whole = isWhole ? Infinity : codeWidth(width)
  const side = Math.floor(whole / 2) - ELLIPSIS.length
  return { whole, start: side, end: side }
}

/** `oneLine` trims; between the pieces of a phrase the spaces count. */
function clean(value: string): string {
  const inner = shorten(oneLine(value), TEXT_MAX, '...')
  if (inner === '') return value === '' ? '' : ' '
  return `${/^\s/.test(value) ? ' ' : ''}${inner}${/\s$/.test(value) ? ' ' : ''}`
}

/** Lines of at most the terminal's width, broken at spaces; in an indented block, the lines after the first further. */
export function wrap(words: Phrase, pen: Pen, indent = ''): string[] {
  return fold(written(words, pen), pen, indent)
}

/** The same with a line that is plain characters already. */
export function fold(line: string, { width, isWhole }: Pen, indent: string): string[] {
  const hanging = `${indent}${indent}`
  const lines: string[] = []
  let current = ''
  const room = isWhole ? Infinity : width - hanging.length
  for (const word of wordsOf(line).flatMap((each) => pieces(each, room))) {
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

/** What stands between spaces; a figure and its unit, a sign and what it says, are one. */
function wordsOf(line: string): string[] {
  return line.split(/(?<![✓!✗]|\d(?= (?:[kMGTP]?B\b|%))) /)
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
 * Where none does, a paragraph for each row of the last but one instead. Heads that are all empty are no line.
 */
export function tableLines([table, ...narrower]: [Table, ...Table[]], pen: Pen): string[] {
  const all = [table, ...narrower]
  const room = pen.isWhole ? Infinity : pen.width
  const fitting = all.find((each) => columnsOf(each, pen).total <= room)
  const chosen = fitting ?? all.at(-1)!
  const columns = columnsOf(chosen, pen)
  const { cells, widths } = fitting === undefined ? withShortNames(chosen, columns, room) : columns
  if (cells.length === 0) {
    // Paragraphs have room for percentages.
    const said = all.at(-2) ?? table
    return said.rows.flatMap((row) => stacked(said, row, pen))
  }

  const lines = cells.map((row, number) => {
    const line = row.map((text, index) => {
      const space = ' '.repeat((widths[index] ?? 0) - displayWidth(text))
      const words = number === 0 ? [] : (chosen.rows[number - 1]?.[index] ?? [])
      const painted = number === 0 ? paint(text, 'dim', pen) : paintCell(text, words, pen)
      return chosen.columns[index]?.align === 'right' ? `${space}${painted}` : `${painted}${space}`
    })
    return `  ${line.join(GAP)}`.trimEnd()
  })
  return lines[0] === '' ? lines.slice(1) : lines
}

type Columns = { cells: string[][]; widths: number[]; total: number }

function columnsOf(table: Table, pen: Pen): Columns {
  const cells = [table.columns.map(({ head }) => head), ...table.rows].map((row) =>
    row.map((words) => written(words, pen)),
  )
  return measured(cells)
}

function measured(cells: string[][]): Columns {
  const widths = (cells[0] ?? []).map((_, index) => Math.max(...cells.map((row) => displayWidth(row[index] ?? ''))))
  return { cells, widths, total: 2 + widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) }
}

/** Names of the first column shortened in the middle, as far as it takes; no cells where too little would be left of them. */
function withShortNames(table: Table, { cells, widths, total }: Columns, room: number): Columns {
  const left = (widths[0] ?? 0) - (total - room)
  if (left < NAME_MIN || table.columns[0]?.align !== 'left') return { cells: [], widths, total }
  return measured(cells.map(([name = '', ...others]) => [fitMiddle(name, left), ...others]))
}

/** `+15.7 MB` for `+15.7 MB (+10.6 %)`. */
export function withoutPercent(table: Table): Table {
  return { ...table, rows: table.rows.map((row) => row.map((words) => words.map(percentDropped))) }
}

function percentDropped(piece: Piece): Piece {
  return typeof piece === 'string' ? piece.replace(/ \([^)]* %\)$/, '') : piece
}

/** `Size: main a1b2c3d 148.2 MB, this change d4e5f6a 163.9 MB, change +15.7 MB (+10.6 %), budget 160 MB, ✗ over by 3.9 MB`. */
function stacked(table: Table, row: Phrase[], pen: Pen): string[] {
  const [name = [], ...cells] = row
  const said = cells.flatMap((words, index) => {
    const text = written(words, pen)
    const head = written(table.columns[index + 1]?.head ?? [], pen)
    if (text === '') return []
    return [[head === '' ? text : `${head} ${text}`]]
  })
  const status = row.flat().find((piece) => typeof piece === 'object' && 'tone' in piece)
  const lines = fold(`${written(name, pen)}: ${said.join(', ')}`, pen, '  ')
  return lines.map((line) => paintCell(line, status === undefined ? [] : [status], pen))
}

function paintCell(text: string, words: Phrase, pen: Pen): string {
  for (const piece of words) {
    if (typeof piece === 'object' && 'tone' in piece) return paint(text, piece.tone, pen)
    if (typeof piece === 'object' && 'strong' in piece) return paint(text, 'strong', pen)
  }
  return text
}

/** Text in a colour, or as it is. */
export function paint(text: string, colour: keyof typeof COLOURS, pen: Pen): string {
  if (!pen.colour || COLOURS[colour] === '' || text === '') return text
  return `\u001B[${COLOURS[colour]}m${text}\u001B[0m`
}
