import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as core from '@actions/core'
import type { Clock } from '../clock.ts'
import type { Configured } from '../configure.ts'
import type { EventFacts } from '../inputs/event.ts'
import type { Inputs } from '../inputs/inputs.ts'
import { renderPage, type PackedImage } from '../page/html.ts'
import type { Recordable } from '../record/record.ts'
import type { Records } from '../record/shelf.ts'
import { annotationsOf } from '../report/annotation.ts'
import { exitCodeOf, keyOf } from '../report/assemble.ts'
import { renderComment, renderSummary } from '../report/comment.ts'
import { renderJson } from '../report/json.ts'
import { isNoteworthy } from '../report/noteworthy.ts'
import { plain } from '../report/phrase.ts'
import { recordedWords, renderRecorded, type Recorded } from '../report/record.ts'
import type { Report } from '../report/report.ts'
import { renderTerminal } from '../report/terminal.ts'
import { writeWhole } from '../write-whole.ts'
import { upsertComment } from './comment.ts'
import type { ActionContext } from './context.ts'
import { openDataBranch } from './data-branch.ts'
import { lacksPermission } from './errors.ts'
import { printInert } from './log.ts'
import { openGitHub } from './octokit.ts'
import { outputsOf } from './outputs.ts'
import { record, type Kept, type Recording } from './record.ts'
import { openRecords } from './records.ts'
import { openWaivers, type Waivers } from './waivers.ts'

/** Whom the report is for. */
export type Audience = {
  inputs: Pick<Inputs, 'comment' | 'githubToken' | 'dataBranch' | 'page'>
  /** Whether a broken budget of an image fails the job, by the image's name. */
  fails: (name: string) => boolean
  /** Number of the pull request to comment on, or null. */
  pullRequest: number | null
  /** Null: there is no label that accepts growth. */
  waivers: Waivers | null
  /** Null: there is nobody to ask for records. */
  records: Records | null
  /** Keeps what was measured; null: this run is none to be recorded. */
  keep: ((recordings: Recording[]) => Promise<Kept>) | null
  /** The repository is private; null: the event does not say. */
  isPrivate: boolean | null
}

/** Whom the report of a run is for, by which label they accept growth, and where their records are. */
export function audienceOf(
  { common: inputs, images }: Configured,
  { pullRequest, labelled, onDefaultBranch, isPrivate }: EventFacts,
  { apiUrl, repository }: ActionContext,
  clock: Clock,
): Audience {
  const { acceptLabel: label, githubToken: token } = inputs
  const soft = new Set(images.flatMap(({ name, fail }) => (fail ? [] : [name])))
  const fails = (name: string): boolean => !soft.has(images.length === 1 ? images[0]!.name : name)
  const nobody: Audience = { ...NOBODY, inputs, fails, pullRequest, isPrivate }
  if (token === null || repository === null) return nobody
  const octokit = openGitHub(token, { baseUrl: apiUrl })
  // One for reading and writing: what was read of it while the image was built need not be asked for again.
  const branch = openDataBranch(octokit, { ...repository, branch: inputs.dataBranch }, clock)
  const records = openRecords(octokit, repository, branch, clock)
  const isRecorded = onDefaultBranch && images.some((image) => image.record === 'auto')
  const keep = isRecorded ? (recordings: Recording[]) => record(branch, records, recordings, clock) : null
  if (label === null || pullRequest === null) return { ...nobody, records, keep }
  const setting = { ...repository, number: pullRequest, label, labelled, hasComment: inputs.comment !== 'off' }
  return { ...nobody, records, keep, waivers: openWaivers(octokit, setting, { clock, warn: core.warning }) }
}

/** Before the inputs and the event are understood there is no pull request to speak to. */
export const NOBODY: Audience = {
  inputs: { comment: 'off', githubToken: null, dataBranch: '', page: null },
  fails: () => true,
  pullRequest: null,
  waivers: null,
  records: null,
  keep: null,
  isPrivate: null,
}

/** What a run gives. */
export type Outcome = { report: Report; recordables: Recordable[]; packed: PackedImage[] }

export type Publication = Audience & { context: ActionContext }

/** The log has no width of its own. */
const LOG_WIDTH = 120

/**
 * Hands the report over: outputs, JSON file, page, log, annotations, summary, comment, and last the record. Gives the exit code, which none of
 * them decides: what cannot be written is a warning.
 */
