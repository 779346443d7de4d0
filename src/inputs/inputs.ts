import leven, { closestMatch } from 'leven'
import { z } from 'zod'
import { CouldNotMeasure } from '../failure.ts'
import { LIMIT_FORMS, LINE_FORM, limitKeysOf, parseBudgetLines, type BudgetLine, type Limits } from './budget-lines.ts'
import { parseCommaOrLines, parseLines, parsePair } from './list.ts'
import { parseBytes, parseCount, parseIncrease } from './quantity.ts'
import { parseReference, type ImageReference } from './reference.ts'
import { RULES, type RuleId } from './rules.ts'

/** What can be measured of an image: see docs/what-is-measured.md. */
export type MetricName = 'size' | 'download-size'

/** `measure`: a part of what `report` puts together. */
export type Mode = (typeof CHOICES)['mode'][number]

/** What the user asked for, checked. Fields stand in action.yml's order; null and [] where an input was not given. */
export type Inputs = {
  name: string | null
  /** Names of the budget file's images that are wanted; [] for all. */
  images: string[]
  /** Globs of committed Dockerfiles, each of which is an image; [] : the image is the one that the inputs below tell. */
  dockerfiles: string[]
  bakeFiles: string[]
  /** Names of targets and groups; [] beside `bakeFiles`: bake's own default. */
  bakeTargets: string[]
  /** What of a bake file is built; null: the inputs below tell. No input has it: it comes of `bake-files` and `bake-targets`. */
  bake: BakeTarget | null
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
  /** What becomes of an image that the change does not touch. */
  untouched: 'skip' | 'measure'
  /** Whether a push to the default branch is kept as a record. */
  record: 'auto' | 'off'
  /** The branch that has the records. */
  dataBranch: string
  comment: 'on-change' | 'always' | 'off'
  /** Where the page is written to that shows the images; null: nowhere. */
  page: string | null
  fail: boolean
  mode: Mode
  /** Files and folders that `report` reads. */
  reports: string[]
  allowPullRequestTarget: boolean
  githubToken: string | null
}

/** A target of a bake file. */
export type BakeTarget = {
  /** Its name, as `docker buildx bake --print` has it. */
  target: string
  /** The targets and groups that it was found among; []: bake's own default. */
  asked: string[]
  /** The bake files, from `folder`; []: those that bake finds by itself. */
  files: string[]
  /** Where bake is run, which its contexts are relative to: from the working directory. */
  folder: string
  /** The build context in place of the target's own, from the working directory; null: the target's. */
  context: string | null
  /** The build arguments that it has at the head: a run's environment may have shaped them. */
  args: Record<string, string>
  /**
   * What it and the targets that it starts from take of the repository at the head, from its top folder, with `/`; null: that is not known.
   * `context`: its own. `files` need not be committed.
   */
  taken: { context: string; dockerfile: string; folders: string[]; files: string[] } | null
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

/** All metrics, in the order in which they are shown. */
export const METRICS: readonly MetricName[] = ['size', 'download-size']

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
  for (const [at, entry] of parseCommaOrLines(value).entries()) {
    const rule = RULES.find((known) => known === entry)
    if (rule !== undefined) {
      parsed.push(rule)
      continue
    }
    const hint = closestMatch(entry.slice(0, 100).toLowerCase(), [...RULES], { maxDistance: 3 }) ?? null
    context.addIssue({ code: 'custom', message: ACCEPTED.forbid, params: { entry, hint, number: at + 1 } })
  }
  return [...new Set(parsed)]
})

/** GitHub's labels have at most 50 characters. */
const LABEL_MAX = 50

const quoted = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(', ')

/** What inputs with a few words take. */
export const CHOICES = {
  untouched: ['skip', 'measure'],
  record: ['auto', 'off'],
  comment: ['on-change', 'always', 'off'],
  mode: ['check', 'measure', 'report'],
} as const

/** The words that `baseline` takes beside an image's reference. */
export const BASELINES = ['auto', 'record', 'build', 'none'] as const

/** What stands for an input that is given nowhere, as a text of the input. action.yml says the same in words. */
export const DEFAULTS = {
  context: '.',
  metrics: 'size, download-size',
  'accept-label': 'image-budget: accept',
  baseline: 'auto',
  untouched: 'skip',
  record: 'auto',
  'data-branch': 'image-budget',
  comment: 'on-change',
  fail: 'true',
  mode: 'check',
  reports: 'image-budget-reports',
  'allow-pull-request-target': 'false',
} as const

