import { isAbsolute, join } from 'node:path'
import { closestMatch } from 'leven'
import { CouldNotMeasure } from '../failure.ts'
import type { BudgetFile, FileImage } from './budget-file.ts'
import { BUILDING, onOneLine, type Given, type GivenValues, type InputName, type Inputs } from './inputs.ts'
import type { ImageReference } from './reference.ts'

/** Names that an error lists. */
const LISTED = 50

/**
 * The image of a file that a run measures: the one that is named, or the only one; null where the file has no list of images, and is of
 * whatever image is measured. Throws CouldNotMeasure `input` where that leaves none or several.
 */
export function selectImage({ path, images }: BudgetFile, name: string | null): FileImage | null {
  if (images === null) return null
  const names = images.map((image) => image.name)
  const listed = `${names
    .slice(0, LISTED)
    .map((each) => `\`${onOneLine(each)}\``)
    .join(', ')}${names.length > LISTED ? ', …' : ''}`
  if (name !== null) {
    const found = images.find((image) => image.name === name)
    if (found !== undefined) return found
    const near = closestMatch(name.slice(0, 100), names, { maxDistance: 3 })
    throw new CouldNotMeasure(
      'input',
      `${path} has no image \`${onOneLine(name)}\`${near === undefined ? '.' : `; did you mean \`${onOneLine(near)}\`?`}`,
      { remedy: `The input \`name\` takes one that it has: ${listed}.` },
    )
  }
  if (images.length === 1) return images[0]!
  throw new CouldNotMeasure(
    'input',
    `${path} has ${images.length} images, and one run measures one of them: ${listed}.`,
    {
      remedy:
        'Give each its own job or step with the input `name` (a matrix of names, say); on a terminal it is `--name`.',
    },
  )
}

/**
 * What is set, by name: inputs come before the image's entry, and that before the file's defaults. An image that is measured as it is has
 * nothing to build: what lower levels say of building is left out.
 */
export function settingsOf(inputs: GivenValues, file: BudgetFile | null, image: FileImage | null): Map<string, Given> {
  const none: GivenValues = new Map()
  const settings = new Map<string, Given>()
  // An image's folder is never where somebody happens to stand.
  if (file !== null && image !== null)
    settings.set('context', { text: '.', place: { file: file.path, line: image.line, entries: [] } })
  for (const level of [file?.defaults ?? none, image?.values ?? none, inputs]) {
    if (level.get('image')?.text) for (const name of [...BUILDING, 'context']) settings.delete(name)
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
    seen.buildContexts = inputs.buildContexts.map(({ name, value }) => ({ name, value: namedContext(value, at) }))
  if (isFromFile('secret-files')) seen.secretFiles = inputs.secretFiles.map(({ id, path }) => ({ id, path: at(path) }))
  if (isFromFile('cache-from')) seen.cacheFrom = inputs.cacheFrom.map(cache)
  if (isFromFile('cache-to')) seen.cacheTo = inputs.cacheTo.map(cache)
  if (isFromFile('image') && inputs.image !== null) seen.image = reference(inputs.image)
  if (isFromFile('baseline') && typeof inputs.baseline === 'object') seen.baseline = reference(inputs.baseline)
  return seen
}

/** The value of a named context; a URL, an image or another target is no path. */
function namedContext(value: string, at: (path: string) => string): string {
  const layout = /^oci-layout:\/\/(?!\/)(.+)$/.exec(value)
  if (layout) return `oci-layout://${at(layout[1]!)}`
  return /^[\w+.-]+:\/\/|^target:|^git@/.test(value) ? value : at(value)
}
