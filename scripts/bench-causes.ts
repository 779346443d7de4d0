/**
 * What it takes to tell causes: `npm run bench -- --causes`. No engine is needed.
 *
 * Of two images that differ in one layer, in OCI layouts, each task runs in a process of its own, one after the other in turn:
 *   changed  reads the layers that only one of the two has, for their sizes alone,
 *   all      reads every layer, for their sizes alone,
 *   causes   reads every layer and lists what is in it, finds the files and packages of both images, compares and advises.
 * And the command (dist/cli/index.js, or `--program FILE`) measures one of them, and both: time, and the most memory.
 * `--quick`: a tenth of the images, one round. `--write`: the tables go into docs/benchmark.md.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { advise } from '../src/advice/advise.ts'
import { NO_BASELINE } from '../src/baseline/baseline.ts'
import { compareAll } from '../src/compare/compare.ts'
import { contentOf, readLayerSizes } from '../src/image/content.ts'
import { toMeasurement, UNKNOWN_ORIGINS } from '../src/image/describe.ts'
import { createLayerContents } from '../src/image/layer/contents.ts'
import { walkLayer } from '../src/image/layer/walk.ts'
import type { Measurement } from '../src/image/measurement.ts'
import { ociLayout } from '../src/image/source/layout.ts'
import type { SourceImage } from '../src/image/source/source.ts'
import { keepMemoryLow } from '../src/memory.ts'
import { createTurns } from '../src/turns.ts'
import { hookUsage, median, writeTables } from './bench-figures.ts'
import {
  packTar,
  REAL_IMAGE,
  scaled,
  writeLayer,
  writeLayout,
  type LayerPlan,
  type PackedLayer,
} from './bench-image.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    causes: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    program: { type: 'string', default: fileURLToPath(new URL('../dist/cli/index.js', import.meta.url)) },
    // What a process of the benchmark's own does, with the images' folders.
    task: { type: 'string' },
  },
})
const PROGRAM = resolve(options.program)
const ROUNDS = options.quick ? 1 : 3
const SCALE = options.quick ? 0.1 : 1
const LEVEL = 1

/** What a task took, by the clock and of the processor, and the files of the second image, where they were listed. */
type Performed = { seconds: number; processor: number; files: number }

/** Two images that differ in one layer, in folders. */
type Subject = { name: string; before: string; after: string }

async function imageIn(folder: string): Promise<SourceImage> {
  const [image] = await ociLayout(folder, null).images({ platforms: [], contents: null, downloadSizes: false })
  return image!
}

/** Reads layers for their sizes, each once, as many at a time as a run does. */
async function readSizes(images: SourceImage[], isMeant: (diffId: string) => boolean): Promise<void> {
  const inTurn = createTurns(2)
  const begun = new Set<string>()
  const layers = images.flatMap((image) => image.config.rootfs!.diff_ids!.map((diffId, at) => ({ image, diffId, at })))
  await Promise.all(
    layers.map(async ({ image, diffId, at }) => {
      if (begun.has(diffId) || !isMeant(diffId)) return
      begun.add(diffId)
      const { digest } = image.packed!.layers[at]!
      await inTurn(async () => walkLayer(await image.openLayer(at), { digest, diffId, isOurs: true }))
    }),
  )
}

/** What a run does with images that are found, until they are judged. */
async function readCauses(images: SourceImage[]): Promise<number> {
  const contents = createLayerContents(new AbortController().signal)
  // Both sides at once, as a run of two builds does.
  const measurements = await Promise.all(
    images.map(async (image): Promise<Measurement> => {
      const sizes = await readLayerSizes(image, contents)
      const content = contentOf(image.config.rootfs!.diff_ids!, contents)
      const subject = { name: 'image', commit: null, dockerfile: null, ignoreFile: null, target: null, engine: null }
      const told = { ...subject, source: null, warnings: [] }
      const unmeasured = { size: null, downloadSize: null }
      return toMeasurement(told, image, sizes, UNKNOWN_ORIGINS, unmeasured, { content })
    }),
  )
  const [before, after] = measurements as [Measurement, Measurement]
  const baseline = { ...NO_BASELINE, kind: 'image' as const, measurements: [before], platforms: [before.platform] }
  for (const { head, base } of compareAll([after], baseline)) advise(head, base)
  return after.content!.files.length
}

async function perform(task: string, folders: string[]): Promise<Performed> {
  keepMemoryLow()
  const images = await Promise.all(folders.map(imageIn))
  const [before, after] = images.map(({ config }) => new Set(config.rootfs!.diff_ids))
  let files = 0
  const used = process.cpuUsage()
  const start = process.hrtime.bigint()
  if (task === 'changed') await readSizes(images, (diffId) => before!.has(diffId) !== after!.has(diffId))
  if (task === 'all') await readSizes(images, () => true)
  if (task === 'causes') files = await readCauses(images)
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const { user, system } = process.cpuUsage(used)
  return { seconds, processor: (user + system) / 1e6, files }
}

