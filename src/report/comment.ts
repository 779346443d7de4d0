import { adviceOf, checkWords, checksOf, findingWords, moreWords, standingTitle } from './advice.ts'
import { CAUSES_SHOWN, causeWords, causesOf } from './causes.ts'
import { layersDiagram } from './diagram.ts'
import { codeBlock, fenced, markdown, tableMarkdown, type Setting } from './markdown.ts'
import { isImageNoteworthy } from './noteworthy.ts'
import { join, phrase, type Phrase } from './phrase.ts'
import type { ImageReport, Report } from './report.ts'
import { isFailure, leadChange, stateOf } from './state.ts'
import {
  figuresTable,
  layersTable,
  layersTitle,
  overviewTable,
  packagesTable,
  packagesTitle,
  partsTable,
  partsTitle,
  worstFirst,
  type Table,
} from './tables.ts'
import { trendWords } from './trend.ts'
import { formatCount } from './units.ts'
import {
  PRODUCT,
  explanation,
  failureOutput,
  headline,
  imageHeadline,
  quietWords,
  reportWords,
  smallPrint,
  verdictWords,
} from './words.ts'

/** GitHub takes 65,536 characters; the rest is for the marker and whatever the caller puts around it. */
export const FULL_MAX = 60_000
export const SHORT_MAX = 16_000
export const MINIMAL_MAX = 4_000

/** GitHub takes 1 MiB of UTF-8 per step; other tools of the same step may write there too. */
export const SUMMARY_MAX = 1_000_000

/** What a report shows, from the summary, which has room, to what is left when a comment is refused for its length. */
type Detail = {
  max: number
  measure: (text: string) => number
  /** Show the sections of images of which there is nothing to tell, too. */
  quietImages: boolean
  sections: boolean
  layers: boolean
  /** Images whose layers are drawn. */
  diagrams: number
  causes: number
}

const length = (text: string) => text.length

const FULL: Detail = {
  max: FULL_MAX,
  measure: length,
  quietImages: false,
  sections: true,
  layers: true,
  diagrams: 0,
  causes: CAUSES_SHOWN,
}
const SHORT: Detail = {
  max: SHORT_MAX,
  measure: length,
  quietImages: false,
  sections: true,
  layers: false,
  diagrams: 0,
  causes: CAUSES_SHOWN,
}
const MINIMAL: Detail = {
  max: MINIMAL_MAX,
  measure: length,
  quietImages: false,
  sections: false,
  layers: false,
  diagrams: 0,
  causes: 0,
}
/** Diagrams in a summary of many images: those of the worst. Each is a frame of its own that the browser has to draw. */
const DIAGRAMS_SHOWN = 4

const SUMMARY: Detail = {
  max: SUMMARY_MAX,
  measure: (text) => Buffer.byteLength(text),
  quietImages: true,
  sections: true,
  layers: true,
  diagrams: DIAGRAMS_SHOWN,
  causes: CAUSES_SHOWN,
}

/**
 * The pull request's comment in three lengths: full, short and minimal, of at most `FULL_MAX`, `SHORT_MAX` and
 * `MINIMAL_MAX` characters. Each has the verdict; what is left out is counted. Without the marker of a sticky comment.
 */
export function renderComment(report: Report): string[] {
  return [FULL, SHORT, MINIMAL].map((detail) => render(report, detail))
}

/** The job's summary: the comment's words, with the sections and layers of every image; at most `SUMMARY_MAX` bytes of UTF-8. */
export function renderSummary(report: Report): string {
  return render(report, SUMMARY)
}

/** The same without the diagrams, which only GitHub draws: elsewhere their source would be text. */
export function renderSummaryWithoutDiagrams(report: Report): string {
  return render(report, { ...SUMMARY, diagrams: 0 })
}

function render(report: Report, detail: Detail): string {
  const [image] = report.images
  if (image !== undefined && report.images.length === 1) return renderOne(image, report, detail)
  return renderMany(report, detail)
}

