import { describe, expect, it } from '@jest/globals'
import { toMeasurement, UNKNOWN_ORIGINS, type ImageFacts, type Subject } from '../../src/image/describe.ts'
import { digest } from '../support/measurements.ts'

const SUBJECT: Subject = {
  name: 'api',
  commit: null,
  dockerfile: null,
  ignoreFile: null,
  target: null,
  engine: null,
  source: { reference: 'docker://api', digest: digest('manifest') },
  warnings: [],
}
const WHY = { size: 'no content', downloadSize: 'no blobs' }
const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** An image of layers with these blobs. */
function anImage(blobs: { digest: string; size: number; mediaType?: string; elsewhere?: boolean }[]): ImageFacts {
  return {
    digest: digest('manifest'),
    config: { os: 'linux', architecture: 'amd64', rootfs: { diff_ids: blobs.map((_, at) => digest(`diff${at}`)) } },
    packed: { configSize: 7, layers: blobs.map((blob) => ({ mediaType: GZIP, elsewhere: false, ...blob })) },
  }
}

describe('toMeasurement', () => {
  it('counts each layer in the size, and each blob once in the download size: so much is stored and pulled', () => {
    const image = anImage([
      { digest: digest('a'), size: 100 },
      { digest: digest('b'), size: 20 },
      { digest: digest('a'), size: 100 },
    ])
    const measured = toMeasurement(SUBJECT, image, [300, 50, 300], UNKNOWN_ORIGINS, WHY)
    expect(measured).toMatchObject({
      size: 650,
      downloadSize: 127,
      unmeasured: { size: null, downloadSize: null },
    })
    expect(measured.layers.map(({ size, downloadSize }) => [size, downloadSize])).toEqual([
      [300, 100],
      [50, 20],
      [300, 100],
    ])
  })

  it('has no total where one part is not measured, and says why', () => {
    const image = anImage([
      { digest: digest('a'), size: 100 },
      { digest: digest('b'), size: 20, elsewhere: true },
    ])
    expect(toMeasurement(SUBJECT, image, [300, null], UNKNOWN_ORIGINS, WHY)).toMatchObject({
      size: null,
      downloadSize: 127,
      unmeasured: { size: 'no content', downloadSize: null },
    })
    expect(toMeasurement(SUBJECT, { ...image, packed: null }, [300, 1], UNKNOWN_ORIGINS, WHY)).toMatchObject({
      size: 301,
      downloadSize: null,
      unmeasured: { size: null, downloadSize: 'no blobs' },
    })
  })

  it('tells what the record and the config say, and no value of a variable', () => {
    const image = anImage([{ digest: digest('a'), size: 100 }])
    const copied = {
      fromBase: false as const,
      line: 4,
      instruction: 'COPY --from=build /out /out',
      stage: 'last',
      copiedFrom: { kind: 'stage' as const, name: 'build' },
    }
    const config = { ...image.config, config: { User: '1000', Env: ['TOKEN=abc', 'EMPTY='] } }
    const origins = { ...UNKNOWN_ORIGINS, layers: new Map([[0, copied]]), stages: 2 }
    const measured = toMeasurement(SUBJECT, { ...image, config }, [1], origins, WHY)
    expect(measured).toMatchObject({
      stages: 2,
      settings: { user: '1000', variables: ['TOKEN'], buildArgs: [] },
      content: null,
      layers: [{ line: 4, stage: 'last', fromBase: false, copiedFrom: copied.copiedFrom }],
    })
    expect(toMeasurement(SUBJECT, image, [1], UNKNOWN_ORIGINS, WHY)).toMatchObject({
      stages: null,
      settings: null,
      layers: [{ fromBase: null, copiedFrom: null }],
    })
  })

  it('of an image without layers is 0 bytes and its config; what was not asked for is not 0', () => {
    expect(toMeasurement(SUBJECT, anImage([]), [], UNKNOWN_ORIGINS, WHY)).toMatchObject({ size: 0, downloadSize: 7 })
    expect(toMeasurement(SUBJECT, anImage([]), null, UNKNOWN_ORIGINS, WHY).size).toBeNull()
  })

  it('takes a total of which no part is known', () => {
    const image = anImage([{ digest: digest('a'), size: 100 }])
    const measured = toMeasurement(SUBJECT, image, { total: 300 }, UNKNOWN_ORIGINS, WHY)
    expect([measured.size, measured.layers[0]?.size, measured.sizeFrom]).toEqual([300, null, 'engine'])
  })

  it.each([
    [GZIP, 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
    ['application/vnd.oci.image.layer.v1.tar', 'none'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
    ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
    ['', null],
  ])('tells by the media type how a blob is packed: %j, %s', (mediaType, compression) => {
    const image = anImage([{ digest: digest('a'), size: 100, mediaType }])
    expect(toMeasurement(SUBJECT, image, [1], UNKNOWN_ORIGINS, WHY).layers[0]?.compression).toBe(compression)
  })

  it('refuses a manifest and a config that disagree', () => {
    const image = anImage([{ digest: digest('a'), size: 100 }])
    const config = { ...image.config, rootfs: { diff_ids: [digest('1'), digest('2')] } }
    expect(() => toMeasurement(SUBJECT, { ...image, config }, [1, 2], UNKNOWN_ORIGINS, WHY)).toThrow(
      "The image's manifest lists 1 layers and its config 2.",
    )
  })
})
