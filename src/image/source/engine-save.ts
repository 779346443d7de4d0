import { connect } from 'node:net'
import { addAbortSignal } from 'node:stream'
import type { Exec, OpenOutput } from '../../exec.ts'
import { CouldNotMeasure } from '../../failure.ts'

/**
 * What `docker save` prints of an image, as it comes. What is under way ends when the caller stops early.
 * Throws CouldNotMeasure `measure` where the engine breaks off or docker fails, `cancelled` where the run was.
 */
export type SaveImage = (name: string) => AsyncIterable<Uint8Array>

/** An engine's answer: its head's lines, each with its end, and its body, which has to be read or closed. */
type Answer = { head: string; body: AsyncIterable<Uint8Array>; close: () => void }

/** Bytes that the head of an answer may have; an engine's has a few hundred. */
const MAX_HEAD = 64 * 1024

/**
 * Saves by the engine's own API where the engine listens on a Unix socket of this machine: the docker command on the way takes about as
 * much processor time for a byte as reading it does here. Where the engine listens elsewhere, or does not answer so, by the docker command.
 */
export function createSaveImage(exec: Exec, openOutput: OpenOutput, signal: AbortSignal): SaveImage {
  return async function* save(name) {
    const path = await socketOf(exec)
    const answer = path === null ? null : await askToSave(path, name, signal)
    yield* answer === null ? await openOutput('docker', ['save', name]) : answer.body
  }
}

/** The Unix socket of the engine that docker commands speak to, whatever environment and context say; null where it has none. */
async function socketOf(exec: Exec): Promise<string | null> {
  const { exitCode, stdout } = await exec('docker', ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'])
  const [, path = null] = exitCode === 0 ? (/^unix:\/\/(\/.+)$/.exec(stdout.trim()) ?? []) : []
  return path
}

/** Asks in the engine's own version of its API, as its ping tells it: https://docs.docker.com/reference/api/engine/ */
async function askToSave(path: string, name: string, signal: AbortSignal): Promise<Answer | null> {
  const ping = await get(path, '/_ping', signal)
  ping?.close()
  const [, version] = /\r\napi-version: *(\d+\.\d+)\r\n/i.exec(ping?.head ?? '') ?? []
  return version === undefined ? null : get(path, `/v${version}/images/get?names=${encodeURIComponent(name)}`, signal)
}

/**
 * Asks by HTTP/1.0: then the body is all that follows the head, until the connection ends. Of HTTP/1.1 it comes in pieces, which take both
 * ends twice the time. Null where the engine does not answer, or with another status than 200.
 */
async function get(path: string, url: string, signal: AbortSignal): Promise<Answer | null> {
  const socket = addAbortSignal(signal, connect(path))
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
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
  if (end === -1 || !/^HTTP\/1\.[01] 200 /.test(head) || /\r\ntransfer-encoding:/i.test(head)) {
    close()
    return null
  }
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield start.subarray(end + 4)
      yield* { [Symbol.asyncIterator]: () => chunks }
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
  return new CouldNotMeasure('cancelled', 'The run was cancelled while `docker save` was under way.')
}
