import * as core from '@actions/core'
import { systemClock, type Clock } from './clock.ts'
import { configure } from './configure.ts'
import { createExec, createOpenOutput, interruption } from './exec.ts'
import { toFailure } from './failure.ts'
import { readContext, readEventFacts, readInputs } from './github/context.ts'
import { maskSecrets, workflowLog } from './github/log.ts'
import { audienceOf, NOBODY, publish } from './github/publish.ts'
import { keepMemoryLow } from './memory.ts'
import { reportFailure } from './report/assemble.ts'
import { run } from './run.ts'

keepMemoryLow()
const { env } = process
const signal = interruption()
/** A cancelled run waits for nothing. */
const clock: Clock = {
  now: () => systemClock.now(),
  sleep: (milliseconds) => systemClock.sleep(milliseconds, signal),
}

async function main(): Promise<number> {
  const context = readContext(env)
  const values = readInputs(env)
  let audience = NOBODY
  let name = values['name'] || context.repositoryName || 'image'
  const measure = async () => {
    const checkout = { exec: createExec(env, signal), cwd: context.cwd, isFound: true }
    const configured = await configure(values, checkout)
    const { images, common: inputs } = configured
    for (const each of images) maskSecrets(each)
    name = inputs.name ?? name
    const event = await readEventFacts(env, inputs.baseRef)
    audience = audienceOf(configured, event, context, clock)
    const credentials = inputs.githubToken === null ? null : { serverUrl: context.serverUrl, token: inputs.githubToken }
    const world = {
      createOpenOutput: (stop: AbortSignal) => createOpenOutput(env, stop),
      env,
      clock,
      createExec: (stop: AbortSignal) => createExec(env, stop),
      log: workflowLog(),
      records: audience.records,
      askWaivers: audience.waivers?.ask ?? null,
      signal,
    }
    const volatile = [...context.volatile, event.defaultBranch ?? '']
    const surroundings = {
      ...context,
      ...event,
      volatile,
      baseMustExist: false,
      uncommitted: 'warn' as const,
      credentials,
    }
    return run(images, surroundings, world)
  }
  const outcome = await measure().catch((error: unknown) => {
    if (signal.aborted) throw error
    const report = reportFailure(name, toFailure(error), context)
    return { report, recordables: [], packed: [] }
  })
  return publish(outcome, { context, ...audience }, clock)
}

process.exitCode = await main().catch((error: unknown) => {
  core.error(toFailure(error).message)
  return 2
})
