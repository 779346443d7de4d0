import type { Package } from '../image/packages/package.ts'
import type { PackageChange, Part } from './comparison.ts'
import type { Delta } from './deltas.ts'
import { changeOfPackage, type PackageIndex } from './packages.ts'
import type { FolderChanges } from './places.ts'

/** Parts of one layer, and packages of one part, that are told; the rest is a number. */
const MAX_PARTS = 10
const MAX_PACKAGES = 10

/** A folder is told by what lies in it where so few of that … */
const FEW = 3
/** … make up so much of what changed in it. */
const TELLING = 0.5

/** A package's change is told by the folder that has so much of it. */
const HALF = 0.45

/** What the comparison of parts needs to know of the two images. */
export type Sides = { folders: FolderChanges; packagesBefore: PackageIndex; packagesAfter: PackageIndex }

/** A part, but for what became of its path, which is looked up for those that are told. */
export type ToldPart = Omit<Part, 'change'>

/**
 * What a group of layers changed by, in few words: packages of a database together, packages in a folder by their folder, all other files
 * by the folders that explain them. Largest first, at most MAX_PARTS; what is in none of them is what is left of the sum.
 */
export function partsOf(deltas: Delta[], sides: Sides): ToldPart[] {
  const groups = new Map<string, Container & { owned: Delta[][] }>()
  const { loose, owners } = byOwner(deltas)
  for (const [owner, owned] of owners) {
    const container = containerOf(owner)
    if (!container) {
      for (const delta of owned) loose.push(delta)
      continue
    }
    const key = `${container.ecosystem}\0${container.path ?? ''}`
    const group = groups.get(key)
    if (group) group.owned.push(owned)
    else groups.set(key, { ...container, owned: [owned] })
  }
  const parts = [
    ...[...groups.values()].map(({ owned, ...container }) => packagesPart(container, owned, sides)),
    ...foldersOf(loose, sides),
  ]
  return parts
    .filter(({ amount }) => amount !== 0)
    .toSorted((one, other) => Math.abs(other.amount) - Math.abs(one.amount) || compareText(one.path, other.path))
    .slice(0, MAX_PARTS)
}

/** `loose`: those of no package. */
function byOwner(deltas: Delta[]): { loose: Delta[]; owners: Map<Package, Delta[]> } {
  const loose: Delta[] = []
  const owners = new Map<Package, Delta[]>()
  for (const delta of deltas) {
    const owned = delta.package === null ? loose : owners.get(delta.package)
    if (owned) owned.push(delta)
    else owners.set(delta.package!, [delta])
  }
  return { loose, owners }
}

function compareText(one: string | null, other: string | null): number {
  return (one ?? '') < (other ?? '') ? -1 : 1
}

/** What packages are told together by: the database, or the folder that they lie in. */
type Container = { ecosystem: Package['ecosystem']; path: string | null }

function containerOf({ ecosystem, path }: Package): Container | null {
  switch (ecosystem) {
    case 'npm': {
      // The outermost one: packages within packages are told with it.
      const at = path?.indexOf('/node_modules/') ?? -1
      return path === null || at === -1 ? null : { ecosystem, path: `${path.slice(0, at)}/node_modules` }
    }
    case 'python':
      return { ecosystem, path: path === null ? null : path.slice(0, path.lastIndexOf('/')) }
    // A program or an archive is one file, and told as that.
    case 'go':
    case 'java':
      return null
    default:
      return { ecosystem, path: null }
  }
}

/** `owned`: what changed of each package. */
function packagesPart(
  { ecosystem, path }: Container,
  owned: Delta[][],
  { packagesBefore, packagesAfter }: Sides,
): ToldPart {
  // A package that was updated has files of either version: they are one change.
  const changes = new Map<string, { change: PackageChange; owned: Delta[][] }>()
  for (const deltas of owned) {
    const { key, change } = changeOfPackage(deltas[0]!.package!, sum(deltas), packagesBefore, packagesAfter)
    const known = changes.get(key)
    if (known) {
      known.change.amount += change.amount
      known.owned.push(deltas)
    } else changes.set(key, { change, owned: [deltas] })
  }
  const packages = [...changes.values()]
    .filter(({ change }) => change.amount !== 0)
    .toSorted(({ change: one }, { change: other }) => {
      return Math.abs(other.amount) - Math.abs(one.amount) || compareText(one.name, other.name)
    })
  return {
    path,
    ecosystem,
    amount: owned.reduce((total, deltas) => total + sum(deltas), 0),
    files: owned.reduce((total, deltas) => total + countFiles(deltas), 0),
    packages: packages.slice(0, MAX_PACKAGES).map(({ change, owned: its }) => withFolder(change, its.flat())),
    packageCount: packages.length,
  }
}

/** A package of the same version says nothing of what changed; a folder may. */
function withFolder(change: PackageChange, deltas: Delta[]): PackageChange {
  return change.change === 'same' ? { ...change, folder: tellingFolder(deltas, change.amount) } : change
}

