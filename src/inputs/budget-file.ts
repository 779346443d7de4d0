import { closestMatch } from 'leven'
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser, Scalar } from 'yaml'
import type { CST, Document, Node, ParsedNode, YAMLMap } from 'yaml'
import { EXTENDS_FORM, parseExtends, type Extended } from './extends.ts'
import { FILE_FORMS, type FileForm } from './file-forms.ts'
import {
  ACCEPTED,
  FINDING,
  inputNames,
  nearestInput,
  onOneLine,
  placed,
  problemsOfValue,
  type Given,
  type InputName,
  type Place,
} from './inputs.ts'

/** Where a budget file is found by itself, from the repository's top folder. */
export const BUDGET_FILE = '.github/image-budget.yml'

/** Bytes that a budget file may have. */
export const BUDGET_FILE_MAX = 1_000_000

/** What a file says of the inputs. A text that is empty is an empty list: it says that there is none. */
export type FileValues = ReadonlyMap<InputName, Given>

/** One entry of `images`. */
export type FileImage = { name: string; line: number; values: FileValues }

/** A budget file, checked value by value. `images` null: it has no such list, and its values are of whatever image is measured. */
export type BudgetFile = {
  path: string
  /** The file whose values are there where this one has none. */
  extends: (Extended & { line: number }) | null
  defaults: FileValues
  images: FileImage[] | null
}

/** Collections in collections: a budget file needs six. The library's composer is recursive, and too deep a stack ends the process. */
const DEPTH_MAX = 30

/** Uses of anchors: as many times is a file gone through at most. */
const ALIASES_MAX = 100

const IMAGES_MAX = 1_000

/** Problems that are told. */
const PROBLEMS_MAX = 30

type Problems = {
  /** `words` is asked only for what is shown. */
  say: (line: number, words: () => string) => void
  isEmpty: () => boolean
  told: (path: string) => string[]
}

function collectProblems(): Problems {
  const found: { line: number; words: string }[] = []
  let count = 0
  return {
    say: (line, words) => {
      count += 1
      if (count <= PROBLEMS_MAX) found.push({ line, words: words() })
    },
    isEmpty: () => count === 0,
    told: (path) => [
      ...new Set(found.toSorted((a, b) => a.line - b.line).map(({ line, words }) => placed(path, line, words))),
      ...(count > PROBLEMS_MAX ? [`${path}: ${count - PROBLEMS_MAX} more problems like these.`] : []),
    ],
  }
}

/**
 * Reads a budget file: YAML 1.2, one mapping whose keys are inputs, and `images`, a list of such mappings. `path` is how it is shown.
 * Either the file or everything that is wrong with it, a sentence each with its line, of each value by itself; never throws.
 */
export function parseBudgetFile(bytes: Uint8Array, path: string): { file: BudgetFile | null; problems: string[] } {
  if (bytes.length > BUDGET_FILE_MAX)
    return { file: null, problems: [`${path} has more than ${BUDGET_FILE_MAX / 1_000_000} MB.`] }
  const text = decode(bytes)
  if (text === null) return { file: null, problems: [`${path} is not UTF-8.`] }
  const problems = collectProblems()
  const lines = new LineCounter()
  const document = compose(text, lines, problems)
  const file = document === null ? null : fileOf(createReader(document, lines, path, problems), document, path)
  return problems.isEmpty() ? { file, problems: [] } : { file: null, problems: problems.told(path) }
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** The one document of a text; null where there is none that can be read: a problem says why. */
function compose(text: string, lines: LineCounter, problems: Problems): Document.Parsed | null {
  const lineOf = (offset: number): number => lines.linePos(offset).line
  const tokens: CST.Token[] = []
  const parser = new Parser(lines.addNewLine)
  // The first line starts where the text does; after that the parser counts.
  lines.addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme))
    if (parser.stack.length > DEPTH_MAX) {
      problems.say(lineOf(parser.offset), () => `more than ${DEPTH_MAX} lists and mappings in each other.`)
      return null
    }
  }
  tokens.push(...parser.end())
  // Keys that are there twice are looked for where they mean something: the library compares each with all others.
  const options = { uniqueKeys: false, prettyErrors: false, version: '1.2' } as const
  const documents = [...new Composer(options).compose(tokens, true, text.length)]
  const [document, second] = documents
  if (second !== undefined)
    problems.say(lineOf(second.range[0]), () => 'a second document starts here; a budget file is one.')
  for (const { pos, message } of [...(document?.errors ?? []), ...(document?.warnings ?? [])])
    problems.say(lineOf(pos[0]), () => `not valid YAML: ${onOneLine(message.replace(/\.$/, ''))}.`)
  return problems.isEmpty() ? (document ?? null) : null
}

