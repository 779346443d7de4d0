import type { ImageContent } from '../image/content.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import { alignLayers, EMPTY_TAR, type LayerPair } from './align.ts'
import type { LayerChange, LayerChangeKind, Part, Why } from './comparison.ts'
import { deltasOf, type LayerGroup } from './deltas.ts'
import { indexPackages } from './packages.ts'
import { partsOf, type Sides, type ToldPart } from './parts.ts'
import { changesAt, changesOfFolders } from './places.ts'

/**
 * The compressor's noise: a layer that is built again is packed into a slightly other size, since the times in its tar
 * differ. A difference up to the larger of 1,000 bytes and a thousandth (0.1 %) of the layer may be no more than that.
 */
const noiseBytes = 1000
const noiseFraction = 1000

/** What became of each layer, and of the base image's layers together (null where they are the same, or no content was read). */
export type LayerChanges = { layers: LayerChange[]; baseImage: Why | null }

/** A row of the comparison: the same layer of both images, or one that stands alone. */
export type LayerRow = { pair: LayerPair; change: LayerChangeKind }

/** The rows of the comparison of two images' layers, in its order. */
export function rowsOfLayers(base: Measurement | null, head: Measurement): LayerRow[] {
  return kindsOf(withMoves(alignLayers(base?.layers ?? [], head.layers)))
}

/** Compares the layers of two images; without a base every layer is `added`. In the image's order, base layer first. */
export function changesOfLayers(base: Measurement | null, head: Measurement): LayerChanges {
  const rows = rowsOfLayers(base, head)
  if (base === null || base.content === null || head.content === null) {
    return { layers: rows.map(({ pair, change }) => layerChange(pair, change, null)), baseImage: null }
  }
  const before = new Map(base.layers.map((layer, at) => [layer, at]))
  const after = new Map(head.layers.map((layer, at) => [layer, at]))
  const groupOf = (pairs: LayerPair[]): LayerGroup => ({
    before: pairs.flatMap((pair) => (pair.base ? [before.get(pair.base)!] : [])),
    after: pairs.flatMap((pair) => (pair.head ? [after.get(pair.head)!] : [])),
  })
  const changed = rows.filter(({ change }) => change === 'changed' || change === 'added' || change === 'removed')
  const own = changed.filter(({ pair }) => !isFromBase(pair))
  const ofBase = changed.filter(({ pair }) => isFromBase(pair)).map(({ pair }) => pair)
  const groups = [groupOf(ofBase), ...own.map(({ pair }) => groupOf([pair]))]
  const [baseImage, ...ownWhys] = whysOf(base.content, head.content, groups)
  const whys = new Map(own.map(({ pair }, at) => [pair, ownWhys[at]!]))
  return {
    layers: rows.map(({ pair, change }) => layerChange(pair, change, whys.get(pair) ?? null)),
    baseImage: ofBase.length === 0 ? null : baseImage!,
  }
}

function isFromBase({ base, head }: LayerPair): boolean {
  return (head ?? base).fromBase === true
}

/** What the change of each group is made of. */
function whysOf(base: ImageContent, head: ImageContent, groups: LayerGroup[]): Why[] {
  const compared = deltasOf(base, head, groups)
  const folders = changesOfFolders(base, head)
  const sides: Sides = {
    folders,
    packagesBefore: indexPackages(base.packages),
    packagesAfter: indexPackages(head.packages),
  }
  const told = compared.map(({ deltas, moved }) => ({
    parts: partsOf(deltas, sides),
    moved,
    total: deltas.reduce((sum, { amount }) => sum + amount, 0),
  }))
  const paths = new Set(told.flatMap(({ parts }) => parts.flatMap(({ path }) => path ?? [])))
  const changeAt = changesAt(paths, folders, base, head)
  const withChange = ({ path, ecosystem, ...part }: ToldPart): Part => {
    return { path, ecosystem, change: path === null ? 'changed' : changeAt(path), ...part }
  }
  return told.map(({ parts, moved, total }) => ({
    moved,
    parts: parts.map(withChange),
    rest: parts.reduce((rest, { amount }) => rest - amount, total),
  }))
}

/** A row of the alignment that keeps no order: the same content stands elsewhere on the other side. */
type Row = { pair: LayerPair; isMoved: boolean }

/** Layers of the same content that stand alone on both sides are one layer that moved; it stands where the head has it. */
function withMoves(pairs: LayerPair[]): Row[] {
  const removed = new Map<string, LayerPair>()
  for (const pair of pairs) {
    if (pair.base && !pair.head && pair.base.diffId !== EMPTY_TAR) removed.set(pair.base.diffId, pair)
  }
  const gone = new Set<LayerPair>()
  const rows = pairs.map((pair): Row => {
    const from = pair.head && !pair.base ? removed.get(pair.head.diffId) : undefined
    if (!from?.base || !pair.head || from.base.fromBase !== pair.head.fromBase) return { pair, isMoved: false }
    removed.delete(pair.head.diffId)
    gone.add(from)
    return { pair: { base: from.base, head: pair.head }, isMoved: true }
  })
  return rows.filter(({ pair }) => !gone.has(pair))
}

function kindsOf(rows: Row[]): LayerRow[] {
  let changedBelow = false
  return rows.map(({ pair, isMoved }) => {
    const change = isMoved ? 'moved' : kindOfChange(pair, changedBelow)
    if (change !== 'unchanged') changedBelow = true
    return { pair, change }
  })
}

/**
 * `changedBelow`: some layer below is not the same on both sides, so that this one may have been built anew for no
 * reason of its own, and only then may another download size be the compressor's noise.
 */
function kindOfChange({ base, head }: LayerPair, changedBelow: boolean): LayerChangeKind {
  if (!base) return 'added'
  if (!head) return 'removed'
  if (base.diffId === head.diffId) return 'unchanged'
  if (base.instruction !== head.instruction) return 'changed'
  if (base.size !== null && head.size !== null) return base.size === head.size ? 'rebuilt' : 'changed'
  if (base.downloadSize === null || head.downloadSize === null) return 'changed'
  if (base.downloadSize === head.downloadSize) return 'rebuilt'
  return changedBelow && isNoise(base.downloadSize, head.downloadSize) ? 'rebuilt' : 'changed'
}

function isNoise(before: number, after: number): boolean {
  const difference = Math.abs(after - before)
  return difference <= noiseBytes || difference * noiseFraction <= before
}

function layerChange({ base, head }: LayerPair, change: LayerChangeKind, why: Why | null): LayerChange {
  const { instruction, file, line, stage, fromBase, copiedFrom }: Layer = head ?? base
  return {
    change,
    instruction,
    instructionBefore: base && base.instruction !== instruction ? base.instruction : null,
    file,
    line,
    stage,
    fromBase,
    copiedFrom,
    sizeBefore: base?.size ?? null,
    sizeAfter: head?.size ?? null,
    downloadSizeBefore: base?.downloadSize ?? null,
    downloadSizeAfter: head?.downloadSize ?? null,
    why,
  }
}
