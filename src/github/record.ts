import type { Clock } from '../clock.ts'
import { isoSeconds } from '../clock.ts'
import type { Measurement } from '../image/measurement.ts'
import { packListing } from '../record/listing.ts'
import { folderOf } from '../record/paths.ts'
import type { Point, Recordable, Release, StoredRecord } from '../record/record.ts'
import type { FileChange, Records, Shelf } from '../record/shelf.ts'
import { changesOf, unlistedLayers } from '../record/store.ts'
import { badgeOf, renderBadgeSvg, renderEndpointJson, type BadgeFacts } from '../report/badge.ts'
import { renderHistorySvg } from '../report/chart.ts'
import type { RecordedImage } from '../report/record.ts'
import type { DataBranch } from './data-branch.ts'

/** What is there to be recorded, and of which commit (40 or 64 hex digits) of the default branch. */
export type Recording = Recordable & { commit: string }

/** What became of it: the images, and whether the branch was made for them. */
export type Kept = { action: 'recorded' | 'unchanged'; isNew: boolean; images: RecordedImage[] }

/**
 * Keeps what was measured of a commit on the data branch, with the badges and the charts drawn anew, as one commit: all of it or nothing. Throws an Error
 * that explains what fails for good.
 */
export async function record(
  branch: DataBranch,
  records: Records,
  recordings: readonly Recording[],
  clock: Clock,
): Promise<Kept> {
  const measuredAt = isoSeconds(clock.now())
  // Beside what is asked of the branch.
  const asked = records.releases()
  asked.catch(() => {})
  const recorded = recordings.flatMap(({ measurements, ...recording }) => {
    const listings = createPacking(recording.contents)
    return measurements.map((measurement) => ({ ...recording, measurement, listings, image: imageOf(measurement) }))
  })
  const images = recorded.map(({ image }) => image)
  const changes = async (shelf: Shelf): Promise<FileChange[]> => {
    const all = await readmeOf(shelf)
    const releases = await asked
    for (const { commit, committedAt, recipe, caps, measurement, listings, image } of recorded) {
      const stored: StoredRecord = {
        schema: 1,
        commit,
        committedAt: committedAt ?? measuredAt,
        measuredAt,
        recipe,
        caps,
        measurement: { ...measurement, content: null },
      }
      // One image's files at a time: listings are large.
      all.push(...(await changesOfImage(shelf, stored, image.folder, listings, releases)))
    }
    return all
  }
  const { isNew, action } = await branch.update(changes, messageOf(images, recordings[0]?.commit ?? ''))
  return { action: action === 'created' ? 'recorded' : 'unchanged', isNew, images }
}

/**
 * The branch's own README where it is to be written: it also tells that the branch is ours. Throws where the branch has files and not that one:
 * a branch of code is no place for records, whatever `data-branch` says.
 */
async function readmeOf(shelf: Shelf): Promise<FileChange[]> {
  const readme = await shelf.read('README.md')
  if (readme?.toString().startsWith(`${HEADING}\n`)) return []
  if (((await shelf.list('')) ?? []).length === 0) return [{ path: 'README.md', content: README }]
  throw new Error(
    `The branch that \`data-branch\` names has files, and no \`README.md\` that begins with "${HEADING}": it is not made for records. Name another one.`,
  )
}

function imageOf({ name, platform, size, downloadSize }: Measurement): RecordedImage {
  const metric = size !== null ? 'size' : downloadSize !== null ? 'download-size' : 'layers'
  return { name, platform, folder: folderOf(name, platform), metric }
}

/** One commit of the data branch, by what it has. */
function messageOf(images: readonly RecordedImage[], commit: string): string {
  const names = [...new Set(images.map(({ name }) => name))]
  if (names.length > 1) {
    const each = images.map(({ name, platform }) => `${name}, ${platform}`).join('\n')
    return `Record ${names.length} images of ${commit.slice(0, 7)}\n\n${each}`
  }
  const platforms = images.map(({ platform }) => platform).join(', ')
  return `Record ${names.join('')} of ${commit.slice(0, 7)}\n\n${platforms}`
}

