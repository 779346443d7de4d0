import type { Clock } from '../clock.ts'
import type { FileChange, Shelf } from '../record/shelf.ts'
import { explainGitHubError, obstacleOf, patiently, retryDelay, statusOf, TO_READ, TO_WRITE } from './errors.ts'
import { blobId, openObjects, type Entry, type Folder, type Objects } from './objects.ts'
import type { Octokit } from './octokit.ts'

/** Which branch. */
export type BranchPlace = { owner: string; repo: string; branch: string }

/** The branch's files as they were at a commit of it. */
export type Snapshot = Shelf & { commit: string }

/** What became of an update. */
export type Update = {
  /** The commit that has the changes, ours or the one that had them before; null: nothing was to be put on a branch that is not there. */
  commit: string | null
  /** The branch was made for it. */
  isNew: boolean
  /** `unchanged`: all is there already. */
  action: 'created' | 'unchanged'
  /** How often it was begun. */
  tries: number
}

/** A branch that has nothing but our files, written to by many jobs at a time. */
export type DataBranch = {
  /** The branch as it is; null: there is none. Throws an Error that explains what cannot be read, as the snapshot itself does. */
  snapshot: () => Promise<Snapshot | null>
  /**
   * Puts what `change` makes of the branch's files on it, as one commit above all that others put there; where others are quicker, `change`
   * is asked again, of what is there then. Throws an Error that explains what fails for good, with the error as its cause.
   */
  update: (change: (shelf: Shelf) => Promise<FileChange[]>, message: string) => Promise<Update>
}

/** The branch, and how it is reached. */
type Access = BranchPlace & { octokit: Octokit; objects: Objects }

/** What is to be put on it. */
type Task = { change: (shelf: Shelf) => Promise<FileChange[]>; message: string }

/** The branch's latest commit and its tree. */
type Tip = { commit: string; tree: string }

/** What is known of an update so far; outlives a try that fails. */
type Progress = {
  tries: number
  /** Failures in a row without anyone's having moved the branch. */
  failures: number
  /** Milliseconds. */
  waited: number
  /** The latest commit that was seen; null: no branch. */
  seen: string | null
  /** Commits of ours that the branch was to be moved to, and whether it was to be made for them. */
  begun: Map<string, boolean>
  /** GitHub's answer to that was lost: it may have been done, or may still be. */
  isUnsure: boolean
}

/** In all, failures in a row that nobody else's progress explains, and milliseconds of waiting. */
const MOST_TRIES = 40
const MOST_FAILURES = 5
const PATIENCE = 180_000

/**
 * How long those wait at most who were overtaken, in milliseconds: at first, from try to try, and ever. Simulated with tries of 2.4 s,
 * twenty jobs that begin in the same second are done after 64 s on average, the last of them with 8 tries.
 */
const FIRST_DELAY = 4000
const GROWTH = 1.5
const LONGEST_DELAY = 20_000

/** Opens the data branch. Nothing is asked of GitHub before it is used. `random` is as Math.random: it keeps jobs from trying again together. */
export function openDataBranch(
  octokit: Octokit,
  place: BranchPlace,
  clock: Clock,
  random: () => number = Math.random,
): DataBranch {
  const objects = openObjects(octokit, place)
  const access: Access = { ...place, octokit, objects }
  const explained = (error: unknown, need: typeof TO_READ): Error =>
    new Error(explainGitHubError(error, clock.now(), need), { cause: error })

  const patientRead = <T>(read: () => Promise<T>): Promise<T> =>
    patiently(clock, read).catch((error: unknown) => {
      throw explained(error, TO_READ)
    })

  const update: DataBranch['update'] = async (change, message) => {
    const progress: Progress = { tries: 0, failures: 0, waited: 0, seen: null, begun: new Map(), isUnsure: false }
    for (;;) {
      progress.tries += 1
      try {
        const done = await tryOnce(access, { change, message }, progress)
        return { ...done, tries: progress.tries }
      } catch (error) {
        const delay = delayAfter(error, progress, clock.now(), random())
        if (delay === null) throw explained(error, TO_WRITE)
        progress.waited += delay
        await clock.sleep(delay)
      }
    }
  }

  return {
    snapshot: async () => {
      const tip = await patientRead(() => readTip(access))
      return tip && { commit: tip.commit, ...shelfAt(objects, tip.tree, patientRead) }
    },
    update,
  }
}

/** The branch's latest commit; null: there is no such branch. */
async function readRef({ octokit, owner, repo, branch }: Access): Promise<string | null> {
  try {
    return (await octokit.rest.git.getRef({ owner, repo, ref: `heads/${branch}` })).data.object.sha
  } catch (error) {
    if (statusOf(error) === 404 || obstacleOf(error) === 'empty') return null
    throw error
  }
}

async function readTip(access: Access): Promise<Tip | null> {
  const commit = await readRef(access)
  return commit === null ? null : { commit, tree: await access.objects.treeOf(commit) }
}

/**
 * What a tree has at a path; the tree itself for an empty one. Null: nothing. A folder at the top is an image's: what is asked for lies in
 * several folders below it, so that it is read whole.
 */
