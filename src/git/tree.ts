import { copyFile, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Exec } from '../exec.ts'
import { fetchCommit, type Credentials } from './commits.ts'
import { gitFailure, openRepository, type Repository } from './git.ts'

/**
 * Writes the files of a commit or tree into the folder `destination` (made, must not exist).
 *
 * Not a `git worktree`: that leaves a `.git` file in the folder, which the checkout does not have, which holds the folder's
 * own path and which `COPY . .` takes into the image; and it registers itself in the user's repository. Here an index
 * of our own is filled and checked out: both sides are made the same way, without `.git`, with the repository's own filters
 * (line ends, LFS) and sparse patterns. Submodules that the checkout has are filled likewise.
 */
export async function writeTree(
  exec: Exec,
  repository: Repository,
  treeish: string,
  destination: string,
  credentials: Credentials,
): Promise<void> {
  await fill(exec, repository, treeish, destination, credentials, `${destination}.index`)
}

/** `indexFile` stands outside of all that is written: a submodule's too. */
async function fill(
  exec: Exec,
  repository: Repository,
  treeish: string,
  destination: string,
  credentials: Credentials,
  indexFile: string,
): Promise<void> {
  await mkdir(destination, { recursive: true })
  const index = { GIT_INDEX_FILE: indexFile }
  const args = [
    `--git-dir=${repository.gitDir}`,
    `--work-tree=${destination}`,
    'read-tree',
    '-m',
    '-u',
    '--end-of-options',
    treeish,
  ]
  const written = await repository.tryGit(args, index)
  if (written.exitCode !== 0) throw gitFailure(['read-tree'], written)

  if (!(await exists(join(destination, '.gitmodules')))) return
  const staged = await repository.git([`--git-dir=${repository.gitDir}`, 'ls-files', '--stage', '-z'], index)
  for (const [at, entry] of staged.split('\0').entries()) {
    const link = /^160000 ([0-9a-f]{40,64}) 0\t(.+)$/s.exec(entry)
    if (!link || !(await exists(join(repository.root, link[2]!, '.git')))) continue
    const submodule = await openRepository(exec, join(repository.root, link[2]!))
    const failed = await fetchCommit(submodule, link[1]!, credentials)
    if (failed !== null)
      throw gitFailure(['submodule'], {
        exitCode: 1,
        stdout: '',
        stderr: `fatal: submodule \`${link[2]!}\`: ${failed}`,
      })
    const folder = join(destination, link[2]!)
    await fill(exec, submodule, link[1]!, folder, credentials, `${indexFile}-${at}`)
  }
}

/**
 * The working tree as it is, uncommitted and untracked (but not ignored) files included, as a tree object: made through a
 * copy of the index, so that the user's own stays as it is.
 */
export async function snapshotWorkingTree(repository: Repository, scratch: string): Promise<string> {
  const copy = join(scratch, 'snapshot.index')
  await mkdir(dirname(copy), { recursive: true })
  const own = join(repository.gitDir, 'index')
  if (await exists(own)) await copyFile(own, copy)
  const index = { GIT_INDEX_FILE: copy }
  await repository.git(['add', '--all', '--', '.'], index)
  return repository.git(['write-tree'], index)
}

/** Whether the working tree differs from HEAD: changed, staged or untracked (but not ignored) files. */
export async function isDirty(repository: Repository): Promise<boolean> {
  return (await repository.git(['status', '--porcelain', '--untracked-files=normal', '-z'])) !== ''
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
