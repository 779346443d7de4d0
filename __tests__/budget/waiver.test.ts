import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Budget, Scope } from '../../src/budget/budget.ts'
import { NO_HISTORY, type History } from '../../src/budget/history.ts'
import { judge, verdictOf } from '../../src/budget/judge.ts'
import { isWaivable, shownOf, waive, type Shown } from '../../src/budget/waiver.ts'
import type { Change, Comparison, Totals } from '../../src/compare/comparison.ts'
import { aLayer, compared } from '../support/measurements.ts'

const budget = (
  name: Budget['budget'],
  limit: number,
  scope: Scope | null = null,
  more: Partial<Budget> = {},
): Budget => ({
  budget: name,
  scope,
  level: 'fail',
  over: null,
  limit,
  unit: name === 'max-layers' ? 'layers' : 'bytes',
  ...more,
})

const own: Scope = { kind: 'stage', of: 'runtime' }

/** A record of 1,000 bytes, long ago, of a released commit. */
const RECORDS: History = {
  points: [
    {
      commit: 'a'.repeat(40),
      at: '2025-01-01T00:00:00Z',
      size: 1000,
      downloadSize: null,
      layers: 3,
      caps: { size: null, downloadSize: null, layers: null },
      store: 'classic',
      sizeFrom: 'content',
    },
  ],
  releases: [{ name: 'v1', commit: 'a'.repeat(40) }],
  now: '2026-01-01T00:00:00Z',
  problem: null,
}

type Judged = ReturnType<typeof judge> & { name: string; platform: string; change: Comparison['change'] }

/** Judged by its totals; of a stage, by `parts` bytes before and after. */
function judged(
  head: Partial<Totals>,
  base: Partial<Totals> | null,
  budgets: Budget[],
  parts: [number, number] = [0, 0],
  history: History = NO_HISTORY,
): Judged {
  const [before, after] = parts.map((size) => ({ layers: [aLayer('RUN x', { size, stage: 'runtime' })] }))
  const of = compared(head, base, { head: after!, base: before! })
  const amount = (metric: 'size' | 'downloadSize' | 'layers'): Change | null => {
    const [now, was] = [of.comparison.head[metric], of.comparison.base?.[metric] ?? null]
    return now === null || was === null ? null : { amount: now - was, percent: null }
  }
  const change = base && {
    size: amount('size'),
    downloadSize: amount('downloadSize'),
    layers: amount('layers'),
    ownSize: null,
    ownDownloadSize: null,
    ownLayers: null,
    wasted: null,
  }
  return { name: 'shop', platform: 'linux/amd64', change, ...judge(of, budgets, [], history) }
}

const shown = (image: Judged): Shown[] => [shownOf(image)!]
const statuses = ({ checks }: Pick<Judged, 'checks'>): string[] => checks.map(({ status }) => status)

