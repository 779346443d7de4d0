import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  SUBJECTS,
  disagreements,
  everyBuilder,
  gatherPlaces,
  measureAll,
  type Agreement,
  type Row,
} from '../../scripts/agreement.ts'
import { everyEngine } from '../support/engine.ts'
import { findRegistry } from '../support/peers.ts'

/** Building and copying everything, on a machine that may be busy. */
const MINUTES_10 = 600_000

/** What is most likely to be counted differently; scripts/agreement.ts takes all. */
const hardest = new Set([
  'links',
  'copied-over',
  'same-layer-twice',
  'removed',
  'no-layers',
  'odd-files',
  'two-platforms',
])
const subjects = SUBJECTS.filter(({ name }) => hardest.has(name))
/** Built by the command as well: one where it pushes, and one where the builds have several platforms. */
const isBuilt = (image: string): boolean => ['links', 'two-platforms'].includes(image)

const registry = findRegistry()
// With a Docker that was there before, there need be no registry beside it; a start of our own brings both.
const without = process.env['IMAGE_BUDGET_USE_DOCKER'] === '1' && registry === null

;(without ? describe.skip : describe)('one image has one size, wherever it lies', () => {
  let agreement: Agreement
  let rows: Row[]
  beforeAll(async () => {
    if (registry === null) throw new Error('no registry: scripts/peers.sh start')
    agreement = await gatherPlaces(everyEngine(), everyBuilder(), registry, subjects, isBuilt)
    rows = await measureAll(agreement.places)
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

  it.each(subjects)('$name: every engine builds the same payload, but those known for other layers', (subject) => {
    const of = agreement.places.filter(({ image }) => image === subject.name)
    const isOther = ({ engine }: Row | (typeof of)[number]): boolean => subject.otherLayers?.includes(engine) ?? false
    const sizes = new Set(
      of.filter((place) => !isOther(place)).flatMap(({ expected }) => expected.map(({ size }) => size)),
    )
    expect(sizes.size).toBe(1)
    expect(sizes).not.toContain(null)
    for (const { expected } of of.filter(isOther)) for (const { size } of expected) expect(sizes).not.toContain(size)
  })

  it.each(subjects)('$name: each place has the sizes and layers that it should, to the byte', ({ name }) => {
    const of = rows.filter(({ image }) => image === name)
    expect(of.length).toBeGreaterThan(1)
    expect(disagreements(of)).toEqual([])
  })
})
