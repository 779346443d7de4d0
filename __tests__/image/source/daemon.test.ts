import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Readable } from 'node:stream'
import { systemClock } from '../../../src/clock.ts'
import type { Exec, ExecOptions, ExecResult } from '../../../src/exec.ts'
import { CouldNotMeasure, type Failure } from '../../../src/failure.ts'
import { createLayerContents } from '../../../src/image/layer/contents.ts'
import { createDaemonSource } from '../../../src/image/source/daemon.ts'
import { imagesByCommand } from '../../../src/image/source/engine-images.ts'
import { startReceiver, type Receiver } from '../../../src/image/source/receiver.ts'
import type { SourceImage, Wanted } from '../../../src/image/source/source.ts'
import { digest } from '../../support/measurements.ts'
import { sha256 } from '../../support/images.ts'
import { makeLayer } from '../../support/layers.ts'
import { PushClient } from '../../support/push-client.ts'

let receiver: Receiver
beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const layer = makeLayer({ a: 'x'.repeat(1000) })
const containerd = '[["driver-type","io.containerd.snapshotter.v1"]]\n'
const classic = '[["Backing Filesystem","extfs"]]\n'

/** An engine with one image of one layer; its answers to docker's subcommands, by their first words, can be replaced. */
class FakeEngine {
  readonly calls: string[] = []
  readonly warnings: string[] = []
  readonly pushes: ExecOptions[] = []
  diffId = layer.diffId
  tags = ['api:1']
  history: { Size: string; CreatedBy: string }[] = []
  answers: Record<
    string,
    (args: string[], options: ExecOptions) => Partial<ExecResult> | Promise<Partial<ExecResult>>
  > = {
    'image inspect': () => ({
      stdout: JSON.stringify({
        Id: digest('id'),
        RepoTags: this.tags,
        Os: 'linux',
        Architecture: 'amd64',
        RootFS: { Layers: [this.diffId] },
      }),
    }),
    info: () => ({ stdout: containerd }),
    tag: () => ({}),
    'image rm': () => ({}),
    push: (args) => this.push(args.at(-1)!),
    history: () => ({
      stdout: this.history
        .map((line) => JSON.stringify(line))
        .toReversed()
        .join('\n'),
    }),
  }

  async push(name: string): Promise<Partial<ExecResult>> {
    const client = new PushClient(name)
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [this.diffId] } })
    const manifest = JSON.stringify({
      config: { digest: sha256(config), size: config.length },
      layers: [{ digest: layer.digest, size: layer.packed.length }],
    })
    for (const bytes of [layer.packed, Buffer.from(config)]) {
      const isThere = (await client.send('HEAD', `blobs/${sha256(bytes)}`)).status === 200
      if (!isThere) {
        const { status, body } = await client.push(bytes)
        if (status !== 201) return { exitCode: 1, stderr: body }
      }
    }
    await client.send('PUT', `manifests/${client.tag}`, { body: manifest })
    return {}
  }

  readonly exec: Exec = async (_, args, options = {}) => {
    const command = args[0] === 'image' ? args.slice(0, 2).join(' ') : args[0]!
    this.calls.push(command)
    if (command === 'push') this.pushes.push(options)
    return { exitCode: 0, stdout: '', stderr: '', ...(await this.answers[command]!(args, options)) }
  }

  images(wanted: Partial<Wanted> = {}): Promise<SourceImage[]> {
    return createDaemonSource('api:1', {
      exec: this.exec,
      engine: imagesByCommand(this.exec, () => this.exec, systemClock),
      saveImage: () => {
        this.calls.push('save')
        return Readable.from([Buffer.alloc(1024)])
      },
      receiver,
      unpushed: new Map(),
      warn: (text) => void this.warnings.push(text),
    }).images({ platforms: [], contents: null, downloadSizes: false, ...wanted })
  }

  async failure(wanted: Partial<Wanted> = {}): Promise<Failure> {
    const error = await this.images(wanted).catch((thrown: unknown) => thrown)
    if (error instanceof CouldNotMeasure) return error.failure
    throw new Error(`It did not fail: ${String(error)}`)
  }
}

