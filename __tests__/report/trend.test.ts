import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { plain } from '../../src/report/phrase.ts'
import { trendWords } from '../../src/report/trend.ts'
import { budget, failedImage, imageReport, totals, trend, type ImageFacts } from '../support/reports.ts'

/** The trend of records of these sizes and then this change's, as it reads. */
function words(records: readonly (number | null)[], now: number, facts: ImageFacts = {}): string | null {
  const trended = trendWords(imageReport({ head: totals({ size: now }), trend: trend(records), ...facts }))
  return trended === null ? null : plain(trended)
}

const MB = 1_000_000

describe('trendWords', () => {
  it('says from when on, over how many records, and by how much, this change included', () => {
    expect(words([100 * MB, 100 * MB, 104 * MB, 110 * MB], 120 * MB)).toBe(
      'Size over time: ▁▁▂▅█ +20.0 MB (+20.0 %) over 4 records since 2026-10-03, this change included',
    )
  })

  it('tells shrinking, too', () => {
    expect(words([1_000 * MB, 400 * MB, 180 * MB], 170 * MB)).toBe(
      'Size over time: █▃▁▁ −830.0 MB (−83.0 %) over 3 records since 2026-10-03, this change included',
    )
  })

  it.each([
    ['nothing', 0],
    ['less than 10 kB', 9_999],
  ])('says that it is the same where it moved by %s', (_, moved) => {
    expect(words([148 * MB, 148 * MB, 148 * MB], 148 * MB + moved)).toBe(
      'Size over time: the same over 3 records since 2026-10-03, and with this change',
    )
  })

  it('does not make a mountain of less than 1 %', () => {
    expect(words([148 * MB, 148 * MB + 300_000, 148 * MB], 149 * MB)).toBe(
      'Size over time: ▄▄▄▄ nearly the same, +1.0 MB (+0.7 %) over 3 records since 2026-10-03, this change included',
    )
  })

  it('draws a small change small', () => {
    expect(words([148 * MB, 148 * MB, 148 * MB], 151 * MB)).toMatch(/: ▄▄▄▅ \+3\.0 MB \(\+2\.0 %\) /)
  })

  it('says when this change is back where the records began', () => {
    expect(words([148 * MB, 190 * MB, 190 * MB], 148 * MB)).toBe(
      'Size over time: ▁██▁ with this change as it was on 2026-10-03, 3 records ago',
    )
  })

  it.each<[string, ImageFacts]>([
    ['fewer than three records', { trend: trend([148 * MB, 149 * MB]) }],
    ['fewer than three records with a size', { trend: trend([148 * MB, null, null, 149 * MB]) }],
    ['no records', {}],
    ['an image that could not be measured', { ...failedImage(), trend: trend() }],
    [
      'an image of which only the layers are known',
      { head: totals({ size: null, downloadSize: null }), budgets: [], trend: trend() },
    ],
    [
      "download sizes that cannot be compared with the base's",
      {
        head: totals({ size: null, downloadSize: 51 * MB }),
        unlikeDownloads: 'they are packed otherwise',
        trend: trend(),
      },
    ],
  ])('says nothing of %s', (_, facts) => {
    expect(trendWords(imageReport(facts))).toBeNull()
  })

  it('is of the download size where that is what the image is spoken of in', () => {
    const head = totals({ size: null, downloadSize: 51 * MB })
    const facts = {
      head,
      budgets: [budget('max-download-size', 60 * MB)],
      trend: trend([100 * MB, 110 * MB, 120 * MB]),
    }
    expect(plain(trendWords(imageReport(facts))!)).toMatch(/^Download size over time: .* \+16\.6 MB /)
  })

  it('has a bar for each record and this change, none lower for a larger size', () => {
    const size = fc.nat({ max: 2_000 * MB })
    fc.assert(
      fc.property(fc.array(size, { minLength: 3, maxLength: 20 }), size, (records, now) => {
        const bars = Array.from(/: ([▁-█]+) /.exec(words(records, now) ?? '')?.[1] ?? '')
        if (bars.length === 0) return
        const sizes = [...records, now]
        expect(bars.length).toBe(sizes.length)
        const order = sizes.map((_, index) => index).toSorted((left, right) => sizes[left]! - sizes[right]!)
        const rising = order.map((index) => bars[index]!)
        expect(rising).toEqual(rising.toSorted())
      }),
    )
  })
})
