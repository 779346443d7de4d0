import * as core from '@actions/core'
import { createExec } from './exec.ts'
import { toFailure } from './failure.ts'
import { readContext, readEventFacts, readInputs } from './github/context.ts'
import { workflowLog } from './github/log.ts'
import { publish } from './github/publish.ts'
import { parseInputs } from './inputs/inputs.ts'
import { failedReport } from './report/assemble.ts'
import { run } from './run.ts'

const cancel = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancel.abort())
const clock = {
  now: Date.now,
  sleep: (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds)),
}

try {
  const { env } = process
  const context = readContext(env)
  const values = readInputs(env)
  try {
    const inputs = parseInputs(values)
    if (inputs.githubToken !== null) core.setSecret(inputs.githubToken)
    for (const { value } of inputs.secrets) core.setSecret(value)
    const { base, pullRequest } = await readEventFacts(env, inputs.baseRef)
    const { workspace: cwd, temporary, repository, repositoryUrl, runUrl, serverUrl } = context
    const credentials = inputs.githubToken === null ? null : { serverUrl, token: inputs.githubToken }
    const report = await run(
      inputs,
      {
        cwd,
        temporary,
        base,
        uncommitted: 'warn',
        repositoryName: repository?.repo ?? null,
        repositoryUrl,
        runUrl,
        credentials,
      },
      { createExec: (signal) => createExec(env, signal), log: workflowLog(), signal: cancel.signal },
    )
    process.exitCode = await publish(report, { context, inputs, pullRequest, clock })
  } catch (error) {
    if (cancel.signal.aborted) throw error
    const report = failedReport(values['name'] || context.repository?.repo || 'image', toFailure(error), context)
    process.exitCode = await publish(report, {
      context,
      inputs: { comment: 'off', fail: true, githubToken: null },
      pullRequest: null,
      clock,
    })
  }
} catch (error) {
  core.error(toFailure(error).message)
  process.exitCode = 2
}
