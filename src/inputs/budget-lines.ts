import { closestMatch } from 'leven'
import { parseFields, parsePair } from './list.ts'
import { parseBytes, parseCount, parseIncrease, type Increase } from './quantity.ts'

/** Limits that were set, in bytes, bytes, layers, and growth; null: not this one. */
export type Limits = {
  maxSize: number | null
  maxDownloadSize: number | null
  maxLayers: number | null
  maxIncrease: Increase | null
}

/** A budget that is not kept fails the check, or is only shown. */
export type Level = (typeof LEVELS)[number]

export const LEVELS = ['fail', 'warn'] as const

/** The part of an image that limits are for. */
export type LimitScope =
  /** The layers that the Dockerfile's own instructions make, or those that came with the `FROM` image. */
  | { kind: 'own' | 'base'; of: null }
  /** `path`: an absolute glob. `stage`: its name or number. `package`: its name, where a colon follows it the ecosystem before (`dpkg:libssl3`). */
  | { kind: 'path' | 'stage' | 'package'; of: string }

/** What growth is counted from: the record of so many days ago, or that of the last release. */
export type Over = { kind: 'days'; days: number } | { kind: 'release' }

/** One line of the input `budgets`. `scope` null: the whole image. `over` null: growth against the base. `line` counts from 1. */
export type BudgetLine = { line: number; scope: LimitScope | null; level: Level; over: Over | null; limits: Limits }

/**
 * What is wrong with a line: `entry` is what it has, `form` what it takes; `hint` a key that was likely meant; `before` the line that says
 * the same already.
 */
export type LineProblem = { line: number; entry: string; form: string; hint: string | null; before: number | null }

/** Which kind of package manager a package is known by. */
export const ECOSYSTEMS = ['dpkg', 'apk', 'rpm', 'npm', 'python', 'go', 'java'] as const

/** Other words for them, for hints. */
const ALSO_KNOWN: ReadonlyMap<string, (typeof ECOSYSTEMS)[number]> = new Map([
  ['apt', 'dpkg'],
  ['deb', 'dpkg'],
  ['debian', 'dpkg'],
  ['alpine', 'apk'],
  ['node', 'npm'],
  ['pip', 'python'],
  ['pypi', 'python'],
  ['golang', 'go'],
  ['maven', 'java'],
])

const SCOPE_KEYS = ['scope', 'path', 'stage', 'package'] as const
const LIMIT_KEYS = ['max-size', 'max-download-size', 'max-layers', 'max-increase'] as const
const KEYS = [...SCOPE_KEYS, ...LIMIT_KEYS, 'over', 'level'] as const
type Key = (typeof KEYS)[number]

/** The accepted form of each limit, for errors. */
export const LIMIT_FORMS: Record<(typeof LIMIT_KEYS)[number], string> = {
  'max-size': 'a number with a unit: `160 MB`, `150 MiB`, `1.2 GB`, `800 kB`',
  'max-download-size': 'a number with a unit: `160 MB`, `150 MiB`, `1.2 GB`, `800 kB`',
  'max-layers': 'a whole number: `12`',
  'max-increase': 'bytes with a unit or percent of the base: `5 MB`, `3%`',
}

const MAX_DAYS = 3650
const OVER_FORM = `days or weeks, at most ${MAX_DAYS} days, or the last release: \`30d\`, \`4w\`, \`release\``
const OVER_LINE_FORM =
  '`max-increase` and `level` alone beside `over`, for the whole image: `max-increase=20 MB,over=30d`'

/** The accepted form of a line, for errors. */
export const LINE_FORM = 'one budget a line, its options separated by commas: `scope=own,max-increase=2 MB`'
const MAX_LINES = 200
/** Longer than any path is: https://www.man7.org/linux/man-pages/man3/realpath.3.html has PATH_MAX as 4,096 bytes. */
const MAX_VALUE = 4096

const list = (keys: readonly string[]): string => keys.map((key) => `\`${key}\``).join(', ')

/**
 * The lines of the input `budgets`: `scope=own,max-increase=2 MB`, one budget a line, options as docker's own are written. Blank lines and
 * lines that start with `#` are left out. Every problem of every line is told.
 */
