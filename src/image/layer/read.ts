import { createListing, type LayerEntry } from './listing.ts'
import { walkLayer, type ExpectedLayer, type WalkedLayer } from './walk.ts'

/** A layer that was read with all that is kept of it. */
export type ReadLayer = WalkedLayer & {
  /** What it does, in the tar's order; null: more than can be kept. */
  entries: LayerEntry[] | null
}

/** Walks a layer and lists what it does. Throws as `walkLayer` does. */
export async function readLayer(stored: AsyncIterable<Uint8Array>, expected: ExpectedLayer): Promise<ReadLayer> {
  const listing = createListing()
  const walked = await walkLayer(stored, expected, listing.visit)
  return { ...walked, entries: listing.end() }
}
