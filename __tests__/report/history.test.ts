import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Point } from '../../src/record/record.ts'
import { displayWidth } from '../../src/report/characters.ts'
import {
  renderHistoryCsv,
  renderHistoryJson,
  renderHistoryTable,
  type Histories,
  type ImageHistory,
} from '../../src/report/history.ts'
import { hostileString } from '../support/hostile.ts'

const commit = (digit: string): string => digit.repeat(40)
const NO_CAPS = { size: null, downloadSize: null, layers: null }

function point(digit: string, at: string, figures: Partial<Point>): Point {
  return {
    commit: commit(digit),
    at: `2026-${at}T10:00:00Z`,
    size: 148_213_004,
    downloadSize: 51_000_000,
    layers: 9,
    caps: NO_CAPS,
    store: 'classic',
    sizeFrom: 'content',
    ...figures,
  }
}

const CAPS = { size: 160_000_000, downloadSize: 56_000_000, layers: 12 }
const POINTS = [
  point('a', '08-01', { caps: CAPS }),
  point('b', '08-05', { caps: CAPS, size: 148_214_204 }),
  point('c', '09-02', { caps: CAPS, size: 163_913_004, downloadSize: 56_400_000, layers: 10 }),
  point('d', '09-20', { caps: CAPS, size: 153_900_000, downloadSize: 53_000_000, layers: 10 }),
]

function histories(points: Point[], overrides: Partial<Histories> = {}): Histories {
  return { images: [{ name: 'shop/api', platform: 'linux/amd64', points }], releases: [], last: null, ...overrides }
}

const linesOf = (shown: Histories, width = 100): string[] =>
  renderHistoryTable(shown, { colour: false, width }).trimEnd().split('\n')

/** The words of the sentence under the image's name. */
const sentenceOf = (shown: Histories): string => {
  const lines = linesOf(shown)
  return lines.slice(1, [...lines, ''].indexOf('')).join(' ')
}

