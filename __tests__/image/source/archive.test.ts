import { execFileSync, spawn } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from '@jest/globals'
import { CouldNotMeasure } from '../../../src/failure.ts'
import { createLayerContents, type LayerContents } from '../../../src/image/layer/contents.ts'
import { platformName } from '../../../src/image/oci.ts'
import { dockerArchive, ociArchive } from '../../../src/image/source/archive.ts'
import type { SourceImage } from '../../../src/image/source/source.ts'
import { readSavedStream } from '../../../src/image/source/stream.ts'
import { incompressible } from '../../support/bytes.ts'
import { streamOf } from '../layer/archives.ts'
import {
  archiveOf,
  attestationOf,
  digestOf,
  gzipped,
  imageOf,
  indexOf,
  json,
  layerOf,
  layoutOf,
  legacyOf,
  named,
  savedOf,
  sha256,
  tarOf,
  type MadeImage,
  type MadeLayer,
  type Member,
} from '../../support/saved-images.ts'

const folders: string[] = []
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })))

function fileOf(content: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'archive-'))
  folders.push(folder)
  const file = join(folder, 'image.tar')
  writeFileSync(file, content)
  return file
}

const plain = [layerOf({ 'etc/os': 'a'.repeat(1000) }), layerOf({ app: 'b'.repeat(500), 'etc/.wh.os': '' })]
const packed = plain.map(gzipped)
const unpackedApi = imageOf(plain)
const api = imageOf(packed)
const arm = imageOf(packed.slice(1), 'linux/arm64')
const packedSize = (image: MadeImage): number =>
  image.layers.reduce((sum, { stored }) => sum + stored.length, image.config.length)

/** What an image's totals are: all content is read, and verified. */
async function totals(images: SourceImage[], contents: LayerContents) {
  const rows = []
  for (const image of images) {
    let size = 0
    for (const [at, diffId] of (image.config.rootfs?.diff_ids ?? []).entries()) {
      const blob = image.packed?.layers[at] ?? null
      size += (await contents.read(diffId, blob, () => image.openLayer(at))).size
    }
    const download =
      image.packed && image.packed.layers.reduce((sum, layer) => sum + layer.size, image.packed.configSize)
    rows.push({ platform: platformName(image.config), digest: image.digest, size, download })
  }
  return rows
}

type Read = (content: Buffer, name?: string | null, platforms?: string[]) => ReturnType<typeof totals>

const inChunks = (content: Buffer, length = 777): AsyncGenerator<Uint8Array> => streamOf(content, [length])

const fromFile =
  (pack: (content: Buffer) => Buffer): Read =>
  async (content, name = null, platforms = []) => {
    const contents = createLayerContents(new AbortController().signal)
    const source = dockerArchive(fileOf(pack(content)), name)
    try {
      return await totals(await source.images({ platforms, contents, downloadSizes: true }), contents)
    } finally {
      await source.close()
    }
  }

/** The ways in which what `docker save` writes can come. */
const ways: [string, Read][] = [
  ['a file', fromFile((content) => content)],
  ['a gzip file', fromFile((content) => gzipSync(content))],
  ['a zstd file', fromFile((content) => zstdCompressSync(content))],
  [
    'a stream',
    async (content, name = null, platforms = []) => {
      const contents = createLayerContents(new AbortController().signal)
      const wanted = { platforms, contents, downloadSizes: true }
      return totals(await readSavedStream(inChunks(content), 'docker save', name, wanted), contents)
    },
  ],
]

const failure = async (reading: Promise<unknown>) =>
  reading.then(
    (value) => value,
    (error: { failure?: { kind: string; message: string; remedy: string | null } }) => error.failure ?? error,
  )

