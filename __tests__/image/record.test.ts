import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import type { Build } from '../../src/build/build.ts'
import type { Exec } from '../../src/exec.ts'
import { toMeasurement } from '../../src/image/describe.ts'
import type { Measurement } from '../../src/image/measurement.ts'
import { readRecord } from '../../src/image/record.ts'
import { containerdEngine, digest } from '../support/measurements.ts'

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

const config = JSON.stringify({
  os: 'linux',
  architecture: 'amd64',
  rootfs: { diff_ids: ['1', '2', '3', '4', '5'].map(digest) },
  history: [
    'ADD rootfs.tar /',
    'RUN links # buildkit',
    'RUN |1 TOKEN=hunter2 /bin/sh -c echo os > /os # buildkit',
    'RUN /bin/sh -c echo runtime > /runtime # buildkit',
    'COPY a.txt /a # buildkit',
  ].map((text) => ({ created_by: text })),
})
const manifest = JSON.stringify({
  config: { digest: sha256(config), size: config.length },
  layers: [10, 20, 30, 40, 50].map((size) => ({ digest: digest(String(size)), size })),
})

/** What buildx recorded of the build of alias.Dockerfile: two base layers and three own ones. */
const record: unknown = JSON.parse(
  readFileSync(new URL('../build/fixtures/provenance/alias.containerd.json', import.meta.url), 'utf8'),
).records['']

/** Answers as buildx does with a record that has these blobs and no provenance but what the metadata file told. */
const exec: Exec = (_, args) => {
  const blob = [config, manifest].find((each) => sha256(each) === args.at(-1))
  return Promise.resolve({ exitCode: blob === undefined ? 1 : 0, stdout: blob ?? '', stderr: '' })
}

async function read(provenance: Build['provenance']): Promise<Measurement> {
  const build: Build = {
    ref: 'r1',
    digest: sha256(manifest),
    provenance,
    dockerfile: 'app/Dockerfile',
    ignoreFile: '.dockerignore',
    target: null,
    sources: null,
    warnings: [],
  }
  const subject = {
    name: 'api',
    commit: null,
    dockerfile: build.dockerfile,
    ignoreFile: build.ignoreFile,
    target: null,
    engine: containerdEngine,
    source: null,
    warnings: [],
  }
  const [image] = await readRecord(exec, build, 'containerd', null)
  return toMeasurement(subject, image!, null, image!.origins, { size: null, downloadSize: null })
}

describe('readRecord', () => {
  it('tells base layers from own ones, and the line of each own one, where the build was recorded', async () => {
    const { layers, baseImage } = await read(new Map([['', record]]))
    expect(baseImage).not.toBeNull()
    expect(layers.map(({ fromBase, file, line }) => [fromBase, file, line])).toEqual([
      [true, null, null],
      [true, null, null],
      [false, 'app/Dockerfile', 2],
      [false, 'app/Dockerfile', 4],
      [false, 'app/Dockerfile', 6],
    ])
  })

  it.each([
    ['there is none', new Map()],
    ['it is of an unknown form', new Map([['', { predicateType: 'https://slsa.dev/provenance/v9' }]])],
  ])("measures without the build's record, and claims no layer's origin: %s", async (_, provenance) => {
    const { layers, baseImage, downloadSize } = await read(provenance)
    expect({ baseImage, downloadSize }).toEqual({ baseImage: null, downloadSize: 150 + config.length })
    expect(layers.map(({ fromBase, line, downloadSize: size }) => [fromBase, line, size])).toEqual(
      [10, 20, 30, 40, 50].map((size) => [null, null, size]),
    )
    expect(layers[2]?.instruction).toBe('RUN echo os > /os')
  })

  it('keeps no value of a build argument', async () => {
    expect(JSON.stringify(await read(new Map()))).not.toContain('hunter2')
    expect(JSON.stringify(await read(new Map([['', record]])))).not.toContain('hunter2')
  })
})
