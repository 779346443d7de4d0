import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Budget } from '../../src/budget/budget.ts'
import { ratchetsOf } from '../../src/budget/ratchet.ts'
import { someTotals } from '../support/measurements.ts'

const cap = (limit: number, more: Partial<Budget> = {}): Budget => ({
  budget: 'max-size',
  scope: null,
  level: 'fail',
  over: null,
  limit,
  unit: 'bytes',
  ...more,
})

const proposed = (size: number | null, limit: number): number | null =>
  ratchetsOf(someTotals({ size }), [cap(limit)])[0]?.proposed ?? null

describe('a lower cap', () => {
  it.each([
    [126_900_000, 140_000_000],
    [148_200_000, 170_000_000],
    [10_000_000, 11_000_000],
    [10_000_001, 12_000_000],
    [9_090_909, 10_000_000],
    [9_090_910, 11_000_000],
    [950_000, 1_100_000],
    [1_234, 1_400],
    [89, 98],
    [9, 10],
    [1, 2],
  ])('for %d bytes is %d', (size, expected) => {
    expect(proposed(size, 1_000_000_000_000)).toBe(expected)
  })

  it('is proposed where it is at most nine tenths of the old one', () => {
    expect(proposed(126_900_000, 155_555_555)).toBeNull()
    expect(proposed(126_900_000, 155_555_556)).toBe(140_000_000)
    expect(proposed(126_900_000, 100_000_000)).toBeNull()
    expect(proposed(81_000_000, 100_000_000)).toBe(90_000_000)
    expect(proposed(81_000_000, 99_999_999)).toBeNull()
  })

  it('is none of what was not measured, or is nothing', () => {
    expect(proposed(null, 1_000_000)).toBeNull()
    expect(proposed(0, 1_000_000)).toBeNull()
  })

  it('is one for each hard cap in bytes on the whole image', () => {
    const head = someTotals({ size: 100, downloadSize: 40, layers: 2 })
    const budgets = [
      cap(1000),
      cap(1000, { budget: 'max-download-size' }),
      cap(1000, { level: 'warn' }),
      cap(1000, { scope: { kind: 'own', of: null } }),
      cap(1000, { budget: 'max-layers', unit: 'layers' }),
      cap(1000, { budget: 'max-increase' }),
      cap(1000, { budget: 'max-increase', over: { kind: 'days', days: 30 } }),
    ]
    expect(ratchetsOf(head, budgets)).toEqual([
      { budget: 'max-size', limit: 1000, proposed: 110 },
      { budget: 'max-download-size', limit: 1000, proposed: 44 },
    ])
  })

  it('leaves a tenth of room, is at most a tenth higher than that, and at most nine tenths of the old one, exactly', () => {
    const bytes = fc.oneof(fc.integer({ min: 1, max: 2_000_000_000 }), fc.integer({ min: 1, max: 2 ** 52 }))
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (size, limit) => {
        const found = proposed(size, limit)
        const enough = 11n * BigInt(size)
        if (found === null) return expect(BigInt(limit) * 9n < enough * 2n || size < 10).toBe(true)
        expect(BigInt(found) * 10n).toBeGreaterThanOrEqual(enough)
        expect(BigInt(found) * 100n <= enough * 11n || found < 10).toBe(true)
        expect(BigInt(found) * 10n).toBeLessThanOrEqual(BigInt(limit) * 9n)
        expect(String(found)).toMatch(/^\d{1,2}0*$/)
      }),
    )
  })
})
