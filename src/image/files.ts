import type { FileFact } from './layer/facts.ts'
import type { LayerEntry, LayerFile } from './layer/listing.ts'

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

/** A layer above (or the same one, which has the path twice) took the file away. */
export type Loss = { layer: number; how: 'removed' | 'replaced' }

/** The layers' files, and the file system that they make. */
export type LaidFiles = {
  /** In the layers' order, within a layer in the tar's. */
  files: ImageFile[]
  /** The regular file at an absolute path, symbolic links followed as the image itself would; null where there is none. */
  file: (path: string) => ImageFile | null
}

/** What stands at one name of the file system. */
type Node = { file: Shared | null; link: string | null; folder: Map<string, Node> | null }
/** A file and how many names it has: its bytes are lost with the last one. */
type Shared = { file: ImageFile; names: number }

/** As the kernel has it (`MAXSYMLINKS`). */
const MAX_LINKS = 40

/**
 * Lays the layers on each other, base layer first, as an engine does: whiteouts of a layer act on the layers below it, whatever their
 * place in its tar. https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export function layFiles(layers: readonly (readonly LayerEntry[])[]): LaidFiles {
  const root: Node = { file: null, link: null, folder: new Map() }
  const files: ImageFile[] = []

  for (const [layer, entries] of layers.entries()) {
    for (const entry of entries) {
      if (entry.kind === 'removed') remove(root, entry.path, { layer, how: 'removed' })
      if (entry.kind === 'opaque') empty(nodeAt(root, entry.path), { layer, how: 'removed' })
    }
    const shipped = new Map<string, Shared>()
    for (const entry of entries) {
      if (entry.kind === 'removed' || entry.kind === 'opaque') continue
      const replaced: Loss = { layer, how: 'replaced' }
      if (entry.kind === 'folder') {
        place(root, entry.path, replaced, true)
        continue
      }
      if (entry.kind === 'file') {
        const file = imageFile(entry, layer)
        files.push(file)
        const shared = { file, names: 1 }
        shipped.set(entry.path, shared)
        place(root, entry.path, replaced, false).file = shared
        continue
      }
      const target = entry.kind === 'link' ? shipped.get(entry.target) : undefined
      if (target) target.names += 1
      const node = place(root, entry.path, replaced, false)
      node.file = target ?? null
      if (target) shipped.set(entry.path, target)
      node.link = entry.kind === 'symlink' ? entry.target : null
    }
  }
  return { files, file: (path) => resolve(root, path) }
}

function imageFile({ path, size, mode, uid, gid, checksum, facts }: LayerFile, layer: number): ImageFile {
  return { path: `/${path}`, layer, size, mode, uid, gid, checksum, facts, lost: null, package: null }
}

function nodeAt(root: Node, path: string): Node | null {
  let node: Node | undefined = root
  for (const name of names(path)) node = node?.folder?.get(name)
  return node ?? null
}

function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}

/**
 * The node at a path, made where it is missing. What stood there is lost, but for a folder that stays one. Symbolic links on the way to it
 * are replaced by folders, as unpacking within the layer's root has it.
 */
function place(root: Node, path: string, loss: Loss, isFolder: boolean): Node {
  let node = root
  const parts = names(path)
  for (const [at, name] of parts.entries()) {
    if (node.folder === null) {
      empty(node, loss)
      node.folder = new Map()
    }
    let next = node.folder.get(name)
    if (!next) {
      next = { file: null, link: null, folder: null }
      node.folder.set(name, next)
    }
    const isLast = at === parts.length - 1
    if (isLast && !(isFolder && next.folder !== null)) {
      empty(next, loss)
      next.folder = isFolder ? new Map() : null
    }
    node = next
  }
  return node
}

function remove(root: Node, path: string, loss: Loss): void {
  const parts = names(path)
  const name = parts.pop()
  if (name === undefined) return
  const folder = nodeAt(root, parts.join('/'))?.folder
  const node = folder?.get(name)
  if (!node) return
  empty(node, loss)
  folder?.delete(name)
}

/** All that stands at a node and below it is lost. Without recursion: folders may be as deep as a path is long. */
function empty(node: Node | null, loss: Loss): void {
  const waiting = node === null ? [] : [node]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.file) lose(next.file, loss)
    next.file = null
    next.link = null
    for (const child of next.folder?.values() ?? []) waiting.push(child)
    if (next.folder) next.folder = new Map()
  }
}

function lose(shared: Shared, loss: Loss): void {
  shared.names -= 1
  if (shared.names === 0) shared.file.lost = loss
}

/** Follows symbolic links as a process in the image would. */
function resolve(root: Node, path: string): ImageFile | null {
  const pending = names(path).toReversed()
  const trail: Node[] = [root]
  let links = 0
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = trail.at(-1)!
    if (name === '.') continue
    if (name === '..') {
      if (trail.length > 1) trail.pop()
      continue
    }
    const next = node.folder?.get(name)
    if (!next) return null
    if (next.link === null) {
      trail.push(next)
      continue
    }
    links += 1
    if (links > MAX_LINKS) return null
    if (next.link.startsWith('/')) trail.splice(1)
    pending.push(...names(next.link).toReversed())
  }
  return trail.at(-1)?.file?.file ?? null
}
