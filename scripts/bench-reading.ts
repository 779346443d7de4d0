/**
 * What reading an image's content takes, wherever the image lies: `npm run bench -- --reading`, with the engines of scripts/engine.sh
 * and a registry `bench-reading` of scripts/peers.sh running.
 *
 * The same image of 1 GB in 50,000 files (scripts/bench-image.ts) is put into each place; there the task `read` of scripts/bench-task.ts reads all
 * of its content, and the command (dist/cli/index.js, or `--program FILE`) measures it, which is more: it starts, finds packages and advises. Both beside what
 * other programs take for the same bytes: `docker save`, `gunzip` and `tar t`. What is compared runs in turn. `--quick`: a tenth of the image, to see that all works. `--write`: the tables go into docs/benchmark.md.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { engines, type Engine } from '../__tests__/support/engine.ts'
import { findRegistry } from '../__tests__/support/peers.ts'
import { createRepository } from '../__tests__/support/repository.ts'
import { BOTH, hookUsage, median, writeTables, type Usage } from './bench-figures.ts'
import { inOneLayer, REAL_IMAGE, scaled, writeLayer, writeLayout, type Layer, type LayerPlan } from './bench-image.ts'
import { performApart } from './bench-task.ts'

const { values: options } = parseArgs({
  options: {
    reading: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    program: { type: 'string', default: fileURLToPath(new URL('../dist/cli/index.js', import.meta.url)) },
  },
})
const PROGRAM = resolve(options.program)
const ROUNDS = 3
/** For what waits for an engine's disk: it takes a second more or less from one time to the next. */
const ENGINE_ROUNDS = options.quick ? ROUNDS : 7
/** What takes longer than this many seconds is not repeated. */
const REPEATED_BELOW = 20
const REPOSITORY = 'image-budget/bench-reading'
const SCALE = options.quick ? 0.1 : 1

const scratch = mkdtempSync(join(tmpdir(), 'image-budget-bench-'))
const usage = hookUsage(scratch)

/** Ctrl-C: what runs is stopped, and what was made is taken away. */
let running: ChildProcess | null = null
let isStopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    isStopped = true
    running?.kill()
  })
}

/** One run: seconds of the clock; of the command, its own processor's seconds, and its peak memory in MB. */
type Run = Usage & { seconds: number }
type Task = () => Promise<Run>
type Env = Record<string, string>

