import { describe, expect, it } from '@jest/globals'
import { toFailure } from '../../../src/failure.ts'
import { platformName } from '../../../src/image/oci.ts'
import {
  MAX_DOCUMENT_SIZE,
  resolveImages,
  type Entry,
  type ResolvedImage,
} from '../../../src/image/source/manifests.ts'
import {
  addAttestation,
  addBlob,
  addImage,
  addIndex,
  addJson,
  descriptor,
  DOCKER,
  OCI,
  sha256,
  type Blobs,
  type Document,
} from '../../support/images.ts'

const AMD64 = { os: 'linux', architecture: 'amd64' }
const ARM64 = { os: 'linux', architecture: 'arm64', variant: 'v8' }

/** Resolves from blobs in memory; `reads` lists the digests that were asked for. */
async function resolve(
  blobs: Blobs,
  top: Entry,
  platforms: string[] = [],
  reads: string[] = [],
): Promise<ResolvedImage[]> {
  return resolveImages(
    'oci:layout',
    (digest) => {
      reads.push(digest)
      return Promise.resolve(blobs.get(digest)!.bytes)
    },
    [top],
    platforms,
  )
}

it('keeps a bounded amount of documents, however many an index lists', async () => {
  const blobs: Blobs = new Map()
  const padding = 'x'.repeat(6 * 1024 * 1024)
  const large = Array.from({ length: 12 }, (_, at) => ({
    document: addImage(blobs, { platform: `linux/p${at}`, config: { padding } }),
  }))
  const top = addIndex(blobs, large)
  await expect(resolve(blobs, descriptor(top))).rejects.toThrow(
    '`oci:layout` has more than 67108864 bytes of manifests and configs.',
  )
})

async function messageOf(blobs: Blobs, top: Entry, platforms: string[] = []): Promise<string> {
  const failure = await resolve(blobs, top, platforms).then(() => null, toFailure)
  expect(failure?.kind).toBe('measure')
  return failure?.message ?? ''
}

const names = (images: ResolvedImage[]): string[] => images.map(({ config }) => platformName(config))

