import { grouped } from '../groups.ts'
import type { ImageContent } from '../image/content.ts'
import { byFolder, type FolderRun, type ImageFile } from '../image/runs.ts'
import type { Package } from '../image/packages/package.ts'

/**
 * What changed at one path of a group of layers; one that only the head has, in two of the layers, is there twice. Or what came or went of one
 * package (or of none) right in a folder, which is told in one: an image may have hundreds of thousands of files.
 */
export type Delta = {
  /** A folder's ends with `/`. */
  path: string
  /** Bytes, after minus before, without what only moved: what another group has less (or more) of at the same path. */
  amount: number
  /** How many files it is, without empty ones; of one path 1. */
  files: number
  /** Whether the group has it after. */
  isAfter: boolean
  /** Whose file it is: the head's package, or the base's where only that has the file. */
  package: Package | null
  /** What it is made of, path by path; null for one path. */
  each: (() => Delta[]) | null
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
 * Compares the files of each group, folder by folder, and path by path where both sides have a folder. What one group has more of and another
 * one less, at the same path, has moved and is no growth of either. In the order of the groups.
 */
export function deltasOf(base: ImageContent, head: ImageContent, groups: LayerGroup[]): GroupDeltas[] {
  const all = foldersOf(base, head, groups).map((folders): FolderDeltas => {
    const changes: FolderDeltas = new Map()
    for (const [folder, { gone, added }] of folders) {
      const deltas = deltasIn({ runs: gone, image: base, isAfter: false }, { runs: added, image: head, isAfter: true })
      if (deltas.length > 0) changes.set(folder, deltas)
    }
    return changes
  })
  const moved = withoutMoves(all)
  return all.map((changes, at) => {
    const deltas = [...changes.values()].flat().filter(({ amount }) => amount !== 0)
    return { deltas, moved: moved[at]! }
  })
}

/** What changed right in each folder of a group, by the folder with its final `/`. */
type FolderDeltas = Map<string, Delta[]>

/** What a group's layers have in a folder, on both sides. */
type Both = { gone: FolderRun[]; added: FolderRun[] }

/** Where the layers of each group have files. */
function foldersOf(base: ImageContent, head: ImageContent, groups: readonly LayerGroup[]): Map<string, Both>[] {
  const all = groups.map(() => new Map<string, Both>())
  const deal = (image: ImageContent, side: keyof Both, layersOf: (group: LayerGroup) => number[]): void => {
    const groupOf = new Map(groups.flatMap((group, at) => layersOf(group).map((layer) => [layer, at])))
    for (const run of byFolder(image.files)) {
      const folders = all[groupOf.get(run.layer) ?? -1]
      if (folders === undefined) continue
      const both = folders.get(run.folder) ?? { gone: [], added: [] }
      both[side].push(run)
      folders.set(run.folder, both)
    }
  }
  deal(base, 'gone', ({ before }) => before)
  deal(head, 'added', ({ after }) => after)
  return all
}

/** One side's files in a folder. */
type OneSide = { runs: readonly FolderRun[]; image: ImageContent; isAfter: boolean }

function deltasIn(gone: OneSide, added: OneSide): Delta[] {
  // Where only one side has the folder, nothing has to be looked for: it may be a layer of hundreds of thousands of files.
  if (gone.runs.length === 0) return inOne(added)
  if (added.runs.length === 0 && !hasRepeats(gone)) return inOne(gone)
  return joined(deltasFrom(gone), deltasFrom(added)).filter(({ amount }) => amount !== 0)
}

/** Whether a path may be there twice: of two at one path the first is lost. */
function hasRepeats({ runs }: OneSide): boolean {
  return runs.some(({ lost }) => lost.length > 0)
}

/** One side's files in a folder, in one for each package of each run, and for what is no package's. */
function inOne({ runs, image: { packages }, isAfter }: OneSide): Delta[] {
  const deltas: Delta[] = []
  for (const run of runs) {
    // Once for all packages: there may be as many as files.
    let known: Map<number, ImageFile[]> | null = null
    const filesOf = (owner: number | null): ImageFile[] => {
      known ??= grouped(run.files, (file) => (file.size === 0 ? null : (file.package ?? NONE)))
      return known.get(owner ?? NONE)!
    }
    for (const { package: owner, bytes, filled } of run.shares()) {
      if (filled === 0) continue
      deltas.push({
        path: run.folder,
        amount: isAfter ? bytes : -bytes,
        files: filled,
        isAfter,
        package: owner === null ? null : packages[owner]!,
        each: () => filesOf(owner).map((file) => deltaOf(file, packages, isAfter)),
      })
    }
  }
  return deltas
}

/** In the place of a package's index, where no package has a file. */
const NONE = -1

/** One side's files in a folder, each as if the other side had none of them. */
function deltasFrom({ runs, image: { packages }, isAfter }: OneSide): Delta[] {
  return runs.flatMap(({ files }) => files.map((file) => deltaOf(file, packages, isAfter)))
}

function deltaOf({ path, size, package: owner }: ImageFile, packages: readonly Package[], isAfter: boolean): Delta {
  const amount = isAfter ? size : -size
  return { path, amount, files: 1, isAfter, package: owner === null ? null : packages[owner]!, each: null }
}

/** Both sides of one folder, path by path. */
function joined(gone: readonly Delta[], added: readonly Delta[]): Delta[] {
  const paths = new Map<string, Delta>()
  for (const delta of gone) {
    const known = paths.get(delta.path)
    if (known) {
      known.amount += delta.amount
      known.package ??= delta.package
    } else paths.set(delta.path, delta)
  }
  const others: Delta[] = []
  for (const delta of added) {
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

/** Takes what moved out of the amounts, path by path in the folders that more than one group has; gives each group's sum of it. */
function withoutMoves(groups: FolderDeltas[]): number[] {
  const shared = sharedFolders(groups)
  for (const changes of groups) {
    for (const folder of shared) {
      const deltas = changes.get(folder)
      if (deltas) changes.set(folder, byPath(deltas))
    }
  }
  const inShared = groups.map((changes) => [...shared].flatMap((folder) => changes.get(folder) ?? []))
  const totals = new Map<string, { up: number; down: number }>()
  for (const { path, amount } of inShared.flat()) {
    const total = totals.get(path) ?? { up: 0, down: 0 }
    if (amount > 0) total.up += amount
    else total.down -= amount
    totals.set(path, total)
  }
  for (const total of totals.values()) total.up = total.down = Math.min(total.up, total.down)
  return inShared.map((deltas) => {
    let moved = 0
    for (const delta of deltas) {
      const total = totals.get(delta.path)!
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

/** The folders in which more than one of the groups has a change. */
function sharedFolders(groups: readonly FolderDeltas[]): Set<string> {
  const [seen, shared] = [new Set<string>(), new Set<string>()]
  const changed = groups.filter(({ size }) => size > 0)
  if (changed.length < 2) return shared
  for (const changes of changed) {
    for (const folder of changes.keys()) {
      if (seen.has(folder)) shared.add(folder)
      seen.add(folder)
    }
  }
  return shared
}

/** The same, path by path. */
export function byPath(deltas: readonly Delta[]): Delta[] {
  return deltas.flatMap((delta) => delta.each?.() ?? delta)
}
