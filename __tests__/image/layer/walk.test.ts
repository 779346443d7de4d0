import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it, jest } from '@jest/globals'
import * as fc from 'fast-check'
import { CouldNotMeasure } from '../../../src/failure.ts'
import { walkLayer } from '../../../src/image/layer/walk.ts'
import { incompressible } from '../../support/bytes.ts'
import { END, failureOf, member, pax, streamOf, tar } from './archives.ts'

// Thousands of walks, on a machine that may be busy.
jest.setTimeout(60_000)

const UNKNOWN = { digest: null, diffId: null }

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

const layer = tar(
  member('etc/', '', { flag: '5' }),
  member('etc/hosts', 'hello'),
  member('etc/hosts2', '', { flag: '1', link: 'etc/hosts' }),
  member('etc/link', '', { flag: '2', link: 'hosts' }),
  member('etc/.wh.passwd', ''),
  member('null', '', { flag: '3' }),
  pax({
    'GNU.sparse.major': '0',
    'GNU.sparse.minor': '1',
    'GNU.sparse.size': '7000',
    'GNU.sparse.numblocks': '1',
    'GNU.sparse.map': '10,3',
  }),
  member('sparse', 'abc'),
)
const SIZE = 5 + 7000
const packed = gzipSync(layer)

it('is an error where the blob has another size than the manifest lists, whatever its digests', async () => {
  const blob = Buffer.alloc(1024)
  const expected = { digest: digestOf(blob), diffId: null, packedSize: 5 }
  expect(await failureOf(() => walkLayer(streamOf(blob), expected))).toBe(
    `Layer ${digestOf(blob)} could not be read. It has 1024 bytes, and the manifest lists 5.`,
  )
  expect(await walkLayer(streamOf(blob), { ...expected, packedSize: 1024 })).toMatchObject({ packedSize: 1024 })
})

describe('walking a layer', () => {
  it('whose chunks nobody else uses gives the same, and lets go of their memory', async () => {
    const large = tar(
      member('large', Buffer.concat([incompressible(700_000), Buffer.alloc(900_000)])),
      member('small', 'x'),
    )
    for (const stored of [large, gzipSync(large), zstdCompressSync(large)]) {
      const chunks: Buffer[] = []
      for (let at = 0; at < stored.length; at += 100_000) chunks.push(Buffer.allocUnsafeSlow(100_000))
      chunks.forEach((chunk, at) => chunk.set(stored.subarray(at * 100_000, (at + 1) * 100_000)))
      const last = chunks.pop()!.subarray(0, stored.length % 100_000 || 100_000)
      const expected = { digest: digestOf(stored), diffId: digestOf(large), isOurs: true }
      expect(await walkLayer(Readable.from([...chunks, last]), expected)).toMatchObject({ size: 1_600_001 })
      const isLetGo = stored !== large
      expect(chunks.map(({ length }) => length)).toEqual(chunks.map(() => (isLetGo ? 0 : 100_000)))
    }
  })

  it.each([
    ['none', layer],
    ['gzip', packed],
  ])('sums up the payload of files, packed with %s, and tells digests of both forms', async (compression, stored) => {
    expect(await walkLayer(streamOf(stored, [100]), UNKNOWN)).toEqual({
      diffId: digestOf(layer),
      digest: digestOf(stored),
      compression,
      packedSize: stored.length,
      size: SIZE,
    })
  })

  it('shows each entry, and the payload of those that are asked for', async () => {
    const seen: string[] = []
    const contents: Record<string, string> = {}
    await walkLayer(streamOf(packed, [11]), UNKNOWN, ({ path }, sparse) => {
      seen.push(sparse ? `${path} (sparse)` : path)
      if (path !== 'etc/hosts' && path !== 'sparse') return
      return (chunk) => (contents[path] = (contents[path] ?? '') + Buffer.from(chunk).toString('latin1'))
    })
    expect(seen).toEqual(['etc', 'etc/hosts', 'etc/hosts2', 'etc/link', 'etc/.wh.passwd', 'null', 'sparse (sparse)'])
    expect(contents).toEqual({ 'etc/hosts': 'hello', sparse: `${'\0'.repeat(10)}abc${'\0'.repeat(6987)}` })
  })

  it('reads to the end of what is stored, whatever follows the end marker', async () => {
    const padded = Buffer.concat([layer, Buffer.alloc(9000), Buffer.from('tail')])
    expect(await walkLayer(streamOf(gzipSync(padded)), UNKNOWN)).toMatchObject({ diffId: digestOf(padded), size: SIZE })
  })
})

