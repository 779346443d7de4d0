import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import {
  BUILT,
  MARKERS,
  SUBJECTS,
  disagreements,
  renderTables,
  withTables,
  type Column,
  type Row,
  type Sizes,
} from '../../scripts/agreement.ts'

const amd64: Sizes = { platform: 'linux/amd64', size: 300_005, downloadSize: 302_514, layers: 2 }
const arm64: Sizes = { ...amd64, platform: 'linux/arm64', downloadSize: 302_510 }

function row(overrides: Partial<Row>): Row {
  const expected = overrides.expected ?? [amd64]
  return {
    image: 'busybox',
    engine: 'classic',
    place: 'docker-daemon',
    packing: 'own',
    inputs: { image: 'docker-daemon:127.0.0.1:5000/agreement/busybox' },
    env: {},
    expected,
    measured: expected,
    ...overrides,
  }
}

const columns: Column[] = [
  { origin: 'classic', label: 'classic 28.5.2', program: 'Docker 28.5.2 (built with Go 1.24.4)' },
  { origin: 'remote', label: 'BuildKit 0.25.1 (remote)', program: 'BuildKit 0.25.1' },
]

describe('disagreements', () => {
  it('has none where every platform has what it should, in whatever order', () => {
    expect(disagreements([row({}), row({ expected: [amd64, arm64], measured: [arm64, amd64] })])).toEqual([])
  })

  it.each<[string, Partial<Row>, string]>([
    ['a byte too many', { measured: [{ ...amd64, size: 300_006 }] }, 'size 300006 download 302514 layers 2; expected'],
    ['a figure that should be measured', { measured: [{ ...amd64, downloadSize: null }] }, 'download null'],
    [
      'a figure that the place does not have',
      { expected: [{ ...amd64, downloadSize: null }], measured: [amd64] },
      'download 302514',
    ],
    ['a layer too few', { measured: [{ ...amd64, layers: 1 }] }, 'layers 1'],
    ['a platform too few', { expected: [amd64, arm64], measured: [amd64] }, 'linux/arm64'],
    [
      'what could not be measured',
      { measured: { error: 'The engine does not answer.' } },
      'The engine does not answer.; expected',
    ],
  ])('names %s', (_what, overrides, said) => {
    const found = disagreements([row({}), row(overrides)])
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('busybox, classic, docker-daemon: ')
    expect(found[0]).toContain(said)
  })
})

describe('the tables', () => {
  const rows = [
    row({ place: BUILT }),
    row({}),
    row({ place: 'oci, skopeo, zstd', packing: 'zstd, skopeo', expected: [{ ...amd64, downloadSize: 301_554 }] }),
    row({ place: 'docker-archive, skopeo', packing: null, expected: [{ ...amd64, downloadSize: null }] }),
    row({ image: 'two-platforms', engine: 'remote', place: 'oci, BuildKit', expected: [amd64, arm64] }),
  ]
  const told = [{ image: 'busybox', engine: 'classic' as const, size: 300_005 }]
  const tables = renderTables(rows, told, columns, '1.9.3')
  const under = (heading: string): string[] =>
    tables
      .split(`### ${heading}\n\n`)[1]!
      .split('\n\n')[0]!
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' '))

  it('name what was measured with', () => {
    expect(tables).toContain('Docker 28.5.2 (built with Go 1.24.4), BuildKit 0.25.1 and skopeo 1.9.3.')
  })

  it('have one figure for all places of an engine, and a line for each platform of several', () => {
    expect(under('Size').filter((_, at) => at !== 1)).toEqual([
      '| image | layers | classic 28.5.2 | BuildKit 0.25.1 (remote) |',
      '| busybox | 2 | 300,005 | – |',
      '| two-platforms, linux/amd64 | 2 | – | 300,005 |',
      '| two-platforms, linux/arm64 | 2 | – | 300,005 |',
    ])
  })

  it('keep download sizes of another packing apart', () => {
    expect(under('Download size, packed by the engine itself')[2]).toBe('| busybox | 302,514 | – |')
    expect(under('Download size, packed otherwise').filter((_, at) => at !== 1)).toEqual([
      '| image | zstd, skopeo, of classic 28.5.2 |',
      '| busybox | 301,554 |',
      '| two-platforms, linux/amd64 | – |',
      '| two-platforms, linux/arm64 | – |',
    ])
  })

  it('count the figures of each place', () => {
    expect(under('Where they were measured').filter((_, at) => at !== 1)).toEqual([
      '| place | of | images | figures | equal |',
      '| built by the action | every Docker engine | 1 | 3 | all |',
      '| `docker-archive:`, skopeo | every Docker engine | 1 | 2 | all |',
      '| `docker-daemon:` | every Docker engine | 1 | 3 | all |',
      '| `oci:`, BuildKit | BuildKit 0.25.1 (remote) | 1 | 6 | all |',
      '| `oci:`, skopeo, zstd | every Docker engine | 1 | 3 | all |',
    ])
  })
})

describe('docs/what-is-measured.md', () => {
  const document = readFileSync(new URL('../../docs/what-is-measured.md', import.meta.url), 'utf8')
  const generated = document.split(MARKERS[0])[1]!.split(MARKERS[1])[0]!

  it('takes new tables in place of the old ones', () => {
    const text = (tables: string): string => `before\n${MARKERS[0]}\n\n${tables}\n\n${MARKERS[1]}\nafter\n`
    expect(withTables(text('old tables'), 'new tables')).toBe(text('new tables'))
    expect(() => withTables('no markers', 'new tables')).toThrow(MARKERS[0])
  })

  it('has the tables as the script writes them, with every image, and nothing of the machine', () => {
    const headings = (text: string): string[] => text.match(/^### .*$/gm) ?? []
    expect(headings(generated)).toEqual(headings(renderTables([row({})], [], columns, '1.9.3')))
    for (const { name } of SUBJECTS) expect(generated).toContain(`| ${name}`)
    expect(generated).not.toMatch(/127\.0\.0\.1|localhost|\/(?:tmp|work|root|home|var)\b|\d{4}-\d\d-\d\d/)
  })
})
