/**
 * The JSON Schema of budget files, for editors: made of the table that the parser reads them by (src/inputs/file-forms.ts). What it accepts
 * the parser accepts, value by value; what lies between values (budgets that say the same twice, what does not go together) only the parser
 * knows, and of a budget that is written as a line, whether its options go together.
 */
import { DEFAULTS, FINDING, inputNames, PATTERNS } from '../src/inputs/inputs.ts'
import { ECOSYSTEMS, LEVELS } from '../src/inputs/budget-lines.ts'
import { EXTENDS } from '../src/inputs/extends.ts'
import { FILE_FORMS, type FileForm } from '../src/inputs/file-forms.ts'
import { REFERENCE } from '../src/inputs/reference.ts'

type Schema = Record<string, unknown>

const NULL: Schema = { type: 'null' }

/** Digits before a unit, so that no amount is beyond what a number holds exactly: https://tc39.es/ecma262/#sec-number.max_safe_integer */
const BYTES = String.raw`(?:\d{1,15} ?[bB]|\d{1,12}(?:\.\d{1,12})? ?[kK][iI]?[bB]|\d{1,9}(?:\.\d{1,12})? ?[mM][iI]?[bB]|\d{1,6}(?:\.\d{1,12})? ?[gG][iI]?[bB]|\d{1,3}(?:\.\d{1,12})? ?[tT][iI]?[bB])`
const INCREASE = String.raw`\+? ?(?:${BYTES}|\d{1,6}(?:\.\d{1,4})? ?%)`
const COUNT = String.raw`\d{1,6}`

/** A pattern without its anchors. */
const inner = (pattern: RegExp): string => pattern.source.replace(/^\^/, '').replace(/\$$/, '')

const whole = (pattern: string): string => `^(?:${pattern})$`

const escaped = (word: string): string => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/** One of these words, or what the pattern takes. */
const alternatives = (of: RegExp | readonly string[]): string =>
  of instanceof RegExp ? inner(of) : of.map(escaped).join('|')

const text = (pattern: string): Schema => ({ type: 'string', pattern })

/** What a value of the key may be, but for null. */
function schemasOf(form: Exclude<FileForm, { kind: 'none' }>): Schema[] {
  switch (form.kind) {
    case 'text':
      if (form.pattern === null) return [{ type: 'string' }]
      return form.pattern instanceof RegExp ? [text(form.pattern.source)] : [{ enum: form.pattern }]
    case 'boolean':
      return [{ type: 'boolean' }]
    case 'count':
      return [{ type: 'integer', minimum: 0, maximum: 999_999 }]
    case 'amount':
      return [text(whole(form.percent ? INCREASE : BYTES))]
    case 'reference':
      return [...(form.or.length > 0 ? [{ enum: form.or }] : []), { ...text(REFERENCE.source), maxLength: 250 }]
    case 'list': {
      const words = form.entry === null || form.entry instanceof RegExp ? null : form.entry
      const item =
        form.entry === null
          ? text(String.raw`\S`)
          : words === null
            ? text(whole(alternatives(form.entry)))
            : { enum: words }
      const list = { type: 'array', items: item, ...(form.least > 0 && { minItems: form.least }) }
      if (form.entry === null) return [list, text(String.raw`^\s*[^\s"#][^\r\n]*$`)]
      const one = `(?:${alternatives(form.entry)})`
      return [list, text(String.raw`^${one}(?:[ \t]*[,\n][ \t]*${one})*\n?$`)]
    }
    case 'pairs': {
      const key = inner(form.key).replace(String.raw`(?:=|$)`, '')
      const scalar = { type: ['string', 'number', 'boolean', ...(form.bare ? ['null'] : [])] }
      const value = form.bare ? scalar : { type: 'string', minLength: 1 }
      return [
        { type: 'object', propertyNames: { pattern: whole(key) }, additionalProperties: value },
        {
          type: 'array',
          items: text(form.bare ? whole(String.raw`${key}(?:=[^]*)?`) : whole(String.raw`${key}=[^]+`)),
        },
        text(String.raw`^(?:${key}${form.bare ? String.raw`(?:=[^\r\n]*)?` : String.raw`=[^\s][^\r\n]*`}(?:\n|$))+$`),
      ]
    }
    case 'budgets':
      return [
        { type: 'array', maxItems: 200, items: { anyOf: [{ $ref: '#/definitions/budget' }, text(budgetLine())] } },
        text(String.raw`^${budgetLine().slice(1, -1)}(?:\n${budgetLine().slice(1, -1)})*\n?$`),
      ]
  }
}

/** Values of a budget's options; a comma would take quotes in a line, which are the mapping's not to need. */
const OPTIONS = {
  scope: 'own|base',
  path: String.raw`(?:/(?!\.{1,2}(?:/|$|,))[^/,"\u0000-\u001f\u007f]+)+/?`,
  stage: inner(PATTERNS.id),
  package: String.raw`(?:(?:${ECOSYSTEMS.join('|')}):)?[^:,"\s\u0000-\u001f\u007f]{1,250}`,
  'max-size': BYTES,
  'max-download-size': BYTES,
  'max-layers': COUNT,
  'max-increase': INCREASE,
  over: String.raw`(?:[1-9]\d{0,2}|[12]\d{3})d|[1-9]\d?w|release`,
  level: LEVELS.join('|'),
} as const

