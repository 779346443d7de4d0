import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { closestMatch } from 'leven'
import { isOutside } from './build/paths.ts'
import type { Exec } from './exec.ts'
import { CouldNotMeasure, toFailure } from './failure.ts'
import { findImages, type FindWorld, type FoundImage } from './find-images.ts'
import { openRepository } from './git/git.ts'
import { BUDGET_FILE, BUDGET_FILE_MAX, parseBudgetFile, type BudgetFile, type FileImage } from './inputs/budget-file.ts'
import type { Extended } from './inputs/extends.ts'
import {
  FINDING,
  givenInputs,
  inputNames,
  inputsOf,
  notValid,
  onOneLine,
  parseInputs,
  placed,
  problemsOf,
  type Given,
  type GivenValues,
  type InputName,
  type Inputs,
} from './inputs/inputs.ts'
import { parseCommaOrLines } from './inputs/list.ts'
import {
  OF_AN_IMAGE,
  problemsOfEntries,
  problemsOfSeveral,
  seenFrom,
  selectImages,
  selectNamed,
  settingsOf,
} from './inputs/settings.ts'

/** Where a budget file is looked for. */
export type ConfigureWorld = Pick<FindWorld, 'exec' | 'cwd'> & {
  /** The file is found by itself where no input names it; without that, only the one that is named is read. */
  isFound: boolean
  /** Where files of other repositories are read; null: nowhere, and what a file extends has no say. */
  remote: Remote | null
}

/** `owner`: whose the repository is that is measured; null: that is not known. */
export type Remote = { owner: () => Promise<string | null>; read: ReadRemote }

/** Reads a file of another repository, at most a byte more than `limit`; or says why not, as a clause. */
export type ReadRemote = (
  file: Extended,
  limit: number,
) => Promise<{ bytes: Uint8Array; why: null } | { bytes: null; why: string }>

/** What a run is asked for: each image's inputs, and those of the run as a whole, which are the image's where there is one. */
export type Configured = {
  images: Inputs[]
  common: Inputs
  /** They are of a list, or found: there may be more of them tomorrow. */
  areSeveral: boolean
  /** Absolute paths of the budget file that was read: as it is named, and with links resolved. [] for none. */
  files: string[]
}

/**
 * What the user asked for: inputs (texts by their names, '' for one that is not given), then the budget file, then the defaults. Throws one
 * CouldNotMeasure `input` with all that is wrong with inputs and file.
 */
export async function configure(
  values: Record<string, string>,
  world: ConfigureWorld & FindWorld,
): Promise<Configured> {
  const found = await openBudgetFile(values, world)
  const given = givenInputs(values)
  const asked = settingsOf(given, found?.file ?? null, null)
  if (FINDING.some((name) => asked.has(name))) return configureFound(found, given, asked, world)
  const wanted = namesIn(given)
  const images = found === null ? null : selectImages(found.file, wanted)
  if (found === null || images === null) {
    if (given.has('images'))
      throw new CouldNotMeasure(
        'input',
        `\`images\` names images of a budget file, and there is ${found === null ? 'none' : 'no list of them in it'}.`,
        { remedy: `The list is \`images\` of ${BUDGET_FILE}, each with a \`name\`.` },
      )
    const inputs = found === null ? parseInputs(values) : read(found, given, null)
    return { images: [inputs], common: inputs, areSeveral: false, files: found?.paths ?? [] }
  }
  const [image] = images
  if (image !== undefined && images.length === 1) {
    const inputs = read(found, given, image)
    return {
      images: [inputs],
      common: inputs,
      areSeveral: !given.has('name') && (found.file.images?.length ?? 0) > 1,
      files: found.paths,
    }
  }
  const { path } = found.file
  const problems = [
    ...problemsOfSeveral(given, path, images),
    ...images.flatMap((each) => problemsOf(settingsOf(given, found.file, each))),
  ]
  if (problems.length > 0) throw notValid([...new Set(problems)], true)
  return {
    images: images.map((each) => read(found, given, each)),
    common: read(found, given, null),
    areSeveral: true,
    files: found.paths,
  }
}

/** Whether a broken budget of an image fails the job, by the image's name. */
export function failsOf({ images }: Pick<Configured, 'images'>): (name: string) => boolean {
  const [one] = images
  // One alone may have no name yet.
  if (one !== undefined && images.length === 1) return () => one.fail
  const soft = new Set(images.flatMap(({ name, fail }) => (fail ? [] : [name])))
  return (name) => !soft.has(name)
}

