import * as fc from 'fast-check'
import type { Layer, Measurement } from '../../src/image/measurement.ts'
import type { Caps, Point, StoredRecord } from '../../src/record/record.ts'
import { aLayer, aMeasurement, digest } from './measurements.ts'

export const NO_CAPS: Caps = { size: null, downloadSize: null, layers: null }

/** A commit that is a function of `seed`. */
export function commitOf(seed: string | number): string {
  return digest(`commit ${seed}`).slice('sha256:'.length, 'sha256:'.length + 40)
}

/** A record of that commit, measured when it was committed. */
export function aRecord(
  { commit = commitOf(0), ...overrides }: Partial<StoredRecord> = {},
  measured: Partial<Measurement> = {},
): StoredRecord {
  const committedAt = overrides.committedAt ?? '2026-11-21T10:00:00Z'
  return {
    schema: 1,
    commit,
    committedAt,
    measuredAt: committedAt,
    recipe: { context: '1a2b', 'build-args VERSION': 'ffff' },
    caps: NO_CAPS,
    measurement: aMeasurement({ ...measured, commit }),
    ...overrides,
  }
}

export function aPoint(overrides: Partial<Point> = {}): Point {
  return {
    commit: commitOf(0),
    at: '2026-11-21T10:00:00Z',
    size: 150_000_000,
    downloadSize: 50_000_000,
    layers: 9,
    caps: NO_CAPS,
    store: 'classic',
    sizeFrom: 'content',
    ...overrides,
  }
}

/** A time to the second, in the form that records have, within some days (0: 2026-11-21). */
export function timeIn(from: number, to: number): fc.Arbitrary<string> {
  const day = 86_400
  return fc.integer({ min: from * day, max: to * day }).map(timeAt)
}

/** The time so many seconds after the beginning of 2026-11-21. */
export function timeAt(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 21) + seconds * 1000).toISOString().replace('.000Z', 'Z')
}

const bytes = fc.option(fc.maxSafeNat())
const text = fc.string({ unit: 'binary', maxLength: 50 })
const sha = fc.nat({ max: 50 }).map(commitOf)

const anyLayer: fc.Arbitrary<Layer> = fc.record({
  diffId: fc.nat({ max: 20 }).map((seed) => digest(`${seed}`)),
  digest: fc.option(fc.nat().map((seed) => digest(`${seed}`))),
  size: fc.option(fc.nat()),
  downloadSize: bytes,
  compression: fc.option(fc.constantFrom('gzip', 'zstd', 'none')),
  instruction: text,
  file: fc.option(text),
  line: fc.option(fc.integer({ min: 1 })),
  stage: fc.option(text),
  fromBase: fc.option(fc.boolean()),
  copiedFrom: fc.option(fc.record({ kind: fc.constantFrom('stage', 'image'), name: text })),
})

const anyCaps: fc.Arbitrary<Caps> = fc.record({ size: bytes, downloadSize: bytes, layers: bytes })

/** Whatever may be measured. */
export const anyMeasurement: fc.Arbitrary<Measurement> = fc
  .record({
    name: text,
    platform: fc.constantFrom('linux/amd64', 'linux/arm64', 'linux/arm/v7'),
    target: fc.option(text),
    dockerfile: fc.option(text),
    ignoreFile: fc.option(text),
    engine: fc.option(
      fc.record({
        driver: text,
        store: fc.constantFrom('classic', 'containerd', 'buildkit'),
        version: text,
        buildx: text,
      }),
    ),
    source: fc.option(fc.record({ reference: text, digest: fc.constantFrom(null, digest('source')) })),
    baseImage: fc.option(
      fc.record({
        name: text,
        digest: fc.constantFrom(null, digest('base')),
        line: fc.option(fc.integer({ min: 1 })),
        instruction: fc.option(text),
      }),
    ),
    downloadSize: bytes,
    unmeasured: fc.record({ size: fc.option(text), downloadSize: fc.option(text) }),
    layers: fc.array(anyLayer, { maxLength: 4 }),
    stages: fc.option(fc.nat()),
    settings: fc.option(fc.record({ user: text, variables: fc.array(text), buildArgs: fc.array(text) })),
    warnings: fc.array(
      fc.record({ rule: text, message: text, line: fc.option(fc.integer({ min: 1 })), url: fc.option(text) }),
    ),
  })
  .map((facts) => {
    const { size } = aMeasurement({ layers: facts.layers })
    return aMeasurement(Object.assign(facts, { size, sizeFrom: size === null ? null : ('content' as const) }))
  })

/** Whatever may be stored. */
export const anyRecord: fc.Arbitrary<StoredRecord> = fc
  .record({
    commit: sha,
    committedAt: timeIn(-1_000, 10),
    measuredAt: timeIn(-1_000, 10),
    recipe: fc.dictionary(
      fc.oneof(fc.constantFrom('target', 'context', 'before-build'), fc.stringMatching(/^build-args [A-Z_]{1,9}$/)),
      fc.stringMatching(/^[0-9a-f]{4}$/),
    ),
    caps: anyCaps,
    measurement: anyMeasurement,
  })
  .map(({ commit, measurement, ...facts }) => aRecord({ commit, ...facts }, measurement))

/** A point of one of some commits, within some days. */
export function anyPoint(from: number, to: number): fc.Arbitrary<Point> {
  return fc.record({
    commit: sha,
    at: timeIn(from, to),
    size: bytes,
    downloadSize: bytes,
    layers: fc.nat(),
    caps: anyCaps,
    store: fc.option(fc.constantFrom('classic', 'containerd', 'buildkit')),
    sizeFrom: fc.option(fc.constantFrom('content', 'engine')),
  })
}

/** A layer of that content. */
export function aLayerOf(seed: string, size = 1_000): Layer {
  return aLayer(`RUN ${seed}`, { diffId: digest(seed), size })
}