/** A pair of a mapping: its key as text, and its line. */
type Entry = { key: string; line: number; value: Node | null }

/** Looks at the nodes of a document without ever throwing. */
type Reader = Problems & {
  path: string
  lineOf: (node: Node) => number
  /** What an anchor's name stands for; null: nothing, or a node that has no value. */
  resolve: (node: unknown, line: number) => Node | null
  /** The pairs, without those whose key is no text or is there twice, which are told. */
  entriesOf: (map: YAMLMap) => Entry[]
}

function createReader(document: Document.Parsed, lines: LineCounter, path: string, problems: Problems): Reader {
  let aliases = 0
  const lineOf = (node: Node): number => lines.linePos((node as ParsedNode).range[0]).line
  const resolve = (node: unknown, line: number): Node | null => {
    if (!isAlias(node)) return (node ?? null) as Node | null
    aliases += 1
    if (aliases > ALIASES_MAX) {
      problems.say(line, () => `more than ${ALIASES_MAX} aliases.`)
      return null
    }
    const target = node.resolve(document)
    if (target === undefined) problems.say(line, () => `nothing before has the anchor \`&${onOneLine(node.source)}\`.`)
    return target ?? null
  }
  const entriesOf = (map: YAMLMap): Entry[] => {
    const entries: Entry[] = []
    const seen = new Map<string, number>()
    const start = lineOf(map)
    for (const pair of map.items) {
      const line = pair.key === null ? start : lineOf(pair.key as Node)
      const keyNode = resolve(pair.key, line)
      const key = isScalar(keyNode) ? textOf(keyNode) : null
      if (key === null) {
        problems.say(line, () => 'a key that is no text.')
        continue
      }
      const before = seen.get(key)
      if (before !== undefined) {
        problems.say(line, () => `\`${onOneLine(key)}\` is there twice: line ${before} has it.`)
        continue
      }
      seen.set(key, line)
      entries.push({ key, line, value: resolve(pair.value, line) })
    }
    return entries
  }
  return { ...problems, path, lineOf, resolve, entriesOf }
}

/** A scalar as it is written, so that `1.20` is no 1.2; null where it has no value. */
function textOf({ value, source }: Scalar): string | null {
  return value === null ? null : (source ?? null)
}

/** What a node is, in words. */
function kindOf(node: Node): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  return isScalar(node) && textOf(node) === null ? 'nothing' : 'a text'
}

function fileOf(reader: Reader, document: Document.Parsed, path: string): BudgetFile {
  const file: BudgetFile = { path, extends: null, defaults: new Map(), images: null }
  const top = reader.resolve(document.contents, 1)
  if (top === null || (isScalar(top) && textOf(top) === null)) return file
  if (!isMap(top)) {
    reader.say(
      reader.lineOf(top),
      () => `the file is ${kindOf(top)}; it takes a mapping, its keys the inputs and \`images\`.`,
    )
    return file
  }
  const entries = reader.entriesOf(top)
  const list = entries.find(({ key }) => key === 'images')
  const images = list === undefined ? null : imagesOf(reader, list)
  const parent = entries.find(({ key }) => key === 'extends')
  const defaults = valuesOf(
    reader,
    entries.filter((entry) => entry !== list && entry !== parent),
    true,
  )
  const name = defaults.get('name')
  if (images !== null && name !== undefined)
    reader.say(name.place!.line, () => '`name` has no place beside `images`: each image has its own.')
  return { path, extends: parent === undefined ? null : extendsOf(reader, parent), defaults, images }
}

function extendsOf(reader: Reader, { line, value }: Entry): BudgetFile['extends'] {
  const text = isScalar(value) ? textOf(value) : null
  const parsed = text === null ? null : parseExtends(text)
  if (parsed !== null) return { ...parsed, line }
  const has = value === null ? 'nothing' : text === null ? kindOf(value) : `\`${onOneLine(text)}\``
  reader.say(line, () => `\`extends\` has ${has}; it takes ${EXTENDS_FORM}.`)
  return null
}

