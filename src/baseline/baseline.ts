import type { Measurement } from '../image/measurement.ts'

/** How the measurement to compare with was had: of a record, built beside the head, or of an image where it lies. */
export type BaselineKind = 'record' | 'build' | 'image' | 'none'

/** The record that serves as the baseline. */
export type RecordFacts = {
  /** Its commit: the base commit, or one that it descends from. */
  commit: string
  /** When that was committed, ISO 8601. */
  at: string
  /** How many commits the base commit is ahead of it, in the order in which the history lists them; 0: it is the base commit's. */
  behind: number
}

/** The base branch's side of the comparison. */
export type Baseline = {
  kind: BaselineKind
  /** The base commit, where there is one (also when it could not be measured). */
  commit: string | null
  /** The name under which the user knows the base: a branch, the ref or the image that was given; null where there is none. */
  ref: string | null
  /** Why there is no baseline (`kind: 'none'`), as a sentence without its final full stop; else null. */
  reason: string | null
  /** Of `record`: which one; else null. */
  record: RecordFacts | null
  /** Why a record that is there does not serve (`auto`), as a sentence without its final full stop; else null. */
  passedOver: string | null
  /** One per platform; empty for `none`. */
  measurements: Measurement[]
  /** All platforms that the base has, those not measured (the head lacks them) too. */
  platforms: string[]
}

/** No baseline at all. */
export const NO_BASELINE: Baseline = {
  kind: 'none',
  commit: null,
  ref: null,
  reason: null,
  record: null,
  passedOver: null,
  measurements: [],
  platforms: [],
}
