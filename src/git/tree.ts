import { copyFile, mkdir, readdir, realpath, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Exec, ExecResult } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'
import { credentialVariables, fetchCommit, type Credentials } from './commits.ts'
import { gitFailure, openGitDir, openRepository, type Repository } from './git.ts'

/**
 * Writes the files of a commit or tree into the folder `destination` (made, must not exist).
 *
 * Not a `git worktree`: that leaves a `.git` file in the folder, which the checkout does not have, which holds the folder's
 * own path and which `COPY . .` takes into the image; and it registers itself in the user's repository. Here an index
 * of our own is filled and checked out: both sides are made the same way, without `.git`, with the repository's own filters
 * (line ends) and sparse patterns.
 *
 * - Submodules that the checkout has are filled likewise, also under another path or name, from the clones that are there:
 *   no address in `.gitmodules` is ever asked. Those that it left empty stay empty.
 * - LFS files are pointers where the clone has no LFS objects (actions/checkout's default, `lfs: false`), else what LFS gives.
 *
 * Throws CouldNotMeasure `git` where git fails, and where a submodule is needed that cannot be had.
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
  const written = await readTree(repository, treeish, destination, credentials, indexFile)
  if (written.exitCode !== 0) throw gitFailure(['read-tree'], written)

  const needed = await submodulesIn(repository, { GIT_INDEX_FILE: indexFile })
  if (needed.length === 0) return
  // A clone that has no working tree any more is run in the destination: the index it has is of another time.
  const present = repository.root === destination ? [] : await submodulesIn(repository)
  for (const [at, submodule] of needed.entries()) {
    const folder = join(destination, submodule.path)
    await mkdir(folder, { recursive: true })
    if ((await realpath(folder)) !== join(await realpath(destination), submodule.path))
      throw new CouldNotMeasure('git', `The submodule \`${submodule.path}\` leads out of its repository.`)
    const source = await sourceOf(exec, repository, submodule, present, folder)
    if (source === null) continue
    const failed = await fetchCommit(source, submodule.commit, credentials)
    if (failed !== null)
      throw new CouldNotMeasure(
        'git',
        `The commit \`${submodule.commit.slice(0, 7)}\` of the submodule \`${submodule.path}\` could not be fetched (${failed}).`,
      )
    await fill(exec, source, submodule.commit, folder, credentials, `${indexFile}-${at}`)
  }
}

/**
 * Fills the index and checks it out. That may talk to a remote, as a checkout would, for what the clone left there (the blobs
 * of a partial clone, LFS objects): where it fails, it is done once more with the token.
 */
async function readTree(
  repository: Repository,
  treeish: string,
  destination: string,
  credentials: Credentials,
  indexFile: string,
): Promise<ExecResult> {
  const lfs = await hasLfsObjects(repository)
  const read = async (env: Record<string, string>): Promise<ExecResult> => {
    await mkdir(destination, { recursive: true })
    return repository.tryGit(
      [
        `--git-dir=${repository.gitDir}`,
        `--work-tree=${destination}`,
        'read-tree',
        '-m',
        '-u',
        '--end-of-options',
        treeish,
      ],
      { GIT_INDEX_FILE: indexFile, ...(lfs ? {} : { GIT_LFS_SKIP_SMUDGE: '1' }), ...env },
    )
  }
  const written = await read({})
  if (written.exitCode === 0 || credentials === null || !(lfs || (await isPartial(repository)))) return written
  await rm(destination, { recursive: true })
  const again = await read(credentialVariables(credentials))
  return again.exitCode === 0 ? again : written
}

/**
 * Whether LFS files were fetched into the clone: then its checkout has their content, else their pointers. git-lfs keeps
 * objects in `lfs/objects` of the git directory that linked worktrees share, or in the folder `lfs.storage`.
 */
async function hasLfsObjects(repository: Repository): Promise<boolean> {
  const common = resolve(repository.root, await repository.git(['rev-parse', '--git-common-dir']))
  const configured = await repository.tryGit(['config', '--type=path', '--get', 'lfs.storage'])
  const storage = configured.exitCode === 0 ? configured.stdout.trimEnd() : 'lfs'
  const objects = await readdir(join(resolve(common, storage), 'objects')).catch(() => [])
  return objects.some((name) => /^[0-9a-f]{2}$/.test(name))
}

/** Whether git itself fetches, as it goes, objects that the clone left out (`--filter`). */
async function isPartial(repository: Repository): Promise<boolean> {
  const keys = String.raw`^(extensions\.partialclone|remote\..*\.promisor)$`
  return (await repository.tryGit(['config', '--get-regexp', keys])).exitCode === 0
}

/** A submodule as an index has it; `name` is null where `.gitmodules` lacks it. */
type Submodule = { path: string; commit: string; name: string | null }

/** The submodules in an index, the user's or that of `env`: none where it has no `.gitmodules` that git could read. */
async function submodulesIn(repository: Repository, env: Record<string, string> = {}): Promise<Submodule[]> {
  // Without `--no-includes` git would read any file that the blob names.
  const listed = await repository.tryGit(
    ['config', '--no-includes', '--blob=:.gitmodules', '-z', '--get-regexp', String.raw`^submodule\..*\.path$`],
    env,
  )
  if (listed.exitCode !== 0) return []
  const names = new Map(
    listed.stdout.split('\0').flatMap((entry) => {
      const found = /^submodule\.([^\n]*)\.path\n(.*)$/s.exec(entry)
      return found ? [[found[2]!, found[1]!]] : []
    }),
  )
  const staged = await repository.git(['ls-files', '--stage', '-z'], env)
  return staged.split('\0').flatMap((entry) => {
    const link = /^160000 ([0-9a-f]{40,64}) 0\t(.+)$/s.exec(entry)
    return link ? [{ path: link[2]!, commit: link[1]!, name: names.get(link[2]!) ?? null }] : []
  })
}

