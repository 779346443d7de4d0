import { join } from 'node:path'
import { buildImage, exportLayout, temporaryName, type Build, type BuildRequest, type Side } from '../build/build.ts'
import type { BakeBuild, BakeDefinition, BakeRun } from '../build/bake.ts'
import { keepsRecords, type Engine } from '../build/engine.ts'
import type { Origins } from '../build/provenance.ts'
import type { Exec } from '../exec.ts'
import { CouldNotMeasure, toFailure } from '../failure.ts'
import type { Checkout } from '../git/checkout.ts'
import { inTree, type PathFrame } from '../build/paths.ts'
import type { BakeTarget, Inputs } from '../inputs/inputs.ts'
import type { ImageReference } from '../inputs/reference.ts'
import type { Log } from '../log.ts'
import type { InTurn } from '../turns.ts'
import { readImage, unknownLayers } from './content.ts'
import { toMeasurement, UNKNOWN_ORIGINS, type Subject } from './describe.ts'
import type { LayerContents } from './layer/contents.ts'
import { platformsOf, type Measurement, type Unmeasured } from './measurement.ts'
import { platformName } from './oci.ts'
import { RECORD_UNREAD, readClassicSizes, readProvenance, readRecord } from './record.ts'
import type { Removals } from './removals.ts'
import { untag } from './source/daemon.ts'
import { openBlob } from './source/layout.ts'
import { normalisePlatform } from './source/manifests.ts'
import type { BuildPlace, Places } from './source/places.ts'
import type { SourceImage, Wanted } from './source/source.ts'

/** What measuring any image takes. */
export type Reading = {
  log: Log
  inputs: Inputs
  /** The image's name in the report. */
  name: string
  /** Where images are found. */
  places: Places
  /** What is known of layers' content, of both sides. */
  contents: LayerContents
}

/** What measuring either side of a build takes. */
export type Workshop = Reading & {
  exec: Exec
  checkout: Checkout
  /** What builds. */
  engine: Promise<Engine>
  /** See `readDefinition`; each question is asked once. */
  readDefinition: (run: BakeRun, names: readonly string[]) => Promise<BakeDefinition>
  /** The user's working directory, absolute, links resolved. */
  cwd: string
  /** A folder of our own, removed at the end of the run. */
  scratch: string
  /** Runs one task after the other, in the order of the calls: for what may not run side by side, of all images. */
  inTurn: InTurn
  /** Takes what was built out of the engine. */
  removals: Removals
}

/** What is measured: a commit or tree object and the commit that the report names for it. */
export type Revision = { side: Side; treeish: string; commit: string; label: string }

/** Writes the revision's tree, builds it and measures the image: one Measurement a platform. Leaves nothing in the engine but its cache, once `removals` are flushed. */
export async function measureRevision(shop: Workshop, revision: Revision): Promise<Measurement[]> {
  const section = shop.log.section(`Build ${revision.label}`)
  try {
    const tree = await treeFor(shop, revision, section.line)
    const frame = { tree, root: shop.checkout.repository.root, cwd: shop.cwd }
    const bake = shop.inputs.bake && (await bakeBuildOf(shop, frame, shop.inputs.bake))
    const { platforms } = shop.inputs
    const engine = await shop.engine
    // Content is read from the engine's image; the classic store always makes one.
    const keep = engine.driver === 'docker' && (engine.store === 'classic' || shop.inputs.metrics.includes('size'))
    const place = keep ? await shop.places.openBuild() : null
    const image = place?.name ?? temporaryName(revision.side)
    const request: BuildRequest = {
      side: revision.side,
      image,
      keep,
      inputs: shop.inputs,
      bake,
      ...frame,
      scratch: shop.scratch,
      onLine: section.line,
    }
    const buildAndRead = async (): Promise<Measurement[]> => {
      const build = await buildImage(shop.exec, request)
      return readBuilt({ ...shop, place }, engine, build, request, {
        name: shop.name,
        commit: revision.commit,
        dockerfile: build.dockerfile,
        ignoreFile: build.ignoreFile,
        target: build.target,
        engine,
        source: null,
        warnings: build.warnings,
      })
    }
    try {
      const measurements = await buildAndRead().catch((error: unknown) => {
        // Another build's clean-up may take a blob before it is read (seen once on a busy containerd store): the cache makes it again.
        if (!toFailure(error).message.startsWith(RECORD_UNREAD)) throw error
        section.line(`${RECORD_UNREAD}: building it again from the cache.`)
        return buildAndRead()
      })
      // An index lists its platforms in an order of its own; the report has the one that was asked for.
      const order = platforms.map(normalisePlatform)
      const rank = ({ platform }: Measurement): number => order.indexOf(platform)
      return measurements.toSorted((one, other) => rank(one) - rank(other))
    } finally {
      if (request.keep) await shop.removals.add(async () => untag(await shop.places.engine(), image, shop.log.warning))
    }
  } finally {
    section.end()
  }
}