describe('growth that was accepted', () => {
  const budgets = [budget('max-size', 1000), budget('max-layers', 10), budget('max-increase', 50)]
  const seen = judged({ size: 1100, layers: 11 }, { size: 950, layers: 8 }, budgets)

  it('waives every check that it breaks, and the verdict', () => {
    const waived = waive(seen, shown(seen))
    expect(statuses(waived)).toEqual(['waived', 'waived', 'waived'])
    expect(waived.checks.map(({ accepted }) => accepted)).toEqual([150, 3, 150])
    expect(waived.verdict).toBe('within')
    expect(waived.checks.map(({ excess }) => excess)).toEqual([100, 1, 100])
  })

  it('is growth, not size: it still holds when the base grows below it', () => {
    const later = judged({ size: 1300, layers: 11 }, { size: 1150, layers: 8 }, budgets)
    expect(waive(later, shown(seen)).verdict).toBe('within')
  })

  it('is void from one byte more on, and of one layer more for the layers', () => {
    const more = judged({ size: 1101, layers: 11 }, { size: 950, layers: 8 }, budgets)
    expect(statuses(waive(more, shown(seen)))).toEqual(['over', 'waived', 'over'])
    expect(waive(more, shown(seen))).toMatchObject({
      verdict: 'over',
      checks: [{ accepted: 150, growth: 151 }, {}, {}],
    })
    const layers = judged({ size: 1100, layers: 12 }, { size: 950, layers: 8 }, budgets)
    expect(statuses(waive(layers, shown(seen)))).toEqual(['waived', 'over', 'waived'])
  })

  it('is that of its image and platform', () => {
    expect(waive(seen, [{ ...shown(seen)[0]!, platform: 'linux/arm64' }])).toBe(seen)
    expect(waive(seen, [{ ...shown(seen)[0]!, name: 'other' }])).toBe(seen)
    expect(waive(seen, [])).toBe(seen)
  })

  it('waives what growth over times comes to, whichever of them it breaks, and no more than the change’s own', () => {
    const times = [
      budget('max-increase', 100, null, { over: { kind: 'days', days: 30 } }),
      budget('max-increase', 120, null, { over: { kind: 'days', days: 90 } }),
      budget('max-increase', 10, null, { over: { kind: 'release' }, unit: 'percent' }),
      budget('max-increase', 200, null, { over: { kind: 'days', days: 7 } }),
    ]
    const at = (size: number, base: number): Judged => judged({ size }, { size: base }, times, [0, 0], RECORDS)
    const before = at(1130, 1080)
    expect(statuses(before)).toEqual(['over', 'over', 'over', 'within'])
    const waived = waive(before, shown(before))
    expect(statuses(waived)).toEqual(['waived', 'waived', 'waived', 'within'])
    expect(waived).toMatchObject({ verdict: 'within', checks: [{ accepted: 50, excess: 30 }, { excess: 10 }, {}, {}] })
    // The base branch grew since: the change is still what was accepted, though more of the times are broken now.
    expect(statuses(waive(at(1230, 1180), shown(before)))).toEqual(['waived', 'waived', 'waived', 'waived'])
    expect(statuses(waive(at(1231, 1180), shown(before)))).toEqual(['over', 'over', 'over', 'over'])
    // What did not grow the image is no growth that anybody has to accept.
    expect(at(1130, 1130).checks.some(isWaivable)).toBe(false)
    expect(judged({ size: 1130 }, null, times, [0, 0], RECORDS).checks.some(isWaivable)).toBe(false)
  })

  it('of a part of the image is the part’s own', () => {
    const parts = [budget('max-size', 10, own), budget('max-increase', 5, own)]
    const before = judged({ size: 1000 }, { size: 900 }, parts, [0, 60])
    const accepted = shown(before)
    expect(waive(before, accepted).verdict).toBe('within')
    // The whole grows no more than what was accepted, the part does.
    const more = judged({ size: 1000 }, { size: 900 }, parts, [0, 61])
    expect(waive(more, accepted)).toMatchObject({ verdict: 'over', checks: [{ accepted: 60 }, { accepted: 60 }] })
    // A budget that was not broken when the label was set.
    const other = judged({ size: 1000 }, { size: 900 }, [budget('max-layers', 0, own)], [0, 60])
    expect(waive(other, accepted)).toMatchObject({ checks: other.checks, verdict: other.verdict })
  })

  it('never waives what is forbidden, or could not be measured', () => {
    const forbidden = { ...seen.checks[0]!, metric: 'findings', budget: 'forbid', unit: 'findings' } as const
    const missing = { ...seen.checks[0]!, status: 'skipped', reason: 'not-measured' } as const
    const checks = [forbidden, missing]
    expect(checks.some(isWaivable)).toBe(false)
    const image = { ...seen, checks, verdict: verdictOf(checks) }
    expect(waive(image, shown(seen))).toMatchObject({ checks, verdict: 'error' })
    const failed = { ...seen, checks: [], verdict: 'error' as const }
    expect(waive(failed, shown(seen))).toBe(failed)
  })

  it('is none without a comparison', () => {
    const alone = judged({ size: 1100 }, null, [budget('max-size', 1000)])
    expect(shownOf(alone)).toBeNull()
    expect(alone.checks.some(isWaivable)).toBe(false)
  })

  it('holds for all that grows less, and where more was accepted', () => {
    const bytes = fc.nat({ max: 1_000_000 })
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, bytes, (limit, base, growth, accepted, less) => {
        const verdict = (grown: number, up: number): string => {
          const image = judged({ size: base + grown }, { size: base }, [
            budget('max-size', limit),
            budget('max-increase', limit),
          ])
          const growthOf = { size: up, downloadSize: null, layers: null }
          return waive(image, [{ name: 'shop', platform: 'linux/amd64', growth: growthOf, parts: [] }]).verdict
        }
        if (growth <= accepted) expect(verdict(growth, accepted)).toBe('within')
        if (verdict(growth, accepted) === 'within') {
          expect(verdict(Math.max(0, growth - less), accepted)).toBe('within')
          expect(verdict(growth, accepted + less)).toBe('within')
        }
      }),
    )
  })
})
