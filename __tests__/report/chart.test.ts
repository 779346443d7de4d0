import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Point } from '../../src/record/record.ts'
import { renderHistorySvg, type History } from '../../src/report/chart.ts'
import { textWidth, type Theme } from '../../src/report/svg.ts'
import { hostileString } from '../support/hostile.ts'
import { HISTORIES, point } from '../support/histories.ts'
import { allIn, contrast, named, readXml, textIn, type Element } from '../support/svg.ts'

const THEMES = ['light', 'dark'] as const

const NO_CAPS = { size: null, downloadSize: null, layers: null }

function drawn(history: Partial<History>, theme: Theme = 'light'): Element {
  return readXml(
    renderHistorySvg({ name: 'api', platform: 'linux/amd64', points: [], releases: [], ...history }, theme),
  )
}

/** Points a day apart. */
function daily(of: readonly Partial<Point>[]): Point[] {
  return of.map((overrides, index) =>
    point({
      commit: String(index).padStart(40, 'a'),
      at: new Date(Date.UTC(2026, 9, 3) + index * 86_400_000).toISOString().slice(0, 19) + 'Z',
      ...overrides,
    }),
  )
}

function texts(svg: Element): string[] {
  return named(svg, 'text').map(textIn)
}

/** The data of the paths in one way drawn. */
function paths(svg: Element, test: (attributes: Record<string, string>) => boolean): string[] {
  return named(svg, 'path').flatMap(({ attributes }) => (test(attributes) ? [attributes['d'] ?? ''] : []))
}

const lines = (svg: Element) => paths(svg, (attributes) => attributes['stroke-width'] === '2')
const budgets = (svg: Element) => paths(svg, (attributes) => attributes['stroke-width'] === '1.5')
const pieces = (path: string | undefined) => (path ?? '').split('M').length - 1
const heights = (path: string | undefined) =>
  [...(path ?? '').matchAll(/(?:V|M[\d.]+ )([\d.]+)/g)].map(([, y]) => Number(y))
const tagLines = (svg: Element) =>
  paths(svg, (attributes) => 'stroke-opacity' in attributes && attributes['stroke-opacity'] !== '.7')

type Box = { text: string; left: number; right: number; top: number; bottom: number }

/** Where the texts are, at most: in the widest font that there may be. */
function boxes(svg: Element): Box[] {
  return named(svg, 'text').map((element) => {
    const { x, y, 'font-size': size = '11', 'font-weight': weight, 'text-anchor': anchor } = element.attributes
    const text = textIn(element)
    const width = textWidth(text, Number(size)) * (weight === '600' ? 1.1 : 1)
    const left = Number(x) - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0)
    return {
      text,
      left,
      right: left + width,
      top: Number(y) - Number(size) * 0.8,
      bottom: Number(y) + Number(size) * 0.2,
    }
  })
}

