import { chmod, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { advise } from './advice/advise.ts'
import type { Budget } from './budget/budget.ts'
import { budgetsOf, capsOf } from './budget/budgets.ts'
import { isAlike, NO_HISTORY, type History } from './budget/history.ts'
import { judge } from './budget/judge.ts'
import { ratchetsOf } from './budget/ratchet.ts'
import { isoSeconds } from './clock.ts'
import { compareAll, gonePlatforms, type Compared } from './compare/compare.ts'
import { CouldNotMeasure, toFailure } from './failure.ts'
import type { Measurement } from './image/measurement.ts'
import type { Inputs } from './inputs/inputs.ts'
import type { Log } from './log.ts'
import type { Point, Recordable, Release } from './record/record.ts'
import { packImage, type PackedImage } from './page/html.ts'
import { pageImageOf } from './page/image.ts'
import { readPointsAhead } from './record/store.ts'
import { assembleReport, keyOf, mergeReports, reportFailure } from './report/assemble.ts'
import type { Report, TrendPoint } from './report/report.ts'
import { withWaiver } from './report/waiver.ts'
import { createCommons, measureSides, type Commons, type Facts, type Surroundings, type World } from './sides.ts'
import { createTurns } from './turns.ts'
import { version } from './version.ts'

/** What a run gives: the report, what records of its images are made of, of those that were measured, and what the page shows, where one is wanted. */
export type Outcome = { report: Report; recordables: Recordable[]; packed: PackedImage[] }

/**
 * The product in a sentence: measures head and base of each image, compares them, judges, and reports, in the order of `images`.
 * Never throws for an image that could not be measured: the report says so. Throws where the run was cancelled.
 */
export async function run(images: readonly Inputs[], surroundings: Surroundings, world: World): Promise<Outcome> {
  const isAlone = images.length === 1
  const scratch = await makeScratch(surroundings.temporary)
  const commons = createCommons(surroundings, world, scratch, isAlone)
  try {
    // What they wait for is the engine, which has the same cores.
    const inTurn = createTurns(availableParallelism())
    // All of them have ended before what they work in is removed.
    const settled = await Promise.allSettled(
      images.map((inputs, at) =>
        inTurn(async () => {
          const own = join(scratch, `image-${at + 1}`)
          const log = isAlone ? world.log : prefixed(world.log, inputs.name ?? `image ${at + 1}`)
          return runImage(inputs, surroundings, { ...world, log }, commons, own)
        }),
      ),
    )
    await commons.removals.flush()
    world.signal.throwIfAborted()
    const outcomes = settled.map((result) => {
      if (result.status === 'rejected') throw result.reason
      return result.value
    })
    const report = mergeReports(outcomes.map((outcome) => outcome.report))
    return {
      report: await withWaiver(report, world.askWaivers, world.key ?? keyOf(report)),
      recordables: outcomes.flatMap(({ recordable }) => recordable ?? []),
      packed: outcomes.flatMap(({ packed }) => packed),
    }
  } catch (error) {
    if (world.signal.aborted) throw new CouldNotMeasure('cancelled', 'The run was cancelled.')
    throw error
  } finally {
    commons.close()
    await discard(scratch, world.log)
  }
}

/** One image, on all of its platforms. */
async function runImage(
  inputs: Inputs,
  surroundings: Surroundings,
  world: World,
  commons: Commons,
  scratch: string,
): Promise<{ report: Report; recordable: Recordable | null; packed: PackedImage[] }> {
  const { repositoryUrl, runUrl } = surroundings
  const ofRun = { version, waiver: null, repositoryUrl, runUrl }
  const facts: Facts = {
    name: inputs.name ?? surroundings.repositoryName ?? 'image',
    head: { commit: null, pushed: null, dirty: false, reference: null },
  }
  try {
    await mkdir(scratch)
    const budgets = budgetsOf(inputs)
    let historyOf: HistoryOf = noHistory
    const begin = (name: string): void => void (historyOf = readHistories(world, name, inputs.platforms, budgets))
    const sides = await measureSides(inputs, surroundings, world, commons, scratch, facts, begin)
    world.signal.throwIfAborted()
    if ('untouchedSince' in sides) {
      const images = [{ name: facts.name, untouchedSince: sides.untouchedSince }]
      return {
        report: assembleReport({ ...ofRun, images, gonePlatforms: [], head: facts.head }),
        recordable: null,
        packed: [],
      }
    }
    const { measured, baseline, ...recorded } = sides
    const judgedAt = recorded.committedAt === null ? {} : { now: recorded.committedAt }
    const histories = await Promise.all(
      measured.map(async ({ platform }) => ({ ...(await historyOf(platform)), ...judgedAt })),
    )
    const comparisons = compareAll(measured, baseline)
    const images = comparisons.map((compared, at) => {
      const { comparison, head, base } = compared
      const history = histories[at]!
      const findings = advise(head, base)
      const { checks, verdict } = judge(compared, budgets, findings, history)
      const trend = trendOf(history.points, head)
      return { comparison, checks, verdict, findings, trend, ratchets: ratchetsOf(comparison.head, budgets) }
    })
    // A build is for the platforms that it was asked for, and where the user said which, the others are not gone.
    const isWhole = inputs.image !== null && inputs.platforms.length === 0
    const gone = isWhole ? gonePlatforms(measured, baseline) : []
    const report = assembleReport({ ...ofRun, images, gonePlatforms: gone, head: facts.head })
    const packed = inputs.page === null ? [] : packAll(comparisons, repositoryUrl)
    const recordable = inputs.record === 'off' ? null : { ...recorded, measurements: measured, caps: capsOf(budgets) }
    return { report, recordable, packed }
  } catch (error) {
    if (world.signal.aborted) throw error
    const report = reportFailure(facts.name, toFailure(error), { head: facts.head, repositoryUrl, runUrl })
    return { report, recordable: null, packed: [] }
  }
}

/** Image by image: what the page shows of one, before it is packed, is as large as its list of files. */
function packAll(comparisons: Compared[], repositoryUrl: string | null): PackedImage[] {
  return comparisons.flatMap((compared) => {
    const image = pageImageOf(compared, repositoryUrl)
    return image === null ? [] : [packImage(image)]
  })
}

/** A log whose sections say which of several images they are about. */
function prefixed(log: Log, name: string): Log {
  return { ...log, section: (title) => log.section(`${name}: ${title}`) }
}

/** An image's history, by its platform. */
type HistoryOf = (platform: string) => Promise<History>
const noHistory: HistoryOf = () => Promise.resolve(NO_HISTORY)

/**
 * Begins to read the history of an image: GitHub answers while it is built. What cannot be read says why instead: only budgets on growth
 * over time need it.
 */
function readHistories({ records, clock }: World, name: string, platforms: string[], budgets: Budget[]): HistoryOf {
  const now = isoSeconds(clock.now())
  const without = (problem: string | null): History => ({ ...NO_HISTORY, now, problem })
  if (records === null)
    return () => Promise.resolve(without('there is no token to read the records with (`github-token`)'))
  const isAll = budgets.some(({ over }) => over !== null)
  const pointsOf = readPointsAhead(records, { name, platforms, atLeast: isAll ? undefined : TREND })
  const readReleases = async (): Promise<Release[]> => ((await records.open()) === null ? [] : records.releases())
  const releasing = budgets.some(({ over }) => over?.kind === 'release') ? readReleases() : Promise.resolve([])
  releasing.catch(() => {})
  return async (platform) => {
    try {
      const points = await pointsOf(platform)
      return points === null ? without(null) : { points, releases: await releasing, now, problem: null }
    } catch (error) {
      return without(`the records could not be read (${toFailure(error).message.replace(/\.$/, '')})`)
    }
  }
}

/** Records that a trend has. */
const TREND = 20

/** The last records that can be compared with the image; the one of its own commit is the image itself. */
function trendOf(points: readonly Point[], head: Measurement): TrendPoint[] {
  return points
    .filter((point) => isAlike(head, point) && point.commit !== head.commit)
    .slice(-TREND)
    .map(({ commit, at, size, downloadSize, layers }) => ({ commit, at, size, downloadSize, layers }))
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