describe('renderHistoryTable', () => {
  it('says from what to what, draws it, and lists the records, newest last', () => {
    const releases = [
      { name: 'v1.4.0', commit: commit('b') },
      { name: 'latest', commit: commit('b') },
      { name: 'other', commit: commit('9') },
    ]
    expect(linesOf(histories(POINTS, { releases }))).toEqual([
      'shop/api (linux/amd64)',
      'Grew from 148.2 MB to 153.9 MB, +5.7 MB (+3.8 %), over 4 records since 2026-08-01; it is 6.1 MB',
      'under its budget of 160 MB, 3.0 MB under its budget of 56 MB to download, 2 under its budget of 12',
      'layers.',
      '',
      '  Size      ▁▁█▃  148.2 MB → 153.9 MB  +5.7 MB (+3.8 %)',
      '  Download  ▁▁█▄  51.0 MB → 53.0 MB    +2.0 MB (+3.9 %)',
      '  Layers    ▁▁██  9 → 10               +1',
      '',
      '  date        commit         size              change   download  layers  tag',
      '  2026-08-01  aaaaaaa    148.2 MB                        51.0 MB       9',
      '  2026-08-05  bbbbbbb    148.2 MB     +1.2 kB (0.0 %)    51.0 MB       9  v1.4.0, latest',
      '  2026-09-02  ccccccc  ✗ 163.9 MB  +15.7 MB (+10.6 %)  ✗ 56.4 MB      10',
      '  2026-09-20  ddddddd    153.9 MB   −10.0 MB (−6.1 %)    53.0 MB      10',
    ])
  })

  it('shows the newest alone where that is asked for, and how many more there are', () => {
    const lines = linesOf(histories(POINTS, { last: 2 }))
    expect(lines.slice(1).join('\n')).toMatch(
      /^Shrank from 163\.9 MB to 153\.9 MB, .* over 2 records since 2026-09-02; /,
    )
    // Their first is compared with a record that is not shown.
    expect(lines.slice(-3).map((line) => line.replaceAll(/\s+/g, ' '))).toEqual([
      ' 2026-09-02 ccccccc ✗ 163.9 MB +15.7 MB (+10.6 %) ✗ 56.4 MB 10',
      ' 2026-09-20 ddddddd 153.9 MB −10.0 MB (−6.1 %) 53.0 MB 10',
      ' Not shown: 2 earlier records (--last 4 shows all).',
    ])
    expect(linesOf(histories(POINTS, { last: 4 })).at(-1)).not.toContain('Not shown')
    expect(linesOf(histories(POINTS, { last: 400 }))).toEqual(linesOf(histories(POINTS)))
  })

  it.each<[string, Point[], string]>([
    ['one record', [point('a', '08-01', {})], '148.2 MB on 2026-08-01.'],
    [
      'no change',
      [point('a', '08-01', {}), point('b', '08-02', {})],
      '148.2 MB, as at first, over 2 records since 2026-08-01.',
    ],
    [
      'a change that the figures hide',
      [point('a', '08-01', {}), point('b', '08-02', { size: 148_213_005 })],
      'Grew from 148.2 MB (148,213,004 B) to 148.2 MB (148,213,005 B), +1 B (0.0 %), over 2 records since 2026-08-01.',
    ],
    [
      'from nothing',
      [point('a', '08-01', { size: 0 }), point('b', '08-02', { size: 10 })],
      'Grew from 0 B to 10 B, +10 B, over 2 records since 2026-08-01.',
    ],
    [
      'download sizes alone',
      [point('a', '08-01', { size: null }), point('b', '08-02', { size: null, downloadSize: 40_000_000 })],
      'Shrank from 51.0 MB to 40.0 MB to download, −11.0 MB (−21.6 %), over 2 records since 2026-08-01.',
    ],
    [
      'no sizes at all',
      [
        point('a', '08-01', { size: null, downloadSize: null }),
        point('b', '08-02', { size: null, downloadSize: null, layers: 10 }),
      ],
      'Grew from 9 layers to 10 layers, +1, over 2 records since 2026-08-01.',
    ],
    [
      'caps that are kept to the byte, and broken',
      [point('a', '08-01', { caps: { size: 148_213_004, downloadSize: null, layers: 8 } })],
      '148.2 MB on 2026-08-01; it is exactly at its budget of 148.2 MB, 1 over its budget of 8 layers.',
    ],
    ['no record', [], 'There is no record.'],
  ])('has words for %s', (_, points, words) => {
    expect(sentenceOf(histories(points))).toBe(words)
  })

  it('compares with records that were measured alike, and with no others', () => {
    const points = [
      point('a', '08-01', { size: 100_000_000 }),
      point('b', '08-02', { size: 300_000_000, store: 'containerd' }),
      point('c', '08-03', { size: 200_000_000, sizeFrom: 'engine' }),
      point('d', '08-04', { size: 110_000_000 }),
    ]
    const lines = linesOf(histories(points))
    expect(sentenceOf(histories(points))).toBe(
      'Grew from 100.0 MB to 110.0 MB, +10.0 MB (+10.0 %), over 2 records since 2026-08-01 (2 others cannot be compared).',
    )
    expect(lines).toContain('  Size      ▁··█  100.0 MB → 110.0 MB  +10.0 MB (+10.0 %)')
    expect(lines.slice(-4).map((line) => /[−+]\S+ MB/.exec(line)?.[0])).toEqual([
      undefined,
      undefined,
      undefined,
      '+10.0 MB',
    ])
  })

  it('says what was not measured, and leaves out what never was', () => {
    const points = [point('a', '08-01', { size: null }), point('b', '08-02', {}), point('c', '08-03', {})]
    const lines = linesOf(histories(points))
    expect(lines).toContain('  Size      ·▄▄  148.2 MB → 148.2 MB  same')
    expect(lines.find((line) => line.includes('aaaaaaa'))).toMatch(/aaaaaaa {2}not measured {2,}51\.0 MB {2,}9$/)
    const none = linesOf(histories(points.map((each) => Object.assign(each, { downloadSize: null }))))
    expect(none.join('\n')).not.toMatch(/download/i)
    expect(none.find((line) => line.includes('date'))).toBe('  date        commit           size  change  layers')
  })

  it('draws many records as the highest of each few', () => {
    const points = Array.from({ length: 500 }, (_, at) =>
      point('a', '08-01', { size: at === 123 ? 200_000_000 : 100_000_000, commit: at.toString(16).padStart(40, '0') }),
    )
    const [drawn = ''] = /[▁▂▃▄▅▆▇█]+/.exec(linesOf(histories(points)).join('\n')) ?? []
    expect(drawn).toMatch(/^▁{11}█▁{36}$/)
  })

  it('shows each image and platform', () => {
    const images = ['linux/amd64', 'linux/arm64'].map((platform) => ({ name: 'api', platform, points: POINTS }))
    const lines = linesOf({ ...histories([]), images })
    expect(lines.filter((line) => /^\S.*\)$/.test(line))).toEqual(['api (linux/amd64)', 'api (linux/arm64)'])
    expect(lines.filter((line) => line.includes('ddddddd')).length).toBe(2)
  })

  it('leaves out on a narrow terminal what says least', () => {
    const releases = [{ name: 'a-rather-long-name-of-a-release', commit: commit('d') }]
    const rowAt = (width: number): string | undefined =>
      linesOf(histories(POINTS, { releases }), width)
        .find((line) => line.includes('ddddddd'))
        ?.replaceAll(/\s+/g, ' ')
    expect([110, 95, 80, 70, 50].map(rowAt)).toEqual([
      ' 2026-09-20 ddddddd 153.9 MB −10.0 MB (−6.1 %) 53.0 MB 10 a-rather-long-name-of-a-release',
      ' 2026-09-20 ddddddd 153.9 MB −10.0 MB (−6.1 %) 53.0 MB 10 a-rather-long...',
      ' 2026-09-20 ddddddd 153.9 MB −10.0 MB 53.0 MB 10 a-rather-long...',
      ' 2026-09-20 ddddddd 153.9 MB −10.0 MB a-rather-long...',
      ' 2026-09-20 ddddddd 153.9 MB −10.0 MB',
    ])
  })

  it('writes colours only when told, and says the same with them', () => {
    const plain = renderHistoryTable(histories(POINTS, { last: 3 }), { colour: false, width: 90 })
    const coloured = renderHistoryTable(histories(POINTS, { last: 3 }), { colour: true, width: 90 })
    expect(plain).not.toContain('\u001B')
    expect(coloured).toContain('\u001B[31m✗ 163.9 MB\u001B[0m')
    // eslint-disable-next-line no-control-regex -- what is looked for is a control sequence
    expect(coloured.replaceAll(/\u001B\[\d+m/g, '')).toBe(plain)
  })
})

