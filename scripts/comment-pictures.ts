/**
 * Pictures of comments and summaries as GitHub shows them. `node scripts/comment-pictures.ts` builds and measures a change and writes the pictures
 * of the documentation to docs/images; `node scripts/comment-pictures.ts FOLDER [STATE …]` writes the comment and the summary of every state
 * (`__tests__/support/reports.ts`) to that folder, to be looked at: light and dark, as wide as a desktop's comment and a phone's, and with all folds open.
 *
 * Debian's fonts-noto-core, fonts-noto-mono and fonts-noto-color-emoji have the letters that GitHub asks for; pngquant makes the files a third.
 * What is measured needs scripts/engine.sh start and scripts/base-images.sh, as scripts/shapes.ts does.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'puppeteer-core'
import { startBrowser } from '../__tests__/support/browser.ts'
import { measureChange } from '../__tests__/support/change.ts'
import { engines } from '../__tests__/support/engine.ts'
import { openBoxes, type Box, type Look } from '../__tests__/support/github-page.ts'
import { STATES } from '../__tests__/support/reports.ts'
import { readShapes } from '../__tests__/support/shapes.ts'
import { makeFiles } from '../__tests__/support/trees.ts'
import { renderComment, renderSummary } from '../src/report/comment.ts'
import type { Report } from '../src/report/report.ts'

const DESKTOP = 900
/** A job's summary has the page's width, and larger letters. */
const SUMMARY = 1000
const PHONE = 390

/** The same change, over its budget, in the comment and in the summary. */
const SHOWN: [file: `${string}.png`, Box['kind'], Look][] = [
  ['comment.png', 'comment', { width: DESKTOP, dark: false }],
  ['comment-dark.png', 'comment', { width: DESKTOP, dark: true }],
  ['summary.png', 'summary', { width: SUMMARY, dark: false }],
  ['summary-dark.png', 'summary', { width: SUMMARY, dark: true }],
]

const LOOKS: Record<string, Look> = {
  desktop: { width: DESKTOP, dark: false },
  'desktop-dark': { width: DESKTOP, dark: true },
  phone: { width: PHONE, dark: false },
  'phone-dark': { width: PHONE, dark: true },
  open: { width: DESKTOP, dark: false, open: true },
}

function boxOf(kind: Box['kind'], report: Report): Box {
  return kind === 'comment'
    ? { kind, title: 'commented', markdown: renderComment(report)[0] ?? '' }
    : { kind, title: 'image-budget summary', markdown: renderSummary(report) }
}

async function writePicture(browser: Browser, file: `${string}.png`, box: Box, look: Look): Promise<void> {
  const page = await openBoxes(browser, [box], look)
  await page.screenshot({ path: file, fullPage: true })
  await page.close()
}

/** With 128 colours: a page of text has few. */
function shrink(file: string): void {
  execFileSync('pngquant', ['--force', '--ext=.png', '--speed=1', '128', file])
}

/**
 * The change of the documentation, over its budget for two reasons: the image gets the packages of the stage that builds, and a test's
 * coverage. It is the shape `s07-three-stages` and a line more, of which nothing was recorded and nobody accepted anything.
 */
async function measureShown(): Promise<Report> {
  const shape = readShapes().find(({ id }) => id === 's07-three-stages')!
  const dockerfile = String(shape.change['Dockerfile'])
  const line = 'COPY --from=build /app/dist dist\n'
  const coverage = makeFiles({
    'coverage/lcov.info': 'text 400 kB',
    'coverage/coverage-final.json': 'text 2.1 MB',
    'coverage/server.ts.html': 'text 900 kB',
  })
  const change = {
    ...shape.change,
    ...coverage,
    Dockerfile: dockerfile.replace(line, `${line}COPY coverage coverage\n`),
  }
  const inputs = { name: 'api', 'max-size': '240 MB', 'max-layers': '10', 'max-increase': '5 MB' }
  const [outcome] = await measureChange(engines()[0]!, { base: shape.base, change }, [inputs])
  const runUrl = 'https://github.com/octo/shop/actions/runs/123456'
  return { ...outcome!.report, runUrl, waiver: { label: 'image-budget: accept', by: null, at: null, problem: null } }
}

const [folder, ...states] = process.argv.slice(2)
const browser = await startBrowser()
if (folder === undefined) {
  const report = await measureShown()
  const images = fileURLToPath(new URL('../docs/images', import.meta.url))
  for (const [name, kind, look] of SHOWN) {
    const file: `${string}.png` = `${images}/${name}`
    await writePicture(browser, file, boxOf(kind, report), look)
    shrink(file)
    console.log(file)
  }
} else {
  mkdirSync(folder, { recursive: true })
  for (const state of states.length > 0 ? states : Object.keys(STATES)) {
    for (const [name, look] of Object.entries(LOOKS)) {
      for (const kind of ['comment', 'summary'] as const) {
        await writePicture(browser, `${folder}/${state}-${kind}-${name}.png`, boxOf(kind, STATES[state]!), look)
      }
    }
    console.log(join(folder, state))
  }
}
await browser.close()
