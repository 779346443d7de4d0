/**
 * The examples before and after, measured by the product: `node scripts/examples.ts [--write] [classic|containerd]`, the classic store unless
 * told. Each is a repository whose Dockerfile is examples/NAME/Dockerfile.before on one side and Dockerfile on the other; both ways are built
 * and measured, so that the figures of the one and the advice on the other are what a pull request would have shown. `--write` puts them into docs/examples.md.
 * Needs scripts/engine.sh start and scripts/base-images.sh.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'
import { format, resolveConfig } from 'prettier'
import { measureChange, type Outcome } from '../__tests__/support/change.ts'
import { docker, engines, type Engine } from '../__tests__/support/engine.ts'
import { readTree, type Tree } from '../__tests__/support/trees.ts'
import type { Totals } from '../src/compare/comparison.ts'
import { formatBytes } from '../src/report/units.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
export const PAGE = `${root}/docs/examples.md`
export const EXAMPLES = ['node', 'python', 'go'] as const
const MARKED = /<!-- measured:examples -->\n.*<!-- \/measured -->/s

/** An example's files, without the packages that its prepare.sh may have fetched, and its two Dockerfiles apart. */
export function filesOf(example: string): { files: Tree; before: string; after: string } {
  const all = Object.entries(readTree(`${root}/examples/${example}`)).filter(
    ([path]) => !/^(?:vendor|node_modules)\//.test(path),
  )
  const { 'Dockerfile.before': before, Dockerfile: after, ...files } = Object.fromEntries(all)
  return { files, before: String(before), after: String(after) }
}

type Measured = { example: string; bloated: Totals; mended: Totals; outcome: Outcome }

async function measure(engine: Engine, example: string): Promise<Measured> {
  const { files, before, after } = filesOf(example)
  const inputs = 'prepare.sh' in files ? { 'before-build': 'bash prepare.sh' } : {}
  const base = { ...files, Dockerfile: after }
  const [outcome] = await measureChange(engine, { base, change: { Dockerfile: before } }, [inputs])
  const image = outcome?.report.images[0]
  if (outcome === undefined || !image?.head || !image.base)
    throw new Error(`${example}: ${image?.error?.message ?? 'nothing to compare with'}`)
  return { example, bloated: image.head, mended: image.base, outcome }
}

const size = (bytes: number | null): string => (bytes === null ? '–' : formatBytes(bytes))
const share = (before: number | null, after: number | null): string =>
  before === null || after === null ? '–' : `−${(100 * (1 - after / before)).toFixed(0)} %`

/** The part of the page that is measured. */
function render(engine: Engine, measured: Measured[]): string {
  const rows = measured.map(({ example, bloated, mended }) => [
    `[${example}](#${example})`,
    size(bloated.size),
    `**${size(mended.size)}**`,
    share(bloated.size, mended.size),
    size(bloated.downloadSize),
    `**${size(mended.downloadSize)}**`,
    share(bloated.downloadSize, mended.downloadSize),
    String(bloated.layers),
    String(mended.layers),
  ])
  const head = ['', 'size before', 'after', 'change', 'download before', 'after', 'change', 'layers before', 'after']
  const table = markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] })
  const version = docker(engine, 'version', '--format', '{{.Server.Version}}')
  return `Docker ${version}, ${engine.store} image store.\n\n${table}\n\n${measured.map(section).join('\n\n')}`
}

/** What the pull request that brings the first Dockerfile back would have been told. */
function section({ example, outcome }: Measured): string {
  const { before, after } = filesOf(example)
  const said = outcome.comment
    .split('\n')
    .slice(1)
    .join('\n')
    .replace(/^<details>.*/ms, '')
    .replaceAll(/\]\(https:[^)]*\)/g, '')
    .replaceAll(/\[(?=`)/g, '')
    // The commits are of this script's own repositories.
    .replace(/^\|.*\|$/m, (head) => head.replaceAll(/ `[0-9a-f]{7,}`/g, ''))
    .trim()
  return `## ${example}

[examples/${example}](../examples/${example}/README.md). Before:

\`\`\`dockerfile
${before.trim()}
\`\`\`

After:

\`\`\`dockerfile
${after.trim()}
\`\`\`

A pull request that goes from the second to the first is told:

${said.replaceAll(/^/gm, '> ').replaceAll(/ +$/gm, '')}`
}

if (import.meta.main) {
  const options = new Set(process.argv.slice(2))
  const store = options.has('containerd') ? 'containerd' : 'classic'
  const engine = engines().find((each) => each.store === store)
  if (engine === undefined) throw new Error(`no ${store} engine: scripts/engine.sh start`)
  const measured: Measured[] = []
  for (const example of EXAMPLES) measured.push(await measure(engine, example))
  const part = `<!-- measured:examples -->\n\n${render(engine, measured)}\n\n<!-- /measured -->`
  console.log(part)
  if (options.has('--write')) {
    const page = readFileSync(PAGE, 'utf8')
    if (!MARKED.test(page)) throw new Error('docs/examples.md has no place for it')
    const text = page.replace(MARKED, () => part)
    writeFileSync(PAGE, await format(text, { ...(await resolveConfig(PAGE)), filepath: PAGE }))
  }
}
