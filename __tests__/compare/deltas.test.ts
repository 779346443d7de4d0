import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { byPath, deltasOf, type Delta } from '../../src/compare/deltas.ts'
import type { ImageContent } from '../../src/image/content.ts'
import type { ImageFile } from '../../src/image/runs.ts'
import { aContent, aFile, aPackage } from '../support/contents.ts'

const PACKAGES = [aPackage('npm', 'one'), aPackage('npm', 'two')]

/** Of two at one path the first is lost, as `layFiles` has it. */
function contentOf(files: readonly ImageFile[]): ImageContent {
  const laid = files.toSorted((one, other) => one.layer - other.layer)
  const standing = new Map<string, ImageFile>()
  for (const file of laid) {
    const below = standing.get(file.path)
    if (below) below.lost = { layer: file.layer, how: 'replaced' }
    standing.set(file.path, file)
  }
  return aContent(laid, PACKAGES)
}

const file = fc
  .record({
    folder: fc.constantFrom('/', '/a/', '/a/b/', '/ab/'),
    name: fc.constantFrom('x', 'y', 'a'),
    size: fc.nat(3),
    layer: fc.nat(2),
    package: fc.constantFrom(null, 0, 1),
  })
  .map(({ folder, name, size, layer, package: owner }) => aFile(`${folder}${name}`, size, layer, { package: owner }))
const content = fc.array(file, { maxLength: 20 }).map(contentOf)
/** Layers 0 and 1 together, and 2 alone: what came with the base image, and the image's own. */
const GROUPS = [
  { before: [0, 1], after: [0, 1] },
  { before: [2], after: [2] },
]

/** Bytes by path, as a table would be made by hand. */
function amountsOf(
  { files }: ImageContent,
  layers: number[],
  sign: number,
  into = new Map<string, number>(),
): Map<string, number> {
  for (const { path, layer, size } of files)
    if (layers.includes(layer)) into.set(path, (into.get(path) ?? 0) + sign * size)
  return into
}

function changesOf(deltas: readonly Delta[]): [string, number][] {
  const amounts = new Map<string, number>()
  for (const { path, amount } of byPath(deltas)) amounts.set(path, (amounts.get(path) ?? 0) + amount)
  return inOrder(amounts)
}

/** Those that are not 0, by path. */
function inOrder(amounts: Map<string, number>): [string, number][] {
  const changed = [...amounts].filter(([, amount]) => amount !== 0)
  return changed.toSorted(([one], [other]) => (one < other ? -1 : 1))
}

describe('what became of the files of some layers', () => {
  it('is, path by path, what both sides have of it', () => {
    fc.assert(
      fc.property(content, content, (base, head) => {
        // One group at a time: between two of them bytes move.
        for (const group of GROUPS) {
          const [found] = deltasOf(base, head, [group])
          const amounts = amountsOf(head, group.after, 1, amountsOf(base, group.before, -1))
          expect(changesOf(found!.deltas)).toEqual(inOrder(amounts))
        }
      }),
    )
  })

  it('is what it is made of: as many bytes, in as many files that are not empty, of that package', () => {
    fc.assert(
      fc.property(content, content, (base, head) => {
        for (const { deltas } of deltasOf(base, head, GROUPS)) {
          for (const delta of deltas) {
            const made = byPath([delta])
            expect(made.reduce((sum, { amount }) => sum + amount, 0)).toBe(delta.amount)
            expect(made).toHaveLength(delta.files)
            for (const each of made) {
              expect(each).toMatchObject({ files: 1, isAfter: delta.isAfter, package: delta.package, each: null })
              expect(each.amount).not.toBe(0)
              expect(each.path.startsWith(delta.path)).toBe(true)
            }
          }
        }
      }),
    )
  })

  it('is no change of either group where one has less and the other more of a path: it only moved', () => {
    fc.assert(
      fc.property(content, content, (base, head) => {
        const changed = GROUPS.map(({ before, after }) => amountsOf(head, after, 1, amountsOf(base, before, -1)))
        const found = deltasOf(base, head, GROUPS)
        for (const [at, { deltas, moved }] of found.entries()) {
          const left = new Map(changesOf(deltas))
          for (const [path, amount] of changed[at]!) {
            const other = changed[1 - at]!.get(path) ?? 0
            const isMove = Math.sign(amount) === -Math.sign(other)
            const bytes = isMove ? Math.min(Math.abs(amount), Math.abs(other)) : 0
            expect(left.get(path) ?? 0).toBe(amount - Math.sign(amount) * bytes)
          }
          const sum = (amounts: Iterable<number>): number => [...amounts].reduce((total, amount) => total + amount, 0)
          expect(moved + sum(left.values())).toBe(sum(changed[at]!.values()))
        }
      }),
    )
  })

  it('is one change where the base has the path, however often either side ships it, and the head’s package has it', () => {
    const base = contentOf([aFile('/a/x', 5, 0, { package: 0 }), aFile('/a/x', 7, 1), aFile('/a/y', 1, 0)])
    const head = contentOf([
      aFile('/a/x', 20, 0),
      aFile('/a/x', 30, 1),
      aFile('/a/z', 2, 0),
      aFile('/a/z', 3, 1, { package: 1 }),
    ])
    const changes = (other: ImageContent): [string, number, string | null][] => {
      const [found] = deltasOf(base, other, GROUPS.slice(0, 1))
      const rows = byPath(found!.deltas).map(({ path, amount, package: owner }): [string, number, string | null] => {
        return [path, amount, owner?.name ?? null]
      })
      return rows.toSorted((one, two) => (one[0] === two[0] ? one[1] - two[1] : one[0] < two[0] ? -1 : 1))
    }
    expect(changes(head)).toEqual([
      ['/a/x', 38, 'one'],
      ['/a/y', -1, null],
      ['/a/z', 2, null],
      ['/a/z', 3, 'two'],
    ])
    // In a folder that the head does not have it is the same.
    expect(changes(contentOf([aFile('/b/a/x', 1, 0)]))).toEqual([
      ['/a/x', -12, 'one'],
      ['/a/y', -1, null],
      ['/b/a/x', 1, null],
    ])
  })
})
