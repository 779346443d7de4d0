/**
 * Whether an image has the same size wherever it lies: `node scripts/agreement.ts [IMAGE …]`, with engines
 * (scripts/engine.sh, scripts/base-images.sh) and a registry (scripts/peers.sh) running.
 *
 * Each image is built on each engine that runs, pushed from there to the registry, saved, and copied by skopeo and BuildKit to
 * the other places; then it is measured in each of them. The table shows the measured sizes beside what the place itself has:
 * the engine's own figure, the bytes of the blobs that are stored, and what GNU tar lists.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { markdownTable } from 'markdown-table'
import { everyEngine, type Engine, type EngineName } from '../__tests__/support/engine.ts'
import { findBuilder, findRegistry, type Builder, type Registry } from '../__tests__/support/peers.ts'

const execute = promisify(execFile)

/** An image that is built on every engine. */
export type Subject = {
  name: string
  dockerfile: string
  /** Further arguments of `docker buildx build`. */
  args?: string[]
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
    // A BuildKit of its own leaves a file out of the layer if an equal one, of the same time, lies below it.
    otherLayers: ['remote', 'docker-container'],
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
    args: ['--platform', 'linux/amd64,linux/arm64'],
    store: 'containerd',
  },
]

/** Sizes in bytes; null where the place has no such figure. */
export type Sizes = { size: number | null; downloadSize: number | null }

/** What built an image. */
export type Origin = EngineName | Builder['driver']

/** An image in one place. */
export type Place = {
  image: string
  engine: Origin
  /** The transport, and how the image came there. */
  place: string
  /** As the command takes it: `docker-daemon:…`, `oci:…`. */
  reference: string
  /** What reaches the place: the engine, and no TLS for the registry. */
  env: Record<string, string>
  /** The host's platform where the place has several. */
  expected: Sizes
  /** Digests of the unpacked layers, base layer first. */
  diffIds: string[]
}

/** Why an image is not in a place: the last line that the program wrote. */
export type Absent = { image: string; engine: Origin; place: string; why: string }

/** A folder with the places' files, removed by `dispose`. */
export type Agreement = { places: Place[]; absent: Absent[]; dispose: () => Promise<void> }

