import { createHash } from 'node:crypto'
import { micromark, type Options } from 'micromark'
import { gfmTable, gfmTableHtml } from 'micromark-extension-gfm-table'
import { oneLine } from './characters.ts'
import { renderSummaryWithoutDiagrams } from './comment.ts'
import { htmlHead } from './html-head.ts'
import { phrase, plain } from './phrase.ts'
import type { Report } from './report.ts'
import { PRODUCT, headline } from './words.ts'

/**
 * The report as one HTML file: what the job's summary says, to be opened without a network. It has no script and loads nothing; its policy
 * allows its own style alone. Whatever comes from an image or a pull request is text in it: the Markdown is inert already (markdown.ts), and of
 * HTML in it only the few elements come through that the report itself has, without attributes.
 */
export function renderHtml(report: Report): string {
  const title = escapeHtml(oneLine(plain(phrase`${PRODUCT}: ${headline(report)}`)))
  return `${htmlHead({ policy: POLICY, title, style: STYLE })}
<body>
<main>
${documentOf(renderSummaryWithoutDiagrams(report), report.images.length > 1)}
</main>
</body>
</html>
`
}

function documentOf(markdown: string, isMany: boolean): string {
  const html = micromark(markdown, {
    extensions: [gfmTable(), { disable: { null: ['labelStartImage', 'autolink', 'codeIndented'] } }],
    htmlExtensions: [gfmTableHtml(), ownElements],
  })
  // What is looked for below are elements: text has no `<` here.
  return (
    html
      // A comment stands in a page of GitHub's, this one has headings of its own.
      .replaceAll(/<(\/?)h([3-6])>/g, (_, slash: string, level: string) => `<${slash}h${Number(level) - 2}>`)
      .replaceAll(/<p><strong>([^<]*)<\/strong><\/p>(?=\n<ul>)/g, isMany ? '<h3>$1</h3>' : '<h2>$1</h2>')
      // Tables are wider than a telephone, and can be scrolled with a keyboard, too.
      .replaceAll('<table>', '<div class="table" role="region" aria-label="Table" tabindex="0"><table>')
      .replaceAll('</table>', '</table></div>')
      .replaceAll('<th></th>', '<td></td>')
      .replaceAll(/<th align="(left|right)"><\/th>/g, '<td></td>')
      // They keep GitHub from making links and mentions; nothing here does.
      .replaceAll('\u200B', '')
  )
}

/** Elements that the Markdown of a report has, as they are written there. Anything else that looks like HTML is text. */
const OWN_ELEMENTS = /(<\/?(?:details|summary|sub|sup|code|strong|em|b|i|br|kbd)>)/

const ownElements: NonNullable<Options['htmlExtensions']>[number] = {
  exit: {
    htmlFlowData(token) {
      this.raw(withOwnElements(this.sliceSerialize(token)))
    },
    htmlTextData(token) {
      this.raw(withOwnElements(this.sliceSerialize(token)))
    },
  },
}

function withOwnElements(html: string): string {
  // Every other part is one of them.
  return html
    .split(OWN_ELEMENTS)
    .map((part, at) => (at % 2 === 1 ? part : escapeHtml(part)))
    .join('')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

const STYLE = `
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --page: #fff; --code: #f0f2f5; --link: #0969da }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --page: #0d1117; --code: #212830; --link: #58a6ff }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 64rem; margin: 0 auto; padding: 1rem 1rem 3rem; overflow-wrap: break-word }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0 1rem }
h2 { font-size: 1.2rem; line-height: 1.25; margin: 2rem 0 .75rem }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem }
h2:has(+ ul) { font-size: 1rem; margin: 1.25rem 0 .5rem }
p, ul, pre { margin: 0 0 1rem }
ul { padding-left: 1.25rem }
li { margin: .25rem 0 }
a { color: var(--link) }
sub { font-size: .85rem; vertical-align: baseline; color: var(--soft) }
code { font: .875em ui-monospace, monospace; background: var(--code); padding: .1em .35em; border-radius: .3em; white-space: break-spaces }
pre { overflow-x: auto; background: var(--code); padding: .75rem 1rem; border-radius: .4em }
pre code { background: none; padding: 0; white-space: pre }
details { margin: 0 0 .75rem }
summary { cursor: pointer; padding: .25rem 0 }
.table { overflow-x: auto; margin: 0 0 1rem }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
table { border-collapse: collapse; width: max-content; font-variant-numeric: tabular-nums }
th, td { max-width: 28rem; border: 1px solid var(--line); padding: .3rem .7rem; text-align: left; vertical-align: top }
th { font-weight: 600; white-space: nowrap }
td code { overflow-wrap: anywhere }
th[align=right], td[align=right] { text-align: right; white-space: nowrap }
@media (max-width: 40rem) {
  body { font-size: .9375rem }
  table { font-size: .8125rem }
  th, td { padding: .2rem .4rem }
  th code { display: block; width: fit-content; margin-left: auto }
}
@media print { main { max-width: none } .table { overflow: visible } }
`

/** Nothing may be loaded, sent or run but the page's own style, known by its digest. https://www.w3.org/TR/CSP3/ */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')
