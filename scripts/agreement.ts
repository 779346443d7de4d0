/**
 * Whether an image has the same size wherever it lies: `node scripts/agreement.ts [--write] [IMAGE …]`, with engines
 * (scripts/engine.sh, scripts/base-images.sh) and a registry (scripts/peers.sh) running; builders (scripts/buildkitd.sh) are taken
 * where they are there. `--write` puts the tables into docs/what-is-measured.md.
 *
 * Each image is built on each engine that runs, pushed from there to the registry, saved, and copied by skopeo and BuildKit to
 * the other places. Then it is measured in each of them as the command does, and built once more by the command itself. Every
 * figure has to be what the place itself has: the engine's own figure, the bytes of the blobs that are stored, and what GNU tar
 * lists. Exit code 1, and nothing is written, where one is not.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { markdownTable } from 'markdown-table'
import { format, resolveConfig } from 'prettier'
import { everyEngine, type Engine, type EngineName } from '../__tests__/support/engine.ts'
import { findBuilder, findRegistry, type Builder, type Registry } from '../__tests__/support/peers.ts'
import { createRepository } from '../__tests__/support/repository.ts'
import { systemClock } from '../src/clock.ts'
import { createExec, createOpenOutput } from '../src/exec.ts'
import { parseInputs } from '../src/inputs/inputs.ts'
import { run as runCommand } from '../src/run.ts'

const execute = promisify(execFile)

/** An image that is built on every engine. */
export type Subject = {
  name: string
  dockerfile: string
  /** Further arguments of `docker buildx build`. */
  args?: string[]
  platforms?: string
  /** Built first, under the tag `image-budget/agreement-base`. */
  before?: string
  /** Only this store can build or hold it. */
  store?: Engine['store']
  /** These build other layers than the rest. */
  otherLayers?: Origin[]
}

const BASE = 'FROM image-budget/base:1\n'

/** Each has something that sizes are counted differently for. The context has `big` (300,000 bytes) and `note` (5). */
export const SUBJECTS: Subject[] = [
  { name: 'busybox', dockerfile: 'FROM busybox:stable\nCOPY note /note\n' },
  { name: 'no-provenance', dockerfile: `${BASE}COPY note /note\n`, args: ['--provenance=false'] },
  {
    name: 'links',
    dockerfile: `${BASE}RUN head -c 100000 /dev/zero > /a && ln /a /b && ln /a /c && ln -s a /d\nRUN ln /a /e && ln -s /missing /f\n`,
  },
  { name: 'copied-twice', dockerfile: `${BASE}COPY big /one\nCOPY big /two\n` },
  {
    name: 'copied-over',
    dockerfile: `${BASE}COPY big /one\nCOPY big /one\nCOPY note big /\n`,
    // All but the classic store leave a file out of the layer if an equal one, of the same time, lies below it.
    otherLayers: ['containerd', 'containerd-26', 'remote', 'docker-container'],
  },
  // Docker 20.10 does not know `--link`.
  { name: 'same-layer-twice', dockerfile: `${BASE}COPY --link big /one\nCOPY --link big /one\n` },
  { name: 'owner-changed', dockerfile: `${BASE}COPY big /one\nCOPY --chown=1:1 big /one\nRUN chown 2:2 /one\n` },
  {
    name: 'removed',
    dockerfile: `${BASE}COPY big /kept/one\nCOPY note /gone/note\nRUN rm -r /gone && rm -r /kept && mkdir /kept && echo new > /kept/two\n`,
  },
  { name: 'workdir', dockerfile: `${BASE}WORKDIR /srv/app\n` },
  { name: 'empty-layers', dockerfile: `${BASE}RUN true\nENV A=1\nRUN true\nRUN true\n` },
  {
    name: 'onbuild',
    before: `${BASE}ONBUILD COPY note /from-base\nONBUILD RUN cat /from-base /from-base > /twice\n`,
    dockerfile: 'FROM image-budget/agreement-base\nCOPY big /big\n',
  },
  { name: 'no-layers', dockerfile: 'FROM scratch\nLABEL purpose=none\n' },
  {
    name: 'odd-files',
    dockerfile: `${BASE}RUN mkdir -p "/odd/$(printf '%0200d/%0200d' 1 2)" && cd /odd && echo long > "$(printf '%0200d/%0200d/%0200d' 1 2 3)" \\
 && echo 1 > "$(printf 'new\\nline')" && echo 22 > ' spaces ' && echo 333 > "$(printf 'latin1-\\351')" && echo 4444 > 'ünïcode' \\
 && echo 55555 > -dash && : > empty && mkfifo fifo && mknod null c 1 3 && mknod disk b 8 0 && ln fifo fifo2 \\
 && truncate -s 5000000 sparse && echo end >> sparse && echo s > setuid && chmod 4755 setuid\n`,
  },
  {
    name: 'two-platforms',
    dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY note /$TARGETARCH/note\nCOPY big /\n',
    platforms: 'linux/amd64,linux/arm64',
    store: 'containerd',
  },
]

