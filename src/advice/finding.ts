import type { Layer, Measurement } from '../image/measurement.ts'
import type { RuleId } from '../inputs/rules.ts'

export { RULES, type RuleId } from '../inputs/rules.ts'

/** Words of our own, and what comes from the image as data: a path, a name, a command to paste. */
export type Words = (string | { code: string })[]

/** What a rule found in an image. */
export type Found = {
  /** What it is, as the start of a sentence: `apt's package lists`, `2 development dependencies`. At most some 80 characters. */
  what: Words
  /** Absolute paths, largest first, at most MAX_PATHS; [] where it is about no files. */
  paths: string[]
  /** How many there are in all. */
  count: number
  /** Bytes that the image would be smaller by; null where it is not about bytes. Never counted twice within a rule. */
  bytes: number | null
  /** The layer whose instruction brought it in; null: no single one, or not known. */
  layer: Layer | null
  /** For `removed-later`: the layer that removed or replaced it, so that both lines can be told; else null. */
  otherLayer: Layer | null
  /** Of `removed-later`: taken away, and not shipped again: the bytes are the lower layer's alone. */
  isRemoval?: boolean
  /** What to do, one sentence in the imperative without its final full stop: `add ` `coverage` ` to ` `.dockerignore`. */
  fix: Words
  /**
   * What makes it the same finding in another image (head and base are compared by it): nothing that shrinking the image changes, as which of
   * its files is the first or the largest. Several may have the same one: they are compared in their order.
   */
  key: string
}

/** Paths that a finding names. */
export const MAX_PATHS = 5

/** Looks at one image. Pure; never throws; [] where nothing is found, or what it looks at is not known. Largest first. */
export type Rule = (image: Measurement) => Found[]

/** A finding, with what it is beside the base's. Serialisable. */
export type Finding = Pick<Found, 'what' | 'paths' | 'count' | 'bytes' | 'fix'> & {
  rule: RuleId
  /** Where the Dockerfile has the instruction that brought it in; null: not known, or not in the Dockerfile (the base image's layers). */
  file: string | null
  line: number | null
  instruction: string | null
  /** The line of the instruction that removed or replaced it (`removed-later`), else null. */
  otherLine: number | null
  /** It lies in a layer that came with the `FROM` image: nothing in this Dockerfile brought it in. */
  fromBase: boolean
  /** `new`: the base does not have it; `grown`: the base has it with at least 10 kB less; `before`: the base has about as much, or more; null: no comparison. */
  since: 'new' | 'grown' | 'before' | null
  /** Bytes that are more than in the base (all of them where it is new); null where there are none to tell. */
  added: number | null
}
