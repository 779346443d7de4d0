import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { createEntries, type LayerFile, type ListedFolder } from '../../src/image/layer/entries.ts'
import type { FileFact } from '../../src/image/layer/facts.ts'
import { byFolder, FolderRun, FolderRuns, type Share } from '../../src/image/runs.ts'

const fact: FileFact = { kind: 'go', name: 'tool', version: null }
const file: fc.Arbitrary<LayerFile> = fc.record({
  kind: fc.constant('file'),
  path: fc.constantFrom('a', 'b', 'c.log', 'é').map((name) => `/app/${name}`),
  size: fc.constantFrom(0, 1, 70_000),
  mode: fc.constantFrom(0o644, 0o755),
  uid: fc.constantFrom(0, 1000),
  gid: fc.constantFrom(0, 1000),
  checksum: fc.constantFrom(null, 7),
  facts: fc.constantFrom([], [fact]),
})
const files = fc.array(file, { minLength: 2, maxLength: 5 })

function listed(its: LayerFile[]): ListedFolder {
  const entries = createEntries()
  for (const each of its) entries.push(each)
  const [item] = entries.items()
  return item as ListedFolder
}

/** The same, as a user of it sees it: by package. */
function sharesOf(run: FolderRun): Share[] {
  return [...run.shares()].toSorted((one, other) => (one.package ?? -1) - (other.package ?? -1))
}

describe('the files of a folder', () => {
  it('are the same whether objects were made of them before or not', () => {
    const owner = fc.constantFrom(0, 1, 2, null)
    const step = fc.oneof(
      fc.record({ claim: owner }),
      fc.record({ assign: fc.array(owner, { minLength: 3, maxLength: 3 }) }),
    )
    fc.assert(
      fc.property(files, fc.array(step, { maxLength: 4 }), (its, steps) => {
        const [lazy, made] = [FolderRun.ofListed(listed(its), 3), FolderRun.ofListed(listed(its), 3)]
        expect(made.files).toHaveLength(its.length)
        for (const each of steps) {
          for (const run of [lazy, made]) {
            if ('claim' in each) run.claim(each.claim)
            else run.assign((before) => each.assign[before]!)
          }
          expect(sharesOf(lazy)).toEqual(sharesOf(made))
          for (const which of [0, 1, 2]) {
            const isMeant = (one: number): boolean => one === which
            expect(lazy.mayBeOf(isMeant)).toBe(made.mayBeOf(isMeant))
          }
          expect(lazy.lost).toEqual([])
        }
        expect(lazy).toHaveLength(its.length)
        expect(lazy.files).toEqual(made.files)
        expect(lazy.files.map(({ path, size, checksum }) => [path, size, checksum])).toEqual(
          its.map(({ path, size, checksum }) => [path, size, checksum]),
        )
      }),
    )
  })

  it('that tell something, have a checksum, or a name, are all found', () => {
    fc.assert(
      fc.property(files, (its) => {
        const run = FolderRun.ofListed(listed(its), 0)
        const pathsWhere = (isMeant: (each: LayerFile) => boolean): string[] =>
          its.filter(isMeant).map(({ path }) => path)
        if (!run.mayHave('.log')) expect(pathsWhere(({ path }) => path.includes('.log'))).toEqual([])
        expect(run.withFacts.map(({ path }) => path)).toEqual(pathsWhere(({ facts }) => facts.length > 0))
        expect(run.withChecksum.map(({ path }) => path)).toEqual(pathsWhere(({ checksum }) => checksum !== null))
      }),
    )
  })

  it('stay the same objects, however often they are gone through', () => {
    const laid = new FolderRuns()
    const [a, b] = ['/app/a', '/app/b'].map((path): LayerFile => {
      return { kind: 'file', path, size: 1, mode: 0o644, uid: 0, gid: 0, checksum: null, facts: [] }
    })
    laid.add(FolderRun.ofListed(listed([a!, b!]), 0))
    expect(laid).toHaveLength(2)
    const [first] = laid
    first!.lost = { layer: 1, how: 'removed' }
    expect([...laid][0]).toBe(first)
    expect(byFolder(laid)[0]!.lost).toEqual([first])
  })
})
