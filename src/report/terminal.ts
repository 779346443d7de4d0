import { adviceOf, checkWords, checksOf, findingWords, moreWords, standingTitle } from './advice.ts'
import { causeWords, causesOf } from './causes.ts'
import { fitMiddle, manyLines, oneLine } from './characters.ts'
import {
  fold,
  paint,
  penFor,
  seenBy,
  tableLines,
  withoutPercent,
  wrap,
  type Pen,
  type TerminalOptions,
} from './lines.ts'
import { isImageNoteworthy } from './noteworthy.ts'
import { join, phrase, plain, type Phrase, type Piece } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { formatCount } from './units.ts'
import { stateOf } from './state.ts'
import { figuresTable, overviewTable, withoutCommit, worstFirst, type Table } from './tables.ts'
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

/**
 * The report as text: the comment's words, one table of figures, what made it grow. No line is wider than `width`
 * (at least 40); no escape sequence or control character of what is reported gets through.
 */
export function renderTerminal(report: Report, options: TerminalOptions): string {
  const pen = penFor(options)
  const [first] = report.images
  const blocks: string[][] = [
    wrap(phrase`${PRODUCT}: ${headline(report)}`, pen).map((line) => paint(line, 'strong', pen)),
    ...reportWords(report).map((words) => wrap(words, pen)),
  ]

  if (first !== undefined && report.images.length === 1) {
    blocks.push(...imageBlocks(first, report, pen))
  } else if (first !== undefined) {
    const images = report.images.filter((image) => !image.untouched).toSorted(worstFirst)
    const untouched = report.images.filter((image) => image.untouched)
    if (images.length > 0) blocks.push(tableLines(fewerWords(overviewTable(images, report)), pen))
    if (untouched.length > 0) {
      const names = untouched.map(({ name }): Phrase => [{ code: name }])
      blocks.push(wrap(phrase`Not touched by this change, and not built: ${join(names, ', ')}.`, pen))
    }
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

function imageBlocks(image: ImageReport, report: Report, pen: Pen): string[][] {
  const paragraphs = explanation(image, report).map((words) => wrap(words.map(quoted), pen))
  if (stateOf(image) === 'failed') {
    const output = image.error === null ? [] : manyLines(failureOutput(image.error))
    return [...paragraphs.slice(0, -1), output.flatMap((line) => fold(line, pen, '  ')), ...paragraphs.slice(-1)]
  }
  if (image.untouched) return paragraphs
  const causes = causesOf(image)
  const seen = seenBy(pen)
  const why =
    causes === null
      ? []
      : [
          paint(causes.title, 'strong', pen),
          ...causes.causes.flatMap((cause) => wrap(causeWords(cause, image, report, seen), pen, '  ')),
          ...causes.rest.flatMap((words) => wrap(words, pen, '  ')),
        ]
  const print = wrap(join(smallPrint(image, report), ', '), pen).map((line) => paint(line, 'dim', pen))
  const trend = wrap(trendWords(image) ?? [], pen)
  return [
    tableLines(fewerWords(figuresTable(image, report)), pen),
    ...paragraphs,
    why,
    ...adviceBlocks(image, report, pen),
    trend,
    print,
  ]
}

/** What is new in full, what was there before in a line: `--json` has all of it. */
function adviceBlocks(image: ImageReport, report: Report, pen: Pen): string[][] {
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

/** A table, and what can be left out of it on a narrow terminal. */
function fewerWords(table: Table): [Table, ...Table[]] {
  const plainer = withHeads(table, withoutCommit)
  const short = withShortHeads(plainer)
  return [table, plainer, short, withoutPercent(short)]
}

/** `now` for `this change (uncommitted)`; the end of an image's reference says which one it is. */
function withShortHeads(table: Table): Table {
  return withHeads(table, (head) => [fitMiddle(oneLine(plain(head).replace(/^this change\b.*/s, 'now')), HEAD_MAX)])
}

const HEAD_MAX = 12

function withHeads(table: Table, change: (head: Phrase) => Phrase): Table {
  return { ...table, columns: table.columns.map(({ head, align }) => ({ head: change(head), align })) }
}
