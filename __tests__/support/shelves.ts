import type { FileChange, Shelf } from '../../src/record/shelf.ts'

/** The files of a data branch, by path. */
export type Files = ReadonlyMap<string, Buffer>

/** A shelf that has these files, and the paths that were asked of it. */
export function aShelf(files: Files): Shelf & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    read: (path) => {
      asked.push(path)
      return Promise.resolve(files.get(path) ?? null)
    },
    list: (folder) => {
      asked.push(`${folder}/`)
      const below = [...files.keys()].filter((path) => path.startsWith(`${folder}/`))
      const names = new Set(below.map((path) => path.slice(folder.length + 1).split('/', 1)[0]!))
      return Promise.resolve(names.size === 0 ? null : [...names])
    },
  }
}

/** The files when these changes were made to them. Throws for one that changes nothing: it would make a commit of nothing. */
export function applied(files: Files, changes: FileChange[]): Files {
  const after = new Map(files)
  for (const { path, content } of changes) {
    const before = after.get(path)
    const bytes = content === null ? undefined : Buffer.from(content)
    if (before === bytes || (before && bytes?.equals(before))) throw new Error(`${path} is as it was`)
    if (bytes === undefined) after.delete(path)
    else after.set(path, bytes)
  }
  return after
}
