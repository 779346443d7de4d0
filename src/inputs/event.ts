import { z } from 'zod'
import { isoSeconds } from '../clock.ts'
import { CouldNotMeasure } from '../failure.ts'

/** How the base commit is to be found; git does the finding. */
export type BaseQuestion =
  /** The checked-out merge commit's first parent, or the merge base of a checked-out head with the base branch. */
  | { kind: 'pull-request'; headSha: string; baseSha: string; baseRef: string }
  /** This commit. */
  | { kind: 'commit'; sha: string; ref: string }
  /** What a user named: a commit, branch or tag. */
  | { kind: 'ref'; ref: string }
  /** The merge base with this branch, as the remote has it. */
  | { kind: 'merge-base'; ref: string }
  /** The merge base with the default branch, whatever that is called here. */
  | { kind: 'default-branch' }
  | { kind: 'none'; reason: string }

/** The run of a pull request's workflow that this one follows (`workflow_run`). All of it is GitHub's word, none the pull request's. */
export type FollowedRun = {
  /** Commit that was the pull request's head when that run was started. */
  headSha: string
  /** Where that head is: `owner/name`, and the branch. */
  headRepository: string
  headBranch: string
}

/** What an event tells about the run. */
export type EventFacts = {
  base: BaseQuestion
  /** It is about a change that is proposed, a pull request or a merge queue's: what the change leaves alone need not be looked at. */
  isProposal: boolean
  /** Number of the pull request to comment on, or null: the event has none. */
  pullRequest: number | null
  /** The pull request's head: what its author pushed and reviewers know, where what is checked out is GitHub's merge of it. */
  pushed: string | null
  /** Of `workflow_run`: the run that it follows, or why none is that could be reported on, as the end of a sentence; null: another event. */
  follows: FollowedRun | { reason: string } | null
  /** The label that the event set on the pull request; null: it is another event. */
  labelled: string | null
  /** It is a run of the default branch itself (a push, a schedule, by hand): what it measures is worth a record. */
  onDefaultBranch: boolean
  /** The repository is private; null: the event does not say. */
  isPrivate: boolean | null
  /** The repository's default branch; null: the event does not say. */
  defaultBranch: string | null
  /** When the pushed commit was committed, ISO 8601 in UTC to the second; null: the event does not say. */
  committedAt: string | null
}

const sha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
const pullRequest = z.object({
  action: z.string().optional(),
  label: z.object({ name: z.string() }).nullish(),
  pull_request: z.object({
    number: z.number().int().positive(),
    head: z.object({ sha }),
    base: z.object({ sha, ref: z.string().min(1) }),
  }),
})
const workflowRun = z.object({
  workflow_run: z.object({
    event: z.string(),
    head_sha: sha,
    head_branch: z.string().min(1).nullable(),
    head_repository: z.object({ full_name: z.string().regex(/^[^/\s]+\/[^/\s]+$/) }).nullable(),
  }),
})
const mergeGroup = z.object({ merge_group: z.object({ base_sha: sha, base_ref: z.string().min(1) }) })
const push = z.object({ before: sha, ref: z.string().min(1), deleted: z.boolean().optional() })

/**
 * Refuses an event whose run has a token that may write, and the secrets, while what is checked out may be a stranger's: to be asked before
 * anything of it is read. `isAllowed`: the user takes it upon themselves. Throws CouldNotMeasure `precondition`.
 */
export function refuseUnsafe(name: string, isAllowed: boolean): void {
  if (name !== 'pull_request_target' || isAllowed) return
  throw new CouldNotMeasure(
    'precondition',
    'The workflow runs on `pull_request_target`, which hands a token that may write, and the secrets, to the code of any fork that is built.',
    {
      remedy:
        "Run on `pull_request`: verdict and summary need no write permission, and a workflow on `workflow_run` with `mode: report` comments on a fork's pull request without running its code. `allow-pull-request-target: true` runs all the same.",
    },
  )
}

/**
 * The facts of a workflow run's event: `name` is GITHUB_EVENT_NAME, `payload` the parsed file at GITHUB_EVENT_PATH.
 * `ref` is GITHUB_REF. `baseRef`, where the user gave it, decides what to compare with. `isTargetAllowed`: the user takes
 * `pull_request_target` upon themselves. Shapes: GitHub's webhook payloads.
 */
export function readEvent(
  name: string,
  payload: unknown,
  baseRef: string | null,
  ref: string,
  isTargetAllowed = false,
): EventFacts {
  refuseUnsafe(name, isTargetAllowed)
  const { data } = repositoryOf.safeParse(payload)
  const defaultBranch = data?.repository.default_branch ?? null
  const facts = readPayload(name, payload, { ref, defaultBranch })
  const base: BaseQuestion = baseRef === null ? facts.base : { kind: 'ref', ref: baseRef }
  const isDefault = defaultBranch !== null && ref === `refs/heads/${defaultBranch}`
  return {
    ...facts,
    base,
    onDefaultBranch: OF_A_BRANCH.has(name) && isDefault,
    isPrivate: data?.repository.private ?? null,
    defaultBranch,
    committedAt: committedAtOf(payload),
  }
}

