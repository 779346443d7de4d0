import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** A member of a tar archive: a file's content, a link (`-> target` or, hard, `=> target`), a folder (the path ends with `/`). */
export type Member = { path: string; content?: Buffer | string; symlink?: string; link?: string }

/** A ustar archive of these members, with the two blocks of zeros at its end. */
export function tarOf(members: Member[]): Buffer {
  return Buffer.concat([...members.flatMap(blocksOf), Buffer.alloc(1024)])
}

function blocksOf({ path, content = '', symlink, link }: Member): Buffer[] {
  const payload = Buffer.from(content)
  const header = Buffer.alloc(512)
  const slash = path.length > 100 ? path.lastIndexOf('/', 154) : -1
  header.write(path.slice(slash + 1), 0)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${payload.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(symlink === undefined ? (link === undefined ? (path.endsWith('/') ? '5' : '0') : '1') : '2', 156)
  header.write(symlink ?? link ?? '', 157)
  header.write('ustar\x0000', 257)
  if (slash >= 0) header.write(path.slice(0, slash), 345)
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return [header, payload, Buffer.alloc(-payload.length & 511)]
}

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')
export const digestOf = (bytes: Buffer | string): string => `sha256:${sha256(bytes)}`
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** A layer as made: its tar, as it is stored, and what its manifest says of that. */
export type MadeLayer = { tar: Buffer; stored: Buffer; mediaType: string }

/** A layer that holds these files, uncompressed. */
export function layerOf(files: Record<string, Buffer | string>): MadeLayer {
  const tar = tarOf(Object.entries(files).map(([path, content]) => ({ path, content })))
  return { tar, stored: tar, mediaType: 'application/vnd.oci.image.layer.v1.tar' }
}

export function gzipped({ tar, mediaType }: MadeLayer): MadeLayer {
  return { tar, stored: gzipSync(tar), mediaType: `${mediaType}+gzip` }
}

/** An image's documents and blobs; `blobs` by digest. */
export type MadeImage = {
  digest: string
  config: Buffer
  manifest: Buffer
  layers: MadeLayer[]
  blobs: Map<string, Buffer>
  /** What `index.json` says of it. */
  descriptor: Record<string, unknown> & { digest: string }
}

/** An image of these layers, base layer first. */
export function imageOf(layers: MadeLayer[], platform = 'linux/amd64', more: Record<string, unknown> = {}): MadeImage {
  const [os = '', architecture = '', variant] = platform.split('/')
  const config = json({
    os,
    architecture,
    ...(variant && { variant }),
    rootfs: { type: 'layers', diff_ids: layers.length > 0 ? layers.map(({ tar }) => digestOf(tar)) : null },
    ...more,
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers: layers.map(({ stored, mediaType }) => ({ mediaType, digest: digestOf(stored), size: stored.length })),
  })
  return {
    digest: digestOf(manifest),
    config,
    manifest,
    layers,
    blobs: new Map([config, manifest, ...layers.map(({ stored }) => stored)].map((blob) => [digestOf(blob), blob])),
    descriptor: {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: digestOf(manifest),
      size: manifest.length,
      platform: { os, architecture, ...(variant && { variant }) },
    },
  }
}

/** An index of images and of what else is listed (attestations), with all their blobs. */
export function indexOf(
  images: Pick<MadeImage, 'blobs' | 'descriptor'>[],
): Pick<MadeImage, 'digest' | 'blobs' | 'descriptor'> {
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const document = json({ schemaVersion: 2, mediaType, manifests: images.map(({ descriptor }) => descriptor) })
  const digest = digestOf(document)
  return {
    digest,
    blobs: new Map([...images.flatMap(({ blobs }) => [...blobs]), [digest, document]]),
    descriptor: { mediaType, digest, size: document.length },
  }
}

/** An attestation as BuildKit makes it: an image of no platform. */
export function attestationOf({ digest }: Pick<MadeImage, 'digest'>): Pick<MadeImage, 'blobs' | 'descriptor'> {
  const layer: MadeLayer = { tar: json({ x: 1 }), stored: json({ x: 1 }), mediaType: 'application/vnd.in-toto+json' }
  const image = imageOf([layer], 'unknown/unknown')
  const annotations = {
    'vnd.docker.reference.digest': digest,
    'vnd.docker.reference.type': 'attestation-manifest',
  }
  return { ...image, descriptor: { ...image.descriptor, annotations } }
}

/** A descriptor with a name: a bare REF as skopeo gives it, with a `/` or `:` in it as docker does. */
export function named<T extends Pick<MadeImage, 'descriptor'>>(name: string, image: T): T {
  const annotations = /[/:]/.test(name)
    ? { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.replace(/^.*:/, '') }
    : { 'org.opencontainers.image.ref.name': name }
  return { ...image, descriptor: { ...image.descriptor, annotations } }
}

/** The files of an OCI layout, by path, in the order in which docker and buildx write them. */
export function layoutOf(tops: Pick<MadeImage, 'blobs' | 'descriptor'>[]): Map<string, Buffer> {
  return new Map([
    ...tops.flatMap(({ blobs }) =>
      [...blobs].map(([digest, blob]): [string, Buffer] => [`blobs/sha256/${digest.slice(7)}`, blob]),
    ),
    ['index.json', json({ schemaVersion: 2, manifests: tops.map(({ descriptor }) => descriptor) })],
    ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
  ])
}

/** One image's entry in a `manifest.json`. */
export type SavedEntry = { Config: string; RepoTags: string[] | null; Layers: string[] | null }

/** What `docker save` writes since 25: an OCI layout and a `manifest.json` that names its blobs. */
export function savedOf(
  tops: { image: MadeImage; top?: Pick<MadeImage, 'blobs' | 'descriptor'>; tag: string | null }[],
) {
  const path = (blob: Buffer): string => `blobs/sha256/${sha256(blob)}`
  const files = layoutOf(
    tops.map(({ image, top = image, tag }) => (tag === null ? top : named(`docker.io/library/${tag}`, top))),
  )
  const entries = tops.map(({ image, tag }) => ({
    Config: path(image.config),
    RepoTags: tag === null ? null : [tag],
    Layers: image.layers.length > 0 ? image.layers.map(({ stored }) => path(stored)) : null,
  }))
  return new Map([...files, ['manifest.json', json(entries)]])
}

/** What `docker save` wrote until 24: layers as `ID/layer.tar`, one that stands there already as a link to it. */
export function legacyOf(image: MadeImage, tags: string[] | null): Member[] {
  const seen = new Map<string, string>()
  const ids = image.layers.map((_, at) => sha256(`${image.digest} ${at}`))
  const layers = image.layers.flatMap(({ stored }, at): Member[] => {
    const id = ids[at] ?? ''
    const first = seen.get(digestOf(stored))
    seen.set(digestOf(stored), first ?? id)
    return [
      { path: `${id}/` },
      { path: `${id}/VERSION`, content: '1.0' },
      { path: `${id}/json`, content: json({ id }) },
      first === undefined
        ? { path: `${id}/layer.tar`, content: stored }
        : { path: `${id}/layer.tar`, symlink: `../${first}/layer.tar` },
    ]
  })
  const config = `${sha256(image.config)}.json`
  return [
    ...layers,
    { path: config, content: image.config },
    {
      path: 'manifest.json',
      content: json([{ Config: config, RepoTags: tags, Layers: ids.map((id) => `${id}/layer.tar`) }]),
    },
  ]
}

/** A tar archive of files. */
export function archiveOf(files: Map<string, Buffer>): Buffer {
  return tarOf([...files].map(([path, content]) => ({ path, content })))
}