export function parseBudgetLines(text: string): { lines: BudgetLine[]; problems: LineProblem[] } {
  const lines: BudgetLine[] = []
  const problems: LineProblem[] = []
  const seen = new Map<string, number>()
  const given = text.split(/\r?\n/).map((entry, at) => ({ entry: entry.trim(), line: at + 1 }))
  const filled = given.filter(({ entry }) => entry !== '' && !entry.startsWith('#'))
  for (const { entry, line } of filled.slice(0, MAX_LINES)) {
    const parsed = parseLine(entry, line)
    problems.push(...parsed.problems.map((problem) => Object.assign(problem, { line, before: null })))
    if (parsed.budget === null) continue
    lines.push(parsed.budget)
    for (const key of limitKeysOf(parsed.budget)) {
      const before = seen.get(key.id)
      const kind = parsed.budget.over === null ? 'scope' : 'time'
      if (before === undefined) seen.set(key.id, line)
      else
        problems.push({
          line,
          entry,
          form: `\`${key.name}\` once for a ${kind} and level`,
          hint: null,
          before,
        })
    }
  }
  const surplus = filled[MAX_LINES]
  if (surplus) problems.push({ ...surplus, form: `at most ${MAX_LINES} budgets`, hint: null, before: null })
  return { lines, problems }
}

/** What a line limits: two lines that say the same of the same contradict each other. */
export function limitKeysOf({ scope, level, over, limits }: Omit<BudgetLine, 'line'>): { id: string; name: string }[] {
  const set = {
    'max-size': limits.maxSize,
    'max-download-size': limits.maxDownloadSize,
    'max-layers': limits.maxLayers,
  }
  const names = [
    ...Object.entries(set).flatMap(([name, limit]) => (limit === null ? [] : [name])),
    ...(limits.maxIncrease === null ? [] : ['max-increase']),
  ]
  const unit = limits.maxIncrease?.unit
  return names.map((name) => ({
    name,
    id: JSON.stringify([scope, level, name, ...(name === 'max-increase' ? [unit, over] : [])]),
  }))
}

type Problem = Pick<LineProblem, 'entry' | 'form' | 'hint'>

function parseLine(entry: string, line: number): { budget: BudgetLine | null; problems: Problem[] } {
  const wrong = (form: string): { budget: null; problems: Problem[] } => ({
    budget: null,
    problems: [{ entry, form, hint: null }],
  })
  const fields = entry.length > 2 * MAX_VALUE ? null : parseFields(entry)
  if (fields === null) return wrong(LINE_FORM)

  const problems: Problem[] = []
  const values = new Map<Key, string>()
  for (const field of fields) {
    const pair = parsePair(field)
    const key = KEYS.find((known) => known === pair?.key)
    const value = pair?.value.trim() ?? ''
    if (pair === null) problems.push({ entry: field === '' ? entry : field, form: LINE_FORM, hint: null })
    else if (key === undefined) {
      const hint = closestMatch(pair.key.slice(0, 100).toLowerCase(), [...KEYS], { maxDistance: 2 }) ?? null
      problems.push({ entry: field, form: list(KEYS), hint })
    } else if (values.has(key)) problems.push({ entry: field, form: `\`${key}\` once a line`, hint: null })
    else if (value === '' || value.length > MAX_VALUE || hasControls(value))
      problems.push({ entry: field, form: `a value for \`${key}\``, hint: null })
    else values.set(key, value)
  }
  if (problems.length > 0) return { budget: null, problems }

  const scopes = SCOPE_KEYS.filter((key) => values.has(key))
  if (scopes.length > 1) return wrong(`at most one of ${list(SCOPE_KEYS)} a line`)
  // What is recorded for good is the whole image's figures.
  const isMisplaced = [...values.keys()].some((key) => !OVER_KEYS.some((each) => each === key))
  if (values.has('over') && (isMisplaced || !values.has('max-increase'))) return wrong(OVER_LINE_FORM)
  const allowed = scopes[0] === 'path' || scopes[0] === 'package' ? PAYLOAD_KEYS : LIMIT_KEYS
  const limitKeys = LIMIT_KEYS.filter((key) => values.has(key))
  if (limitKeys.length === 0) return wrong(`at least one of ${list(allowed)} a line`)
  const misplaced = limitKeys.find((key) => !allowed.some((each) => each === key))
  if (misplaced !== undefined)
    return wrong(`${list(allowed)} beside \`${scopes[0]}\`: only layers have a download size and a number`)

  const scope = parseScope(values)
  if (scope !== null && 'form' in scope) problems.push(scope)
  const parsedLimit = <T>(key: (typeof LIMIT_KEYS)[number], parse: (text: string) => T | null): T | null => {
    const value = values.get(key)
    const limit = value === undefined ? null : parse(value)
    if (value !== undefined && limit === null)
      problems.push({ entry: `${key}=${value}`, form: LIMIT_FORMS[key], hint: null })
    return limit
  }
  const limits: Limits = {
    maxSize: parsedLimit('max-size', parseBytes),
    maxDownloadSize: parsedLimit('max-download-size', parseBytes),
    maxLayers: parsedLimit('max-layers', parseCount),
    maxIncrease: parsedLimit('max-increase', parseIncrease),
  }
  const over = parseOver(values.get('over'))
  if (over !== null && 'form' in over) problems.push(over)
  const level = values.get('level') ?? 'fail'
  if (level !== 'fail' && level !== 'warn')
    problems.push({ entry: `level=${level}`, form: '`fail` or `warn`', hint: null })
  if (
    problems.length > 0 ||
    (scope !== null && 'form' in scope) ||
    (over !== null && 'form' in over) ||
    (level !== 'fail' && level !== 'warn')
  )
    return { budget: null, problems }
  return { budget: { line, scope, level, over, limits }, problems: [] }
}

