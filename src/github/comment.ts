import type { Clock } from '../clock.ts'
import { explainGitHubError, retryDelay, statusOf, TO_COMMENT, TRIES } from './errors.ts'
import { loginOf, type Octokit } from './octokit.ts'

/** Which comment, and what it should say. */
export type StickyComment = {
  owner: string
  repo: string
  /** The pull request's number. */
  number: number
  /** Tells this comment from our others on the same pull request: the image's name. Any text. */
  key: string
  /** The comment's Markdown, the fullest first, each next one shorter: the first that GitHub takes is used. */
  bodies: string[]
  /** Whether to write one where none is; one that is there is always brought up to date. */
  createIfMissing: boolean
  /**
   * A line that stands unseen below the marker, or an empty text, by the body of the comment that is there (null: none) and GitHub's time
   * (ISO 8601). Given its own result, it says the same again. None unless given.
   */
  note?: (old: string | null, now: string) => string
}

/** What became of it. */
export type CommentOutcome = {
  /** `unchanged`: it says so already. `none`: there is none, and none was to be created. */
  action: 'created' | 'updated' | 'unchanged' | 'none'
  /** Address for people; null for `none`. */
  url: string | null
  /** Number of our own surplus comments with the same key that were deleted. */
  removed: number
}

type Found = { id: number; url: string; body: string; createdAt: string }

/** What is known so far; outlives a try that fails. */
type Progress = {
  /** The bodies, the fullest first, without those that GitHub found too long. */
  bodies: string[]
  /** GitHub's time when it was asked last, ISO 8601; null: it did not say. */
  now: string | null
  /** Whose comments are ours; null until it had to be asked. */
  login: string | null
  /** The write that was begun last: GitHub may have done it although its answer never came. */
  begun: 'created' | 'updated' | null
  /** The last state that GitHub confirmed. */
  done: CommentOutcome | null
  removed: number
}

/** GitHub's limit, in characters. UTF-16 units, which we count, are never fewer. */
const LONGEST_BODY = 65_536

/**
 * The comment's first line, which GitHub does not show: how it is found again.
 *
 * The key is percent-encoded, so that no key can end the HTML comment and no two keys look alike. As the first line it
 * is out of reach of whatever the rest of the body quotes from a pull request.
 */
export function markerOf(key: string): string {
  const encoded = encodeURIComponent(key.toWellFormed()).replaceAll('--', '-%2D')
  return `<!-- image-budget: ${encoded} -->`
}

/** Text as it is compared: GitHub's editor turns line ends into CRLF, and nobody sees trailing space. */
function normalised(text: string): string {
  return text.replaceAll('\r\n', '\n').trimEnd()
}

/** Our own comments with this marker, the oldest first, from all pages. */
async function findOwn(
  octokit: Octokit,
  { owner, repo, number }: Pick<StickyComment, 'owner' | 'repo' | 'number'>,
  marker: string,
  progress: Pick<Progress, 'login' | 'now'>,
): Promise<Found[]> {
  const parameters = { owner, repo, issue_number: number, per_page: 100 }
  const comments = await octokit.paginate(octokit.rest.issues.listComments, parameters, ({ data, headers }) => {
    const now = Date.parse(headers.date ?? '')
    if (!Number.isNaN(now)) progress.now = new Date(now).toISOString()
    return data
  })
  const marked = comments.filter(({ body }) => normalised(body ?? '').split('\n', 1)[0] === marker)
  if (marked.length === 0) return []
  // Anyone can copy a marker.
  progress.login ??= await loginOf(octokit)
  return marked
    .filter(({ user }) => user?.login === progress.login)
    .map(({ id, html_url: url, body, created_at: createdAt }) => ({ id, url, body: body ?? '', createdAt }))
    .toSorted((one, other) => one.id - other.id)
}

/** The pull request's comment of ours with this key, the oldest, and when it was created (ISO 8601); null: there is none. Throws what GitHub answers. */
export async function readOwnComment(
  octokit: Octokit,
  { key, ...where }: Pick<StickyComment, 'owner' | 'repo' | 'number' | 'key'>,
): Promise<{ body: string; createdAt: string } | null> {
  const [oldest] = await findOwn(octokit, where, markerOf(key), { login: null, now: null })
  return oldest === undefined ? null : { body: normalised(oldest.body), createdAt: oldest.createdAt }
}

