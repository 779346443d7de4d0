import type { Report } from './report.ts'

/**
 * Every key of the report, in the order in which they are written wherever they occur. A list as `JSON.stringify`'s
 * replacer is exactly that: an order, and nothing else passes.
 */
const KEYS = [
  'schema',
  'version',
  'kind',
  'name',
  'platform',
  'verdict',
  'error',
  'message',
  'remedy',
  'engine',
  'driver',
  'store',
  'buildx',
  'head',
  'base',
  'change',
  'commit',
  'dirty',
  'ref',
  'reason',
  'amount',
  'percent',
  'size',
  'downloadSize',
  'layers',
  'ownSize',
  'ownDownloadSize',
  'ownLayers',
  'baseline',
  'baseImage',
  'before',
  'after',
  'digest',
  'layerChanges',
  'instruction',
  'instructionBefore',
  'file',
  'line',
  'stage',
  'fromBase',
  'sizeBefore',
  'sizeAfter',
  'downloadSizeBefore',
  'downloadSizeAfter',
  'checks',
  'budget',
  'metric',
  'limit',
  'actual',
  'unit',
  'status',
  'excess',
  'images',
  'repositoryUrl',
  'runUrl',
]

/** The report as JSON (docs/report.md): two spaces, the same key order every time, a newline at the end. */
export function renderJson(report: Report): string {
  return `${JSON.stringify(report, KEYS, 2)}\n`
}
