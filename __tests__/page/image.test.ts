import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { filePath, load, type Loaded } from '../../page/image.ts'
import { countIn, createSearch } from '../../page/search.ts'
import { boxAt, layOut } from '../../page/layout.ts'
import { shown } from '../../page/text.ts'
import { createOrder, hasChildren, isFile, outer, stateOf, treeOf, type By, type Tree } from '../../page/tree.ts'
import { labelOf } from '../../page/text.ts'
import { lossOf } from '../../src/page/format.ts'
import type { ImageFile } from '../../src/image/runs.ts'
import { aFile, anImage, anImageOf, aPackage } from '../support/contents.ts'
import { hostileString } from '../support/hostile.ts'
import { aBaseLayer, aLayer, digest } from '../support/measurements.ts'
import { pageImage } from '../support/pages.ts'

const ORDERS: By[] = ['folder', 'package', 'layer']

/** A tree as indented lines: label, bytes before and after, state. */
function drawn(tree: Tree): string[] {
  const childrenOf = createOrder(tree)
  const lines = (node: number, indent: string): string[] => [
    `${indent}${labelOf(tree, node)} ${tree.before[node]} ${tree.after[node]} ${stateOf(tree, node)}`,
    ...[...childrenOf(node, 'after')].flatMap((child) => lines(child, `${indent}  `)),
  ]
  return lines(0, '')
}

const left = aPackage('npm', 'left-pad', { version: '1.0.0', path: '/app/node_modules/left-pad' })
const leftAfter = aPackage('npm', 'left-pad', { version: '1.1.0', path: '/app/node_modules/left-pad' })
const base = anImageOf([
  { instruction: 'ADD rootfs /', files: { '/bin/sh': 100, '/etc/motd': 7 } },
  { instruction: 'RUN npm ci', files: { '/app/node_modules/left-pad/index.js': [30, left], '/app/old.js': 5 } },
])
const head = anImageOf([
  { instruction: 'ADD rootfs /', files: { '/bin/sh': 100, '/etc/motd': 7 } },
  { instruction: 'RUN npm ci', files: { '/app/node_modules/left-pad/index.js': [50, leftAfter], '/app/new.js': 9 } },
])

describe('what the page is given', () => {
  it('has the folders, files, packages and layers of both sides, and what became of them', () => {
    const image = load(pageImage(head, base))
    expect(drawn(treeOf(image, 'folder'))).toEqual([
      'api 142 166 grown',
      '  bin/ 100 100 unchanged',
      '    sh 100 100 unchanged',
      '  app/ 35 59 grown',
      '    node_modules/left-pad/ 30 50 grown',
      '      index.js 30 50 grown',
      '    new.js 0 9 new',
      '    old.js 5 0 gone',
      '  etc/ 7 7 unchanged',
      '    motd 7 7 unchanged',
    ])
    expect(drawn(treeOf(image, 'package'))).toEqual([
      'api 142 166 grown',
      '  of no package 112 116 grown',
      '    bin/ 100 100 unchanged',
      '      sh 100 100 unchanged',
      '    app/ 5 9 grown',
      '      new.js 0 9 new',
      '      old.js 5 0 gone',
      '    etc/ 7 7 unchanged',
      '      motd 7 7 unchanged',
      '  npm packages 30 50 grown',
      '    left-pad 1.1.0 30 50 grown',
      '      app/node_modules/left-pad/ 30 50 grown',
      '        index.js 30 50 grown',
    ])
    expect(drawn(treeOf(image, 'layer')).filter((line) => line.includes('Layer'))).toEqual([
      '  Layer 1: ADD rootfs / 107 107 unchanged',
      '  Layer 2: RUN npm ci 35 59 grown',
    ])
    expect(image.facts.packages).toEqual([
      { ecosystem: 'npm', name: 'left-pad', versionBefore: '1.0.0', versionAfter: '1.1.0' },
    ])
  })

  it("links each layer to its Dockerfile line at the side's own commit", () => {
    expect(pageImage(head, base).layers.map(({ url }) => url)).toEqual([
      `https://github.com/octo/shop/blob/${head.commit}/Dockerfile#L2`,
      `https://github.com/octo/shop/blob/${head.commit}/Dockerfile#L3`,
    ])
  })

  it('has what a layer ships and a later one removes, with the layer that removes it', () => {
    const removed = anImage(
      [aLayer('RUN make'), aLayer('RUN rm -r /tmp/out')],
      [aFile('/tmp/out/a.o', 70, 0, { lost: { layer: 1, how: 'removed' } }), aFile('/bin/a', 5, 0)],
    )
    const image = load(pageImage(removed, null))
    const tree = treeOf(image, 'folder')
    expect([tree.after[0], tree.lostAfter[0], image.facts.size]).toEqual([75, 70, 75])
    expect([...image.lostAfter].map(lossOf)).toEqual([{ layer: 1, how: 'removed' }, null])
  })

  it('knows a file that moved from layer to layer as one file by folder, and as gone and new by layer', () => {
    const before = anImage([aLayer('RUN a'), aLayer('RUN b')], [aFile('/x', 10, 0), aFile('/y', 1, 1)])
    const after = anImage([aLayer('RUN a'), aLayer('RUN b')], [aFile('/x', 10, 1), aFile('/y', 1, 1)])
    const image = load(pageImage(after, before))
    expect(drawn(treeOf(image, 'folder'))).toContain('  x 10 10 unchanged')
    expect(drawn(treeOf(image, 'layer'))).toEqual([
      'api 11 11 same',
      '  Layer 2: RUN b 1 11 grown',
      '    x 0 10 new',
      '    y 1 1 unchanged',
      '  Layer 1: RUN a 10 0 gone',
      '    x 10 0 gone',
    ])
  })

  it('has no sides where there is nothing to compare with, or its files are not known', () => {
    expect(pageImage(head, null)).toMatchObject({ sizeBefore: null, size: 166 })
    const unread = pageImage(head, { ...base, content: null })
    expect(unread).toMatchObject({
      sizeBefore: null,
      comparedWith: 'Compared with nothing here: the files of the base are not known',
    })
  })
})

