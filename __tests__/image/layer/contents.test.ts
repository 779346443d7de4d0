import { Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { toFailure } from '../../../src/failure.ts'
import { createLayerContents } from '../../../src/image/layer/contents.ts'
import type { ReadLayer } from '../../../src/image/layer/read.ts'
import { digestOf, tarOf } from '../../support/saved-images.ts'

const tarOfFile = (payload: string): Buffer => tarOf([{ path: 'file', content: payload }])

describe('what a run knows of layers', () => {
  it('is read once, whoever asks, at the same time or later', async () => {
    const contents = createLayerContents(new AbortController().signal)
    const tar = tarOfFile('hello')
    let opened = 0
    const open = (): Promise<Readable> => {
      opened += 1
      return Promise.resolve(Readable.from([tar]))
    }
    const asked = Array.from({ length: 5 }, () =>
      contents.read(digestOf(tar), { digest: digestOf(tar), size: tar.length }, open),
    )
    expect((await Promise.all(asked)).map(({ size }) => size)).toEqual([5, 5, 5, 5, 5])
    const file = { kind: 'file', path: '/file', size: 5, mode: 0o644, uid: 0, gid: 0, checksum: null, facts: [] }
    const content = await contents.read(digestOf(tar), null, open)
    expect({ ...content, entries: [...content.entries!] }).toEqual({ size: 5, entries: [file] })
    expect(contents.get(digestOf(tar))).toBe(content)
    expect(opened).toBe(1)
  })

  it('comes from two layers at a time', async () => {
    const contents = createLayerContents(new AbortController().signal)
    let open = 0
    let most = 0
    const read = (tar: Buffer) =>
      contents.read(digestOf(tar), null, () => {
        open += 1
        most = Math.max(most, open)
        const stream = Readable.from([tar])
        stream.once('close', () => (open -= 1))
        return Promise.resolve(stream)
      })
    const sizes = await Promise.all(['a', 'bb', 'ccc', 'dddd', 'eeeee'].map((payload) => read(tarOfFile(payload))))
    expect(sizes.map(({ size }) => size)).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(2)
  })

  it('is given up as soon as the run is cancelled, and what waits does not begin', async () => {
    const cancel = new AbortController()
    const contents = createLayerContents(cancel.signal)
    let opened = 0
    const silent = Array.from({ length: 4 }, (_, at) =>
      contents.read(`sha256:${String(at).repeat(64)}`, null, () => {
        opened += 1
        return Promise.resolve(new Readable({ read: () => {} }))
      }),
    )
    const ended = Promise.allSettled(silent)
    await new Promise(setImmediate)
    cancel.abort()
    const kinds = (await ended).map((result) => result.status === 'rejected' && toFailure(result.reason).kind)
    expect(kinds).toEqual(['cancelled', 'cancelled', 'cancelled', 'cancelled'])
    expect(opened).toBe(2)
  })

  it('has nothing of a layer that could not be read: the next one who asks tries again', async () => {
    const contents = createLayerContents(new AbortController().signal)
    const tar = tarOfFile('hello')
    const broken = contents.read(digestOf(tar), null, () => Promise.resolve(Readable.from([tar.subarray(0, 700)])))
    await expect(broken).rejects.toThrow(digestOf(tar))
    expect(contents.get(digestOf(tar))).toBeUndefined()
    expect(await contents.read(digestOf(tar), null, () => Promise.resolve(Readable.from([tar])))).toMatchObject({
      size: 5,
    })
  })

  it('has the layers that fit, also after one that does not', () => {
    const contents = createLayerContents(new AbortController().signal)
    const add = (diffId: string, entries: number, factBytes: number): void =>
      contents.add({ diffId, size: 1, entries: Array.from({ length: entries }), factBytes } as unknown as ReadLayer)
    add('a', 10, 10)
    add('entries', 2_000_000, 0)
    add('facts', 1, 256 * 1024 * 1024)
    add('b', 10, 10)
    const kept = ['a', 'entries', 'facts', 'b'].map((diffId) => contents.get(diffId)?.entries?.length)
    expect(kept).toEqual([10, undefined, undefined, 10])
  })
})
