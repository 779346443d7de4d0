import type { Exec, OpenOutput } from '../exec.ts'
import { toFailure } from '../failure.ts'
import { commitsBefore, readBranch, tagsOf } from '../git/branch.ts'
import { openRepository, type Repository } from '../git/git.ts'
import type { Records, Shelf } from './shelf.ts'

/** Commits and tags that are looked at, at most. */
const MOST = 300

/**
 * The records on the data branch of the clone that a folder is in, as git has them: with `fetch` the remote is asked, else what the last
 * fetch left is taken. None where the folder is in no repository.
 */
export function openLocalRecords(
  { exec, openOutput, cwd }: { exec: Exec; openOutput: OpenOutput; cwd: string },
  branch: string,
  { fetch }: { fetch: boolean },
): Records {
  let repository: Promise<Repository> | null = null
  let shelf: Promise<Shelf | null> | null = null
  const clone = (): Promise<Repository> => (repository ??= openRepository(exec, cwd))
  const open = async (): Promise<Shelf | null> => {
    try {
      return await readBranch(openOutput, await clone(), branch, { fetch }, null)
    } catch (error) {
      if (toFailure(error).kind === 'precondition') return null
      throw error
    }
  }
  return {
    open: () => (shelf ??= open()),
    ancestors: async (commit) => commitsBefore(await clone(), commit, MOST),
    releases: async () => tagsOf(await clone(), MOST),
  }
}