const figure = fc.option(fc.nat({ max: 1e13 }))
const anyPoint: fc.Arbitrary<Point> = fc.record({
  commit: fc.constantFrom('a', 'b', 'c', 'd').map(commit),
  at: fc.constantFrom('2026-08-01T10:00:00Z', '2027-01-31T23:59:59Z'),
  size: figure,
  downloadSize: figure,
  layers: fc.nat({ max: 200 }),
  caps: fc.record({ size: figure, downloadSize: figure, layers: fc.option(fc.nat({ max: 200 })) }),
  store: fc.option(fc.constantFrom('classic', 'containerd', 'buildkit')),
  sizeFrom: fc.constantFrom('content', 'engine'),
})
const anyImage: fc.Arbitrary<ImageHistory> = fc.record({
  name: hostileString,
  platform: hostileString,
  points: fc.array(anyPoint, { maxLength: 60 }),
})
const anyHistories: fc.Arbitrary<Histories> = fc.record({
  images: fc.array(anyImage, { maxLength: 3 }),
  releases: fc.array(fc.record({ name: hostileString, commit: fc.constantFrom('a', 'b').map(commit) })),
  last: fc.option(fc.integer({ min: 1, max: 60 })),
})

describe('whatever was recorded', () => {
  it('stays within the width, and no control character gets through', () => {
    fc.assert(
      fc.property(anyHistories, fc.integer({ min: 40, max: 160 }), (shown, width) => {
        const lines = renderHistoryTable(shown, { colour: false, width }).split('\n')
        expect(lines.filter((line) => displayWidth(line) > width)).toEqual([])
        expect(lines.join('')).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069]|undefined|NaN|null/u)
      }),
    )
  })
})

