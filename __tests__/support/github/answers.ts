/** What the stand-in's parts say to each other: who asks what, and what is answered. */
import type { Operation } from './openapi.ts'

/** What a token is for whom: decides what it may do, and under which name its comments stand. */
export type Token = {
  /** `actions`: the job's `GITHUB_TOKEN`; `app`: another GitHub App's installation token; `pat`: a user's personal access token. */
  kind: 'actions' | 'app' | 'pat'
  /** The user's login (`pat`) or the app's slug (`app`); an `actions` token is always `github-actions`. */
  login?: string
  /** What was granted; what is not named is `none`. */
  permissions?: { issues?: Access; pull_requests?: Access; contents?: Access }
}
type Access = 'read' | 'write' | 'none'

export type Answer = { status: number; body?: unknown; headers?: Record<string, string> }
export type Asked = { operation: Operation; query: URLSearchParams; body: unknown; token: Token }
export type Handler = (asked: Asked) => Answer | Promise<Answer>

const DOCUMENTATION = 'https://docs.github.com/rest'

export function failure(status: number, message: string, more: object = {}): Answer {
  return { status, body: { message, ...more, documentation_url: DOCUMENTATION, status: String(status) } }
}

export const notFound = (): Answer => failure(404, 'Not Found')

/** The name under which a token's deeds stand, as REST has it: a bot's ends with `[bot]`. */
export function loginOf(token: Token): string {
  if (token.kind === 'pat') return token.login ?? 'octocat'
  return `${slugOf(token)}[bot]`
}

/** Slug of the app whose token it is; null: a user's. */
export function slugOf(token: Token): string | null {
  if (token.kind === 'pat') return null
  return token.kind === 'actions' ? 'github-actions' : (token.login ?? 'some-app')
}
