import type { Clock } from '../clock.ts'

/** What is known of a failed request: Octokit's RequestError or GraphqlResponseError, read by shape, not by class. */
type RequestFailure = {
  /** HTTP status; 500 also where there was no answer at all; 200 where GraphQL put its error into the body. */
  status: number
  /** There was an answer. */
  answered: boolean
  /** GitHub's own message, one line, no longer than a line of log should be. */
  message: string
  headers: Record<string, unknown>
  /** GraphQL's error types: `RATE_LIMITED`, `FORBIDDEN`, … */
  types: unknown[]
}

const LONGEST_MESSAGE = 200

/** The longest that is waited before a request is made again, in milliseconds. */
const LONGEST_WAIT = 60_000

/** What a request needs of the token: decides what to change where it lacks that. */
export type Need = {
  /** What GitHub does not find where the token cannot see it. */
  subject: string
  /** In a workflow's `permissions`. */
  permission: string
  /** The same for a fine-grained token, in GitHub's words. */
  fineGrained: string
  /** What else there is to know, or an empty text. */
  note: string
}

/** To write on a pull request. */
export const TO_COMMENT: Need = {
  subject: 'the pull request',
  permission: 'pull-requests: write',
  fineGrained: 'Pull requests: Read and write',
  note: ' A pull request from a fork, and one of Dependabot, gets a read-only token whatever the workflow asks for.',
}

/** To read the repository's branches. */
export const TO_READ: Need = {
  subject: 'the repository or the commit',
  permission: 'contents: read',
  fineGrained: 'Contents: Read-only',
  note: '',
}

/** To write to one of them. */
export const TO_WRITE: Need = {
  subject: 'the repository',
  permission: 'contents: write',
  fineGrained: 'Contents: Read and write',
  note: ' A run that Dependabot started gets a read-only token whatever the workflow asks for.',
}

/** What keeps a branch from being written to: it moved, came or went meanwhile; or for good, something about the repository. */
export type Obstacle = 'moved' | 'empty' | 'archived' | 'protected'

/** By GitHub's words, which its description does not have. */
const OBSTACLES: { obstacle: Obstacle; status: number[]; words: RegExp }[] = [
  { obstacle: 'moved', status: [422], words: /not a fast forward|^Reference (?:already exists|does not exist)/i },
  { obstacle: 'empty', status: [409], words: /repository is empty/i },
  { obstacle: 'archived', status: [403], words: /was archived/i },
  {
    obstacle: 'protected',
    status: [403, 409, 422],
    words:
      /rule violations|protected (?:branch|ref)|not authorized to push|through a pull request|required status check|creations being restricted/i,
  },
]

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The error as a failed request, or null: it is something else (a bug). */
function asRequestFailure(error: unknown): RequestFailure | null {
  if (!isObject(error)) return null
  const isGraphql = error.name === 'GraphqlResponseError'
  if (typeof error.status !== 'number' && !isGraphql) return null
  const response = isObject(error.response) ? error.response : {}
  const data = isGraphql ? error.response : response.data
  const headers = isGraphql ? error.headers : response.headers
  const details = isObject(data) && Array.isArray(data.errors) ? data.errors.filter(isObject) : []
  // REST has its message in the body, with details for 422; Octokit's own adds the documentation's address to it.
  const own = isObject(data) && typeof data.message === 'string' ? data.message : String(error.message)
  const reasons = isGraphql ? [] : details.flatMap(({ message }) => (typeof message === 'string' ? [message] : []))
  return {
    status: isGraphql ? 200 : Number(error.status),
    answered: isGraphql || isObject(error.response),
    message: oneLine([own, ...reasons].join(': ')),
    headers: isObject(headers) ? headers : {},
    types: details.map(({ type }) => type),
  }
}

/** Text of a server (a proxy's HTML page, say) as one line of a log. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line
}

/** A header that is a whole number, or null. */
function numberIn(headers: Record<string, unknown>, name: string): number | null {
  const value = headers[name]
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : null
}

/**
 * When GitHub will serve again, in milliseconds from `now`; null: it was not a rate limit.
 * Source of the rules: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function rateLimitWait({ status, headers, message, types }: RequestFailure, now: number): number | null {
  const isLimit =
    status === 429 || types.includes('RATE_LIMITED') || /secondary rate limit|rate limit exceeded/i.test(message)
  const usedUp = numberIn(headers, 'x-ratelimit-remaining') === 0
  if (status !== 403 && !isLimit) return null
  const retryAfter = numberIn(headers, 'retry-after')
  if (retryAfter !== null) return retryAfter * 1000
  const reset = numberIn(headers, 'x-ratelimit-reset')
  if (usedUp && reset !== null) return Math.max(reset * 1000 - now, 0) + 1000
  return isLimit ? 60_000 : null
}

/** Milliseconds until a server in trouble is worth another try: what it says itself, or longer from try to try. */
function troubleWait({ headers }: RequestFailure, attempt: number): number {
  const retryAfter = numberIn(headers, 'retry-after')
  return retryAfter === null ? 1000 * 4 ** (attempt - 1) : retryAfter * 1000
}

