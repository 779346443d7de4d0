/**
 * Badges and charts of invented histories, to be looked at: `node scripts/charts.ts OUT_FOLDER` writes an SVG each for light and dark
 * pages, and `light.html` and `dark.html` with all of them as they would stand on GitHub.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HISTORIES } from '../__tests__/support/histories.ts'
import { badgeOf, renderBadgeSvg, type BadgeFacts } from '../src/report/badge.ts'
import { renderHistorySvg } from '../src/report/chart.ts'
import type { Theme } from '../src/report/svg.ts'

/** A badge in each colour, in each metric. */
const BADGES: Record<string, BadgeFacts> = {
  within: { metric: 'size', value: 148_200_000, cap: 160_000_000 },
  near: { metric: 'size', value: 158_200_000, cap: 160_000_000 },
  over: { metric: 'download-size', value: 55_400_000, cap: 51_000_000 },
  'no-budget': { metric: 'layers', value: 9, cap: null },
}

const PAGES: Record<Theme, string> = { light: '#ffffff', dark: '#0d1117' }

/** Every picture for one kind of page, by its file's name. */
export function pictures(theme: Theme): Map<string, string> {
  const suffix = theme === 'dark' ? '-dark' : ''
  return new Map([
    ...Object.entries(BADGES).map(
      ([name, facts]) => [`badge-${name}${suffix}.svg`, renderBadgeSvg(badgeOf(facts), theme)] as const,
    ),
    ...Object.entries(HISTORIES).map(
      ([name, history]) => [`${name}${suffix}.svg`, renderHistorySvg(history, theme)] as const,
    ),
  ])
}

function write(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const theme of ['light', 'dark'] as const) {
    const drawn = pictures(theme)
    for (const [file, svg] of drawn) {
      writeFileSync(join(folder, file), svg)
      console.log(`${file}: ${svg.length} B`)
    }
    const images = [...drawn.keys()].map((file) => `<p><img src="${file}" alt="${file}"></p>`)
    const style = `margin:24px;width:1012px;background:${PAGES[theme]}`
    writeFileSync(join(folder, `${theme}.html`), `<!doctype html><body style="${style}">\n${images.join('\n')}\n`)
  }
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) {
    console.error('Usage: node scripts/charts.ts OUT_FOLDER')
    process.exitCode = 2
  } else {
    write(folder)
  }
}
