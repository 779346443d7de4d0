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

/** A program with headers at its end: 2,000 bytes of code, 300 of symbols, the names of its sections; `loaded` is its one segment. */
function program(is64: boolean, isLittle: boolean, loaded: { start: number; bytes: number }): Buffer {
  const names = Buffer.from('\0.text\0.symtab\0.shstrtab\0')
  const [headerSize, segmentSize, sectionSize] = is64 ? [64, 56, 64] : [52, 32, 40]
  const tables = 3_000 + names.length
  const file = Buffer.alloc(tables + 4 * sectionSize)
  const u16 = (value: number, at: number): number =>
    isLittle ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at)
  const u32 = (value: number, at: number): number =>
    isLittle ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at)
  const word = (value: number, at: number): unknown => {
    if (!is64) return u32(value, at)
    return isLittle ? file.writeBigUInt64LE(BigInt(value), at) : file.writeBigUInt64BE(BigInt(value), at)
  }
  file.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isLittle ? 1 : 2])
  u16(2, 16)
  word(headerSize, is64 ? 32 : 28)
  word(tables, is64 ? 40 : 32)
  for (const [at, value] of [segmentSize, 1, sectionSize, 4, 3].entries()) u16(value, (is64 ? 54 : 42) + 2 * at)
  u32(1, headerSize)
  word(loaded.start, headerSize + (is64 ? 8 : 4))
  word(loaded.bytes, headerSize + (is64 ? 32 : 16))
  file.set(names, 3_000)
  const sections: [string, number, number, number][] = [
    ['.text', 1, 200, 2_000],
    ['.symtab', 2, 2_500, 300],
    ['.shstrtab', 3, 3_000, names.length],
  ]
  for (const [at, [name, type, start, bytes]] of sections.entries()) {
    const header = tables + (at + 1) * sectionSize
    u32(names.indexOf(`${name}\0`), header)
    u32(type, header + 4)
    word(start, header + (is64 ? 24 : 16))
    word(bytes, header + (is64 ? 32 : 20))
  }
  return file
}

test.each([
  ['64 bits', true, true],
  ['64 bits, big endian', true, false],
  ['32 bits', false, true],
  ['32 bits, big endian', false, false],
])('what running a file loads is passed over (%s)', (_, is64, isLittle) => {
  const fact = { kind: 'elf', symbols: 300, debug: 0, go: false }
  for (const step of [10_000, 1_000, 333, 7]) {
    expect(read(program(is64, isLittle, { start: 0, bytes: 2_990 }), step)).toEqual(fact)
    // As patchelf leaves it: one more segment behind the tables.
    expect(read(program(is64, isLittle, { start: 3_100, bytes: 10 }), step)).toEqual(fact)
  }
  // Nobody loads the names: this shows that they are not looked for there.
  for (const step of [100, 7]) expect(read(program(is64, isLittle, { start: 0, bytes: 10_000 }), step)).toBeNull()
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