describe.each(ways)('docker-archive as %s', (_, read) => {
  it('has no download size in what the classic store saves: its layers are unpacked', async () => {
    const saved = archiveOf(savedOf([{ image: unpackedApi, tag: 'api:1' }]))
    expect(await read(saved)).toEqual([{ platform: 'linux/amd64', digest: null, size: 1500, download: null }])
  })

  it('has the exact download size in what the containerd store saves, for all platforms', async () => {
    const top = indexOf([api, attestationOf(api), arm])
    const saved = archiveOf(savedOf([{ image: arm, top, tag: 'api:1' }]))
    expect(await read(saved)).toEqual([
      { platform: 'linux/amd64', digest: api.digest, size: 1500, download: packedSize(api) },
      { platform: 'linux/arm64', digest: arm.digest, size: 500, download: packedSize(arm) },
    ])
    expect((await read(saved, null, ['linux/arm64'])).map(({ platform }) => platform)).toEqual(['linux/arm64'])
  })

  it('counts an uncompressed layer as it is where others are packed', async () => {
    const mixed = imageOf([plain[0]!, packed[1]!])
    expect(await read(archiveOf(savedOf([{ image: mixed, tag: 'api:1' }])))).toMatchObject([
      { size: 1500, download: packedSize(mixed) },
    ])
  })

  it('reads the layout of 20.10, whose equal layers are links', async () => {
    const image = imageOf([plain[0]!, plain[1]!, plain[0]!])
    expect(await read(tarOf(legacyOf(image, ['api:1'])))).toEqual([
      { platform: 'linux/amd64', digest: null, size: 2500, download: null },
    ])
  })

  it('reads archives of any names: gzip layers, a config named sha256:HEX, equal paths, a leading ./', async () => {
    const saved = tarOf([
      { path: './sha256:abc', content: 'replaced below' },
      ...packed.map(({ stored }, at) => ({ path: `./layer ${at}.tar.gz`, content: stored })),
      { path: './', content: '' },
      { path: `./sha256:${sha256(api.config)}`, content: api.config },
      {
        path: './manifest.json',
        content: json([
          { Config: `sha256:${sha256(api.config)}`, RepoTags: null, Layers: ['layer 0.tar.gz', './layer 1.tar.gz'] },
        ]),
      },
    ])
    expect(await read(saved)).toMatchObject([{ size: 1500, download: null }])
  })

  it('takes the last of two members with one path, as unpacking does', async () => {
    const config = `${sha256(api.config)}.json`
    const manifest = (layers: string[]) => json([{ Config: config, RepoTags: null, Layers: layers }])
    const saved = tarOf([
      { path: config, content: api.config },
      { path: 'manifest.json', content: manifest(['none', 'none']) },
      { path: 'a', content: packed[1]!.stored },
      { path: 'a', content: packed[0]!.stored },
      { path: 'b', symlink: 'c' },
      { path: 'c', link: 'd' },
      { path: 'd', content: packed[1]!.stored },
      { path: 'manifest.json', content: manifest(['a', 'b']) },
    ])
    expect(await read(saved)).toMatchObject([{ size: 1500 }])
  })

  it('reads a layer whose first file looks like JSON', async () => {
    const routes = imageOf([layerOf({ '[slug].html': 'x'.repeat(70) }), layerOf({ '{a}': 'y'.repeat(7) }), layerOf({})])
    expect(await read(archiveOf(savedOf([{ image: routes, tag: null }])))).toMatchObject([{ size: 77 }])
    expect(await read(tarOf(legacyOf(routes, null)))).toMatchObject([{ size: 77 }])
  })

  it('reads an image without layers', async () => {
    const empty = imageOf([])
    expect(await read(archiveOf(savedOf([{ image: empty, tag: 'empty:1' }])))).toEqual([
      { platform: 'linux/amd64', digest: empty.digest, size: 0, download: empty.config.length },
    ])
    expect(await read(tarOf(legacyOf(empty, null)))).toMatchObject([{ size: 0, download: null }])
  })

  it('reads layers in zstd, in several gzip members, and with files after the end', async () => {
    const layers: MadeLayer[] = [
      {
        ...plain[0]!,
        stored: zstdCompressSync(plain[0]!.tar),
        mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
      },
      {
        ...packed[1]!,
        stored: Buffer.concat([gzipSync(plain[1]!.tar.subarray(0, 600)), gzipSync(plain[1]!.tar.subarray(600))]),
      },
    ]
    const image = imageOf(layers)
    expect(await read(archiveOf(savedOf([{ image, tag: 'api:1' }])))).toMatchObject([
      { size: 1500, download: packedSize(image) },
    ])
  })

  it('finds an image by its tag or its place where there are several, and lists them where none is asked for', async () => {
    const saved = archiveOf(
      savedOf([
        { image: api, tag: 'api:1' },
        { image: arm, tag: 'acme/arm:latest' },
        { image: imageOf(packed.slice(0, 1)), tag: null },
      ]),
    )
    const size = async (name: string) => (await read(saved, name)).map((row) => row.size)
    expect(await size('api:1')).toEqual([1500])
    expect(await size('docker.io/library/api:1')).toEqual([1500])
    expect(await size('acme/arm')).toEqual([500])
    expect(await size('@1')).toEqual([500])
    expect(await size('@2')).toEqual([1000])
    expect(await failure(read(saved))).toMatchObject({
      kind: 'input',
      message: expect.stringMatching(/^There is more than one image in `.*`: `api:1`, `acme\/arm:latest`, `@2`\.$/),
    })
    expect(await failure(read(saved, 'api:2'))).toMatchObject({
      kind: 'input',
      remedy: expect.stringContaining('`api:1`'),
    })
    expect(await failure(read(saved, '@3'))).toMatchObject({ kind: 'input' })
  })

  it('takes the manifest that has the name where two of one config differ in how they are packed', async () => {
    const again = imageOf(plain.map((layer) => ({ ...gzipped(layer), stored: gzipSync(layer.tar, { level: 0 }) })))
    const files = layoutOf([named('docker.io/library/api:1', api), named('docker.io/library/api:2', again)])
    const entry = { Config: `blobs/sha256/${sha256(api.config)}`, RepoTags: ['api:1', 'api:2'], Layers: ['x', 'y'] }
    const saved = archiveOf(new Map([...files, ['manifest.json', json([entry])]]))
    expect(await read(saved, 'api:1')).toMatchObject([{ download: packedSize(api) }])
    expect(await read(saved, 'api:2')).toMatchObject([{ download: packedSize(again) }])
    expect(await failure(read(saved))).toMatchObject({ kind: 'input' })
  })

  const legacy = legacyOf(unpackedApi, ['api:1'])
  const without = (path: RegExp): Member[] => legacy.filter((member) => !path.test(member.path))
  const config = `${sha256(unpackedApi.config)}.json`
  const listing = (value: unknown): Buffer =>
    tarOf([...without(/^manifest/), { path: 'manifest.json', content: JSON.stringify(value) }])
  it.each<[string, Buffer, RegExp]>([
    ['is empty', Buffer.alloc(0), /is empty|cut off/],
    ['is no tar file', Buffer.from('hello '.repeat(300)), /no tar archive/],
    ['has nothing in it', tarOf([]), /There is no `manifest.json` in /],
    ['has no manifest.json', tarOf(without(/^manifest/)), /There is no `manifest.json` in /],
    [
      'has a manifest.json that is not JSON',
      tarOf([{ path: 'manifest.json', content: '[{' }]),
      /manifest.json in `.*` is not JSON/,
    ],
    ['has a manifest.json of another shape', listing([{ Config: 1 }]), /is not what it should be at `0.Config`/],
    ['lists no image', listing([]), /There is no image in /],
    ['has no config', tarOf(without(/^[0-9a-f]{64}\.json/)), /The config [0-9a-f]+\.json is not in /],
    ['has another config', tarOf([...legacy, { path: config, content: '{}' }]), /has another digest, sha256:44136fa3/],
    ['has no layer', tarOf(without(/layer\.tar$/)), /The layer .*layer\.tar is not in /],
    ['lists too few layers', listing([{ Config: config, Layers: ['x'] }]), /lists 1 layers in manifest.json and 2 in /],
    [
      'has a layer with other content',
      tarOf(
        legacy.map((member) => (/layer/.test(member.path) ? { ...member, content: layerOf({ x: 'y' }).tar } : member)),
      ),
      /diffID/,
    ],
    [
      'has links that lead nowhere',
      tarOf([
        ...without(/layer\.tar$/),
        ...legacy.filter(({ path }) => path.endsWith('layer.tar')).map(({ path }) => ({ path, symlink: 'layer.tar' })),
      ]),
      /The layer .*layer\.tar is not in /,
    ],
    [
      'has a link to a file of the machine',
      tarOf([
        ...without(/layer\.tar$/),
        ...legacy
          .filter(({ path }) => path.endsWith('layer.tar'))
          .map(({ path }) => ({ path, symlink: '/etc/hostname' })),
      ]),
      /The layer .*layer\.tar is not in /,
    ],
    [
      'has a document too large',
      tarOf([...without(/^manifest/), { path: 'manifest.json', content: '['.repeat(8 * 1024 * 1024 + 1) }]),
      /manifest\.json/,
    ],
  ])('fails on an archive that %s', async (_what, content, message) => {
    expect(await failure(read(content))).toMatchObject({ kind: 'measure', message: expect.stringMatching(message) })
  })

  it('never gives a part of an archive that is cut off', async () => {
    for (const whole of [tarOf(legacy), archiveOf(savedOf([{ image: api, top: indexOf([api, arm]), tag: 'a:1' }]))]) {
      const expected = await read(whole)
      // The end marker's second block is not needed.
      for (let end = 1; end < whole.length - 1024; end += 997) {
        expect(await failure(read(whole.subarray(0, end)))).toMatchObject({ kind: 'measure' })
      }
      expect(await read(whole)).toEqual(expected)
    }
  })

  it('never gives another figure for an archive with a flipped bit', async () => {
    const whole = archiveOf(savedOf([{ image: api, top: indexOf([api, arm]), tag: 'a:1' }]))
    const [figures] = [await read(whole)]
    for (let at = 3; at < whole.length; at += 277) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      const result = await failure(read(damaged))
      // Padding, and names in the documents that are not in a blob, count for nothing.
      const isSame = JSON.stringify(result) === JSON.stringify(figures)
      if (!isSame) expect(result).toMatchObject({ kind: expect.stringMatching(/^(?:measure|input)$/) })
    }
  })
})

