import { describe, expect, it } from '@jest/globals'
import type { Baseline } from '../../src/baseline/baseline.ts'
import { obtainImageRecord } from '../../src/baseline/obtain.ts'
import { findRecord, type NoRecord, type RecordSearch } from '../../src/baseline/recorded.ts'
import { contentOf } from '../../src/image/content.ts'
import { createLayerContents, type LayerContents } from '../../src/image/layer/contents.ts'
import type { LayerEntry } from '../../src/image/layer/entries.ts'
import type { Layer, Measurement } from '../../src/image/measurement.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'
import { packListing } from '../../src/record/listing.ts'
import type { StoredRecord } from '../../src/record/record.ts'
import type { Shelf } from '../../src/record/shelf.ts'
import { changesOf } from '../../src/record/store.ts'
import { aLayer, aMeasurement, classicEngine, containerdEngine, digest } from '../support/measurements.ts'
import { aRecord, commitOf } from '../support/records.ts'
import { settled } from '../support/settled.ts'
import { applied, aShelf, type Files } from '../support/shelves.ts'

const RECIPE = { context: '1a2b', 'build-args VERSION': 'ffff' }
const BASE = { commit: commitOf(0), ref: 'main' }

const entriesOf = (path: string, size: number): LayerEntry[] => [
  { kind: 'file', path, size, mode: 0o644, uid: 0, gid: 0, checksum: null, facts: [] },
]
const layerOf = (path: string, size: number): Layer => aLayer(`COPY ${path}`, { diffId: digest(path), size })
/** The image before, and this change's, which shares its first layer, the base image's. */
const SHARED = { ...layerOf('/shared', 1_000), fromBase: true }
const BEFORE = [SHARED, layerOf('/before', 2_000)]
const AFTER = [SHARED, layerOf('/after', 5_000)]

function recordOf(measured: Partial<Measurement> = {}, overrides: Partial<StoredRecord> = {}): StoredRecord {
  return aRecord({ commit: BASE.commit, recipe: RECIPE, ...overrides }, { layers: BEFORE, ...measured })
}

/** The branch with these records; `listed`: with what their layers do to paths. */
async function branchWith(records: StoredRecord[], listed = true): Promise<Shelf & { asked: string[] }> {
  let files: Files = new Map()
  for (const record of records) {
    const listings = new Map<string, Buffer>()
    for (const { diffId, size, instruction } of listed ? record.measurement.layers : []) {
      if (size === null) continue
      const entries = entriesOf(instruction.replace('COPY ', ''), size)
      listings.set(diffId, (await packListing(diffId, { size, entries }))!)
    }
    files = applied(files, (await changesOf(aShelf(files), { record, listings }, new Set())).changes)
  }
  return aShelf(files)
}

/** What is known of this change's layers when it was read. */
function contentsOfHead(): LayerContents {
  const contents = createLayerContents(new AbortController().signal)
  for (const { diffId, size, instruction } of AFTER) {
    const entries = entriesOf(instruction.replace('COPY ', ''), size!)
    contents.add({ diffId, size: size!, entries, factBytes: 0 })
  }
  return contents
}

type Given = {
  inputs?: Record<string, string>
  name?: string
  head?: Measurement[]
  engine?: Measurement['engine']
  ancestors?: string[]
  reach?: 'exact' | 'nearest'
  listed?: boolean
}

function searchOf(shelf: Shelf | null, { inputs, name, head, engine = classicEngine, ancestors }: Given): RecordSearch {
  const contents = contentsOfHead()
  const diffIds = AFTER.map(({ diffId }) => diffId)
  const measured = contentOf(diffIds, contents).then((content) => [aMeasurement({ layers: AFTER, engine, content })])
  return {
    records: {
      open: async () => shelf,
      ancestors: async () => ancestors ?? [BASE.commit],
      releases: async () => [],
    },
    inputs: parseInputs({ metrics: 'size', budgets: 'path=/app,max-size=1 MB', ...inputs }),
    name: name ?? 'api',
    recipe: RECIPE,
    engine: Promise.resolve(engine),
    head: head === undefined ? measured : Promise.resolve(head),
    contents,
  }
}

