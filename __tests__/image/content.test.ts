import { expect, it } from '@jest/globals'
import { readImage } from '../../src/image/content.ts'
import { createLayerContents, type ReadOne } from '../../src/image/layer/contents.ts'
import { createEntries } from '../../src/image/layer/entries.ts'
import { CouldNotMeasure } from '../../src/failure.ts'
import { Readable } from 'node:stream'

const DIFF_IDS = ['a', 'b', 'c']

/** An image of three layers, read by `readOne`, which tells them by their diffID. */
function image(): Parameters<typeof readImage>[0] {
  return {
    config: { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: DIFF_IDS } },
    packed: null,
    openLayer: () => Promise.resolve(Readable.from([])),
  } as unknown as Parameters<typeof readImage>[0]
}

const read: ReadOne = (_, { diffId }) => {
  const entries = createEntries()
  const told = { size: 2, mode: 0o644, uid: 0, gid: 0 }
  entries.pushFile({ path: `app/${diffId}`, ...told }, null, [])
  entries.pushFile({ path: 'app/shared', ...told }, null, [])
  const digests = { diffId: diffId!, digest: diffId!, compression: 'none' as const, packedSize: 0 }
  return Promise.resolve({ ...digests, size: 4, entries, factBytes: 0 })
}

it('reads the layers in any order, and lays them on each other in theirs', async () => {
  const done: string[] = []
  const contents = createLayerContents(new AbortController().signal, undefined, async (stored, expected) => {
    // The first one ends last.
    while (expected.diffId === 'a' && done.length < 2) await new Promise((resolve) => setImmediate(resolve))
    done.push(expected.diffId!)
    return read(stored, expected)
  })
  const { sizes, content } = await readImage(image(), contents)
  expect(done).toEqual(['b', 'c', 'a'])
  expect(sizes).toEqual([4, 4, 4])
  const files = Array.from(content!.files, ({ path, layer, lost }) => [path, layer, lost?.layer ?? null])
  expect(files).toEqual([
    ['/app/a', 0, null],
    ['/app/shared', 0, 1],
    ['/app/b', 1, null],
    ['/app/shared', 1, 2],
    ['/app/c', 2, null],
    ['/app/shared', 2, null],
  ])
})

it('fails with the layer that could not be read, whatever else is under way', async () => {
  const contents = createLayerContents(new AbortController().signal, undefined, async (stored, expected) => {
    if (expected.diffId !== 'a') throw new CouldNotMeasure('measure', `Layer ${expected.diffId} is broken.`)
    await new Promise((resolve) => setImmediate(resolve))
    return read(stored, expected)
  })
  await expect(readImage(image(), contents)).rejects.toThrow('Layer b is broken.')
})
