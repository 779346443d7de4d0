import { z } from 'zod'
import type { BudgetName, Check, Verdict } from '../budget/budget.ts'
import { verdictOf } from '../budget/judge.ts'
import { worstVerdict } from '../budget/verdict.ts'
import { ECOSYSTEMS } from '../inputs/budget-lines.ts'
import { onOneLine } from '../inputs/inputs.ts'
import { RULES } from '../inputs/rules.ts'
import type { ImageReport, Report } from './report.ts'

/** Reports of other jobs, and of forks: whatever is in them may be made up. */

/** Bytes of one report: 1,000 images of 127 layers each have less. */
export const MAX_REPORT = 20_000_000
/** Images (and platforms) that reports have together. */
export const MAX_IMAGES = 1_000

/** How deep a report's lists and objects lie in each other, with some to spare, and how many values one has: a parser needs some 50 bytes for each. */
const MAX_DEPTH = 20
const MAX_VALUES = 1_000_000
/** Characters of a text, and of what a tool printed. */
const MAX_TEXT = 10_000
const MAX_OUTPUT = 100_000
/** Engines take 127 layers; each of both sides may have a row. */
const MAX_LAYERS = 300
const MAX_LISTED = 1_000

/** What is read of bytes that should be a report; `problem`: why they are none, as the end of a sentence, with what is there cut and on one line. */
export type ReadReport = { report: Report; problem: null } | { report: null; problem: string }

/**
 * A report as `renderJson` writes one. It is taken as it is, but for its form: `asOurs` leaves out what a report may not say of itself.
 * Bytes that could take too long, or too much memory, are refused before they are parsed. Pure; never throws.
 */
export function readReport(bytes: Uint8Array): ReadReport {
  if (bytes.length > MAX_REPORT) return refuse(`it has more than ${MAX_REPORT / 1e6} MB`)
  const excess = structureOf(bytes)
  if (excess !== null) return refuse(excess)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(`it is no JSON: ${onOneLine(error.message)}`)
    return refuse('it is no text in UTF-8')
  }
  const { outer, image } = schemas()
  // Image by image: what is wrong with each entry of each list of them all would take gigabytes to tell.
  const whole = outer.safeParse(value)
  if (!whole.success) return refuse(problemOf(whole.error, value, ''))
  const images: ImageReport[] = []
  for (const [at, each] of whole.data.images.entries()) {
    const parsed = image.safeParse(each)
    if (!parsed.success) return refuse(problemOf(parsed.error, each, `images.${at}.`))
    images.push(parsed.data)
  }
  return { report: { ...whole.data, images }, problem: null }
}

const refuse = (problem: string): ReadReport => ({ report: null, problem })

/** What JSON's parser would have to build, counted in its bytes; null: no more than a report has. */
function structureOf(bytes: Uint8Array): string | null {
  let depth = 0
  let values = 0
  let isText = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (isText) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if (byte === COMMA) values += 1
    else if (byte === BRACE || byte === BRACKET) {
      values += 1
      depth += 1
      if (depth > MAX_DEPTH) return `it has more than ${MAX_DEPTH} lists and objects within each other`
    } else if (byte === BRACE_END || byte === BRACKET_END) depth -= 1
  }
  return values > MAX_VALUES ? `it has more than ${MAX_VALUES.toLocaleString('en-US')} values` : null
}

const [QUOTE, BACKSLASH, COMMA, BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x22, 0x5c, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d]

/** `` `images.0.head.size` is `-1`: Too small: … ``: the first thing that is wrong. */
function problemOf({ issues }: z.ZodError, value: unknown, place: string): string {
  const [issue] = issues
  if (issue === undefined) return 'it is no report'
  const at = `${place}${issue.path.join('.')}`.replace(/\.$/, '')
  const where = at === '' ? 'it' : `\`${at}\``
  if (issue.code === 'unrecognized_keys')
    return `${where} has \`${onOneLine(issue.keys[0] ?? '')}\`, which no report of this version has`
  const found = issue.path.reduce<unknown>(
    (within, key) => (typeof within === 'object' && within !== null ? Reflect.get(within, key) : undefined),
    value,
  )
  return `${where} is ${shown(found)}, which it never is in a report`
}

function shown(value: unknown): string {
  if (value === undefined) return 'not there'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return `\`${onOneLine(typeof value === 'string' ? value : JSON.stringify(value))}\``
}

/**
 * The report as far as it is to be believed. What it says of itself is not: who wrote it, where it was run, its verdict, and what somebody
 * accepted. What a check says, and whether there are figures, decides the verdict. `own`: what is known of the run that reads it.
 */
