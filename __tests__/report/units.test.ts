import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import {
  formatBytes,
  formatBytesAmong,
  formatCount,
  formatExactBytes,
  formatLimit,
  formatPercent,
  formatSigned,
  formatSignedCount,
} from '../../src/report/units.ts'

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [812, '812 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1449, '1.4 kB'],
    [1450, '1.5 kB'],
    [163_900_000, '163.9 MB'],
    [2_000_000_000_000_000_000, '2000.0 PB'],
    [-21_300_000, '−21.3 MB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [999_949_999, '999.9 MB'],
    [999_950_000, '1.0 GB'],
    [999_950_000_000, '1.0 TB'],
  ])('goes to the next unit rather than to 1000.0 at %d', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1.5])('refuses %d: a failed measurement is no figure', (bytes) => {
    expect(() => formatBytes(bytes)).toThrow(RangeError)
  })

  it('is never further from the bytes than half of its last digit', () => {
    const scale: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e14 }), (bytes) => {
        const [figure = '', unit = ''] = formatBytes(bytes).split(' ')
        expect(Math.abs(Number(figure) * (scale[unit] ?? 0) - bytes)).toBeLessThanOrEqual(
          (scale[unit] ?? 0) * 0.0500001,
        )
        expect(Number(figure)).toBeLessThan(1000)
      }),
    )
  })

  it('never says less of more bytes', () => {
    const scale: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }
    const value = (text: string) => Number(text.split(' ')[0]) * (scale[text.split(' ')[1] ?? ''] ?? 0)
    fc.assert(
      fc.property(fc.nat({ max: 1e12 }), fc.nat({ max: 1e6 }), (bytes, more) => {
        expect(value(formatBytes(bytes + more))).toBeGreaterThanOrEqual(value(formatBytes(bytes)))
      }),
    )
  })
})

describe('differences', () => {
  it.each([
    [15_700_000, '+15.7 MB'],
    [-312, '−312 B'],
    [0, '0 B'],
  ])('signs %d bytes as %s', (bytes, text) => {
    expect(formatSigned(bytes)).toBe(text)
  })

  it.each([
    [1, '+1'],
    [-12, '−12'],
    [0, '0'],
  ])('signs a count of %d as %s', (count, text) => {
    expect(formatSignedCount(count)).toBe(text)
  })

  it.each([
    [10.55, '+10.6 %'],
    [-14.37, '−14.4 %'],
    [0, '0.0 %'],
    [-0.04, '0.0 %'],
    [0.05, '+0.1 %'],
  ])('writes %d percent as %s', (percent, text) => {
    expect(formatPercent(percent)).toBe(text)
  })
})

describe('formatLimit', () => {
  it.each([
    [160_000_000, '160 MB'],
    [1_250_000_000, '1.25 GB'],
    [5_500_000, '5.5 MB'],
    [157_286_400, '157.3 MB'],
    [500, '500 B'],
    [0, '0 B'],
  ])('writes %d as its user wrote it: %s', (bytes, text) => {
    expect(formatLimit(bytes)).toBe(text)
  })
})

describe('formatBytesAmong', () => {
  it('adds the exact bytes where a figure looks like its neighbour and is not it', () => {
    expect(formatBytesAmong(148_213_004, [148_213_104])).toBe('148.2 MB (148,213,004 B)')
  })

  it('adds them to a limit that looks like what breaks it', () => {
    expect(formatBytesAmong(160_000_000, [160_000_312], formatLimit)).toBe('160 MB (160,000,000 B)')
  })

  it.each([
    ['the same', [148_213_004]],
    ['plainly another', [163_900_000]],
    ['not measured', [null]],
  ])('leaves a figure alone beside one that is %s', (_, others) => {
    expect(formatBytesAmong(148_213_004, others)).toBe('148.2 MB')
  })
})

it('writes every byte, and counts with the right number', () => {
  expect(formatExactBytes(148_213_004)).toBe('148,213,004 B')
  expect([formatCount(0, 'layer'), formatCount(1, 'layer'), formatCount(1200, 'image')]).toEqual([
    '0 layers',
    '1 layer',
    '1,200 images',
  ])
})
