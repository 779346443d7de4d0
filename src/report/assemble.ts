import type { Finding } from '../advice/finding.ts'
import type { Check, Verdict } from '../budget/budget.ts'
import type { Ratchet } from '../budget/ratchet.ts'
import { worstVerdict } from '../budget/verdict.ts'
import type { BaselineFacts, Comparison } from '../compare/comparison.ts'
import type { Failure } from '../failure.ts'
import { version as ownVersion } from '../version.ts'
import type { ImageReport, Report, TrendPoint } from './report.ts'

/** An image that was measured and judged. */
export type JudgedImage = {
  comparison: Comparison
  checks: Check[]
  verdict: Verdict
  findings: Finding[]
  trend: TrendPoint[]
  ratchets: Ratchet[]
}

/** An image that could not be measured. `platform` is null when it failed before the platform was known. */
export type FailedImage = { name: string; platform: string | null; failure: Failure; baseline: BaselineFacts }

/** An image that the change does not touch, and the base commit that it was told by, with the name by which the user knows it. */
export type UntouchedImage = { name: string; untouchedSince: { commit: string; ref: string } }

/** What a report is made of; `images` in the order in which they are shown. */
export type ReportParts = Omit<Report, 'schema' | 'verdict' | 'images'> & {
  images: (JudgedImage | FailedImage | UntouchedImage)[]
}

/** Puts the report together. A report without any image has the verdict `error`: nothing was measured. */
export function assembleReport({ images, version, gonePlatforms, waiver, head, ...run }: ReportParts): Report {
  const reports = images.map((image) => {
    if ('failure' in image) return failedReport(image)
    return 'untouchedSince' in image ? untouchedReport(image) : judgedReport(image)
  })
  const verdict = reports.length === 0 ? 'error' : worstVerdict(reports.map((report) => report.verdict))
  const { repositoryUrl, runUrl } = run
  return { schema: 1, version, verdict, images: reports, gonePlatforms, waiver, head, repositoryUrl, runUrl }
}

function judgedReport({ comparison, checks, verdict, findings, trend, ratchets }: JudgedImage): ImageReport {
  const { name, platform, engine, source, head, base, change, sizeFrom, unmeasured, unlikeDownloads } = comparison
  const { baseline, baseImage, layerChanges, packages, warnings } = comparison
  return {
    name,
    platform,
    verdict,
    error: null,
    untouched: false,
    engine,
    source,
    head,
    base,
    change,
    sizeFrom,
    unmeasured,
    unlikeDownloads,
    baseline,
    baseImage,
    layerChanges,
    packages,
    warnings,
    findings,
    checks,
    trend,
    ratchets,
  }
}

function failedReport({ name, platform, failure, baseline }: FailedImage): ImageReport {
  return withoutFigures({ name, platform, verdict: 'error', error: failure, untouched: false, baseline })
}

function untouchedReport({ name, untouchedSince: { commit, ref } }: UntouchedImage): ImageReport {
  const reason = 'this change touches nothing that it is built from'
  const baseline: BaselineFacts = { kind: 'none', commit, ref, reason, record: null, passedOver: null }
  return withoutFigures({ name, platform: null, verdict: 'within', error: null, untouched: true, baseline })
}

/** What is said of an image that was not measured, in the order that all reports have. */
function withoutFigures({
  baseline,
  ...own
}: Pick<ImageReport, 'name' | 'platform' | 'verdict' | 'error' | 'untouched' | 'baseline'>): ImageReport {
  return {
    ...own,
    engine: null,
    source: null,
    head: null,
    base: null,
    change: null,
    sizeFrom: null,
    unmeasured: { size: null, downloadSize: null },
    unlikeDownloads: null,
    baseline,
    baseImage: null,
    layerChanges: [],
    packages: null,
    warnings: [],
    findings: [],
    checks: [],
    trend: [],
    ratchets: [],
  }
}

/**
 * One report of several, with their images in that order. They are of one run, or of runs of one commit: what is said of the run is the
 * first one's. The waiver is not part of it: it is asked for once, of the whole.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const [first] = reports
  if (first === undefined) throw new TypeError('no report to merge')
  if (reports.length === 1) return first
  const images = reports.flatMap((report) => report.images)
  const built = reports.find(({ head }) => head.commit !== null) ?? first
  return {
    ...first,
    verdict: worstVerdict(images.map(({ verdict }) => verdict)),
    images,
    gonePlatforms: reports.flatMap((report) => {
      // Of several images it says already whose they are.
      const key = keyOf(report)
      return key === '*' ? report.gonePlatforms : report.gonePlatforms.map((platform) => `${key} ${platform}`)
    }),
    waiver: null,
    head: { ...built.head, dirty: reports.some(({ head }) => head.dirty), reference: null },
  }
}

/**
 * The exit code: 0 within, 1 over, 2 could not measure. A broken budget of an image that is not to fail (`fails` is given its name) passes, a
 * failed measurement never.
 */
export function exitCodeOf({ verdict, images }: Report, fails: (name: string) => boolean): 0 | 1 | 2 {
  if (verdict === 'error') return 2
  return images.some((image) => image.verdict === 'over' && fails(image.name)) ? 1 : 0
}

/** The key of a comment on several images. */
export const SEVERAL = '*'

/** What tells a report's comment from the others on its pull request: its image's name; `*` where it has several images. */
export function keyOf({ images }: Report): string {
  const names = new Set(images.map(({ name }) => name))
  return names.size === 1 ? [...names][0]! : SEVERAL
}

/** The report of a run that has no figures, with what is known of it all the same. */
export function reportFailure(
  name: string,
  failure: Failure,
  known: Partial<Pick<Report, 'head' | 'repositoryUrl' | 'runUrl'>> = {},
): Report {
  const baseline: BaselineFacts = {
    kind: 'none',
    commit: null,
    ref: null,
    reason: 'this change was not measured',
    record: null,
    passedOver: null,
  }
  return assembleReport({
    version: ownVersion,
    images: [{ name, platform: null, failure, baseline }],
    gonePlatforms: [],
    waiver: null,
    head: known.head ?? { commit: null, pushed: null, dirty: false, reference: null },
    repositoryUrl: known.repositoryUrl ?? null,
    runUrl: known.runUrl ?? null,
  })
}