async function find(records: StoredRecord[], given: Given = {}): Promise<Baseline | NoRecord> {
  return findRecord(searchOf(await branchWith(records, given.listed), given), BASE, given.reach ?? 'exact')
}

describe('the record of the base commit', () => {
  it('serves with all its files: those of shared layers are known from this change, the others from beside it', async () => {
    const shelf = await branchWith([recordOf()])
    const found = (await findRecord(searchOf(shelf, {}), BASE, 'exact')) as Baseline
    expect(found).toMatchObject({
      kind: 'record',
      ...BASE,
      record: { commit: BASE.commit, at: '2026-11-21T10:00:00Z', behind: 0 },
      passedOver: null,
      platforms: ['linux/amd64'],
    })
    expect(Array.from(found.measurements[0]!.content!.files, ({ path, layer }) => [path, layer])).toEqual([
      ['/shared', 0],
      ['/before', 1],
    ])
    const listings = shelf.asked.filter((path) => path.includes('/layers/') && path.endsWith('.gz'))
    expect(listings).toEqual([expect.stringContaining(digest('/before').slice('sha256:'.length))])
  })

  it('tells nothing of this change: no layer is known from a record before this change was read', async () => {
    const search = searchOf(await branchWith([recordOf()]), {})
    const { promise: head, resolve: read } = Promise.withResolvers<Measurement[]>()
    const finding = findRecord({ ...search, head }, BASE, 'exact')
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(search.contents.get(digest('/before'))).toBeUndefined()
    read(await search.head)
    expect(await finding).toMatchObject({ kind: 'record' })
    expect(search.contents.get(digest('/before'))).toMatchObject({ size: 2_000 })
  })

  it('has its last layers read while the change is built, and none of the others, nor of the base image', async () => {
    const layers = [
      layerOf('/from', 1),
      ...['/one', '/two', '/three'].map((path) => layerOf(path, 1)),
      layerOf('/none', 0),
    ]
    layers[0] = { ...layers[0]!, fromBase: true }
    const shelf = await branchWith([recordOf({ layers })])
    const search = searchOf(shelf, {})
    const { promise: head, resolve: read } = Promise.withResolvers<Measurement[]>()
    const finding = findRecord({ ...search, head }, BASE, 'exact')
    const listings = (): string[] =>
      shelf.asked.flatMap((path) => /\/layers\/([0-9a-f]+)\.json\.gz$/.exec(path)?.[1] ?? []).toSorted()
    const listingsOf = (...paths: string[]): string[] =>
      paths.map((path) => digest(path).slice('sha256:'.length)).toSorted()
    await settled(() => shelf.asked.length, 20)
    expect(listings()).toEqual(listingsOf('/two', '/three'))
    read(await search.head)
    await finding
    expect(listings()).toEqual(listingsOf('/from', '/one', '/two', '/three', '/none'))
  })

  it('is none where there is no branch, or none of the commit, the name or the platform', async () => {
    expect(await findRecord(searchOf(null, {}), BASE, 'nearest')).toEqual({ reason: null })
    expect(await find([recordOf({}, { commit: commitOf(1) })])).toEqual({ reason: null })
    expect(await find([recordOf()], { name: 'web' })).toEqual({ reason: null })
    expect(await find([recordOf()], { inputs: { platforms: 'linux/amd64,linux/arm64' } })).toEqual({ reason: null })
  })
})