describe('resolveImages', () => {
  it.each([
    ['OCI', OCI],
    ['Docker schema 2', DOCKER],
  ])('gives what an image of %s weighs, from its manifest and config alone', async (_, types) => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs, { layers: ['base', 'a longer one'], types })
    const reads: string[] = []
    const [found, ...more] = await resolve(blobs, { digest: image.digest }, [], reads)
    expect(more).toEqual([])
    expect(found!.digest).toBe(image.digest)
    expect(found!.packed.layers).toEqual([
      { digest: sha256('base'), size: 4, mediaType: types.layer, elsewhere: false },
      { digest: sha256('a longer one'), size: 12, mediaType: types.layer, elsewhere: false },
    ])
    const manifest = JSON.parse(image.bytes.toString()) as { config: { size: number; digest: string } }
    expect(found!.packed.configSize).toBe(manifest.config.size)
    expect(reads).toEqual([image.digest, manifest.config.digest])
  })

  it('follows an index in an index in order, without the attestations', async () => {
    const blobs: Blobs = new Map()
    const amd64 = addImage(blobs)
    const arm64 = addImage(blobs, { platform: 'linux/arm64/v8', layers: ['arm'] })
    const inner = addIndex(blobs, [
      { document: amd64, platform: AMD64 },
      addAttestation(blobs, amd64),
      { document: arm64, platform: ARM64 },
    ])
    const outer = addIndex(blobs, [{ document: inner }], DOCKER)
    const found = await resolve(blobs, descriptor(outer))
    expect(names(found)).toEqual(['linux/amd64', 'linux/arm64'])
    expect(found.map(({ digest }) => digest)).toEqual([amd64.digest, arm64.digest])
  })

  it('reads only the wanted platforms, and what does not tell its platform', async () => {
    const blobs: Blobs = new Map()
    const amd64 = addImage(blobs)
    const arm64 = addImage(blobs, { platform: 'linux/arm64', layers: ['arm'] })
    const untold = addImage(blobs, { platform: 'linux/s390x', layers: ['z'] })
    const top = addIndex(blobs, [
      { document: amd64, platform: AMD64 },
      { document: arm64, platform: ARM64 },
      { document: untold },
    ])
    const reads: string[] = []
    expect(names(await resolve(blobs, descriptor(top), ['linux/arm64'], reads))).toEqual(['linux/arm64'])
    expect(reads).toContain(untold.digest)
    expect(reads).not.toContain(amd64.digest)
    expect(await resolve(blobs, descriptor(top), ['linux/riscv64'])).toEqual([])
    expect(await resolve(blobs, descriptor(amd64), ['linux/arm64'])).toEqual([])
  })

  it.each([
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['Linux/AMD64', 'linux/amd64'],
  ])('finds %s as %s', async (asked, name) => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs, { platform: name })
    expect(names(await resolve(blobs, descriptor(image), [asked]))).toEqual([name])
  })

  it('takes the platform that the index tells over that of an old config', async () => {
    const blobs: Blobs = new Map()
    const top = addIndex(blobs, [
      {
        document: addImage(blobs, { platform: 'linux/arm' }),
        platform: { os: 'linux', architecture: 'arm', variant: 'v6' },
      },
    ])
    expect(names(await resolve(blobs, descriptor(top)))).toEqual(['linux/arm/v6'])
  })

  it('counts a platform once, the first, and keeps the order', async () => {
    const blobs: Blobs = new Map()
    const first = addImage(blobs, { layers: ['first'] })
    const second = addImage(blobs, { layers: ['second'] })
    const arm = addImage(blobs, { platform: 'linux/arm64' })
    const top = addIndex(blobs, [
      { document: first, platform: AMD64 },
      { document: arm, platform: ARM64 },
      { document: second },
    ])
    const found = await resolve(blobs, descriptor(top))
    expect(found.map(({ digest }) => digest)).toEqual([first.digest, arm.digest])
  })

  it('takes an image without layers, as Go writes it', async () => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs, {
      layers: [],
      manifest: { layers: null },
      config: { rootfs: { type: 'layers', diff_ids: null } },
    })
    const [found] = await resolve(blobs, descriptor(image))
    expect(found!.packed.layers).toEqual([])
  })

  it.each([
    [{ mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
    [{ mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd' }],
    [{ urls: ['https://mcr.example/layer'] }],
  ])('marks a layer that lies elsewhere: %j', async (also) => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs, { layers: [{ bytes: 'windows', also }, 'own'] })
    const [found] = await resolve(blobs, descriptor(image))
    expect(found!.packed.layers.map(({ elsewhere }) => elsewhere)).toEqual([true, false])
  })

  it('leaves out artifacts beside an image, and says what is there where there is no image', async () => {
    const blobs: Blobs = new Map()
    const chart = addImage(blobs, {
      manifest: { config: { digest: sha256('{}'), size: 2, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
    })
    const image = addImage(blobs)
    const sbom: Document = addJson(blobs, {}, 'application/spdx+json')
    const both = addIndex(blobs, [{ document: chart }, { document: sbom }, { document: image, platform: AMD64 }])
    expect(await resolve(blobs, descriptor(both))).toHaveLength(1)
    expect(await messageOf(blobs, descriptor(chart), ['linux/amd64'])).toBe(
      '`oci:layout` is no container image, but holds: application/vnd.cncf.helm.config.v1+json.',
    )
    const alone = addAttestation(blobs, image).document
    expect(await messageOf(blobs, descriptor(alone))).toBe(
      '`oci:layout` is no container image, but holds: an attestation.',
    )
    expect(await messageOf(blobs, descriptor(addIndex(blobs, [])))).toBe('`oci:layout` lists no image.')
  })

  it.each([true, false])('says that schema 1 is too old (digest of the bytes: %s)', async (fits) => {
    const blobs: Blobs = new Map()
    const old = addJson(blobs, { schemaVersion: 1, fsLayers: [] }, 'application/json')
    const digest = fits ? old.digest : sha256('the payload without the signatures')
    blobs.set(digest, old)
    expect(await messageOf(blobs, { digest })).toContain(`the manifest ${digest} has Docker's schema 1`)
  })

  it('refuses a document with another digest or size than is listed', async () => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs)
    const other = addImage(blobs, { layers: ['other'] })
    blobs.set(image.digest, other)
    expect(await messageOf(blobs, { digest: image.digest })).toBe(
      `\`oci:layout\`: the document ${image.digest} has another digest, ${other.digest}.`,
    )
    expect(await messageOf(blobs, { digest: other.digest, size: 7 })).toContain('bytes where 7 are listed')
  })

  it('refuses a config whose size the manifest tells wrong: it is part of the download size', async () => {
    const blobs: Blobs = new Map()
    const { config } = JSON.parse(addImage(blobs).bytes.toString()) as { config: { digest: string; size: number } }
    const lying = addImage(blobs, { manifest: { config: { ...config, mediaType: OCI.config, size: 1 } } })
    expect(await messageOf(blobs, descriptor(lying))).toContain(`the document ${config.digest} has`)
  })

  it('refuses a manifest that lists another number of layers than the config', async () => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs, { config: { rootfs: { diff_ids: [sha256('one')] } } })
    expect(await messageOf(blobs, descriptor(image))).toBe(
      `\`oci:layout\`: the document ${image.digest} lists 2 layers and the image's config 1.`,
    )
  })

  it.each<[string, unknown, string]>([
    ['no JSON', '<html>', 'is no JSON'],
    ['no object', '[]', 'is not as the OCI image spec has it'],
    ['both an index and a manifest', { manifests: [], layers: [], config: {} }, 'is a manifest and an index at once'],
    ['a negative size', { config: { digest: sha256(''), size: -1 }, layers: [] }, 'config.size'],
    ['a digest that is none', { manifests: [{ digest: '../../etc/passwd' }] }, 'manifests.0.digest'],
  ])('refuses %s', async (_, content, expected) => {
    const blobs: Blobs = new Map()
    const document = addBlob(blobs, typeof content === 'string' ? content : JSON.stringify(content))
    expect(await messageOf(blobs, { digest: document.digest })).toContain(expected)
  })

  it('refuses a platform that is no word: it stands in the report', async () => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs, { config: { os: 'linux](https://evil.example)' } })
    expect(await messageOf(blobs, descriptor(image))).toMatch(/is not as the OCI image spec has it: os: /)
  })

  it('refuses layers whose sum is no exact number', async () => {
    const blobs: Blobs = new Map()
    const also = { size: Number.MAX_SAFE_INTEGER }
    const image = addImage(blobs, {
      layers: [
        { bytes: 'a', also },
        { bytes: 'b', also },
      ],
    })
    expect(await messageOf(blobs, descriptor(image))).toContain('layers of an impossible size')
  })

  it('refuses a document over the limit, before it is read where its size is told', async () => {
    const blobs: Blobs = new Map()
    const large = addBlob(blobs, Buffer.alloc(MAX_DOCUMENT_SIZE + 1, ' '))
    expect(await messageOf(blobs, { digest: large.digest })).toContain('has more than 8388608 bytes')
    expect(await messageOf(blobs, { digest: sha256('not there'), size: 2 ** 40 })).toContain(
      'has more than 8388608 bytes',
    )
  })

  it('ends on indexes that are too deep, too many, or one another many times over', async () => {
    const blobs: Blobs = new Map()
    const image = addImage(blobs)
    let deep = addIndex(blobs, [{ document: image, platform: AMD64 }])
    for (let depth = 0; depth < 20; depth += 1) deep = addIndex(blobs, [{ document: deep }])
    expect(await messageOf(blobs, descriptor(deep))).toContain('an index in an index more than 8 deep')

    const wide = addIndex(
      blobs,
      Array.from({ length: 1_001 }, () => ({ document: image })),
    )
    expect(await messageOf(blobs, descriptor(wide))).toContain('lists more than 1000 images')

    // Seven levels of ten times the level below would be ten million images.
    let bomb = addIndex(blobs, [{ document: image, platform: AMD64 }])
    for (let depth = 0; depth < 6; depth += 1) {
      const below = bomb
      bomb = addIndex(
        blobs,
        Array.from({ length: 10 }, () => ({ document: below })),
      )
    }
    expect(await resolve(blobs, descriptor(bomb))).toHaveLength(1)
  })
})