function budgetLine(): string {
  const field = Object.entries(OPTIONS)
    .map(([name, pattern]) => `${name}=(?:${pattern})`)
    .join('|')
  return `^(?:${field})(?:,(?:${field}))*$`
}

const having = (...names: string[]): Schema[] => names.map((name) => ({ required: [name] }))

/** One budget as a mapping. */
function budgetSchema(): Schema {
  const option = (name: keyof typeof OPTIONS): Schema =>
    name === 'scope' || name === 'level'
      ? { enum: OPTIONS[name].split('|') }
      : name === 'max-layers'
        ? { type: 'integer', minimum: 0, maximum: 999_999 }
        : text(whole(OPTIONS[name]))
  const described = (name: keyof typeof OPTIONS): Schema => ({ description: MEANINGS[name], ...option(name) })
  const properties = Object.fromEntries(
    Object.keys(OPTIONS).map((name) => [name, described(name as keyof typeof OPTIONS)]),
  )
  const only = (...names: (keyof typeof OPTIONS)[]): Schema => ({
    properties: Object.fromEntries(names.map((name) => [name, {}])),
    additionalProperties: false,
  })
  const payload = ['max-size', 'max-increase', 'level'] as const
  const all = ['max-size', 'max-download-size', 'max-layers', 'max-increase', 'level'] as const
  return {
    description: 'A limit on the image or a part of it.',
    type: 'object',
    properties,
    additionalProperties: false,
    anyOf: having('max-size', 'max-download-size', 'max-layers', 'max-increase'),
    oneOf: [
      { ...only('max-increase', 'over', 'level'), required: ['over', 'max-increase'] },
      only(...all),
      { ...only('scope', ...all), required: ['scope'] },
      { ...only('stage', ...all), required: ['stage'] },
      { ...only('path', ...payload), required: ['path'] },
      { ...only('package', ...payload), required: ['package'] },
    ],
  }
}

const MEANINGS: Record<keyof typeof OPTIONS, string> = {
  scope: '`own`: the layers of the Dockerfile itself; `base`: those of the base image.',
  path: 'An absolute path and all below it; `*`, `?` and `**` are wildcards.',
  stage: 'The layers of a stage, by its name or number.',
  package: 'All copies of a package, by its name, or with its ecosystem: `dpkg:libssl3`.',
  'max-size': 'Cap on the unpacked size.',
  'max-download-size': 'Cap on the download size.',
  'max-layers': 'Cap on the number of layers.',
  'max-increase': 'Cap on growth, in bytes or percent.',
  over: 'What growth is counted from: the record of so many days (`30d`) or weeks (`4w`) ago, or that of the last `release`.',
  level: '`warn`: it is shown and fails nothing.',
}

/** The keys of inputs, each as it is defined once. */
const refs = (names: object): Schema =>
  Object.fromEntries(Object.keys(names).map((key) => [key, { $ref: `#/definitions/inputs/${key}` }]))

/** The schema, draft-07, which editors know best; `inputs`: what action.yml says of each. */
export function budgetFileSchema(inputs: Record<string, { description: string }>): Schema {
  const properties = Object.fromEntries(
    inputNames.flatMap((name) => {
      const form = FILE_FORMS[name]
      if (form.kind === 'none') return []
      const description = (inputs[name]?.description ?? '').trim().replaceAll(/\s+/g, ' ')
      const known: Partial<Record<string, string>> = DEFAULTS
      const fallback = form.kind === 'boolean' ? known[name] === 'true' : known[name]
      return [
        [
          name,
          { description, ...(fallback !== undefined && { default: fallback }), anyOf: [...schemasOf(form), NULL] },
        ],
      ]
    }),
  )
  const { name, ...others } = properties
  const ofAnImage = Object.fromEntries(
    Object.entries(others).filter(([key]) => FINDING.every((finding) => finding !== key)),
  )
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Budget file of Image Budget',
    description:
      'Values of inputs, for every image, and under `images` for each. An input of the workflow comes before the file.',
    type: ['object', 'null'],
    properties: {
      name: { $ref: '#/definitions/inputs/name' },
      extends: {
        description:
          'A budget file of another repository of the same owner, whose values count where this one has none: `owner/repository/path.yml@ref`; without `@ref` that of the default branch.',
        ...text(EXTENDS.source),
      },
      ...refs(others),
      images: {
        description: 'The images of the repository, each with a name and with values of its own.',
        type: 'array',
        minItems: 1,
        maxItems: 1000,
        items: {
          type: 'object',
          properties: {
            name: { allOf: [{ $ref: '#/definitions/inputs/name' }, text(String.raw`\S`)] },
            ...refs(ofAnImage),
          },
          required: ['name'],
          additionalProperties: false,
        },
      },
    },
    additionalProperties: false,
    not: { required: ['name', 'images'] },
    definitions: { inputs: { name, ...others }, budget: budgetSchema() },
  }
}
