import { request } from 'node:http'
import { within, type Clock } from '../../clock.ts'
import { ANSWERS_WITHIN_MS, SAID_NOTHING, answeringInTime, lastError, type Exec } from '../../exec.ts'
import { CouldNotMeasure } from '../../failure.ts'
import type { EngineSocket } from './engine-socket.ts'
import { parseJson } from '../../json.ts'

/** What came of something that the engine was asked: its answer, or why there is none, in its own words. */
export type EngineAnswer = { ok: true; text: string } | { ok: false; why: string }

/** What reading an image asks of an engine. */
export type EngineImages = {
  /** What the engine tells of an image, as one JSON object: `docker image inspect`. */
  inspect: (name: string) => Promise<EngineAnswer>
  /** JSON with what it tells of its storage driver, `DriverStatus`: `docker info`. */
  driverStatus: () => Promise<EngineAnswer>
  tag: (id: string, name: string) => Promise<EngineAnswer>
  /** Pushes the image of that name to the registry in it. `signal` ends it; then it throws. */
  push: (name: string, signal: AbortSignal) => Promise<EngineAnswer>
  /** Takes a name away; the engine deletes the image where it has no other. */
  remove: (name: string) => Promise<EngineAnswer>
}

async function runDocker(exec: Exec, args: string[], signal?: AbortSignal): Promise<EngineAnswer> {
  // Content trust would sign what is pushed, with keys that it asks for.
  const { exitCode, stdout, stderr } = await exec('docker', args, {
    env: { DOCKER_CONTENT_TRUST: undefined },
    ...(signal && { signal }),
  })
  return exitCode === 0 ? { ok: true, text: stdout } : { ok: false, why: lastError(stderr).slice(0, 1_000) }
}

/** By the docker command, wherever the engine is. `tidyUp`: for taking away what was made, when the run may have been stopped. */
export function imagesByCommand(exec: Exec, tidyUp: () => Exec, clock: Clock): EngineImages {
  const inTime = answeringInTime(exec, clock)
  return {
    inspect: (name) => runDocker(inTime, ['image', 'inspect', '--format', '{{json .}}', name]),
    driverStatus: () => runDocker(inTime, ['info', '--format', '{{json .DriverStatus}}']),
    tag: (id, name) => runDocker(exec, ['tag', id, name]),
    push: (name, signal) => runDocker(exec, ['push', '--quiet', name], signal),
    remove: (name) => runDocker(tidyUp(), ['image', 'rm', name]),
  }
}

/** Milliseconds that taking a name away may take: what the run was stopped by does not stop it. */
const REMOVE_WITHIN_MS = 15_000

/**
 * By the engine's own API, where it listens on a socket of this machine: the start of a docker command takes a tenth of a second of
 * processor time, and reading an image takes five. `signal` ends all but `remove`. https://docs.docker.com/reference/api/engine/
 */
export function imagesBySocket(socket: EngineSocket, signal: AbortSignal, clock: Clock): EngineImages {
  const getInTime = (path: string): Promise<EngineAnswer> =>
    within(
      clock,
      ANSWERS_WITHIN_MS,
      (over) => ask(socket, 'GET', path, AbortSignal.any([signal, over])),
      () => ({ ok: false, why: SAID_NOTHING }),
    )
  return {
    inspect: (name) => getInTime(`${imagePath(name)}/json`),
    driverStatus: () => getInTime('/info'),
    tag: (id, name) =>
      ask(socket, 'POST', `${imagePath(id)}/tag?${new URLSearchParams(parts(name)).toString()}`, signal),
    push: async (name, own) => {
      const { repo, tag } = parts(name)
      const path = `${imagePath(repo)}/push?${new URLSearchParams({ tag }).toString()}`
      const answer = await ask(socket, 'POST', path, AbortSignal.any([signal, own]))
      // It has begun to answer before it knows whether it succeeds.
      const why = answer.ok ? pushError(answer.text) : null
      return why === null ? answer : { ok: false, why }
    },
    remove: (name) => ask(socket, 'DELETE', imagePath(name), AbortSignal.timeout(REMOVE_WITHIN_MS)),
  }
}

const imagePath = (name: string): string => `/images/${encodeURIComponent(name)}`

/** `host:port/repository:tag`, taken apart. */
function parts(name: string): { repo: string; tag: string } {
  const at = name.lastIndexOf(':')
  return { repo: name.slice(0, at), tag: name.slice(at + 1) }
}

/** Characters of an answer that are kept, the last ones: a push tells of its progress many times a second. */
const MAX_ANSWER = 8_000_000

async function ask(socket: EngineSocket, method: string, path: string, signal: AbortSignal): Promise<EngineAnswer> {
  try {
    const { status, text } = await exchange(socket, method, path, signal)
    if (status >= 200 && status < 300) return { ok: true, text }
    const { message } = (parseJson(text) ?? {}) as { message?: unknown }
    return {
      ok: false,
      why: typeof message === 'string' ? message.slice(0, 1_000) : `it answered with status ${status}.`,
    }
  } catch (error) {
    if (signal.aborted) throw new CouldNotMeasure('cancelled', 'The run was cancelled while the engine was asked.')
    return { ok: false, why: (error as Error).message }
  }
}

function exchange(
  { path: socketPath, version }: EngineSocket,
  method: string,
  path: string,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    // Credentials of nobody: what is pushed goes to this process.
    const headers = method === 'POST' ? { 'X-Registry-Auth': Buffer.from('{}').toString('base64url') } : {}
    const asked = request(
      { socketPath, method, path: `/v${version}${path}`, headers, signal, agent: false },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (text = (text + chunk).slice(-MAX_ANSWER)))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
        answer.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

/** The engine's progress is a JSON object a line; one with `error` is the end of it. */
function pushError(text: string): string | null {
  const line = text.split(/\r?\n/).findLast((each) => each.includes('"error"'))
  const { error } = (line === undefined ? {} : (parseJson(line) ?? {})) as { error?: unknown }
  return typeof error === 'string' ? error.slice(0, 1_000) : null
}