async function measureAll(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))
  try {
    const times: string[][] = []
    const memory: string[][] = []
    for (const subject of await makeSubjects(scratch)) {
      const { files, row } = timesOf(subject)
      times.push(row)
      memory.push(...memoryOf(scratch, subject, files))
    }
    const tables = [
      [
        [
          'images',
          'files',
          'changed, s',
          'all, s',
          'causes, s',
          'more, of changed',
          'of all',
          'all, processor, s',
          'causes',
          'more',
        ],
        ...times,
      ],
      [['image', 'files', 'sides', 's', 'processor, s', 'memory, MB'], ...memory],
    ].map((rows) => markdownTable(rows, { align: ['l', ...rows[0]!.slice(1).map(() => 'r')] }))
    console.log(tables.join('\n\n'))
    if (options.write) await writeTables('causes', tables.join('\n\n'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Images made here, with another layer of dependencies in the second one; and one with this project's own, of which the first lacks a package. */
async function makeSubjects(scratch: string): Promise<Subject[]> {
  const folder = join(scratch, 'layers')
  mkdirSync(folder)
  const subject = (name: string, before: PackedLayer[], after: PackedLayer[]): Subject => {
    const sides = [join(scratch, `${name}, before`), join(scratch, `${name}, after`)] as const
    for (const [at, layers] of [before, after].entries()) writeLayout(sides[at]!, 'bench:1', layers)
    return { name, before: sides[0], after: sides[1] }
  }
  const write = (plan: LayerPlan): Promise<PackedLayer> => writeLayer(folder, plan, LEVEL)
  const made = async (name: string, files: number, bytes: number): Promise<Subject> => {
    const [base, dependencies, ...others] = scaled(REAL_IMAGE, files * SCALE, bytes * SCALE) as [LayerPlan, LayerPlan]
    const changed = { ...dependencies, name: 'dependencies2', bytes: Math.round(dependencies.bytes * 1.1) }
    const [below, above] = [await write(base), await Promise.all(others.map(write))]
    return subject(name, [below, await write(dependencies), ...above], [below, await write(changed), ...above])
  }
  const installed = realpathSync(fileURLToPath(new URL('../node_modules', import.meta.url)))
  const packed = async (name: string, ...arguments_: string[]): Promise<PackedLayer> => {
    const tar = spawn('tar', ['-C', dirname(installed), '--sort=name', ...arguments_, '-cf', '-', 'node_modules'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return packTar(folder, name, tar.stdout, LEVEL)
  }
  return [
    await made('as below', 1, 1),
    await made('four times the files, half the bytes', 4, 0.5),
    subject('real packages', [await packed('without', '--exclude=node_modules/typescript')], [await packed('with')]),
  ]
}

/** In percent. */
function share(more: number, of: number): string {
  return `${((100 * more) / of).toFixed(0)} %`
}

function timesOf({ name, before, after }: Subject): { files: number; row: string[] } {
  const tasks = ['changed', 'all', 'causes']
  const runs = tasks.map((): Performed[] => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, task] of tasks.entries()) {
      const self = fileURLToPath(import.meta.url)
      const told = execFileSync(process.execPath, [self, '--task', task, before, after], { encoding: 'utf8' })
      runs[at]!.push(JSON.parse(told) as Performed)
    }
  }
  const files = runs[2]![0]!.files
  const [changed, all, causes] = runs.map((each) => ({
    seconds: median(each.map(({ seconds }) => seconds)),
    processor: median(each.map(({ processor }) => processor)),
  })) as [Performed, Performed, Performed]
  const row = [
    name,
    files.toLocaleString('en-US'),
    ...[changed, all, causes].map(({ seconds }) => seconds.toFixed(2)),
    ...[changed, all].map(({ seconds }) => share(causes.seconds - all.seconds, seconds)),
    ...[all, causes].map(({ processor }) => processor.toFixed(2)),
    share(causes.processor - all.processor, all.processor),
  ]
  tell(row)
  return { files, row }
}

function memoryOf(scratch: string, { name, before, after }: Subject, files: number): string[][] {
  const usage = hookUsage(scratch)
  const commands: [string, string[]][] = [
    ['1', ['check', '--image', `oci:${after}`, '--metrics', 'size']],
    ['2', ['diff', `oci:${before}`, `oci:${after}`]],
  ]
  return commands.map(([sides, arguments_]) => {
    const runs = Array.from({ length: ROUNDS }, () => {
      const start = process.hrtime.bigint()
      execFileSync(process.execPath, [PROGRAM, ...arguments_, '--json'], {
        cwd: scratch,
        env: { ...process.env, ...usage.env },
        stdio: ['ignore', 'ignore', 'ignore'],
      })
      return { seconds: Number(process.hrtime.bigint() - start) / 1e9, ...usage.read() }
    })
    const row = [
      name,
      files.toLocaleString('en-US'),
      sides,
      median(runs.map(({ seconds }) => seconds)).toFixed(2),
      median(runs.map(({ processor }) => processor)).toFixed(2),
      Math.max(...runs.map(({ memory }) => memory)).toFixed(0),
    ]
    tell(row)
    return row
  })
}

/** A row as soon as it is there, with what else the machine had to do. */
function tell(row: string[]): void {
  console.error(`${row.join(' | ')} (load average ${loadavg()[0]!.toFixed(1)})`)
}

if (options.task === undefined) await measureAll()
else console.log(JSON.stringify(await perform(options.task, positionals)))
