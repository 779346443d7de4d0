import { adviceOf, checkWords, checksOf, findingWords, moreWords, standingTitle } from './advice.ts'
import { causeWords, causesOf } from './causes.ts'
import { characterWidth, displayWidth, manyLines, oneLine, shorten } from './characters.ts'
import { isImageNoteworthy } from './noteworthy.ts'
import { join, phrase, placeName, type Phrase, type Piece, type Tone } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { formatCount } from './units.ts'
import { stateOf } from './state.ts'
import { figuresTable, overviewTable, worstFirst, type Table } from './tables.ts'
import { trendWords } from './trend.ts'
import {
  PRODUCT,
  explanation,
  failureOutput,
  headline,
  imageHeadline,
  ratchetWords,
  reportWords,
  smallPrint,
} from './words.ts'

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

/** How a report is written to a terminal. */
export type TerminalOptions = {
  /** Write SGR colours. The caller knows the stream and the user's wish (`NO_COLOR`); nothing is looked up here. */
  colour: boolean
  /** Columns to stay within. */
  width: number
}

/**
 * The report as text: the comment's words, one table of figures, what made it grow. No line is wider than `width`
 * (at least 40); no escape sequence or control character of what is reported gets through.
 */
export function renderTerminal(report: Report, options: TerminalOptions): string {
  const pen = { colour: options.colour, width: Math.max(WIDTH_MIN, Math.floor(options.width)) }
  const [first] = report.images
  const blocks: string[][] = [
    wrap(phrase`${PRODUCT}: ${headline(report)}`, pen).map((line) => paint(line, 'strong', pen)),
    ...reportWords(report).map((words) => wrap(words, pen)),
  ]

  if (first !== undefined && report.images.length === 1) {
    blocks.push(...imageBlocks(first, report, pen))
  } else if (first !== undefined) {
    const images = report.images.toSorted(worstFirst)
    blocks.push(tableLines(overviewTable(images, report), pen))
    for (const image of images.filter((each) => !isImageNoteworthy(each))) {
      const platform = image.platform === null ? '' : ` (${image.platform})`
      const words = ratchetWords(image).flatMap((each) => each.map(quoted))
      if (words.length > 0) blocks.push(wrap(phrase`${{ code: image.name }}${platform}: ${words}`, pen))
    }
    for (const image of images.filter(isImageNoteworthy)) {
      const platform: Phrase = image.platform === null ? [] : [` (${image.platform})`]
      blocks.push(wrap([...imageHeadline(image), ...platform], pen).map((line) => paint(line, 'strong', pen)))
      blocks.push(...imageBlocks(image, report, pen))
    }
  }
  const lines = blocks.filter((block) => block.length > 0).map((block) => block.join('\n'))
  return `${lines.join('\n\n')}\n`
}

function imageBlocks(image: ImageReport, report: Report, pen: TerminalOptions): string[][] {
  const paragraphs = explanation(image, report).map((words) => wrap(words.map(quoted), pen))
  if (stateOf(image) === 'failed') {
    const output = image.error === null ? [] : manyLines(failureOutput(image.error))
    return [...paragraphs.slice(0, -1), output.flatMap((line) => fold(line, pen.width, '  ')), ...paragraphs.slice(-1)]
  }
  const causes = causesOf(image)
  const why =
    causes === null
      ? []
      : [
          paint(causes.title, 'strong', pen),
          ...causes.causes.flatMap((cause) => wrap(causeWords(cause, image, report), pen, '  ')),
          ...causes.rest.flatMap((words) => wrap(words, pen, '  ')),
        ]
  const print = wrap(join(smallPrint(image, report), ', '), pen).map((line) => paint(line, 'dim', pen))
  const trend = wrap(trendWords(image) ?? [], pen)
  return [
    tableLines(figuresTable(image, report), pen),
    ...paragraphs,
    why,
    ...adviceBlocks(image, report, pen),
    trend,
    print,
  ]
}

