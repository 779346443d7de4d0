/**
 * Words before it is known where they are printed: the same phrase becomes Markdown in the comment and plain text on a
 * terminal, and whatever came from a pull request stays marked as data until the renderer has made it inert.
 */

/** `good`: fine; `warn`: look at it; `bad`: breaks a budget or the measurement; `none`: says nothing. */
export type Tone = 'good' | 'warn' | 'bad' | 'none'

/** A line of a file (path relative to the repository's root), linked where the commit and the repository are known. */
export type Place = { file: string; line: number | null; commit: string | null }

/** Plain text, code, emphasis, a place in the repository, an address under our own words, or a status icon. */
export type Piece =
  string | { code: string } | { strong: string } | { place: Place } | { link: string; url: string } | { tone: Tone }

export type Phrase = Piece[]

/** Template tag: phrase`${{ code: name }} is over by ${formatBytes(excess)}`; a phrase inside becomes part of it. */
export function phrase(strings: TemplateStringsArray, ...values: (Piece | Phrase)[]): Phrase {
  return strings.flatMap((string, index) => [string, values[index] ?? []].flat()).filter((piece) => piece !== '')
}

/** Phrases in a row with a separator between them. */
export function join(phrases: readonly Phrase[], separator: string): Phrase {
  return phrases.flatMap((each, index) => (index === 0 ? each : [separator, ...each]))
}

/** With a capital letter, where it begins with words of ours. */
export function capitalised(words: Phrase): Phrase {
  const [first, ...rest] = words
  return typeof first === 'string' ? [`${first.slice(0, 1).toUpperCase()}${first.slice(1)}`, ...rest] : words
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** A sentence of this project's own making, with code between backticks, as a phrase. */
export function fromProse(sentence: string): Phrase {
  const parts = sentence.split('`')
  // An odd backtick out belongs to the text: what is left of it then still reads as it was written.
  if (parts.length % 2 === 0) return [sentence]
  return parts.map((part, index) => (index % 2 === 1 && part !== '' ? { code: part } : part)).filter((it) => it !== '')
}

/** The words alone, as they are: for logs, titles and plain text. Not cleaned of control characters. */
export function plain(words: Phrase): string {
  return words.map(plainPiece).join('')
}

function plainPiece(piece: Piece): string {
  if (typeof piece === 'string') return piece
  if ('code' in piece) return piece.code
  if ('strong' in piece) return piece.strong
  if ('place' in piece) return placeName(piece.place)
  if ('link' in piece) return `${piece.link}: ${piece.url}`
  return ''
}

/** `Dockerfile:14`, or the file alone. */
export function placeName(place: Place): string {
  return place.line === null ? place.file : `${place.file}:${place.line}`
}
