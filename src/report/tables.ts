import type { Check, Scope } from '../budget/budget.ts'
import type { LayerChange, LayerChangeKind, PackageChange } from '../compare/comparison.ts'
import type { Over } from '../inputs/budget-lines.ts'
import { ECOSYSTEMS, allCauses, isChanged, layerFigures } from './causes.ts'
import { shorten } from './characters.ts'
import { capitalised, phrase, plain, type Phrase } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { familiarName, isFailure, leadChange, leadMetric, measuredBase } from './state.ts'
import { formatBytes, formatBytesAmong, formatCount, formatLimit, formatSigned, formatSignedCount } from './units.ts'
import {
  METRICS,
  amountWords,
  baseName,
  changeWords,
  growthWords,
  imageStatus,
  limitWords,
  shortCommit,
  shortReference,
  statusWords,
} from './words.ts'

/** A table before it is Markdown or text. Every row has as many cells as there are columns. */
export type Table = {
  columns: { head: Phrase; align: 'left' | 'right' }[]
  rows: Phrase[][]
}

const NOT_MEASURED = 'not measured'

/** An image's name in a table of many: the names of repositories on GitHub have at most 100 characters. */
const NAME_MAX = 100

/**
 * The figures of one image: a row for each metric that is measured and says something or has a budget. Columns for the
 * base only with a comparison, for budgets only where one was set.
 */
export function figuresTable(image: ImageReport, report: Report): Table {
  const compared = image.base !== null
  const judged = image.checks.length > 0
  const columns: Table['columns'] = [
    { head: [], align: 'left' },
    ...(compared ? [{ head: baseHead([image]), align: 'right' as const }] : []),
    { head: headHead(report), align: 'right' },
    ...(compared ? [{ head: ['change'], align: 'right' as const }] : []),
    ...(judged
      ? [
          { head: ['budget'], align: 'right' as const },
          { head: [], align: 'left' as const },
        ]
      : []),
  ]
  const row = (cells: { name: Phrase; before: string; after: string; change: Phrase; check: Check | undefined }) => [
    cells.name,
    ...(compared ? [[cells.before]] : []),
    [cells.after],
    ...(compared ? [cells.change] : []),
    ...(judged ? [[budgetCell(cells.check, image)], statusCell(cells.check)] : []),
  ]

  const rows = METRICS.flatMap(({ metric, name, budget }) => {
    const before = image.base?.[metric] ?? null
    const after = image.head?.[metric] ?? null
    const change = image.change?.[metric] ?? null
    const check = image.checks.find((each) => each.budget === budget && each.scope === null)
    const leads = metric === leadMetric(image)
    const says = after !== null && (leads || !compared || change?.amount !== 0)
    if (check === undefined && !says) return []

    const figure = (value: number | null, other: number | null) => {
      if (value === null) return NOT_MEASURED
      return metric === 'layers' ? String(value) : formatBytesAmong(value, [other, check?.limit ?? null])
    }
    const changed = change === null ? '' : metric === 'layers' ? layersChange(change.amount) : changeWords(change)
    return [
      row({
        name: leads ? [{ strong: name }] : [name],
        before: figure(before, after),
        after: figure(after, before),
        change: leads && changed !== 'same' && changed !== '' ? emphasised(changed) : [changed],
        check,
      }),
    ]
  })

  const shown = new Set(
    METRICS.map(({ budget }) => image.checks.find((check) => check.budget === budget && check.scope === null)),
  )
  for (const check of image.checks) {
    // A rule that found nothing is no figure.
    if (shown.has(check) || (check.metric === 'findings' && check.status === 'within')) continue
    rows.push(row({ ...checkFigures(check), check }))
  }
  return { columns, rows }
}

