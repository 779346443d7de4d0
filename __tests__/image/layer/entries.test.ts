import { expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { createEntries, filesIn, type LayerEntry, type LayerFile } from '../../../src/image/layer/entries.ts'
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

it('have files that stand together in one folder as one, which tells what they have together', () => {
  const name = fc.constantFrom('a', 'b', 'ab', '.wh.a', '', 'é')
  const folder = fc.constantFrom('/', '/a/', '/a/b/', '/ab/')
  const any = fc.tuple(fc.array(entry, { minLength: 1 }), fc.array(fc.tuple(folder, name), { minLength: 1 }))
  fc.assert(
    fc.property(any, ([all, places]) => {
      const placed = all.map((each, at) => ({ ...each, path: places[at % places.length]!.join('') }))
      const entries = createEntries()
      for (const each of placed) entries.push(each)
      const items = entries.items()
      expect(items.flatMap((item): LayerEntry[] => (item.kind === 'files' ? [...filesIn(item)] : [item]))).toEqual(
        placed,
      )
      for (const item of items) {
        if (item.kind !== 'files') continue
        const its = [...filesIn(item)]
        expect(its.every(({ path: of }) => of.slice(0, of.lastIndexOf('/') + 1) === item.folder)).toBe(true)
        expect(item.bytes).toBe(its.reduce((sum, { size }) => sum + size, 0))
        expect(item.filled).toBe(its.filter(({ size }) => size !== 0).length)
        expect(item.isInOrder).toBe(its.every(({ path: of }, at) => at === 0 || of > its[at - 1]!.path))
      }
    }),
  )
})

it('of a tar are the same by their relative path', () => {
  const tarPath = fc.constantFrom('x', 'a/x', 'a/y', 'a/b/x', 'ab/x')
  const file = fc.record({ path: tarPath, size: fc.nat(), mode: fc.nat(0o7777), uid: fc.nat(3), gid: fc.nat(3) })
  const told = fc.record({ checksum: fc.option(fc.integer()), facts: fc.array(fact, { maxLength: 1 }) })
  fc.assert(
    fc.property(fc.array(fc.tuple(file, told)), (all) => {
      const [byTar, byPath, byEither] = [createEntries(), createEntries(), createEntries()]
      for (const [at, [each, { checksum, facts }]] of all.entries()) {
        byTar.pushFile(each, checksum, facts)
        if (at % 2 === 0) byEither.pushFile(each, checksum, facts)
        else byEither.push({ kind: 'file', ...each, checksum, facts, path: `/${each.path}` })
      }
      const absolute = all.map(([each, rest]): LayerFile => {
        return { kind: 'file', ...each, ...rest, path: `/${each.path}` }
      })
      for (const each of absolute) byPath.push(each)
      expect([...byTar]).toEqual(absolute)
      expect(byTar.items()).toEqual(byPath.items())
      expect(byEither.items()).toEqual(byPath.items())
      expect(byTar).toHaveLength(all.length)
    }),
  )
})
