/** Names of the budgets, as the inputs and the budget file spell them. */
export type BudgetName = 'max-size' | 'max-download-size' | 'max-layers' | 'max-increase'

/** What a budget limits. */
export type Metric = 'size' | 'download-size' | 'layers'

/** One limit that a user set. `limit` is in `unit`: bytes and layers are integers, percent may have decimals. */
export type Budget = {
  budget: BudgetName
  limit: number
  unit: 'bytes' | 'layers' | 'percent'
}

/**
 * `within`; `near`: within, but above 95 % of the limit; `over`; `skipped`: not judged, see `reason`.
 * Only `over` breaks the budget.
 */
export type CheckStatus = 'within' | 'near' | 'over' | 'skipped'

/**
 * Why a check was skipped.
 * `no-baseline`: a growth limit with nothing to compare with.
 * `not-measured`: this engine's store cannot tell the metric: the verdict becomes `error`, a budget is never passed unseen.
 * `over-before`: the base already breaks the limit and this change does not grow the image: never this change's fault.
 */
export type SkipReason = 'no-baseline' | 'not-measured' | 'over-before'

/** One budget applied to one image. */
export type Check = Budget & {
  /** The metric it was applied to (`max-increase`: size where measured, else download size). */
  metric: Metric
  /** In `unit`; null where there is nothing to judge, or for growth in percent of a base of 0. */
  actual: number | null
  status: CheckStatus
  reason: SkipReason | null
  /** By how much the limit is broken, in the metric's own unit (bytes or layers, integer), for `over` and `over-before`; else null. */
  excess: number | null
}

/**
 * `within` (exit 0), `over` (exit 1), `error`: could not measure (exit 2). Of several, in one image as among images, the
 * worst counts: `error` before `over` before `within` (verdict.ts).
 */
export type Verdict = 'within' | 'over' | 'error'
