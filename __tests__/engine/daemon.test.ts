import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { systemClock } from '../../src/clock.ts'
import { createExec, createOpenOutput, type Exec } from '../../src/exec.ts'
import { CouldNotMeasure, type Failure } from '../../src/failure.ts'
import { createLayerContents, type LayerContents } from '../../src/image/layer/contents.ts'
import { layerHistory, platformName } from '../../src/image/oci.ts'
import { createDaemonSource } from '../../src/image/source/daemon.ts'
import { imagesByCommand, imagesBySocket } from '../../src/image/source/engine-images.ts'
import { createSaveImage, type SaveImage } from '../../src/image/source/engine-save.ts'
import { createFindSocket } from '../../src/image/source/engine-socket.ts'
import { startReceiver, type Receiver } from '../../src/image/source/receiver.ts'
import type { SourceImage, Wanted } from '../../src/image/source/source.ts'
import { readSavedStream } from '../../src/image/source/stream.ts'
import { docker, engines, type Engine } from '../support/engine.ts'

const LAYER_BYTES = 200_000

// An engine may be busy.
jest.setTimeout(60_000)

let receiver: Receiver
let warnings: string[]
beforeEach(async () => {
  receiver = await startReceiver()
  warnings = []
})
afterEach(() => receiver.close())

/** What a run knows of layers; `added` lists those that were read on the way. */
function noting(contents: LayerContents, added: string[]): LayerContents {
  return {
    ...contents,
    add: (layer) => {
      added.push(layer.diffId)
      contents.add(layer)
    },
  }
}

const ways = engines().flatMap((engine) =>
  (['socket', 'command'] as const).map((way) => ({ engine, way, store: engine.store })),
)

