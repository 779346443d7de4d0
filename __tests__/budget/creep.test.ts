import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Budget, Check } from '../../src/budget/budget.ts'
import { NO_HISTORY, type History } from '../../src/budget/history.ts'
import { judge } from '../../src/budget/judge.ts'
import type { Compared } from '../../src/compare/compare.ts'
import type { Comparison, Totals } from '../../src/compare/comparison.ts'
import type { Measurement } from '../../src/image/measurement.ts'
import type { Over } from '../../src/inputs/budget-lines.ts'
import type { Point } from '../../src/record/record.ts'
import { aMeasurement, classicEngine, compared, containerdEngine } from '../support/measurements.ts'

const month: Over = { kind: 'days', days: 30 }
const release: Over = { kind: 'release' }

function limit(amount: number, over: Over = month, more: Partial<Budget> = {}): Budget {
  return { budget: 'max-increase', scope: null, level: 'fail', over, limit: amount, unit: 'bytes', ...more }
}

const HEAD = 'd4e5f6a000000000000000000000000000000000'
const commit = (digit: string): string => digit.repeat(40)

/** Of 1,000 bytes and 400 to download, on the classic store, 40 days before `NOW`. */
function point(overrides: Partial<Point> = {}): Point {
  return {
    commit: commit('1'),
    at: '2026-03-22T12:00:00Z',
    size: 1000,
    downloadSize: 400,
    layers: 5,
    caps: { size: null, downloadSize: null, layers: null },
    store: 'classic',
    sizeFrom: 'content',
    ...overrides,
  }
}

const NOW = '2026-05-01T12:00:00.000Z'

function history(points: Point[], more: Partial<History> = {}): History {
  return { points, releases: [], now: NOW, problem: null, ...more }
}

type Sides = { head?: Partial<Totals>; base?: Partial<Totals> | null; measured?: Partial<Measurement> } & Partial<
  Pick<Comparison, 'baseImage' | 'unlikeDownloads'>
>

/** An image of a size, of which only that size is measured; by default without a base. */
function image(size: number | null, { head, base = null, measured = {}, ...comparison }: Sides = {}): Compared {
  return compared({ size, downloadSize: null, ...head }, base && { downloadSize: null, ...base }, {
    head: { commit: HEAD, engine: classicEngine, sizeFrom: 'content', size, downloadSize: null, ...measured },
    comparison,
  })
}

function check(of: Compared, budget: Budget, known: History): Check & { verdict: string } {
  const { checks, verdict } = judge(of, [budget], [], known)
  return { ...checks[0]!, verdict }
}

