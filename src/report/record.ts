import { LABELS, type BadgeFacts } from './badge.ts'
import { oneLine, shorten } from './characters.ts'
import { code, encodePath, fenced, markdown, safeAddress } from './markdown.ts'
import { fromProse, phrase, type Phrase } from './phrase.ts'
import { xml } from './svg.ts'
import { formatCount } from './units.ts'

/** What became of the records of a run. */
export type Recorded = {
  /** `unchanged`: they were there already, to the byte. */
  action: 'recorded' | 'unchanged' | 'skipped'
  /** The data branch was made by this run. */
  isNew: boolean
  /** Why nothing was recorded, without a final full stop and with code between backticks; else null. */
  reason: string | null
  /** The data branch. */
  branch: string
  images: readonly RecordedImage[]
  /** `https://github.com/owner/repo`, on whatever server; null: not known. */
  repositoryUrl: string | null
  /** Only some may see the repository; null: not known. */
  isPrivate: boolean | null
}

/** An image with its folder on the data branch, which has the badges and the chart. */
export type RecordedImage = {
  name: string
  platform: string
  /** With `/`, relative to the branch's root. */
  folder: string
  /** What the badge for the README is of: a metric that is measured; its size unless told. */
  metric?: BadgeFacts['metric']
}

/** What became of the records, as one line. */
export function recordedWords({ action, isNew, reason, branch, repositoryUrl }: Recorded): Phrase {
  if (action === 'skipped') return reason === null ? ['Not recorded.'] : phrase`Not recorded: ${fromProse(reason)}.`
  const url = pageUrl(repositoryUrl, branch)
  const name: Phrase = [{ code: branch }, ...(url === null ? [] : [' (', { link: 'see it', url }, ')'])]
  if (action === 'unchanged') return phrase`The records on the branch ${name} are as they were.`
  const about = isNew ? '. It is new, and keeps the records, with badges and charts of them' : ''
  return phrase`Recorded on the branch ${name}${about}.`
}

/** Images for which a README's lines are written out; the others' differ in the folder alone. */
const IMAGES_SHOWN = 4

/** The same as Markdown, for the summary; where the branch is new, with what to put into a README. */
export function renderRecorded(recorded: Recorded): string {
  const line = markdown(recordedWords(recorded), { repositoryUrl: recorded.repositoryUrl })
  if (!recorded.isNew || recorded.action !== 'recorded') return `${line}\n`
  const snippets = recorded.images.slice(0, IMAGES_SHOWN).flatMap((image) => snippetsOf(image, recorded))
  if (snippets.length === 0) return `${line}\n`
  const left = recorded.images.length - IMAGES_SHOWN
  const more = left > 0 ? [`… and ${formatCount(left, 'more image')}: the same, with another folder.`] : []
  const content = [...audience(recorded), ...snippets, ...more].join('\n\n')
  return `${line}\n\n<details><summary>A badge and the chart for the README</summary>\n\n${content}\n\n</details>\n`
}

/** Who will see the pictures, where that is not everybody. */
function audience({ isPrivate }: Recorded): string[] {
  if (isPrivate !== true) return []
  const who = 'The repository is private: GitHub shows these pictures to those who may see it.'
  return [`${who} A badge by shields.io would not work, since shields.io may not.`]
}

const NAME_MAX = 100

/** What to paste, in blocks: a badge and the chart, and the badge by shields.io where that can read it. */
function snippetsOf(image: RecordedImage, recorded: Recorded): string[] {
  const metric = image.metric ?? 'size'
  const name = shorten(oneLine(image.name), NAME_MAX)
  const platform = shorten(oneLine(image.platform), NAME_MAX)
  const files = addressOf(recorded, image.folder)
  const page = pageUrl(recorded.repositoryUrl, `${recorded.branch}/${image.folder}`)
  if (files === null || page === null) return []

  const pictures = [
    `<a href="${page}">`,
    ...picture(`${files}/badge-${metric}`, LABELS[metric]),
    '</a>',
    '',
    ...picture(`${files}/history`, `${name} (${platform}) over time`),
  ]
  // It refuses addresses of github.com, and reads none but public ones.
  const isReadByShields = files.startsWith(RAW)
  const endpoint = `https://img.shields.io/endpoint?url=${encodeURIComponent(`${files}/badge-${metric}.json`)}`
  return [
    ...(recorded.images.length > 1 ? [`${code(name)} ${code(platform)}`] : []),
    fenced(pictures.join('\n'), 'html'),
    ...(isReadByShields
      ? [
          'Or the badge by shields.io, in any of its styles:',
          fenced(`[![${LABELS[metric]}](${endpoint})](${page})`, 'markdown'),
        ]
      : []),
  ]
}

/** A picture for light pages and its like for dark ones, as GitHub reads it. */
function picture(path: string, words: string): string[] {
  return [
    '<picture>',
    `  <source media="(prefers-color-scheme: dark)" srcset="${path}-dark.svg">`,
    `  <img alt="${xml(words)}" src="${path}.svg">`,
    '</picture>',
  ]
}

const RAW = 'https://raw.githubusercontent.com/'

/**
 * Where a README on the server finds a folder of the data branch. A public repository's files are at an address of their own on
 * github.com. Everywhere else the server is asked for them: it sends who may see the repository on to an address that is good for a
 * few minutes, so that one could not be written into a README.
 */
function addressOf({ repositoryUrl, branch, isPrivate }: Recorded, folder: string): string | null {
  const [url, path] = [safeAddress(repositoryUrl), encodePath(`${branch}/${folder}`)]
  if (url === null || path === null) return null
  const onGitHub = /^https:\/\/github\.com\/(?<repository>[^/]+\/[^/]+)$/.exec(url)?.groups?.['repository']
  return onGitHub !== undefined && isPrivate === false ? `${RAW}${onGitHub}/${path}` : `${url}/raw/${path}`
}

/** The page of the data branch, or of a folder of it. */
function pageUrl(repositoryUrl: string | null, path: string): string | null {
  const [url, encoded] = [safeAddress(repositoryUrl), encodePath(path)]
  return url === null || encoded === null ? null : `${url}/tree/${encoded}`
}
