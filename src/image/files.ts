import type { FileFact } from './layer/facts.ts'
import type { LayerEntry, LayerFile } from './layer/listing.ts'
import { whiteoutOf } from './layer/whiteout.ts'

/** One regular file that a layer ships; hard links count once, under the name that comes first. Together they are the image's size. */
export type ImageFile = {
  /** Absolute: `/app/server.js`; bytes that are not UTF-8 as `\xNN`. */
  path: string
  /** Index of the layer that ships it, 0 is the base layer. */
  layer: number
  /** Payload bytes. */
  size: number
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** CRC-32 of the payload: with the size, whether two files are the same. Null: not computed. */
  checksum: number | null
  facts: FileFact[]
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

/** What stands at one name of the file system. */
type Node = {
  parent: Node | null
  file: Shared | null
  link: string | null
  folder: Map<string, Node> | null
  /** Where a link leads, once that was asked for; null: nowhere. */
  target: Node | null | undefined
}
/** A file and how many names it has: its bytes are lost with the last one. */
type Shared = { file: ImageFile; names: number }

/** Links that lead to each other, as the kernel has it (`MAXSYMLINKS`). */
const MAX_LINKS = 40
/** Folders of all layers, among them those that none lists: a few bytes in a tar make thousands of them. */
const MAX_FOLDERS = 500_000

/**
 * Lays the layers on each other, base layer first, as an engine does: whiteouts of a layer act on the layers below it, whatever their
 * place in its tar. Null where there are more folders than can be kept. https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export function layFiles(layers: readonly (readonly LayerEntry[])[]): LaidFiles | null {
  const tree = new Tree()
  const files: ImageFile[] = []

  for (const [layer, entries] of layers.entries()) {
    const removed: Loss = { layer, how: 'removed' }
    const replaced: Loss = { layer, how: 'replaced' }
    for (const entry of entries) {
      if (entry.kind === 'removed') tree.remove(entry.path, removed)
      if (entry.kind === 'opaque') tree.empty(entry.path, removed)
    }
    for (const entry of entries) {
      if (entry.kind === 'removed' || entry.kind === 'opaque') continue
      if (tree.folders > MAX_FOLDERS) return null
      if (entry.kind === 'folder') {
        tree.place(entry.path, replaced, true)
        continue
      }
      if (entry.kind === 'file') {
        const file = imageFile(entry, layer)
        files.push(file)
        if (whiteoutOf(entry.path) !== null) {
          file.lost = removed
          continue
        }
        tree.place(entry.path, replaced, false).file = { file, names: 1 }
        continue
      }
      // A layer has what it links to, and before: also of what lay below, it has a copy then.
      const target = entry.kind === 'link' ? tree.fileOf(entry.target, layer) : null
      if (target) target.names += 1
      const node = tree.place(entry.path, replaced, false)
      node.file = target
      node.link = entry.kind === 'symlink' ? entry.target : null
    }
  }
  return { files, file: (path) => tree.fileAt(path)?.file ?? null }
}

function imageFile({ path, size, mode, uid, gid, checksum, facts }: LayerFile, layer: number): ImageFile {
  return { path: `/${path}`, layer, size, mode, uid, gid, checksum, facts, lost: null, package: null }
}

function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}

/** The file system that the layers make, while they are laid and afterwards. */
class Tree {
  /** How many were made. */
  folders = 0
  private readonly root: Node = { parent: null, file: null, link: null, folder: new Map(), target: undefined }

  private newFolder(): Map<string, Node> {
    this.folders += 1
    return new Map()
  }

  private nodeAt(parts: string[]): Node | null {
    let node: Node | undefined = this.root
    for (const name of parts) node = node?.folder?.get(name)
    return node ?? null
  }

  /** The file at a path that this layer brought, without following links. */
  fileOf(path: string, layer: number): Shared | null {
    const shared = this.nodeAt(names(path))?.file ?? null
    return shared?.file.layer === layer ? shared : null
  }

  /**
   * The node at a path, made where it is missing. What stood there is lost, but for a folder that stays one. Symbolic links on the way to
   * it are replaced by folders: each layer is unpacked on its own, and a folder of it hides the link below.
   */
  place(path: string, loss: Loss, isFolder: boolean): Node {
    let node = this.root
    const parts = names(path)
    for (const [at, name] of parts.entries()) {
      if (node.folder === null) {
        clear(node, loss)
        node.folder = this.newFolder()
      }
      let next = node.folder.get(name)
      if (!next) {
        next = { parent: node, file: null, link: null, folder: null, target: undefined }
        node.folder.set(name, next)
      }
      const isLast = at === parts.length - 1
      if (isLast && !(isFolder && next.folder !== null)) {
        clear(next, loss)
        next.folder = isFolder ? this.newFolder() : null
      }
      node = next
    }
    return node
  }

  remove(path: string, loss: Loss): void {
    const parts = names(path)
    const name = parts.pop()
    if (name === undefined) return
    const folder = this.nodeAt(parts)?.folder
    const node = folder?.get(name)
    if (!node) return
    clear(node, loss)
    folder?.delete(name)
  }

  /** What stands in a folder is lost, the folder stays. */
  empty(path: string, loss: Loss): void {
    const node = this.nodeAt(names(path))
    if (node?.folder) clear(node, loss)
  }

  /** What a process in the image would find at an absolute path, were it not to follow the last name. To be asked when all layers are laid. */
  fileAt(path: string): Shared | null {
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    return this.follow(this.root, path.slice(0, slash + 1), 0)?.folder?.get(name)?.file ?? null
  }

  private follow(start: Node, path: string, links: number): Node | null {
    let node: Node | null = path.startsWith('/') ? this.root : start
    for (const name of names(path)) {
      if (node.folder === null) return null
      if (name === '.') continue
      if (name === '..') {
        node = node.parent ?? node
        continue
      }
      const next = node.folder.get(name)
      node = next?.link == null ? (next ?? null) : this.targetOf(next, next.link, links + 1)
      if (node === null) return null
    }
    return node
  }

  /** Each link is followed once: however many paths lead through it, and in circles. */
  private targetOf(node: Node, link: string, links: number): Node | null {
    if (node.target === undefined) {
      node.target = null
      if (links <= MAX_LINKS) node.target = this.follow(node.parent ?? this.root, link, links)
    }
    return node.target
  }
}

/** All that stands at a node and below it is lost. Without recursion: folders may be as deep as a path is long. */
function clear(node: Node, loss: Loss): void {
  const waiting = [node]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.file) lose(next.file, loss)
    next.file = null
    next.link = null
    for (const child of next.folder?.values() ?? []) waiting.push(child)
    next.folder?.clear()
  }
}

function lose(shared: Shared, loss: Loss): void {
  shared.names -= 1
  if (shared.names === 0) shared.file.lost = loss
}
