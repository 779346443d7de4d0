import type { OpenOutput } from '../../exec.ts'
import { getFromSocket, type FindSocket } from './engine-socket.ts'

/**
 * What `docker save` prints of an image, as it comes: a chunk stays as it is until seven more were asked for. What is under way ends when the
 * caller stops early.
 * Throws CouldNotMeasure `measure` where the engine breaks off or docker fails, `cancelled` where the run was.
 */
export type SaveImage = (name: string) => AsyncIterable<Uint8Array>

/**
 * Saves by the engine's own API where the engine listens on a Unix socket of this machine: the docker command on the way takes about as
 * much processor time for a byte as reading it does here. Where the engine listens elsewhere, or does not answer so, by the docker command.
 */
export function createSaveImage(findSocket: FindSocket, openOutput: OpenOutput, signal: AbortSignal): SaveImage {
  return async function* save(name) {
    const socket = await findSocket()
    const url = `/v${socket?.version}/images/get?names=${encodeURIComponent(name)}`
    const answer = socket === null ? null : await getFromSocket(socket.path, url, signal)
    yield* answer === null ? await openOutput('docker', ['save', name]) : answer.body
  }
}