async function changesOfImage(
  shelf: Shelf,
  stored: StoredRecord,
  folder: string,
  packing: Packing,
  releases: readonly Release[],
): Promise<FileChange[]> {
  const { measurement } = stored
  const diffIds = measurement.sizeFrom === 'content' ? measurement.layers.map(({ diffId }) => diffId) : []
  const listings = await packing(await unlistedLayers(shelf, folder, diffIds))
  const released = new Set(releases.map(({ commit }) => commit))
  const { changes, points } = await changesOf(shelf, { record: stored, listings }, released)
  return [...changes, ...pictures(folder, measurement, points, releases)]
}

/** Packs the listings of layers, each once, however often it is asked for. Those that are not known, or too large, are left out. */
type Packing = (diffIds: readonly string[]) => Promise<ReadonlyMap<string, Buffer>>

function createPacking(contents: Recordable['contents']): Packing {
  const packed = new Map<string, Promise<Buffer | null>>()
  const pack = (diffId: string): Promise<Buffer | null> => {
    const { size, entries } = contents.get(diffId) ?? { size: 0, entries: null }
    return entries === null ? Promise.resolve(null) : packListing(diffId, { size, entries })
  }
  return async (diffIds) => {
    const found = new Map<string, Buffer>()
    for (const diffId of diffIds) {
      packed.set(diffId, packed.get(diffId) ?? pack(diffId))
      // One at a time: their text is large.
      const bytes = await packed.get(diffId)!
      if (bytes !== null) found.set(diffId, bytes)
    }
    return found
  }
}

/** Records without a metric after which it is taken for one that is not measured any more. */
const RECENT = 5

/** The badges, which tell of the newest commit of all that are recorded, and the chart. */
function pictures(
  folder: string,
  { name, platform }: Measurement,
  points: Point[],
  releases: readonly Release[],
): FileChange[] {
  const last = points.at(-1)
  if (last === undefined) return []
  const { size, downloadSize, layers, caps } = last
  const figures: [BadgeFacts['metric'], number | null, number | null][] = [
    ['size', size, caps.size],
    ['download-size', downloadSize, caps.downloadSize],
    ['layers', layers, caps.layers],
  ]
  const recent = points.slice(-RECENT)
  const isGone = (metric: BadgeFacts['metric']): boolean =>
    recent.every((point) => (metric === 'size' ? point.size : point.downloadSize) === null)
  const badges = figures.flatMap(([metric, value, cap]): FileChange[] => {
    const path = `${folder}/badge-${metric}`
    const files = [`${path}.json`, `${path}.svg`, `${path}-dark.svg`]
    // One run without it is no reason to take a badge away.
    if (value === null) return isGone(metric) ? files.map((each) => ({ path: each, content: null })) : []
    const badge = badgeOf({ metric, value, cap })
    const contents = [renderEndpointJson(badge), renderBadgeSvg(badge, 'light'), renderBadgeSvg(badge, 'dark')]
    return files.map((each, at) => ({ path: each, content: contents[at]! }))
  })
  const history = { name, platform, points, releases }
  return [
    ...badges,
    { path: `${folder}/history.svg`, content: renderHistorySvg(history, 'light') },
    { path: `${folder}/history-dark.svg`, content: renderHistorySvg(history, 'dark') },
  ]
}

/** What someone reads who comes across the branch. */
const HEADING = '# Records of Image Budget'
const README = `${HEADING}

This branch is written by the action Image Budget, on each push to the default branch. It has what the images were measured to be:
each image's \`records/\` and \`layers/\` are what pull requests are compared with, \`points/\` is the history, which the badges and the chart show, and \`index.jsonl\` tells
what of it is kept.

Nothing else belongs here. The branch may be deleted: it is made again by the next push, without what it knew.
`
