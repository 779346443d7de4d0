import { createHash } from 'node:crypto'
import type { FileChange } from '../record/shelf.ts'
import type { Octokit } from './octokit.ts'

/** What a folder has under a name. */
export type Entry = {
  /** Git's id of its content. */
  sha: string
  /** `other`: a symbolic link or a submodule, which we never write. */
  type: 'file' | 'folder' | 'other'
  /** Of a file, in bytes; null: GitHub did not say. */
  size: number | null
}

/** Entries by name. */
export type Folder = ReadonlyMap<string, Entry>

/** Git's objects, as GitHub keeps them. What was read or written once is not asked for again. All throw what GitHub answers. */
export type Objects = {
  /** A commit's tree. */
  treeOf: (commit: string) => Promise<string>
  /**
   * A folder's entries by name. `whole`: those of the folders below come with the same answer, unless they are too many. Throws an Error for a
   * folder that GitHub does not list in full.
   */
  readTree: (sha: string, reach?: 'whole') => Promise<Folder>
  /** A file's bytes. Throws an Error for one of more than 20 MB. */
  readBlob: (entry: Entry) => Promise<Buffer>
  /** Writes the tree that the changes make of `base` (null: of nothing), and gives its id. What is to go must be there. */
  writeTree: (base: string | null, changes: FileChange[]) => Promise<string>
  /** Writes a commit, and gives its id. */
  writeCommit: (commit: { message: string; tree: string; parents: string[] }) => Promise<string>
}

/** Far above anything that is kept, in bytes. */
const LARGEST_BLOB = 20_000_000

/**
 * Git's id of a file's content, in the object format that an id of so many hex digits is of: SHA-1 (40) or SHA-256 (64).
 * Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
 */
export function blobId(content: string | Buffer, digits: number): string {
  const bytes = Buffer.from(content)
  return createHash(digits === 64 ? 'sha256' : 'sha1')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex')
}

/** Does a thing once for each key; what failed is done again. `loaded` has what was done. */
function once<T, Rest extends unknown[]>(
  load: (key: string, ...rest: Rest) => Promise<T>,
  loaded = new Map<string, Promise<T>>(),
): (key: string, ...rest: Rest) => Promise<T> {
  return (key, ...rest) => {
    const known = loaded.get(key)
    if (known !== undefined) return known
    const loading = load(key, ...rest)
    loaded.set(key, loading)
    loading.catch(() => loaded.delete(key))
    return loading
  }
}

function typeOf({ type, mode }: { type: string; mode: string }): Entry['type'] {
  if (type === 'tree') return 'folder'
  return type === 'blob' && mode.startsWith('100') ? 'file' : 'other'
}

type ListedEntry = { path: string; sha: string; type: string; mode: string; size?: number }

function entryOf(listed: ListedEntry): Entry {
  return { sha: listed.sha, type: typeOf(listed), size: listed.size ?? null }
}

/** The folders of a tree that was listed with all that is below it, by their ids. */
function foldersOf(tree: string, listed: readonly ListedEntry[]): Map<string, Folder> {
  const folders = new Map<string, Map<string, Entry>>([['', new Map()]])
  const ids = new Map([[tree, '']])
  for (const entry of listed) {
    if (typeOf(entry) !== 'folder') continue
    folders.set(entry.path, new Map())
    ids.set(entry.sha, entry.path)
  }
  for (const entry of listed) {
    const cut = entry.path.lastIndexOf('/')
    folders.get(entry.path.slice(0, Math.max(0, cut)))?.set(entry.path.slice(cut + 1), entryOf(entry))
  }
  return new Map([...ids].map(([sha, path]) => [sha, folders.get(path)!]))
}

/** The objects of one repository. */
export function openObjects({ rest: { git } }: Octokit, { owner, repo }: { owner: string; repo: string }): Objects {
  const where = { owner, repo }
  const treeOf = once(async (commit) => (await git.getCommit({ ...where, commit_sha: commit })).data.tree.sha)

  const folders = new Map<string, Promise<Folder>>()
  const readFolder = once(async (sha) => {
    const { data } = await git.getTree({ ...where, tree_sha: sha })
    if (data.truncated) throw new Error(`A folder of the branch has too many files to be listed (${sha}).`)
    return new Map(data.tree.map((entry) => [entry.path, entryOf(entry)]))
  }, folders)

  const readWhole = once(async (sha) => {
    const { data } = await git.getTree({ ...where, tree_sha: sha, recursive: '1' })
    if (data.truncated) return readFolder(sha)
    const found = foldersOf(sha, data.tree)
    for (const [id, folder] of found) folders.set(id, Promise.resolve(folder))
    return found.get(sha)!
  })

  const loadBlob = once(async (sha) => {
    const { data } = await git.getBlob({ ...where, file_sha: sha })
    return Buffer.from(data.content, 'base64')
  })

  const writeBlob = once(async (_id, content: Buffer) => {
    const { data } = await git.createBlob({ ...where, content: content.toString('base64'), encoding: 'base64' })
    return data.sha
  })

  return {
    treeOf,
    readTree: (sha, reach) => (reach === 'whole' ? readWhole(sha) : readFolder(sha)),
    readBlob: async ({ sha, size }) => {
      if ((size ?? 0) > LARGEST_BLOB) throw new Error(`A file of the branch is too large to be read: ${size} bytes.`)
      return loadBlob(sha)
    },
    writeTree: async (base, changes) => {
      const tree = []
      // One after the other, as GitHub asks those who write to do.
      for (const { path, content } of changes) {
        const file = { path, mode: '100644', type: 'blob' } as const
        if (content === null) tree.push({ ...file, sha: null })
        else if (typeof content === 'string') tree.push({ ...file, content })
        else tree.push({ ...file, sha: await writeBlob(blobId(content, 40), content) })
      }
      const { data } = await git.createTree({ ...where, tree, ...(base !== null && { base_tree: base }) })
      return data.sha
    },
    writeCommit: async (commit) => (await git.createCommit({ ...where, ...commit })).data.sha,
  }
}
