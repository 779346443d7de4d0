import type { LayerChange, PackageChange, Part, Why } from '../compare/comparison.ts'
import { shorten } from './characters.ts'
import { join, phrase, type Phrase, type Piece, type Place } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { baseImageGrowth, familiarName, leadChange, measuredBase, type LeadMetric } from './state.ts'
import { formatCount, formatSigned } from './units.ts'

/** Whose line it was, and what of it: the layers that a change of the image's size can be put down to. */

/** Before and after of one layer in the one metric that both sides know. */
export type LayerFigures = {
  /** Null where neither metric is known on the sides that there are. */
  metric: LeadMetric | null
  before: number | null
  after: number | null
  amount: number | null
}

/** A layer's figures: its sizes, or its download sizes where only those are known on each side that has the layer. */
export function layerFigures(layer: LayerChange): LayerFigures {
  const sides: [LeadMetric, number | null, number | null][] = [
    ['size', layer.sizeBefore, layer.sizeAfter],
    ['downloadSize', layer.downloadSizeBefore, layer.downloadSizeAfter],
  ]
  for (const [metric, before, after] of sides) {
    if (layer.change === 'added' ? after === null : before === null) continue
    if (layer.change === 'removed' ? before === null : after === null) continue
    return { metric, before, after, amount: (after ?? 0) - (before ?? 0) }
  }
  return { metric: null, before: null, after: null, amount: null }
}

/** One cause: a layer of the image's own, or the base image that the change names (`layer` is null then). */
export type Cause = {
  layer: LayerChange | null
  /** Signed, in `metric`, without what only moved between layers; null: not measured. */
  amount: number | null
  metric: LeadMetric | null
  why: Why | null
}

/** What a change can be put down to, largest first; the rest in numbers. */
export type Causes = {
  title: string
  causes: Cause[]
  /** What is not in `causes`: how many, and by how much in all (null where one of them is not measured). The layer table has what changed no size. */
  rest: Phrase[]
}

/** Causes shown; the layer table has all of them. */
export const CAUSES_SHOWN = 3

/** Places and packages that one cause names, and the share of the cause below which one is not worth its words. */
const PARTS_SHOWN = 3
const PACKAGES_SHOWN = 2
const WORTH_SHARE = 0.03
/** A place that makes up so much of a cause explains it alone. */
const ALONE_SHARE = 0.9

/**
 * Why an image's size changed. Null without a comparison or where nothing did. The layers of a base image that moved by itself are left
 * out: it has a sentence of its own; where the change names another base image, that is one cause.
 */
export function causesOf(image: ImageReport, shown = CAUSES_SHOWN): Causes | null {
  if (image.base === null) return null
  const changed = allCauses(image)
  // A cause that changed no size explains none.
  const telling = changed.filter(({ amount }) => amount !== 0)
  if (telling.length === 0) return null

  const rest = telling.slice(shown)
  const moved = changed.filter(({ amount, why }) => amount === 0 && why !== null && why.moved !== 0).length
  return {
    title: causesTitle(image),
    causes: telling.slice(0, shown),
    rest: [
      ...(rest.length > 0 ? [restWords(rest)] : []),
      ...(moved > 0 ? [[`${formatCount(moved, 'layer')} with files that only moved from one layer to another`]] : []),
    ],
  }
}

/** Every cause of a change, largest first. */
export function allCauses(image: ImageReport): Cause[] {
  if (image.base === null) return []
  const moved = image.baseImage?.change === 'changed'
  const layers = image.layerChanges
    .filter((layer) => isChanged(layer) && !(moved && layer.fromBase))
    .map((layer): Cause => {
      const { amount, metric } = layerFigures(layer)
      const net = amount === null || metric !== 'size' ? amount : amount - (layer.why?.moved ?? 0)
      return { layer, amount: net, metric, why: layer.why }
    })
  const named = namesBaseImage(image) ? [baseImageCause(image)] : []
  return [...named, ...layers].toSorted((a, b) => rank(b) - rank(a))
}

/** The base image is another one, and did not move by itself: that is a cause like any other. */
function namesBaseImage({ baseImage }: ImageReport): boolean {
  return baseImage?.change === 'changed' && baseImage.doing !== 'drift'
}

function baseImageCause(image: ImageReport): Cause {
  const growth = baseImageGrowth(image)
  const why = image.baseImage?.why ?? null
  const metric = image.head?.size === null ? 'downloadSize' : 'size'
  return { layer: null, amount: growth === null ? null : growth - (why?.moved ?? 0), metric, why }
}

function causesTitle(image: ImageReport): string {
  if (image.baseImage?.change === 'changed' && !namesBaseImage(image)) return 'What this change did'
  const amount = leadChange(image)?.amount ?? 0
  if (amount === 0) return 'What changed'
  return amount > 0 ? 'Why it grew' : 'Why it shrank'
}

