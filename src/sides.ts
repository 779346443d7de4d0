import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import type { Baseline } from './baseline/baseline.ts'
import {
  NOT_NAMED,
  NOT_WANTED,
  obtainBaseline,
  obtainImage,
  obtainImageRecord,
  requireImage,
} from './baseline/obtain.ts'
import type { RecordSearch } from './baseline/recorded.ts'
import type { AskWaivers } from './budget/waiver.ts'
import { readDefinition, type BakeRun } from './build/bake.ts'
import { inspectBuilder, isSameAlone, throughPlugin, type Builder } from './build/builder.ts'
import type { Engine } from './build/engine.ts'
import { isoSeconds, type Clock } from './clock.ts'
import { findProgram, isFolder, type Exec, type OpenOutput } from './exec.ts'
import { CouldNotMeasure, toFailure } from './failure.ts'
import type { Credentials } from './git/commits.ts'
import { createCheckout, type Checkout } from './git/checkout.ts'
import { openRepository, type Repository } from './git/git.ts'
import { isDirty, snapshotWorkingTree, withSnapshots } from './git/tree.ts'
import { createLayerContents, type LayerContents } from './image/layer/contents.ts'
import { measureImage, measureRevision, type Reading, type Revision, type Workshop } from './image/measure.ts'
import { platformsOf, type Measurement } from './image/measurement.ts'
import { createRemovals, type Removals } from './image/removals.ts'
import { normalisePlatform } from './image/source/manifests.ts'
import { createFindSocket, type FindSocket } from './image/source/engine-socket.ts'
import { createPlaces } from './image/source/places.ts'
import type { KnownLayers } from './image/source/receiver.ts'
import type { BaseQuestion } from './inputs/event.ts'
import type { Inputs } from './inputs/inputs.ts'
import { defaultName, nameOfReference } from './inputs/name.ts'
import type { ImageReference } from './inputs/reference.ts'
import type { Log } from './log.ts'
import { recipeOf } from './record/recipe.ts'
import type { Recipe } from './record/record.ts'
import type { Records } from './record/shelf.ts'
import type { Report } from './report/report.ts'
import { createTurns, once, type InTurn } from './turns.ts'
import { untouchedSince, type Since } from './untouched.ts'

/** What the run is told by the door it came in at. */
export type Surroundings = {
  /** Absolute path that the inputs' paths are relative to. */
  cwd: string
  /** Folder for temporary files; what the run makes there it removes. */
  temporary: string
  base: BaseQuestion
  /** The run is of a change that is proposed: an image that it does not touch need not be built. */
  isProposal: boolean
  /** Absolute paths of the budget file that was read: as it is named, and with links resolved. [] for none. */
  budgetFiles: string[]
  /** A base image that is not there is an error (`diff`), or no comparison. */
  baseMustExist: boolean
  /** A pull request's head, where there is one. */
  pushed: string | null
  /** Measure uncommitted changes too (the terminal), or HEAD alone (the action). */
  uncommitted: 'measure' | 'warn'
  /** When an image's commit was committed that is not built here, ISO 8601 in UTC to the second; null: it is not known. */
  committedAt: string | null
  /** What is another one in each run and means nothing: its id and number, the names of branches. */
  volatile: string[]
  /** The repository's name without its owner, or null: the folder's name serves. */
  repositoryName: string | null
  repositoryUrl: string | null
  runUrl: string | null
  credentials: Credentials
}

/** The world, as far as the run touches it. `createExec` binds the programs that are started to a signal that stops them. */
export type World = {
  createExec: (signal: AbortSignal) => Exec
  createOpenOutput: (signal: AbortSignal) => OpenOutput
  /** Where the programs' settings are found: `DOCKER_CONFIG`, proxies. */
  env: Record<string, string | undefined>
  clock: Clock
  log: Log
  /** Where records are found; null: nowhere. */
  records: Records | null
  /** Asks what was accepted on the pull request; null where there is none, or nobody can accept anything. */
  askWaivers: AskWaivers | null
  /** Of the comment that keeps what was accepted; null: the report has it. */
  key: string | null
  signal: AbortSignal
}

