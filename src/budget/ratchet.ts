import type { Totals } from '../compare/comparison.ts'
import type { Budget } from './budget.ts'

/** A cap on the whole image that is far above what is there, and the lower one that would still leave room. In bytes. */
export type Ratchet = { budget: 'max-size' | 'max-download-size'; limit: number; proposed: number }

/** What a lower cap leaves above the image, and how much lower than the old one it is at least, in percent of either. */
const ROOM = 10n
const WORTH = 10n

/**
 * The hard caps on the whole image that could be lower by far: to the image's size and a tenth more, rounded up to two digits (126.9 MB:
 * 140 MB), where that is at most nine tenths of the cap. In the order of the budgets.
 */
export function ratchetsOf({ size, downloadSize }: Totals, budgets: readonly Budget[]): Ratchet[] {
  return budgets.flatMap(({ budget, scope, level, limit }): Ratchet[] => {
    if (scope !== null || level !== 'fail' || (budget !== 'max-size' && budget !== 'max-download-size')) return []
    const measured = budget === 'max-size' ? size : downloadSize
    // A cap of 0 would be none that is meant.
    if (measured === null || measured === 0) return []
    const proposed = twoDigitsUp(ceiling(BigInt(measured) * (100n + ROOM), 100n))
    return proposed * 100n <= BigInt(limit) * (100n - WORTH) ? [{ budget, limit, proposed: Number(proposed) }] : []
  })
}

/** 139,590,000 to 140,000,000: the decimal units differ by thousands, so it has two digits in each of them. */
function twoDigitsUp(bytes: bigint): bigint {
  const step = 10n ** BigInt(Math.max(0, String(bytes).length - 2))
  return ceiling(bytes, step) * step
}

function ceiling(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator
}
