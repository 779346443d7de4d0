import { Folder, type Link, type Standing } from './folder.ts'
import type { LayerEntries, LayerFile } from './layer/entries.ts'
import { whiteoutOf } from './layer/whiteout.ts'

/** One regular file that a layer ships; hard links count once, under the name that comes first. Together they are the image's size. */
export type ImageFile = Omit<LayerFile, 'kind'> & {
  /** Absolute: `/app/server.js`; bytes that are not UTF-8 as `\xNN`. */
  path: string
  /** Index of the layer that ships it, 0 is the base layer. */
  layer: number
  /** How its bytes are shipped and yet not in the image; null where they are. */
  lost: Loss | null
  /** Index in the content's `packages`; null: no package's. */
  package: number | null
}

/** A layer above (or the same one, which has the path twice) took the file away; or it is a whiteout's payload, which nobody unpacks. */
export type Loss = { layer: number; how: 'removed' | 'replaced' }

/** The layers' files, and the file system that they make. */
export type LaidFiles = {
  /** In the layers' order, within a layer in the tar's. */
  files: ImageFile[]
  /** The regular file at an absolute path, through symbolic links to folders; null where there is none, or a symbolic link itself. */
  file: (path: string) => ImageFile | null
}

/** Links that lead to each other, as the kernel has it (`MAXSYMLINKS`). */
const MAX_LINKS = 40
/** Folders of all layers, among them those that none lists: a few bytes in a tar make thousands of them. */
const MAX_FOLDERS = 500_000
/** Folders that a path leads through: who asks for each of them, of each path, must come to an end. */
const MAX_DEPTH = 256

/**
 * Lays the layers on each other, base layer first, as an engine does: whiteouts of a layer act on the layers below it, whatever their
 * place in its tar. Null where there are more folders, or deeper ones, than can be kept. https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export function layFiles(layers: readonly LayerEntries[]): LaidFiles | null {
  const laying = layOneByOne()
  for (const entries of layers) Array.from(laying.add(entries))
  return laying.end()
}

/** Entries that are laid in one step. */
const STEP = 5_000

/**
 * The same, of one layer after the other: `add` does it in steps, so that something else may be done between them, for a layer may have hundreds
 * of thousands of files.
 */
export function layOneByOne(): { add: (entries: LayerEntries) => Generator<void, void>; end: () => LaidFiles | null } {
  const files: ImageFile[] = []
  const runs = new FolderRuns()
  const tree = new Tree(files)
  let layer = -1
  let entriesLeft = STEP
  let isTooMuch = false
  function* add(entries: LayerEntries): Generator<void, void> {
    layer += 1
    const removed: Loss = { layer, how: 'removed' }
    const replaced: Loss = { layer, how: 'replaced' }
    if (entries.takesAway !== false) {
      for (const entry of entries) {
        if (entry.kind === 'removed') tree.remove(entry.path, removed)
        if (entry.kind === 'opaque') tree.empty(entry.path, removed)
      }
    }
    for (const entry of entries) {
      isTooMuch ||= tree.folders > MAX_FOLDERS || isTooDeep(entry.path)
      if (isTooMuch) return
      entriesLeft -= 1
      if (entriesLeft === 0) {
        entriesLeft = STEP
        yield
      }
      switch (entry.kind) {
        case 'removed':
        case 'opaque':
          break
        case 'folder':
          tree.placeFolder(entry.path, replaced)
          break
        case 'file': {
          const file = imageFile(entry, layer)
          files.push(file)
          const isInSame = runs.add(file)
          if (!isInSame) tree.leaveFolder()
          if (whiteoutOf(entry.path) === null) tree.placeLast(replaced)
          else file.lost = removed
          break
        }
        case 'link':
          tree.placeLink(entry.path, entry.target, layer, replaced)
          break
        case 'symlink':
          tree.place(entry.path, { to: entry.target, target: undefined, tooDeep: MAX_LINKS + 1 }, replaced)
          break
        case 'other':
          tree.place(entry.path, null, replaced)
      }
    }
  }
  return {
    add,
    end: () => {
      if (isTooMuch) return null
      knownRuns.set(files, runs.all)
      return { files, file: (path) => tree.fileAt(path) }
    },
  }
}

/** Files of an image's list that stand one after the other, from `start` to before `end`, and lie in one folder (with its final `/`) of one layer. */
export type FolderRun = { folder: string; layer: number; start: number; end: number }

