import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Budget, Check } from '../../src/budget/budget.ts'
import { judge } from '../../src/budget/judge.ts'
import { worstVerdict } from '../../src/budget/verdict.ts'
import type { Totals } from '../../src/compare/comparison.ts'
import { compared } from '../support/measurements.ts'

const maxSize = (limit: number): Budget => ({
  budget: 'max-size',
  scope: null,
  level: 'fail',
  over: null,
  limit,
  unit: 'bytes',
})
const maxDownloadSize = (limit: number): Budget => ({
  budget: 'max-download-size',
  scope: null,
  level: 'fail',
  over: null,
  limit,
  unit: 'bytes',
})
const maxLayers = (limit: number): Budget => ({
  budget: 'max-layers',
  scope: null,
  level: 'fail',
  over: null,
  limit,
  unit: 'layers',
})
const maxIncrease = (limit: number): Budget => ({
  budget: 'max-increase',
  scope: null,
  level: 'fail',
  over: null,
  limit,
  unit: 'bytes',
})
const maxPercent = (limit: number): Budget => ({
  budget: 'max-increase',
  scope: null,
  level: 'fail',
  over: null,
  limit,
  unit: 'percent',
})

function check(budget: Budget, head: Partial<Totals>, base: Partial<Totals> | null = null): Check | undefined {
  return judge(compared(head, base), [budget], []).checks[0]
}

describe('a cap', () => {
  it.each([
    { size: 950, status: 'within', excess: null },
    { size: 951, status: 'near', excess: null },
    { size: 1000, status: 'near', excess: null },
    { size: 1001, status: 'over', excess: 1 },
  ])('of 1,000 bytes finds $size bytes $status', ({ size, status, excess }) => {
    expect(check(maxSize(1000), { size })).toEqual({
      budget: 'max-size',
      scope: null,
      level: 'fail',
      over: null,
      limit: 1000,
      unit: 'bytes',
      metric: 'size',
      actual: size,
      status,
      reason: null,
      why: null,
      excess,
      growth: null,
      uncounted: 0,
      accepted: null,
      against: null,
    })
  })

  it('on the download size and on layers looks at these', () => {
    const head = { size: 9_999, downloadSize: 70, layers: 13 }
    expect(check(maxDownloadSize(50), head)).toMatchObject({ metric: 'download-size', actual: 70, excess: 20 })
    expect(check(maxLayers(12), head)).toMatchObject({ metric: 'layers', actual: 13, status: 'over', excess: 1 })
  })

  it('is exact where doubles are no longer', () => {
    const limit = Number.MAX_SAFE_INTEGER - 1
    expect(check(maxSize(limit), { size: limit })?.status).toBe('near')
    expect(check(maxSize(limit), { size: limit + 1 })).toMatchObject({ status: 'over', excess: 1 })
  })

  it('of 0 is kept by 0', () => {
    expect(check(maxSize(0), { size: 0 })?.status).toBe('within')
    expect(check(maxSize(0), { size: 1 })).toMatchObject({ status: 'over', excess: 1 })
  })

  it.each([
    { head: 1500, base: 1500 },
    { head: 1200, base: 1500 },
  ])('is not the fault of a change from $base to $head that was over before', ({ head, base }) => {
    const { checks, verdict } = judge(compared({ size: head }, { size: base }), [maxSize(1000)], [])
    expect(checks).toMatchObject([{ status: 'skipped', reason: 'over-before', actual: head, excess: head - 1000 }])
    expect(verdict).toBe('within')
  })

  it.each([
    { head: 1501, base: 1500 },
    { head: 1501, base: 900 },
    { head: 1501, base: null },
  ])('is broken by a change from $base to $head', ({ head, base }) => {
    const { checks, verdict } = judge(compared({ size: head }, { size: base }), [maxSize(1000)], [])
    expect(checks).toMatchObject([{ status: 'over', reason: null, excess: head - 1000 }])
    expect(verdict).toBe('over')
  })

  it('judges each metric by its own growth', () => {
    const head = { size: 900, downloadSize: 600 }
    const base = { size: 1000, downloadSize: 500 }
    const { checks } = judge(compared(head, base), [maxSize(800), maxDownloadSize(400)], [])
    expect(checks.map(({ status }) => status)).toEqual(['skipped', 'over'])
  })

  it('is judged without a base', () => {
    expect(judge(compared({ size: 1001 }, null), [maxSize(1000)], []).verdict).toBe('over')
  })
})

