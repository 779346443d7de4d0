import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { htmlHead } from '../report/html-head.ts'
import type { Report } from '../report/report.ts'
import { safeAddress } from '../report/markdown.ts'
import { script, style } from './assets.ts'
import type { PageEntry, PageImage, PageIndex } from './format.ts'

/** An image as the page carries it: its name and platform, and the rest packed. */
export type PackedImage = { name: string; platform: string; packed: Buffer }

/** Packs what the page shows of an image: a run keeps no more of it. */
export function packImage(image: PageImage): PackedImage {
  return { name: image.name, platform: image.platform, packed: gzipSync(JSON.stringify(image), { level: 6 }) }
}

/**
 * The page of a run: one HTML file that asks for nothing outside of itself, and runs no script but its own. All that comes from images and
 * repositories is in it as base64, which cannot end the element that it stands in. Null where there is no image to draw.
 */
export function renderPage(report: Report, images: readonly PackedImage[]): string | null {
  if (images.length === 0) return null
  const index: PageIndex = {
    version: report.version,
    images: report.images.map(({ name, platform, error }): PageEntry => {
      const at = images.findIndex((image) => image.name === name && image.platform === platform)
      if (at !== -1) return { name, platform, block: at, problem: null }
      return { name, platform, block: null, problem: error?.message ?? NOT_READ }
    }),
    runUrl: safeAddress(report.runUrl),
  }
  const blocks = [
    block('index', gzipSync(JSON.stringify(index))),
    ...images.map(({ packed }, at) => block(`image-${at}`, packed)),
  ]
  return `${htmlHead({ policy: POLICY, title: 'Image Budget', style })}
<body>
${SKELETON}
${blocks.join('\n')}
<script type="module">${script}</script>
</body>
</html>
`
}

const NOT_READ = 'The files of this image are not known: no content was read, or there are more files than can be kept'

/** Nothing may be loaded, sent or run but the page's own style and script, known by their digests. https://www.w3.org/TR/CSP3/ */
const POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** A browser neither runs nor shows a script element of a type that it does not know. */
function block(id: string, bytes: Buffer): string {
  return `<script type="application/octet-stream" id="${id}">${bytes.toString('base64')}</script>`
}

const SKELETON = `<noscript>This page draws its map with a script of its own, which is switched off here.</noscript>
<header>
  <h1><span id="title">Image Budget</span> <small id="platform"></small></h1>
  <p id="totals"></p>
  <p id="compared"></p>
</header>
<form id="controls" role="search" aria-label="What the map shows">
  <label id="image-choice" hidden>Image <select id="image"></select></label>
  <fieldset><legend>Show</legend>
    <label><input type="radio" name="show" value="after" checked> After</label>
    <label><input type="radio" name="show" value="before"> Before</label>
    <label><input type="radio" name="show" value="change"> Change</label>
  </fieldset>
  <fieldset><legend>By</legend>
    <label><input type="radio" name="by" value="folder" checked> Folder</label>
    <label><input type="radio" name="by" value="package"> Package</label>
    <label><input type="radio" name="by" value="layer"> Layer</label>
  </fieldset>
  <label class="search">Search <input id="search" type="search" autocomplete="off" spellcheck="false" maxlength="200" placeholder="path or package" aria-describedby="found" aria-keyshortcuts="/"></label>
  <output id="found" for="search"></output>
</form>
<nav aria-label="Where the map is"><ol id="crumbs"></ol></nav>
<main>
  <section id="map" tabindex="0" role="application" aria-roledescription="map of sizes" aria-label="Map" aria-describedby="keys">
    <canvas id="canvas" aria-hidden="true"></canvas>
    <p id="nothing" hidden></p>
  </section>
  <aside>
    <section aria-labelledby="selected-heading" id="panel">
      <h2 id="selected-heading"></h2>
      <dl id="facts"></dl>
      <button type="button" id="enter" hidden>Show on the whole map</button>
    </section>
    <section aria-labelledby="results-heading" id="results" hidden>
      <h2 id="results-heading">Found, largest first</h2>
      <ul id="hits"></ul>
    </section>
    <section aria-labelledby="outline-heading">
      <h2 id="outline-heading">What is in it</h2>
      <ul id="outline" role="tree" aria-labelledby="outline-heading"></ul>
    </section>
  </aside>
</main>
<footer>
  <ul id="legend" aria-label="Colours"></ul>
  <p id="keys">Keys on the map: arrows go from one to the next, Enter goes in, Escape or Backspace goes out, / searches.</p>
</footer>
<p id="said" role="status" class="unseen"></p>`