function overlaps(all: readonly Box[]): string[] {
  return all.flatMap((one, index) =>
    all
      .slice(index + 1)
      .filter(
        (other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom,
      )
      .map((other) => `${one.text} on ${other.text}`),
  )
}

function cut(svg: Element): string[] {
  const [width, height] = [Number(svg.attributes['width']), Number(svg.attributes['height'])]
  return boxes(svg)
    .filter(({ left, right, top, bottom }) => left < 4 || right > width - 4 || top < 4 || bottom > height - 4)
    .map(({ text }) => text)
}

const amount = fc.oneof(fc.nat({ max: 300_000_000 }), fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.constant(0))
const count = fc.nat({ max: 200 })
const anyPoint: fc.Arbitrary<Point> = fc.record({
  commit: fc.stringMatching(/^[0-9a-f]{2}$/),
  at: fc
    .date({ min: new Date('2015-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  size: fc.option(amount),
  downloadSize: fc.option(amount),
  layers: count,
  caps: fc.record({ size: fc.option(amount), downloadSize: fc.option(amount), layers: fc.option(count) }),
  store: fc.constantFrom('classic', 'containerd', null),
  sizeFrom: fc.constantFrom('content', 'engine'),
})
const anyHistory: fc.Arbitrary<History> = fc.record({
  name: fc.string({ maxLength: 120 }),
  platform: fc.constantFrom('linux/amd64', 'linux/arm64/v8', 'windows/amd64 10.0.20348'),
  points: fc.array(anyPoint, { maxLength: 60 }),
  releases: fc.array(fc.record({ name: fc.string({ maxLength: 40 }), commit: fc.stringMatching(/^[0-9a-f]{2}$/) }), {
    maxLength: 100,
  }),
})

describe('renderHistorySvg', () => {
  it.each(Object.keys(HISTORIES))('has no text on another one, and none that is cut: %s', (name) => {
    const svg = drawn(HISTORIES[name]!)
    expect(overlaps(boxes(svg))).toEqual([])
    expect(cut(svg)).toEqual([])
  })

  it('has no text on another one, and none that is cut, whatever the history', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const svg = drawn(history)
        expect([...overlaps(boxes(svg)), ...cut(svg)]).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('is the same picture for the same points, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyPoint, { maxLength: 20, selector: ({ at }) => at }), (points) => {
        const history = { name: 'api', platform: 'linux/amd64', releases: [], points }
        const picture = renderHistorySvg(history, 'light')
        expect(renderHistorySvg({ ...history, points: points.toReversed() }, 'light')).toBe(picture)
        const numbers = allIn(readXml(picture)).flatMap(({ attributes }) =>
          ['x', 'y', 'cx', 'cy', 'd'].flatMap((name) => attributes[name] ?? []),
        )
        expect(numbers.filter((each) => /\.\d{3}|[^MHVv\d. -]/.test(each))).toEqual([])
      }),
    )
  })

  it('is bounded: 3,000 records of anything, 300 releases', () => {
    const many = daily(
      Array.from({ length: 3000 }, (_, index) => ({
        size: index % 7 === 3 ? null : (index * 7919) % 100_000_000,
        downloadSize: index % 2 === 0 ? null : (index * 6007) % 40_000_000,
        layers: (index * 31) % 127,
        store: index % 3 === 0 ? ('classic' as const) : ('containerd' as const),
        caps: {
          size: index % 5 === 0 ? null : (index * 104_729) % 100_000_000,
          downloadSize: (index * 1_299_709) % 40_000_000,
          layers: (index * 17) % 127,
        },
      })),
    )
    const releases = many
      .slice(-300)
      .map(({ commit }, index) => ({ name: `release-${index}-${'x'.repeat(200)}`, commit }))
    for (const points of [many, many.slice(0, 400), many.slice(0, 401)]) {
      expect(
        renderHistorySvg({ name: 'x'.repeat(5000), platform: 'linux/amd64', points, releases }, 'light').length,
      ).toBeLessThan(60_000)
    }
  })

  it('has a panel for what has values, and none for what has not', () => {
    expect(texts(drawn({ points: daily([{}, {}]) }))).toEqual(
      expect.arrayContaining(['Size', 'Download size', 'Layers']),
    )
    const unmeasured = drawn({ points: daily([{ size: null }, { size: null }]) })
    expect(texts(unmeasured)).not.toContain('Size')
    expect(lines(unmeasured).length).toBe(2)
    expect(texts(drawn({}))).toEqual(['api', 'linux/amd64', 'no record yet'])
  })

  it('keeps a value until the next record, and joins the two by a step', () => {
    const [size] = lines(
      drawn({ points: daily([{ size: 100_000_000 }, { size: 120_000_000 }, { size: 120_000_000 }]) }),
    )
    expect(size).toMatch(/^M84 [\d.]+H[\d.]+V[\d.]+H664$/)
  })

  it('interrupts the line where a value is not measured, and where it is measured otherwise', () => {
    const points = daily([{}, { downloadSize: null }, {}, {}, { store: 'classic' }, { store: 'classic', size: null }])
    expect(lines(drawn({ points })).map(pieces)).toEqual([2, 3, 2])
  })

  it('marks the last value that is known, and writes it', () => {
    const svg = drawn({ points: daily([{ size: 148_200_000 }, { size: null }]) })
    const [size, download] = named(svg, 'circle').map(({ attributes }) => Number(attributes['cx']))
    expect(size).toBeLessThan(download ?? 0)
    expect(texts(svg)).toContain('148.2 MB')
  })

  it('never makes a mountain of a molehill: 1 % is a twentieth of the panel at most', () => {
    const [size, download] = lines(drawn({ points: daily([{ size: 148_200_000 }, { size: 149_682_000 }]) }))
    const [before = 0, after = 0] = heights(size)
    expect(before - after).toBeGreaterThan(0)
    expect(before - after).toBeLessThan(150 * 0.05)
    expect(heights(download).length).toBe(1)
  })

  it('draws a budget that is near as it was at each time, and says what it is', () => {
    const caps = (size: number | null) => ({ caps: { ...NO_CAPS, size } })
    const svg = drawn({ points: daily([caps(null), caps(150_000_000), caps(150_000_000), caps(160_000_000)]) })
    const [budget] = budgets(svg)
    const [before = 0, after = 0] = heights(budget)
    expect([budgets(svg).length, pieces(budget), heights(budget).length]).toEqual([1, 1, 2])
    expect(after).toBeLessThan(before)
    expect(texts(svg)).toContain('budget 160 MB')
  })

  it.each([
    [500_000_000, 'budget 500 MB ↑'],
    [60_000_000, 'budget 60 MB ↓'],
  ])('names a budget that is far away instead of flattening the line: %d', (cap, words) => {
    const near = lines(drawn({ points: daily([{ size: 140_000_000 }, { size: 150_000_000 }]) }))[0]
    const caps = { ...NO_CAPS, size: cap }
    const svg = drawn({
      points: daily([
        { size: 140_000_000, caps },
        { size: 150_000_000, caps },
      ]),
    })
    expect([budgets(svg), lines(svg)[0]]).toEqual([[], near])
    expect(texts(svg)).toContain(words)
  })

  it('begins at 0 where that costs little, so that heights are sizes', () => {
    const svg = drawn({ points: daily([{ size: 1_000_000_000 }, { size: 400_000_000 }]) })
    expect(texts(svg)).toEqual(expect.arrayContaining(['0', '500 MB', '1 GB']))
    const [whole = 0, part = 0] = heights(lines(svg)[0])
    const zero = boxes(svg).find(({ text }) => text === '0')!.bottom - 11 * 0.2 - 4
    expect((zero - part) / (zero - whole)).toBeCloseTo(0.4, 3)
  })

  it('writes three or four ticks beside each panel, in whole bytes and layers', () => {
    for (const history of Object.values(HISTORIES)) {
      const ends = boxes(drawn(history)).filter(({ right }) => Math.abs(right - 76) < 0.01)
      const panels = lines(drawn(history)).length
      expect(ends.length).toBeGreaterThanOrEqual(3 * panels)
      expect(ends.length).toBeLessThanOrEqual(4 * panels)
    }
  })

  it('has a line for each release of a record, labels where there is room, the newest first', () => {
    const points = daily(Array.from({ length: 60 }, () => ({})))
    const releases = points.map(({ commit }, index) => ({ name: `v1.${index}.0`, commit }))
    const unknown = { name: 'v9.9.9', commit: 'f'.repeat(40) }
    const svg = drawn({ points, releases: [...releases, unknown] })
    expect(
      tagLines(svg)
        .map(pieces)
        .reduce((sum, drawnHere) => sum + drawnHere, 0),
    ).toBe(60)
    const labels = texts(svg).filter((text) => text.startsWith('v'))
    expect(labels.length).toBeGreaterThan(5)
    expect(labels).toContain('v1.59.0')
    expect(labels).not.toContain('v9.9.9')
  })

  it('keeps the label of the first release inside', () => {
    const [first, ...others] = daily([{}, {}, {}])
    const name = 'WWWWWWWWWWWWWWWWWWWWWWW7'
    const svg = drawn({ points: [first!, ...others], releases: [{ name, commit: first!.commit }] })
    expect(texts(svg)).toContain(name)
    expect(cut(svg)).toEqual([])
  })

  it('tells the release that says most where several are one commit', () => {
    const points = daily([{}, {}])
    const releases = ['v1', 'v1.2.3', 'v1.2'].map((name) => ({ name, commit: points[0]?.commit ?? '' }))
    expect(texts(drawn({ points, releases })).filter((text) => text.startsWith('v'))).toEqual(['v1.2.3'])
  })

  it.each([
    [['2026-10-03T09:00:00Z', '2026-10-03T12:00:00Z'], '3 Oct 10:00'],
    [['2026-10-03T09:00:00Z', '2026-10-09T12:00:00Z'], '5 Oct 2026'],
    [['2026-03-03T09:00:00Z', '2026-10-09T12:00:00Z'], 'May 2026'],
    [['2018-03-03T09:00:00Z', '2026-10-09T12:00:00Z'], '2020'],
  ])('writes times in UTC, as much of them as is needed: %j', (times, label) => {
    expect(texts(drawn({ points: times.map((at) => point({ at })) }))).toContain(label)
  })

  it('says in words what it shows', () => {
    const caps = { size: 160_000_000, downloadSize: null, layers: 8 }
    const points = daily([
      { size: 135_900_000, layers: 8, caps },
      { size: 148_200_000, downloadSize: null, layers: 9, caps },
    ])
    const svg = drawn({ points })
    expect(named(svg, 'title').map(textIn)).toEqual(['api (linux/amd64): size, download size and layers over time'])
    expect(named(svg, 'desc').map(textIn)).toEqual([
      'Size from 135.9 MB on 2026-10-03 to 148.2 MB on 2026-10-04, +12.3 MB (+9.1 %), within its budget of 160 MB. ' +
        'Download size 51.0 MB on 2026-10-03. Layers from 8 on 2026-10-03 to 9 on 2026-10-04, +1, over its budget of 8.',
    ])
    expect(svg.attributes['role']).toBe('img')
  })

  it('tells no change between what cannot be compared', () => {
    const svg = drawn({ points: daily([{ store: 'classic' }, { size: 150_000_000 }]) })
    expect(named(svg, 'desc').map(textIn).join('')).not.toContain('+')
  })

  it.each(THEMES)('can be read on its page: %s', (theme) => {
    const svg = drawn(HISTORIES['budget-changed']!, theme)
    const [page = ''] = named(svg, 'rect').map(({ attributes }) => attributes['fill'] ?? '')
    expect(page).toBe(theme === 'light' ? '#ffffff' : '#0d1117')
    const colours = [...named(svg, 'text'), ...named(svg, 'g')].flatMap(({ attributes }) => attributes['fill'] ?? [])
    expect(new Set(colours).size).toBe(4)
    expect(colours.filter((colour) => contrast(colour, page) < 4.5)).toEqual([])
  })

  it('keeps markup, control characters and addresses of names inert', () => {
    fc.assert(
      fc.property(hostileString, hostileString, fc.array(hostileString, { maxLength: 8 }), (name, platform, tags) => {
        const points = daily(tags.map(() => ({})))
        const releases = tags.map((tag, index) => ({ name: tag, commit: points[index]?.commit ?? '' }))
        const svg = drawn({ name, platform, points, releases })
        const ours = new Set(['svg', 'title', 'desc', 'rect', 'g', 'text', 'path', 'circle'])
        expect(allIn(svg).filter((element) => !ours.has(element.name))).toEqual([])
        const attributes = new Set(allIn(svg).flatMap((element) => Object.keys(element.attributes)))
        expect([...attributes].filter((attribute) => /^(?:on.*|.*href|style|class|id)$/.test(attribute))).toEqual([])
        expect(textIn(svg)).not.toMatch(/\p{Bidi_Control}|(?!\n)\p{Cc}/u)
      }),
      { numRuns: 100 },
    )
  })

  it('passes over a point whose time is none', () => {
    expect(texts(drawn({ points: [point({ at: 'yesterday' }), point()] }))).toContain('1 record, 2026-10-03')
  })
})
