import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { rpmReader } from '../../../src/image/packages/rpm.ts'
import { fixture, inspect, rows } from './inspect.ts'

/**
 * What rpm 4.18 wrote of 18 packages: `alpha` of 3 files and `beta` of 80 in a folder and a program with two names in /usr/bin, `smallN`
 * of a file of N00 bytes.
 */
const database = gunzipSync(fixture('rpmdb.sqlite.gz'))

function read(content: Buffer) {
  const reader = rpmReader('var/lib/rpm/rpmdb.sqlite', content.length)
  reader?.push(content)
  return reader?.end() ?? null
}

describe('packages of rpm', () => {
  it.each(['var/lib/rpm', 'usr/lib/sysimage/rpm'])('have the files that rpm -ql lists: %s', async (folder) => {
    const { packages, ofPackage } = await inspect({
      [`${folder}/rpmdb.sqlite`]: database,
      [`${folder}/rpmdb.sqlite-wal`]: '',
      'usr/share/alpha/deep/file-1': '12345',
      'usr/share/beta/deep/file-80': '123',
      'usr/share/beta/deep/file-81': 'of nobody',
      'usr/bin/alpha': 'program',
      'usr/bin/alpha-hard': { link: 'usr/bin/alpha' },
      'usr/bin/alpha-soft': { symlink: 'alpha' },
      'opt/small16/data': 'x'.repeat(1_600),
    })
    expect(rows(packages.filter(({ size }) => size > 0))).toEqual([
      'rpm alpha 1.2-3 12',
      'rpm small16 16.0-1 1600',
      'rpm beta 2:1.2-3 3',
    ])
    expect(new Set(packages.map(({ name }) => name))).toEqual(
      new Set(['alpha', 'beta', ...Array.from({ length: 16 }, (_, at) => `small${at + 1}`)]),
    )
    expect(ofPackage('alpha')).toEqual(['/usr/share/alpha/deep/file-1', '/usr/bin/alpha'])
  })

  it('have as many files as rpm -ql lists', () => {
    const counts = new Map(read(database)!.packages.map(({ name, files }) => [name, files.split('\n').length]))
    expect([counts.get('alpha'), counts.get('beta'), counts.get('small1')]).toEqual([8, 85, 2])
  })

  it('are not told from a database whose last changes lie beside it', async () => {
    const { packages } = await inspect({
      'var/lib/rpm/rpmdb.sqlite': database,
      'var/lib/rpm/rpmdb.sqlite-wal': 'changes',
    })
    expect(packages).toEqual([])
  })

  it('are not told from what is no database of rpm’s', () => {
    expect(rpmReader('var/lib/rpm/Packages', 10)).toBeNull()
    expect(rpmReader('var/lib/rpm/rpmdb.sqlite', 65 * 1024 * 1024)).toBeNull()
    expect(read(Buffer.from('no database'))).toBeNull()
    const other = Buffer.from(database)
    for (let at = other.indexOf('Packages'); at !== -1; at = other.indexOf('Packages', at + 1))
      other.write('Pockages', at)
    expect(read(other)).toBeNull()
  })
})

describe('a broken database', () => {
  it('gives no packages, or some, and comes to an end: never an error', () => {
    const change = fc.tuple(fc.nat(database.length - 1), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 300 }), fc.nat(database.length), (changes, cut) => {
        const changed = Buffer.from(database)
        for (const [at, byte] of changes) changed[at] = byte
        read(changed)
        read(changed.subarray(0, cut))
      }),
      { numRuns: 200 },
    )
  })

  it('with pages that lead to each other comes to an end', () => {
    const changed = Buffer.from(database)
    for (let page = 1; page < changed.length / 4_096; page++) {
      const at = page * 4_096
      // An interior page with one cell, and both ways to itself.
      changed.fill(0, at, at + 4_096)
      changed[at] = 5
      changed.writeUInt16BE(1, at + 3)
      changed.writeUInt32BE(page + 1, at + 8)
      changed.writeUInt16BE(100, at + 12)
      changed.writeUInt32BE(page + 1, at + 100)
    }
    expect(read(changed)).toBeNull()
  })

  it('with more names of files than a package has gives no packages', () => {
    const changed = Buffer.from(database)
    // Type 8 is a list of strings; then come their place and how many they are.
    const entry = Buffer.from([0, 0, 0x04, 0x5d, 0, 0, 0, 8])
    const setCount = (count: number): void => {
      for (let at = changed.indexOf(entry); at !== -1; at = changed.indexOf(entry, at + 1))
        changed.writeUInt32BE(count, at + 12)
    }
    setCount(200_000)
    expect(read(changed)).not.toBeNull()
    setCount(200_001)
    expect(read(changed)).toBeNull()
  })
})
