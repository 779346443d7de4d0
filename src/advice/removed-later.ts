import { grouped } from '../groups.ts'
import type { ImageFile } from '../image/files.ts'
import { CHECKSUM_FLOOR } from '../image/layer/entries.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import { bloatFiles } from './context-bloat.ts'
import type { Found, Rule, Words } from './finding.ts'
import { keywordOf, lineOf, mayGive, onlyGives, originOf } from './instruction.ts'
import { bytesOf, commonFolder, findingIn, folderAt, isOwn, largestFirst } from './weigh.ts'

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
  const files = (image.content?.files ?? []).filter((file) => file.lost !== null)
  const successors = successorsOf(image, files)
  const predecessors = new Map([...successors].map(([file, successor]) => [successor, file]))
  const gives = image.layers.map(onlyGives)
  const copyOf = (file: ImageFile): Copy | null => {
    const successor = successors.get(file)
    return successor && hasSameContent(file, successor, gives[successor.layer] === true) ? { file, successor } : null
  }
  const pairs = grouped(files, (file) => {
    const successor = successors.get(file)
    // `.dockerignore` gives these bytes back: they are told by `context-bloat`.
    if (bloat.has(file) || (successor && bloat.has(successor))) return null
    const { layer: upper, how } = file.lost!
    if (how === 'replaced' && RECORDS.test(file.path)) return null
    if (upper <= file.layer || image.layers[upper]?.fromBase === true) return null
    return `${file.layer} ${upper} ${copyOf(file) === null ? how : 'again'}`
  })
  const large = [...pairs.values()].filter((its) => bytesOf(its) >= (isOwn(image, its[0]!) ? FLOOR : BASE_FLOOR))
  return largestFirst(
    large.map((its) => {
      const copies = its.flatMap((file) => copyOf(file) ?? [])
      return findingOf(image, its, copies.length > 0 ? copies : null, predecessors)
    }),
  )
}

const placeOf = (path: string, layer: number): string => `${path}\0${layer}`

/** What stands in the place of files that a later layer replaced. */
function successorsOf({ content }: Measurement, lost: ImageFile[]): Map<ImageFile, ImageFile> {
  const replaced = lost.filter((file) => file.lost?.how === 'replaced' && file.lost.layer !== file.layer)
  const wanted = new Set(replaced.map((file) => placeOf(file.path, file.lost!.layer)))
  const shipped = new Map<string, ImageFile>()
  const layers = new Set(replaced.map((file) => file.lost!.layer))
  for (const file of content?.files ?? []) {
    if (!layers.has(file.layer)) continue
    const key = placeOf(file.path, file.layer)
    if (wanted.has(key)) shipped.set(key, file)
  }
  return new Map(
    replaced.flatMap((file): [ImageFile, ImageFile][] => {
      const successor = shipped.get(placeOf(file.path, file.lost!.layer))
      return successor ? [[file, successor]] : []
    }),
  )
}

/** Whatever was done to a file on the way. */
type Predecessors = ReadonlyMap<ImageFile, ImageFile>

/** `copies`: they are shipped again with the same content; null: they are not. */
function findingOf(
  image: Measurement,
  files: ImageFile[],
  copies: Copy[] | null,
  predecessors: Predecessors,
): Found & { bytes: number } {
  const [{ layer: at, lost }] = files as [ImageFile]
  const lower = image.layers[at] ?? null
  const upper = image.layers[lost!.layer] ?? null
  const isReplaced = lost!.how === 'replaced'
  const common = commonFolder(files.map(({ path }) => path))
  const found = findingIn(image, files, {
    what: [
      'files that ',
      ...lineOf(upper),
      copies !== null ? whatChanged(copies) : isReplaced ? ' writes again' : ' takes away again',
    ],
    fix: isOwn(image, files[0]!)
      ? ownFix(
          copies === null ? broughtBy(image, files, predecessors) : lower,
          upper,
          copies ?? (isReplaced ? 'replaced' : { movedTo: movedTo(image, files) }),
        )
      : baseFix(image, isReplaced),
    key: `removed-later:${keywordOf(lower)} ${keywordOf(upper)} ${copies === null ? lost!.how : 'again'}`,
    placeOf: ({ path }) =>
      files.length === 1 ? path : TOPS.has(common) ? folderAt(path, TOPS.has(folderAt(path, 1)) ? 3 : 1) : common,
  })
  return { ...found, layer: lower, otherLayer: upper, isRemoval: !isReplaced }
}

/** The layer that brought the files in, where the one that is told merely gave them another owner, mode or time. */
function broughtBy(image: Measurement, files: ImageFile[], predecessors: Predecessors): Layer | null {
  const layers = new Set(
    files.map((file) => {
      let first = file
      for (let before = predecessors.get(first); before; before = predecessors.get(first)) {
        if (!mayGive(image.layers[first.layer]!)) break
        first = before
      }
      return first.layer
    }),
  )
  const [only] = layers
  return image.layers[layers.size === 1 ? only! : files[0]!.layer] ?? null
}

const contentKey = ({ size, checksum }: ImageFile): string => `${size} ${checksum}`

