import { z } from 'zod'
import { CouldNotMeasure } from '../../failure.ts'
import { createTurns } from '../../turns.ts'
import {
  digestOf,
  imageConfig,
  imagesOf,
  index,
  manifest,
  platformName,
  type ImageConfig,
  type Manifest,
} from '../oci.ts'
import { parseJson } from '../../json.ts'
import type { LeftOut, PackedLayer, PlatformsWanted, SourceImage } from './source.ts'

/** Where a manifest or an index stands: an entry of an index, or what a name leads to. */
export type Entry = {
  /** `sha256:…`. */
  digest: string
  /** Bytes of the document, where they are told: then they are verified. */
  size?: number | undefined
  mediaType?: string | undefined
  platform?: { os: string; architecture: string; variant?: string | undefined } | null | undefined
  annotations?: Record<string, string> | null | undefined
}

/**
 * Gives the bytes of a document (a manifest or an index, or a config) of a place by its digest; a registry keeps the two kinds apart. Null where
 * the place lists a document that it does not have: a layout of one pulled platform has the whole index.
 * Reads at most `MAX_DOCUMENT_SIZE` bytes and does not verify them. Throws CouldNotMeasure naming the digest and the place.
 */
export type ReadDocument = (digest: string, kind: 'manifest' | 'config') => Promise<Uint8Array | null>

/** One image of a place, as SourceImage has it, without its content. */
export type ResolvedImage = {
  /** Of the manifest. */
  digest: string
  /** As it stands, but with the platform that the index tells for it: an old config names no variant. */
  config: ImageConfig
  packed: NonNullable<SourceImage['packed']>
  configDigest: string
}

/** Bytes that a manifest, an index or a config may have. Registries take manifests of 4 MiB (OCI distribution-spec). */
export const MAX_DOCUMENT_SIZE = 8 * 1024 * 1024
/** Bytes of all documents of one image on all its platforms; real ones are a few kB each. */
const MAX_DOCUMENTS_SIZE = 64 * 1024 * 1024
const DOCUMENTS_AT_A_TIME = 6
/** Real ones are one or two deep and list a few dozen images. */
const MAX_DEPTH = 8
const MAX_ENTRIES = 1_000

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]
/** The media types that are understood, as the `Accept` of a registry's client has them. */
export const DOCUMENT_TYPES: readonly string[] = [...INDEX_TYPES, ...MANIFEST_TYPES]
const SCHEMA_1_TYPE = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/
/** Docker 1.10 wrote `application/octet-stream`; one that says nothing ('') is taken for an image's. */
const CONFIG_TYPES = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
  '',
])
/** OCI's `…nondistributable…` and Docker's `…foreign…`: https://github.com/opencontainers/image-spec/blob/main/layer.md */
const ELSEWHERE = /nondistributable|foreign/

/**
 * The images behind the entries, one a platform, in the entries' order; each document is verified against its digest. An index in
 * an index is followed; attestations and artifacts are left out; a platform that stands there twice counts once, the first. Of the
 * others only what `platforms` (`os/architecture[/variant]`, [] for all) asks for is read; an entry that does not tell its platform has
 * to be. So the answer may be empty, where the place has images for other platforms alone. What an index lists and the place does not
 * have (`readDocument` answers null) is left out as well.
 *
 * `place` is what errors name: the reference as the user wrote it.
 * Throws CouldNotMeasure `measure`: no image at all, an entry that is not there, Docker's schema 1, too large, another digest or size, not as the specs have it.
 */
