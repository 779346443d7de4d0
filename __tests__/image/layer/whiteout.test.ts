import { describe, expect, it } from '@jest/globals'
import { whiteoutOf } from '../../../src/image/layer/whiteout.ts'

describe('whiteouts', () => {
  it.each([
    ['etc/.wh.passwd', { kind: 'removed', path: 'etc/passwd' }],
    ['.wh.etc', { kind: 'removed', path: 'etc' }],
    ['a/.wh..hidden', { kind: 'removed', path: 'a/.hidden' }],
    ['var/cache/.wh..wh..opq', { kind: 'opaque', path: 'var/cache' }],
    ['.wh..wh..opq', { kind: 'opaque', path: '' }],
    ['.wh..wh.plnk', { kind: 'metadata' }],
    ['a/.wh..wh.aufs', { kind: 'metadata' }],
    ['a/.wh.', { kind: 'metadata' }],
    ['a/.whatever', null],
    ['.wh.folder/file', null],
    ['a/b.wh.c', null],
    ['', null],
  ])('%s', (path, expected) => {
    expect(whiteoutOf(path)).toEqual(expected)
  })
})
