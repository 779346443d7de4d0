import { constants, type Dirent } from 'node:fs'
import { lstat, open, opendir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { CouldNotMeasure, toFailure } from './failure.ts'
import { onOneLine } from './inputs/inputs.ts'
import { mergeReports, reportFailure } from './report/assemble.ts'
import { asOurs, MAX_IMAGES, MAX_REPORT, readReport } from './report/read.ts'
import type { Report } from './report/report.ts'
import { version } from './version.ts'

/** Bytes that all reports have together. */
const MAX_BYTES = 50_000_000
/** Folders within each other; `actions/download-artifact` makes one for each artifact. */
const MAX_DEPTH = 8
/** Names that are looked at, whatever they are of. */
const MAX_NAMES = 20_000
/** Problems that are told. */
const MAX_PROBLEMS = 20

/** What is to be read, and by whom. */
export type Collection = {
  /** Files and folders, as they were given. */
  paths: readonly string[]
  /** Absolute path that they are relative to. */
  cwd: string
  /** Names of images that a report has to be there of. */
  expected: readonly string[]
  /** Of the run that reads them: no report is believed about that. */
  run: Pick<Report, 'repositoryUrl' | 'runUrl'>
  /** Somebody named the paths themselves: one that is not there is a mistake. */
  areNamed?: boolean
}

/**
 * One report of the JSON reports of other jobs: the images that are expected first, in that order, and those of which there is none as images
 * that could not be measured. The files may be a fork's: only their form is believed (`asOurs`), links are not followed, nothing but regular
 * files is opened, and all of it is bounded. Throws one CouldNotMeasure `input` with all that cannot be read.
 */
export async function collectReports({ paths, cwd, expected, run, areNamed = false }: Collection): Promise<Report> {
  const files = await findReports(paths, cwd, expected.length > 0 && !areNamed)
  const own = { version, ...run }
  const problems: string[] = []
  let isForeign = false
  const reports: Report[] = []
  /** The file that an image and platform came from. */
  const seen = new Map<string, string>()
  const untouched = new Set<string>()
  let first: { report: Report; name: string } | null = null
  let left = MAX_BYTES
  let images = 0
  for (const file of files) {
    if (problems.length === MAX_PROBLEMS) break
    const name = `\`${shownPath(file, cwd)}\``
    const bytes = await readBytes(file, Math.min(left, MAX_REPORT)).catch((error: unknown) => toFailure(error).message)
    if (typeof bytes === 'string') {
      problems.push(`${name} cannot be read: ${bytes}.`)
      continue
    }
    left -= bytes.length
    if (bytes.length > MAX_REPORT || left < 0) {
      const most =
        left < 0
          ? `the reports have more than ${MAX_BYTES / 1e6} MB together`
          : `it has more than ${MAX_REPORT / 1e6} MB`
      problems.push(`${name} cannot be read: ${most}.`)
      break
    }
    const { report, problem } = readReport(bytes)
    if (report === null) {
      problems.push(`${name} is no report: ${problem}.`)
      isForeign = true
      continue
    }
    images += report.images.length
    if (images > MAX_IMAGES) {
      problems.push(`${name}: the reports have more than ${MAX_IMAGES.toLocaleString('en-US')} images together.`)
      break
    }
    problems.push(...report.images.flatMap((image) => clashOf(image, name, seen)), ...strangeTo(report, name, first))
    first ??= { report, name }
    // Of an image that no leg built each says the same.
    const isSaid = report.images.every((image) => image.untouched && untouched.has(image.name))
    for (const image of report.images) if (image.untouched) untouched.add(image.name)
    if (!isSaid || report.images.length === 0) reports.push(asOurs(report, own))
  }
  const remedy = 'A report is what `mode: measure` or `mode: check` of the same version writes (its output `report`).'
  if (problems.length > 0) throw new CouldNotMeasure('input', problems.join('\n'), isForeign ? { remedy } : {})
  return merged(reports, expected, own)
}

/** A report of another commit: what an earlier run has left is not this run's. */
function strangeTo(report: Report, file: string, first: { report: Report; name: string } | null): string[] {
  const [own, other] = [report.head.commit, first?.report.head.commit ?? null]
  if (first === null || own === null || other === null || own === other) return []
  return [
    `${file} is of the commit \`${own.slice(0, 7)}\`, and ${first.name} of \`${other.slice(0, 7)}\`: they are of two runs.`,
  ]
}

/** Two reports of one image: nothing says which of them is right. */
function clashOf(
  { name, platform, untouched }: { name: string; platform: string | null; untouched: boolean },
  file: string,
  seen: Map<string, string>,
): string[] {
  if (untouched) return []
  const key = JSON.stringify([name, platform])
  const other = seen.get(key)
  seen.set(key, file)
  if (other === undefined) return []
  const what = `\`${onOneLine(name)}\`${platform === null ? '' : ` for ${onOneLine(platform)}`}`
  return [`${other} and ${file} are both of ${what}; each needs a \`name\` of its own.`]
}

function merged(
  reports: Report[],
  expected: readonly string[],
  own: Pick<Report, 'version' | 'repositoryUrl' | 'runUrl'>,
): Report {
  const rank = new Map(expected.map((name, at) => [name, at]))
  const rankOf = ({ images: [image] }: Report): number => rank.get(image?.name ?? '') ?? expected.length
  const there = new Set(reports.flatMap(({ images }) => images.map(({ name }) => name)))
  const missing = expected
    .filter((name) => !there.has(name))
    .map((name) => reportFailure(name, { ...NOTHING_CAME }, { ...own, ...(reports[0] && { head: reports[0].head }) }))
  return mergeReports([...reports, ...missing].toSorted((one, other) => rankOf(one) - rankOf(other)))
}

const NOTHING_CAME = {
  kind: 'measure',
  message: 'No report of it came: the job that measures it failed, was cancelled or was skipped.',
  remedy: 'Its log says why; `images` has the names that a report has to be there of.',
  file: null,
  line: null,
  instruction: null,
} as const

/**
 * The files that are reports, each once, in the order of their names; an error where what may be one is no file. `mayBeNone`: where all jobs
 * were skipped there is no artifact, nor a folder of them, and what is expected says that better.
 */
async function findReports(paths: readonly string[], cwd: string, mayBeNone: boolean): Promise<string[]> {
  const files = new Set<string>()
  let names = 0
  const found = (file: string): void => {
    files.add(file)
    if (files.size > MAX_IMAGES)
      throw refusal(paths, `there are more than ${MAX_IMAGES.toLocaleString('en-US')} of them`)
  }
  const walk = async (folder: string, depth: number): Promise<void> => {
    for await (const entry of await opendir(folder)) {
      names += 1
      if (names > MAX_NAMES) throw refusal(paths, `there are more than ${MAX_NAMES.toLocaleString('en-US')} files`)
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (depth === MAX_DEPTH)
          throw refusal(paths, `\`${shownPath(path, cwd)}\` lies more than ${MAX_DEPTH} folders deep`)
        await walk(path, depth + 1)
      } else if (entry.isFile()) {
        if (entry.name.endsWith('.json')) found(path)
      } else throw refusal(paths, `\`${shownPath(path, cwd)}\` is ${kindOf(entry)}`)
    }
  }
  for (const path of paths) {
    const place = resolve(cwd, path)
    const facts = await lstat(place).catch(() => null)
    if (facts === null) {
      if (!mayBeNone) throw refusal([path], 'there is no such file or folder')
    } else if (facts.isDirectory()) await walk(place, 1)
    else if (facts.isFile()) found(place)
    else throw refusal([path], `it is ${kindOf(facts)}`)
  }
  if (files.size === 0 && !mayBeNone) throw refusal(paths, 'there is no `*.json` in it')
  return [...files].toSorted()
}

