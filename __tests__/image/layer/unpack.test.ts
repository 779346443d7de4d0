import { execFileSync } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, jest } from '@jest/globals'
import * as fc from 'fast-check'
import { unpack } from '../../../src/image/layer/unpack.ts'
import { incompressible } from '../../support/bytes.ts'
import { settled } from '../../support/settled.ts'
import { failureOf, streamOf } from './archives.ts'

// Hundreds of streams, on a machine that may be busy.
jest.setTimeout(60_000)

/** `pause`: what the reader does before it asks for more. */
async function unpacked(
  stored: Buffer,
  lengths?: number[],
  pause?: () => Promise<unknown>,
): Promise<{ compression: string; content: Buffer }> {
  const { compression, chunks } = await unpack(streamOf(stored, lengths))
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) {
    parts.push(Buffer.from(chunk))
    await pause?.()
  }
  return { compression, content: Buffer.concat(parts) }
}

const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 })
const parts = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
    fc.integer({ min: 0, max: 400_000 }).map((length) => Buffer.alloc(length, 'abc')),
  ),
  { minLength: 1, maxLength: 5 },
)

const checksummed = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }

function skippable(content: string, kind = 0): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(0x184d2a50 + kind)
  header.writeUInt32LE(content.length, 4)
  return Buffer.concat([header, Buffer.from(content)])
}

describe('what is not packed', () => {
  it.each(['', 'a', 'abc', 'abcd and more'])('%j is handed on as it is', async (text) => {
    const expected = { compression: 'none', content: Buffer.from(text) }
    expect(await unpacked(Buffer.from(text), [1])).toEqual(expected)
    expect(await unpacked(Buffer.from(text), [100])).toEqual(expected)
  })
})

describe('gzip', () => {
  it('members one after the other are one stream, with zeros at the end or without, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(parts, fc.integer({ min: 0, max: 3000 }), lengths, async (members, zeros, sizes) => {
        const stored = Buffer.concat([...members.map((one) => gzipSync(one)), Buffer.alloc(zeros)])
        const { compression, content } = await unpacked(stored, sizes)
        expect(compression).toBe('gzip')
        expect(content.equals(Buffer.concat(members))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['other bytes', Buffer.from('garbage')],
    ['zeros, then other bytes', Buffer.concat([Buffer.alloc(100), Buffer.from('garbage')])],
    ['zeros, then one more member', Buffer.concat([Buffer.alloc(100), gzipSync('more')])],
    ['a member that is cut off', gzipSync('more').subarray(0, 15)],
    ['the begin of a member', gzipSync('more').subarray(0, 2)],
  ])('%s after the end are an error, whatever the chunks', async (_, tail) => {
    const stored = Buffer.concat([gzipSync('content'), tail])
    for (let length = 1; length <= stored.length; length++) {
      expect(await failureOf(() => unpacked(stored, [length]))).toMatch(/corrupt gzip|cut off/)
      expect(await failureOf(() => unpacked(stored, [length], () => setImmediate()))).toMatch(/corrupt gzip|cut off/)
    }
  })

  it('cut off anywhere it is an error', async () => {
    const stored = Buffer.concat([gzipSync('content'), gzipSync('more content')])
    const end = gzipSync('content').length
    for (let length = 4; length < stored.length; length++) {
      if (length !== end) expect(await failureOf(() => unpacked(stored.subarray(0, length)))).toMatch(/cut off|corrupt/)
    }
  })

  it('a wrong checksum is an error', async () => {
    const stored = gzipSync('content')
    stored.writeUInt8((stored.at(-8) ?? 0) ^ 1, stored.length - 8)
    expect(await failureOf(() => unpacked(stored))).toBe('It is a corrupt gzip file (Z_DATA_ERROR).')
  })
})

