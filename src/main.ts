import * as core from '@actions/core'
import { createExec } from './exec.ts'
import { toFailure } from './failure.ts'
import { readContext, readEventFacts, readInputs } from './github/context.ts'
import { workflowLog } from './github/log.ts'
import { publish, publishFailure } from './github/publish.ts'
import { parseInputs } from './inputs/inputs.ts'
import { run } from './run.ts'

const { env } = process
const cancel = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancel.abort())

try {
  const context = readContext(env)
  try {
    const inputs = parseInputs(readInputs(env))
    for (const secret of [inputs.githubToken, ...inputs.secrets.map(({ value }) => value)]) {
      if (secret !== null) core.setSecret(secret)
    }
    const { base, pullRequest, pushed } = await readEventFacts(env, inputs.baseRef)
    const credentials = inputs.githubToken === null ? null : { serverUrl: context.serverUrl, token: inputs.githubToken }
    const world = {
      createExec: (signal: AbortSignal) => createExec(env, signal),
      log: workflowLog(),
      signal: cancel.signal,
    }
    const report = await run(inputs, { ...context, base, pushed, uncommitted: 'warn', credentials }, world)
    process.exitCode = await publish(report, { context, inputs, pullRequest })
  } catch (error) {
    if (cancel.signal.aborted) throw error
    process.exitCode = await publishFailure(toFailure(error), context)
  }
} catch (error) {
  core.error(toFailure(error).message)
  process.exitCode = 2
}
