import type { Level, LimitScope, Over } from '../inputs/budget-lines.ts'
import type { RuleId } from '../inputs/rules.ts'

/** Names of the budgets, as the inputs and the budget file spell them. */
export type BudgetName = 'max-size' | 'max-download-size' | 'max-layers' | 'max-increase' | 'forbid'

/** What a budget limits. */
export type Metric = 'size' | 'download-size' | 'layers' | 'findings'

/** The part of an image that a budget is on; `rule`: findings of one rule of advice. */
export type Scope = LimitScope | { kind: 'rule'; of: RuleId }

/** One limit that a user set. `limit` is in `unit`: bytes, layers and findings are integers, percent may have decimals. */
export type Budget = {
  budget: BudgetName
  /** Null: the whole image. */
  scope: Scope | null
  /** `warn`: a soft limit, which is shown and never breaks the budget. */
  level: Level
  /** Of `max-increase`: growth since an earlier record. Null: growth against the base; and of all other budgets. */
  over: Over | null
  limit: number
  unit: 'bytes' | 'layers' | 'percent' | 'findings'
}

/**
 * `within`; `near`: within, but above 95 % of the limit; `over`; `warned`: a soft limit that is broken; `waived`: broken by growth that
 * someone accepted; `skipped`: not judged, see `reason`. Only `over` breaks the budget.
 */
export type CheckStatus = 'within' | 'near' | 'over' | 'warned' | 'waived' | 'skipped'

/**
 * Why a check was skipped.
 * `no-baseline`: a growth limit, or a forbidden rule, with nothing to compare with.
 * `no-record`: a limit on growth over time, and no record to count it from.
 * `not-measured`: the metric is not known: the verdict becomes `error` (but for a soft limit), a budget is never passed unseen.
 * `over-before`: the base already breaks the limit and this change does not grow what it is on: never this change's fault.
 * `base-image`: broken only since the base image grew, by no doing of this change.
 */
export type SkipReason = 'no-baseline' | 'no-record' | 'not-measured' | 'over-before' | 'base-image'

/** The record that growth over time was counted from: its commit, when that was committed (ISO 8601), and for `release` its tag. */
export type Against = { commit: string; at: string; tag: string | null }

/** One budget applied to one image. */
export type Check = Budget & {
  /** The metric it was applied to (`max-increase`: size where measured, else download size). */
  metric: Metric
  /** In `unit`; null where there is nothing to judge, or for growth in percent of a base (or a record) of 0. */
  actual: number | null
  status: CheckStatus
  reason: SkipReason | null
  /** As the end of a sentence: for `no-record` why, for `not-measured` why, where the image's own `unmeasured` does not tell it; else null. */
  why: string | null
  /** By how much the limit is broken, in the metric's own unit (integer), where it is broken, whatever follows from it; else null. */
  excess: number | null
  /** What it is on, head minus base, in the metric's own unit; null where one of them is not known, and of findings. */
  growth: number | null
  /** How much of `growth` came from a base image that moved by itself, and is not counted; else 0. */
  uncounted: number
  /** The growth that someone accepted, in the metric's own unit: up to it the check is `waived`. Null: none. */
  accepted: number | null
  /** What growth over time was counted from; null where it was not, and of all other budgets. */
  against: Against | null
}

/**
 * `within` (exit 0), `over` (exit 1), `error`: could not measure (exit 2). Of several, in one image as among images, the
 * worst counts: `error` before `over` before `within` (verdict.ts).
 */
export type Verdict = 'within' | 'over' | 'error'
