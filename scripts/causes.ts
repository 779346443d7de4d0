/**
 * Whether the report names the right cause: every change of scripts/causes/cases.ts, which has one cause, is built and measured, and the
 * first cause that the comment names is held against what a reviewer would name.
 *
 * `node scripts/causes.ts [--write] [classic|containerd] [--verbose] [ID …]`: one engine, containerd unless told; an id may be the
 * beginning of one. `--write` writes docs/causes.md, of all cases; `--verbose` shows the comments. Exit code 1 when one is not right.
 * Needs scripts/engine.sh start, scripts/base-images.sh and (for one case) scripts/peers.sh start.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'
import { format, resolveConfig } from 'prettier'
import { measureChange, type Change, type Outcome } from '../__tests__/support/change.ts'
import { NOISE_BYTES } from '../src/report/noteworthy.ts'
import { docker, engines, type Engine } from '../__tests__/support/engine.ts'
import { findRegistry } from '../__tests__/support/peers.ts'
import { stableText } from '../__tests__/support/shapes.ts'
import { makeFiles, readTree, type MadeFiles, type Tree } from '../__tests__/support/trees.ts'
import { CASES, type Case, type Edits } from './causes/cases.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const APPS = join(root, 'scripts/causes/apps')

/** How the report fared: `cause` and `advice` as it tells them first (null: not at all), and what is wrong with them. */
export type Judgement = { cause: string | null; advice: string | null; wrong: string[] }

/** The trees of a case. Throws where an edit replaces a text that is not there exactly once. */
export function treesOf(one: Case): Change {
  const { 'made.json': made, ...kept } = readTree(join(APPS, one.app))
  const app = { ...kept, ...makeFiles(JSON.parse(typeof made === 'string' ? made : '{}') as MadeFiles) }
  const base = edited(app, one.before ?? {})
  const head = edited(base, one.change)
  const changed = Object.entries(head).filter(([path, content]) => content !== base[path])
  const gone = Object.keys(base).filter((path) => !(path in head))
  return { base, change: Object.fromEntries([...changed, ...gone.map((path) => [path, null] as const)]) }
}

function edited(tree: Tree, edits: Edits): Tree {
  const result = { ...tree }
  for (const [path, edit] of Object.entries(edits)) {
    if (edit === null) delete result[path]
    else if (typeof edit === 'string') result[path] = edit
    else if ('made' in edit) result[path] = makeFiles({ [path]: edit.made })[path]!
    else {
      for (const [from, to] of edit.replace) {
        const parts = String(result[path]).split(from)
        if (parts.length !== 2) throw new Error(`${path} has ${JSON.stringify(from)} ${parts.length - 1} times`)
        result[path] = parts.join(to)
      }
    }
  }
  return result
}

