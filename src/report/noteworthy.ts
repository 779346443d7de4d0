import type { ImageReport, Report } from './report.ts'

/**
 * Noise floor in bytes. Two builds of one tree differ by timestamps in caches, `.pyc` files, package manager logs: a few
 * hundred bytes to a few kB. 10 kB is above that and below anything that a reviewer would act upon.
 */
export const NOISE_BYTES = 10_000

/**
 * Noise floor of download sizes, as a share of the image's: what the same content compresses to differs between
 * versions and levels of the compressor, and with the order of the files in the layer.
 */
export const NOISE_DOWNLOAD_SHARE = 0.001

/**
 * Whether the report says something that a reviewer would want to be told unasked. Not if it is a quiet success: then
 * `comment: on-change` writes no new comment. A budget that is nearly used up, or was broken before, is no news on a pull
 * request that changes nothing of it.
 */
export function isNoteworthy(report: Report): boolean {
  return report.verdict !== 'within' || report.gonePlatforms.length > 0 || report.images.some(isImageNoteworthy)
}

/** The same for one image; the others of the report are folded away. */
export function isImageNoteworthy(image: ImageReport): boolean {
  if (image.untouched) return false
  if (image.verdict !== 'within') return true
  if (image.checks.some(({ status }) => status === 'warned' || status === 'waived')) return true
  // No comparison is news where a base was looked for, not where none was asked for.
  if (image.base === null || image.change === null) return image.baseline.ref !== null
  if ((image.change.layers?.amount ?? 0) !== 0) return true
  if (image.baseImage?.change === 'changed') return true
  // A key weighs next to nothing.
  if (image.findings.some(({ rule, since }) => rule === 'secrets' && since !== 'before')) return true

  const { size, downloadSize } = image.change
  if (size !== null) return Math.abs(size.amount) >= NOISE_BYTES
  if (downloadSize === null) return true
  const floor = Math.max(NOISE_BYTES, (image.base.downloadSize ?? 0) * NOISE_DOWNLOAD_SHARE)
  return Math.abs(downloadSize.amount) >= floor
}
