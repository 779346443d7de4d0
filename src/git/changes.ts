import type { Repository } from './git.ts'

/** A path, from the repository's top folder, that two commits have differently: content, kind, mode, or it is there in one of them only. */
export type ChangedPath = {
  path: string
  /** One of them has a submodule there. */
  isSubmodule: boolean
}

/** Everything that differs between two commits whose trees are there; a file that was moved is two paths. Throws CouldNotMeasure `git`. */
export async function changedPaths(repository: Repository, from: string, to: string): Promise<ChangedPath[]> {
  // Nothing that is configured, in the repository neither, may hide a submodule's.
  const options = ['-r', '--raw', '-z', '--no-renames', '--ignore-submodules=none', '--no-commit-id']
  const listed = await repository.git(['diff-tree', ...options, '--end-of-options', from, to])
  // `:100644 160000 5be4a41 9daeafb M`, then the path: https://git-scm.com/docs/diff-format
  const fields = listed.split('\0')
  return Array.from({ length: Math.floor(fields.length / 2) }, (_, at) => ({
    path: fields[at * 2 + 1]!,
    isSubmodule: /^:(?:160000|\d+ 160000) /.test(fields[at * 2]!),
  }))
}

/** What stands at a path in a commit: its mode as git writes it (`100644`, `120000`, …), and its object. */
export type TreeEntry = { mode: string; object: string }

/**
 * What a commit has at these paths (with `/`, none of them empty), by path. A path that leads through a link or a submodule has nothing.
 * Throws CouldNotMeasure `git`.
 */
export async function entriesAt(
  repository: Repository,
  commit: string,
  paths: readonly string[],
): Promise<Map<string, TreeEntry>> {
  // Of a folder and something in it, git lists what is in the folder, and only with `-t` the folder, too.
  const listed = await repository.git(['ls-tree', '-t', '-z', '--full-tree', commit, '--', ...paths], {
    GIT_LITERAL_PATHSPECS: '1',
  })
  const entries = listed.split('\0').flatMap((line): [string, TreeEntry][] => {
    const found = /^(\d{6}) \w+ ([0-9a-f]+)\t(.+)$/s.exec(line)
    if (found === null) return []
    const [, mode = '', object = '', path = ''] = found
    return [[path, { mode, object }]]
  })
  return new Map(entries)
}

/** A file's content, or null where it has more bytes than `most`. Throws CouldNotMeasure `git`. */
export async function readBlob(repository: Repository, object: string, most: number): Promise<string | null> {
  const size = Number(await repository.git(['cat-file', '-s', object]))
  return size <= most ? repository.git(['cat-file', 'blob', object]) : null
}
