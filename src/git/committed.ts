import { posix } from 'node:path'
import type { Repository } from './git.ts'

/** What git takes for a tree without files, in repositories of SHA-1 and of SHA-256; both know it without having it. */
const EMPTY_TREE = {
  40: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  64: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
} as const

/**
 * The files (and links) of a commit or tree that a glob names, in git's order: paths from the repository's top. `glob` is git's own, `*`
 * within a folder and `**` for any (gitglossary, pathspec, `glob`), `except` are those of files that are left out. A glob
 * that names a folder names none of its files. Throws CouldNotMeasure `git`.
 */
export async function committedFiles(
  repository: Repository,
  treeish: string,
  glob: string,
  except: readonly string[] = [],
): Promise<string[]> {
  const object = await repository.git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${treeish}^{tree}`])
  // `ls-tree` knows no globs, and `ls-files` the index alone.
  const listed = await repository.git([
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-renames',
    object.length === 64 ? EMPTY_TREE[64] : EMPTY_TREE[40],
    object,
    '--',
    `:(top,glob)${posix.normalize(glob)}`,
    ...except.map((each) => `:(top,exclude,glob)${each}`),
  ])
  const fields = listed.split('\0')
  const depth = glob.includes('**') ? null : depthOf(posix.normalize(glob))
  return fields.flatMap((field, at) => {
    const isFile = /^:000000 1[02]\d{4} /.test(field)
    const path = fields[at + 1]
    return isFile && path !== undefined && (depth === null || depthOf(path) === depth) ? [path] : []
  })
}

function depthOf(path: string): number {
  return path.split('/').length
}
