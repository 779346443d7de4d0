import { z } from 'zod'
import { toFailure } from '../failure.ts'
import { createHttp, readBody } from '../image/source/http.ts'
import { parseJson } from '../json.ts'
import type { Extended } from '../inputs/extends.ts'
import type { ReadRemote } from '../configure.ts'

/** A file's content as GitHub gives it; of one that is larger than a megabyte it gives none. */
const content = z.object({ type: z.literal('file'), encoding: z.literal('base64'), content: z.string() })

/** Milliseconds without a byte after which GitHub is given up. */
const IDLE_MS = 15_000

/**
 * Reads a file of a repository by GitHub's API; a token goes to that API alone. `apiUrl`: `GITHUB_API_URL`. No redirect is followed: a
 * repository that was renamed is named by its new name. https://docs.github.com/rest/repos/contents#get-repository-content
 */
export function createReadRemote(apiUrl: string, token: string | null, signal: AbortSignal): ReadRemote {
  const http = createHttp(signal, IDLE_MS)
  return async ({ owner, repository, path, ref }: Extended, limit) => {
    const at = `repos/${owner}/${repository}/contents/${encodeURIComponent(path)}`
    const url = new URL(`${apiUrl.replace(/\/$/, '')}/${at}`)
    if (ref !== null) url.searchParams.set('ref', ref)
    const headers = {
      accept: 'application/vnd.github+json',
      'user-agent': 'image-budget',
      'x-github-api-version': '2022-11-28',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    }
    try {
      const response = await http({ method: 'GET', url, headers })
      const body = await readBody(response, limit * 2)
      const status = response.statusCode ?? 0
      if (status === 200) {
        const found = body === null ? null : content.safeParse(parseJson(body)).data
        if (found) return { bytes: Buffer.from(found.content, 'base64'), why: null }
        return { bytes: null, why: `which is no file, or one of more than ${limit / 1_000_000} MB` }
      }
      const seen = token === null ? 'without a token' : 'with this token'
      if (status === 404) return { bytes: null, why: `which GitHub does not have, or not where it can be seen ${seen}` }
      return { bytes: null, why: `and GitHub answered with status ${status}` }
    } catch (error) {
      if (signal.aborted) throw error
      return { bytes: null, why: `and GitHub could not be reached (${toFailure(error).message.replace(/\.$/, '')})` }
    }
  }
}
