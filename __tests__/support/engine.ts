import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** As scripts/engine.sh names them: the store and, of the older ones, Docker's major version. */
export type EngineName = 'classic' | 'containerd' | 'classic-20' | 'classic-26' | 'containerd-26'

/** An engine that answers: `env` is what a docker command needs to reach it, laid over the process's own environment. */
export type Engine = { name: EngineName; store: 'classic' | 'containerd'; env: Record<string, string> }

/** Two layers: a static busybox, then links of its applets and /etc. Builds on it take well under two seconds. */
export const BASE_IMAGE = 'image-budget/base:1'

const SCRIPT = fileURLToPath(new URL('../../scripts/engine.sh', import.meta.url))
/** Exit codes of scripts/engine.sh: the present Docker (`IMAGE_BUDGET_USE_DOCKER=1`) is not that one; the engine does not run. */
const NOT_OFFERED = 3
const NOT_RUNNING = 4

/**
 * The engines to test with, started beforehand (`scripts/engine.sh start`, `scripts/base-images.sh all base`): both stores,
 * or, with `IMAGE_BUDGET_USE_DOCKER=1`, the one that the present Docker has.
 *
 * @throws Error with the script's own message when an engine that should run does not.
 */
export function engines(): Engine[] {
  return (['classic', 'containerd'] as const).flatMap((name) => {
    const found = readEngine(name)
    if (typeof found !== 'string') return [found]
    if (process.env['IMAGE_BUDGET_USE_DOCKER'] === '1') return []
    throw new Error(`no ${name} engine: ${found}`)
  })
}

/** Those of {@link engines} and the older ones that run: for what has to be the same on every engine. Throws as it does. */
export function everyEngine(): Engine[] {
  return [
    ...engines(),
    ...(['classic-20', 'classic-26', 'containerd-26'] as const).flatMap((name) => findEngine(name) ?? []),
  ]
}

/**
 * The engine of that name, or null where it is not there: it was not started, or `IMAGE_BUDGET_USE_DOCKER=1` and the present
 * Docker is another one.
 */
export function findEngine(name: EngineName): Engine | null {
  const found = readEngine(name)
  return typeof found === 'string' ? null : found
}

/** The engine, or the script's message why it is not there. */
function readEngine(name: EngineName): Engine | string {
  const env = scriptEnvironment(SCRIPT, ['env', name], [NOT_OFFERED, NOT_RUNNING])
  if (typeof env === 'string') return env
  return { name, store: name.startsWith('containerd') ? 'containerd' : 'classic', env }
}

/**
 * What a script's lines for `eval` export, of the variables that tell a program where engines and peers are.
 *
 * @returns the script's message instead, if it ends with one of the exit codes `absent`.
 * @throws Error with its message if it fails in another way.
 */
export function scriptEnvironment(script: string, args: string[], absent: number[]): Record<string, string> | string {
  // The shell reads the lines, for they are quoted for a shell; `env -0` hands back what it understood.
  const shell = spawnSync('bash', ['-c', 'lines=$("$0" "$@") || exit; eval "$lines"; env -0', script, ...args], {
    encoding: 'utf8',
  })
  if (shell.status !== null && absent.includes(shell.status)) return shell.stderr
  if (shell.status !== 0) throw new Error(`${[script, ...args].join(' ')}: ${shell.stderr}`)
  const entries = shell.stdout
    .split('\0')
    .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const)
  // Whether or not the caller's own environment points at an engine already.
  return Object.fromEntries(entries.filter(([name]) => /^(?:PATH|(?:DOCKER|BUILDX|BUILDKIT|PEERS)_.*)$/.test(name)))
}

/**
 * Runs docker against an engine.
 *
 * @returns its stdout without the final newline.
 * @throws Error with its stderr in the message when it fails.
 */
export function docker(engine: Engine, ...args: string[]): string {
  return execFileSync('docker', args, {
    encoding: 'utf8',
    env: { ...process.env, ...engine.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  }).trimEnd()
}
