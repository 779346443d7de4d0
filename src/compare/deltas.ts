import type { ImageContent } from '../image/content.ts'
import type { ImageFile } from '../image/files.ts'
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
  const before = filesByLayer(base.files)
  const after = filesByLayer(head.files)
  const all = groups.map((group) => {
    const paths = new Map<string, Delta>()
    for (const layer of group.before) {
      for (const file of before(layer)) {
        const delta = deltaAt(paths, file.path)
        delta.amount -= file.size
        delta.package ??= file.package === null ? null : base.packages[file.package]!
      }
    }
    // What only the head has is not looked for again: there may be hundreds of thousands.
    const added: Delta[] = []
    for (const layer of group.after) {
      for (const { path, size, package: owner } of after(layer)) {
        const its = owner === null ? null : head.packages[owner]!
        const delta = paths.get(path)
        if (!delta) {
          added.push({ path, amount: size, isAfter: true, package: its })
          continue
        }
        if (!delta.isAfter) delta.package = its ?? delta.package
        delta.amount += size
        delta.isAfter = true
      }
    }
    return changedOf([...paths.values(), ...added])
  })
  const moved = withoutMoves(all)
  return all.map((deltas, at) => ({ deltas: changedOf(deltas), moved: moved[at]! }))
}

/** The files of one layer; an image's files stand in the order of its layers. */
function filesByLayer(files: readonly ImageFile[]): (layer: number) => ImageFile[] {
  const starts = new Map<number, number>()
  const ends = new Map<number, number>()
  for (let at = 0; at < files.length; at += 1) {
    const { layer } = files[at]!
    if (!starts.has(layer)) starts.set(layer, at)
    ends.set(layer, at + 1)
  }
  return (layer) => files.slice(starts.get(layer) ?? 0, ends.get(layer) ?? 0)
}

function deltaAt(paths: Map<string, Delta>, path: string): Delta {
  const found = paths.get(path)
  if (found) return found
  const delta: Delta = { path, amount: 0, isAfter: false, package: null }
  paths.set(path, delta)
  return delta
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
