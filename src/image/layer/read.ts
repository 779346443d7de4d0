import { createListing, type Listed } from './listing.ts'
import { walkLayer, type ExpectedLayer, type WalkedLayer } from './walk.ts'

/** A layer that was read with all that is kept of it. */
export type ReadLayer = WalkedLayer & Listed

/** Walks a layer and lists what it does. Throws as `walkLayer` does. */
export async function readLayer(stored: AsyncIterable<Uint8Array>, expected: ExpectedLayer): Promise<ReadLayer> {
  const listing = createListing()
  const walked = await walkLayer(stored, expected, listing.visit)
  return { ...walked, ...listing.end() }
}
