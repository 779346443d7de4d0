import { createHash } from 'node:crypto'
import type { Compared } from '../../src/compare/compare.ts'
import type { BaselineFacts, Comparison, Totals } from '../../src/compare/comparison.ts'
import type { Engine } from '../../src/build/engine.ts'
import type { Layer, Measurement } from '../../src/image/measurement.ts'

/** A digest that is a function of `seed`: equal seeds, equal content. */
export function digest(seed: string): string {
  return `sha256:${createHash('sha256').update(seed).digest('hex')}`
}

/** An own layer of 1 MB, named and filled after its instruction; pass `diffId` for other content. */
export function aLayer(instruction: string, overrides: Partial<Layer> = {}): Layer {
  return {
    diffId: digest(instruction),
    digest: null,
    size: 1_000_000,
    downloadSize: null,
    compression: null,
    instruction,
    file: 'Dockerfile',
    line: null,
    stage: null,
    fromBase: false,
    copiedFrom: null,
    ...overrides,
  }
}

/** A layer of which the build's record did not tell whether it came with the `FROM` image. */
export function aLayerOfUnknownOrigin(instruction: string, overrides: Partial<Layer> = {}): Layer {
  return aLayer(instruction, { fromBase: null, file: null, ...overrides })
}

/** A layer that came with the `FROM` image. */
export function aBaseLayer(instruction: string, overrides: Partial<Layer> = {}): Layer {
  return aLayer(instruction, { fromBase: true, file: null, ...overrides })
}

export const classicEngine: Engine = { driver: 'docker', store: 'classic', version: '28.0.4', buildx: '0.36.0' }
export const containerdEngine: Engine = { driver: 'docker', store: 'containerd', version: '29.7.2', buildx: '0.36.0' }

/** An image of one base layer and two own ones, 3 MB on the classic store; sizes follow from the layers given. */
export function aMeasurement(overrides: Partial<Measurement> = {}): Measurement {
  const layers = overrides.layers ?? [aBaseLayer('ADD rootfs.tar /'), aLayer('RUN npm ci'), aLayer('COPY . .')]
  return {
    schema: 1,
    name: 'api',
    platform: 'linux/amd64',
    commit: 'd4e5f6a000000000000000000000000000000000',
    dockerfile: 'Dockerfile',
    ignoreFile: '.dockerignore',
    target: null,
    engine: classicEngine,
    source: null,
    baseImage: { name: 'docker.io/library/node:24-slim', digest: digest('node'), line: null, instruction: null },
    size: total(layers.map((layer) => layer.size)),
    sizeFrom: 'content',
    downloadSize: total(layers.map((layer) => layer.downloadSize)),
    unmeasured: { size: null, downloadSize: null },
    stages: 1,
    settings: { user: 'node', variables: [], buildArgs: [] },
    warnings: [],
    content: null,
    ...overrides,
    layers,
  }
}

function total(sizes: (number | null)[]): number | null {
  return sizes.includes(null) ? null : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

/** A base that was built beside the head. */
export function builtBase(overrides: Partial<BaselineFacts> = {}): BaselineFacts {
  return {
    kind: 'build',
    commit: 'a1b2c3d000000000000000000000000000000000',
    ref: 'main',
    reason: null,
    record: null,
    passedOver: null,
    ...overrides,
  }
}

export function someTotals(overrides: Partial<Totals> = {}): Totals {
  return {
    size: 100_000_000,
    downloadSize: 40_000_000,
    layers: 8,
    ownSize: 20_000_000,
    ownDownloadSize: 8_000_000,
    ownLayers: 3,
    wasted: null,
    ...overrides,
  }
}

/** The same with measurements that have these totals, of the image's files only those that are given. */
export function compared(
  head: Partial<Totals>,
  base: Partial<Totals> | null,
  content: { head?: Partial<Measurement>; base?: Partial<Measurement>; comparison?: Partial<Comparison> } = {},
): Compared {
  return {
    comparison: { ...aComparison(head, base), ...content.comparison },
    head: aMeasurement(content.head),
    base: base && aMeasurement(content.base),
  }
}

/** A comparison with these totals; what the budgets do not look at is empty. */
export function aComparison(head: Partial<Totals>, base: Partial<Totals> | null): Comparison {
  const measurement = aMeasurement()
  return {
    name: measurement.name,
    platform: measurement.platform,
    engine: measurement.engine,
    source: null,
    head: someTotals(head),
    base: base && someTotals(base),
    change: null,
    sizeFrom: 'content',
    unmeasured: { size: null, downloadSize: null },
    unlikeDownloads: null,
    baseline: base
      ? builtBase()
      : builtBase({ kind: 'none', reason: 'the base has no Dockerfile', record: null, passedOver: null }),
    baseImage: { before: null, after: null, change: 'unknown', doing: null, growth: null, why: null },
    packages: null,
    warnings: [],
    layerChanges: [],
  }
}