/** Runs a program to its end, from outside any repository. Throws with its last words where it fails. */
async function run(
  program: string,
  args: string[],
  env: Env = {},
  { stdio = ['ignore', 'ignore', 'pipe'], cwd = scratch }: { stdio?: StdioOptions; cwd?: string } = {},
): Promise<{ seconds: number; stdout: string }> {
  if (isStopped) throw new Error('stopped')
  const start = process.hrtime.bigint()
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio, cwd })
  running = child
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (stderr = (stderr + data.toString()).slice(-2_000)))
  const code = await new Promise((done, fail) => child.once('error', fail).once('close', done))
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${String(code)}\n${stderr}`)
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9, stdout }
}

/** Another program's task: lines of shell, which get `values` as $1, $2, … */
function shell(lines: string, values: string[], env: Env = {}): Task {
  return async () => {
    const { seconds } = await run('bash', ['-euo', 'pipefail', '-c', lines, 'bash', ...values], env)
    return { seconds, processor: 0, memory: 0 }
  }
}

/** The command, with `--json`. Throws where a metric is not what it has to be (bytes; null: not measured). */
function command(
  args: string[],
  env: Env,
  expected: Partial<Record<'size' | 'downloadSize', number>>,
  cwd = scratch,
): Task {
  return async () => {
    const hooked = { ...env, ...usage.env }
    const piped = { cwd, stdio: ['ignore', 'pipe', 'pipe'] as StdioOptions }
    const { seconds, stdout } = await run(process.execPath, [PROGRAM, ...args, '--json'], hooked, piped)
    const report = JSON.parse(stdout) as { images: { head: Record<string, number | null> }[] }
    for (const [metric, bytes] of Object.entries(expected)) {
      const measured = report.images[0]?.head[metric]
      if (measured !== bytes) throw new Error(`${args.join(' ')}: ${metric} is ${measured}, not ${bytes}`)
    }
    return { seconds, ...usage.read() }
  }
}

/** Reads an image's content, and nothing else. */
function readContent(reference: string, env: Env, metrics = 'size'): Task {
  return () => {
    if (isStopped) throw new Error('stopped')
    return Promise.resolve({
      ...performApart('read', [reference], { env, downloadSizes: metrics === BOTH }),
      memory: 0,
    })
  }
}

/** Medians of three rounds; in each, the tasks run one after the other. */
const inTurn = (...tasks: Task[]): Promise<Run[]> => inRounds(ROUNDS, ...tasks)

async function inRounds(rounds: number, ...tasks: Task[]): Promise<Run[]> {
  const runs: Run[][] = tasks.map(() => [])
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, task] of tasks.entries()) {
      if ((runs[at]![0]?.seconds ?? 0) < REPEATED_BELOW) runs[at]!.push(await task())
    }
  }
  return runs.map((all) => ({
    seconds: median(all.map(({ seconds }) => seconds)),
    processor: median(all.map(({ processor }) => processor)),
    memory: Math.max(...all.map(({ memory }) => memory)),
  }))
}

/** An image in a layout's folder. Sizes in bytes. */
type Image = { tag: string; folder: string; layers: Layer[]; size: number }

/** Writes an image of these layers; the layers' files are shared. */
function makeImage(name: string, layers: Layer[]): Image {
  const folder = join(scratch, name)
  const tag = `${REPOSITORY}:${name}`
  writeLayout(folder, tag, layers)
  return { tag, folder, layers, size: layers.reduce((sum, { size }) => sum + size, 0) }
}

const layersFolder = join(scratch, 'layers')
mkdirSync(layersFolder)
const makeLayers = (plans: LayerPlan[], level?: number): Promise<Layer[]> =>
  Promise.all(plans.map((plan) => writeLayer(layersFolder, plan, level)))

const loaded: { engine: Engine; tag: string }[] = []
async function load(engine: Engine, { folder, tag }: Image): Promise<void> {
  loaded.push({ engine, tag })
  await shell('tar -C "$1" -cf - . | docker load --quiet >/dev/null', [folder], engine.env)()
}

async function unload(): Promise<void> {
  isStopped = false
  for (const { engine, tag } of loaded) {
    await run('docker', ['image', 'rm', '--force', tag], engine.env).catch((error: unknown) => console.error(error))
  }
}

const check = (reference: string, metrics = 'size'): string[] => ['check', '--image', reference, '--metrics', metrics]
const save = (engine: Engine, { tag }: Image): Task => shell('docker save "$1" >/dev/null', [tag], engine.env)
/** What any reader of the content has to do, one layer after the other. */
const list = ({ layers }: Image): Task =>
  shell(
    'for blob; do gunzip <"$blob" | tar --list >/dev/null; done',
    layers.map(({ file }) => file),
  )

/** A row as soon as it is there, with what else the machine had to do. */
const tell = (row: string[]): void => console.error(`${row.join(' | ')} (load average ${loadavg()[0]!.toFixed(1)})`)
const seconds = (value: number): string => value.toFixed(2)
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

/** Reading all content, in each place. */
async function contentTable(real: Image, single: Image, host: string): Promise<string> {
  const rows: string[][] = []
  const add = (place: string, metrics: string, other: string, [theirs, content, ours]: Run[]): void => {
    const ratio = (its: Run): string => (its.seconds / theirs!.seconds).toFixed(2)
    const beside = [other, seconds(theirs!.seconds)]
    const row = [
      place,
      metrics,
      ...beside,
      seconds(content!.seconds),
      ratio(content!),
      seconds(ours!.seconds),
      ratio(ours!),
    ]
    rows.push([...row, seconds(ours!.processor), ours!.memory.toFixed(0)])
    tell(rows.at(-1)!)
  }
  for (const engine of engines()) {
    for (const image of [real, single]) {
      await load(engine, image)
      const place = `docker-daemon:, ${engine.store}${image === single ? ', one layer' : ''}`
      const reference = `docker-daemon:${image.tag}`
      const size = { size: image.size }
      for (const metrics of ['size', BOTH]) {
        const rounds = metrics === BOTH && engine.store === 'classic' ? ROUNDS : ENGINE_ROUNDS
        const runs = await inRounds(
          rounds,
          save(engine, image),
          readContent(reference, engine.env, metrics),
          command(check(reference, metrics), engine.env, size),
        )
        add(place, metrics, '`docker save`', runs)
      }
    }
  }
  const saved = join(scratch, 'saved.tar')
  const archive = join(scratch, 'layout.tar')
  const [engine] = engines()
  await shell('docker save --output "$1" "$2"', [saved, real.tag], engine!.env)()
  await shell('tar -C "$1" -cf "$2" .', [real.folder, archive])()
  const pushed = `${host}/bench/reading:1`
  loaded.push({ engine: engine!, tag: pushed })
  await shell('docker tag "$1" "$2" && docker push --quiet "$2" >/dev/null', [real.tag, pushed], engine!.env)()
  const places: [string, Image, string][] = [
    ['oci:', real, `oci:${real.folder}`],
    ['oci:, one layer', single, `oci:${single.folder}`],
    ['oci-archive:', real, `oci-archive:${archive}`],
    [`docker-archive:, ${engine!.store}'s`, real, `docker-archive:${saved}`],
    ['docker://', real, `docker://${pushed}`],
  ]
  for (const [place, image, reference] of places) {
    const runs = await inTurn(
      list(image),
      readContent(reference, {}),
      command(check(reference), {}, { size: image.size }),
    )
    add(place, 'size', '`gunzip`, `tar t`', runs)
  }
  const figures = ['s', 'reading, s', 'ratio', 'check, s', 'ratio', 'processor, s', 'memory, MB']
  const align = ['l', 'l', 'l', ...figures.map(() => 'r')]
  const content = markdownTable([['place', 'metrics', 'beside', ...figures], ...rows], { align })
  return `${content}\n\n${await totalsTable(real, places)}`
}

