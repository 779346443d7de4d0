import { createHash } from 'node:crypto'
import type { TotalsChange } from '../compare/comparison.ts'
import type { Check, Verdict } from './budget.ts'
import { verdictOf } from './judge.ts'

/** What an image grew by over its base, in bytes, bytes and layers; null: not known. */
export type Growth = { size: number | null; downloadSize: number | null; layers: number | null }

/** What a report showed of an image that can be accepted. Serialisable. */
export type Shown = {
  name: string
  platform: string
  growth: Growth
  /** Growth of the parts whose budgets were broken, each by the id of its check (`partId`). */
  parts: [id: string, growth: number][]
}

/** What the label of a pull request accepts. */
export type Acceptance = {
  label: string
  /** Who set it, and when (ISO 8601); null: it is not set, or that is not known. */
  set: { by: string; at: string } | null
  /** What was accepted, for each image and platform; [] where nothing is. */
  shown: Shown[]
  /** Why it accepts nothing though it may be set, as a sentence without its final full stop; else null. */
  problem: string | null
}

/** Asks what was accepted of the images of the comment with this key. Only asked where a budget would be broken by growth. Never throws. */
export type AskWaivers = (key: string, shown: Shown[]) => Promise<Acceptance>

/** A judged image as far as a waiver looks at it. `platform` null: it could not be measured. */
type Judged = {
  name: string
  platform: string | null
  change: TotalsChange | null
  checks: Check[]
  verdict: Verdict
}

/** Whether someone may accept what breaks a budget: growth, but nothing that is forbidden. */
export function isWaivable({ status, metric, growth }: Check): boolean {
  return status === 'over' && metric !== 'findings' && growth !== null
}

/** What a report shows of an image; null without a comparison. */
export function shownOf({ name, platform, change, checks }: Omit<Judged, 'verdict'>): Shown | null {
  if (platform === null || change === null) return null
  const growth = {
    size: change.size?.amount ?? null,
    downloadSize: change.downloadSize?.amount ?? null,
    layers: change.layers?.amount ?? null,
  }
  const broken = checks.filter((check) => check.scope !== null && (check.status === 'waived' || isWaivable(check)))
  return { name, platform, growth, parts: broken.map((check) => [partId(check), check.growth!]) }
}

/**
 * Applies what was accepted: a check that is over by no more growth than that is waived, one that grew further is not. The image's growth
 * counts, not its size: the same change stays accepted when the base branch moves. Of a part of the image its own growth counts.
 */
export function waive<T extends Judged>(image: T, accepted: readonly Shown[]): T {
  const shown = accepted.find(({ name, platform }) => name === image.name && platform === image.platform)
  if (shown === undefined || !image.checks.some(isWaivable)) return image
  const checks = image.checks.map((check): Check => {
    const amount = isWaivable(check) ? acceptedGrowth(check, shown) : null
    if (amount === null) return check
    return { ...check, status: check.growth! <= amount ? 'waived' : 'over', accepted: amount }
  })
  return { ...image, checks, verdict: verdictOf(checks) }
}

function acceptedGrowth(check: Check, { growth, parts }: Shown): number | null {
  if (check.scope !== null) return parts.find(([id]) => id === partId(check))?.[1] ?? null
  if (check.metric === 'layers') return growth.layers
  return check.metric === 'size' ? growth.size : growth.downloadSize
}

/** Tells one budget on a part of the image from another, in few characters. Its limit may change. */
function partId({ budget, scope, metric }: Check): string {
  const text = JSON.stringify([budget, metric, scope?.kind, scope?.of])
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
