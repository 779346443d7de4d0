import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createExec } from '../../src/exec.ts'
import { committedFiles } from '../../src/git/committed.ts'
import { openRepository, type Repository } from '../../src/git/git.ts'
import { createRepository, type TestRepository } from '../support/repository.ts'

let repository: TestRepository
let opened: Repository
beforeAll(async () => {
  repository = createRepository()
  symlinkSync('services/api/Dockerfile', join(repository.dir, 'link.Dockerfile'))
  repository.commit({
    Dockerfile: '',
    'services/api/Dockerfile': '',
    'services/api/readme': '',
    'services/api/[x]/Dockerfile': '',
    'services/old/Dockerfile': '',
    'sub module/Dockerfile': '',
  })
  repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},services/module`)
  repository.commit({})
  opened = await openRepository(createExec(process.env, new AbortController().signal), repository.dir)
})
afterAll(() => repository.dispose())

it.each([
  ['services/*/Dockerfile', ['services/api/Dockerfile', 'services/old/Dockerfile']],
  [
    '**/Dockerfile',
    [
      'Dockerfile',
      'services/api/Dockerfile',
      'services/api/[x]/Dockerfile',
      'services/old/Dockerfile',
      'sub module/Dockerfile',
    ],
  ],
  ['*Dockerfile', ['Dockerfile', 'link.Dockerfile']],
  ['./services/api/Dockerfile', ['services/api/Dockerfile']],
  [String.raw`services/api/\[x\]/Dockerfile`, ['services/api/[x]/Dockerfile']],
  ['services/api', []],
  ['services/*', []],
  [':(top)Dockerfile', []],
  ['nothing', []],
])('%s names %j', async (glob, files) => {
  expect(await committedFiles(opened, 'HEAD', glob)).toEqual(files)
})

it('leaves files out, and has those of the commit alone', async () => {
  expect(await committedFiles(opened, 'HEAD', 'services/**/Dockerfile', ['services/old/**', '**/[[]x]/*'])).toEqual([
    'services/api/Dockerfile',
  ])
  expect(await committedFiles(opened, 'HEAD^{tree}', 'Dockerfile')).toEqual(['Dockerfile'])
})
