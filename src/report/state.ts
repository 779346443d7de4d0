import type { Check } from '../budget/budget.ts'
import type { Change } from '../compare/comparison.ts'
import type { ImageReport } from './report.ts'

/** What is to be said of an image, decided once for every way to say it: words.ts has the words. */

/**
 * What is said of an image, the first that applies. `untouched`: not built; `failed`: no figures at all; `not-judged`: a budget's metric is not
 * measured; `over`; `waived`: broken by growth that someone accepted; `warned`: over a soft limit; `over-before`, `base-image`: a broken
 * budget that this change is not charged with; `no-comparison`: within, with no base; then by the change of the leading metric.
 */
export type State =
  | 'untouched'
  | 'failed'
  | 'not-judged'
  | 'over'
  | 'waived'
  | 'warned'
  | 'over-before'
  | 'base-image'
  | 'no-comparison'
  | 'smaller'
  | 'near'
  | 'larger'
  | 'unchanged'

/** The metric an image is spoken of in: its size, or its download size where only that is measured. */
export type LeadMetric = 'size' | 'downloadSize'

/** The leading metric of an image; null where neither is measured. */
export function leadMetric(image: ImageReport): LeadMetric | null {
  if (image.head === null) return null
  if (image.head.size !== null) return 'size'
  return image.head.downloadSize === null ? null : 'downloadSize'
}

/** Change of the leading metric; null without a comparison. */
export function leadChange(image: ImageReport): Change | null {
  const metric = leadMetric(image)
  return metric === null ? null : (image.change?.[metric] ?? null)
}

/** Which of the states an image is in. */
export function stateOf(image: ImageReport): State {
  if (image.untouched) return 'untouched'
  if (image.error !== null || image.head === null) return 'failed'
  if (image.verdict === 'error') return 'not-judged'
  if (image.verdict === 'over') return 'over'
  if (image.checks.some((check) => check.status === 'waived')) return 'waived'
  if (image.checks.some((check) => check.status === 'warned')) return 'warned'
  const isUncharged = (reason: 'over-before' | 'base-image'): boolean =>
    image.checks.some((check) => check.reason === reason && check.level === 'fail')
  if (isUncharged('over-before')) return 'over-before'
  if (isUncharged('base-image')) return 'base-image'
  const change = leadChange(image)
  if (change === null) return 'no-comparison'
  if (change.amount < 0) return 'smaller'
  if (image.checks.some(isNear)) return 'near'
  return change.amount > 0 ? 'larger' : 'unchanged'
}

/** Worth a word before it is broken; a soft limit is such a word itself. */
export function isNear({ status, level }: Check): boolean {
  return status === 'near' && level === 'fail'
}

/** The image could not be judged: a failed build, or a budget on what is not measured. */
export function isFailure(image: ImageReport): boolean {
  return !image.untouched && (image.verdict === 'error' || image.error !== null || image.head === null)
}

/**
 * By how many bytes (of the leading metric) the base image's layers changed, where there is another one; null where there is not, or
 * where that is not known.
 */
export function baseImageGrowth(image: ImageReport): number | null {
  const metric = leadMetric(image)
  return metric === null ? null : (image.baseImage?.growth?.[metric] ?? null)
}

/** The commit whose figures stand for the base: of a record before the base commit, that record's. Null: there is none. */
export function measuredBase({ baseline }: ImageReport): string | null {
  return baseline.record?.commit ?? baseline.commit
}

/** `docker.io/library/node:24-slim` as Dockerfiles write it: `node:24-slim`. */
export function familiarName(reference: string): string {
  return reference.replace(/^docker\.io\/(library\/)?/, '')
}
