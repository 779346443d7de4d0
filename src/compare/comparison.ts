import type { Engine } from '../build/engine.ts'
import type { Baseline } from '../baseline/baseline.ts'
import type { BuildWarning } from '../build/warnings.ts'
import type { BaseImage, CopySource, ImageSource, Unmeasured } from '../image/measurement.ts'
import type { Ecosystem } from '../image/packages/package.ts'

/** Totals of one side. Sizes are integers in bytes; null: not measured. `layers` counts non-empty layers. */
export type Totals = {
  size: number | null
  downloadSize: number | null
  layers: number
  /** The same without the layers that came with the `FROM` image; null as soon as one layer's origin is not known. */
  ownSize: number | null
  ownDownloadSize: number | null
  ownLayers: number | null
  /** Bytes that a layer ships and another one removes or replaces; null where no content was read. */
  wasted: number | null
}

/** A difference, head minus base. `percent` is of the base; null where the base is 0. */
export type Change = { amount: number; percent: number | null }

/** Differences of the totals; null where either side has no number. */
export type TotalsChange = { [metric in keyof Totals]: Change | null }

/**
 * `unchanged`: the same diffID. `rebuilt`: the same instruction, another diffID, the same size (for download sizes:
 * within the compressor's noise). `moved`: the same content at another place in the order. `changed`: another size or an edited
 * instruction. `added`, `removed`: on one side only.
 */
export type LayerChangeKind = 'unchanged' | 'rebuilt' | 'moved' | 'changed' | 'added' | 'removed'

/** What became of a package. `same`: of the same version, with other bytes. */
export type PackageChange = {
  ecosystem: Ecosystem
  name: string
  /** The folder or file that it is, absolute; null where a database lists its files. */
  path: string | null
  change: 'new' | 'gone' | 'updated' | 'same'
  versionBefore: string | null
  versionAfter: string | null
  /** Bytes, after minus before. */
  amount: number
  /** Of `same`, within a part: the folder that has most of its change, or all of it; else null. */
  folder: string | null
  /** Only needed to develop or build; null: nothing says. */
  dev: boolean | null
}

/** A part of what changed: a folder or file, packages in a folder, or packages of a database. */
export type Part = {
  /** Absolute, without a final `/`; null: a database's packages, wherever their files lie. */
  path: string | null
  /** Whose packages they are; null: files that no package manager knows, or one file. */
  ecosystem: Ecosystem | null
  /** Of the path: whether either image has anything there. */
  change: 'new' | 'gone' | 'changed'
  /** Bytes, after minus before. */
  amount: number
  /** Number of files that grew, shrank, came or went. */
  files: number
  /** Largest change first, at most ten. */
  packages: PackageChange[]
  /** How many there are in all. */
  packageCount: number
}

/** What a layer's (or the base image's) change is made of. */
export type Why = {
  /** Bytes of the change that another layer has the contrary of, at the same paths: they only moved. */
  moved: number
  /** Largest first, at most ten. Their sum, `moved` and `rest` are the whole change. */
  parts: Part[]
  rest: number
}

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
  /** What `COPY --from` names, else null. */
  copiedFrom: CopySource | null
  sizeBefore: number | null
  sizeAfter: number | null
  downloadSizeBefore: number | null
  downloadSizeAfter: number | null
  /** What changed in it; null where it is the same, where there is no base, and where no content was read. */
  why: Why | null
}

/** Why there is nothing to compare with, or how the base was had; the report's `baseline`. */
export type BaselineFacts = Pick<Baseline, 'kind' | 'commit' | 'ref' | 'reason' | 'record' | 'passedOver'>

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
    /** What changed in its layers together; null where it did not, or no content was read. */
    why: Why | null
  }
  /** Packages that came, went or changed, by the bytes that are in the image, largest first, at most 100; null where no content was read. */
  packages: PackageChange[] | null
  /** What BuildKit's own checks say of the head's Dockerfile. */
  warnings: BuildWarning[]
  /** In the image's order, base layer first; a removed layer stands where it stood. */
  layerChanges: LayerChange[]
}
