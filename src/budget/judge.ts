import { bytesInBase, findAll, findingsOf, isLookedAt } from '../advice/advise.ts'
import type { Finding } from '../advice/finding.ts'
import type { Compared } from '../compare/compare.ts'
import { hasOrigins } from '../compare/compare.ts'
import type { Measurement } from '../image/measurement.ts'
import type { LimitScope } from '../inputs/budget-lines.ts'
import type { RuleId } from '../inputs/rules.ts'
import type { Budget, BudgetName, Check, Metric, SkipReason, Verdict } from './budget.ts'
import { NO_HISTORY, startOf, type History, type Start } from './history.ts'
import { gaugeInBase, gaugeOf, sharedWithStage, stagesOf, type Figures } from './scope.ts'
import { worstVerdict } from './verdict.ts'

/** Above this share of the limit, in percent, a kept budget is `near`. */
export const nearPercent = 95n

/** The order of the checks of the whole image, whatever the order in which the budgets were set. */
const order: BudgetName[] = ['max-size', 'max-download-size', 'max-layers', 'max-increase']

/**
 * Applies the budgets to one image, of which advice found `findings`. The checks stand in the order max-size, max-download-size,
 * max-layers, max-increase for the whole image, then those on parts of it as they were set, then the forbidden rules.
 *
 * Limits are compared in integers, so that exactly the limit is within it. A budget whose metric was not measured makes
 * the verdict `error`: it is never passed unseen. A growth limit without a base, or a record of `history`, is skipped and does not count.
 * What grew by a base image that moved by itself is held against nobody, but by a budget on just that. Throws a RangeError for a limit below 0 or not finite,
 * which the inputs let nobody set.
 */
export function judge(
  compared: Compared,
  budgets: Budget[],
  findings: readonly Finding[],
  history: History = NO_HISTORY,
): { checks: Check[]; verdict: Verdict } {
  const checks = budgets
    .toSorted((left, right) => place(left) - place(right))
    .map((budget) => {
      const { scope, over } = budget
      if (scope?.kind === 'rule') return judgeFindings(compared, budget, findings, scope.of)
      const sides = sidesOf(compared, scope)
      if (over !== null)
        return withLevel(
          history.problem === null
            ? judgeCreep(sides, budget, startOf(over, compared.head, history))
            : skipped(budget, 'size', 'not-measured', history.problem),
        )
      const metric = capped[budget.budget]
      return withLevel(metric === undefined ? judgeGrowth(sides, budget) : judgeCap(sides, budget, metric))
    })
  return { checks, verdict: verdictOf(checks) }
}

function place({ scope, budget }: Budget): number {
  if (scope === null) return order.indexOf(budget)
  return scope.kind === 'rule' ? order.length + 1 : order.length
}

/** The verdict that follows from the checks of an image. */
export function verdictOf(checks: readonly Check[]): Verdict {
  return worstVerdict(
    checks.map((check) => {
      if (check.reason === 'not-measured' && check.level === 'fail') return 'error'
      return check.status === 'over' ? 'over' : 'within'
    }),
  )
}

/** A soft limit breaks nothing. */
function withLevel(check: Check): Check {
  return check.level === 'warn' && check.status === 'over' ? { ...check, status: 'warned' } : check
}

/** What a scope has on both sides. */
type Sides = {
  head: Figures
  base: Figures | null
  /** By how much it grew with a base image that moved by itself, in each metric; never less than 0. */
  drift: Record<SizedMetric, number>
  /** The download sizes of the two mean nothing beside each other. */
  unlikeDownloads: boolean
  /** By how much they differ though nothing changed: of a record's build and this one's. */
  noise: Record<SizedMetric, number>
}

type SizedMetric = Exclude<Metric, 'findings'>