/** RFC 4180: lines of fields, quoted where they must be. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  const field = /("(?:[^"]|"")*"|[^",\n]*)(,|\n|$)/gy
  while (field.lastIndex < text.length) {
    const [, value = '', end] = field.exec(text) ?? []
    if (end === undefined) throw new Error('not CSV')
    rows.at(-1)!.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value)
    if (end === '\n' && field.lastIndex < text.length) rows.push([])
  }
  return rows
}

describe('renderHistoryCsv', () => {
  it('has a head and a line a record: ISO times, every byte, nothing for what there is not', () => {
    const points = [
      point('a', '08-01', { caps: CAPS }),
      point('b', '08-02', { size: null, sizeFrom: null, store: null, downloadSize: null }),
    ]
    const releases = [
      { name: 'v1', commit: commit('a') },
      { name: 'latest', commit: commit('a') },
    ]
    expect(renderHistoryCsv(histories(points, { releases })).split('\n')).toEqual([
      'image,platform,date,commit,size,download-size,layers,max-size,max-download-size,max-layers,store,tags',
      `shop/api,linux/amd64,2026-08-01T10:00:00Z,${commit('a')},148213004,51000000,9,160000000,56000000,12,classic,v1 latest`,
      `shop/api,linux/amd64,2026-08-02T10:00:00Z,${commit('b')},,,9,,,,,`,
      '',
    ])
    expect(renderHistoryCsv(histories([])).split('\n').length).toBe(2)
  })

  it.each(['=1+1', '@SUM(A1)', '+cmd|/c', '-2', '＝x'])('has no formula for a spreadsheet: %s', (name) => {
    const releases = [{ name, commit: commit('a') }]
    const images = [{ name, platform: 'linux/amd64', points: POINTS.slice(0, 1) }]
    const [, row = []] = parseCsv(renderHistoryCsv({ images, releases, last: null }))
    expect([row[0], row.at(-1)]).toEqual([`'${name}`, `'${name}`])
  })

  it('can be read back, whatever the names, and none is a formula', () => {
    fc.assert(
      fc.property(anyHistories, (shown) => {
        const [head, ...rows] = parseCsv(renderHistoryCsv(shown))
        const given = shown.images.flatMap(({ points }) => points.slice(-(shown.last ?? points.length)))
        const exact = (value: number | null): string => (value === null ? '' : String(value))
        expect(rows.map((row) => row.slice(2, 11))).toEqual(
          given.map(({ at, commit: id, size, downloadSize, layers, caps, store }) => [
            at,
            id,
            exact(size),
            exact(downloadSize),
            exact(layers),
            exact(caps.size),
            exact(caps.downloadSize),
            exact(caps.layers),
            store ?? '',
          ]),
        )
        expect(rows.filter((row) => row.length !== head?.length)).toEqual([])
        expect(rows.flat().filter((cell) => /^[=+\-@\t\r＝＋－＠]/.test(cell))).toEqual([])
      }),
    )
  })
})

describe('renderHistoryJson', () => {
  it('has every figure, exact, and says what wrote it and where it read', () => {
    const of = { version: '0.1.0', branch: 'image-budget', commit: commit('f') }
    const releases = [{ name: 'v1', commit: commit('d') }]
    const text = renderHistoryJson(histories(POINTS, { releases, last: 1 }), of)
    expect(JSON.parse(text)).toEqual({
      schema: 1,
      ...of,
      images: [
        {
          name: 'shop/api',
          platform: 'linux/amd64',
          earlier: 3,
          points: [{ ...POINTS[3], tags: ['v1'] }],
        },
      ],
    })
    expect(text.endsWith('}\n')).toBe(true)
  })

  it('tells what was not measured as null', () => {
    const points = [point('a', '08-01', { size: null, downloadSize: null, store: null, sizeFrom: null })]
    const json = JSON.parse(renderHistoryJson(histories(points), { version: '', branch: '', commit: '' })) as {
      images: { points: object[] }[]
    }
    expect(json.images[0]?.points).toEqual([{ ...points[0], tags: [] }])
  })
})
