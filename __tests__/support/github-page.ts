import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'puppeteer-core'
import rehypeStringify from 'rehype-stringify'
import { unified } from 'unified'
import { rendered, sanitised } from './github-markdown.ts'

/** Comments and summaries as GitHub shows them: its Markdown, what its sanitiser leaves, its stylesheet, and its boxes around them. */

const fileOf = (name: string): string => readFileSync(fileURLToPath(import.meta.resolve(name)), 'utf8')

/** The file that is a script of its own and needs no bundler; what it draws is what the whole of mermaid draws. */
export const MERMAID = fileURLToPath(import.meta.resolve('@mermaid-js/tiny'))

/** HTML of Markdown, as GitHub would send it to a browser; `<div class="mermaid">` where it would draw. */
export function githubHtml(markdown: string): string {
  return unified()
    .use(rehypeStringify)
    .stringify(sanitised(rendered(markdown)))
    .replaceAll(
      /<pre><code class="language-mermaid">([^<]*)<\/code><\/pre>/g,
      '<div class="frame"><div class="mermaid">$1</div></div>',
    )
}

export type Look = {
  /** CSS pixels of the window. */
  width: number
  dark: boolean
  /** All folds open. */
  open?: boolean
}

/** A box's title as GitHub writes it, and the Markdown in it. */
export type Box = { kind: 'comment' | 'summary'; title: string; markdown: string }

const COLOURS = {
  light: { page: '#ffffff', head: '#f6f8fa', line: '#d1d9e0', text: '#1f2328', quiet: '#59636e' },
  dark: { page: '#0d1117', head: '#151b23', line: '#3d444d', text: '#f0f6fc', quiet: '#9198a1' },
}

/** A page with the boxes, one below the other. */
function pageHtml(boxes: readonly Box[], { width, dark, open = false }: Look): string {
  const colour = COLOURS[dark ? 'dark' : 'light']
  const style = `
    body { margin: 0; padding: ${width < 600 ? 8 : 16}px; background: ${colour.page}; font-family: "Noto Sans", sans-serif; }
    .box { border: 1px solid ${colour.line}; border-radius: 6px; }
    .box + .box { margin-top: 24px; }
    .head { padding: 8px 16px; background: ${colour.head}; border-bottom: 1px solid ${colour.line}; border-radius: 6px 6px 0 0;
      color: ${colour.quiet}; font-size: 14px; }
    .head b { color: ${colour.text}; font-weight: 600; }
    .head i { margin-left: 4px; padding: 0 6px; border: 1px solid ${colour.line}; border-radius: 2em; font-size: 12px; font-style: normal; }
    .markdown-body { padding: 16px; background: transparent; }
    .comment .markdown-body { font-size: 14px; }
    .frame { margin-bottom: 16px; border: 1px solid ${colour.line}; border-radius: 6px; padding: 8px; text-align: center;
      font: 16px/normal sans-serif; white-space: pre; }`
  const inner = (html: string): string => (open ? html.replaceAll('<details>', '<details open>') : html)
  const content = boxes
    .map(({ kind, title, markdown }) => {
      const author = kind === 'comment' ? '<b>github-actions</b> <i>bot</i> ' : ''
      return `<div class="box ${kind}"><div class="head">${author}${title}</div><article class="markdown-body">${inner(githubHtml(markdown))}</article></div>`
    })
    .join('')
  const sheet = fileOf(`github-markdown-css/github-markdown-${dark ? 'dark' : 'light'}.css`)
  return `<!doctype html><meta charset="utf-8"><style>${sheet}${style}</style><body>${content}`
}

/** Opens a page with the boxes and draws its diagrams. To be closed by the caller. */
export async function openBoxes(browser: Browser, boxes: readonly Box[], look: Look): Promise<Page> {
  const page = await browser.newPage()
  await page.setViewport({ width: look.width, height: 400, deviceScaleFactor: 2 })
  await page.setContent(pageHtml(boxes, look))
  await page.addScriptTag({ path: MERMAID })
  await page.evaluate(drawDiagrams, look.dark ? 'dark' : 'default')
  return page
}

/** Runs in the browser. */
async function drawDiagrams(theme: string): Promise<void> {
  const { mermaid } = globalThis as unknown as {
    mermaid: { initialize: (options: object) => void; run: () => Promise<void> }
  }
  mermaid.initialize({ startOnLoad: false, theme })
  await mermaid.run()
}
