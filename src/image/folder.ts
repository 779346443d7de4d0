import type { ImageFile } from './files.ts'

/** What stands at one name of the file system; null: a device, or the name of a file that is not there. */
export type Standing = ImageFile | Folder | Link | null

/**
 * A symbolic link. `target`: the folder that it leads to, once that was asked for; null: nowhere. `tooDeep`: it leads nowhere as the so manieth link
 * on a way, or a later one, for those that follow are too many then.
 */
export type Link = { to: string; target: Folder | null | undefined; tooDeep: number }

/**
 * A folder of the file system. As long as names come to it in their order, as they do where a file system was packed, each one is another one:
 * only then is it enough to know where its files stand in the image's list. Most folders are never looked into, and an image has hundreds of
 * thousands of files.
 */
export class Folder {
  readonly parent: Folder | null
  /** The image's files, in which `runs` are. */
  private readonly files: readonly ImageFile[]
  /** What stands in it, but for the files in `runs`. */
  private readonly names = new Map<string, Standing>()
  /** Files in it: from the first of two indexes to before the second, and so on. */
  private runs: number[] = []
  /** The path that came last, and so the last one in order; null: they came in no order, and all are in `names`. */
  private lastPath: string | null = ''

  constructor(parent: Folder | null, files: readonly ImageFile[]) {
    this.parent = parent
    this.files = files
  }

  /** Adds the file with this index, unless something may stand at its path already: false, then it is to be `set`. */
  append(file: ImageFile, at: number): boolean {
    if (!this.comesLast(file.path)) return false
    const { runs } = this
    if (runs.at(-1) === at) runs[runs.length - 1] = at + 1
    else runs.push(at, at + 1)
    return true
  }

  /** What stands at a name; undefined: nothing. */
  get(name: string): Standing | undefined {
    const found = this.names.get(name)
    if (found !== undefined || this.runs.length === 0) return found
    this.lookInto()
    return this.names.get(name)
  }

  /** The same, of the whole path of something in this folder. */
  at(path: string): Standing | undefined {
    return this.comesAfterAll(path) ? undefined : this.get(nameOf(path))
  }

  set(path: string, standing: Standing): void {
    if (!this.comesLast(path)) this.lookInto()
    this.names.set(nameOf(path), standing)
  }

  delete(name: string): void {
    this.lookInto()
    this.names.delete(name)
  }

  clear(): void {
    this.names.clear()
    this.runs = []
  }

  *standings(): Generator<Standing> {
    yield* this.names.values()
    for (const file of this.inRuns()) yield file
  }

  private comesAfterAll(path: string): boolean {
    return this.lastPath !== null && path > this.lastPath
  }

  private comesLast(path: string): boolean {
    const isLast = this.comesAfterAll(path)
    if (isLast) this.lastPath = path
    return isLast
  }

  /** From now on all files are known by name. */
  private lookInto(): void {
    for (const file of this.inRuns()) this.names.set(nameOf(file.path), file)
    this.runs = []
    this.lastPath = null
  }

  private *inRuns(): Generator<ImageFile> {
    for (let run = 0; run < this.runs.length; run += 2)
      for (let at = this.runs[run]!; at < this.runs[run + 1]!; at += 1) yield this.files[at]!
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
