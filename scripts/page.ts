/**
 * Bundles what the page runs, page/main.ts and page/style.css, into src/page/assets.ts, which the product carries: `node scripts/page.ts`. With
 * `--licenses` it prints the licences of the packages in the bundle, in the form of ncc's licenses.txt, and writes nothing: ncc sees of them but a
 * string.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = `${root}/src/page/assets.ts`

type Package = { name: string; homepage: string; license: string; text: string }

/** A package that is bundled, with what its licence asks to be kept. Throws where it has none. */
function packageOf(name: string): Package {
  const folder = `${root}/node_modules/${name}`
  const { homepage, license }: Omit<Package, 'name' | 'text'> = JSON.parse(
    readFileSync(`${folder}/package.json`, 'utf8'),
  )
  return { name, homepage, license, text: readFileSync(`${folder}/LICENSE`, 'utf8').trim() }
}

/** One file of a kind, minified: the same sources give the same bytes. It begins with the licences of what it has of others: every page is a copy. */
async function bundle(entry: string): Promise<{ text: string; packages: Package[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: ['chrome119', 'firefox121', 'safari17'],
    legalComments: 'none',
    charset: 'ascii',
  })
  const names = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .flatMap(([path, { bytesInOutput }]) => {
      const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? []
      return name === undefined || bytesInOutput === 0 ? [] : [name]
    })
  const packages = [...new Set(names)].toSorted().map(packageOf)
  const notices = packages.map((each) => `/*! ${each.name}, ${each.homepage}\n${each.text}\n*/\n`)
  const text = `${notices.join('')}${outputFiles[0]!.text}`.trim()
  // It would end the element that it stands in. https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
  if (/<\/(?:script|style)|<!--/i.test(text)) throw new Error(`${entry}: the bundle has what ends its element`)
  return { text, packages }
}

const [script, style] = await Promise.all([bundle('page/main.ts'), bundle('page/style.css')])
const text = `/** The page's own script and style, of page/. Written by \`npm run build\`. */
export const script = ${JSON.stringify(script.text)}
export const style = ${JSON.stringify(style.text)}
`
const before = (() => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
})()
if (process.argv.includes('--licenses')) {
  const packages = [...script.packages, ...style.packages]
  process.stdout.write(packages.map((each) => `\n\n${each.name}\n${each.license}\n${each.text}\n`).join(''))
} else if (before !== text) {
  writeFileSync(file, text)
  console.log('written: src/page/assets.ts')
}