/** One platform's image. Sizes in bytes; null where the place has no such figure. */
export type Sizes = { platform: string; size: number | null; downloadSize: number | null; layers: number }

/** What built an image. */
export type Origin = EngineName | Builder['driver']

/** How a place's blobs are packed: as its engine does by itself, or in another way. */
export type Packing = 'own' | 'unpacked, BuildKit' | 'zstd, BuildKit' | 'zstd, skopeo' | 'estargz, BuildKit'

/** An image in one place. */
export type Place = {
  image: string
  engine: Origin
  /** The transport, and how the image came there; or BUILT. */
  place: string
  /** Null where the place has no blobs. */
  packing: Packing | null
  /** As the command takes them: the place of the image, or what builds it. */
  inputs: Record<string, string>
  /** What reaches the place: the engine, and no TLS for the registry. */
  env: Record<string, string>
  /** Of each platform that the place has. */
  expected: Sizes[]
}

/** The place of an image that the command builds, instead of finding it. */
export const BUILT = 'built'

/** Why an image is not in a place: the last line that the program wrote. */
export type Absent = { image: string; engine: Origin; place: string; why: string }

/** What an engine's `docker image inspect` says: its `Size`, in bytes. */
export type Told = { image: string; engine: Origin; size: number }

/** A folder with the places' files, removed by `dispose`. */
export type Agreement = { places: Place[]; absent: Absent[]; told: Told[]; dispose: () => Promise<void> }

/**
 * Builds the images on the engines and builders, each beside the others, and copies them to every place. Those that `isBuilt` names are
 * to be built by the command, too.
 */
