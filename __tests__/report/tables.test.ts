import { describe, expect, it } from '@jest/globals'
import type { PackageChange } from '../../src/compare/comparison.ts'
import { plain } from '../../src/report/phrase.ts'
import { figuresTable, layersTable, overviewTable, packagesTable, type Table } from '../../src/report/tables.ts'
import { STATES, failedImage, imageReport, packageChange, report } from '../support/reports.ts'

/** A table's heads and rows as plain text. */
function told({ columns, rows }: Table): string[][] {
  return [columns.map(({ head }) => plain(head)), ...rows.map((row) => row.map(plain))]
}

describe('the table of packages', () => {
  const gone: Partial<PackageChange> = {
    name: 'left-pad',
    change: 'gone',
    versionBefore: '1.3.0',
    versionAfter: null,
    amount: -9_000,
  }
  const of = (...packages: Partial<PackageChange>[]): string[][] =>
    told(packagesTable(imageReport({ packages: packages.map(packageChange) }), report()))

  it('has the sides that have one of them', () => {
    expect(of({})).toEqual([
      ['package', 'this change', 'change'],
      ['typescript', '5.9.3', '+9.1 MB'],
    ])
    expect(of(gone)).toEqual([
      ['package', 'main', 'change'],
      ['left-pad', '1.3.0', '\u22129.0 kB'],
    ])
  })

  it('says of each what became of it where they differ', () => {
    expect(of({}, gone)).toEqual([
      ['package', 'main', 'this change', 'change'],
      ['typescript', '', '5.9.3', '+9.1 MB, new'],
      ['left-pad', '1.3.0', '', '\u22129.0 kB, gone'],
    ])
  })
})

it('names commits in the table of figures, and not again in that of layers', () => {
  const image = imageReport()
  expect(told(figuresTable(image, report()))[0]).toEqual([
    '',
    'main a1b2c3d',
    'this change d4e5f6a',
    'change',
    'budget',
    '',
  ])
  expect(told(layersTable(image, report()))[0]).toEqual(['line', 'instruction', 'main', 'this change', 'change'])
})

it('has the figures of a metric once, however many limits there are on it', () => {
  const image = STATES['soft-limit']!.images[0]!
  const rows = told(figuresTable(image, report())).filter(([name]) => name === 'Size')
  expect(rows.map((row) => row.slice(1, 5))).toEqual([
    ['148.2 MB', '153.9 MB', '+5.7 MB (+3.8 %)', '160 MB'],
    ['', '', '', '150 MB, soft'],
  ])
})

it('has nothing but the status of an image that could not be measured', () => {
  const images = [failedImage({ name: 'web' }), imageReport()]
  const [, web] = told(overviewTable(images, report({ images })))
  expect(web).toEqual(['web', '', '', '', '', 'could not be measured'])
})
