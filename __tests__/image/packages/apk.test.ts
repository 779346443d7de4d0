import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { z } from 'zod'
import { layFiles } from '../../support/contents.ts'
import { readLayer } from '../../../src/image/layer/read.ts'
import { apkReader } from '../../../src/image/packages/apk.ts'
import { findPackages } from '../../../src/image/packages/packages.ts'
import { streamOf } from '../layer/archives.ts'
import { fixture, inspect, rows } from './inspect.ts'

const apkQuery = z.strictObject({
  name: z.string(),
  version: z.string(),
  'installed-size': z.int(),
  contents: z.array(z.string()),
})

const musl = fixture('apk-installed').toString()
const files = {
  'lib/ld-musl-x86_64.so.1': 'x'.repeat(600),
  'lib/libc.musl-x86_64.so.1': { symlink: 'ld-musl-x86_64.so.1' },
}

describe('packages of apk', () => {
  it('have the files of their folders; a link has no bytes', async () => {
    const other = 'P:baselayout\nV:3.2-r1\nF:\nR:motd\nF:etc\nF:etc/apk\nM:0:0:755\nR:arch\nR:world\n'
    const { packages, ofPackage } = await inspect({
      'lib/apk/db/installed': `${musl}${other}`,
      ...files,
      motd: 'hello',
      'etc/apk/arch': 'x86_64',
      'etc/apk/world': 'musl',
      'etc/apk/repositories': 'of nobody',
    })
    expect(rows(packages)).toEqual(['apk musl 1.2.2-r7 600', 'apk baselayout 3.2-r1 15'])
    expect(ofPackage('baselayout')).toEqual(['/motd', '/etc/apk/arch', '/etc/apk/world'])
  })

  it('are found where /usr is merged, too', async () => {
    const { packages } = await inspect({
      'usr/lib/apk/db/installed': musl,
      lib: { symlink: 'usr/lib' },
      'usr/lib/ld-musl-x86_64.so.1': 'x'.repeat(600),
    })
    expect(rows(packages)).toEqual(['apk musl 1.2.2-r7 600'])
  })

  it('of the last layer’s database are told, not of those that it replaced', async () => {
    const { packages } = await inspect(
      { 'lib/apk/db/installed': musl, ...files },
      { 'lib/apk/db/installed': 'P:b\nV:1\n' },
    )
    expect(rows(packages)).toEqual(['apk b 1 0'])
  })
})

/**
 * A root folder that apk 3.0.6 filled: four packages were installed, a fifth one too and removed again, `tools` was upgraded after one had
 * edited its configuration; and what `apk query --installed --fields name,version,installed-size,contents` said of it.
 */
describe('a real installation', () => {
  it('has the sizes and files that apk lists', async () => {
    const layer = { digest: null, diffId: null }
    const { entries } = await readLayer(streamOf(fixture('apk-root.tar.gz'), [1_000]), layer)
    const laid = layFiles([entries!])!
    const packages = findPackages(laid)
    const listed = z.array(apkQuery).parse(JSON.parse(fixture('apk-query.json').toString()))
    const found = packages.map(({ name, version, size }, at) => {
      const own = [...laid.files].filter((each) => each.package === at).map(({ path }) => path.slice(1))
      return { name, version, 'installed-size': size, contents: own.toSorted() }
    })
    // A package of nothing has a byte to apk. What was edited is as long as it is: apk counts what the package brought, which lies beside it.
    const differ: Record<string, number> = { meta: -1, tools: 'a=2\n'.length - 'a=3\nb=3\n'.length }
    expect(found.toSorted((one, other) => (one.name < other.name ? -1 : 1))).toEqual(
      listed.map(({ name, version, contents, 'installed-size': size }) => ({
        name,
        version,
        'installed-size': size + (differ[name] ?? 0),
        // Neither links nor the second name of a file have bytes.
        contents: contents.filter((path) => !/libc\.musl|libz\.so\.1$|bin\/two$/.test(path)).toSorted(),
      })),
    )
  })
})

describe('what apk’s database tells', () => {
  const read = (content: Buffer) => {
    const reader = apkReader('lib/apk/db/installed', content.length)
    reader?.push(content)
    return reader?.end() ?? null
  }

  it('is what was written', () => {
    const name = fc.stringMatching(/^[a-z0-9_.+-]{1,30}$/)
    const folder = fc.record({
      folder: fc.stringMatching(/^[a-z]{1,9}(?:\/[a-z. ]{1,9}){0,3}$/),
      names: fc.array(name),
    })
    const packages = fc.array(fc.record({ name, folders: fc.array(folder) }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(packages, (expected) => {
        const lines = expected.flatMap((each) => [
          'C:Q1Deb0jNytkrjPW4N/eKLZ43BwOlw=',
          `P:${each.name}`,
          'V:1-r0',
          ...each.folders.flatMap((one) => [
            `F:${one.folder}`,
            ...one.names.flatMap((file) => [`R:${file}`, 'a:0:0:755']),
          ]),
          '',
        ])
        expect(read(Buffer.from(lines.join('\n')))).toEqual({
          kind: 'apk',
          packages: expected.map((each) => ({
            name: each.name,
            version: '1-r0',
            files: each.folders.flatMap((one) => one.names.map((file) => `/${one.folder}/${file}`)).join('\n'),
          })),
        })
      }),
    )
  })

  it('never throws, whatever the bytes', () => {
    const line = fc.constantFrom('P:a', 'P:', 'V', 'F:/../..', 'R:x', ':', '', 'R:\u0000')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          fc.array(line).map((lines) => Buffer.from(lines.join('\n'))),
        ),
        (content) => void read(content),
      ),
    )
  })

  it('is nothing where a long folder is repeated for more files than can be kept; else it weighs what its paths do', () => {
    const database = (count: number): Buffer => Buffer.from(`P:a\nF:${'a'.repeat(70_000)}\n${'R:b\n'.repeat(count)}`)
    expect(read(database(1_000))).toBeNull()
    const few = database(100)
    const reader = apkReader('lib/apk/db/installed', few.length)!
    reader.push(few)
    expect(reader.end()).not.toBeNull()
    expect(reader.keeps).toBeGreaterThan(100 * 70_000)
    expect(read(Buffer.from(`P:a\n${'R:\n'.repeat(1_000_001)}`))).toBeNull()
  })
})