/** What the images of a run have in common: each is asked for, made or read once, whichever image is the first to need it. */
export type Commons = {
  /** Ends what is made for all of them. */
  signal: AbortSignal
  /** Told that an image has failed. */
  onFailure: () => void
  contents: LayerContents
  /** What engines have pushed to this process. */
  layers: KnownLayers
  findSocket: FindSocket
  /** The world's, which knows where buildx is as soon as it is known what builds. */
  createExec: World['createExec']
  /** What builds, by the name of the builder; null: the current one. */
  engineOf: (builder: string | null) => Promise<Engine>
  /** The checkout that a folder is in, and the revision of it that is measured. */
  openCheckout: (folder: string) => Promise<{ checkout: Checkout; head: () => Promise<HeadRevision> }>
  readDefinition: Workshop['readDefinition']
  /** What may not run side by side, whichever image it is for. */
  inTurn: InTurn
  /** What was built is in the engine until this is flushed. */
  removals: Removals
  /** Ends what was asked ahead and turned out not to be needed. */
  close: () => void
}

/** The checkout's own revision; `dirty`: with what is not committed. */
type HeadRevision = Revision & { dirty: boolean }

/** `scratch` is a folder of the run's own. `isAlone`: where the one image fails, nothing else is worth to be waited for. */
export function createCommons(surroundings: Surroundings, world: World, scratch: string, isAlone: boolean): Commons {
  const stop = new AbortController()
  const signal = AbortSignal.any([world.signal, stop.signal])
  let plugin: string | null = null
  const createExec = (until: AbortSignal): Exec => throughPlugin(world.createExec(until), () => plugin)
  const exec = createExec(signal)
  const findSocket = createFindSocket(exec, signal, world.clock)
  const closed = new AbortController()
  /** Nobody waits for it: until it is known, docker finds it. */
  const knowPlugin = async (found: Builder, builder: string | null): Promise<void> => {
    const docker = await findProgram('docker', world.env['PATH'] ?? '')
    if (await isSameAlone(world.createExec(signal), found, builder, docker)) plugin = found.plugin
  }
  const { credentials, uncommitted } = surroundings
  let checkouts = 0
  const checkoutOf = once(
    async (found: Repository) => {
      const folder = join(scratch, `checkout-${(checkouts += 1)}`)
      const repository = await withSnapshots(found, scratch)
      const checkout = createCheckout(exec, repository, folder, credentials)
      const head = once(
        () => headRevision(repository, scratch, uncommitted, world.log),
        () => '',
      )
      return { checkout, head: () => head(null) }
    },
    ({ root, gitDir }) => JSON.stringify([root, gitDir]),
  )
  const definitionOf = once(
    ({ run, names }: { run: BakeRun; names: readonly string[] }) => readDefinition(exec, run, names),
    (question) => JSON.stringify(question),
  )
  return {
    signal,
    onFailure: () => (isAlone ? stop.abort() : undefined),
    contents: createLayerContents(signal, world.log.read),
    layers: new Map(),
    findSocket,
    createExec,
    // Not stopped by an image that fails: what it has to say comes before what the attempts said.
    engineOf: once(
      async (builder) => {
        const ask = world.createExec(AbortSignal.any([world.signal, closed.signal]))
        const found = await inspectBuilder(ask, world.clock, builder)
        knowPlugin(found, builder).catch(() => {})
        // While it builds: what was built is asked for there.
        if (found.engine.driver === 'docker') findSocket().catch(() => {})
        return found.engine
      },
      (builder) => builder ?? '',
    ),
    openCheckout: once(
      async (folder) => checkoutOf(await openRepository(exec, folder)),
      (folder) => folder,
    ),
    readDefinition: (run, names) => definitionOf({ run, names }),
    inTurn: createTurns(1),
    removals: createRemovals(world.signal),
    close: () => {
      closed.abort()
      stop.abort()
    },
  }
}

/** What the report says of the run whatever becomes of it: filled in as it is found out. */
export type Facts = { name: string; head: Report['head'] }

