import type { Engine } from '../build/engine.ts'
import type { BuildWarning } from '../build/warnings.ts'
import type { ImageContent } from './content.ts'
import type { Compression } from './layer/unpack.ts'

/** One non-empty layer of an image; the layers of an image stand base layer first, as in the OCI image config. */
export type Layer = {
  /** Digest of the uncompressed layer tar (OCI `rootfs.diff_ids`), `sha256:…`. */
  diffId: string
  /** Digest of the layer blob as stored and pulled (OCI manifest `layers[].digest`), or null where the store keeps no blob. */
  digest: string | null
  /** Payload bytes of the regular files in the layer, or null: not measured. */
  size: number | null
  /** Bytes of the layer blob, or null: not measured. */
  downloadSize: number | null
  /** How the blob is packed, as its media type says; null where the store keeps no blob. */
  compression: Compression | null
  /** The Dockerfile's own text where the line is known, else the history's without the builder's wrapping and without build arguments. One line. */
  instruction: string
  /** Dockerfile (path relative to the repository's root) that has the instruction, or null. */
  file: string | null
  /** First line (1-based) of the instruction in `file`, or null. */
  line: number | null
  /** Name (or number, as text) of the Dockerfile stage that has the instruction, or null. */
  stage: string | null
  /** Came with the image that `FROM` names; null where the build's record does not tell. */
  fromBase: boolean | null
  /** What `COPY --from` names, where that is what the instruction does; else null. */
  copiedFrom: CopySource | null
}

/** `stage`: the name (or number) of a stage of the Dockerfile; else another image, or a named context, as the Dockerfile has it. */
export type CopySource = { kind: 'stage' | 'image'; name: string }

/** What an image's config says that advice looks at. No values: they may be secrets. */
export type Settings = {
  /** The user that it runs as, as the config has it: '' is root. */
  user: string
  /** Names of the environment variables that have a value which may be a secret: no number, length of time or switch. */
  variables: string[]
  /** Names of the build arguments that its history has values of. */
  buildArgs: string[]
}

/** The image that the final stage's chain starts `FROM`. Null on a measurement: `FROM scratch`, or not known. */
export type BaseImage = {
  /** Reference without digest, in the docker CLI's familiar form: `node:24-slim`, `ghcr.io/acme/base:1`. */
  name: string
  /** `sha256:…`, or null where the engine does not tell. */
  digest: string | null
  /** First line (1-based) of the `FROM` instruction in the Dockerfile, and its text on one line; null: not known. */
  line: number | null
  instruction: string | null
}

/** Why a metric is null, as the end of a sentence ("it is not measured: …"); null where it was measured, or not asked for. */
export type Unmeasured = { size: string | null; downloadSize: string | null }

/** The place of an image that was not built but measured as it lies. */
export type ImageSource = {
  /** As the user wrote it: `docker://ghcr.io/acme/api:1`. */
  reference: string
  /** Digest of the platform's manifest, `sha256:…`, or null where there is none (docker archives). */
  digest: string | null
}

/** What was measured of one image, for one platform, at one commit. Serialisable. All sizes are integers in bytes. */
export type Measurement = {
  schema: 1
  name: string
  /** OCI platform, `os/architecture[/variant]`. */
  platform: string
  /** Commit (40 or 64 hex digits) whose tree was built; for a dirty working tree, the commit it is based on; null where nothing was built. */
  commit: string | null
  /** Relative to the repository's root; null where nothing was built. */
  dockerfile: string | null
  /** The `.dockerignore` that its build went by, relative to the repository's root, whether it is there or not; null where nothing was built. */
  ignoreFile: string | null
  target: string | null
  /** What built it; null where nothing was built. */
  engine: Engine | null
  /** Where it was found; null where it was built. */
  source: ImageSource | null
  baseImage: BaseImage | null
  /** Sum of the layers' `size`; null where not measured. */
  size: number | null
  /**
   * `content`: read from the layers. `engine`: the classic store's own record, which of layers that it pulled or loaded counts the
   * targets of symbolic links too. Null where there is no size.
   */
  sizeFrom: 'content' | 'engine' | null
  /** Bytes of all layer blobs (one that stands there twice counts once) plus the config; null where not measured. */
  downloadSize: number | null
  unmeasured: Unmeasured
  layers: Layer[]
  /** Number of stages of the Dockerfile, or null: not known. */
  stages: number | null
  /** Null where the place does not have the image's config. */
  settings: Settings | null
  /** What BuildKit's own checks say of the Dockerfile; [] where they say nothing, are not there, or nothing was built. */
  warnings: BuildWarning[]
  /** What lies in it; null where no content was read, or more than can be kept. */
  content: ImageContent | null
}

/** The sum of sizes in bytes. Null as soon as one part was not measured: a part of a sum is never shown as the sum. */
export function sum(sizes: (number | null)[]): number | null {
  return sizes.reduce((total, size) => (total === null || size === null ? null : total + size), 0)
}

/** The platforms that were measured, in their order. */
export function platformsOf(measurements: Measurement[]): string[] {
  return measurements.map(({ platform }) => platform)
}
