/**
 * What it takes to tell causes: `npm run bench -- --causes`, with the engines of scripts/engine.sh running.
 *
 * Of two images that differ in one layer, in OCI layouts and in each engine, the tasks `changed`, `all` and `causes` of scripts/bench-task.ts are
 * performed one after the other in turn.
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
import { docker, engines, type Engine } from '../__tests__/support/engine.ts'
import { BOTH, hookUsage, median, writeTables } from './bench-figures.ts'
import {
  loadLayout,
  packTar,
  REAL_IMAGE,
  scaled,
  writeLayer,
  writeLayout,
  type LayerPlan,
  type PackedLayer,
} from './bench-image.ts'
import { performApart, type Performed } from './bench-task.ts'

const { values: options } = parseArgs({
  options: {
    causes: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    program: { type: 'string', default: fileURLToPath(new URL('../dist/cli/index.js', import.meta.url)) },
  },
})
const PROGRAM = resolve(options.program)
const ROUNDS = options.quick ? 1 : 3
const SCALE = options.quick ? 0.1 : 1
const LEVEL = 1

/** An image in a layout's folder. */
type Image = { tag: string; folder: string }

/** Two images that differ in one layer; `shared` has the others, null where there are none. */
type Subject = { name: string; before: Image; after: Image; shared: Image | null }

const TASKS = ['changed', 'all', 'causes'] as const

async function measureAll(): Promise<void> {
  const running = engines()
  const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))
  const columns = [
    'changed, s',
    'all, s',
    'causes, s',
    'more, of changed',
    'of all',
    'all, processor, s',
    'causes',
    'more',
  ]
  const rows = {
    layout: [['images', 'files', ...columns]],
    memory: [['image', 'files', 'sides', 's', 'processor, s', 'memory, MB']],
    engine: [['images', 'in', 'metrics', ...columns]],
  }
  try {
    const subjects = await makeSubjects(scratch)
    for (const subject of subjects) {
      const { files, figures } = timesOf(subject, ({ folder }) => `oci:${folder}`)
      const count = files.toLocaleString('en-US')
      rows.layout.push([subject.name, count, ...figures])
      rows.memory.push(...memoryOf(scratch, subject, files))
    }
    for (const engine of running) {
      for (const subject of subjects) {
        const images = [subject.before, subject.after, ...(subject.shared === null ? [] : [subject.shared])]
        try {
          for (const { folder } of images) loadLayout(engine, folder)
          // On containerd's store the one way gives both.
          for (const metrics of engine.store === 'classic' ? ['size', BOTH] : [BOTH]) {
            const { figures } = timesOf(subject, ({ tag }) => `docker-daemon:${tag}`, engine, metrics === BOTH)
            rows.engine.push([subject.name, engine.store, metrics, ...figures])
          }
        } finally {
          docker(engine, 'image', 'rm', '--force', ...images.map(({ tag }) => tag))
        }
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  const table = (named: keyof typeof rows, words: number): string => {
    const align = rows[named][0]!.map((_, at) => (at < words ? 'l' : 'r'))
    return markdownTable(rows[named], { align })
  }
  const tables = [
    table('layout', 1),
    'The most memory that the command takes:',
    table('memory', 1),
    'In an engine:',
    table('engine', 3),
  ].join('\n\n')
  console.log(tables)
  if (options.write) await writeTables('causes', tables)
}

/** Images made here, with another layer of dependencies in the second one; and one with this project's own, of which the first lacks a package. */
async function makeSubjects(scratch: string): Promise<Subject[]> {
  const folder = join(scratch, 'layers')
  mkdirSync(folder)
  const subject = (name: string, before: PackedLayer[], after: PackedLayer[]): Subject => {
    const image = (side: string, layers: PackedLayer[]): Image => {
      const named = { tag: `image-budget/bench-causes:${side}`, folder: join(scratch, `${name}, ${side}`) }
      writeLayout(named.folder, named.tag, layers)
      return named
    }
    const both = after.filter((layer) => before.includes(layer))
    const shared = both.length === 0 ? null : image('shared', both)
    return { name, before: image('before', before), after: image('after', after), shared }
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
    await made('as above', 1, 1),
    await made('four times the files, half the bytes', 4, 0.5),
    subject('real packages', [await packed('without', '--exclude=node_modules/typescript')], [await packed('with')]),
  ]
}

/** In percent. */
function share(more: number, of: number): string {
  // Without the sign of what is rounded to nothing.
  return `${Math.round((100 * more) / of) + 0} %`
}

/** The tasks' medians, and what the first column's are of the others; `engine` is where the images lie, null for none. */
function timesOf(
  { name, before, after, shared }: Subject,
  referenceOf: (image: Image) => string,
  engine: Engine | null = null,
  downloadSizes = false,
): { files: number; figures: string[] } {
  const references = [before, after].map(referenceOf)
  const runs = TASKS.map((): Performed[] => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, task] of TASKS.entries()) {
      const known = task === 'changed' && engine !== null && shared !== null ? referenceOf(shared) : null
      runs[at]!.push(performApart(task, references, { env: engine?.env ?? {}, downloadSizes, known }))
    }
  }
  const files = runs[2]![0]!.files
  const [changed, all, causes] = runs.map((each) => ({
    seconds: median(each.map(({ seconds }) => seconds)),
    processor: median(each.map(({ processor }) => processor)),
  })) as [Performed, Performed, Performed]
  const figures = [
    ...[changed, all, causes].map(({ seconds }) => seconds.toFixed(2)),
    ...[changed, all].map(({ seconds }) => share(causes.seconds - all.seconds, seconds)),
    ...[all, causes].map(({ processor }) => processor.toFixed(2)),
    share(causes.processor - all.processor, all.processor),
  ]
  tell([name, ...(engine === null ? [] : [engine.store]), ...figures])
  return { files, figures }
}

function memoryOf(scratch: string, { name, before, after }: Subject, files: number): string[][] {
  const usage = hookUsage(scratch)
  const commands: [string, string[]][] = [
    ['1', ['check', '--image', `oci:${after.folder}`, '--metrics', 'size']],
    ['2', ['diff', `oci:${before.folder}`, `oci:${after.folder}`]],
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

await measureAll()
