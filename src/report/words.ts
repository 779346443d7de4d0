import type { BudgetName, Check, Scope, SkipReason } from '../budget/budget.ts'
import { isWaivable } from '../budget/waiver.ts'
import type { Change, Totals } from '../compare/comparison.ts'
import type { Failure } from '../failure.ts'
import { whyWords } from './causes.ts'
import { shorten } from './characters.ts'
import { fromProse, join, list, phrase, placeName, type Phrase, type Piece, type Place, type Tone } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import {
  baseImageGrowth,
  familiarName,
  isFailure,
  isNear,
  leadChange,
  leadMetric,
  stateOf,
  type State,
} from './state.ts'
import { formatBytes, formatCount, formatLimit, formatPercent, formatSigned, formatSignedCount } from './units.ts'

/** The words of the report, said once for the comment, the summary, the terminal and the log. */

/** The product's name as every report's first words. */
export const PRODUCT = 'Image budget'

/** The verdict on the whole report, without the product's name: `` `api` is over by 3.9 MB ``, `1 of 24 images is over`. */
export function headline(report: Report): Phrase {
  const [image] = report.images
  if (image === undefined) return ['nothing was measured']
  if (report.images.length === 1) return imageHeadline(image)

  const name = report.images.every((other) => other.name === image.name) ? image.name : null
  const total = report.images.length
  const noun = name === null ? 'image' : 'platform'
  const count = (test: (image: ImageReport) => boolean) => report.images.filter(test).length
  const failed = count(isFailure)
  const over = count((each) => each.verdict === 'over')

  if (failed + over > 0) {
    const said = [
      ...(over > 0 ? [`over on ${over}`] : []),
      ...(failed > 0 ? [`could not be measured on ${failed}`] : []),
    ]
    if (name !== null) {
      const verb = over > 0 ? 'is ' : ''
      return phrase`${{ code: name }} ${verb}${list(said)} of ${formatCount(total, noun)}`
    }
    if (over === 0) return [`${failed} of ${formatCount(total, noun)} could not be measured`]
    const rest = failed > 0 ? `, ${failed} could not be measured` : ''
    return [`${over} of ${formatCount(total, noun)} ${over === 1 ? 'is' : 'are'} over${rest}`]
  }

  const untouched = count((each) => each.untouched)
  if (untouched === total) return [`none of the ${formatCount(total, noun)} is touched by this change`]
  const changes = changeCounts(report)
  const subject: Phrase =
    name === null ? [allWords(total, untouched)] : phrase`${{ code: name }} is, on ${formatCount(total, noun)},`
  const judged = report.images.some(isJudged)
  const overBefore = count((each) => stateOf(each) === 'over-before')
  const standing = overBefore > 0 ? `${overBefore} over before this change` : ''
  if (judged && overBefore === 0) return phrase`${subject} within budget${changes === '' ? '' : `: ${changes}`}`
  const rest = [standing, changes, untouched > 0 ? `${untouched} not touched` : '']
    .filter((words) => words !== '')
    .join(', ')
  return [
    ...(name === null ? [formatCount(total, noun)] : phrase`${{ code: name }} on ${formatCount(total, noun)}`),
  ].concat(rest === '' ? ' unchanged' : `: ${rest}`)
}

/** `all 24 images are`, `both images are`, `the 2 of 24 images that this change touches are`. */
function allWords(total: number, untouched: number): string {
  if (untouched === 0) return total === 2 ? 'both images are' : `all ${formatCount(total, 'image')} are`
  const touched = total - untouched
  return touched === 1
    ? `the 1 of ${formatCount(total, 'image')} that this change touches is`
    : `the ${touched} of ${formatCount(total, 'image')} that this change touches are`
}

