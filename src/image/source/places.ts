import type { Exec } from '../../exec.ts'
import type { ImageReference } from '../../inputs/reference.ts'
import type { Source } from './source.ts'

/** What reading from places takes. */
export type PlacesDeps = {
  exec: Exec
  /** Where `DOCKER_CONFIG` and proxies are found. */
  env: Record<string, string | undefined>
  /** What relative paths are relative to, absolute. */
  cwd: string
  /** A folder of the run's own, for what has to be unpacked. */
  scratch: string
  signal: AbortSignal
  warn: (text: string) => void
}

/** Opens places by reference; what they share (connections, the registry that an engine pushes to) lives until `close`. */
export type Places = { open: (reference: ImageReference) => Source; close: () => Promise<void> }

export function createPlaces(_deps: PlacesDeps): Places {
  throw new Error('to be written')
}
