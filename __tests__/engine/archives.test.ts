import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { createLayerContents, type LayerContents } from '../../src/image/layer/contents.ts'
import { dockerArchive, ociArchive } from '../../src/image/source/archive.ts'
import { ociLayout } from '../../src/image/source/layout.ts'
import type { SourceImage, Wanted } from '../../src/image/source/source.ts'
import { readSavedStream } from '../../src/image/source/stream.ts'
import { incompressible } from '../support/bytes.ts'
import { docker, engines } from '../support/engine.ts'

/** A build and a save take a second or two, on a machine that does nothing else. */
jest.setTimeout(60_000)

describe.each(engines())('what the $store engine saves', (engine) => {
  const folder = mkdtempSync(join(tmpdir(), 'saved-'))
  const image = `image-budget/saved:${randomUUID()}`
  const other = `image-budget/saved:${randomUUID()}`
  const file = join(folder, 'saved.tar')
  const build = (...args: string[]) => docker(engine, 'buildx', 'build', '--quiet', ...args, folder)

  beforeAll(() => {
    writeFileSync(join(folder, 'a'), incompressible(70_000))
    writeFileSync(
      join(folder, 'Dockerfile'),
      'FROM scratch\nCOPY a /a\nCOPY a /b\nENV X=1\nWORKDIR /w\nCOPY Dockerfile /\n',
    )
    build('--load', '--tag', image)
    docker(engine, 'save', '--output', file, image)
  })
  afterAll(() => {
    docker(engine, 'image', 'rm', '--force', image)
    rmSync(folder, { recursive: true })
  })

  async function measured(read: (wanted: Wanted) => Promise<SourceImage[]>) {
    const contents: LayerContents = createLayerContents(new AbortController().signal)
    const images = await read({ platforms: [], contents, downloadSizes: true })
    const rows = []
    for (const { digest, config, packed, openLayer } of images) {
      const layers = []
      for (const [at, diffId] of (config.rootfs?.diff_ids ?? []).entries()) {
        layers.push((await contents.read(diffId, packed?.layers[at] ?? null, () => openLayer(at))).size)
      }
      rows.push({ digest, layers, download: packed && packed.layers.map(({ size }) => size) })
    }
    return rows
  }

  function saved(...images: string[]): AsyncIterable<Uint8Array> {
    const program = spawn('docker', ['save', ...images], { env: { ...process.env, ...engine.env }, stdio: 'pipe' })
    return program.stdout
  }

  it('is the same as a file, as a stream, and under its name', async () => {
    const rows = await measured(dockerArchive(file, null).images)
    const bytes = rows[0]?.layers.reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(70_000)
    expect(await measured(dockerArchive(file, image).images)).toEqual(rows)
    expect(await measured((wanted) => readSavedStream(saved(image), 'docker save', null, wanted))).toEqual(rows)
    if (engine.store === 'classic') {
      expect(rows).toMatchObject([{ digest: null, download: null }])
      expect(bytes).toBe(Number(docker(engine, 'image', 'inspect', '--format', '{{.Size}}', image)))
    }
    if (engine.store === 'containerd') expect(rows[0]?.download?.[0]).toBeGreaterThan(70_000)
  })

  it('is found by its tag where two images are saved', async () => {
    writeFileSync(join(folder, 'other.Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
    build('--load', '--tag', other, '--file', join(folder, 'other.Dockerfile'))
    try {
      const both = join(folder, 'both.tar')
      docker(engine, 'save', '--output', both, image, other)
      expect(await measured(dockerArchive(both, image).images)).toEqual(
        await measured(dockerArchive(file, null).images),
      )
      await expect(measured(dockerArchive(both, null).images)).rejects.toThrow(/There is more than one image in /)
    } finally {
      docker(engine, 'image', 'rm', '--force', other)
    }
  })

  const canWriteLayouts = engine.store === 'containerd' ? it : it.skip
  canWriteLayouts('is what buildx writes as a layout', async () => {
    const [row] = await measured(dockerArchive(file, null).images)
    build('--output', `type=oci,tar=false,dest=${join(folder, 'layout')}`)
    build('--output', `type=oci,dest=${join(folder, 'oci.tar')}`)
    expect(await measured(ociLayout(join(folder, 'layout'), null).images)).toEqual([row])
    expect(await measured(ociArchive(join(folder, 'oci.tar'), null).images)).toEqual([row])
  })
})