/** Events whose run is of a branch as it is, with the repository's own secrets. */
const OF_A_BRANCH = new Set(['push', 'schedule', 'workflow_dispatch'])

const repositoryOf = z.object({
  repository: z.object({ default_branch: z.string().min(1), private: z.boolean().optional() }),
})

const pushed = z.object({ head_commit: z.object({ timestamp: z.iso.datetime({ offset: true }) }) })

function committedAtOf(payload: unknown): string | null {
  const { data } = pushed.safeParse(payload)
  return data === undefined ? null : isoSeconds(Date.parse(data.head_commit.timestamp))
}

const NO_PULL_REQUEST = { isProposal: false, pullRequest: null, pushed: null, follows: null, labelled: null }

/** The reference that a run is of (GITHUB_REF), and the repository's default branch; null: the event does not say. */
type Where = { ref: string; defaultBranch: string | null }

/** What a branch has beside the default branch is its change; of that one itself, and of a tag, there is none. */
function sinceDefaultBranch({ ref, defaultBranch }: Where, otherwise: string): BaseQuestion {
  const isBranch = ref.startsWith('refs/heads/')
  return isBranch && defaultBranch !== null && branchName(ref) !== defaultBranch
    ? { kind: 'merge-base', ref: defaultBranch }
    : { kind: 'none', reason: otherwise }
}

function readPayload(
  name: string,
  payload: unknown,
  where: Where,
): Omit<EventFacts, 'onDefaultBranch' | 'isPrivate' | 'defaultBranch' | 'committedAt'> {
  switch (name) {
    case 'pull_request_target':
    case 'pull_request': {
      const { pull_request, action, label } = parse(name, pullRequest, payload)
      const { number, head, base } = pull_request
      return {
        isProposal: true,
        pullRequest: number,
        pushed: head.sha,
        follows: null,
        labelled: action === 'labeled' ? (label?.name ?? null) : null,
        base: { kind: 'pull-request', headSha: head.sha, baseSha: base.sha, baseRef: base.ref },
      }
    }
    case 'merge_group': {
      const { base_sha, base_ref } = parse(name, mergeGroup, payload).merge_group
      const base: BaseQuestion = { kind: 'commit', sha: base_sha, ref: branchName(base_ref) }
      return { ...NO_PULL_REQUEST, isProposal: true, base }
    }
    case 'push': {
      const { before, ref, deleted } = parse(name, push, payload)
      // The run is of the default branch then: https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#push
      if (deleted === true)
        return { ...NO_PULL_REQUEST, base: { kind: 'none', reason: `the push deleted \`${branchName(ref)}\`` } }
      const isNew = /^0+$/.test(before)
      const created = ref.startsWith('refs/tags/')
        ? `the push created the tag \`${branchName(ref)}\`; \`base-ref\` can name an earlier one`
        : `the push created \`${branchName(ref)}\`, there is no commit before it`
      return {
        ...NO_PULL_REQUEST,
        base: isNew
          ? sinceDefaultBranch({ ...where, ref }, created)
          : { kind: 'commit', sha: before, ref: `${branchName(ref)} before the push` },
      }
    }
    case 'schedule':
    case 'workflow_dispatch':
      return { ...NO_PULL_REQUEST, base: sinceDefaultBranch(where, noBase(name)) }
    case 'workflow_run':
      return {
        ...NO_PULL_REQUEST,
        base: { kind: 'none', reason: noBase(name) },
        follows: readFollowed(parse(name, workflowRun, payload)),
      }
    default:
      return { ...NO_PULL_REQUEST, base: { kind: 'none', reason: noBase(name) } }
  }
}

function noBase(name: string): string {
  return `the event \`${name}\` has no base commit; \`base-ref\` can name one`
}

/** `pull_requests` of the payload is empty for a fork's: what is there tells where to look for it. */
function readFollowed({ workflow_run: followed }: z.output<typeof workflowRun>): EventFacts['follows'] {
  const { event, head_sha: headSha, head_branch: headBranch, head_repository: from } = followed
  if (event !== 'pull_request')
    return { reason: `the run that this one follows was of \`${event}\`, not of \`pull_request\`` }
  if (from === null || headBranch === null) return { reason: 'the branch of the pull request is gone' }
  return { headSha, headBranch, headRepository: from.full_name }
}

/** `refs/heads/main` as `main`. */
function branchName(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '')
}

function parse<T extends z.ZodType>(name: string, shape: T, payload: unknown): z.output<T> {
  const parsed = shape.safeParse(payload)
  if (parsed.success) return parsed.data
  throw new CouldNotMeasure(
    'input',
    `The payload of the event \`${name}\` is not as GitHub describes it:\n${z.prettifyError(parsed.error)}`,
  )
}