describe('zstd', () => {
  it('frames one after the other are one stream, skippable ones are left out, whatever the chunks', async () => {
    const checksum = fc.boolean()
    await fc.assert(
      fc.asyncProperty(parts, checksum, lengths, async (frames, withChecksum, sizes) => {
        const stored = Buffer.concat(
          frames.flatMap((one, index) => [
            skippable('x'.repeat(index * 40), index),
            zstdCompressSync(one, withChecksum ? checksummed : {}),
          ]),
        )
        for (const each of [sizes, [stored.length]]) {
          const { compression, content } = await unpacked(stored, each)
          expect(compression).toBe('zstd')
          expect(content.equals(Buffer.concat(frames))).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('a frame that takes long is not overwritten while what is left out after it is passed over', async () => {
    const content = Buffer.alloc(100_000_000)
    const stored = Buffer.concat([zstdCompressSync(content), skippable('x'.repeat(3_000_000))])
    expect((await unpacked(stored, [4096])).content.equals(content)).toBe(true)
  })

  it('frames of unknown content size, with a window of its own, and up to 128 MiB', async () => {
    const content = Buffer.alloc(3_000_000, 'streamed ')
    const stored = execFileSync(
      process.execPath,
      ['-e', 'process.stdin.pipe(require("zlib").createZstdCompress({params:{101:27}})).pipe(process.stdout)'],
      {
        input: content,
      },
    )
    expect((await unpacked(stored)).content.equals(content)).toBe(true)
  })

  it('a window of more than 128 MiB is an error that says so', async () => {
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, 0x01, 0, 0])
    expect(await failureOf(() => unpacked(frame))).toMatch(/takes 268435456 bytes of memory.* at most 134217728/)
  })

  it.each([
    ['garbage', Buffer.from('garbage')],
    ['zeros', Buffer.alloc(10)],
    ['a frame that is cut off', zstdCompressSync('more').subarray(0, 9)],
    ['a skippable frame that is cut off', skippable('more').subarray(0, 10)],
  ])('%s after a frame are an error, whatever the chunks', async (_, tail) => {
    const stored = Buffer.concat([zstdCompressSync('content'), tail])
    for (let length = 1; length <= stored.length; length++) {
      expect(await failureOf(() => unpacked(stored, [length]))).toMatch(/corrupt zstd|cut off/)
    }
  })

  it('cut off anywhere it is an error', async () => {
    const first = zstdCompressSync('content', checksummed)
    const stored = Buffer.concat([first, zstdCompressSync(Buffer.alloc(1000, 'more'), checksummed)])
    for (let length = 4; length < stored.length; length++) {
      if (length !== first.length)
        expect(await failureOf(() => unpacked(stored.subarray(0, length)))).toMatch(/cut off/)
    }
  })

  it('a wrong checksum is an error', async () => {
    const stored = zstdCompressSync('content', checksummed)
    stored.writeUInt8((stored.at(-1) ?? 0) ^ 1, stored.length - 1)
    expect(await failureOf(() => unpacked(stored))).toMatch(
      /^It is a corrupt zstd file \(ZSTD_error_checksum_wrong\)\.$/,
    )
  })

  it('any changed byte is an error or other content, and never hangs', async () => {
    const stored = Buffer.concat([
      skippable('table'),
      zstdCompressSync(Buffer.alloc(1000, 'content ')),
      zstdCompressSync('more'),
    ])
    await fc.assert(
      fc.asyncProperty(fc.nat(stored.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(stored)
        changed[at] = (changed[at] ?? 0) ^ change
        await unpacked(changed, [7]).catch((error: unknown) => expect((error as Error).name).toBe('CouldNotMeasure'))
      }),
      { numRuns: 500 },
    )
  })
})

describe('bombs', () => {
  it.each(['gzip', 'zstd'])('400 MB of zeros in %s are walked in little memory', (format) => {
    const walk = fileURLToPath(new URL('../../../src/image/layer/walk.ts', import.meta.url))
    const program = `
      const { createGzip, createZstdCompress } = await import('node:zlib')
      const { Readable } = await import('node:stream')
      const { walkLayer } = await import(process.argv[1])
      const zeros = Buffer.alloc(1024 * 1024)
      const packer = process.argv[2] === 'gzip' ? createGzip({ level: 1 }) : createZstdCompress()
      Readable.from((function* () { for (let i = 0; i < 400; i++) yield zeros })()).pipe(packer)
      const { size } = await walkLayer(packer, { digest: null, diffId: null })
      const { readFileSync } = await import('node:fs')
      // Not maxRSS of getrusage: a process that was started inherits its parent's, and this one's parent runs tests.
      const [, peak] = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
      console.log(size, peak)`
    const [size, peak] = execFileSync(process.execPath, ['--input-type=module', '-e', program, walk, format], {
      encoding: 'utf8',
    })
      .split(' ')
      .map(Number)
    expect(size).toBe(0)
    expect(peak).toBeLessThan(200_000)
  })
})

it.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)('what waits to be unpacked keeps its memory when no more is wanted (%s)', async (_, pack) => {
  const stored = pack(incompressible(16 * 1024 * 1024))
  const taken: Uint8Array[] = []
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < stored.length; at += 1024 * 1024) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(1024 * 1024, stored.length - at))
      stored.copy(chunk, 0, at)
      taken.push(chunk)
      yield chunk
      await setImmediate()
    }
  }
  const chunks = (await unpack(source(), true)).chunks[Symbol.asyncIterator]()
  await chunks.next()
  // What comes out fills up its room; then nothing more is taken.
  await settled(() => taken.length, 5_000)
  const waiting = taken.at(-1)!
  await chunks.return?.()
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  expect(waiting.byteLength).toBe(1024 * 1024)
  expect(taken[0]!.byteLength).toBe(0)
})
