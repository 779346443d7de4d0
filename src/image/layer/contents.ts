import { addAbortSignal, type Readable } from 'node:stream'
import { CouldNotMeasure } from '../../failure.ts'
import { createTurns } from '../../turns.ts'
import { readLayer, type ReadLayer } from './read.ts'
import type { ExpectedLayer } from './walk.ts'

/** What is known of the content of one layer. Sizes in bytes. `entries` is null where there are more, in it or in all, than can be kept. */
export type LayerContent = Pick<ReadLayer, 'size' | 'entries'>

/**
 * What a run knows of layers' content, by diffID, whichever side and place it was read from: a layer that both sides have is read once.
 */
export type LayerContents = {
  get: (diffId: string) => LayerContent | undefined
  /** Adds a layer that was read on the way, or of which a record tells. */
  add: (layer: Pick<ReadLayer, 'diffId' | 'size' | 'entries' | 'factBytes'>) => void
  /**
   * Reads a layer unless it is known or being read; `blob` is what a manifest lists of it, verified while reading. At most a few layers
   * are read at a time. Throws what `open` and the walk throw: CouldNotMeasure naming the layer; `cancelled` where the run was.
   */
  read: (
    diffId: string,
    blob: { digest: string; size: number } | null,
    open: () => Promise<Readable>,
  ) => Promise<LayerContent>
  /** Reads a layer whose bytes come anyway, known or not, and leaves it to the caller to `add` it. Throws as `readLayer` does. */
  readNow: (stored: AsyncIterable<Uint8Array>, expected: Omit<ExpectedLayer, 'onRead'>) => Promise<ReadLayer>
}

/** What reads one layer. */
export type ReadOne = typeof readLayer

/** How many layers are read at a time: unpacking runs beside the walk, on a core of its own. */
const AT_A_TIME = 2
/** Entries, and bytes of facts, that are kept of all layers of a run. */
const MAX_ENTRIES = 2_000_000
const MAX_FACT_BYTES = 256 * 1024 * 1024

/**
 * `signal` ends what is being read, and what waits for its turn does not begin. `onRead` is told of bytes of a layer, as stored, while it is
 * read: for whoever waits. `readOne`: a benchmark reads less of each.
 */
export function createLayerContents(
  signal: AbortSignal,
  onRead?: (bytes: number) => void,
  readOne: ReadOne = readLayer,
): LayerContents {
  const known = new Map<string, LayerContent>()
  const underWay = new Map<string, Promise<LayerContent>>()
  const inTurn = createTurns(AT_A_TIME)
  let keptEntries = 0
  let keptFactBytes = 0

  function keep({ diffId, size, entries, factBytes }: Parameters<LayerContents['add']>[0]): LayerContent {
    const found = known.get(diffId)
    if (found) return found
    const fits =
      entries !== null && keptEntries + entries.length <= MAX_ENTRIES && keptFactBytes + factBytes <= MAX_FACT_BYTES
    if (fits) {
      keptEntries += entries.length
      keptFactBytes += factBytes
    }
    const content = { size, entries: fits ? entries : null }
    known.set(diffId, content)
    return content
  }

  const readNow: LayerContents['readNow'] = (stored, expected) => readOne(stored, { ...expected, onRead })

  const read: LayerContents['read'] = (diffId, blob, open) => {
    const found = known.get(diffId)
    if (found) return Promise.resolve(found)
    const already = underWay.get(diffId)
    // Another image may have been stopped, or have the layer where it cannot be read.
    if (already) return already.catch(() => read(diffId, blob, open))
    const reading = inTurn(async () => {
      if (signal.aborted) throw cancelled(diffId)
      const stored = addAbortSignal(signal, await open())
      const expected = { digest: blob?.digest ?? null, diffId, packedSize: blob?.size, isOurs: true }
      return keep(
        await readNow(stored, expected).catch((error: unknown) => {
          throw signal.aborted ? cancelled(diffId) : error
        }),
      )
    }, blob?.size).finally(() => underWay.delete(diffId))
    underWay.set(diffId, reading)
    return reading
  }

  return { get: (diffId) => known.get(diffId), add: (layer) => void keep(layer), read, readNow }
}

function cancelled(diffId: string): CouldNotMeasure {
  return new CouldNotMeasure('cancelled', `The run was cancelled while the layer with diffID ${diffId} was read.`)
}
