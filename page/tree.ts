import type { Loaded } from './image.ts'

/** What the map is ordered by, from the outside in; files lie in their folders within it. */
export type By = 'folder' | 'package' | 'layer'

/** What an area stands for: bytes before or after, or bytes that came, went or changed. */
export type Show = 'before' | 'after' | 'change'

/** What a node is. `ref` is then: a folder's, file's, package's or layer's index; an ecosystem's place among `ecosystems`. */
export type Kind = 'root' | 'folder' | 'file' | 'package' | 'ecosystem' | 'layer' | 'none'
const KINDS: Kind[] = ['root', 'folder', 'file', 'package', 'ecosystem', 'layer', 'none']

/** What became of a node; `same`: as many bytes, and not all the same. */
export type State = 'unchanged' | 'same' | 'grown' | 'shrunk' | 'new' | 'gone'

/**
 * The files of an image in an order, as columns: hundreds of thousands of objects would take seconds. A node stands after its parent; 0 is the
 * root. Folders that have one folder and nothing else are passed over (`inner`).
 */
export type Tree = {
  by: By
  image: Loaded
  parent: Int32Array
  kind: Uint8Array
  ref: Int32Array
  before: Float64Array
  after: Float64Array
  /** Bytes that came, went or changed, whichever way: those of files of which some grow and some shrink do not cancel out. */
  change: Float64Array
  /** Bytes that are shipped and not in the image. */
  lostBefore: Float64Array
  lostAfter: Float64Array
  filesBefore: Int32Array
  filesAfter: Int32Array
  /** Children of node n: `children[start[n]]` up to `start[n + 1]`. */
  start: Int32Array
  children: Int32Array
  ecosystems: string[]
}

type Growing = { parent: number[]; kind: number[]; ref: number[] }

/** Puts the files in that order. A file that is another group's after than before is two: gone from one, new in the other. */
export function treeOf(image: Loaded, by: By): Tree {
  const nodes: Growing = { parent: [-1], kind: [0], ref: [0] }
  const add = (parent: number, kind: Kind, ref: number): number => {
    nodes.parent.push(parent)
    nodes.kind.push(KINDS.indexOf(kind))
    nodes.ref.push(ref)
    return nodes.parent.length - 1
  }
  const ecosystems: string[] = []
  const groups = new Map<number, number>()
  /** The node of a group; -1: of what belongs to no package. */
  const groupAt = (group: number): number => {
    if (by === 'folder') return 0
    const found = groups.get(group)
    if (found !== undefined) return found
    let node: number
    if (by === 'layer') node = add(0, 'layer', group)
    else if (group === -1) node = add(0, 'none', 0)
    else {
      const { ecosystem } = image.facts.packages[group]!
      let place = ecosystems.indexOf(ecosystem)
      if (place === -1) place = ecosystems.push(ecosystem) - 1
      const key = -2 - place
      const parent = groups.get(key) ?? add(0, 'ecosystem', place)
      groups.set(key, parent)
      node = add(parent, 'package', group)
    }
    groups.set(group, node)
    return node
  }
  const folderCount = image.folderNames.length
  const folders = new Map<number, number>()
  const folderAt = (group: number, folder: number): number => {
    if (folder === 0) return groupAt(group)
    const key = (group + 1) * folderCount + folder
    const found = folders.get(key)
    if (found !== undefined) return found
    const node = add(folderAt(group, image.folderParents[folder]!), 'folder', folder)
    folders.set(key, node)
    return node
  }
  /** Which sides of a file a node has: 1 before, 2 after, 3 both. */
  const sides: number[] = []
  const put = (group: number, file: number, side: number): void => {
    sides[add(folderAt(group, image.folderOf[file]!), 'file', file)] = side
  }
  const [groupBefore, groupAfter] =
    by === 'layer' ? [image.layerBefore, image.layerAfter] : [image.packageBefore, image.packageAfter]
  for (let file = 0; file < image.names.length; file++) {
    const side = (image.layerBefore[file]! >= 0 ? 1 : 0) + (image.layerAfter[file]! >= 0 ? 2 : 0)
    if (by === 'folder') put(0, file, side)
    else if (side !== 3 || groupBefore[file] === groupAfter[file])
      put((side === 1 ? groupBefore : groupAfter)[file]!, file, side)
    else {
      put(groupAfter[file]!, file, 2)
      put(groupBefore[file]!, file, 1)
    }
  }
  return summed(image, by, nodes, sides, ecosystems)
}

