import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Browser, Page } from 'puppeteer-core'
import type { LayerChange } from '../../src/compare/comparison.ts'
import { renderComment, renderSummary } from '../../src/report/comment.ts'
import { layersDiagram } from '../../src/report/diagram.ts'
import type { ImageReport } from '../../src/report/report.ts'
import { startBrowser } from '../support/browser.ts'
import { MERMAID } from '../support/github-page.ts'
import { hostileString } from '../support/hostile.ts'
import {
  STATES,
  baseLayers,
  failedImage,
  imageReport,
  layer,
  layers,
  overImage,
  report,
  totals,
  untouchedImage,
} from '../support/reports.ts'

/** What stands beside the bars, and their three series: grown, shrunk and in both. */
function barsOf(image: ImageReport): { labels: string[]; series: number[][] } {
  const { source = '' } = layersDiagram(image) ?? {}
  const [, axis = ''] = /^ {2}x-axis \[(.*)\]$/m.exec(source) ?? []
  return {
    labels: Array.from(axis.matchAll(/"([^"]*)"/g), ([, label = '']) => label),
    series: Array.from(source.matchAll(/^ {2}bar \[(.*)\]$/gm), ([, numbers = '']) => numbers.split(', ').map(Number)),
  }
}

const own = (size: number, overrides: Partial<LayerChange> = {}): LayerChange =>
  layer({ sizeBefore: size, sizeAfter: size, ...overrides })

