import { basename } from 'node:path/posix'
import { grouped } from '../groups.ts'
import { byFolder, filesOf, folderOf, type ImageFile } from '../image/runs.ts'
import { CHECKSUM_FLOOR } from '../image/layer/entries.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import { bloatFiles } from './context-bloat.ts'
import type { Found, Rule } from './finding.ts'
import { keywordOf, lineOf, onlyGives } from './instruction.ts'
import { changesOf, shipOnce, type Fate, type Succession } from './ship-once.ts'
import { bytesOf, commonFolder, findingIn, folderAt, heaviest, isOwn, largestFirst } from './weigh.ts'

/** Bytes from which it is worth a word; of what came with the base image, which only another one gives back. */
const FLOOR = 100_000
const BASE_FLOOR = 1_000_000

/** What every run of a package manager writes anew: its records, and what it generates of all that is installed. */
const RECORDS =
  /^\/(?:var\/lib\/(?:dpkg|rpm|apt\/(?!lists\/))|var\/cache\/(?:debconf|ldconfig)|var\/log|usr\/lib\/sysimage|(?:usr\/)?lib\/apk\/db|etc\/apk)\/|^\/etc\/(?:ld\.so\.cache|passwd-?|group-?|g?shadow-?|ssl\/certs\/ca-certificates\.crt)$/

/** Folders that say nothing of what lies in them. */
const TOPS = new Set(['', '/usr', '/var', '/etc', '/lib', '/opt', '/root', '/home'])

/** Files that one layer ships and a later one takes away, writes again, or ships again as they are; a finding for each of these, of each such two layers. */
export const removedLater: Rule = (image) => {
  const bloat = bloatFiles(image)
  const files = byFolder(image.content?.files ?? []).flatMap(({ lost }) => lost)
  const history = historyOf(image, files)
  const { successors } = history
  const pairs = grouped(files, (file) => {
    const successor = successors.get(file)
    // `.dockerignore` gives these bytes back: they are told by `context-bloat`.
    if (bloat.has(file) || (successor && bloat.has(successor))) return null
    const { layer: upper } = file.lost!
    const fate = fateIn(history, file)
    if (fate === 'replaced' && RECORDS.test(file.path)) return null
    if (upper <= file.layer || image.layers[upper]?.fromBase === true) return null
    return `${file.layer} ${upper} ${fate}`
  })
  const large = [...pairs.values()].filter((its) => bytesOf(its) >= (isOwn(image, its[0]!) ? FLOOR : BASE_FLOOR))
  if (large.length === 0) return []
  const predecessors = new Map([...successors].map(([file, successor]) => [successor, file]))
  return largestFirst(large.map((its) => findingOf(image, its, history, predecessors)))
}

/** What stands in the place of files that were lost, and which of that has the same content. */
type History = {
  successors: ReadonlyMap<ImageFile, ImageFile>
  isSame: (file: ImageFile) => boolean
}

function historyOf(image: Measurement, lost: ImageFile[]): History {
  const successors = successorsOf(image, lost)
  const gives = image.layers.map(onlyGives)
  return {
    successors,
    isSame: (file) => {
      const successor = successors.get(file)
      return successor !== undefined && hasSameContent(file, successor, gives[successor.layer] === true)
    },
  }
}

/** A folder that is taken away and made anew in one layer has its files again: they are not gone. */
function fateIn({ successors, isSame }: History, file: ImageFile): Fate['kind'] {
  if (isSame(file)) return 'again'
  return successors.has(file) ? 'replaced' : file.lost!.how
}

const placeOf = (path: string, layer: number): string => `${path}\0${layer}`

/** What a layer that files were lost by has in their place. */
function successorsOf({ content }: Measurement, all: ImageFile[]): Map<ImageFile, ImageFile> {
  const lost = all.filter((file) => file.lost!.layer !== file.layer)
  const wanted = new Set(lost.map((file) => placeOf(file.path, file.lost!.layer)))
  const shipped = new Map<string, ImageFile>()
  const layers = new Set(lost.map((file) => file.lost!.layer))
  const files = content?.files ?? []
  const folders = new Set(lost.map(({ path }) => folderOf(path)))
  for (const file of filesOf(files, ({ layer, folder }) => layers.has(layer) && folders.has(folder))) {
    const key = placeOf(file.path, file.layer)
    if (wanted.has(key)) shipped.set(key, file)
  }
  return new Map(
    lost.flatMap((file): [ImageFile, ImageFile][] => {
      const successor = shipped.get(placeOf(file.path, file.lost!.layer))
      return successor ? [[file, successor]] : []
    }),
  )
}