/**
 * The target as the side's own bake file has it. Throws CouldNotMeasure `input` where there is none.
 */
async function bakeBuildOf(shop: Workshop, frame: PathFrame, bake: BakeTarget): Promise<BakeBuild> {
  const folder = inTree(frame, 'bake-files', bake.folder)
  const run = { tree: frame.tree, folder, files: bake.files }
  // All that is asked for is asked once; a target that this side does not have must not be the others' end.
  const definition = await shop.readDefinition(run, bake.asked).then(
    (all) => (all.targets.has(bake.target) ? all : shop.readDefinition(run, [bake.target])),
    (error: unknown) => {
      if (toFailure(error).kind !== 'input') throw error
      return shop.readDefinition(run, [bake.target])
    },
  )
  return { ...bake, folder, definition }
}

/** The folder that is built from. What `before-build` makes is this image's alone. */
async function treeFor(
  { checkout, exec, inputs, scratch, inTurn }: Workshop,
  revision: Revision,
  onLine: (line: string) => void,
): Promise<string> {
  const { side, treeish } = revision
  const { beforeBuild } = inputs
  if (beforeBuild === null) return checkout.treeOf(treeish)
  const tree = join(scratch, side)
  await checkout.writeTree(treeish, tree)
  await inTurn(() => prepare(exec, side, tree, beforeBuild, onLine))
  return tree
}

/** `place`: where the Docker engine has what was built under a name of ours; null: it has none. */
type BuiltShop = Workshop & { place: BuildPlace | null }

/** The images that a build made, by the way that its store offers. */
function readBuilt(
  shop: BuiltShop,
  engine: Engine,
  build: Build,
  request: BuildRequest,
  subject: Subject,
): Promise<Measurement[]> {
  return engine.store === 'classic'
    ? readClassic(shop, engine, build, request, subject)
    : readBlobs(shop, engine, build, request, subject)
}

/**
 * The classic store keeps layers unpacked. It tells their sizes itself, and that is enough where nothing else is asked for; download sizes
 * come from its packing them, for a registry of our own, and then the sizes are read from what it hands over.
 */
async function readClassic(
  { exec, inputs, places, place, contents }: BuiltShop,
  engine: Engine,
  build: Build,
  { image, onLine }: BuildRequest,
  subject: Subject,
): Promise<Measurement[]> {
  const downloadSizes = inputs.metrics.includes('download-size')
  if (countsItself(inputs, engine)) {
    const [recorded] = await readRecord(exec, build, engine.store, inputs.builder)
    const sizes = await readClassicSizes(exec, build.digest, recorded!.config)
    const unmeasured = { size: null, downloadSize: null }
    return [toMeasurement(subject, recorded!, sizes, recorded!.origins, unmeasured, { sizeFrom: 'engine' })]
  }
  onLine(
    downloadSizes ? 'Reading the layers as the engine packs them …' : 'Reading the layers as the engine gives them …',
  )
  const wanted: Wanted = { platforms: [], contents: inputs.metrics.includes('size') ? contents : null, downloadSizes }
  const images =
    (downloadSizes ? await place?.receive('classic', wanted) : null) ??
    (await places.open({ transport: 'docker-daemon', name: image, text: image }).images(wanted))
  return Promise.all(
    images.map(async (found) => {
      const origins = keepsRecords(engine)
        ? await readProvenance(exec, build, inputs.builder, found.config)
        : UNKNOWN_ORIGINS
      return measurementOf(found, subject, inputs, contents, origins, NOT_PACKED)
    }),
  )
}

/** Whether the size of what an engine built is its own count, and no content is read. */
export function countsItself({ metrics, baseline, budgets, forbid, page }: Inputs, engine: Engine): boolean {
  // An image that lies elsewhere has the sizes of its content; the engine's own count differs for layers that it pulled.
  const compared = typeof baseline === 'object'
  // Its total does not tell what a part of the image has.
  const inParts = budgets.some(({ scope }) => scope !== null) || forbid.length > 0 || page !== null
  return (
    engine.store === 'classic' && !metrics.includes('download-size') && !compared && !inParts && keepsRecords(engine)
  )
}

