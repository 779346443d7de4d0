import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { javaReader } from '../../../src/image/packages/java.ts'
import { chunksOf } from '../layer/archives.ts'
import { fixture, inspect } from './inspect.ts'

/** Made by the JDK's `jar`: one with two others in it, not packed, and one of Maven's. */
const app = fixture('app.jar')
const inner = fixture('inner.jar')
const NESTED = { inner: 4_159, log4j: 956 }

function read(path: string, content: Buffer, lengths: number[] = [16_384]) {
  const reader = javaReader(path, content.length)
  for (const chunk of chunksOf(content, lengths)) reader?.push(chunk)
  return reader?.end() ?? null
}

/** A zip of these entries, packed, after `before` bytes of something else. */
function zip(entries: [name: string, content: string][], before = 0): Buffer {
  const locals: Buffer[] = [Buffer.alloc(before, 'x')]
  const list: Buffer[] = []
  let offset = before
  for (const [name, content] of entries) {
    const packed = deflateRawSync(content)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(content.length, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed])
    const entry = Buffer.alloc(46)
    entry.write('PK\x01\x02')
    fields.copy(entry, 6, 0, 24)
    entry.writeUInt32LE(offset, 42)
    list.push(entry, Buffer.from(name))
    locals.push(local)
    offset += local.length
  }
  const entriesBytes = Buffer.concat(list)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt32LE(entriesBytes.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, entriesBytes, end])
}

describe('Java archives', () => {
  it('are packages, and those in them, and no byte is in two', async () => {
    const { packages } = await inspect({ 'app/app.jar': app, 'opt/lib/inner-1.4.2.jar': inner })
    expect(packages).toEqual([
      {
        ecosystem: 'java',
        name: 'app',
        version: '3.1.0',
        path: '/app/app.jar',
        size: app.length - NESTED.inner - NESTED.log4j,
        dev: null,
      },
      {
        ecosystem: 'java',
        name: 'inner',
        version: '1.4.2',
        path: '/app/app.jar!/BOOT-INF/lib/inner-1.4.2.jar',
        size: NESTED.inner,
        dev: null,
      },
      {
        ecosystem: 'java',
        name: 'log4j-1.2-api',
        version: '2.17.1',
        path: '/app/app.jar!/BOOT-INF/lib/log4j-1.2-api-2.17.1.jar',
        size: NESTED.log4j,
        dev: null,
      },
      {
        ecosystem: 'java',
        name: 'inner',
        version: '1.4.2',
        path: '/opt/lib/inner-1.4.2.jar',
        size: inner.length,
        dev: null,
      },
    ])
  })

  it('of a Debian package are that package, and what is in them as well', async () => {
    const { packages } = await inspect({
      'var/lib/dpkg/status': 'Package: libapp-java\nStatus: install ok installed\n',
      'var/lib/dpkg/info/libapp-java.list': '/usr/share/java/app.jar\n',
      'usr/share/java/app.jar': app,
    })
    expect(packages.map(({ name, size }) => [name, size])).toEqual([['libapp-java', app.length]])
  })

  it.each([
    ['jackson-core-2.17.1.jar', 'jackson-core', '2.17.1'],
    ['guava-31.1-jre.jar', 'guava', '31.1-jre'],
    ['log4j-1.2-api-2.17.1.jar', 'log4j-1.2-api', '2.17.1'],
    ['shop-1.0-20230101.123456-1.war', 'shop', '1.0-20230101.123456-1'],
    ['netty-epoll-4.1.100.Final-linux-x86_64.jar', 'netty-epoll', '4.1.100.Final-linux-x86_64'],
    ['tool-7.ear', 'tool', '7'],
    ['app.jar', 'app', null],
    ['1.2.3.jar', '1.2.3', null],
  ])('are named by their files: %s', (file, name, version) => {
    expect(read(`lib/${file}`, Buffer.from('no zip'))).toEqual({ kind: 'java', name, version, nested: [] })
  })

  it('have the version of Maven’s one project before that of the manifest, and of several none', () => {
    const pom = (name: string): [string, string] => [
      `META-INF/maven/com.example/${name}/pom.properties`,
      `version=1.0-${name}\n`,
    ]
    const manifest: [string, string] = [
      'META-INF/MANIFEST.MF',
      'Manifest-Version: 1.0\r\nImplementation-Version: 3\r\n',
    ]
    const version = (...entries: [string, string][]) => read('app.jar', zip(entries))?.version
    expect(version(manifest, pom('a'))).toBe('1.0-a')
    expect(version(manifest, pom('a'), pom('b'))).toBe('3')
    expect(version(pom('a'), pom('b'))).toBeNull()
    expect(version(['META-INF/MANIFEST.MF', 'Manifest-Version: 1.0\n\nImplementation-Version: 3\n'])).toBeNull()
    // It unpacks to far more than a manifest has.
    expect(version(['META-INF/MANIFEST.MF', ' '.repeat(2_000_000)])).toBeNull()
  })

  it('may be larger than what is kept of them, and come in any chunks', () => {
    const large = zip([['WEB-INF/lib/a-1.0.jar', 'inner']], 20_000_000)
    for (const lengths of [[65_536], [1_000_003, 5]]) {
      expect(read('shop-2.0.war', large, lengths)).toMatchObject({
        name: 'shop',
        nested: [{ path: 'WEB-INF/lib/a-1.0.jar', name: 'a', version: '1.0', size: deflateRawSync('inner').length }],
      })
    }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1 }), (lengths) => {
        expect(read('app.jar', app, lengths)).toEqual(read('app.jar', app))
      }),
    )
  })

  it('that claim more bytes in them than they have, have none', async () => {
    const bytes = zip([['lib/a-1.0.jar', 'inner']])
    const entry = bytes.lastIndexOf('PK\x01\x02')
    bytes.writeUInt32LE(4_000_000_000, entry + 20)
    const { packages } = await inspect({ 'app.jar': bytes })
    expect(packages.map(({ name, size }) => [name, size])).toEqual([['app', bytes.length]])
  })

  it('never throw, whatever is changed in them', () => {
    const change = fc.tuple(fc.nat(app.length - 1), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 10 }), fc.nat(app.length), (changes, length) => {
        const changed = Buffer.from(app)
        for (const [at, byte] of changes) changed[at] = byte
        const fact = read('app.jar', changed.subarray(0, length === 0 ? undefined : length))
        expect(fact!.nested.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(changed.length)
      }),
      { numRuns: 1_000 },
    )
  })
})