/** Totals and layers where no content is asked for. */
async function totalsTable(real: Image, places: [string, Image, string][]): Promise<string> {
  const rows: string[][] = []
  const add = (place: string, metrics: string, value: number): void => {
    rows.push([place, metrics, seconds(value)])
    tell(rows.at(-1)!)
  }
  for (const engine of engines()) {
    const metrics = engine.store === 'classic' ? 'size' : 'download-size'
    if (engine.store === 'containerd') {
      const [ours] = await inTurn(command(check(`docker-daemon:${real.tag}`, metrics), engine.env, {}))
      add(`docker-daemon:, ${engine.store}`, metrics, ours!.seconds)
    }
    const repository = createRepository()
    repository.commit({ Dockerfile: `FROM ${real.tag}\nLABEL benchmark=reading\n` }, 'Image')
    try {
      const build = command(
        ['check', '--baseline', 'none', '--metrics', metrics],
        engine.env,
        metrics === 'size' ? { size: real.size } : {},
        repository.dir,
      )
      const plain = shell('docker buildx build --quiet "$1" >/dev/null', [repository.dir], engine.env)
      await plain()
      const [theirs, ours] = await inTurn(plain, build)
      add(`a build, ${engine.store} (beyond \`docker buildx build\`)`, metrics, ours!.seconds - theirs!.seconds)
    } finally {
      repository.dispose()
    }
  }
  for (const [place, image, reference] of places) {
    if (image !== real || place.startsWith('docker-archive')) continue
    const [ours] = await inTurn(command(check(reference, 'download-size'), {}, {}))
    add(place, 'download-size', ours!.seconds)
  }
  return markdownTable([['place', 'metrics', 's'], ...rows], { align: ['l', 'l', 'r'] })
}

