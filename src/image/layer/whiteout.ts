/** What a whiteout does to the layers below: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts */
export type Whiteout =
  /** Removes the file or folder `path`. */
  | { kind: 'removed'; path: string }
  /** Hides all that the layers below have in the folder `path` ('' is the root); what this layer has there stays. */
  | { kind: 'opaque'; path: string }
  /** Something that a storage driver (aufs) left for itself: no file of the image, and nothing is removed. */
  | { kind: 'metadata' }

const PREFIX = '.wh.'
const METADATA_PREFIX = '.wh..wh.'
const OPAQUE = '.wh..wh..opq'

/**
 * What the entry with this path (normalised, as `TarEntry` has it) does as a whiteout, or null where it is a usual one. The name alone
 * decides, as in the engines. A whiteout is an empty file; the payload of one that is not is shipped with the layer and counts in its
 * size, though no engine unpacks it.
 */
export function whiteoutOf(path: string): Whiteout | null {
  const slash = path.lastIndexOf('/')
  if (!path.startsWith(PREFIX, slash + 1)) return null
  const name = path.slice(slash + 1)
  const folder = path.slice(0, Math.max(slash, 0))
  if (name === OPAQUE) return { kind: 'opaque', path: folder }
  if (name.startsWith(METADATA_PREFIX) || name === PREFIX) return { kind: 'metadata' }
  return { kind: 'removed', path: `${path.slice(0, slash + 1)}${name.slice(PREFIX.length)}` }
}
