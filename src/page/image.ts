import type { Compared } from '../compare/compare.ts'
import { rowsOfLayers, type LayerRow } from '../compare/layers.ts'
import { keyOfPackage } from '../compare/packages.ts'
import type { ImageContent } from '../image/content.ts'
import type { ImageFile } from '../image/runs.ts'
import type { Measurement } from '../image/measurement.ts'
import { placeUrl } from '../report/markdown.ts'
import {
  codeOfLoss,
  type PageFiles,
  type PageFolders,
  type PageImage,
  type PageLayer,
  type PagePackage,
} from './format.ts'

/**
 * What the page shows of an image: every file that its layers ship, before and after. Null where no content was read, or more than can be
 * kept: then there is nothing to draw. The sums of the files are the sizes of the images.
 */
export function pageImageOf(
  { comparison, head, base: comparedWith }: Compared,
  repositoryUrl: string | null,
): PageImage | null {
  if (head.content === null) return null
  // Half a comparison would show everything as new.
  const base = comparedWith?.content ? comparedWith : null
  const rows = rowsOfLayers(base, head)
  const sides = {
    before: base && sideOf(base, base.content!, rows, 'base'),
    after: sideOf(head, head.content, rows, 'head'),
  }
  const packages = new Packages()
  const { folders, files } = tableOf(sides.before, sides.after, packages)
  return {
    name: comparison.name,
    platform: comparison.platform,
    size: sumOf(head.content),
    sizeBefore: base?.content ? sumOf(base.content) : null,
    comparedWith: wordsOf(comparison.baseline, comparedWith !== null, base !== null),
    layers: layersOf(rows, base, head, repositoryUrl),
    packages: packages.all,
    folders,
    files,
  }
}

function sumOf({ files }: ImageContent): number {
  let sum = 0
  for (const { size } of files) sum += size
  return sum
}

function wordsOf(
  { kind, commit, ref, reason }: Compared['comparison']['baseline'],
  isThere: boolean,
  isRead: boolean,
): string {
  if (!isThere) return `Compared with nothing${reason === null ? '' : `: ${reason}`}`
  if (!isRead) return 'Compared with nothing here: the files of the base are not known'
  const name = ref ?? (commit === null ? null : commit.slice(0, 7))
  const from = kind === 'record' ? 'the record of ' : ''
  return name === null ? 'Compared with its base' : `Compared with ${from}${name}`
}

function layersOf(
  rows: readonly LayerRow[],
  base: Measurement | null,
  head: Measurement,
  repositoryUrl: string | null,
): PageLayer[] {
  const before = new Map(base?.layers.map((layer, at) => [layer, at + 1]))
  const after = new Map(head.layers.map((layer, at) => [layer, at + 1]))
  return rows.map(({ pair, change }) => {
    const { instruction, file, line, stage, fromBase } = pair.head ?? pair.base
    const commit = pair.head ? head.commit : (base?.commit ?? null)
    return {
      change,
      instruction,
      file,
      line,
      url: file === null ? null : placeUrl({ file, line, commit }, repositoryUrl),
      stage,
      fromBase,
      numberBefore: (pair.base && before.get(pair.base)) ?? null,
      numberAfter: (pair.head && after.get(pair.head)) ?? null,
    }
  })
}

/** The packages of both sides, those of two versions once. */
class Packages {
  readonly all: PagePackage[] = []
  private readonly known = new Map<string, number>()

  /** Index of each of an image's packages in `all`. */
  indexOf({ packages }: ImageContent, side: 'before' | 'after'): number[] {
    return packages.map((each) => {
      const key = keyOfPackage(each)
      let at = this.known.get(key)
      if (at === undefined) {
        at = this.all.length
        this.known.set(key, at)
        this.all.push({ ecosystem: each.ecosystem, name: each.name, versionBefore: null, versionAfter: null })
      }
      this.all[at]![side === 'before' ? 'versionBefore' : 'versionAfter'] ??= each.version
      return at
    })
  }
}

/** A side's files, and the row of each of its layers. */
type Side = { content: ImageContent; rowOf: number[] }

function sideOf(
  { layers }: Measurement,
  content: ImageContent,
  rows: readonly LayerRow[],
  name: 'base' | 'head',
): Side {
  const places = new Map(rows.map(({ pair }, at) => [pair[name], at]))
  return { content, rowOf: layers.map((layer) => places.get(layer)!) }
}

/** A file before, after, or both. */
type Pair = { before: ImageFile | null; after: ImageFile | null }

