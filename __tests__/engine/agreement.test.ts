import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { SUBJECTS, everyBuilder, gatherPlaces, measure, type Agreement, type Sizes } from '../../scripts/agreement.ts'
import { everyEngine } from '../support/engine.ts'
import { findRegistry } from '../support/peers.ts'

/** Building and copying everything, on a machine that may be busy. */
const MINUTES_10 = 600_000

const registry = findRegistry()
// With a Docker that was there before, there need be no registry beside it; a start of our own brings both.
const without = process.env['IMAGE_BUDGET_USE_DOCKER'] === '1' && registry === null

;(without ? describe.skip : describe)('one image has one size, wherever it lies', () => {
  let agreement: Agreement
  beforeAll(async () => {
    if (registry === null) throw new Error('no registry: scripts/peers.sh start')
    agreement = await gatherPlaces(everyEngine(), everyBuilder(), registry, SUBJECTS)
  }, MINUTES_10)
  afterAll(() => agreement?.dispose(), MINUTES_10)

  it('is in every place that can hold it', () => {
    const absent = agreement.absent.map(({ image, engine, place }) => `${image}, ${engine}, ${place}`)
    const running = new Set<string>(everyEngine().map(({ name }) => name))
    const known = [
      // Its Dockerfile knows no `COPY --link`.
      ['same-layer-twice', 'classic-20', 'docker-daemon'],
      // "empty export - not implemented"
      ...['classic', 'classic-20', 'classic-26'].map((name) => ['no-layers', name, 'docker-archive, docker save']),
    ].filter(([, engine]) => running.has(engine!))
    expect(absent.toSorted()).toEqual(known.map((each) => each.join(', ')).toSorted())
  })

  it.each(SUBJECTS)('$name: every engine builds the same payload, but those known for other layers', (subject) => {
    const of = agreement.places.filter(({ image }) => image === subject.name)
    const others = of.filter(({ engine }) => subject.otherLayers?.includes(engine))
    const sizes = new Set(of.filter((place) => !others.includes(place)).map(({ expected }) => expected.size))
    expect(sizes.size).toBe(1)
    expect(sizes).not.toContain(null)
    for (const { expected } of others) expect(sizes).not.toContain(expected.size)
  })

  it.each(SUBJECTS.map(({ name }) => name))(
    '%s: each place has the size and download size that it should',
    async (image) => {
      const wrong: { place: string; measured: Sizes; expected: Sizes }[] = []
      for (const { engine, place, reference, env, expected } of agreement.places.filter(
        (each) => each.image === image,
      )) {
        const measured = await measure(reference, env)
        // Null only while the command does not measure images where they lie.
        if (measured !== null && !agree(measured, expected))
          wrong.push({ place: `${engine}, ${place}`, measured, expected })
      }
      expect(wrong).toEqual([])
    },
    MINUTES_10,
  )
})

/** Figures that the place itself does not have are not compared, and so far those that are not measured. */
function agree(measured: Sizes, expected: Sizes): boolean {
  return (['size', 'downloadSize'] as const).every(
    (key) => expected[key] === null || measured[key] === null || measured[key] === expected[key],
  )
}
