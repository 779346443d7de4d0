import type { ImageContent } from '../image/content.ts'
import type { ImageFile } from '../image/files.ts'
import type { Package } from '../image/packages/package.ts'

/** One path of a group of layers. */
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
  const before = byLayer(base.files)
  const after = byLayer(head.files)
  const all = groups.map((group) => {
    const paths = new Map<string, Delta>()
    for (const layer of group.before) {
      for (const file of before.get(layer) ?? []) {
        const delta = deltaAt(paths, file.path)
        delta.amount -= file.size
        delta.package ??= file.package === null ? null : base.packages[file.package]!
      }
    }
    for (const layer of group.after) {
      for (const file of after.get(layer) ?? []) {
        const delta = deltaAt(paths, file.path)
        if (file.package !== null && !delta.isAfter) delta.package = head.packages[file.package]!
        delta.amount += file.size
        delta.isAfter = true
      }
    }
    return changedOf(paths.values())
  })
  const moved = withoutMoves(all)
  return all.map((deltas, at) => ({ deltas: changedOf(deltas), moved: moved[at]! }))
}

function byLayer(files: ImageFile[]): Map<number, ImageFile[]> {
  const layers = new Map<number, ImageFile[]>()
  for (const file of files) {
    const list = layers.get(file.layer)
    if (list) list.push(file)
    else layers.set(file.layer, [file])
  }
  return layers
}

function deltaAt(paths: Map<string, Delta>, path: string): Delta {
  const found = paths.get(path)
  if (found) return found
  const delta: Delta = { path, amount: 0, isAfter: false, package: null }
  paths.set(path, delta)
  return delta
}

function changedOf(deltas: Iterable<Delta>): Delta[] {
  const changed: Delta[] = []
  for (const delta of deltas) if (delta.amount !== 0) changed.push(delta)
  return changed
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
