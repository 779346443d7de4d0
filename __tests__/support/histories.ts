import { createHash } from 'node:crypto'
import type { Caps, Point, Release } from '../../src/record/record.ts'
import type { History } from '../../src/report/chart.ts'

/** Invented histories that look like real ones, the same on every run. Figures are bytes. */

const DAY = 86_400_000
const NO_CAPS: Caps = { size: null, downloadSize: null, layers: null }

/** A point of `api`: 148.2 MB, 51.0 MB to download, 9 layers, with no budget. */
export function point(overrides: Partial<Point> = {}): Point {
  return {
    commit: 'a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4',
    at: '2026-10-03T09:30:00Z',
    size: 148_200_000,
    downloadSize: 51_000_000,
    layers: 9,
    caps: NO_CAPS,
    store: 'containerd',
    sizeFrom: 'content',
    ...overrides,
  }
}

/** Points at irregular times, `days` apart on average; `of` says what each is made of. */
function points(
  count: number,
  { from, days }: { from: string; days: number },
  of: (index: number, noise: number) => Partial<Point>,
): Point[] {
  let time = Date.parse(from)
  return Array.from({ length: count }, (_, index) => {
    const [noise, wait] = [chance(index), chance(index + 100_000)]
    const overrides = of(index, noise)
    const size = overrides.size ?? null
    const made = point({
      commit: createHash('sha1').update(String(index)).digest('hex'),
      at: new Date(time).toISOString().replace(/\.\d+Z$/, 'Z'),
      downloadSize: size === null ? null : Math.round(size * (0.34 + 0.006 * chance(index >> 2))),
      ...overrides,
    })
    // Nobody commits at even intervals.
    time += Math.round((0.1 + 1.8 * wait ** 2 * 1.5) * days * DAY)
    return made
  })
}

/** From 0 to 1, by its number. */
function chance(index: number): number {
  return createHash('sha1').update(`chance ${index}`).digest().readUInt32BE(0) / 2 ** 32
}

/** A release on every so manieth point. */
function releases(of: readonly Point[], every: number, name: (index: number) => string): Release[] {
  return of
    .filter((_, index) => index % every === every - 1)
    .map(({ commit }, index) => ({ name: name(index), commit }))
}

function history(of: readonly Point[], tags: readonly Release[] = [], name = 'api'): History {
  return { name, platform: 'linux/amd64', points: of, releases: tags }
}

/** Grows by a step now and then: what most images do. */
function growing(): History {
  let size = 121_400_000
  const made = points(64, { from: '2025-10-03T09:30:00Z', days: 6 }, (index, noise) => {
    if (noise > 0.82) size += Math.round(noise * 2_100_000)
    if (index === 41) size += 6_300_000
    if (index === 50) size -= 9_800_000
    return {
      size: size + Math.round(noise * 40_000),
      layers: index < 41 ? 8 : 9,
      caps: { size: 160_000_000, downloadSize: 60_000_000, layers: 12 },
    }
  })
  return history(
    made,
    releases(made, 9, (index) => `v1.${index}.0`),
  )
}

/** Made small by a multi-stage build; the budget was lowered afterwards. */
function shrinking(): History {
  const made = points(40, { from: '2026-05-11T13:00:00Z', days: 3 }, (index, noise) => ({
    size: Math.round((index < 14 ? 1_104_000_000 : index < 22 ? 412_000_000 : 181_000_000) + noise * 2_000_000),
    layers: index < 14 ? 17 : index < 22 ? 11 : 8,
    caps: {
      size: index < 18 ? 1_200_000_000 : index < 30 ? 450_000_000 : 200_000_000,
      downloadSize: null,
      layers: null,
    },
  }))
  return history(
    made,
    releases(made, 13, (index) => `2026.${index + 6}`),
    'web',
  )
}

/** Raised twice to let growth in, and over in the end. */
function budgetChanged(): History {
  const made = points(36, { from: '2026-06-20T08:00:00Z', days: 4 }, (index, noise) => ({
    size: Math.round(131_000_000 + index * 1_150_000 + noise * 900_000),
    layers: 9 + Math.floor(index / 14),
    caps: {
      size: index < 5 ? null : index < 14 ? 145_000_000 : index < 26 ? 155_000_000 : 170_000_000,
      downloadSize: index < 14 ? 52_000_000 : 56_000_000,
      layers: 10,
    },
  }))
  return history(made, [{ name: 'v2.0.0', commit: made[20]?.commit ?? '' }])
}

