import { expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { createEntries, type LayerEntry } from '../../../src/image/layer/entries.ts'
import type { FileFact } from '../../../src/image/layer/facts.ts'

const path = fc.string({ unit: 'binary', maxLength: 8 }).map((name) => `/${name}`)
const number = fc.oneof(fc.nat(), fc.constantFrom(-1, 2 ** 31, 2 ** 53 - 1, 2 ** 62))
const fact = path.map((name): FileFact => ({ kind: 'go', name, version: null }))
const entry: fc.Arbitrary<LayerEntry> = fc.oneof(
  fc.record({
    kind: fc.constant('file'),
    path,
    size: number,
    mode: fc.nat({ max: 0o7777 }),
    uid: number,
    gid: number,
    checksum: fc.option(fc.integer()),
    facts: fc.array(fact, { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constantFrom('link', 'symlink'), path, target: path }),
  fc.record({ kind: fc.constantFrom('folder', 'other', 'removed', 'opaque'), path }),
)

it('are what was added, in that order, however many and however often they are gone through', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 10 }), fc.nat({ max: 2_500 }), (few, count) => {
      const all = Array.from({ length: count }, (_, at) => few[at % few.length]!)
      const entries = createEntries()
      for (const each of all.slice(0, count / 2)) entries.push(each)
      expect([...entries]).toEqual(all.slice(0, count / 2))
      for (const each of all.slice(count / 2)) entries.push(each)
      expect(entries).toHaveLength(count)
      expect([...entries]).toEqual(all)
      expect([...entries]).toEqual(all)
    }),
    { numRuns: 50 },
  )
})
