import { describe, expect, it } from '@jest/globals'
import type { Baseline } from '../../src/baseline/baseline.ts'
import { comparable, compare, compareAll, gonePlatforms } from '../../src/compare/compare.ts'
import type { LayerChange } from '../../src/compare/comparison.ts'
import type { BaseImage, Layer, Measurement } from '../../src/image/measurement.ts'
import {
  aBaseLayer,
  aLayer,
  aLayerOfUnknownOrigin,
  aMeasurement,
  builtBase,
  classicEngine,
  containerdEngine,
  digest,
} from '../support/measurements.ts'

function changes(base: Layer[], head: Layer[]): LayerChange[] {
  return compare(aMeasurement({ layers: head }), aMeasurement({ layers: base }), builtBase()).layerChanges
}

function kinds(base: Layer[], head: Layer[]): string[] {
  return changes(base, head).map((row) => `${row.change} ${row.instruction}`)
}

describe('totals', () => {
  it('are the image and, apart, what it adds to its FROM image', () => {
    const layers = [
      aBaseLayer('ADD rootfs.tar /', { size: 80_000_000, downloadSize: 30_000_000 }),
      aLayer('RUN npm ci', { size: 40_000_000, downloadSize: 9_000_000 }),
      aLayer('COPY . .', { size: 5, downloadSize: 100 }),
    ]
    // The download size is the blobs and the config (1,234 bytes), which no layer has.
    const head = aMeasurement({ layers, downloadSize: 39_001_334 })
    expect(compare(head, null, builtBase()).head).toEqual({
      size: 120_000_005,
      downloadSize: 39_001_334,
      layers: 3,
      ownSize: 40_000_005,
      ownDownloadSize: 9_000_100,
      ownLayers: 2,
      wasted: null,
    })
  })

  it('leave out a sum of which a part was not measured, and the change with it', () => {
    const known = aMeasurement()
    const layers = [aBaseLayer('ADD rootfs.tar /'), aLayer('RUN npm ci', { size: null }), aLayer('COPY . .')]
    const comparison = compare(aMeasurement({ layers }), known, builtBase())
    expect(comparison.head).toMatchObject({ size: null, ownSize: null, layers: 3, ownLayers: 2 })
    expect(comparison.base).toMatchObject({ size: 3_000_000, ownSize: 2_000_000 })
    expect(comparison.change).toMatchObject({ size: null, ownSize: null, layers: { amount: 0, percent: 0 } })
  })

  it('do not miss what was not measured in the FROM image only', () => {
    const layers = [aBaseLayer('ADD rootfs.tar /', { size: null }), aLayer('COPY . .', { size: 7 })]
    expect(compare(aMeasurement({ layers }), null, builtBase()).head).toMatchObject({ size: null, ownSize: 7 })
  })

  it('have no own part where the origin of one layer is not known, nor a change of it', () => {
    const layers = [aLayerOfUnknownOrigin('ADD rootfs.tar /'), aLayer('RUN npm ci'), aLayer('COPY . .')]
    const { head, base, change } = compare(aMeasurement({ layers }), aMeasurement(), builtBase())
    const nothing = { ownSize: null, ownDownloadSize: null, ownLayers: null }
    expect(head).toEqual({ size: 3_000_000, downloadSize: null, layers: 3, wasted: null, ...nothing })
    expect(base).toMatchObject({ size: 3_000_000, ownSize: 2_000_000, ownLayers: 2 })
    expect(change).toMatchObject({ size: { amount: 0 }, layers: { amount: 0 }, ...nothing })
  })

  it('of an image without layers are 0, and known', () => {
    const { head } = compare(aMeasurement({ layers: [] }), null, builtBase())
    expect(head).toMatchObject({ size: 0, layers: 0, ownSize: 0, ownLayers: 0 })
  })

  it('change by a signed amount and its percentage of the base', () => {
    const base = aMeasurement({ layers: [aLayer('RUN a', { size: 200 }), aLayer('RUN b', { size: 200 })] })
    const head = aMeasurement({ layers: [aLayer('RUN a', { size: 150 })] })
    expect(compare(head, base, builtBase()).change).toMatchObject({
      size: { amount: -250, percent: -62.5 },
      layers: { amount: -1, percent: -50 },
      downloadSize: null,
    })
  })

  it('have no percentage of a base of 0', () => {
    const base = aMeasurement({ layers: [] })
    const head = aMeasurement({ layers: [aLayer('COPY . .', { size: 9 })] })
    expect(compare(head, base, builtBase()).change?.size).toEqual({ amount: 9, percent: null })
  })
})

