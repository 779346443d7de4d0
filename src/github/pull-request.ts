import type { Clock } from '../clock.ts'
import type { FollowedRun } from '../inputs/event.ts'
import { onOneLine } from '../inputs/inputs.ts'
import { explainGitHubError, patiently, TO_COMMENT } from './errors.ts'
import type { Octokit } from './octokit.ts'

/** The number of a pull request; or why there is none to report on, as the end of a sentence. */
export type FoundPullRequest = { number: number } | { reason: string }

/**
 * The open pull request that a run was started for: the one whose head is still the commit that was run. A fork's run names no pull request, and
 * what it uploads may name any: so GitHub is asked, by the branch that the event tells. Throws an Error that explains what to change.
 */
export async function findPullRequest(
  octokit: Octokit,
  { owner, repo }: { owner: string; repo: string },
  { headSha, headRepository, headBranch }: FollowedRun,
  clock: Clock,
): Promise<FoundPullRequest> {
  const head = `${headRepository.split('/')[0]}:${headBranch}`
  const parameters = { owner, repo, head, state: 'open' as const, per_page: 100 }
  const listed = await patiently(clock, () => octokit.paginate(octokit.rest.pulls.list, parameters)).catch(
    (error: unknown) => {
      throw new Error(explainGitHubError(error, clock.now(), TO_COMMENT), { cause: error })
    },
  )
  // An owner may have the branch in several repositories.
  const ofBranch = listed.filter(
    (pull) => pull.head.ref === headBranch && pull.head.repo?.full_name.toLowerCase() === headRepository.toLowerCase(),
  )
  const [found, another] = ofBranch.filter((pull) => pull.head.sha === headSha)
  const branch = `\`${onOneLine(headBranch)}\` of \`${headRepository}\``
  if (found !== undefined && another === undefined) return { number: found.number }
  if (found !== undefined)
    return { reason: `${branch} has several open pull requests, and nothing tells which of them was run` }
  return {
    reason:
      ofBranch.length === 0
        ? `${branch} has no open pull request any more`
        : `${branch} was pushed to since \`${headSha.slice(0, 7)}\`, which was run`,
  }
}
