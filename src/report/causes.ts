import type { LayerChange } from '../compare/comparison.ts'
import { phrase, type Phrase, type Place } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { leadChange, type LeadMetric } from './state.ts'
import { formatCount, formatSigned } from './units.ts'

/** Whose line it was: the layers that a change of the image's size can be put down to. */

/** Before and after of one layer in the one metric that both sides know. */
export type LayerFigures = {
  /** Null where neither metric is known on the sides that there are. */
  metric: LeadMetric | null
  before: number | null
  after: number | null
  amount: number | null
}

/** A layer's figures: its sizes, or its download sizes where only those are known on each side that has the layer. */
export function layerFigures(layer: LayerChange): LayerFigures {
  const sides: [LeadMetric, number | null, number | null][] = [
    ['size', layer.sizeBefore, layer.sizeAfter],
    ['downloadSize', layer.downloadSizeBefore, layer.downloadSizeAfter],
  ]
  for (const [metric, before, after] of sides) {
    if (layer.change === 'added' ? after === null : before === null) continue
    if (layer.change === 'removed' ? before === null : after === null) continue
    return { metric, before, after, amount: (after ?? 0) - (before ?? 0) }
  }
  return { metric: null, before: null, after: null, amount: null }
}

/** The layers that a change can be put down to, largest first; the rest in numbers. */
export type Causes = {
  title: string
  layers: { layer: LayerChange; figures: LayerFigures }[]
  /** What is not in `layers`: how many, and by how much in all (null where one of them is not measured). */
  rest: Phrase[]
}

/** Causes shown; the layer table has all of them. */
export const CAUSES_SHOWN = 5

/**
 * Why an image's size changed. Null without a comparison or where no layer did. The layers of a base image that moved
 * are left out: the base image has a sentence of its own.
 */
export function causesOf(image: ImageReport, shown = CAUSES_SHOWN): Causes | null {
  if (image.base === null) return null
  const moved = image.baseImage?.change === 'changed'
  const layers = image.layerChanges
    .filter((layer) => isChanged(layer) && !(moved && layer.fromBase))
    .map((layer) => ({ layer, figures: layerFigures(layer) }))
    .toSorted((a, b) => rank(b.figures) - rank(a.figures))
  // A line that changed no size explains none.
  const telling = layers.filter(({ figures }) => figures.amount !== 0)
  if (telling.length === 0) return null

  const rest = telling.slice(shown)
  const same = layers.length - telling.length
  const rebuilt = image.layerChanges.filter((layer) => layer.change === 'rebuilt').length
  return {
    title: causesTitle(image),
    layers: telling.slice(0, shown),
    rest: [
      ...(rest.length > 0 ? [restWords(rest.map(({ figures }) => figures))] : []),
      ...(same > 0 ? [[`${formatCount(same, 'layer')} changed without changing size`]] : []),
      ...(rebuilt > 0 ? [[`${formatCount(rebuilt, 'layer')} rebuilt at the same size`]] : []),
    ],
  }
}

function causesTitle(image: ImageReport): string {
  if (image.baseImage?.change === 'changed') return 'What this change did'
  const amount = leadChange(image)?.amount ?? 0
  if (amount === 0) return 'What changed'
  return amount > 0 ? 'Why it grew' : 'Why it shrank'
}

/** The layer is not what it was: a cause, unlike one that was only built again. */
export function isChanged(layer: LayerChange): boolean {
  return layer.change === 'changed' || layer.change === 'added' || layer.change === 'removed'
}

/** Largest first; what is not measured stands last, and before nothing. */
function rank(figures: LayerFigures): number {
  return figures.amount === null ? 0.5 : Math.abs(figures.amount)
}

function restWords(rest: LayerFigures[]): Phrase {
  const amount = rest.some((figures) => figures.amount === null || figures.metric !== rest[0]?.metric)
    ? null
    : rest.reduce((sum, figures) => sum + (figures.amount ?? 0), 0)
  return [`${formatCount(rest.length, 'more layer')}${amount === null ? '' : `, ${formatSigned(amount)} in all`}`]
}

/** One cause: place, instruction, by how much, and what kind of change it is. */
export function causeWords({ layer, figures }: Causes['layers'][number], image: ImageReport, report: Report): Phrase {
  const place = layerPlace(layer, image, report)
  const amount = figures.amount === null ? 'size not measured' : formatSigned(figures.amount)
  const download = figures.metric === 'downloadSize' ? ' to download' : ''
  const kind = { added: ', new', removed: ', removed', changed: '', unchanged: '', rebuilt: '' }[layer.change]
  const was: Phrase = layer.instructionBefore === null ? [] : phrase`, was ${{ code: layer.instructionBefore }}`
  const base = layer.fromBase ? ', from the base image' : ''
  return phrase`${place === null ? [] : [{ place }, ' ']}${{ code: layer.instruction }} ${{ strong: `${amount}${download}` }}${kind}${base}${was}`
}

/** Where a layer's instruction stands: in this change's tree, or in the base's for a removed one. Null: not known. */
export function layerPlace(layer: LayerChange, image: ImageReport, report: Report): Place | null {
  if (layer.file === null || layer.line === null) return null
  const head = report.head.dirty ? null : report.head.commit
  return { file: layer.file, line: layer.line, commit: layer.change === 'removed' ? image.baseline.commit : head }
}
