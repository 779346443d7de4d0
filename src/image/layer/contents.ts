import type { Readable } from 'node:stream'
import { createTurns } from '../../turns.ts'
import { walkLayer, type WalkedLayer } from './walk.ts'

/** What is known of the content of one layer. Sizes in bytes. */
export type LayerContent = Pick<WalkedLayer, 'size'>

/**
 * What a run knows of layers' content, by diffID, whichever side and place it was read from: a layer that both sides have is read once.
 */
export type LayerContents = {
  get: (diffId: string) => LayerContent | undefined
  /** Adds a layer that was read on the way. */
  add: (layer: WalkedLayer) => void
  /**
   * Reads a layer unless it is known or being read. At most a few layers are read at a time.
   * Throws what `open` and the walk throw: CouldNotMeasure naming the layer.
   */
  read: (diffId: string, digest: string | null, open: () => Promise<Readable>) => Promise<LayerContent>
}

/** How many layers are read at a time: unpacking runs beside the walk, on a core of its own. */
const AT_A_TIME = 2

export function createLayerContents(): LayerContents {
  const known = new Map<string, LayerContent>()
  const underWay = new Map<string, Promise<LayerContent>>()
  const inTurn = createTurns(AT_A_TIME)

  return {
    get: (diffId) => known.get(diffId),
    add: ({ diffId, size }) => void known.set(diffId, { size }),
    read: (diffId, digest, open) => {
      const found = known.get(diffId)
      if (found) return Promise.resolve(found)
      const already = underWay.get(diffId)
      if (already) return already
      const read = inTurn(async () => {
        const { size } = await walkLayer(await open(), { digest, diffId })
        known.set(diffId, { size })
        return { size }
      }).finally(() => underWay.delete(diffId))
      underWay.set(diffId, read)
      return read
    },
  }
}