/** Told of the image's name as soon as it is known, which is before it is measured. */
export type OnName = (name: string) => void

/** An image that was not built, since nothing that it is built from has changed since this commit. */
export type Untouched = { untouchedSince: Since }

/** What was measured of both sides, one Measurement a platform. */
export type Sides = {
  measured: Measurement[]
  baseline: Baseline
  recipe: Recipe
  /** When the head's commit was committed, ISO 8601, UTC, to the second; null: it is not known. */
  committedAt: string | null
  /** What was read of the layers. */
  contents: LayerContents
}

/**
 * Measures head and base, or finds that there is nothing to measure: builds of the checkout's commit and of the one it is compared with, or images where they lie.
 * `scratch` is a folder of the image's own; `facts` get what is found out, `onName` at once. Throws CouldNotMeasure.
 */
export async function measureSides(
  inputs: Inputs,
  surroundings: Surroundings,
  world: World,
  commons: Commons,
  scratch: string,
  facts: Facts,
  onName: OnName,
): Promise<Sides | Untouched> {
  // Stops the other side when one fails: there is nothing to compare then.
  const failed = new AbortController()
  const stop = (): void => {
    failed.abort()
    commons.onFailure()
  }
  const signal = AbortSignal.any([world.signal, failed.signal])
  const { inTurn, removals } = commons
  const exec = commons.createExec(signal)
  const cwd = await realpath(surroundings.cwd)
  const tidyUp = (): Exec => world.createExec(AbortSignal.timeout(TIDYING_MS))
  const openOutput = world.createOpenOutput(signal)
  const { env, clock } = world
  const places = createPlaces({
    exec,
    openOutput,
    tidyUp,
    env,
    home: homedir(),
    cwd,
    signal,
    clock,
    warn: world.log.warning,
    layers: commons.layers,
    findSocket: commons.findSocket,
  })
  const reading = { log: world.log, inputs, places, contents: commons.contents }
  try {
    if (inputs.image !== null) return await measureImages(inputs.image, reading, surroundings, world, facts, onName)
    return await measureBuilds(
      { ...reading, exec, cwd, scratch, inTurn, readDefinition: commons.readDefinition, removals },
      surroundings,
      world,
      commons,
      facts,
      onName,
      stop,
    )
  } catch (error) {
    // What else is being read or built for it is of no use any more.
    stop()
    throw error
  } finally {
    await places.close()
  }
}

/** Builds the checkout's commit, and beside it what it is compared with; nothing where the change leaves the image alone. `stop` ends what is still under way. */
async function measureBuilds(
  tools: Omit<Workshop, 'name' | 'checkout' | 'engine'>,
  surroundings: Surroundings,
  world: World,
  commons: Commons,
  facts: Facts,
  onName: OnName,
  stop: () => void,
): Promise<Sides | Untouched> {
  const { inputs, cwd } = tools
  const maySkip = surroundings.isProposal && inputs.untouched === 'skip'
  // Also where nothing may have to be built: most changes touch their image, and git answers meanwhile.
  const engine = commons.engineOf(inputs.builder)
  engine.catch(() => {})
  const context = resolve(cwd, inputs.context)
  // Where there is none the commits may have one, and if not they tell so.
  const { checkout, head } = await commons.openCheckout((await isFolder(context)) ? await realpath(context) : cwd)
  const { repository } = checkout
  facts.name = inputs.name ?? nameOf(inputs, cwd, repository, surroundings.repositoryName)
  const revision = await head()
  const { commit, dirty } = revision
  facts.head = { ...facts.head, commit, pushed: surroundings.pushed === commit ? null : surroundings.pushed, dirty }
  if (maySkip) {
    const { base, budgetFiles } = surroundings
    const since = await untouchedSince(inputs, { checkout, head: commit, base, cwd, budgetFiles })
    if (since !== null) return { untouchedSince: since }
  }
  onName(facts.name)
  const shop: Workshop = {
    ...tools,
    name: facts.name,
    checkout,
    engine,
  }
  const recipe = recipeOf(inputs, {
    cwd,
    root: repository.root,
    env: world.env,
    commits: [commit, ...(surroundings.pushed === null ? [] : [surroundings.pushed])],
    volatile: surroundings.volatile,
  })
  const measuring = measureRevision(shop, revision)
  const { contents } = tools
  const search = world.records && {
    records: world.records,
    inputs,
    name: facts.name,
    recipe,
    engine,
    head: measuring,
    contents,
  }
  const obtaining =
    typeof inputs.baseline === 'object'
      ? obtainImageBeside(shop, inputs.baseline, measuring)
      : obtainBaseline(shop, surroundings.base, revision, search)
  measuring.catch(stop)
  obtaining.catch(stop)
  const [, measured, baseline] = await firstCause(engine, measuring, obtaining)
  return { measured, baseline, recipe, contents, committedAt: await timeOf(repository, commit) }
}

