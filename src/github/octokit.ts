import { getOctokit } from '@actions/github'
import { statusOf } from './errors.ts'

/** GitHub's REST and GraphQL client, as `@actions/github` makes it: it honours the proxy variables and pages through lists. */
export type Octokit = ReturnType<typeof getOctokit>

/**
 * A client for one token.
 *
 * `baseUrl`: REST's address (`GITHUB_API_URL`). `graphqlUrl`: GraphQL's (`GITHUB_GRAPHQL_URL`); null: where GitHub has it beside `baseUrl`.
 * `timeout`: milliseconds after which a request without an answer fails like a connection that broke; the client itself
 * would wait five minutes.
 */
export function openGitHub(
  token: string,
  { baseUrl, graphqlUrl = null, timeout = 30_000 }: { baseUrl: string; graphqlUrl?: string | null; timeout?: number },
): Octokit {
  const octokit = getOctokit(token, { baseUrl })
  // As a hook, since paginate() does not hand its parameters' signal on.
  octokit.hook.before('request', (options) => {
    options.request = { ...options.request, signal: AbortSignal.timeout(timeout) }
    // The client has `/graphql` or, of a `baseUrl` that ends as GitHub Enterprise Server's, a whole address.
    if (graphqlUrl !== null && /^(?:https?:\/\/.*\/api)?\/graphql$/.test(options.url)) options.url = graphqlUrl
  })
  return octokit
}

/**
 * Whose token it is: the login under which what it writes appears. `GET /user` is closed to the job's own token on GitHub, where GraphQL
 * answers to every kind of token; servers that are only like GitHub (Gitea, Forgejo) have no GraphQL. Throws what the server answers.
 */
export async function loginOf(octokit: Octokit): Promise<string> {
  try {
    return (await octokit.graphql<{ viewer: { login: string } }>('{ viewer { login } }')).viewer.login
  } catch (error) {
    const status = statusOf(error)
    if (status !== 404 && status !== 405) throw error
    return (await octokit.rest.users.getAuthenticated()).data.login
  }
}