describe('a growth limit in bytes', () => {
  it.each([
    { growth: -5, status: 'within', excess: null },
    { growth: 0, status: 'within', excess: null },
    { growth: 95, status: 'within', excess: null },
    { growth: 96, status: 'near', excess: null },
    { growth: 100, status: 'near', excess: null },
    { growth: 101, status: 'over', excess: 1 },
  ])('of 100 finds growth by $growth $status', ({ growth, status, excess }) => {
    expect(check(maxIncrease(100), { size: 5000 + growth }, { size: 5000 })).toEqual({
      budget: 'max-increase',
      scope: null,
      level: 'fail',
      over: null,
      limit: 100,
      unit: 'bytes',
      metric: 'size',
      actual: growth,
      status,
      reason: null,
      why: null,
      excess,
      growth,
      uncounted: 0,
      accepted: null,
      against: null,
    })
  })

  it('of 0 is kept, and not nearly broken, by an image that does not grow', () => {
    expect(check(maxIncrease(0), { size: 5000 }, { size: 5000 })?.status).toBe('within')
    expect(check(maxIncrease(0), { size: 5001 }, { size: 5000 })).toMatchObject({ status: 'over', excess: 1 })
  })

  it.each([
    ['the head', { size: null, downloadSize: 70 }, { size: 10, downloadSize: 50 }],
    ['the base', { size: 10, downloadSize: 70 }, { size: null, downloadSize: 50 }],
    ['either side', { size: null, downloadSize: 70 }, { size: null, downloadSize: 50 }],
  ])('applies to the download size where the size of %s was not measured', (_, head, base) => {
    expect(check(maxIncrease(19), head, base)).toMatchObject({ metric: 'download-size', actual: 20, excess: 1 })
  })
})

describe('a growth limit in percent', () => {
  it.each([
    { limit: 3, base: 1_000_000, growth: 30_000, status: 'near', excess: null },
    { limit: 3, base: 1_000_000, growth: 30_001, status: 'over', excess: 1 },
    { limit: 3, base: 1_000_000, growth: 28_500, status: 'within', excess: null },
    { limit: 3, base: 1_000_000, growth: 28_501, status: 'near', excess: null },
    { limit: 2.5, base: 1_000_000, growth: 25_000, status: 'near', excess: null },
    { limit: 2.5, base: 1_000_000, growth: 25_001, status: 'over', excess: 1 },
    // 1.1 % of 999 is 10.989 bytes: 10 are within, 11 are over by a part of a byte, which counts as one.
    { limit: 1.1, base: 999, growth: 10, status: 'within', excess: null },
    { limit: 1.1, base: 999, growth: 11, status: 'over', excess: 1 },
    // In doubles, 0.07 % of 10,000,000 is 7,000.000000000001 and 0.29 % of it 28,999.999999999996.
    { limit: 0.07, base: 10_000_000, growth: 7_000, status: 'near', excess: null },
    { limit: 0.29, base: 10_000_000, growth: 29_000, status: 'near', excess: null },
    { limit: 0.29, base: 10_000_000, growth: 29_001, status: 'over', excess: 1 },
    { limit: 0, base: 1_000_000, growth: 0, status: 'within', excess: null },
    { limit: 0, base: 1_000_000, growth: 1, status: 'over', excess: 1 },
    { limit: 3, base: 1_000_000, growth: -400_000, status: 'within', excess: null },
    { limit: 1e-7, base: 1_000_000_000, growth: 1, status: 'near', excess: null },
    { limit: 1e-7, base: 1_000_000_000, growth: 2, status: 'over', excess: 1 },
    { limit: 1e21, base: 1, growth: 1_000_000, status: 'within', excess: null },
  ])('of $limit % finds growth of $base by $growth $status', ({ limit, base, growth, status, excess }) => {
    expect(check(maxPercent(limit), { size: base + growth }, { size: base })).toMatchObject({ status, excess })
  })

  it('says the growth in percent', () => {
    expect(check(maxPercent(3), { size: 1250 }, { size: 1000 })).toMatchObject({ actual: 25, excess: 220 })
  })

  it('has no percentage from a base of 0: any growth is over, none is within', () => {
    expect(check(maxPercent(50), { size: 9 }, { size: 0 })).toMatchObject({ actual: null, status: 'over', excess: 9 })
    expect(check(maxPercent(50), { size: 0 }, { size: 0 })).toMatchObject({ actual: null, status: 'within' })
  })
})