function settingOf(report: Report): Setting {
  return { repositoryUrl: report.repositoryUrl }
}

function renderOne(image: ImageReport, report: Report, detail: Detail): string {
  const page = new Page(detail, report)
  if (isQuiet(image) && report.gonePlatforms.length === 0 && !detail.quietImages) {
    page.add(markdown(quietWords(image), settingOf(report)))
    // A change below the noise floor is no news, but it can be looked up.
    if (detail.layers && !image.untouched && leadChange(image)?.amount !== 0) {
      page.add(details('Figures', tableMarkdown(figuresTable(image, report), settingOf(report))))
    }
    return page.toString()
  }
  page.add(heading(3, phrase`${PRODUCT}: ${imageHeadline(image)}`, report))
  for (const words of reportWords(report)) page.add(markdown(words, settingOf(report)))
  for (const block of imageBlocks(image, report, detail)) page.add(block)
  page.close(small(smallPrint(image, report), stateOf(image) === 'failed' ? { ...report, runUrl: null } : report))
  return page.toString()
}

/** Nothing to tell: neither a budget nor the image's size moved. */
function isQuiet(image: ImageReport): boolean {
  return !isImageNoteworthy(image)
}

/** What stands under an image's heading, most needed first. */
function imageBlocks(image: ImageReport, report: Report, detail: Detail): string[] {
  const setting = settingOf(report)
  const blocks: string[] = []
  const paragraphs = explanation(image, report).map((words) => markdown(words, setting))
  if (stateOf(image) === 'failed') {
    const output = image.error === null || !detail.sections ? '' : codeBlock(failureOutput(image.error))
    return [...paragraphs.slice(0, -1), output, ...paragraphs.slice(-1)]
  }
  if (image.untouched) return paragraphs
  blocks.push(tableMarkdown(figuresTable(image, report), setting), ...paragraphs)

  const causes = causesOf(image, detail.causes)
  if (causes !== null && detail.causes > 0) {
    const lines = [...causes.causes.map((cause) => causeWords(cause, image, report)), ...causes.rest]
    blocks.push(`**${causes.title}**\n${bullets(lines, setting)}`)
  }
  const advice = adviceOf(image)
  if (advice !== null && advice.fresh.length > 0 && detail.causes > 0) {
    const lines = advice.fresh.map((finding) => findingWords(finding, report))
    if (advice.more.length > 0) lines.push(moreWords(advice))
    blocks.push(`**${advice.title}**\n${bullets(lines, setting)}`)
  }
  if (!detail.layers) return blocks
  const trend = trendWords(image)
  if (trend !== null) blocks.push(markdown(trend, setting))
  const diagram = detail.diagrams > 0 ? layersDiagram(image) : null
  if (diagram !== null) {
    const legend = diagram.legend === null ? '' : `. ${diagram.legend}`
    blocks.push(`**${diagram.title}**${legend}`, fenced(diagram.source, 'mermaid'))
  }
  const tables: [string, Table][] = [
    [partsTitle(image), partsTable(image)],
    [packagesTitle(image), packagesTable(image, report)],
    [layersTitle(image), layersTable(image, report)],
  ]
  for (const [title, table] of tables) {
    if (table.rows.length > 0) blocks.push(details(title, tableWithin(table, setting, detail.max / 5, detail.measure)))
  }
  if (advice !== null && advice.standing.length > 0) {
    const shown = advice.standing.slice(0, STANDING_SHOWN).map((finding) => findingWords(finding, report))
    const more = advice.standing.length - shown.length
    if (more > 0) shown.push([formatCount(more, 'more finding')])
    blocks.push(details(standingTitle(advice, image), bullets(shown, setting)))
  }
  const checks = checksOf(image)
  if (checks.length > 0) {
    const shown = checks.slice(0, STANDING_SHOWN).map((warning) => checkWords(warning, image, report))
    if (checks.length > shown.length) shown.push([formatCount(checks.length - shown.length, 'more check')])
    blocks.push(details(`BuildKit's own checks (${checks.length})`, bullets(shown, setting)))
  }
  return blocks
}

