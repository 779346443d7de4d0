import type { Engine } from '../build/engine.ts'
import type { BaseImage, ImageSource, Unmeasured } from '../image/measurement.ts'

/** Totals of one side. Sizes are integers in bytes; null: not measured. `layers` counts non-empty layers. */
export type Totals = {
  size: number | null
  downloadSize: number | null
  layers: number
  /** The same without the layers that came with the `FROM` image; null as soon as one layer's origin is not known. */
  ownSize: number | null
  ownDownloadSize: number | null
  ownLayers: number | null
}

/** A difference, head minus base. `percent` is of the base; null where the base is 0. */
export type Change = { amount: number; percent: number | null }

/** Differences of the totals; null where either side has no number. */
export type TotalsChange = { [metric in keyof Totals]: Change | null }

/**
 * `unchanged`: the same diffID. `rebuilt`: the same instruction, another diffID, the same size (for download sizes:
 * within the compressor's noise). `changed`: another size or an edited instruction. `added`, `removed`: on one side only.
 */
export type LayerChangeKind = 'unchanged' | 'rebuilt' | 'changed' | 'added' | 'removed'

/** One row of the layer alignment. `line` and `instruction` are the head's, except for `removed`. Null sizes: not measured, or absent on that side. */
export type LayerChange = {
  change: LayerChangeKind
  instruction: string
  /** The base's instruction where it was edited, else null. */
  instructionBefore: string | null
  file: string | null
  line: number | null
  stage: string | null
  /** Came with the image that `FROM` names; null: not known. */
  fromBase: boolean | null
  sizeBefore: number | null
  sizeAfter: number | null
  downloadSizeBefore: number | null
  downloadSizeAfter: number | null
}

/** Why there is nothing to compare with, or how the base was had; the report's `baseline`. */
export type BaselineFacts = {
  kind: 'build' | 'image' | 'none'
  commit: string | null
  ref: string | null
  reason: string | null
}

/** Head against base, for one image and one platform. */
export type Comparison = {
  name: string
  platform: string
  engine: Engine | null
  /** Where the head was found, where it was not built. */
  source: ImageSource | null
  head: Totals
  base: Totals | null
  change: TotalsChange | null
  /** Of the head: read from the layers, or the engine's own count. */
  sizeFrom: 'content' | 'engine' | null
  /** Of the head: why a metric is null. */
  unmeasured: Unmeasured
  /** Why the download sizes, both measured, have no change: a sentence without its final full stop; null where they have one. */
  unlikeDownloads: string | null
  baseline: BaselineFacts
  baseImage: {
    before: BaseImage | null
    after: BaseImage | null
    change: 'unchanged' | 'changed' | 'unknown'
    /**
     * Of `changed`: `change`: the Dockerfile names another one; `drift`: what it names moved by itself, which is not this change's doing;
     * null: it cannot be told, and so counts as the change's.
     */
    doing: 'change' | 'drift' | null
    /** Of `changed`: what its layers have more than before, in bytes and layers; null where it is not known which these are. */
    growth: { size: number | null; downloadSize: number | null; layers: number } | null
  }
  /** In the image's order, base layer first; a removed layer stands where it stood. */
  layerChanges: LayerChange[]
}
