import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { layFiles } from '../support/contents.ts'
import { byFolder, type FolderRun, type ImageFile } from '../../src/image/runs.ts'
import type { LayerEntry } from '../../src/image/layer/entries.ts'

const file = (path: string, size = 1): LayerEntry => ({
  kind: 'file',
  path: `/${path}`,
  size,
  mode: 0o644,
  uid: 0,
  gid: 0,
  checksum: null,
  facts: [],
})
const folder = (path: string): LayerEntry => ({ kind: 'folder', path: `/${path}` })
const link = (path: string, target: string): LayerEntry => ({ kind: 'link', path: `/${path}`, target: `/${target}` })
const symlink = (path: string, target: string): LayerEntry => ({ kind: 'symlink', path: `/${path}`, target })
const removed = (path: string): LayerEntry => ({ kind: 'removed', path: `/${path}` })
const opaque = (path: string): LayerEntry => ({ kind: 'opaque', path: `/${path}` })

/** Each file as `PATH LAYER`, and how it is lost. */
function rows(...layers: LayerEntry[][]): string[] {
  return [...layFiles(layers)!.files].map(row)
}
function row({ path, layer, lost }: ImageFile): string {
  return `${path} ${layer}${lost === null ? '' : ` ${lost.how} ${lost.layer}`}`
}

describe('layers laid on each other', () => {
  it('keep all that is shipped, and tell what is lost by what', () => {
    expect(
      rows(
        [folder('etc'), file('etc/a'), file('etc/b'), file('etc/c')],
        [file('etc/a'), removed('etc/b')],
        [removed('etc/a'), file('d')],
      ),
    ).toEqual(['/etc/a 0 replaced 1', '/etc/b 0 removed 1', '/etc/c 0', '/etc/a 1 removed 2', '/d 2'])
  })

  it('remove folders with all that is in them, as deep as it may be', () => {
    const deep = `${'a/'.repeat(256)}file`
    expect(
      rows([file(deep), file('b/c/d'), file('b/e')], [removed('a'), removed('b')]).map((each) => each.slice(-11)),
    ).toEqual([' 0 removed 1', ' 0 removed 1', ' 0 removed 1'].map((each) => expect.stringContaining(each.slice(1))))
  })

  it('act as whiteouts on the layers below only, wherever they stand in the tar', () => {
    expect(rows([file('a/x')], [file('a/x'), removed('a'), file('a/y')])).toEqual([
      '/a/x 0 removed 1',
      '/a/x 1',
      '/a/y 1',
    ])
    expect(rows([file('a/x')], [file('a/y'), opaque('a')], [opaque('')])).toEqual([
      '/a/x 0 removed 1',
      '/a/y 1 removed 2',
    ])
    expect(rows([file('a')], [removed('b'), removed('a/b'), opaque('a'), opaque('c')])).toEqual(['/a 0'])
  })

  it('have a folder in the place of a file, and a file in that of a folder', () => {
    expect(rows([file('a'), file('b/c/d')], [folder('a'), file('a/x'), file('b')])).toEqual([
      '/a 0 replaced 1',
      '/b/c/d 0 replaced 1',
      '/a/x 1',
      '/b 1',
    ])
    // A folder that is there again is the same one.
    expect(rows([folder('a'), file('a/x')], [folder('a'), file('a/y')])).toEqual(['/a/x 0', '/a/y 1'])
  })

  it('lose a hard link’s bytes with its last name', () => {
    const layer = [file('a'), link('b', 'a'), link('c', 'b')]
    expect(rows(layer, [removed('a')])).toEqual(['/a 0'])
    expect(rows(layer, [removed('a')], [file('b')], [removed('c')])).toEqual(['/a 0 removed 3', '/b 2'])
    expect(rows([file('a'), link('a', 'a')])).toEqual(['/a 0'])
    // A name that leads nowhere, or to another layer's file, is none of a file's.
    expect(rows([file('a')], [link('b', 'a'), link('c', 'nowhere')], [removed('a')])).toEqual(['/a 0 removed 2'])
  })

  it('that have a path twice lose the first one', () => {
    expect(rows([file('a', 1), file('a', 2)])).toEqual(['/a 0 replaced 0', '/a 0'])
  })

  it('replace a link to a folder by a folder: layers are unpacked apart', () => {
    const laid = layFiles([[file('usr/bin/sh'), symlink('bin', 'usr/bin')], [file('bin/tool')]])!
    expect([...laid.files].map(row)).toEqual(['/usr/bin/sh 0', '/bin/tool 1'])
    expect(laid.file('/bin/sh')).toBeNull()
    expect(laid.file('/bin/tool')).toBe([...laid.files][1])
  })

  it('do not count a whiteout’s payload to the image: nobody unpacks it', () => {
    const laid = layFiles([[file('a/.wh.b', 10), removed('a/b'), file('a/b')]])!
    expect([...laid.files].map(row)).toEqual(['/a/.wh.b 0 removed 0', '/a/b 0'])
    expect(laid.file('/a/.wh.b')).toBeNull()
    const apart = layFiles([[file('a/x'), file('b/.wh.y', 10), file('b/z')]])!
    expect(apart.file('/b/z')).toBe([...apart.files][2])
    expect(apart.file('/a/z')).toBeNull()
  })
})

