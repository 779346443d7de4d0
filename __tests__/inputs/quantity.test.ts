import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { parseBytes, parseCount, parseIncrease } from '../../src/inputs/quantity.ts'

const units = fc.constantFrom<[string, bigint][]>(
  ['B', 1n],
  ['kB', 10n ** 3n],
  ['MB', 10n ** 6n],
  ['GB', 10n ** 9n],
  ['TB', 10n ** 12n],
  ['KiB', 2n ** 10n],
  ['MiB', 2n ** 20n],
  ['GiB', 2n ** 30n],
  ['TiB', 2n ** 40n],
)
const anyCase = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) =>
      Array.from(text, (letter, at) => (upper[at] ? letter.toUpperCase() : letter.toLowerCase())).join(''),
    )
const LIMIT = BigInt(Number.MAX_SAFE_INTEGER)

describe('parseBytes', () => {
  it.each([
    ['160 MB', 160_000_000],
    ['160MB', 160_000_000],
    ['150 MiB', 157_286_400],
    ['1.2 GB', 1_200_000_000],
    ['0.5 KiB', 512],
    ['800 kB', 800_000],
    ['512 B', 512],
    ['512b', 512],
    ['0 B', 0],
    [' 1 mb ', 1_000_000],
    ['1.999 B', 1],
    ['007 MB', 7_000_000],
    ['9007199254740991 B', null],
    ['900719925474099 B', 900_719_925_474_099],
    ['9007.199254740991 TB', 9_007_199_254_740_991],
    ['9007.199254740992 TB', null],
    ['8191 TiB', 9_006_099_743_113_216],
    ['8192 TiB', null],
  ])('reads %j as %j bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  it.each([
    '',
    ' ',
    '160',
    '1.2',
    'MB',
    '-5 MB',
    '+5 MB',
    '1,5 MB',
    '1.5.2 MB',
    '.5 MB',
    '5. MB',
    '1e3 MB',
    '0x10 B',
    '5 M',
    '5 PB',
    '5 MBs',
    '5 MB/s',
    '5  MB',
    '5\nMB',
    '5 MB\n6 MB',
    '٥ MB',
    '５ MB',
    'NaN MB',
    'Infinity B',
    '1_000 B',
    '5 constructor',
    '5 __proto__',
    '1'.repeat(500) + ' B',
    '5 ' + 'M'.repeat(1e5),
  ])('refuses %j', (text) => {
    expect(parseBytes(text)).toBeNull()
  })

  it('gives exactly number times unit, for every unit in any case', () => {
    const text = units.chain(([unit, size]) => fc.tuple(anyCase(unit), fc.constant(size)))
    fc.assert(
      fc.property(text, fc.nat(999_999_999), fc.constantFrom('', ' '), ([unit, size], amount, gap) => {
        const bytes = BigInt(amount) * size
        expect(parseBytes(`${amount}${gap}${unit}`)).toBe(bytes <= LIMIT ? Number(bytes) : null)
      }),
    )
  })

  it('drops a fraction of a byte, and no more', () => {
    fc.assert(
      fc.property(units, fc.nat(9_999), fc.nat(999_999), ([unit, size], whole, millionths) => {
        const bytes = ((BigInt(whole) * 1_000_000n + BigInt(millionths)) * size) / 1_000_000n
        const text = `${whole}.${String(millionths).padStart(6, '0')} ${unit}`
        expect(parseBytes(text)).toBe(bytes <= LIMIT ? Number(bytes) : null)
      }),
    )
  })

  it('gives a safe integer or null for whatever text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[+-]?[\d.,e]{0,30} ?[kKmMgGtTiIbB%]{0,4}$/)),
        (text) => {
          const bytes = parseBytes(text)
          expect(bytes === null || (Number.isSafeInteger(bytes) && bytes >= 0)).toBe(true)
        },
      ),
    )
  })
})

describe('parseIncrease', () => {
  it.each([
    ['5 MB', { limit: 5_000_000, unit: 'bytes' }],
    ['+5 MB', { limit: 5_000_000, unit: 'bytes' }],
    ['+ 5 MiB', { limit: 5_242_880, unit: 'bytes' }],
    ['0 B', { limit: 0, unit: 'bytes' }],
    ['3%', { limit: 3, unit: 'percent' }],
    ['2.5 %', { limit: 2.5, unit: 'percent' }],
    ['+0%', { limit: 0, unit: 'percent' }],
    ['150 %', { limit: 150, unit: 'percent' }],
  ])('reads %j', (text, increase) => {
    expect(parseIncrease(text)).toEqual(increase)
  })

  it.each(['', '5', '%', '-3%', '- 5 MB', '++5 MB', '3 percent', '3%%', '3% 5 MB', '1e2%', '.5%', '∞%'])(
    'refuses %j',
    (text) => {
      expect(parseIncrease(text)).toBeNull()
    },
  )
})

describe('parseCount', () => {
  it('gives back every whole number that an image may have as layers', () => {
    fc.assert(fc.property(fc.nat(999_999), (count) => expect(parseCount(String(count))).toBe(count)))
  })

  it.each(['', '-1', '+1', '1.0', '1e2', '12 layers', '0x1', '1234567', '１２', 'NaN'])('refuses %j', (text) => {
    expect(parseCount(text)).toBeNull()
  })
})
