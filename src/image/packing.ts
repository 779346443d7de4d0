import type { Compression } from './layer/unpack.ts'
import type { Measurement } from './measurement.ts'

/**
 * Null where the download sizes can be compared, or are not measured; else why not. The same layer in another packing weighs otherwise,
 * though nothing changed; so do gzip and zstd, by more than most changes do.
 */
export function unlikePacking(head: Measurement, base: Measurement): string | null {
  if (head.downloadSize === null || base.downloadSize === null) return null
  const digests = new Map(base.layers.map((layer) => [layer.diffId, layer.digest]))
  const repacked = head.layers.find(({ diffId, digest }) => digests.has(diffId) && digests.get(diffId) !== digest)
  if (repacked) return 'layers that both have were packed anew, and weigh otherwise'
  const [before, after] = [packingOf(base, head), packingOf(head, base)]
  if (before.length === 0 || after.length === 0 || before.join() === after.join()) return null
  return `the base's layers are ${before.join(' and ')}, this change's ${after.join(' and ')}`
}

/** How the layers are packed that the other image does not have. */
function packingOf({ layers }: Measurement, other: Measurement): string[] {
  const shared = new Set(other.layers.map((layer) => layer.digest))
  const kinds = layers.filter((layer) => !shared.has(layer.digest)).map((layer) => PACKING[layer.compression ?? 'none'])
  return [...new Set(kinds)].toSorted()
}

const PACKING: Record<Compression, string> = { gzip: 'packed by gzip', zstd: 'packed by zstd', none: 'not packed' }
