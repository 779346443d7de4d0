import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createElfReader, elfReader, type ElfFact } from '../../../src/image/layer/elf.ts'

const open = createElfReader(0)

/** Captured by `__tests__/support/capture-elf.ts`. */
function fixture(name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`fixtures/elf/${name}.gz`, import.meta.url)))
}

function read(file: Buffer, step = 65_536, reader = open('usr/bin/x', file.length)): ElfFact | null {
  for (let at = 0; at < file.length; at += step) reader!.push(file.subarray(at, at + step))
  return reader!.end()
}

describe('what stripping saves', () => {
  // What `strip -s` and `-ldflags="-s -w"` really save is a little more: the headers of the sections that go, their names, and padding.
  test.each([
    [
      'gnu',
      'GNU ld: headers at the end, names right before',
      { symbols: 292_989, debug: 1_080_087, go: false },
      1_373_768,
    ],
    ['gnu-zlib', 'compressed debugging information', { symbols: 292_989, debug: 293_048, go: false }, 586_752],
    ['lld', 'lld: 227 kB of symbol names stand between', { symbols: 291_536, debug: 1_086_365, go: false }, 1_378_600],
    ['library', 'a shared library', { symbols: 996, debug: 624, go: false }, 2_232],
    ['go-amd64', 'Go: headers at the beginning', { symbols: 101_083, debug: 520_147, go: true }, 621_365],
    ['go-386', '32 bits', { symbols: 74_870, debug: 491_363, go: true }, 566_364],
    ['go-mips', '32 bits, big endian', { symbols: 69_993, debug: 485_911, go: true }, 556_035],
    ['go-s390x', '64 bits, big endian', { symbols: 87_254, debug: 501_095, go: true }, 588_480],
  ])('%s: %s', (name, _, fact, saved) => {
    const file = fixture(name)
    for (const step of [65_536, 1_000, 333, file.length]) expect(read(file, step)).toEqual({ kind: 'elf', ...fact })
    const told = fact.symbols + fact.debug
    expect(saved - told).toBeGreaterThan(0)
    expect(saved - told).toBeLessThan(750)
  })

  test('whatever the chunks are', () => {
    const file = fixture('library')
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (step) => {
        expect(read(file, step)).toEqual({ kind: 'elf', symbols: 996, debug: 624, go: false })
      }),
      { numRuns: 50 },
    )
  })
})

test('what running a file loads is passed over', () => {
  // Little endian, 64 bits; the fixtures' program headers are zeros.
  const loading = (start: number, bytes: number): Buffer => {
    const file = Buffer.from(fixture('library'))
    const at = Number(file.readBigUInt64LE(32))
    file.writeUInt32LE(1, at)
    file.writeBigUInt64LE(BigInt(start), at + 8)
    file.writeBigUInt64LE(BigInt(bytes), at + 32)
    return file
  }
  const { length } = fixture('library')
  const names = fixture('library').indexOf('.shstrtab\0')
  for (const step of [1_000, 333, 7]) {
    expect(read(loading(0, names - 100), step)).toEqual({ kind: 'elf', symbols: 996, debug: 624, go: false })
    // As patchelf leaves it: one more segment behind the tables.
    expect(read(loading(length - 10, 10), step)).toEqual({ kind: 'elf', symbols: 996, debug: 624, go: false })
    expect(read(loading(0, length), step)).toBeNull()
  }
})

test('stripped programs, objects, other files and small ones tell nothing', () => {
  expect(read(fixture('go-stripped'))).toBeNull()
  expect(read(fixture('object'))).toBeNull()
  expect(read(Buffer.from('#!/bin/sh\n'.repeat(20_000)))).toBeNull()
  expect(open('lib/modules/6.1/x.ko', 1_000_000)).toBeNull()
  expect(open('usr/lib/libx.a', 1_000_000)).toBeNull()
  expect(elfReader('usr/bin/x', 99_999)).toBeNull()
})

describe('a file that contradicts itself tells nothing:', () => {
  const whole = fixture('gnu')

  test('cut off', () => {
    expect(read(whole.subarray(0, whole.length - 1))).toBeNull()
    expect(read(whole.subarray(0, 1_000))).toBeNull()
    expect(read(whole.subarray(0, 10))).toBeNull()
  })

  test('longer than what comes', () => {
    expect(read(whole.subarray(0, 700_000), 65_536, open('x', whole.length))).toBeNull()
  })

  test('whatever its bytes are, and without a throw', () => {
    const file = fixture('library')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), { maxLength: 40 }),
        fc.array(fc.tuple(fc.nat({ max: 63 }), fc.nat({ max: 255 })), { maxLength: 4 }),
        (anywhere, inHeader) => {
          const bent = Buffer.from(file)
          for (const [at, byte] of [...anywhere, ...inHeader]) bent[at] = byte
          const fact = read(bent, 4_096)
          expect(fact === null || fact.symbols + fact.debug <= bent.length).toBe(true)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('full of what looks like a table of names', () => {
    const file = Buffer.concat([whole.subarray(0, 64), Buffer.from('.shstrtab\0'.repeat(200_000), 'latin1')])
    expect(read(file)).toBeNull()
  })
})
