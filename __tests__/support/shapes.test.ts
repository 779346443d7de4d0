import { describe, expect, it } from '@jest/globals'
import { alignFigures, baseImagesOf, readShapes } from './shapes.ts'
import { makeFiles } from './trees.ts'

describe('alignFigures', () => {
  it('takes what moved a little for the same, and nothing else', () => {
    const expected = 'is 2.0 MB larger, +1.4 MB (+10.6 %) in `/app`'
    expect(alignFigures('is 2.0 MB larger, +1.4 MB (+10.9 %) in `/app`', expected)).toBe(expected)
    expect(alignFigures('is 1.9 MB larger, +1.4 MB (+10.6 %) in `/app`', expected)).toBe(expected)
    expect(alignFigures('is 2.0 MB larger, +1.6 MB (+10.6 %) in `/app`', expected)).not.toBe(expected)
    expect(alignFigures('is 2.0 MB larger, \u22121.4 MB (+10.6 %) in `/app`', expected)).not.toBe(expected)
    expect(alignFigures('is 2.0 MB larger, +1.4 kB (+10.6 %) in `/app`', expected)).not.toBe(expected)
    expect(alignFigures('is 2.0 MB larger, +1.4 MB (+13.6 %) in `/app`', expected)).not.toBe(expected)
    expect(alignFigures('is 2.0 MB larger, +1.4 MB (+10.6 %) in `/srv`', expected)).not.toBe(expected)
    expect(alignFigures('is 2.0 MB larger (+10.6 %)', expected)).toBe('is 2.0 MB larger (+10.6 %)')
  })

  it('takes a layer of the same size for the same, rebuilt or not', () => {
    const rows = (count: string, change: string): string =>
      `<details><summary>All layers (1 of 7 changed${count})</summary>\n\n| 21 | \`COPY dist dist\` | 570 B | 570 B | ${change}|\n`
    const expected = rows('', '')
    expect(alignFigures(rows(', 1 rebuilt', 'rebuilt '), expected)).toBe(expected)
    expect(alignFigures(expected, rows(', 1 rebuilt', 'rebuilt '))).toBe(rows(', 1 rebuilt', 'rebuilt '))
    expect(alignFigures(rows(', 1 rebuilt', '+9 B '), expected)).not.toBe(expected)
    expect(alignFigures(rows(', 1 removed', ''), expected)).not.toBe(expected)
  })

  it('keeps counts, versions and lines to the digit', () => {
    expect(alignFigures('`Dockerfile:14` zod 4.6.7, 12 layers', '`Dockerfile:14` zod 4.6.8, 13 layers')).toContain(
      '4.6.7, 12',
    )
  })
})

describe('makeFiles', () => {
  it('makes the same bytes every time, others for another path or version', () => {
    const of = (path: string, words: string): string => Buffer.from(makeFiles({ [path]: words })[path]!).toString('hex')
    expect(of('a.bin', 'packed 2 kB')).toHaveLength(4000)
    expect(of('a.bin', 'packed 2 kB')).toBe(of('a.bin', 'packed 2 kB'))
    expect(new Set([of('a.bin', 'packed 2 kB'), of('b.bin', 'packed 2 kB'), of('a.bin', 'packed 2 kB v2')]).size).toBe(
      3,
    )
    expect(makeFiles({ 'a.txt': 'text 150 B', gone: null })).toEqual({
      'a.txt': expect.stringMatching(/^[0-9a-f\n]{150}$/),
      gone: null,
    })
    expect(() => makeFiles({ 'a.txt': '3 MB of words' })).toThrow('"3 MB of words" is not like')
  })
})

describe('the shapes', () => {
  it('each have a Dockerfile that starts from known images', () => {
    const images = new Map(readShapes().map((shape) => [shape.id, baseImagesOf(shape)]))
    expect([...images].filter(([id, names]) => names.length === 0 && id !== 's17-two-platforms')).toEqual([])
    expect(images.get('s06-from-another-image')).toEqual([
      'gcr.io/distroless/static-debian12:nonroot',
      'busybox:stable',
    ])
  })

  it('are all twenty', () => {
    const numbers = new Set(readShapes().map(({ id }) => id.slice(0, 3)))
    expect([...numbers]).toEqual(Array.from({ length: 20 }, (_, at) => `s${String(at + 1).padStart(2, '0')}`))
  })
})
