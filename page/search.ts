import { filePath, folderPath, type Loaded } from './image.ts'
import type { Tree } from './tree.ts'

/** Finds files by their paths and packages, whatever the case; the files that were found have a 1. */
export type Search = (words: string) => { found: Uint8Array; count: number }

/** What is compared is made at the first search, once. */
export function createSearch(image: Loaded): Search {
  let lower: { names: string[]; folders: string[]; packages: string[] } | null = null
  return (words) => {
    lower ??= {
      names: image.names.map((name) => name.toLowerCase()),
      folders: image.folderNames.map((_, folder) => `${folderPath(image, folder)}/`.toLowerCase()),
      packages: image.facts.packages.map(({ ecosystem, name }) => `${ecosystem}:${name}`.toLowerCase()),
    }
    const { names, folders, packages } = lower
    const wanted = words.toLowerCase()
    const inFolder = folders.map((folder) => folder.includes(wanted))
    const inPackage = packages.map((name) => name.includes(wanted))
    const isPath = wanted.includes('/')
    const found = new Uint8Array(names.length)
    let count = 0
    for (let file = 0; file < names.length; file++) {
      const folder = image.folderOf[file]!
      const isFound =
        inFolder[folder] === true ||
        inPackage[image.packageAfter[file]!] === true ||
        inPackage[image.packageBefore[file]!] === true ||
        (isPath ? (folders[folder]! + names[file]!).includes(wanted) : names[file]!.includes(wanted))
      if (!isFound) continue
      found[file] = 1
      count += 1
    }
    return { found, count }
  }
}

/** How many of the files that were found each node has. */
export function countIn(tree: Tree, found: Uint8Array): Int32Array {
  const counts = new Int32Array(tree.parent.length)
  for (let node = counts.length - 1; node > 0; node--) {
    if (tree.filesBefore[node]! + tree.filesAfter[node]! > 0 && tree.start[node] === tree.start[node + 1])
      counts[node] = found[tree.ref[node]!]!
    counts[tree.parent[node]!]! += counts[node]!
  }
  return counts
}

/** Paths of the largest, for a list. */
export function largest(tree: Tree, found: Uint8Array, most: number): { node: number; path: string }[] {
  const nodes: number[] = []
  const sizeOf = (node: number): number => Math.max(tree.before[node]!, tree.after[node]!)
  for (let node = 1; node < tree.parent.length; node++)
    if (tree.start[node] === tree.start[node + 1] && found[tree.ref[node]!] === 1) nodes.push(node)
  return nodes
    .toSorted((one, other) => sizeOf(other) - sizeOf(one))
    .slice(0, most)
    .map((node) => ({ node, path: filePath(tree.image, tree.ref[node]!) }))
}
