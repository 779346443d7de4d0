import type { Comparison, Totals } from '../compare/comparison.ts'
import type { Budget, BudgetName, Check, Metric, SkipReason, Verdict } from './budget.ts'
import { worstVerdict } from './verdict.ts'

/** Above this share of the limit, in percent, a kept budget is `near`. */
const nearPercent = 95n

/** The order of the checks, whatever the order in which the budgets were set. */
const order: BudgetName[] = ['max-size', 'max-download-size', 'max-layers', 'max-increase']

/**
 * Applies the budgets to one image. The checks stand in the order max-size, max-download-size, max-layers, max-increase.
 *
 * Limits are compared in integers, so that exactly the limit is within it. A budget whose metric was not measured makes
 * the verdict `error`: it is never passed unseen. A growth limit without a base is skipped and does not count. Throws a
 * RangeError for a limit below 0 or not finite, which the inputs let nobody set.
 */
export function judge(comparison: Comparison, budgets: Budget[]): { checks: Check[]; verdict: Verdict } {
  const checks = budgets
    .toSorted((left, right) => order.indexOf(left.budget) - order.indexOf(right.budget))
    .map((budget) =>
      budget.budget === 'max-increase' ? judgeGrowth(comparison, budget) : judgeCap(comparison, budget),
    )
  return { checks, verdict: worstVerdict(checks.map(verdictOf)) }
}

function verdictOf(check: Check): Verdict {
  if (check.reason === 'not-measured') return 'error'
  return check.status === 'over' ? 'over' : 'within'
}

/** A cap on the image as it is; the base only tells whose doing it is that it does not fit. */
function judgeCap({ head, base }: Comparison, budget: Budget): Check {
  const metric = cappedMetric[budget.budget]
  const actual = valueOf(head, metric)
  if (actual === null) return skipped(budget, metric, 'not-measured')
  const before = base && valueOf(base, metric)
  const check = applied(budget, metric, { actual, value: actual, allowed: fraction(budget.limit) })
  const grew = before === null || actual > before
  return check.status === 'over' && !grew ? { ...check, status: 'skipped', reason: 'over-before' } : check
}

/** A cap on head minus base. A percentage of a base of 0 allows nothing, and growth has no percentage there. */
function judgeGrowth({ head, base, unlikeDownloads }: Comparison, budget: Budget): Check {
  const metric = head.size !== null && base?.size !== null ? 'size' : 'download-size'
  if (base === null) return skipped(budget, metric, 'no-baseline')
  const after = valueOf(head, metric)
  const before = valueOf(base, metric)
  const isUnlike = metric === 'download-size' && unlikeDownloads !== null
  if (after === null || before === null || isUnlike) return skipped(budget, metric, 'not-measured')

  const growth = after - before
  const limit = fraction(budget.limit)
  if (budget.unit !== 'percent') return applied(budget, metric, { actual: growth, value: growth, allowed: limit })
  const actual = before === 0 ? null : (growth / before) * 100
  const allowed = { numerator: limit.numerator * BigInt(before), denominator: limit.denominator * 100n }
  return applied(budget, metric, { actual, value: growth, allowed })
}

const cappedMetric: Record<BudgetName, Metric> = {
  'max-size': 'size',
  'max-download-size': 'download-size',
  'max-layers': 'layers',
  'max-increase': 'size',
}

function valueOf(totals: Totals, metric: Metric): number | null {
  if (metric === 'layers') return totals.layers
  return metric === 'size' ? totals.size : totals.downloadSize
}

function skipped(budget: Budget, metric: Metric, reason: SkipReason): Check {
  return { ...budget, metric, actual: null, status: 'skipped', reason, excess: null }
}

/** `actual` in the budget's unit is what is shown; `value` against `allowed`, both in the metric's own unit, is judged. */
type Judged = { actual: number | null; value: number; allowed: Fraction }

function applied(budget: Budget, metric: Metric, { actual, value, allowed }: Judged): Check {
  const { numerator, denominator } = allowed
  const scaled = BigInt(value) * denominator
  if (scaled > numerator) {
    // Rounding the allowance down rounds the excess up: it is never 0.
    const excess = value - Number(numerator / denominator)
    return { ...budget, metric, actual, status: 'over', reason: null, excess }
  }
  const status = scaled * 100n > numerator * nearPercent ? 'near' : 'within'
  return { ...budget, metric, actual, status, reason: null, excess: null }
}

type Fraction = { numerator: bigint; denominator: bigint }

/**
 * A limit as the exact fraction of what the user wrote: 2.5 is 25/10. JavaScript prints a number as the shortest decimal
 * that reads back as the same number, which is what it was read from.
 */
function fraction(limit: number): Fraction {
  const decimal = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(limit))
  if (!decimal) throw new RangeError(`A limit is a finite number of at least 0, not ${limit}`)
  const [, whole = '', decimals = '', exponent = '0'] = decimal
  const digits = BigInt(whole + decimals)
  const power = Number(exponent) - decimals.length
  return power < 0
    ? { numerator: digits, denominator: 10n ** BigInt(-power) }
    : { numerator: digits * 10n ** BigInt(power), denominator: 1n }
}
