import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Shown } from '../../src/budget/waiver.ts'
import {
  acceptedAt,
  isKeepable,
  ledgerLine,
  NO_LEDGER,
  readLedger,
  withoutHidden,
  withSeen,
  type Ledger,
} from '../../src/github/ledger.ts'

const MARKER = '<!-- image-budget: api -->'
const body = (line: string): string => `${MARKER}\n${line}\n### Report`
const shown = (size: number): Shown[] => [
  {
    name: 'shop',
    platform: 'linux/amd64',
    growth: { size, downloadSize: null, layers: 1 },
    parts: [['0123456789ab', size]],
  },
]
const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
const ledger = (...sizes: number[]): Ledger => ({
  seen: sizes.map((size, minute) => ({ at: at(minute), shown: shown(size) })),
  accepted: null,
})

describe('a ledger', () => {
  const bytes = fc.integer({ min: -1e12, max: 1e12 })
  const anyShown = fc.array(
    fc.record({
      name: fc.string({ unit: 'binary', maxLength: 30 }),
      platform: fc.string({ unit: 'binary', maxLength: 30 }),
      growth: fc.record({ size: fc.option(bytes), downloadSize: fc.option(bytes), layers: fc.option(bytes) }),
      parts: fc.array(fc.tuple(fc.constant('0123456789ab'), bytes), { maxLength: 3 }),
    }),
    { maxLength: 2 },
  )
  const time = fc.nat({ max: 1e6 }).map(at)
  const any = fc.record({
    seen: fc.array(fc.record({ at: time, shown: anyShown }), { maxLength: 12 }),
    accepted: fc.option(fc.record({ by: fc.string({ unit: 'binary', maxLength: 40 }), at: time, shown: anyShown })),
  })

  it('is read back as it was written, but for the oldest where it is long', () => {
    fc.assert(
      fc.property(any, (each) => {
        const read = readLedger(body(ledgerLine(each)))
        expect(read.seen).toEqual(JSON.parse(JSON.stringify(each.seen.slice(each.seen.length - read.seen.length))))
        if (read.seen.length > 0 || each.seen.length === 0)
          expect(read.accepted).toEqual(JSON.parse(JSON.stringify(each.accepted)))
      }),
    )
  })

  it('is one short line that nothing in it can end', () => {
    fc.assert(
      fc.property(any, (each) => {
        const line = ledgerLine(each)
        expect(line).toMatch(/^(?:<!-- image-budget-data: [A-Za-z0-9_.]+ -->)?$/)
        expect(line.length).toBeLessThanOrEqual(4000)
      }),
    )
  })

  it('keeps what was accepted when it forgets what was seen', () => {
    const long = {
      ...ledger(...Array.from({ length: 10 }, (_, each) => each)),
      accepted: { by: 'mona', at: at(1), shown: shown(1) },
    }
    const wide = long.seen.map((each) => ({ ...each, shown: Array.from({ length: 6 }, () => each.shown[0]!) }))
    const read = readLedger(body(ledgerLine({ ...long, seen: wide })))
    expect(read.accepted).toEqual(long.accepted)
    expect(read.seen.length).toBeLessThan(10)
    expect(read.seen.at(-1)).toEqual(wide.at(-1))
  })

  it('keeps what was accepted if it is short enough and as it should be, and says so beforehand', () => {
    const accepted = (each: Partial<Shown>, count: number) => ({
      by: 'mona',
      at: at(0),
      shown: Array.from({ length: count }, () => ({ ...shown(1)[0]!, ...each })),
    })
    for (const [each, count, isKept] of [
      [{}, 1, true],
      [{}, 20, true],
      [{}, 40, false],
      [{ parts: Array.from({ length: 120 }, () => ['0123456789ab', 1e9] as [string, number]) }, 1, false],
      [{ platform: 'linux/'.padEnd(100, 'x') }, 1, true],
      [{ platform: 'linux/'.padEnd(101, 'x') }, 1, false],
    ] as const) {
      const all = { ...ledger(1, 2), accepted: accepted(each, count) }
      expect(isKeepable(all.accepted)).toBe(isKept)
      expect(readLedger(body(ledgerLine(all))).accepted).toEqual(isKept ? all.accepted : null)
    }
  })

  it('is not there without anything', () => {
    expect(ledgerLine(NO_LEDGER)).toBe('')
    expect(readLedger(body('### A heading'))).toEqual(NO_LEDGER)
  })

  it('is none where it is not as this action writes it, whatever it is', () => {
    const written = (value: unknown): string =>
      `<!-- image-budget-data: ${Buffer.from(JSON.stringify(value)).toString('base64url').replaceAll('-', '.')} -->`
    const good = { version: 1, seen: [], accepted: { by: 'mona', at: at(0), shown: shown(1) } }
    expect(readLedger(body(written(good))).accepted?.by).toBe('mona')
    for (const bad of [
      { ...good, version: 2 },
      { ...good, more: 1 },
      { ...good, accepted: { ...good.accepted, at: 'yesterday' } },
      {
        ...good,
        accepted: {
          ...good.accepted,
          shown: [{ ...shown(1)[0], growth: { size: '1', downloadSize: null, layers: 1 } }],
        },
      },
      {
        ...good,
        accepted: {
          ...good.accepted,
          shown: [{ ...shown(1)[0], growth: { size: 1e300, downloadSize: null, layers: 1 } }],
        },
      },
      { ...good, seen: Array.from({ length: 11 }, () => ({ at: at(0), shown: [] })) },
      { __proto__: null, version: 1 },
      [],
    ])
      expect(readLedger(body(written(bad)))).toEqual(NO_LEDGER)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readLedger(text)).toEqual(NO_LEDGER)
        expect(readLedger(body(`<!-- image-budget-data: ${text} -->`))).toEqual(NO_LEDGER)
      }),
    )
    // Only where the action itself puts it.
    expect(readLedger(`${MARKER}\n### Report\n${written(good)}`)).toEqual(NO_LEDGER)
  })

  it('and the marker are not the text', () => {
    expect(withoutHidden(body(ledgerLine(ledger(1))))).toBe('### Report')
    expect(withoutHidden(`${MARKER}\n### Report\nmore`)).toBe('### Report\nmore')
  })
})