/** What a run that reads reports is asked for. */
export type ConfiguredReports = {
  common: Inputs
  /** Names of images that a report has to be there of: those that are given, else those of the budget file, where there is one with a list. */
  expected: string[]
  /** Whether a broken budget of an image fails the job, by the image's name. */
  fails: (name: string) => boolean
}

/** What an input still says where nothing is measured. */
const OF_REPORTING: ReadonlySet<string> = new Set<InputName>([
  'name',
  'config',
  'images',
  'accept-label',
  'comment',
  'fail',
  'mode',
  'reports',
  'allow-pull-request-target',
  'github-token',
])

/** The same for `mode: report`, which needs no checkout: a budget file is read where one is there. Throws as `configure`. */
export async function configureReports(
  values: Record<string, string>,
  world: ConfigureWorld,
): Promise<ConfiguredReports> {
  const found = await openBudgetFile(values, world)
  const given = givenInputs(values)
  const problems = [
    ...problemsOf(found === null ? given : settingsOf(given, found.file, null)),
    ...[...given.keys()]
      .filter((name) => !OF_REPORTING.has(name) && inputNames.some((known) => known === name))
      .map((name) => `\`${name}\` is given, but with \`mode: report\` nothing is measured: it has no effect.`),
  ]
  const wanted = namesIn(given)
  const finding = FINDING.find((name) => found?.file.defaults.has(name))
  if (finding !== undefined && wanted.length === 0)
    problems.push(
      `\`images\` is not given, and nothing else tells which images \`${finding}\` of ${found?.file.path ?? ''} finds: it names those that a report has to be there of.`,
    )
  if (problems.length > 0) throw notValid(problems, found !== null)
  const common = found === null ? parseInputs(values) : read(found, given, null)
  const images = found?.file.images ?? []
  // The file's own values have been checked.
  const fails = new Map(
    images.map((image) => [
      image.name,
      settingsOf(given, found!.file, image).get('fail')?.text.trim().toLowerCase() !== 'false',
    ]),
  )
  return {
    common,
    expected: wanted.length > 0 ? wanted : images.map(({ name }) => name),
    fails: (name) => fails.get(name) ?? common.fail,
  }
}

/**
 * The images that Dockerfiles and targets make, each with its entry of the file's list, where there is one; and the entries that have a build
 * of their own.
 */
async function configureFound(
  found: Found | null,
  given: GivenValues,
  asked: GivenValues,
  world: FindWorld,
): Promise<Configured> {
  const wanted = namesIn(given)
  const common = inputsOf(without(asked, ['name', 'images']))
  const isFromFile = (name: InputName): boolean => (asked.get(name)?.place ?? null) !== null
  const images = await findImages(seenFrom(found?.top ?? '', common, isFromFile), isFromFile, world)
  const entries = found?.file.images ?? []
  const path = found?.file.path ?? ''
  const others = entries.filter(({ name }) => images.every((image) => image.name !== name))
  const problems = [
    ...problemsOfFound(path, entries, images),
    ...(others.length > 0 ? problemsOfSeveral(given, path, others) : []),
    ...problemsOfEntries(
      path,
      entries.filter((entry) => !others.includes(entry)),
    ),
  ]
  if (problems.length > 0) throw notValid(problems, true)
  const settings = selectNamed(
    path === '' ? 'What is found' : path,
    [
      ...images.map((image) => {
        const entry = entries.find(({ name }) => name === image.name) ?? null
        const values = without(settingsOf(given, found?.file ?? null, entry, image), [...FINDING, 'images'])
        return { name: image.name, image, values: values.set('name', { text: image.name, place: null }) }
      }),
      ...others.map((entry) => ({
        name: entry.name,
        image: null,
        values: without(settingsOf(given, found?.file ?? null, entry), [...FINDING, 'images']),
      })),
    ],
    wanted,
  )
  const wrong = settings.flatMap(({ values }) => problemsOf(values))
  if (wrong.length > 0) throw notValid([...new Set(wrong)], true)
  const configured = settings.map(({ image, values }): Inputs => {
    const inputs = seenFrom(found?.top ?? '', inputsOf(values), (name) => (values.get(name)?.place ?? null) !== null)
    if (image === null || image.bake === null) return inputs
    // The bake file's folder is where each target's own context is found from.
    const isOwn = resolve(world.cwd, inputs.context) === resolve(world.cwd, image.bake.folder)
    inputs.bake = Object.assign(image.bake, { context: isOwn ? null : inputs.context })
    return inputs
  })
  const context = asked.get('context')
  const moved = configured.filter(
    ({ bake }, at) => bake?.context != null && settings[at]!.values.get('context') === context,
  )
  if (context !== undefined && moved.length > 1) {
    // What is built of the wrong folder would be told as their image.
    const words = `\`context\` is \`${onOneLine(context.text)}\`, one folder for ${moved.length} targets of the bake file, which have contexts of their own; leave it out, or name one of the images.`
    throw notValid([context.place === null ? words : placed(context.place.file, context.place.line, words)], true)
  }
  const [one] = configured
  const isOne = one !== undefined && configured.length === 1
  return { images: configured, common: isOne ? one : common, areSeveral: !given.has('name'), files: found?.paths ?? [] }
}

