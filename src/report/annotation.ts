import { causesOf } from './causes.ts'
import { isImageNoteworthy } from './noteworthy.ts'
import { plain } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { isFailure, leadChange } from './state.ts'
import { formatSigned } from './units.ts'
import { imageHeadline, PRODUCT } from './words.ts'

/** A remark on a line of the Dockerfile (or on the run, without a place), as GitHub shows it in the pull request's diff. Plain text. */
export type Annotation = {
  level: 'error' | 'warning' | 'notice'
  title: string
  message: string
  /** Path relative to the repository's root, line 1-based. */
  place: { file: string; line: number | null } | null
}

/**
 * The one annotation of a report: on the line that failed, or that grew most in the image that is worst off. Null where nothing
 * is worth one. `fails`: the report fails the job, so there is always one.
 */
export function annotationOf(report: Report, fails: boolean): Annotation | null {
  const image = worstOf(report)
  if (image === undefined) return null
  const title = `${PRODUCT}: ${plain(imageHeadline(image))}`
  if (image.error) {
    const { message, remedy, file, line } = image.error
    return {
      level: 'error',
      title,
      message: [message, remedy].filter(Boolean).join('\n'),
      place: file === null ? null : { file, line },
    }
  }
  const isQuiet = image.verdict === 'within' && image.checks.every((check) => check.status !== 'warned')
  const level = fails ? 'error' : isQuiet ? 'notice' : 'warning'
  const grown = causesOf(image)?.layers.find(
    ({ layer, figures }) => (figures.amount ?? 0) > 0 && layer.file !== null && layer.line !== null,
  )
  if (grown === undefined) return fails ? { level, title, message: title, place: null } : null
  if (level === 'notice' && !(isImageNoteworthy(image) && (leadChange(image)?.amount ?? 0) > 0)) return null
  const { layer, figures } = grown
  return {
    level,
    title,
    message: `${layer.instruction}: ${formatSigned(figures.amount ?? 0)}${figures.metric === 'downloadSize' ? ' to download' : ''}`,
    place: { file: layer.file!, line: layer.line },
  }
}

/** The image that could not be measured, else one that is over, else the one that grew most. */
function worstOf({ images }: Report): ImageReport | undefined {
  const grown = images.toSorted((a, b) => (leadChange(b)?.amount ?? 0) - (leadChange(a)?.amount ?? 0))
  return images.find(isFailure) ?? grown.find((image) => image.verdict === 'over') ?? grown[0]
}
