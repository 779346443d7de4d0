import { expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { groupedByFolder } from '../../src/advice/weigh.ts'
import { grouped } from '../../src/groups.ts'
import type { ImageFile } from '../../src/image/runs.ts'
import { aFile } from '../support/contents.ts'

const folders = ['/', '/a/', '/a/b/', '/ab/']
const file = fc
  .tuple(fc.constantFrom(...folders), fc.constantFrom('x', 'y', 'a', 'b'), fc.nat(2))
  .map(([folder, name, layer]) => aFile(`${folder}${name}`, 1, layer))

it('asks folders where that is enough, and groups as if it had asked of each file', () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 30 }), fc.constantFrom(...folders), fc.nat(2), (files, left, layer) => {
      const asked: string[] = []
      const found = groupedByFolder(files, (its) => {
        asked.push(`${its.folder} ${its.layer}`)
        return its.folder === left || its.layer === layer ? null : ({ path }) => (path.endsWith('x') ? null : path)
      })
      const isLeft = (path: string): boolean => path.startsWith(left) && !path.slice(left.length).includes('/')
      const each = grouped(files, (one) =>
        isLeft(one.path) || one.layer === layer || one.path.endsWith('x') ? null : one.path,
      )
      expect([...found]).toEqual([...each])
      const placeOf = ({ path, layer: of }: ImageFile): string => `${path.slice(0, path.lastIndexOf('/') + 1)} ${of}`
      const places = files.map(placeOf)
      expect(asked).toEqual(places.filter((place, at) => place !== places[at - 1]))
    }),
  )
})
