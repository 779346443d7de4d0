import { changeOf } from '../compare/compare.ts'
import { NOISE_BYTES } from './noteworthy.ts'
import { phrase, type Phrase } from './phrase.ts'
import type { ImageReport } from './report.ts'
import { FLAT_SHARE, sparkline } from './sparkline.ts'
import { leadMetric, type LeadMetric } from './state.ts'
import { formatCount } from './units.ts'
import { changeWords } from './words.ts'

/** Fewer are no trend. */
const RECORDS_MIN = 3

const NAMES: Record<LeadMetric, string> = { size: 'Size', downloadSize: 'Download size' }

/**
 * Where the image comes from, as one line: its size (or the metric that it is spoken of in) at the default branch's last records and with
 * this change. Null where fewer than three records have that metric, or it cannot be compared with theirs.
 */
export function trendWords(image: ImageReport): Phrase | null {
  const metric = leadMetric(image)
  const now = metric === null ? null : (image.head?.[metric] ?? null)
  if (metric === null || now === null) return null
  if (metric === 'downloadSize' && image.unlikeDownloads !== null) return null
  const records = image.trend.flatMap(({ at, [metric]: value }) => (value === null ? [] : [{ at, value }]))
  const [first] = records
  if (first === undefined || records.length < RECORDS_MIN) return null

  const values = [...records.map(({ value }) => value), now]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const since = first.at.slice(0, 10)
  const over = `over ${formatCount(records.length, 'record')} since ${since}`
  const name = `${NAMES[metric]} over time`
  if (high - low < NOISE_BYTES) return [`${name}: the same ${over}, and with this change`]
  const isFlat = high - low < high * FLAT_SHARE
  const bars = { code: sparkline(values) }
  const nearly = isFlat ? 'nearly the same, ' : ''
  const change = changeOf(first.value, now)
  if (Math.abs(change.amount) < NOISE_BYTES) {
    return phrase`${name}: ${bars} ${nearly}with this change as it was on ${since}, ${formatCount(records.length, 'record')} ago`
  }
  return phrase`${name}: ${bars} ${nearly}${changeWords(change)} ${over}, this change included`
}