/** What a check judged, where it has a row of its own: growth, a part of the image, a second limit, findings. */
function checkFigures(check: Check): { name: Phrase; before: string; after: string; change: Phrase } {
  const name = checkName(check)
  if (check.budget === 'max-increase') return { name, before: '', after: '', change: [growthWords(check)] }
  const { actual, growth, metric, scope } = check
  // A second limit on the image: the metric's own row has the figures.
  if (scope === null) return { name, before: '', after: '', change: [] }
  const figure = (value: number): string => {
    if (metric === 'findings') return formatCount(value, 'finding')
    return metric === 'layers' ? String(value) : formatBytesAmong(value, [check.limit])
  }
  const before = actual === null || growth === null ? null : actual - growth
  const change = growth === null ? '' : growth === 0 ? 'same' : amountWords(check, growth)
  return {
    name,
    before: before === null ? '' : figure(before),
    after: actual === null ? NOT_MEASURED : figure(actual),
    change: [change],
  }
}

/** `Growth`, `In 30 days`, `Size`, `Own layers`, `Growth of own layers`, `Download of stage `runtime``. */
function checkName(check: Check): Phrase {
  const { scope } = check
  const of = check.budget === 'max-increase' ? 'Growth' : OF_METRIC[check.metric]
  if (check.over !== null) return overName(check.over, check.against)
  if (scope === null) return [of]
  const parts: Record<Scope['kind'], Phrase> = {
    own: ['own layers'],
    base: ['base image'],
    path: [{ code: scope.of ?? '' }],
    stage: phrase`stage ${{ code: scope.of ?? '' }}`,
    package: phrase`package ${{ code: scope.of ?? '' }}`,
    rule: phrase`forbidden: ${{ code: scope.of ?? '' }}`,
  }
  const part = parts[scope.kind]
  const plainly = scope.kind === 'rule' || (check.metric === 'size' && check.budget !== 'max-increase')
  return plainly ? capitalised(part) : phrase`${of} of ${part}`
}

/** `In 30 days`, `Since `v1.4``: short, for a terminal has 80 columns. */
function overName(over: Over, against: Check['against']): Phrase {
  if (over.kind === 'days') return [`In ${formatCount(over.days, 'day')}`]
  return against?.tag ? phrase`Since ${{ code: shorten(against.tag, TAG_MAX, '...') }}` : ['Since release']
}

const TAG_MAX = 40

const OF_METRIC: Record<Check['metric'], string> = {
  size: 'Size',
  'download-size': 'Download',
  layers: 'Layers',
  findings: '',
}

function layersChange(amount: number): string {
  return amount === 0 ? 'same' : formatSignedCount(amount)
}

/** The amount in bold, its percentage beside it. */
function emphasised(change: string): Phrase {
  const [, amount = change, percent = ''] = /^(.*?)( \(.*\))?$/.exec(change) ?? []
  return [{ strong: amount }, percent].filter((piece) => piece !== '')
}

function budgetCell(check: Check | undefined, image: ImageReport): string {
  if (check === undefined) return ''
  if (check.unit !== 'bytes' || check.budget === 'max-increase' || check.level === 'warn') return limitWords(check)
  const metric = check.metric === 'size' ? 'size' : 'downloadSize'
  return formatBytesAmong(check.limit, [image.head?.[metric] ?? null], formatLimit)
}

function statusCell(check: Check | undefined): Phrase {
  if (check === undefined) return []
  const { tone, words } = statusWords(check)
  return [{ tone }, words]
}

/** `main a1b2c3d` where all the images have that base, else `base`. */
function baseHead(images: readonly ImageReport[]): Phrase {
  const [first] = images
  if (first === undefined) return ['base']
  const commit = measuredBase(first)
  const isSame = (image: ImageReport): boolean =>
    measuredBase(image) === commit && image.baseline.ref === first.baseline.ref
  if (!images.every(isSame)) return ['base']
  const name = baseName(first).replace(/^the base$/, 'base')
  return commit === null ? [name] : phrase`${name} ${{ code: shortCommit(commit) }}`
}

function headHead(report: Report): Phrase {
  const { pushed, dirty, reference } = report.head
  if (reference !== null) return [shorten(shortReference(reference), NAME_MAX, '...')]
  if (dirty) return ['this change (uncommitted)']
  // What reviewers know it by; the links lead to the tree that was measured.
  const commit = pushed ?? report.head.commit
  return commit === null ? ['this change'] : phrase`this change ${{ code: shortCommit(commit) }}`
}