function sidesOf(compared: Compared, scope: LimitScope | null): Sides {
  const { comparison } = compared
  const gauge = gaugeOf(scope)
  const head = gauge(compared.head, comparison.head)
  const known = compared.base && comparison.base && gauge(compared.base, comparison.base)
  // A stage that was named anew has no growth: its layers are the base's.
  const isNew = scope?.kind === 'stage' && known?.layers === 0
  const base = isNew && compared.base ? sharedWithStage(compared.head, compared.base, scope.of) : known
  const sides = {
    base,
    drift: driftOf(compared, scope),
    unlikeDownloads: comparison.unlikeDownloads !== null,
    noise: comparison.baseline.kind === 'record' ? noiseBeside(base) : NO_NOISE,
  }
  // It may be misspelt, or one that the image is not made of.
  const isAbsent = scope?.kind === 'stage' && head.layers === 0
  return { ...sides, head: isAbsent ? absent(scope.of, compared.head) : head }
}

function absent(stage: string, head: Measurement): Figures {
  const stages = stagesOf(head).map((known) => `\`${known}\``)
  const others = stages.length === 0 ? '' : `, only of ${stages.join(', ')}`
  return {
    size: null,
    downloadSize: null,
    layers: null,
    why: `no layer of the image is of the stage \`${stage}\`${others}`,
  }
}

const NO_NOISE = { size: 0, 'download-size': 0, layers: 0 }

/** Bytes, and the share of the base in thousandths, by which two builds of one tree differ on two machines: logs, caches, the compressor. */
const NOISE = { bytes: 10_000, thousandths: 1 }

function noiseBeside(base: Figures | null): Sides['noise'] {
  return { size: noiseOf(base?.size ?? 0), 'download-size': noiseOf(base?.downloadSize ?? 0), layers: 0 }
}

function noiseOf(bytes: number): number {
  return Math.min(NOISE.bytes, Math.ceil((bytes * NOISE.thousandths) / 1000))
}

const NO_DRIFT = { size: 0, 'download-size': 0, layers: 0 }

/** The growth that is not this change's: none of the image's own layers, and all of the base image's where that is what is limited. */
function driftOf({ comparison, head, base }: Compared, scope: LimitScope | null): Sides['drift'] {
  if (comparison.baseImage.doing !== 'drift' || base === null || comparison.base === null) return NO_DRIFT
  if (scope === null) {
    const { size, downloadSize, layers } = comparison.baseImage.growth ?? { size: 0, downloadSize: 0, layers: 0 }
    return { size: grown(size), 'download-size': grown(downloadSize), layers: grown(layers) }
  }
  if (scope.kind !== 'path' && scope.kind !== 'package') return NO_DRIFT
  const gauge = gaugeInBase(scope)
  const [before, after] = [gauge(base, comparison.base).size, gauge(head, comparison.head).size]
  return { ...NO_DRIFT, size: before === null || after === null ? 0 : grown(after - before) }
}

/** What is not known is nobody else's growth. */
function grown(amount: number | null): number {
  return Math.max(0, amount ?? 0)
}

/** A cap on what is there; the base only tells whose doing it is that it does not fit. */
function judgeCap(sides: Sides, budget: Budget, metric: SizedMetric): Check {
  const actual = valueOf(sides.head, metric)
  if (actual === null) return skipped(budget, metric, 'not-measured', sides.head.why)
  const growth = growthOf(sides, metric)
  const allowed = fraction(budget.limit)
  const judged = applied(budget, metric, { actual, value: actual, allowed, growth })
  return charged(judged, sides, metric, (value) => isOver(value, allowed))
}

/**
 * A cap that lies so much above what an earlier record has. What the changes since then added in all is charged to the one that grows the
 * image beyond it, as with any other cap.
 */