describe('a record that means something else does not serve', () => {
  const unsized = BEFORE.map((layer) => ({ ...layer, size: null }))
  const otherwise = { recipe: { ...RECIPE, 'build-args VERSION': '0000' } }
  const arm = [aMeasurement({ platform: 'linux/arm64' })]
  it.each<[string, StoredRecord, Given, string]>([
    ['another store', recordOf({ engine: containerdEngine }), {}, 'it was measured on the containerd store'],
    ['no size', recordOf({ size: null, sizeFrom: null, layers: unsized }), {}, 'it has no size'],
    ['no download size', recordOf(), { inputs: { metrics: 'size, download-size' } }, 'it has no download size'],
    ['the engine’s own count', recordOf({ sizeFrom: 'engine' }), {}, "the other the engine's own count"],
    ['another build argument', recordOf({}, otherwise), {}, 'the build argument `VERSION`'],
    ['an image that was not built', recordOf({ engine: null }), {}, 'it is of an image that was not built'],
    ['a list of files that is gone', recordOf(), { listed: false }, 'the list of its files is not kept any more'],
    ['another platform', recordOf(), { head: arm }, 'it is for linux/amd64, this change for linux/arm64'],
  ])('%s', async (_, record, given, said) => {
    const { reason } = await find([record], given)
    expect(reason).toContain(`the record of \`${BASE.commit.slice(0, 7)}\` does not serve: `)
    expect(reason).toContain(said)
  })

  it('the same layers in another packing', async () => {
    const packed = (seed: string): Layer[] => [
      { ...BEFORE[0]!, size: null, digest: digest(seed), downloadSize: 500, compression: 'gzip' },
    ]
    const image = (seed: string): Partial<Measurement> => ({
      layers: packed(seed),
      engine: containerdEngine,
      size: null,
      sizeFrom: null,
    })
    const given = { inputs: { metrics: 'download-size', budgets: '' }, engine: containerdEngine }
    const before = recordOf(image('a'))
    expect((await find([before], { ...given, head: [aMeasurement(image('b'))] })).reason).toContain('packed anew')
    expect(await find([before], { ...given, head: [aMeasurement(image('a'))] })).toMatchObject({ kind: 'record' })
  })
})

describe('the nearest record', () => {
  const [first, second, third] = [commitOf(1), commitOf(2), commitOf(3)]
  const at = (commit: string, overrides: Partial<StoredRecord> = {}): StoredRecord =>
    recordOf({}, { commit, ...overrides })

  it('is that of the first commit that has one, and says how far back that is', async () => {
    const ancestors = [BASE.commit, first, second, third]
    expect(await find([at(second), at(third)], { reach: 'nearest', ancestors })).toMatchObject({
      kind: 'record',
      commit: BASE.commit,
      record: { commit: second, behind: 2 },
      passedOver: null,
    })
  })

  it('says which nearer one it passed over, and why', async () => {
    const unlike = at(first, { recipe: { ...RECIPE, target: '1111' } })
    const ancestors = [BASE.commit, first, second]
    expect(await find([unlike, at(second)], { reach: 'nearest', ancestors })).toMatchObject({
      record: { commit: second, behind: 2 },
      passedOver: expect.stringContaining(`the record of \`${first.slice(0, 7)}\` does not serve: `),
    })
  })

  it('is none of a commit that the base does not descend from', async () => {
    const ancestors = [BASE.commit, first]
    expect(await find([at(third)], { reach: 'nearest', ancestors })).toEqual({ reason: null })
  })
})

describe('an image where it lies', () => {
  const source = { reference: 'docker://api:1', digest: null }
  const of = (platform: string): Partial<Measurement> => ({ platform, engine: null, source })
  const both = ['linux/amd64', 'linux/arm64']
  const search = async (records: StoredRecord[]): Promise<RecordSearch> => {
    const head = both.map((platform) => aMeasurement({ ...of(platform), layers: AFTER }))
    const inputs = { image: 'docker://api:1', baseline: 'record', budgets: '' }
    return searchOf(await branchWith(records), { inputs, head, engine: null })
  }
  const log = { section: () => ({ line: () => {}, end: () => {} }), info: () => {}, warning: () => {} }

  it('is compared with the records of all its platforms', async () => {
    const records = both.map((platform) => recordOf(of(platform)))
    const question = { kind: 'commit' as const, sha: BASE.commit, ref: 'main' }
    const found = await obtainImageRecord(await search(records), question, log)
    expect(found).toMatchObject({ kind: 'record', platforms: both })
  })

  it('has none where the event names no base, and says so where there is no record of it', async () => {
    const none = await obtainImageRecord(await search([]), { kind: 'none', reason: 'x' }, log)
    expect(none).toMatchObject({ kind: 'none' })
    const question = { kind: 'pull-request' as const, headSha: commitOf(5), baseSha: BASE.commit, baseRef: 'main' }
    expect(await obtainImageRecord(await search([recordOf(of('linux/s390x'))]), question, log)).toMatchObject({
      kind: 'none',
      commit: BASE.commit,
      reason: `the branch \`image-budget\` has no record of \`${BASE.commit.slice(0, 7)}\`, nor of a commit before it`,
    })
  })
})