/** `main` for `main a1b2c3d`: the commits stand elsewhere, above or in the small print. */
export function withoutCommit(head: Phrase): Phrase {
  return head.flatMap((piece) => (typeof piece === 'string' && piece.trim() !== '' ? [piece.trim()] : []))
}

/** Could not be measured, over, over before or near, then by growth; what has no comparison last. */
export function worstFirst(a: ImageReport, b: ImageReport): number {
  return urgency(a) - urgency(b) || growthOf(b) - growthOf(a)
}

function urgency(image: ImageReport): number {
  if (isFailure(image)) return 0
  if (image.verdict === 'over') return 1
  return image.checks.some(({ status, reason }) => status !== 'within' && reason !== 'no-record') ? 2 : 3
}

function growthOf(image: ImageReport): number {
  return leadChange(image)?.amount ?? Number.MIN_SAFE_INTEGER
}

/** Many images, a row each in the order given, in their leading metric; platforms only where they tell rows apart. */
export function overviewTable(images: readonly ImageReport[], report: Report): Table {
  const names = new Set(report.images.map((image) => image.name))
  const known = new Set(report.images.map((image) => image.platform).filter((platform) => platform !== null))
  const platforms = names.size < report.images.length || known.size > 1
  const compared = report.images.some((image) => image.base !== null)
  const judged = report.images.some((image) => image.checks.length > 0)
  const withBase = report.images.filter((image) => image.base !== null)

  return {
    columns: [
      ...(names.size > 1 || !platforms ? [{ head: ['image'], align: 'left' as const }] : []),
      ...(platforms ? [{ head: ['platform'], align: 'left' as const }] : []),
      ...(compared ? [{ head: baseHead(withBase), align: 'right' as const }] : []),
      { head: headHead(report), align: 'right' },
      ...(compared ? [{ head: ['change'], align: 'right' as const }] : []),
      ...(judged ? [{ head: ['budget'], align: 'right' as const }] : []),
      { head: [], align: 'left' },
    ],
    rows: images.map((image) => {
      const metric = leadMetric(image)
      const change = leadChange(image)
      const { tone, words } = imageStatus(image)
      const name = shorten(image.name, NAME_MAX, '...')
      const noisy = isFailure(image) || image.verdict === 'over'
      const before = metric === null ? null : (image.base?.[metric] ?? null)
      return [
        ...(names.size > 1 || !platforms ? [[noisy ? { strong: name } : name]] : []),
        ...(platforms ? [[image.platform ?? 'not known']] : []),
        ...(compared ? [[before === null ? noBase(image) : formatBytes(before)]] : []),
        [metric === null ? noFigure(image) : leadFigure(image, metric)],
        ...(compared ? [[change === null ? '' : changeWords(change)]] : []),
        ...(judged ? [[overviewBudget(image)]] : []),
        [{ tone }, words],
      ]
    }),
  }
}

function noBase(image: ImageReport): string {
  if (image.head === null) return ''
  return image.base === null ? 'none' : NOT_MEASURED
}

/** Of an image that could not be measured the status says it. */
function noFigure(image: ImageReport): string {
  return image.head === null ? '' : NOT_MEASURED
}

function leadFigure(image: ImageReport, metric: 'size' | 'downloadSize'): string {
  const value = image.head?.[metric] ?? null
  if (value === null) return NOT_MEASURED
  return metric === 'size' ? formatBytes(value) : `${formatBytes(value)} to download`
}

/**
 * An image's cap in the leading metric, and whatever else its status speaks of: `160 MB`, `160 MB, 12 layers`. The image's
 * own table has all of them.
 */
function overviewBudget(image: ImageReport): string {
  const lead = leadMetric(image)
  const cap = lead === 'downloadSize' ? 'max-download-size' : 'max-size'
  return (
    image.checks
      .filter((check) => (check.budget === cap && check.scope === null) || check.status !== 'within')
      // There is nothing yet that a status could speak of.
      .filter((check) => check.reason !== 'no-record')
      .map((check) => {
        if (check.metric === 'findings') return `no ${check.scope?.of}`
        if (check.scope !== null || check.over !== null) return `${limitWords(check)} (${plain(checkName(check))})`
        if (check.budget === 'max-layers') return formatCount(check.limit, 'layer')
        const download = check.budget === 'max-download-size' && lead === 'size'
        return `${limitWords(check)}${download ? ' to download' : ''}`
      })
      .join(', ')
  )
}