function summed(image: Loaded, by: By, nodes: Growing, sides: number[], ecosystems: string[]): Tree {
  const count = nodes.parent.length
  const tree: Tree = {
    by,
    image,
    parent: Int32Array.from(nodes.parent),
    kind: Uint8Array.from(nodes.kind),
    ref: Int32Array.from(nodes.ref),
    before: new Float64Array(count),
    after: new Float64Array(count),
    change: new Float64Array(count),
    lostBefore: new Float64Array(count),
    lostAfter: new Float64Array(count),
    filesBefore: new Int32Array(count),
    filesAfter: new Int32Array(count),
    start: new Int32Array(count + 1),
    children: new Int32Array(count - 1),
    ecosystems,
  }
  const { parent, before, after, change, lostBefore, lostAfter, filesBefore, filesAfter, start } = tree
  for (let node = 1; node < count; node++) start[parent[node]! + 1]! += 1
  for (let node = 0; node < count; node++) start[node + 1]! += start[node]!
  const next = start.slice()
  for (let node = 1; node < count; node++) tree.children[next[parent[node]!]!++] = node
  for (let node = count - 1; node > 0; node--) {
    const side = sides[node]
    if (side !== undefined) {
      const file = tree.ref[node]!
      if (side !== 2) {
        filesBefore[node] = 1
        before[node] = image.before[file]!
        if (image.lostBefore[file]! > 0) lostBefore[node] = before[node]!
      }
      if (side !== 1) {
        filesAfter[node] = 1
        after[node] = image.after[file]!
        if (image.lostAfter[file]! > 0) lostAfter[node] = after[node]!
      }
      change[node] = Math.abs(after[node]! - before[node]!)
    }
    for (const column of [before, after, change, lostBefore, lostAfter, filesBefore, filesAfter])
      column[parent[node]!]! += column[node]!
  }
  return tree
}

export function kindOf(tree: Tree, node: number): Kind {
  return KINDS[tree.kind[node]!]!
}

function isPassedOver(tree: Tree, node: number): boolean {
  const { kind, start, children } = tree
  const first = start[node]!
  return kind[node] === FOLDER && start[node + 1] === first + 1 && kind[children[first]!] === FOLDER
}
const FOLDER = KINDS.indexOf('folder')
const FILE = KINDS.indexOf('file')

/** The node itself, or the folder that is all there is in it. */
export function inner(tree: Tree, node: number): number {
  let at = node
  while (isPassedOver(tree, at)) at = tree.children[tree.start[at]!]!
  return at
}

/** The node that it is shown in; -1 for the root. */
export function outer(tree: Tree, node: number): number {
  let at = tree.parent[node]!
  while (at > 0 && isPassedOver(tree, at)) at = tree.parent[at]!
  return at
}

export function isFile(tree: Tree, node: number): boolean {
  return tree.kind[node] === FILE
}

/** Whether there is something to go into. */
export function hasChildren(tree: Tree, node: number): boolean {
  return tree.start[node + 1]! > tree.start[node]!
}

export function valueOf(tree: Tree, node: number, show: Show): number {
  return tree[show][node]!
}

export function stateOf(tree: Tree, node: number): State {
  const [was, is] = [tree.before[node]!, tree.after[node]!]
  if (tree.filesBefore[node] === 0) return 'new'
  if (tree.filesAfter[node] === 0) return 'gone'
  if (is !== was) return is > was ? 'grown' : 'shrunk'
  return tree.change[node] === 0 ? 'unchanged' : 'same'
}

/** Children in the order in which they are shown, largest first; asked for again, the same. `show` decides what is large. */
export function createOrder(tree: Tree): (node: number, show: Show) => Int32Array {
  const known = { before: new Map<number, Int32Array>(), after: new Map(), change: new Map() } as Record<
    Show,
    Map<number, Int32Array>
  >
  return (node, show) => {
    const found = known[show].get(node)
    if (found) return found
    const values = tree[show]
    const children = tree.children
      .slice(tree.start[node], tree.start[node + 1])
      .map((child) => inner(tree, child))
      .toSorted((one, other) => values[other]! - values[one]! || one - other)
    known[show].set(node, children)
    return children
  }
}

/** The files of a node (their indexes in the image), wherever in it. */
export function* filesOf(tree: Tree, node: number): Generator<number> {
  const waiting = [node]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (isFile(tree, at)) yield tree.ref[at]!
    for (let child = tree.start[at]!; child < tree.start[at + 1]!; child++) waiting.push(tree.children[child]!)
  }
}
