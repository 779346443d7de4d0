import type { Store } from '../build/engine.ts'
import type { LayerContents } from '../image/layer/contents.ts'
import type { Measurement } from '../image/measurement.ts'

/**
 * What shaped a build, so that a record is only compared with an image that was built alike: by input's name (`target`), or by
 * `build-args KEY`, a checksum of 16 bits of the value. That tells a change (but for one in 65,536), and not what the value is.
 */
export type Recipe = { [part: string]: string }

/** Caps on the whole image, in bytes, bytes and layers; null: none. */
export type Caps = { size: number | null; downloadSize: number | null; layers: number | null }

/** A stored measurement: of one image, for one platform, at one commit of the default branch. */
export type StoredRecord = {
  schema: 1
  /** 40 or 64 hex digits. */
  commit: string
  /** When it was committed: its place in the history. ISO 8601, UTC, to the second. */
  committedAt: string
  /** When it was measured, likewise. */
  measuredAt: string
  recipe: Recipe
  /** In force when it was measured. */
  caps: Caps
  /** Without its `content`, which is null here: the layers' listings stand beside the records, by diffID. */
  measurement: Measurement
}

/** What a record of a run is made of. */
export type Recordable = {
  /** One a platform. */
  measurements: Measurement[]
  recipe: Recipe
  caps: Caps
  /** When the measured commit was committed; null: it is not known, or no commit was built. */
  committedAt: string | null
  /** What was read of the layers. */
  contents: LayerContents
}

/** What a chart needs of a record, and what is kept of it for good. Sizes in bytes; null: not measured. */
export type Point = {
  commit: string
  /** When it was committed, ISO 8601, UTC, to the second. */
  at: string
  size: number | null
  downloadSize: number | null
  layers: number
  caps: Caps
  /** Unlike stores are never compared. Null: it was not built but measured where it lay. */
  store: Store | null
  sizeFrom: Measurement['sizeFrom']
}

/** A tag and the commit that it is on. */
export type Release = { name: string; commit: string }
