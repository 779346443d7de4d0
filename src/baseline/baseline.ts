import type { Measurement } from '../image/measurement.ts'

/** How the measurement to compare with was had. */
export type BaselineKind = 'build' | 'none'

/** The base branch's side of the comparison. */
export type Baseline = {
  kind: BaselineKind
  /** The base commit, where there is one (also when it could not be measured). */
  commit: string | null
  /** The name under which the user knows the base: a branch, or the ref that was given; null where there is none. */
  ref: string | null
  /** Why there is no baseline (`kind: 'none'`), as a sentence without its final full stop; else null. */
  reason: string | null
  /** One per platform; empty for `none`. */
  measurements: Measurement[]
}