function kindOf(entry: Pick<Dirent, 'isSymbolicLink'>): string {
  return entry.isSymbolicLink() ? 'a link, and links are not followed' : 'neither a file nor a folder'
}

function refusal(paths: readonly string[], why: string): CouldNotMeasure {
  const [path = ''] = paths
  const named = paths.length === 1 ? `\`${onOneLine(path)}\`` : `${paths.length} paths`
  return new CouldNotMeasure('input', `\`reports\` names ${named}, and ${why}.`, {
    remedy: 'It takes JSON reports, or folders of them, as `actions/download-artifact` leaves them.',
  })
}

/** At most a byte more than `most`. What was a file when it was found may have become anything. */
async function readBytes(path: string, most: number): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  try {
    const facts = await handle.stat()
    if (!facts.isFile()) throw new CouldNotMeasure('input', 'it is no file')
    const bytes = Buffer.alloc(Math.min(facts.size, most) + 1)
    let length = 0
    for (let read = 1; read > 0 && length < bytes.length; length += read)
      read = (await handle.read(bytes, length, bytes.length - length, length)).bytesRead
    return bytes.subarray(0, length)
  } finally {
    await handle.close()
  }
}

function shownPath(path: string, cwd: string): string {
  const inside = relative(cwd, path)
  return onOneLine(inside.startsWith('..') ? path : inside)
}
