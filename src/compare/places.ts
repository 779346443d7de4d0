import type { ImageContent } from '../image/content.ts'
import { byFolder, filesOf, folderOf } from '../image/runs.ts'
import type { Part } from './comparison.ts'

/** What became of the folders of two images, by path: absolute, without a final `/`; the root is not among them. */
export type FolderChanges = ReadonlyMap<string, Part['change']>

/** Of every folder in which either image ships anything. */
export function changesOfFolders(base: ImageContent, head: ImageContent): FolderChanges {
  const folders = new Map<string, Part['change']>()
  for (const { folder: parent } of byFolder(base.files)) {
    for (let folder = parent.slice(0, -1); folder !== ''; folder = parentOf(folder)) {
      if (folders.has(folder)) break
      folders.set(folder, 'gone')
    }
  }
  for (const { folder: parent } of byFolder(head.files)) {
    for (let folder = parent.slice(0, -1); folder !== ''; folder = parentOf(folder)) {
      const known = folders.get(folder)
      if (known === 'new' || known === 'changed') break
      folders.set(folder, known === 'gone' ? 'changed' : 'new')
    }
  }
  return folders
}

/** The folder that a path lies in; '' is the root. */
function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** Tells what became of any of these paths, files or folders. */
export function changesAt(
  paths: ReadonlySet<string>,
  folders: FolderChanges,
  base: ImageContent,
  head: ImageContent,
): (path: string) => Part['change'] {
  const before = filesAt(base, paths)
  const after = filesAt(head, paths)
  return (path) => {
    const folder = folders.get(path)
    if (folder === 'changed') return folder
    if (folder !== 'gone' && !before.has(path)) return 'new'
    return folder === 'new' || after.has(path) ? 'changed' : 'gone'
  }
}

function filesAt({ files }: ImageContent, paths: ReadonlySet<string>): Set<string> {
  const folders = new Set([...paths].map(folderOf))
  const found = new Set<string>()
  for (const { path } of filesOf(files, ({ folder }) => folders.has(folder))) if (paths.has(path)) found.add(path)
  return found
}