/** containerd's store and BuildKit keep blobs: manifests tell download sizes, and content is fetched only for layers that are not known. */
async function readBlobs(
  { exec, inputs, places, place, contents, inTurn, scratch }: BuiltShop,
  engine: Engine,
  build: Build,
  request: BuildRequest,
  subject: Subject,
): Promise<Measurement[]> {
  // What is pushed has manifests and configs with it, and no layer that is known: that takes less than to ask for them.
  if (place !== null) request.onLine('Reading the layers as they are handed over …')
  const pushed = (await place?.receive('containerd', { platforms: [], contents, downloadSizes: true })) ?? null
  if (pushed !== null) {
    return Promise.all(
      pushed.map(async (image) => {
        const origins = await readProvenance(exec, build, inputs.builder, image.config)
        return measurementOf(image, subject, inputs, contents, origins, null)
      }),
    )
  }
  const recorded = await readRecord(exec, build, engine.store, inputs.builder)
  const needed = inputs.metrics.includes('size') && recorded.some((image) => unknownLayers(image, contents) > 0)
  const layout = join(scratch, 'layout')
  if (needed) request.onLine('Reading the layers as they are handed over …')
  if (needed && engine.driver === 'docker') {
    const saved = places.open({ transport: 'docker-daemon', name: request.image, text: request.image })
    await saved.images({ platforms: [], contents, downloadSizes: false })
  } else if (needed) {
    // Both sides into one folder: blobs that are there already are not sent again.
    await inTurn(() => exportLayout(exec, request, layout))
  }
  return Promise.all(
    recorded.map((image) => {
      const openLayer = (at: number) => openBlob(layout, image.packed!.layers[at]!.digest)
      return measurementOf({ ...image, openLayer }, subject, inputs, contents, image.origins, null)
    }),
  )
}

/**
 * Measures an image where it lies, one Measurement a platform. `platforms`: those that are wanted, [] for all; those in the
 * answer are all that the place has. Throws CouldNotMeasure naming the place; `missing` where the image is not there.
 */
export async function measureImage(
  { log, inputs, name, places, contents }: Reading,
  reference: ImageReference,
  platforms: string[],
  label: string,
): Promise<{ measurements: Measurement[]; platforms: string[] }> {
  const section = log.section(`Read ${label} \`${reference.text}\``)
  const place = places.open(reference)
  try {
    const others = new Set<string>()
    const images = await place.images({
      platforms,
      leftOut: (platform) => void others.add(platform),
      contents: inputs.metrics.includes('size') ? contents : null,
      downloadSizes: inputs.metrics.includes('download-size'),
    })
    const measurements = await Promise.all(
      images.map((image) => {
        const unread = inputs.metrics.includes('size') ? unknownLayers(image, contents) : 0
        const all = image.config.rootfs?.diff_ids?.length ?? 0
        section.line(
          `${platformName(image.config)}: ${all} ${all === 1 ? 'layer' : 'layers'}${unread > 0 ? `, ${unread} to be read …` : ''}`,
        )
        const source = { reference: reference.text, digest: image.digest }
        const subject = {
          name,
          commit: null,
          dockerfile: null,
          ignoreFile: null,
          target: null,
          engine: null,
          source,
          warnings: [],
        }
        return measurementOf(image, subject, inputs, contents, UNKNOWN_ORIGINS, NO_BLOBS)
      }),
    )
    return { measurements, platforms: [...platformsOf(measurements), ...others] }
  } catch (error) {
    throw naming(reference, error)
  } finally {
    await place.close()
    section.end()
  }
}

/** A layer's failure names the layer alone: of two images that are compared it has to be told which one has it. */
function naming({ text, transport }: ImageReference, error: unknown): unknown {
  const { message, ...details } = toFailure(error)
  if (details.kind !== 'measure' || message.includes(`\`${transport}:`)) return error
  const clause = message.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())
  return new CouldNotMeasure('measure', `\`${text}\`: ${clause}`, details)
}

async function measurementOf(
  image: Pick<SourceImage, 'config' | 'digest' | 'packed' | 'openLayer'>,
  subject: Subject,
  inputs: Inputs,
  contents: LayerContents,
  origins: Origins,
  noDownloadSize: string | null,
): Promise<Measurement> {
  const { sizes, content } = inputs.metrics.includes('size')
    ? await readImage(image, contents)
    : { sizes: null, content: null }
  const packed = inputs.metrics.includes('download-size') ? image.packed : null
  const unmeasured: Unmeasured = {
    size: inputs.metrics.includes('size') ? ELSEWHERE : null,
    downloadSize: inputs.metrics.includes('download-size') ? noDownloadSize : null,
  }
  return toMeasurement(subject, { ...image, packed }, sizes, origins, unmeasured, { content })
}

/** Why a metric is not measured. */
const ELSEWHERE = 'a layer is not with the image (it is non-distributable)'
const NOT_PACKED = "Docker's classic image store keeps no packed layers, and could not hand them over to be packed"
const NO_BLOBS = 'the layers lie unpacked there'

/**
 * Runs `before-build` in a tree, as a workflow's `run` step would: bash, stopping at the first failure. What it prints is for
 * the log alone, where a workflow's secrets are masked: in a comment they would not be.
 */
async function prepare(
  exec: Exec,
  side: Side,
  tree: string,
  command: string,
  onLine: (line: string) => void,
): Promise<void> {
  const ran = await exec('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', command], {
    cwd: tree,
    env: { IMAGE_BUDGET_SIDE: side },
    withoutCredentials: true,
    onLine,
  })
  if (ran.exitCode === 0) return
  throw new CouldNotMeasure(
    'build',
    `\`before-build\` failed with exit code ${ran.exitCode}; the log has what it said.`,
    {
      remedy:
        'It runs in each tree, which holds the committed files only; paths are relative to the repository’s root.',
    },
  )
}