export async function gatherPlaces(
  engines: Engine[],
  builders: Builder[],
  registry: Registry,
  subjects: Subject[],
  isBuilt: (image: string) => boolean,
): Promise<Agreement> {
  const folder = mkdtempSync(join(tmpdir(), 'image-budget-agreement-'))
  const repository = createRepository()
  const context = repository.dir
  repository.commit({ note: 'note\n', big: incompressible(300_000) })
  // Always the same, for it is in the layers: BuildKit's cache would mix those of several runs.
  for (const file of ['note', 'big']) utimesSync(join(context, file), CONTEXT_TIME, CONTEXT_TIME)
  for (const { name, dockerfile } of subjects) repository.commit({ [`${name}.Dockerfile`]: dockerfile })

  const places: Place[] = []
  const absent: Absent[] = []
  const told: Told[] = []
  const tags: { engine: Engine; tag: string }[] = []
  async function onEngine(engine: Engine): Promise<void> {
    for (const subject of subjects) {
      if (subject.store !== undefined && subject.store !== engine.store) continue
      const image = { folder: join(folder, engine.name, subject.name), context, engine, registry, subject }
      mkdirSync(image.folder, { recursive: true })
      tags.push({ engine, tag: tagOf(image) })
      const failed = await attempt(() => build(image))
      if (failed !== null) {
        absent.push({ image: subject.name, engine: engine.name, place: 'docker-daemon', why: failed })
        continue
      }
      const { size } = await inspect(engine, tagOf(image))
      told.push({ image: subject.name, engine: engine.name, size })
      for await (const found of copies(image)) {
        const of = { image: subject.name, engine: engine.name }
        if ('why' in found) absent.push({ ...of, ...found })
        else places.push({ ...of, ...found })
        if (found.place === 'docker-daemon' && 'expected' in found && isBuilt(subject.name))
          places.push({ ...of, ...found, place: BUILT, inputs: buildInputs(image) })
      }
    }
  }
  // A builder sees no image of an engine's, and the base image by its build context.
  async function onBuilder({ driver, base, env }: Builder): Promise<void> {
    for (const subject of subjects.filter(
      ({ dockerfile }) => !/^FROM (?!image-budget\/base:1|scratch)/.test(dockerfile),
    )) {
      const image = { folder: join(folder, driver, subject.name), context, subject }
      mkdirSync(image.folder, { recursive: true })
      const dest = join(image.folder, 'oci')
      const place = 'oci, BuildKit'
      const standIn = `image-budget/base:1=${base}`
      const output = ['--build-context', standIn, '--output', `type=oci,tar=false,dest=${dest}`]
      const failed = await attempt(() => run('docker', buildArguments(image, output), env))
      const of = { image: subject.name, engine: driver }
      if (failed !== null) absent.push({ ...of, place, why: failed })
      else {
        const found = { ...of, packing: 'own' as const, env, expected: await withListed(readLayout(dest)) }
        places.push({ ...found, place, inputs: { image: `oci:${dest}` } })
        if (isBuilt(subject.name))
          places.push({ ...found, place: BUILT, inputs: { ...buildInputs(image), 'build-contexts': standIn } })
      }
    }
  }
  async function dispose(): Promise<void> {
    for (const { engine, tag } of tags) {
      await run('docker', ['image', 'rm', '--force', tag, 'image-budget/agreement-base'], engine.env).catch(() => {})
    }
    rmSync(folder, { recursive: true, force: true })
    repository.dispose()
  }
  const failures = (await Promise.allSettled([...engines.map(onEngine), ...builders.map(onBuilder)])).flatMap(
    (result) => (result.status === 'rejected' ? [result.reason as unknown] : []),
  )
  if (failures.length > 0) {
    await dispose()
    throw new AggregateError(failures, 'the images are not in their places')
  }
  return { places, absent, told, dispose }
}

const CONTEXT_TIME = new Date('2026-01-01T00:00:00Z')

type Image = { folder: string; context: string; engine: Engine; registry: Registry; subject: Subject }
type Found = Omit<Place, 'image' | 'engine'> | { place: string; why: string }

function tagOf({ engine, registry, subject }: Image): string {
  return `${registry.host}/agreement/${subject.name}:${engine.name}`
}

function buildArguments(
  { folder, context, subject }: Pick<Image, 'folder' | 'context' | 'subject'>,
  output: string[],
): string[] {
  const dockerfile = join(folder, 'Dockerfile')
  writeFileSync(dockerfile, subject.dockerfile)
  const platforms = subject.platforms === undefined ? [] : ['--platform', subject.platforms]
  return ['buildx', 'build', '--quiet', ...(subject.args ?? []), ...platforms, '--file', dockerfile, ...output, context]
}

/** The same build as inputs of the command; its context is a repository. */
function buildInputs({ context, subject }: Pick<Image, 'context' | 'subject'>): Record<string, string> {
  return {
    context,
    file: join(context, `${subject.name}.Dockerfile`),
    ...(subject.platforms === undefined ? {} : { platforms: subject.platforms }),
  }
}

async function build(image: Image): Promise<void> {
  const { folder, context, engine, subject } = image
  if (subject.before !== undefined) {
    const file = join(folder, 'Dockerfile.base')
    writeFileSync(file, subject.before)
    const tag = ['--tag', 'image-budget/agreement-base']
    await run('docker', ['buildx', 'build', '--quiet', '--load', ...tag, '--file', file, context], engine.env)
  }
  await run('docker', buildArguments(image, ['--load', '--tag', tagOf(image)]), engine.env)
}

