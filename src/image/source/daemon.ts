import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { Exec } from '../../exec.ts'
import { CouldNotMeasure, toFailure } from '../../failure.ts'
import { readHistory, type HistoryEntry } from '../history.ts'
import { DIGEST, type ImageConfig } from '../oci.ts'
import type { EngineImages } from './engine-images.ts'
import type { SaveImage } from './engine-save.ts'
import { unanswered } from './engine-socket.ts'
import { parseJson } from '../../json.ts'
import { keepWanted, resolveImages } from './manifests.ts'
import type { Arrival, Receiver } from './receiver.ts'
import type { Source, SourceImage, Wanted } from './source.ts'
import { readSavedStream } from './stream.ts'

/** What reading an engine's image takes. */
export type DaemonSurroundings = {
  exec: Exec
  engine: EngineImages
  saveImage: SaveImage
  /** One for both sides: it knows the layers that came in already. */
  receiver: Receiver
  /** Why pushing an image did not succeed, by its name: it is not tried again. */
  unpushed: Map<string, string>
  /** Told in the log: why something is not measured. */
  warn: (text: string) => void
}

/** `docker image inspect`, as far as every engine since 20.10 has it. */
const inspected = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Os: z.string(),
  Architecture: z.string(),
  Variant: z.string().optional(),
  RootFS: z.object({ Layers: z.array(z.string().regex(DIGEST)).nullish() }).optional(),
})
type Inspected = z.output<typeof inspected>

/** How long an engine may take to reach this process: it does so at once, or not at all. */
const REACHED_WITHIN_MS = 20_000

/** Instructions that make no layer. */
const WITHOUT_LAYER =
  /^(?:\/bin\/sh -c #\(nop\) +)?(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b/

/**
 * The image `name` (`name[:tag]`, or an id) in the Docker engine's store. No way out of an engine is both cheap and complete, so:
 *
 * - containerd store: `docker push` to `receiver`, which reads the layers on the way, in less than half the time of `docker save`. Where
 *   content is not asked for, the layers are not sent at all.
 * - classic store: the same where download sizes are asked for, since only a push packs layers. For content alone `docker save`, which
 *   is faster then. For neither, what the engine tells of the image.
 * - where the engine cannot reach this process (it runs in a VM, or on another machine), or the image has no name that could be
 *   pushed: `docker save`. The classic store's download sizes are not measured then, and `warn` says why.
 *
 * The engine is left as it was: the name for the push is taken away again.
 */
export function createDaemonSource(name: string, surroundings: DaemonSurroundings): Source {
  const { exec, engine, saveImage, warn } = surroundings
  const place = `docker-daemon:${name}`

  async function images(wanted: Wanted): Promise<SourceImage[]> {
    const [image, store] = await Promise.all([inspectImage(engine, name, place), storeOf(engine)])
    const isClassic = store === 'classic'
    const diffIds = image.RootFS?.Layers ?? []
    const isKnown = wanted.contents === null || diffIds.every((diffId) => wanted.contents?.get(diffId))
    if (isClassic && !wanted.downloadSizes && isKnown) {
      return keepWanted([await recordedImage(exec, image, place)], wanted)
    }
    if (!isClassic || wanted.downloadSizes) {
      const pushed = await pushImage(image, isClassic, wanted)
      if ('images' in pushed) return pushed.images
      if (isClassic) warn(`The download size of \`${place}\` is not measured: ${pushed.reason}`)
      if (isClassic && isKnown) return keepWanted([await recordedImage(exec, image, place)], wanted)
    }
    return readSavedStream(saveImage(name), place, null, wanted)
  }

  /** Pushes the image to ourselves; or says why that is not possible, in a sentence. */
  async function pushImage(
    image: Inspected,
    isClassic: boolean,
    wanted: Wanted,
  ): Promise<{ images: SourceImage[] } | { reason: string }> {
    // The name for the push would be its only one, and taking that away would delete the image.
    const before = surroundings.unpushed.get(name)
    if (before !== undefined) return { reason: before }
    if ((image.RepoTags ?? []).length === 0)
      return { reason: 'it has no tag, and only what has one can be pushed (`docker tag` gives it one).' }
    const lacking = new Set<string>()
    const isAllWanted = isClassic || wanted.contents !== null
    const reception = { contents: wanted.contents, isWanted: (digest: string) => isAllWanted || lacking.has(digest) }
    return surroundings.receiver.receive(reception, async (arrival) => {
      try {
        const tagged = await engine.tag(image.Id, arrival.name)
        if (!tagged.ok) return { reason: `\`docker tag\` failed: ${tagged.why}` }
        let reason = await push(engine, arrival)
        if (reason === null && !isAllWanted) {
          // Which blobs are configs is known only now that the manifests are here.
          for (const digest of configsOf(arrival)) lacking.add(digest)
          reason = await push(engine, arrival)
        }
        return reason === null ? { images: await arrivedImages(arrival, place, isClassic, wanted) } : { reason }
      } finally {
        await untag(engine, arrival.name, warn)
      }
    })
  }

  return { images, close: () => Promise.resolve() }
}

/** Takes a name of ours away; the engine deletes the image where no other name holds it. Where that fails, `warn` is told. */
export async function untag(engine: EngineImages, temporary: string, warn: (text: string) => void): Promise<void> {
  let why: string | null = null
  try {
    // A second Ctrl-C reaches this program too: then it is asked again. An engine that does not answer in time is not.
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const removed = await engine.remove(temporary)
      why = removed.ok ? null : removed.why
      if (why === null) return
    }
  } catch (error) {
    why = toFailure(error).message
  }
  // Not there: the run was cancelled before it was made.
  if (why !== null && !/no such image/i.test(why)) warn(`The temporary name ${temporary} stayed in the engine: ${why}`)
}

