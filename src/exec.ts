import { AsyncLocalStorage } from 'node:async_hooks'
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { exec as run } from '@actions/exec'
import { which } from '@actions/io'
import { CouldNotMeasure } from './failure.ts'

export type ExecOptions = {
  cwd?: string
  /** Added to (or, with undefined, taken out of) the environment of the program. */
  env?: Record<string, string | undefined>
  /** The program gets none of the variables that give a run's credentials to actions. */
  withoutCredentials?: boolean
  /** Called with each line of standard output and error as it comes, without its line end. */
  onLine?: (line: string) => void
  /** Text for standard input. */
  input?: string
}

export type ExecResult = {
  /** 0 to 255; 128 + signal number where a signal ended the program. */
  exitCode: number
  stdout: string
  /** The last 256 kB of standard error: a build's log can be of any length. */
  stderr: string
}

/**
 * Runs a program with an argument vector, never through a shell. Resolves whatever the exit code is.
 * Throws CouldNotMeasure `precondition` where the program is not installed, `cancelled` where the run was cancelled.
 */
export type Exec = (program: string, args: string[], options?: ExecOptions) => Promise<ExecResult>

const STDERR_KEPT = 256 * 1024
const STDOUT_LIMIT = 256 * 1024 * 1024
const KILL_AFTER_MS = 8_000

/** What belongs to the action itself and no program needs: its inputs (the token among them). */
const OWN_VARIABLES = /^INPUT_/
/** What the runner gives to actions (caches, artifacts, OIDC) but not to a workflow's `run` steps; and the usual tokens. */
const CREDENTIALS = /^(?:ACTIONS_.*|GITHUB_TOKEN|GH_TOKEN)$/

/*
 * `@actions/exec` gives no handle on the process it starts. Node publishes each new child on its `child_process`
 * diagnostics channel, in the async context of the call that made it: so each call finds its own child.
 */
const onSpawn = new AsyncLocalStorage<(child: ChildProcess) => void>()
subscribe('child_process', (message) => onSpawn.getStore()?.((message as { process: ChildProcess }).process))

/** The Exec of a run: `env` is the parent's environment, `signal` stops every program that is under way. */
export function createExec(env: Record<string, string | undefined>, signal: AbortSignal): Exec {
  const inherited = Object.fromEntries(Object.entries(env).filter(([name]) => !OWN_VARIABLES.test(name)))

  return async (program, args, options = {}) => {
    if (signal.aborted) throw cancelled(program)
    if (!(await which(program))) {
      throw new CouldNotMeasure('precondition', `\`${program}\` is not installed or not on the PATH.`, {
        remedy: `Install ${program}; GitHub's hosted Linux runners have it.`,
      })
    }
    const stdout: Buffer[] = []
    let stdoutBytes = 0
    let stderr = ''
    let child: ChildProcess | undefined
    let killTimer: NodeJS.Timeout | undefined
    const stop = (): void => {
      child?.kill('SIGTERM')
      killTimer = setTimeout(() => child?.kill('SIGKILL'), KILL_AFTER_MS)
    }
    const track = (started: ChildProcess): void => {
      child = started
      started.once('spawn', () => {
        if (signal.aborted) stop()
      })
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      const code: number | null = await onSpawn.run(track, () =>
        run(`"${program}"`, args, {
          silent: true,
          ignoreReturnCode: true,
          env: environment({ ...inherited, ...options.env }, options.withoutCredentials ?? false),
          ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
          ...(options.input === undefined ? {} : { input: Buffer.from(options.input) }),
          listeners: {
            stdout: (data) => {
              stdoutBytes += data.length
              if (stdoutBytes <= STDOUT_LIMIT) stdout.push(data)
            },
            stderr: (data) => {
              stderr = (stderr + data.toString('utf8')).slice(-STDERR_KEPT)
            },
            ...(options.onLine ? { stdline: options.onLine, errline: options.onLine } : {}),
          },
        }),
      )
      if (signal.aborted) throw cancelled(program)
      if (stdoutBytes > STDOUT_LIMIT) {
        throw new CouldNotMeasure('measure', `\`${program} ${args[0] ?? ''}\` printed more than ${STDOUT_LIMIT} bytes.`)
      }
      return { exitCode: code ?? 128, stdout: Buffer.concat(stdout).toString('utf8'), stderr }
    } catch (error) {
      if (signal.aborted) throw cancelled(program)
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
      clearTimeout(killTimer)
    }
  }
}

function cancelled(program: string): CouldNotMeasure {
  return new CouldNotMeasure('cancelled', `The run was cancelled while \`${program}\` was under way.`)
}

function environment(env: Record<string, string | undefined>, withoutCredentials: boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !(withoutCredentials && CREDENTIALS.test(entry[0])),
    ),
  )
}
