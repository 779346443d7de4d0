import type { ImageContent } from '../image/content.ts'
import type { Package } from '../image/packages/package.ts'
import type { PackageChange, Part } from './comparison.ts'
import type { Delta } from './deltas.ts'
import { changeOfPackage, type PackageIndex } from './packages.ts'

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
export type Sides = {
  /** Of the paths of what changed, and of the folders on the way there: those that either image ships anything in. */
  inBase: ReadonlySet<string>
  inHead: ReadonlySet<string>
  packagesBefore: PackageIndex
  packagesAfter: PackageIndex
}

/** The paths of what changed, and all folders on the way there; absolute, without a final `/`. */
export function pathsOf(deltas: readonly Delta[]): Set<string> {
  const paths = new Set<string>()
  for (const { path } of deltas) {
    for (const each of upwards(path)) {
      if (paths.has(each)) break
      paths.add(each)
    }
  }
  return paths
}

/** Those of the paths in which an image ships anything. */
export function shippedIn({ files }: ImageContent, paths: ReadonlySet<string>): Set<string> {
  const shipped = new Set<string>()
  let folder = ''
  for (const { path } of files) {
    if (paths.has(path)) shipped.add(path)
    // Most files lie where the one before does.
    if (folder !== '' && path.startsWith(folder) && !path.includes('/', folder.length)) continue
    folder = path.slice(0, path.lastIndexOf('/') + 1)
    for (const each of upwards(folder.slice(0, -1))) {
      if (shipped.has(each)) break
      if (paths.has(each)) shipped.add(each)
    }
  }
  return shipped
}

/** The path and the folders above it, the deepest first, without the root. */
function* upwards(path: string): Generator<string> {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) yield path.slice(0, end)
}

/**
 * What a group of layers changed by, in few words: packages of a database together, packages in a folder by their folder, all other files
 * by the folders that explain them. Largest first, at most MAX_PARTS; what is in none of them is what is left of the sum.
 */
