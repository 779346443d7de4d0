import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { isoSeconds } from '../../src/clock.ts'
import { compact, inOrder, pointOf, pointsIn } from '../../src/record/points.ts'
import type { Point } from '../../src/record/record.ts'
import { classicEngine } from '../support/measurements.ts'
import { anyPoint, aPoint, aRecord, commitOf } from '../support/records.ts'

const NONE: ReadonlySet<string> = new Set()

function withPoint(points: readonly Point[], point: Point): Point[] {
  return inOrder([...points.filter(({ commit }) => commit !== point.commit), point])
}

function at(time: string, seed = time): Point {
  return aPoint({ at: time, commit: commitOf(seed) })
}

/** What is kept of these days' points (at 10:00 unless a time is given), when the last is of `now`: their times. */
function keptOf(now: string, times: string[], released: ReadonlySet<string> = NONE): string[] {
  const points = [...times, now].map((time) => at(time.length === 10 ? `${time}T10:00:00Z` : time, time))
  const newest = points.at(-1)!.at
  return pointsIn(compact(points, { now: newest, released })).map((point) => point.at.replace('T10:00:00Z', ''))
}

describe('a point', () => {
  it('is a record’s figures', () => {
    const caps = { size: 1, downloadSize: null, layers: 3 }
    const record = aRecord({ caps }, { downloadSize: 9, engine: classicEngine })
    expect(pointOf(record)).toEqual({
      commit: record.commit,
      at: '2026-11-21T10:00:00Z',
      size: 3_000_000,
      downloadSize: 9,
      layers: 3,
      caps,
      store: 'classic',
      sizeFrom: 'content',
    })
    expect(pointOf(aRecord({}, { engine: null })).store).toBeNull()
  })

  it('is never later than the record was measured, whatever the clock of who committed it', () => {
    const record = aRecord({ committedAt: '2099-01-01T00:00:00Z', measuredAt: '2026-11-21T10:00:00Z' })
    expect(pointOf(record).at).toBe('2026-11-21T10:00:00Z')
    expect(pointOf({ ...record, committedAt: '2026-01-01T00:00:00Z' }).at).toBe('2026-01-01T00:00:00Z')
  })

  it('has a time that is in the order of the times, whatever a clock says', () => {
    const measuredAt = '2026-11-21T10:00:00Z'
    for (const committedAt of ['+010000-01-01T00:00:00Z', '-000001-12-31T00:00:00Z', isoSeconds(8.7e15)])
      expect(pointOf(aRecord({ committedAt, measuredAt })).at).toBe(measuredAt)
    expect(pointOf(aRecord({ committedAt: isoSeconds(-1e15), measuredAt })).at).toBe('1970-01-01T00:00:00Z')
  })
})

