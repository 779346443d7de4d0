import { findingWords, forbiddenRules } from './advice.ts'
import { allCauses, causeWords, type Cause } from './causes.ts'
import { oneLine } from './characters.ts'
import { isImageNoteworthy } from './noteworthy.ts'
import { plain, type Phrase } from './phrase.ts'
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

/** GitHub shows ten of a level for each step. */
const SHOWN = 9

/**
 * What is to be said at the Dockerfile's lines: what failed; or what grew in the image that is worst off, largest first, and what
 * this change's advice is about. The first one tells the verdict. `fails`: the report fails the job, so there is always one.
 */
export function annotationsOf(report: Report, fails: boolean): Annotation[] {
  const image = worstOf(report)
  if (image === undefined) return []
  const title = `${PRODUCT}: ${oneLine(plain(imageHeadline(image)))}`
  if (image.error) {
    const { message, remedy, file, line } = image.error
    const place = file === null ? null : { file, line }
    return [{ level: 'error', title, message: [message, remedy].filter(Boolean).join('\n'), place }]
  }
  const isQuiet = image.verdict === 'within' && image.checks.every((check) => check.status !== 'warned')
  const level = fails ? 'error' : isQuiet ? 'notice' : 'warning'
  const isTold = level !== 'notice' || (isImageNoteworthy(image) && (leadChange(image)?.amount ?? 0) > 0)
  const grown = isTold ? grownLines(image) : []
  const causes = grown.map(({ cause, place }, at): Annotation => ({
    level: at === 0 ? level : level === 'error' ? 'warning' : level,
    title: at === 0 ? title : `${PRODUCT}: ${formatSigned(cause.amount ?? 0)}`,
    message: oneLine(plain(withoutPlaces(causeWords(cause, image, report)))),
    place,
  }))
  const all = [...causes, ...adviceLines(image, report, level)].slice(0, SHOWN)
  return causes.length === 0 && fails ? [{ level, title, message: title, place: null }, ...all] : all
}

/** The annotation stands at the place itself. */
function withoutPlaces(words: Phrase): Phrase {
  const [first, space, ...rest] = words
  return typeof first === 'object' && 'place' in first && space === ' ' ? rest : words
}

type Place = { file: string; line: number }

function grownLines(image: ImageReport): { cause: Cause; place: Place }[] {
  const file = image.layerChanges.find((layer) => layer.file !== null)?.file ?? null
  return allCauses(image).flatMap((cause) => {
    const line = cause.layer === null ? (image.baseImage?.after?.line ?? null) : cause.layer.line
    const of = cause.layer === null ? file : cause.layer.file
    return (cause.amount ?? 0) > 0 && of !== null && line !== null ? [{ cause, place: { file: of, line } }] : []
  })
}

/** New findings of a line; a secret is a warning whatever the size. */
function adviceLines(image: ImageReport, report: Report, level: Annotation['level']): Annotation[] {
  const forbidden = forbiddenRules(image)
  return image.findings
    .filter(({ since, file, line }) => (since === 'new' || since === 'grown') && file !== null && line !== null)
    .map((finding) => ({
      level: forbidden.has(finding.rule) ? level : finding.rule === 'secrets' ? 'warning' : 'notice',
      title: `${PRODUCT}: ${finding.rule}`,
      message: oneLine(plain(findingWords(finding, report))),
      place: { file: finding.file!, line: finding.line },
    }))
}

/** The image that could not be measured, else one that is over, else the one that grew most. */
function worstOf({ images }: Report): ImageReport | undefined {
  const grown = images.toSorted((a, b) => (leadChange(b)?.amount ?? 0) - (leadChange(a)?.amount ?? 0))
  return images.find(isFailure) ?? grown.find((image) => image.verdict === 'over') ?? grown[0]
}