export async function publish(
  { report, recordables, packed }: Outcome,
  publication: Publication,
  clock: Clock,
): Promise<number> {
  const exitCode = exitCodeOf(report, publication.fails)
  const bodies = renderComment(report)
  for (const [name, value] of Object.entries(outputsOf(report))) core.setOutput(name, value)
  core.setOutput('comment-body', bodies[0] ?? '')
  printInert(renderTerminal(report, { colour: true, width: LOG_WIDTH }))
  annotate(report, exitCode)
  await orWarn('The JSON report', async () =>
    core.setOutput('report', await writeReport(report, publication.context.temporary)),
  )
  let page = ''
  await orWarn('The page', async () => {
    page = await writePage(report, packed, publication)
  })
  core.setOutput('page', page)
  await orWarn('The job summary', () => core.summary.addRaw(renderSummary(report), true).write())
  let url = ''
  await orWarn('The comment', async () => {
    url = await comment(report, bodies, publication, clock)
  })
  core.setOutput('comment-url', url)
  // Last: it may have to wait for others that record at the same time.
  const recorded = recordables.length === 0 ? null : await keepRecords(report, recordables, publication)
  if (recorded !== null)
    await orWarn('The job summary', () => core.summary.addRaw(renderRecorded(recorded), true).write())
  return exitCode
}

async function orWarn(what: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    core.warning(`${what} could not be written; the verdict does not need it. ${why}`)
  }
}

/** Keeps what was measured where this run is to be recorded; null: it is not. What fails is told, and changes nothing else. */
async function keepRecords(
  { head }: Report,
  recordables: Recordable[],
  { keep, inputs, context, isPrivate }: Publication,
): Promise<Recorded | null> {
  if (keep === null) return null
  const { repositoryUrl, sha } = context
  const recorded = { branch: inputs.dataBranch, repositoryUrl, isPrivate, isNew: false, images: [], reason: null }
  const skipped = (reason: string): Recorded => ({ ...recorded, action: 'skipped', reason: reason.replace(/\.$/, '') })
  // Another commit was checked out: it need not be one of the default branch.
  if (head.commit !== null && head.commit !== sha)
    return skipped(`what was measured is \`${head.commit.slice(0, 7)}\`, and this run is of \`${sha.slice(0, 7)}\``)
  try {
    const kept = await keep(recordables.map((recordable) => ({ ...recordable, commit: sha })))
    core.info(plain(recordedWords({ ...recorded, ...kept })))
    return { ...recorded, ...kept }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    // Who did not give the permission need not want records.
    const say = error instanceof Error && lacksPermission(error.cause) ? core.info : core.warning
    say(`The measurement was not recorded; the verdict does not need it. ${why}`)
    return skipped(why)
  }
}

/** Writes the JSON report where no other step's can be overwritten, and gives its path. */
async function writeReport(report: Report, temporary: string): Promise<string> {
  const folder = join(temporary, 'image-budget')
  await mkdir(folder, { recursive: true })
  const name = keyOf(report)
    .replace('*', 'images')
    .replaceAll(/[^\w.-]+/g, '-')
    .slice(0, 100)
  const file = join(await mkdtemp(join(folder, `${name}-`)), 'report.json')
  await writeFile(file, renderJson(report))
  return file
}

/** Writes the page where it is wanted, and gives its path; '' where there is none. */
async function writePage(report: Report, packed: PackedImage[], { inputs, context }: Publication): Promise<string> {
  if (inputs.page === null) return ''
  const html = renderPage(report, packed)
  if (html === null) {
    core.warning('The page was not written: there is no image whose files are known.')
    return ''
  }
  const file = resolve(context.cwd, inputs.page)
  await writeWhole(file, html)
  return file
}

/** Brings the pull request's comment up to date. Gives its address, or an empty text where there is none. */
async function comment(
  report: Report,
  bodies: string[],
  { context, inputs, pullRequest, waivers }: Publication,
  clock: Clock,
): Promise<string> {
  if (inputs.comment === 'off' || pullRequest === null || context.repository === null) return ''
  if (inputs.githubToken === null) {
    core.warning('There is no comment: `github-token` is empty. The verdict and the summary do not need one.')
    return ''
  }
  const octokit = openGitHub(inputs.githubToken, { baseUrl: context.apiUrl })
  const createIfMissing = inputs.comment === 'always' || isNoteworthy(report)
  const { action, url } = await upsertComment(
    octokit,
    {
      ...context.repository,
      number: pullRequest,
      key: keyOf(report),
      bodies,
      createIfMissing,
      ...(waivers && { note: waivers.noteFor(report) }),
    },
    clock,
  )
  const done = action === 'unchanged' ? 'up to date' : action
  core.info(action === 'none' ? 'No comment: nothing changed that is worth one.' : `The comment was ${done}: ${url}`)
  return url ?? ''
}

/** On the Dockerfile's lines that failed or grew, and on those that advice is about; on the run where the job fails and there is no line. */
function annotate(report: Report, exitCode: number): void {
  for (const { level, title, message, place } of annotationsOf(report, exitCode !== 0)) {
    const say = { error: core.error, warning: core.warning, notice: core.notice }[level]
    say(message, {
      title,
      ...(place && { file: place.file }),
      ...(place && place.line !== null && { startLine: place.line }),
    })
  }
}
