import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** An engine that answers: `env` is what a docker command needs to reach it, laid over the process's own environment. */
export type Engine = { store: 'classic' | 'containerd'; env: Record<string, string> }

/** Two layers: a static busybox, then links of its applets and /etc. Builds on it take well under two seconds. */
export const BASE_IMAGE = 'image-budget/base:1'

const SCRIPT = fileURLToPath(new URL('../../scripts/engine.sh', import.meta.url))
const NOT_OFFERED = 3

/**
 * The engines to test with, started beforehand (`scripts/engine.sh start`, `scripts/base-images.sh all base`): both stores,
 * or, with `IMAGE_BUDGET_USE_DOCKER=1`, the one that the present Docker has.
 *
 * @throws Error with the script's own message when an engine that should run does not.
 */
export function engines(): Engine[] {
  return (['classic', 'containerd'] as const).flatMap((store) => {
    // The shell reads the lines, for they are quoted for a shell; `env -0` hands back what it understood.
    const shell = spawnSync('bash', ['-c', 'lines=$("$0" env "$1") || exit; eval "$lines"; env -0', SCRIPT, store], {
      encoding: 'utf8',
    })
    if (shell.status === NOT_OFFERED) return []
    if (shell.status !== 0) throw new Error(`no ${store} engine: ${shell.stderr}`)
    const entries = shell.stdout
      .split('\0')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const)
    // Whether or not the caller's own environment points at an engine already.
    return [{ store, env: Object.fromEntries(entries.filter(([name]) => /^(?:PATH|DOCKER_.*|BUILDX_.*)$/.test(name))) }]
  })
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
