import { describe, expect, it } from '@jest/globals'
import { EXAMPLES, filesOf } from '../../scripts/examples.ts'
import { blocksOf, readPage } from '../support/documentation.ts'
import { exampleFigures } from '../support/example-figures.ts'

describe('docs/examples.md', () => {
  it('shows the Dockerfiles that are there, and no others', () => {
    const shown = blocksOf('docs/examples.md', readPage('docs/examples.md'))
      .filter(({ language }) => language === 'dockerfile')
      .map(({ text }) => text)
    const there = EXAMPLES.flatMap((example) => [filesOf(example).before.trim(), filesOf(example).after.trim()])
    expect(shown).toEqual(there)
  })

  // Whether they are still so: __tests__/engine/examples.test.ts.
  it.each(EXAMPLES)('has figures of %s that got smaller', (example) => {
    const { before, after } = exampleFigures(example)
    expect(after).toBeGreaterThan(1_000_000)
    expect(after).toBeLessThan(before)
  })
})