/**
 * The image that was built by a name of the receiver's (`reserve`), which is all that it needs to be pushed: nothing is asked, and no other
 * name made. Null where that does not succeed. Throws as a source does.
 */
export async function receiveBuilt(
  name: string,
  store: 'classic' | 'containerd',
  { engine, receiver, unpushed }: Pick<DaemonSurroundings, 'engine' | 'receiver' | 'unpushed'>,
  wanted: Wanted,
): Promise<SourceImage[] | null> {
  const reception = { contents: wanted.contents, isWanted: () => true }
  const receive = async (arrival: Arrival): Promise<SourceImage[] | null> => {
    const reason = await push(engine, arrival)
    if (reason === null) return arrivedImages(arrival, `docker-daemon:${name}`, store === 'classic', wanted)
    unpushed.set(name, reason)
    return null
  }
  return receiver.receive(reception, receive, name)
}

/** Pushes to ourselves. Gives null, or why it did not succeed, in a sentence. */
async function push(engine: EngineImages, arrival: Arrival): Promise<string | null> {
  const unreachable = new AbortController()
  const timer = setTimeout(() => {
    if (!arrival.isReached()) unreachable.abort()
  }, REACHED_WITHIN_MS)
  try {
    const pushed = await engine.push(arrival.name, unreachable.signal)
    if (!pushed.ok) {
      const what = arrival.isReached() ? '`docker push` failed' : 'the engine cannot reach this process to push to it'
      return `${what}: ${pushed.why}`
    }
  } catch (error) {
    if (!unreachable.signal.aborted) throw error
    return `the engine did not reach this process within ${REACHED_WITHIN_MS / 1000} seconds to push to it.`
  } finally {
    clearTimeout(timer)
  }
  // Not this process, then, but something else at the same address of another machine.
  return arrival.top() === null ? 'the engine pushed it, but not to this process.' : null
}