function imagesOf(reader: Reader, { line, value }: Entry): FileImage[] {
  const form = 'a list of images, each with a `name`'
  if (!isSeq(value) || value.items.length === 0 || value.items.length > IMAGES_MAX) {
    const has = !isSeq(value)
      ? value === null
        ? 'nothing'
        : kindOf(value)
      : value.items.length === 0
        ? 'no entry'
        : `${value.items.length} entries`
    reader.say(line, () => `\`images\` has ${has}; it takes ${form}${isSeq(value) ? `, 1 to ${IMAGES_MAX}` : ''}.`)
    return []
  }
  const images: FileImage[] = []
  const seen = new Map<string, number>()
  for (const item of value.items) {
    const at = item === null ? line : reader.lineOf(item as Node)
    const map = reader.resolve(item, at)
    if (!isMap(map)) {
      reader.say(at, () => `\`images\` has ${map === null ? 'nothing' : kindOf(map)} as an entry; it takes ${form}.`)
      continue
    }
    const values = valuesOf(reader, reader.entriesOf(map), false)
    const name = values.get('name')?.text.trim() ?? ''
    const own = values.get('name')?.place?.line ?? at
    const before = seen.get(name)
    if (name === '') reader.say(own, () => 'an image without a `name`.')
    else if (before !== undefined)
      reader.say(own, () => `the image \`${onOneLine(name)}\` is there twice: line ${before} has it.`)
    else seen.set(name, own)
    images.push({ name, line: at, values })
  }
  return images
}

function valuesOf(reader: Reader, entries: Entry[], isTop: boolean): Map<InputName, Given> {
  const values = new Map<InputName, Given>()
  for (const entry of entries) {
    const name = inputNames.find((known) => known === entry.key && known !== 'images')
    if (name === undefined) {
      reader.say(entry.line, () => unknownKey(entry.key, isTop))
      continue
    }
    if (!isTop && FINDING.some((known) => known === name)) {
      reader.say(entry.line, () => `\`${name}\` has its place at the top of the file.`)
      continue
    }
    const form = FILE_FORMS[name]
    if (form.kind === 'none') {
      reader.say(entry.line, () => `\`${name}\` has no place in a budget file: ${form.why}.`)
      continue
    }
    const given = givenOf(reader, name, entry)
    if (given === null) continue
    for (const { line, words } of problemsOfValue(name, given)) reader.say(line, () => words)
    values.set(name, given)
  }
  return values
}

const FILE_KEYS = inputNames.filter((name) => FILE_FORMS[name].kind !== 'none')

function unknownKey(key: string, isTop: boolean): string {
  const shown = `unknown key \`${onOneLine(key)}\``
  if (key === 'images' || key === 'extends') return `\`${key}\` has its place at the top of the file.`
  const words = key.slice(0, 100).toLowerCase()
  const own = isTop ? closestMatch(words, ['images', 'extends'], { maxDistance: 2 }) : undefined
  const near = own ?? nearestInput(key, FILE_KEYS)
  if (near !== null) return `${shown}, did you mean \`${near}\`?`
  return `${shown}; a key is the name of an input${isTop ? ', or `images`' : ''}.`
}

/** An entry of a value: as a line of the input's text, and its place. */
type Part = { text: string; at: Place['entries'][number] }

/** Says that a value is none that its input takes. */
type Refuse = (line: number, has: string) => void