/** Small files have no checksum: of the same size they are taken for the same where all that the instruction does is to give them another owner or mode. */
function hasSameContent(one: ImageFile, other: ImageFile, isGiven: boolean): boolean {
  if (one.size !== other.size) return false
  if (one.size >= CHECKSUM_FLOOR) return one.checksum !== null && one.checksum === other.checksum
  return isGiven
}

/** By what stands in a file's place: that file. */
type Predecessors = ReadonlyMap<ImageFile, ImageFile>

/** Of files of one layer that one other took from the image, all in the same way. */
function findingOf(
  image: Measurement,
  files: ImageFile[],
  history: History,
  predecessors: Predecessors,
): Found & { bytes: number } {
  const [{ layer: at, lost }] = files as [ImageFile]
  const lower = image.layers[at] ?? null
  const upper = image.layers[lost!.layer] ?? null
  const fate = fateOf(image, files, history)
  const common = commonFolder(files.map(({ path }) => path))
  const found = findingIn(image, files, {
    what: ['files that ', ...lineOf(upper), whatIsDone(fate)],
    fix: shipOnce(image, files, broughtBy(image, files, history, predecessors), upper, fate),
    key: `removed-later:${keywordOf(lower)} ${keywordOf(upper)} ${fate.kind}`,
    placeOf: ({ path }) =>
      files.length === 1 ? path : TOPS.has(common) ? folderAt(path, TOPS.has(folderAt(path, 1)) ? 3 : 1) : common,
  })
  return { ...found, layer: lower, otherLayer: upper, isRemoval: fate.kind === 'removed' }
}

function fateOf(image: Measurement, files: ImageFile[], history: History): Fate {
  const kind = fateIn(history, files[0]!)
  if (kind === 'removed') return { kind, move: moveOf(image, files) }
  const successions = files.flatMap((file): Succession[] => {
    const successor = history.successors.get(file)
    return successor === undefined ? [] : [{ file, successor }]
  })
  return { kind, successions }
}

/** The layer that brought most of the files in, where the one that has them last merely ships them again. */
function broughtBy(
  image: Measurement,
  files: ImageFile[],
  { isSame }: History,
  predecessors: Predecessors,
): Layer | null {
  const [main] = heaviest(files, (file) => {
    let first = file
    for (let before = predecessors.get(first); before; before = predecessors.get(first)) {
      if (!isOwn(image, before) || !isSame(before)) break
      first = before
    }
    return first.layer
  })
  return image.layers[main!.place] ?? null
}

/** By what a file is found under another name; small files have no checksum. */
const keyOf = ({ path, size, checksum }: ImageFile): string =>
  checksum === null ? `${size} ${basename(path)}` : `${size}:${checksum}`

/** Where the layer that took files away has them under other names; null: it has not most of their bytes. */
function moveOf({ content, layers }: Measurement, files: ImageFile[]): { to: string | null } | null {
  const { layer } = files[0]!.lost!
  const arrived = filesOf(content?.files ?? [], (run) => run.layer === layer)
  const isMoved = /\bmv\b/.test(layers[layer]?.instruction ?? '')
  const candidates = arrived.filter(({ checksum }) => checksum !== null || isMoved)
  const twins = new Map(candidates.map((file) => [keyOf(file), file]))
  const known = files.filter((file) => twins.has(keyOf(file)))
  if (known.length === 0 || 2 * bytesOf(known) < bytesOf(files)) return null
  const largest = known.reduce((one, other) => (other.size > one.size ? other : one))
  const [from, to] = withoutCommonEnd(largest.path, twins.get(keyOf(largest))!.path)
  const sizes = new Map(arrived.map(({ path, size }) => [path, size]))
  const places = files.flatMap(({ path, size }) => {
    const place = `${to}${path.slice(from.length)}`
    return (path === from || path.startsWith(`${from}/`)) && sizes.get(place) === size ? [place] : []
  })
  if (places.length < files.length) return { to: null }
  return { to: places.length === 1 ? places[0]! : commonFolder(places) || '/' }
}

/** Two paths without the names at their ends that they have in common: what was moved, and to where. */
function withoutCommonEnd(one: string, other: string): [string, string] {
  const [names, others] = [one.split('/'), other.split('/')]
  while (names.length > 1 && others.length > 1 && names.at(-1) === others.at(-1)) {
    names.pop()
    others.pop()
  }
  return [names.join('/'), others.join('/')]
}

function whatIsDone(fate: Fate): string {
  if (fate.kind === 'removed') return ' takes away again'
  if (fate.kind === 'replaced') return ' writes again'
  const { owner, mode } = changesOf(fate.successions)
  if (owner) return mode ? ' ships again for another owner and mode' : ' ships again for another owner'
  return mode ? ' ships again for another mode' : ' ships again unchanged'
}