function judgeCreep(sides: Sides, budget: Budget, start: Start | { why: string }): Check {
  const { size, downloadSize, why } = sides.head
  const lead = size === null ? 'download-size' : 'size'
  if (size === null && downloadSize === null) return skipped(budget, lead, 'not-measured', why)
  if ('why' in start) return skipped(budget, lead, 'no-record', start.why)
  const { commit, at, size: sizeThen, downloadSize: downloadThen } = start.point
  const metric = size !== null && sizeThen !== null ? 'size' : 'download-size'
  const [value, recorded] = metric === 'size' ? [size, sizeThen] : [downloadSize, downloadThen]
  if (value === null || recorded === null)
    return skipped(budget, lead, 'no-record', `the record of ${at.slice(0, 10)} has no figure that was measured here`)
  const since = value - recorded
  const allowed = allowanceOf(budget, recorded)
  const actual = inUnit(budget, since, recorded)
  const judged = applied(budget, metric, { actual, value: since, allowed, growth: growthOf(sides, metric) })
  const check = charged(judged, sides, metric, (other) => isOver(other - recorded, allowed))
  return { ...check, against: { commit, at, tag: start.tag } }
}

/** A broken cap as far as it is this change's doing: it grew what the base has, and not by a base image that moved by itself. */
function charged(
  check: Check,
  { head, base, drift, noise }: Sides,
  metric: SizedMetric,
  breaks: (value: number) => boolean,
): Check {
  const [value, before] = [valueOf(head, metric), base && valueOf(base, metric)]
  if (check.status !== 'over' || value === null || before === null) return check
  if (value <= before + noise[metric]) return { ...check, status: 'skipped', reason: 'over-before' }
  const moved = drift[metric]
  if (moved > 0 && (value - moved <= before || !breaks(value - moved)))
    return { ...check, status: 'skipped', reason: 'base-image', uncounted: moved }
  return check
}

/** A cap on head minus base. A percentage of a base of 0 allows nothing, and growth has no percentage there. */
function judgeGrowth(sides: Sides, budget: Budget): Check {
  const { head, base } = sides
  const metric = head.size !== null && base?.size !== null ? 'size' : 'download-size'
  if (base === null) return skipped(budget, metric, 'no-baseline', null)
  const before = valueOf(base, metric)
  const growth = growthOf(sides, metric)
  if (growth === null || before === null) return skipped(budget, metric, 'not-measured', head.why ?? base.why)

  const uncounted = growth > 0 ? Math.min(growth, sides.drift[metric]) : 0
  const value = growth - uncounted
  const actual = inUnit(budget, value, before)
  if (value > 0 && value <= sides.noise[metric])
    return { ...applied(budget, metric, { actual, value: 0, allowed: allowanceOf(budget, before), growth }), uncounted }
  return { ...applied(budget, metric, { actual, value, allowed: allowanceOf(budget, before), growth }), uncounted }
}

/** What a growth limit allows on what was there before, in the metric's own unit. */
function allowanceOf({ limit, unit }: Budget, before: number): Fraction {
  const { numerator, denominator } = fraction(limit)
  return unit === 'percent'
    ? { numerator: numerator * BigInt(before), denominator: denominator * 100n }
    : { numerator, denominator }
}

/** Growth as the limit has it; null for percent of nothing. */
function inUnit({ unit }: Budget, growth: number, before: number): number | null {
  if (unit !== 'percent') return growth
  return before === 0 ? null : (growth / before) * 100
}

/** Bytes by which the findings of a rule may grow in all and still be no worse: what a rule tells is larger than that. */
const FINDINGS_NOISE = 10_000

/**
 * A rule whose findings are forbidden. New ones break it: those that the base has too, and those in a base image that moved by itself, are
 * not this change's. Nor are new ones where the rule's findings are no larger in all than the base's: something was split, moved or replaced.
 * Without a base all count; where nothing is known of what the rule looks at in the base, none can be told new.
 */
