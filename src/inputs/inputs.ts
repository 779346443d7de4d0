import { closestMatch } from 'leven'
import { z } from 'zod'
import { CouldNotMeasure } from '../failure.ts'
import { parseCommaOrLines, parseLines, parsePair } from './list.ts'
import { parseBytes, parseCount, parseIncrease, type Increase } from './quantity.ts'
import { parseReference, type ImageReference } from './reference.ts'

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
  /** Bytes, bytes, layers, and growth. */
  limits: {
    maxSize: number | null
    maxDownloadSize: number | null
    maxLayers: number | null
    maxIncrease: Increase | null
  }
  baseline: 'auto' | 'build' | 'none' | ImageReference
  baseRef: string | null
  comment: 'on-change' | 'always' | 'off'
  fail: boolean
  githubToken: string | null
}

const BYTES_FORM = 'a number with a unit: `160 MB`, `150 MiB`, `1.2 GB`, `800 kB`'

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
  'max-size': field(BYTES_FORM, parseBytes).optional(),
  'max-download-size': field(BYTES_FORM, parseBytes).optional(),
  'max-layers': field('a whole number: `12`', parseCount).optional(),
  'max-increase': field('bytes with a unit or percent of the base: `5 MB`, `3%`', parseIncrease).optional(),
  baseline: field(
    `\`auto\`, \`build\`, \`none\`, or ${IMAGE_FORM}`,
    (value) => (['auto', 'build', 'none'] as const).find((known) => known === value) ?? parseReference(value),
  ).default('auto'),
  'base-ref': matching('a commit, branch or tag', /^(?![-^])[^\s:?*[\\]{1,250}$/).optional(),
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
    baseline: data.baseline,
    baseRef: data['base-ref'] ?? null,
    comment: data.comment,
    fail: data.fail,
    githubToken: data['github-token'] ?? null,
  }
}

function describe(issue: z.core.$ZodIssue, given: Record<string, string>): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map(unknown)
  const name = String(issue.path[0])
  const { entry, number } = (issue.code === 'custom' ? (issue.params ?? {}) : {}) as { entry?: string; number?: number }
  // A password has no place in a reference, and none in an error.
  const value = (entry ?? given[name] ?? '').replaceAll(/:\/\/[^@\s/]+@/g, '://…@')
  const shown = SECRET.has(name) ? `\`…\`${number ? ` as entry ${number}` : ''}` : `\`${onOneLine(value)}\``
  return [`\`${name}\` has ${shown}; it takes ${issue.message}.`]
}

/** At most 120 characters, control characters made visible. */
export function onOneLine(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is made visible
  const visible = value.slice(0, 121).replaceAll(/[\0-\u001f\u007f]/g, (it) => JSON.stringify(it).slice(1, -1))
  return visible.length > 120 ? `${visible.slice(0, 120)}…` : visible
}

function contradictions(data: z.output<typeof schema>): string[] {
  const problems: string[] = [...imageContradictions(data)]
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
      '`max-increase` limits growth, but beside `image` there is no `baseline` to grow from; give an image to compare with.',
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