/** A tag a week for two years, some of them several on one commit. */
function manyReleases(): History {
  const made = points(210, { from: '2024-11-02T08:00:00Z', days: 3.5 }, (index, noise) => ({
    size: Math.round(88_000_000 + 9_000_000 * Math.sin(index / 25) + noise * 300_000),
    layers: 6,
  }))
  const tags = releases(made, 2, (index) => `v${1 + Math.floor(index / 40)}.${index % 40}.0`)
  return history(made, [...tags, ...tags.map(({ commit }) => ({ name: 'v2', commit }))], 'worker')
}

/** Download sizes were measured for a while only, and the engine's store is another since; a few sizes are missing. */
function gaps(): History {
  const made = points(48, { from: '2026-07-01T08:00:00Z', days: 2.6 }, (index, noise) => {
    const size = Math.round(148_000_000 + (index > 30 ? 7_400_000 : 0) + noise * 800_000)
    return {
      size: index > 9 && index < 14 ? null : size,
      downloadSize: index < 6 || (index > 20 && index < 26) ? null : Math.round(size * (index < 34 ? 0.35 : 0.33)),
      layers: 9,
      store: index < 34 ? 'classic' : 'containerd',
      caps: { size: 165_000_000, downloadSize: null, layers: 12 },
    }
  })
  return history(made)
}

/** Three years of a busy repository. */
function busy(): History {
  const made = points(3000, { from: '2023-11-01T00:00:00Z', days: 0.37 }, (index, noise) => ({
    size: Math.round(96_000_000 + index * 14_000 + 4_000_000 * Math.sin(index / 170) + noise ** 12 * 18_000_000),
    layers: 7 + Math.floor(index / 900),
    caps: { size: index < 1500 ? 130_000_000 : 150_000_000, downloadSize: null, layers: null },
  }))
  return history(
    made,
    releases(made, 120, (index) => `v${index + 1}.0.0`),
  )
}

/** What can be drawn, by what is special about it. */
export const HISTORIES: Record<string, History> = {
  growing: growing(),
  shrinking: shrinking(),
  'budget-changed': budgetChanged(),
  releases: manyReleases(),
  gaps: gaps(),
  busy: busy(),
  one: history(
    [point({ caps: { size: 160_000_000, downloadSize: null, layers: 12 } })],
    [{ name: 'v1.0.0', commit: point().commit }],
  ),
  two: history([
    point({ at: '2026-10-03T09:30:00Z' }),
    point({ at: '2026-10-03T16:12:00Z', size: 163_900_000, downloadSize: 55_400_000, layers: 10 }),
  ]),
  equal: history(
    points(25, { from: '2026-09-01T00:00:00Z', days: 1.5 }, () => ({
      size: 148_200_000,
      downloadSize: 51_000_000,
      caps: { size: 150_000_000, downloadSize: 500_000_000, layers: 9 },
    })),
  ),
  noise: history(
    points(60, { from: '2026-01-10T00:00:00Z', days: 4 }, (_, noise) => ({
      size: 148_200_000 + Math.round(noise * 900_000),
      caps: { size: 1_000_000_000, downloadSize: null, layers: null },
    })),
  ),
  'download-only': history(
    points(18, { from: '2026-08-01T00:00:00Z', days: 5 }, (index) => ({
      size: null,
      sizeFrom: null,
      downloadSize: 51_000_000 + index * 400_000,
      caps: { size: null, downloadSize: 20_000_000, layers: null },
    })),
  ),
  empty: history([]),
  zero: history(
    points(6, { from: '2026-08-01T00:00:00Z', days: 5 }, () => ({
      size: 0,
      downloadSize: 212,
      layers: 0,
      caps: { size: 160_000_000, downloadSize: 200, layers: 0 },
    })),
    [],
    'scratch',
  ),
  huge: history(
    points(12, { from: '2018-08-01T00:00:00Z', days: 300 }, (index) => ({
      size: 9_000_000_000_000 + index * 70_000_000_000_000,
      layers: 127,
    })),
    [],
    'a-rather-long-name-of-a-service-that-somebody-gave-to-their-image/and-more-of-it',
  ),
}
