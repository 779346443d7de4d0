import { byFolder, filesOf, type ImageFile } from '../image/runs.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import type { Words } from './finding.ts'
import { keywordOf, lineOf, mayGive, onlyGives, onlyGivesAlone, onlyRemoves, originOf } from './instruction.ts'
import { bytesOf, commonFolder, isOwn } from './weigh.ts'

/** A file and what a later layer ships in its place. */
export type Succession = { file: ImageFile; successor: ImageFile }

/**
 * What became of files of one layer by the doing of a later one: it ships them again with the same content, or something else in their place (a
 * file, for `successions`), or takes them away. `move`: it has most of their bytes under other names; `to`: all of them there, a file or folder.
 */
export type Fate =
  | { kind: 'again'; successions: Succession[] }
  | { kind: 'replaced'; successions: Succession[] }
  | { kind: 'removed'; move: { to: string | null } | null }

/** What differs between files and their successors. */
export function changesOf(successions: Succession[]): { owner: boolean; mode: boolean } {
  return {
    owner: successions.some(({ file, successor }) => file.uid !== successor.uid || file.gid !== successor.gid),
    mode: successions.some(({ file, successor }) => file.mode !== successor.mode),
  }
}

/** How to ship files once. `lower` is the layer that brought them in, `upper` the one of which `fate` tells. */
export function shipOnce(
  image: Measurement,
  files: ImageFile[],
  lower: Layer | null,
  upper: Layer | null,
  fate: Fate,
): Words {
  if (!isOwn(image, files[0]!)) return ofBase(image, upper, fate)
  if (fate.kind === 'again') return shippedAgain(image, lower, upper, fate.successions)
  if (fate.kind === 'replaced') return writtenAgain(image, files, lower, upper, fate.successions)
  return takenAway(image, lower, upper, fate.move)
}

const isRun = (layer: Layer | null): layer is Layer => layer !== null && originOf(layer).from === 'run'
/** From the context or a stage; or, by the same keywords, from elsewhere: an address, an archive that is unpacked, a here-document. */
const isCopy = (layer: Layer | null): layer is Layer => /^(?:COPY|ADD)$/.test(keywordOf(layer))

function inSameRun(what: string, lower: Layer | null, upper: Layer | null): Words {
  return [`${what} in the same `, { code: 'RUN' }, ' as ', ...lineOf(lower), ' does, not in ', ...lineOf(upper)]
}

const inEarlierStage = (upper: Layer | null): Words => [
  'do it in an earlier stage and copy them from there: ',
  ...lineOf(upper),
  ' ships them again',
]

/** What another owner or mode than a COPY gave needs is an option of that. */
function byOptions(image: Measurement, lower: Layer, upper: Layer, successions: Succession[]): Words {
  const changes = changesOf(successions)
  const modes = new Set(successions.map(({ successor }) => successor.mode))
  // An option is for all that is copied.
  const told = { owner: changes.owner, mode: changes.mode && modes.size === 1 }
  const at = image.layers.indexOf(lower)
  const copied = filesOf(image.content?.files ?? [], ({ layer }) => layer === at)
  // For folders, too, and nobody could go into them; an archive that is unpacked has its own modes.
  const isClosed = [...modes].some((mode) => (mode & 0o111) === 0) && copied.length > 1
  if (told.mode && (isClosed || UNPACKED.test(lower.instruction))) return inEarlierStage(upper)
  if (!told.owner && !told.mode) return inEarlierStage(upper)
  const options = [
    ...(told.owner ? [`--chown=${ownerOf(successions)}`] : []),
    ...(told.mode ? [`--chmod=${[...modes][0]!.toString(8)}`] : []),
  ]
  const code = [keywordOf(lower), ...options].join(' ')
  const paths = new Set(successions.map(({ file }) => file.path))
  const isPart = copied.some(({ path, lost }) => !paths.has(path) && lost?.how !== 'removed')
  const copying: Words = isPart
    ? ['copy them apart from the rest of ', ...lineOf(lower), ', with ', { code }]
    : ['use ', { code }, ' in ', ...lineOf(lower)]
  return [...copying, ...withoutGiving(image, upper, successions, told)]
}

const UNPACKED = /^ADD\s.*\.(?:tar|tgz|tbz2?|txz)\b/is

/** What becomes of the line that gave the files away, once that is not needed any more. */
function withoutGiving(
  { layers, content }: Measurement,
  upper: Layer,
  successions: Succession[],
  { owner, mode }: { owner: boolean; mode: boolean },
): Words {
  const at = layers.indexOf(upper)
  const runs = byFolder(content?.files ?? [])
  const folder = commonFolder(successions.map(({ file }) => file.path))
  const taken = runs.flatMap((run) => run.lost).filter(({ lost }) => lost?.layer === at)
  const paths = new Set(taken.map(({ path }) => path))
  const below = runs.filter((run) => run.layer === at && run.folder.startsWith(`${folder}/`))
  if (below.some(({ files }) => files.some(({ path }) => !paths.has(path))))
    return [', and have ', ...lineOf(upper), ' give away only what it makes itself']
  const programs = [...(owner ? ['chown', 'chgrp'] : []), ...(mode ? ['chmod'] : [])].join('|')
  const recursive = new RegExp(String.raw`\b(?:${programs})\s(?:[^&|;\n]*?\s)?(?:-[a-zA-Z]*R[a-zA-Z]*|--recursive)\s`)
  // The folder itself costs nothing, and may be one that no COPY makes.
  if (recursive.test(upper.instruction)) return [', and leave ', { code: '-R' }, ' out of ', ...lineOf(upper)]
  if (onlyGivesAlone(upper) && !/\bfind\s/.test(upper.instruction)) return [' instead of ', ...lineOf(upper)]
  const commands: Words = [...(owner ? [{ code: 'chown' }] : []), ...(mode ? [{ code: 'chmod' }] : [])]
  const out: Words = commands.flatMap((command, which) => (which === 0 ? [command] : [' and ', command]))
  return [', and leave ', ...out, ' out of ', ...lineOf(upper)]
}

