import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { LayerEntry } from '../../src/image/layer/entries.ts'
import { keepListings, MAX_LISTINGS, shortDigest } from '../../src/record/kept.ts'
import { packListing } from '../../src/record/listing.ts'
import { folderOf, indexPath, listingPath, recordPath } from '../../src/record/paths.ts'
import { latestLines, lineOf, renderLines } from '../../src/record/lines.ts'
import { compact, pointOf, pointsIn } from '../../src/record/points.ts'
import type { StoredRecord } from '../../src/record/record.ts'
import { renderRecord } from '../../src/record/schema.ts'
import {
  changesOf,
  platformsIn,
  readListings,
  readPoints,
  readPointsAhead,
  readRecord,
  recordedCommits,
  unlistedLayers,
  type Addition,
} from '../../src/record/store.ts'
import type { Shelf } from '../../src/record/shelf.ts'
import { digest } from '../support/measurements.ts'
import { aLayerOf, aRecord, commitOf, timeAt, timeIn } from '../support/records.ts'
import { applied, aShelf, type Files } from '../support/shelves.ts'

const FOLDER = 'api/linux-amd64'
const NONE: ReadonlySet<string> = new Set()
const EMPTY: Files = new Map()
const DAY = 86_400
const NATIVE = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`

/** A record of the image `api` whose layers these are, each with what stands for its listing. */
function addition(seed: number, at: string, layers: string[] = ['base'], bytes = 10): Addition {
  return {
    record: aRecord({ commit: commitOf(seed), committedAt: at }, { layers: layers.map((layer) => aLayerOf(layer)) }),
    listings: new Map(layers.map((layer) => [digest(layer), Buffer.alloc(bytes, layer)])),
  }
}

function lineFile(additions: Addition[], others: string[] = []): string {
  return renderLines({ lines: additions.map(({ record }) => lineOf(record)), others })
}

async function keep(files: Files, each: Addition, released = NONE): Promise<Files> {
  const { changes } = await changesOf(aShelf(files), each, released)
  return applied(files, changes)
}

async function keepAll(additions: Addition[], files: Files = EMPTY, released = NONE): Promise<Files> {
  let after = files
  for (const each of additions) after = await keep(after, each, released)
  return after
}

/** Commits and layers by the day that they are of: one more each. */
function daily(count: number, layersOf = (at: number): string[] => ['base', `own ${at}`]): Addition[] {
  return Array.from({ length: count }, (_, at) => addition(at, timeAt((at - count) * DAY), layersOf(at)))
}

function names(files: Files, folder: string): string[] {
  return [...files.keys()]
    .filter((path) => path.startsWith(`${FOLDER}/${folder}/`))
    .map((path) => path.slice(FOLDER.length + folder.length + 2))
}

/** As texts, which are compared sooner than bytes are. */
function texts(files: Files): Record<string, string> {
  return Object.fromEntries([...files].map(([path, content]) => [path, content.toString('latin1')]))
}

function text(files: Files, path: string): string | undefined {
  return files.get(path)?.toString()
}

describe('the first record of an image', () => {
  it('makes its files, and is found by its image, platform and commit', async () => {
    const first = addition(1, '2026-11-21T10:00:00Z', ['base', 'app'])
    const { changes, points } = await changesOf(aShelf(EMPTY), first, NONE)
    expect(changes.map(({ path }) => path.replaceAll(/[0-9a-f]{40,}/g, 'HEX'))).toEqual([
      'api/linux-amd64/index.jsonl',
      'api/linux-amd64/layers/HEX.json.gz',
      'api/linux-amd64/layers/HEX.json.gz',
      'api/linux-amd64/points/2026-11.jsonl',
      'api/linux-amd64/records/HEX.json',
    ])
    expect(points).toEqual([pointOf(first.record)])
    const shelf = aShelf(applied(EMPTY, changes))
    expect(await readRecord(shelf, 'api', 'linux/amd64', commitOf(1))).toEqual(first.record)
    expect(await readRecord(shelf, 'api', 'linux/amd64', commitOf(2))).toBeNull()
    expect(await readRecord(shelf, 'api', 'linux/arm64', commitOf(1))).toBeNull()
    expect(await recordedCommits(shelf, 'api', 'linux/amd64')).toEqual(new Set([commitOf(1)]))
    expect(await recordedCommits(shelf, 'web', 'linux/amd64')).toEqual(new Set())
    expect(await readPoints(shelf, 'api', 'linux/amd64')).toEqual(points)
    expect(await readPoints(shelf, 'web', 'linux/amd64')).toEqual([])
    expect(await platformsIn(shelf, 'api')).toEqual(['linux/amd64'])
    expect(await platformsIn(shelf, 'web')).toEqual([])
    expect(await unlistedLayers(shelf, FOLDER, [digest('new'), digest('app'), digest('new')])).toEqual([digest('new')])
  })

  it('leaves those of other images and platforms alone, and what else lies there', async () => {
    const files = new Map([
      ['README.md', Buffer.from('what it is')],
      ['api/linux-arm64/records/x.json', Buffer.from('{}')],
      [`${FOLDER}/badge-size.svg`, Buffer.from('<svg/>')],
      [`${FOLDER}/records/note.txt`, Buffer.from('mine')],
      [`${FOLDER}/layers/x.json.gz`, Buffer.from('mine')],
      [`${FOLDER}/points/notes.jsonl`, Buffer.from('mine')],
    ])
    const after = await keepAll(daily(3), files)
    for (const [path, content] of files) expect(after.get(path)).toEqual(content)
  })
})

describe('a record', () => {
  it('that is kept again changes nothing, and one of the same commit takes its place', async () => {
    const all = daily(5)
    const files = await keepAll(all)
    for (const each of all) expect((await changesOf(aShelf(files), each, NONE)).changes).toEqual([])
    const [first] = all
    const again = { ...first!, record: { ...first!.record, measuredAt: '2026-11-21T12:00:00Z' } }
    const { changes } = await changesOf(aShelf(files), again, NONE)
    expect(changes.map(({ path }) => path)).toEqual([`${FOLDER}/points/2026-11.jsonl`, recordPath(FOLDER, commitOf(0))])
    expect(changes[1]!.content).toBe(renderRecord(again.record))
  })

  it('is none where the file has another one’s', async () => {
    const record = addition(1, '2026-11-21T10:00:00Z').record
    const moved = (path: string): Files => new Map([[path, Buffer.from(renderRecord(record))]])
    const other = aShelf(moved(recordPath(FOLDER, commitOf(2))))
    expect(await readRecord(other, 'api', 'linux/amd64', commitOf(2))).toBeNull()
    const image = aShelf(moved(recordPath(folderOf('web', 'linux/amd64'), commitOf(1))))
    expect(await readRecord(image, 'web', 'linux/amd64', commitOf(1))).toBeNull()
    const platform = aShelf(moved(recordPath(folderOf('api', 'linux/arm64'), commitOf(1))))
    expect(await readRecord(platform, 'api', 'linux/arm64', commitOf(1))).toBeNull()
  })

  it('that is too long to be read back has its point only', async () => {
    const settings = { user: '', variables: Array.from({ length: 200 }, () => 'x'.repeat(9_000)), buildArgs: [] }
    const record = aRecord({}, { settings })
    const { changes } = await changesOf(aShelf(EMPTY), { record, listings: new Map() }, NONE)
    expect(changes.map(({ path }) => path)).toEqual([`${FOLDER}/points/2026-11.jsonl`])
  })

  it('goes when there are a hundred newer ones; its listings when there are thirty', async () => {
    const all = daily(110)
    const files = await keepAll(all)
    const commits = all.map(({ record }) => record.commit)
    expect(names(files, 'records').toSorted()).toEqual(
      commits
        .slice(10)
        .map((commit) => `${commit}.json`)
        .toSorted(),
    )
    const listed = ['base', ...Array.from({ length: 30 }, (_, at) => `own ${at + 80}`)]
    expect(names(files, 'layers').toSorted()).toEqual(
      listed.map((layer) => listingPath('', digest(layer)).slice('/layers/'.length)).toSorted(),
    )
    expect(await readPoints(aShelf(files), 'api', 'linux/amd64')).toHaveLength(110)
  })

  it('that comes when a hundred newer ones are there is not kept, its point is', async () => {
    const files = await keepAll(daily(100))
    const late = addition(1_000, timeAt(-300 * DAY), ['late'])
    const { changes, points } = await changesOf(aShelf(files), late, NONE)
    expect(changes.map(({ path }) => path)).toEqual([`${FOLDER}/points/older.jsonl`])
    expect(points[0]).toEqual(pointOf(late.record))
  })

  it('is kept without reading all others: a few files, however many there are', async () => {
    const all = daily(105)
    const files = await keepAll(all)
    const shelf = aShelf(files)
    await changesOf(shelf, addition(1_000, timeAt(DAY), ['base', 'new']), NONE)
    expect(shelf.asked.length).toBeLessThanOrEqual(8)
  })
})

describe('the listings', () => {
  it('of a layer that is there stay as they are', async () => {
    const files = await keepAll([addition(1, timeAt(0), ['base', 'a'])])
    const next = addition(2, timeAt(1), ['base', 'b'], 12)
    const { changes } = await changesOf(aShelf(files), next, NONE)
    expect(changes.map(({ path }) => path).filter((path) => path.includes('/layers/'))).toEqual([
      listingPath(FOLDER, digest('b')),
    ])
  })

  it('of a layer that a new record has as well stay for as long as that', async () => {
    const layers = (at: number): string[] => (at % 20 === 0 ? ['base', 'shared'] : ['base'])
    const has = (files: Files): boolean => files.has(listingPath(FOLDER, digest('shared')))
    const all = daily(80, layers)
    let files = EMPTY
    for (const [at, each] of all.entries()) {
      files = await keep(files, each)
      expect(has(files)).toBe(true)
      expect(names(files, 'layers')).toHaveLength(2)
      if (at === 61) break
    }
    // The last one that has it is the 60th from here.
    files = await keepAll(
      Array.from({ length: 28 }, (_, at) => addition(500 + at, timeAt(at))),
      files,
    )
    expect(has(files)).toBe(true)
    expect(has(await keep(files, addition(600, timeAt(1_000))))).toBe(false)
  })

  it('are at most 30 MB: the newest record’s first, and of too large a layer none', async () => {
    let files = EMPTY
    for (let at = 0; at < 10; at++) {
      files = await keep(files, addition(at, timeAt(at), [`${at} a`, `${at} b`], 4_900_000))
      const bytes = [...files].reduce(
        (sum, [path, content]) => (path.includes('/layers/') ? sum + content.length : sum),
        0,
      )
      expect(bytes).toBeLessThanOrEqual(MAX_LISTINGS)
      for (const layer of ['a', 'b']) expect(files.has(listingPath(FOLDER, digest(`${at} ${layer}`)))).toBe(true)
    }
    expect(names(files, 'layers')).toHaveLength(6)
    const path = listingPath(FOLDER, digest('large'))
    const large = await keep(files, addition(50, timeAt(50), ['large'], 5_000_001))
    expect(large.has(path)).toBe(false)
    const left = new Map(files).set(path, Buffer.alloc(5_000_001))
    expect((await keep(left, addition(50, timeAt(50), ['large']))).get(path)).toHaveLength(10)
    expect((await keep(left, addition(50, timeAt(50), ['other']))).has(path)).toBe(false)
  })

  it('that are chosen are chosen again', () => {
    const listing = fc.record({
      diffId: fc.nat({ max: 20 }).map((seed) => digest(`${seed}`)),
      bytes: fc.nat({ max: 20_000_000 }),
    })
    const someLayers = fc.array(fc.nat({ max: 20 }).map((seed) => shortDigest(digest(`${seed}`))))
    const someRecords = fc
      .array(someLayers, { maxLength: 40 })
      .map((all) => all.map((layers, at) => ({ commit: commitOf(at), at: timeAt(-at), layers })))
    fc.assert(
      fc.property(fc.uniqueArray(listing, { selector: ({ diffId }) => diffId }), someRecords, (all, records) => {
        const kept = keepListings(all, records)
        expect(keepListings([...kept, ...all], records)).toEqual(kept)
        expect(keepListings(kept, records)).toEqual(kept)
        expect(kept.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(MAX_LISTINGS)
      }),
    )
  })

  const folder = (path: string): LayerEntry => ({ kind: 'folder', path })

  it('are read of the layers that are not known, a few at a time; what is not there or broken is left out', async () => {
    const diffIds = ['a', 'b', 'c', 'd', 'e'].map(digest)
    const packed = await Promise.all(diffIds.map((diffId) => packListing(diffId, { size: 0, entries: [folder('/x')] })))
    const files = new Map(diffIds.map((diffId, at) => [listingPath(FOLDER, diffId), packed[at]!]))
    files.delete(listingPath(FOLDER, diffIds[1]!))
    files.set(listingPath(FOLDER, diffIds[2]!), packed[3]!)
    let reading = 0
    let most = 0
    const shelf = aShelf(files)
    const slow = {
      ...shelf,
      read: async (path: string): Promise<Buffer | null> => {
        reading += 1
        most = Math.max(most, reading)
        await new Promise(setImmediate)
        reading -= 1
        return shelf.read(path)
      },
    }
    const read = await readListings(slow, FOLDER, [...diffIds, ...diffIds], (diffId) => diffId === diffIds[0])
    expect(new Set(read.keys())).toEqual(new Set([diffIds[3], diffIds[4]]))
    const { size, entries } = read.get(diffIds[4]!)!
    expect([size, ...entries]).toEqual([0, folder('/x')])
    expect(shelf.asked).toHaveLength(4)
    expect(most).toBe(2)
  })

  it('that are too many together are left out by the order of the layers, whichever comes first', async () => {
    const counts = [3, 4, 2, 1, 1]
    const diffIds = counts.map((_, at) => digest(`${at}`))
    const packed = await Promise.all(
      counts.map((count, at) =>
        packListing(diffIds[at]!, { size: 0, entries: Array.from({ length: count }, () => folder('/x')) }),
      ),
    )
    const shelf = aShelf(new Map(diffIds.map((diffId, at) => [listingPath(FOLDER, diffId), packed[at]!])))
    for (const late of diffIds) {
      const read = async (path: string): Promise<Buffer | null> => {
        for (let turns = path === listingPath(FOLDER, late) ? 20 : 0; turns > 0; turns--)
          await new Promise(setImmediate)
        return shelf.read(path)
      }
      const found = await readListings({ ...shelf, read }, FOLDER, diffIds, () => false, 6)
      expect([...found.keys()]).toEqual([diffIds[0], diffIds[2], diffIds[3]])
    }
  })
})

describe('the history', () => {
  it('is read from the newest month on, as far as it is needed', async () => {
    const files = await keepAll(
      ['2026-06-01', '2026-07-01', '2026-10-30', '2026-10-31', '2026-11-20', '2026-11-21'].map((day, at) =>
        addition(at, `${day}T10:00:00Z`),
      ),
    )
    expect(names(files, 'points').toSorted()).toEqual(['2026-10.jsonl', '2026-11.jsonl', 'older.jsonl'])
    const read = async (atLeast?: number): Promise<[count: number, files: number]> => {
      const shelf = aShelf(files)
      const points = await readPoints(shelf, 'api', 'linux/amd64', atLeast)
      expect(points.map(({ at }) => at)).toEqual(points.map(({ at }) => at).toSorted())
      return [points.length, shelf.asked.filter((path) => path.endsWith('.jsonl')).length]
    }
    expect(await read(0)).toEqual([0, 0])
    expect(await read(2)).toEqual([2, 1])
    expect(await read(3)).toEqual([4, 2])
    expect(await read(5)).toEqual([6, 3])
    expect(await read(100)).toEqual([6, 3])
    expect(await read()).toEqual([6, 3])
  })

  it('is read before it is asked for, once, on the platform that the image will likely have', async () => {
    const other = aRecord({ commit: commitOf(3), committedAt: '2026-11-02T10:00:00Z' }, { platform: 'linux/riscv64' })
    const one = aRecord({ commit: commitOf(4), committedAt: '2026-11-03T10:00:00Z' }, { platform: NATIVE })
    const files = await keepAll([one, other].map((record) => ({ record, listings: new Map() })))
    const shelf = aShelf(files)
    const open = (): Promise<Shelf> => Promise.resolve(shelf)
    const read = (): string[] => shelf.asked.filter((path) => path.endsWith('.jsonl'))

    const pointsOf = readPointsAhead({ open }, { name: 'api', platforms: [], atLeast: 1 })
    await new Promise(setImmediate)
    expect(read()).toEqual([`${folderOf('api', NATIVE)}/points/2026-11.jsonl`])
    expect(await pointsOf(NATIVE)).toEqual([pointOf(one)])
    expect(await pointsOf(NATIVE)).toEqual([pointOf(one)])
    expect(read()).toHaveLength(1)
    expect(await pointsOf('linux/s390x')).toEqual([])

    shelf.asked.length = 0
    const asked = readPointsAhead({ open }, { name: 'api', platforms: ['linux/riscv64'], atLeast: 1 })
    await new Promise(setImmediate)
    expect(read()).toEqual(['api/linux-riscv64/points/2026-11.jsonl'])
    expect(await asked('linux/riscv64')).toEqual([pointOf(other)])
  })

  it('read ahead, is none without a data branch; what fails is told to those who ask for it alone', async () => {
    const image = { name: 'api', platforms: [], atLeast: 1 }
    expect(await readPointsAhead({ open: () => Promise.resolve(null) }, image)(NATIVE)).toBeNull()
    const pointsOf = readPointsAhead({ open: () => Promise.reject(new Error('GitHub is in trouble')) }, image)
    await new Promise(setImmediate)
    await expect(pointsOf(NATIVE)).rejects.toThrow('GitHub is in trouble')
  })

  it('is thinned out when a month begins, and not before', async () => {
    const november = ['2026-11-01T10:00:00Z', '2026-11-01T11:00:00Z', '2026-11-02T10:00:00Z']
    const all = november.map((at, seed) => addition(seed, at))
    const december = await keepAll([...all, addition(10, '2026-12-31T10:00:00Z')])
    expect(names(december, 'points')).toEqual(['2026-11.jsonl', '2026-12.jsonl'])
    const { changes, points } = await changesOf(aShelf(december), addition(11, '2027-01-01T00:00:00Z'), NONE)
    expect(
      changes
        .filter(({ path }) => path.includes('/points/'))
        .map(({ path, content }) => [path.slice(FOLDER.length + 8), content === null]),
    ).toEqual([
      ['2026-11.jsonl', true],
      ['2027-01.jsonl', false],
      ['older.jsonl', false],
    ])
    expect(points.map(({ at }) => at)).toEqual([
      november[1],
      november[2],
      '2026-12-31T10:00:00Z',
      '2027-01-01T00:00:00Z',
    ])
    const released = await keep(december, addition(11, '2027-01-01T00:00:00Z'), new Set([commitOf(0)]))
    expect(text(released, `${FOLDER}/points/older.jsonl`)?.split('\n')).toHaveLength(4)
  })

  it('is not made old by a commit of the future', async () => {
    const future = addition(1, '2099-01-01T00:00:00Z')
    const record = { ...future.record, measuredAt: '2026-11-21T12:00:00Z' }
    const files = await keepAll([...daily(3), { ...future, record }])
    expect(names(files, 'points')).toEqual(['2026-11.jsonl'])
  })
})

describe('whatever is kept', () => {
  const someAddition = fc
    .record({
      seed: fc.nat({ max: 60 }),
      at: timeIn(-500, 20),
      layers: fc.uniqueArray(fc.constantFrom('base', 'a', 'b', 'c'), { minLength: 1 }),
    })
    .map(({ seed, at, layers }) => addition(seed, at, layers))
  /** A commit once. */
  const additions = fc.uniqueArray(someAddition, { selector: ({ record }) => record.commit, maxLength: 12 })
  const released = fc
    .uniqueArray(fc.nat({ max: 60 }).map(commitOf))
    .map((commits): ReadonlySet<string> => new Set(commits))

  it('is the same in whatever order it came', async () => {
    await fc.assert(
      fc.asyncProperty(additions, released, fc.infiniteStream(fc.nat()), async (all, releases, keys) => {
        const shuffled = all
          .map((each) => ({ each, key: keys.next().value }))
          .toSorted((one, other) => one.key - other.key)
          .map(({ each }) => each)
        expect(texts(await keepAll(shuffled, EMPTY, releases))).toEqual(texts(await keepAll(all, EMPTY, releases)))
      }),
      { numRuns: 100 },
    )
  })

  it('is the same in either order of two, with as many as there can be', async () => {
    const full = await keepAll(daily(100))
    await fc.assert(
      fc.asyncProperty(someAddition, someAddition, async (one, other) => {
        fc.pre(one.record.commit !== other.record.commit)
        const [first, second] = [renamed(one, 'x'), renamed(other, 'y')]
        expect(texts(await keepAll([second, first], full))).toEqual(texts(await keepAll([first, second], full)))
      }),
      { numRuns: 100 },
    )
  })

  function renamed({ record, listings }: Addition, seed: string): Addition {
    return { record: { ...record, commit: commitOf(`${record.commit} ${seed}`) }, listings }
  }

  it('changes nothing when it is kept again', async () => {
    await fc.assert(
      fc.asyncProperty(additions, released, async (all, releases) => {
        const files = await keepAll(all, EMPTY, releases)
        for (const each of all) expect((await changesOf(aShelf(files), each, releases)).changes).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('has the points that all of it makes', async () => {
    await fc.assert(
      fc.asyncProperty(additions, released, async (all, releases) => {
        fc.pre(all.length > 0)
        const points = latestLines(all.map(({ record }) => lineOf(record))).map(({ point }) => point)
        const expected = pointsIn(compact(points, { now: points.at(-1)!.at, released: releases }))
        const files = await keepAll(all, EMPTY, releases)
        expect(await readPoints(aShelf(files), 'api', 'linux/amd64')).toEqual(expected)
        const last = all.at(-1)!
        expect((await changesOf(aShelf(files), last, releases)).points).toEqual(expected)
      }),
      { numRuns: 100 },
    )
  })

  it('is the same without the index, which is made anew', async () => {
    const next = addition(1_000, timeAt(DAY), ['base', 'own 99', 'new'])
    for (const all of [daily(3), daily(104)]) {
      const files = await keepAll(all)
      const expected = texts(await keep(files, next))
      const without = new Map(files)
      without.delete(indexPath(FOLDER))
      expect(texts(await keep(without, next))).toEqual(expected)
      const broken = new Map(files).set(
        indexPath(FOLDER),
        Buffer.from(text(files, indexPath(FOLDER))!.replaceAll('"at"', '"it"')),
      )
      expect(texts(await keep(broken, next))).toEqual(expected)
    }
  })

  it('can be kept whatever was done to the files, and be read then', async () => {
    const files = await keepAll(daily(6))
    const paths = [...files.keys()]
    const content = fc.oneof(
      fc.constant(null),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(...files.values()),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
      fc.constant(Buffer.alloc(6_000_000, '\n')),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...paths), content), { minLength: 1, maxLength: 6 }),
        async (damage) => {
          const damaged = new Map(files)
          for (const [path, bytes] of damage) {
            if (bytes === null) damaged.delete(path)
            else damaged.set(path, bytes)
          }
          const next = addition(1_000, timeAt(DAY), ['base', 'new'])
          const after = await keep(damaged, next)
          expect(await readRecord(aShelf(after), 'api', 'linux/amd64', commitOf(1_000))).toEqual(next.record)
          expect((await readPoints(aShelf(after), 'api', 'linux/amd64')).at(-1)).toEqual(pointOf(next.record))
          expect((await changesOf(aShelf(after), next, NONE)).changes).toEqual([])
        },
      ),
      { numRuns: 100 },
    )
  })

  it('takes in months that someone else left', async () => {
    const months = ['2020-01', '2026-09', '2026-11']
    const files = new Map(
      months.map((month, at) => [
        `${FOLDER}/points/${month}.jsonl`,
        Buffer.from(lineFile([addition(at, `${month}-01T10:00:00Z`)])),
      ]),
    )
    const after = await keep(files, addition(10, '2026-11-21T10:00:00Z'))
    expect(names(after, 'points').toSorted()).toEqual(['2026-11.jsonl', 'older.jsonl'])
    expect(await readPoints(aShelf(after), 'api', 'linux/amd64')).toHaveLength(4)
  })

  const later = (record: StoredRecord): string =>
    JSON.stringify({ ...record, schema: 2 } satisfies Record<keyof StoredRecord, unknown>)

  it('has records that a later version wrote as they are, with their listings, until they are too old', async () => {
    const [first, ...all] = daily(110)
    const path = recordPath(FOLDER, first!.record.commit)
    const own = listingPath(FOLDER, digest('own 0'))
    let files: Files = new Map([
      [path, Buffer.from(later(first!.record))],
      [own, Buffer.from('listing')],
    ])
    for (const [at, each] of all.entries()) {
      files = await keep(files, each)
      expect(files.has(path)).toBe(at < 99)
      expect(files.has(own)).toBe(at < 29)
      if (at < 99) expect(files.get(path)).toEqual(Buffer.from(later(first!.record)))
    }
    expect(names(files, 'records')).toHaveLength(100)
  })

  it('has records that nothing can be read of for as long as there are not too many, and reads them once', async () => {
    const path = recordPath(FOLDER, commitOf('unread'))
    const files = await keepAll(daily(99), new Map([[path, Buffer.from('{"schema":2}')]]))
    expect(files.has(path)).toBe(true)
    const shelf = aShelf(files)
    await changesOf(shelf, daily(99)[98]!, NONE)
    expect(shelf.asked).not.toContain(path)
    const after = await keep(files, addition(1_000, timeAt(DAY)))
    expect(after.has(path)).toBe(false)
    expect(names(after, 'records')).toHaveLength(100)
  })

  it('leaves the record of a later version in its place when the commit is measured again; its point is kept', async () => {
    const each = addition(1, timeAt(0))
    const path = recordPath(FOLDER, commitOf(1))
    const files: Files = new Map([[path, Buffer.from(later(each.record))]])
    const { changes } = await changesOf(aShelf(files), each, NONE)
    expect(changes.map((change) => change.path)).toEqual([`${FOLDER}/points/2026-11.jsonl`])
  })
})

describe('two records of one commit', () => {
  const one = (measuredAt: string, layers: string[], downloadSize: number | null): Addition => {
    const { record, listings } = addition(1, timeAt(0), layers)
    return { record: { ...record, measuredAt, measurement: { ...record.measurement, downloadSize } }, listings }
  }
  const some = fc
    .tuple(
      fc.constantFrom(timeAt(-5), timeAt(0), timeAt(5), timeAt(10)),
      fc.uniqueArray(fc.constantFrom('base', 'a', 'b', 'c'), { minLength: 1 }),
      fc.option(fc.nat({ max: 2 })),
    )
    .map((parts) => one(...parts))

  it('are the later measurement in either order, in record, point and listings', async () => {
    const other = daily(40)
    const before = [EMPTY, await keepAll(other.slice(0, 3)), await keepAll(other)]
    await fc.assert(
      fc.asyncProperty(some, some, fc.constantFrom(...before), async (first, second, files) => {
        const after = await keepAll([first, second], files)
        expect(texts(await keepAll([second, first], files))).toEqual(texts(after))
        const { record } = first.record.measuredAt > second.record.measuredAt ? first : second
        if (first.record.measuredAt === second.record.measuredAt) return
        expect(await readRecord(aShelf(after), 'api', 'linux/amd64', commitOf(1))).toEqual(record)
        const points = await readPoints(aShelf(after), 'api', 'linux/amd64')
        expect(points.find(({ commit }) => commit === commitOf(1))).toEqual(pointOf(record))
        for (const { diffId } of record.measurement.layers) expect(after.has(listingPath(FOLDER, diffId))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('are the later one where a hundred newer ones leave no room for a record, too', async () => {
    const full = await keepAll(daily(100))
    const old = (measuredAt: string, downloadSize: number): Addition => {
      const { record, listings } = addition(1_000, timeAt(-200 * DAY))
      return { record: { ...record, measuredAt, measurement: { ...record.measurement, downloadSize } }, listings }
    }
    const [first, second] = [old(timeAt(0), 9), old(timeAt(5), 8)]
    const after = await keepAll([first, second], full)
    expect(texts(await keepAll([second, first], full))).toEqual(texts(after))
    expect((await readPoints(aShelf(after), 'api', 'linux/amd64'))[0]!.downloadSize).toBe(8)
  })

  it('have the listings of the one that counts, and no others: every night anew', async () => {
    const others = await keepAll([addition(500, timeAt(-5), ['base', 'other'])])
    let files: Files = others
    for (let night = 0; night < 10; night++) {
      const { record, listings } = addition(1, timeAt(0), ['base', `night ${night}`], 4_900_000)
      files = await keep(files, { record: { ...record, measuredAt: timeAt(night * DAY) }, listings })
      expect(names(files, 'layers').toSorted()).toEqual(
        ['base', 'other', `night ${night}`]
          .map((layer) => listingPath('', digest(layer)).slice('/layers/'.length))
          .toSorted(),
      )
    }
  })
})

describe('what was done to the branch by hand', () => {
  it('a record that was removed has no listings, and those that others need stay', async () => {
    const files = await keepAll([
      addition(1, timeAt(0), ['base', 'one']),
      addition(2, timeAt(1), ['base', 'two']),
      addition(3, timeAt(2), ['base', 'one', 'three']),
    ])
    const removed = new Map(files)
    removed.delete(recordPath(FOLDER, commitOf(3)))
    const after = await keep(removed, addition(4, timeAt(3), ['four']))
    const has = (layer: string): boolean => after.has(listingPath(FOLDER, digest(layer)))
    expect(['base', 'one', 'two', 'four'].map(has)).toEqual([true, true, true, true])
    expect(has('three')).toBe(false)
    const without = new Map(removed)
    without.delete(indexPath(FOLDER))
    expect(texts(await keep(without, addition(4, timeAt(3), ['four'])))).toEqual(texts(after))
  })

  it('a record that comes among the newest again has its layers’ listings from then on', async () => {
    const all = daily(32, (at) => [at < 2 ? 'old' : 'base'])
    const files = new Map(await keepAll(all))
    expect(files.has(listingPath(FOLDER, digest('old')))).toBe(false)
    for (const each of all.slice(10, 14)) files.delete(recordPath(FOLDER, each.record.commit))
    const after = await keep(files, { ...addition(500, timeAt(DAY), ['old']) })
    expect(text(after, indexPath(FOLDER))!.match(/"layers"/g)).toHaveLength(29)
  })
})

describe('what a later version wrote among the points', () => {
  const unread = ['{"commit":"x","store":"podman"}', '{"later":[1,  2]}']
  const month = (of: string): string => `${FOLDER}/points/${of}.jsonl`

  it('stays in its month’s file, and goes with the month into the older points', async () => {
    const [first, second] = [addition(1, '2026-10-03T10:00:00Z'), addition(2, '2026-11-03T10:00:00Z')]
    const added = lineFile([first]).replace('"at"', '"later":{"a":1},"at"')
    let files: Files = new Map([
      [month('2026-10'), Buffer.from(`${added}${unread[0]}\n`)],
      [month('2026-11'), Buffer.from(`${unread[1]}\n`)],
    ])
    files = await keep(files, second)
    expect(text(files, month('2026-10'))).toBe(`${unread[0]}\n${added}`)
    expect(text(files, month('2026-11'))).toBe(lineFile([second], [unread[1]!]))
    files = await keepAll([addition(3, '2026-12-01T10:00:00Z')], files)
    expect(names(files, 'points').toSorted()).toEqual(['2026-11.jsonl', '2026-12.jsonl', 'older.jsonl'])
    files = await keepAll([addition(4, '2027-02-01T10:00:00Z')], files)
    expect(names(files, 'points').toSorted()).toEqual(['2027-02.jsonl', 'older.jsonl'])
    const older = text(files, `${FOLDER}/points/older.jsonl`)!
    expect(older.split('\n').slice(0, 2)).toEqual(unread)
    expect(older).toContain(added)
    expect(await readPoints(aShelf(files), 'api', 'linux/amd64')).toHaveLength(4)
    expect((await changesOf(aShelf(files), addition(4, '2027-02-01T10:00:00Z'), NONE)).changes).toEqual([])
  })
})