describe('dockerArchive', () => {
  it('reads a pipe', async () => {
    const file = fileOf(archiveOf(savedOf([{ image: api, tag: 'api:1' }])))
    const pipe = `${file}.pipe`
    execFileSync('mkfifo', [pipe])
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', file, pipe])
    const ended = new Promise((resolve) => writer.once('close', resolve))
    const contents = createLayerContents(new AbortController().signal)
    const images = await dockerArchive(pipe, null).images({ platforms: [], contents, downloadSizes: true })
    await ended
    expect(await totals(images, contents)).toMatchObject([{ size: 1500, download: packedSize(api) }])
  })

  it('reads a zstd file that begins with a skippable frame', async () => {
    const frame = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const saved = archiveOf(savedOf([{ image: api, tag: 'api:1' }]))
    const read = fromFile((content) => Buffer.concat([frame, zstdCompressSync(content)]))
    expect(await read(saved)).toMatchObject([{ size: 1500, download: packedSize(api) }])
  })

  it('says what stands there in place of a file', async () => {
    const wanted = { platforms: [], contents: null, downloadSizes: true }
    const file = fileOf(Buffer.alloc(0))
    const images = async (path: string) => failure(dockerArchive(path, null).images(wanted))
    expect(await images(`${file}.none`)).toMatchObject({
      kind: 'precondition',
      message: `There is no file \`${file}.none\`: no such file or directory.`,
    })
    expect(await images(join(file, '..'))).toMatchObject({
      kind: 'precondition',
      remedy: expect.stringContaining('oci:'),
    })
    expect(await images('/dev/zero')).toMatchObject({ kind: 'measure', message: '`/dev/zero` is not a file.' })
    expect(await images(file)).toMatchObject({ kind: 'measure', message: `\`${file}\` is empty.` })
  })

  it('needs no content for the totals', async () => {
    const files = savedOf([{ image: api, tag: 'api:1' }])
    // Nothing of the layers is read: a damaged one shows only when it is.
    files.set(`blobs/sha256/${sha256(packed[0]!.stored)}`, Buffer.alloc(packed[0]!.stored.length))
    const source = dockerArchive(fileOf(archiveOf(files)), null)
    const [image] = await source.images({ platforms: [], contents: null, downloadSizes: true })
    expect(image?.packed?.layers.map(({ size }) => size)).toEqual(packed.map(({ stored }) => stored.length))
    expect(await failure(totals([image!], createLayerContents(new AbortController().signal)))).toMatchObject({
      kind: 'measure',
    })
  })

  it('refuses an archive of too many files', async () => {
    const member = tarOf([{ path: 'x' }]).subarray(0, 512)
    const bomb = Buffer.concat([...Array.from({ length: 100_001 }, () => member), Buffer.alloc(1024)])
    const images = dockerArchive(fileOf(bomb), null).images({ platforms: [], contents: null, downloadSizes: true })
    expect(await failure(images)).toMatchObject({ message: expect.stringContaining('more than 100000 files') })
  })
})

