import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Build } from '../build/build.ts'
import type { Engine } from '../build/engine.ts'
import { readOrigins, type Origins } from '../build/provenance.ts'
import type { Exec } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'
import type { Layer, Measurement } from './measurement.ts'
import {
  imageConfig,
  imagesOf,
  layerHistory,
  manifest,
  manifestOrIndex,
  plainInstruction,
  platformName,
  type ImageConfig,
  type Manifest,
} from './oci.ts'

/** What the measurement is of; goes into it as it is. */
export type Subject = { name: string; commit: string | null; target: string | null }

/** One line of `docker history --format '{{json .}}' --human=false`, newest instruction first. */
const historyLine = z.object({ Size: z.string().regex(/^\d+$/).transform(Number) })

/**
 * Measures what a build made, one Measurement a platform, without moving the image: manifests and configs are read by digest from the
 * build's record (`docker buildx history inspect attachment`), in a time that does not depend on the image's size.
 *
 * Classic store: size per layer from `docker history`, exact to the byte; there are no blobs, so no download size.
 * containerd store and BuildKit: download size from the manifest; no size, for that takes reading the layers.
 * Throws CouldNotMeasure `measure` where a figure cannot be had: never a partial number.
 */
export async function readImages(
  exec: Exec,
  build: Build,
  engine: Engine,
  builder: string | null,
  subject: Subject,
): Promise<Measurement[]> {
  const read = <T>(digest: string, shape: z.ZodType<T>): Promise<T> => readBlob(exec, build.ref, builder, digest, shape)
  const originsOf = (config: ImageConfig): Promise<Origins> => readProvenance(exec, build, builder, config)
  const describe = (origins: Origins, image: ImageFacts): Measurement =>
    toMeasurement(build, engine, subject, origins, image)

  if (engine.store === 'classic') {
    const [config, sizes] = await Promise.all([read(build.digest, imageConfig), readHistory(exec, build.digest)])
    return [
      describe(await originsOf(config), {
        config,
        manifest: null,
        ...(await classicSizes(exec, build.digest, config, sizes)),
      }),
    ]
  }

  const [top, knownConfig] = await Promise.all([
    read(build.digest, manifestOrIndex),
    build.configDigest === null ? null : read(build.configDigest, imageConfig),
  ])
  const images =
    'layers' in top
      ? [{ found: top, config: knownConfig }]
      : await Promise.all(
          imagesOf(top).map(async ({ digest }) => ({ found: await read(digest, manifest), config: null })),
        )
  return Promise.all(
    images.map(async ({ found, config: known }) => {
      const config = known ?? (await read(found.config.digest, imageConfig))
      return describe(await originsOf(config), {
        config,
        manifest: found,
        size: null,
        layerSizes: null,
      })
    }),
  )
}

type ImageFacts = {
  config: ImageConfig
  /** Null on the classic store. */
  manifest: Manifest | null
  /** Bytes of the whole image and of each layer, base layer first; null: not measured. */
  size: number | null
  layerSizes: number[] | null
}

function toMeasurement(
  build: Build,
  engine: Engine,
  subject: Subject,
  origins: Origins,
  image: ImageFacts,
): Measurement {
  const diffIds = image.config.rootfs?.diff_ids ?? []
  const createdBy = layerHistory(image.config)
  if (image.manifest && image.manifest.layers.length !== diffIds.length) {
    throw new CouldNotMeasure(
      'measure',
      `The image's manifest lists ${image.manifest.layers.length} layers and its config ${diffIds.length}.`,
    )
  }
  const layers = diffIds.map((diffId, at): Layer => {
    const origin = origins.layers.get(at)
    const own = origin?.fromBase === false ? origin : null
    return {
      diffId,
      digest: image.manifest?.layers[at]?.digest ?? null,
      size: image.layerSizes?.[at] ?? null,
      downloadSize: image.manifest?.layers[at]?.size ?? null,
      instruction: own?.instruction ?? plainInstruction(createdBy?.[at] ?? ''),
      file: own && own.line !== null ? build.dockerfile : null,
      line: own?.line ?? null,
      stage: own?.stage ?? null,
      fromBase: origin?.fromBase ?? null,
    }
  })
  return {
    schema: 1,
    name: subject.name,
    platform: platformName(image.config),
    commit: subject.commit,
    dockerfile: build.dockerfile,
    target: subject.target,
    engine,
    baseImage: origins.baseImage,
    size: image.size,
    downloadSize: image.manifest
      ? image.manifest.layers.reduce((sum, layer) => sum + layer.size, image.manifest.config.size)
      : null,
    layers,
  }
}

