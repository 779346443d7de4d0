import { addAbortSignal } from 'node:stream'
import { within, type Clock } from '../../clock.ts'
import { ANSWERS_WITHIN_MS, SAID_NOTHING, type Exec } from '../../exec.ts'
import { CouldNotMeasure } from '../../failure.ts'
import { connectWithRing } from './ring.ts'

/** Where an engine listens on this machine, and the version of its API that it speaks: `1.51`. */
export type EngineSocket = { path: string; version: string }

/** Finds the engine's socket, asking once; null: it listens elsewhere, or does not answer so. */
export type FindSocket = () => Promise<EngineSocket | null>

/**
 * For the engine that docker commands speak to, whatever environment and context say. It throws CouldNotMeasure `precondition` where that takes
 * the connection and says nothing, `cancelled` where the run was.
 */
export function createFindSocket(exec: Exec, signal: AbortSignal, clock: Clock): FindSocket {
  let found: Promise<EngineSocket | null> | undefined
  const find = async (): Promise<EngineSocket | null> => {
    const { exitCode, stdout } = await exec('docker', ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'])
    const [, path = null] = exitCode === 0 ? (/^unix:\/\/(\/.+)$/.exec(stdout.trim()) ?? []) : []
    if (path === null) return null
    const ask = (over: AbortSignal): Promise<Answer | null> =>
      getFromSocket(path, '/_ping', AbortSignal.any([signal, over]))
    const ping = await within(clock, ANSWERS_WITHIN_MS, ask, () => {
      throw unanswered(SAID_NOTHING)
    })
    ping?.close()
    const [, version] = /\r\napi-version: *(\d+\.\d+)\r\n/i.exec(ping?.head ?? '') ?? []
    return version === undefined ? null : { path, version }
  }
  return () => (found ??= find())
}

/** An engine's answer: its head's lines, each with its end, and its body, which has to be read or closed. */
export type Answer = { head: string; body: AsyncIterable<Uint8Array>; close: () => void }

/** Bytes that the head of an answer may have; an engine's has a few hundred. */
const MAX_HEAD = 64 * 1024

/**
 * Asks by HTTP/1.0: then the body is all that follows the head, until the connection ends. Of HTTP/1.1 it comes in pieces, which take both
 * ends twice the time. Null where the engine does not answer, or with another status than 200.
 */
export async function getFromSocket(path: string, url: string, signal: AbortSignal): Promise<Answer | null> {
  const { socket, chunks } = connectWithRing(path)
  addAbortSignal(signal, socket)
  const close = (): void => void socket.destroy()
  let start = Buffer.alloc(0)
  let end = -1
  try {
    socket.write(`GET ${url} HTTP/1.0\r\nHost: docker\r\n\r\n`)
    while (end === -1 && start.length < MAX_HEAD) {
      const { done, value } = await chunks.next()
      if (done === true) break
      start = Buffer.concat([start, value])
      end = start.indexOf('\r\n\r\n')
    }
  } catch {
    if (signal.aborted) throw cancelled()
  }
  const head = start.toString('latin1', 0, end + 2)
  if (end === -1 || end > MAX_HEAD || !/^HTTP\/1\.[01] 200 /.test(head) || /\r\ntransfer-encoding:/i.test(head)) {
    close()
    return null
  }
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield start.subarray(end + 4)
      yield* chunks
    } catch (error) {
      if (signal.aborted) throw cancelled()
      const { code, message } = error as NodeJS.ErrnoException
      throw new CouldNotMeasure('measure', `The engine broke off \`docker save\`: ${code ?? message}.`)
    } finally {
      close()
    }
  }
  return { head, body: body(), close }
}

function cancelled(): CouldNotMeasure {
  return new CouldNotMeasure('cancelled', 'The run was cancelled while the engine was asked.')
}

/** An engine that gives no answer, and why. */
export function unanswered(why: string): CouldNotMeasure {
  return new CouldNotMeasure('precondition', `The Docker engine does not answer: ${why}`, {
    remedy:
      'Start Docker, or restart it where it hangs, and see that this user may use its socket: `docker info` must answer.',
  })
}