/** A second side that has one layer more. */
async function sidesTable(real: Image): Promise<string> {
  const rows: string[][] = []
  const text = { text: 0.4, json: 0.1, program: 0.3, packed: 0.2 }
  const others: [number, Image][] = []
  for (const percent of [1, 10, 50]) {
    const plan = { name: `more-${percent}`, files: 50 * percent, bytes: (real.size * percent) / 100, mix: text }
    others.push([percent, makeImage(plan.name, [...real.layers, ...(await makeLayers([plan]))])])
  }
  for (const engine of [...engines(), null]) {
    const reference = ({ tag, folder }: Image): string => (engine ? `docker-daemon:${tag}` : `oci:${folder}`)
    const env = engine?.env ?? {}
    for (const [, image] of others) if (engine) await load(engine, image)
    const [alone, ...both] = await inTurn(
      command(check(reference(real), BOTH), env, { size: real.size }),
      ...others.map(([, image]) =>
        command(['diff', reference(real), reference(image), '--metrics', BOTH], env, { size: image.size }),
      ),
    )
    const place = engine ? `docker-daemon:, ${engine.store}` : 'oci:'
    for (const [at, [percent]] of others.entries()) {
      const more = both[at]!.seconds - alone!.seconds
      const share = `${((100 * more) / alone!.seconds).toFixed(0)} %`
      rows.push([place, `${percent} %`, seconds(alone!.seconds), seconds(both[at]!.seconds), seconds(more), share])
      tell(rows.at(-1)!)
    }
  }
  const header = ['place', 'B has more', 'check A, s', 'diff A B, s', 'more, s', 'of check A']
  return markdownTable([header, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r'] })
}

/** Ten times the files, and ten times the bytes. Packed at the lowest level, all three: writing them takes long enough. */
async function growthTable(): Promise<string> {
  const rows: string[][] = []
  for (const [name, files, bytes] of [
    ['as above', 1, 1],
    ['ten times the files', 10, 1],
    ['ten times the bytes', 1, 10],
  ] as const) {
    const layers = await makeLayers(scaled(REAL_IMAGE, files * SCALE, bytes * SCALE), 1)
    const image = makeImage(`growth-${files}-${bytes}`, layers)
    const [ours] = await inTurn(command(check(`oci:${image.folder}`), {}, { size: image.size }))
    const count = layers.reduce((sum, layer) => sum + layer.files, 0)
    const figures = [seconds(ours!.seconds), seconds((ours!.seconds / image.size) * 1e9), seconds(ours!.processor)]
    rows.push([name, count.toLocaleString('en-US'), megabytes(image.size), ...figures, ours!.memory.toFixed(0)])
    tell(rows.at(-1)!)
    rmSync(image.folder, { recursive: true })
    for (const { file } of layers) rmSync(file)
  }
  const header = ['image', 'files', 'MB', 'check, s', 's per GB', 'processor, s', 'memory, MB']
  return markdownTable([header, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'r'] })
}

try {
  const registry = findRegistry('bench-reading')
  if (!registry) throw new Error('no registry: scripts/peers.sh start bench-reading')
  const plans = scaled(REAL_IMAGE, SCALE, SCALE)
  const real = makeImage('real', await makeLayers(plans))
  const single = makeImage('one', await makeLayers([inOneLayer('one', plans)]))
  const packed = real.layers.reduce((sum, { packedSize }) => sum + packedSize, 0)
  const files = real.layers.reduce((sum, layer) => sum + layer.files, 0)
  const image = `${megabytes(real.size)} MB in ${files.toLocaleString('en-US')} files, ${megabytes(packed)} MB gzipped, in ${real.layers.length} layers.`
  const content = await contentTable(real, single, registry.host)
  const tables = [
    `The image: ${image}`,
    content,
    'A second image B that has one layer more than A:',
    await sidesTable(real),
    'How time and memory grow (`oci:`, `metrics: size`):',
    await growthTable(),
  ].join('\n\n')
  console.log(tables)
  if (options.write) await writeTables('reading', tables)
} finally {
  await unload()
  rmSync(scratch, { recursive: true, force: true })
}