describe('what cannot be judged', () => {
  it('skips a growth limit without a base, and does not hold it against the change', () => {
    const { checks, verdict } = judge(compared({}, null), [maxIncrease(0), maxPercent(3)], [])
    expect(checks).toMatchObject([
      { status: 'skipped', reason: 'no-baseline', actual: null, excess: null },
      { status: 'skipped', reason: 'no-baseline', actual: null, excess: null },
    ])
    expect(verdict).toBe('within')
  })

  it.each([
    [maxSize(1000), { size: null }, null],
    [maxDownloadSize(1000), { downloadSize: null }, null],
    [maxIncrease(1000), { size: null, downloadSize: null }, { size: null, downloadSize: null }],
    [maxPercent(3), { size: null, downloadSize: 5 }, { size: 5, downloadSize: null }],
  ] as [Budget, Partial<Totals>, Partial<Totals> | null][])(
    'never passes a budget unseen: %j',
    (budget, head, base) => {
      const { checks, verdict } = judge(compared(head, base), [budget], [])
      expect(checks).toMatchObject([{ status: 'skipped', reason: 'not-measured', actual: null, excess: null }])
      expect(verdict).toBe('error')
    },
  )

  it('never passes growth of download sizes that mean nothing beside each other', () => {
    const totals = { size: null, downloadSize: 1000 }
    const unlike = { comparison: { unlikeDownloads: 'packed otherwise' } }
    const comparison = compared(totals, totals, unlike)
    expect(judge(comparison, [maxIncrease(1000)], [])).toMatchObject({
      checks: [{ metric: 'download-size', status: 'skipped', reason: 'not-measured' }],
      verdict: 'error',
    })
    // Where the sizes are known, they are judged.
    const sized = compared({ ...totals, size: 5 }, { ...totals, size: 5 }, unlike)
    expect(judge(sized, [maxIncrease(1000)], [])).toMatchObject({ checks: [{ metric: 'size' }], verdict: 'within' })
  })

  it('does not let a broken budget hide an unmeasured one, nor the other way round', () => {
    const { checks, verdict } = judge(
      compared({ size: 1001, downloadSize: null }, null),
      [maxDownloadSize(10), maxSize(1000)],
      [],
    )
    expect(checks).toMatchObject([
      { budget: 'max-size', status: 'over', excess: 1 },
      { budget: 'max-download-size', reason: 'not-measured' },
    ])
    expect(verdict).toBe('error')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, -0.5])('refuses a limit of %d', (limit) => {
    expect(() => judge(compared({}, {}), [maxSize(limit)], [])).toThrow(RangeError)
  })
})

describe('judge', () => {
  it('lists the checks in one order, whatever the order of the budgets', () => {
    const budgets = [maxPercent(3), maxLayers(12), maxIncrease(5), maxDownloadSize(1), maxSize(1)]
    expect(judge(compared({}, {}), budgets, []).checks.map(({ budget, unit }) => `${budget} ${unit}`)).toEqual([
      'max-size bytes',
      'max-download-size bytes',
      'max-layers layers',
      'max-increase percent',
      'max-increase bytes',
    ])
  })

  it('is within without budgets', () => {
    expect(judge(compared({}, null), [], [])).toEqual({ checks: [], verdict: 'within' })
  })

  const bytes = fc.nat({ max: 3_000_000_000 })
  const anyBudget = fc.oneof(
    bytes.map(maxSize),
    bytes.map(maxIncrease),
    fc.nat({ max: 20_000 }).map((hundredths) => maxPercent(hundredths / 100)),
  )
  const severity = ['within', 'near', 'over']

  it('never finds an image over that did not grow', () => {
    fc.assert(
      fc.property(anyBudget, bytes, bytes, (budget, one, other) => {
        const comparison = compared({ size: Math.min(one, other) }, { size: Math.max(one, other) })
        expect(judge(comparison, [budget], []).verdict).toBe('within')
      }),
    )
  })

  it('never finds a larger image better than a smaller one', () => {
    fc.assert(
      fc.property(anyBudget, bytes, bytes, bytes, (budget, before, one, other) => {
        const base = budget.budget === 'max-size' ? null : { size: before }
        const smaller = check(budget, { size: Math.min(one, other) }, base)
        const larger = check(budget, { size: Math.max(one, other) }, base)
        expect(severity.indexOf(larger?.status ?? '')).toBeGreaterThanOrEqual(severity.indexOf(smaller?.status ?? ''))
        expect(larger?.excess ?? 0).toBeGreaterThanOrEqual(smaller?.excess ?? 0)
      }),
    )
  })

  it('finds growth by the excess less within the limit, and over by what is still above it', () => {
    fc.assert(
      fc.property(anyBudget, bytes, bytes, (budget, before, growth) => {
        const size = before + growth
        const excess = check(budget, { size }, { size: before })?.excess ?? 0
        fc.pre(excess > 0 && size - excess >= 0)
        expect(check(budget, { size: size - excess }, { size: before })?.status).not.toBe('over')
        const oneMore = size - excess + 1
        fc.pre(oneMore > before)
        expect(check(budget, { size: oneMore }, { size: before })).toMatchObject({ status: 'over', excess: 1 })
      }),
    )
  })
})

describe('worstVerdict', () => {
  it('puts error before over before within', () => {
    expect(worstVerdict(['within', 'over', 'error'])).toBe('error')
    expect(worstVerdict(['over', 'within'])).toBe('over')
    expect(worstVerdict(['within', 'within'])).toBe('within')
    expect(worstVerdict([])).toBe('within')
  })
})
