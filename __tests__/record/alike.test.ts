import { expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { figuresOf, isAlike, kindOf, type Figures } from '../../src/record/alike.ts'
import { classicEngine, aMeasurement } from '../support/measurements.ts'

const figures: fc.Arbitrary<Figures> = fc.record({
  store: fc.option(fc.constantFrom('classic', 'containerd', 'buildkit')),
  size: fc.option(fc.nat({ max: 1 })),
  sizeFrom: fc.option(fc.constantFrom('content', 'engine')),
})

it('figures of one store are alike, unless both have a size and it was counted otherwise', () => {
  const content: Figures = { store: 'classic', size: 5, sizeFrom: 'content' }
  const engine: Figures = { ...content, sizeFrom: 'engine' }
  expect(isAlike(content, { ...content, size: 6 })).toBe(true)
  expect(isAlike(content, engine)).toBe(false)
  expect(isAlike(content, { store: 'classic', size: null, sizeFrom: null })).toBe(true)
  expect(isAlike(content, { ...content, store: 'containerd' })).toBe(false)
  expect(isAlike(content, { ...content, store: null })).toBe(false)
})

it('those that have a size are alike where they are of one kind', () => {
  fc.assert(
    fc.property(figures, figures, (one, other) => {
      expect(isAlike(one, other)).toBe(isAlike(other, one))
      if (one.size !== null && other.size !== null) expect(isAlike(one, other)).toBe(kindOf(one) === kindOf(other))
    }),
  )
})

it('an image that was measured where it lay has no store', () => {
  const { size } = aMeasurement()
  expect(figuresOf(aMeasurement({ engine: null }))).toEqual({ store: null, size, sizeFrom: 'content' })
  expect(figuresOf(aMeasurement({ engine: classicEngine })).store).toBe('classic')
})