describe('ociArchive', () => {
  const images = (content: Buffer, name: string | null = null) =>
    ociArchive(fileOf(content), name).images({ platforms: [], contents: null, downloadSizes: true })

  it.each([
    ['plain', (content: Buffer) => content],
    ['gzip', (content: Buffer) => gzipSync(content)],
  ])('reads a layout in a %s tar file', async (_, pack) => {
    const files = layoutOf([named('v1', api), named('v2', unpackedApi)])
    expect(await images(pack(archiveOf(files)), 'v1')).toMatchObject([{ digest: api.digest }])
    const [unpacked] = await images(pack(archiveOf(files)), 'v2')
    expect(unpacked?.packed?.layers.map(({ size }) => size)).toEqual(plain.map(({ stored }) => stored.length))
  })

  it('has no download size either in what the classic store saves', async () => {
    const saved = archiveOf(savedOf([{ image: unpackedApi, tag: 'api:1' }]))
    expect(await images(saved)).toMatchObject([{ digest: null, packed: null }])
  })

  it('sends to the other transport what `docker save` wrote before 25', async () => {
    expect(await failure(images(tarOf(legacyOf(unpackedApi, ['api:1']))))).toMatchObject({
      kind: 'measure',
      message: expect.stringContaining('There is no `oci-layout` in '),
      remedy: expect.stringContaining('docker-archive:'),
    })
  })
})

