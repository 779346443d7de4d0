/** A change of a repository, measured as the action does it, by the sources as they are. */
import { tmpdir } from 'node:os'
import { systemClock } from '../../src/clock.ts'
import { createExec, createOpenOutput } from '../../src/exec.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'
import { renderComment } from '../../src/report/comment.ts'
import type { Report } from '../../src/report/report.ts'
import { run } from '../../src/run.ts'
import type { Engine } from './engine.ts'
import { createRepository } from './repository.ts'
import type { Tree } from './trees.ts'

/** A pull request: the files of `main`, and those that it changes. */
export type Change = { base: Tree; change: Tree }

/** What came of one run. `log` is what the builds printed; `comment` is the longest of the comments. */
export type Outcome = { report: Report; comment: string; log: string }

/** Inputs by their names in action.yml. */
export type ActionInputs = Record<string, string>

/** Measures the change once for each of the `runs`, in a repository `octo/shop` whose branch `main` is the base. */
export async function measureChange(
  engine: Engine,
  { base, change }: Change,
  runs: ActionInputs[],
): Promise<Outcome[]> {
  const repository = createRepository()
  try {
    repository.commit(base, 'Base')
    repository.git('switch', '--quiet', '--create', 'change')
    repository.commit(change, 'Change')
    const outcomes: Outcome[] = []
    for (const inputs of runs) outcomes.push(await measure(engine, repository.dir, inputs))
    return outcomes
  } finally {
    repository.dispose()
  }
}

async function measure(engine: Engine, cwd: string, inputs: ActionInputs): Promise<Outcome> {
  const env = { ...process.env, ...engine.env }
  const log: string[] = []
  const line = (text: string): void => void log.push(text)
  const { report } = await run(
    [parseInputs(inputs)],
    {
      cwd,
      temporary: tmpdir(),
      base: { kind: 'ref', ref: 'main' },
      isProposal: false,
      budgetFiles: [],
      baseMustExist: false,
      pushed: null,
      uncommitted: 'warn',
      volatile: [],
      committedAt: null,
      repositoryName: 'shop',
      repositoryUrl: 'https://github.com/octo/shop',
      runUrl: null,
      credentials: null,
    },
    {
      createExec: (signal) => createExec(env, signal),
      createOpenOutput: (signal) => createOpenOutput(env, signal),
      env,
      clock: systemClock,
      log: { section: () => ({ line, end: () => {} }), info: line, warning: line },
      records: null,
      askWaivers: null,
      key: null,
      signal: new AbortController().signal,
    },
  )
  return { report, comment: renderComment(report)[0]!, log: log.join('\n') }
}