/** Files of two layers, some of them twice at one path, with paths out of a few names. */
const files = fc
  .array(
    fc.record({
      path: fc.array(fc.oneof(fc.constantFrom('a', 'b', '__proto__'), hostileString), { minLength: 1, maxLength: 4 }),
      size: fc.nat(1000),
      layer: fc.constantFrom(0, 1),
      lost: fc.boolean(),
      package: fc.option(fc.constantFrom(0, 1), { nil: null }),
    }),
    { maxLength: 12 },
  )
  .map((made) =>
    made.map(({ path, lost, ...file }): ImageFile => {
      const names = path.map((name) => name.replaceAll('/', ''))
      return aFile(`/${names.join('/')}`, file.size, file.layer, {
        package: file.package,
        lost: lost ? { layer: 1, how: 'removed' } : null,
      })
    }),
  )

function imageOf(made: ImageFile[]) {
  const layers = [aBaseLayer('ADD /'), aLayer('RUN x', { diffId: digest(JSON.stringify(made)) })]
  return anImage(layers, made, { packages: [aPackage('npm', 'constructor'), aPackage('dpkg', 'b')] })
}

/** Every file of one side, as text. */
function shipped(image: Loaded, side: 'before' | 'after'): string[] {
  const layers = side === 'before' ? image.layerBefore : image.layerAfter
  return image.names
    .flatMap((_, file) => (layers[file]! < 0 ? [] : [`${filePath(image, file)} ${image[side][file]} ${layers[file]}`]))
    .toSorted()
}

it('keeps every file of both sides, and every order has all bytes of both', () => {
  fc.assert(
    fc.property(files, files, (before, after) => {
      const image = load(JSON.parse(JSON.stringify(pageImage(imageOf(after), imageOf(before)))))
      const told = (made: ImageFile[]): string[] =>
        made.map(({ path, size, layer }) => `${path} ${size} ${layer}`).toSorted()
      const sides = { before: shipped(image, 'before'), after: shipped(image, 'after') }
      expect(sides).toEqual({ before: told(before), after: told(after) })
      const sum = (made: ImageFile[]): number => made.reduce((total, { size }) => total + size, 0)
      for (const by of ORDERS) {
        const tree = treeOf(image, by)
        expect([tree.before[0], tree.after[0]]).toEqual([sum(before), sum(after)])
        expect([tree.filesBefore[0], tree.filesAfter[0]]).toEqual([before.length, after.length])
      }
    }),
  )
})

describe('the map', () => {
  it('fills its area with the largest first, each within what it is in', () => {
    fc.assert(
      fc.property(files, fc.constantFrom(...ORDERS), (made, by) => {
        const tree = treeOf(load(pageImage(imageOf(made), null)), by)
        const boxes = layOut(tree, createOrder(tree), 0, 'after', 400, 300)
        const area = boxes
          .filter(({ depth }) => depth === 1)
          .reduce((sum, { x0, y0, x1, y1 }) => sum + (x1 - x0) * (y1 - y0), 0)
        expect(Math.round(area)).toBe(tree.after[0]! > 0 ? 400 * 300 : 0)
        for (const { node, depth, isRest, x0, y0, x1, y1 } of boxes) {
          if (isRest || depth === 1) continue
          const around = boxes.find((box) => box.node === outer(tree, node) && !box.isRest)!
          expect(around.x0 <= x0 && around.y0 <= y0 && around.x1 >= x1 && around.y1 >= y1).toBe(true)
        }
      }),
    )
  })

  it('tells what is under a pointer: the innermost', () => {
    const tree = treeOf(load(pageImage(head, base)), 'folder')
    const boxes = layOut(tree, createOrder(tree), 0, 'after', 400, 300)
    const under = boxes.map(({ x0, y0, x1, y1 }) => boxAt(boxes, (x0 + x1) / 2, (y0 + y1) / 2)!.node)
    expect(under.every((node) => isFile(tree, node) || hasChildren(tree, node))).toBe(true)
    expect(boxAt(boxes, -1, 0)).toBeNull()
  })
})

describe('search', () => {
  const image = load(pageImage(head, base))
  const found = (words: string): string[] => {
    const { found: flags } = createSearch(image)(words)
    return image.names.flatMap((_, file) => (flags[file] === 1 ? [filePath(image, file)] : []))
  }

  it('finds names, paths, folders and packages, whatever the case', () => {
    expect(found('SH')).toEqual(['/bin/sh'])
    expect(found('app/new')).toEqual(['/app/new.js'])
    expect(found('/etc')).toEqual(['/etc/motd'])
    expect(found('npm:left')).toEqual(['/app/node_modules/left-pad/index.js'])
    expect(found('nothing of it')).toEqual([])
  })

  it('counts what it found in each folder', () => {
    const tree = treeOf(image, 'folder')
    const counts = countIn(tree, createSearch(image)('.js').found)
    expect(counts[0]).toBe(3)
  })
})

it('shows names without what moves or hides what stands beside them', () => {
  expect(shown('a\u202Egnp.exe\u0000\n\uD800')).toBe('a⟨202E⟩gnp.exe⟨0000⟩⟨000A⟩⟨D800⟩')
  fc.assert(fc.property(hostileString, (text) => expect(shown(text)).not.toMatch(/(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}]/u)))
})
