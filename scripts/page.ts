/**
 * Bundles what the page runs, page/main.ts and page/style.css, into src/page/assets.ts, which the product carries: `node scripts/page.ts`, or with
 * `--check` only looks, and fails where that file is another.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = `${root}/src/page/assets.ts`

/** Every page is a copy of it. */
const LICENSE = `/*! d3-hierarchy, https://d3js.org/d3-hierarchy/\n${readFileSync(`${root}/node_modules/d3-hierarchy/LICENSE`, 'utf8').trim()}\n*/`

/** One file of a kind, minified: the same sources give the same bytes. */
async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['chrome119', 'firefox121', 'safari17'],
    legalComments: 'none',
    charset: 'ascii',
    banner: { js: LICENSE },
  })
  const text = outputFiles[0]!.text.trim()
  // It would end the element that it stands in. https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
  if (/<\/(?:script|style)|<!--/i.test(text)) throw new Error(`${entry}: the bundle has what ends its element`)
  return text
}

const [script, style] = await Promise.all([bundle('page/main.ts'), bundle('page/style.css')])
const text = `/** The page's own script and style, of page/. Written by \`npm run build\`. */
export const script = ${JSON.stringify(script)}
export const style = ${JSON.stringify(style)}
`
const before = (() => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
})()
if (before !== text) {
  if (process.argv.includes('--check')) {
    console.log('src/page/assets.ts is not what page/ builds. To fix: npm run build')
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log('written: src/page/assets.ts')
  }
}