/** The folder that most of an amount is in, or else the deepest above all of it. */
function tellingFolder(deltas: Delta[], amount: number): string {
  const amounts = new Map<string, number>()
  for (const delta of deltas) {
    const folder = delta.path.slice(0, delta.path.lastIndexOf('/'))
    amounts.set(folder, (amounts.get(folder) ?? 0) + delta.amount)
  }
  const [folder, bytes] = [...amounts].reduce((most, each) => (each[1] / amount > most[1] / amount ? each : most))
  if (bytes / amount >= HALF) return folder
  return [...amounts.keys()].reduce(commonFolder) || '/'
}

/** The deepest folder above both, '' for the root. */
function commonFolder(one: string, other: string): string {
  let common = one
  while (common !== '' && common !== other && !other.startsWith(`${common}/`)) {
    common = common.slice(0, common.lastIndexOf('/'))
  }
  return common
}

function sum(deltas: Delta[]): number {
  return deltas.reduce((total, { amount }) => total + amount, 0)
}

function countFiles(deltas: Delta[]): number {
  return deltas.reduce((total, { files }) => total + files, 0)
}

/** A folder with what changed in it, or a file that changed. */
type Branch = {
  path: string
  deltas: Delta[]
  /** The change of the file at this path; null: it is a folder alone. */
  own: Delta | null
  /** Bytes that came or went. */
  absolute: number
  files: number
}

function foldersOf(deltas: Delta[], sides: Sides): ToldPart[] {
  const parts: ToldPart[] = []
  const waiting = childrenOf({ path: '', deltas })
  for (let branch = waiting.pop(); branch; branch = waiting.pop()) {
    const split = telling(branch, sides)
    if (split.length === 0) parts.push(folderPart(branch, sides))
    else for (const child of split) waiting.push(child)
  }
  return parts
}

function childrenOf({ path, deltas }: Pick<Branch, 'path' | 'deltas'>): Branch[] {
  const children = new Map<string, Branch>()
  const own: Delta[] = []
  const add = (delta: Delta): void => {
    if (delta.path.length === path.length) {
      own.push(delta)
      return
    }
    const end = delta.path.indexOf('/', path.length + 1)
    const childPath = end === -1 ? delta.path : delta.path.slice(0, end)
    let child = children.get(childPath)
    if (!child) {
      child = { path: childPath, deltas: [], own: null, absolute: 0, files: 0 }
      children.set(childPath, child)
    }
    child.deltas.push(delta)
    child.absolute += Math.abs(delta.amount)
    child.files += delta.files
    if (end === -1) child.own = delta
  }
  for (const delta of deltas) {
    // What lies right in the folder is told file by file.
    if (delta.each !== null && delta.path.length === path.length + 1) for (const file of delta.each()) add(file)
    else add(delta)
  }
  // A file that a folder stands in the place of, or the other way round.
  if (children.size > 0 && own.length > 0) children.set(path, branchOfFile(path, own))
  return [...children.values()]
}

function branchOfFile(path: string, deltas: Delta[]): Branch {
  const absolute = deltas.reduce((total, { amount }) => total + Math.abs(amount), 0)
  return { path, deltas, own: deltas[0]!, absolute, files: deltas.length }
}

/** Folders that many things share: their own name explains nothing. */
const SHARED =
  /^\/(?:usr|var|opt|home|root|srv|mnt|etc|run|tmp|lib|lib64)?$|^\/usr\/(?:local|lib|share|libexec)$|^\/usr\/local\/(?:lib|share)$|^\/var\/(?:lib|cache)$|^\/home\/[^/]+$|^\/(?:usr\/)?lib\/[^/]+-linux-gnu\w*$/

/** The children that tell more than the folder itself; none: the folder is what is told. */
function telling(branch: Branch, { folders }: Sides): Branch[] {
  const { path, own, absolute, files } = branch
  if (files === 1 && own !== null) return []
  if (SHARED.test(path)) return childrenOf(branch)
  // A folder that is new (or gone) as a whole is told by its own name, but for the way to a single file.
  if (own === null && folders.get(path) !== 'changed') return files === 1 ? childrenOf(branch) : []
  const children = childrenOf(branch)
  const largest = children.toSorted((one, other) => other.absolute - one.absolute).slice(0, FEW)
  const told = largest.reduce((total, child) => total + child.absolute, 0)
  return told >= absolute * TELLING ? children : []
}

function folderPart({ path, deltas, own, files }: Branch, { packagesBefore, packagesAfter }: Sides): ToldPart {
  const amount = sum(deltas)
  const owner = own?.package ?? null
  const change = owner && changeOfPackage(owner, amount, packagesBefore, packagesAfter).change
  return {
    path,
    ecosystem: null,
    amount,
    files,
    packages: change ? [change] : [],
    packageCount: change ? 1 : 0,
  }
}