/** `RUN make` before. */
function makeBefore(overrides: Partial<Layer> = {}): Layer {
  return aLayer('RUN make', overrides)
}

/** `RUN make` again, into other content. */
function makeAfter(overrides: Partial<Layer> = {}): Layer {
  return aLayer('RUN make', { diffId: digest('new'), ...overrides })
}

/** A layer as the containerd store tells it: no unpacked size. */
function make(content: string, downloadSize: number | null): Layer {
  return aLayer('RUN make', { diffId: digest(content), size: null, downloadSize })
}

/** The layer below it. */
function copy(content: string): Layer {
  return aLayer('COPY . .', { diffId: digest(content), size: null, downloadSize: 4 })
}

/** A layer of a base image with that content. */
function from(content: string, sizes: Partial<Layer> = {}): Layer {
  return aBaseLayer('ADD rootfs', { diffId: digest(content), size: null, downloadSize: 30_000_000, ...sizes })
}

describe('kinds of layer changes', () => {
  it('unchanged: the same content', () => {
    expect(kinds([makeBefore()], [makeBefore()])).toEqual(['unchanged RUN make'])
  })

  it('rebuilt: the same instruction came to the same size', () => {
    expect(kinds([makeBefore({ size: 7 })], [makeAfter({ size: 7 })])).toEqual(['rebuilt RUN make'])
  })

  it('changed: the same instruction came to another size, were it by one byte', () => {
    expect(kinds([makeBefore({ size: 7 })], [makeAfter({ size: 8 })])).toEqual(['changed RUN make'])
  })

  it('changed: an edited instruction, also when the size stays', () => {
    expect(changes([makeBefore({ line: 3, size: 7 })], [aLayer('RUN make -s', { line: 4, size: 7 })])).toMatchObject([
      { change: 'changed', instruction: 'RUN make -s', instructionBefore: 'RUN make', line: 4 },
    ])
  })

  it('unchanged, and still says what was edited, where an edit made the same content', () => {
    const diffId = digest('the file')
    expect(changes([aLayer('COPY a /', { diffId })], [aLayer('COPY ./a /', { diffId })])).toMatchObject([
      { change: 'unchanged', instruction: 'COPY ./a /', instructionBefore: 'COPY a /' },
    ])
  })

  it('added and removed: with no size on the other side, the removed one where it stood', () => {
    const shared = [aLayer('WORKDIR /app'), aLayer('COPY . .')]
    const base = shared.toSpliced(1, 0, aLayer('RUN old', { size: 5, downloadSize: 3, line: 2, stage: 'app' }))
    const head = shared.toSpliced(2, 0, aLayer('ADD new', { size: 6, downloadSize: 4, line: 9 }))
    expect(changes(base, head)).toMatchObject([
      { change: 'unchanged', instruction: 'WORKDIR /app' },
      {
        change: 'removed',
        instruction: 'RUN old',
        instructionBefore: null,
        file: 'Dockerfile',
        line: 2,
        stage: 'app',
        sizeBefore: 5,
        sizeAfter: null,
        downloadSizeBefore: 3,
        downloadSizeAfter: null,
      },
      { change: 'unchanged', instruction: 'COPY . .' },
      { change: 'added', instruction: 'ADD new', line: 9, sizeBefore: null, sizeAfter: 6, downloadSizeAfter: 4 },
    ])
  })

  it('are all "added" without a base: the list of what is in the image', () => {
    const { layerChanges, base, change } = compare(aMeasurement(), null, builtBase())
    expect(layerChanges.map((row) => row.change)).toEqual(['added', 'added', 'added'])
    expect({ base, change }).toEqual({ base: null, change: null })
  })

  it('leave the origin open where it is not known, and compare all the same', () => {
    const known = [aBaseLayer('ADD rootfs.tar /'), aLayer('RUN npm ci', { line: 3 })]
    const unknown = [aLayerOfUnknownOrigin('ADD rootfs.tar /'), aLayerOfUnknownOrigin('RUN npm ci')]
    expect(changes(known, unknown)).toMatchObject([
      { change: 'unchanged', instruction: 'ADD rootfs.tar /', fromBase: null },
      { change: 'unchanged', instruction: 'RUN npm ci', fromBase: null, line: null },
    ])
    expect(changes(unknown, known)).toMatchObject([
      { change: 'unchanged', fromBase: true },
      { change: 'unchanged', fromBase: false, line: 3 },
    ])
  })
})

