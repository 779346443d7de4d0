import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { obtainBaseline } from './baseline/obtain.ts'
import { budgetsOf } from './budget/budgets.ts'
import { judge } from './budget/judge.ts'
import { inspectBuilder } from './build/builder.ts'
import { compareAll } from './compare/compare.ts'
import type { Exec } from './exec.ts'
import { CouldNotMeasure, toFailure } from './failure.ts'
import type { Credentials } from './git/commits.ts'
import { openRepository, type Repository } from './git/git.ts'
import { isDirty, snapshotWorkingTree } from './git/tree.ts'
import { measureRevision, type Revision, type Workshop } from './image/measure.ts'
import type { BaseQuestion } from './inputs/event.ts'
import type { Inputs } from './inputs/inputs.ts'
import { defaultName } from './inputs/name.ts'
import type { Log } from './log.ts'
import { assembleReport, reportFailure } from './report/assemble.ts'
import type { Report } from './report/report.ts'
import { version } from './version.ts'

/** What the run is told by the door it came in at. */
export type Surroundings = {
  /** Absolute path that the inputs' paths are relative to. */
  cwd: string
  /** Folder for temporary files; what the run makes there it removes. */
  temporary: string
  base: BaseQuestion
  /** A pull request's head, where there is one. */
  pushed: string | null
  /** Measure uncommitted changes too (the terminal), or HEAD alone (the action). */
  uncommitted: 'measure' | 'warn'
  /** The repository's name without its owner, or null: the folder's name serves. */
  repositoryName: string | null
  repositoryUrl: string | null
  runUrl: string | null
  credentials: Credentials
}

/** The world, as far as the run touches it. `createExec` binds the programs that are started to a signal that stops them. */
export type World = { createExec: (signal: AbortSignal) => Exec; log: Log; signal: AbortSignal }

/**
 * The product in a sentence: measures head and base, compares them, judges, and reports.
 * Never throws for an image that could not be measured: the report says so. Throws where the run was cancelled.
 */
export async function run(inputs: Inputs, surroundings: Surroundings, world: World): Promise<Report> {
  const { repositoryUrl, runUrl } = surroundings
  const scratch = await mkdtemp(join(await realpath(surroundings.temporary), 'image-budget-'))
  // Stops the other side's build when the head fails: there is nothing to compare then.
  const stop = new AbortController()
  const exec = world.createExec(AbortSignal.any([world.signal, stop.signal]))
  let name = inputs.name ?? surroundings.repositoryName ?? 'image'
  let head: Report['head'] = { commit: null, pushed: null, dirty: false }
  try {
    const cwd = await realpath(surroundings.cwd)
    // Not stopped by a side that fails: what it has to say comes before what the attempts said.
    const engine = inspectBuilder(world.createExec(world.signal), inputs.builder)
    engine.catch(() => {})
    const repository = await openRepository(exec, await realpath(resolve(cwd, inputs.context)).catch(() => cwd))
    name = inputs.name ?? nameOf(inputs, cwd, repository, surroundings.repositoryName)
    const revision = await headRevision(repository, scratch, surroundings.uncommitted, world.log)
    const { commit, dirty } = revision
    head = { commit, pushed: surroundings.pushed === commit ? null : surroundings.pushed, dirty }
    const shop: Workshop = {
      exec,
      log: world.log,
      repository,
      credentials: surroundings.credentials,
      inputs,
      engine,
      cwd,
      scratch,
      name,
      inTurn: queue(),
      tidyUp: () => world.createExec(AbortSignal.timeout(TIDYING_MS)),
    }

    const measuring = measureRevision(shop, revision)
    const obtaining = obtainBaseline(shop, surroundings.base, revision)
    measuring.catch(() => stop.abort())
    obtaining.catch(() => stop.abort())
    const [, measured, baseline] = await firstCause(engine, measuring, obtaining)

    const budgets = budgetsOf(inputs.limits)
    const images = compareAll(measured, baseline).map((comparison) => {
      const { checks, verdict } = judge(comparison, budgets)
      return { comparison, checks, verdict }
    })
    return assembleReport({ version, images, head, repositoryUrl, runUrl })
  } catch (error) {
    if (world.signal.aborted) throw new CouldNotMeasure('cancelled', 'The run was cancelled.')
    return reportFailure(name, toFailure(error), { head, repositoryUrl, runUrl })
  } finally {
    await discard(scratch, world.log)
  }
}

/** How long removing what a side made may take, also when the run was cancelled. */
const TIDYING_MS = 15_000

/** Removes the temporary folder. A tool may have left folders read-only (Go's module cache) or files of another user: no reason to fail. */
async function discard(folder: string, log: Log): Promise<void> {
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    await remove().catch(async () => {
      await makeWritable(folder)
      await remove()
    })
  } catch (error) {
    log.warning(`A temporary folder could not be removed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
  }
}

/**
 * All results, or the first failure that is one of its own: where nothing can build that is the error, and not what the attempts said;
 * and a side that was only stopped because the other had failed says nothing.
 */
async function firstCause<T extends unknown[]>(...tasks: { [at in keyof T]: Promise<T[at]> }): Promise<T> {
  const settled = await Promise.allSettled(tasks)
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  if (failures.length > 0) throw failures.find((failure) => toFailure(failure).kind !== 'cancelled') ?? failures[0]
  return Promise.all(tasks)
}

function nameOf(inputs: Inputs, cwd: string, repository: Repository, repositoryName: string | null): string {
  const context = relative(repository.root, resolve(cwd, inputs.context)).replaceAll('\\', '/')
  const name = repositoryName ?? repository.root.split(/[\\/]/).at(-1) ?? 'image'
  const file = relative(repository.root, resolve(cwd, inputs.file ?? join(inputs.context, 'Dockerfile'))).replaceAll(
    '\\',
    '/',
  )
  return defaultName(name, context, file, inputs.target)
}

async function headRevision(
  repository: Repository,
  scratch: string,
  uncommitted: Surroundings['uncommitted'],
  log: Log,
): Promise<Revision & { dirty: boolean }> {
  const found = await repository.tryGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  if (found.exitCode !== 0) {
    throw new CouldNotMeasure('precondition', 'The repository has no commit yet.', {
      remedy: 'Commit first: the image is compared with that of an earlier commit.',
    })
  }
  const commit = found.stdout.trim()
  const short = `\`${commit.slice(0, 7)}\``
  if (!(await isDirty(repository)))
    return { side: 'head', treeish: commit, commit, label: `this change ${short}`, dirty: false }
  if (uncommitted === 'measure') {
    const treeish = await snapshotWorkingTree(repository, scratch)
    return { side: 'head', treeish, commit, label: `this change (${short} and what is not committed)`, dirty: true }
  }
  log.warning(
    'The checkout holds files that are not committed. They are not part of what is measured: head and base are built from their commits. `before-build` can make them in each tree.',
  )
  return { side: 'head', treeish: commit, commit, label: `this change ${short}`, dirty: false }
}

/** Runs tasks one after the other. */
function queue(): Workshop['inTurn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const next = last.then(task, task)
    last = next
    return next
  }
}
