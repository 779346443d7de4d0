import { resolve } from 'node:path'
import type { Clock } from '../../clock.ts'
import type { Exec, OpenOutput } from '../../exec.ts'
import type { ImageReference } from '../../inputs/reference.ts'
import { dockerArchive, ociArchive } from './archive.ts'
import { createCredentials } from './credentials.ts'
import { createDaemonSource, receiveBuilt } from './daemon.ts'
import { imagesByCommand, imagesBySocket, type EngineImages } from './engine-images.ts'
import { createSaveImage } from './engine-save.ts'
import { createFindSocket, type EngineSocket, type FindSocket } from './engine-socket.ts'
import { ociLayout } from './layout.ts'
import { startReceiver, type KnownLayers, type Receiver } from './receiver.ts'
import { createRegistryClient } from './registry-client.ts'
import { createRegistrySource } from './registry.ts'
import type { Source, SourceImage, Wanted } from './source.ts'

/** What reading from places takes. */
export type PlacesDeps = {
  exec: Exec
  openOutput: OpenOutput
  /** For taking away what was made: not stopped when the run is, but limited in time. */
  tidyUp: () => Exec
  /** Where `DOCKER_CONFIG` is found. */
  env: Record<string, string | undefined>
  /** The user's home folder. */
  home: string
  /** What relative paths are relative to, absolute. */
  cwd: string
  /** Ends what is under way when the run is cancelled. */
  signal: AbortSignal
  clock: Clock
  /** Told in the log: why something is not measured. */
  warn: (text: string) => void
  /** What engines have pushed to others of these. */
  layers?: KnownLayers
  /** Asked by others of these, too. */
  findSocket?: FindSocket
}

/** A name for an image that is to be built in the Docker engine, and the way to have it from there at once, or null. */
export type BuildPlace = {
  name: string
  receive: (store: 'classic' | 'containerd', wanted: Wanted) => Promise<SourceImage[] | null>
}

/** Opens places by reference; what they share (a registry's connections, the registry that an engine pushes to) lives until `close`. */
export type Places = {
  open: (reference: ImageReference) => Source
  /** The Docker engine, to be asked of its images. */
  engine: () => Promise<EngineImages>
  /** See receiveBuilt. */
  openBuild: () => Promise<BuildPlace>
  close: () => Promise<void>
}

/** One for a run. Nothing is opened before it is needed. */
export function createPlaces(deps: PlacesDeps): Places {
  const { exec, openOutput, tidyUp, env, home, cwd, signal, clock, warn } = deps
  const client = createRegistryClient({ credentials: createCredentials(exec, env, home), signal, clock })
  const { findSocket = createFindSocket(exec, signal, clock) } = deps
  const saveImage = createSaveImage(findSocket, openOutput, signal)
  let receiver: Promise<Receiver> | undefined
  const openReceiver = (): Promise<Receiver> => (receiver ??= startReceiver(deps.layers))
  const unpushed = new Map<string, string>()

  const engineAt = (socket: EngineSocket | null): EngineImages =>
    socket === null ? imagesByCommand(exec, tidyUp, clock) : imagesBySocket(socket, signal, clock)

  // A run that was stopped, or whose engine hangs, has still to take away what it made.
  const engine = async (): Promise<EngineImages> => engineAt(await findSocket().catch(() => null))

  function openDaemon(name: string): Source {
    return {
      images: async (wanted) => {
        const asked = engineAt(await findSocket())
        const surroundings = { exec, engine: asked, saveImage, receiver: await openReceiver(), unpushed, warn }
        return createDaemonSource(name, surroundings).images(wanted)
      },
      close: () => Promise.resolve(),
    }
  }

  return {
    open: (reference) => {
      switch (reference.transport) {
        case 'docker':
          return createRegistrySource(reference, client)
        case 'docker-daemon':
          return openDaemon(reference.name)
        case 'docker-archive':
          return dockerArchive(resolve(cwd, reference.path), reference.name)
        case 'oci-archive':
          return ociArchive(resolve(cwd, reference.path), reference.name)
        case 'oci':
          return ociLayout(resolve(cwd, reference.path), reference.name)
      }
    },
    engine,
    openBuild: async () => {
      const own = await openReceiver()
      const name = own.reserve()
      return {
        name,
        receive: async (store, wanted) =>
          receiveBuilt(name, store, { engine: await engine(), receiver: own, unpushed }, wanted),
      }
    },
    close: async () => {
      await (await receiver)?.close()
    },
  }
}