describe('the diagram of layers', () => {
  it('has a bar for the base image and one for each layer, with what head and base have in common over the rest', () => {
    const image = imageReport({
      head: totals({ size: 150_000_000 }),
      layerChanges: [
        ...baseLayers(),
        own(0, { instruction: 'WORKDIR /app' }),
        own(44_000_000, { change: 'changed', sizeAfter: 56_300_000 }),
        own(20_000_000, { change: 'changed', instruction: 'COPY . .', sizeAfter: 16_000_000 }),
        own(3_400_000, { change: 'added', instruction: 'COPY docs docs', sizeBefore: null }),
        own(2_500_000, { change: 'removed', instruction: 'RUN make', sizeAfter: null }),
      ],
    })
    expect(barsOf(image)).toEqual({
      labels: [
        'FROM node:24-slim · 88.1 MB',
        'RUN npm ci · 56.3 MB (+12.3 MB)',
        'COPY . . · 16.0 MB (\u22124.0 MB)',
        'COPY docs docs · 3.4 MB, new',
        'RUN make · 2.5 MB, removed',
      ],
      series: [
        [0, 56_300_000, 0, 3_400_000, 0],
        [0, 0, 20_000_000, 0, 2_500_000],
        [88_100_000, 44_000_000, 16_000_000, 0, 0],
      ],
    })
    expect(layersDiagram(image)).toMatchObject({
      title: 'Size by layer',
      legend: 'Grey is in both, orange is new, blue is gone.',
    })
  })

  it('shows what an image is made of where there is no base, or where nothing changed', () => {
    for (const image of [STATES['no-baseline']!.images[0]!, imageReport()]) {
      const { labels, series } = barsOf(image)
      expect(labels).toEqual(['FROM node:24-slim · 88.1 MB', 'RUN npm ci · 44.0 MB', 'COPY . . · 16.1 MB'])
      expect(series).toEqual([
        [0, 0, 0],
        [0, 0, 0],
        [88_100_000, 44_000_000, 16_100_000],
      ])
      expect(layersDiagram(image)?.legend).toBeNull()
    }
  })

  it('is of download sizes where only those are measured', () => {
    const changes = [14_000_000, 3_000_000].map((size) =>
      layer({ sizeBefore: null, sizeAfter: null, downloadSizeBefore: size, downloadSizeAfter: size }),
    )
    const image = imageReport({ ...STATES['download']!.images[0]!, layerChanges: changes })
    expect(layersDiagram(image)?.title).toBe('Download size by layer')
    expect(barsOf(image).series[2]).toEqual([14_000_000, 3_000_000])
  })

  it('is left out where it says nothing or not all', () => {
    const unknown = layer({ sizeBefore: null, sizeAfter: null })
    for (const image of [
      failedImage(),
      untouchedImage(),
      imageReport({ layerChanges: baseLayers() }),
      imageReport({ layerChanges: layers([own(9_000_000), unknown]) }),
    ]) {
      expect(layersDiagram(image)).toBeNull()
    }
  })

  it('has twelve bars at most: what changed, then what is largest, and the rest as one', () => {
    const changes = Array.from({ length: 40 }, (_, index) =>
      own((index + 1) * 1_000_000, { instruction: `RUN step-${index + 1}` }),
    )
    changes[1] = own(2_000_000, { instruction: 'RUN step-2', change: 'changed', sizeAfter: 2_500_000 })
    const { labels, series } = barsOf(imageReport({ layerChanges: changes }))
    expect(labels).toHaveLength(12)
    expect(labels.slice(0, 2)).toEqual(['RUN step-2 · 2.5 MB (+500.0 kB)', 'RUN step-31 · 31.0 MB'])
    // 1 to 30 without 2.
    expect(labels.at(-1)).toBe('29 other layers · 463.0 MB')
    expect(series[2]?.reduce((sum, bytes) => sum + bytes, 0)).toBe((1_000_000 * 40 * 41) / 2)
  })

  it('has no bars that nobody sees, but for what changed', () => {
    const small = Array.from({ length: 5 }, () => own(4_000))
    expect(barsOf(imageReport({ layerChanges: layers([own(44_000_000), ...small]) })).labels).toEqual([
      'FROM node:24-slim · 88.1 MB',
      'RUN npm ci · 44.0 MB',
    ])
    const edited = own(4_000, { instruction: 'COPY notes .', change: 'changed', sizeAfter: 5_000 })
    expect(barsOf(imageReport({ layerChanges: layers([own(44_000_000), ...small, edited]) })).labels.at(-1)).toBe(
      'COPY notes . · 5.0 kB (+1.0 kB)',
    )
  })

  it('shortens what would leave no room for the bars', () => {
    const shown = (instruction: string) =>
      barsOf(imageReport({ layerChanges: layers([own(44_000_000, { instruction })]) })).labels[1]
    expect(shown('COPY --from=build /app/node_modules node_modules')).toBe('COPY --from=build /ap…de_modules · 44.0 MB')
    // These are two columns wide.
    expect(shown(`RUN ${'宽'.repeat(50)}`)).toBe('RUN 宽宽宽宽宽宽宽宽…宽宽宽宽宽 · 44.0 MB')
  })
})