/** What is wrong with a file's list beside images that are found, a sentence each. */
function problemsOfFound(path: string, entries: readonly FileImage[], images: readonly FoundImage[]): string[] {
  const names = images.map(({ name }) => name)
  return entries.flatMap(({ name, line, values }) => {
    const image = images.find((each) => each.name === name)
    const own = OF_AN_IMAGE.filter((key) => values.has(key))
    const clash = image && own.find((key) => key === 'image' || (key === 'file' && image.bake === null))
    if (clash !== undefined)
      return [
        placed(
          path,
          values.get(clash)?.place?.line ?? line,
          `\`${clash}\` is given for \`${onOneLine(name)}\`, which is found as ${image?.origin ?? ''}; leave one of the two out.`,
        ),
      ]
    if (image !== undefined || own.length > 0) return []
    const near = closestMatch(name.slice(0, 100), names, { maxDistance: 10 })
    const words = `the image \`${onOneLine(name)}\` is none that is found, and has no build of its own (${OF_AN_IMAGE.map((key) => `\`${key}\``).join(', ')})`
    return [placed(path, line, `${words}${near === undefined ? '.' : `; did you mean \`${onOneLine(near)}\`?`}`)]
  })
}

function without(values: GivenValues, names: readonly string[]): Map<string, Given> {
  return new Map([...values].filter(([name]) => !names.includes(name)))
}

/** The names of the images that are wanted; [] for all. */
function namesIn(given: GivenValues): string[] {
  const [name, names] = [given.get('name')?.text.trim(), given.get('images')?.text]
  if (name !== undefined && names !== undefined)
    throw new CouldNotMeasure('input', '`name` and `images` are both given; `images` takes one name too.')
  return name === undefined ? [...new Set(parseCommaOrLines(names ?? ''))] : [name]
}

function read({ file, top }: Found, given: GivenValues, image: FileImage | null): Inputs {
  const settings = settingsOf(given, file, image)
  return seenFrom(top, inputsOf(settings), (name) => (settings.get(name)?.place ?? null) !== null)
}

/** The inputs that `history` takes, `name` and `data-branch`, with what a budget file says of the latter. Throws as `configure`. */
export async function configureHistory(
  { config, ...values }: Record<string, string>,
  world: ConfigureWorld,
): Promise<Record<string, string>> {
  const found = await openBudgetFile({ ...values, config: config ?? '' }, { ...world, remote: null })
  if (found === null) return values
  // What is recorded may have a name that the file does not know, or no longer.
  const image = found.file.images?.find(({ name }) => name === values['name']?.trim()) ?? null
  const branch = settingsOf(givenInputs(values), found.file, image).get('data-branch')
  return { ...values, ...(branch && { 'data-branch': branch.text }) }
}

/** A budget file, its absolute paths (as it is named, and with links resolved), and the repository's top folder as its path from the working directory. */
type Found = { file: BudgetFile; paths: string[]; top: string }

/**
 * The budget file; null where there is none, or none is wanted.
 * Throws CouldNotMeasure `input` where it is named and not there, or not valid.
 */
async function openBudgetFile(
  values: Record<string, string>,
  { exec, cwd, isFound, remote }: ConfigureWorld,
): Promise<Found | null> {
  const config = values['config']?.trim() ?? ''
  if (config.toLowerCase() === 'off' || (config === '' && !isFound)) return null
  const here = await realpath(cwd)
  const context = await realpath(resolve(here, values['context']?.trim() || '.')).catch(() => here)
  // An image where it lies needs no repository, nor git.
  const root = await openRepository(exec, context).then(
    (repository) => repository.root,
    (error: unknown) => {
      if (toFailure(error).kind === 'cancelled') throw error
      return here
    },
  )
  const shown = config === '' ? BUDGET_FILE : onOneLine(config)
  const path = config === '' ? join(root, BUDGET_FILE) : resolve(here, config)
  const bytes = await readBudgetFile(path, shown, root)
  if (bytes === null && config === '') return null
  if (bytes === null)
    throw new CouldNotMeasure('input', `\`config\` names \`${shown}\`, and there is no such file.`, {
      remedy: `It is a path from the working directory; without it ${BUDGET_FILE} is read where it is there.`,
    })
  const { file, problems } = parseBudgetFile(bytes, shown)
  if (file === null) throw notValid([...problems, ...problemsOf(givenInputs(values))], true)
  if (file.extends !== null && remote !== null) {
    const { defaults } = await readExtended(file.path, file.extends, remote)
    file.defaults = new Map([...defaults, ...file.defaults])
  }
  return { file, paths: [path, await realpath(path)], top: relative(here, root) }
}

