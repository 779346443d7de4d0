import { readFileSync } from 'node:fs'
import { crc32, gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { z } from 'zod'
import { contentOf, type ImageContent } from '../../src/image/content.ts'
import { CHECKSUM_FLOOR, NO_FACTS, type LayerEntry, type LayerFile } from '../../src/image/layer/entries.ts'
import type { FileFact } from '../../src/image/layer/facts.ts'
import { readLayer, type ReadLayer } from '../../src/image/layer/read.ts'
import {
  MAX_LISTING,
  packListing,
  unpackListing,
  type LayerListing,
  type writtenFact,
} from '../../src/record/listing.ts'
import { member, streamOf, tar } from '../image/layer/archives.ts'
import { fixture, program } from '../image/packages/inspect.ts'
import { incompressible } from '../support/bytes.ts'
import { digest } from '../support/measurements.ts'
import type { Flat, Same } from '../support/same.ts'

const DIFF_ID = digest('layer')

it('has each member of what files tell: to add one to a fact alone does not compile', () => {
  const facts: Same<Flat<z.output<typeof writtenFact>>, Flat<FileFact>> = 'same'
  expect(facts).toBe('same')
})

function listingOf(entries: LayerEntry[]): LayerListing {
  return { size: entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.size : 0), 0), entries }
}

/** What is read of the layers of an image, base layer first. */
function inspected(layers: readonly LayerListing[]): Promise<ImageContent | null> {
  const diffIds = layers.map((_, at) => digest(`${at}`))
  return contentOf(diffIds, {
    get: (diffId) => layers[diffIds.indexOf(diffId)],
    add: () => {},
    read: () => Promise.reject(new Error('it is read')),
    readNow: () => Promise.reject(new Error('it is read')),
  })
}

/** As they are kept. */
function withoutSmallChecksums(entries: readonly LayerEntry[]): LayerEntry[] {
  return entries.map((each) =>
    each.kind === 'file' && each.size < CHECKSUM_FLOOR ? { ...each, checksum: null } : each,
  )
}

async function packedOf(listing: LayerListing, diffId = DIFF_ID): Promise<Buffer> {
  const bytes = await packListing(diffId, listing)
  if (bytes === null) throw new Error('it is not packed')
  return bytes
}

async function thereAndBack(listing: LayerListing, diffId = DIFF_ID): Promise<LayerListing> {
  const { size, entries } = (await unpackListing(await packedOf(listing, diffId), diffId))!
  return { size, entries: [...entries] }
}

const word = fc.oneof(
  fc.constantFrom('a', 'libssl3', '@types/node', '1.0.0', '__proto__', '\uD800', ''),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const version = fc.option(word)
const words = fc.array(word, { maxLength: 4 })
const lines = fc
  .array(fc.constantFrom('/a', '/a/b', '/usr/lib/x.so', 'b.py', '../c'), { maxLength: 4 })
  .map((all) => all.join('\n'))
const packageFiles = fc.array(fc.record({ name: word, version, files: lines }), { maxLength: 3 })
const kind = <const Kind extends string>(of: Kind) => fc.constant(of)
const size = fc.nat({ max: 1_000 })

/** Whatever files tell; but for secrets, which are not read back whole. */
const fact: fc.Arbitrary<FileFact> = fc.oneof(
  fc.record({ kind: kind('apk'), packages: packageFiles }),
  fc.record({ kind: kind('rpm'), packages: packageFiles }),
  fc.record({
    kind: kind('dpkg'),
    of: kind('packages'),
    packages: fc.array(fc.record({ name: word, version, architecture: word }), { maxLength: 3 }),
  }),
  fc.record({ kind: kind('dpkg'), of: kind('files'), files: lines }),
  fc.record({ kind: kind('elf'), symbols: size, debug: size, go: fc.boolean() }),
  fc.record({ kind: kind('go'), name: word, version }),
  fc.record({
    kind: kind('java'),
    name: word,
    version,
    nested: fc.array(fc.record({ path: word, name: word, version, size }), { maxLength: 3 }),
  }),
  fc.record({ kind: kind('npm'), of: kind('package'), name: version, version, dependencies: words }),
  fc.record({ kind: kind('npm'), of: kind('project'), dependencies: words, devDependencies: words }),
  fc.record({
    kind: kind('npm'),
    of: kind('lock'),
    packages: fc
      .array(fc.tuple(word, fc.record({ version, dev: fc.boolean() })), { maxLength: 3 })
      .map((rows) => new Map(rows)),
  }),
  fc.record({ kind: kind('python'), of: kind('metadata'), name: word, version }),
  fc.record({
    kind: kind('python'),
    of: kind('files'),
    from: fc.constantFrom('site-packages', 'info'),
    files: lines,
  }),
)

const path = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'app',
      'node_modules',
      'package.json',
      '\u{1F469}',
      '\u{1F468}',
      'é',
      '宽',
      '\\xff',
      '.wh.a',
    ),
    {
      maxLength: 6,
    },
  )
  .map((names) => `/${names.join('/')}`)
