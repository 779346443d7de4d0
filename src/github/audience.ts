import * as core from '@actions/core'
import type { Clock } from '../clock.ts'
import { failsOf, type Configured, type ConfiguredReports } from '../configure.ts'
import { toFailure } from '../failure.ts'
import type { EventFacts } from '../inputs/event.ts'
import type { Inputs } from '../inputs/inputs.ts'
import type { Records } from '../record/shelf.ts'
import type { ActionContext } from './context.ts'
import { openDataBranch } from './data-branch.ts'
import { printInert } from './log.ts'
import { openGitHub } from './octokit.ts'
import { findPullRequest } from './pull-request.ts'
import { record, type Kept, type Recording } from './record.ts'
import { openRecords } from './records.ts'
import { openWaivers, type Waivers } from './waivers.ts'
import { SEVERAL } from '../report/assemble.ts'

/**
 * What of a report fails the job. `verdict`: all of it. `measurement`: only what could not be measured; the job that reports judges
 * the rest. `nothing`: it is another run's report, which that one has failed by.
 */
export type Decides = 'verdict' | 'measurement' | 'nothing'

/** What the job is for. */
export type Role = {
  inputs: Pick<Inputs, 'comment' | 'githubToken' | 'dataBranch' | 'acceptLabel' | 'platforms' | 'page'>
  /** Whether a broken budget of an image fails the job, by the image's name. */
  fails: (name: string) => boolean
  decides: Decides
  /** The report may be a fork's: nobody has to believe that it shows what there is to accept. */
  isForeign: boolean
  /** Of the comment; null: the report has it. */
  key: string | null
}

/** What a job is for that measures. */
export function roleOf({ common: inputs, images, areSeveral }: Configured): Role {
  return {
    inputs,
    fails: failsOf({ images }),
    decides: inputs.mode === 'measure' ? 'measurement' : 'verdict',
    isForeign: false,
    key: areSeveral ? SEVERAL : null,
  }
}

/** Whom the report is for. */
export type Audience = Pick<Role, 'fails' | 'decides' | 'key'> & {
  /** Whether a comment may be made; one that is there is always brought up to date. */
  mayComment: boolean
  inputs: Pick<Inputs, 'comment' | 'githubToken' | 'dataBranch' | 'platforms' | 'page'>
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
  { inputs, fails, decides, isForeign, key }: Role,
  event: Pick<EventFacts, 'pullRequest' | 'labelled' | 'onDefaultBranch' | 'isPrivate'>,
  { apiUrl, graphqlUrl, repository }: ActionContext,
  clock: Clock,
): Audience {
  const { acceptLabel: label, githubToken: token } = inputs
  const { labelled, onDefaultBranch, isPrivate } = event
  // One job speaks for all that measure.
  const pullRequest = decides === 'measurement' ? null : event.pullRequest
  const nobody: Audience = { ...NOBODY, inputs, fails, decides, key, mayComment: true, pullRequest, isPrivate }
  if (token === null || repository === null) return nobody
  const octokit = openGitHub(token, { baseUrl: apiUrl, graphqlUrl })
  // One for reading and writing: what was read of it while the image was built need not be asked for again.
  const branch = openDataBranch(octokit, { ...repository, branch: inputs.dataBranch }, clock)
  const records = openRecords(octokit, repository, branch, clock)
  const keep = onDefaultBranch ? (recordings: Recording[]) => record(branch, records, recordings, clock) : null
  if (label === null || pullRequest === null || isForeign) return { ...nobody, records, keep }
  const setting = { ...repository, number: pullRequest, label, labelled, hasComment: inputs.comment !== 'off' }
  return { ...nobody, records, keep, waivers: openWaivers(octokit, setting, { clock, warn: core.warning }) }
}

/** What a job is for that reads reports. A run that follows another one is not what a pull request is held up by. */
export function reporterOf(
  { common: inputs, fails }: ConfiguredReports,
  { follows }: EventFacts,
  { repository }: ActionContext,
): Role {
  const own = `${repository?.owner}/${repository?.repo}`.toLowerCase()
  const isOwn = follows === null || ('headRepository' in follows && follows.headRepository.toLowerCase() === own)
  const decides = follows === null ? 'verdict' : 'nothing'
  return { inputs, fails, decides, isForeign: !isOwn, key: null }
}

/**
 * The number of the pull request that the run is about; null: none, and the log says why where it is a run that follows another one. What
 * keeps GitHub from being asked is a warning.
 */
export async function pullRequestOf(
  { pullRequest, follows }: EventFacts,
  githubToken: string | null,
  { apiUrl, graphqlUrl, repository }: ActionContext,
  clock: Clock,
): Promise<number | null> {
  if (follows === null || repository === null) return pullRequest
  const found =
    'reason' in follows || githubToken === null
      ? follows
      : await findPullRequest(
          openGitHub(githubToken, { baseUrl: apiUrl, graphqlUrl }),
          repository,
          follows,
          clock,
        ).catch((error: unknown) => {
          core.warning(`The pull request could not be looked up, so there is no comment. ${toFailure(error).message}`)
          return null
        })
  if (found !== null && 'number' in found) return found.number
  const reason = found === null ? null : 'reason' in found ? found.reason : '`github-token` is empty'
  if (reason !== null) printInert(`No comment: ${reason.replaceAll('`', '')}.`)
  return null
}

/**
 * Who has the report of a run whose inputs are not understood (`values`, as they were given): comments that are there say something else by
 * now, and are brought up to date; none is made.
 */
export function witnessesOf(
  values: Record<string, string>,
  { pullRequest }: Pick<EventFacts, 'pullRequest'>,
): Audience {
  const isSilent = values['comment']?.trim() === 'off' || (values['mode']?.trim() || 'check') !== 'check'
  const inputs = { ...NOBODY.inputs, comment: isSilent ? ('off' as const) : ('on-change' as const) }
  return { ...NOBODY, inputs: { ...inputs, githubToken: values['github-token'] || null }, pullRequest }
}

/** Before the inputs and the event are understood there is no pull request to speak to. */
export const NOBODY: Audience = {
  inputs: { comment: 'off', githubToken: null, dataBranch: '', platforms: [], page: null },
  fails: () => true,
  decides: 'verdict',
  key: null,
  mayComment: false,
  pullRequest: null,
  waivers: null,
  records: null,
  keep: null,
  isPrivate: null,
}