/** Holds the outcome against what is expected. `dockerfiles` are the change's and the base's. */
export function judge({ expected }: Case, outcome: Outcome, dockerfiles: string[]): Judgement {
  const [image] = outcome.report.images
  const comment = stableText(outcome)
  const wrong: string[] = []
  if (image === undefined || image.error !== null) {
    return { cause: null, advice: null, wrong: [image?.error?.message ?? 'nothing was measured'] }
  }
  const cause = /^\*\*(?:Why|What) [^*]+\*\*\n- (?<cause>\[.*)$/m.exec(comment)?.groups?.['cause'] ?? null
  const news = image.findings.filter(({ since }) => since === 'new' || since === 'grown')
  const [first = null] = news

  if ('unchanged' in expected) {
    if (cause !== null) wrong.push('names a cause')
    if (Math.abs(image.change?.size?.amount ?? Number.NaN) >= NOISE_BYTES) wrong.push('the size is another')
    if (first !== null) wrong.push('gives new advice')
  } else if ('line' in expected) {
    const line = lineOf(expected.line, dockerfiles)
    if (cause === null) wrong.push('names no cause')
    else if (!cause.startsWith(`[\`Dockerfile:${line}\`]`)) wrong.push(`names another line than ${line}`)
    else if (!hasOne(cause.slice(cause.indexOf('**')), expected.words))
      wrong.push(`does not say ${inCode(expected.words)}`)
  } else if (
    !news.some(({ rule, paths }) => expected.rules.includes(rule) && hasOne(paths.join('\n'), expected.words))
  ) {
    wrong.push(`has no advice ${inCode(expected.rules)} on ${inCode(expected.words)}`)
  }
  if ('line' in expected && expected.rules?.includes(first?.rule ?? '') === false)
    wrong.push(`does not advise ${inCode(expected.rules)} first`)
  return { cause, advice: first?.rule ?? null, wrong }
}

const inCode = (words: string[]): string => words.map((word) => `\`${word}\``).join(' or ')

function hasOne(text: string, words: string[]): boolean {
  return words.some((word) => text.toLowerCase().includes(word.toLowerCase()))
}

/** Number of the last line that begins so (stages before the final one may have such a line too), in the first of the Dockerfiles that has one. */
function lineOf(start: string, dockerfiles: string[]): number {
  const lines = dockerfiles.map((text) => text.split('\n').findLastIndex((line) => line.startsWith(start)) + 1)
  return lines.find((line) => line > 0) ?? 0
}

/** Builds the image on which both sides of the case are built as it was and as it is, and gives its names with digests. */
function pushRuntimes(engine: Engine, { before, change }: { before: string; change: string }): [string, string] | null {
  const host = findRegistry()?.host
  if (host === undefined) return null
  const push = (dockerfile: string): string => {
    const name = `${host}/shop/runtime:1`
    const env = { ...process.env, ...engine.env }
    execFileSync(
      'docker',
      ['buildx', 'build', '--quiet', '--provenance=false', '--load', `--tag=${name}`, '--file=-', APPS],
      {
        env,
        input: dockerfile,
      },
    )
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(docker(engine, 'push', name))?.[1]
    docker(engine, 'image', 'rm', name)
    return `${name}@${digest}`
  }
  return [push(before), push(change)]
}

async function measure(engine: Engine, one: Case): Promise<Judgement & { comment: string }> {
  let { base, change } = treesOf(one)
  let dockerfiles = [change['Dockerfile'], base['Dockerfile']].filter((text) => typeof text === 'string')
  let expected = one.expected
  if (one.runtime !== undefined) {
    const names = pushRuntimes(engine, one.runtime)
    if (names === null)
      return { cause: null, advice: null, wrong: ['no registry (scripts/peers.sh start)'], comment: '' }
    const [before, after] = names.map((name) => String(base['Dockerfile']).replace('{runtime}', name))
    base = { ...base, Dockerfile: before! }
    change = { Dockerfile: after! }
    dockerfiles = [after!]
    if ('line' in expected) expected = { ...expected, line: expected.line.replace('{runtime}', names[1]) }
  }
  const [outcome] = await measureChange(engine, { base, change }, [one.inputs ?? {}])
  return { ...judge({ ...one, expected }, outcome!, dockerfiles), comment: stableText(outcome!) }
}

/** The page, of all cases. */
function page(rows: { one: Case; judgement: Judgement }[], engine: Engine): string {
  const right = rows.filter(({ judgement }) => judgement.wrong.length === 0).length
  const table = markdownTable([
    ['change', 'first cause that the comment names', 'advice', 'right'],
    ...rows.map(({ one, judgement: { cause, advice, wrong } }) => [
      one.title,
      cell(cause ?? 'none'),
      advice === null ? '' : `\`${advice}\``,
      wrong.length === 0 ? 'yes' : cell(`no: ${wrong.join('; ')}`),
    ]),
  ])
  return `# Is it the right cause?

Changes with one cause each, on four small apps (\`scripts/causes\`): built before and after on a real engine with the ${engine.store} store,
measured, and the first cause that the comment names held against what a reviewer would name: the Dockerfile's line, and the folder,
file or package. Where there is advice to give, it has to be the first that is new. Of ${rows.length} changes ${right} are told right.

\`\`\`sh
scripts/engine.sh start && scripts/base-images.sh && scripts/peers.sh start
node scripts/causes.ts --write
\`\`\`

${table}
`
}

/** A cause in a table's cell: without links, and without what its instruction was before. */
function cell(text: string): string {
  return text
    .replace(/; was `.*$/, '')
    .replaceAll(/\]\(https:[^)]*\)/g, '')
    .replaceAll(/\[(?=`)/g, '')
    .replaceAll('|', '\\|')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'registry')
}

async function main(options: string[]): Promise<void> {
  const wanted = options.filter((option) => !option.startsWith('--') && option !== 'classic' && option !== 'containerd')
  const store = options.includes('classic') ? 'classic' : 'containerd'
  const engine = engines().find((each) => each.store === store)
  if (engine === undefined) throw new Error(`no ${store} engine runs here: scripts/engine.sh start`)
  const rows: { one: Case; judgement: Judgement }[] = []
  for (const one of CASES.filter(({ id }) => wanted.length === 0 || wanted.some((start) => id.startsWith(start)))) {
    const judgement = await measure(engine, one)
    rows.push({ one, judgement })
    if (options.includes('--verbose')) console.log(`\n${judgement.comment}`)
    console.log(`${one.id}: ${judgement.wrong.length === 0 ? 'right' : `NOT RIGHT, ${judgement.wrong.join('; ')}`}`)
  }
  const right = rows.filter(({ judgement }) => judgement.wrong.length === 0).length
  console.log(`\n${right} of ${rows.length} right`)
  if (right < rows.length) process.exitCode = 1
  if (options.includes('--write')) {
    const file = join(root, 'docs/causes.md')
    writeFileSync(file, await format(page(rows, engine), { ...(await resolveConfig(file)), parser: 'markdown' }))
  }
}

if (import.meta.main) await main(process.argv.slice(2))
