import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import {
  FULL_MAX,
  MINIMAL_MAX,
  SHORT_MAX,
  SUMMARY_MAX,
  renderComment,
  renderSummary,
} from '../../src/report/comment.ts'
import type { Report } from '../../src/report/report.ts'
import { elements, links, references, rendered, sanitised, textOf } from '../support/github-markdown.ts'
import { hostileReport } from '../support/hostile.ts'
import {
  STATES,
  budget,
  failedImage,
  imageReport,
  layer,
  layers,
  overImage,
  report,
  totals,
  trend,
} from '../support/reports.ts'

function lengths(of: Report): { full: string; short: string; minimal: string } {
  const [full = '', short = '', minimal = ''] = renderComment(of)
  return { full, short, minimal }
}

describe('renderComment', () => {
  it.each(Object.keys(STATES))('says the verdict in its first line, in all three lengths: %s', (state) => {
    const { full, short, minimal } = lengths(STATES[state] ?? report())
    const [first = ''] = full.split('\n')
    expect(first).not.toBe('')
    expect([short.split('\n')[0], minimal.split('\n')[0]]).toEqual([first, first])
  })

  it.each(Object.keys(STATES))('has nothing in it, nor in the summary, that GitHub takes out: %s', (state) => {
    const of = STATES[state] ?? report()
    for (const markdown of [...renderComment(of), renderSummary(of)]) {
      const tree = rendered(markdown)
      const left = sanitised(tree)
      expect([elements(left), textOf(left), links(left)]).toEqual([elements(tree), textOf(tree), links(tree)])
    }
  })

  it('is one line when nothing changed', () => {
    expect(lengths(report()).full).toBe('`api` is the same size as main (148.2 MB, budget 160 MB).\n')
  })

  it('has the layers in the full one only, the lines that grew in the short one, the figures in all', () => {
    const { full, short, minimal } = lengths(STATES['over'] ?? report())
    expect([full, short, minimal].map((each) => each.includes('All layers'))).toEqual([true, false, false])
    expect([full, short, minimal].map((each) => each.includes('Dockerfile#L14'))).toEqual([true, true, false])
    expect([full, short, minimal].map((each) => each.includes('❌ over by 3.9\u00A0MB'))).toEqual([true, true, true])
  })

  it('names the three largest causes, and counts and sums the others', () => {
    const grown = Array.from({ length: 8 }, (_, index) =>
      layer({ change: 'changed', line: index + 1, sizeAfter: 44_000_000 + (index + 1) * 100_000 }),
    )
    const { full } = lengths(
      report({ images: [overImage({ layerChanges: layers(grown), findings: [], warnings: [] })] }),
    )
    const causes = full.split('\n').filter((line) => line.startsWith('- '))
    expect(causes.map((line) => line.replaceAll(/\[|\]\(.*?\)/g, ''))).toEqual([
      '- `Dockerfile:8` `RUN npm ci` **+800.0 kB**',
      '- `Dockerfile:7` `RUN npm ci` **+700.0 kB**',
      '- `Dockerfile:6` `RUN npm ci` **+600.0 kB**',
      '- 5 more layers, +1.5 MB in all',
    ])
  })

  it('has the trend below what to do, in the full one and the summary', () => {
    const { full, short, minimal } = lengths(STATES['trend'] ?? report())
    const summary = renderSummary(STATES['trend'] ?? report())
    const hasTrend = (markdown: string) => /^Size over time: `[▁-█]{21}` \+27\.9 MB/m.test(markdown)
    expect([full, short, minimal, summary].map(hasTrend)).toEqual([true, false, false, true])
    const order = ['| **Size**', '**Why it grew**', '**To get it back**', 'Size over time', '<details>', '<sub>']
    expect(order.map((words) => full.indexOf(words))).toEqual(
      order.map((words) => full.indexOf(words)).toSorted((a, b) => a - b),
    )
    expect(lengths(report({ images: [imageReport({ trend: trend() })] })).full).not.toContain('over time')
  })

  it('writes what is not measured as such, never as 0', () => {
    const { full } = lengths(STATES['not-measured'] ?? report())
    expect(full).toContain('| Size | not measured | not measured | | 160\u00A0MB | ❌ not measured |')
    expect(full).not.toMatch(/\b0 B\b/)
  })

  it('has no row for a metric that is neither measured nor limited', () => {
    const alone = totals({ downloadSize: null })
    const images = [imageReport({ base: alone, head: totals({ size: 160_200_000, downloadSize: null }) })]
    expect(lengths(report({ images })).full).not.toContain('Download')
    expect(lengths(STATES['download'] ?? report()).full).not.toContain('Size |')
  })

  it('links nothing without a repository, and no line of uncommitted changes', () => {
    const over = { images: [overImage()], runUrl: null }
    expect(links(rendered(lengths(report({ ...over, repositoryUrl: null })).full))).toEqual([])
    expect(
      links(
        rendered(
          lengths(report({ ...over, head: { commit: 'd'.repeat(40), pushed: null, dirty: true, reference: null } }))
            .full,
        ),
      ),
    ).toEqual([])
  })

  it('names the commit that reviewers know, and links to the tree that was measured', () => {
    const head = { commit: 'd'.repeat(40), pushed: 'e'.repeat(40), dirty: false, reference: null }
    const { full } = lengths(report({ images: [overImage()], head }))
    expect(full).toContain('| this change `eeeeeee` |')
    expect(full).not.toContain('`ddddddd`')
    expect(links(rendered(full)).find((link) => link.includes('/blob/'))).toContain(`/blob/${'d'.repeat(40)}/`)
  })

  it('has one heading for the platforms of an image, and a section for each', () => {
    const { full } = lengths(STATES['platforms'] ?? report())
    expect(full.match(/^#### .*/gm)).toEqual(['#### `api`'])
    expect(full.match(/^\*\*linux.*/gm)).toEqual([
      '**linux/amd64** is over by 3.9 MB',
      '**linux/arm64** is within budget, 2.8 MB larger',
    ])
  })

  it('has the worst image first and folds those without a change', () => {
    const { full } = lengths(STATES['images'] ?? report())
    expect(full.match(/^\| \*{0,2}[\w-]+\*{0,2} /gm)?.map((name) => name.replaceAll(/\W+/g, ' ').trim())).toEqual(
      expect.arrayContaining(['web', 'api', 'worker']),
    )
    const order = ['**web**', '**api**', 'worker', 'job-1'].map((name) => full.indexOf(`| ${name} |`))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(full.indexOf('<summary>4 images unchanged</summary>')).toBeLessThan(full.indexOf('| job-1 |'))
  })
})

const many = (failing: number) =>
  report({
    images: Array.from({ length: 1000 }, (_, index) => {
      const name = `service-with-a-rather-long-name-${index}`
      if (index >= 1000 - failing) return overImage({ name })
      return imageReport({
        name,
        head: totals({ size: 149_300_000 + index }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 45_100_000 })]),
      })
    }),
  })

