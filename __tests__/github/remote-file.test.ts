import { afterEach, expect, it } from '@jest/globals'
import { createReadRemote } from '../../src/github/remote-file.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'

let github: GitHub
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

const file = { owner: 'octo-org', repository: '.github', path: 'budgets/images.yml', ref: null }

async function read(named: typeof file, limit = 1_000_000, token: string | null = 'token') {
  const { bytes, why } = await createReadRemote(github.url, token, new AbortController().signal)(named, limit)
  return why ?? Buffer.from(bytes).toString()
}

it('reads a file of another repository', async () => {
  const text = 'max-size: 1 MB # ä\n'.repeat(20)
  github = await startGitHub({ elsewhere: { 'octo-org/.github/budgets/images.yml': text } })
  expect(await read(file)).toBe(text)
  expect(github.requests.map(({ path }) => path)).toEqual(['/repos/octo-org/.github/contents/budgets%2Fimages.yml'])
})

it('says why there is none', async () => {
  github = await startGitHub({ elsewhere: { 'octo-org/.github/budgets/images.yml': 'x'.repeat(10_000) } })
  expect(await read({ ...file, path: 'none.yml' })).toBe(
    'which GitHub does not have, or not where it can be seen with this token',
  )
  expect(await read(file, 1_000)).toContain('which is no file, or one of more than')
  github.fault({ path: /contents/, status: 503 })
  expect(await read(file)).toBe('and GitHub answered with status 503')
  github.fault({ path: /contents/, status: 'drop-response' })
  expect(await read(file)).toContain('and GitHub could not be reached')
})
