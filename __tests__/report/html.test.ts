import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import rehypeRaw from 'rehype-raw'
import remarkParse from 'remark-parse'
import remarkRehype from 'remark-rehype'
import { unified } from 'unified'
import { renderHtml } from '../../src/report/html.ts'
import { startBrowser } from '../support/browser.ts'
import { hostileReport } from '../support/hostile.ts'
import { STATES, overImage, report } from '../support/reports.ts'

const over = report({ images: [overImage()] })

type Node = { type: string; tagName?: string; value?: string; properties?: Record<string, unknown>; children?: Node[] }

/** The document as a browser reads it. */
function elementsOf(html: string): Node[] {
  const parser = unified().use(remarkParse).use(remarkRehype, { allowDangerousHtml: true }).use(rehypeRaw)
  const tree = parser.runSync({ type: 'root', children: [{ type: 'html', value: html }] } as never) as Node
  const all = (node: Node): Node[] => [node, ...(node.children ?? []).flatMap(all)]
  return all(tree).filter(({ type }) => type === 'element')
}

const textOf = (node: Node): string => node.value ?? (node.children ?? []).map(textOf).join('')

/** Elements and attributes that a report has. */
const KNOWN = new Set(
  'html head meta title style body main h1 h2 h3 p div table thead tbody tr th td ul li a code pre strong sub details summary'.split(
    ' ',
  ),
)
const ATTRIBUTES = new Set(
  'lang charSet httpEquiv content name href align className role ariaLabel tabIndex'.split(' '),
)

describe('renderHtml', () => {
  it('is a document with the verdict as its title and first heading, and the figures as a table', () => {
    const elements = elementsOf(renderHtml(over))
    const find = (name: string): string[] => elements.filter(({ tagName }) => tagName === name).map(textOf)
    expect(find('title')).toEqual(['Image budget: api is over by 3.9 MB'])
    expect(find('h1')).toEqual(['Image budget: api is over by 3.9 MB'])
    expect(find('h2')).toEqual(['Why it grew', 'To get it back'])
    const figures = find('td').map((cell) => cell.replaceAll('\u00A0', ' '))
    expect(figures.slice(0, 12)).toEqual(expect.arrayContaining(['148.2 MB', '163.9 MB', '❌ over by 3.9 MB']))
    expect(find('summary')).toContainEqual(expect.stringMatching(/^All layers/))
  })

  it('allows nothing but its own style, and asks for nothing', async () => {
    const html = renderHtml(over)
    expect(html).toMatch(/Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[\w+/]+='; base-uri/)
    expect(html).not.toMatch(/<script|<link|<img|<iframe|\bon\w+=|\bstyle=/)
    const browser = await startBrowser()
    try {
      for (const scheme of ['light', 'dark']) {
        const page = await browser.newPage()
        const said: string[] = []
        page.on('console', (message) => void said.push(message.text()))
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
        await page.setViewport({ width: 390, height: 800 })
        await page.setContent(html)
        const [width, background] = (await page.evaluate(
          '[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]',
        )) as [number, string]
        // Its style is taken, tables scroll by themselves, and nothing was refused.
        expect({ width, background, said }).toEqual({
          width: 390,
          background: scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)',
          said: [],
        })
      }
    } finally {
      await browser.close()
    }
  })

  it.each(Object.keys(STATES))('shows no markup as text: %s', (state) => {
    const html = renderHtml(STATES[state] ?? over)
    expect(html).not.toMatch(/&lt;\/?[a-z]+[ />&]|\*\*|\|\s*:?-|^#+ |xychart|mermaid/m)
    // What keeps GitHub from making mentions would be copied along.
    expect(html).not.toContain('\u200B')
  })

  it('keeps whatever comes from an image or a pull request text', () => {
    fc.assert(
      fc.property(hostileReport, (hostile) => {
        for (const { tagName = '', properties = {} } of elementsOf(renderHtml(hostile))) {
          expect(KNOWN).toContain(tagName)
          for (const name of Object.keys(properties)) expect(ATTRIBUTES).toContain(name)
          if (tagName === 'a') expect(properties['href']).toMatch(/^https:\/\/github\.com\/octo\//)
        }
      }),
      { numRuns: 150 },
    )
  })
})
