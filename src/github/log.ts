import { randomUUID } from 'node:crypto'
import * as core from '@actions/core'
import type { Inputs } from '../inputs/inputs.ts'
import { queueSections, type Log } from '../log.ts'

/** The log of a workflow's step: each section is a group. */
export function workflowLog(): Log {
  let token = ''
  return {
    section: queueSections({
      open: (title) => {
        core.startGroup(title.replaceAll('`', ''))
        token = pauseCommands()
      },
      line: (text) => core.info(text),
      close: () => {
        resumeCommands(token)
        core.endGroup()
      },
    }),
    info: (text) => core.info(text),
    warning: (text) => core.warning(text),
  }
}

/** Has the runner hide the inputs' secrets in the log; gives the inputs back. */
export function maskSecrets<T extends Pick<Inputs, 'githubToken' | 'secrets'>>(inputs: T): T {
  const { githubToken, secrets } = inputs
  for (const secret of [githubToken, ...secrets.map(({ value }) => value)]) if (secret !== null) core.setSecret(secret)
  return inputs
}

/** Prints text that may hold anything: a line of it that looks like a workflow command is none. */
export function printInert(text: string): void {
  const token = pauseCommands()
  core.info(text)
  resumeCommands(token)
}

/** What a build prints is the change's doing: until the token is said, the runner takes no command from it. */
function pauseCommands(): string {
  const token = randomUUID()
  core.info(`::stop-commands::${token}`)
  return token
}

function resumeCommands(token: string): void {
  core.info(`::${token}::`)
}