describe('growth over a time', () => {
  it.each([
    { size: 900, status: 'within', excess: null },
    { size: 1095, status: 'within', excess: null },
    { size: 1096, status: 'near', excess: null },
    { size: 1100, status: 'near', excess: null },
    { size: 1101, status: 'over', excess: 1 },
  ])('of 100 bytes finds $size after 1,000 $status', ({ size, status, excess }) => {
    expect(judge(image(size), [limit(100)], [], history([point()])).checks).toEqual([
      {
        budget: 'max-increase',
        scope: null,
        level: 'fail',
        over: month,
        limit: 100,
        unit: 'bytes',
        metric: 'size',
        actual: size - 1000,
        status,
        reason: null,
        why: null,
        excess,
        growth: null,
        uncounted: 0,
        accepted: null,
        against: { commit: commit('1'), at: '2026-03-22T12:00:00Z', tag: null },
      },
    ])
  })

  it.each([
    { percent: 10, recorded: 1000, size: 1100, status: 'near', excess: null },
    { percent: 10, recorded: 1000, size: 1101, status: 'over', excess: 1 },
    // 1.1 % of 999 is 10.989 bytes: 10 are within, 11 are over by a part of a byte, which counts as one.
    { percent: 1.1, recorded: 999, size: 1009, status: 'within', excess: null },
    { percent: 1.1, recorded: 999, size: 1010, status: 'over', excess: 1 },
    // In doubles, 0.07 % of 10,000,000 is 7,000.000000000001.
    { percent: 0.07, recorded: 10_000_000, size: 10_007_000, status: 'near', excess: null },
    { percent: 50, recorded: 0, size: 9, status: 'over', excess: 9 },
  ])('of $percent % of $recorded finds $size $status', ({ percent, recorded, size, status, excess }) => {
    const budget = limit(percent, month, { unit: 'percent' })
    const found = check(image(size), budget, history([point({ size: recorded })]))
    expect(found).toMatchObject({
      status,
      excess,
      actual: recorded === 0 ? null : ((size - recorded) / recorded) * 100,
    })
  })

  it('breaks the verdict, and as a soft limit does not', () => {
    const known = history([point()])
    expect(check(image(1101), limit(100), known).verdict).toBe('over')
    expect(check(image(1101), limit(100, month, { level: 'warn' }), known)).toMatchObject({
      status: 'warned',
      excess: 1,
      verdict: 'within',
    })
  })

  it('is that of several changes: none of them has all of it', () => {
    const known = history([point()])
    const { checks, verdict } = judge(
      image(1101, { base: { size: 1090 } }),
      [limit(100), limit(50, month, { over: null })],
      [],
      known,
    )
    expect(checks.map(({ status, growth, actual }) => ({ status, growth, actual }))).toEqual([
      { status: 'over', growth: 11, actual: 101 },
      { status: 'within', growth: 11, actual: 11 },
    ])
    expect(verdict).toBe('over')
  })

  const bytes = fc.nat({ max: 3_000_000_000 })
  const anyLimit = fc.oneof(
    bytes.map((each) => limit(each)),
    fc.nat({ max: 20_000 }).map((hundredths) => limit(hundredths / 100, month, { unit: 'percent' })),
  )
  /** What is allowed above the record, in whole bytes: hundredths of a percent are ten thousandths. */
  const allowance = ({ limit: amount, unit }: Budget, recorded: number): number =>
    unit === 'bytes' ? amount : Number((BigInt(Math.round(amount * 100)) * BigInt(recorded)) / 10_000n)

  it('is never over at or below the record and what is allowed above it, and over from one byte more on', () => {
    fc.assert(
      fc.property(anyLimit, bytes, bytes, (budget, recorded, less) => {
        const known = history([point({ size: recorded })])
        const most = recorded + allowance(budget, recorded)
        expect(check(image(Math.max(0, most - less)), budget, known)).toMatchObject({ excess: null, verdict: 'within' })
        expect(check(image(most), budget, known).status).not.toBe('over')
        expect(check(image(most + 1), budget, known)).toMatchObject({ status: 'over', excess: 1 })
        expect(check(image(most + 1 + less), budget, known)).toMatchObject({ status: 'over', excess: 1 + less })
      }),
    )
  })

  it('never finds a larger image better than a smaller one', () => {
    const severity = ['within', 'near', 'skipped', 'over']
    const anyBase = fc.option(bytes)
    fc.assert(
      fc.property(anyLimit, bytes, bytes, bytes, anyBase, (budget, recorded, one, other, base) => {
        const known = history([point({ size: recorded })])
        const of = (size: number): ReturnType<typeof check> =>
          check(image(size, { base: base === null ? null : { size: base } }), budget, known)
        const [smaller, larger] = [of(Math.min(one, other)), of(Math.max(one, other))]
        expect(severity.indexOf(larger.status)).toBeGreaterThanOrEqual(severity.indexOf(smaller.status))
        expect(larger.excess ?? 0).toBeGreaterThanOrEqual(smaller.excess ?? 0)
        if (smaller.verdict === 'over') expect(larger.verdict).toBe('over')
      }),
    )
  })
})

describe('a change that growth over a time is not charged to', () => {
  const known = history([point()])

  it.each([
    { size: 1500, base: 1500 },
    { size: 1400, base: 1500 },
  ])('does not make it worse: $base to $size', ({ size, base }) => {
    expect(check(image(size, { base: { size: base } }), limit(100), known)).toMatchObject({
      status: 'skipped',
      reason: 'over-before',
      excess: size - 1100,
      against: { commit: commit('1') },
      verdict: 'within',
    })
  })

  it('makes it worse by one byte: then it is', () => {
    expect(check(image(1501, { base: { size: 1500 } }), limit(100), known)).toMatchObject({
      status: 'over',
      growth: 1,
      excess: 401,
    })
  })

  const moved = (growth: number): Comparison['baseImage'] => ({
    before: null,
    after: null,
    change: 'changed',
    doing: 'drift',
    growth: { size: growth, downloadSize: null, layers: 0 },
    why: null,
  })

  it.each([
    { size: 1200, base: 1050, drift: 150, status: 'skipped', reason: 'base-image', uncounted: 150 },
    // Its own 80 bytes are within what is allowed.
    { size: 1200, base: 1000, drift: 120, status: 'skipped', reason: 'base-image', uncounted: 120 },
    // It was over before, and what it does of its own makes it smaller.
    { size: 1500, base: 1450, drift: 60, status: 'skipped', reason: 'base-image', uncounted: 60 },
    // Without the base image's 40 bytes it is over all the same.
    { size: 1200, base: 1050, drift: 40, status: 'over', reason: null, uncounted: 0 },
  ])('from $base to $size, $drift of it by the base image: $status', ({ size, base, drift, ...expected }) => {
    const of = image(size, { base: { size: base }, baseImage: moved(drift) })
    expect(check(of, limit(100), known)).toMatchObject(expected)
  })
})