/** Findings of old that are listed in their fold. */
const STANDING_SHOWN = 10

function bullets(lines: Phrase[], setting: Setting): string {
  return lines.map((words) => `- ${markdown(words, setting)}`).join('\n')
}

function renderMany(report: Report, detail: Detail): string {
  const page = new Page(detail, report)
  const setting = settingOf(report)
  const images = report.images.toSorted(worstFirst)
  const loud = images.filter((image) => !isQuiet(image))
  const quiet = images.filter((image) => isQuiet(image) && !image.untouched)
  const untouched = images.filter((image) => image.untouched)

  page.add(heading(3, phrase`${PRODUCT}: ${headline(report)}`, report))
  for (const words of reportWords(report)) page.add(markdown(words, setting))
  if (loud.length > 0) {
    const failing = loud.filter((image) => isFailure(image) || image.verdict === 'over')
    const shown = detail.sections ? loud : failing
    const all = overviewTable(shown, report)
    // Half of the page: the images' own sections say whose line it was. Before those, all that fail have a row.
    const most = detail.sections ? detail.max * 0.85 : detail.max - 1_500
    const needed = detail.measure(tableMarkdown({ ...all, rows: all.rows.slice(0, failing.length) }, setting)) + 100
    const room = detail.sections ? Math.max(detail.max / 2, needed) : needed
    if (shown.length > 0) page.add(tableWithin(all, setting, Math.min(room, most), detail.measure))
    if (shown.length < loud.length) page.add(`${formatCount(loud.length - shown.length, 'more image')} changed.`)
  }
  if (quiet.length > 0) {
    const same = quiet.every((image) => leadChange(image)?.amount === 0)
    const title = `${formatCount(quiet.length, 'image')} ${same ? 'unchanged' : 'with no change to speak of'}`
    // The summary has all of them, before any details.
    const room = detail.quietImages ? page.room - 500 : detail.max / 8
    const table = (): string => tableWithin(overviewTable(quiet, report), setting, room, detail.measure)
    page.add(detail.layers ? details(title, table()) : `${title}.`)
  }
  if (untouched.length > 0) {
    const title = `${formatCount(untouched.length, 'image')} not touched by this change`
    const names = namesWithin(untouched, setting, detail.quietImages ? detail.max / 4 : detail.max / 8)
    page.add(detail.layers ? details(title, names) : `${title}.`)
  }
  if (detail.sections) {
    const told = detail.quietImages ? images.filter((image) => !image.untouched) : loud
    addSections(page, told, report, detail)
  }

  const [first] = images
  if (first !== undefined) page.close(small(commonPrint(images, report), report))
  return page.toString()
}

/** A section for each image, with one heading for all the platforms of a name; those that do not fit are counted. */
function addSections(page: Page, images: readonly ImageReport[], report: Report, detail: Detail): void {
  const setting = settingOf(report)
  const byName = groupedByName(images)
  const platforms = groupedByName(report.images)
  let left = 0
  let drawn = 0
  for (const group of byName.values()) {
    for (const [index, image] of group.entries()) {
      // After one that did not fit none is shown: they are in the order of how much there is to say.
      if (left > 0) {
        left += 1
        continue
      }
      const several = (platforms.get(image.name)?.length ?? 0) > 1
      const platform = image.platform ?? 'platform not known'
      const title = several
        ? [
            ...(index === 0 ? [heading(4, [{ code: image.name }], report)] : []),
            markdown(phrase`${{ strong: platform }} ${verdictWords(image)}`, setting),
          ]
        : [heading(4, imageHeadline(image), report)]
      const diagrams = isQuiet(image) ? 0 : detail.diagrams - drawn
      if (diagrams > 0 && layersDiagram(image) !== null) drawn += 1
      const blocksOf = (how: Detail): string[] => [...title, ...imageBlocks(image, report, { ...how, diagrams })]
      if (!page.addAll(blocksOf(detail)) && !page.addAll(blocksOf({ ...detail, layers: false }))) left += 1
    }
  }
  if (left > 0) page.close(`Details of ${formatCount(left, 'more image')} did not fit here.`)
}

