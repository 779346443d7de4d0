import type { Check, Verdict } from '../budget/budget.ts'
import type { Ratchet } from '../budget/ratchet.ts'
import type { Point } from '../record/record.ts'
import type { Finding } from '../advice/finding.ts'
import type { BaselineFacts, Comparison, LayerChange, Totals, TotalsChange } from '../compare/comparison.ts'
import type { Failure } from '../failure.ts'
import type { Engine } from '../build/engine.ts'

/**
 * One image on one platform. When it could not be measured, `error` says why, and there is no size anywhere; nor is there one of an image
 * that the change does not touch.
 */
export type ImageReport = {
  name: string
  /** `os/architecture[/variant]`; null when the build failed before the platform was known, or there was none. */
  platform: string | null
  verdict: Verdict
  error: Failure | null
  /** Nothing that it is built from differs from the commit of `baseline`, so that it was not built. Its platform is not known then. */
  untouched: boolean
  engine: Engine | null
  /** Where the image was found, where it was not built. */
  source: Comparison['source']
  head: Totals | null
  base: Totals | null
  change: TotalsChange | null
  sizeFrom: Comparison['sizeFrom']
  unmeasured: Comparison['unmeasured']
  unlikeDownloads: Comparison['unlikeDownloads']
  baseline: BaselineFacts
  baseImage: Comparison['baseImage'] | null
  layerChanges: LayerChange[]
  packages: Comparison['packages']
  warnings: Comparison['warnings']
  /** What is new in this change first, then by bytes. Where no content was read, only what its config and Dockerfile tell. */
  findings: Finding[]
  /** Only the budgets that were set: of the whole image first, then of its parts as they were written, then forbidden rules. */
  checks: Check[]
  /** What the default branch's last records say, at most 20, oldest first; [] where none were read. */
  trend: TrendPoint[]
  /** Caps that could be lower by far. */
  ratchets: Ratchet[]
}

/** A record's figures, for the trend. */
export type TrendPoint = Pick<Point, 'commit' | 'at' | 'size' | 'downloadSize' | 'layers'>

/** The label that accepts growth; the checks have what it accepts. */
export type Waiver = {
  label: string
  /** Who set it, and when (ISO 8601); null: it is not set, or that is not known. */
  by: string | null
  at: string | null
  /** Why it accepts nothing though it may be set, as a sentence without its final full stop; else null. */
  problem: string | null
}

/** What every renderer gets: finished facts. Also the JSON report (docs/report.md describes it). */
export type Report = {
  schema: 1
  /** Version of image-budget that wrote it. */
  version: string
  /** The worst of the images' (budget/verdict.ts): error before over before within. */
  verdict: Verdict
  images: ImageReport[]
  /** Platforms that the base has and this change has not, where all of the image's platforms were asked for. */
  gonePlatforms: string[]
  /** The label that accepts growth, where a budget is broken by growth on a pull request; else null. */
  waiver: Waiver | null
  head: {
    /** Commit of the measured tree; null where an image was measured as it lies. */
    commit: string | null
    /** The pull request's head, where `commit` is GitHub's merge of it into the base; else null. */
    pushed: string | null
    /** The tree had uncommitted changes and they were measured (terminal only). */
    dirty: boolean
    /** The image that was measured as it lies, as the user wrote it; else null. */
    reference: string | null
  }
  /** Address of the repository on its server for links, `https://github.com/owner/repo`, or null. */
  repositoryUrl: string | null
  /** Address of the workflow run, or null. */
  runUrl: string | null
}
