import { closestMatch } from 'leven'
import { z } from 'zod'
import { CouldNotMeasure } from '../failure.ts'
import { LIMIT_FORMS, limitKeysOf, parseBudgetLines, type BudgetLine, type Limits } from './budget-lines.ts'
import { parseCommaOrLines, parseLines, parsePair } from './list.ts'
import { parseBytes, parseCount, parseIncrease } from './quantity.ts'
import { parseReference, type ImageReference } from './reference.ts'
import { RULES, type RuleId } from './rules.ts'

/** What can be measured of an image: see docs/what-is-measured.md. */
export type MetricName = 'size' | 'download-size'

/** What the user asked for, checked. Fields stand in action.yml's order; null and [] where an input was not given. */
export type Inputs = {
  name: string | null
  /** Measured as it is where given: nothing is built then. */
  image: ImageReference | null
  context: string
  file: string | null
  target: string | null
  /** `KEY=value`, or `KEY` alone: its value comes from the environment, as with `docker build`. */
  buildArgs: string[]
  buildContexts: { name: string; value: string }[]
  platforms: string[]
  secrets: { id: string; value: string }[]
  secretFiles: { id: string; path: string }[]
  cacheFrom: string[]
  cacheTo: string[]
  builder: string | null
  beforeBuild: string | null
  /** At least one, in the order size, download-size. */
  metrics: MetricName[]
  /** Of the whole image. */
  limits: Limits
  budgets: BudgetLine[]
  forbid: RuleId[]
  /** The label that accepts growth; null: none does. */
  acceptLabel: string | null
  baseline: 'auto' | 'record' | 'build' | 'none' | ImageReference
  baseRef: string | null
  /** Whether a push to the default branch is kept as a record. */
  record: 'auto' | 'off'
  /** The branch that has the records. */
  dataBranch: string
  comment: 'on-change' | 'always' | 'off'
  fail: boolean
  githubToken: string | null
}

/** A field from a parser that answers null for a bad value; `form` is what the error message says is accepted. */
function field<T>(form: string, parse: (value: string) => T | null) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value)
    if (parsed !== null) return parsed
    context.addIssue({ code: 'custom', message: form })
    return z.NEVER
  })
}

const matching = (form: string, pattern: RegExp) => field(form, (value) => (pattern.test(value) ? value : null))

/** A list all of whose entries must be understood by `parse`; the error shows the first that is not. */
function list<T>(form: string, split: (value: string) => string[] | null, parse: (entry: string) => T | null) {
  return z.string().transform((value, context): T[] => {
    const entries = split(value)
    const parsed: T[] = []
    for (const [at, entry] of (entries ?? [value]).entries()) {
      const item = entries && parse(entry)
      if (item === null) {
        context.addIssue({ code: 'custom', message: form, params: { entry, ...(entries && { number: at + 1 }) } })
        return z.NEVER
      }
      parsed.push(item)
    }
    return parsed
  })
}

const pairs = (form: string, key: RegExp) =>
  list(form, parseLines, (entry) => {
    const pair = parsePair(entry)
    return pair && key.test(pair.key) && pair.value !== '' ? pair : null
  })

const oneOf = <const T extends string>(...values: T[]) =>
  field(values.map((value) => `\`${value}\``).join(', '), (value) => values.find((known) => known === value) ?? null)

const METRICS: readonly MetricName[] = ['size', 'download-size']

/** The forms of a reference, for errors. */
export const IMAGE_FORM =
  'an image where it lies: `docker://NAME` (a registry), `docker-daemon:NAME` (the Docker engine), `docker-archive:FILE`, `oci-archive:FILE` or `oci:FOLDER`'

const reference = (form: string) => field(form, parseReference)

/** An entry's list of problems, each with its line. */
const budgetLines = z.string().transform((value, context): BudgetLine[] => {
  const { lines, problems } = parseBudgetLines(value)
  for (const { form, ...params } of problems) context.addIssue({ code: 'custom', message: form, params })
  return problems.length > 0 ? z.NEVER : lines
})