/** All that a line with `over` may have. */
const OVER_KEYS = ['max-increase', 'over', 'level'] as const satisfies Key[]

/** `30d`, `4w`, `release`; null where there is none. */
function parseOver(value: string | undefined): Over | Problem | null {
  if (value === undefined) return null
  if (value === 'release') return { kind: 'release' }
  const days = parseDays(value)
  return days === null ? { entry: `over=${value}`, form: OVER_FORM, hint: closeOver(value) } : { kind: 'days', days }
}

function parseDays(value: string): number | null {
  const [, count, unit] = /^([1-9]\d{0,3})([dw])$/.exec(value) ?? []
  if (count === undefined) return null
  const days = Number(count) * (unit === 'w' ? 7 : 1)
  return days <= MAX_DAYS ? days : null
}

/** `30 days` was meant as `30d`, `releases` as `release`. */
function closeOver(value: string): string | null {
  const [, count, unit] = /^(\d{1,6}) ?([dw])[a-z]*$/i.exec(value) ?? []
  if (count === undefined || unit === undefined)
    return closestMatch(value.slice(0, 100).toLowerCase(), ['release'], { maxDistance: 2 }) ?? null
  const meant = `${Number(count)}${unit.toLowerCase()}`
  return parseDays(meant) === null ? null : meant
}

/** Limits of what is counted in files. */
const PAYLOAD_KEYS = ['max-size', 'max-increase'] as const

function parseScope(values: ReadonlyMap<Key, string>): LimitScope | Problem | null {
  const scope = values.get('scope')
  if (scope !== undefined) {
    if (scope === 'own' || scope === 'base') return { kind: scope, of: null }
    return {
      entry: `scope=${scope}`,
      form: '`own` (the layers of the Dockerfile itself) or `base` (those of the base image)',
      hint: closestMatch(scope.slice(0, 100).toLowerCase(), ['own', 'base'], { maxDistance: 2 }) ?? null,
    }
  }
  const path = values.get('path')
  if (path !== undefined) {
    if (isGlob(path)) return { kind: 'path', of: path }
    return {
      entry: `path=${path}`,
      form: 'an absolute path, which may have `*`, `?` and `**`: `/app/node_modules`, `/app/**/*.map`',
      hint: null,
    }
  }
  const stage = values.get('stage')
  if (stage !== undefined) {
    if (/^[\w][\w.-]{0,127}$/.test(stage)) return { kind: 'stage', of: stage }
    return { entry: `stage=${stage}`, form: "a stage's name or number", hint: null }
  }
  const name = values.get('package')
  if (name === undefined) return null
  const [, prefix] = /^([a-z]+):/.exec(name) ?? []
  const other = prefix === undefined ? undefined : (ALSO_KNOWN.get(prefix) ?? closeEcosystem(prefix))
  if (other === undefined && name.length <= 300) return { kind: 'package', of: name }
  return {
    entry: `package=${name}`,
    form: `a package's name, or behind one of ${list(ECOSYSTEMS)} and a colon: \`typescript\`, \`dpkg:libssl3\``,
    hint: other === undefined ? null : `${other}:${name.slice(prefix!.length + 1)}`,
  }
}

/** A misspelt ecosystem: a name of a package may have a colon itself (`junit:junit`), and those are further away. */
function closeEcosystem(prefix: string): string | undefined {
  if (ECOSYSTEMS.some((known) => known === prefix)) return undefined
  return closestMatch(prefix, [...ECOSYSTEMS], { maxDistance: 1 })
}

/** An absolute path without `.`, `..` and empty names: no file of an image has one of these. */
function isGlob(path: string): boolean {
  if (!path.startsWith('/')) return false
  const names = path.slice(1).replace(/\/$/, '').split('/')
  return names.every((name) => name !== '' && name !== '.' && name !== '..')
}

function hasControls(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  return /[\u0000-\u001f\u007f]/.test(value)
}
