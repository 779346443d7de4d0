/**
 * The shapes of Dockerfiles that users have (`__tests__/shapes`), each a pull request in two folders: `base` has the files of the
 * main branch and `change` those that it adds or replaces. `made.json`, where there is one, has the files of each side that are made or
 * removed; `inputs.json` the inputs of one run of the action, or of several; `expected.md` the comments. Where the stores show
 * different images, `expected.classic.md` and `expected.containerd.md` stand in its place.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ActionInputs, Change, Outcome } from './change.ts'
import type { Engine } from './engine.ts'
import { makeFiles, readTree, type MadeFiles } from './trees.ts'

export type Shape = Change & {
  /** The folder's name: `s02-two-stages`. */
  id: string
  folder: string
  runs: ActionInputs[]
}

const SHAPES = fileURLToPath(new URL('../shapes', import.meta.url))

/** All shapes in the order of their names. */
export function readShapes(): Shape[] {
  return readdirSync(SHAPES)
    .toSorted()
    .map((id) => {
      const folder = join(SHAPES, id)
      const made = readJson(join(folder, 'made.json')) as { base?: MadeFiles; change?: MadeFiles }
      const runs = readJson(join(folder, 'inputs.json')) as ActionInputs | ActionInputs[]
      return {
        id,
        folder,
        base: { ...readTree(join(folder, 'base')), ...makeFiles(made.base ?? {}) },
        change: { ...readTree(join(folder, 'change')), ...makeFiles(made.change ?? {}) },
        runs: Array.isArray(runs) ? runs : [runs],
      }
    })
}

function readJson(file: string): unknown {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
}

/** The images that the shape is built on, beside `scratch` and its own stages. */
export function baseImagesOf({ base, change }: Shape): string[] {
  const texts = [...Object.values(base), ...Object.values(change)].filter((text) => typeof text === 'string')
  const named = texts.flatMap((text) =>
    Array.from(text.matchAll(/^FROM (?:--\S+ )?(?<image>[\w./-]+:[\w.-]+)|\bfrom=(?<other>[\w./-]+:[\w.-]+)/gm)),
  )
  return [...new Set(named.map(({ groups }) => groups!['image'] ?? groups!['other']!))]
}

/**
 * The comments of all runs, one after the other, with what differs between runs and engines replaced: commits, digests, the engine, and
 * versions of Debian's packages, which change with a point release. Download sizes stand for nothing but the engine's gzip and are
 * left out. Sizes stay as they are: see {@link alignFigures}.
 */
export function stableComment(shape: Shape, outcomes: Outcome[]): string {
  const comments = outcomes.map(stableText)
  if (comments.length === 1) return comments[0]!
  const inputs = shape.runs.map((run) => Object.entries(run).map(([name, value]) => `${name}: ${value}`))
  return comments.map((comment, at) => `<!-- ${inputs[at]!.join(', ')} -->\n\n${comment}`).join('\n')
}

/** With the backslashes of Markdown. */
const DEBIAN_VERSION = /\b\d[\w.+~\\:]*-\d+[\w.+~\\]*[+~](?:deb\d+u\d+|b\d+)\b/g

/** One comment, with what differs between runs and engines replaced. */
export function stableText({ report, comment }: Outcome): string {
  const withoutCommit = (text: string, commit: string | null | undefined, short: string): string =>
    commit ? text.replaceAll(commit, short.repeat(6).slice(0, 40)).replaceAll(commit.slice(0, 7), short) : text
  return withoutCommit(
    withoutCommit(comment, report.head.commit, 'd4e5f6a'),
    report.images[0]?.baseline.commit,
    'a1b2c3d',
  )
    .replaceAll(/sha256:[0-9a-f]{6,64}…?/g, 'sha256:…')
    .replaceAll(/Docker \d[\w.+~-]*, (?:classic|containerd) store/g, 'Docker')
    .replaceAll(DEBIAN_VERSION, '(Debian)')
    .replaceAll(/(?<=\| Debian packages \| )[\d,]+/g, '…')
    .replaceAll(/^\| Download \|.*$/gm, '| Download | … |')
}

/** A figure as the report writes it (src/report/units.ts). */
const FIGURE = /[+\u2212]?\d+(?:\.\d)?[ \u00A0](?:B|kB|MB|GB|%)(?![\w])/g
const FACTORS: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, '%': 1 }

/**
 * The comment with each figure that is close to the committed one, in the same place, written as that: what is on an image of Debian's
 * packages moves a little with each of its releases, and so do percentages. Close is within 2 %, 0.1 of the unit, or half a percent point.
 * Layers without a change in size may be `rebuilt` in the one and not in the other.
 */
export function alignFigures(text: string, expected: string): string {
  const comment = alignRebuilt(text, expected)
  const figures = expected.match(FIGURE) ?? []
  if (figures.length !== (comment.match(FIGURE) ?? []).length) return comment
  let at = 0
  return comment.replaceAll(FIGURE, (figure) => {
    const wanted = figures[at++]!
    return isClose(figure, wanted) ? wanted : figure
  })
}

/**
 * Whether a layer of the same files that both sides build is the same to the byte depends on the clock: folders have the second in which
 * they were made. The committed lines stand for both.
 */
function alignRebuilt(comment: string, expected: string): string {
  const bare = (line: string | undefined): string | undefined =>
    line?.replace(/, \d+ rebuilt\)<\/summary>$/, ')</summary>').replace(/\| rebuilt \|$/, '| |')
  const lines = expected.split('\n')
  return comment
    .split('\n')
    .map((line, at) => (bare(line) === bare(lines[at]) ? lines[at]! : line))
    .join('\n')
}

function isClose(figure: string, wanted: string): boolean {
  const [one, other] = [figure, wanted].map((text) => {
    const [amount = '', unit = ''] = text.replace('\u2212', '-').split(/\s/)
    return { bytes: Number(amount) * FACTORS[unit]!, unit }
  })
  const difference = Math.abs(one!.bytes - other!.bytes)
  if (one!.unit === '%' || other!.unit === '%') return one!.unit === other!.unit && difference <= 0.5
  return difference <= Math.max(0.02 * Math.abs(other!.bytes), 0.11 * FACTORS[other!.unit]!)
}

/** The committed comments of the shape on that engine, or null. */
export function readExpected(shape: Shape, store: Engine['store']): string | null {
  const file = [`expected.${store}.md`, 'expected.md']
    .map((name) => join(shape.folder, name))
    .find((path) => existsSync(path))
  return file === undefined ? null : readFileSync(file, 'utf8')
}

/** Commits the comments: one file where the engines agree, else one for each. */
export function writeExpected(shape: Shape, comments: Partial<Record<Engine['store'], string>>): void {
  const { classic, containerd } = comments
  const file = (name: string): string => join(shape.folder, name)
  const agree = classic === undefined || containerd === undefined || alignFigures(classic, containerd) === containerd
  if (agree) {
    for (const store of ['classic', 'containerd']) rmSync(file(`expected.${store}.md`), { force: true })
    writeFileSync(file('expected.md'), containerd ?? classic ?? '')
    return
  }
  rmSync(file('expected.md'), { force: true })
  writeFileSync(file('expected.classic.md'), classic)
  writeFileSync(file('expected.containerd.md'), containerd)
}