describe('kinds of layer changes where only download sizes are known', () => {
  it('rebuilt: the same size', () => {
    expect(kinds([make('1', 50)], [make('2', 50)])).toEqual(['rebuilt RUN make'])
  })

  it('changed: any other size, where all below is unchanged', () => {
    expect(kinds([copy('1'), make('1', 50)], [copy('1'), make('2', 51)])[1]).toBe('changed RUN make')
  })

  it.each([
    { before: 50_000, after: 51_000, change: 'rebuilt' },
    { before: 50_000, after: 51_001, change: 'changed' },
    { before: 50_000, after: 48_999, change: 'changed' },
    { before: 20_000_000, after: 20_020_000, change: 'rebuilt' },
    { before: 20_000_000, after: 20_020_001, change: 'changed' },
    { before: 20_000_000, after: 19_980_000, change: 'rebuilt' },
  ])('$change: $before to $after bytes above a changed layer', ({ before, after, change }) => {
    const rows = kinds([copy('1'), make('1', before)], [copy('2'), make('2', after)])
    expect(rows[1]).toBe(`${change} RUN make`)
  })

  it('counts a layer removed below as a change below', () => {
    expect(kinds([copy('1'), make('1', 50)], [make('2', 51)])).toEqual(['removed COPY . .', 'rebuilt RUN make'])
  })

  it('counts a moved FROM image as a change below', () => {
    expect(kinds([from('1'), make('1', 50)], [from('2'), make('2', 51)])[1]).toBe('rebuilt RUN make')
  })

  it('changed: nothing is known that would say it is the same', () => {
    expect(kinds([make('1', null)], [make('2', null)])).toEqual(['changed RUN make'])
    expect(kinds([make('1', 50)], [make('2', null)])).toEqual(['changed RUN make'])
  })
})

describe('the base image', () => {
  const node: BaseImage = { name: 'docker.io/library/node:24', digest: digest('1'), line: null, instruction: null }
  const noDigest: BaseImage = { name: node.name, digest: null, line: null, instruction: null }
  const own = aLayer('COPY . .')
  const untold = aLayerOfUnknownOrigin('ADD rootfs', { diffId: digest('1') })

  it.each([
    ['unchanged', 'the same name and digest', [node, [from('1'), own]], [node, [from('1'), own]]],
    ['changed', 'another digest', [node, [from('1')]], [{ ...node, digest: digest('2') }, [from('2')]]],
    ['changed', 'another name', [node, [from('1')]], [{ ...node, name: 'docker.io/library/node:26' }, [from('1')]]],
    [
      'changed',
      'another name, no digests',
      [noDigest, [from('1')]],
      [{ name: 'node:26', digest: null, line: null, instruction: null }, [from('1')]],
    ],
    ['unchanged', 'no digests, the same layers', [noDigest, [from('1'), own]], [noDigest, [from('1')]]],
    ['unchanged', 'one digest, the same layers', [noDigest, [from('1')]], [node, [from('1')]]],
    ['changed', 'no digests, other layers', [noDigest, [from('1')]], [noDigest, [from('2')]]],
    ['changed', 'no digests, one layer more', [noDigest, [from('1')]], [noDigest, [from('1'), from('2')]]],
    ['unknown', 'no digests, origins not known', [noDigest, [untold]], [noDigest, [untold]]],
    ['unknown', 'origins not known on either side', [null, [untold]], [null, [untold]]],
    ['unknown', 'origins not known any more', [node, [from('1'), own]], [null, [untold]]],
    ['unknown', 'origins not known before', [null, [untold]], [node, [from('1'), own]]],
    ['changed', 'another digest, origins not known', [node, [untold]], [{ ...node, digest: digest('2') }, [untold]]],
    ['unchanged', 'scratch on both sides', [null, [own]], [null, [own, own]]],
    ['changed', 'node to scratch', [node, [from('1'), own]], [null, [own]]],
    ['changed', 'scratch to node', [null, [own]], [node, [from('1'), own]]],
    ['changed', 'node to scratch with the same layers', [node, [from('1')]], [null, [aLayer('ADD rootfs')]]],
    ['unchanged', 'not named on either side, the same layers', [null, [from('1'), own]], [null, [from('1')]]],
    ['changed', 'not named on either side, other layers', [null, [from('1')]], [null, [from('2')]]],
  ] as [string, string, [BaseImage | null, Layer[]], [BaseImage | null, Layer[]]][])(
    'is %s: %s',
    (expected, _, [imageBefore, layersBefore], [imageAfter, layersAfter]) => {
      const base = aMeasurement({ baseImage: imageBefore, layers: layersBefore })
      const head = aMeasurement({ baseImage: imageAfter, layers: layersAfter })
      expect(compare(head, base, builtBase()).baseImage).toMatchObject({
        before: imageBefore,
        after: imageAfter,
        change: expected,
        why: null,
      })
    },
  )

  it('is unknown without a base, but still named', () => {
    const { baseImage } = compare(aMeasurement({ baseImage: node }), null, builtBase())
    expect(baseImage).toEqual({ before: null, after: node, change: 'unknown', doing: null, growth: null, why: null })
  })

  const known = (seed: string, instruction: string | null, name = 'node:24'): BaseImage => ({
    name,
    digest: digest(seed),
    line: 1,
    instruction,
  })
  it.each([
    ['drift', 'FROM node:24', 'FROM node:24'],
    ['drift', 'FROM node:24 AS build', 'from --platform=linux/amd64 node:24 AS runtime'],
    ['drift', 'FROM ${REGISTRY}/node:${VERSION}-slim', 'FROM ${REGISTRY}/node:${VERSION}-slim'],
    ['change', 'FROM node:24@sha256:1', 'FROM node:24@sha256:2'],
    ['change', 'FROM node:24', 'FROM node:24@sha256:2'],
    // A digest may have come in by the variable.
    [null, 'FROM node:$VERSION', 'FROM node:$VERSION'],
    [null, 'FROM ${BASE}', 'FROM ${BASE}'],
    [null, 'FROM node:24@sha256:${HEX}0', 'FROM node:24@sha256:${HEX}0'],
    [null, null, 'FROM node:24'],
    [null, null, null],
  ])('that is another one is the doing of %s: %s, then %s', (doing, before, after) => {
    const base = aMeasurement({
      baseImage: known('1', before),
      layers: [from('1', { size: 100, downloadSize: 40 }), own],
    })
    const layers = [from('2', { size: 150, downloadSize: 30 }), from('3', { size: 1, downloadSize: 1 }), own]
    const { baseImage } = compare(aMeasurement({ baseImage: known('2', after), layers }), base, builtBase())
    expect(baseImage).toMatchObject({ change: 'changed', doing, growth: { size: 51, downloadSize: -9, layers: 1 } })
  })

  it('is the change’s doing by another name, and of unknown growth where the layers’ origins are not known', () => {
    const base = aMeasurement({ baseImage: known('1', 'FROM $BASE', 'node:22'), layers: [from('1'), own] })
    const head = aMeasurement({ baseImage: known('2', 'FROM $BASE'), layers: [untold] })
    expect(compare(head, base, builtBase()).baseImage).toMatchObject({ doing: 'change', growth: null })
  })
})

