import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { advise } from './advice/advise.ts'
import { budgetsOf } from './budget/budgets.ts'
import { judge } from './budget/judge.ts'
import { ratchetsOf } from './budget/ratchet.ts'
import { isWaivable, shownOf, waive, type AskWaivers } from './budget/waiver.ts'
import { compareAll, gonePlatforms } from './compare/compare.ts'
import { CouldNotMeasure, toFailure } from './failure.ts'
import type { Inputs } from './inputs/inputs.ts'
import type { Log } from './log.ts'
import { assembleReport, reportFailure, type JudgedImage } from './report/assemble.ts'
import type { Report } from './report/report.ts'
import { measureSides, type Facts, type Surroundings, type World } from './sides.ts'
import { version } from './version.ts'

/**
 * The product in a sentence: measures head and base, compares them, judges, and reports.
 * Never throws for an image that could not be measured: the report says so. Throws where the run was cancelled.
 */
export async function run(inputs: Inputs, surroundings: Surroundings, world: World): Promise<Report> {
  const { repositoryUrl, runUrl } = surroundings
  const scratch = await makeScratch(surroundings.temporary)
  const facts: Facts = {
    name: inputs.name ?? surroundings.repositoryName ?? 'image',
    head: { commit: null, pushed: null, dirty: false, reference: null },
  }
  try {
    const { measured, baseline } = await measureSides(inputs, surroundings, world, scratch, facts)
    world.signal.throwIfAborted()
    const budgets = budgetsOf(inputs)
    const judged = compareAll(measured, baseline).map((compared) => {
      const { comparison, head, base } = compared
      const findings = advise(head, base)
      const { checks, verdict } = judge(compared, budgets, findings)
      return { comparison, checks, verdict, findings, trend: [], ratchets: ratchetsOf(comparison.head, budgets) }
    })
    const { images, waiver } = await withWaiver(judged, world.askWaivers, facts.name)
    // A build is for the platforms that it was asked for, and where the user said which, the others are not gone.
    const isWhole = inputs.image !== null && inputs.platforms.length === 0
    const gone = isWhole ? gonePlatforms(measured, baseline) : []
    return assembleReport({ version, images, gonePlatforms: gone, waiver, head: facts.head, repositoryUrl, runUrl })
  } catch (error) {
    if (world.signal.aborted) throw new CouldNotMeasure('cancelled', 'The run was cancelled.')
    return reportFailure(facts.name, toFailure(error), { head: facts.head, repositoryUrl, runUrl })
  } finally {
    await discard(scratch, world.log)
  }
}

/** Where growth breaks a budget, what was accepted of it is not held against the change. */
async function withWaiver(
  images: JudgedImage[],
  ask: AskWaivers | null,
  name: string,
): Promise<{ images: JudgedImage[]; waiver: Report['waiver'] }> {
  if (ask === null || !images.some(({ checks }) => checks.some(isWaivable))) return { images, waiver: null }
  const shown = images.flatMap(
    ({ comparison, checks }) => shownOf(comparison.platform, comparison.change, checks) ?? [],
  )
  const { label, set, shown: accepted, problem } = await ask(name, shown)
  return {
    images: images.map((image) => waive(image, accepted)),
    waiver: { label, by: set?.by ?? null, at: set?.at ?? null, problem },
  }
}

async function makeScratch(temporary: string): Promise<string> {
  try {
    return await mkdtemp(join(await realpath(temporary), 'image-budget-'))
  } catch (error) {
    throw new CouldNotMeasure(
      'precondition',
      `No temporary folder can be made in \`${temporary}\`: ${toFailure(error).message}.`,
      {
        remedy: '`TMPDIR` (in a workflow `RUNNER_TEMP`) names a folder that this user may write to.',
      },
    )
  }
}

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