export async function resolveImages(
  place: string,
  readDocument: ReadDocument,
  entries: Entry[],
  platforms: string[],
  leftOut: LeftOut = () => {},
): Promise<ResolvedImage[]> {
  const isWanted = platformFilter(platforms)
  const documents = new Map<string, Promise<Uint8Array | null>>()
  const indexes = new Set<string>()
  const artifacts = new Set<string>()
  let seen = 0
  const inTurn = createTurns(DOCUMENTS_AT_A_TIME)
  let readBytes = 0
  let imagesOfOthers = 0
  let absent = 0

  /** Verifies a document; all of them together must not fill the memory. */
  function keep(digest: string, bytes: Uint8Array | null): Uint8Array | null {
    if (bytes === null) return null
    readBytes += bytes.length
    if (readBytes > MAX_DOCUMENTS_SIZE) {
      throw new CouldNotMeasure(
        'measure',
        `\`${place}\` has more than ${MAX_DOCUMENTS_SIZE} bytes of manifests and configs.`,
      )
    }
    return verified(place, digest, bytes)
  }

  /** Reads a document once, however many entries lead to it. */
  async function read(entry: { digest: string; size?: number | undefined }, kind: 'manifest' | 'config') {
    const { digest, size } = entry
    if (size !== undefined && size > MAX_DOCUMENT_SIZE) throw tooLarge(place, digest)
    const already = documents.get(digest)
    const document = already ?? inTurn(async () => keep(digest, await readDocument(digest, kind)))
    if (!already) documents.set(digest, document)
    const bytes = await document
    if (bytes !== null && size !== undefined && size !== bytes.length) {
      throw problem(place, digest, `has ${bytes.length} bytes where ${size} are listed`)
    }
    return bytes
  }

  async function follow(listed: Entry[], depth: number): Promise<ResolvedImage[]> {
    seen += listed.length
    if (seen > MAX_ENTRIES) throw new CouldNotMeasure('measure', `\`${place}\` lists more than ${MAX_ENTRIES} images.`)
    if (depth > MAX_DEPTH) {
      throw new CouldNotMeasure('measure', `\`${place}\` has an index in an index more than ${MAX_DEPTH} deep.`)
    }
    const found = await Promise.all(imagesOf({ manifests: listed }).map((entry) => followEntry(entry, depth)))
    return found.flat()
  }

  async function followEntry(entry: Entry, depth: number): Promise<ResolvedImage[]> {
    const { digest, mediaType = '', platform } = entry
    if (SCHEMA_1_TYPE.test(mediaType)) throw tooOld(place, digest)
    if (mediaType !== '' && !DOCUMENT_TYPES.includes(mediaType)) {
      artifacts.add(mediaType)
      return []
    }
    if (platform && !isWanted(platform)) return skip(platform)
    const bytes = await read(entry, 'manifest')
    if (bytes === null) return leaveOut(digest, depth)
    const document = manifestOrIndex(place, digest, bytes)
    if ('manifests' in document) {
      // The same index again adds no platform; following it each time could take for ever.
      if (indexes.has(digest)) return []
      indexes.add(digest)
      return follow(document.manifests, depth + 1)
    }
    if (!CONFIG_TYPES.has(document.config.mediaType)) {
      artifacts.add(document.config.mediaType)
      return []
    }
    const image = await readImage(entry, document)
    if (image === null) return leaveOut(document.config.digest, depth)
    if (image.config.os === 'unknown') {
      artifacts.add('an attestation')
      return []
    }
    return isWanted(image.config) ? [image] : skip(image.config)
  }

  function skip(platform: NonNullable<Entry['platform']>): [] {
    imagesOfOthers += 1
    leftOut(platformName(platform))
    return []
  }

  /** What an index lists may be elsewhere; what the place itself names may not. */
  function leaveOut(digest: string, depth: number): [] {
    if (depth === 1) throw problem(place, digest, 'is not there')
    absent += 1
    return []
  }

  async function readImage({ digest, platform }: Entry, document: Manifest): Promise<ResolvedImage | null> {
    const bytes = await read(document.config, 'config')
    if (bytes === null) return null
    const parsed = parse(place, document.config.digest, imageConfig, json(place, document.config.digest, bytes))
    const config = platform ? { ...parsed, variant: undefined, ...platform } : parsed
    const layers = document.layers.map(packedLayer)
    const count = config.rootfs?.diff_ids?.length ?? 0
    if (layers.length !== count) {
      throw problem(place, digest, `lists ${layers.length} layers and the image's config ${count}`)
    }
    const total = layers.reduce((sum, { size }) => sum + size, document.config.size)
    if (!Number.isSafeInteger(total)) throw problem(place, digest, 'lists layers of an impossible size')
    return {
      digest,
      config,
      packed: { configSize: document.config.size, layers },
      configDigest: document.config.digest,
    }
  }

  const images = await follow(entries, 1)
  if (images.length === 0 && imagesOfOthers === 0) throw absent > 0 ? noneHere(place) : noImage(place, artifacts)
  const names = images.map(({ config }) => platformName(config))
  return images.filter((_, at) => names.indexOf(names[at]!) === at)
}

