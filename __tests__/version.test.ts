import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { version } from '../src/version.ts'

it("is package.json's version", () => {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(version).toBe(manifest.version)
})