/** Measures an image where it lies, and then what it is compared with: nothing is built, and no repository is needed. */
async function measureImages(
  image: ImageReference,
  tools: Omit<Reading, 'name'>,
  surroundings: Surroundings,
  world: World,
  facts: Facts,
  onName: OnName,
): Promise<Sides> {
  const { inputs, contents } = tools
  facts.name = inputs.name ?? nameOfReference(image)
  onName(facts.name)
  facts.head = { ...facts.head, reference: image.text }
  const reading = { ...tools, name: facts.name }
  const head = await measureImage(reading, image, inputs.platforms, 'image')
  const lacking = platformsLacking(inputs.platforms, head.measurements)
  if (lacking.length > 0 || head.measurements.length === 0) {
    const wanted = lacking.join(', ') || 'any platform'
    throw new CouldNotMeasure('missing', `\`${image.text}\` has no image for ${wanted}.`, {
      remedy: head.platforms.length === 0 ? null : `\`platforms\` takes what it has: ${head.platforms.join(', ')}.`,
    })
  }
  const measured = head.measurements
  const recipe = recipeOf(inputs, {
    cwd: surroundings.cwd,
    root: surroundings.cwd,
    env: world.env,
    commits: [],
    volatile: surroundings.volatile,
  })
  const search = world.records && {
    records: world.records,
    inputs,
    name: facts.name,
    recipe,
    engine: Promise.resolve(null),
    head: Promise.resolve(measured),
    contents,
  }
  const baseline = await obtainOf(reading, measured, search, surroundings)
  return { measured, baseline, recipe, contents, committedAt: surroundings.committedAt }
}

/** What an image where it lies is compared with. */
async function obtainOf(
  reading: Reading,
  measured: Measurement[],
  search: RecordSearch | null,
  { base, baseMustExist }: Surroundings,
): Promise<Baseline> {
  const { baseline } = reading.inputs
  if (baseline === 'none') return NOT_WANTED
  if (typeof baseline !== 'object') return search === null ? NOT_NAMED : obtainImageRecord(search, base, reading.log)
  const obtain = baseMustExist ? requireImage : obtainImage
  return obtain(reading, baseline, platformsOf(measured))
}

/** When a commit was committed; null: git does not tell. */
async function timeOf(repository: Repository, commit: string): Promise<string | null> {
  const shown = await repository.tryGit(['show', '--no-patch', '--format=%ct', commit])
  const seconds = shown.exitCode === 0 ? Number(shown.stdout.trim()) : NaN
  return Number.isSafeInteger(seconds) ? isoSeconds(seconds * 1000) : null
}

/** Those that were asked for and are not there: what is asked for is judged, or it is an error. */
function platformsLacking(wanted: string[], measured: Measurement[]): string[] {
  return wanted.filter((platform) => measured.every((each) => each.platform !== normalisePlatform(platform)))
}

/** Only for the head's platforms: an image in a registry may have many more. */
async function obtainImageBeside(
  reading: Reading,
  reference: ImageReference,
  head: Promise<Measurement[]>,
): Promise<Baseline> {
  const platforms = platformsOf(await head)
  return obtainImage(reading, reference, platforms)
}

/** How long removing what a side made may take, also when the run was cancelled. */
const TIDYING_MS = 15_000

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
): Promise<HeadRevision> {
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