export function partsOf(deltas: Delta[], sides: Sides): Part[] {
  const groups = new Map<string, { of: Container; deltas: Delta[] }>()
  const loose: Delta[] = []
  for (const delta of deltas) {
    const container = delta.package && containerOf(delta.package)
    if (!container) {
      loose.push(delta)
      continue
    }
    const key = `${container.ecosystem}\0${container.path ?? ''}`
    const group = groups.get(key)
    if (group) group.deltas.push(delta)
    else groups.set(key, { of: container, deltas: [delta] })
  }
  const parts = [
    ...[...groups.values()].map(({ of, deltas: owned }) => packagesPart(of, owned, sides)),
    ...foldersOf(loose, sides),
  ]
  return parts
    .filter(({ amount }) => amount !== 0)
    .toSorted((one, other) => Math.abs(other.amount) - Math.abs(one.amount) || compareText(one.path, other.path))
    .slice(0, MAX_PARTS)
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

function packagesPart({ ecosystem, path }: Container, deltas: Delta[], sides: Sides): Part {
  const amounts = new Map<Package, number>()
  const folders = new Map<Package, Map<string, number>>()
  for (const delta of deltas) {
    const owner = delta.package!
    amounts.set(owner, (amounts.get(owner) ?? 0) + delta.amount)
    const folder = delta.path.slice(0, delta.path.lastIndexOf('/'))
    const its = folders.get(owner) ?? new Map<string, number>()
    folders.set(owner, its.set(folder, (its.get(folder) ?? 0) + delta.amount))
  }
  // A package that was updated has files of either version: they are one change.
  const changes = new Map<string, { change: PackageChange; folders: Map<string, number> }>()
  for (const [owner, amount] of amounts) {
    const { key, change } = changeOfPackage(owner, amount, sides.packagesBefore, sides.packagesAfter)
    const known = changes.get(key)
    if (!known) {
      changes.set(key, { change, folders: folders.get(owner)! })
      continue
    }
    known.change.amount += amount
    for (const [folder, bytes] of folders.get(owner)!)
      known.folders.set(folder, (known.folders.get(folder) ?? 0) + bytes)
  }
  const packages = [...changes.values()]
    .filter(({ change }) => change.amount !== 0)
    .map(({ change, folders: its }) => withFolder(change, its))
    .toSorted((one, other) => Math.abs(other.amount) - Math.abs(one.amount) || compareText(one.name, other.name))
  return {
    path,
    ecosystem,
    change: path === null ? 'changed' : changeAt(path, sides),
    amount: sum(deltas),
    files: deltas.length,
    packages: packages.slice(0, MAX_PACKAGES),
    packageCount: packages.length,
  }
}

/** A package of the same version says nothing of what changed; a folder may. */
function withFolder(change: PackageChange, folders: ReadonlyMap<string, number>): PackageChange {
  return change.change === 'same' ? { ...change, folder: tellingFolder(folders, change.amount) } : change
}

/** The folder that most of an amount is in, or else the deepest above all of it. */
function tellingFolder(amounts: ReadonlyMap<string, number>, amount: number): string {
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

function changeAt(path: string, { inBase, inHead }: Sides): Part['change'] {
  if (!inBase.has(path)) return 'new'
  return inHead.has(path) ? 'changed' : 'gone'
}

function sum(deltas: Delta[]): number {
  return deltas.reduce((total, { amount }) => total + amount, 0)
}

/** A folder or file of the tree of what changed. */
type Branch = {
  path: string
  amount: number
  absolute: number
  files: number
  delta: Delta | null
  /** Null: none, as with most. */
  children: Map<string, Branch> | null
}

function foldersOf(deltas: Delta[], sides: Sides): Part[] {
  const root = branch('')
  for (const delta of deltas) {
    let node = root
    add(node, delta)
    const { path } = delta
    for (let start = 1, end = 0; end < path.length; start = end + 1) {
      end = path.indexOf('/', start)
      if (end === -1) end = path.length
      const name = path.slice(start, end)
      node.children ??= new Map()
      let child = node.children.get(name)
      if (!child) {
        child = branch(end === path.length ? path : path.slice(0, end))
        node.children.set(name, child)
      }
      add(child, delta)
      node = child
    }
    node.delta = delta
  }
  const parts: Part[] = []
  const waiting = [root]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const split = node === root ? [...(node.children ?? new Map<string, Branch>()).values()] : telling(node, sides)
    if (split.length === 0) parts.push(folderPart(node, sides))
    else waiting.push(...split)
  }
  return parts
}

function branch(path: string): Branch {
  return { path, amount: 0, absolute: 0, files: 0, delta: null, children: null }
}

function add(node: Branch, { amount }: Delta): void {
  node.amount += amount
  node.absolute += Math.abs(amount)
  node.files += 1
}

/** Folders that many things share: their own name explains nothing. */
const SHARED =
  /^\/(?:usr|var|opt|home|root|srv|mnt|etc|run|tmp|lib|lib64)?$|^\/usr\/(?:local|lib|share|libexec)$|^\/usr\/local\/(?:lib|share)$|^\/var\/(?:lib|cache)$|^\/home\/[^/]+$|^\/(?:usr\/)?lib\/[^/]+-linux-gnu\w*$/

/** The children that tell more than the folder itself; none: the folder is what is told. */
function telling(node: Branch, sides: Sides): Branch[] {
  if (node.children === null) return []
  const children = [...node.children.values()].toSorted((one, other) => other.absolute - one.absolute)
  const isShared = SHARED.test(node.path)
  // A folder that is new (or gone) as a whole is told by its own name, but for the way to a single file.
  if (!isShared && changeAt(node.path, sides) !== 'changed') return node.files === 1 ? children : []
  if (isShared) return children
  const told = children.slice(0, FEW).reduce((total, { absolute }) => total + absolute, 0)
  return told >= node.absolute * TELLING ? children : []
}

function folderPart(node: Branch, sides: Sides): Part {
  const owner = node.delta?.package ?? null
  const change = owner && changeOfPackage(owner, node.amount, sides.packagesBefore, sides.packagesAfter).change
  return {
    path: node.path,
    ecosystem: null,
    change: changeAt(node.path, sides),
    amount: node.amount,
    files: node.files,
    packages: change ? [change] : [],
    packageCount: change ? 1 : 0,
  }
}
