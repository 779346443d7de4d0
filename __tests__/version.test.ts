import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { greeting } from '../src/github/context.ts'
import { version } from '../src/version.ts'

it("is package.json's version", () => {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(version).toBe(manifest.version)
})

it('stands in the first line of the log, with the reference that the workflow names', () => {
  const named = { GITHUB_ACTION_REPOSITORY: 'image-budget/image-budget', GITHUB_ACTION_REF: 'v0' }
  expect(greeting(named)).toBe(`Image Budget ${version} (image-budget/image-budget@v0)`)
})

it('stands there alone for an action of the checkout, for which the runner leaves the reference empty', () => {
  expect(greeting({ GITHUB_ACTION_REPOSITORY: '', GITHUB_ACTION_REF: '' })).toBe(`Image Budget ${version}`)
})