/** The value of an input; null where it has none (`max-size:`), or none that can be told as a text, which is told. */
function givenOf(reader: Reader, name: InputName, { line, value }: Entry): Given | null {
  const form = FILE_FORMS[name]
  const refuse: Refuse = (at, has) => reader.say(at, () => `\`${name}\` has ${has}; it takes ${ACCEPTED[name]}.`)
  const given = (text: string, entries: Place['entries']): Given => ({
    text,
    place: { file: reader.path, line, entries },
  })
  const joined = (parts: Part[]): Given =>
    given(
      parts.map(({ text }) => text).join('\n'),
      parts.map(({ at }) => at),
    )
  if (value === null) return null
  if (isScalar(value)) {
    const text = textOf(value)
    if (text === null) return null
    // Each line of a literal is a line of the file.
    const isLiteral = name === 'budgets' && value.type === Scalar.BLOCK_LITERAL
    const start = reader.lineOf(value) + 1
    return given(
      text,
      isLiteral
        ? trimmed(
            text,
            text.split('\n').map((_, at) => entryAt(start + at)),
          )
        : [],
    )
  }
  if (isMap(value) && form.kind === 'pairs') return joined(pairsOf(reader, value, refuse))
  if (isSeq(value) && (form.kind === 'list' || form.kind === 'pairs' || form.kind === 'budgets')) {
    if (form.kind === 'list' && value.items.length < form.least) refuse(line, 'an empty list')
    return joined(partsOf(reader, value.items, form, line, refuse))
  }
  refuse(line, kindOf(value))
  return null
}

function partsOf(reader: Reader, items: unknown[], form: FileForm, line: number, refuse: Refuse): Part[] {
  const isCommas = form.kind === 'list' && form.separator === 'comma'
  return items.flatMap((item): Part[] => {
    const at = item === null ? line : reader.lineOf(item as Node)
    const node = reader.resolve(item, at)
    if (form.kind === 'budgets' && isMap(node)) return budgetOf(reader, node, refuse)
    const text = isScalar(node) ? textOf(node) : null
    if (text === null) {
      refuse(at, `${node === null ? 'nothing' : kindOf(node)} as an entry`)
      return []
    }
    if (!isCommas && form.kind !== 'budgets') return [{ text: quoted(text), at: entryAt(at) }]
    // In a text of the input these would be a comment, nothing, or two.
    if (!(isCommas ? NOT_ONE_OF_COMMAS : NOT_ONE_LINE).test(text)) return [{ text, at: entryAt(at) }]
    refuse(at, `\`${onOneLine(text)}\` as an entry`)
    return []
  })
}

const NOT_ONE_LINE = /^\s*(?:#|$)|[\r\n]/
const NOT_ONE_OF_COMMAS = /^\s*(?:#|$)|[\r\n,]/

/** A mapping as lines `KEY=value`; a key without a value alone. */
function pairsOf(reader: Reader, map: YAMLMap, refuse: Refuse): Part[] {
  return reader.entriesOf(map).flatMap(({ key, line, value }): Part[] => {
    if (key.includes('=')) refuse(line, 'a key with `=` in it')
    else if (value !== null && !isScalar(value)) refuse(line, `${kindOf(value)} for \`${onOneLine(key)}\``)
    else {
      const text = value === null ? null : textOf(value)
      return [{ text: quoted(text === null ? key : `${key}=${text}`), at: entryAt(line) }]
    }
    return []
  })
}

/** A budget as the one line that says the same; none where a value is none, which is told. */
function budgetOf(reader: Reader, map: YAMLMap, refuse: Refuse): Part[] {
  const keys = new Map<string, number>()
  let isWhole = true
  const fields = reader.entriesOf(map).flatMap(({ key, line, value }) => {
    const text = isScalar(value) ? textOf(value) : null
    const field = `${key}=${text}`
    if (value !== null && !isScalar(value)) refuse(line, `${kindOf(value)} for \`${onOneLine(key)}\``)
    else if (text !== null && /[\r\n]/.test(field)) refuse(line, `\`${onOneLine(field)}\``)
    else {
      keys.set(key, line)
      return text === null ? [] : [/[",]|^\s|\s$/.test(field) ? quoted(field) : field]
    }
    isWhole = false
    return []
  })
  if (isWhole && fields.length === 0) refuse(reader.lineOf(map), 'an empty mapping')
  return isWhole && fields.length > 0 ? [{ text: fields.join(','), at: { line: reader.lineOf(map), keys } }] : []
}

const entryAt = (line: number): Place['entries'][number] => ({ line, keys: new Map() })

/** Without the entries of the lines that go when the text is trimmed. */
function trimmed(text: string, entries: Place['entries']): Place['entries'] {
  return entries.slice(text.slice(0, text.length - text.trimStart().length).split('\n').length - 1)
}

/** An entry of an input that has one a line, whatever is in it. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