describe('an image of the engine', () => {
  it('is pushed to ourselves without signing it, and the name for that is taken away', async () => {
    const engine = new FakeEngine()
    const contents = createLayerContents(new AbortController().signal)
    const [image] = await engine.images({ contents })
    expect(image!.packed!.layers.map(({ size }) => size)).toEqual([layer.packed.length])
    const { size, entries } = contents.get(layer.diffId)!
    expect(size).toBe(1000)
    expect([...entries!]).toMatchObject([{ kind: 'file', path: '/a', size: 1000 }])
    expect(engine.calls.slice(2)).toEqual(['tag', 'push', 'image rm'])
    expect(engine.pushes[0]!.env).toEqual({ DOCKER_CONTENT_TRUST: undefined })
    await expect(image!.openLayer(0)).rejects.toThrow(
      'Layer 1 of `docker-daemon:api:1` was not among what the engine gave.',
    )
  })

  it('is an error where a layer is not what the config says', async () => {
    const engine = new FakeEngine()
    engine.diffId = digest('another')
    expect(await engine.failure({ contents: createLayerContents(new AbortController().signal) })).toMatchObject({
      kind: 'measure',
      message: `Layer ${layer.digest} of \`docker-daemon:api:1\` has diffID ${layer.diffId}, not ${digest('another')} as its config says.`,
    })
    expect(engine.calls.at(-1)).toBe('image rm')
  })

  it('loses the name for the push also where the run is cancelled', async () => {
    const engine = new FakeEngine()
    engine.answers['push'] = () => Promise.reject(new CouldNotMeasure('cancelled', 'The run was cancelled.'))
    expect((await engine.failure()).kind).toBe('cancelled')
    expect(engine.calls.at(-1)).toBe('image rm')
  })

  it('may keep that name where the engine does not take it away, with a warning', async () => {
    const engine = new FakeEngine()
    engine.answers['image rm'] = () => ({ exitCode: 1, stderr: 'Error: busy\n' })
    expect(await engine.images()).toHaveLength(1)
    expect(engine.warnings).toEqual([
      expect.stringMatching(/^The temporary name 127\.0\.0\.1:\d+\/.* stayed in the engine: /),
    ])
  })

  it.each([
    ['the push went elsewhere', () => ({}), /but not to this process/],
    [
      'the push failed',
      () => ({ exitCode: 1, stderr: 'a\nconnection refused\n' }),
      /cannot reach this process to push to it: connection refused$/,
    ],
  ])('has no download size on the classic store where %s, and that is said', async (_, push, warning) => {
    const engine = new FakeEngine()
    engine.answers['info'] = () => ({ stdout: classic })
    engine.answers['push'] = push
    const [image] = await engine.images({ downloadSizes: true })
    expect(image!.packed).toBeNull()
    expect(engine.warnings).toEqual([expect.stringMatching(warning)])
  })

  it('is not moved on the classic store where nothing is asked for that takes it', async () => {
    const engine = new FakeEngine()
    engine.answers['info'] = () => ({ stdout: classic })
    const contents = createLayerContents(new AbortController().signal)
    contents.add({
      diffId: layer.diffId,
      size: 1000,
      entries: [],
      factBytes: 0,
    })
    await engine.images({ contents })
    expect(engine.calls.slice(2)).toEqual(['history'])
    expect(await engine.images({ platforms: ['linux/arm64'] })).toEqual([])
  })

  it.each([
    [
      'by their sizes',
      [
        ['ENV A=1', '0'],
        ['COPY a /a', '9'],
        ['RUN true', '0'],
      ],
      ['COPY a /a'],
    ],
    [
      'by their words where a layer is empty',
      [
        ['LABEL a=b', '0'],
        ['/bin/sh -c #(nop)  CMD ["sh"]', '0'],
        ['RUN true', '0'],
      ],
      ['RUN true'],
    ],
    [
      'and not at all where neither tells',
      [
        ['something', '0'],
        ['something else', '0'],
      ],
      null,
    ],
  ])('has a history there whose entries with a layer are told %s', async (_, lines, expected) => {
    const engine = new FakeEngine()
    engine.answers['info'] = () => ({ stdout: classic })
    engine.history = lines.map(([by, size]) => ({ CreatedBy: by!, Size: size! }))
    const [image] = await engine.images()
    const entries = image!.config.history?.filter((entry) => entry.empty_layer !== true) ?? null
    expect(entries && entries.map((entry) => entry.created_by)).toEqual(expected)
  })
})
