import { describe, expect, test } from '@jest/globals'
import { duplicateFiles } from '../../src/advice/duplicate-files.ts'
import { aFile, anImage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const one = aLayer('COPY model.bin /app/', { line: 3 })
const two = aLayer('COPY model.bin /srv/', { line: 4 })
const same = { checksum: 0xcafe }

test('all but one of the copies are too much', () => {
  const files = [
    aFile('/app/model.bin', 7_000_000, 1, same),
    aFile('/srv/model.bin', 7_000_000, 2, same),
    aFile('/srv/again.bin', 7_000_000, 2, same),
    aFile('/srv/other.bin', 7_000_000, 2, { checksum: 1 }),
    aFile('/srv/longer.bin', 7_000_001, 2, same),
  ]
  const [found, ...others] = duplicateFiles(anImage([base, one, two], files))
  expect(others).toEqual([])
  expect(found).toMatchObject({
    bytes: 14_000_000,
    paths: ['/app/model.bin', '/srv/model.bin', '/srv/again.bin'],
    count: 3,
    layer: { line: 4 },
    key: 'duplicate-files:7000000 51966',
  })
  expect(plain(found!.what)).toBe('the same file 3 times,')
  expect(plain(found!.fix)).toBe('let line 4 link it: `ln -s /app/model.bin /srv/model.bin`, or bring it in once')
})

test('a copy of what the base image has is too much as a whole', () => {
  const files = [aFile('/usr/lib/x.so', 7_000_000, 0, same), aFile('/srv/x.so', 7_000_000, 2, same)]
  expect(duplicateFiles(anImage([base, one, two], files))).toMatchObject([{ bytes: 7_000_000, layer: { line: 4 } }])
})

describe('leaves alone', () => {
  test.each([
    ['the base image', [aFile('/a', 7_000_000, 0, same), aFile('/b', 7_000_000, 0, same)]],
    ['a small file', [aFile('/a', 499_999, 1, same), aFile('/b', 499_999, 2, same)]],
    [
      'what is lost',
      [aFile('/a', 7_000_000, 1, { ...same, lost: { layer: 2, how: 'replaced' } }), aFile('/a', 7_000_000, 2, same)],
    ],
    ['what has no checksum', [aFile('/a', 7_000_000, 1), aFile('/b', 7_000_000, 2)]],
    ['a toolchain', [aFile('/usr/local/go/a', 7_000_000, 1, same), aFile('/usr/local/go/b', 7_000_000, 1, same)]],
  ])('%s', (_, files) => {
    expect(duplicateFiles(anImage([base, one, two], files))).toEqual([])
  })
})