async function arrivedImages(
  arrival: Arrival,
  place: string,
  isClassic: boolean,
  { contents, platforms, leftOut }: Wanted,
): Promise<SourceImage[]> {
  const readDocument = (digest: string): Promise<Uint8Array> => {
    const found = arrival.document(digest)
    return found
      ? Promise.resolve(found)
      : Promise.reject(new CouldNotMeasure('measure', `The engine did not send ${digest} of \`${place}\`.`))
  }
  const images = await resolveImages(place, readDocument, [{ digest: arrival.top() ?? '' }], platforms, leftOut)
  return images.map(({ digest, config, packed }) => {
    for (const [at, layer] of contents === null ? [] : packed.layers.entries()) {
      const size = arrival.size(layer.digest)
      if (size !== undefined && size !== layer.size) {
        throw new CouldNotMeasure(
          'measure',
          `Layer ${layer.digest} of \`${place}\` has ${size} bytes, and its manifest lists ${layer.size}.`,
        )
      }
      const listed = config.rootfs?.diff_ids?.[at]
      const actual = arrival.diffId(layer.digest)
      if (actual !== undefined && actual !== listed) {
        throw new CouldNotMeasure(
          'measure',
          `Layer ${layer.digest} of \`${place}\` has diffID ${actual}, not ${listed} as its config says.`,
        )
      }
    }
    return { digest: isClassic ? null : digest, config, packed, openLayer: unread(place) }
  })
}

/** Digests of the configs of all that was pushed, attestations too: whoever reads the documents looks closer. */
function configsOf(arrival: Arrival): Set<string> {
  const loose = z.object({
    config: z.object({ digest: z.string() }).optional().catch(undefined),
    manifests: z
      .array(z.object({ digest: z.string() }))
      .optional()
      .catch(undefined),
  })
  const configs = new Set<string>()
  const seen = new Set<string>()
  const follow = (digest: string): void => {
    const bytes = arrival.document(digest)
    if (bytes === undefined || seen.has(digest)) return
    seen.add(digest)
    const found = loose.safeParse(parseJson(bytes)).data
    if (found?.config) configs.add(found.config.digest)
    for (const entry of found?.manifests ?? []) follow(entry.digest)
  }
  follow(arrival.top() ?? '')
  return configs
}

/**
 * The classic store's image without moving it. Its config cannot be had that way, only what the engine tells of it: which entries of
 * the history made a layer follows from their sizes and words, and where it does not there is no history.
 */
async function recordedImage(exec: Exec, image: Inspected, place: string): Promise<SourceImage> {
  const entries = await readHistory(exec, image.Id)
  const diffIds = image.RootFS?.Layers ?? []
  const rules = [
    ({ size }: HistoryEntry) => size > 0,
    () => true,
    ({ size, createdBy }: HistoryEntry) => size > 0 || !WITHOUT_LAYER.test(createdBy),
  ]
  const makesLayer = rules.find((rule) => entries.filter(rule).length === diffIds.length)
  const config: ImageConfig = {
    os: image.Os,
    architecture: image.Architecture,
    ...(image.Variant ? { variant: image.Variant } : {}),
    rootfs: { diff_ids: diffIds },
    history: makesLayer
      ? entries.map((entry) => ({ created_by: entry.createdBy, empty_layer: !makesLayer(entry) }))
      : null,
  }
  return { digest: null, config, packed: null, openLayer: unread(place) }
}

/** An engine gives no layer on its own. */
function unread(place: string): SourceImage['openLayer'] {
  return (at): Promise<Readable> =>
    Promise.reject(
      new CouldNotMeasure('measure', `Layer ${at + 1} of \`${place}\` was not among what the engine gave.`),
    )
}

async function inspectImage(engine: EngineImages, name: string, place: string): Promise<Inspected> {
  const told = await engine.inspect(name)
  if (told.ok) {
    const parsed = inspected.safeParse(parseJson(told.text))
    if (parsed.success) return parsed.data
    throw new CouldNotMeasure(
      'measure',
      `\`docker image inspect\` of \`${place}\` is not understood: ${z.prettifyError(parsed.error)}`,
    )
  }
  if (/no such image/i.test(told.why)) {
    throw new CouldNotMeasure('missing', `There is no image \`${name}\` in the Docker engine.`, {
      remedy: `\`docker images\` lists those that are there. An image in a registry is \`docker://${name}\`.`,
    })
  }
  throw unanswered(told.why)
}

/** How the engine stores images: https://docs.docker.com/engine/storage/containerd/ shows how `docker info` tells. */
async function storeOf(engine: EngineImages): Promise<'classic' | 'containerd'> {
  const told = await engine.driverStatus()
  if (!told.ok) throw unanswered(told.why)
  return told.text.includes('"io.containerd.snapshotter.v1"') ? 'containerd' : 'classic'
}
