import { BASELINES, CHOICES, METRICS, PATTERNS, type InputName } from './inputs.ts'
import { RULES } from './rules.ts'

/** How YAML may say the value of an input; every one may also be the input's own text. */
export type FileForm =
  /** It has no place in a file. */
  | { kind: 'none'; why: string }
  /** A single value. `pattern` null: any text; a list of words: only these. */
  | { kind: 'text'; pattern: RegExp | readonly string[] | null }
  | { kind: 'boolean' }
  | { kind: 'count' }
  /** Bytes; `percent`: or percent. */
  | { kind: 'amount'; percent: boolean }
  /** An image where it lies, or one of these words. */
  | { kind: 'reference'; or: readonly string[] }
  /** A list; in a text its entries stand on lines of their own, or between commas. */
  | { kind: 'list'; separator: 'comma' | 'line'; entry: RegExp | readonly string[] | null; least: 0 | 1 }
  /** A list of `KEY=value`, or a mapping. `bare`: a `KEY` alone will do. */
  | { kind: 'pairs'; key: RegExp; bare: boolean }
  /** A list of lines, or of mappings. */
  | { kind: 'budgets' }

/** How a budget file says each input: the parser and the JSON Schema are both made of this. */
export const FILE_FORMS: Record<InputName, FileForm> = {
  name: { kind: 'text', pattern: PATTERNS.name },
  config: { kind: 'none', why: 'it says where this file is' },
  images: { kind: 'none', why: 'there `images` is the list of the images themselves' },
  dockerfiles: { kind: 'list', separator: 'comma', entry: PATTERNS.path, least: 1 },
  'bake-files': { kind: 'list', separator: 'comma', entry: PATTERNS.bakeFile, least: 1 },
  'bake-targets': { kind: 'list', separator: 'comma', entry: PATTERNS.id, least: 1 },
  image: { kind: 'reference', or: [] },
  context: { kind: 'text', pattern: PATTERNS.context },
  file: { kind: 'text', pattern: PATTERNS.plain },
  target: { kind: 'text', pattern: PATTERNS.id },
  'build-args': { kind: 'pairs', key: PATTERNS.buildArg, bare: true },
  'build-contexts': { kind: 'pairs', key: PATTERNS.contextName, bare: false },
  platforms: { kind: 'list', separator: 'comma', entry: PATTERNS.platform, least: 0 },
  secrets: {
    kind: 'none',
    why: 'what is in it is committed; give it as an input, or name a file by `secret-files`',
  },
  'secret-files': { kind: 'pairs', key: PATTERNS.id, bare: false },
  'cache-from': { kind: 'list', separator: 'line', entry: null, least: 0 },
  'cache-to': { kind: 'list', separator: 'line', entry: null, least: 0 },
  builder: { kind: 'text', pattern: PATTERNS.id },
  'before-build': { kind: 'text', pattern: null },
  metrics: { kind: 'list', separator: 'comma', entry: METRICS, least: 1 },
  'max-size': { kind: 'amount', percent: false },
  'max-download-size': { kind: 'amount', percent: false },
  'max-layers': { kind: 'count' },
  'max-increase': { kind: 'amount', percent: true },
  budgets: { kind: 'budgets' },
  forbid: { kind: 'list', separator: 'comma', entry: RULES, least: 0 },
  'accept-label': { kind: 'text', pattern: PATTERNS.label },
  baseline: { kind: 'reference', or: BASELINES },
  'base-ref': { kind: 'text', pattern: PATTERNS.ref },
  untouched: { kind: 'text', pattern: CHOICES.untouched },
  record: { kind: 'text', pattern: CHOICES.record },
  'data-branch': { kind: 'text', pattern: PATTERNS.branch },
  comment: { kind: 'text', pattern: CHOICES.comment },
  page: { kind: 'none', why: 'there is one for all images of a run; give it as an input' },
  fail: { kind: 'boolean' },
  mode: { kind: 'none', why: 'it is what a job of the workflow does' },
  reports: { kind: 'none', why: 'it is where a job of the workflow finds them' },
  'allow-pull-request-target': {
    kind: 'none',
    why: 'a pull request can change this file, and must not decide that; give it as an input',
  },
  'github-token': { kind: 'none', why: 'what is in it is committed; give it as an input' },
}