describe('of the history', () => {
  it('this month’s and the month before’s points all stay', () => {
    const times = ['2026-12-01', '2026-12-01T10:00:01Z', '2026-12-01T10:00:02Z', '2027-01-31', '2027-01-31T11:00:00Z']
    expect(keptOf('2027-01-31T12:00:00Z', times)).toEqual([...times, '2027-01-31T12:00:00Z'])
  })

  it('each file has its month’s', () => {
    const points = ['2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z', '2026-11-30T23:59:59Z'].map((time) => at(time))
    const { recent, older } = compact(points, { now: '2027-01-01T00:00:00Z', released: NONE })
    expect([...recent]).toEqual([
      ['2026-12', [points[0]]],
      ['2027-01', [points[1]]],
    ])
    expect(older).toEqual([points[2]])
  })

  it('the last of each day stays for a year before', () => {
    expect(
      keptOf('2026-11-21', [
        '2026-09-30T23:59:59Z',
        '2026-09-30',
        '2026-09-29',
        '2025-10-01',
        '2025-10-01T09:00:00Z',
        '2025-10-02',
      ]),
    ).toEqual(['2025-10-01', '2025-10-02', '2026-09-29', '2026-09-30T23:59:59Z', '2026-11-21'])
  })

  it('the last of each week stays beyond: weeks begin on Mondays', () => {
    // 2025-09-22 was a Monday.
    expect(
      keptOf('2026-11-21', [
        '2025-09-20',
        '2025-09-21',
        '2025-09-22',
        '2025-09-28',
        '2025-09-28T09:59:59Z',
        '2025-09-29',
      ]),
    ).toEqual(['2025-09-21', '2025-09-28', '2025-09-29', '2026-11-21'])
  })

  it('what was released stays', () => {
    expect(keptOf('2026-11-21', ['2024-01-01', '2024-01-02', '2024-01-03'], new Set([commitOf('2024-01-01')]))).toEqual(
      ['2024-01-01', '2024-01-03', '2026-11-21'],
    )
  })

  it('of the first years of the era as well', () => {
    expect(keptOf('0000-01-02', ['0000-01-01'])).toEqual(['0000-01-01', '0000-01-02'])
  })

  const history = fc.array(anyPoint(-1_500, 5), { maxLength: 40 }).map(inOrder)
  /** Many a day. */
  const dense = fc.array(anyPoint(-70, -55), { maxLength: 40 }).map(inOrder)
  const points = fc.oneof(
    history,
    dense,
    fc.tuple(history, dense).map((both) => inOrder(both.flat())),
  )
  const released = fc.array(fc.nat({ max: 50 }).map(commitOf), { maxLength: 5 }).map((commits) => new Set(commits))
  const newest = (of: readonly Point[]): string => inOrder(of).at(-1)?.at ?? '2026-11-21T10:00:00Z'
  const kept = (of: readonly Point[], releases: ReadonlySet<string>): Point[] =>
    pointsIn(compact(of, { now: newest(of), released: releases }))

  it('nothing is lost of two months, and nothing that was released; nothing is made up', () => {
    fc.assert(
      fc.property(points, released, (all, releases) => {
        const left = kept(all, releases)
        for (const point of left) expect(all).toContain(point)
        const now = newest(all)
        const before = new Date(Date.UTC(Number(now.slice(0, 4)), Number(now.slice(5, 7)) - 2)).toISOString()
        const months = new Set([now, before].map((time) => time.slice(0, 7)))
        for (const point of all) {
          if (months.has(point.at.slice(0, 7)) || releases.has(point.commit)) expect(left).toContain(point)
        }
        expect(left).toEqual(inOrder(left))
      }),
      { numRuns: 500 },
    )
  })

  it('as much is lost as the days and weeks say, and of each of them the last is there', () => {
    fc.assert(
      fc.property(points, (all) => {
        const now = newest(all)
        const { older } = compact(all, { now, released: NONE })
        const [year, month] = [Number(now.slice(0, 4)), Number(now.slice(5, 7)) - 1]
        const [daily, whole] = [Date.UTC(year, month - 13), Date.UTC(year, month - 1)]
        const time = (point: Point): number => Date.parse(point.at)
        /** The Monday before. */
        const monday = (point: Point): number => {
          const date = new Date(time(point))
          return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
        }
        const isLast = (point: Point): boolean =>
          !all.some((other) => {
            if (time(point) >= daily) return other.at.slice(0, 10) === point.at.slice(0, 10) && isAfter(other, point)
            return time(other) < daily && monday(other) === monday(point) && isAfter(other, point)
          })
        const isAfter = (one: Point, other: Point): boolean => inOrder([one, other])[1] === one && one !== other
        expect(older).toEqual(all.filter((point) => time(point) < whole && isLast(point)))
        expect(older.length).toBeLessThanOrEqual(366 + 5 * 53)
      }),
      { numRuns: 500 },
    )
  })

  it('the same is kept in whatever order it came, and however often it is thinned out on the way', () => {
    fc.assert(
      fc.property(points, fc.array(fc.nat()), released, (all, keys, releases) => {
        const shuffled = all
          .map((point, index) => ({ point, key: keys[index % Math.max(1, keys.length)] ?? 0 }))
          .toSorted((one, other) => one.key - other.key)
          .map(({ point }) => point)
        let stepwise: Point[] = []
        for (const point of shuffled) stepwise = kept(withPoint(stepwise, point), releases)
        const once = kept(shuffled, releases)
        expect(stepwise).toEqual(once)
        expect(kept(once, releases)).toEqual(once)
        expect(kept(all, releases)).toEqual(once)
      }),
      { numRuns: 500 },
    )
  })
})