describe('the record of so many days ago', () => {
  const at = (day: number, time = '12:00:00', digit = '1'): Point =>
    point({ at: `2026-04-${String(day).padStart(2, '0')}T${time}Z`, commit: commit(digit) })

  it('is the newest that is that old, to the second', () => {
    const points = [
      point(),
      at(1, '11:59:59', '2'),
      at(1, '12:00:00', '3'),
      at(1, '12:00:01', '4'),
      at(20, '00:00:00', '5'),
    ]
    expect(check(image(1000), limit(100), history(points)).against?.commit).toBe(commit('3'))
    expect(check(image(1000), limit(100, { kind: 'days', days: 31 }), history(points)).against?.commit).toBe(
      commit('1'),
    )
    expect(check(image(1000), limit(100, { kind: 'days', days: 11 }), history(points)).against?.commit).toBe(
      commit('5'),
    )
  })

  it.each([
    [[at(19)], 'the oldest record is 12 days old'],
    [[at(19, '12:00:01')], 'the oldest record is 11 days old'],
    [[at(30)], 'the oldest record is 1 day old'],
    [[at(30, '23:00:00')], 'the oldest record is less than a day old'],
    // A clock that runs ahead.
    [[point({ at: '2027-01-01T00:00:00Z' })], 'the oldest record is less than a day old'],
    [[], 'there is no record yet'],
  ])('may not be there yet: %j', (points, why) => {
    expect(check(image(9999), limit(100), history(points))).toMatchObject({
      status: 'skipped',
      reason: 'no-record',
      why,
      actual: null,
      excess: null,
      against: null,
      verdict: 'within',
    })
  })
})

describe('the record of the last release', () => {
  const points = ['1', '2', '3', '4'].map((digit) =>
    point({ commit: commit(digit), at: `2026-04-0${digit}T00:00:00Z` }),
  )
  const tagged = (...tags: [name: string, commit: string][]): History =>
    history(points, { releases: tags.map(([name, of]) => ({ name, commit: of })) })

  it('is the newest of those that have a tag, however old', () => {
    const known = tagged(['v2', commit('3')], ['v1', commit('1')], ['other', commit('9')])
    expect(check(image(1101), limit(100, release), known)).toMatchObject({
      status: 'over',
      excess: 1,
      against: { commit: commit('3'), at: '2026-04-03T00:00:00Z', tag: 'v2' },
    })
  })

  it('is not that of the commit itself, which the release is of', () => {
    const known = tagged(['v2', commit('4')], ['v1', commit('2')])
    const of = image(1000, { measured: { commit: commit('4') } })
    expect(check(of, limit(100, release), known).against).toMatchObject({ commit: commit('2'), tag: 'v1' })
    expect(check(image(1000), limit(100, release), known).against).toMatchObject({ commit: commit('4'), tag: 'v2' })
  })

  it('is none of a tag without a number: it moves, and was no release', () => {
    const known = tagged(['latest', commit('4')], ['v1', commit('2')])
    expect(check(image(1000), limit(100, release), known).against).toMatchObject({ commit: commit('2'), tag: 'v1' })
  })

  it.each([
    [['latest', 'v1', 'v1.4', 'v1.4.2', 'v1.4.2-rc.10'], 'v1.4.2'],
    [['nightly-7', 'stable-1'], 'nightly-7'],
    [['1.4', 'release-of-today'], '1.4'],
  ])('has of the tags %j the name %s', (names, tag) => {
    for (const order of [names, names.toReversed()]) {
      const releases = order.map((name): [string, string] => [name, commit('2')])
      const found = check(image(1000), limit(100, release), tagged(...releases)).against?.tag
      expect(tag === 'nightly-7' ? names : [tag]).toContain(found)
    }
  })

  it.each([tagged(), tagged(['v1', commit('9')])])('may not be there: %#', (known) => {
    expect(check(image(9999), limit(100, release), known)).toMatchObject({
      reason: 'no-record',
      why: 'no recorded commit has a tag',
      verdict: 'within',
    })
  })
})

