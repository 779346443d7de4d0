/** Images as plain objects, and the documents and blobs that a registry or a layout has of them. */
import { createHash } from 'node:crypto'

export const OCI = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
}
export const DOCKER = {
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export type Document = { digest: string; size: number; mediaType: string; bytes: Buffer }

/** Blobs by digest, into which the makers below put what they make. */
export type Blobs = Map<string, Document>

export function addBlob(blobs: Blobs, bytes: Uint8Array | string, mediaType = 'application/octet-stream'): Document {
  const document = { digest: sha256(bytes), size: Buffer.byteLength(bytes), mediaType, bytes: Buffer.from(bytes) }
  blobs.set(document.digest, document)
  return document
}

export function addJson(blobs: Blobs, value: unknown, mediaType: string): Document {
  return addBlob(blobs, JSON.stringify(value), mediaType)
}

export function descriptor({ digest, size, mediaType }: Document): { digest: string; size: number; mediaType: string } {
  return { digest, size, mediaType }
}

export type ImageOptions = {
  /** `linux/amd64` unless given. */
  platform?: string
  /** Each layer's blob as stored, base layer first, with members of its descriptor to add. */
  layers?: (string | Uint8Array | { bytes: string | Uint8Array; also: Record<string, unknown> })[]
  /** Members of the config, or of the manifest, to add or replace. */
  config?: Record<string, unknown>
  manifest?: Record<string, unknown>
  types?: typeof OCI
}

/** Adds an image's layers, config and manifest; gives the manifest. A layer's diffID is made up from its blob's digest. */
export function addImage(blobs: Blobs, options: ImageOptions = {}): Document {
  const { platform = 'linux/amd64', layers = ['layer one', 'layer two'], types = OCI } = options
  const [os, architecture, variant] = platform.split('/')
  const packed = layers.map((layer) => {
    const { bytes, also } =
      typeof layer === 'string' || layer instanceof Uint8Array ? { bytes: layer, also: {} } : layer
    return Object.assign(descriptor(addBlob(blobs, bytes, types.layer)), also)
  })
  const config = addJson(
    blobs,
    {
      os,
      architecture,
      ...(variant === undefined ? {} : { variant }),
      rootfs: { type: 'layers', diff_ids: packed.map(({ digest }) => sha256(digest)) },
      ...options.config,
    },
    types.config,
  )
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(config),
    layers: packed,
    ...options.manifest,
  }
  return addJson(blobs, manifest, types.manifest)
}

/** Adds an index of documents, each with members of its entry to add (`platform`, `annotations`). */
export function addIndex(
  blobs: Blobs,
  entries: { document: Document; [member: string]: unknown }[],
  types: typeof OCI = OCI,
): Document {
  const manifests = entries.map(({ document, ...also }) => ({ ...descriptor(document), ...also }))
  return addJson(blobs, { schemaVersion: 2, mediaType: types.index, manifests }, types.index)
}

/** An attestation as BuildKit adds it to an index, for the image that it is of. */
export function addAttestation(blobs: Blobs, of: Document): { document: Document; [member: string]: unknown } {
  const document = addImage(blobs, {
    platform: 'unknown/unknown',
    layers: [{ bytes: '{"predicate":{}}', also: { mediaType: 'application/vnd.in-toto+json' } }],
  })
  return {
    document,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': of.digest,
    },
  }
}
