import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { sparkline } from '../../src/report/sparkline.ts'

const BLOCKS = '▁▂▃▄▅▆▇█'

describe('sparkline', () => {
  it('spans the blocks from the smallest value to the largest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe(BLOCKS)
    expect(sparkline([148_000_000, 163_900_000, 148_000_000])).toBe('▁█▁')
  })

  it('leaves a gap where nothing was measured', () => {
    expect(sparkline([1, null, 2, null])).toBe('▁ █ ')
    expect(sparkline([null, null])).toBe('  ')
    expect(sparkline([])).toBe('')
  })

  it('is the middle block where nothing changes, also where there is nothing', () => {
    expect(sparkline([5, 5, 5])).toBe('▄▄▄')
    expect(sparkline([0, 0], 0)).toBe('▄▄')
    expect(sparkline([9])).toBe('▄')
  })

  it('does not draw noise as mountains', () => {
    expect(sparkline([1_000_000, 1_009_000, 1_001_000])).toBe('▄▄▄')
    expect(sparkline([990_000, 1_000_000])).toBe('▄▅')
    expect(sparkline([950_000, 975_000, 1_000_000])).toBe('▃▅▇')
    expect(sparkline([900_000, 1_000_000])).toBe('▁█')
    expect(sparkline([900_000, 1_000_000], 0.2)).toBe('▄▄')
    expect(sparkline([999_000, 1_000_000], 0)).toBe('▄▅')
  })

  it('has one character a value, and none is lower than that of a smaller value', () => {
    const values = fc.array(fc.option(fc.nat({ max: 1e12 })), { maxLength: 60 })
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (series, floor) => {
        const drawn = Array.from(sparkline(series, floor))
        expect(drawn.map((character) => (character === ' ' ? -1 : BLOCKS.indexOf(character) + 1))).not.toContain(0)
        expect(drawn.map((character) => character === ' ')).toEqual(series.map((value) => value === null))
        const known = series.flatMap((value, at) => (value === null ? [] : [{ value, block: drawn[at]! }]))
        known.sort((one, other) => one.value - other.value)
        const heights = known.map(({ block }) => BLOCKS.indexOf(block))
        expect(heights).toEqual(heights.toSorted((one, other) => one - other))
      }),
    )
  })
})
