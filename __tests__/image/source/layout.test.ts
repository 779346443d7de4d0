import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createLayerContents } from '../../../src/image/layer/contents.ts'
import { platformName } from '../../../src/image/oci.ts'
import { ociLayout, openBlob } from '../../../src/image/source/layout.ts'
import {
  attestationOf,
  digestOf,
  gzipped,
  imageOf,
  indexOf,
  json,
  layerOf,
  layoutOf,
  named,
} from '../../support/saved-images.ts'

const folders: string[] = []
afterEach(() => folders.splice(0).forEach((made) => rmSync(made, { recursive: true })))

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'layout-'))
  folders.push(made)
  return made
}

function written(files: Map<string, Buffer>): string {
  const dir = folder()
  for (const [path, content] of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), content)
  }
  return dir
}

const base = gzipped(layerOf({ 'etc/os': 'a'.repeat(1000) }))
const own = gzipped(layerOf({ app: 'b'.repeat(500), 'etc/.wh.os': '' }))
const small = imageOf([base])
const api = imageOf([base, own])
const arm = imageOf([own], 'linux/arm64/v8')

const ALL = { platforms: [], contents: null, downloadSizes: true }

async function read(dir: string, name: string | null = null, platforms: string[] = []) {
  const images = await ociLayout(dir, name).images({ ...ALL, platforms })
  return images.map(({ digest, config, packed }) => ({ digest, platform: platformName(config), packed }))
}

/** Bytes of the image's layers, unpacked and as stored. */
async function sizesOf(dir: string, name: string | null = null) {
  const [image, ...others] = await ociLayout(dir, name).images(ALL)
  expect(others).toEqual([])
  const contents = createLayerContents(new AbortController().signal)
  const diffIds = image?.config.rootfs?.diff_ids ?? []
  const sizes = await Promise.all(
    diffIds.map((diffId, at) => contents.read(diffId, image?.packed?.layers[at] ?? null, () => image!.openLayer(at))),
  )
  return { size: sizes.map(({ size }) => size), packed: image?.packed?.layers.map(({ size }) => size) }
}

const failure = async (reading: Promise<unknown>) =>
  reading.then(
    () => 'no failure',
    (error: { failure: unknown }) => error.failure,
  )