const knownRuns = new WeakMap<readonly ImageFile[], FolderRun[]>()

/**
 * An image's files by folder, in their order: mostly a tar has a folder's files together, but for those of the folders in it. What a folder decides has
 * not to be asked of each file.
 */
export function byFolder(files: readonly ImageFile[]): FolderRun[] {
  const known = knownRuns.get(files)
  if (known) return known
  const runs = new FolderRuns()
  for (const file of files) runs.add(file)
  knownRuns.set(files, runs.all)
  return runs.all
}

/** An image's files, one after the other, by folder. */
class FolderRuns {
  readonly all: FolderRun[] = []
  private last: FolderRun | null = null

  /** Whether the file, which is the next one, lies in the same folder of the same layer as the one before. */
  add({ path, layer }: ImageFile): boolean {
    const { last } = this
    const length = path.lastIndexOf('/') + 1
    if (last !== null && last.layer === layer && last.folder.length === length && path.startsWith(last.folder)) {
      last.end += 1
      return true
    }
    const start = last?.end ?? 0
    this.last = { folder: path.slice(0, length), layer, start, end: start + 1 }
    this.all.push(this.last)
    return false
  }
}

const knownWithFacts = new WeakMap<readonly ImageFile[], ImageFile[]>()

/** Those of an image's files that tell something of themselves: few. */
export function withFacts(files: readonly ImageFile[]): readonly ImageFile[] {
  const found = knownWithFacts.get(files) ?? files.filter(({ facts }) => facts.length > 0)
  knownWithFacts.set(files, found)
  return found
}

function isTooDeep(path: string): boolean {
  if (path.length <= MAX_DEPTH) return false
  let folders = 0
  for (let at = path.indexOf('/', 1); at !== -1 && folders <= MAX_DEPTH; at = path.indexOf('/', at + 1)) folders += 1
  return folders > MAX_DEPTH
}

function imageFile({ path, size, mode, uid, gid, checksum, facts }: LayerFile, layer: number): ImageFile {
  return { path, layer, size, mode, uid, gid, checksum, facts, lost: null, package: null }
}

function isFolder(standing: Standing | undefined): standing is Folder {
  return standing instanceof Folder
}

function isLink(standing: Standing | undefined): standing is Link {
  return standing != null && 'to' in standing
}

function isFile(standing: Standing | undefined): standing is ImageFile {
  return standing != null && 'path' in standing
}

function partsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}

/** The file system that the layers make, while they are laid and afterwards. */
class Tree {
  /** How many were made. */
  folders = 0
  private readonly files: readonly ImageFile[]
  private readonly root: Folder
  /** How many names a file has, of those that have several: its bytes are lost with the last one. */
  private readonly linked = new Map<ImageFile, number>()
  /** The folder that was last placed in: most files lie where the one before does. */
  private last: { path: string; folder: Folder } | null = null
  /** The folder of the files that are being placed. */
  private current: Folder | null = null
  /** Whether what was asked for last leads through too many links. */
  private hasTooManyLinks = false
  /** How many links lead through each other, at most, in what is being followed. */
  private deepest = 0

  /** `files`: the image's, to which each is added before it is placed. */
  constructor(files: readonly ImageFile[]) {
    this.files = files
    this.root = new Folder(null, files)
  }

  private at(parts: string[]): Standing {
    let standing: Standing | undefined = this.root
    for (const name of parts) standing = isFolder(standing) ? standing.get(name) : null
    return standing ?? null
  }

  /**
   * The folder at a path, made where it is missing. What is no folder on the way to it is lost, symbolic links too: each layer is
   * unpacked on its own, and a folder of it hides the link below.
   */
  private folderAt(path: string, loss: Loss): Folder {
    if (this.last?.path === path) return this.last.folder
    let { folder, at } = this.nearLast(path)
    while (at < path.length) {
      const slash = path.indexOf('/', at + 1)
      at = slash === -1 ? path.length : slash
      const nextPath = path.slice(0, at)
      let next = folder.at(nextPath)
      if (!isFolder(next)) {
        this.lose(next, loss)
        next = new Folder(folder, this.files)
        this.folders += 1
        folder.set(nextPath, next)
      }
      folder = next
    }
    this.last = { path, folder }
    return folder
  }

