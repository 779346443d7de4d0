import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { latestLines, lineOf, parseLines, renderLines } from '../../src/record/lines.ts'
import type { Point } from '../../src/record/record.ts'
import { MAX_POINTS, MAX_POINTS_FILE } from '../../src/record/schema.ts'
import { aMeasurement } from '../support/measurements.ts'
import { anyRecord, aPoint, aRecord, commitOf } from '../support/records.ts'

function render(lines: string[]): string {
  return lines.map((each) => `${each}\n`).join('')
}

function pointsOf(text: string): Point[] {
  return parseLines(text).lines.map(({ point }) => point)
}

describe('points', () => {
  const lines = fc.array(anyRecord.map(lineOf), { maxLength: 10 })

  it('are read back as they were written, a line each', () => {
    fc.assert(
      fc.property(lines, (each) => {
        const text = renderLines({ lines: each, others: [] })
        expect(parseLines(text)).toEqual({ lines: each, others: [] })
        expect(text.split('\n')).toHaveLength(each.length + 1)
      }),
    )
  })

  it('are those of the lines that are points; of the others, objects are carried along', () => {
    const junk = fc.oneof(
      fc.string().map((text) => text.replaceAll(/[\n{]/g, '')),
      fc.constantFrom('', 'null', '[]', '5', '{', `{"a":"${'x'.repeat(2_000)}"}`),
    )
    const other = fc.constantFrom(
      '{}',
      JSON.stringify({ ...aPoint(), store: 'podman' }),
      JSON.stringify({ ...aPoint(), layers: -1 }),
      '{ "later":  true }',
    )
    fc.assert(
      fc.property(lines, fc.array(junk), fc.array(other), (each, some, others) => {
        const text = render([...some, ...others, ...each.map((line) => line.text), ...some])
        const file = parseLines(text)
        expect(file).toEqual({ lines: each, others })
        expect(parseLines(renderLines(file))).toEqual(file)
      }),
    )
    expect(pointsOf(`${JSON.stringify(aPoint())}\r\n`)).toEqual([aPoint()])
  })

  it('keep what a later version added to their lines', () => {
    const text = JSON.stringify({ later: [1], ...aPoint(), caps: { ...aPoint().caps, files: 5 } })
    expect(pointsOf(text)).toEqual([aPoint()])
    expect(renderLines(parseLines(text))).toBe(`${text}\n`)
    const long = JSON.stringify({ ...aPoint(), later: 'x'.repeat(2_000) })
    expect(renderLines(parseLines(long))).toBe(`${JSON.stringify(aPoint())}\n`)
  })

  it('are written no more than can be read back: the last ones, and of the rest what there is room for', () => {
    const most = Number.MAX_SAFE_INTEGER
    const caps = { size: most, downloadSize: most, layers: most }
    const measurement = { ...aMeasurement(), size: most, downloadSize: most }
    const longest = lineOf(aRecord({ commit: 'ab'.repeat(32), caps, measurement }))
    const many = [lineOf(aRecord()), ...Array.from({ length: MAX_POINTS }, () => longest)]
    const later = Array.from({ length: MAX_POINTS }, (_, at) => JSON.stringify({ at, text: 'x'.repeat(1_000) }))
    const text = renderLines({ lines: many, others: later })
    expect(text.length).toBeLessThanOrEqual(MAX_POINTS_FILE)
    const file = parseLines(text)
    expect(file.lines).toEqual(many.slice(1))
    expect(file.others.length).toBeGreaterThan(100)
    expect(file.others).toEqual(later.slice(-file.others.length))
    expect(parseLines(''.padEnd(MAX_POINTS_FILE + 1, `${longest.text}\n`))).toEqual({ lines: [], others: [] })
  })
})

describe('of one commit’s points', () => {
  it('the one that was measured last counts, in whatever order they stand', () => {
    const first = lineOf(aRecord({ measuredAt: '2026-11-21T10:00:00Z' }, { downloadSize: 9 }))
    const second = lineOf(aRecord({ measuredAt: '2026-11-22T10:00:00Z' }, { downloadSize: 8 }))
    const unknown = { ...second, measuredAt: null }
    const other = lineOf(aRecord({ commit: commitOf(1), committedAt: '2026-11-23T10:00:00Z' }))
    for (const lines of [
      [first, second, unknown, other],
      [other, unknown, second, first],
    ])
      expect(latestLines(lines)).toEqual([second, other])
  })

  it('of one time always the same counts, and of the same figures the one with more in it', () => {
    const [one, two] = [8, 9].map((downloadSize) => lineOf(aRecord({}, { downloadSize })))
    expect(latestLines([one!, two!])).toEqual(latestLines([two!, one!]))
    const text = one!.text.replace('}', '},"later":1')
    const more = parseLines(text).lines[0]!
    expect(more.point).toEqual(one!.point)
    expect(latestLines([more, one!])).toEqual([more])
    expect(latestLines([one!, more])).toEqual([more])
  })
})