/** Builds the images on the engines and builders, each beside the others, and copies them to every place. */
export async function gatherPlaces(
  engines: Engine[],
  builders: Builder[],
  registry: Registry,
  subjects: Subject[],
): Promise<Agreement> {
  const folder = mkdtempSync(join(tmpdir(), 'image-budget-agreement-'))
  const context = join(folder, 'context')
  mkdirSync(context)
  writeFileSync(join(context, 'note'), 'note\n')
  writeFileSync(join(context, 'big'), incompressible(300_000))

  const places: Place[] = []
  const absent: Absent[] = []
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
      for await (const found of copies(image)) {
        if ('why' in found) absent.push({ image: subject.name, engine: engine.name, ...found })
        else places.push({ image: subject.name, engine: engine.name, ...found })
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
      const place = `oci, ${driver} driver`
      const output = ['--build-context', `image-budget/base:1=${base}`, '--output', `type=oci,tar=false,dest=${dest}`]
      const failed = await attempt(() => run('docker', buildArguments(image, output), env))
      if (failed !== null) absent.push({ image: subject.name, engine: driver, place, why: failed })
      else {
        const { downloadSize, diffIds, layers } = readLayout(dest)
        const expected = { size: await listedSizes(layers.map((layer) => blobPath(dest, layer))), downloadSize }
        places.push({ image: subject.name, engine: driver, place, reference: `oci:${dest}`, env, expected, diffIds })
      }
    }
  }
  async function dispose(): Promise<void> {
    for (const { engine, tag } of tags) {
      await run('docker', ['image', 'rm', '--force', tag, 'image-budget/agreement-base'], engine.env).catch(() => {})
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const failures = (await Promise.allSettled([...engines.map(onEngine), ...builders.map(onBuilder)])).flatMap(
    (result) => (result.status === 'rejected' ? [result.reason as unknown] : []),
  )
  if (failures.length > 0) {
    await dispose()
    throw new AggregateError(failures, 'the images are not in their places')
  }
  return { places, absent, dispose }
}

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
  return ['buildx', 'build', '--quiet', ...(subject.args ?? []), '--file', dockerfile, ...output, context]
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
  const inEngine = await inspect(engine, tag)

  const pushed = await attempt(() => run('docker', ['push', '--quiet', tag], engine.env))
  const stored = pushed === null ? await inRegistry(registry, tag) : null
  const downloadSize = stored?.downloadSize ?? null
  const listed = stored?.size ?? null
  const diffIds = stored?.diffIds ?? inEngine.diffIds
  yield {
    place: 'docker-daemon',
    reference: `docker-daemon:${tag}`,
    env,
    expected: { size: inEngine.size ?? listed, downloadSize },
    diffIds,
  }
  if (stored) {
    const reference = `docker://${tag}`
    yield { place: 'docker', reference, env, expected: { size: listed, downloadSize }, diffIds }
  } else {
    yield { place: 'docker', why: pushed! }
  }

  const archive = join(folder, 'save.tar')
  const saved = await attempt(() => run('docker', ['save', '--output', archive, tag], engine.env))
  const asSaved = { size: listed ?? inEngine.size, downloadSize: null }
  if (saved !== null) yield { place: 'docker-archive, docker save', why: saved }
  else {
    yield {
      place: 'docker-archive, docker save',
      reference: `docker-archive:${archive}`,
      env,
      expected: asSaved,
      diffIds,
    }
    // Since Docker 25 the same file is an OCI layout; the classic store's has layers as they are, not packed.
    const layout = join(folder, 'save')
    mkdirSync(layout)
    await run('tar', ['--extract', '--file', archive, '--directory', layout])
    if (existsSync(join(layout, 'index.json'))) {
      const expected = { size: asSaved.size, downloadSize: readLayout(layout).downloadSize }
      yield { place: 'oci-archive, docker save', reference: `oci-archive:${archive}`, env, expected, diffIds }
    }
  }

  // BuildKit writes the other compressions, from the same cached layers.
  if (engine.store === 'containerd') {
    // Docker 28 of sid panics when it writes estargz: its Go makes a footer of another length than stargz expects.
    const estargz = engine.name === 'containerd-26' ? ['estargz'] : []
    for (const compression of ['', 'zstd', 'uncompressed', ...estargz]) {
      const place = `oci, BuildKit${compression && `, ${compression}`}`
      const dest = join(folder, `buildkit-${compression}`)
      const output = `type=oci,tar=false,dest=${dest}${compression && `,compression=${compression},force-compression=true`}`
      const failed = await attempt(() => run('docker', buildArguments(image, ['--output', output]), engine.env))
      if (failed !== null) yield { place, why: failed }
      else {
        const layout = readLayout(dest)
        // estargz: the table of contents stands behind the tar's end and is no file of the image; the diffIDs are others.
        const expected = { size: listed, downloadSize: layout.downloadSize }
        yield { place, reference: `oci:${dest}`, env, expected, diffIds: layout.diffIds }
      }
    }
  }

  // Skopeo's copies are the same whatever Docker pushed the image: one of each store is enough.
  if (!stored || (engine.name !== 'classic' && engine.name !== 'containerd')) return
  const all = subject.args?.includes('--platform') ? ['--all'] : []
  const copy = (to: string, ...args: string[]): Promise<string | null> =>
    attempt(() => run('skopeo', ['copy', '--quiet', '--src-tls-verify=false', ...args, `docker://${tag}`, to], env))
  for (const [place, name, args] of [
    ['oci, skopeo', 'skopeo-oci', all],
    ['oci, skopeo, zstd', 'skopeo-zstd', [...all, '--dest-compress', '--dest-compress-format', 'zstd']],
  ] as const) {
    const dest = join(folder, name)
    const failed = await copy(`oci:${dest}:agreement`, ...args)
    if (failed !== null) yield { place, why: failed }
    else {
      const layout = readLayout(dest)
      const expected = { size: listed, downloadSize: layout.downloadSize }
      yield { place, reference: `oci:${dest}`, env, expected, diffIds: layout.diffIds }
    }
  }
  for (const [transport, args] of [
    ['oci-archive', all],
    ['docker-archive', []],
  ] as const) {
    const file = join(folder, `${transport}.tar`)
    const failed = await copy(`${transport}:${file}:agreement:1`, ...args)
    const place = `${transport}, skopeo`
    if (failed !== null) yield { place, why: failed }
    else {
      const expected = { size: listed, downloadSize: transport === 'oci-archive' ? downloadSize : null }
      yield { place, reference: `${transport}:${file}`, env, expected, diffIds }
    }
  }
}

/** The engine's own figure; only the classic store's is the size of the unpacked files. */
async function inspect(engine: Engine, tag: string): Promise<{ size: number | null; diffIds: string[] }> {
  const [found] = JSON.parse(await run('docker', ['image', 'inspect', tag], engine.env)) as [
    { Size: number; RootFS: { Layers?: string[] | null } },
  ]
  return { size: engine.store === 'classic' ? found.Size : null, diffIds: found.RootFS.Layers ?? [] }
}

