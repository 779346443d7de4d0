import { execFileSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import * as fc from 'fast-check'
import { decodeName, normalisePath } from '../../../src/image/layer/tar-header.ts'
import { indexTar, readTar } from '../../../src/image/layer/tar.ts'
import { END, entriesOf, failureOf, gnuTar, member, pax, sealed, streamOf, tar } from './archives.ts'

// Each archive is written by a program, on a machine that may be busy.
jest.setTimeout(60_000)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-tar-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function emptyFolder(name: string): string {
  const path = join(folder, name)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path)
  return path
}

const lengths = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 5 })
/** A file's name as bytes: any but NUL and slash. */
const rawName = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc
    .uint8Array({ minLength: 1, maxLength, min: 1 })
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x2f)))
    .filter((name) => name.length > 0 && !['.', '..'].includes(name.toString('latin1')))

describe('archives that GNU tar writes', () => {
  it.each([
    ['v7', 60],
    ['ustar', 60],
    ['oldgnu', 250],
    ['gnu', 250],
    ['pax', 250],
  ])('%s: names of any bytes, links and content are as they were, whatever the chunks', (format, longest) => {
    const file = fc.record({ name: rawName(longest), content: fc.uint8Array({ maxLength: 3000 }) })
    fc.assert(
      fc.property(
        fc.uniqueArray(file, { selector: ({ name }) => name.toString('hex'), minLength: 1, maxLength: 6 }),
        rawName(90),
        lengths,
        (files, target, sizes) => {
          const root = emptyFolder('tree')
          mkdirSync(join(root, 'sub'))
          for (const { name, content } of files) {
            const path = Buffer.concat([Buffer.from(`${root}/sub/`), name])
            writeFileSync(path, content)
          }
          const first = files[0]?.name ?? Buffer.from('')
          linkSync(Buffer.concat([Buffer.from(`${root}/sub/`), first]), `${root}/zz`)
          symlinkSync(target, `${root}/zzz`)
          const found = entriesOf(gnuTar(root, `--format=${format}`), sizes)
          const byPath = new Map(found.map((one) => [one.entry.path, one]))
          expect([...byPath.keys()].toSorted()).toEqual(
            ['', 'sub', 'zz', 'zzz', ...files.map(({ name }) => `sub/${decodeName(name)}`)].toSorted(),
          )
          for (const { name, content } of files) {
            const one = byPath.get(`sub/${decodeName(name)}`)
            expect(one?.entry).toMatchObject({ type: 'file', size: content.length, target: null })
            expect(one?.content).toEqual(Buffer.from(content))
          }
          expect(byPath.get('zz')?.entry).toMatchObject({ type: 'link', size: 0, target: `sub/${decodeName(first)}` })
          expect(byPath.get('zzz')?.entry).toMatchObject({ type: 'symlink', size: 0, target: decodeName(target) })
        },
      ),
      { numRuns: 12 },
    )
  })

  it.each([['gnu'], ['pax', '--sparse-version=0.0'], ['pax', '--sparse-version=0.1'], ['pax', '--sparse-version=1.0']])(
    'sparse files, %s %s: the full length and content',
    (format, ...options) => {
      const pieces = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })
      fc.assert(
        fc.property(pieces, fc.integer({ min: 0, max: 5000 }), lengths, (blocks, tail, sizes) => {
          const root = emptyFolder('sparse')
          const path = join(root, `${'long-name-'.repeat(12)}.bin`)
          const file = openSync(path, 'w')
          for (const [index, block] of blocks.entries())
            writeSync(file, Buffer.alloc(4096, index + 1), 0, 4096, block * 8192)
          closeSync(file)
          const length = Math.max(0, ...blocks.map((block) => block * 8192 + 4096)) + tail
          truncateSync(path, length)
          const expected = execFileSync('cat', [path], { maxBuffer: 1024 * 1024 })
          const [, one] = entriesOf(gnuTar(root, '-S', `--format=${format}`, ...options), sizes)
          expect(one?.entry).toMatchObject({ path: `${'long-name-'.repeat(12)}.bin`, type: 'file', size: length })
          expect(one?.content?.equals(expected)).toBe(true)
          const [, skipped, none] = entriesOf(gnuTar(root, '-S', `--format=${format}`, ...options), sizes, () => false)
          expect([skipped?.entry, none]).toEqual([one?.entry, undefined])
        }),
        { numRuns: 12 },
      )
    },
  )

  it('reads the mode with setuid, setgid and sticky, fifos and folders', () => {
    const root = emptyFolder('modes')
    execFileSync('sh', ['-c', 'mkfifo -m 640 fifo; install -m 4755 /dev/null tool; mkdir -m 1777 tmp'], { cwd: root })
    const found = entriesOf(gnuTar(root)).map(({ entry: { path, type, mode } }) => [path, type, mode])
    expect(found.slice(1)).toEqual([
      ['fifo', 'fifo', 0o640],
      ['tmp', 'directory', 0o1777],
      ['tool', 'file', 0o4755],
    ])
  })
})