const file: fc.Arbitrary<LayerFile> = fc.record({
  kind: kind('file'),
  path,
  size: fc.oneof(size, fc.integer({ min: CHECKSUM_FLOOR - 1, max: CHECKSUM_FLOOR + 1 })),
  mode: fc.nat({ max: 0o7777 }),
  uid: fc.oneof(fc.nat(), fc.constantFrom(-1, 2 ** 62)),
  gid: fc.nat(),
  checksum: fc.option(fc.integer()),
  facts: fc.array(fact, { maxLength: 2 }),
})
const entry: fc.Arbitrary<LayerEntry> = fc.oneof(
  { weight: 3, arbitrary: file },
  fc.record({ kind: fc.constantFrom('link', 'symlink'), path, target: fc.oneof(path, fc.constantFrom('', '../a')) }),
  fc.record({ kind: fc.constantFrom('folder', 'other', 'removed', 'opaque'), path }),
)
const entries = fc.array(entry, { maxLength: 20 })

describe('a listing', () => {
  it('is read back as it was: the image has the same files and packages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entries, { minLength: 1, maxLength: 3 }), async (layers) => {
        const originals = layers.map((each) => listingOf(withoutSmallChecksums(each)))
        const read = await Promise.all(layers.map((each) => thereAndBack(listingOf(each))))
        expect(read).toEqual(originals)
        expect(await inspected(read)).toEqual(await inspected(originals))
      }),
      { numRuns: 300 },
    )
  })

  it('is the same bytes for the same layer: no time, nothing of the run', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (each) => {
        const bytes = await packedOf(listingOf(each))
        // MTIME: https://www.rfc-editor.org/rfc/rfc1952#section-2.3
        expect(bytes.readUInt32LE(4)).toBe(0)
        expect(await packedOf(await thereAndBack(listingOf(each)))).toEqual(bytes)
      }),
      { numRuns: 50 },
    )
  })

  it('has one empty list for all files that tell nothing, as there are hundreds of thousands', async () => {
    const one: LayerFile = { kind: 'file', path: '/a', size: 1, mode: 0o644, uid: 0, gid: 0, checksum: 1, facts: [] }
    const read = await thereAndBack(listingOf([one, { ...one, path: '/b' }]))
    for (const each of read.entries) expect((each as LayerFile).facts).toBe(NO_FACTS)
    expect(NO_FACTS).toEqual([])
  })

  it('that is too large to be kept, or does not add up, is none', async () => {
    const text = Buffer.from(incompressible(100_000)).toString('hex')
    const long = Array.from({ length: 60 }, (_, at): LayerEntry => ({
      kind: 'folder',
      path: `/${at}${text.slice(at)}`,
    }))
    expect(await packListing(DIFF_ID, listingOf(long.slice(0, 40)))).not.toBeNull()
    expect(await packListing(DIFF_ID, listingOf(long))).toBeNull()
    expect(await packListing(DIFF_ID, { size: 1, entries: [] })).toBeNull()
    const many = Array.from({ length: 1_000_001 }, (): LayerEntry => ({ kind: 'folder', path: '/a' }))
    expect(await packListing(DIFF_ID, listingOf(many))).toBeNull()
    // Packs well, and would take a lot of memory when it is read.
    const folder: LayerEntry = { kind: 'folder', path: `/${'a'.repeat(35_000_000)}` }
    expect(await packListing(DIFF_ID, listingOf([folder, { ...folder, path: `/b${folder.path}` }]))).toBeNull()
  })
})