/** What the registry stores of a pushed image, read from its storage. */
async function inRegistry(
  registry: Registry,
  tag: string,
): Promise<{ size: number; downloadSize: number; diffIds: string[] }> {
  const [, repository, version] = /^[^/]+\/(.*):([^:]+)$/.exec(tag)!
  const root = join(registry.storage, 'docker/registry/v2')
  const blob = (digest: string): string => join(root, 'blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data')
  const link = join(root, 'repositories', repository!, '_manifests/tags', version!, 'current/link')
  const { downloadSize, diffIds, layers } = readImage(readFileSync(blob(readFileSync(link, 'utf8')), 'utf8'), blob)
  return { size: await listedSizes(layers.map(blob)), downloadSize, diffIds }
}

type Descriptor = { digest: string; platform?: { architecture: string } }

/** Of a manifest or an index (then of its image for this machine's platform): its blobs as they are stored, each once. */
function readImage(
  text: string,
  blob: (digest: string) => string,
): { downloadSize: number; diffIds: string[]; layers: string[] } {
  const document = JSON.parse(text) as { manifests?: Descriptor[]; config: Descriptor; layers?: Descriptor[] }
  if (document.manifests) {
    const here = process.arch === 'x64' ? 'amd64' : process.arch
    const image = document.manifests.find(({ platform }) => platform?.architecture === here) ?? document.manifests[0]!
    return readImage(readFileSync(blob(image.digest), 'utf8'), blob)
  }
  const layers = (document.layers ?? []).map(({ digest }) => digest)
  const blobs = new Set([document.config.digest, ...layers])
  const config = JSON.parse(readFileSync(blob(document.config.digest), 'utf8')) as {
    rootfs: { diff_ids: string[] | null }
  }
  return {
    downloadSize: [...blobs].reduce((sum, digest) => sum + statSync(blob(digest)).size, 0),
    diffIds: config.rootfs.diff_ids ?? [],
    layers,
  }
}

function readLayout(layout: string): ReturnType<typeof readImage> {
  return readImage(readFileSync(join(layout, 'index.json'), 'utf8'), (digest) => blobPath(layout, digest))
}

function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'))
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
    createHash('sha256').update(`${at}`).digest(),
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

/**
 * Stands in until the command measures images where they lie: the classic store's own figure. Null for any other place.
 * Then it is `image-budget check --image REFERENCE --json` with the environment `env`, and null no more.
 */
export async function measure(reference: string, env: Record<string, string>): Promise<Sizes | null> {
  const tag = /^docker-daemon:(.*)$/.exec(reference)?.[1]
  if (tag === undefined) return null
  const store = await run('docker', ['info', '--format', '{{json .DriverStatus}}'], env)
  if (store.includes('io.containerd.snapshotter.v1')) return null
  const size = Number(await run('docker', ['image', 'inspect', '--format', '{{.Size}}', tag], env))
  return { size, downloadSize: null }
}

/** One row for each image and place, then the places that cannot hold an image. */
export function renderTable(rows: (Place & { measured: Sizes | null })[], absent: Absent[]): string {
  const header = ['image', 'engine', 'place', 'size', 'expected', 'download size', 'expected']
  const cells = rows
    .toSorted(
      (one, other) => names.indexOf(one.image) - names.indexOf(other.image) || one.engine.localeCompare(other.engine),
    )
    .map(({ image, engine, place, measured, expected }) => {
      const figures = [measured?.size, expected.size, measured?.downloadSize, expected.downloadSize]
      return [image, engine, place].concat(figures.map((bytes) => bytes?.toLocaleString('en-US') ?? '-'))
    })
  const table = markdownTable([header, ...cells], { align: ['l', 'l', 'l', 'r', 'r', 'r', 'r'] })
  return [table, ...absent.map(({ image, engine, place, why }) => `- ${image}, ${engine}, ${place}: ${why}`)].join('\n')
}

/** The builders that run; they are optional. */
export function everyBuilder(): Builder[] {
  return [findBuilder('remote'), findBuilder('docker-container')].filter((builder) => builder !== null)
}

const names = SUBJECTS.map(({ name }) => name)

async function main(wanted: string[]): Promise<void> {
  const registry = findRegistry()
  if (!registry) throw new Error('no registry: scripts/peers.sh start')
  const subjects = SUBJECTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const { places, absent, dispose } = await gatherPlaces(everyEngine(), everyBuilder(), registry, subjects)
  try {
    const rows: (Place & { measured: Sizes | null })[] = []
    for (const place of places) rows.push({ ...place, measured: await measure(place.reference, place.env) })
    console.log(renderTable(rows, absent))
  } finally {
    await dispose()
  }
}

if (import.meta.main) await main(process.argv.slice(2))
