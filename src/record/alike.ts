import type { Measurement } from '../image/measurement.ts'
import type { Point } from './record.ts'

/** By what it is told whether figures mean the same. */
export type Figures = Pick<Point, 'store' | 'size' | 'sizeFrom'>

/**
 * Whether the figures of two measurements mean the same: stores pack and split layers differently, and a size that was counted otherwise is
 * another figure.
 */
export function isAlike(one: Figures, other: Figures): boolean {
  if (one.store !== other.store) return false
  return one.size === null || other.size === null || one.sizeFrom === other.sizeFrom
}

/** Those of an image that was measured. */
export function figuresOf({ engine, size, sizeFrom }: Measurement): Figures {
  return { store: engine?.store ?? null, size, sizeFrom }
}

/**
 * Two that have a size are alike where this is the same, whatever lies between them. What does not depend on how a size is counted has none:
 * `size` null.
 */
export function kindOf({ store, size, sizeFrom }: Figures): string {
  return size === null ? String(store) : `${store} ${sizeFrom}`
}
