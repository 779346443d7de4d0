import type { Clock } from '../clock.ts'
import type { Records } from '../record/shelf.ts'
import type { BranchPlace, DataBranch, Snapshot } from './data-branch.ts'
import { explainGitHubError, patiently, TO_READ } from './errors.ts'
import type { Octokit } from './octokit.ts'

/** Commits, and tags, that are asked for at most: GitHub lists tags in an order of its own. */
const MOST_COMMITS = 300
const MOST_TAGS = 1_000
/** The most that GitHub gives at a time. */
const PER_PAGE = 100

/** The records on a repository's data branch, and the repository's history as GitHub has it: a checkout is often shallow. Reads only. */
export function openRecords(
  octokit: Octokit,
  { owner, repo }: Pick<BranchPlace, 'owner' | 'repo'>,
  branch: DataBranch,
  clock: Clock,
): Records {
  let opened: Promise<Snapshot | null> | null = null

  /** All pages of a list, up to so many things. What fails for a while is tried again. */
  const list = async <T>(most: number, readPage: (page: number) => Promise<T[]>): Promise<T[]> => {
    const found: T[] = []
    try {
      for (let page = 1; found.length < most; page += 1) {
        const things = await patiently(clock, () => readPage(page))
        found.push(...things)
        if (things.length < PER_PAGE) break
      }
    } catch (error) {
      throw new Error(explainGitHubError(error, clock.now(), TO_READ), { cause: error })
    }
    return found
  }

  return {
    open: () => (opened ??= branch.snapshot()),
    ancestors: (commit) =>
      list(MOST_COMMITS, async (page) => {
        const { data } = await octokit.rest.repos.listCommits({ owner, repo, sha: commit, per_page: PER_PAGE, page })
        return data.map(({ sha }) => sha)
      }),
    releases: async () => {
      const tags = await list(MOST_TAGS, async (page) => {
        const { data } = await octokit.rest.repos.listTags({ owner, repo, per_page: PER_PAGE, page })
        return data.map(({ name, commit }) => ({ name, commit: commit.sha }))
      })
      // A version has a number; a tag like `latest` moves, and says nothing of what was released when.
      return tags.filter(({ name }) => /\d/.test(name))
    },
  }
}
