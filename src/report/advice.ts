import type { Finding } from '../advice/finding.ts'
import { capitalised, join, phrase, type Phrase, type Place } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { leadChange } from './state.ts'
import { formatBytes, formatCount, formatSigned } from './units.ts'

/** What to do about it, in the words of the comment, the summary and the terminal. */

/** Findings that are new in this change, and such as were there before it. */
export type Advice = { title: string; fresh: Finding[]; more: Finding[]; standing: Finding[] }

/** New findings shown above the fold. */
export const ADVICE_SHOWN = 3
/** Forbidden ones shown, at most. */
const MOST_SHOWN = 20

/** What is advised of an image; null where there is nothing. Without a comparison nothing is new. */
export function adviceOf(image: ImageReport, shown = ADVICE_SHOWN): Advice | null {
  if (image.findings.length === 0) return null
  const fresh = image.findings.filter((finding) => isFresh(finding, image))
  const forbidden = forbiddenRules(image)
  // What breaks a budget is told whole.
  const count = Math.max(shown, Math.min(MOST_SHOWN, fresh.filter(({ rule }) => forbidden.has(rule)).length))
  const standing = image.findings.filter((finding) => !fresh.includes(finding))
  const hasBytes = fresh.some((finding) => !isSecret(finding) && finding.added !== null && finding.added > 0)
  const title = hasBytes && (leadChange(image)?.amount ?? 0) > 0 ? 'To get it back' : 'New in this change'
  return { title, fresh: fresh.slice(0, count), more: fresh.slice(count), standing }
}

/** What has to go whatever it weighs. */
function isSecret({ rule }: Finding): boolean {
  return rule === 'secrets'
}

/** Rules whose findings break a budget of the image. */
export function forbiddenRules({ checks }: ImageReport): ReadonlySet<string> {
  const broken = checks.filter(({ budget, status }) => budget === 'forbid' && status === 'over')
  return new Set(broken.flatMap(({ scope }) => scope?.of ?? []))
}

/** It came with this change: also with another base image, where the change names it, but not with one that moved by itself. */
function isFresh({ since, fromBase }: Finding, { baseImage }: ImageReport): boolean {
  return (since === 'new' || since === 'grown') && !(fromBase && baseImage?.doing !== 'change')
}

/** `Advice that was there before this change (2, 34.1 MB)`. */
export function standingTitle({ standing }: Advice, image: ImageReport): string {
  const bytes = standing.reduce((sum, finding) => sum + (finding.bytes ?? 0), 0)
  const figures = `(${standing.length}${bytes > 0 ? `, ${formatBytes(bytes)}` : ''})`
  const isOld = image.base !== null && standing.every(({ since }) => since === 'before')
  return isOld
    ? `Advice that was there before this change ${figures}`
    : image.base === null
      ? `Advice ${figures}`
      : `Other advice ${figures}`
}

/** `Add `coverage` to `.dockerignore`: −3.4 MB (coverage output in `/app/coverage`, `Dockerfile:17`)`. */
export function findingWords(finding: Finding, report: Report): Phrase {
  const bytes = finding.since === 'grown' || finding.since === 'new' ? (finding.added ?? finding.bytes) : finding.bytes
  const figure: Phrase =
    bytes === null || bytes === 0 || isSecret(finding) ? [] : phrase`: ${{ strong: formatSigned(-bytes) }}`
  // Of many, one is example enough.
  const paths = finding.paths.slice(0, finding.count > 2 ? 1 : 2)
  const more = finding.count - paths.length
  const where: Phrase =
    paths.length === 0
      ? []
      : phrase` in ${join(
          paths.map((path) => [{ code: path }]),
          ', ',
        )}${more > 0 ? ` and ${formatCount(more, 'more place')}` : ''}`
  return phrase`${capitalised(finding.fix)}${figure} (${finding.what}${where}${placeWords(finding, report)})`
}

function placeWords(finding: Finding, report: Report): Phrase {
  const { file, line } = finding
  if (file === null || line === null) return finding.fromBase ? [', from the base image'] : []
  const commit = report.head.dirty ? null : report.head.commit
  const place: Place = { file, line, commit }
  const other: Phrase =
    finding.otherLine === null ? [] : phrase` and ${{ place: { file, line: finding.otherLine, commit } }}`
  return phrase`, ${{ place }}${other}`
}

/** What BuildKit's own checks say, but for what a finding says of the same line. */
export function checksOf(image: ImageReport): ImageReport['warnings'] {
  const told = new Set(image.findings.flatMap(({ rule, line }) => (rule === 'secrets' && line !== null ? [line] : [])))
  return image.warnings.filter(
    ({ rule, line }) => !(rule === 'SecretsUsedInArgOrEnv' && line !== null && told.has(line)),
  )
}

/** `Dockerfile:3 The 'as' keyword should match the case of the 'from' keyword (FromAsCasing)`. */
export function checkWords(warning: ImageReport['warnings'][number], image: ImageReport, report: Report): Phrase {
  const file = image.layerChanges.find((layer) => layer.file !== null)?.file ?? null
  const commit = report.head.dirty ? null : report.head.commit
  const place: Phrase =
    file === null || warning.line === null ? [] : [{ place: { file, line: warning.line, commit } }, ' ']
  return phrase`${place}${warning.message} (${{ code: warning.rule }})`
}

/** `2 more: package-cache −1.2 MB, secrets`. */
export function moreWords({ more }: Advice): Phrase {
  const each = more.slice(0, 10).map((finding) => {
    const { rule, added } = finding
    return added === null || added === 0 || isSecret(finding) ? rule : `${rule} ${formatSigned(-added)}`
  })
  return [`${more.length} more: ${each.join(', ')}${more.length > each.length ? ', …' : ''}`]
}