/**
 * The origins of one platform's layers. buildx's metadata file has the provenance of a build for one platform; of a build for several
 * buildx 0.29 with the docker driver leaves it out, but the build's record has it. Without it layers have no lines and no known
 * origin; their sizes are as good as ever.
 */
async function readProvenance(exec: Exec, build: Build, builder: string | null, config: ImageConfig): Promise<Origins> {
  const platform = platformName(config)
  const layerCount = config.rootfs?.diff_ids?.length ?? 0
  const told = build.provenance.get(platform) ?? build.provenance.get('')
  if (told !== undefined) return readOrigins(told, layerCount)
  const { exitCode, stdout } = await exec(
    'docker',
    attachmentOf(build.ref, builder, '--type=https://slsa.dev/provenance/v0.2', `--platform=${platform}`),
  )
  return readOrigins(exitCode === 0 ? JSON.parse(stdout) : undefined, layerCount)
}

/** The arguments that read an attachment of a build's record. */
function attachmentOf(ref: string, builder: string | null, ...which: string[]): string[] {
  const from = builder === null ? [] : [`--builder=${builder}`]
  return ['buildx', 'history', 'inspect', 'attachment', ...from, ref, ...which]
}

/** Reads a JSON blob by digest and verifies it. */
async function readBlob<T>(
  exec: Exec,
  ref: string,
  builder: string | null,
  digest: string,
  shape: z.ZodType<T>,
): Promise<T> {
  const { exitCode, stdout, stderr } = await exec('docker', attachmentOf(ref, builder, digest))
  if (exitCode !== 0) {
    throw new CouldNotMeasure(
      'measure',
      `The build's record could not be read: ${stderr.trim().split('\n').at(-1) ?? ''}`,
      {
        remedy: 'buildx 0.20 or newer and Docker 24 or newer keep it; see `docker buildx history ls`.',
      },
    )
  }
  const actual = `sha256:${createHash('sha256').update(stdout).digest('hex')}`
  if (actual !== digest) throw new CouldNotMeasure('measure', `The engine gave ${actual} for the blob ${digest}.`)
  const parsed = shape.safeParse(JSON.parse(stdout))
  if (!parsed.success)
    throw new CouldNotMeasure(
      'measure',
      `The blob ${digest} is not as the OCI image spec has it:\n${z.prettifyError(parsed.error)}`,
    )
  return parsed.data
}

/** Bytes of each history entry, oldest first. */
async function readHistory(exec: Exec, image: string): Promise<number[]> {
  const { exitCode, stdout, stderr } = await exec('docker', [
    'history',
    '--no-trunc',
    '--human=false',
    '--format',
    '{{json .}}',
    image,
  ])
  if (exitCode !== 0)
    throw new CouldNotMeasure('measure', `\`docker history\` failed: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => historyLine.parse(JSON.parse(line)).Size).toReversed()
}

/** On the classic store `docker history` gives the payload bytes of each layer, and 0 for the entries that made none. */
async function classicSizes(
  exec: Exec,
  image: string,
  config: ImageConfig,
  sizes: number[],
): Promise<Pick<ImageFacts, 'size' | 'layerSizes'>> {
  const history = config.history ?? []
  if (layerHistory(config) !== null && history.length === sizes.length) {
    const layerSizes = sizes.filter((_, at) => history[at]!.empty_layer !== true)
    return { size: layerSizes.reduce((sum, size) => sum + size, 0), layerSizes }
  }
  // A base image whose history does not account for its layers (some builders write none): the engine still knows the total.
  const { exitCode, stdout, stderr } = await exec('docker', ['image', 'inspect', '--format', '{{.Size}}', image])
  if (exitCode !== 0 || !/^\d+\s*$/.test(stdout))
    throw new CouldNotMeasure('measure', `\`docker image inspect\` failed: ${stderr.trim()}`)
  return { size: Number(stdout), layerSizes: null }
}
