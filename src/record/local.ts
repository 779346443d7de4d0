import type { Exec, OpenOutput } from '../exec.ts'
import { toFailure } from '../failure.ts'
import { commitsBefore, readBranch, tagsOf } from '../git/branch.ts'
import { openRepository, type Repository } from '../git/git.ts'
import type { Records, Shelf } from './shelf.ts'

/** Commits, and tags, that are looked at, at most. */
const MOST_COMMITS = 300
const MOST_TAGS = 1_000

/**
 * The records on the data branch of the clone that a folder is in, as git has them: with `fetch` the remote is asked, else what the last
 * fetch left is taken, and told where the remote could not be asked. None where the folder is in no repository.
 */
export function openLocalRecords(
  { exec, openOutput, cwd, warn }: { exec: Exec; openOutput: OpenOutput; cwd: string; warn: (text: string) => void },
  branch: string,
  { fetch }: { fetch: boolean },
): Records {
  let repository: Promise<Repository> | null = null
  let shelf: Promise<Shelf | null> | null = null
  const clone = (): Promise<Repository> => (repository ??= openRepository(exec, cwd))
  const open = async (): Promise<Shelf | null> => {
    try {
      const found = await readBranch(openOutput, await clone(), branch, { fetch }, null)
      if (found !== null && found.unasked !== null)
        warn(`The branch \`${branch}\` is read as the last fetch left it: ${found.unasked}.`)
      return found
    } catch (error) {
      if (toFailure(error).kind === 'precondition') return null
      throw error
    }
  }
  return {
    open: () => (shelf ??= open()),
    ancestors: async (commit) => commitsBefore(await clone(), commit, MOST_COMMITS),
    // A version has a number; a tag like `latest` moves, and says nothing of what was released when.
    releases: async () => (await tagsOf(await clone(), MOST_TAGS)).filter(({ name }) => /\d/.test(name)),
  }
}
