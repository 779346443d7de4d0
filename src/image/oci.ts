import { createHash } from 'node:crypto'
import { z } from 'zod'

/** A digest as it is written here: https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests, of SHA-256 alone. */
export const DIGEST = /^sha256:[0-9a-f]{64}$/
const digest = z.string().regex(DIGEST)
const size = z.number().int().nonnegative()
/** A platform's part: it stands in reports, so it may not be just anything. */
const word = z.string().regex(/^[\w.-]{0,64}$/)
const platform = z.object({ os: word, architecture: word, variant: word.optional() })
/** `os/architecture[/variant]` in its parts. */
export type Platform = z.output<typeof platform>

/** OCI image config (or Docker's), as far as it is read here: https://github.com/opencontainers/image-spec/blob/main/config.md */
export const imageConfig = z.object({
  os: word,
  architecture: word,
  variant: word.optional(),
  rootfs: z.object({ diff_ids: z.array(digest).nullish() }).optional(),
  config: z.object({ User: z.string().nullish(), Env: z.array(z.string()).nullish() }).nullish(),
  history: z.array(z.object({ created_by: z.string().optional(), empty_layer: z.boolean().optional() })).nullish(),
})
export type ImageConfig = z.output<typeof imageConfig>

/** OCI image manifest, or Docker's schema 2: https://github.com/opencontainers/image-spec/blob/main/manifest.md */
export const manifest = z.object({
  config: z.object({ digest, size, mediaType: z.string().default('') }),
  /** Null where the image has none (Go's JSON of an empty list). */
  layers: z
    .array(z.object({ digest, size, mediaType: z.string().default(''), urls: z.array(z.string()).nullish() }))
    .nullable()
    .transform((layers) => layers ?? []),
})
export type Manifest = z.output<typeof manifest>

/** OCI image index, or Docker's manifest list: https://github.com/opencontainers/image-spec/blob/main/image-index.md */
export const index = z.object({
  manifests: z.array(
    z.object({
      digest,
      size: size.optional(),
      mediaType: z.string().optional(),
      platform: platform.nullish(),
      annotations: z.record(z.string(), z.string()).nullish(),
    }),
  ),
})
export type Index = z.output<typeof index>

/**
 * `os/architecture[/variant]`, as containerd writes it (github.com/containerd/platforms): a variant that is the architecture's default
 * is left out (`linux/arm64` is v8, `linux/amd64` v1), but for 32-bit ARM, where none means v7.
 */
export function platformName({
  os,
  architecture,
  variant,
}: {
  os: string
  architecture: string
  variant?: string | undefined
}): string {
  const isDefault = (architecture === 'arm64' && variant === 'v8') || (architecture === 'amd64' && variant === 'v1')
  const written = architecture === 'arm' ? variant || 'v7' : isDefault ? '' : variant
  return [os, architecture, ...(written ? [written] : [])].join('/')
}

/** The digest of bytes: `sha256:…`. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The images of an index: attestations (BuildKit: platform `unknown/unknown`, annotated) are none. */
export function imagesOf({ manifests }: Index): Index['manifests'] {
  return manifests.filter(
    ({ platform: of, annotations }) =>
      of?.os !== 'unknown' && annotations?.['vnd.docker.reference.type'] !== 'attestation-manifest',
  )
}

/** `created_by` of each non-empty layer, base layer first; null where the history does not account for the layers. */
export function layerHistory(config: ImageConfig): string[] | null {
  const layers = (config.history ?? []).filter((entry) => entry.empty_layer !== true)
  return layers.length === (config.rootfs?.diff_ids ?? []).length ? layers.map((entry) => entry.created_by ?? '') : null
}

/** The shell that runs a `RUN`, with its options: docker's own, or a usual one of `SHELL`. */
const SHELL = String.raw`/bin/(?:ba|da)?sh(?: -\w+(?: pipefail)?)*? -\w*c `
const WITH_ARGUMENTS = /^(?:ONBUILD )?(?:RUN )?\|\d+ /
const UNTIL_LAST_SHELL = new RegExp(`^.*${SHELL}`)
const LEADING_SHELL = new RegExp(`^(?:RUN )?${SHELL}`)

/**
 * `created_by` as a person would write it: without the shell, the builder's marks and the values of build arguments.
 * Those stand between `|COUNT` and the shell, unquoted, and may hold anything, a shell's name too: so only what follows the last
 * shell is shown, and nothing where there is none.
 */
export function plainInstruction(createdBy: string): string {
  const text = createdBy
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/ # buildkit$/, '')
    .replace(/^\/bin\/sh -c #\(nop\) /, '')
  const plain = WITH_ARGUMENTS.test(text)
    ? `RUN ${UNTIL_LAST_SHELL.test(text) ? text.replace(UNTIL_LAST_SHELL, '') : '…'}`
    : text.replace(LEADING_SHELL, 'RUN ')
  return plain.slice(0, 1_000).trim()
}
