import { folderOf, imageFolder, platformOf, pointsFolder, recordsFolder } from './paths.ts'
import { parseRecord } from './schema.ts'
import type { Shelf } from './shelf.ts'

/** An image that has points on the data branch, on one platform (`os/architecture[/variant]`). */
export type ImageOnBranch = { name: string; platform: string }

/** Folders of images that are looked at. */
const IMAGES_MAX = 1_000
/** Records that are read for the name which a folder's own does not tell: the first, unless the folder had another name before. */
const RECORDS_MAX = 100

/**
 * The images that have points on the data branch, by name and platform. Folders whose image nothing tells are in `unknown`; `name`: a name
 * that may be one of theirs. Throws what the shelf throws.
 */
export async function imagesOn(
  shelf: Shelf,
  name: string | null,
): Promise<{ images: ImageOnBranch[]; unknown: string[] }> {
  const images: ImageOnBranch[] = []
  const unknown: string[] = []
  for (const outer of ((await shelf.list('')) ?? []).slice(0, IMAGES_MAX)) {
    for (const inner of (await shelf.list(outer)) ?? []) {
      const folder = `${outer}/${inner}`
      if ((await shelf.list(pointsFolder(folder))) === null) continue
      const image = imageOf(outer, inner, name) ?? (await imageOfRecords(shelf, folder))
      if (image === null) unknown.push(folder)
      else images.push(image)
    }
  }
  return { images: images.toSorted(byName), unknown: unknown.toSorted() }
}

/** The image that has these folders, where their own names or the given one tell. */
function imageOf(outer: string, inner: string, given: string | null): ImageOnBranch | null {
  const name = [outer, given].find((each) => each !== null && imageFolder(each) === outer) ?? null
  const platform = platformOf(inner)
  return name === null || platform === null ? null : { name, platform }
}

/** The image that has this folder, as a record in it says. */
async function imageOfRecords(shelf: Shelf, folder: string): Promise<ImageOnBranch | null> {
  const records = recordsFolder(folder)
  for (const file of ((await shelf.list(records)) ?? []).slice(0, RECORDS_MAX)) {
    const bytes = await shelf.read(`${records}/${file}`)
    const { name, platform } = parseRecord(bytes?.toString() ?? '')?.measurement ?? {}
    if (name !== undefined && platform !== undefined && folderOf(name, platform) === folder) return { name, platform }
  }
  return null
}

function byName(one: ImageOnBranch, other: ImageOnBranch): number {
  if (one.name !== other.name) return one.name < other.name ? -1 : 1
  return one.platform < other.platform ? -1 : 1
}
