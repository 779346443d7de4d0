import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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
    const entries = shell.stdout.split('\0').flatMap((entry) => {
      const equals = entry.indexOf('=')
      return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)] as const] : []
    })
    return [{ store, env: Object.fromEntries(entries.filter(([name, value]) => process.env[name] !== value)) }]
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

export type Repository = {
  /** Absolute path of the work tree. */
  dir: string
  /**
   * Writes files (path below `dir` to content; `null` removes it; a `#!` content is made executable) and commits everything.
   *
   * @returns the commit's SHA.
   */
  commit: (files: Record<string, string | Uint8Array | null>, message: string) => string
  /** Runs git in `dir`; its stdout without the final newline. Throws with git's stderr when it fails. */
  git: (...args: string[]) => string
  dispose: () => void
}

/**
 * A new git repository in a temporary folder, with branch `main` and no commit. Identity, dates (one minute apart) and
 * configuration are fixed, so equal commits have equal SHAs whoever runs the test.
 */
export function createRepository(): Repository {
  const dir = mkdtempSync(join(tmpdir(), 'image-budget-repository-'))
  let minutes = 0
  const git = (...args: string[]) => {
    const date = new Date(Date.UTC(2026, 0, 1, 0, minutes)).toISOString()
    const identity = { NAME: 'Test', EMAIL: 'test@example.invalid', DATE: date }
    const who = ['AUTHOR', 'COMMITTER'].flatMap((role) =>
      Object.entries(identity).map(([key, value]) => [`GIT_${role}_${key}`, value] as const),
    )
    // A test may itself run below git (a hook, a rebase), whose variables would point at the wrong repository.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
    return execFileSync('git', args, {
      cwd: dir,
      encoding: 'utf8',
      env: {
        ...Object.fromEntries(inherited),
        ...Object.fromEntries(who),
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trimEnd()
  }
  const commit: Repository['commit'] = (files, message) => {
    for (const [path, content] of Object.entries(files)) {
      const file = join(dir, path)
      if (content === null) {
        rmSync(file, { recursive: true })
        continue
      }
      mkdirSync(dirname(file), { recursive: true })
      const executable = typeof content === 'string' && content.startsWith('#!')
      writeFileSync(file, content, { mode: executable ? 0o755 : 0o644 })
    }
    minutes += 1
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', '--message', message)
    return git('rev-parse', 'HEAD')
  }
  git('init', '--quiet', '--initial-branch=main')
  return { dir, commit, git, dispose: () => rmSync(dir, { recursive: true, force: true }) }
}