/** The image in each place that it can be copied to from its engine. */
async function* copies(image: Image): AsyncGenerator<Found> {
  const { folder, engine, registry, subject } = image
  const tag = tagOf(image)
  const env = { ...engine.env, ...registry.env, PATH: `${registry.env['PATH']}:${engine.env['PATH']}` }

  const pushed = await attempt(() => run('docker', ['push', '--quiet', tag], engine.env))
  if (pushed !== null) {
    yield { place: 'docker-daemon', why: pushed }
    return
  }
  const stored = await withListed(inRegistry(registry, tag))
  const sizes = new Map(stored.map(({ platform, size }) => [platform, size]))
  // Only the classic store's own figure is the size of the unpacked files.
  const own = engine.store === 'classic' ? (await inspect(engine, tag)).size : null
  const inEngine = stored.map((each) => ({ ...each, size: own ?? each.size }))
  yield { place: 'docker-daemon', packing: 'own', inputs: { image: `docker-daemon:${tag}` }, env, expected: inEngine }
  yield { place: 'docker', packing: 'own', inputs: { image: `docker://${tag}` }, env, expected: stored }
  /** In a layout: packed in another way, the same files. */
  const found = (place: string, packing: Packing, transport: string, path: string, layout: string): Found => {
    const expected = readLayout(layout).map(({ platform, downloadSize, layers }) => {
      return { platform, size: sizes.get(platform)!, downloadSize, layers }
    })
    return { place, packing, inputs: { image: `${transport}:${path}` }, env, expected }
  }
  /** In a docker archive, which has one platform and no blobs. */
  const here = stored.filter(({ platform }) => stored.length === 1 || platform === HOST)
  const unpacked = here.map(({ platform, size, layers }) => ({ platform, size, downloadSize: null, layers }))

  const archive = join(folder, 'save.tar')
  const saved = await attempt(() => run('docker', ['save', '--output', archive, tag], engine.env))
  if (saved !== null) yield { place: 'docker-archive, docker save', why: saved }
  else {
    const layout = await extract(archive)
    // Since Docker 25 the same file is an OCI layout too. The classic store's has the layers unpacked, which is no download size.
    const isLayout = existsSync(join(layout, 'index.json'))
    const isPacked = isLayout && engine.store === 'containerd'
    for (const transport of ['docker-archive', ...(isLayout ? ['oci-archive'] : [])]) {
      const place = `${transport}, docker save`
      const inputs = { image: `${transport}:${archive}` }
      if (isPacked) yield found(place, 'own', transport, archive, layout)
      else yield { place, packing: null, inputs, env, expected: unpacked }
    }
  }

  // BuildKit writes the other compressions, from the same cached layers.
  if (engine.store === 'containerd') {
    // Docker 28 of sid panics when it writes estargz: its Go makes a footer of another length than stargz expects.
    const estargz = engine.name === 'containerd-26' ? (['estargz'] as const) : []
    for (const compression of ['', 'zstd', 'uncompressed', ...estargz] as const) {
      const place = `oci, BuildKit${compression && `, ${compression}`}`
      const dest = join(folder, `buildkit-${compression}`)
      const output = `type=oci,tar=false,dest=${dest}${compression && `,compression=${compression},force-compression=true`}`
      const failed = await attempt(() => run('docker', buildArguments(image, ['--output', output]), engine.env))
      if (failed !== null) yield { place, why: failed }
      // estargz: the table of contents stands behind the tar's end and is no file of the image.
      else yield found(place, PACKINGS[compression], 'oci', dest, dest)
    }
  }

  // Skopeo's copies are the same whatever Docker pushed the image: one of each store is enough.
  if (engine.name !== 'classic' && engine.name !== 'containerd') return
  const all = subject.platforms === undefined ? [] : ['--all']
  const copy = (to: string, ...args: string[]): Promise<string | null> =>
    attempt(() => run('skopeo', ['copy', '--quiet', '--src-tls-verify=false', ...args, `docker://${tag}`, to], env))
  for (const [place, name, packing, args] of [
    ['oci, skopeo', 'skopeo-oci', 'own', all],
    ['oci, skopeo, zstd', 'skopeo-zstd', 'zstd, skopeo', [...all, '--dest-compress', '--dest-compress-format', 'zstd']],
  ] as const) {
    const dest = join(folder, name)
    const failed = await copy(`oci:${dest}:agreement`, ...args)
    if (failed !== null) yield { place, why: failed }
    else yield found(place, packing, 'oci', dest, dest)
  }
  for (const [transport, args] of [
    ['oci-archive', all],
    ['docker-archive', []],
  ] as const) {
    const file = join(folder, `${transport}.tar`)
    const failed = await copy(`${transport}:${file}:agreement:1`, ...args)
    const place = `${transport}, skopeo`
    if (failed !== null) yield { place, why: failed }
    // Its own: of an image without layers skopeo writes another config than it got.
    else if (transport === 'oci-archive') yield found(place, 'own', transport, file, await extract(file))
    else yield { place, packing: null, inputs: { image: `${transport}:${file}` }, env, expected: unpacked }
  }
}

