import type { FolderRun, ImageFile } from './runs.ts'

/** What stands at one name of the file system; null: a device, or the name of a file that is not there. */
export type Standing = ImageFile | Folder | Link | null

/**
 * A symbolic link. `target`: the folder that it leads to, once that was asked for; null: nowhere. `tooDeep`: it leads nowhere as the so manieth link
 * on a way, or a later one, for those that follow are too many then.
 */
export type Link = { to: string; target: Folder | null | undefined; tooDeep: number }

/**
 * A folder of the file system. As long as names come to it in their order, as they do where a file system was packed, each one is another one:
 * only then is it enough to know which files it has together. Most folders are never looked into, and an image has hundreds of thousands of files.
 */
export class Folder {
  readonly parent: Folder | null
  /** What stands in it, but for the files of `runs`. */
  private readonly names = new Map<string, Standing>()
  private runs: FolderRun[] = []
  /** The name that came last, and so the last one in order; null: they came in no order, and all are in `names`. */
  private lastName: string | null = ''

  constructor(parent: Folder | null) {
    this.parent = parent
  }

  /** Adds files, by the first and the last of their names, which come in order; unless something may stand at one of them: false, then each is to be `set`. */
  append(run: FolderRun, first: string, last: string): boolean {
    if (!this.isAfterAll(first)) return false
    this.lastName = last
    this.runs.push(run)
    return true
  }

  /** What stands at a name; undefined: nothing. */
  get(name: string): Standing | undefined {
    if (this.isAfterAll(name)) return undefined
    const found = this.names.get(name)
    if (found !== undefined || this.runs.length === 0) return found
    this.lookInto()
    return this.names.get(name)
  }

  set(name: string, standing: Standing): void {
    if (this.isAfterAll(name)) this.lastName = name
    else this.lookInto()
    this.names.set(name, standing)
  }

  delete(name: string): void {
    this.lookInto()
    this.names.delete(name)
  }

  clear(): void {
    this.names.clear()
    this.runs = []
    this.lastName = ''
  }

  *standings(): Generator<Standing> {
    yield* this.names.values()
    for (const { files } of this.runs) yield* files
  }

  private isAfterAll(name: string): boolean {
    return this.lastName !== null && name > this.lastName
  }

  /** From now on all files are known by name. */
  private lookInto(): void {
    for (const { folder, files } of this.runs) {
      for (const file of files) this.names.set(file.path.slice(folder.length), file)
    }
    this.runs = []
    this.lastName = null
  }
}