describe.each(ways)('an image in the $store engine, which is asked by its $way', ({ engine, way }) => {
  const tags: string[] = []
  const folders: string[] = []
  afterAll(async () => {
    if (tags.length > 0) docker(engine, 'image', 'rm', '--force', ...tags)
    for (const folder of folders) await rm(folder, { recursive: true })
  })

  /** Builds an image; `a` and `b` in its context are of LAYER_BYTES each. Gives its name. */
  async function build(dockerfile: string, ...options: string[]): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'daemon-'))
    folders.push(folder)
    await writeFile(join(folder, 'Dockerfile'), dockerfile)
    for (const file of ['a', 'b']) await writeFile(join(folder, file), randomBytes(LAYER_BYTES))
    const tag = `image-budget-test:${randomUUID()}`
    docker(engine, 'buildx', 'build', '--quiet', '--load', '--tag', tag, ...options, folder)
    tags.push(tag)
    return tag
  }

  const world = { ...process.env, ...engine.env }
  const signal = new AbortController().signal

  async function imagesOf(name: string, wanted: Partial<Wanted>): Promise<SourceImage[]> {
    const exec = createExec(world, signal)
    const findSocket = createFindSocket(exec, signal, systemClock)
    const saveImage = createSaveImage(findSocket, createOpenOutput(world, signal), signal)
    const socket = way === 'socket' ? await findSocket() : null
    const asked =
      socket === null ? imagesByCommand(exec, () => exec, systemClock) : imagesBySocket(socket, signal, systemClock)
    const warn = (text: string): void => void warnings.push(text)
    const source = createDaemonSource(name, { exec, engine: asked, saveImage, receiver, unpushed: new Map(), warn })
    return source.images({ platforms: [], contents: null, downloadSizes: false, ...wanted })
  }

  async function failureOf(name: string, wanted: Partial<Wanted> = {}): Promise<Failure> {
    const error = await imagesOf(name, wanted).catch((thrown: unknown) => thrown)
    if (error instanceof CouldNotMeasure) return error.failure
    throw new Error('It did not fail.')
  }

  const sizesOf = ({ config }: SourceImage, contents: LayerContents): (number | undefined)[] =>
    (config.rootfs?.diff_ids ?? []).map((diffId) => contents.get(diffId)?.size)
  const namesOf = (name: string): string =>
    docker(engine, 'image', 'inspect', '--format', '{{json .RepoTags}} {{json .RepoDigests}}', name)
  const isClassic = engine.store === 'classic'

  it('is read with its layers’ content and download sizes, and the engine is as it was', async () => {
    const name = await build('FROM scratch\nENV A=1\nCOPY a /a\nCOPY b /b\nCMD ["/a"]\n')
    const before = namesOf(name)
    const contents = createLayerContents(new AbortController().signal)
    const [image] = await imagesOf(name, { contents, downloadSizes: true })
    expect(namesOf(name)).toBe(before)
    expect(sizesOf(image!, contents)).toEqual([LAYER_BYTES, LAYER_BYTES])
    expect(platformName(image!.config)).toMatch(/^linux\//)
    expect(layerHistory(image!.config)?.map((text) => text.slice(0, 6))).toEqual(['COPY a', 'COPY b'])
    // Random bytes do not get smaller.
    for (const { size, elsewhere } of image!.packed!.layers) {
      expect([size > LAYER_BYTES, size < LAYER_BYTES * 1.02, elsewhere]).toEqual([true, true, false])
    }
    expect(image!.digest === null).toBe(isClassic)
    expect(warnings).toEqual([])
  })

  it('tells what can be had without moving it, the same way', async () => {
    const name = await build('FROM scratch\nENV A=1\nCOPY a /a\nWORKDIR /w\nLABEL b=c\nCOPY b /b\n')
    const contents = createLayerContents(new AbortController().signal)
    const [whole] = await imagesOf(name, { contents, downloadSizes: true })
    const [image] = await imagesOf(name, {})
    expect(image!.config.rootfs).toEqual(whole!.config.rootfs)
    expect(layerHistory(image!.config)).toEqual(layerHistory(whole!.config))
    expect(platformName(image!.config)).toBe(platformName(whole!.config))
    expect(image!.packed).toEqual(isClassic ? null : whole!.packed)
  })

  it('is read for its content alone', async () => {
    const name = await build('FROM scratch\nCOPY a /a\n')
    const contents = createLayerContents(new AbortController().signal)
    const [image] = await imagesOf(name, { contents })
    expect(sizesOf(image!, contents)).toEqual([LAYER_BYTES])
    expect(image!.packed === null).toBe(isClassic)
    expect(warnings).toEqual([])
  })

  it('is read as far as it differs from another one', async () => {
    const base = await build('FROM scratch\nCOPY a /a\n')
    const head = await build(`FROM ${base}\nCOPY b /b\n`)
    const added: string[] = []
    const contents = noting(createLayerContents(new AbortController().signal), added)
    const [first] = await imagesOf(base, { contents, downloadSizes: true })
    const [second] = await imagesOf(head, { contents, downloadSizes: true })
    expect(added).toEqual(second!.config.rootfs!.diff_ids)
    expect(second!.packed!.layers[0]).toEqual(first!.packed!.layers[0])
  })

  it('may have no layer, and the same layer twice', async () => {
    const contents = createLayerContents(new AbortController().signal)
    const empty = await build('FROM scratch\nLABEL a=b\n')
    for (const downloadSizes of [true, false]) {
      const [image] = await imagesOf(empty, { contents, downloadSizes })
      expect(image!.config.rootfs?.diff_ids ?? []).toEqual([])
    }
    const name = await build('FROM scratch\nCOPY a /a\nCOPY b /b\nCOPY a /a\n')
    const [image] = await imagesOf(name, { contents, downloadSizes: true })
    expect(sizesOf(image!, contents)).toHaveLength(3)
    expect(sizesOf(image!, contents).every((size) => size !== undefined)).toBe(true)
    expect(image!.packed!.layers).toHaveLength(3)
  })

  it('stays in the engine where it has no name', async () => {
    const name = await build('FROM scratch\nCOPY a /a\n')
    const id = docker(engine, 'image', 'inspect', '--format', '{{.Id}}', name)
    expect(await imagesOf(id, { downloadSizes: true })).toHaveLength(1)
    const folder = folders.at(-1)!
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY b /b\n')
    const file = join(folder, 'metadata.json')
    docker(engine, 'buildx', 'build', '--quiet', '--load', '--metadata-file', file, folder)
    const nameless: string = JSON.parse(await readFile(file, 'utf8'))['containerimage.digest']
    const contents = createLayerContents(new AbortController().signal)
    const [image] = await imagesOf(nameless, { contents, downloadSizes: true })
    expect(sizesOf(image!, contents).includes(undefined)).toBe(false)
    expect(image!.packed === null).toBe(isClassic)
    expect(warnings).toEqual(isClassic ? [expect.stringMatching(/is not measured: it has no tag/)] : [])
    expect(docker(engine, 'image', 'inspect', '--format', '{{.Id}}', nameless)).toBe(nameless)
    docker(engine, 'image', 'rm', nameless)
  })

  it('is read as `docker save` prints it where the engine cannot reach this process', async () => {
    const name = await build('FROM scratch\nCOPY a /a\nCOPY b /b\n')
    const [pushed] = await imagesOf(name, { downloadSizes: true })
    await receiver.close()
    const before = namesOf(name)
    const contents = createLayerContents(new AbortController().signal)
    const [image] = await imagesOf(name, { contents, downloadSizes: true })
    expect(namesOf(name)).toBe(before)
    expect(sizesOf(image!, contents)).toEqual([LAYER_BYTES, LAYER_BYTES])
    expect(image!.config).toEqual(pushed!.config)
    expect(image!.packed).toEqual(isClassic ? null : pushed!.packed)
    expect(warnings).toEqual(
      isClassic
        ? [expect.stringMatching(/^The download size of .* cannot reach this process .*connection refused/)]
        : [],
    )
  })

  it('is saved by the docker command as by the engine itself', async () => {
    const name = await build('FROM scratch\nCOPY a /a\nCOPY b /b\n')
    const exec = createExec(world, signal)
    const openOutput = createOpenOutput(world, signal)
    const command = jest.fn(openOutput)
    const hidden: Exec = (program, args, options) => exec(program, args[0] === 'context' ? ['none'] : args, options)
    const read = async (save: SaveImage) => {
      const contents = createLayerContents(signal)
      const wanted = { platforms: [], contents, downloadSizes: false }
      const [image] = await readSavedStream(save(name), 'docker save', null, wanted)
      return { config: image!.config, packed: image!.packed, sizes: sizesOf(image!, contents) }
    }
    const byEngine = await read(createSaveImage(createFindSocket(exec, signal, systemClock), command, signal))
    expect(command).not.toHaveBeenCalled()
    expect(byEngine.sizes).toEqual([LAYER_BYTES, LAYER_BYTES])
    expect(await read(createSaveImage(createFindSocket(hidden, signal, systemClock), command, signal))).toEqual(
      byEngine,
    )
    expect(command).toHaveBeenCalledTimes(1)
  })

  it('has to be there', async () => {
    expect(await failureOf('image-budget-none:1')).toMatchObject({
      kind: 'missing',
      message: 'There is no image `image-budget-none:1` in the Docker engine.',
      remedy: expect.stringContaining('`docker://image-budget-none:1`'),
    })
  })

  if (engine.store === 'containerd') {
    it('may have several platforms, and attestations, which are no images', async () => {
      const name = await build(
        'FROM scratch\nCOPY a /a\n',
        '--platform',
        'linux/amd64,linux/arm64',
        '--provenance=mode=max',
      )
      const contents = createLayerContents(new AbortController().signal)
      const images = await imagesOf(name, { contents, downloadSizes: true })
      expect(images.map(({ config }) => platformName(config))).toEqual(['linux/amd64', 'linux/arm64'])
      expect(images.map((image) => sizesOf(image, contents))).toEqual([[LAYER_BYTES], [LAYER_BYTES]])
      const [arm, ...others] = await imagesOf(name, { platforms: ['linux/arm64'] })
      expect([arm!.digest, others]).toEqual([images[1]!.digest, []])
    })
  }
})

describe('an engine that does not answer', () => {
  it('is a missing precondition', async () => {
    const world = { ...process.env, ...engines()[0]!.env, DOCKER_HOST: 'unix:///nowhere/docker.sock' } as Engine['env']
    const signal = new AbortController().signal
    const exec = createExec(world, signal)
    const saveImage = createSaveImage(
      createFindSocket(exec, signal, systemClock),
      createOpenOutput(world, signal),
      signal,
    )
    const engine = imagesByCommand(exec, () => exec, systemClock)
    const source = createDaemonSource('a:1', { exec, engine, saveImage, receiver, unpushed: new Map(), warn: () => {} })
    const error = await source
      .images({ platforms: [], contents: null, downloadSizes: false })
      .catch((thrown: unknown) => thrown)
    expect(error instanceof CouldNotMeasure ? error.failure : error).toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(/^The Docker engine does not answer: /),
    })
  })
})