/** The layer is not what it was: a cause, unlike one that was only built again or stands elsewhere. */
export function isChanged(layer: LayerChange): boolean {
  return layer.change === 'changed' || layer.change === 'added' || layer.change === 'removed'
}

/** Largest first; what is not measured stands last, and before nothing. */
function rank({ amount }: Cause): number {
  return amount === null ? 0.5 : Math.abs(amount)
}

function restWords(rest: Cause[]): Phrase {
  const amount = rest.some((cause) => cause.amount === null || cause.metric !== rest[0]?.metric)
    ? null
    : rest.reduce((sum, cause) => sum + (cause.amount ?? 0), 0)
  return [`${formatCount(rest.length, 'more layer')}${amount === null ? '' : `, ${formatSigned(amount)} in all`}`]
}

/** What is seen of an instruction, in characters: all of one that has no more than `whole`; at least so much of the start and end of a longer one. */
export type Seen = { whole: number; start: number; end: number }

/** What every report but the terminal's shows. */
const SEEN: Seen = { whole: 110, start: 75, end: 35 }

/** One cause: place, instruction, by how much, what kind of change it is, and what of it. */
export function causeWords(cause: Cause, image: ImageReport, report: Report, seen = SEEN): Phrase {
  const amount = cause.amount === null ? 'size not measured' : formatSigned(cause.amount)
  const download = cause.metric === 'downloadSize' ? ' to download' : ''
  const figure: Phrase = [{ strong: `${amount}${download}` }]
  const head = cause.layer === null ? baseHead(image, report) : layerHead(cause.layer, image, report, seen)
  return phrase`${head.subject} ${figure}${head.kind}${whyWords(cause)}${head.was}`
}

/** `was` stands last: it is long, and the least of it. */
type Head = { subject: Phrase; kind: Phrase; was: Phrase }

function layerHead(layer: LayerChange, image: ImageReport, report: Report, seen: Seen): Head {
  const place = layerPlace(layer, image, report)
  const kind = { added: ', new', removed: ', removed', changed: '', unchanged: '', rebuilt: '', moved: '' }[
    layer.change
  ]
  const base = layer.fromBase ? ', from the base image' : ''
  return {
    subject: phrase`${place === null ? [] : [{ place }, ' ']}${{ code: layer.instruction }}`,
    kind: phrase`${kind}${base}${copiedWords(layer)}`,
    was: layer.instructionBefore === null ? [] : wasWords(layer.instructionBefore, layer.instruction, seen),
  }
}

/** What an instruction was; and what it is, where the difference is not among what is seen of it. */
function wasWords(before: string, now: string, seen: Seen): Phrase {
  let same = 0
  while (same < now.length && before[same] === now[same]) same += 1
  const was = phrase`; was ${{ code: excerpt(before, same, seen) }}`
  const isSeen = now.length - same <= seen.end
  const is = excerpt(now, same, seen)
  return isSeen || is === now ? was : phrase`${was}, is ${{ code: is }}`
}

/** Characters that are shown before a difference. */
const SAME_SHOWN = 20

/** A text from shortly before it differs from another one, with which it has `same` characters in common, where its beginning does not show that. */
function excerpt(text: string, same: number, { whole, start }: Seen): string {
  if (text.length <= whole || same < start) return text
  return `…${text.slice(same - Math.min(SAME_SHOWN, Math.floor(start / 2)))}`
}

/** A stage that the instruction names itself is not named twice; a number is, and another image. */
function copiedWords({ copiedFrom, instruction }: LayerChange): Phrase {
  if (copiedFrom === null) return []
  if (copiedFrom.kind === 'stage' && instruction.includes(`--from=${copiedFrom.name}`)) return []
  return phrase`, from the ${copiedFrom.kind} ${{ code: copiedFrom.name }}`
}

function baseHead(image: ImageReport, report: Report): Head {
  const { before = null, after = null } = image.baseImage ?? {}
  const file = image.layerChanges.find((layer) => layer.file !== null)?.file ?? null
  const commit = report.head.dirty ? null : report.head.commit
  const place: Place | null = file === null || after?.line == null ? null : { file, line: after.line, commit }
  // A variable does not tell which image it is.
  const text = (side: typeof after): string => {
    if (side?.instruction?.includes('$') === false) return side.instruction
    return `FROM ${side === null ? 'scratch' : familiarName(side.name)}`
  }
  return {
    subject: phrase`${place === null ? [] : [{ place }, ' ']}${{ code: text(after) }}`,
    kind: [],
    was: text(before) === text(after) ? [] : phrase`; was ${{ code: text(before) }}`,
  }
}