/** Writes the first body that GitHub takes, below `head`: over `existing`, or as a new comment. */
async function write(
  octokit: Octokit,
  { owner, repo, number }: StickyComment,
  existing: Found | null,
  head: string,
  progress: Progress,
): Promise<CommentOutcome> {
  for (const text of progress.bodies) {
    const body = `${head}\n${text}`
    if (body.length > LONGEST_BODY) continue
    if (existing !== null && normalised(existing.body) === normalised(body)) {
      return { action: progress.begun ?? 'unchanged', url: existing.url, removed: 0 }
    }
    try {
      if (existing !== null) {
        progress.begun ??= 'updated'
        await octokit.rest.issues.updateComment({ owner, repo, comment_id: existing.id, body })
        return { action: progress.begun, url: existing.url, removed: 0 }
      }
      progress.begun = 'created'
      const { data } = await octokit.rest.issues.createComment({ owner, repo, issue_number: number, body })
      progress.login = data.user?.login ?? progress.login
      return { action: 'created', url: data.html_url, removed: 0 }
    } catch (error) {
      if (statusOf(error) !== 422 || text === progress.bodies.at(-1)) throw error
      progress.bodies = progress.bodies.filter((other) => other !== text)
    }
  }
  throw new Error(`No version of the comment is short enough for GitHub (${LONGEST_BODY} characters).`)
}

function nowOf(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}

/** One look at what is there, and what follows from it: the oldest is kept and says what it should, the others go. */
async function settle(
  octokit: Octokit,
  comment: StickyComment,
  create: boolean,
  progress: Progress,
  clock: Clock,
): Promise<CommentOutcome> {
  const marker = markerOf(comment.key)
  const [oldest, ...surplus] = await findOwn(octokit, comment, marker, progress)
  if (oldest === undefined && !create) return { action: 'none', url: null, removed: 0 }
  const note = comment.note?.(oldest === undefined ? null : normalised(oldest.body), progress.now ?? nowOf(clock)) ?? ''
  progress.done = await write(octokit, comment, oldest ?? null, note === '' ? marker : `${marker}\n${note}`, progress)
  for (const { id } of surplus) {
    try {
      await octokit.rest.issues.deleteComment({ owner: comment.owner, repo: comment.repo, comment_id: id })
      progress.removed += 1
    } catch (error) {
      // Another job was quicker.
      if (statusOf(error) !== 404) throw error
    }
  }
  return progress.done
}

/**
 * Brings the pull request's comment with this key up to date, so that there is exactly one of ours, and says what became of it.
 *
 * What fails for a while (rate limits, GitHub's own errors, an answer that never came) is tried again from the start, at
 * most three times: each try looks first, so that a comment whose answer was lost is found and not written twice. What
 * fails for good throws an Error that explains what to change; what was written before is still reported, not thrown.
 */
export async function upsertComment(octokit: Octokit, comment: StickyComment, clock: Clock): Promise<CommentOutcome> {
  const progress: Progress = { bodies: comment.bodies, now: null, login: null, begun: null, done: null, removed: 0 }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const outcome = await settle(octokit, comment, comment.createIfMissing, progress, clock)
      if (outcome.action !== 'created') return { ...outcome, removed: progress.removed }
      // Another job may have found nothing at the same moment and written its own: look again, and leave one.
      const settled = await settle(octokit, comment, false, progress, clock)
      return { ...(settled.action === 'none' ? outcome : settled), removed: progress.removed }
    } catch (error) {
      // An update that finds nothing: someone deleted the comment after we saw it.
      const isGone = statusOf(error) === 404 && progress.begun === 'updated'
      const delay = isGone ? 0 : retryDelay(error, attempt, clock.now())
      if (delay === null || attempt === TRIES) {
        if (progress.done !== null) return { ...progress.done, removed: progress.removed }
        throw new Error(explainGitHubError(error, clock.now(), TO_COMMENT), { cause: error })
      }
      await clock.sleep(delay)
    }
  }
}
