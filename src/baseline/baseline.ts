import type { Measurement } from '../image/measurement.ts'

/** How the measurement to compare with was had: built beside the head, or of an image where it lies. */
export type BaselineKind = 'build' | 'image' | 'none'

/** The base branch's side of the comparison. */
export type Baseline = {
  kind: BaselineKind
  /** The base commit, where there is one (also when it could not be measured). */
  commit: string | null
  /** The name under which the user knows the base: a branch, the ref or the image that was given; null where there is none. */
  ref: string | null
  /** Why there is no baseline (`kind: 'none'`), as a sentence without its final full stop; else null. */
  reason: string | null
  /** One per platform; empty for `none`. */
  measurements: Measurement[]
  /** All platforms that the base has, those not measured (the head lacks them) too. */
  platforms: string[]
}
