import { describe, expect, it } from '@jest/globals'
import type { LayerChange } from '../../src/compare/comparison.ts'
import { causeWords, causesOf } from '../../src/report/causes.ts'
import { plain } from '../../src/report/phrase.ts'
import { imageReport, layer, layers, packageChange, part, report, totals, type ImageFacts } from '../support/reports.ts'

/** The causes of one image, as plain text. */
function told(overrides: ImageFacts): string[] {
  const image = imageReport({ head: totals({ size: 160_000_000 }), ...overrides })
  const causes = causesOf(image)
  return [
    ...(causes?.causes ?? []).map((cause) => plain(causeWords(cause, image, report({ images: [image] })))),
    ...(causes?.rest ?? []).map(plain),
  ]
}

const changed = (overrides: Partial<LayerChange>): LayerChange =>
  layer({ change: 'changed', sizeAfter: 54_000_000, ...overrides })

describe('a cause', () => {
  it('is told by the one place that explains it', () => {
    const places: [LayerChange['why'], string][] = [
      [
        { moved: 0, parts: [part({ path: '/app/coverage', change: 'new', amount: 9_900_000 })], rest: 100_000 },
        ': /app/coverage is new',
      ],
      [{ moved: 0, parts: [part({ path: '/app/data', amount: 10_000_000 })], rest: 0 }, ' in /app/data'],
      [{ moved: 0, parts: [], rest: 10_000_000 }, ''],
      [null, ''],
    ]
    for (const [why, words] of places) {
      expect(told({ layerChanges: layers([changed({ why })]) })).toEqual([`Dockerfile:14 RUN npm ci +10.0 MB${words}`])
    }
  })

  it('is told by the largest places where no one explains it, and by none that go the other way', () => {
    const parts = [
      part({
        path: null,
        ecosystem: 'dpkg',
        amount: 6_000_000,
        packages: [packageChange({ ecosystem: 'dpkg', name: 'curl', versionAfter: '7.88', amount: 4_000_000 })],
        packageCount: 9,
      }),
      part({ path: '/opt/old', change: 'gone', amount: -5_500_000 }),
      part({ path: '/var/lib/apt/lists', change: 'new', amount: 5_000_000 }),
      part({ path: '/var/cache/apt', amount: 4_000_000 }),
      part({ path: '/tmp/x', amount: 500_000 }),
    ]
    expect(told({ layerChanges: layers([changed({ why: { moved: 0, parts, rest: 0 } })]) })).toEqual([
      'Dockerfile:14 RUN npm ci +10.0 MB: curl 7.88 is new (+4.0 MB), 8 more Debian packages (+2.0 MB), /var/lib/apt/lists is new (+5.0 MB), /var/cache/apt (+4.0 MB)',
    ])
  })

  it('says which folder of a package has other files, where its version is the same', () => {
    const bottle = packageChange({
      name: 'bottle',
      change: 'same',
      versionAfter: '0.13',
      amount: 9_990_000,
      folder: '/lib/__pycache__',
    })
    const parts = [part({ path: '/lib', ecosystem: 'python', amount: 9_990_000, packages: [bottle], packageCount: 1 })]
    expect(told({ layerChanges: layers([changed({ why: { moved: 0, parts, rest: 0 } })]) })).toEqual([
      'Dockerfile:14 RUN npm ci +10.0 MB in /lib: bottle 0.13 (+10.0 MB, mostly in /lib/__pycache__)',
    ])
  })

  it('does not count what only moved from one layer to another', () => {
    const from = changed({
      change: 'removed',
      sizeAfter: null,
      sizeBefore: 5_000_000,
      why: { moved: -5_000_000, parts: [], rest: 0 },
    })
    const to = changed({
      change: 'added',
      sizeBefore: null,
      sizeAfter: 7_000_000,
      line: 15,
      why: { moved: 5_000_000, parts: [part({ path: '/new', change: 'new', amount: 2_000_000 })], rest: 0 },
    })
    expect(told({ layerChanges: layers([from, to]) })).toEqual([
      'Dockerfile:15 RUN npm ci +2.0 MB, new: /new',
      '1 layer with files that only moved from one layer to another',
    ])
  })

  it('names the image that files were copied from, and a stage where its number alone stands there', () => {
    const copied = (copiedFrom: LayerChange['copiedFrom'], instruction: string) =>
      told({ layerChanges: layers([changed({ instruction, copiedFrom })]) })
    expect(copied({ kind: 'image', name: 'busybox:1' }, 'COPY --from=busybox:1 /bin /bin')).toEqual([
      'Dockerfile:14 COPY --from=busybox:1 /bin /bin +10.0 MB, from the image busybox:1',
    ])
    expect(copied({ kind: 'stage', name: 'build' }, 'COPY --from=0 /out /')).toEqual([
      'Dockerfile:14 COPY --from=0 /out / +10.0 MB, from the stage build',
    ])
    expect(copied({ kind: 'stage', name: 'build' }, 'COPY --from=build /out /')).toEqual([
      'Dockerfile:14 COPY --from=build /out / +10.0 MB',
    ])
  })

  it('shows where a long instruction was edited', () => {
    const packages = 'package '.repeat(20)
    const was = (before: string, after: string): string => {
      const [words = ''] = told({ layerChanges: layers([changed({ instruction: after, instructionBefore: before })]) })
      return words.slice(words.indexOf('; was '))
    }
    expect(was(`RUN install ${packages}--quiet`, `RUN install ${packages}--force`)).toBe(
      '; was …e package package --quiet',
    )
    expect(was(`RUN install ${packages}old ${packages}`, `RUN install ${packages}new ${packages}`)).toBe(
      `; was …age package package old ${packages}, is …age package package new ${packages}`,
    )
    expect(was(`RUN a ${packages}`, `RUN b ${packages}`)).toBe(`; was RUN a ${packages}`)
    expect(was('RUN npm ci --omit=dev', 'RUN npm ci')).toBe('; was RUN npm ci --omit=dev')
  })

  it('is the FROM line, with its packages, where the change names another base image', () => {
    const image = (line: number | null, instruction: string, name: string) => ({
      name,
      digest: null,
      line,
      instruction,
    })
    const libssl = packageChange({
      ecosystem: 'dpkg',
      name: 'libssl3',
      change: 'updated',
      versionBefore: '1',
      versionAfter: '2',
      amount: 11_800_000,
    })
    const why = {
      moved: 0,
      parts: [part({ path: null, ecosystem: 'dpkg', amount: 11_800_000, packages: [libssl], packageCount: 1 })],
      rest: 0,
    }
    const baseImage = {
      before: image(1, 'FROM node:24-slim', 'node:24-slim'),
      after: image(2, 'FROM node:24', 'node:24'),
      change: 'changed',
      growth: { size: 11_800_000, downloadSize: null, layers: 0 },
      why,
    } as const
    const head = totals({ size: 160_000_000, ownSize: totals().ownSize })
    const layerChanges = layers()
    expect(told({ head, layerChanges, baseImage: { ...baseImage, doing: 'change' } })).toEqual([
      'Dockerfile:2 FROM node:24 +11.8 MB: libssl3 1 → 2 (+11.8 MB); was FROM node:24-slim',
    ])
    expect(told({ head, layerChanges, baseImage: { ...baseImage, doing: 'drift' } })).toEqual([])
  })
})