/** `All layers (2 of 10 changed)`. */
export function layersTitle(image: ImageReport): string {
  const total = image.layerChanges.filter((layer) => layer.change !== 'removed').length
  const by = leadMetric(image) === 'downloadSize' ? ', by download size' : ''
  if (image.base === null) return `All layers${by} (${total})`
  const count = (test: (layer: LayerChange) => boolean): number => image.layerChanges.filter(test).length
  const removed = count((layer) => layer.change === 'removed')
  const others = [
    [removed, 'removed'],
    [count((layer) => layer.change === 'moved'), 'moved'],
    [count((layer) => layer.change === 'rebuilt'), 'rebuilt'],
  ].flatMap(([number, what]) => (number === 0 ? [] : `, ${number} ${what}`))
  return `All layers${by} (${count(isChanged) - removed} of ${total} changed${others.join('')})`
}

/** Every layer, base layer first; those that came with the `FROM` image and did not change are one row. */
export function layersTable(image: ImageReport, report: Report): Table {
  const compared = image.base !== null
  const folded = image.layerChanges.filter((layer) => layer.fromBase && (!compared || layer.change === 'unchanged'))
  const rest = image.layerChanges.filter((layer) => !folded.includes(layer))
  const columns: Table['columns'] = [
    { head: ['line'], align: 'right' },
    { head: ['instruction'], align: 'left' },
    ...(compared ? [{ head: withoutCommit(baseHead([image])), align: 'right' as const }] : []),
    { head: withoutCommit(headHead(report)), align: 'right' },
    ...(compared ? [{ head: ['change'], align: 'right' as const }] : []),
  ]
  const lead = leadMetric(image)
  const rows = rest.map((layer) => {
    const figures = layerFigures(layer)
    const other = figures.metric !== null && figures.metric !== lead && lead !== null ? ' to download' : ''
    const figure = (value: number | null) => [value === null ? NOT_MEASURED : `${formatBytes(value)}${other}`]
    const line: Phrase = layer.line === null ? [] : [String(layer.line)]
    const after: Phrase = layer.change === 'removed' ? [] : figure(figures.after)
    if (!compared) return [line, [{ code: layer.instruction }], after]
    const before: Phrase = layer.change === 'added' ? [] : figure(figures.before)
    const change: Phrase = [layerChangeWords(layer.change, figures.amount)]
    return [line, [{ code: layer.instruction }], before, after, change]
  })
  return { columns, rows: folded.length > 0 ? [baseRow(image, folded, compared), ...rows] : rows }
}

/** `FROM node:24-slim` (6 layers, unchanged). */
function baseRow(image: ImageReport, layers: ImageReport['layerChanges'], compared: boolean): Phrase[] {
  const name = image.baseImage?.after?.name ?? null
  const sizes = layers.map((layer) => layerFigures(layer).after)
  const metrics = new Set(layers.map((layer) => layerFigures(layer).metric))
  const known = metrics.size === 1 && sizes.every((size) => size !== null)
  const sum = known ? formatBytes(sizes.reduce((total, size) => total + size, 0)) : NOT_MEASURED
  const words = ` (${formatCount(layers.length, 'layer')}${compared ? ', unchanged' : ''})`
  const what: Phrase = name === null ? ['base image'] : [{ code: `FROM ${familiarName(name)}` }]
  return [[], [...what, words], ...(compared ? [[sum]] : []), [sum], ...(compared ? [[]] : [])]
}

/** Rows of the table of places, over all causes. */
const PARTS_SHOWN = 30

/** What is less than this share of the largest is no news. */
const WORTH_SHARE = 0.005

