import { createHash } from 'node:crypto'

/** Names that can be a folder's as they are: git, every file system and a URL take them. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
/** How a folder's name ends that is not its image's own, and the branch's own file: an image of such a name gets another folder. */
const TAKEN = /-[0-9a-f]{8}$|^readme\.md$/i
/** `os/architecture[/variant]`; with a `-` in it, it could not be told apart from another one. */
const PLATFORM = /^[A-Za-z0-9][A-Za-z0-9._]*(?:\/[A-Za-z0-9._]+){1,2}$/
/** Characters of a name that are kept where it gets a hash. */
const LONGEST_STEM = 60

/** The folder of the data branch that has the images of this name; no two names share one. */
export function imageFolder(name: string): string {
  return safe(name, name)
}

/** The folder of the data branch that has all of one image on one platform: `<image>/<platform>`, `shop/linux-arm64-v8`. */
export function folderOf(name: string, platform: string): string {
  return `${imageFolder(name)}/${platformFolder(platform)}`
}

function platformFolder(platform: string): string {
  return safe(platform, PLATFORM.test(platform) ? platform.replaceAll('/', '-') : '')
}

/** The platform (`os/architecture[/variant]`) that has this folder in its image's; null: the name does not tell, or it is no platform's. */
export function platformOf(folder: string): string | null {
  const platform = folder.replaceAll('-', '/')
  return platformFolder(platform) === folder ? platform : null
}

/** `plain`, where that can be a folder's name; else what of `text` can be, and a hash of the whole. */
function safe(text: string, plain: string): string {
  if (PLAIN.test(plain) && !TAKEN.test(plain)) return plain
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8)
  const stem = text
    .slice(0, LONGEST_STEM)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
  return `${stem === '' ? 'unnamed' : stem}-${hash}`
}

/** A commit's record. */
export function recordPath(folder: string, commit: string): string {
  return `${recordsFolder(folder)}/${commit}.json`
}

export function recordsFolder(folder: string): string {
  return `${folder}/records`
}

/** The commit (40 or 64 hex digits) whose record has this file name; null: it is none's. */
export function commitOfRecord(file: string): string | null {
  return /^((?:[0-9a-f]{40}|[0-9a-f]{64}))\.json$/.exec(file)?.[1] ?? null
}

/** What the layer with this diffID (`sha256:…`) does to paths. */
export function listingPath(folder: string, diffId: string): string {
  return `${listingsFolder(folder)}/${diffId.replace(/^sha256:/, '')}.json.gz`
}

export function listingsFolder(folder: string): string {
  return `${folder}/layers`
}

/** The diffID of the layer whose listing has this file name; null: it is none's. */
export function diffIdOfListing(file: string): string | null {
  const hex = /^([0-9a-f]{64})\.json\.gz$/.exec(file)?.[1]
  return hex === undefined ? null : `sha256:${hex}`
}

/** The points of a month (`YYYY-MM`, UTC). */
export function pointsPath(folder: string, month: string): string {
  return `${pointsFolder(folder)}/${month}.jsonl`
}

/** The points of all months before. */
export function olderPointsPath(folder: string): string {
  return `${pointsFolder(folder)}/older.jsonl`
}

export function pointsFolder(folder: string): string {
  return `${folder}/points`
}

/** The month whose points have this file name; null: it is none's. */
export function monthOfPoints(file: string): string | null {
  return /^(\d{4}-(?:0[1-9]|1[0-2]))\.jsonl$/.exec(file)?.[1] ?? null
}

/** What the records and listings that are kept are, so that to keep another one they need not all be read. */
export function indexPath(folder: string): string {
  return `${folder}/index.jsonl`
}
