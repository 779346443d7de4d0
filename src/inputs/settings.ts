import { isAbsolute, join } from 'node:path'
import { closestMatch } from 'leven'
import { CouldNotMeasure } from '../failure.ts'
import type { BudgetFile, FileImage } from './budget-file.ts'
import {
  BUILDING,
  FINDING,
  onOneLine,
  placed,
  type Given,
  type GivenValues,
  type InputName,
  type Inputs,
} from './inputs.ts'
import { withPathAt } from './named-context.ts'
import type { ImageReference } from './reference.ts'

/** Names that an error lists. */
const LISTED = 50

/**
 * The images of a file that a run measures: all, or those that are named (`names` [] for all); null where the file has no list of images,
 * and is of whatever image is measured. In the file's order. Throws CouldNotMeasure `input` for a name that it does not have.
 */
export function selectImages({ path, images }: BudgetFile, names: readonly string[]): FileImage[] | null {
  if (images === null) return null
  if (names.length === 0) return images
  return selectNamed(path, images, names)
}

/** The same of any images; `path` is what has them. */
export function selectNamed<T extends { name: string }>(path: string, images: T[], names: readonly string[]): T[] {
  if (names.length === 0) return images
  const known = images.map((image) => image.name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length === 0) return images.filter(({ name }) => names.includes(name))
  const told = unknown.slice(0, LISTED).map((name) => {
    const near = closestMatch(name.slice(0, 100), known, { maxDistance: 3 })
    const hint = near === undefined ? '.' : `; did you mean \`${onOneLine(near)}\`?`
    return `${path} has no image \`${onOneLine(name)}\`${hint}`
  })
  const listed = `${known
    .slice(0, LISTED)
    .map((each) => `\`${onOneLine(each)}\``)
    .join(', ')}${known.length > LISTED ? ', …' : ''}`
  throw new CouldNotMeasure('input', told.join('\n'), {
    remedy: `The inputs \`name\` and \`images\` take those that it has: ${listed}.`,
  })
}

/** What a run of several images has once: a place in the file's list would say it for one of them. */
export const OF_THE_RUN = ['accept-label', 'base-ref', 'data-branch', 'comment'] as const satisfies InputName[]

/** What tells one image from another: given as an input it would be all images'. */
export const OF_AN_IMAGE = ['image', 'context', 'file', 'target'] as const satisfies InputName[]

/** What does not go together where a run measures several images, a sentence each. */
export function problemsOfSeveral(inputs: GivenValues, path: string, images: readonly FileImage[]): string[] {
  return [...problemsOfAll(inputs, path, images.length), ...problemsOfEntries(path, images)]
}

function problemsOfAll(inputs: GivenValues, path: string, count: number): string[] {
  return OF_AN_IMAGE.filter((name) => inputs.has(name)).map(
    (name) =>
      `\`${name}\` is given as an input, and this run measures ${count} images of ${path}; there it is each image's own, and \`name\` measures one of them.`,
  )
}

/** What entries of a file's list say of the run as a whole. */
export function problemsOfEntries(path: string, images: readonly FileImage[]): string[] {
  return images.flatMap(({ values }) =>
    OF_THE_RUN.flatMap((name) => {
      const place = values.get(name)?.place
      return place
        ? [
            placed(
              path,
              place.line,
              `\`${name}\` is the same for all images of a run; it stands at the top of the file.`,
            ),
          ]
        : []
    }),
  )
}

/**
 * What is set, by name: inputs come before the image's entry, and that before the file's defaults. An image that is measured as it is has nothing to build: what lower levels say of building, and of what there is to build, is left out. `found`: of an
 * image that a Dockerfile or a target makes, what that says.
 */
export function settingsOf(
  inputs: GivenValues,
  file: BudgetFile | null,
  image: FileImage | null,
  found: { weak: GivenValues; own: GivenValues } | null = null,
): Map<string, Given> {
  const none: GivenValues = new Map()
  const settings = new Map<string, Given>()
  // An image's folder is never where somebody happens to stand.
  if (file !== null && image !== null && found === null)
    settings.set('context', { text: '.', place: { file: file.path, line: image.line, entries: [] } })
  for (const level of [
    found?.weak ?? none,
    file?.defaults ?? none,
    image?.values ?? none,
    found?.own ?? none,
    inputs,
  ]) {
    if (level.get('image')?.text) for (const name of [...BUILDING, ...FINDING, 'context']) settings.delete(name)
    for (const [name, given] of level) settings.set(name, given)
  }
  return settings
}

/** Inputs that have paths in them. */
const WITH_PATHS = [
  'context',
  'file',
  'build-contexts',
  'secret-files',
  'cache-from',
  'cache-to',
  'image',
  'baseline',
] as const satisfies InputName[]

/**
 * The inputs with the paths that came from the file (`isFromFile`) seen from the working directory: in the file they are from the
 * repository's top folder. `top` is that folder's path from the working directory, '' where they are the same.
 */
export function seenFrom(top: string, inputs: Inputs, isFromFile: (name: InputName) => boolean): Inputs {
  if (top === '' || !WITH_PATHS.some(isFromFile)) return inputs
  const at = (path: string): string => (isAbsolute(path) ? path : join(top, path))
  const reference = (image: ImageReference): ImageReference =>
    image.transport === 'docker' || image.transport === 'docker-daemon' ? image : { ...image, path: at(image.path) }
  const cache = (entry: string): string =>
    /(?:^|,)type=local(?:,|$)/.test(entry)
      ? entry.replaceAll(/(^|,)(src|dest)=([^,"]+)/g, (_, comma, key, path) => `${comma}${key}=${at(path)}`)
      : entry
  const seen = { ...inputs }
  if (isFromFile('context')) seen.context = at(inputs.context)
  if (isFromFile('file') && inputs.file !== null) seen.file = at(inputs.file)
  if (isFromFile('build-contexts'))
    seen.buildContexts = inputs.buildContexts.map(({ name, value }) => ({ name, value: withPathAt(value, at, at) }))
  if (isFromFile('secret-files')) seen.secretFiles = inputs.secretFiles.map(({ id, path }) => ({ id, path: at(path) }))
  if (isFromFile('cache-from')) seen.cacheFrom = inputs.cacheFrom.map(cache)
  if (isFromFile('cache-to')) seen.cacheTo = inputs.cacheTo.map(cache)
  if (isFromFile('image') && inputs.image !== null) seen.image = reference(inputs.image)
  if (isFromFile('baseline') && typeof inputs.baseline === 'object') seen.baseline = reference(inputs.baseline)
  return seen
}