describe('readSavedStream', () => {
  it('passes over a layer that is known, and adds the others', async () => {
    const contents = createLayerContents(new AbortController().signal)
    const known = digestOf(plain[0]!.tar)
    contents.add({
      diffId: known,
      size: 4711,
      entries: [],
      factBytes: 0,
    })
    const saved = savedOf([{ image: unpackedApi, tag: 'api:1' }])
    // Not even its digest is computed.
    saved.set(`blobs/sha256/${known.slice(7)}`, Buffer.alloc(plain[0]!.tar.length, 1))
    const wanted = { platforms: [], contents, downloadSizes: false }
    const images = await readSavedStream(inChunks(archiveOf(saved)), 'docker save', null, wanted)
    expect(await totals(images, contents)).toMatchObject([{ size: 4711 + 500 }])
  })

  it('passes over what is packed and no layer, however slowly it comes', async () => {
    const other = { path: 'other', content: gzipSync(incompressible(100_000)) }
    const saved = tarOf([
      other,
      ...[...savedOf([{ image: unpackedApi, tag: 'api:1' }])].map(([path, content]) => ({ path, content })),
    ])
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(saved, 5000)) {
        await setImmediate()
        yield chunk
      }
    }
    const contents = createLayerContents(new AbortController().signal)
    const wanted = { platforms: [], contents, downloadSizes: false }
    const images = await readSavedStream(slowly(), 'docker save', null, wanted)
    expect(await totals(images, contents)).toMatchObject([{ size: 1500 }])
  })

  it('needs no layer that is to be had elsewhere', async () => {
    const foreign = { ...packed[0]!, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' }
    const saved = savedOf([{ image: imageOf([foreign, packed[1]!]), tag: 'api:1' }])
    saved.delete(`blobs/sha256/${sha256(foreign.stored)}`)
    const contents = createLayerContents(new AbortController().signal)
    const wanted = { platforms: [], contents, downloadSizes: false }
    const [image] = await readSavedStream(inChunks(archiveOf(saved)), 'docker save', null, wanted)
    expect(image?.packed?.layers.map(({ elsewhere }) => elsewhere)).toEqual([true, false])
    expect(contents.get(digestOf(plain[1]!.tar))).toMatchObject({ size: 500 })
  })

  it('keeps a bounded amount of documents', async () => {
    const sbom = Buffer.alloc(8 * 1024 * 1024, '[')
    const boms = Array.from({ length: 9 }, (_, at) => ({ path: `sbom-${at}.json`, content: sbom }))
    const stream = inChunks(tarOf([...boms, ...legacyOf(api, null)]), 1024 * 1024)
    const wanted = { platforms: [], contents: createLayerContents(new AbortController().signal), downloadSizes: false }
    expect(await failure(readSavedStream(stream, 'docker save', null, wanted))).toMatchObject({
      kind: 'measure',
      message: expect.stringContaining('could not be read'),
    })
  })

  it('reads no layer where content is not asked for', async () => {
    const saved = savedOf([{ image: api, tag: 'api:1' }])
    saved.set(`blobs/sha256/${sha256(packed[0]!.stored)}`, Buffer.alloc(packed[0]!.stored.length, 1))
    const wanted = { platforms: [], contents: null, downloadSizes: false }
    const [image] = await readSavedStream(inChunks(archiveOf(saved)), 'docker save', null, wanted)
    expect(image?.packed?.layers.map(({ size }) => size)).toEqual(packed.map(({ stored }) => stored.length))
    expect(await failure(image!.openLayer(0))).toMatchObject({ kind: 'measure' })
  })

  it('is done with the end of the archive: what the engine does then is not waited for', async () => {
    const contents = createLayerContents(new AbortController().signal)
    let isLetGo = false
    async function* saved() {
      try {
        yield* inChunks(archiveOf(savedOf([{ image: api, tag: 'api:1' }])))
        await new Promise(() => {})
      } finally {
        isLetGo = true
      }
    }
    const wanted = { platforms: [], contents, downloadSizes: false }
    const images = await readSavedStream(saved(), 'docker save', null, wanted)
    expect(await totals(images, contents)).toMatchObject([{ size: 1500 }])
    expect(isLetGo).toBe(true)
  })

  it('hands on what the stream throws', async () => {
    const contents = createLayerContents(new AbortController().signal)
    async function* broken() {
      yield archiveOf(savedOf([{ image: api, tag: 'api:1' }])).subarray(0, 1000)
      throw new Error('the engine has gone')
    }
    const wanted = { platforms: [], contents, downloadSizes: false }
    await expect(readSavedStream(broken(), 'docker save', null, wanted)).rejects.toThrow('the engine has gone')
    async function* cancelled() {
      yield archiveOf(savedOf([{ image: api, tag: 'api:1' }])).subarray(0, 600)
      throw new CouldNotMeasure('cancelled', 'The run was cancelled.')
    }
    expect(await failure(readSavedStream(cancelled(), 'docker save', null, wanted))).toMatchObject({
      kind: 'cancelled',
      message: 'The run was cancelled.',
    })
  })
})