/** Where a layer's instruction stands: in this change's tree, or in the base's for a removed one. Null: not known. */
export function layerPlace(layer: LayerChange, image: ImageReport, report: Report): Place | null {
  if (layer.file === null || layer.line === null) return null
  const head = report.head.dirty ? null : report.head.commit
  return { file: layer.file, line: layer.line, commit: layer.change === 'removed' ? measuredBase(image) : head }
}

/** What of it, as the end of the cause's sentence; nothing where it is not known. */
export function whyWords({ layer, amount, why }: Pick<Cause, 'layer' | 'amount' | 'why'>): Phrase {
  if (why === null || amount === null || amount === 0) return []
  const worth = why.parts.filter(
    (part) => part.amount * amount > 0 && Math.abs(part.amount) >= Math.abs(amount) * WORTH_SHARE,
  )
  const [first] = worth
  const allParts = why.parts.filter((part) => part.amount * amount > 0).length
  if (first === undefined) return []
  if (Math.abs(first.amount) >= Math.abs(amount) * ALONE_SHARE || why.parts.length === 1) {
    return alone(first, layer?.change === 'added')
  }
  const shown = worth.slice(0, PARTS_SHOWN)
  const isNewLayer = layer?.change === 'added'
  const left = allParts - shown.length
  const rest = amount - shown.reduce((sum, part) => sum + part.amount, 0)
  const more: Phrase[] =
    left > 0 && rest * amount > 0 ? [[`${formatCount(left, 'more place')} (${formatSigned(rest)})`]] : []
  return phrase`: ${join([...shown.map((part) => partWords(part, isNewLayer)), ...more], ', ')}`
}

/** ` in `/app/node_modules`: `typescript` 5.9.3 is new (+9.1 MB)`; `: `/app/coverage` is new`. */
function alone(part: Part, isNewLayer: boolean): Phrase {
  const packages = packagesWords(part)
  if (part.path === null) return phrase`: ${packages}`
  if (packages.length > 0 && part.ecosystem !== null) return phrase` in ${{ code: part.path }}: ${packages}`
  if (part.change === 'changed') return phrase` in ${{ code: part.path }}`
  return phrase`: ${{ code: part.path }}${isNewLayer && part.change === 'new' ? '' : ` is ${part.change}`}`
}

function partWords(part: Part, isNewLayer: boolean): Phrase {
  const figure = formatSigned(part.amount)
  if (part.path === null) return packagesWords(part)
  const state = part.change === 'changed' || (isNewLayer && part.change === 'new') ? '' : ` is ${part.change}`
  const packages = part.ecosystem === null ? [] : packagesWords(part)
  return packages.length > 0
    ? phrase`${{ code: part.path }} (${figure}: ${packages})`
    : phrase`${{ code: part.path }}${state} (${figure})`
}

/** What the packages of a database are called. */
export const ECOSYSTEMS: Record<PackageChange['ecosystem'], string> = {
  dpkg: 'Debian package',
  apk: 'Alpine package',
  rpm: 'RPM package',
  npm: 'npm package',
  python: 'Python package',
  go: 'Go program',
  java: 'Java archive',
}

function packagesWords(part: Part): Phrase {
  const same = part.packages.filter(({ amount }) => amount * part.amount > 0)
  const shown = same.slice(0, PACKAGES_SHOWN)
  if (shown.length === 0 || part.ecosystem === null) return []
  const left = part.packageCount - shown.length
  const amount = shown.reduce((rest, each) => rest - each.amount, part.amount)
  const more: Phrase[] =
    left > 0 ? [[`${formatCount(left, `more ${ECOSYSTEMS[part.ecosystem]}`)} (${formatSigned(amount)})`]] : []
  return join([...shown.map(packageWords), ...more], ', ')
}

function version(text: string | null): string {
  return text === null ? '' : ` ${shorten(text, 40, '...')}`
}

/** `` `typescript` 5.9.3 is new (+9.1 MB) ``, `` `lodash` 4.17.20 → 4.17.21 (+2.0 kB) ``. */
export function packageWords({ name, change, versionBefore, versionAfter, amount, folder }: PackageChange): Phrase {
  const figure = formatSigned(amount)
  const code: Piece = { code: name }
  if (change === 'new') return phrase`${code}${version(versionAfter)} is new (${figure})`
  if (change === 'gone') return phrase`${code}${version(versionBefore)} is gone (${figure})`
  if (change === 'updated') return phrase`${code}${version(versionBefore)} →${version(versionAfter)} (${figure})`
  const where: Phrase = folder === null ? [] : phrase`, mostly in ${{ code: folder }}`
  return phrase`${code}${version(versionAfter)} (${figure}${where})`
}
