import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as core from '@actions/core'
import type { Clock } from '../clock.ts'
import { exitCodeOf } from '../budget/verdict.ts'
import type { EventFacts } from '../inputs/event.ts'
import type { Inputs } from '../inputs/inputs.ts'
import { annotationsOf } from '../report/annotation.ts'
import { renderComment, renderSummary } from '../report/comment.ts'
import { renderJson } from '../report/json.ts'
import { isNoteworthy } from '../report/noteworthy.ts'
import type { Report } from '../report/report.ts'
import { renderTerminal } from '../report/terminal.ts'
import { upsertComment } from './comment.ts'
import type { ActionContext } from './context.ts'
import { printInert } from './log.ts'
import { openGitHub } from './octokit.ts'
import { outputsOf } from './outputs.ts'
import { openWaivers, type Waivers } from './waivers.ts'

/** Whom the report is for. */
export type Audience = {
  inputs: Pick<Inputs, 'comment' | 'fail' | 'githubToken'>
  /** Number of the pull request to comment on, or null. */
  pullRequest: number | null
  /** Null: there is no label that accepts growth. */
  waivers: Waivers | null
}

/** Whom the report of a run is for, and by which label they accept growth. */
export function audienceOf(
  inputs: Inputs,
  { pullRequest, labelled }: EventFacts,
  { apiUrl, repository }: ActionContext,
  clock: Clock,
): Audience {
  const { acceptLabel: label, githubToken: token } = inputs
  if (label === null || token === null || pullRequest === null || repository === null)
    return { inputs, pullRequest, waivers: null }
  const setting = { ...repository, number: pullRequest, label, labelled, hasComment: inputs.comment !== 'off' }
  const waivers = openWaivers(openGitHub(token, { baseUrl: apiUrl }), setting, { clock, warn: core.warning })
  return { inputs, pullRequest, waivers }
}

/** Before the inputs and the event are understood there is no pull request to speak to. */
export const NOBODY: Audience = {
  inputs: { comment: 'off', fail: true, githubToken: null },
  pullRequest: null,
  waivers: null,
}

export type Publication = Audience & { context: ActionContext }

/** The log has no width of its own. */
const LOG_WIDTH = 120

/**
 * Hands the report over: outputs, JSON file, log, annotations, summary, and last the comment. Gives the exit code, which none of them
 * decides: what cannot be written is a warning.
 */
export async function publish(report: Report, publication: Publication, clock: Clock): Promise<number> {
  const exitCode = exitCodeOf(report.verdict, publication.inputs.fail)
  const bodies = renderComment(report)
  for (const [name, value] of Object.entries(outputsOf(report))) core.setOutput(name, value)
  core.setOutput('comment-body', bodies[0] ?? '')
  printInert(renderTerminal(report, { colour: true, width: LOG_WIDTH }))
  annotate(report, exitCode)
  await orWarn('The JSON report', async () =>
    core.setOutput('report', await writeReport(report, publication.context.temporary)),
  )
  await orWarn('The job summary', () => core.summary.addRaw(renderSummary(report), true).write())
  let url = ''
  await orWarn('The comment', async () => {
    url = await comment(report, bodies, publication, clock)
  })
  core.setOutput('comment-url', url)
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

/** Writes the JSON report where no other step's can be overwritten, and gives its path. */
async function writeReport(report: Report, temporary: string): Promise<string> {
  const folder = join(temporary, 'image-budget')
  await mkdir(folder, { recursive: true })
  const name = (report.images[0]?.name ?? 'report').replaceAll(/[^\w.-]+/g, '-').slice(0, 100)
  const file = join(await mkdtemp(join(folder, `${name}-`)), 'report.json')
  await writeFile(file, renderJson(report))
  return file
}

/** Brings the pull request's comment up to date. Gives its address, or an empty text where there is none. */
async function comment(
  report: Report,
  bodies: string[],
  { context, inputs, pullRequest, waivers }: Publication,
  clock: Clock,
): Promise<string> {
  const key = report.images[0]?.name
  if (inputs.comment === 'off' || pullRequest === null || context.repository === null || key === undefined) return ''
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
      key,
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