/**
 * Milliseconds to wait before what failed is worth another try, or null: another try will not help, or GitHub asks for
 * more patience than a job should have. Worth it are rate limits, answers of 500 and above, and answers that never came.
 *
 * `attempt` counts from 1, `now` is in milliseconds since the epoch.
 */
export function retryDelay(error: unknown, attempt: number, now: number): number | null {
  const failure = asRequestFailure(error)
  if (failure === null) return null
  const wait = rateLimitWait(failure, now) ?? (failure.status >= 500 ? troubleWait(failure, attempt) : null)
  return wait !== null && wait <= LONGEST_WAIT ? wait : null
}

/** How often what fails for a while is tried. */
export const TRIES = 3

/** Does what reads from GitHub; what fails for a while is tried again. Throws what failed for good. */
export async function patiently<T>(clock: Clock, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read()
    } catch (error) {
      const delay = attempt === TRIES ? null : retryDelay(error, attempt, clock.now())
      if (delay === null) throw error
      await clock.sleep(delay)
    }
  }
}

/** What GitHub says keeps the branch from being written to, or null: it is something else. */
export function obstacleOf(error: unknown): Obstacle | null {
  const failure = asRequestFailure(error)
  return failure === null ? null : obstacleIn(failure)
}

/** Whether GitHub refused because the token does not have the permission, and nothing else is known to be in the way. */
export function lacksPermission(error: unknown): boolean {
  const failure = asRequestFailure(error)
  return failure !== null && failure.answered && failure.status === 403 && /not accessible/i.test(failure.message)
}

function obstacleIn({ status, answered, message }: RequestFailure): Obstacle | null {
  if (!answered) return null
  return OBSTACLES.find((each) => each.status.includes(status) && each.words.test(message))?.obstacle ?? null
}

/** The HTTP status that GitHub answered with, or null where there was no answer. */
export function statusOf(error: unknown): number | null {
  const failure = asRequestFailure(error)
  return failure !== null && failure.answered ? failure.status : null
}

/**
 * A failed request in words for the log: what GitHub said, and what to change. One or more sentences, one line.
 * `now` is in milliseconds since the epoch. An error that is no failed request is its own message.
 */
export function explainGitHubError(error: unknown, now: number, need: Need): string {
  const failure = asRequestFailure(error)
  if (failure === null) return isObject(error) && typeof error.message === 'string' ? error.message : String(error)
  const { status, answered, message } = failure
  if (!answered) return `GitHub could not be reached: ${message}.`

  const said = `(${status} ${message})`
  const wait = rateLimitWait(failure, now)
  if (wait !== null) {
    return `GitHub's rate limit for this token is used up ${said}. It can be used again in ${Math.ceil(wait / 1000)} s.`
  }
  if (status >= 500) return `GitHub is in trouble ${said}. Run the job again later.`
  if (status === 401) {
    return `GitHub does not accept the token ${said}. Check the input \`github-token\`: it may be empty, expired, or of another server.`
  }
  const obstacle = obstacleIn(failure)
  if (obstacle === 'empty') return `The repository is empty ${said}. Push a first commit.`
  if (obstacle === 'archived') return `The repository is archived, so nothing can be written to it ${said}.`
  if (obstacle === 'moved') {
    return `Others wrote to the branch at the same moment, in every try ${said}. Run the job again later.`
  }
  // The words for a reference say as little of a rule as of anything else.
  if (obstacle === 'protected' || (status === 422 && /^Reference (?:update failed|cannot be updated)/i.test(message))) {
    return `GitHub does not let the branch be written to ${said}. Take it out of the rulesets and branch protection that cover it, or name another branch.`
  }
  if (status === 403 && /personal access token/i.test(message)) {
    return `The token is not allowed to do this ${said}. Give it "${need.fineGrained}" (a fine-grained token) or the scope \`repo\` (a classic one).`
  }
  if (status === 403 && /locked/i.test(message))
    return `The conversation is locked ${said}. Unlock it to have the comment.`
  const remedy = `Add \`permissions: ${need.permission}\` to the job.${need.note}`
  if (status === 403) return `The token is not allowed to do this ${said}. ${remedy}`
  if (status === 404) return `GitHub does not find ${need.subject} ${said}, or the token cannot see it. ${remedy}`
  return `GitHub refused the request ${said}.`
}