/** What is changed is none of what is known of a file. */
const setsAttributes = (layer: Layer | null): boolean => /\b(?:setcap|setfattr|chcon)\b/.test(layer?.instruction ?? '')

function shippedAgain(image: Measurement, lower: Layer | null, upper: Layer | null, successions: Succession[]): Words {
  const { owner, mode } = changesOf(successions)
  const [below, above] = [lineOf(lower), lineOf(upper)]
  if (!isRun(upper)) return ['bring them in once, by ', ...below, ' or by ', ...above]
  if (setsAttributes(upper)) return isRun(lower) ? inSameRun('do it', lower, upper) : inEarlierStage(upper)
  if (owner || mode)
    return isCopy(lower) ? byOptions(image, lower, upper, successions) : inSameRun('do it', lower, upper)
  if (!mayGive(upper) && !/\bln\b/.test(upper.instruction))
    return ['bring them in once, by ', ...below, ' or by ', ...above]
  if (isRun(lower)) return inSameRun('do it', lower, upper)
  return ['leave them alone in ', ...above, ': ', ...below, ' has brought them in']
}

function writtenAgain(
  image: Measurement,
  files: ImageFile[],
  lower: Layer | null,
  upper: Layer | null,
  successions: Succession[],
): Words {
  const [below, above] = [lineOf(lower), lineOf(upper)]
  const half = bytesOf(files) / 2
  if (!isRun(upper)) return ['write them once: ', ...below, ' and ', ...above, ' both bring them in']
  if (isRun(lower)) return inSameRun('write them', lower, upper)
  const isLeft = bytesOf(successions.map(({ file }) => file)) >= half
  if (!isLeft && !/\bmv\b/.test(upper.instruction))
    return ['leave them out of ', ...below, ': ', ...above, ' puts something else in their place']
  // Small files have no checksum: the same size and another owner is what a `chown -R` beside other commands leaves.
  const given = successions.filter((each) => {
    const { owner, mode } = changesOf([each])
    return each.file.size === each.successor.size && (owner || mode)
  })
  if (isCopy(lower) && mayGive(upper) && bytesOf(given.map(({ file }) => file)) >= half)
    return byOptions(image, lower, upper, given)
  return [
    'do what ',
    ...above,
    ' does in an earlier stage, or leave them out of ',
    ...below,
    ' where it makes them anew: both are shipped',
  ]
}

function takenAway(
  image: Measurement,
  lower: Layer | null,
  upper: Layer | null,
  move: { to: string | null } | null,
): Words {
  const [below, above] = [lineOf(lower), lineOf(upper)]
  const origin = lower === null ? null : originOf(lower).from
  if (origin === 'context' || origin === 'stage') {
    if (move === null)
      return isReadFirst(image, lower, upper)
        ? inStageOrMount(upper)
        : ['do not copy them in ', ...below, ': what ', ...above, ' removes is shipped all the same']
    return move.to === null
      ? ['copy what is needed to where ', ...above, ' moves it, and leave the rest out of ', ...below]
      : [
          'copy them to ',
          { code: move.to },
          ' in ',
          ...below,
          ': where ',
          ...above,
          ' moves them they are shipped again',
        ]
  }
  if (isCopy(lower)) return inStageOrMount(upper)
  if (move !== null) return inSameRun('move them', lower, upper)
  return ['remove them in the same ', { code: 'RUN' }, ' that makes them, ', ...below, ', not in ', ...above]
}

/** Whether a RUN may have used what a layer brought in, before or while another one takes it away. */
function isReadFirst({ layers }: Measurement, lower: Layer | null, upper: Layer | null): boolean {
  if (lower === null || upper === null) return true
  const between = layers.slice(layers.indexOf(lower) + 1, layers.indexOf(upper))
  return !onlyRemoves(upper) || between.some((layer) => isRun(layer) && !onlyGives(layer))
}

function inStageOrMount(upper: Layer | null): Words {
  return [
    'have them in an earlier stage and copy from there what is needed, or by ',
    { code: 'RUN --mount' },
    ' alone: what ',
    ...lineOf(upper),
    ' removes is shipped all the same',
  ]
}

function ownerOf(successions: Succession[]): string {
  const owners = new Set(successions.map(({ successor: { uid, gid } }) => `${uid}:${gid}`))
  return owners.size === 1 ? [...owners][0]! : '…'
}

/** What came with the base image is pulled with it, whatever is done to it above. */
function ofBase({ baseImage }: Measurement, upper: Layer | null, fate: Fate): Words {
  const name: Words = baseImage === null ? ['the base image'] : [{ code: baseImage.name }]
  if (fate.kind === 'removed') {
    return fate.move === null
      ? ['start from another image than ', ...name, ': what comes with it is shipped all the same']
      : ['link to them, or leave them where ', ...name, ' has them: what comes with it is shipped all the same']
  }
  if (fate.kind === 'replaced')
    return ['start from a newer ', ...name, ', which has them up to date: its own are shipped all the same']
  if (setsAttributes(upper))
    return ['start from an image that has it so: what comes with ', ...name, ' is shipped all the same']
  return [
    'leave them in ',
    ...lineOf(upper),
    ' as ',
    ...name,
    ' has them, but for what has to be written to: its own are shipped all the same',
  ]
}
