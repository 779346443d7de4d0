import * as core from '@actions/core'
import { systemClock, type Clock } from './clock.ts'
import { collectReports } from './collect.ts'
import { configure, configureReports } from './configure.ts'
import { createExec, createOpenOutput, interruption } from './exec.ts'
import { toFailure } from './failure.ts'
import { audienceOf, NOBODY, pullRequestOf, reporterOf, roleOf, witnessesOf, type Audience } from './github/audience.ts'
import { greeting, readContext, readEventFacts, readInputs } from './github/context.ts'
import { maskSecrets, workflowLog } from './github/log.ts'
import { createReadRemote } from './github/remote-file.ts'
import { publish } from './github/publish.ts'
import { refuseUnsafe } from './inputs/event.ts'
import { keepMemoryLow } from './memory.ts'
import { keyOf, reportFailure } from './report/assemble.ts'
import { ofHead } from './report/read.ts'
import { withWaiver } from './report/waiver.ts'
import { run, type Outcome } from './run.ts'

keepMemoryLow()
const { env } = process
const signal = interruption()
/** A cancelled run waits for nothing. */
const clock: Clock = {
  now: () => systemClock.now(),
  sleep: (milliseconds) => systemClock.sleep(milliseconds, signal),
}

async function main(): Promise<number> {
  core.info(greeting(env))
  const context = readContext(env)
  const values = readInputs(env)
  const token = values['github-token']?.trim() || null
  const checkout = {
    ...context,
    exec: createExec(env, signal),
    isFound: true,
    uncommitted: 'warn' as const,
    credentials: token === null ? null : { serverUrl: context.serverUrl, token },
    remote: {
      owner: () => Promise.resolve(context.repository?.owner ?? null),
      read: createReadRemote(context.apiUrl, token, signal),
    },
  }
  let audience: Audience = NOBODY
  let name = values['name'] || context.repositoryName || 'image'

  const measure = async (): Promise<Outcome> => {
    const configured = await configure(values, checkout)
    const { images, common: inputs } = configured
    for (const each of images) maskSecrets(each)
    name = inputs.name ?? name
    const event = await readEventFacts(env, inputs)
    audience = audienceOf(roleOf(configured), event, context, clock)
    const world = {
      createOpenOutput: (stop: AbortSignal) => createOpenOutput(env, stop),
      env,
      clock,
      createExec: (stop: AbortSignal) => createExec(env, stop),
      log: workflowLog(),
      records: audience.records,
      askWaivers: audience.waivers?.ask ?? null,
      key: audience.key,
      signal,
    }
    const volatile = [...context.volatile, event.defaultBranch ?? '']
    const surroundings = {
      ...context,
      ...event,
      volatile,
      budgetFiles: configured.files,
      baseMustExist: false,
      uncommitted: checkout.uncommitted,
      credentials: checkout.credentials,
    }
    return run(images, surroundings, world)
  }

  const collect = async (): Promise<Outcome> => {
    // Beside what a stranger has uploaded a budget file, or a repository that git is to look at, may be the stranger's.
    const isFound = env['GITHUB_EVENT_NAME'] !== 'workflow_run'
    const configured = await configureReports(values, { ...checkout, isFound })
    const { expected } = configured
    const inputs = maskSecrets(configured.common)
    const event = await readEventFacts(env, inputs)
    const { repositoryUrl, runUrl, cwd } = context
    const collected = await collectReports({ paths: inputs.reports, cwd, expected, run: { repositoryUrl, runUrl } })
    // Of a run that follows another one the head is known, whatever a report says.
    const report = event.follows && 'headSha' in event.follows ? ofHead(collected, event.follows.headSha) : collected
    const pullRequest = await pullRequestOf(event, inputs.githubToken, context, clock)
    audience = audienceOf(reporterOf(configured, event, context), { ...event, pullRequest }, context, clock)
    return {
      report: await withWaiver(report, audience.waivers?.ask ?? null, keyOf(report)),
      recordables: [],
      packed: [],
    }
  }

  /** Of an event that is not understood either there are none. */
  const witnesses = (): Promise<Audience> =>
    readEventFacts(env, { baseRef: null, allowPullRequestTarget: false }).then(
      (event) => witnessesOf(values, event),
      () => NOBODY,
    )

  const work = async (): Promise<Outcome> => {
    // Before the checkout, which may be a stranger's, has any say.
    const isAllowed = values['allow-pull-request-target']?.trim().toLowerCase() === 'true'
    refuseUnsafe(env['GITHUB_EVENT_NAME'] ?? '', isAllowed)
    return values['mode']?.trim() === 'report' ? collect() : measure()
  }
  const outcome = await work().catch(async (error: unknown): Promise<Outcome> => {
    if (signal.aborted) throw error
    if (audience === NOBODY) audience = await witnesses()
    const report = reportFailure(name, toFailure(error), context)
    return { report, recordables: [], packed: [] }
  })
  return publish(outcome, { context, ...audience }, clock)
}

process.exitCode = await main().catch((error: unknown) => {
  core.error(toFailure(error).message)
  return 2
})
