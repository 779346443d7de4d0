import { markdownTable } from 'markdown-table'
import { manyLines, oneLine, shorten, shortenMiddle } from './characters.ts'
import { placeName, type Phrase, type Piece, type Place, type Tone } from './phrase.ts'
import type { Table } from './tables.ts'

/**
 * Markdown as GitHub reads it: CommonMark with GFM's tables and bare links (https://github.github.com/gfm/), then filters
 * over the rendered text that turn `@name`, `#123`, `GH-123`, `:emoji:` and addresses into what they stand for. A
 * backslash does not stop those, as they run after the Markdown is gone; a zero-width space inside does.
 *
 * Whatever string gets here may come from a pull request. What comes out is inert: no link, no mention, no image, no
 * element but `<code>`, no broken table; and it is bounded.
 */

/** Characters kept of plain text: a message of a few sentences. */
const TEXT_MAX = 1000
/** Characters kept of a code span: an instruction that fits two lines of a comment. */
const CODE_MAX = 120
/** What is kept of a build's output: its end, where the error is. */
const BLOCK_LINES = 20
const BLOCK_LINE_MAX = 300

/** Splits what GitHub's filters would join, and is not seen. */
const BREAK = '&#8203;'

const ESCAPES: Record<string, string> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  // As entities: a table's cells are split before their Markdown is read, and parsers differ over `\\|`.
  '|': '&#124;',
  '\\': '&#92;',
}

/** Plain text, on one line, that reads as it is: no emphasis, HTML, link, mention or reference comes of it. */
export function text(value: string, max = TEXT_MAX): string {
  return escapeText(shorten(oneLine(value), max))
}

