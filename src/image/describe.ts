import type { Engine } from '../build/engine.ts'
import type { Origins } from '../build/provenance.ts'
import type { BuildWarning } from '../build/warnings.ts'
import { CouldNotMeasure } from '../failure.ts'
import type { ImageContent } from './content.ts'
import type { Compression } from './layer/unpack.ts'
import { sum, type ImageSource, type Layer, type Measurement, type Unmeasured } from './measurement.ts'
import { layerHistory, plainInstruction, platformName } from './oci.ts'
import { settingsOf } from './settings.ts'
import type { SourceImage } from './source/source.ts'

/** What a measurement is of; goes into it as it is. */
export type Subject = {
  name: string
  commit: string | null
  dockerfile: string | null
  ignoreFile: string | null
  target: string | null
  engine: Engine | null
  source: ImageSource | null
  warnings: BuildWarning[]
}

/** One platform's image as a build's record or a place has it. */
export type ImageFacts = Pick<SourceImage, 'digest' | 'config' | 'packed'>

/** Where nothing tells which layers came with the `FROM` image. */
export const UNKNOWN_ORIGINS: Origins = { layers: new Map(), baseImage: null, stages: null }

/**
 * Puts a Measurement together. `sizes`: bytes of each layer, base layer first, null for one that was not measured; or a total alone, where no
 * layer's is known; or null: not asked for. `unmeasured`: why, where a metric comes out null. Throws CouldNotMeasure where manifest and config disagree.
 */
export function toMeasurement(
  subject: Subject,
  { config, packed }: ImageFacts,
  sizes: (number | null)[] | { total: number } | null,
  origins: Origins,
  unmeasured: Unmeasured,
  { sizeFrom = 'content', content = null }: { sizeFrom?: 'content' | 'engine'; content?: ImageContent | null } = {},
): Measurement {
  const diffIds = config.rootfs?.diff_ids ?? []
  const createdBy = layerHistory(config)
  if (packed && packed.layers.length !== diffIds.length) {
    throw new CouldNotMeasure(
      'measure',
      `The image's manifest lists ${packed.layers.length} layers and its config ${diffIds.length}.`,
    )
  }
  const layers = diffIds.map((diffId, at): Layer => {
    const origin = origins.layers.get(at)
    const own = origin?.fromBase === false ? origin : null
    const blob = packed?.layers[at]
    const file = own && own.line !== null ? (own.file === undefined ? subject.dockerfile : own.file) : null
    return {
      diffId,
      digest: blob?.digest ?? null,
      size: Array.isArray(sizes) ? (sizes[at] ?? null) : null,
      downloadSize: blob?.size ?? null,
      compression: blob ? compressionOf(blob.mediaType) : null,
      instruction: own?.instruction ?? plainInstruction(createdBy?.[at] ?? ''),
      file,
      line: own?.line ?? null,
      stage: own?.stage ?? null,
      fromBase: origin?.fromBase ?? null,
      copiedFrom: own?.copiedFrom ?? null,
    }
  })
  const size = Array.isArray(sizes) ? sum(layers.map((layer) => layer.size)) : (sizes?.total ?? null)
  // A blob that stands in a manifest twice is stored and pulled once.
  const blobs = new Map((packed?.layers ?? []).map((layer) => [layer.digest, layer.size]))
  const downloadSize = packed && [...blobs.values()].reduce((total, bytes) => total + bytes, packed.configSize)
  return {
    schema: 1,
    name: subject.name,
    platform: platformName(config),
    commit: subject.commit,
    dockerfile: subject.dockerfile,
    ignoreFile: subject.ignoreFile,
    target: subject.target,
    engine: subject.engine,
    source: subject.source,
    baseImage: origins.baseImage,
    size,
    sizeFrom: size === null ? null : Array.isArray(sizes) ? sizeFrom : 'engine',
    downloadSize,
    unmeasured: {
      size: size === null ? unmeasured.size : null,
      downloadSize: downloadSize === null ? unmeasured.downloadSize : null,
    },
    layers,
    stages: origins.stages,
    settings: settingsOf(config),
    warnings: subject.warnings,
    content,
  }
}

/** By the media type's suffix: `…layer.v1.tar+zstd` (OCI image-spec, media-types.md), `…rootfs.diff.tar.gzip` (Docker's schema 2). */
function compressionOf(mediaType: string): Compression | null {
  if (mediaType === '') return null
  const [, suffix] = /[+.](gzip|zstd)$/.exec(mediaType) ?? []
  return suffix === 'gzip' || suffix === 'zstd' ? suffix : 'none'
}