describe('records that mean something else', () => {
  const old = point({ at: '2026-01-01T00:00:00Z', commit: commit('0'), size: 500 })

  it.each<[string, Partial<Point>, Partial<Measurement>]>([
    ['of another store', { store: 'containerd' }, {}],
    ['of an image that was built', {}, { engine: null }],
    ['of an image that was not', { store: null }, {}],
    ["by the engine's own count", { sizeFrom: 'engine' }, {}],
    ['by what the layers have', {}, { sizeFrom: 'engine' }],
  ])('are passed over: %s', (_, unlike, measured) => {
    const known = history([point(unlike)])
    expect(check(image(9999, { measured }), limit(100), known)).toMatchObject({
      status: 'skipped',
      reason: 'no-record',
      why: 'all records were measured on another store than this image, or otherwise',
      verdict: 'within',
    })
  })

  it('are passed over for older ones that mean the same', () => {
    const known = history([old, point({ store: 'containerd' })])
    expect(check(image(600), limit(100), known)).toMatchObject({ status: 'near', against: { commit: commit('0') } })
    expect(check(image(1100, { measured: { engine: containerdEngine } }), limit(100), known)).toMatchObject({
      status: 'near',
      against: { commit: commit('1') },
    })
  })

  it('are told where the others do not reach back', () => {
    const young = point({ at: '2026-04-19T12:00:00Z' })
    const known = history([point({ store: 'containerd' }), young], {
      releases: [{ name: 'v1', commit: commit('1') }],
    })
    const mixed = { ...known, points: [known.points[0]!, { ...young, commit: commit('2') }] }
    expect(check(image(1), limit(1), known).why).toBe('the oldest record that can be compared is 12 days old')
    expect(check(image(1), limit(1, release), mixed).why).toBe('no recorded commit that can be compared has a tag')
  })

  it('are others than the change’s own: a run that is repeated is judged as the first one was', () => {
    const own = point({ at: '2026-01-01T00:00:00Z', commit: image(1).head.commit! })
    expect(check(image(1), limit(1), history([own])).why).toBe('there is no record but its own')
  })

  it('that could not be read are no reason to pass: it is not measured', () => {
    const known = { ...NO_HISTORY, problem: 'the branch `image-budget` could not be read' }
    expect(check(image(1), limit(1), known)).toMatchObject({
      reason: 'not-measured',
      why: 'the branch `image-budget` could not be read',
    })
    expect(judge(image(1), [limit(1)], [], known).verdict).toBe('error')
    expect(judge(image(1), [{ ...limit(1), level: 'warn' }], [], known).verdict).toBe('within')
    expect(check(image(1), limit(1), { ...known, problem: null })).toMatchObject({
      reason: 'no-record',
      why: 'there is no record yet',
    })
  })
})

describe('the metric of growth over a time', () => {
  const downloads = (head: number | null): Compared =>
    image(null, { head: { downloadSize: head }, measured: { size: null, sizeFrom: null, downloadSize: head } })

  it('is the download size where only that is measured, or recorded', () => {
    expect(check(downloads(500), limit(50), history([point()]))).toMatchObject({
      metric: 'download-size',
      actual: 100,
      status: 'over',
      excess: 50,
    })
    const both = image(9999, { head: { downloadSize: 420 }, measured: { downloadSize: 420 } })
    expect(check(both, limit(50), history([point({ size: null, sizeFrom: null })]))).toMatchObject({
      metric: 'download-size',
      actual: 20,
      status: 'within',
    })
  })

  it('is the size where both are known, whatever the downloads', () => {
    const both = image(1010, { head: { downloadSize: 9999 }, measured: { downloadSize: 9999 } })
    expect(check(both, limit(50), history([point()]))).toMatchObject({ metric: 'size', actual: 10 })
  })

  it('is none where the record has none that was measured', () => {
    expect(check(downloads(500), limit(50), history([point({ downloadSize: null })]))).toMatchObject({
      reason: 'no-record',
      why: 'the record of 2026-03-22 has no figure that was measured here',
      against: null,
      verdict: 'within',
    })
  })

  it('is not passed unseen where nothing was measured', () => {
    expect(check(downloads(null), limit(50), history([point()]))).toMatchObject({
      reason: 'not-measured',
      verdict: 'error',
    })
  })
})

it('stands with the other budgets on growth, in the order in which they were set', () => {
  const budgets = [
    limit(1, release),
    limit(1),
    { ...limit(1), over: null },
    { ...limit(1), scope: { kind: 'own', of: null } as const, over: null },
  ]
  const { checks } = judge(image(1, { base: { size: 1 } }), budgets, [], history([point()]))
  expect(checks.map(({ over, scope }) => over?.kind ?? scope?.kind ?? 'base')).toEqual([
    'release',
    'days',
    'base',
    'own',
  ])
  expect(aMeasurement().commit).toBe(HEAD)
})
