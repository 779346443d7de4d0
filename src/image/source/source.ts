import type { Readable } from 'node:stream'
import type { LayerContents } from '../layer/contents.ts'
import type { ImageConfig } from '../oci.ts'

/** A layer's blob as a manifest lists it (OCI content descriptor). */
export type PackedLayer = {
  /** `sha256:…` of the blob as stored. */
  digest: string
  /** Bytes of the blob. */
  size: number
  /** As the manifest has it; '' where it says nothing. Only told, never relied on: content tells how it is packed. */
  mediaType: string
  /** The blob is not in the place of the manifest: a non-distributable ("foreign") layer, which is listed with `urls`. */
  elsewhere: boolean
}

/** One platform's image in the place where it lies. */
export type SourceImage = {
  /** Digest of the manifest, `sha256:…`, or null where there is none (docker archives, the classic store). */
  digest: string | null
  config: ImageConfig
  /** Null where no packed layers exist: docker archives, the classic store. `layers` stand base layer first, one for each diffID. */
  packed: { configSize: number; layers: PackedLayer[] } | null
  /**
   * Opens the blob of layer `at` (0 is the base layer), as stored: packed or not. The reader verifies digest and diffID; this does not.
   * Throws CouldNotMeasure `measure` naming the layer and the place.
   */
  openLayer: (at: number) => Promise<Readable>
}

/** Told of a platform (`os/architecture[/variant]`) that was not wanted; of one that is listed twice, twice. */
export type LeftOut = (platform: string) => void

/** What is asked of a place. */
export type Wanted = {
  /** Platforms (`os/architecture[/variant]`), [] for all that the place has. One that is not there is left out, not an error. */
  platforms: string[]
  /** Told of each platform that the place has and that is not wanted. */
  leftOut?: LeftOut
  /**
   * What is known of layers' content, or null: content is not asked for. A place that can only be read as a whole (an
   * engine's stream) adds what passes by; any other reads nothing here, and the layers not known yet are opened later.
   */
  contents: LayerContents | null
  /** Download sizes are asked for, where getting them takes work: the classic store has to pack the layers. */
  downloadSizes: boolean
}

/** Which platforms are asked for. */
export type PlatformsWanted = Pick<Wanted, 'platforms' | 'leftOut'>

/** A place that holds an image: a registry, a layout, an archive, an engine. Named as skopeo names its transports. */
export type Source = {
  /**
   * The images of the place, one a platform, in its index's order: manifests and configs, verified against their digests. Attestations
   * are none; an index in an index is followed; a platform that stands there twice counts once, the first.
   * Throws CouldNotMeasure `measure` (or `precondition`) naming the place, with the remedy.
   */
  images: (wanted: Wanted) => Promise<SourceImage[]>
  /** Gives back what the source holds: files, processes, connections. Safe to call twice. */
  close: () => Promise<void>
}
