import type { Baseline } from '../baseline/baseline.ts'
import { referenceIn } from '../build/dockerfile.ts'
import { byFolder } from '../image/runs.ts'
import { unlikePacking } from '../image/packing.ts'
import { sum, type BaseImage, type Layer, type Measurement } from '../image/measurement.ts'
import type { BaselineFacts, Change, Comparison, PackageChange, Totals, TotalsChange } from './comparison.ts'
import { changesOfLayers } from './layers.ts'
import { changesOfPackages } from './packages.ts'

/** An image with its comparison, and the base's image where it is comparable. */
export type Compared = { comparison: Comparison; head: Measurement; base: Measurement | null }

/**
 * Compares the images of one build, one per platform, with the baseline's image for the same platform. A platform that
 * the baseline does not have is compared with nothing, and its baseline says why. In the order of `heads`.
 */
export function compareAll(heads: Measurement[], baseline: Baseline): Compared[] {
  const { measurements, platforms: all, ...facts } = baseline
  const { kind } = facts
  const platforms = all.join(', ')
  return heads.map((head) => {
    const base = measurements.find((measurement) => measurement.platform === head.platform)
    if (base || kind === 'none') {
      const comparison = compare(head, base ?? null, facts)
      return { comparison, head, base: comparison.base === null ? null : (base ?? null) }
    }
    const missing = `the base has no image for ${head.platform}, only for ${platforms || 'no platform at all'}`
    return {
      comparison: compare(head, null, { ...facts, kind: 'none', reason: missing, record: null }),
      head,
      base: null,
    }
  })
}

/** Platforms that the base has and the heads do not: their images are gone. */
export function gonePlatforms(heads: Measurement[], baseline: Baseline): string[] {
  return baseline.platforms.filter((platform) => heads.every((head) => head.platform !== platform))
}

/**
 * Compares one image with its base; `baseline` says how the base was had. Never throws: a base that is not comparable
 * counts as none, and the result's baseline says why. Without a base there are no totals of the base and no changes of
 * totals, and every layer is `added`: the list of what is in the image.
 */
export function compare(head: Measurement, base: Measurement | null, baseline: BaselineFacts): Comparison {
  const obstacle = base && comparable(head, base)
  const comparedWith = obstacle === null ? base : null
  const after = totalsOf(head)
  const before = comparedWith && totalsOf(comparedWith)
  const unlikeDownloads = comparedWith && unlikePacking(head, comparedWith)
  const { layers, baseImage } = changesOfLayers(comparedWith, head)
  return {
    name: head.name,
    platform: head.platform,
    engine: head.engine,
    source: head.source,
    head: after,
    base: before,
    change: before && changeOfTotals(before, after, unlikeDownloads === null),
    sizeFrom: head.sizeFrom,
    unmeasured: head.unmeasured,
    unlikeDownloads,
    baseline: before ? baseline : withoutBase(baseline, obstacle),
    baseImage: {
      before: comparedWith?.baseImage ?? null,
      after: head.baseImage,
      ...baseImageFacts(comparedWith, head, unlikeDownloads === null),
      why: baseImage,
    },
    packages: comparedWith && packagesOf(comparedWith, head),
    warnings: head.warnings,
    layerChanges: layers,
  }
}

/**
 * Null where the two measurements mean the same by their numbers, else why they don't, as a sentence without its final
 * full stop. Stores pack and split layers differently, and so do platforms: a difference between unlike ones would be
 * taken for the change's doing.
 */
export function comparable(head: Measurement, base: Measurement): string | null {
  if (head.schema !== base.schema) {
    return `the base's measurement has schema ${String(base.schema)}, this change's has schema ${String(head.schema)}`
  }
  if (head.platform !== base.platform) {
    return `the base was measured for ${base.platform}, this change for ${head.platform}`
  }
  if (head.engine !== null && base.engine !== null && head.engine.store !== base.engine.store) {
    return `the base was measured on the ${base.engine.store} store, this change on the ${head.engine.store} store`
  }
  if (head.size !== null && base.size !== null && head.sizeFrom !== base.sizeFrom) {
    return "one size is read from the image's layers, the other is the engine's own count"
  }
  return null
}

/** Changes of packages that are told. */
const MAX_PACKAGES = 100

function packagesOf(base: Measurement, head: Measurement): PackageChange[] | null {
  if (base.content === null || head.content === null) return null
  return changesOfPackages(base.content.packages, head.content.packages).slice(0, MAX_PACKAGES)
}

function withoutBase(baseline: BaselineFacts, obstacle: string | null): BaselineFacts {
  const reason = obstacle ?? baseline.reason ?? 'the base was not measured'
  return { ...baseline, kind: 'none', reason, record: null }
}