/** `2 larger, 1 smaller, 3 with no comparison`, or nothing. */
function changeCounts(report: Report): string {
  const amounts = report.images.flatMap((image) => (image.untouched ? [] : [leadChange(image)?.amount ?? null]))
  const counts: [number, string][] = [
    [amounts.filter((amount) => amount !== null && amount > 0).length, 'larger'],
    [amounts.filter((amount) => amount !== null && amount < 0).length, 'smaller'],
    [amounts.filter((amount) => amount === null).length, 'with no comparison'],
  ]
  return counts
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${words}`)
    .join(', ')
}

/** The verdict on one image: `` `api` is over by 3.9 MB ``. */
export function imageHeadline(image: ImageReport): Phrase {
  return phrase`${{ code: image.name }} ${verdictWords(image)}`
}

/** The same without the name, to follow it: `is over by 3.9 MB`. */
export function verdictWords(image: ImageReport): Phrase {
  const toDownload = leadMetric(image) === 'downloadSize' ? ' to download' : ''
  const amount = leadChange(image)?.amount ?? 0
  const broken = (test: (check: Check) => boolean) => brokenWords(image.checks.filter(test))
  const over = broken((check) => check.status === 'over')
  const words: Record<State, Phrase> = {
    untouched: ['is not touched by this change'],
    failed: ['could not be measured'],
    'not-judged': [over === '' ? 'could not be judged' : `could not be judged in full, and ${over}`],
    over: [`${over}${image.base === null ? ' (no comparison)' : ''}`],
    waived: [`${broken((check) => check.status === 'waived')} (accepted)`],
    warned: [`${broken((check) => check.status === 'warned')} (soft limit)`],
    'over-before': ['was over before this change'],
    'base-image': [`${broken((check) => check.reason === 'base-image')} since the base image grew`],
    'no-comparison': [
      isJudged(image)
        ? `${nearWords(image) || 'is within budget'} (no comparison)`
        : `is ${sizeWords(image)} (no comparison)`,
    ],
    smaller: [`is ${formatBytes(Math.abs(amount))} smaller${toDownload}`],
    near: [nearWords(image)],
    larger: [largerWords(image, amount, toDownload)],
    unchanged: [`is the same ${toDownload === '' ? 'size' : 'download size'} as ${baseName(image)}`],
  }
  return words[stateOf(image)]
}

/** Whether any of its budgets says something: growth over time has nothing to be counted from at first. */
function isJudged({ checks }: ImageReport): boolean {
  return checks.some(({ reason }) => reason !== 'no-record')
}

function largerWords(image: ImageReport, amount: number, toDownload: string): string {
  const judged = isJudged(image) ? 'is within budget, ' : ''
  const larger = `${judged || 'is '}${formatBytes(Math.abs(amount))} larger${toDownload}`
  const fromBase = baseImageGrowth(image)
  const isSame = image.baseImage?.before?.name === image.baseImage?.after?.name
  if (fromBase === null || fromBase <= 0 || !isSame) return larger
  const grew = `the base image grew by ${formatBytes(fromBase)}`
  return judged === '' ? `${larger}, ${grew}` : `${judged}${grew}`
}

/** What an amount of a budget is an amount of, where it is not plainly the image's size or its layers. */
const OF: Record<BudgetName, string> = {
  'max-size': '',
  'max-download-size': ' of download',
  'max-layers': '',
  'max-increase': ' of growth',
  forbid: '',
}

/** `growth`, `30-day growth`, `growth since v1.4`: what a budget on growth is a budget of. */
function growthNoun({ over, against }: Check): string {
  if (over === null) return 'growth'
  return over.kind === 'days' ? `${over.days}-day growth` : `growth since ${releaseName(against)}`
}

function releaseName(against: Check['against']): string {
  return against?.tag ? shorten(against.tag, PART_MAX, '...') : 'the last release'
}

/** `its growth budget by 3.1 MB`, `its 30-day growth budget by 3.1 MB`, `its growth budget by 3.1 MB since v1.4`. */
function growthBudget(check: Check): string {
  const { over, against } = check
  const time = over?.kind === 'days' ? `${over.days}-day ` : ''
  const since = over?.kind === 'release' ? ` since ${releaseName(against)}` : ''
  return `its ${time}growth budget by ${excessWords(check)}${since}`
}

/** ` in its own layers`, ` in /app/node_modules`: where a budget on a part of the image is broken; nothing for the whole of it. */
function inWords({ scope }: Check): string {
  if (scope === null) return ''
  const words: Record<Scope['kind'], string> = {
    own: 'its own layers',
    base: 'the base image',
    path: shorten(scope.of ?? '', PART_MAX, '...'),
    stage: `stage ${scope.of}`,
    package: `package ${shorten(scope.of ?? '', PART_MAX, '...')}`,
    rule: '',
  }
  return ` in ${words[scope.kind]}`
}

/** Longest path or package in a headline. */
const PART_MAX = 60

/** `is over by 3.9 MB and 1 layer`, `is over its growth budget by 10.7 MB`, `has 1 forbidden finding`: what broken budgets come to. */
function brokenWords(checks: readonly Check[]): string {
  const over = overWords(checks)
  const forbidden = forbiddenWords(checks)
  return list([...(over === '' ? [] : [`is over ${over}`]), ...(forbidden === '' ? [] : [`has ${forbidden}`])])
}

/**
 * `by 3.9 MB and 1 layer`, `its growth budget by 10.7 MB`, `by 1.2 MB in /app/node_modules`: by how much broken budgets are broken; empty
 * for none. Growth is spoken of where no cap is broken, and parts of the image where the whole fits: two amounts of bytes in one sentence
 * are a riddle, and the table has all of them.
 */
function overWords(checks: readonly Check[]): string {
  const sized = checks.filter((check) => check.metric !== 'findings')
  const whole = sized.filter((check) => check.scope === null)
  const told = whole.length > 0 ? whole : sized
  const caps = told.filter((check) => check.budget !== 'max-increase')
  if (caps.length > 0)
    return `by ${list(caps.map((check) => `${excessWords(check)}${OF[check.budget]}${inWords(check)}`))}`
  return list(told.map((check) => `${growthBudget(check)}${inWords(check)}`))
}

/** `2 forbidden findings`, or nothing. */
function forbiddenWords(checks: readonly Check[]): string {
  const count = checks
    .filter((check) => check.metric === 'findings')
    .reduce((total, check) => total + (check.excess ?? 0), 0)
  return count === 0 ? '' : formatCount(count, 'forbidden finding')
}

function nearWords(image: ImageReport): string {
  const near = image.checks.filter(isNear)
  if (near.length === 0) return ''
  return `is near its budget: ${list(near.map(leftWords))}`
}

/** `2.1 MB left`, `1 layer left`, `1.6 MB of 30-day growth left`, `nothing left`. */
function leftWords(check: Check): string {
  const amount = leftAmount(check)
  if (amount === null)
    return `nothing left${check.over === null ? '' : ` of its ${growthNoun(check)}`}${inWords(check)}`
  const of = check.budget === 'max-increase' ? ` of ${growthNoun(check)}` : OF[check.budget]
  return `${amount}${of} left${inWords(check)}`
}

/** `2.1 MB`, `1 layer`, `0.4 %`; null: nothing. */
function leftAmount({ limit, actual, unit }: Check): string | null {
  const left = limit - (actual ?? 0)
  if (left <= 0) return null
  if (unit === 'percent') return formatPercent(left).slice(1)
  return unit === 'layers' ? formatCount(left, 'layer') : formatBytes(left)
}

/** `3.9 MB`, `1 layer`: by how much a budget is broken. */
function excessWords(check: Check): string {
  const excess = check.excess ?? 0
  if (check.metric === 'findings') return formatCount(excess, 'finding')
  return check.metric === 'layers' ? formatCount(excess, 'layer') : formatBytes(excess)
}

/** `+15.7 MB`, `+1`: growth in the metric of a check. */
export function amountWords(check: Check, amount: number): string {
  return check.metric === 'size' || check.metric === 'download-size' ? formatSigned(amount) : formatSignedCount(amount)
}

/** `max-size`, `max-increase` over 30 days, `max-increase` of own layers, `max-size` of `/app/node_modules`: a budget in a sentence. */
export function budgetName({ budget, scope, over, against }: Check): Phrase {
  if (over?.kind === 'days') return phrase`${{ code: budget }} over ${formatCount(over.days, 'day')}`
  if (over?.kind === 'release') return phrase`${{ code: budget }} since ${releaseName(against)}`
  if (scope === null) return [{ code: budget }]
  const words: Record<Scope['kind'], Phrase> = {
    own: ['own layers'],
    base: ['the base image'],
    path: [{ code: scope.of ?? '' }],
    stage: phrase`the stage ${{ code: scope.of ?? '' }}`,
    package: phrase`the package ${{ code: scope.of ?? '' }}`,
    rule: [],
  }
  return scope.kind === 'rule'
    ? phrase`${{ code: budget }} of ${{ code: scope.of }}`
    : phrase`${{ code: budget }} of ${words[scope.kind]}`
}

/** `148.2 MB`, `51.0 MB to download`, `9 layers`: what the image is. */
function sizeWords(image: ImageReport): string {
  const { head } = image
  if (head === null) return 'not measured'
  if (head.size !== null) return formatBytes(head.size)
  return head.downloadSize === null
    ? formatCount(head.layers, 'layer')
    : `${formatBytes(head.downloadSize)} to download`
}

/** Branch names are short, but GitHub takes 255 characters, and the name stands in every table's head. */
const REF_MAX = 60

/** The base as its user knows it: `main`, or `the base`. */
export function baseName(image: ImageReport): string {
  const { kind, ref, commit } = image.baseline
  if (ref === null || isCommit(ref, commit)) return 'the base'
  return shorten(kind === 'image' ? shortReference(ref) : ref, REF_MAX, '...')
}

/** `docker://ghcr.io/acme/api:1.1` as `api:1.1`, `oci-archive:out/api.tar` as `api.tar`: enough to tell two versions apart. */
export function shortReference(reference: string): string {
  const rest = reference.replace(/^[a-z-]+:(?:\/\/)?/, '').replace(/(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1')
  return rest.split(/[\\/](?=[^\\/]*[^\\/.])/).at(-1) ?? rest
}

/** A ref that is nothing but the commit's own digits tells no name. */
function isCommit(ref: string, commit: string | null): boolean {
  return commit !== null && ref.length >= 7 && commit.startsWith(ref)
}

/** Seven digits, as git shortens it. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7)
}

/** Words, and how they are to be taken. */
export type Status = { tone: Tone; words: string }

/** The words for a check's status. */
export function statusWords(check: Check): Status {
  const words: Record<Check['status'], () => Status> = {
    within: () => ({ tone: 'good', words: 'within' }),
    near: () => ({ tone: 'warn', words: `near: ${leftAmount(check) ?? 'nothing'} left` }),
    over: () => ({ tone: 'bad', words: check.metric === 'findings' ? 'not allowed' : `over by ${excessWords(check)}` }),
    warned: () => ({ tone: 'warn', words: `over by ${excessWords(check)}` }),
    waived: () => ({ tone: 'warn', words: `over by ${excessWords(check)} (accepted)` }),
    skipped: () => skippedWords(check),
  }
  return words[check.status]()
}

function skippedWords(check: Check): Status {
  const words: Record<SkipReason, Status> = {
    'over-before': {
      tone: 'warn',
      words: check.metric === 'findings' ? 'there before this change' : 'over before this change',
    },
    'base-image': { tone: 'warn', words: "not this change's: the base image" },
    'not-measured': { tone: 'bad', words: 'not measured' },
    'no-baseline': { tone: 'none', words: 'not judged: no comparison' },
    'no-record': { tone: 'none', words: 'not judged: no record' },
  }
  return check.reason === null ? { tone: 'none', words: 'not judged' } : words[check.reason]
}

/** How an image stands, worst first: one status for its row in a table of many. */
export function imageStatus(image: ImageReport): Status {
  if (image.untouched) return { tone: 'none', words: 'not touched' }
  if (image.error !== null || image.head === null) return { tone: 'bad', words: 'could not be measured' }
  const broken = image.checks.filter((check) => check.status === 'over')
  const [over, forbidden] = [overWords(broken), forbiddenWords(broken)]
  if (broken.length > 0) {
    const words = [...(over === '' ? [] : [`over ${over}`]), ...(forbidden === '' ? [] : [forbidden])]
    return { tone: 'bad', words: list(words) }
  }
  const find = (test: (check: Check) => boolean) => image.checks.find(test)
  const remarkable =
    find((check) => check.reason === 'not-measured') ??
    find((check) => check.status === 'waived') ??
    find((check) => check.status === 'warned') ??
    find((check) => check.reason === 'over-before') ??
    find((check) => check.reason === 'base-image') ??
    find((check) => check.status === 'near') ??
    find((check) => check.status === 'within') ??
    find((check) => check.reason === 'no-record')
  if (remarkable !== undefined) return statusWords(remarkable)
  return { tone: 'none', words: image.base === null ? 'no comparison' : 'no budget' }
}

/** A limit as it stands in the budget column: `160 MB`, `12`, `+5 MB`, `+3 %`, `150 MB, soft`. */
export function limitWords(check: Check): string {
  const soft = check.level === 'warn' ? ', soft' : ''
  if (check.unit === 'findings') return 'none'
  if (check.unit === 'layers') return `${check.limit}${soft}`
  if (check.unit === 'percent') return `${check.limit === 0 ? '0 %' : `+${check.limit} %`}${soft}`
  return `${check.budget === 'max-increase' && check.limit > 0 ? '+' : ''}${formatLimit(check.limit)}${soft}`
}

/** The figure a check judged, where it has a row of its own: `+15.7 MB`, `+3.4 %`. */
export function growthWords(check: Check): string {
  if (check.actual === null) return ''
  return check.unit === 'percent' ? formatPercent(check.actual) : formatSigned(check.actual)
}

/** `+15.7 MB (+10.6 %)`; the percentage only where it says something; `same` for no change. */
export function changeWords(change: Change): string {
  if (change.amount === 0) return 'same'
  const percent = change.percent === null ? '' : formatPercent(change.percent)
  return percent === '' || percent === '0.0 %'
    ? formatSigned(change.amount)
    : `${formatSigned(change.amount)} (${percent})`
}

/** What there is to say of an image besides its verdict and its figures: one phrase a paragraph. */
export function explanation(image: ImageReport, report: Report): Phrase[] {
  if (image.error !== null) return failureWords(image.error, report)
  if (image.untouched) return untouchedWords(image)
  return [
    ...waiverWords(image, report),
    ...creepWords(image),
    ...notJudgedWords(image),
    ...unmeasuredWords(image),
    ...unlikeWords(image),
    ...overBeforeWords(image),
    ...baseImageCapWords(image),
    ...noComparisonWords(image),
    ...noRecordWords(image),
    ...baseImageWords(image),
    ...roomWords(image),
  ]
}

/** Why an image was not built. */
function untouchedWords(image: ImageReport): Phrase[] {
  const { commit } = image.baseline
  const base = phrase`${baseName(image)}${commit === null ? [] : phrase` (${{ code: shortCommit(commit) }})`}`
  return [phrase`Nothing that it is built from differs from ${base}, so it was not built: there are no figures.`]
}

/** Message, place and remedy of a failure, and where its log is. Further lines of the message are in `failureOutput`. */
export function failureWords(failure: Failure, report: Report): Phrase[] {
  const [first = '', ...further] = failure.message.trim().split('\n')
  const place: Place | null =
    failure.file === null || failure.line === null
      ? null
      : { file: failure.file, line: failure.line, commit: report.head.dirty ? null : report.head.commit }
  const name = place === null ? null : placeName(place)
  const untold = failure.instruction !== null && !first.includes(failure.instruction) ? failure.instruction : null
  const instruction: Phrase = untold === null ? [] : [{ code: untold }]

  const prose = fromProse(sentence(first))
  const at = prose.findIndex((piece) => typeof piece === 'object' && 'code' in piece && piece.code === name)
  const placed: Phrase[] =
    place !== null && at !== -1
      ? [
          phrase`${prose.slice(0, at)}${{ place }}${untold === null ? '' : [' (', ...instruction, ')']}${prose.slice(at + 1)}`,
        ]
      : [prose]
  const unsaid = [
    ...(place !== null && at === -1 ? [[{ place }]] : []),
    ...(at === -1 && untold !== null ? [instruction] : []),
  ]
  if (unsaid.length > 0) placed.push(phrase`At ${join(unsaid, ': ')}.`)
  const log: Phrase = report.runUrl === null ? [] : [' ', { link: 'Log of the run', url: report.runUrl }]
  return [
    ...placed,
    ...(isListOfSentences(failure) ? further.map((line) => fromProse(sentence(line))) : []),
    ...(failure.remedy === null ? [] : [fromProse(sentence(failure.remedy.trim()))]),
    ['No size is reported.', ...log],
  ]
}

/** Wrong inputs are told all at once, a line each, in this project's own words. */
function isListOfSentences(failure: Failure): boolean {
  return failure.kind === 'input'
}

/** What a tool printed, where the failure's message carries it: the message's lines after the first. */
export function failureOutput(failure: Failure): string {
  if (isListOfSentences(failure)) return ''
  return failure.message.trim().split('\n').slice(1).join('\n').trim()
}

/** With its full stop, and without the colon that led to what is shown apart. */
function sentence(text: string): string {
  const words = text.trim().replace(/:$/, '')
  return /[.!?…]$/.test(words) || words === '' ? words : `${words}.`
}

function notJudgedWords(image: ImageReport): Phrase[] {
  const skipped = image.checks.filter((check) => check.reason === 'not-measured')
  const metric = { size: 'size', 'download-size': 'download size', layers: 'number of layers', findings: '' }
  const { size, downloadSize } = image.unmeasured
  const reasons = { size, 'download-size': downloadSize, layers: null, findings: null }
  return skipped.map((check) => {
    const end = check.level === 'fail' ? ' No budget is passed unseen.' : ''
    if (check.why !== null)
      return phrase`${budgetName(check)} (${limitWords(check)}) was not judged: ${fromProse(check.why)}.${end}`
    const isUnlike = check.metric === 'download-size' && image.head?.downloadSize !== null
    const why = isUnlike ? image.unlikeDownloads : reasons[check.metric]
    const what = isUnlike ? 'the download sizes cannot be compared' : `the ${metric[check.metric]} is not measured`
    return phrase`${budgetName(check)} (${limitWords(check)}) was not judged, since ${what}${why === null ? [] : [': ', ...fromProse(why)]}.${end}`
  })
}

/** What was asked for and is not there, where no budget speaks of it. */
function unmeasuredWords(image: ImageReport): Phrase[] {
  const names = { size: ['size', 'max-size'], downloadSize: ['download size', 'max-download-size'] } as const
  return (['size', 'downloadSize'] as const).flatMap((metric) => {
    const why = image.unmeasured[metric]
    const [name, budget] = names[metric]
    if (why === null || image.checks.some((check) => check.budget === budget && check.scope === null)) return []
    return [phrase`The ${name} is not measured: ${fromProse(why)}.`]
  })
}

/** Both sides have a figure, and a difference of the two would mean nothing. */
function unlikeWords(image: ImageReport): Phrase[] {
  const isSaid = image.checks.some((check) => check.budget === 'max-increase' && check.reason === 'not-measured')
  if (image.unlikeDownloads === null || isSaid) return []
  return [[`The download sizes are not compared: ${image.unlikeDownloads}.`]]
}

/** What is to be said of the report as a whole, besides its headline. */
export function reportWords(report: Report): Phrase[] {
  const { gonePlatforms: gone } = report
  if (gone.length === 0) return []
  return [[`The base has an image for ${list(gone)}, this one has not.`]]
}

/** Who accepted what, and whether it still holds. */
function waiverWords(image: ImageReport, { waiver }: Report): Phrase[] {
  if (waiver === null) return []
  const { label, by, at, problem } = waiver
  // Whether it is set is not known: the log has why.
  if (by === null || at === null) return []
  if (problem !== null) {
    const isConcerned = image.checks.some(({ status }) => status === 'over')
    return isConcerned ? [phrase`The label ${{ code: label }} accepts nothing: ${fromProse(sentence(problem))}`] : []
  }
  const accepted = (status: 'waived' | 'over'): [string, string][] =>
    image.checks.flatMap((check) =>
      check.status === status && check.accepted !== null && check.growth !== null
        ? [[`${amountOf(check, check.accepted)}${inWords(check)}`, amountOf(check, check.growth - check.accepted)]]
        : [],
    )
  const who = phrase`${{ code: by }} accepted`
  const how = phrase`with the label ${{ code: label }} on ${at.slice(0, 10)}`
  const [waived, exceeded] = [accepted('waived'), accepted('over')]
  return [
    ...(waived.length === 0 ? [] : [phrase`${who} growth up to ${distinct(waived.map(([up]) => up))} ${how}.`]),
    ...(exceeded.length === 0
      ? []
      : [
          phrase`${who} ${distinct(exceeded.map(([up]) => up))} ${how}; this is ${distinct(exceeded.map(([, more]) => more.slice(1)))} more, which was not accepted. Set the label anew to accept it.`,
        ]),
  ]
}

/** The different ones of some words, as a list. */
function distinct(words: readonly string[]): string {
  return list([...new Set(words)])
}

/** `+15.7 MB`, `+1 layer`: an amount that stands without its check. */
function amountOf(check: Check, amount: number): string {
  return check.metric === 'layers'
    ? `${amountWords(check, amount)} ${formatCount(Math.abs(amount), 'layer').replace(/^\S+ /, '')}`
    : `${amountWords(check, amount)}${check.metric === 'download-size' ? ' of download' : ''}`
}

/** `add the label `image-budget: accept` to accept +15.7 MB`: only where that would help. */
function acceptPrint(image: ImageReport, report: Report): Phrase[] {
  const { waiver } = report
  // Where the label could not be looked up, it may be set already.
  if (waiver === null || waiver.by !== null || waiver.problem !== null) return []
  if (report.images.length > 1) {
    // Each has its own amount, and the small print is one for all.
    const isWanted = report.images.some(({ checks }) => checks.some(isWaivable))
    return isWanted ? [phrase`add the label ${{ code: waiver.label }} to accept what grew`] : []
  }
  const broken = image.checks.filter(isWaivable)
  const amounts = [...new Set(broken.map((check) => `${amountOf(check, check.growth!)}${inWords(check)}`))]
  if (amounts.length === 0) return []
  return [phrase`add the label ${{ code: waiver.label }} to accept ${list(amounts)}`]
}

/** Growth that no single change has: how much, since when, and whether it is held against this one. */
function creepWords(image: ImageReport): Phrase[] {
  return image.checks.flatMap((check) => {
    const { over, against, excess, growth, limit, unit, status, reason } = check
    if (over === null || against === null || (excess === null && status !== 'near')) return []
    const since: Phrase =
      over.kind === 'days'
        ? phrase`${against.at.slice(0, 10)} (${{ code: shortCommit(against.commit) }})`
        : [{ code: against.tag ?? shortCommit(against.commit) }]
    const grown = phrase`${sinceAmount(check)} since ${since}`
    const allowance = unit === 'percent' ? `${limit} %` : formatLimit(limit)
    const time = over.kind === 'days' ? ` over ${formatCount(over.days, 'day')}` : ''
    if (excess === null) return [phrase`${grown}, of ${allowance} allowed${time}.`]
    const more = limit === 0 ? 'where none is allowed' : `${excessWords(check)} more than the ${allowance} allowed`
    const words = phrase`${grown}, ${more}${time}`
    if (reason === 'over-before')
      return [
        phrase`${words}; ${baseName(image)} was above that already. This change does not make it worse, so that is not held against it.`,
      ]
    if (reason === 'base-image')
      return [phrase`${words}, and that only since the base image grew, so it is not held against this change.`]
    const isDrift = image.baseImage?.doing === 'drift'
    const own = growth === null || isDrift ? '' : ` This change itself adds ${amountOf(check, growth).slice(1)}.`
    return [phrase`${words}.${own}`]
  })
}

/** `+23.1 MB`, `+15.6 %`; `Growth` where it has no percentage. */
function sinceAmount(check: Check): string {
  if (check.actual === null) return 'Growth'
  return check.unit === 'percent' ? formatPercent(check.actual) : amountOf(check, check.actual)
}

/** Limits on growth over time that there is no record for yet. */
function noRecordWords(image: ImageReport): Phrase[] {
  const skipped = image.checks.filter((check) => check.reason === 'no-record')
  return [...new Set(skipped.map(({ why }) => why))].map((why) => {
    const budgets = skipped
      .filter((check) => check.why === why)
      .map((check) => phrase`${budgetName(check)} (${limitWords(check)})`)
    const verb = budgets.length === 1 ? 'was' : 'were'
    return phrase`${join(budgets, ', ')} ${verb} not judged: ${fromProse(why ?? 'there is no record')}.`
  })
}

function overBeforeWords(image: ImageReport): Phrase[] {
  return image.checks
    .filter((check) => check.reason === 'over-before' && check.over === null)
    .map((check) =>
      check.metric === 'findings'
        ? phrase`It has ${excessWords(check)} of the forbidden rule ${{ code: check.scope?.of ?? '' }}, as ${baseName(image)} has. This change does not make it worse, so that is not held against it.`
        : phrase`It is ${excessWords(check)} over ${budgetName(check)} (${limitWords(check)}), and was over it on ${baseName(image)} already. This change does not make it worse, so that is not held against it.`,
    )
}

function baseImageCapWords(image: ImageReport): Phrase[] {
  return image.checks
    .filter((check) => check.reason === 'base-image' && check.over === null)
    .map((check) =>
      check.metric === 'findings'
        ? phrase`The ${excessWords(check)} of the forbidden rule ${{ code: check.scope?.of ?? '' }} came with the base image, so that is not held against it.`
        : phrase`It is ${excessWords(check)} over ${budgetName(check)} (${limitWords(check)}) only since the base image grew, so that is not held against it.`,
    )
}

function noComparisonWords(image: ImageReport): Phrase[] {
  if (image.base !== null || image.head === null) return []
  // A reason may be a failure's message with a tool's output after it: its first line is the reason.
  const [reason = ''] = (image.baseline.reason ?? '').trim().split('\n')
  if (reason === '') return [['There is nothing to compare with.']]
  return [fromProse(`There is nothing to compare with: ${sentence(reason)}`)]
}

/** Told apart from what the change itself did: a base image that moved is nobody's line. */
function baseImageWords(image: ImageReport): Phrase[] {
  const { baseImage, change } = image
  if (baseImage?.change !== 'changed' || change === null) return []
  const { before, after } = baseImage
  const growth = baseImageGrowth(image)
  // Where the change names another one, that is the first of the causes.
  if (baseImage.doing !== 'drift' && growth !== null && growth !== 0) return []
  const why = baseImage.doing === 'drift' ? whyWords({ layer: null, amount: growth, why: baseImage.why }) : []
  const by: Phrase = growth === null || growth === 0 ? [] : phrase` (${formatSigned(growth)})`
  if (after === null || before === null || before.name !== after.name) {
    // Without a name there is none: `FROM scratch`.
    const name = (side: typeof after): Piece => ({ code: side === null ? 'scratch' : familiarName(side.name) })
    return [phrase`The base image is ${name(after)} now, was ${name(before)}${by}.`]
  }
  const digests: Phrase =
    before.digest === null || after.digest === null
      ? []
      : phrase` from ${{ code: shortDigest(before.digest) }} to ${{ code: shortDigest(after.digest) }}`
  const name: Piece = { code: familiarName(after.name) }
  if (baseImage.doing === 'change') return [phrase`${ownWords(image)}The base image ${name} is moved${digests}${by}.`]
  return [phrase`${ownWords(image)}${name} moved${digests}${by}${driftWords(image)}.${broughtWords(why)}`]
}

/** What there is to see of it in the base image, as a sentence of its own; nothing where that is not known. */
function broughtWords(why: Phrase): Phrase {
  if (why.length === 0) return []
  return typeof why[0] === 'string' && why[0].startsWith(':')
    ? phrase` What changed in it${why}.`
    : phrase` It changed${why}.`
}

/** Whose doing it is that a base image moved by itself, and which budgets do not count it. */
function driftWords(image: ImageReport): Phrase {
  if (image.baseImage?.doing !== 'drift') return []
  const budgets = [...new Set(image.checks.filter((check) => check.uncounted > 0).map((check) => check.budget))]
  const names = join(
    budgets.map((name) => [{ code: name }]),
    ', ',
  )
  const uncounted = budgets.length === 0 ? [] : phrase` and is not counted against ${names}`
  return phrase`, which is not this change's doing${uncounted}`
}

function ownWords(image: ImageReport): string {
  const own = image.change?.[leadMetric(image) === 'size' ? 'ownSize' : 'ownDownloadSize']?.amount
  if (own === undefined) return ''
  if (own === 0) return 'This change adds nothing of its own. '
  return own > 0
    ? `This change adds ${formatBytes(own)} of its own. `
    : `This change itself saves ${formatBytes(-own)}. `
}

function shortDigest(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1')
}

/** How much room is left, and the cap that keeps a gain. */
function roomWords(image: ImageReport): Phrase[] {
  const words = join([...leftOfCapWords(image), ...ratchetWords(image)], ' ')
  return words.length === 0 ? [] : [words]
}

function leftOfCapWords(image: ImageReport): Phrase[] {
  if (stateOf(image) !== 'smaller') return []
  const name = leadMetric(image) === 'size' ? 'max-size' : 'max-download-size'
  const cap = image.checks.find((check) => check.budget === name && check.scope === null && check.level === 'fail')
  if (cap === undefined || cap.actual === null) return []
  return [phrase`${formatBytes(cap.limit - cap.actual)} under its budget of ${limitWords(cap)}.`]
}

/**
 * `The budget could go down to 140 MB: `max-size: 140 MB`.`, as the input takes it: nothing where the image grew, where a budget is nearly
 * used up, or where one is broken, by whomever.
 */
export function ratchetWords(image: ImageReport): Phrase[] {
  const state = stateOf(image)
  if ((state !== 'smaller' && state !== 'unchanged') || image.checks.some(({ excess }) => excess !== null)) return []
  const lower = image.ratchets.filter(({ budget }) => {
    const change = image.change?.[budget === 'max-size' ? 'size' : 'downloadSize'] ?? null
    return change !== null && change.amount <= 0
  })
  if (lower.length === 0) return []
  const limits = lower.map(({ proposed }) => formatLimit(proposed))
  const lines = lower.map(({ budget }, at): Phrase => [{ code: `${budget}: ${limits[at]}` }])
  return [phrase`The budget${lower.length === 1 ? '' : 's'} could go down to ${list(limits)}: ${join(lines, ', ')}.`]
}

/** All an image has to say when nothing happened: `` `api` is the same size as main (148.2 MB, budget 160 MB) ``. */
export function quietWords(image: ImageReport): Phrase {
  if (image.untouched) return phrase`${imageHeadline(image)}, and was not built.`
  const metric = leadMetric(image)
  const capped: Record<string, Check | undefined> = Object.fromEntries(
    image.checks
      .filter((check) => check.scope === null && check.over === null)
      // The first of two counts: a soft limit is the second.
      .toReversed()
      .map((check) => [check.budget, check]),
  )
  const cap = (check: Check | undefined) => (check === undefined ? '' : `, budget ${limitWords(check)}`)
  const facts = [`${sizeWords(image)}${cap(capped[metric === 'size' ? 'max-size' : 'max-download-size'])}`]
  if (metric === 'size' && capped['max-download-size'] && image.head?.downloadSize) {
    facts.push(`${formatBytes(image.head.downloadSize)} to download${cap(capped['max-download-size'])}`)
  }
  if (capped['max-layers'] && image.head)
    facts.push(`${formatCount(image.head.layers, 'layer')}${cap(capped['max-layers'])}`)
  if (capped['max-increase']) facts.push(`growth budget ${limitWords(capped['max-increase'])}`)
  for (const check of image.checks) {
    const { over, against, actual } = check
    if (over === null || against === null || actual === null) continue
    const since = over.kind === 'days' ? against.at.slice(0, 10) : releaseName(against)
    facts.push(`${growthWords(check)} since ${since}, budget ${limitWords(check)}`)
  }
  return phrase`${imageHeadline(image)} (${facts.join('; ')}).`
}

/** `Docker 28.0.4, classic store`, `BuildKit 0.21.0 (docker-container)`. */
export function engineWords(image: ImageReport): string | null {
  const { engine } = image
  if (engine === null) return null
  return engine.store === 'buildkit'
    ? `BuildKit ${engine.version} (${engine.driver})`
    : `Docker ${engine.version}, ${engine.store} store`
}

/** Platform, how the base was had, engine and store or the image's place, how growth is accepted: small print, in that order. */
export function smallPrint(image: ImageReport, report: Report): Phrase[] {
  const engine = engineWords(image)
  const { source } = image
  const digest = source === null || source.digest === null ? [] : [' (', { code: shortDigest(source.digest) }, ')']
  return [
    ...(image.platform === null ? [] : [[image.platform]]),
    ...baselinePrint(image),
    ...(engine === null ? [] : [[engine]]),
    ...(image.sizeFrom === 'engine' ? [['size as the engine counts it']] : []),
    ...(source === null ? [] : [['image ', { code: source.reference }, ...digest]]),
    ...acceptPrint(image, report),
  ]
}

function baselinePrint(image: ImageReport): Phrase[] {
  const { passedOver } = image.baseline
  const print = basePrint(image)
  return passedOver === null ? print : [...print, fromProse(passedOver)]
}

function basePrint(image: ImageReport): Phrase[] {
  const { kind, commit, ref, record } = image.baseline
  if (kind === 'none' || image.base === null) return []
  if (kind === 'image') return [phrase`base ${{ code: ref ?? '' }}`]
  if (kind === 'record' && record !== null) {
    if (record.behind === 0) return [phrase`base as recorded of ${{ code: shortCommit(record.commit) }}`]
    const distance = formatCount(record.behind, 'commit')
    return [
      phrase`base as recorded of ${{ code: shortCommit(record.commit) }} (${record.at.slice(0, 10)}), ${distance} before ${{ code: shortCommit(commit ?? '') }}`,
    ]
  }
  return [commit === null ? ['base built for this run'] : phrase`base built from ${{ code: shortCommit(commit) }}`]
}

/** Totals a table shows one row each of, in its order, with the row's name. */
export const METRICS: readonly { metric: 'size' | 'downloadSize' | 'layers'; name: string; budget: BudgetName }[] = [
  { metric: 'size', name: 'Size', budget: 'max-size' },
  { metric: 'downloadSize', name: 'Download', budget: 'max-download-size' },
  { metric: 'layers', name: 'Layers', budget: 'max-layers' },
] satisfies readonly { metric: keyof Totals; name: string; budget: BudgetName }[]
