import type { OpenOutput } from '../exec.ts'
import { CouldNotMeasure, toFailure } from '../failure.ts'
import { fetchCommit, remoteName, withCredentials, type Credentials } from './commits.ts'
import { gitFailure, type Repository } from './git.ts'

/** The files of a branch, as they are at its last commit. Paths are relative to its root, with `/`. */
export type Branch = {
  commit: string
  /** Why the remote was not asked, and the branch is as the last fetch left it; null: it was asked, or was not to be. */
  unasked: string | null
  /** A file's bytes; null: it is not there. Throws CouldNotMeasure `git` where it cannot be read, or has more than 20 MB. */
  read: (path: string) => Promise<Buffer | null>
  /** Names of the files and folders in a folder, the root being ''; null: it is not there. */
  list: (folder: string) => Promise<string[] | null>
}

const FILE_MAX = 20_000_000
/** Some hundred thousand files: a branch of records has a few hundred an image. */
const LISTING_MAX = 64_000_000

/**
 * Opens a branch by git's objects alone: nothing is checked out, no ref made or moved. With `fetch` the remote is asked, and what it
 * says goes: a branch that it does not have is gone, whatever an earlier fetch left. Without, without a remote, or where that cannot be
 * reached, it is the remote's branch as the last fetch left it, else the branch of that name here. Null: there is none.
 * Throws CouldNotMeasure `git` where the remote cannot be reached and nothing is here, and where git fails.
 */
export async function readBranch(
  openOutput: OpenOutput,
  repository: Repository,
  branch: string,
  options: { fetch: boolean },
  credentials: Credentials,
): Promise<Branch | null> {
  const remote = await remoteName(repository)
  const asked = remote === null || !options.fetch ? null : await askRemote(repository, remote, branch, credentials)
  if (asked !== null && 'commit' in asked)
    return asked.commit === null ? null : filesAt(openOutput, repository, branch, asked.commit, null)
  const unasked = asked?.unasked ?? null
  const commit = await commitHere(repository, remote, branch)
  if (commit !== null) return filesAt(openOutput, repository, branch, commit, unasked)
  if (unasked === null) return null
  throw new CouldNotMeasure('git', `The branch \`${branch}\` is not in the clone, and ${unasked}.`)
}

/** The branch's last commit, made available; null: the remote has no such branch. Or why the remote could not be asked. */
async function askRemote(
  repository: Repository,
  remote: string,
  branch: string,
  credentials: Credentials,
): Promise<{ commit: string | null } | { unasked: string }> {
  const ref = `refs/heads/${branch}`
  const args = ['ls-remote', '--quiet', '--end-of-options', remote, ref]
  const listed = await withCredentials(repository, credentials, args)
  if (listed.exitCode !== 0) {
    const said = gitFailure(['ls-remote'], listed).message.replace(/\.+$/, '')
    return { unasked: `\`${remote}\` could not be asked for it (${said})` }
  }
  // What it lists may only end like the ref: `refs/x/refs/heads/image-budget`.
  const line = listed.stdout.split('\n').find((each) => each.endsWith(`\t${ref}`))
  const commit = line === undefined ? null : (/^[0-9a-f]{40,64}(?=\t)/.exec(line)?.[0] ?? null)
  if (commit === null) return { commit }
  const failed = await fetchCommit(repository, commit, credentials)
  return failed === null ? { commit } : { unasked: `it could not be fetched from \`${remote}\` (${failed})` }
}

async function commitHere(repository: Repository, remote: string | null, branch: string): Promise<string | null> {
  const refs = [...(remote === null ? [] : [`refs/remotes/${remote}/${branch}`]), `refs/heads/${branch}`]
  for (const ref of refs) {
    const found = await repository.tryGit(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])
    if (found.exitCode === 0) return found.stdout.trim()
  }
  return null
}

/** Lists the commit's files, so that each is then read by its object's name: no path is ever handed to git. */
async function filesAt(
  openOutput: OpenOutput,
  repository: Repository,
  branch: string,
  commit: string,
  unasked: string | null,
): Promise<Branch> {
  const output = async (args: string[], limit: number, what: string): Promise<Buffer> => {
    try {
      return await bytesOf(openOutput, repository.command(args), limit)
    } catch (error) {
      const { kind, message } = toFailure(error)
      if (kind === 'cancelled') throw error
      throw new CouldNotMeasure('git', `${what} of the branch \`${branch}\` cannot be read: ${message}`)
    }
  }
  const listing = await output(['ls-tree', '-r', '-z', '--full-tree', commit], LISTING_MAX, 'The list of files')
  const objects = new Map(
    listing
      .toString()
      .split('\0')
      .flatMap((entry) => {
        // Files alone: no links, no submodules.
        const found = /^100\d{3} blob ([0-9a-f]{40,64})\t(.+)$/s.exec(entry)
        return found === null ? [] : [[found[2]!, found[1]!] as const]
      }),
  )
  return {
    commit,
    unasked,
    read: async (path) => {
      const object = objects.get(path)
      return object === undefined ? null : output(['cat-file', 'blob', object], FILE_MAX, `\`${path}\``)
    },
    list: async (folder) => {
      const prefix = folder === '' ? '' : `${folder}/`
      const names = new Set<string>()
      for (const path of objects.keys())
        if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/', 1)[0]!)
      return names.size === 0 ? null : [...names]
    },
  }
}

/** What git prints, byte for byte. */
async function bytesOf(
  openOutput: OpenOutput,
  command: ReturnType<Repository['command']>,
  limit: number,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  // Leaving the loop stops git.
  for await (const chunk of (await openOutput(...command)) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limit) throw new Error(`it has more than ${limit} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * The commit and those that it descends from, the latest first, at most `max`: in a shallow clone those that are there.
 * Throws CouldNotMeasure `git` where there is no such commit.
 */
export async function commitsBefore(repository: Repository, commit: string, max: number): Promise<string[]> {
  const listed = await repository.git(['rev-list', `--max-count=${max}`, '--end-of-options', `${commit}^{commit}`])
  return listed === '' ? [] : listed.split('\n')
}

/** Names of the tags and the commits that they are on, the latest first, at most `max`; tags of anything else are left out. */
export async function tagsOf(repository: Repository, max: number): Promise<{ name: string; commit: string }[]> {
  const listed = await repository.git([
    'for-each-ref',
    `--count=${max}`,
    '--sort=-creatordate',
    '--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname:strip=2)',
    'refs/tags',
  ])
  return listed.split('\n').flatMap((line) => {
    const [type, object, peeledType, peeled, name] = line.split(' ')
    const commit = type === 'commit' ? object : peeledType === 'commit' ? peeled : undefined
    return commit === undefined || name === undefined ? [] : [{ name, commit }]
  })
}
