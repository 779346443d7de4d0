import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { CHECKSUM_FLOOR, type LayerEntry } from '../../../src/image/layer/entries.ts'
import { createListing, MAX_ENTRIES } from '../../../src/image/layer/listing.ts'
import { readLayer, type ReadLayer } from '../../../src/image/layer/read.ts'
import type { TarEntry } from '../../../src/image/layer/tar.ts'
import { incompressible } from '../../support/bytes.ts'
import { gnuTar, member, streamOf, tar } from './archives.ts'

async function read(archive: Buffer, lengths?: number[]): Promise<Pick<ReadLayer, 'size'> & { entries: LayerEntry[] }> {
  const { size, entries } = await readLayer(streamOf(archive, lengths), { digest: null, diffId: null })
  return { size, entries: [...entries!] }
}

function sizeOf(entries: LayerEntry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.size : 0), 0)
}

describe('what a layer does', () => {
  it('is listed in the tar’s order', async () => {
    const { entries } = await read(
      tar(
        member('etc/', '', { flag: '5' }),
        member('etc/hosts', 'hello', { mode: '0004755\0' }),
        member('etc/hosts2', '', { flag: '1', link: './etc/hosts' }),
        member('etc/link', '', { flag: '2', link: '../hosts' }),
        member('etc/.wh.passwd'),
        member('var/.wh..wh..opq'),
        member('.wh..wh..opq'),
        member('.wh..wh.plnk/1.2'),
        member('null', '', { flag: '3' }),
      ),
      [100],
    )
    expect(entries).toEqual([
      { kind: 'folder', path: '/etc' },
      {
        kind: 'file',
        path: '/etc/hosts',
        size: 5,
        mode: 0o4755,
        uid: 0,
        gid: 0,
        checksum: null,
        facts: [],
      },
      { kind: 'link', path: '/etc/hosts2', target: '/etc/hosts' },
      { kind: 'symlink', path: '/etc/link', target: '../hosts' },
      { kind: 'removed', path: '/etc/passwd' },
      { kind: 'opaque', path: '/var' },
      { kind: 'opaque', path: '/' },
      { kind: 'file', path: '/.wh..wh.plnk/1.2', size: 0, mode: 0o644, uid: 0, gid: 0, checksum: null, facts: [] },
      { kind: 'other', path: '/null' },
    ])
  })

  it('also lists the payload that a whiteout has: it is shipped', async () => {
    const { entries, size } = await read(tar(member('a/.wh.b', 'payload'), member('.wh..wh.aufs', 'more')))
    expect(entries).toMatchObject([
      { kind: 'file', path: '/a/.wh.b', size: 7 },
      { kind: 'removed', path: '/a/b' },
      { kind: 'file', path: '/.wh..wh.aufs', size: 4 },
    ])
    expect(size).toBe(11)
  })

  it('has files that together have the layer’s size, whatever else is in it', async () => {
    const name = fc.constantFrom('a', 'b/c', '.wh.a', 'b/.wh..wh..opq', 'package.json', 'node_modules/a/package.json')
    const entry = fc.record({
      name,
      payload: fc
        .tuple(fc.oneof(fc.nat(2_000), fc.integer({ min: CHECKSUM_FLOOR - 1, max: CHECKSUM_FLOOR + 1_000 })), fc.nat())
        .map(([length, seed]) => incompressible(length, seed)),
      flag: fc.constantFrom('0', '0', '1', '2', '5', '7'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 8 }),
        fc.integer({ min: 1, max: 60_000 }),
        async (members, length) => {
          const archive = tar(
            ...members.map(({ name: path, payload, flag }) =>
              member(path, flag === '0' || flag === '7' ? Buffer.from(payload) : '', { flag, link: 'a' }),
            ),
          )
          const { entries, size } = await read(archive, [length])
          expect(sizeOf(entries)).toBe(size)
          for (const each of entries) {
            if (each.kind !== 'file') continue
            const payloads = members
              .filter((one) => `/${one.name}` === each.path)
              .map(({ payload }) => (payload.length < CHECKSUM_FLOOR ? null : crc32(payload) | 0))
            expect(payloads).toContain(each.checksum)
          }
        },
      ),
    )
  })

  it('has sparse files, which are not read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'listing-'))
    try {
      const plain = incompressible(CHECKSUM_FLOOR)
      writeFileSync(join(folder, 'file'), plain)
      writeFileSync(join(folder, 'package.json'), '{"dependencies":{"a":"1"}}')
      truncateSync(join(folder, 'package.json'), 1_000_000)
      for (const format of ['--format=gnu', '--format=pax']) {
        const { entries, size } = await read(gnuTar(folder, '--sparse', format))
        expect(size).toBe(1_000_000 + CHECKSUM_FLOOR)
        expect(entries.filter(({ kind }) => kind === 'file')).toMatchObject([
          { path: '/file', size: CHECKSUM_FLOOR, checksum: crc32(plain) | 0 },
          { path: '/package.json', size: 1_000_000, checksum: null, facts: [] },
        ])
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('what files tell', () => {
  it('is kept with them, of a whiteout’s payload nothing is', async () => {
    const manifest = '{"name":"a","version":"1.0.0"}'
    const { entries } = await read(
      tar(member('node_modules/a/package.json', manifest), member('node_modules/.wh.b/package.json', manifest)),
    )
    expect(entries).toMatchObject([
      { path: '/node_modules/a/package.json', facts: [{ kind: 'npm', name: 'a' }] },
      { path: '/node_modules/.wh.b/package.json', facts: [] },
    ])
  })

  it('is as much as can be kept, else nothing of the layer is: never a part', async () => {
    const listing = createListing()
    const list = Buffer.alloc(16_000_000, '/a\n')
    const kept = []
    for (let at = 0; at < 9; at++) {
      const consumer = listing.visit({ ...ENTRY, path: `var/lib/dpkg/info/${at}.list`, size: list.length }, false)
      consumer?.(list)
      kept.push(listing.end().factBytes)
    }
    expect(kept).toEqual([16, 32, 48, 64, 80, 96, 112, 128, 0].map((megabytes) => megabytes * 1_000_000))
    expect(listing.end().entries).toBeNull()
  })
})

const ENTRY: TarEntry = { path: '', type: 'file', size: 0, mode: 0, uid: 0, gid: 0, target: null }

describe('a layer with more than can be kept', () => {
  it('has no list: too many entries', () => {
    const listing = createListing()
    for (let at = 0; at < MAX_ENTRIES; at++) listing.visit({ ...ENTRY, path: 'a', type: 'directory' }, false)
    expect(listing.end().entries).toHaveLength(MAX_ENTRIES)
    listing.visit({ ...ENTRY, path: 'a', type: 'directory' }, false)
    expect(listing.end().entries).toBeNull()
    expect(listing.visit({ ...ENTRY, path: 'a', size: 1 }, false)).toBeUndefined()
  })

  it('has no list: too long paths', () => {
    const listing = createListing()
    const path = 'a'.repeat(1_000_000)
    for (let at = 0; at < 100; at++) listing.visit({ ...ENTRY, path, type: 'symlink', target: path }, false)
    expect(listing.end().entries).toHaveLength(100)
    listing.visit({ ...ENTRY, path, type: 'directory' }, false)
    expect(listing.end().entries).toBeNull()
  })
})