export function asOurs(report: Report, own: Pick<Report, 'version' | 'repositoryUrl' | 'runUrl'>): Report {
  const images = report.images.map((image): ImageReport => {
    const checks = image.checks.map(notAccepted)
    return { ...image, checks, verdict: verdictOfImage(image, checks) }
  })
  const verdict = images.length === 0 ? 'error' : worstVerdict(images.map((image) => image.verdict))
  return { ...report, images, verdict, waiver: null, ...own }
}

/** A report that says of which pull request's head it is (`head.pushed`) as it is known to be: `headSha`. */
export function ofHead(report: Report, headSha: string): Report {
  const { head } = report
  // What was measured where it lies is of no commit.
  if (head.commit === null) return report
  return { ...report, head: { ...head, pushed: head.commit === headSha ? null : headSha } }
}

function notAccepted(check: Check): Check {
  return { ...check, status: check.status === 'waived' ? 'over' : check.status, accepted: null }
}

function verdictOfImage({ untouched, error, head }: ImageReport, checks: readonly Check[]): Verdict {
  if (untouched) return 'within'
  return error !== null || head === null ? 'error' : verdictOf(checks)
}

/** What the figures of a budget are: another unit would make them others. */
const FIGURES: Record<BudgetName, `${Check['unit']} of ${Check['metric']}`[]> = {
  'max-size': ['bytes of size'],
  'max-download-size': ['bytes of download-size'],
  'max-layers': ['layers of layers'],
  'max-increase': ['bytes of size', 'bytes of download-size', 'percent of size', 'percent of download-size'],
  forbid: ['findings of findings'],
}

/** A list whose entries are counted before they are looked at. */
const listOf = <T extends z.ZodType>(one: T, max = MAX_LISTED) => z.array(z.unknown()).max(max).pipe(z.array(one))

type Schemas = ReturnType<typeof makeSchemas>
let made: Schemas | undefined

/** Made when the first report is read: no other run has to wait for it. */
function schemas(): Schemas {
  return (made ??= makeSchemas())
}