async function find(objects: Objects, tree: string | null, path: string): Promise<Entry | null> {
  let found: Entry | null = tree === null ? null : { sha: tree, type: 'folder', size: null }
  for (const [depth, name] of namesOf(path).entries()) {
    if (found?.type !== 'folder') return null
    found = (await entriesIn(objects, found, depth)).get(name) ?? null
  }
  return found
}

/** The names that a path is made of. */
function namesOf(path: string): string[] {
  return path === '' ? [] : path.split('/')
}

function entriesIn(objects: Objects, { sha }: Entry, depth: number): Promise<Folder> {
  return objects.readTree(sha, depth === 1 ? 'whole' : undefined)
}

/** The files of a tree (null: none), asked for in a way of its own. */
function shelfAt(objects: Objects, tree: string | null, ask: <T>(read: () => Promise<T>) => Promise<T>): Shelf {
  return {
    read: (path) =>
      ask(async () => {
        const found = await find(objects, tree, path)
        return found?.type === 'file' ? objects.readBlob(found) : null
      }),
    list: (folder) =>
      ask(async () => {
        const found = await find(objects, tree, folder)
        return found?.type === 'folder' ? [...(await entriesIn(objects, found, namesOf(folder).length)).keys()] : null
      }),
  }
}

/** Looks at the branch as it is, and writes what is missing there. */
async function tryOnce(access: Access, { change, message }: Task, progress: Progress): Promise<Omit<Update, 'tries'>> {
  const { objects } = access
  const tip = await readTip(access)
  if (progress.seen !== (tip?.commit ?? null)) progress.failures = 0
  progress.seen = tip?.commit ?? null

  const landed = await findLanded(access, tip, progress)
  if (landed !== null) return { commit: landed, isNew: progress.begun.get(landed) ?? false, action: 'created' }

  const unchanged = { commit: tip?.commit ?? null, isNew: false, action: 'unchanged' } as const
  const wanted = await change(shelfAt(objects, tip?.tree ?? null, (read) => read()))
  const changes = await missing(objects, tip?.tree ?? null, wanted)
  if (changes.length === 0) return unchanged
  const tree = await objects.writeTree(tip?.tree ?? null, changes)
  if (tree === tip?.tree) return unchanged

  const commit = await objects.writeCommit({ message, tree, parents: tip === null ? [] : [tip.commit] })
  progress.begun.set(commit, tip === null)
  await moveBranch(access, tip, commit).catch((error: unknown) => {
    progress.isUnsure ||= (statusOf(error) ?? 500) >= 500
    throw error
  })
  return { commit, isNew: tip === null, action: 'created' }
}

/** A commit of ours that reached the branch although GitHub's answer did not reach us; null: none did. */
async function findLanded(
  { octokit, owner, repo }: Access,
  tip: Tip | null,
  { begun, isUnsure }: Progress,
): Promise<string | null> {
  if (tip === null || begun.size === 0) return null
  if (begun.has(tip.commit)) return tip.commit
  if (!isUnsure) return null
  const { data } = await octokit.rest.repos.listCommits({ owner, repo, sha: tip.commit, per_page: 100 })
  return data.find(({ sha }) => begun.has(sha))?.sha ?? null
}

/** The changes that would change something. */
async function missing(objects: Objects, tree: string | null, changes: FileChange[]): Promise<FileChange[]> {
  const found: FileChange[] = []
  for (const change of changes) {
    const entry = await find(objects, tree, change.path)
    const isThere =
      change.content === null
        ? entry === null
        : entry?.type === 'file' && entry.sha === blobId(change.content, entry.sha.length)
    if (!isThere) found.push(change)
  }
  return found
}

/**
 * Moves the branch from what was seen to the commit, or makes it. GitHub refuses where it is not what was seen any more, by descent: only
 * a branch that was forced back to an earlier commit of its own meanwhile comes forward again.
 */
async function moveBranch({ octokit, owner, repo, branch }: Access, tip: Tip | null, commit: string): Promise<void> {
  if (tip === null) await octokit.rest.git.createRef({ owner, repo, ref: `refs/heads/${branch}`, sha: commit })
  else await octokit.rest.git.updateRef({ owner, repo, ref: `heads/${branch}`, sha: commit, force: false })
}

/**
 * Milliseconds to wait before the next try, or null: it would not help. Beyond what `retryDelay` takes for passing, these are tried again:
 * a branch that moved, and an object that GitHub does not know yet, for it may be a while until all of its servers do.
 */
function delayAfter(error: unknown, progress: Progress, now: number, random: number): number | null {
  const obstacle = obstacleOf(error)
  const status = statusOf(error)
  if (obstacle !== null && obstacle !== 'moved') return null
  if (obstacle !== 'moved') progress.failures += 1
  if (progress.tries >= MOST_TRIES || progress.failures >= MOST_FAILURES) return null

  const isRefusal = status === 404 || status === 409 || status === 422
  // Its delays grow beyond what is waited for at the fourth try.
  const least = isRefusal ? 0 : retryDelay(error, Math.min(progress.failures, 3), now)
  if (least === null) return null
  const delay = Math.round(least + random * Math.min(LONGEST_DELAY, FIRST_DELAY * GROWTH ** (progress.tries - 1)))
  return progress.waited + delay > PATIENCE ? null : delay
}