/** What a single text must look like, where a pattern says all of it. */
/* oxlint-disable no-control-regex -- control characters are what is refused */
export const PATTERNS = {
  /** A path, or a glob of paths, between commas. */
  path: /^(?![\s#])[^\u0000-\u001f\u007f,]{1,1000}$/,
  /** One that is no option, no URL and no standard input. */
  bakeFile: /^(?![\s#-]|\w[\w+.-]*:\/\/|git@)[^\u0000-\u001f\u007f,]{1,1000}$/,
  name: /^[^\u0000-\u001f\u007f]{1,100}$/,
  /** A path, a command's argument: on one line. */
  plain: /^[^\u0000-\u001f\u007f]{1,1000}$/,
  label: /^[^\u0000-\u001f\u007f]{1,50}$/u,
  context: /^(?!\w[\w+.-]*:\/\/|git@)[^\0\n]+$/,
  id: /^[\w][\w.-]{0,127}$/,
  buildArg: /^[A-Za-z_][\w.-]*(?:=|$)/,
  contextName: /^[\w][\w./:@-]*$/,
  platform: /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/i,
  ref: /^(?![-^])[^\s:?*[\\]{1,250}$/,
  branch: /^(?![-./@])(?!refs\/|HEAD$)(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock(?:\/|$)|[./]$))[\w./@+-]{1,200}$/,
} as const
/* oxlint-enable no-control-regex */

/** What each input takes, for errors. */
export const ACCEPTED = {
  name: 'a text of at most 100 characters on one line',
  config: 'a path on one line, or `off`',
  images: "names of the budget file's images, comma- or line-separated",
  dockerfiles:
    'paths of committed Dockerfiles, comma- or line-separated, with `*` within a folder and `**` for any: `services/*/Dockerfile`',
  'bake-files': 'paths of bake files inside the repository, comma- or line-separated: `docker-bake.hcl`',
  'bake-targets': 'names of targets or groups of the bake file, comma- or line-separated',
  image: IMAGE_FORM,
  context: 'a folder of the checked-out repository; a remote context cannot be compared',
  file: 'a path on one line',
  target: "the name of a stage: `AS name` in the Dockerfile's `FROM` lines",
  'build-args': 'one `KEY=value` (or `KEY`, taken from the environment) a line',
  'build-contexts': 'one `name=value` a line, the value a folder, `docker-image://…`, `oci-layout://…` or a URL',
  platforms: 'platforms `os/architecture[/variant]`, comma- or line-separated: `linux/amd64,linux/arm64`',
  secrets: 'one `id=value` a line',
  'secret-files': 'one `id=path` a line',
  'cache-from': 'one cache source a line: `type=gha`, `type=registry,ref=…`',
  'cache-to': 'one cache destination a line: `type=gha,mode=max`',
  builder: 'the name of a buildx builder (`docker buildx ls`)',
  'before-build': 'a command of the shell',
  metrics: '`size`, `download-size`, or both, comma- or line-separated',
  ...LIMIT_FORMS,
  budgets: LINE_FORM,
  forbid: `ids of rules, comma- or line-separated: ${quoted(RULES)}`,
  'accept-label': `a label's name on one line, of at most ${LABEL_MAX} characters, or \`off\``,
  baseline: `${quoted(BASELINES)}, or ${IMAGE_FORM}`,
  'base-ref': 'a commit, branch or tag',
  untouched: quoted(CHOICES.untouched),
  record: quoted(CHOICES.record),
  'data-branch': 'the name of a branch that has nothing else: `image-budget`',
  comment: quoted(CHOICES.comment),
  page: 'the path of a file on one line: `image-budget.html`',
  fail: '`true` or `false`',
  mode: quoted(CHOICES.mode),
  reports: 'files or folders, comma- or line-separated',
  'allow-pull-request-target': '`true` or `false`',
  'github-token': 'a token',
} as const

const oneOf = <const T extends string>(form: string, values: readonly T[]) =>
  field(form, (value) => values.find((known) => known === value) ?? null)

const truth = (form: string) => field(form, (value) => TRUTHS.get(value.toLowerCase()) ?? null)
const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

const schema = z.strictObject({
  name: matching(ACCEPTED.name, PATTERNS.name).optional(),
  config: matching(ACCEPTED.config, PATTERNS.plain).optional(),
  images: list(ACCEPTED.images, parseCommaOrLines, (entry) => (PATTERNS.name.test(entry) ? entry : null)).default([]),
  dockerfiles: list(ACCEPTED.dockerfiles, parseCommaOrLines, (entry) =>
    PATTERNS.path.test(entry) ? entry : null,
  ).default([]),
  'bake-files': list(ACCEPTED['bake-files'], parseCommaOrLines, (entry) =>
    PATTERNS.bakeFile.test(entry) ? entry : null,
  ).default([]),
  'bake-targets': list(ACCEPTED['bake-targets'], parseCommaOrLines, (entry) =>
    PATTERNS.id.test(entry) ? entry : null,
  ).default([]),
  image: reference(ACCEPTED.image).optional(),
  context: matching(ACCEPTED.context, PATTERNS.context).default(DEFAULTS.context),
  file: matching(ACCEPTED.file, PATTERNS.plain).optional(),
  target: matching(ACCEPTED.target, PATTERNS.id).optional(),
  'build-args': list(ACCEPTED['build-args'], parseLines, (entry) =>
    PATTERNS.buildArg.test(entry) ? entry : null,
  ).default([]),
  'build-contexts': pairs(ACCEPTED['build-contexts'], PATTERNS.contextName).default([]),
  platforms: list(ACCEPTED.platforms, parseCommaOrLines, (entry) =>
    PATTERNS.platform.test(entry) ? entry.toLowerCase().replace(/\/arm64\/v8$/, '/arm64') : null,
  ).default([]),
  secrets: pairs(ACCEPTED.secrets, PATTERNS.id).default([]),
  'secret-files': pairs(ACCEPTED['secret-files'], PATTERNS.id).default([]),
  'cache-from': list(ACCEPTED['cache-from'], parseLines, (entry) => entry || null).default([]),
  'cache-to': list(ACCEPTED['cache-to'], parseLines, (entry) => entry || null).default([]),
  builder: matching(ACCEPTED.builder, PATTERNS.id).optional(),
  'before-build': z.string().optional(),
  metrics: list(
    ACCEPTED.metrics,
    (value) => {
      const entries = parseCommaOrLines(value)
      return entries.length > 0 ? entries : null
    },
    (entry) => METRICS.find((metric) => metric === entry) ?? null,
  ).prefault(DEFAULTS.metrics),
  'max-size': field(ACCEPTED['max-size'], parseBytes).optional(),
  'max-download-size': field(ACCEPTED['max-download-size'], parseBytes).optional(),
  'max-layers': field(ACCEPTED['max-layers'], parseCount).optional(),
  'max-increase': field(ACCEPTED['max-increase'], parseIncrease).optional(),
  budgets: budgetLines.default([]),
  forbid: rules.default([]),
  'accept-label': field(ACCEPTED['accept-label'], (value) => (PATTERNS.label.test(value) ? value : null)).default(
    DEFAULTS['accept-label'],
  ),
  baseline: field(
    ACCEPTED.baseline,
    (value) => BASELINES.find((known) => known === value) ?? parseReference(value),
  ).default(DEFAULTS.baseline),
  'base-ref': matching(ACCEPTED['base-ref'], PATTERNS.ref).optional(),
  untouched: oneOf(ACCEPTED.untouched, CHOICES.untouched).default(DEFAULTS.untouched),
  record: oneOf(ACCEPTED.record, CHOICES.record).default(DEFAULTS.record),
  'data-branch': matching(ACCEPTED['data-branch'], PATTERNS.branch).default(DEFAULTS['data-branch']),
  comment: oneOf(ACCEPTED.comment, CHOICES.comment).default(DEFAULTS.comment),
  page: matching(ACCEPTED.page, PATTERNS.plain).optional(),
  fail: truth(ACCEPTED.fail).prefault(DEFAULTS.fail),
  mode: oneOf(ACCEPTED.mode, CHOICES.mode).default(DEFAULTS.mode),
  reports: list(
    ACCEPTED.reports,
    (value) => {
      const entries = parseCommaOrLines(value)
      return entries.length > 0 ? entries : null
    },
    (entry) => (PATTERNS.plain.test(entry) ? entry : null),
  ).prefault(DEFAULTS.reports),
  'allow-pull-request-target': truth(ACCEPTED['allow-pull-request-target']).prefault(
    DEFAULTS['allow-pull-request-target'],
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

/** Where a value stands that was not given as an input. */
export type Place = {
  /** The budget file, as it is shown. */
  file: string
  /** Line of the value's key, from 1. */
  line: number
  /** The lines of the value's entries, where each has its own; [] where the value is one text. */
  entries: { line: number; keys: ReadonlyMap<string, number> }[]
}

/** A value as it was given: a text in the form that the input takes. `place` null: it is an input. */
export type Given = { text: string; place: Place | null }

/** The values of inputs by their names, whatever those are. */
export type GivenValues = ReadonlyMap<string, Given>

/** Inputs as the runner or a terminal has them; an empty text is an input not given. */
export function givenInputs(values: Record<string, string>): Map<string, Given> {
  const given = Object.entries(values).filter(([, text]) => text.trim() !== '')
  return new Map(given.map(([name, text]) => [name, { text, place: null }]))
}

/**
 * Checks all inputs at once. `values` holds texts as they were given, by input name; an empty text is an input not given.
 * Throws one CouldNotMeasure `input` that names, for each problem, the input, its value and the accepted form.
 */
export function parseInputs(values: Record<string, string>): Inputs {
  return inputsOf(givenInputs(values))
}

/** The same for values from anywhere: a problem of one that has a place begins with it. */
export function inputsOf(given: GivenValues): Inputs {
  const { data, problems } = check(given)
  if (data === null)
    throw notValid(
      problems,
      [...given.values()].some(({ place }) => place !== null),
    )
  return {
    name: data.name ?? null,
    images: data.images,
    dockerfiles: data.dockerfiles,
    bakeFiles: data['bake-files'],
    bakeTargets: data['bake-targets'],
    bake: null,
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
    acceptLabel: data['accept-label'].toLowerCase() === 'off' ? null : data['accept-label'],
    baseline: data.baseline,
    baseRef: data['base-ref'] ?? null,
    untouched: data.untouched,
    record: data.record,
    dataBranch: data['data-branch'],
    comment: data.comment,
    page: data.page ?? null,
    fail: data.fail,
    mode: data.mode,
    reports: data.reports,
    allowPullRequestTarget: data['allow-pull-request-target'],
    githubToken: data['github-token'] ?? null,
  }
}

/** Everything that is wrong with the values, a sentence each. */
export function problemsOf(given: GivenValues): string[] {
  return check(given).problems
}

function check(given: GivenValues): { data: z.output<typeof schema> | null; problems: string[] } {
  const texts = Object.fromEntries(
    [...given]
      .map(([name, { text }]) => [name, name === 'before-build' ? text : text.trim()] as const)
      .filter(([, text]) => text.trim() !== ''),
  )
  const parsed = schema.safeParse(texts)
  const problems = parsed.success
    ? contradictions(parsed.data).map((each) => tell(each, given.get(each.name)?.place ?? null))
    : parsed.error.issues.flatMap((issue) => {
        if (issue.code === 'unrecognized_keys') return issue.keys.map(unknown)
        const name = String(issue.path[0])
        const place = given.get(name)?.place ?? null
        const { line, words } = describe(issue, name, given.get(name))
        return place === null ? words : placed(place.file, line, words)
      })
  return problems.length === 0 && parsed.success ? { data: parsed.data, problems } : { data: null, problems }
}

/** What is wrong with one value by itself, of an input that a budget file has: its line, and a sentence without it. */
export function problemsOfValue(name: InputName, given: Given): { line: number; words: string }[] {
  const text = name === 'before-build' ? given.text : given.text.trim()
  if (text.trim() === '') return []
  const parsed = schema.shape[name].safeParse(text)
  if (parsed.success) return []
  return parsed.error.issues.map((issue) => describe(issue, name, given))
}

/** A problem of a file, behind its place. */
export function placed(file: string, line: number, words: string): string {
  return `${file}, line ${line}: ${words}`
}

/** The one error on all that is not valid; `isFile`: a budget file has its part in what is set. */
export function notValid(problems: string[], isFile: boolean): CouldNotMeasure {
  const [one, many] = isFile ? ['A setting', 'settings'] : ['An input', 'inputs']
  const count = problems.length === 1 ? `${one} is` : `${problems.length} ${many} are`
  return new CouldNotMeasure('input', `${count} not valid:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
}

/** The words that an input takes, where there are few. */
export const WORDS = {
  ...CHOICES,
  baseline: BASELINES,
  metrics: METRICS,
  fail: ['true', 'false'],
} as const satisfies Partial<Record<InputName, readonly string[]>>

/** A wish for something, and no word misspelt. */
const YES = new Set(['on', 'yes', 'true'])

/** The word that a value was most likely meant as: where one of them is short, no more than one letter is another. */
function meantWord(name: string, value: string): string | undefined {
  const text = value.slice(0, 100).toLowerCase()
  const words: readonly string[] = Object.entries(WORDS).find(([input]) => input === name)?.[1] ?? []
  const near = YES.has(text) ? undefined : closestMatch(text, [...words], { maxDistance: 2 })
  const isShort = near !== undefined && Math.min(text.length, near.length) <= 3
  return isShort && leven(text, near) > 1 ? undefined : near
}

/** What is wrong with the value of `name`, and the line of the file that it stands in; 0: it stands in none. */
function describe(issue: z.core.$ZodIssue, name: string, given: Given | undefined): { line: number; words: string } {
  const { entry, number, line, before, hint } = (issue.code === 'custom' ? (issue.params ?? {}) : {}) as Partial<
    Record<'entry' | 'hint', string> & Record<'number' | 'line' | 'before', number>
  >
  const place = given?.place ?? null
  const own = place?.entries[(number ?? line ?? 0) - 1]
  // A password has no place in a reference, and none in an error.
  const value = (entry ?? given?.text.trim() ?? '').replaceAll(/:\/\/[^@\s/]+@/g, '://…@')
  const nth = number && own === undefined ? ` as entry ${number}` : ''
  const shown = SECRET.has(name) ? `\`…\`${nth}` : `\`${onOneLine(value)}\``
  const where = line === undefined || own !== undefined ? '' : ` in line ${line}`
  const earlier = before ? `, and line ${place?.entries[before - 1]?.line ?? before} has it` : ''
  const near = hint ?? meantWord(name, value)
  const meant = near ? ` Did you mean \`${onOneLine(near)}\`?` : ''
  return {
    line: own?.keys.get(value.split('=', 1)[0]!) ?? own?.line ?? place?.line ?? 0,
    words: `\`${name}\` has ${shown}${where}; it takes ${issue.message}${earlier}.${meant}`,
  }
}

/** At most 120 characters, control characters made visible. */
export function onOneLine(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is made visible
  const visible = value.slice(0, 121).replaceAll(/[\0-\u001f\u007f]/g, (it) => JSON.stringify(it).slice(1, -1))
  return visible.length > 120 ? `${visible.slice(0, 120)}…` : visible
}

/** Values that do not go together. `name`: the one whose place is told; `budget`: the line of `budgets`, where it is about one. */
type Contradiction = { name: InputName; budget: number | null; words: string }

function tell({ budget, words }: Contradiction, place: Place | null): string {
  const own = budget === null ? undefined : place?.entries[budget - 1]
  const subject = budget === null ? '' : own === undefined ? `\`budgets\`, line ${budget}: ` : '`budgets`: '
  return place === null ? `${subject}${words}` : placed(place.file, own?.line ?? place.line, `${subject}${words}`)
}

function contradictions(data: z.output<typeof schema>): Contradiction[] {
  const problems = [...foundContradictions(data), ...imageContradictions(data), ...budgetContradictions(data)]
  const say = (name: InputName, words: string): void => void problems.push({ name, budget: null, words })
  if (data['max-size'] !== undefined && !data.metrics.includes('size'))
    say('max-size', '`max-size` limits the size, but `metrics` is `download-size` alone; add `size`.')
  if (data['max-download-size'] !== undefined && !data.metrics.includes('download-size'))
    say(
      'max-download-size',
      '`max-download-size` limits the download size, but `metrics` is `size` alone; add `download-size`.',
    )
  if (data.baseline === 'none') {
    if (data['max-increase'])
      say(
        'max-increase',
        '`max-increase` limits growth against a base, but `baseline` is `none`; leave one of the two out.',
      )
    if (data['base-ref'])
      say(
        'base-ref',
        `\`base-ref\` is \`${data['base-ref']}\`, but \`baseline\` is \`none\`; leave one of the two out.`,
      )
  }
  for (const input of ['build-contexts', 'secrets', 'secret-files'] as const) {
    const twice = data[input].find(({ key }, at) => data[input].findIndex((other) => other.key === key) < at)
    if (twice) say(input, `\`${input}\` has \`${twice.key}\` more than once.`)
  }
  const both = data.secrets.find(({ key }) => data['secret-files'].some((other) => other.key === key))
  if (both) say('secret-files', `\`secrets\` and \`secret-files\` both have \`${both.key}\`; leave one of the two out.`)
  return problems
}

/** Inputs that find images. */
export const FINDING = ['dockerfiles', 'bake-files', 'bake-targets'] as const satisfies InputName[]

/** What is one image's beside what finds several. */
function foundContradictions(data: z.output<typeof schema>): Contradiction[] {
  const finding = FINDING.find((name) => data[name].length > 0)
  if (finding === undefined) return []
  const own = (['image', 'file', 'target'] as const).filter((name) => data[name] !== undefined)
  return own.map((name) => ({
    name,
    budget: null,
    words: `\`${name}\` is one image's, and \`${finding}\` finds several; leave one of the two out.`,
  }))
}

/** Budgets on what is not measured, or limited already, or has nothing to grow from. */
function budgetContradictions(data: z.output<typeof schema>): Contradiction[] {
  const problems: Contradiction[] = []
  const say = (budget: number, words: string): void => void problems.push({ name: 'budgets', budget, words })
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
    problems.push({
      name: 'forbid',
      budget: null,
      words: '`forbid` looks at the files of the image, but `metrics` is `download-size` alone; add `size`.',
    })
  if (!size && data.page !== undefined)
    problems.push({
      name: 'page',
      budget: null,
      words: '`page` shows the files of the image, but `metrics` is `download-size` alone; add `size`.',
    })
  return problems
}

function isImage(baseline: Inputs['baseline']): boolean {
  return typeof baseline === 'object'
}

/** Inputs that say how to build, beside `context`; next to `image`, of which nothing is built, they would have no effect. */
export const BUILDING = [
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

function imageContradictions(data: z.output<typeof schema>): Contradiction[] {
  if (data.image === undefined) return []
  const given = BUILDING.filter((name) => {
    const value = data[name]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  })
  const useless: InputName[] = [...(data.context === '.' ? [] : (['context'] as const)), ...given]
  const problems: Contradiction[] = []
  const say = (name: InputName, words: string): void => void problems.push({ name, budget: null, words })
  if (useless[0] !== undefined) {
    const [are, has] = useless.length === 1 ? ['is', 'it has'] : ['are', 'they have']
    say(
      useless[0],
      `${useless.map((name) => `\`${name}\``).join(', ')} ${are} given, but \`image\` is measured as it is and nothing is built: ${has} no effect.`,
    )
  }
  if (data['max-increase'] && data.baseline === 'auto')
    say(
      'max-increase',
      '`max-increase` limits growth, but beside `image` there is no `baseline` to grow from; give an image to compare with, or `record`.',
    )
  if (data.baseline === 'build')
    say(
      'baseline',
      '`baseline` is `build`, but with `image` nothing is built; give an image to compare with, or `none`.',
    )
  return problems
}

function unknown(name: string): string {
  const near = nearestInput(name)
  return `\`${name}\` is not an input${near ? `; did you mean \`${near}\`?` : ` (they are ${inputNames.join(', ')}).`}`
}

/** The input that a misspelt name was most likely meant as (`max_size`, `maxsize`, `max-sise`), of `names`, or null. */
export function nearestInput(name: string, names: readonly InputName[] = inputNames): InputName | null {
  const byLetters = new Map(names.map((known) => [letters(known), known]))
  return byLetters.get(closestMatch(letters(name), [...byLetters.keys()], { maxDistance: 2 }) ?? '') ?? null
}

function letters(text: string): string {
  return text
    .slice(0, 100)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
}