/** The file that a budget file extends. One that cannot be had is an error: without it there might be no limit at all. */
async function readExtended(
  path: string,
  named: NonNullable<BudgetFile['extends']>,
  remote: Remote,
): Promise<BudgetFile> {
  const { owner, repository, line, ref } = named
  const shown = `${owner}/${repository}/${named.path}${ref === null ? '' : `@${ref}`}`
  const refuse = (why: string, remedy: string | null = null): CouldNotMeasure =>
    new CouldNotMeasure('input', placed(path, line, `\`extends\` has \`${shown}\`, ${why}.`), { remedy })
  const own = await remote.owner()
  if (own === null) throw refuse('and whose this repository is is not known', 'In a clone its remote `origin` tells.')
  if (own.toLowerCase() !== owner.toLowerCase())
    throw refuse(`and this repository is ${own}’s: it takes a file of the same owner`)
  const { bytes, why } = await remote.read(named, BUDGET_FILE_MAX)
  if (bytes === null)
    throw refuse(
      why,
      'A private repository can be read with a token of its own alone: `github-token`, on a terminal `GITHUB_TOKEN`.',
    )
  const { file, problems } = parseBudgetFile(bytes, shown)
  if (file === null) throw notValid(problems, true)
  if (file.extends !== null) throw refuse('which extends another file itself; only one is read')
  if (file.images !== null) throw refuse('which has a list of images; only what is for all images can be extended')
  return file
}

/**
 * At most a byte more than a budget file may have; null where there is no file. A pull request can make it anything: a link out of the
 * repository (`root`), whose text an error would show, or what never ends, is refused.
 */
async function readBudgetFile(path: string, shown: string, root: string): Promise<Uint8Array | null> {
  const refuse = (why: string): CouldNotMeasure => new CouldNotMeasure('input', `${shown} cannot be read: ${why}.`)
  try {
    const real = await realpath(path)
    if (!isOutside(relative(root, path)) && isOutside(relative(root, real)))
      throw refuse('it is a link out of the repository')
    if (!(await stat(real)).isFile()) throw refuse('it is no file')
    const chunks: Buffer[] = []
    for await (const chunk of createReadStream(real, { end: BUDGET_FILE_MAX })) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof CouldNotMeasure) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw refuse(message)
  }
}

/** The owner of the repository that the clone's remote is, by its address (`https://server/owner/repository`, `git@server:owner/repository`); null: it is on another server. */
export async function ownerOfRemote(exec: Exec, cwd: string, server: string): Promise<string | null> {
  const { exitCode, stdout } = await exec('git', ['remote', 'get-url', 'origin'], { cwd })
  if (exitCode !== 0) return null
  const address = /^(?:\w+:\/\/)?(?:[^@/\s]*@)?([\w.-]+)(?::\d+)?[/:]([\w.-]+)\/[\w.-]+\/?$/.exec(stdout.trim())
  return address?.[1]?.toLowerCase() === server.toLowerCase() ? (address[2] ?? null) : null
}