describe('a file of the image', () => {
  const laid = layFiles([
    [
      file('usr/lib/libc.so'),
      symlink('lib', 'usr/lib'),
      symlink('usr/lib64', '/lib'),
      symlink('usr/local', '../usr/./lib/..'),
      symlink('usr/lib/libc.so.6', 'libc.so'),
      symlink('loop', 'loop2'),
      symlink('loop2', './loop/x'),
      symlink('empty', ''),
      symlink('above', '../../../usr'),
      link('hard', 'usr/lib/libc.so'),
      file('__proto__/constructor'),
      ...Array.from({ length: 1_000 }, (_, at) => symlink(`chain${at}`, at === 0 ? 'usr' : `chain${at - 1}`)),
    ],
  ])!
  const [libc] = laid.files

  it.each([
    '/usr/lib/libc.so',
    '/lib/libc.so',
    '//lib//./libc.so',
    '/usr/lib64/libc.so',
    '/usr/local/lib/libc.so',
    '/above/lib/libc.so',
    '/usr/lib64/../local/lib/libc.so',
    '/../usr/lib/libc.so',
    '/hard',
    '/chain30/lib/libc.so',
  ])('is found through links to folders: %s', (path) => expect(laid.file(path)).toBe(libc))

  it.each([
    '/usr/lib/libc.so.6',
    '/usr/lib',
    '/lib',
    '/',
    '',
    '/usr/lib/libc.so/x',
    '/usr/lib/libc.so/../libc.so',
    '/loop/libc.so',
    '/loop2',
    '/nowhere/libc.so',
    '/chain900/lib/libc.so',
    '/constructor',
  ])('is none where a folder, a link, or nothing is: %j', (path) => expect(laid.file(path)).toBeNull())

  it('may have any name', () => expect(laid.file('/__proto__/constructor')).toBe([...laid.files].at(-1)))
})

it('gives up where a small tar makes more folders than can be kept', () => {
  const entries = Array.from({ length: 2_000 }, (_, at) => file(`${at}/${'a/'.repeat(255)}f`))
  expect(layFiles([entries.slice(1_000)])).not.toBeNull()
  expect(layFiles([entries])).toBeNull()
})

it('gives up where folders are deeper than can be kept', () => {
  expect(layFiles([[file(`${'a/'.repeat(256)}f`)]])).not.toBeNull()
  expect(layFiles([[file(`${'a/'.repeat(257)}f`)]])).toBeNull()
  expect(layFiles([[folder('a/'.repeat(300).slice(0, -1))]])).toBeNull()
})

it('finds through links what is there, whatever was asked for before', () => {
  // Link 0 leads through 50 others, link 20 through 30.
  const links = Array.from({ length: 50 }, (_, at) => symlink(`${at}`, `/${at + 1}`))
  const lay = () => layFiles([[...links, file('50/file')]])!
  const there = Array.from({ length: 50 }, (_, at) => lay().file(`/${at}/file`) !== null)
  expect(there.indexOf(true)).toBe(10)
  const forwards = lay()
  expect(there.map((_, at) => forwards.file(`/${at}/file`) !== null)).toEqual(there)
  const backwards = lay()
  const found = there.map((_, at) => backwards.file(`/${49 - at}/file`) !== null)
  expect(found.toReversed()).toEqual(there)
})

