import { z } from 'zod'
import type { Build } from '../build/build.ts'
import type { Store } from '../build/engine.ts'
import { readOrigins, type Origins } from '../build/provenance.ts'
import type { Exec } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'
import type { ImageFacts } from './describe.ts'
import { readHistory } from './history.ts'
import { digestOf, imageConfig, layerHistory, platformName, type ImageConfig } from './oci.ts'
import { resolveImages } from './source/manifests.ts'

/** What a build's record tells of one platform's image. */
export type RecordedImage = ImageFacts & {
  /** Which layers came with the `FROM` image, and the lines of the others. */
  origins: Origins
}

/**
 * Reads what a build made from the build's record, one image a platform, without moving it: manifests and configs by digest
 * (`docker buildx history inspect attachment`), in a time that does not depend on the image's size. The classic store has no manifest.
 * Throws CouldNotMeasure `measure` where the record cannot be read.
 */
export async function readRecord(
  exec: Exec,
  build: Build,
  store: Store,
  builder: string | null,
): Promise<RecordedImage[]> {
  const readDocument = (digest: string) => readAttachment(exec, build.ref, builder, digest)
  const images =
    store === 'classic'
      ? [{ digest: null, config: await readConfig(readDocument, build.digest), packed: null }]
      : await resolveImages('the built image', readDocument, [{ digest: build.digest }], [])
  return Promise.all(
    images.map(async ({ digest, config, packed }) => {
      const origins = await readProvenance(exec, build, builder, config)
      return { digest, config, packed, origins }
    }),
  )
}

/** The classic store has no manifest: what the build's record names is the config. */
async function readConfig(readDocument: (digest: string) => Promise<Uint8Array>, digest: string): Promise<ImageConfig> {
  const bytes = await readDocument(digest)
  const actual = digestOf(bytes)
  if (actual !== digest) throw new CouldNotMeasure('measure', `The engine gave ${actual} for the config ${digest}.`)
  const parsed = imageConfig.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  if (parsed.success) return parsed.data
  throw new CouldNotMeasure(
    'measure',
    `The config ${digest} is not as the OCI image spec has it:\n${z.prettifyError(parsed.error)}`,
  )
}

/**
 * The origins of one platform's layers. buildx's metadata file has the provenance of a build for one platform; of a build for several
 * buildx 0.29 with the docker driver leaves it out, but the build's record has it. Without it layers have no lines and no known
 * origin; their sizes are as good as ever.
 */
export async function readProvenance(
  exec: Exec,
  build: Build,
  builder: string | null,
  config: ImageConfig,
): Promise<Origins> {
  const platform = platformName(config)
  const layerCount = config.rootfs?.diff_ids?.length ?? 0
  const told = build.provenance.get(platform) ?? build.provenance.get('')
  if (told !== undefined) return readOrigins(told, layerCount, build.sources)
  const { exitCode, stdout } = await exec(
    'docker',
    attachmentOf(build.ref, builder, '--type=https://slsa.dev/provenance/v0.2', `--platform=${platform}`),
  )
  return readOrigins(exitCode === 0 ? JSON.parse(stdout) : undefined, layerCount, build.sources)
}

/** The arguments that read an attachment of a build's record. */
function attachmentOf(ref: string, builder: string | null, ...which: string[]): string[] {
  const from = builder === null ? [] : [`--builder=${builder}`]
  return ['buildx', 'history', 'inspect', 'attachment', ...from, ref, ...which]
}

/** How the message of that failure begins. */
export const RECORD_UNREAD = "The build's record could not be read"

/** Reads a JSON document of the build's record by digest; not verified. */
async function readAttachment(exec: Exec, ref: string, builder: string | null, digest: string): Promise<Uint8Array> {
  const { exitCode, stdout, stderr } = await exec('docker', attachmentOf(ref, builder, digest))
  if (exitCode === 0) return Buffer.from(stdout)
  throw new CouldNotMeasure('measure', `${RECORD_UNREAD}: ${stderr.trim().split('\n').at(-1) ?? ''}`, {
    remedy: 'buildx 0.20 or newer and Docker 24 or newer keep it; see `docker buildx history ls`.',
  })
}

/**
 * The classic store's own record of the payload bytes of each layer, base layer first; of the whole image alone, where its history
 * does not account for its layers (some builders write none). Exact for layers that were built in this engine; of one that was
 * pulled or loaded it counts the targets of symbolic links too.
 */
export async function readClassicSizes(
  exec: Exec,
  image: string,
  config: ImageConfig,
): Promise<number[] | { total: number }> {
  const sizes = (await readHistory(exec, image)).map(({ size }) => size)
  const history = config.history ?? []
  if (layerHistory(config) !== null && history.length === sizes.length)
    return sizes.filter((_, at) => history[at]!.empty_layer !== true)
  const { exitCode, stdout, stderr } = await exec('docker', ['image', 'inspect', '--format', '{{.Size}}', image])
  if (exitCode !== 0 || !/^\d+\s*$/.test(stdout))
    throw new CouldNotMeasure('measure', `\`docker image inspect\` failed: ${stderr.trim()}`)
  return { total: Number(stdout) }
}