function judgeFindings(compared: Compared, budget: Budget, findings: readonly Finding[], rule: RuleId): Check {
  if (!isKnown(rule, compared.head))
    return skipped(budget, 'findings', 'not-measured', 'nothing is known of what the rule looks at')
  const { head, base } = compared
  const found = allOf(findings, rule, compared)
  if (found.length === 0) return checkOf(budget, 'findings', { actual: 0, status: 'within' })
  const moved = compared.comparison.baseImage.doing === 'drift'
  const isComparable = base === null || isKnown(rule, base)
  const fresh = found.filter(({ since }) => since === 'new' || (since === null && isComparable))
  const own = fresh.filter(({ fromBase }) => !(moved && fromBase))
  const before = bytesInBase(rule, head, base, { ownOnly: moved })
  const bytes = found.reduce((sum, each) => sum + (moved && each.fromBase ? 0 : (each.bytes ?? 0)), 0)
  const isWorse = before === null || bytes - before >= FINDINGS_NOISE
  if (own.length > 0 && isWorse)
    return checkOf(budget, 'findings', { actual: own.length, status: 'over', excess: own.length })
  const uncounted = fresh.length - own.length
  const all = { actual: found.length, excess: found.length, uncounted }
  if (found.some(({ since }) => since === null)) return checkOf(budget, 'findings', { ...all, reason: 'no-baseline' })
  if (own.length > 0 || uncounted === 0) return checkOf(budget, 'findings', { ...all, reason: 'over-before' })
  return checkOf(budget, 'findings', { actual: uncounted, excess: uncounted, uncounted, reason: 'base-image' })
}

/** The findings of a rule; all of them where advice left some out. */
function allOf(findings: readonly Finding[], rule: RuleId, { head, base }: Compared): Finding[] {
  const told = findingsOf(findings, rule)
  const all = findAll(rule, head, base)
  return all.length > told.length ? all : told
}

/** Whether what a rule looks at is known of an image; that one has no base image at all is known, too. */
function isKnown(rule: RuleId, image: Measurement): boolean {
  return isLookedAt(rule, image) || (rule === 'floating-base' && hasOrigins(image.layers))
}

/** What is capped; growth and findings are not. */
const capped: Partial<Record<BudgetName, SizedMetric>> = {
  'max-size': 'size',
  'max-download-size': 'download-size',
  'max-layers': 'layers',
}

function valueOf(figures: Figures, metric: SizedMetric): number | null {
  if (metric === 'layers') return figures.layers
  return metric === 'size' ? figures.size : figures.downloadSize
}

/** Head minus base; null where either is not known, or the two mean nothing beside each other. */
function growthOf({ head, base, unlikeDownloads }: Sides, metric: SizedMetric): number | null {
  if (base === null || (metric === 'download-size' && unlikeDownloads)) return null
  const [before, after] = [valueOf(base, metric), valueOf(head, metric)]
  return before === null || after === null ? null : after - before
}

function skipped(budget: Budget, metric: Metric, reason: SkipReason, why: string | null): Check {
  return checkOf(budget, metric, { reason, why })
}

/** A check of these facts, its keys always in the same order; `skipped` where they say nothing else. */
function checkOf(
  budget: Budget,
  metric: Metric,
  { actual = null, status = 'skipped', reason = null, why = null, excess = null, ...facts }: Partial<Check>,
): Check {
  const { growth = null, uncounted = 0 } = facts
  return { ...budget, metric, actual, status, reason, why, excess, growth, uncounted, accepted: null, against: null }
}

/** `actual` in the budget's unit is what is shown; `value` against `allowed`, both in the metric's own unit, is judged. */
type Judged = { actual: number | null; value: number; allowed: Fraction; growth: number | null }

function applied(budget: Budget, metric: Metric, { actual, value, allowed, growth }: Judged): Check {
  const { numerator, denominator } = allowed
  // Rounding the allowance down rounds the excess up: it is never 0.
  const excess = isOver(value, allowed) ? value - Number(numerator / denominator) : null
  const isNear = BigInt(value) * denominator * 100n > numerator * nearPercent
  const status = excess !== null ? 'over' : isNear ? 'near' : 'within'
  return checkOf(budget, metric, { actual, status, excess, growth })
}

type Fraction = { numerator: bigint; denominator: bigint }

function isOver(value: number, { numerator, denominator }: Fraction): boolean {
  return BigInt(value) * denominator > numerator
}

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