/** What reads one image's part of a report, and all the rest of it. Strict: a key that is not known is none of ours. */
function makeSchemas() {
  const text = z.string().max(MAX_TEXT)
  const words = text.nullable()
  const output = z.string().max(MAX_OUTPUT)
  const amount = z.int()
  const count = z.int().nonnegative()
  const bytes = count.nullable()
  const line = z.int().positive().nullable()
  const verdict = z.enum(['within', 'over', 'error'])

  const change = z.strictObject({ amount, percent: z.number().nullable() }).nullable()
  const totals = z
    .strictObject({
      size: bytes,
      downloadSize: bytes,
      layers: count,
      ownSize: bytes,
      ownDownloadSize: bytes,
      ownLayers: bytes,
      wasted: bytes,
    })
    .nullable()
  const totalsChange = z
    .strictObject({
      size: change,
      downloadSize: change,
      layers: change,
      ownSize: change,
      ownDownloadSize: change,
      ownLayers: change,
      wasted: change,
    })
    .nullable()

  const packageChange = z.strictObject({
    ecosystem: z.enum(ECOSYSTEMS),
    name: text,
    path: words,
    change: z.enum(['new', 'gone', 'updated', 'same']),
    versionBefore: words,
    versionAfter: words,
    amount,
    folder: words,
    dev: z.boolean().nullable(),
  })
  const part = z.strictObject({
    path: words,
    ecosystem: z.enum(ECOSYSTEMS).nullable(),
    change: z.enum(['new', 'gone', 'changed']),
    amount,
    files: count,
    packages: listOf(packageChange, 10),
    packageCount: count,
  })
  const why = z.strictObject({ moved: amount, parts: listOf(part, 10), rest: amount }).nullable()
  const layerChange = z.strictObject({
    change: z.enum(['unchanged', 'rebuilt', 'moved', 'changed', 'added', 'removed']),
    instruction: text,
    instructionBefore: words,
    file: words,
    line,
    stage: words,
    fromBase: z.boolean().nullable(),
    copiedFrom: z.strictObject({ kind: z.enum(['stage', 'image']), name: text }).nullable(),
    sizeBefore: bytes,
    sizeAfter: bytes,
    downloadSizeBefore: bytes,
    downloadSizeAfter: bytes,
    why,
  })

  const baseImage = z.strictObject({ name: text, digest: words, line, instruction: words }).nullable()
  const scope = z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.enum(['own', 'base']), of: z.null() }),
      z.strictObject({ kind: z.enum(['path', 'stage', 'package']), of: text }),
      z.strictObject({ kind: z.literal('rule'), of: z.enum(RULES) }),
    ])
    .nullable()
  const check = z
    .strictObject({
      budget: z.enum(['max-size', 'max-download-size', 'max-layers', 'max-increase', 'forbid']),
      scope,
      level: z.enum(['fail', 'warn']),
      over: z
        .discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('days'), days: count }),
          z.strictObject({ kind: z.literal('release') }),
        ])
        .nullable(),
      limit: z.number().nonnegative(),
      unit: z.enum(['bytes', 'layers', 'percent', 'findings']),
      metric: z.enum(['size', 'download-size', 'layers', 'findings']),
      actual: z.number().nullable(),
      status: z.enum(['within', 'near', 'over', 'warned', 'waived', 'skipped']),
      reason: z.enum(['no-baseline', 'no-record', 'not-measured', 'over-before', 'base-image']).nullable(),
      why: words,
      excess: amount.nullable(),
      growth: amount.nullable(),
      uncounted: amount,
      accepted: amount.nullable(),
      against: z.strictObject({ commit: text, at: text, tag: words }).nullable(),
    })
    .refine(({ budget, unit, metric }) => FIGURES[budget].includes(`${unit} of ${metric}`), { path: ['unit'] })
    // Only percent has decimals, and what is not whole has no place among bytes.
    .refine(({ unit, limit }) => unit === 'percent' || Number.isSafeInteger(limit), { path: ['limit'] })
    .refine(({ unit, actual }) => unit === 'percent' || actual === null || Number.isSafeInteger(actual), {
      path: ['actual'],
    })
  const finding = z.strictObject({
    rule: z.enum(RULES),
    what: listOf(z.union([text, z.strictObject({ code: text })]), 100),
    paths: listOf(text, 100),
    count,
    bytes,
    fix: listOf(z.union([text, z.strictObject({ code: text })]), 100),
    file: words,
    line,
    instruction: words,
    otherLine: line,
    fromBase: z.boolean(),
    since: z.enum(['new', 'grown', 'before']).nullable(),
    added: bytes,
  })

  const image = z
    .strictObject({
      name: z.string().min(1).max(200),
      platform: z.string().max(200).nullable(),
      verdict,
      error: z
        .strictObject({
          kind: z.enum(['input', 'precondition', 'git', 'build', 'measure', 'missing', 'cancelled', 'internal']),
          message: output,
          remedy: output.nullable(),
          file: words,
          line,
          instruction: words,
        })
        .nullable(),
      untouched: z.boolean(),
      engine: z
        .strictObject({
          driver: text,
          store: z.enum(['classic', 'containerd', 'buildkit']),
          version: text,
          buildx: text,
        })
        .nullable(),
      source: z.strictObject({ reference: text, digest: words }).nullable(),
      head: totals,
      base: totals,
      change: totalsChange,
      sizeFrom: z.enum(['content', 'engine']).nullable(),
      unmeasured: z.strictObject({ size: words, downloadSize: words }),
      unlikeDownloads: words,
      baseline: z.strictObject({
        kind: z.enum(['record', 'build', 'image', 'none']),
        commit: words,
        ref: words,
        // May have what a tool printed.
        reason: output.nullable(),
        record: z.strictObject({ commit: text, at: text, behind: count }).nullable(),
        passedOver: output.nullable(),
      }),
      baseImage: z
        .strictObject({
          before: baseImage,
          after: baseImage,
          change: z.enum(['unchanged', 'changed', 'unknown']),
          doing: z.enum(['change', 'drift']).nullable(),
          growth: z
            .strictObject({ size: amount.nullable(), downloadSize: amount.nullable(), layers: amount })
            .nullable(),
          why,
        })
        .nullable(),
      layerChanges: listOf(layerChange, MAX_LAYERS),
      packages: listOf(packageChange, 100).nullable(),
      warnings: listOf(z.strictObject({ rule: text, message: text, line, url: words }), 100),
      findings: listOf(finding),
      checks: listOf(check),
      trend: listOf(z.strictObject({ commit: text, at: text, size: bytes, downloadSize: bytes, layers: count }), 20),
      ratchets: listOf(
        z.strictObject({ budget: z.enum(['max-size', 'max-download-size']), limit: count, proposed: count }),
        10,
      ),
    })
    // Of what was not built there are no figures.
    .refine(
      ({ untouched, error, head, base, checks }) =>
        !untouched || [error, head, base, checks[0] ?? null].every((each) => each === null),
      {
        path: ['untouched'],
      },
    )

  const outer = z.strictObject({
    schema: z.literal(1),
    version: text,
    verdict,
    images: z.array(z.unknown()).min(1).max(MAX_IMAGES),
    gonePlatforms: listOf(text),
    waiver: z.strictObject({ label: text, by: words, at: words, problem: words }).nullable(),
    head: z.strictObject({ commit: words, pushed: words, dirty: z.boolean(), reference: words }),
    repositoryUrl: words,
    runUrl: words,
  })
  return { outer, image }
}

/** What is read, as the compiler knows it: a test holds it against Report, so that a value that a report can have is never refused. */
export type Readable = Omit<z.input<Schemas['outer']>, 'images'> & { images: z.input<Schemas['image']>[] }