/** The file or folder in which the layer that takes files away has most of their bytes under other names; null: it has not. */
function movedTo({ content }: Measurement, files: ImageFile[]): string | null {
  const gone = new Set(files.filter(({ checksum }) => checksum !== null).map(contentKey))
  const { layer } = files[0]!.lost!
  const moved = (content?.files ?? []).filter((file) => file.layer === layer && gone.has(contentKey(file)))
  if (moved.length === 0 || 2 * bytesOf(moved) < bytesOf(files)) return null
  return moved.length === 1 ? moved[0]!.path : commonFolder(moved.map(({ path }) => path)) || '/'
}

/** A file and what stands in its place, with the same content. */
type Copy = { file: ImageFile; successor: ImageFile }

/** Small files have no checksum: of the same size they are taken for the same where all that the instruction does is to give them another owner or mode. */
function hasSameContent(one: ImageFile, other: ImageFile, isGiven: boolean): boolean {
  if (one.size !== other.size) return false
  if (one.size >= CHECKSUM_FLOOR) return one.checksum !== null && one.checksum === other.checksum
  return isGiven
}

/** What differs between files and their successors. */
function changesOf(copies: Copy[]): { owner: boolean; mode: boolean } {
  return {
    owner: copies.some(({ file, successor }) => file.uid !== successor.uid || file.gid !== successor.gid),
    mode: copies.some(({ file, successor }) => file.mode !== successor.mode),
  }
}

function whatChanged(copies: Copy[]): string {
  const { owner, mode } = changesOf(copies)
  if (owner) return mode ? ' ships again for another owner and mode' : ' ships again for another owner'
  return mode ? ' ships again for another mode' : ' ships again unchanged'
}

/**
 * How to ship files of the image's own once. `lower` is what brought them in, `upper` what does something to them after it: `fate`, which is
 * that they are shipped again with the same content, or another one, or taken away.
 */
function ownFix(
  lower: Layer | null,
  upper: Layer | null,
  fate: Copy[] | 'replaced' | { movedTo: string | null },
): Words {
  const [below, above] = [lineOf(lower), lineOf(upper)]
  const origin = lower === null ? null : originOf(lower).from
  const isCopied = origin === 'context' || origin === 'stage'
  const isByRun = upper !== null && originOf(upper).from === 'run'
  const inSameRun = (what: string): Words => [what, { code: 'RUN' }, ' as ', ...below, ' does, not in ', ...above]
  if (Array.isArray(fate)) {
    const { owner, mode } = changesOf(fate)
    if (!owner && !mode) {
      return isByRun
        ? ['leave them alone in ', ...above, ': ', ...below, ' has brought them in']
        : ['bring them in once, by ', ...below, ' or by ', ...above]
    }
    if (!isCopied) return inSameRun('do it in the same ')
    const options = [...(owner ? [`--chown=${ownerOf(fate)}`] : []), ...(mode ? [`--chmod=${modeOf(fate)}`] : [])]
    const commands: Words = [...(owner ? [{ code: 'chown' }] : []), ...(mode ? [{ code: 'chmod' }] : [])]
    // A RUN that does more is still needed for that.
    const doesMore = isByRun && !onlyGives(upper)
    return [
      'use ',
      { code: `COPY ${options.join(' ')}` },
      ' in ',
      ...below,
      ...(doesMore ? [', and leave ', ...separated(commands, ' and '), ' out of '] : [' instead of ']),
      ...above,
    ]
  }
  if (fate === 'replaced') {
    if (!isByRun) return ['write them once: ', ...below, ' and ', ...above, ' both bring them in']
    if (origin === 'run') return inSameRun('write them in the same ')
    return ['have them in ', ...below, ' as ', ...above, ' makes them: both are shipped']
  }
  if (isCopied && fate.movedTo !== null)
    return [
      'copy them to ',
      { code: fate.movedTo },
      ' in ',
      ...below,
      ': where ',
      ...above,
      ' moves them they are shipped again',
    ]
  if (isCopied) return ['do not copy them in ', ...below, ': what ', ...above, ' removes is shipped all the same']
  return ['remove them in the same ', { code: 'RUN' }, ' that makes them, ', ...below, ', not in ', ...above]
}

function separated(words: Words, by: string): Words {
  return words.flatMap((word, at) => (at === 0 ? [word] : [by, word]))
}

function ownerOf(copies: Copy[]): string {
  const owners = new Set(copies.map(({ successor: { uid, gid } }) => `${uid}:${gid}`))
  return owners.size === 1 ? [...owners][0]! : '…'
}

function modeOf(copies: Copy[]): string {
  const modes = new Set(copies.map(({ successor }) => successor.mode.toString(8)))
  return modes.size === 1 ? [...modes][0]! : '…'
}

/** What came with the base image is pulled with it, whatever is done to it above. */
function baseFix({ baseImage }: Measurement, isReplaced: boolean): Words {
  const name: Words = baseImage === null ? ['the base image'] : [{ code: baseImage.name }]
  return isReplaced
    ? ['start from a newer ', ...name, ', which has them up to date: its own are shipped all the same']
    : ['start from another image than ', ...name, ': what comes with it is shipped all the same']
}