function totalsOf({ size, downloadSize, layers, content }: Measurement): Totals {
  const own = hasOrigins(layers) ? layers.filter((layer) => !layer.fromBase) : null
  return {
    size,
    downloadSize,
    layers: layers.length,
    ownSize: own && sum(own.map((layer) => layer.size)),
    ownDownloadSize: own && sum(distinctBlobs(own).map((layer) => layer.downloadSize)),
    ownLayers: own && own.length,
    wasted: content && sum(byFolder(content.files).flatMap(({ lost }) => lost.map((file) => file.size))),
  }
}

/** A blob that stands in an image twice is pulled once. */
export function distinctBlobs(layers: Layer[]): Layer[] {
  return layers.filter(
    (layer, at) => layer.digest === null || layers.findIndex((other) => other.digest === layer.digest) === at,
  )
}

/** Whether it is known of each layer if it came with the `FROM` image: else nothing can be said of the image's own part. */
export function hasOrigins(layers: Layer[]): boolean {
  return layers.every((layer) => layer.fromBase !== null)
}

function changeOfTotals(before: Totals, after: Totals, likeDownloads: boolean): TotalsChange {
  return {
    size: changeOf(before.size, after.size),
    downloadSize: likeDownloads ? changeOf(before.downloadSize, after.downloadSize) : null,
    layers: changeOf(before.layers, after.layers),
    ownSize: changeOf(before.ownSize, after.ownSize),
    ownDownloadSize: likeDownloads ? changeOf(before.ownDownloadSize, after.ownDownloadSize) : null,
    ownLayers: changeOf(before.ownLayers, after.ownLayers),
    wasted: changeOf(before.wasted, after.wasted),
  }
}

/** After minus before; null where either is not known. Growth from 0 has no percentage. */
export function changeOf(before: number, after: number): Change
export function changeOf(before: number | null, after: number | null): Change | null
export function changeOf(before: number | null, after: number | null): Change | null {
  if (before === null || after === null) return null
  const amount = after - before
  return { amount, percent: before === 0 ? null : (amount / before) * 100 }
}

/** What became of the base image, whose doing that is, and by how much it grew. */
function baseImageFacts(
  base: Measurement | null,
  head: Measurement,
  likeDownloads: boolean,
): Pick<Comparison['baseImage'], 'change' | 'doing' | 'growth'> {
  const change = base ? changeOfBaseImage(base, head) : 'unknown'
  if (base === null || change !== 'changed') return { change, doing: null, growth: null }
  const doing = doingOf(base.baseImage, head.baseImage)
  if (!hasOrigins(base.layers) || !hasOrigins(head.layers)) return { change, doing, growth: null }
  const [before, after] = [base, head].map(({ layers }) => layers.filter((layer) => layer.fromBase))
  const grew = (size: (layers: Layer[]) => number | null): number | null =>
    changeOf(size(before!), size(after!))?.amount ?? null
  const growth = {
    size: grew((layers) => sum(layers.map((layer) => layer.size))),
    downloadSize: likeDownloads
      ? grew((layers) => sum(distinctBlobs(layers).map((layer) => layer.downloadSize)))
      : null,
    layers: after!.length - before!.length,
  }
  return { change, doing, growth }
}

/**
 * Whose doing another base image is. It moved by itself where the Dockerfile has the same reference and it still stands for the same name;
 * null where that cannot be told: the text is not known, or what it says may have come from a variable with a digest in it.
 */
function doingOf(before: BaseImage | null, after: BaseImage | null): Comparison['baseImage']['doing'] {
  if (before === null && after === null) return null
  if (before?.name !== after?.name) return 'change'
  const [was, is] = [before, after].map((image) => referenceIn(image?.instruction ?? ''))
  if (!was || !is) return null
  if (was !== is) return 'change'
  return /(?:\$\w+|\})$|@.*\$/.test(is) ? null : 'drift'
}

/**
 * Name and digest decide; where an engine tells no digest, the layers that came with the image do, if it is known which
 * these are. An image without any starts `FROM scratch`.
 */
function changeOfBaseImage(base: Measurement, head: Measurement): Comparison['baseImage']['change'] {
  const before = base.baseImage
  const after = head.baseImage
  if (before && after && before.name !== after.name) return 'changed'
  if (before?.digest && after?.digest) return before.digest === after.digest ? 'unchanged' : 'changed'

  if (!hasOrigins(base.layers) || !hasOrigins(head.layers)) return 'unknown'
  const layersBefore = base.layers.filter((layer) => layer.fromBase)
  const layersAfter = head.layers.filter((layer) => layer.fromBase)
  const same =
    layersBefore.length === layersAfter.length &&
    layersBefore.every((layer, index) => layer.diffId === layersAfter[index]?.diffId)
  return same ? 'unchanged' : 'changed'
}