describe('ociLayout', () => {
  it('gives the one image, and its layers exactly', async () => {
    const dir = written(layoutOf([api]))
    expect(await read(dir)).toMatchObject([{ digest: api.digest, platform: 'linux/amd64' }])
    expect(await sizesOf(dir)).toEqual({ size: [1000, 500], packed: [base.stored.length, own.stored.length] })
  })

  it('is an error where a blob has another size than its manifest lists, read or not', async () => {
    const lying = { ...own, stored: own.stored }
    const files = layoutOf([imageOf([base, lying])])
    const path = `blobs/sha256/${digestOf(own.stored).slice('sha256:'.length)}`
    files.set(path, Buffer.concat([own.stored, Buffer.alloc(7)]))
    const dir = written(files)
    expect(await failure(read(dir))).toMatchObject({
      kind: 'measure',
      message: `The layer ${digestOf(own.stored)} in \`oci:${dir}\` has ${own.stored.length + 7} bytes, and its manifest lists ${own.stored.length}.`,
    })
  })

  it('finds an image by the name that skopeo or docker gave it, or by its place', async () => {
    const dir = written(layoutOf([named('v1', small), named('docker.io/acme/api:2', api), named('x/y:2', arm)]))
    const digests = async (name: string) => (await read(dir, name)).map(({ digest }) => digest)
    expect(await digests('v1')).toEqual([small.digest])
    expect(await digests('acme/api:2')).toEqual([api.digest])
    expect(await digests('@2')).toEqual([arm.digest])
    expect(await failure(read(dir))).toMatchObject({
      kind: 'input',
      message: `There is more than one image in \`oci:${dir}\`: \`v1\`, \`docker.io/acme/api:2\`, \`x/y:2\`.`,
      remedy: `Say which one: \`oci:${dir}:v1\`.`,
    })
    expect(await failure(read(dir, '2'))).toMatchObject({ kind: 'input' })
    expect(await failure(read(dir, 'v2'))).toMatchObject({
      message: `There is no image \`v2\` in \`oci:${dir}\`.`,
      remedy: 'It has `v1`, `docker.io/acme/api:2`, `x/y:2`.',
    })
    expect(await failure(read(dir, '@3'))).toMatchObject({ kind: 'input' })
  })

  it('names images by their place where they share a name', async () => {
    const dir = written(layoutOf([small, api].map((image) => named('v1', image))))
    expect(await failure(read(dir, 'v1'))).toMatchObject({
      message: `There is more than one image in \`oci:${dir}\`: \`@0\`, \`@1\`.`,
      remedy: `Say which one: \`oci:${dir}:@0\`.`,
    })
    expect(await read(dir, '@1')).toMatchObject([{ digest: api.digest }])
  })

  it('lists a bounded number of names', async () => {
    const tops = Array.from({ length: 500 }, (_, at) =>
      named(`v${at}${'x'.repeat(1000)}`, imageOf([base], `linux/a${at}`)),
    )
    const { message } = (await failure(read(written(layoutOf(tops))))) as { message: string }
    expect(message.length).toBeLessThan(3_000)
    expect(message).toMatch(/ and 490 more\.$/)
  })

  it('needs no name for one image that has two', async () => {
    expect(await read(written(layoutOf([named('v1', api), named('v2', api)])))).toHaveLength(1)
  })

  it('takes platforms that stand side by side under one name as one image', async () => {
    const both = [api, arm].map((image) => named('v1', image))
    const dir = written(layoutOf(both))
    expect((await read(dir)).map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64'])
    expect(await read(dir, 'v1', ['linux/arm64'])).toMatchObject([{ digest: arm.digest }])
    expect(await read(dir, 'v1', ['linux/s390x'])).toEqual([])
  })

  it('follows an index of indexes, and leaves attestations out', async () => {
    const top = indexOf([indexOf([api, attestationOf(api)]), indexOf([arm, attestationOf(arm)])])
    expect(await read(written(layoutOf([top])))).toMatchObject([{ digest: api.digest }, { digest: arm.digest }])
  })

  it('leaves out the platforms that were not pulled', async () => {
    const files = layoutOf([indexOf([api, arm])])
    files.delete(`blobs/sha256/${arm.digest.slice(7)}`)
    expect(await read(written(files))).toMatchObject([{ digest: api.digest }])
    const withoutConfig = layoutOf([indexOf([arm, api])])
    withoutConfig.delete(`blobs/sha256/${[...arm.blobs.keys()][0]?.slice(7)}`)
    expect(await read(written(withoutConfig))).toMatchObject([{ digest: api.digest }])
    files.delete(`blobs/sha256/${api.digest.slice(7)}`)
    expect(await failure(read(written(files)))).toMatchObject({
      kind: 'measure',
      message: expect.stringContaining('lists images, and has the content of none'),
    })
  })

  it('reads an image without layers, equal layers, and an empty one', async () => {
    expect(await read(written(layoutOf([imageOf([])])))).toMatchObject([{ packed: { layers: [] } }])
    const empty = gzipped(layerOf({}))
    const dir = written(layoutOf([imageOf([own, own, empty])]))
    expect((await sizesOf(dir)).size).toEqual([500, 500, 0])
  })

  it('tells of a layer that is to be had elsewhere, and does not look for it', async () => {
    const foreign = { ...base, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }
    const files = layoutOf([imageOf([foreign, own])])
    files.delete(`blobs/${digestOf(base.stored).replace(':', '/')}`)
    const [image] = await ociLayout(written(files), null).images(ALL)
    expect(image?.packed?.layers).toMatchObject([{ elsewhere: true, size: base.stored.length }, { elsewhere: false }])
    expect(await failure(image!.openLayer(0))).toMatchObject({ kind: 'measure' })
  })

  it('says which layer is not there, and reads no other file in its place', async () => {
    const path = `blobs/sha256/${[...api.blobs.keys()][2]?.slice(7)}`
    const files = layoutOf([api])
    files.delete(path)
    const dir = written(files)
    expect(await failure(read(dir))).toMatchObject({ kind: 'measure' })
    expect(await failure(sizesOf(dir))).toMatchObject({
      kind: 'measure',
      message: `The layer sha256:${path.slice(13)} is not in \`oci:${dir}\`: there is no \`${path}\`.`,
    })
    execFileSync('mkfifo', [join(dir, path)])
    expect(await failure(sizesOf(dir))).toMatchObject({ message: `\`${join(dir, path)}\` is not a file.` })
    rmSync(join(dir, path))
    symlinkSync('/etc/hostname', join(dir, path))
    expect(await failure(sizesOf(dir))).toMatchObject({ kind: 'measure' })
  })

  it('follows links to blobs, which Bazel makes', async () => {
    const dir = written(layoutOf([api]))
    const linked = folder()
    for (const name of ['blobs', 'index.json', 'oci-layout']) symlinkSync(join(dir, name), join(linked, name))
    expect((await sizesOf(linked)).size).toEqual([1000, 500])
  })

  it.each([
    ['oci-layout', null, 'There is no `oci-layout` in `oci:DIR`: it is no OCI layout.'],
    ['index.json', null, 'There is no `index.json` in `oci:DIR`: it is no OCI layout.'],
    ['oci-layout', '{"imageLayoutVersion":"2.0.0"}', '`oci:DIR` is an OCI layout of version 2.0.0, not of 1.0.0.'],
    ['oci-layout', '{}', 'oci-layout in `oci:DIR` is not what it should be at `imageLayoutVersion`.'],
    ['index.json', 'secret words', 'index.json in `oci:DIR` is not JSON.'],
    ['index.json', '[]', 'index.json in `oci:DIR` is not what it should be.'],
    [
      'index.json',
      '{"manifests":[{"digest":"../x"}]}',
      'index.json in `oci:DIR` is not what it should be at `manifests.0.digest`.',
    ],
    ['index.json', '{"manifests":[]}', 'There is no image in `oci:DIR`.'],
    [
      'index.json',
      ' '.repeat(8 * 1024 * 1024 + 1),
      '`DIR/index.json` has more than 8388608 bytes: it is no JSON document of an image.',
    ],
  ])('says what is wrong with %s (%#)', async (path, content, message) => {
    const files = layoutOf([api])
    files.delete(path)
    if (content !== null) files.set(path, Buffer.from(content))
    const dir = written(files)
    const { kind, message: said } = (await failure(read(dir))) as { kind: string; message: string }
    expect([kind, said.replaceAll(dir, 'DIR')]).toEqual(['measure', message])
  })

  it.each([...layoutOf([indexOf([api, arm])]).keys()])('never gives a part when %s is damaged', async (path) => {
    const whole = layoutOf([indexOf([api, arm])])
    const bytes = whole.get(path) ?? Buffer.alloc(0)
    const results = await Promise.all(
      Array.from({ length: 24 }, async (_, at) => {
        const damaged = Buffer.from(bytes)
        const place = Math.floor((at * bytes.length) / 24)
        damaged[place] = (damaged[place] ?? 0) ^ 1
        const content = at % 2 === 0 ? damaged : bytes.subarray(0, place)
        const dir = written(new Map([...whole, [path, content]]))
        const images = await ociLayout(dir, null).images(ALL)
        const contents = createLayerContents(new AbortController().signal)
        for (const image of images) {
          for (const [layer, diffId] of (image.config.rootfs?.diff_ids ?? []).entries()) {
            await contents.read(diffId, image.packed?.layers[layer] ?? null, () => image.openLayer(layer))
          }
        }
        return images.map(({ digest }) => digest)
      }).map((reading) => reading.catch((error: { failure: { kind: string } }) => error.failure.kind)),
    )
    // A name or an annotation may change, and of `index.json` nothing else that counts.
    for (const result of results) {
      expect([['measure'], [[api.digest, arm.digest]]].flat()).toContainEqual(result)
    }
  })

  it('takes a file, and a folder that is not there, for what they are', async () => {
    const dir = written(new Map([['image.tar', json({})]]))
    expect(await failure(read(join(dir, 'image.tar')))).toMatchObject({
      kind: 'precondition',
      message: `\`${dir}/image.tar\` is a file, and \`oci:\` takes a folder.`,
      remedy: expect.stringContaining('oci-archive:'),
    })
    expect(await failure(read(join(dir, 'none')))).toMatchObject({
      kind: 'precondition',
      message: `There is no folder \`${dir}/none\`: no such file or directory.`,
    })
  })
})

describe('openBlob', () => {
  it('gives a blob by digest', async () => {
    const dir = written(layoutOf([api]))
    const chunks: Buffer[] = []
    for await (const chunk of await openBlob(dir, api.digest)) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks)).toEqual(api.manifest)
    await expect(openBlob(dir, `sha256:${'0'.repeat(64)}`)).rejects.toThrow(/is not in/)
    await expect(openBlob(dir, 'sha256:../../index.json')).rejects.toThrow('Not a digest')
  })
})
