import { grouped } from '../groups.ts'
import type { ImageContent } from '../image/content.ts'
import { byFolder, type FolderRun } from '../image/files.ts'
import type { Package } from '../image/packages/package.ts'

/** One path of a group of layers; one that only the head has, in two of the layers, is there twice. */
export type Delta = {
  path: string
  /** Bytes, after minus before, without what only moved: what another group has less (or more) of at the same path. */
  amount: number
  /** Whether the group has it after. */
  isAfter: boolean
  /** Whose file it is: the head's package, or the base's where only that has the file. */
  package: Package | null
}

/** Layers that are spoken of as one: a layer on both sides, or all that came with the base image. Indexes of layers. */
export type LayerGroup = { before: number[]; after: number[] }

/** What became of one group's files. */
export type GroupDeltas = {
  /** Those whose amount is not 0, in no order. */
  deltas: Delta[]
  /** Bytes of the group's change that another group has the contrary of: they only moved. */
  moved: number
}

/**
 * Compares the files of each group, path by path. What one group has more of and another one less, at the same path, has moved and is no
 * growth of either. In the order of the groups.
 */
export function deltasOf(base: ImageContent, head: ImageContent, groups: LayerGroup[]): GroupDeltas[] {
  const before = grouped(byFolder(base.files), ({ layer }) => layer)
  const after = grouped(byFolder(head.files), ({ layer }) => layer)
  const all = groups.map((group) => {
    const was = foldersOf(before, group.before)
    const is = foldersOf(after, group.after)
    const deltas: Delta[] = []
    const add = (folder: string): void => {
      const gone = deltasFrom(was.get(folder) ?? [], base, false)
      const added = deltasFrom(is.get(folder) ?? [], head, true)
      for (const delta of joined(gone, added)) if (delta.amount !== 0) deltas.push(delta)
    }
    for (const folder of was.keys()) add(folder)
    for (const folder of is.keys()) if (!was.has(folder)) add(folder)
    return deltas
  })
  const moved = withoutMoves(all)
  return all.map((deltas, at) => ({ deltas: changedOf(deltas), moved: moved[at]! }))
}

/** What some of an image's layers have in each folder. */
function foldersOf(all: ReadonlyMap<number, FolderRun[]>, layers: number[]): Map<string, FolderRun[]> {
  return grouped(
    layers.flatMap((layer) => all.get(layer) ?? []),
    ({ folder }) => folder,
  )
}

/** One side's files in a folder, each as if the other side had none of them. `repeats`: a path may be there twice. */
type OneSide = { deltas: Delta[]; repeats: boolean }

function deltasFrom(runs: readonly FolderRun[], { files, packages }: ImageContent, isAfter: boolean): OneSide {
  const deltas: Delta[] = []
  let repeats = false
  for (const { start, end } of runs) {
    for (let at = start; at < end; at += 1) {
      const { path, size, lost, package: owner } = files[at]!
      const amount = isAfter ? size : -size
      deltas.push({ path, amount, isAfter, package: owner === null ? null : packages[owner]! })
      // Of two at one path the first is lost.
      if (lost !== null) repeats = true
    }
  }
  return { deltas, repeats }
}

/** Both sides of one folder. Where one has nothing there, nothing is looked for: it may be hundreds of thousands. */
function joined(gone: OneSide, added: OneSide): Iterable<Delta> {
  if (gone.deltas.length === 0) return added.deltas
  if (added.deltas.length === 0 && !gone.repeats) return gone.deltas
  const paths = new Map<string, Delta>()
  for (const delta of gone.deltas) {
    const known = paths.get(delta.path)
    if (known) {
      known.amount += delta.amount
      known.package ??= delta.package
    } else paths.set(delta.path, delta)
  }
  const others: Delta[] = []
  for (const delta of added.deltas) {
    const known = paths.get(delta.path)
    if (!known) {
      others.push(delta)
      continue
    }
    if (!known.isAfter) known.package = delta.package ?? known.package
    known.amount += delta.amount
    known.isAfter = true
  }
  return [...paths.values(), ...others]
}

/** Of a layer that is new as a whole the list itself: it may have hundreds of thousands. */
function changedOf(deltas: Delta[]): Delta[] {
  const isChange = ({ amount }: Delta): boolean => amount !== 0
  return deltas.every(isChange) ? deltas : deltas.filter(isChange)
}

/** The paths that more than one of the groups has: most are of one. */
function sharedPaths(groups: Delta[][]): Set<string> {
  const shared = new Set<string>()
  const [largest = [], ...others] = groups.toSorted((one, other) => other.length - one.length)
  const seen = new Set<string>()
  for (const deltas of others) {
    for (const { path } of deltas) {
      if (seen.has(path)) shared.add(path)
      seen.add(path)
    }
  }
  for (const { path } of largest) if (seen.has(path)) shared.add(path)
  return shared
}

/** Takes what moved out of the amounts; gives each group's sum of it. */
function withoutMoves(groups: Delta[][]): number[] {
  const totals = new Map<string, { up: number; down: number }>()
  for (const path of sharedPaths(groups)) totals.set(path, { up: 0, down: 0 })
  for (const deltas of groups) {
    for (const { path, amount } of deltas) {
      const total = totals.get(path)
      if (!total) continue
      if (amount > 0) total.up += amount
      else total.down -= amount
    }
  }
  for (const total of totals.values()) total.up = total.down = Math.min(total.up, total.down)
  return groups.map((deltas) => {
    let moved = 0
    for (const delta of deltas) {
      const total = totals.get(delta.path)
      if (!total) continue
      const direction = delta.amount > 0 ? 'up' : 'down'
      const bytes = Math.min(total[direction], Math.abs(delta.amount))
      total[direction] -= bytes
      const signed = direction === 'up' ? bytes : -bytes
      delta.amount -= signed
      moved += signed
    }
    return moved
  })
}