describe('a summary', () => {
  const drawings = (markdown: string): number => markdown.match(/^```mermaid$/gm)?.length ?? 0

  it('has the diagram, and no comment has it', () => {
    const over = report({ images: [overImage()] })
    expect(drawings(renderSummary(over))).toBe(1)
    expect(renderComment(over).map(drawings)).toEqual([0, 0, 0])
  })

  it('has those of the worst images only, and none of images without a change', () => {
    const images = Array.from({ length: 6 }, (_, index) => overImage({ name: `api-${index}` }))
    expect(drawings(renderSummary(report({ images })))).toBe(4)
    const quiet = Array.from({ length: 3 }, (_, index) => imageReport({ name: `job-${index}` }))
    expect(drawings(renderSummary(report({ images: [overImage(), ...quiet] })))).toBe(1)
  })
})

/** What mermaid made of a source. */
type Drawn = { type: string; texts: string[]; elements: string[]; colours: string[]; box: string | null }

/** Runs in the browser. */
async function draw(source: string): Promise<Drawn> {
  type Drawing = {
    innerHTML: string
    querySelectorAll: (selector: string) => Iterable<{
      tagName: string
      textContent: string
      getAttribute: (name: string) => string | null
    }>
  }
  const { mermaid, document } = globalThis as unknown as {
    mermaid: {
      parse: (source: string) => Promise<{ diagramType: string }>
      render: (id: string, source: string) => Promise<{ svg: string }>
    }
    document: { body: Drawing }
  }
  const { diagramType } = await mermaid.parse(source)
  document.body.innerHTML = (await mermaid.render('drawing', source)).svg
  const all = [...document.body.querySelectorAll('*')]
  const of = (name: string) => all.filter(({ tagName }) => tagName === name)
  return {
    type: diagramType,
    texts: of('text').map(({ textContent }) => textContent),
    elements: [...new Set(all.map(({ tagName }) => tagName))].toSorted(),
    colours: [...new Set(of('rect').map((rect) => rect.getAttribute('fill') ?? ''))].toSorted(),
    box: of('svg')[0]?.getAttribute('viewBox') ?? null,
  }
}

describe('mermaid', () => {
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    browser = await startBrowser()
    page = await browser.newPage()
    await page.setContent('<!doctype html><body>')
    await page.addScriptTag({ path: MERMAID })
  })
  afterAll(() => browser.close())

  /** What a pull request may put into an instruction to get out of a string of mermaid's. */
  // prettier-ignore
  const ATTACKS = ['"', '"]', '%%{init: {"theme": "forest"}}%%', '%%', '%%{', '}%%', '%', '#quot;', '#35;', '#', ';', '---',
    'bar [1, 2]', 'x-axis', 'accTitle: x', '<b>', '</text>', '&lt;', '&&', '$$x^2$$', '`**x**`', 'style a:b #c;', '[', ']', '\\"',
  ]
  const attack = fc
    .array(fc.oneof(fc.constantFrom(...ATTACKS), hostileString), { maxLength: 5 })
    .map((parts) => parts.join(''))

  it('draws every state as it is written', async () => {
    const images = Object.values(STATES).flatMap((state) => state.images)
    const drawings = images.flatMap((image) => {
      const diagram = layersDiagram(image)
      return diagram === null ? [] : [{ image, source: diagram.source }]
    })
    expect(drawings.length).toBeGreaterThan(20)
    for (const { image, source } of drawings) {
      expect((await page.evaluate(draw, source)).texts).toEqual(barsOf(image).labels)
    }
  })

  it('finds nothing but our bars and labels in it, whatever an instruction says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(attack, { minLength: 3, maxLength: 3 }), async ([one = '', two = '', name = '']) => {
        const image = imageReport({
          layerChanges: [
            ...baseLayers(),
            own(20_000_000, { instruction: one }),
            own(30_000_000, { instruction: two, change: 'changed', sizeAfter: 10_000_000 }),
          ],
          baseImage: {
            before: null,
            after: { name, digest: null, line: null, instruction: null },
            change: 'unknown',
            doing: null,
            growth: null,
            why: null,
          },
        })
        const drawn = await page.evaluate(draw, layersDiagram(image)!.source)
        expect(drawn.type).toBe('xychart')
        expect(drawn.elements).toEqual(['g', 'rect', 'style', 'svg', 'text'])
        expect(drawn.colours).toEqual(['#218bff', '#8c959f', '#e16f24', 'transparent'])
        expect(drawn.box).toBe('0 0 680 90')
        // Spaces at the ends, and several in a row, are the browser's.
        const shown = (texts: string[]) => texts.map((text) => text.replaceAll(/\s+/g, ' ').trim())
        expect(shown(drawn.texts)).toEqual(shown(barsOf(image).labels))
        expect(drawn.texts.map((text) => text.replace(/^.*· /s, ''))).toEqual([
          '88.1 MB',
          '20.0 MB',
          '10.0 MB (\u221220.0 MB)',
        ])
      }),
      { numRuns: 150 },
    )
  })
})
