import { createHash } from 'node:crypto'
import { join, relative, resolve } from 'node:path'
import type { BakeTarget, Inputs } from '../inputs/inputs.ts'
import type { Recipe } from './record.ts'

/** What of a run a recipe takes. */
export type RecipeRun = {
  /** Absolute path that the inputs' paths are relative to, and the one that they are told from: the repository's top folder. */
  cwd: string
  root: string
  /** Where build arguments without a value (`KEY`) take it from. */
  env: Readonly<Record<string, string | undefined>>
  /** The commit that is built, and the one that was pushed where that is another; 40 or 64 hex digits. */
  commits: readonly string[]
  /** What else is another one in each run and means nothing: the run's id and number, the branch's or pull request's name. */
  volatile: readonly string[]
}

/** What shaped a build as the inputs have it: see `Recipe`. What differs from run to run alone makes no other recipe. */
export function recipeOf(inputs: Inputs, run: RecipeRun): Recipe {
  const steady = createSteady(run)
  const parts = new Map(inputs.bake === null ? placesOf(inputs, run) : bakePartsOf(inputs, inputs.bake, run, steady))
  if (inputs.target !== null) parts.set('target', inputs.target)
  if (inputs.beforeBuild !== null) parts.set('before-build', steady(inputs.beforeBuild))
  const contexts = inputs.buildContexts.map(({ name, value }) => [name, steady(value)])
  if (contexts.length > 0) parts.set('build-contexts', JSON.stringify(contexts.toSorted(byKey)))
  for (const argument of inputs.buildArgs) {
    const at = argument.indexOf('=')
    const key = at === -1 ? argument : argument.slice(0, at)
    const value = at === -1 ? run.env[key] : argument.slice(at + 1)
    // Without a value an argument is not given, unlike with an empty one. Of a key that is given twice the last value holds.
    parts.set(`build-args ${key.slice(0, MAX_KEY)}`, value === undefined ? 'no' : `a ${steady(value)}`)
  }
  const checksums = [...parts].map(([part, value]) => [part, checksumOf(part, value)] as const)
  return Object.fromEntries(checksums.toSorted(byKey))
}

/** Where the build is made. */
function placesOf(inputs: Inputs, run: RecipeRun): [part: string, value: string][] {
  const context = resolve(run.cwd, inputs.context)
  const file = resolve(run.cwd, inputs.file ?? join(inputs.context, 'Dockerfile'))
  return [
    ['context', pathFrom(run.root, context)],
    // From the context: where that alone is another one, this is not.
    ['file', pathFrom(context, file)],
  ]
}

/**
 * Of a target of a bake file: which one it is, what comes before what it says, and its build arguments, which a run's environment may have
 * shaped. The rest of the bake file is the commit's, as a Dockerfile is.
 */
function bakePartsOf(
  inputs: Inputs,
  bake: BakeTarget,
  run: RecipeRun,
  steady: (text: string) => string,
): [part: string, value: string][] {
  const folder = resolve(run.cwd, bake.folder)
  return [
    ['bake-files', JSON.stringify([pathFrom(run.root, folder), bake.files])],
    ['bake-targets', bake.target],
    ...(bake.context === null
      ? []
      : [['context', pathFrom(run.root, resolve(run.cwd, bake.context))] as [string, string]]),
    ...(inputs.file === null ? [] : [['file', pathFrom(run.root, resolve(run.cwd, inputs.file))] as [string, string]]),
    ...Object.entries(bake.args).map(([key, value]): [string, string] => [
      `build-args ${key.slice(0, MAX_KEY)}`,
      `a ${steady(value)}`,
    ]),
  ]
}

function pathFrom(folder: string, path: string): string {
  return relative(folder, path).replaceAll('\\', '/')
}

/** Characters of a build argument's name that are told apart. */
const MAX_KEY = 200

function byKey([one = '']: readonly string[], [other = '']: readonly string[]): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** 16 bits: enough to tell another value, and of one that is hard to guess far too few to tell it. */
function checksumOf(part: string, value: string): string {
  return createHash('sha256').update(`${part}\0${value}`).digest('hex').slice(0, 4)
}

/** Characters of what differs from run to run; longer ones are no names. */
const MAX_VOLATILE = 500
/** `2026-11-21`, `2026-11-21T10:00:00Z`, `2026-11-21 10:00:00.123+01:00`. */
const TIME =
  /(?<![0-9A-Za-z])\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?(?![0-9A-Za-z])/g

/** Replaces in a text what differs from run to run and means nothing, where it stands as a word of its own, and times. */
function createSteady({ commits, volatile }: RecipeRun): (text: string) => string {
  const hashes = commits.flatMap((commit) => [
    commit,
    ...[12, 11, 10, 9, 8, 7].map((length) => commit.slice(0, length)),
  ])
  const names = volatile.filter((each) => each !== '' && each.length <= MAX_VOLATILE)
  // A branch's name in an image's tag: what a tag cannot have is a dash there.
  const tags = names.map((each) => each.replaceAll(/[^0-9A-Za-z._-]+/g, '-'))
  // As `git describe` has it, `v1.2.0-14-g2414721`: commits since the tag, and a `g` before the hash.
  const described = String.raw`(?:-\d{1,9}-g|(?<![0-9A-Za-z])g?)(?:${anyOf(hashes)})`
  const named = String.raw`(?<![0-9A-Za-z])(?:${anyOf([...names, ...tags])})`
  const words = new RegExp(String.raw`(?:${described}|${named})(?![0-9A-Za-z])`, 'g')
  return (text) => text.replaceAll(words, '\0').replaceAll(TIME, '\0')
}

/** A pattern for any of these texts, the longest first; for none, one that matches nothing. */
function anyOf(texts: readonly string[]): string {
  const longestFirst = [...new Set(texts)].toSorted((one, other) => other.length - one.length)
  return longestFirst.length === 0 ? '(?!)' : longestFirst.map(escaped).join('|')
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)
}

/** How many parts are named. */
const MAX_NAMED = 3

/**
 * Why an image that was built by the one recipe is not comparable with one of the other, as a clause: "`target` is another one, and the
 * build argument `VERSION` has another value". Null where the recipes are alike. At most some 900 characters.
 */
export function unlikeRecipe(before: Recipe, now: Recipe): string | null {
  const [had, has] = [new Map(Object.entries(before)), new Map(Object.entries(now))]
  const parts = [...new Set([...had.keys(), ...has.keys()])]
  const unlike = parts.filter((part) => had.get(part) !== has.get(part)).toSorted()
  if (unlike.length === 0) return null
  const named = unlike.slice(0, MAX_NAMED).map((part) => clauseOf(part, had.has(part), has.has(part)))
  const more = unlike.length - named.length
  if (more > 0) named.push(`${more} ${more === 1 ? 'input differs' : 'inputs differ'} besides`)
  const last = named.pop()!
  return named.length === 0 ? last : `${named.join(', ')}, and ${last}`
}

function clauseOf(part: string, was: boolean, is: boolean): string {
  const [, key] = /^build-args (.+)$/.exec(part) ?? []
  if (key === undefined) return `\`${part}\` is another one`
  return `the build argument \`${key}\` ${was ? (is ? 'has another value' : 'is gone') : 'is new'}`
}
