import type { ImageContent } from '../image/content.ts'
import type { ImageFile } from '../image/files.ts'
import type { Package } from '../image/packages/package.ts'

/** One path of a group of layers, before and after. Bytes; null: not there on that side. */
export type Delta = {
  path: string
  before: number | null
  after: number | null
  /** After minus before, without what only moved: bytes that another group has less (or more) of at the same path. */
  amount: number
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
        delta.before = (delta.before ?? 0) + file.size
        delta.package ??= file.package === null ? null : base.packages[file.package]!
      }
    }
    for (const layer of group.after) {
      for (const file of after.get(layer) ?? []) {
        const delta = deltaAt(paths, file.path)
        if (file.package !== null && delta.after === null) delta.package = head.packages[file.package]!
        delta.after = (delta.after ?? 0) + file.size
      }
    }
    const deltas: Delta[] = []
    for (const delta of paths.values()) {
      delta.amount = (delta.after ?? 0) - (delta.before ?? 0)
      if (delta.amount !== 0) deltas.push(delta)
    }
    return deltas
  })
  const moved = withoutMoves(all)
  return all.map((deltas, at) => ({ deltas: deltas.filter(({ amount }) => amount !== 0), moved: moved[at]! }))
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
  const delta: Delta = { path, before: null, after: null, amount: 0, package: null }
  paths.set(path, delta)
  return delta
}

/** The paths that more than one of the groups has: most are of one. */
function sharedPaths(groups: Delta[][]): Set<string> {
  const shared = new Set<string>()
  const filled = groups.filter((deltas) => deltas.length > 0)
  if (filled.length < 2) return shared
  const seen = new Set<string>()
  for (const { path } of filled.flat()) {
    if (seen.has(path)) shared.add(path)
    seen.add(path)
  }
  return shared
}

/** Takes what moved out of the amounts; gives each group's sum of it. */
function withoutMoves(groups: Delta[][]): number[] {
  const totals = new Map<string, { up: number; down: number }>()
  const shared = sharedPaths(groups)
  for (const delta of groups.flat()) {
    if (!shared.has(delta.path)) continue
    const total = totals.get(delta.path) ?? { up: 0, down: 0 }
    if (delta.amount > 0) total.up += delta.amount
    else total.down -= delta.amount
    totals.set(delta.path, total)
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