describe('a layer that is not what it should be', () => {
  const expected = { digest: digestOf(packed), diffId: digestOf(layer) }

  it('has another digest: says which', async () => {
    const other = gzipSync(layer, { level: 1 })
    expect(await failureOf(() => walkLayer(streamOf(other), expected))).toBe(
      `Layer ${expected.digest} (diffID ${expected.diffId}) could not be read. Its content is not what it should be: its digest is ${digestOf(other)}.`,
    )
  })

  it('has another diffID: says which', async () => {
    const diffId = digestOf(END)
    expect(await failureOf(() => walkLayer(streamOf(packed), { digest: null, diffId }))).toBe(
      `The layer with diffID ${diffId} could not be read. Its content is not what it should be: its diffID is ${digestOf(layer)}.`,
    )
  })

  it('is no archive: names the layer', async () => {
    const blob = gzipSync(Buffer.alloc(2000, 'html'))
    expect(await failureOf(() => walkLayer(streamOf(blob), { digest: digestOf(blob), diffId: null }))).toMatch(
      /^Layer sha256:[0-9a-f]{64} could not be read\. It is no tar archive/,
    )
  })

  it('cut off anywhere, it is an error, or only zeros after the end marker are gone: never another size', async () => {
    for (let length = 0; length < layer.length; length++) {
      const walked = walkLayer(streamOf(layer.subarray(0, length)), UNKNOWN)
      if (length === layer.length - 512) expect(await walked).toMatchObject({ size: SIZE })
      else expect(await failureOf(() => walked)).toMatch(/cut off/)
    }
    for (let length = 0; length < packed.length; length++) {
      expect(await failureOf(() => walkLayer(streamOf(packed.subarray(0, length)), UNKNOWN))).toMatch(/cut off|no tar/)
    }
  })

  it('with any bit changed it is an error when a digest is expected, and never hangs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(packed.length * 8 - 1), fc.integer({ min: 1, max: 300 }), async (bit, chunk) => {
        const changed = Buffer.from(packed)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(await failureOf(() => walkLayer(streamOf(changed, [chunk]), expected))).toMatch(/^Layer sha256:/)
        await walkLayer(streamOf(changed, [chunk]), UNKNOWN).catch((error: unknown) => {
          expect((error as Error).name).toBe('CouldNotMeasure')
        })
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['none', Buffer.alloc(2000, 'html')],
    ['gzip', gzipSync(Buffer.alloc(2000, 'html'))],
  ])(
    'does not wait for a source that stalls when the walk fails, and lets go of it (packed with %s)',
    async (_, bytes) => {
      const source = new Readable({ read: () => {} })
      source.push(bytes)
      expect(await failureOf(() => walkLayer(source, UNKNOWN))).toMatch(/no tar archive/)
      expect(source.destroyed).toBe(true)
    },
  )

  it('tells what its source says, keeps the remedy, and keeps a cancelled run as it is', async () => {
    const failing = (error: unknown): Readable =>
      Readable.from(
        (function* () {
          yield packed.subarray(0, 100)
          throw error
        })(),
      )
    const reset = new Error('read ECONNRESET')
    expect(await failureOf(() => walkLayer(failing(reset), expected))).toMatch(
      /^Layer .* Reading it failed: read ECONNRESET\.$/,
    )
    const denied = new CouldNotMeasure('precondition', 'Not allowed.', { remedy: 'Log in.' })
    await expect(walkLayer(failing(denied), expected)).rejects.toMatchObject({
      failure: { kind: 'precondition', message: expect.stringMatching(/^Layer .* Not allowed\.$/), remedy: 'Log in.' },
    })
    const cancelled = new CouldNotMeasure('cancelled', 'Stopped.')
    await expect(walkLayer(failing(cancelled), expected)).rejects.toBe(cancelled)
  })

  it('throws on what the visitor throws', async () => {
    const bug = new TypeError('a bug')
    const visit = (): void => {
      throw bug
    }
    await expect(walkLayer(streamOf(packed), expected, visit)).rejects.toBe(bug)
  })
})

describe('an archive without an end marker', () => {
  it.each([
    ['no bytes', Buffer.alloc(0), 0],
    ['entries alone', member('a', 'hello'), 5],
    ['entries without the padding', member('a', 'hello').subarray(0, 517), 5],
  ])('of %s is whole if a digest proves it, as the engines have it, else an error', async (_, bytes, size) => {
    expect(await walkLayer(streamOf(bytes), { digest: null, diffId: digestOf(bytes) })).toMatchObject({ size })
    expect(await walkLayer(streamOf(gzipSync(bytes)), { digest: null, diffId: digestOf(bytes) })).toMatchObject({
      size,
    })
    expect(await failureOf(() => walkLayer(streamOf(bytes), UNKNOWN))).toMatch(/without its end marker/)
  })

  it('an end marker alone is an empty layer', async () => {
    expect(await walkLayer(streamOf(END), UNKNOWN)).toMatchObject({ size: 0 })
  })
})