/** `Where it changed`: the folders, files and packages of every cause. */
export function partsTitle(image: ImageReport): string {
  return `Where it changed (${formatCount(partsTable(image).rows.length, 'place')})`
}

/** Folders, files and groups of packages that grew or shrank, largest first, with the line that wrote them; no rows where one place is all. */
export function partsTable(image: ImageReport): Table {
  const places = allCauses(image).flatMap(({ layer, why }) =>
    (why?.parts ?? []).map((part) => ({
      line: layer === null ? (image.baseImage?.after?.line ?? null) : layer.line,
      part,
    })),
  )
  const columns: Table['columns'] = [
    { head: ['line'], align: 'right' },
    { head: ['where'], align: 'left' },
    { head: ['files'], align: 'right' },
    { head: ['change'], align: 'right' },
  ]
  const largest = Math.max(0, ...places.map(({ part }) => Math.abs(part.amount)))
  const telling = places.filter(({ part }) => Math.abs(part.amount) >= largest * WORTH_SHARE)
  if (telling.length < 2) return { columns, rows: [] }
  const rows = telling
    .toSorted((one, other) => Math.abs(other.part.amount) - Math.abs(one.part.amount))
    .slice(0, PARTS_SHOWN)
    .map(({ line, part }): Phrase[] => [
      line === null ? [] : [String(line)],
      part.path === null ? [`${ECOSYSTEMS[part.ecosystem ?? 'dpkg']}s`] : [{ code: part.path }],
      [String(part.files)],
      [`${formatSigned(part.amount)}${part.change === 'changed' ? '' : `, ${part.change}`}`],
    ])
  return { columns, rows }
}

/** `Packages (3 new, 1 updated, 2 gone)`. */
export function packagesTitle(image: ImageReport): string {
  const packages = image.packages ?? []
  const counts = (['new', 'updated', 'gone', 'same'] as const).flatMap((change) => {
    const count = packages.filter((each) => each.change === change).length
    return count === 0 ? [] : [`${count} ${change === 'same' ? 'with other files' : change}`]
  })
  return `Packages (${counts.join(', ')})`
}

/** Rows of the table of packages. */
const PACKAGES_SHOWN = 50

function version(text: string | null): Phrase {
  return text === null ? [] : [shorten(text, 60, '...')]
}

/** Packages that came, went or changed, largest change first; only the sides that have one of them. */
export function packagesTable(image: ImageReport, report: Report): Table {
  const all = image.packages ?? []
  // Of the same versions the places tell more.
  const packages = all.every(({ change }) => change === 'same') ? [] : all.slice(0, PACKAGES_SHOWN)
  const inBase = packages.some(({ change }) => change !== 'new')
  const inHead = packages.some(({ change }) => change !== 'gone')
  const shown = <Cell>(cells: Cell[]): Cell[] => cells.filter((_, at) => [true, inBase, inHead, true][at])
  // Where all are new, or all are gone, the title says it.
  const note = ({ change }: PackageChange): string =>
    inBase && inHead && (change === 'new' || change === 'gone') ? `, ${change}` : ''
  return {
    columns: shown([
      { head: ['package'], align: 'left' },
      { head: withoutCommit(baseHead([image])), align: 'right' },
      { head: withoutCommit(headHead(report)), align: 'right' },
      { head: ['change'], align: 'right' },
    ]),
    rows: packages.map((each) =>
      shown([
        phrase`${{ code: each.name }}${each.dev === true ? ' (dev)' : ''}`,
        each.change === 'new' ? [] : version(each.versionBefore),
        each.change === 'gone' ? [] : version(each.versionAfter),
        [`${formatSigned(each.amount)}${note(each)}`],
      ]),
    ),
  }
}

function layerChangeWords(change: LayerChangeKind, amount: number | null): string {
  const figure = amount === null ? NOT_MEASURED : formatSigned(amount)
  const words: Record<LayerChangeKind, string> = {
    unchanged: '',
    rebuilt: 'rebuilt',
    moved: 'moved',
    changed: amount === 0 ? 'edited, same size' : figure,
    added: `${figure}, new`,
    removed: `${figure}, removed`,
  }
  return words[change]
}