function elf(name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`../image/layer/fixtures/elf/${name}.gz`, import.meta.url)))
}

function layerOf(files: Record<string, string | Buffer>, ...more: Buffer[]): Promise<ReadLayer> {
  const members = Object.entries(files).map(([name, content]) => member(name, content))
  return readLayer(streamOf(tar(...members, ...more)), { digest: null, diffId: null })
}

describe('a layer as it is read', () => {
  it('of every package manager’s records leads to the same packages, and their files', async () => {
    const base = await layerOf(
      {
        'var/lib/dpkg/status': fixture('dpkg-status'),
        'var/lib/dpkg/info/base-passwd.list': fixture('base-passwd.list'),
        'var/lib/dpkg/info/libgcc-s1.list': fixture('libgcc-s1.list'),
        'usr/sbin/update-passwd': 'program',
        'lib/apk/db/installed': fixture('apk-installed'),
        'var/lib/rpm/rpmdb.sqlite': gunzipSync(fixture('rpmdb.sqlite.gz')),
        'usr/share/alpha/deep/file-1': '12345',
        'usr/lib/library.so': elf('gnu'),
        'usr/local/bin/tool': program([[131_072, fixture('go-built-here.buildinfo')]]),
      },
      member('usr/bin/', '', { flag: '5' }),
      member('bin', '', { flag: '2', link: 'usr/bin' }),
    )
    const app = await layerOf(
      {
        'app/package.json': fixture('project.json'),
        'app/node_modules/.package-lock.json': fixture('hidden-lock.json'),
        'app/node_modules/debug/package.json': '{"name":"debug","version":"4.4.1","dependencies":{"ms":"2"}}',
        'app/node_modules/ms/package.json': '{"name":"ms","version":"2.1.3"}',
        'usr/lib/python3/bottle-0.13.2.dist-info/METADATA': fixture('METADATA'),
        'usr/lib/python3/bottle-0.13.2.dist-info/RECORD': fixture('RECORD'),
        'usr/lib/python3/bottle.py': 'code',
        'app/app.jar': fixture('app.jar'),
        'usr/share/alpha/deep/.wh.file-1': '',
      },
      member('app/hard.jar', '', { flag: '1', link: 'app/app.jar' }),
    )
    const originals = [base, app].map((layer) => ({
      size: layer.size,
      entries: withoutSmallChecksums([...layer.entries!]),
    }))
    const facts = new Set(
      originals
        .flatMap((layer) => layer.entries)
        .flatMap((each) => ('facts' in each ? each.facts : []))
        .map((each) => each.kind),
    )
    expect(facts.size).toBe(8)
    const read = await Promise.all(
      [base, app].map(({ diffId, ...layer }) => thereAndBack({ size: layer.size, entries: layer.entries! }, diffId)),
    )
    expect(read).toEqual(originals)
    const content = await inspected(read)
    expect(content).toEqual(await inspected(originals))
    expect(new Set(content!.packages.map(({ ecosystem }) => ecosystem)).size).toBe(7)
  })

  it('tells that it holds a secret, and nothing of it: no text, and no checksum that a guess could be held against', async () => {
    const secrets = {
      'root/.npmrc': '//registry.test/:_authToken=npm_hunter2secret\n',
      'app/.env': 'DB_PASSWORD=hunter2secret\nSTRIPE_KEY=sk_live_hunter2secret\n',
      'root/.netrc': 'machine git.test login robot password hunter2secret',
      'root/.pypirc': '[pypi]\nusername = __token__\npassword = hunter2secret\n',
      'root/.aws/credentials': '[default]\naws_secret_access_key = hunter2secret\n',
      'root/.docker/config.json': '{"auths":{"ghcr.io":{"auth":"hunter2secret"}}}',
      'root/.git-credentials': 'https://robot:hunter2secret@git.test\n',
      'root/.ssh/id_rsa': '-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2secret\n-----END OPENSSH PRIVATE KEY-----\n',
    }
    const { diffId, entries: listed } = await layerOf({ ...secrets, 'app/index.js': 'no secret' })
    // As if they were large, or small files had checksums: reading gives them none.
    const files = [...listed!] as LayerFile[]
    for (const [at, each] of files.entries())
      Object.assign(each, { size: CHECKSUM_FLOOR, checksum: crc32(Object.values(secrets)[at] ?? '') | 0 })
    const packed = await packedOf({ size: CHECKSUM_FLOOR * files.length, entries: files }, diffId)
    const text = gunzipSync(packed).toString()
    expect(text).not.toContain('hunter2')
    for (const secret of Object.values(secrets)) {
      expect(text).not.toContain(`${crc32(secret)}`)
      expect(text).not.toContain(`${crc32(secret) | 0}`)
    }
    const read = [...(await unpackListing(packed, diffId))!.entries] as LayerFile[]
    expect(read.map(({ facts, checksum }) => [facts.length, checksum])).toEqual([
      ...Object.keys(secrets).map(() => [1, null]),
      [0, 0],
    ])
    expect(new Set(read.flatMap(({ facts }) => facts).map((each) => 'secret' in each && each.secret)).size).toBe(8)
  })

  it('keeps no checksum of a small file, whatever it is called: a password in it could be guessed', async () => {
    const floor = Buffer.from(incompressible(CHECKSUM_FLOOR))
    const {
      diffId,
      size: bytes,
      entries: listed,
    } = await layerOf({
      'run/secrets/db_password': 'hunter2',
      'app/below': floor.subarray(1),
      'app/floor': floor,
    })
    // As if it had been listed: reading gives small ones none.
    const files = [...listed!] as LayerFile[]
    for (const each of files) each.checksum ??= 1
    const packed = await packedOf({ size: bytes, entries: files }, diffId)
    const read = [...(await unpackListing(packed, diffId))!.entries] as LayerFile[]
    expect(read.map(({ checksum }) => checksum)).toEqual([null, null, crc32(floor) | 0])
  })

  it('counts the bytes of what files tell, not those of the paths', async () => {
    const long: LayerEntry[] = Array.from({ length: 1_000 }, (_, at) => ({
      kind: 'folder',
      path: `/${at}/${'a'.repeat(100)}`,
    }))
    const told = (name: string): LayerFile => ({
      kind: 'file',
      path: '/a',
      size: 1,
      mode: 0o644,
      uid: 0,
      gid: 0,
      checksum: null,
      facts: [{ kind: 'go', name, version: null }],
    })
    const bytesOf = async (all: LayerEntry[]): Promise<number> =>
      (await unpackListing(await packedOf(listingOf(all)), DIFF_ID))!.factBytes
    expect(await bytesOf(long)).toBe(0)
    expect(await bytesOf([...long, told('a')])).toBe(500)
    expect(await bytesOf([told('a'.repeat(1_000)), told('a')])).toBe(
      1_500 + '{"kind":"go","name":"","version":null}'.length,
    )
  })
})

