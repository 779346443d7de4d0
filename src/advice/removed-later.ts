import type { ImageFile } from '../image/files.ts'
import { CHECKSUM_FLOOR } from '../image/layer/entries.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import { bloatFiles } from './context-bloat.ts'
import type { Found, Rule, Words } from './finding.ts'
import { keywordOf, lineOf, originOf } from './instruction.ts'
import { bytesOf, commonFolder, findingIn, folderAt, grouped, isOwn, largestFirst } from './weigh.ts'

/** Bytes from which it is worth a word; of what came with the base image, which only another one gives back. */
const FLOOR = 100_000
const BASE_FLOOR = 1_000_000

/** What every run of a package manager writes anew: its records, and what it generates of all that is installed. */
const RECORDS =
  /^\/(?:var\/lib\/(?:dpkg|rpm|apt\/(?!lists\/))|var\/cache\/(?:debconf|ldconfig)|var\/log|usr\/lib\/sysimage|(?:usr\/)?lib\/apk\/db|etc\/apk)\/|^\/etc\/(?:ld\.so\.cache|passwd-?|group-?|g?shadow-?|ssl\/certs\/ca-certificates\.crt)$/

/** Folders that say nothing of what lies in them. */
const TOPS = new Set(['', '/usr', '/var', '/etc', '/lib', '/opt', '/root', '/home'])

/** Files that one layer ships and a later one takes away, or writes again; one finding for each such two layers. */
export const removedLater: Rule = (image) => {
  const bloat = bloatFiles(image)
  const files = (image.content?.files ?? []).filter((file) => file.lost !== null)
  const successors = successorsOf(image, files)
  const pairs = grouped(files, (file) => {
    const successor = successors.get(file)
    // `.dockerignore` gives these bytes back: they are told by `context-bloat`.
    if (bloat.has(file) || (successor && bloat.has(successor))) return null
    const { layer: upper, how } = file.lost!
    if (how === 'replaced' && RECORDS.test(file.path)) return null
    if (upper <= file.layer || image.layers[upper]?.fromBase === true) return null
    return `${file.layer} ${upper}`
  })
  const large = [...pairs.values()].filter((its) => bytesOf(its) >= (isOwn(image, its[0]!) ? FLOOR : BASE_FLOOR))
  return largestFirst(large.map((its) => findingOf(image, its, successors)))
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

function findingOf(
  image: Measurement,
  files: ImageFile[],
  successors: ReadonlyMap<ImageFile, ImageFile>,
): Found & { bytes: number } {
  const [{ layer: at, lost }] = files as [ImageFile]
  const lower = image.layers[at] ?? null
  const upper = image.layers[lost!.layer] ?? null
  const same = files.flatMap((file) => {
    const successor = successors.get(file)
    return successor && hasSameContent(file, successor, upper) ? [{ file, successor }] : []
  })
  const isCopy = 2 * bytesOf(same.map(({ file }) => file)) > bytesOf(files)
  const isReplaced = 2 * bytesOf(files.filter((file) => file.lost?.how === 'replaced')) > bytesOf(files)
  const common = commonFolder(files.map(({ path }) => path))
  const found = findingIn(image, files, {
    what: [
      'files that ',
      ...lineOf(upper),
      isCopy ? whatChanged(same) : isReplaced ? ' writes again' : ' takes away again',
    ],
    fix: isOwn(image, files[0]!) ? ownFix(lower, upper, isCopy ? same : null, isReplaced) : baseFix(image, isReplaced),
    key: `removed-later:${keywordOf(lower)} ${keywordOf(upper)}`,
    placeOf: ({ path }) =>
      files.length === 1 ? path : TOPS.has(common) ? folderAt(path, TOPS.has(folderAt(path, 1)) ? 3 : 1) : common,
  })
  return { ...found, layer: lower, otherLayer: upper, isRemoval: !isReplaced }
}

/** A file and what stands in its place, with the same content. */
type Copy = { file: ImageFile; successor: ImageFile }

/** Small files have no checksum: one of the same size is taken for the same where the instruction gives files another owner or mode, and it has one. */
function hasSameContent(one: ImageFile, other: ImageFile, upper: Layer | null): boolean {
  if (one.size !== other.size) return false
  if (one.size >= CHECKSUM_FLOOR) return one.checksum !== null && one.checksum === other.checksum
  const isGiven = one.uid !== other.uid || one.gid !== other.gid || one.mode !== other.mode
  return isGiven && /\bch(?:own|grp|mod)\b/.test(upper?.instruction ?? '')
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

function ownFix(lower: Layer | null, upper: Layer | null, copies: Copy[] | null, isReplaced: boolean): Words {
  const origin = lower === null ? null : originOf(lower).from
  const isCopied = origin === 'context' || origin === 'stage'
  if (copies !== null) {
    const { owner, mode } = changesOf(copies)
    if (!owner && !mode) return ['bring them in once, by ', ...lineOf(lower), ' or by ', ...lineOf(upper)]
    if (!isCopied)
      return ['do it in the same ', { code: 'RUN' }, ' as ', ...lineOf(lower), ' does, not in ', ...lineOf(upper)]
    const options = [...(owner ? [`--chown=${ownerOf(copies)}`] : []), ...(mode ? [`--chmod=${modeOf(copies)}`] : [])]
    return ['use ', { code: `COPY ${options.join(' ')}` }, ' in ', ...lineOf(lower), ' instead of ', ...lineOf(upper)]
  }
  if (isReplaced) return ['write them once: ', ...lineOf(lower), ' and ', ...lineOf(upper), ' both bring them in']
  if (isCopied)
    return ['do not copy them in ', ...lineOf(lower), ': what ', ...lineOf(upper), ' removes is shipped all the same']
  return [
    'remove them in the same ',
    { code: 'RUN' },
    ' that makes them, ',
    ...lineOf(lower),
    ', not in ',
    ...lineOf(upper),
  ]
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