/** Ids of rules; the error for one that is not known has the nearest. */
const rules = z.string().transform((value, context): RuleId[] => {
  const parsed: RuleId[] = []
  for (const entry of parseCommaOrLines(value)) {
    const rule = RULES.find((known) => known === entry)
    if (rule !== undefined) {
      parsed.push(rule)
      continue
    }
    const hint = closestMatch(entry.slice(0, 100).toLowerCase(), [...RULES], { maxDistance: 3 }) ?? null
    const form = `ids of rules, comma- or line-separated: ${RULES.map((known) => `\`${known}\``).join(', ')}`
    context.addIssue({ code: 'custom', message: form, params: { entry, hint } })
  }
  return [...new Set(parsed)]
})

/** GitHub's labels have at most 50 characters. */
const LABEL_MAX = 50

const ID = /^[\w][\w.-]{0,127}$/
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const PLAIN = /^[^\u0000-\u001f\u007f]{1,1000}$/

const schema = z.strictObject({
  // oxlint-disable-next-line no-control-regex -- as above
  name: matching('a text of at most 100 characters on one line', /^[^\u0000-\u001f\u007f]{1,100}$/).optional(),
  image: reference(IMAGE_FORM).optional(),
  context: matching(
    'a folder of the checked-out repository; a remote context cannot be compared',
    /^(?!\w[\w+.-]*:\/\/|git@)[^\0\n]+$/,
  ).default('.'),
  file: matching('a path on one line', PLAIN).optional(),
  target: matching("the name of a stage: `AS name` in the Dockerfile's `FROM` lines", ID).optional(),
  'build-args': list('one `KEY=value` (or `KEY`, taken from the environment) a line', parseLines, (entry) =>
    /^[A-Za-z_][\w.-]*(?:=|$)/.test(entry) ? entry : null,
  ).default([]),
  'build-contexts': pairs(
    'one `name=value` a line, the value a folder, `docker-image://…`, `oci-layout://…` or a URL',
    /^[\w][\w./:@-]*$/,
  ).default([]),
  platforms: list(
    'platforms `os/architecture[/variant]`, comma- or line-separated: `linux/amd64,linux/arm64`',
    parseCommaOrLines,
    (entry) =>
      /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/i.test(entry)
        ? entry.toLowerCase().replace(/\/arm64\/v8$/, '/arm64')
        : null,
  ).default([]),
  secrets: pairs('one `id=value` a line', ID).default([]),
  'secret-files': pairs('one `id=path` a line', ID).default([]),
  'cache-from': list(
    'one cache source a line: `type=gha`, `type=registry,ref=…`',
    parseLines,
    (entry) => entry || null,
  ).default([]),
  'cache-to': list('one cache destination a line: `type=gha,mode=max`', parseLines, (entry) => entry || null).default(
    [],
  ),
  builder: matching('the name of a buildx builder (`docker buildx ls`)', ID).optional(),
  'before-build': z.string().optional(),
  metrics: list(
    '`size`, `download-size`, or both, comma- or line-separated',
    (value) => {
      const entries = parseCommaOrLines(value)
      return entries.length > 0 ? entries : null
    },
    (entry) => METRICS.find((metric) => metric === entry) ?? null,
  ).default(() => [...METRICS]),
  'max-size': field(LIMIT_FORMS['max-size'], parseBytes).optional(),
  'max-download-size': field(LIMIT_FORMS['max-download-size'], parseBytes).optional(),
  'max-layers': field(LIMIT_FORMS['max-layers'], parseCount).optional(),
  'max-increase': field(LIMIT_FORMS['max-increase'], parseIncrease).optional(),
  budgets: budgetLines.default([]),
  forbid: rules.default([]),
  'accept-label': field(`a label's name on one line, of at most ${LABEL_MAX} characters, or \`off\``, (value) =>
    PLAIN.test(value) && Array.from(value).length <= LABEL_MAX ? value : null,
  ).default('image-budget: accept'),
  baseline: field(
    `\`auto\`, \`record\`, \`build\`, \`none\`, or ${IMAGE_FORM}`,
    (value) => (['auto', 'record', 'build', 'none'] as const).find((known) => known === value) ?? parseReference(value),
  ).default('auto'),
  'base-ref': matching('a commit, branch or tag', /^(?![-^])[^\s:?*[\\]{1,250}$/).optional(),
  record: oneOf('auto', 'off').default('auto'),
  'data-branch': matching(
    'the name of a branch that has nothing else: `image-budget`',
    /^(?![-./@])(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock(?:\/|$)|[./]$))[\w./@+-]{1,200}$/,
  ).default('image-budget'),
  comment: oneOf('on-change', 'always', 'off').default('on-change'),
  fail: field('`true` or `false`', (value) => ({ true: true, false: false })[value.toLowerCase()] ?? null).default(
    true,
  ),
  'github-token': z.string().optional(),
})

export type InputName = keyof z.input<typeof schema>

/** Every input, in action.yml's order. */
export const inputNames = Object.keys(schema.shape) as InputName[]

/** Inputs whose values no error shows, not even keys: a secret that is given in a wrong form has no key. */
const SECRET: ReadonlySet<string> = new Set<InputName>([
  'build-args',
  'secrets',
  'cache-from',
  'cache-to',
  'github-token',
])

/**
 * Checks all inputs at once. `values` holds texts as they were given, by input name; an empty text is an input not given.
 * Throws one CouldNotMeasure `input` that names, for each problem, the input, its value and the accepted form.
 */