describe('entries', () => {
  it.each([
    ['\0', 'file', 5],
    ['0', 'file', 5],
    ['7', 'file', 5],
    ['Q', 'file', 5],
    ['1', 'link', 0],
    ['2', 'symlink', 0],
    ['3', 'character-device', 0],
    ['4', 'block-device', 0],
    ['5', 'directory', 0],
    ['6', 'fifo', 0],
  ])('flag %j is a %s, and has a payload if it is a file, whatever its size field says', (flag, type, size) => {
    const first =
      size > 0 ? member('a', 'hello', { flag }) : member('a', '', { flag, size: '00000000777\0', link: 'b' })
    const found = entriesOf(tar(first, member('next', 'x')))
    expect(found.map(({ entry }) => [entry.path, entry.type, entry.size])).toEqual([
      ['a', type, size],
      ['next', 'file', 1],
    ])
  })

  it('takes an old file whose name ends with a slash for a folder, skips the names in a dump and the archive’s label', () => {
    const archive = tar(
      member('label', '', { flag: 'V' }),
      member('old/', '', { flag: '\0', size: '00000000777\0' }),
      member('dump/', 'Yfile\0\0', { flag: 'D', magic: 'ustar  \0' }),
      member('next', 'x'),
    )
    expect(entriesOf(archive).map(({ entry }) => [entry.path, entry.type, entry.size])).toEqual([
      ['old', 'directory', 0],
      ['dump', 'directory', 0],
      ['next', 'file', 1],
    ])
  })

  it('reads names and targets of any length, GNU’s and pax’s, and ustar’s prefix', () => {
    const long = 'n'.repeat(5000)
    const archive = tar(
      member('././@LongLink', `${long}\0`, { flag: 'K', magic: 'ustar  \0' }),
      member('././@LongLink', `${long}/x\0`, { flag: 'L', magic: 'ustar  \0' }),
      member('short', '', { flag: '2', link: 'short' }),
      pax({
        path: `${long}/y`,
        linkpath: `./${long}`,
        'SCHILY.xattr.user.a': Buffer.from([0, 10, 61, 255]),
        uid: '3000000',
        gid: '7',
      }),
      member('short', '', { flag: '1', link: 'short' }),
      member('c', 'x', { prefix: 'a/b' }),
    )
    expect(entriesOf(archive, [7]).map(({ entry: { path, target, uid } }) => [path, target, uid])).toEqual([
      [`${long}/x`, long, 0],
      [`${long}/y`, long, 3_000_000],
      ['a/b/c', null, 0],
    ])
  })

  it('takes sizes from pax records and in base 256', () => {
    const base256 = Buffer.alloc(12)
    base256.writeUInt8(0x80)
    base256.writeUInt32BE(3, 8)
    const archive = tar(
      pax({ size: '5' }),
      member('a', 'hello', { size: '00000000000\0' }),
      member('b', 'abc', { raw: [[124, base256]] }),
      member('c', 'x'),
    )
    expect(entriesOf(archive).map(({ content }) => content?.toString())).toEqual(['hello', 'abc', 'x'])
  })

  it('ignores a global extended header, as the engines do', () => {
    const archive = tar(pax({ path: 'other', size: '1', comment: 'x' }, 'g'), member('a', 'hello'))
    expect(entriesOf(archive).map(({ entry, content }) => [entry.path, content?.toString()])).toEqual([['a', 'hello']])
  })

  it('accepts a checksum of signed bytes', () => {
    const block = sealed(member(Buffer.from([0xff, 0xfe]), ''), true)
    expect(entriesOf(tar(block)).map(({ entry }) => entry.path)).toEqual(['\\xff\\xfe'])
  })
})