describe('a report on 1,000 images', () => {
  it.each([3, 1000])('is bounded in every length, with %d of them over', (failing) => {
    const { full, short, minimal } = lengths(many(failing))
    expect(full.length).toBeLessThanOrEqual(FULL_MAX)
    expect(short.length).toBeLessThanOrEqual(SHORT_MAX)
    expect(minimal.length).toBeLessThanOrEqual(MINIMAL_MAX)
    expect(Buffer.byteLength(renderSummary(many(failing)))).toBeLessThanOrEqual(SUMMARY_MAX)
  })

  it('names those that are over in every length', () => {
    for (const length of Object.values(lengths(many(3)))) {
      expect(length).toContain('3 of 1,000 images are over')
      for (const index of [997, 998, 999]) expect(length).toContain(`**service-with-a-rather-long-name-${index}**`)
    }
  })

  it('has a row of each that fails, before the sections of any', () => {
    const { full, short } = lengths(many(400))
    const shown = (text: string): number => text.match(/^\| \*\*service-/gm)?.length ?? 0
    expect(shown(full)).toBe(400)
    expect(full).toContain('#### `service-')
    // What does not fit is counted.
    expect(short).toContain(`… and ${1000 - shown(short)} more rows.`)
  })

  it.each([0, 500, 1000])('has all of them in the summary, however wide their names are, with %d over', (failing) => {
    const images = many(failing).images.map((image, at) => Object.assign(image, { name: `${at}${'宽'.repeat(96)}` }))
    const quiet = images.map((image, at) => (at % 2 === 0 ? image : imageReport({ name: image.name })))
    for (const each of [images, quiet]) {
      const summary = renderSummary(report({ images: each }))
      expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(SUMMARY_MAX)
      const rows = new Set(summary.match(/^\| \**\d+(?=宽)/gm)?.map((row) => row.replaceAll(/\D/g, '')))
      expect(rows.size).toBe(1000)
    }
  })

  it('counts the sections that did not fit', () => {
    const { full } = lengths(many(3))
    const sections = full.match(/^#### /gm)?.length ?? 0
    expect(sections).toBeGreaterThan(10)
    expect(full).toContain(`Details of ${1000 - sections} more images did not fit here.`)
  })

  it('closes every details element it opens', () => {
    for (const length of Object.values(lengths(many(500)))) {
      expect(length.split('<details>').length).toBe(length.split('</details>').length)
    }
  })
})

it('is bounded for an image of 127 layers with endless instructions, and for endless messages', () => {
  const endless = 'x|\\|`'.repeat(5000)
  const deep = Array.from({ length: 127 }, () =>
    layer({ change: 'changed', sizeAfter: 45_000_000, instruction: endless, file: endless }),
  )
  for (const each of [
    report({ images: [overImage({ name: endless, layerChanges: deep })] }),
    report({ images: [failedImage({ name: endless })] }),
  ]) {
    const { full, short, minimal } = lengths(each)
    expect([full.length <= FULL_MAX, short.length <= SHORT_MAX, minimal.length <= MINIMAL_MAX]).toEqual([
      true,
      true,
      true,
    ])
    expect(full).toMatch(/is over by 3\.9 MB|could not be measured/)
  }
})

describe('a hostile pull request', () => {
  const OURS = new Set(
    ['h3', 'h4', 'p', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'strong', 'code', 'pre', 'a'].concat([
      'ul',
      'li',
      'details',
      'summary',
      'sub',
    ]),
  )

  const FOLDS = `Where it changed (N places)Packages (2 updated)All layers (2 of 3 changed)Advice that was there before this change (1, 1.0 MB)BuildKit's own checks (1)`

  it('gets nothing into the comment or the summary but its own words', () => {
    fc.assert(
      fc.property(hostileReport, (hostile) => {
        for (const markdown of [...renderComment(hostile), renderSummary(hostile)]) {
          const tree = rendered(markdown)
          expect([...elements(tree)].filter((name) => !OURS.has(name))).toEqual([])
          expect(links(tree).filter((href) => !href.startsWith('https://github.com/octo/shop/'))).toEqual([])
          expect(references(tree)).toEqual([])
        }
      }),
      { numRuns: 100 },
    )
  })

  it('does not change what the page is made of', () => {
    fc.assert(
      fc.property(hostileReport, (hostile) => {
        const tree = rendered(renderComment(hostile)[0] ?? '')
        const failed = hostile.images.length === 1 && hostile.images[0]?.error !== null
        expect(textOf(tree, 'summary').replace(/\(\d places/, '(N places')).toBe(failed ? '' : FOLDS)
        expect(textOf(tree, 'h3').startsWith('Image budget: ')).toBe(true)
        expect(textOf(tree, 'th').includes('this change d4e5f6a')).toBe(!failed)
      }),
      { numRuns: 100 },
    )
  })
})

describe('renderSummary', () => {
  it('has the figures and layers of an image without a change, too', () => {
    const summary = renderSummary(report())
    expect(summary).toContain('### Image budget: `api` is the same size as main')
    expect(summary).toContain('| **Size** | 148.2\u00A0MB | 148.2\u00A0MB | same | 160\u00A0MB | ✅ within |')
    expect(summary).toContain('<summary>All layers (0 of 9 changed)</summary>')
  })

  it('proposes a lower cap of an image without a change, of which the comment is one line', () => {
    const sentence = 'The budget could go down to 170 MB: `max-size: 170 MB`.'
    const images = [imageReport({ budgets: [budget('max-size', 200_000_000)] }), imageReport({ name: 'web' })]
    for (const quiet of [report({ images: images.slice(0, 1) }), report({ images })]) {
      expect(renderSummary(quiet)).toContain(sentence)
      expect(lengths(quiet).full).not.toContain('could go down')
    }
    // The change is told anyway.
    const layered = imageReport({ budgets: [budget('max-size', 200_000_000)], head: totals({ layers: 10 }) })
    expect(lengths(report({ images: [layered] })).full).toContain(sentence)
  })

  it('has growth over time in a row and a sentence, and in the table of many images', () => {
    const crept = STATES['creep'] ?? report()
    for (const page of [...renderComment(crept), renderSummary(crept)]) {
      expect(page).toContain('| In 30 days | | | +23.1\u00A0MB | +20\u00A0MB | ❌ over by 3.1\u00A0MB |')
      expect(page).toContain('| Since `v1.4` | | | +14.5\u00a0% | +18\u00a0% | ✅ within |')
      expect(page).toContain('+23.1 MB since 2026-10-22 (`0f1e2d3`), 3.1 MB more than the 20 MB allowed over 30 days.')
    }
    const several = report({ images: [...crept.images, imageReport({ name: 'web' })] })
    expect(renderSummary(several)).toContain(
      '| 180\u00A0MB, +20\u00A0MB (In 30 days) | ❌ over its 30-day growth budget by 3.1\u00A0MB |',
    )
    const unrecorded = STATES['creep-no-record'] ?? report()
    expect(renderSummary(report({ images: [...unrecorded.images, imageReport({ name: 'web' })] }))).toContain(
      '| 180\u00A0MB | ✅ within |',
    )
  })
})
