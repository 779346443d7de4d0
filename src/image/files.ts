import { Folder, type Link, type Standing } from './folder.ts'
import { itemsOf, type LayerEntries, type LayerFile, type ListedFolder } from './layer/entries.ts'
import { whiteoutOf } from './layer/whiteout.ts'
import { folderOf, FolderRun, FolderRuns, type ImageFile, type Loss } from './runs.ts'

/** The layers' files, and the file system that they make. */
export type LaidFiles = {
  files: FolderRuns
  /** The regular file at an absolute path, through symbolic links to folders; null where there is none, or a symbolic link itself. */
  file: (path: string) => ImageFile | null
}

/** Links that lead to each other, as the kernel has it (`MAXSYMLINKS`). */
const MAX_LINKS = 40
/** Folders of all layers, among them those that none lists: a few bytes in a tar make thousands of them. */
const MAX_FOLDERS = 500_000
/** Folders that a path leads through: who asks for each of them, of each path, must come to an end. */
const MAX_DEPTH = 256

/** Entries that are laid in one step, or folders of files. */
const STEP = 1_000

/**
 * Lays layers on each other, base layer first, as an engine does: whiteouts of a layer act on the layers below it, whatever their place in its tar.
 * `add` does it in steps, so that something else may be done between them, for a layer may have hundreds of thousands of files. `end` gives null where
 * there are more folders, or deeper ones, than can be kept. https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export function layOneByOne(): { add: (entries: LayerEntries) => Generator<void, void>; end: () => LaidFiles | null } {
  const files = new FolderRuns()
  const tree = new Tree()
  let layer = -1
  let left = STEP
  let isTooMuch = false
  function* add(entries: LayerEntries): Generator<void, void> {
    layer += 1
    const removed: Loss = { layer, how: 'removed' }
    const replaced: Loss = { layer, how: 'replaced' }
    const items = itemsOf(entries)
    if (entries.takesAway !== false) {
      for (const item of items) {
        if (item.kind === 'removed') tree.remove(item.path, removed)
        if (item.kind === 'opaque') tree.empty(item.path, removed)
      }
    }
    for (const item of items) {
      isTooMuch ||= tree.folders > MAX_FOLDERS || isTooDeep(item.kind === 'files' ? item.folder : item.path)
      if (isTooMuch) return
      left -= 1
      if (left === 0) {
        left = STEP
        yield
      }
      switch (item.kind) {
        case 'removed':
        case 'opaque':
          break
        case 'folder':
          tree.placeFolder(item.path, replaced)
          break
        case 'files': {
          const run = FolderRun.ofListed(item, layer)
          files.add(run)
          tree.placeRun(run, item, replaced)
          break
        }
        case 'file': {
          const file = imageFile(item, layer)
          files.add(FolderRun.ofFiles(folderOf(item.path), layer, [file]))
          if (whiteoutOf(item.path) === null) tree.place(item.path, file, replaced)
          else file.lost = removed
          break
        }
        case 'link':
          tree.placeLink(item.path, item.target, layer, replaced)
          break
        case 'symlink':
          tree.place(item.path, { to: item.target, target: undefined, tooDeep: MAX_LINKS + 1 }, replaced)
          break
        case 'other':
          tree.place(item.path, null, replaced)
      }
    }
  }
  return { add, end: () => (isTooMuch ? null : { files, file: (path) => tree.fileAt(path) }) }
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
  private readonly root = new Folder(null)
  /** How many names a file has, of those that have several: its bytes are lost with the last one. */
  private readonly linked = new Map<ImageFile, number>()
  /** The folder that was last placed in: most files lie where the one before does. */
  private last: { path: string; folder: Folder } | null = null
  /** Whether what was asked for last leads through too many links. */
  private hasTooManyLinks = false
  /** How many links lead through each other, at most, in what is being followed. */
  private deepest = 0

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
    const near = this.nearLast(path)
    let { folder } = near
    for (const name of partsOf(path.slice(near.at))) {
      let next = folder.get(name)
      if (!isFolder(next)) {
        this.lose(next, loss)
        next = new Folder(folder)
        this.folders += 1
        folder.set(name, next)
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

  /** Places files of one folder together. What stood there is lost. */
  placeRun(run: FolderRun, { folder, names, isInOrder }: ListedFolder, loss: Loss): void {
    const nul = names.indexOf('\0')
    const first = nul === -1 ? names : names.slice(0, nul)
    const last = names.slice(names.lastIndexOf('\0') + 1)
    if (isInOrder && this.folderAt(folder.slice(0, -1), loss).append(run, first, last)) return
    for (const file of run.files) this.place(file.path, file, loss)
  }

  /** What stood there is lost. */
  place(path: string, standing: Standing, loss: Loss): void {
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    if (name === '') return
    const folder = this.folderAt(path.slice(0, slash), loss)
    this.lose(folder.get(name), loss)
    folder.set(name, standing)
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
