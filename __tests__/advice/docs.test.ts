import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { RULES } from '../../src/advice/finding.ts'

test('docs/advice.md has each rule, and no other', () => {
  const page = readFileSync(new URL('../../docs/advice.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([\w-]+)`/gm)].map(([, rule]) => rule!)
  expect(rows.toSorted()).toEqual([...RULES].toSorted())
})
