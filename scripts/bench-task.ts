/**
 * One task of the benchmarks, in this process and nothing beside it: `node scripts/bench-task.ts TASK [--download-sizes] [--known REFERENCE] REFERENCE…` prints
 * what it took as JSON (`Performed`). A reference names an image as the command does, `oci:FOLDER` or `docker-daemon:NAME`.
 *   read     reads one image's layers and lists what is in them,
 *   changed  reads, of two images, the layers that only one of the two has, for their sizes alone (of an engine: `--known` has the others, and is read before),
 *   all      reads every layer of both, for their sizes alone,
 *   causes   reads every layer of both and lists what is in it, finds the files and packages of both images, compares and advises.
 */
import { execFileSync } from 'node:child_process'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { advise } from '../src/advice/advise.ts'
import { NO_BASELINE } from '../src/baseline/baseline.ts'
import { systemClock } from '../src/clock.ts'
import { compareAll } from '../src/compare/compare.ts'
import { createExec, createOpenOutput } from '../src/exec.ts'
import { readImage, readLayers } from '../src/image/content.ts'
import { toMeasurement, UNKNOWN_ORIGINS } from '../src/image/describe.ts'
import { createLayerContents, type LayerContents, type ReadOne } from '../src/image/layer/contents.ts'
import { walkLayer } from '../src/image/layer/walk.ts'
import type { Measurement } from '../src/image/measurement.ts'
import { createPlaces, type Places } from '../src/image/source/places.ts'
import type { SourceImage } from '../src/image/source/source.ts'
import { parseReference } from '../src/inputs/reference.ts'
import { keepMemoryLow } from '../src/memory.ts'

export type BenchTask = 'read' | 'changed' | 'all' | 'causes'

/** What a task took, by the clock and of the processor, in seconds; and the last image's files, where they were compared. */
export type Performed = { seconds: number; processor: number; files: number }

/** Performs a task in a process of its own. `env` is laid over this one's: where the engine is. */
export function performApart(
  task: BenchTask,
  references: string[],
  options: { env?: Record<string, string>; downloadSizes?: boolean; known?: string | null } = {},
): Performed {
  const { env = {}, downloadSizes = false, known = null } = options
  const flags = [...(downloadSizes ? ['--download-sizes'] : []), ...(known === null ? [] : ['--known', known])]
  const told = execFileSync(process.execPath, [SELF, task, ...flags, ...references], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return JSON.parse(told) as Performed
}

const SELF = fileURLToPath(import.meta.url)

/** For sizes alone: nothing is listed. */
const readSize: ReadOne = async (stored, expected) => ({
  ...(await walkLayer(stored, expected)),
  entries: null,
  factBytes: 0,
})

const SUBJECT = {
  name: 'image',
  commit: null,
  dockerfile: null,
  ignoreFile: null,
  target: null,
  engine: null,
  source: null,
  warnings: [],
}

const { signal } = new AbortController()

function openPlaces(): Places {
  const { env } = process
  const exec = createExec(env, signal)
  const openOutput = createOpenOutput(env, signal)
  const places = { exec, openOutput, tidyUp: () => exec, env, home: homedir(), cwd: process.cwd() }
  return createPlaces({ ...places, signal, clock: systemClock, warn: console.error })
}

async function perform(
  task: BenchTask,
  references: string[],
  downloadSizes: boolean,
  known: string | null,
): Promise<Performed> {
  keepMemoryLow()
  const places = openPlaces()
  const contents = createLayerContents(signal, undefined, task === 'read' || task === 'causes' ? undefined : readSize)
  const find = async (reference: string): Promise<SourceImage> => {
    const wanted = { platforms: [], contents, downloadSizes }
    const [image] = await places.open(parseReference(reference)!).images(wanted)
    return image!
  }
  // Both sides at once, as a run of two builds does.
  const readAll = (named: string[]): Promise<unknown> =>
    Promise.all(named.map(async (reference) => Promise.all(readLayers(await find(reference), contents))))
  const measure = (named: string[]): Promise<Measurement[]> =>
    Promise.all(
      named.map(async (reference) => {
        const image = await find(reference)
        const { sizes, content } = await readImage(image, contents)
        return toMeasurement(SUBJECT, image, sizes, UNKNOWN_ORIGINS, { size: null, downloadSize: null }, { content })
      }),
    )
  try {
    // An engine gives what it has not given yet; where else images lie, it is known beforehand what their layers are.
    const isInEngine = references.every((reference) => reference.startsWith('docker-daemon:'))
    if (known !== null) await readAll([known])
    const used = process.cpuUsage()
    const start = process.hrtime.bigint()
    let files = 0
    if (task === 'causes') files = tellCauses(await measure(references))
    else if (task !== 'changed' || isInEngine) await readAll(references)
    else await readUnshared(await Promise.all(references.map(find)), contents)
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    const { user, system } = process.cpuUsage(used)
    return { seconds, processor: (user + system) / 1e6, files }
  } finally {
    await places.close()
  }
}

/** Reads the layers that one of two images has alone. */
async function readUnshared(images: SourceImage[], contents: LayerContents): Promise<void> {
  const [before, after] = images.map(({ config }) => new Set(config.rootfs!.diff_ids))
  await Promise.all(
    images.flatMap((image) =>
      image.config
        .rootfs!.diff_ids!.map((diffId, at) => ({ diffId, at }))
        .filter(({ diffId }) => !(before!.has(diffId) && after!.has(diffId)))
        .map(({ diffId, at }) => contents.read(diffId, image.packed!.layers[at]!, () => image.openLayer(at))),
    ),
  )
}

/** What a run does with two measurements, until they are judged. Gives how many files the second one has. */
function tellCauses([before, after]: Measurement[]): number {
  const baseline = { ...NO_BASELINE, kind: 'image' as const, measurements: [before!], platforms: [before!.platform] }
  for (const { head, base } of compareAll([after!], baseline)) advise(head, base)
  return after!.content!.files.length
}

if (process.argv[1] === SELF) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'download-sizes': { type: 'boolean', default: false }, known: { type: 'string' } },
  })
  const [task, ...references] = positionals as [BenchTask, ...string[]]
  console.log(JSON.stringify(await perform(task, references, values['download-sizes'], values.known ?? null)))
}