describe('what was seen', () => {
  it('is left out where its platform has no name that can be read back', () => {
    const long = [{ ...shown(6)[0]!, platform: 'x'.repeat(101) }]
    expect(withSeen(ledger(5), { at: at(9), shown: long })).toEqual(ledger(5))
  })

  it('keeps its time while it stays the same', () => {
    const first = withSeen(NO_LEDGER, { at: at(0), shown: shown(5) })
    expect(withSeen(first, { at: at(9), shown: shown(5) })).toEqual(first)
    expect(withSeen(first, { at: at(9), shown: shown(6) }).seen.map((each) => each.at)).toEqual([at(0), at(9)])
  })
})

describe('a label', () => {
  const set = (minute: number) => ({ by: 'mona', at: at(minute) })

  it.each([
    [0, 10],
    [1, 20],
    [2, 30],
    [99, 30],
  ])('set at minute %i accepts what was shown last before', (minute, size) => {
    for (const since of [at(0), at(3), null])
      expect(acceptedAt(ledger(10, 20, 30), set(minute), since)).toEqual({ ...set(minute), shown: shown(size) })
  })

  it('set before anything was shown accepts what was shown first', () => {
    const early = { by: 'mona', at: new Date(0).toISOString() }
    for (const since of [at(0), null]) expect(acceptedAt(ledger(10, 20), early, since)?.shown).toEqual(shown(10))
    expect(acceptedAt(NO_LEDGER, set(0), null)).toBeNull()
  })

  it('set upon a comment that showed nothing yet accepts nothing that it shows later', () => {
    const early = { by: 'mona', at: new Date(60_000).toISOString() }
    for (const since of [0, 60_000]) expect(acceptedAt(ledger(10, 20), early, new Date(since).toISOString())).toBeNull()
  })

  it('that is known accepts what it did, whatever was shown since; set anew, what is shown now', () => {
    const known = { ...ledger(10, 20, 30), accepted: { ...set(1), shown: shown(7) } }
    expect(acceptedAt(known, set(1), at(0))).toEqual(known.accepted)
    expect(acceptedAt(known, set(2), at(0))?.shown).toEqual(shown(30))
    expect(acceptedAt(known, { by: 'hubot', at: at(1) }, at(0))?.shown).toEqual(shown(20))
  })
})
