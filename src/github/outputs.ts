import type { Report } from '../report/report.ts'

/** Every output, in action.yml's order. */
export const outputNames = [
  'verdict',
  'size',
  'download-size',
  'layers',
  'base-size',
  'size-change',
  'size-change-percent',
  'layers-change',
  'report',
  'page',
  'artifact',
  'comment-body',
  'comment-url',
] as const
export type OutputName = (typeof outputNames)[number]

/** The outputs that the report decides. Figures are the first image's; an empty text is a figure that was not measured. */
export function outputsOf(
  report: Report,
): Record<Exclude<OutputName, 'report' | 'page' | 'artifact' | 'comment-body' | 'comment-url'>, string> {
  const image = report.images[0]
  const change = image?.change ?? null
  const percent = change?.size?.percent ?? null
  return {
    verdict: report.verdict,
    size: text(image?.head?.size),
    'download-size': text(image?.head?.downloadSize),
    layers: text(image?.head?.layers),
    'base-size': text(image?.base?.size),
    'size-change': text(change?.size?.amount),
    // Without the sign of a zero.
    'size-change-percent': percent === null ? '' : percent.toFixed(1).replace(/^-(0\.0)$/, '$1'),
    'layers-change': text(change?.layers?.amount),
  }
}

function text(figure: number | null | undefined): string {
  return figure === null || figure === undefined ? '' : String(figure)
}