export function parseInputs(values: Record<string, string>): Inputs {
  const given = Object.fromEntries(
    Object.entries(values)
      .map(([name, value]) => [name, name === 'before-build' ? value : value.trim()] as const)
      .filter(([, value]) => value.trim() !== ''),
  )
  const parsed = schema.safeParse(given)
  const problems = parsed.success
    ? contradictions(parsed.data)
    : parsed.error.issues.flatMap((issue) => describe(issue, given))
  if (!parsed.success || problems.length > 0) {
    const count = problems.length === 1 ? 'An input is' : `${problems.length} inputs are`
    throw new CouldNotMeasure('input', `${count} not valid:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
  }
  const data = parsed.data
  return {
    name: data.name ?? null,
    image: data.image ?? null,
    context: data.context,
    file: data.file ?? null,
    target: data.target ?? null,
    buildArgs: data['build-args'],
    buildContexts: data['build-contexts'].map(({ key, value }) => ({ name: key, value })),
    platforms: [...new Set(data.platforms)],
    secrets: data.secrets.map(({ key, value }) => ({ id: key, value })),
    secretFiles: data['secret-files'].map(({ key, value }) => ({ id: key, path: value })),
    cacheFrom: data['cache-from'],
    cacheTo: data['cache-to'],
    builder: data.builder ?? null,
    beforeBuild: data['before-build'] ?? null,
    metrics: METRICS.filter((metric) => data.metrics.includes(metric)),
    limits: {
      maxSize: data['max-size'] ?? null,
      maxDownloadSize: data['max-download-size'] ?? null,
      maxLayers: data['max-layers'] ?? null,
      maxIncrease: data['max-increase'] ?? null,
    },
    budgets: data.budgets,
    forbid: data.forbid,
    acceptLabel: isOff(values['accept-label']) ? null : data['accept-label'],
    baseline: data.baseline,
    baseRef: data['base-ref'] ?? null,
    record: data.record,
    dataBranch: data['data-branch'],
    comment: data.comment,
    fail: data.fail,
    githubToken: data['github-token'] ?? null,
  }
}

/** Unlike the other inputs, an empty text is no default: who sets the label to nothing wants none. */
function isOff(label: string | undefined): boolean {
  return label !== undefined && ['', 'off'].includes(label.trim().toLowerCase())
}

function describe(issue: z.core.$ZodIssue, given: Record<string, string>): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map(unknown)
  const name = String(issue.path[0])
  const { entry, number, line, hint } = (issue.code === 'custom' ? (issue.params ?? {}) : {}) as Partial<
    Record<'entry' | 'hint', string> & Record<'number' | 'line', number>
  >
  // A password has no place in a reference, and none in an error.
  const value = (entry ?? given[name] ?? '').replaceAll(/:\/\/[^@\s/]+@/g, '://…@')
  const shown = SECRET.has(name) ? `\`…\`${number ? ` as entry ${number}` : ''}` : `\`${onOneLine(value)}\``
  const where = line === undefined ? '' : ` in line ${line}`
  const meant = hint ? ` Did you mean \`${onOneLine(hint)}\`?` : ''
  return [`\`${name}\` has ${shown}${where}; it takes ${issue.message}.${meant}`]
}

/** At most 120 characters, control characters made visible. */
export function onOneLine(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is made visible
  const visible = value.slice(0, 121).replaceAll(/[\0-\u001f\u007f]/g, (it) => JSON.stringify(it).slice(1, -1))
  return visible.length > 120 ? `${visible.slice(0, 120)}…` : visible
}

function contradictions(data: z.output<typeof schema>): string[] {
  const problems: string[] = [...imageContradictions(data), ...budgetContradictions(data)]
  if (data['max-size'] !== undefined && !data.metrics.includes('size'))
    problems.push('`max-size` limits the size, but `metrics` is `download-size` alone; add `size`.')
  if (data['max-download-size'] !== undefined && !data.metrics.includes('download-size'))
    problems.push('`max-download-size` limits the download size, but `metrics` is `size` alone; add `download-size`.')
  if (data.baseline === 'none') {
    if (data['max-increase'])
      problems.push('`max-increase` limits growth against a base, but `baseline` is `none`; leave one of the two out.')
    if (data['base-ref'])
      problems.push(`\`base-ref\` is \`${data['base-ref']}\`, but \`baseline\` is \`none\`; leave one of the two out.`)
  }
  for (const input of ['build-contexts', 'secrets', 'secret-files'] as const) {
    const twice = data[input].find(({ key }, at) => data[input].findIndex((other) => other.key === key) < at)
    if (twice) problems.push(`\`${input}\` has \`${twice.key}\` more than once.`)
  }
  const both = data.secrets.find(({ key }) => data['secret-files'].some((other) => other.key === key))
  if (both) problems.push(`\`secrets\` and \`secret-files\` both have \`${both.key}\`; leave one of the two out.`)
  return problems
}

/** Budgets on what is not measured, or limited already, or has nothing to grow from. */
function budgetContradictions(data: z.output<typeof schema>): string[] {
  const problems: string[] = []
  const say = (line: number, words: string): void => void problems.push(`\`budgets\`, line ${line}: ${words}`)
  const size = data.metrics.includes('size')
  const whole = limitKeysOf({
    scope: null,
    level: 'fail',
    over: null,
    limits: {
      maxSize: data['max-size'] ?? null,
      maxDownloadSize: data['max-download-size'] ?? null,
      maxLayers: data['max-layers'] ?? null,
      maxIncrease: data['max-increase'] ?? null,
    },
  })
  for (const budget of data.budgets) {
    const { line, scope, over, limits } = budget
    const kind = scope?.kind ?? null
    const twice = limitKeysOf(budget).find(({ id }) => whole.some((other) => other.id === id))
    if (twice) say(line, `\`${twice.name}\` is an input of its own, too; leave one of the two out.`)
    if (!size && (kind === 'path' || kind === 'package' || limits.maxSize !== null))
      say(line, `it limits the size, but \`metrics\` is \`download-size\` alone; add \`size\`.`)
    if (limits.maxDownloadSize !== null && !data.metrics.includes('download-size'))
      say(line, '`max-download-size` limits the download size, but `metrics` is `size` alone; add `download-size`.')
    const lacksBase = data.baseline === 'none' || (data.image !== undefined && data.baseline === 'auto')
    if (limits.maxIncrease !== null && over === null && lacksBase)
      say(line, '`max-increase` limits growth, but there is no `baseline` to grow from; leave it out, or give one.')
    if ((kind === 'own' || kind === 'base' || kind === 'stage') && data.image !== undefined)
      say(
        line,
        `nothing tells which layers of an \`image\` that is there already are of its \`${kind === 'stage' ? 'stage' : 'scope'}\`.`,
      )
    if (
      (kind === 'own' || kind === 'base' || kind === 'stage') &&
      limits.maxIncrease !== null &&
      isImage(data.baseline)
    )
      say(
        line,
        `nothing tells which layers of the \`baseline\` are of that \`${kind === 'stage' ? 'stage' : 'scope'}\`; \`path\` can be compared.`,
      )
  }
  if (!size && data.forbid.length > 0)
    problems.push('`forbid` looks at the files of the image, but `metrics` is `download-size` alone; add `size`.')
  return problems
}

function isImage(baseline: Inputs['baseline']): boolean {
  return typeof baseline === 'object'
}

/** Inputs that say how to build; beside `image`, of which nothing is built, they would have no effect. */
const BUILDING = [
  'file',
  'target',
  'build-args',
  'build-contexts',
  'secrets',
  'secret-files',
  'cache-from',
  'cache-to',
  'builder',
  'before-build',
  'base-ref',
] as const satisfies InputName[]

function imageContradictions(data: z.output<typeof schema>): string[] {
  if (data.image === undefined) return []
  const given = BUILDING.filter((name) => {
    const value = data[name]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  })
  const useless = [...(data.context === '.' ? [] : ['context']), ...given]
  const problems: string[] = []
  if (useless.length > 0) {
    const [are, has] = useless.length === 1 ? ['is', 'it has'] : ['are', 'they have']
    problems.push(
      `${useless.map((name) => `\`${name}\``).join(', ')} ${are} given, but \`image\` is measured as it is and nothing is built: ${has} no effect.`,
    )
  }
  if (data['max-increase'] && data.baseline === 'auto')
    problems.push(
      '`max-increase` limits growth, but beside `image` there is no `baseline` to grow from; give an image to compare with, or `record`.',
    )
  if (data.baseline === 'build')
    problems.push('`baseline` is `build`, but with `image` nothing is built; give an image to compare with, or `none`.')
  return problems
}

function unknown(name: string): string {
  const near = nearestInput(name)
  return `\`${name}\` is not an input${near ? `; did you mean \`${near}\`?` : ` (they are ${inputNames.join(', ')}).`}`
}

/** The input that a misspelt name was most likely meant as (`max_size`, `maxsize`, `max-sise`), or null. */
export function nearestInput(name: string): InputName | null {
  const byLetters = new Map(inputNames.map((known) => [letters(known), known]))
  return byLetters.get(closestMatch(letters(name), [...byLetters.keys()], { maxDistance: 2 }) ?? '') ?? null
}

function letters(text: string): string {
  return text
    .slice(0, 100)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
}
