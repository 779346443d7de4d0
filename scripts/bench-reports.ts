/**
 * What it takes to report on many images that other jobs have measured: `npm run bench -- --reports`. No engine is needed.
 *
 * The bundled action runs with `mode: report` on a pull request, as the runner runs it: on the reports of 1,000 images, each in an
 * artifact of its own, and of fewer. Of every ten one is over, three have grown, and six are as they were. GitHub is the tests' stand-in, which answers at once.
 *
 * `--quick`: one round. `--write`: the table goes into docs/benchmark.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { startGitHub } from '../__tests__/support/github/server.ts'
import { payload } from '../__tests__/support/payload.ts'
import { imageReport, layer, layers, overImage, report, totals, trend } from '../__tests__/support/reports.ts'
import { runAction } from '../__tests__/support/runner.ts'
import { renderJson } from '../src/report/json.ts'
import type { ImageReport } from '../src/report/report.ts'
import { hookUsage, median, timed, writeTables } from './bench-figures.ts'

const { values: options } = parseArgs({
  options: {
    reports: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const ROUNDS = options.quick ? 1 : 5
const COUNTS = [1, 100, 1000]
const OVER = 10

const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))

/** An image of a team's many: nine layers, a trend, and what its state has to say. */
function imageOf(at: number): ImageReport {
  const facts = { name: `services/team-${at % 37}/component-${at}`, trend: trend() }
  if (at % OVER === 0) return overImage(facts)
  if (at % OVER > 3) return imageReport(facts)
  const larger = layer({ change: 'changed', sizeAfter: 45_100_000 + at })
  return imageReport({ ...facts, head: totals({ size: 149_300_000 + at }), layerChanges: layers([larger]) })
}

function writeReports(count: number): { folder: string; bytes: number } {
  const folder = mkdtempSync(join(scratch, 'reports-'))
  let bytes = 0
  for (let at = 0; at < count; at += 1) {
    const text = renderJson(report({ images: [imageOf(at)] }))
    bytes += Buffer.byteLength(text)
    mkdirSync(join(folder, `image-budget-${at}`))
    writeFileSync(join(folder, `image-budget-${at}`, 'report.json'), text)
  }
  return { folder, bytes }
}

type Figures = { seconds: number; memory: number; processor: number }

/** One run; throws where it does not say of every image what it should. */
async function run(count: number, folder: string): Promise<Figures & { comment: number; summary: number }> {
  const github = await startGitHub()
  const temp = mkdtempSync(join(scratch, 'run-'))
  const usage = hookUsage(temp)
  let seconds = 0
  try {
    let result: Awaited<ReturnType<typeof runAction>> | undefined
    seconds = await timed(async () => {
      result = await runAction({
        event: payload('pull_request.synchronize', { number: 1, repository: { full_name: 'octo-org/shop' } }),
        workspace: scratch,
        temp,
        github,
        inputs: { mode: 'report', reports: folder, 'accept-label': 'off' },
        env: usage.env,
      })
    })
    const { exitCode, outputs, summary, stderr } = result!
    const comment = github.state.comments.find(({ number }) => number === 1)?.body ?? ''
    const over = Array.from({ length: Math.ceil(count / OVER) }, (_, at) => imageOf(at * OVER).name)
    const written = JSON.parse(readFileSync(outputs['report'] ?? '', 'utf8')) as { images: { name: string }[] }
    const lacking = [
      ...over.filter((name) => !comment.includes(name)).map((name) => `the comment: ${name}`),
      ...written.images.filter(({ name }) => !summary.includes(name)).map(({ name }) => `the summary: ${name}`),
    ]
    if (exitCode !== 1 || written.images.length !== count || github.violations.length > 0 || lacking.length > 0)
      throw new Error(`exit code ${exitCode}; ${github.violations.join('; ')}; not in ${lacking.join(', ')}\n${stderr}`)
    return { seconds, ...usage.read(), comment: comment.length, summary: Buffer.byteLength(summary) }
  } finally {
    await github.close()
    rmSync(temp, { recursive: true })
  }
}

async function main(): Promise<void> {
  const rows: string[][] = []
  for (const count of COUNTS) {
    const { folder, bytes } = writeReports(count)
    const runs: Awaited<ReturnType<typeof run>>[] = []
    for (let round = 0; round < ROUNDS; round += 1) runs.push(await run(count, folder))
    const of = (figure: (each: (typeof runs)[number]) => number): number => median(runs.map(figure))
    rows.push([
      count.toLocaleString('en-US'),
      (bytes / 1e6).toFixed(2),
      of(({ seconds }) => seconds).toFixed(2),
      of(({ processor }) => processor).toFixed(2),
      of(({ memory }) => memory).toFixed(0),
      of(({ comment }) => comment).toLocaleString('en-US'),
      of(({ summary }) => summary).toLocaleString('en-US'),
    ])
    console.error(rows.at(-1)!.join(' | '))
  }
  const heads = ['reports', 'MB', 's', 'processor, s', 'memory, MB', 'comment, characters', 'summary, bytes']
  const table = markdownTable([heads, ...rows], { align: heads.map(() => 'r') })
  console.log(table)
  if (options.write) await writeTables('reports', table)
}

try {
  await main()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
