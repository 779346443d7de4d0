import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { pictures } from '../../scripts/charts.ts'

/**
 * Badges and charts as they look, committed to be seen: the same points have to give the same bytes, or every run would change the data
 * branch. `UPDATE_RENDERED=1` writes them anew; `node scripts/charts.ts FOLDER` writes all that there are, with pages to look at them.
 */
const folder = join(import.meta.dirname, 'drawn')

const SEEN = new Set(
  'growing growing-dark shrinking budget-changed gaps one badge-within badge-within-dark badge-near badge-over'.split(
    ' ',
  ),
)
const expected = [...pictures('light'), ...pictures('dark')].filter(([file]) => SEEN.has(file.replace('.svg', '')))

if (process.env['UPDATE_RENDERED'] === '1') {
  mkdirSync(folder, { recursive: true })
  for (const [file, content] of expected) writeFileSync(join(folder, file), content)
}

describe('drawn histories', () => {
  it.each(expected)('%s is as committed (UPDATE_RENDERED=1 writes it anew)', (file, content) => {
    expect(content).toBe(readFileSync(join(folder, file), 'utf8'))
  })

  it('has no file of a history that is gone', () => {
    expect(readdirSync(folder).toSorted()).toEqual(expected.map(([file]) => file).toSorted())
  })
})