describe('what is never compared', () => {
  it.each([
    [{ engine: containerdEngine }, 'the base was measured on the containerd store, this change on the classic store'],
    [{ platform: 'linux/arm64' }, 'the base was measured for linux/arm64, this change for linux/amd64'],
  ] as [Partial<Measurement>, string][])('a base that differs in %j', (difference, reason) => {
    const base = aMeasurement(difference)
    expect(comparable(aMeasurement(), base)).toBe(reason)

    const comparison = compare(aMeasurement(), base, builtBase())
    expect(comparison.baseline).toEqual({ ...builtBase(), kind: 'none', reason })
    expect(comparison).toMatchObject({ base: null, change: null, baseImage: { before: null, change: 'unknown' } })
  })

  it('a base that was written by another version of the data model', () => {
    const base: Measurement = JSON.parse(JSON.stringify({ ...aMeasurement(), schema: 2 }))
    expect(comparable(aMeasurement(), base)).toBe("the base's measurement has schema 2, this change's has schema 1")
  })

  it('the download sizes of layers that are packed by another compressor; their sizes are', () => {
    const shared = aBaseLayer('ADD rootfs.tar /', { digest: digest('blob'), downloadSize: 5, compression: 'zstd' })
    const own = (compression: Layer['compression'], downloadSize: number) =>
      aLayer('COPY . .', {
        diffId: digest(String(downloadSize)),
        digest: digest(`blob${downloadSize}`),
        downloadSize,
        compression,
      })
    const base = aMeasurement({ layers: [shared, own('gzip', 50)] })
    const repacked = aMeasurement({ layers: [shared, own('zstd', 40)] })
    expect(compare(repacked, base, builtBase())).toMatchObject({
      change: { size: { amount: 0 }, downloadSize: null, ownDownloadSize: null },
      unlikeDownloads: "the base's layers are packed by gzip, this change's packed by zstd",
    })
    // Whatever the layers are packed by that both have.
    expect(compare(aMeasurement({ layers: [shared, own('gzip', 60)] }), base, builtBase())).toMatchObject({
      change: { downloadSize: { amount: 10 } },
      unlikeDownloads: null,
    })
    // Where nothing else is measured both figures are there, and no change.
    const unread = (measurement: Measurement) => ({ ...measurement, size: null })
    expect(compare(unread(repacked), unread(base), builtBase())).toMatchObject({
      base: { downloadSize: 55 },
      change: { size: null, downloadSize: null },
    })
  })

  it('the download sizes where equal layers were packed anew: nothing changed, and the weight did', () => {
    const packedBy = (who: string, downloadSize: number) =>
      aMeasurement({ layers: [aLayer('COPY . .', { digest: digest(who), downloadSize, compression: 'gzip' })] })
    expect(compare(packedBy('docker', 60), packedBy('pigz', 50), builtBase())).toMatchObject({
      change: { size: { amount: 0 }, downloadSize: null },
      unlikeDownloads: 'layers that both have were packed anew, and weigh otherwise',
    })
    expect(compare(packedBy('docker', 60), packedBy('docker', 60), builtBase()).unlikeDownloads).toBeNull()
  })

  it("a size that was read with the engine's own count", () => {
    expect(comparable(aMeasurement(), aMeasurement({ sizeFrom: 'engine' }))).toBe(
      "one size is read from the image's layers, the other is the engine's own count",
    )
  })

  it('does not bar an image that was not built, whatever built the other', () => {
    expect(comparable(aMeasurement(), aMeasurement({ engine: null }))).toBeNull()
  })

  it('does not bar another version of the same engine', () => {
    const older = { ...classicEngine, version: '26.1.5', buildx: '0.13.0' }
    expect(comparable(aMeasurement(), aMeasurement({ engine: older }))).toBeNull()
  })
})

