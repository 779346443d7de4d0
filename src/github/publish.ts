import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as core from '@actions/core'
import type { Clock } from '../clock.ts'
import { artifactName } from '../inputs/name.ts'
import { renderPage, type PackedImage } from '../page/html.ts'
import type { Recordable } from '../record/record.ts'
import { annotationsOf } from '../report/annotation.ts'
import { exitCodeOf, keyOf, SEVERAL } from '../report/assemble.ts'
import { renderComment, renderSummary } from '../report/comment.ts'
import { renderJson } from '../report/json.ts'
import { isNoteworthy } from '../report/noteworthy.ts'
import { plain } from '../report/phrase.ts'
import { recordedWords, renderRecorded, type Recorded } from '../report/record.ts'
import type { Report } from '../report/report.ts'
import { renderTerminal } from '../report/terminal.ts'
import { writeWhole } from '../write-whole.ts'
import type { Audience, Decides } from './audience.ts'
import { upsertComment } from './comment.ts'
import type { ActionContext } from './context.ts'
import { lacksPermission } from './errors.ts'
import { printInert } from './log.ts'
import { openGitHub } from './octokit.ts'
import { outputsOf } from './outputs.ts'

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
  const { decides, fails, inputs } = publication
  const exitCode = decides === 'nothing' ? 0 : exitCodeOf(report, decides === 'measurement' ? () => false : fails)
  const bodies = renderComment(report)
  for (const [name, value] of Object.entries(outputsOf(report))) core.setOutput(name, value)
  core.setOutput('artifact', artifactName([...new Set(report.images.map(({ name }) => name))], inputs.platforms))
  core.setOutput('comment-body', bodies[0] ?? '')
  printInert(renderTerminal(report, { colour: true, width: LOG_WIDTH }))
  if (decides === 'verdict') annotate(report, exitCode)
  if (report.verdict !== 'within' && ELSEWHERE[decides] !== null) core.info(ELSEWHERE[decides])
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

/** Who judges what this job does not. */
const ELSEWHERE: Record<Decides, string | null> = {
  verdict: null,
  measurement: 'A broken budget does not fail this job: it is judged by the job that reports (`mode: report`).',
  nothing: "This run is only the messenger: the verdict is that of the pull request's own run.",
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
    core.info('The page was not written: there is no image whose files are known.')
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
  { context, inputs, key, mayComment, pullRequest, waivers }: Publication,
  clock: Clock,
): Promise<string> {
  if (inputs.comment === 'off' || pullRequest === null || context.repository === null) return ''
  if (inputs.githubToken === null) {
    core.warning('There is no comment: `github-token` is empty. The verdict and the summary do not need one.')
    return ''
  }
  const octokit = openGitHub(inputs.githubToken, { baseUrl: context.apiUrl, graphqlUrl: context.graphqlUrl })
  const createIfMissing = mayComment && (inputs.comment === 'always' || isNoteworthy(report))
  // Whether it is of one image or of several is not known where the inputs are not understood.
  const keys = mayComment ? [key ?? keyOf(report)] : [keyOf(report), SEVERAL]
  let last: string | null = null
  for (const each of keys) {
    const { action, url } = await upsertComment(
      octokit,
      {
        ...context.repository,
        number: pullRequest,
        key: each,
        bodies,
        createIfMissing,
        ...(waivers && { note: waivers.noteFor(report) }),
      },
      clock,
    )
    last = url ?? last
    const done = action === 'unchanged' ? 'up to date' : action
    if (action !== 'none') core.info(`The comment was ${done}: ${url}`)
  }
  if (last === null) core.info('No comment: nothing changed that is worth one.')
  return last ?? ''
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