describe('names', () => {
  it('decoded names are the names, back and forth, and no two are the same', () => {
    const bytes = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom(...Buffer.from('\\x5c8f'), 0xc3, 0xa9, 0xed, 0xa0, 0xf0, 0x9f),
      ),
    )
    const encode = (name: string): Buffer =>
      Buffer.concat(
        name
          .split(/(\\x(?:5c|[89a-f][0-9a-f]))/)
          .map((part, index) => (index % 2 === 1 ? Buffer.from(part.slice(2), 'hex') : Buffer.from(part))),
      )
    fc.assert(
      fc.property(bytes, (name) => {
        expect([...encode(decodeName(Buffer.from(name)))]).toEqual(name)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    [Buffer.from('é/ü'), 'é/ü'],
    [Buffer.from('caf\xe9', 'latin1'), 'caf\\xe9'],
    [Buffer.from('system-a\\x2db.slice'), 'system-a\\x2db.slice'],
    [Buffer.from('a\\xff'), 'a\\x5cxff'],
  ])('%j is %s', (bytes, expected) => {
    expect(decodeName(bytes)).toBe(expected)
  })

  it.each([
    ['./a', 'a'],
    ['/a', 'a'],
    ['a/', 'a'],
    ['a//b', 'a/b'],
    ['a/./b', 'a/b'],
    ['a/../b', 'b'],
    ['../../etc/passwd', 'etc/passwd'],
    ['./', ''],
    ['..', ''],
    ['..a/.b/c..', '..a/.b/c..'],
    ['a/...', 'a/...'],
  ])('the path %s is %s', (path, expected) => {
    expect(normalisePath(path)).toBe(expected)
  })
})

describe('what is no archive', () => {
  it.each([
    ['other content', Buffer.alloc(2048, 'not a tar '), /checksum|malformed/],
    ['a changed header', tar(member('a').fill('b', 0, 1)), /checksum/],
    ['a cut header', member('a').subarray(0, 300), /cut off/],
    ['a cut payload', member('a', 'hello').subarray(0, 514), /cut off/],
    ['a long name without its entry', member('x', 'long', { flag: 'L' }), /cut off/],
    ['more after a block of zeros', Buffer.concat([member('a'), Buffer.alloc(512), member('b')]), /more follows/],
    [
      'a size that does not count exactly',
      tar(member('a', '', { raw: [[124, Buffer.from([0x80, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0])]] })),
      /impossible size/,
    ],
    ['a size below 0', tar(member('a', '', { raw: [[124, Buffer.alloc(12, 0xff)]] })), /impossible size/],
    ['a size below 0 in pax', tar(pax({ size: '-1' }), member('a')), /impossible size/],
    ['letters for a size', tar(member('a', '', { size: 'zzz' })), /malformed/],
    ['a pax record without its length', tar(member('x', 'path=a\n', { flag: 'x' }), member('a')), /malformed/],
    ['a pax record that is too long', tar(member('x', '99 path=a\n', { flag: 'x' }), member('a')), /malformed/],
    ['a NUL in a pax path', tar(pax({ path: 'a\0b' }), member('a')), /NUL/],
    ['a pax header of more than 1 MiB', tar(pax({ comment: Buffer.alloc(1024 * 1024) }), member('a')), /longer than/],
    [
      'a name of more than 1 MiB',
      tar(member('x', Buffer.alloc(1024 * 1024 + 1, 'a'), { flag: 'L' }), member('a')),
      /longer than/,
    ],
    ['a volume of several', tar(member('a', '', { flag: 'M' })), /multi-volume/],
    [
      'overlapping pieces',
      tar(
        pax({ 'GNU.sparse.size': '10', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': '4,2,0,3' }),
        member('a', 'hello'),
      ),
      /sparse/,
    ],
    [
      'pieces beyond the end',
      tar(pax({ 'GNU.sparse.size': '4', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,5' }), member('a', 'hello')),
      /sparse/,
    ],
    [
      'pieces that are not there',
      tar(pax({ 'GNU.sparse.size': '9', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,6' }), member('a', 'hello')),
      /sparse/,
    ],
    [
      'a map of another length',
      tar(pax({ 'GNU.sparse.size': '9', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': '0,5' }), member('a', 'hello')),
      /sparse/,
    ],
    [
      'a map without an end',
      tar(
        pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' }),
        member('a', Buffer.alloc(2 * 1024 * 1024, '1')),
      ),
      /pieces|malformed/,
    ],
  ])('%s is an error', async (_, archive, expected) => {
    expect(await failureOf(() => entriesOf(archive))).toMatch(expected)
  })

  it('any change to any byte is an error or another archive, and never hangs or breaks', () => {
    const archive = tar(pax({ path: 'a', size: '5' }), member('x', 'hello'), member('b', '', { flag: '2', link: 'a' }))
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(archive)
        changed[at] = (changed[at] ?? 0) ^ change
        try {
          entriesOf(changed)
        } catch (error) {
          expect((error as Error).name).toBe('CouldNotMeasure')
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('readTar', () => {
  const members = Array.from({ length: 5 }, (_, index) => member(`m${index}`, Buffer.alloc(5000 * index, `${index}`)))

  it('gives payloads that are read, skips the others, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('all', 'some', 'none'), { minLength: 5, maxLength: 5 }),
        lengths,
        async (how, sizes) => {
          let index = 0
          for await (const { entry, payload } of readTar(streamOf(tar(...members), sizes))) {
            expect(entry.path).toBe(`m${index}`)
            const chunks: Uint8Array[] = []
            if (how[index] !== 'none') {
              for await (const chunk of payload) {
                chunks.push(Buffer.from(chunk))
                if (how[index] === 'some') break
              }
            }
            if (how[index] === 'all') expect(Buffer.concat(chunks)).toEqual(Buffer.alloc(5000 * index, `${index}`))
            index += 1
          }
          expect(index).toBe(5)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('reads its source no further than it must, and lets go of it', async () => {
    const log: string[] = []
    async function* source(): AsyncGenerator<Buffer> {
      try {
        for (const one of [...members, END]) {
          log.push('read')
          yield one
        }
      } finally {
        log.push('let go')
      }
    }
    for await (const { entry } of readTar(source())) {
      log.push(entry.path)
      if (entry.path === 'm1') break
    }
    expect(log).toEqual(['read', 'm0', 'read', 'm1', 'let go'])
  })

  it.each([
    ['within a member', 4000],
    ['between members, without the end marker', 512],
  ])('an archive that is cut off %s is an error', async (_, length) => {
    const read = async (): Promise<void> => {
      for await (const { payload } of readTar(streamOf(tar(...members).subarray(0, length))))
        for await (const chunk of payload) void chunk
    }
    expect(await failureOf(read)).toMatch(/cut off/)
  })
})

describe('indexTar', () => {
  it('finds each member without reading what it holds', async () => {
    const path = join(folder, 'large.tar')
    const big = member('big', Buffer.alloc(8 * 1024 * 1024, 'x'))
    writeFileSync(path, tar(big, pax({ path: 'blobs/sha256/abc' }), member('short', 'hello'), member('last', big)))
    const file = await open(path)
    let read = 0
    const counting = {
      stat: () => file.stat(),
      read: async (buffer: Buffer, offset: number, length: number, position: number) => {
        const result = await file.read(buffer, offset, length, position)
        read += result.bytesRead
        return result
      },
    }
    const found = []
    for await (const { entry, offset } of indexTar(counting)) {
      const start = Buffer.alloc(5)
      await file.read(start, 0, 5, offset)
      found.push([entry.path, entry.size, start.toString()])
    }
    await file.close()
    expect(found).toEqual([
      ['big', 8 * 1024 * 1024, 'xxxxx'],
      ['blobs/sha256/abc', 5, 'hello'],
      ['last', big.length, `big\0\0`],
    ])
    expect(read).toBeLessThan(100_000)
  })

  it.each([700, 8 * 512, 20_000])('an archive that is cut off after %d bytes is an error', async (length) => {
    const path = join(folder, 'cut.tar')
    writeFileSync(path, tar(member('a'), member('b', Buffer.alloc(30_000))).subarray(0, length))
    const file = await open(path)
    const index = async (): Promise<void> => {
      for await (const one of indexTar(file)) void one
    }
    expect(await failureOf(index)).toMatch(/cut off/)
    await file.close()
  })
})