/** A manifest or an index; told by its own members, for the media type is optional in OCI. */
function manifestOrIndex(place: string, digest: string, bytes: Uint8Array): Manifest | z.output<typeof index> {
  const document = json(place, digest, bytes)
  if (isSchema1(document)) throw tooOld(place, digest)
  const has = (member: string): boolean => typeof document === 'object' && document !== null && member in document
  // What one reader takes for an index and another for a manifest is an attack (CVE-2021-41190).
  if (has('manifests') && (has('layers') || has('config'))) {
    throw problem(place, digest, 'is a manifest and an index at once')
  }
  return has('manifests') ? parse(place, digest, index, document) : parse(place, digest, manifest, document)
}

function packedLayer({ digest, size, mediaType, urls }: Manifest['layers'][number]): PackedLayer {
  return { digest, size, mediaType, elsewhere: (urls ?? []).length > 0 || ELSEWHERE.test(mediaType) }
}

/** Whether a platform is one of these (`os/architecture[/variant]`, as a user writes them; [] for all). */
export function platformFilter(platforms: string[]): (of: NonNullable<Entry['platform']>) => boolean {
  const wanted = new Set(platforms.map(normalisePlatform))
  return (of) => wanted.size === 0 || wanted.has(platformName(of))
}

/** Those of the images that are for a platform that is wanted; of the others `leftOut` is told. */
export function keepWanted<T extends { config: ImageConfig }>(
  images: T[],
  { platforms, leftOut }: PlatformsWanted,
): T[] {
  const isWanted = platformFilter(platforms)
  for (const { config } of images) if (!isWanted(config)) leftOut?.(platformName(config))
  return images.filter(({ config }) => isWanted(config))
}

/** A platform as a user writes it, in the form of `platformName`. */
export function normalisePlatform(platform: string): string {
  const [os = '', architecture = '', variant] = platform.toLowerCase().split('/')
  return platformName({ os, architecture, variant })
}

function verified(place: string, digest: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_DOCUMENT_SIZE) throw tooLarge(place, digest)
  const actual = digestOf(bytes)
  if (actual === digest) return bytes
  // A schema 1 manifest's digest is of its payload, without the signatures in it: it never fits the bytes.
  if (isSchema1(parseJson(bytes))) throw tooOld(place, digest)
  throw problem(place, digest, `has another digest, ${actual}`)
}

function isSchema1(document: unknown): boolean {
  return (
    typeof document === 'object' && document !== null && 'schemaVersion' in document && document.schemaVersion === 1
  )
}

function json(place: string, digest: string, bytes: Uint8Array): unknown {
  const document = parseJson(bytes)
  if (document === undefined) throw problem(place, digest, 'is no JSON')
  return document
}

function parse<T>(place: string, digest: string, shape: z.ZodType<T>, document: unknown): T {
  const parsed = shape.safeParse(document)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  const where = first?.path.join('.') ?? ''
  throw problem(
    place,
    digest,
    `is not as the OCI image spec has it: ${where.slice(0, 200)}: ${first?.message.slice(0, 200) ?? ''}`,
  )
}

function problem(place: string, digest: string, what: string): CouldNotMeasure {
  return new CouldNotMeasure('measure', `\`${place}\`: the document ${digest} ${what}.`)
}

function tooLarge(place: string, digest: string): CouldNotMeasure {
  return problem(place, digest, `has more than ${MAX_DOCUMENT_SIZE} bytes`)
}

function tooOld(place: string, digest: string): CouldNotMeasure {
  return new CouldNotMeasure(
    'measure',
    `\`${place}\`: the manifest ${digest} has Docker's schema 1, which does not list what an image weighs.`,
    { remedy: 'Push the image again with a Docker of the last years (`docker pull`, `docker push`).' },
  )
}

function noneHere(place: string): CouldNotMeasure {
  return new CouldNotMeasure('measure', `\`${place}\` lists images, and has the content of none.`, {
    remedy: 'Pull or build the image for this platform before it is saved.',
  })
}

function noImage(place: string, artifacts: Set<string>): CouldNotMeasure {
  const instead = [...artifacts].slice(0, 5).map((type) => type.slice(0, 100))
  return new CouldNotMeasure(
    'measure',
    instead.length === 0
      ? `\`${place}\` lists no image.`
      : `\`${place}\` is no container image, but holds: ${instead.join(', ')}.`,
  )
}
