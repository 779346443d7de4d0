import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { goReader } from '../../../src/image/packages/go.ts'
import { chunksOf } from '../layer/archives.ts'
import { fixture, inspect, program } from './inspect.ts'

/** The section `.go.buildinfo` of programs of Go 1.26: of one that `go build` made of a folder, of one that `go install` fetched. */
const builtHere = fixture('go-built-here.buildinfo')
const installed = fixture('go-installed.buildinfo')

const MAGIC = Buffer.from('\xff Go buildinf:', 'latin1')

function read(content: Buffer, lengths: number[] = [16_384]) {
  const reader = goReader('bin/tool', content.length)
  for (const chunk of chunksOf(content, lengths)) reader?.push(chunk)
  return reader?.end() ?? null
}

describe('Go programs', () => {
  it('are packages: the main module, its version, the file', async () => {
    const { packages } = await inspect({
      'usr/local/bin/hello': program([[131_072, installed]]),
      'usr/local/bin/tool': program([[131_072, builtHere]]),
      'usr/local/bin/no-go': program([]),
      'usr/local/share/text': Buffer.concat([Buffer.alloc(160_000), installed]),
    })
    expect(packages).toEqual([
      {
        ecosystem: 'go',
        name: 'golang.org/x/example/hello',
        version: 'v0.0.0-20250915201037-7f05d217867b',
        path: '/usr/local/bin/hello',
        size: 200_000,
        dev: null,
      },
      {
        ecosystem: 'go',
        name: 'example.com/octo/tool',
        version: null,
        path: '/usr/local/bin/tool',
        size: 200_000,
        dev: null,
      },
    ])
  })

  it('of a Debian package, or of npm’s, are that package', async () => {
    const { packages } = await inspect({
      'var/lib/dpkg/status': 'Package: runc\nStatus: install ok installed\n',
      'var/lib/dpkg/info/runc.list': '/usr/sbin/runc\n',
      'usr/sbin/runc': program([[131_072, installed]]),
      'node_modules/@esbuild/linux-x64/package.json': '{"name":"@esbuild/linux-x64","version":"0.25.0"}',
      'node_modules/@esbuild/linux-x64/bin/esbuild': program([[131_072, installed]]),
    })
    expect(packages.map(({ name, size }) => [name, size])).toEqual([
      ['runc', 200_000],
      ['@esbuild/linux-x64', 200_048],
    ])
  })
})

describe('build info', () => {
  it('is found wherever it lies on a multiple of 16, whatever the chunks', () => {
    const places = fc.integer({ min: 256, max: 12_000 }).map((at) => at * 16)
    fc.assert(
      fc.property(places, fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1 }), (at, lengths) => {
        expect(read(program([[at, installed]]), [...lengths, 30_000])).toMatchObject({
          name: 'golang.org/x/example/hello',
        })
      }),
      { numRuns: 50 },
    )
    for (let length = 1; length < 40; length++) {
      expect(read(program([[100_000, installed]], 101_000), [99_990, length])).toMatchObject({
        name: 'golang.org/x/example/hello',
      })
    }
  })

  it.each([[[1]], [[3, 30_000]], [[4095, 2]]])('is found where the file begins with chunks of %j bytes', (lengths) => {
    expect(read(program([[4_096, installed]], 101_000), lengths)).toMatchObject({ name: 'golang.org/x/example/hello' })
    expect(read(Buffer.concat([Buffer.from('\x7fEL'), Buffer.alloc(100_000), installed]), lengths)).toBeNull()
  })

  it('is told from what only looks like it: programs that read build info have its magic', () => {
    const empty = Buffer.concat([MAGIC, Buffer.from([8, 2]), Buffer.alloc(100)])
    const pointers = Buffer.concat([MAGIC, Buffer.from([8, 0]), Buffer.alloc(16, 7)])
    const long = Buffer.concat([MAGIC, Buffer.from([8, 2]), Buffer.alloc(16), Buffer.alloc(8, 0xff)])
    const looks: [number, Buffer][] = [
      [50_001, installed],
      [60_000, MAGIC],
      [70_000, empty],
      [80_000, pointers],
      [90_000, long],
    ]
    expect(read(program([...looks, [131_072, builtHere]]))).toMatchObject({ name: 'example.com/octo/tool' })
    expect(read(program(looks))).toBeNull()
    expect(read(program([[131_072, builtHere.subarray(0, 100)]], 131_172))).toBeNull()
  })

  it('is not searched for without end in a file made of beginnings', () => {
    const header = Buffer.concat([MAGIC, Buffer.from([8, 2])])
    const claims = Buffer.concat([
      header,
      Buffer.alloc(16),
      Buffer.from([4]),
      Buffer.from('go1.'),
      Buffer.from([0xff, 0xff, 0x3f]),
    ])
    const file = program(
      Array.from({ length: 100_000 }, (_, at) => [4_096 + 48 * at, claims]),
      5_000_000,
    )
    expect(read(file)).toBeNull()
  })

  it('never throws, whatever the bytes', () => {
    const part = fc.oneof(
      fc.constant(MAGIC),
      fc.constant(Buffer.from([8, 2])),
      fc.uint8Array({ maxLength: 80 }).map((b) => Buffer.from(b)),
    )
    fc.assert(
      fc.property(fc.array(part), (parts) => void read(program([[4_096, Buffer.concat(parts)]], 100_000))),
      { numRuns: 100 },
    )
  })

  it('is looked for where a program can write, as Go does: not among its code and texts', () => {
    const parts: [number, Buffer][] = [
      [50_000, builtHere],
      [131_072, installed],
    ]
    expect(read(program(parts, 200_000, 131_072))).toMatchObject({ name: 'golang.org/x/example/hello' })
    expect(read(program(parts, 200_000, 140_000))).toBeNull()
  })

  it('never throws, whatever the headers', () => {
    const change = fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 }))
    const original = program([[131_072, installed]])
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const file = Buffer.from(original)
        for (const [at, byte] of changes) file[at] = byte
        read(file)
      }),
    )
  })

  it('of small files is not looked for', () => {
    expect(goReader('bin/tool', 99_999)).toBeNull()
  })
})
