import { describe, expect, it } from '@jest/globals'
import { isNoteworthy } from '../../src/report/noteworthy.ts'
import {
  STATES,
  branchHistory,
  budget,
  creepBudget,
  finding,
  imageReport,
  report,
  totals,
  type ImageFacts,
} from '../support/reports.ts'

const download = (bytes: number) => ({
  base: totals({ size: null, downloadSize: 50_000_000 }),
  head: totals({ size: null, downloadSize: bytes }),
  budgets: [],
})

describe('isNoteworthy', () => {
  it.each<[string, ImageFacts]>([
    ['nothing', {}],
    ['less than 10 kB more', { head: totals({ size: 148_209_999 }) }],
    ['less than 10 kB less', { head: totals({ size: 148_190_001 }) }],
    ["the compressor's noise: 0.1 % of the download", download(50_049_999)],
    [
      'no comparison where none was asked for',
      {
        base: null,
        change: null,
        baseline: {
          kind: 'none',
          commit: null,
          ref: null,
          reason: 'none was asked for',
          record: null,
          passedOver: null,
        },
      },
    ],
    ['a budget nearly used up before', { budgets: [budget('max-size', 150_000_000)] }],
    ['a secret that was there before', { findings: [finding({ rule: 'secrets', since: 'before' })] }],
    ['a budget broken before', { budgets: [budget('max-size', 140_000_000)] }],
    ['growth over time, broken before', { budgets: [creepBudget(1_000_000)], history: branchHistory() }],
    [
      'growth over time without a record',
      { budgets: [creepBudget(1_000_000)], history: { ...branchHistory(), points: [] } },
    ],
    ['a cap that could be lower', { budgets: [budget('max-size', 300_000_000)] }],
  ])('is quiet about %s', (_, overrides) => {
    expect(isNoteworthy(report({ images: [imageReport(overrides)] }))).toBe(false)
  })

  it.each<[string, ImageFacts]>([
    [
      'growth over time, broken by a few bytes',
      { head: totals({ size: 148_200_001 }), budgets: [creepBudget(1_000_000)], history: branchHistory() },
    ],
    ['10 kB more', { head: totals({ size: 148_210_000 }) }],
    ['10 kB less', { head: totals({ size: 148_190_000 }) }],
    ['0.1 % more to download', download(50_050_000)],
    ['a secret, which weighs nothing', { findings: [finding({ rule: 'secrets', since: 'new' })] }],
    ['another layer of no size', { head: totals({ layers: 10 }) }],
    [
      'a base that could not be built',
      {
        base: null,
        change: null,
        baseline: {
          kind: 'none',
          commit: null,
          ref: 'main',
          reason: 'it did not build',
          record: null,
          passedOver: null,
        },
      },
    ],
    ['nothing measured on either side', { base: totals({ size: null }), head: totals({ size: null }), budgets: [] }],
  ])('speaks of %s', (_, overrides) => {
    expect(isNoteworthy(report({ images: [imageReport(overrides)] }))).toBe(true)
  })

  it.each(['over', 'failed', 'not-measured', 'base-image', 'soft-limit', 'parts', 'forbidden', 'waived'])(
    'speaks of: %s',
    (state) => {
      expect(isNoteworthy(STATES[state] ?? report())).toBe(true)
    },
  )

  it('speaks of one image among many', () => {
    expect(isNoteworthy(report({ images: [imageReport(), imageReport({ head: totals({ layers: 10 }) })] }))).toBe(true)
  })
})