function escapeText(value: string): string {
  return (
    value
      // At the start of a line these would begin a list, a heading's underline or a rule.
      .replace(/^[-+](?![\d.])/, '\u0000$&')
      .replace(/^(\d+)([.)])(?=\s|$)/, '$1\u0000$2')
      // The places where GitHub's filters look, marked before the escapes blur them.
      .replaceAll(/@|:(?=\/\/)|#(?=\w)|(?<=GH)-(?=\d)|:(?=[\w+-]+:)|(?<=www)(?=\.)|\$/gi, '$&\u0001')
      .replaceAll(/[\\|<>&`*_[\]{}~#!$^=]/g, (character) => ESCAPES[character] ?? `\\${character}`)
      // The marks are control characters: `oneLine` has left none in the value itself.
      .replaceAll('\u0000', '\\')
      .replaceAll('\u0001', BREAK)
  )
}

/**
 * A code span, on one line, that no content gets out of.
 * @param options.table it stands in a table's cell, where `|` has to be escaped even inside code
 * @param options.max characters kept
 */
export function code(value: string, options: { table?: boolean; max?: number } = {}): string {
  const content = shortenMiddle(oneLine(value), options.max ?? CODE_MAX)
  if (content === '') return ''
  // GFM has no way to write a backslash before a pipe inside a table's code span that all parsers agree on.
  if (options.table === true && content.includes('\\|')) return `<code>${escapeText(content)}</code>`

  const longest = Math.max(0, ...(content.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const padding = content.startsWith('`') || content.endsWith('`') ? ' ' : ''
  const inside = options.table === true ? content.replaceAll('|', String.raw`\|`) : content
  return `${fence}${padding}${inside}${padding}${fence}`
}

/** A fenced block with the end of what a tool printed; nothing for nothing. */
export function codeBlock(value: string): string {
  const lines = manyLines(value)
    .slice(-BLOCK_LINES)
    .map((line) => shorten(line, BLOCK_LINE_MAX))
  return lines.length === 0 ? '' : fenced(lines.join('\n'), 'text')
}

/** A fenced block that no content gets out of. `language` is a word of our own. */
export function fenced(content: string, language: string): string {
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${content}\n${fence}`
}

/** Where links may lead: an address without anything that could end a Markdown link. */
const ADDRESS = /^https?:\/\/[\w.:-]+(?:\/[\w.~:%@?&=#/-]*)?$/
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/
/** Longer paths are named, not linked: encoded, one would fill the comment. */
const LINKED_PATH_MAX = 300

/**
 * Address of a line on GitHub; null where the repository or the commit is not known, or the path is not plainly one
 * inside the repository.
 */
export function placeUrl(place: Place, repositoryUrl: string | null): string | null {
  if (safeAddress(repositoryUrl) === null) return null
  if (place.commit === null || !COMMIT.test(place.commit) || place.file.length > LINKED_PATH_MAX) return null
  const path = encodePath(place.file)
  return path && `${repositoryUrl}/blob/${place.commit}/${path}${place.line === null ? '' : `#L${place.line}`}`
}

/** A repository's address, where it is one that a link may lead to; else null. */
export function safeAddress(address: string | null): string | null {
  return address !== null && ADDRESS.test(address) ? address : null
}

/** A path, or a branch's name, as a part of an address; null where it is not plainly one inside the repository. */
export function encodePath(path: string): string | null {
  const segments = path.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) return null
  return segments.map(encodeSegment).join('/')
}

/** `encodeURIComponent` leaves `!'()*` alone, and the brackets would end a Markdown link. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** The one table of icons. Each stands before words that say the same. */
const ICONS: Record<Tone, string> = { good: '✅ ', warn: '⚠️ ', bad: '❌ ', none: '' }

/** Where a phrase is going to stand. */
export type Setting = { repositoryUrl: string | null; table?: boolean }

/** A phrase as Markdown on one line. */
export function markdown(words: Phrase, setting: Setting): string {
  const line = words.map((piece) => markdownPiece(piece, setting)).join('')
  // Two pieces, neither of which begins a list by itself: `14` and `.`.
  return line.replace(/^(\d+)([.)])(?=\s|$)/, String.raw`$1\$2`)
}

/** A phrase as the content of a table's cell. */
export function cell(words: Phrase, setting: Setting): string {
  return markdown(words, { ...setting, table: true })
}

function markdownPiece(piece: Piece, setting: Setting): string {
  const table = setting.table ?? false
  if (typeof piece === 'string') return spaced(piece)
  if ('code' in piece) return code(piece.code, { table })
  if ('strong' in piece) return `**${text(piece.strong)}**`
  if ('tone' in piece) return ICONS[piece.tone]
  if ('link' in piece) return ADDRESS.test(piece.url) ? `[${text(piece.link)}](${piece.url})` : text(piece.link)
  const name = code(shortPlace(piece.place), { table })
  const url = placeUrl(piece.place, setting.repositoryUrl)
  return url === null ? name : `[${name}](${url})`
}

/** `text` trims; between the pieces of a phrase the spaces count. */
function spaced(value: string): string {
  const inner = text(value)
  const before = /^\s/.test(value) ? ' ' : ''
  const after = /\s$/.test(value) && inner !== '' ? ' ' : ''
  return `${before}${inner}${after}`
}

/** Keeps the line number where the path is too long. */
function shortPlace(place: Place): string {
  return placeName({ ...place, file: shortenMiddle(oneLine(place.file), CODE_MAX - 12) })
}

/** Where a table is squeezed, as on a phone, `163.9 MB` and `(+10.6 %)` stay in one piece. */
function unbroken(piece: Piece): Piece {
  if (typeof piece === 'string') return piece.replaceAll(/(?<=\d) (?=(?:%|[kMGTP]?B)(?!\w))/g, '\u00A0')
  return typeof piece === 'object' && 'strong' in piece ? { strong: unbroken(piece.strong) as string } : piece
}

/** A table in GFM; null heads are empty cells. */
export function tableMarkdown(table: Table, setting: Setting): string {
  const rows = [table.columns.map(({ head }) => head), ...table.rows]
  return markdownTable(
    rows.map((row) => row.map((words) => cell(words.map(unbroken), setting))),
    { align: table.columns.map(({ align }) => align), alignDelimiters: false },
  )
}