/** Unpacks an archive into a folder beside it, and gives that. */
async function extract(archive: string): Promise<string> {
  const folder = `${archive}.d`
  mkdirSync(folder)
  await run('tar', ['--extract', '--file', archive, '--directory', folder])
  return folder
}

/** By BuildKit's names of its compressions. */
const PACKINGS = {
  '': 'own',
  zstd: 'zstd, BuildKit',
  uncompressed: 'unpacked, BuildKit',
  estargz: 'estargz, BuildKit',
} as const

/** This machine's platform. */
const HOST = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`

/** The engine's own figure. */
async function inspect(engine: Engine, tag: string): Promise<{ size: number }> {
  return { size: Number(await run('docker', ['image', 'inspect', '--format', '{{.Size}}', tag], engine.env)) }
}

/** What the registry stores of a pushed image, read from its storage. */
function inRegistry(registry: Registry, tag: string): Stored[] {
  const [, repository, version] = /^[^/]+\/(.*):([^:]+)$/.exec(tag)!
  const root = join(registry.storage, 'docker/registry/v2')
  const blob = (digest: string): string => join(root, 'blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data')
  const link = join(root, 'repositories', repository!, '_manifests/tags', version!, 'current/link')
  return readImages(readFileSync(blob(readFileSync(link, 'utf8')), 'utf8'), blob)
}

type Descriptor = { digest: string; platform?: { architecture: string } }
type Stored = Omit<Sizes, 'size' | 'downloadSize'> & {
  downloadSize: number
  /** The layers' blobs, base layer first. */
  files: string[]
}

/** The image of a manifest, or those of an index; attestations are none. Blobs count as they are stored, each once. */
function readImages(text: string, blob: (digest: string) => string): Stored[] {
  const document = JSON.parse(text) as { manifests?: Descriptor[]; config: Descriptor; layers?: Descriptor[] }
  if (document.manifests) {
    return document.manifests
      .filter(({ platform }) => platform?.architecture !== 'unknown')
      .flatMap(({ digest }) => readImages(readFileSync(blob(digest), 'utf8'), blob))
  }
  const layers = (document.layers ?? []).map(({ digest }) => digest)
  const blobs = new Set([document.config.digest, ...layers])
  const config = JSON.parse(readFileSync(blob(document.config.digest), 'utf8')) as {
    os: string
    architecture: string
    variant?: string
    rootfs: { diff_ids: string[] | null }
  }
  return [
    {
      platform: [config.os, config.architecture, config.variant].filter(Boolean).join('/'),
      downloadSize: [...blobs].reduce((sum, digest) => sum + statSync(blob(digest)).size, 0),
      layers: config.rootfs.diff_ids?.length ?? 0,
      files: layers.map(blob),
    },
  ]
}

function readLayout(layout: string): Stored[] {
  const blob = (digest: string): string => join(layout, 'blobs', ...digest.split(':'))
  return readImages(readFileSync(join(layout, 'index.json'), 'utf8'), blob)
}

async function withListed(images: Stored[]): Promise<Sizes[]> {
  return Promise.all(images.map(async ({ files, ...image }) => ({ ...image, size: await listedSizes(files) })))
}

/** Bytes of the regular files in gzipped layers, as GNU tar lists them: a hard link is listed as one and counts nothing. */
async function listedSizes(files: string[]): Promise<number> {
  const options = ['--list', '--gzip', '--verbose', '--numeric-owner', '--quoting-style=escape']
  const listings = await Promise.all(files.map((file) => run('tar', [...options, '--file', file])))
  const sizes = [...listings.join('').matchAll(/^-\S+ +\S+ +(\d+) /gm)].map(([, size]) => Number(size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Bytes that no compression makes smaller, the same on every run. */
function incompressible(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(`agreement ${at}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await execute(program, args, { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/** Null, or why the task failed: the last line of what the program wrote. */
async function attempt(task: () => Promise<unknown>): Promise<string | null> {
  try {
    await task()
    return null
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    return (stderr.trim() || message).split('\n').at(-1)!
  }
}

/** An image in one place, and what the command measures there; or why it could not. */
export type Row = Place & { measured: Sizes[] | { error: string } }

/** Measures every place as the command does, a few at a time: there are programs to wait for. In the order given. */
export async function measureAll(places: Place[]): Promise<Row[]> {
  const rows: Row[] = []
  const queue = places.entries()
  async function work(): Promise<void> {
    for (const [at, place] of queue) rows[at] = { ...place, measured: await measure(place) }
  }
  await Promise.all(Array.from({ length: 3 }, work))
  return rows
}

/** What `image-budget check --json` says, without the start of a process for each. */
async function measure({ inputs, env }: Place): Promise<Row['measured']> {
  const world = { ...process.env, ...env }
  const section = { line: () => {}, end: () => {} }
  const surroundings = {
    cwd: inputs['context'] ?? tmpdir(),
    temporary: tmpdir(),
    base: { kind: 'default-branch' as const },
    isProposal: false,
    budgetFiles: [],
    baseMustExist: false,
    pushed: null,
    uncommitted: 'warn' as const,
    volatile: [],
    committedAt: null,
    repositoryName: null,
    repositoryUrl: null,
    runUrl: null,
    credentials: null,
  }
  const { report } = await runCommand([parseInputs({ ...inputs, baseline: 'none' })], surroundings, {
    createExec: (stop) => createExec(world, stop),
    createOpenOutput: (stop) => createOpenOutput(world, stop),
    env: world,
    clock: systemClock,
    log: { section: () => section, info: () => {}, warning: () => {} },
    records: null,
    askWaivers: null,
    key: null,
    signal: new AbortController().signal,
  })
  const failed = report.images.find(({ error }) => error !== null)
  if (failed) return { error: failed.error!.message }
  return report.images.map(({ platform, head }) => {
    const { size, downloadSize, layers } = head!
    return { platform: platform!, size, downloadSize, layers }
  })
}

/** Rows that do not have, to the byte, what they should have: a line for each. */
export function disagreements(rows: Row[]): string[] {
  return rows.flatMap(({ image, engine, place, measured, expected }) => {
    const found = 'error' in measured ? measured.error : inWords(measured)
    return found === inWords(expected) ? [] : [`${image}, ${engine}, ${place}: ${found}; expected ${inWords(expected)}`]
  })
}

function inWords(images: Sizes[]): string {
  const texts = images.map(
    ({ platform, size, downloadSize, layers }) => `${platform} size ${size} download ${downloadSize} layers ${layers}`,
  )
  return texts.toSorted().join(', ')
}

/** Where figures come from, in the order of the tables' columns; `program` says more than the label: with what it was built. */
export type Column = { origin: Origin; label: string; program: string }

/** The tables of docs/what-is-measured.md, of figures that agree. */
export function renderTables(rows: Row[], told: Told[], columns: Column[], skopeo: string): string {
  const images = [...new Set(SUBJECTS.map(({ name }) => name))].flatMap((image) => {
    const platforms = rows.filter((row) => row.image === image).flatMap(({ expected }) => expected)
    return [...new Set(platforms.map(({ platform }) => platform))].toSorted().map((platform) => ({ image, platform }))
  })
  const several = (image: string): boolean => images.filter((each) => each.image === image).length > 1
  type Line = (typeof images)[number]
  /** One line for each image, and for each platform where it has several. */
  const pivot = (header: string[], cells: (line: Line) => string[]): string =>
    markdownTable(
      [
        ['image', ...header],
        ...images.map((line) => {
          const name = several(line.image) ? `${line.image}, ${line.platform}` : line.image
          return [name].concat(cells(line).map((text) => text || '–'))
        }),
      ],
      { align: ['l', ...header.map(() => 'r')] },
    )
  const cell = (line: Line, metric: 'size' | 'downloadSize' | 'layers', is: (row: Row) => boolean): string => {
    const measured = rows
      .filter((row) => row.image === line.image && is(row))
      .flatMap((row) => ('error' in row.measured ? [] : row.measured))
      .filter(({ platform }) => platform === line.platform)
    const figures = new Set(measured.map((each) => each[metric]).filter((figure) => figure !== null))
    return [...figures].map(grouped).join(' / ')
  }
  const labels = columns.map(({ label }) => label)
  // Of one engine: the newest that writes it.
  const packers = PACKING_ORDER.flatMap((packing) => {
    const from = columns.findLast(({ origin }) => rows.some((row) => row.engine === origin && row.packing === packing))
    return from ? [{ packing, from }] : []
  })
  const engines = columns.filter(({ origin }) => told.some(({ engine }) => engine === origin))
  const places = [...new Set(rows.map(({ place }) => place))].toSorted(
    (one, other) => Number(other === BUILT) - Number(one === BUILT) || one.localeCompare(other, 'en'),
  )
  return [
    `In bytes. ${list([...new Set(columns.map(({ program }) => program)), `skopeo ${skopeo}`])}.`,
    '### Size',
    pivot(['layers', ...labels], (line) => [
      cell(line, 'layers', () => true),
      ...columns.map(({ origin }) => cell(line, 'size', (row) => row.engine === origin)),
    ]),
    '### Download size, packed by the engine itself',
    pivot(labels, (line) =>
      columns.map(({ origin }) => cell(line, 'downloadSize', (row) => row.engine === origin && row.packing === 'own')),
    ),
    '### Download size, packed otherwise',
    pivot(
      packers.map(({ packing, from }) => `${packing}, of ${from.label}`),
      (line) =>
        packers.map(({ packing, from }) =>
          cell(line, 'downloadSize', (row) => row.engine === from.origin && row.packing === packing),
        ),
    ),
    '### `docker image inspect` of the same images',
    pivot(
      engines.map(({ label }) => label),
      (line) =>
        engines.map(({ origin }) => {
          const found = told.find(({ image, engine }) => image === line.image && engine === origin)
          return found && (line.platform === HOST || !several(line.image)) ? grouped(found.size) : ''
        }),
    ),
    '### Where they were measured',
    markdownTable(
      [
        ['place', 'of', 'images', 'figures', 'equal'],
        ...places.map((place) => {
          const there = rows.filter((row) => row.place === place)
          const wrong = new Set(disagreements(there)).size
          const of = columns.filter(({ origin }) => there.some(({ engine }) => engine === origin))
          const isAll = engines.length > 0 && engines.every((engine) => of.includes(engine))
          const rest = (isAll ? of.filter((each) => !engines.includes(each)) : of).map(({ label }) => label)
          const figures = there.flatMap(({ expected }) => expected).flatMap(figuresOf)
          return [
            place === BUILT ? 'built by the action' : placeInWords(place),
            list(isAll ? ['every Docker engine', ...rest] : rest),
            `${there.length}`,
            `${figures.length}`,
            wrong === 0 ? 'all' : `${there.length - wrong} of ${there.length} images`,
          ]
        }),
      ],
      { align: ['l', 'l', 'r', 'r', 'l'] },
    ),
  ].join('\n\n')
}

const PACKING_ORDER: Packing[] = ['unpacked, BuildKit', 'zstd, BuildKit', 'zstd, skopeo', 'estargz, BuildKit']

function figuresOf({ size, downloadSize, layers }: Sizes): number[] {
  return [size, downloadSize, layers].filter((figure) => figure !== null)
}

/** `docker-archive, docker save` with its transport as code. */
function placeInWords(place: string): string {
  const [transport, ...how] = place.split(', ')
  return [`\`${transport}:${transport === 'docker' ? '//' : ''}\``, ...how].join(', ')
}

function list(texts: string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)!}`
}

function grouped(bytes: number): string {
  return bytes.toLocaleString('en-US')
}

/** The builders that run; they are optional. */
export function everyBuilder(): Builder[] {
  return [findBuilder('remote'), findBuilder('docker-container')].filter((builder) => builder !== null)
}

/** Names and versions, without what Debian adds to them. */
async function describeColumns(engines: Engine[], builders: Builder[]): Promise<Column[]> {
  const order: EngineName[] = ['classic-20', 'classic-26', 'classic', 'containerd-26', 'containerd']
  const sorted = engines.toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name))
  const ofEngines = sorted.map(async ({ name, store, env }) => {
    const told = await run('docker', ['version', '--format', '{{.Server.Version}} {{.Server.GoVersion}}'], env)
    const [version, go] = told.trim().split(' ')
    const release = version!.split('+')[0]!
    const program = `Docker ${release} (built with ${go!.replace(/^go/, 'Go ')})`
    return { origin: name, label: `${store} ${release}`, program }
  })
  const ofBuilders = builders.map(async ({ driver, env }) => {
    const told = await run('docker', ['buildx', 'inspect'], env)
    const version = /^BuildKit version: +v?(\S+)$/m.exec(told)?.[1] ?? ''
    return { origin: driver, label: `BuildKit ${version} (${driver})`, program: `BuildKit ${version}` }
  })
  return Promise.all([...ofEngines, ...ofBuilders])
}

export const MARKERS = ['<!-- generated:agreement -->', '<!-- /generated -->'] as const

/** The document with `tables` between its markers. Throws where it has none. */
export function withTables(document: string, tables: string): string {
  const [before, rest] = document.split(MARKERS[0])
  const after = rest?.split(MARKERS[1])[1]
  if (after === undefined) throw new Error(`it has no ${MARKERS.join(' … ')}`)
  return `${before}${MARKERS[0]}\n\n${tables}\n\n${MARKERS[1]}${after}`
}

async function main(args: string[]): Promise<void> {
  const wanted = args.filter((arg) => arg !== '--write')
  const registry = findRegistry()
  if (!registry) throw new Error('no registry: scripts/peers.sh start')
  const [engines, builders] = [everyEngine(), everyBuilder()]
  const columns = await describeColumns(engines, builders)
  const skopeo = (await run('skopeo', ['--version'], registry.env)).trim().split(' ').at(-1)!
  const subjects = SUBJECTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const { places, absent, told, dispose } = await gatherPlaces(engines, builders, registry, subjects, () => true)
  try {
    const rows = await measureAll(places)
    const tables = renderTables(rows, told, columns, skopeo)
    const wrong = disagreements(rows)
    for (const { image, engine, place, why } of absent)
      console.error(`not there: ${image}, ${engine}, ${place}: ${why}`)
    for (const line of wrong) console.error(`not equal: ${line}`)
    if (wrong.length > 0) process.exitCode = 1
    if (!args.includes('--write')) console.log(tables)
    else if (wrong.length === 0) {
      const path = fileURLToPath(new URL('../docs/what-is-measured.md', import.meta.url))
      const text = withTables(readFileSync(path, 'utf8'), tables)
      writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
    }
  } finally {
    await dispose()
  }
}

if (import.meta.main) await main(process.argv.slice(2))