function tableOf(before: Side | null, after: Side, packages: Packages): { folders: PageFolders; files: PageFiles } {
  const packageBefore = before ? packages.indexOf(before.content, 'before') : []
  const packageAfter = packages.indexOf(after.content, 'after')
  const tree = new FolderTree()
  for (const file of after.content.files) tree.filesAt(file.path).after.push(file)
  for (const file of before?.content.files ?? []) tree.filesAt(file.path).before.push(file)

  const files: PageFiles = {
    names: [],
    counts: [],
    after: [],
    growth: [],
    layerAfter: [],
    layerBefore: [],
    packageAfter: [],
    packageBefore: [],
    lostAfter: [],
    lostBefore: [],
  }
  const add = (name: string, pair: Pair): void => {
    const { before: was, after: is } = pair
    files.names.push(name)
    files.after.push(is?.size ?? 0)
    files.growth.push((is?.size ?? 0) - (was?.size ?? 0))
    files.layerAfter.push(is ? after.rowOf[is.layer]! : -1)
    files.layerBefore.push(was && before ? before.rowOf[was.layer]! : -1)
    files.packageAfter.push(is?.package == null ? -1 : packageAfter[is.package]!)
    files.packageBefore.push(was?.package == null ? -1 : packageBefore[was.package]!)
    files.lostAfter.push(is ? lossCode(is, after) : 0)
    files.lostBefore.push(was && before ? lossCode(was, before) : 0)
  }
  for (const folder of tree.folders) {
    let count = 0
    for (const [name, both] of folder.files) {
      for (const pair of pairsOf(both, before?.rowOf ?? [], after.rowOf)) {
        add(name, pair)
        count += 1
      }
    }
    files.counts.push(count)
  }
  return {
    folders: { names: tree.folders.map(({ name }) => name), parents: tree.folders.map(({ parent }) => parent) },
    files,
  }
}

function lossCode({ lost }: ImageFile, { rowOf }: Side): number {
  return lost === null ? 0 : codeOfLoss({ layer: rowOf[lost.layer]!, how: lost.how })
}

/** All that is shipped under one path, on both sides. */
type Both = { before: ImageFile[]; after: ImageFile[] }

/** Pairs what both sides ship at a path: the same layer's with each other, what is in the image before what is lost; then what is left, in order. */
function pairsOf({ before, after }: Both, rowsBefore: readonly number[], rowsAfter: readonly number[]): Pair[] {
  if (before.length === 0) return after.map((file) => ({ before: null, after: file }))
  if (after.length === 0) return before.map((file) => ({ before: file, after: null }))
  if (before.length === 1 && after.length === 1) return [{ before: before[0]!, after: after[0]! }]
  const was = inOrder(before, rowsBefore)
  const is = inOrder(after, rowsAfter)
  const pairs: Pair[] = []
  const left: Both = { before: [], after: [] }
  let [b, a] = [0, 0]
  while (b < was.length || a < is.length) {
    const difference = (was[b]?.row ?? Infinity) - (is[a]?.row ?? Infinity)
    if (difference === 0) pairs.push({ before: was[b++]!.file, after: is[a++]!.file })
    else if (difference < 0) left.before.push(was[b++]!.file)
    else left.after.push(is[a++]!.file)
  }
  for (let at = 0; at < Math.max(left.before.length, left.after.length); at++)
    pairs.push({ before: left.before[at] ?? null, after: left.after[at] ?? null })
  return pairs
}

function inOrder(files: readonly ImageFile[], rows: readonly number[]): { file: ImageFile; row: number }[] {
  return files
    .map((file) => ({ file, row: rows[file.layer]! }))
    .toSorted((one, other) => one.row - other.row || Number(one.file.lost !== null) - Number(other.file.lost !== null))
}

type Folder = { name: string; parent: number; files: Map<string, Both> }

/** The folders of both sides, as they come up. */
class FolderTree {
  readonly folders: Folder[] = [{ name: '', parent: -1, files: new Map() }]
  private readonly known = new Map<string, number>([['', 0]])
  /** Most files lie where the one before does. */
  private last = { path: '', folder: this.folders[0]! }

  filesAt(path: string): Both {
    const slash = path.lastIndexOf('/')
    const folder = path.slice(0, Math.max(0, slash))
    if (folder !== this.last.path) this.last = { path: folder, folder: this.folders[this.numberOf(folder)]! }
    const { files } = this.last.folder
    const name = path.slice(slash + 1)
    const found = files.get(name)
    if (found) return found
    const both: Both = { before: [], after: [] }
    files.set(name, both)
    return both
  }

  /** Paths are as deep as `layOneByOne` allows. */
  private numberOf(path: string): number {
    const found = this.known.get(path)
    if (found !== undefined) return found
    const slash = path.lastIndexOf('/')
    const parent = this.numberOf(path.slice(0, Math.max(0, slash)))
    const number = this.folders.push({ name: path.slice(slash + 1), parent, files: new Map() }) - 1
    this.known.set(path, number)
    return number
  }
}
