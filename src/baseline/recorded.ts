import type { Engine } from '../build/engine.ts'
import { contentOf } from '../image/content.ts'
import type { LayerContents } from '../image/layer/contents.ts'
import { countsItself } from '../image/measure.ts'
import { unlikePacking } from '../image/packing.ts'
import { platformsOf, type Measurement } from '../image/measurement.ts'
import type { Inputs } from '../inputs/inputs.ts'
import { folderOf } from '../record/paths.ts'
import { unlikeRecipe } from '../record/recipe.ts'
import type { Recipe, StoredRecord } from '../record/record.ts'
import type { Records, Shelf } from '../record/shelf.ts'
import { likelyPlatforms, readListings, readListingsAhead, readRecord, recordedCommits } from '../record/store.ts'
import { NO_BASELINE, type Baseline } from './baseline.ts'

/** What finding a record takes. */
export type RecordSearch = {
  records: Records
  inputs: Inputs
  /** The image's name. */
  name: string
  /** What shapes this change's build. */
  recipe: Recipe
  /** What builds this change; null: nothing, it is measured as it lies. */
  engine: Promise<Engine | null>
  /** This change's image. */
  head: Promise<Measurement[]>
  contents: LayerContents
}

/** Why no record serves, as a clause; null: there is none. */
export type NoRecord = { reason: string | null }

/** Layers whose listings are read while this change is built: the last ones are seldom the same on both sides. */
const LIKELY_CHANGED = 2

/** Records that are looked at before they are given up: what makes one unlike makes those before it. */
const TRIED = 10

/**
 * The record of the base commit as a baseline; with `nearest`, else that of the nearest commit that it descends from. What this change's
 * image shares with it is known from there, the rest of its files from what is kept beside the records. Throws an Error that explains where
 * the records cannot be read.
 */
export async function findRecord(
  search: RecordSearch,
  base: { commit: string; ref: string },
  reach: 'exact' | 'nearest',
): Promise<Baseline | NoRecord> {
  const { records, name } = search
  const shelf = await records.open()
  if (shelf === null) return { reason: null }
  const engine = await search.engine
  // An image where it lies is measured first.
  const platforms =
    engine === null ? platformsOf(await search.head) : await likelyPlatforms(shelf, name, search.inputs.platforms)
  const candidates =
    reach === 'exact'
      ? [{ commit: base.commit, behind: 0 }]
      : await recordedBefore(search, shelf, base.commit, platforms)
  let passedOver: string | null = null
  for (const { commit, behind } of candidates) {
    const found = await Promise.all(platforms.map((platform) => readRecord(shelf, name, platform, commit)))
    if (found.length === 0 || !found.every((record) => record !== null)) continue
    const unlike = found.map((record) => unlikeness(record, search, engine)).find((clause) => clause !== null)
    const begun = unlike ? [] : found.map((record) => beginContent(record, shelf, search))
    // Not before this change's image was read: what is in it is told by itself, never by a record.
    const heads = unlike ? [] : await search.head
    const measurements = await Promise.all(begun.map((finish) => finish()))
    const obstacle = unlike ?? obstacleBeside(heads, measurements)
    if (obstacle === null) {
      const record = { commit, at: found[0]!.committedAt, behind }
      const platformsFound = platformsOf(measurements)
      return { ...NO_BASELINE, kind: 'record', ...base, record, passedOver, measurements, platforms: platformsFound }
    }
    passedOver ??= `the record of \`${commit.slice(0, 7)}\` does not serve: ${obstacle}`
  }
  return { reason: passedOver }
}

/** The nearest commits, at most `TRIED`, that have a record for each of the platforms. */
async function recordedBefore(
  { records, name }: RecordSearch,
  shelf: Shelf,
  commit: string,
  platforms: string[],
): Promise<{ commit: string; behind: number }[]> {
  const recorded = await Promise.all(platforms.map((platform) => recordedCommits(shelf, name, platform)))
  const isRecorded = (candidate: string): boolean => recorded.every((commits) => commits.has(candidate))
  if (recorded.length === 0 || recorded.some(({ size }) => size === 0)) return []
  const ancestors = await records.ancestors(commit)
  return ancestors
    .map((ancestor, behind) => ({ commit: ancestor, behind }))
    .filter((candidate) => isRecorded(candidate.commit))
    .slice(0, TRIED)
}

/** Why the record's figures and this change's mean something else, as a clause; null where they mean the same. */
function unlikeness(record: StoredRecord, { inputs, recipe }: RecordSearch, engine: Engine | null): string | null {
  const { measurement } = record
  if ((measurement.engine === null) !== (engine === null))
    return engine === null
      ? 'it is of a build, this image is measured where it lies'
      : 'it is of an image that was not built'
  if (measurement.engine !== null && engine !== null && measurement.engine.store !== engine.store)
    return `it was measured on the ${measurement.engine.store} store, this change is on the ${engine.store} store`
  if (inputs.metrics.includes('size') && measurement.size === null) return 'it has no size'
  if (inputs.metrics.includes('download-size') && measurement.downloadSize === null) return 'it has no download size'
  const sizeFrom = engine !== null && countsItself(inputs, engine) ? 'engine' : 'content'
  if (inputs.metrics.includes('size') && measurement.sizeFrom !== sizeFrom)
    return "of its size and this change's, one is read from the layers and the other the engine's own count"
  return unlikeRecipe(record.recipe, recipe)
}

/** What only this change's image tells of why the records' are not to be compared with it, as a clause; null: nothing. */
function obstacleBeside(heads: Measurement[], bases: Measurement[]): string | null {
  for (const head of heads) {
    const base = bases.find(({ platform }) => platform === head.platform)
    if (!base) return `it is for ${platformsOf(bases).join(', ')}, this change for ${platformsOf(heads).join(', ')}`
    if (head.content !== null && base.content === null) return 'the list of its files is not kept any more'
    const packing = unlikePacking(head, base)
    if (packing !== null) return packing
  }
  return null
}

/** Begins to read what is kept of the record's layers; who finishes has it with all its files, as far as they are known. */
function beginContent(
  { measurement }: StoredRecord,
  shelf: Shelf,
  { name, inputs, contents }: RecordSearch,
): () => Promise<Measurement> {
  if (!inputs.metrics.includes('size') || measurement.sizeFrom !== 'content')
    return () => Promise.resolve({ ...measurement, content: null })
  const folder = folderOf(name, measurement.platform)
  const own = measurement.layers.filter(({ fromBase, size }) => fromBase !== true && size !== 0)
  const likely = own.slice(-LIKELY_CHANGED).map(({ diffId }) => diffId)
  const ahead = readListingsAhead(shelf, folder, likely)
  return async () => {
    const diffIds = measurement.layers.map(({ diffId }) => diffId)
    const listings = await readListings(ahead, folder, diffIds, (diffId) => contents.get(diffId) !== undefined)
    for (const [diffId, listing] of listings) contents.add({ diffId, ...listing })
    return { ...measurement, content: await contentOf(diffIds, contents) }
  }
}
