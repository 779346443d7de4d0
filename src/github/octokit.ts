import { getOctokit } from '@actions/github'

/** GitHub's REST and GraphQL client, as `@actions/github` makes it: it honours the proxy variables and pages through lists. */
export type Octokit = ReturnType<typeof getOctokit>

/**
 * A client for one token.
 *
 * `baseUrl`: REST's address (`GITHUB_API_URL`); GitHub Enterprise's GraphQL address follows from it.
 * `timeout`: milliseconds after which a request without an answer fails like a connection that broke; the client itself
 * would wait five minutes.
 */
export function openGitHub(
  token: string,
  { baseUrl, timeout = 30_000 }: { baseUrl: string; timeout?: number },
): Octokit {
  const octokit = getOctokit(token, { baseUrl })
  // As a hook, since paginate() does not hand its parameters' signal on.
  octokit.hook.before('request', (options) => {
    options.request = { ...options.request, signal: AbortSignal.timeout(timeout) }
  })
  return octokit
}