it('finds each of many paths that lead through the same long links in the time of one', () => {
  const far = '../lib/'.repeat(500)
  const layer = [
    folder('lib'),
    ...Array.from({ length: 40 }, (_, at) => symlink(`lib/${at}`, `${far}${at + 1}`)),
    folder('lib/40'),
  ]
  const laid = layFiles([[...layer, ...Array.from({ length: 1_000 }, (_, at) => file(`lib/40/${at}`))]])!
  // Without remembering where a link leads, each takes 40 links of a thousand names.
  let found = 0
  for (let at = 0; at < 200_000; at++) if (laid.file(`/lib/1/${at % 1_000}`)) found += 1
  expect(found).toBe(200_000)
})

/** A model that has only paths: what is there is a map, and lost is what is not. */
function naive(layers: LayerEntry[][]): string[] {
  type Name = { kind: 'file'; id: number; layer: number } | { kind: 'folder' } | { kind: 'link' }
  const names = new Map<string, Name>()
  let id = 0
  const sizes: string[] = []
  const without = (path: string, keepItself: boolean): void => {
    for (const name of names.keys()) {
      if ((name === path && !keepItself) || name.startsWith(`${path}/`)) names.delete(name)
    }
  }
  for (const [layer, entries] of layers.entries()) {
    for (const entry of entries) {
      if (entry.kind === 'removed') without(entry.path, false)
      if (entry.kind === 'opaque' && names.get(entry.path)?.kind !== 'file') without(entry.path, true)
    }
    for (const entry of entries) {
      if (entry.kind === 'removed' || entry.kind === 'opaque') continue
      const target = entry.kind === 'link' ? names.get(entry.target) : undefined
      const parts = entry.path.split('/')
      for (let length = 2; length < parts.length; length++) {
        const parent = parts.slice(0, length).join('/')
        if (names.get(parent)?.kind !== 'folder') names.set(parent, { kind: 'folder' })
      }
      if (entry.kind !== 'folder') without(entry.path, false)
      const name: Name =
        entry.kind === 'file'
          ? { kind: 'file', id: id++, layer }
          : entry.kind === 'folder'
            ? { kind: 'folder' }
            : target?.kind === 'file' && target.layer === layer
              ? target
              : { kind: 'link' }
      if (entry.kind === 'file') sizes.push(`${entry.path} ${layer}`)
      names.set(entry.path, name)
    }
  }
  const kept = new Set([...names.values()].flatMap((name) => (name.kind === 'file' ? [name.id] : [])))
  return sizes.map((each, at) => `${each}${kept.has(at) ? '' : ' lost'}`)
}

it('agrees with a model that has nothing but paths', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
  const entry = fc.oneof(
    { weight: 4, arbitrary: path.map((each) => file(each)) },
    path.map(folder),
    path.map((each) => symlink(each, 'a')),
    path.map(removed),
    path.map(opaque),
    fc.tuple(path, path).map(([from, to]) => link(from, to)),
  )
  // A tar has each path once, and a hard link after what it names.
  const layer = fc.uniqueArray(entry, {
    selector: (each) => `${each.kind === 'removed' || each.kind === 'opaque'} ${each.path}`,
    maxLength: 8,
  })
  // Mostly a tar has a folder's names in their order.
  const inOrder = layer.map((entries) => entries.toSorted((one, other) => (one.path < other.path ? -1 : 1)))
  fc.assert(
    fc.property(fc.array(fc.oneof(layer, inOrder), { maxLength: 4 }), (layers) => {
      const laid = layFiles(layers)!
      expect(
        Array.from(laid.files, ({ path: at, layer: from, lost }) => `${at} ${from}${lost === null ? '' : ' lost'}`),
      ).toEqual(naive(layers))
    }),
    { numRuns: 3_000 },
  )
})

it('has its files folder by folder, in their order', () => {
  const layers = [
    [file('a/x'), file('a/y'), file('a/b/x'), file('a/z'), file('ab/x'), file('x')],
    [file('y'), file('a/x')],
  ]
  const { files } = layFiles(layers)!
  const found = byFolder(files)
  const pathsOf = (run: FolderRun): string[] => run.files.map(({ path }) => path)
  expect(found.map((run) => [run.folder, run.layer, pathsOf(run)])).toEqual([
    ['/a/', 0, ['/a/x', '/a/y']],
    ['/a/b/', 0, ['/a/b/x']],
    ['/a/', 0, ['/a/z']],
    ['/ab/', 0, ['/ab/x']],
    ['/', 0, ['/x']],
    ['/', 1, ['/y']],
    ['/a/', 1, ['/a/x']],
  ])
  expect(found.flatMap(pathsOf)).toEqual(Array.from(files, ({ path }) => path))
})
