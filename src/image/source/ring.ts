import { connect, type Socket } from 'node:net'

/** Bytes that are had at a time; a Unix socket of Linux holds less. */
const SLOT_SIZE = 256 * 1024
/** The first four may be looked at together, to tell how a layer is packed. */
const SLOTS = 8

/**
 * A connection to a Unix socket, and what comes by it: into the same few buffers, one after the other. A buffer of its own for each 64 KiB, as
 * Node's streams have it, takes twice the time. Nothing is read ahead of whoever asks. A chunk stays as it is until `SLOTS - 1` more were asked for.
 * Throws the socket's own error. Stopping early ends the connection.
 */
export function connectWithRing(path: string): { socket: Socket; chunks: AsyncGenerator<Buffer> } {
  const slots = Array.from({ length: SLOTS }, () => Buffer.allocUnsafeSlow(SLOT_SIZE))
  let slot = 0
  let came: Buffer | null = null
  let isOver = false
  let failure: Error | null = null
  let wake: (() => void) | undefined
  const onread = {
    buffer: () => slots[slot++ % SLOTS]!,
    callback: (length: number, buffer: Uint8Array) => {
      came = (buffer as Buffer).subarray(0, length)
      wake?.()
      // The socket reads no more until it is asked to.
      return false
    },
  }
  const socket = connect({ path, onread })
  const end = (error: Error | null): void => {
    if (isOver) return
    isOver = true
    failure = error
    wake?.()
  }
  socket.on('end', () => end(null))
  socket.on('error', end)
  socket.on('close', () => end(new Error('the connection was closed')))
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        if (came === null && !isOver) {
          const woken = new Promise<void>((resolve) => (wake = resolve))
          socket.resume()
          await woken
        }
        if (came !== null) {
          const chunk: Buffer = came
          came = null
          yield chunk
        } else if (failure !== null) throw failure
        else return
      }
    } finally {
      socket.destroy()
    }
  }
  return { socket, chunks: chunks() }
}