/**
 * The repository to read a submodule from, or null where it stays empty: it does so in the checkout, too.
 *
 * The tree may have one that the checkout has no more (a change that removes it): its clone is looked for in the git directory,
 * where git keeps it by its name. Without it the tree would silently lack files, so that is an error, unless the checkout left
 * all of its submodules empty. Where it has none at all nobody can tell, and that is an error as well.
 * Any clone that has the commit will do: what a commit holds is told by its hash.
 */
async function sourceOf(
  exec: Exec,
  repository: Repository,
  { path, name }: Submodule,
  present: Submodule[],
  folder: string,
): Promise<Repository | null> {
  const renamed = present.find((other) => name !== null && other.name === name)
  if (renamed) return checkedOut(exec, repository, renamed.path)
  const kept =
    name !== null && isModuleName(name)
      ? await openGitDir(exec, join(repository.gitDir, 'modules', name), folder)
      : null
  if (kept !== null) return kept
  if (present.some((other) => other.path === path)) return checkedOut(exec, repository, path)
  // A link that `.gitmodules` lacks is none that git could have checked out.
  if (name === null) return null
  const populated = await Promise.all(present.map((other) => isPopulated(repository, other.path)))
  if (populated.length > 0 && !populated.includes(true)) return null
  throw new CouldNotMeasure(
    'git',
    `The submodule \`${path}\` is needed, but the checkout, whose commit lacks it, has no clone of it.`,
  )
}

/** The repository that the checkout has at the path of a submodule, or null where it left that empty. */
async function checkedOut(exec: Exec, repository: Repository, path: string): Promise<Repository | null> {
  if (!(await isPopulated(repository, path))) return null
  const opened = await openRepository(exec, join(repository.root, path))
  // Where the `.git` there is broken, git may find the repository around it.
  if (opened.root !== join(repository.root, path))
    throw new CouldNotMeasure('git', `The submodule \`${path}\` of the checkout is no repository of its own.`)
  return opened
}

/** Never through a link: what it leads to is no submodule. */
async function isPopulated(repository: Repository, path: string): Promise<boolean> {
  const folder = join(repository.root, path)
  return (await exists(join(folder, '.git'))) && (await realpath(folder)) === folder
}

/** What git takes for a submodule's name: a relative path that leads nowhere up (`check_submodule_name`). */
function isModuleName(name: string): boolean {
  return name.split(/[/\\]/).every((part) => part !== '' && part !== '.' && part !== '..')
}

/** Objects of snapshots: untracked files may be large, or secrets, and have no business in the user's repository. */
async function objectsIn(scratch: string): Promise<string> {
  const folder = join(scratch, 'objects')
  await mkdir(folder, { recursive: true })
  return folder
}

/** As git takes paths in a list of them: https://git-scm.com/docs/git#Documentation/git.txt-GITALTERNATEOBJECTDIRECTORIES */
function inList(path: string): string {
  return `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** The repository, with what `snapshotWorkingTree` makes of it with the same `scratch`. */
export async function withSnapshots(repository: Repository, scratch: string): Promise<Repository> {
  return repository.with({ GIT_ALTERNATE_OBJECT_DIRECTORIES: inList(await objectsIn(scratch)) })
}

/**
 * The working tree as it is, uncommitted and untracked (but not ignored) files included, as a tree object: made through a
 * copy of the index and kept in `scratch`, so that the user's own repository stays as it is. `withSnapshots` finds it.
 */
export async function snapshotWorkingTree(repository: Repository, scratch: string): Promise<string> {
  const copy = join(scratch, 'snapshot.index')
  await mkdir(dirname(copy), { recursive: true })
  const own = join(repository.gitDir, 'index')
  if (await exists(own)) {
    await copyFile(own, copy)
    // A file that changed within the index's last moment without changing its size is told by the index not being younger than the file
    // (https://git-scm.com/docs/racy-git): a copy is.
    const { atimeMs, mtimeMs } = await stat(own)
    await utimes(copy, atimeMs / 1000, Math.floor(mtimeMs / 1000))
  }
  const objects = await repository.git(['rev-parse', '--git-path', 'objects'])
  const index = {
    GIT_INDEX_FILE: copy,
    GIT_OBJECT_DIRECTORY: await objectsIn(scratch),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: inList(resolve(repository.root, objects)),
  }
  await repository.git(['add', '--all', '--', '.'], index)
  return repository.git(['write-tree'], index)
}

/**
 * Whether the working tree differs from HEAD: changed, staged or untracked (but not ignored) files. What is changed inside of a
 * submodule is not measured and does not count.
 */
export async function isDirty(repository: Repository): Promise<boolean> {
  return (
    (await repository.git(['status', '--porcelain', '--untracked-files=normal', '--ignore-submodules=dirty', '-z'])) !==
    ''
  )
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