  /** The folder that was last placed in, or one above it: the deepest that a path leads through, and where in the path it ends. */
  private nearLast(path: string): { folder: Folder; at: number } {
    let folder: Folder | null = this.last?.folder ?? null
    let above = this.last?.path ?? ''
    while (folder !== null && above !== '') {
      if (path.startsWith(above) && (path.length === above.length || path[above.length] === '/'))
        return { folder, at: above.length }
      above = above.slice(0, above.lastIndexOf('/'))
      folder = folder.parent
    }
    return { folder: this.root, at: 0 }
  }

  placeFolder(path: string, loss: Loss): void {
    this.folderAt(path, loss)
  }

  /** Tells that the files from now on do not lie in the folder of those before. */
  leaveFolder(): void {
    this.current = null
  }

  /** Places the file that was added last. What stood there is lost. */
  placeLast(loss: Loss): void {
    const at = this.files.length - 1
    const file = this.files[at]!
    const { path } = file
    if (path.endsWith('/')) return
    this.current ??= this.folderAt(path.slice(0, path.lastIndexOf('/')), loss)
    if (!this.current.append(file, at)) this.place(path, file, loss)
  }

  /** What stood there is lost. */
  place(path: string, standing: Standing, loss: Loss): void {
    const slash = path.lastIndexOf('/')
    if (slash === path.length - 1) return
    const folder = this.folderAt(path.slice(0, slash), loss)
    this.lose(folder.at(path), loss)
    folder.set(path, standing)
  }

  /** Another name of a file of the same layer, which has it before: also of what lay below, it has a copy then. */
  placeLink(path: string, target: string, layer: number, loss: Loss): void {
    const found = this.at(partsOf(target))
    const file = isFile(found) && found.layer === layer ? found : null
    if (file) this.linked.set(file, (this.linked.get(file) ?? 1) + 1)
    this.place(path, file, loss)
  }

  remove(path: string, loss: Loss): void {
    const parts = partsOf(path)
    const name = parts.pop()
    const folder = this.at(parts)
    if (name === undefined || !isFolder(folder)) return
    this.lose(folder.get(name), loss)
    folder.delete(name)
  }

  /** What stands in a folder is lost, the folder stays. */
  empty(path: string, loss: Loss): void {
    const folder = this.at(partsOf(path))
    if (!isFolder(folder)) return
    this.lose(folder, loss)
    folder.clear()
  }

  /** What stands there, and below, is lost. */
  private lose(standing: Standing | undefined, loss: Loss): void {
    const waiting = [standing]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (isFile(next)) this.loseName(next, loss)
      if (!isFolder(next)) continue
      this.last = null
      this.current = null
      for (const child of next.standings()) waiting.push(child)
    }
  }

  private loseName(file: ImageFile, loss: Loss): void {
    const names = this.linked.get(file) ?? 1
    if (names === 1) file.lost = loss
    else this.linked.set(file, names - 1)
  }

  /** What a process in the image would find at an absolute path, were it not to follow the last name. To be asked when all layers are laid. */
  fileAt(path: string): ImageFile | null {
    const slash = path.lastIndexOf('/')
    this.hasTooManyLinks = false
    const found = this.follow(this.root, path.slice(0, slash + 1), 0)?.get(path.slice(slash + 1))
    return isFile(found) ? found : null
  }

  private follow(start: Folder, path: string, links: number): Folder | null {
    let folder = path.startsWith('/') ? this.root : start
    for (const name of partsOf(path)) {
      if (name === '.') continue
      const next = name === '..' ? (folder.parent ?? folder) : folder.get(name)
      const found = isLink(next) ? this.targetOf(next, folder, links + 1) : next
      if (!isFolder(found)) return null
      folder = found
    }
    return folder
  }

  /**
   * Each link is followed once, however many paths lead through it, and in circles; where too many follow, once more from each place
   * that is nearer to the beginning of a way. So it does not depend on what was asked before.
   */
  private targetOf(link: Link, folder: Folder, links: number): Folder | null {
    if (link.target === null) return null
    if (links >= link.tooDeep) {
      this.hasTooManyLinks = true
      return null
    }
    if (link.target !== undefined) {
      this.deepest = Math.max(this.deepest, links + MAX_LINKS + 1 - link.tooDeep)
      return link.target
    }
    const before = this.deepest
    this.deepest = links
    link.target = null
    const target = this.follow(folder, link.to, links)
    link.tooDeep = this.hasTooManyLinks ? links : links + MAX_LINKS + 1 - this.deepest
    link.target = this.hasTooManyLinks ? undefined : target
    this.deepest = Math.max(before, this.deepest)
    return target
  }
}
