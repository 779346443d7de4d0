import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as core from '@actions/core'
import { exitCodeOf } from '../budget/verdict.ts'
import type { Failure } from '../failure.ts'
import type { Inputs } from '../inputs/inputs.ts'
import { annotationOf } from '../report/annotation.ts'
import { reportFailure } from '../report/assemble.ts'
import { renderComment, renderSummary } from '../report/comment.ts'
import { renderJson } from '../report/json.ts'
import { isNoteworthy } from '../report/noteworthy.ts'
import type { Report } from '../report/report.ts'
import { renderTerminal } from '../report/terminal.ts'
import { upsertComment, type Clock } from './comment.ts'
import type { ActionContext } from './context.ts'
import { printInert } from './log.ts'
import { openGitHub } from './octokit.ts'
import { outputsOf } from './outputs.ts'

/** What publishing depends on beside the report. */
export type Publication = {
  context: ActionContext
  inputs: Pick<Inputs, 'comment' | 'fail' | 'githubToken'>
  /** Number of the pull request to comment on, or null. */
  pullRequest: number | null
}

const clock: Clock = {
  now: Date.now,
  sleep: (milliseconds) =>
    new Promise((done) => {
      setTimeout(done, milliseconds)
    }),
}

/** The log has no width of its own. */
const LOG_WIDTH = 120

/**
 * Hands the report over: log, summary, annotation, JSON file, outputs, and last the comment, which decides nothing: where it cannot
 * be written that is a warning. Gives the exit code.
 */
export async function publish(report: Report, publication: Publication): Promise<number> {
  const { context, inputs } = publication
  const bodies = renderComment(report)
  printInert(renderTerminal(report, { colour: true, width: LOG_WIDTH }))
  const exitCode = exitCodeOf(report.verdict, inputs.fail)
  annotate(report, exitCode)
  await core.summary.addRaw(renderSummary(report), true).write()

  const folder = join(context.temporary, 'image-budget')
  const file = join(folder, `${(report.images[0]?.name ?? 'report').replaceAll(/[^\w.-]+/g, '-').slice(0, 100)}.json`)
  await mkdir(folder, { recursive: true })
  await writeFile(file, renderJson(report))

  const outputs = { ...outputsOf(report), report: file, 'comment-body': bodies[0] ?? '' }
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value)
  core.setOutput('comment-url', await comment(report, bodies, publication))
  return exitCode
}

/** Hands over that the run failed before there was an image to report on: no comment, for it would say nothing of the change. */
export async function publishFailure(failure: Failure, context: ActionContext): Promise<number> {
  const report = reportFailure(context.repositoryName ?? 'image', failure, context)
  return publish(report, { context, inputs: { comment: 'off', fail: true, githubToken: null }, pullRequest: null })
}

/** Brings the pull request's comment up to date. Gives its address, or an empty text where there is none. */
async function comment(
  report: Report,
  bodies: string[],
  { context, inputs, pullRequest }: Publication,
): Promise<string> {
  const key = report.images[0]?.name
  if (inputs.comment === 'off' || pullRequest === null || context.repository === null || key === undefined) return ''
  if (inputs.githubToken === null) {
    core.warning('There is no comment: `github-token` is empty. The verdict and the summary do not need one.')
    return ''
  }
  try {
    const octokit = openGitHub(inputs.githubToken, { baseUrl: context.apiUrl })
    const createIfMissing = inputs.comment === 'always' || isNoteworthy(report)
    const outcome = await upsertComment(
      octokit,
      { ...context.repository, number: pullRequest, key, bodies, createIfMissing },
      clock,
    )
    core.info(
      outcome.action === 'none'
        ? 'No comment: nothing changed that is worth one.'
        : `The comment was ${outcome.action === 'unchanged' ? 'up to date' : outcome.action}: ${outcome.url}`,
    )
    return outcome.url ?? ''
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    core.warning(`The comment could not be written; the verdict and the summary do not need it. ${why}`)
    return ''
  }
}

/** One annotation: on the Dockerfile's line that failed or grew most, else on the run where the job fails. */
function annotate(report: Report, exitCode: number): void {
  const annotation = annotationOf(report, exitCode !== 0)
  if (annotation === null) return
  const { level, title, message, place } = annotation
  const say = { error: core.error, warning: core.warning, notice: core.notice }[level]
  say(message, {
    title,
    ...(place && { file: place.file }),
    ...(place && place.line !== null && { startLine: place.line }),
  })
}