describe('whatever else a file may hold', () => {
  const three: LayerEntry[] = [
    {
      kind: 'file',
      path: '/a',
      size: 3,
      mode: 0o644,
      uid: 0,
      gid: 0,
      checksum: 1,
      facts: [{ kind: 'go', name: 'a', version: null }],
    },
    { kind: 'symlink', path: '/ab', target: 'a' },
    { kind: 'folder', path: '/c' },
  ]
  type Written = Record<string, unknown>
  const written = async (): Promise<Written> =>
    JSON.parse(gunzipSync(await packedOf(listingOf(three))).toString()) as Written
  const readAs = (value: unknown, diffId = DIFF_ID) =>
    unpackListing(gzipSync(typeof value === 'string' ? value : JSON.stringify(value)), diffId)

  it('is none: it is another layer’s, of a newer schema, cut off, or no gzip file', async () => {
    const bytes = await packedOf(listingOf(three))
    expect(await unpackListing(bytes, DIFF_ID)).not.toBeNull()
    expect(await unpackListing(bytes, digest('other'))).toBeNull()
    expect(await readAs({ ...(await written()), schema: 2 })).toBeNull()
    for (let length = 0; length < bytes.length; length++)
      expect(await unpackListing(bytes.subarray(0, length), DIFF_ID)).toBeNull()
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
        expect(await readAs(text)).toBeNull()
        expect(await unpackListing(Buffer.from(text), DIFF_ID)).toBeNull()
      }),
    )
  })

  it.each([
    ['a size that its files do not have', { size: 4 }],
    ['a kind that is none', { kinds: 'fsx' }],
    ['more entries than paths', { kinds: 'fsdd' }],
    ['more paths than entries', { rest: ['/a', 'b', 'c', 'd'], shared: [0, 2, 1, 1] }],
    ['more files than sizes', { kinds: 'fsf' }],
    ['no target for a link', { targets: [] }],
    ['a target for no link', { targets: ['a', 'b'] }],
    ['a path that begins beyond the end of the one before', { shared: [0, 3, 1] }],
    ['a path that is not absolute', { rest: ['a', 'b', 'c'] }],
    ['a path with two slashes', { rest: ['//a', 'b', 'c'] }],
    ['a path with a slash at its end', { rest: ['/a/', 'b', 'c'] }],
    ['a path that is a number', { rest: [1, 'b', 'c'] }],
    ['a negative size', { size: -3, sizes: [-3] }],
    ['a fraction', { size: 0.5, sizes: [0.5] }],
    ['a mode that has more bits', { modes: [0o10000] }],
    ['an owner that is a text', { uids: ['0'] }],
    ['a checksum of more bits', { checksums: [2 ** 31] }],
    ['a checksum that is a text', { checksums: ['1'] }],
    ['a fact of no file', { facts: [[1, { kind: 'go', name: 'a', version: null }]] }],
    ['a fact of a kind that is none', { facts: [[0, { kind: 'x', name: 'a', version: null }]] }],
    ['a fact that is not whole', { facts: [[0, { kind: 'go' }]] }],
    ['a fact that is none', { facts: [0] }],
  ])('is none: %s', async (_, change) => {
    const value = await written()
    expect(await readAs(value)).not.toBeNull()
    expect(await readAs({ ...value, ...change })).toBeNull()
  })

  it('never throws, and what is read adds up', async () => {
    const names = ['size', 'kinds', 'shared', 'rest', 'targets', 'sizes', 'modes', 'uids', 'gids', 'checksums', 'facts']
    const value = await written()
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), fc.jsonValue(), { minKeys: 1 }), async (change) => {
        const read = await readAs({ ...value, ...change })
        if (read !== null) expect(listingOf([...read.entries]).size).toBe(read.size)
      }),
    )
  })

  it('takes little memory and time, also where a few bytes stand for very many', async () => {
    expect(await unpackListing(gzipSync(Buffer.alloc(70_000_000, ' ')), DIFF_ID)).toBeNull()
    expect(await unpackListing(Buffer.alloc(MAX_LISTING + 1), DIFF_ID)).toBeNull()
    const empty = { targets: [], sizes: [], modes: [], uids: [], gids: [], checksums: [], facts: [], size: 0 }
    const folders = (count: number, long: number): Written => ({
      ...empty,
      kinds: 'd'.repeat(count),
      shared: Array.from({ length: count }, (_, at) => (at === 0 ? 0 : long + 1)),
      rest: Array.from({ length: count }, (_, at) => (at === 0 ? `/${'a'.repeat(long)}` : '')),
    })
    const head = { schema: 1, diffId: DIFF_ID }
    expect((await readAs({ ...head, ...folders(1_000, 1_000) }))?.entries).toHaveLength(1_000)
    // Together 100 GB of paths.
    expect(await readAs({ ...head, ...folders(100_000, 1_000_000) })).toBeNull()
    expect(await readAs({ ...head, ...folders(1_000_001, 1) })).toBeNull()
    const { facts, ...rest } = await written()
    const many = Array.from({ length: 200_000 }, () => (facts as unknown[])[0])
    expect((await readAs({ ...rest, facts: many }))?.entries).toHaveLength(3)
  })
})