function groupedByName(images: readonly ImageReport[]): Map<string, ImageReport[]> {
  const groups = new Map<string, ImageReport[]>()
  for (const image of images) {
    const group = groups.get(image.name)
    if (group === undefined) groups.set(image.name, [image])
    else group.push(image)
  }
  return groups
}

/** What all the images have in common; the platform and the engine may differ. */
function commonPrint(images: readonly ImageReport[], report: Report): Phrase[] {
  const [first, ...others] = images.filter((image) => image.head !== null).map((image) => smallPrint(image, report))
  const texts = others.map((prints) => new Set(prints.map((print) => JSON.stringify(print))))
  return (first ?? []).filter((print) => {
    const text = JSON.stringify(print)
    return texts.every((other) => other.has(text))
  })
}

function heading(level: number, words: Phrase, report: Report): string {
  return `${'#'.repeat(level)} ${markdown(words, settingOf(report))}`
}

function small(prints: Phrase[], report: Report): string {
  const link: Phrase[] = report.runUrl === null ? [] : [[{ link: 'full report', url: report.runUrl }]]
  const words = markdown(join([...prints, ...link], ' · '), settingOf(report))
  return words === '' ? '' : `<sub>${words}</sub>`
}

/** Folded away. The title is HTML and of our own making. */
function details(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`
}

/** As many of a table's rows as fit into `room`, at least one, and how many more there are. */
function tableWithin(table: Table, setting: Setting, room: number, measure: Detail['measure']): string {
  const whole = tableMarkdown(table, setting)
  if (measure(whole) <= room) return whole
  const [head = '', rule = '', ...rows] = whole.split('\n')
  let used = measure(head) + measure(rule) + 2
  const fitting = rows.findIndex((row) => (used += measure(row) + 1) > room)
  const shown = rows.slice(0, Math.max(1, fitting))
  const more = formatCount(rows.length - shown.length, 'more row')
  return `${[head, rule, ...shown].join('\n')}\n\n… and ${more}.`
}

/** As many images' names as fit into `room` characters, at least one, and how many more there are. */
function namesWithin(images: readonly ImageReport[], setting: Setting, room: number): string {
  const names = images.map(({ name }) => markdown([{ code: name }], setting))
  let used = 0
  const fitting = names.findIndex((name) => (used += name.length + 2) > room)
  const shown = fitting === -1 ? names : names.slice(0, Math.max(1, fitting))
  const more = names.length - shown.length
  return `${shown.join(', ')}${more === 0 ? '' : `, … and ${formatCount(more, 'more image')}`}`
}

/** Blocks of Markdown with a blank line between them, never longer than it may be. */
class Page {
  readonly #blocks: string[] = []
  readonly #measure: (text: string) => number
  #room: number

  constructor(detail: Detail, report: Report) {
    this.#measure = detail.measure
    // Kept for what closes a page: a sentence and the small print.
    this.#room = detail.max - 600 - (report.runUrl?.length ?? 0)
  }

  /** What is left. */
  get room(): number {
    return this.#room
  }

  /** Adds all of the blocks, or none where they do not fit; says whether it did. */
  addAll(blocks: readonly string[]): boolean {
    const filled = blocks.filter((block) => block !== '')
    const size = filled.reduce((sum, block) => sum + this.#measure(block) + 2, 0)
    if (size > this.#room) return false
    this.#room -= size
    this.#blocks.push(...filled)
    return true
  }

  /** Adds a block where it fits. */
  add(block: string): boolean {
    return this.addAll([block])
  }

  /** Adds one of the lines that room was kept for. */
  close(block: string): void {
    if (block !== '') this.#blocks.push(block)
  }

  toString(): string {
    return `${this.#blocks.join('\n\n')}\n`
  }
}