describe('gonePlatforms', () => {
  it('are those that the base has, measured or not, and the head has not', () => {
    const baseline: Baseline = {
      kind: 'image',
      commit: null,
      ref: 'docker://api:1',
      reason: null,
      record: null,
      passedOver: null,
      measurements: [aMeasurement()],
      platforms: ['linux/amd64', 'linux/arm64'],
    }
    expect(gonePlatforms([aMeasurement()], baseline)).toEqual(['linux/arm64'])
    expect(gonePlatforms([aMeasurement(), aMeasurement({ platform: 'linux/arm64' })], baseline)).toEqual([])
  })
})

describe('compareAll', () => {
  const amd64 = aMeasurement()
  const arm64 = aMeasurement({ platform: 'linux/arm64', layers: [aLayer('COPY . .', { size: 1 })] })
  const baseline = (overrides: Partial<Baseline> = {}): Baseline => ({
    kind: 'build',
    commit: 'a1b2c3d',
    ref: 'main',
    reason: null,
    record: null,
    passedOver: null,
    measurements: [arm64, amd64],
    platforms: ['linux/arm64', 'linux/amd64'],
    ...overrides,
  })

  it('compares each platform with its own', () => {
    const comparisons = compareAll([amd64, arm64], baseline()).map(({ comparison }) => comparison)
    expect(comparisons.map((one) => [one.platform, one.change?.size])).toEqual([
      ['linux/amd64', { amount: 0, percent: 0 }],
      ['linux/arm64', { amount: 0, percent: 0 }],
    ])
    expect(comparisons[0]?.baseline).toEqual({
      kind: 'build',
      commit: 'a1b2c3d',
      ref: 'main',
      reason: null,
      record: null,
      passedOver: null,
    })
  })

  it('says so where the base lacks a platform, and compares the others', () => {
    const comparisons = compareAll([amd64, arm64], baseline({ measurements: [amd64], platforms: ['linux/amd64'] })).map(
      ({ comparison }) => comparison,
    )
    expect(comparisons.map((one) => one.baseline.kind)).toEqual(['build', 'none'])
    expect(comparisons[1]).toMatchObject({
      base: null,
      baseline: { commit: 'a1b2c3d', reason: 'the base has no image for linux/arm64, only for linux/amd64' },
    })
  })

  it('keeps the reason why there is no baseline at all', () => {
    const none = baseline({
      kind: 'none',
      reason: 'the base has no Dockerfile',
      record: null,
      passedOver: null,
      measurements: [],
    })
    expect(compareAll([amd64], none)[0]?.comparison.baseline).toEqual({
      kind: 'none',
      commit: 'a1b2c3d',
      ref: 'main',
      reason: 'the base has no Dockerfile',
      record: null,
      passedOver: null,
    })
  })
})