/** What is new in full, what was there before in a line: `--json` has all of it. */
function adviceBlocks(image: ImageReport, report: Report, pen: TerminalOptions): string[][] {
  const advice = adviceOf(image) ?? { title: '', fresh: [], more: [], standing: [] }
  const checks = checksOf(image).slice(0, STANDING_SHOWN)
  const fresh = advice.fresh.map((finding) => findingWords(finding, report))
  if (advice.more.length > 0) fresh.push(moreWords(advice))
  const standing = advice.standing.slice(0, STANDING_SHOWN).map((finding) => findingWords(finding, report))
  const left = advice.standing.length - standing.length
  if (left > 0) standing.push([formatCount(left, 'more finding')])
  const block = (title: string, lines: Phrase[]): string[][] =>
    lines.length === 0
      ? []
      : [
          [
            ...wrap([title], pen).map((line) => paint(line, 'strong', pen)),
            ...lines.flatMap((words) => wrap(words.map(quoted), pen, '  ')),
          ],
        ]
  return [
    ...block(advice.title, fresh),
    ...block(standingTitle(advice, image), standing),
    ...block(
      `BuildKit's own checks (${checksOf(image).length})`,
      checks.map((check) => checkWords(check, image, report)),
    ),
  ]
}

/** Findings of old that are listed, largest first. */
const STANDING_SHOWN = 5

/** In a sentence, code of several words would not be told from the words around it. */
function quoted(piece: Piece): Piece {
  return typeof piece === 'object' && 'code' in piece && piece.code.includes(' ')
    ? { code: `\`${piece.code}\`` }
    : piece
}

/** A phrase as plain characters. */
function written(words: Phrase): string {
  return words.map(writtenPiece).join('')
}

function writtenPiece(piece: Piece): string {
  if (typeof piece === 'string') return clean(piece, 1000)
  if ('code' in piece) return clean(piece.code, INSTRUCTION_MAX)
  if ('strong' in piece) return clean(piece.strong, 1000)
  if ('place' in piece) return clean(placeName(piece.place), INSTRUCTION_MAX)
  if ('link' in piece) return clean(`${piece.link}: ${piece.url}`, 1000)
  return SIGNS[piece.tone]
}

/** `oneLine` trims; between the pieces of a phrase the spaces count. */
function clean(value: string, max: number): string {
  const inner = shorten(oneLine(value), max, '...')
  if (inner === '') return value === '' ? '' : ' '
  return `${/^\s/.test(value) ? ' ' : ''}${inner}${/\s$/.test(value) ? ' ' : ''}`
}

/** Lines of at most the terminal's width, broken at spaces; in an indented block, the lines after the first further. */
function wrap(words: Phrase, pen: TerminalOptions, indent = ''): string[] {
  return fold(written(words), pen.width, indent)
}

function fold(line: string, width: number, indent: string): string[] {
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

/** Aligned columns, as much of them as fits the terminal; where too little does, a paragraph for each row instead. */
function tableLines(table: Table, pen: TerminalOptions): string[] {
  const fitting = [table, withoutCommits(table), withoutPercent(withoutCommits(table))].find(
    (each) => columnsOf(each).total <= pen.width,
  )
  if (fitting === undefined) return table.rows.flatMap((row) => stacked(table, row, pen))

  const { cells, widths } = columnsOf(fitting)
  return cells.map((row, number) => {
    const line = row.map((text, index) => {
      const space = ' '.repeat((widths[index] ?? 0) - displayWidth(text))
      const words = number === 0 ? [] : (fitting.rows[number - 1]?.[index] ?? [])
      const painted = number === 0 ? paint(text, 'dim', pen) : paintCell(text, words, pen)
      return table.columns[index]?.align === 'right' ? `${space}${painted}` : `${painted}${space}`
    })
    return `  ${line.join(GAP)}`.trimEnd()
  })
}

function columnsOf(table: Table): { cells: string[][]; widths: number[]; total: number } {
  const cells = [table.columns.map(({ head }) => head), ...table.rows].map((row) => row.map(written))
  const widths = table.columns.map((_, index) => Math.max(...cells.map((row) => displayWidth(row[index] ?? ''))))
  return { cells, widths, total: 2 + widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) }
}

/** `main` for `main a1b2c3d`: the small print has the base's commit. */
function withoutCommits(table: Table): Table {
  const columns = table.columns.map(({ head, align }) => ({
    head: head.filter((piece) => typeof piece === 'string').map((words) => words.trimEnd()),
    align,
  }))
  return { ...table, columns }
}

/** `+15.7 MB` for `+15.7 MB (+10.6 %)`. */
function withoutPercent(table: Table): Table {
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

function paint(text: string, colour: keyof typeof COLOURS, pen: TerminalOptions): string {
  if (!pen.colour || COLOURS[colour] === '' || text === '') return text
  return `\u001B[${COLOURS[colour]}m${text}\u001B[0m`
}
