import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn, type ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync, readdirSync } from 'node:fs'
import { access, constants as mode, stat } from 'node:fs/promises'
import { basename, delimiter, join, resolve } from 'node:path'
import { constants } from 'node:os'
import { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { exec as run } from '@actions/exec'
import { within, type Clock } from './clock.ts'
import { CouldNotMeasure } from './failure.ts'

export type ExecOptions = {
  cwd?: string
  /** Added to (or, with undefined, taken out of) the environment of the program. */
  env?: Record<string, string | undefined>
  /** The program gets none of the variables that give a run's credentials to actions. */
  withoutCredentials?: boolean
  /** Called with each line of standard output and error as it comes, without its line end (LF or CRLF). */
  onLine?: (line: string) => void
  /** Text for standard input; without it the program finds its end at once. */
  input?: string
  /** Stops this program alone, as cancelling the run does. */
  signal?: AbortSignal
}

export type ExecResult = {
  /** 0 to 255; 128 + signal number where a signal ended the program. */
  exitCode: number
  stdout: string
  /** The last 256 Ki characters of standard error: a build's log can be of any length. */
  stderr: string
}

/**
 * Runs a program with an argument vector, never through a shell. Resolves whatever the exit code is.
 * Throws CouldNotMeasure `precondition` where the program is not installed or the folder to run it in is not there, `cancelled`
 * where the run was cancelled: no process of the program's own is left then.
 */
export type Exec = (program: string, args: string[], options?: ExecOptions) => Promise<ExecResult>

/**
 * Starts a program and gives its standard output as it comes: bytes of any length, and the program waits while nobody reads. Without
 * input. The stream ends where the program ends with exit code 0; else it fails with CouldNotMeasure `measure`, which has the last line
 * of its standard error, or `cancelled`. Destroying the stream stops the program with all that it started; `close` comes when it is gone.
 * Throws what Exec throws where the program cannot be started.
 */
export type OpenOutput = (
  program: string,
  args: string[],
  options?: Pick<ExecOptions, 'cwd' | 'env' | 'withoutCredentials'>,
) => Promise<Readable>

const STDERR_KEPT = 256 * 1024
const LINE_LIMIT = 64 * 1024
const STDOUT_LIMIT = 256 * 1024 * 1024
/** How long a program that was told to stop may take, before it is made to. */
const KILL_AFTER_MS = 5_000
/** How long an ended program's output is waited for. */
const DRAIN_MS = 1_000

/** What belongs to the action itself and no program needs: its inputs (the token among them). */
const OWN_VARIABLES = /^INPUT_/
/**
 * What the runner gives to actions (caches, artifacts, OIDC) but not to a workflow's `run` steps; the usual tokens; and the files
 * through which the action itself hands over its outputs.
 */
const CREDENTIALS = /^(?:ACTIONS_.*|GITHUB_TOKEN|GH_TOKEN|GITHUB_(?:ENV|OUTPUT|PATH|STATE|STEP_SUMMARY))$/

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP (a terminal that is closed). From then on neither ends this process: what is under way is stopped, by force after a few
 * seconds, and what was made is removed; a second Ctrl-C must not leave it behind.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort())
  return controller.signal
}

/** Why a program failed, by the last line that it printed on standard error. */
export function lastError(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? ''
  return line.replace(/^(?:ERROR|error): ?/, '') || 'it gave no reason.'
}

/** A daemon that is busy takes seconds to answer; one that hangs takes the connection and never says a word. */
export const ANSWERS_WITHIN_MS = 60_000
/** Why there is no answer, after that. */
export const SAID_NOTHING = `it has said nothing for ${ANSWERS_WITHIN_MS / 1000} seconds.`

/** For questions to a daemon that may hang: where the program has not ended by itself within a minute it is stopped, and gives a failure that says so. */
export function answeringInTime(exec: Exec, clock: Clock): Exec {
  return (program, args, options = {}) => {
    const silent: ExecResult = { exitCode: 1, stdout: '', stderr: SAID_NOTHING }
    const ask = (over: AbortSignal): Promise<ExecResult> => {
      const signal = options.signal === undefined ? over : AbortSignal.any([options.signal, over])
      return exec(program, args, { ...options, signal })
    }
    return within(clock, ANSWERS_WITHIN_MS, ask, () => silent)
  }
}

/** The Exec of a run: `env` is the parent's environment, `signal` stops every program that is under way. */
export function createExec(env: Record<string, string | undefined>, signal: AbortSignal): Exec {
  return async (program, args, options = {}) => {
    const { onLine = () => {} } = options
    const stopped = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal])
    const start = await prepare(program, args, env, options, stopped)
    const stdout: Buffer[] = []
    let stdoutBytes = 0
    let stderr = ''
    const stdoutLines = new Lines(onLine)
    const stderrLines = new Lines(onLine)
    try {
      const exitCode = await untilEnded(
        start.path,
        args,
        {
          silent: true,
          ignoreReturnCode: true,
          delay: DRAIN_MS,
          ...start.options,
          // An empty input too: without one, what reads its standard input would wait for ever.
          input: Buffer.from(options.input ?? ''),
          listeners: {
            stdout: (data) => {
              stdoutBytes += data.length
              if (stdoutBytes <= STDOUT_LIMIT) stdout.push(data)
              stdoutLines.write(data)
            },
            stderr: (data) => {
              stderr = (stderr + stderrLines.write(data)).slice(-STDERR_KEPT)
            },
          },
        },
        stopped,
      )
      stdoutLines.end()
      stderrLines.end()
      if (stopped.aborted) throw cancelled(program)
      if (stdoutBytes > STDOUT_LIMIT) {
        const command = `${basename(program)} ${args[0] ?? ''}`
        throw new CouldNotMeasure('measure', `\`${command}\` printed more than ${STDOUT_LIMIT} bytes.`)
      }
      return { exitCode, stdout: Buffer.concat(stdout).toString('utf8'), stderr }
    } catch (error) {
      throw stopped.aborted ? cancelled(program) : error
    }
  }
}

/**
 * The OpenOutput of a run, as `createExec` makes its Exec. Not by `@actions/exec`: that searches every chunk for line ends, in a time
 * that grows with the square of the length of output that has none, and cannot make the program wait.
 */
export function createOpenOutput(env: Record<string, string | undefined>, signal: AbortSignal): OpenOutput {
  return async (program, args, options = {}) => {
    const start = await prepare(program, args, env, options, signal)
    const child = spawn(start.path, args, { ...start.options, stdio: ['ignore', 'pipe', 'pipe'] })
    const stopper = createStopper()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT)
    })
    const hasEnded = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null
    const output = new Readable({
      read: () => void child.stdout.resume(),
      destroy: (error, done) => {
        signal.removeEventListener('abort', cancel)
        child.stdout.destroy()
        const end = (): void => {
          stopper.finish()
          done(error)
        }
        if (hasEnded()) return end()
        child.once('exit', end)
        stopper.stop(child.pid)
      },
    })
    const cancel = (): void => void output.destroy(cancelled(program))
    signal.addEventListener('abort', cancel, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      if (!output.push(chunk)) child.stdout.pause()
    })
    child.once('error', (error) => output.destroy(error))
    child.once('close', (code, killedBy) => {
      if (code === 0) output.push(null)
      else output.destroy(failed([program, args[0] ?? ''].join(' ').trim(), code, killedBy, stderr))
    })
    return output
  }
}

function failed(what: string, code: number | null, signal: NodeJS.Signals | null, stderr: string): CouldNotMeasure {
  const how = code === null ? `was ended by ${signal}` : `failed with exit code ${code}`
  const said = stderr.trim().split(/\r?\n/).at(-1) ?? ''
  return new CouldNotMeasure('measure', `\`${what}\` ${how}${said === '' ? '.' : `: ${said}`}`)
}

/** What to do where a program is missing. */
function remedyWithout(program: string): string {
  if (program === 'docker')
    return "Install docker, or run the job where it is: GitHub's hosted Linux runners have it, those with macOS have no engine. An image in a registry (`image: docker://…`) is measured without."
  return program === 'git' || program === 'bash'
    ? `Install ${program}; GitHub's hosted Linux runners have it.`
    : `Install ${program}.`
}

type Prepared = { path: string; options: { env: Record<string, string>; cwd?: string } }

/** What starting a program takes. Throws where it cannot be started, with the reason that the user can do something about. */
async function prepare(
  program: string,
  args: string[],
  parent: Record<string, string | undefined>,
  { cwd, env, withoutCredentials = false }: ExecOptions,
  signal: AbortSignal,
): Promise<Prepared> {
  if (process.platform === 'win32') {
    throw new CouldNotMeasure('precondition', 'Image Budget does not run on Windows.', {
      remedy: 'Run the job on Linux (`runs-on: ubuntu-latest`); it measures Linux images.',
    })
  }
  if (cwd !== undefined && !(await isFolder(cwd))) {
    throw new CouldNotMeasure('precondition', `There is no folder \`${cwd}\` to run \`${basename(program)}\` in.`)
  }
  const path = await findProgram(program, parent['PATH'] ?? '')
  // Nothing is waited for from here until the program is started: a run that was cancelled meanwhile starts nothing.
  if (signal.aborted) throw cancelled(program)
  if (path === null) {
    throw new CouldNotMeasure('precondition', `\`${basename(program)}\` is not installed or not on the PATH.`, {
      remedy: remedyWithout(basename(program)),
    })
  }
  if (!fits(args)) {
    throw new CouldNotMeasure('input', `The arguments of \`${basename(program)}\` are longer than the system takes.`, {
      remedy: 'Hand long values over in files (`secret-files`, a file in the build context).',
    })
  }
  const inherited = Object.entries(parent).filter(([name]) => !OWN_VARIABLES.test(name))
  const given = environment({ ...Object.fromEntries(inherited), ...env }, withoutCredentials)
  return { path, options: { env: given, ...(cwd === undefined ? {} : { cwd }) } }
}

/*
 * `@actions/exec` gives no handle on the process it starts. Node publishes each new one on its `child_process` diagnostics
 * channel, in the async context of the call that made it: so each call finds its own child.
 */
const onSpawn = new AsyncLocalStorage<(child: ChildProcess) => void>()
subscribe('child_process', (message) => onSpawn.getStore()?.((message as { process: ChildProcess }).process))

/** Runs the program and gives its exit code once it has ended and its output is read; stops it when the run is cancelled. */
async function untilEnded(
  program: string,
  args: string[],
  options: Parameters<typeof run>[2],
  signal: AbortSignal,
): Promise<number> {
  let child: ChildProcess | undefined
  const stopper = createStopper()
  const stop = (): void => stopper.stop(child?.pid)
  const track = (started: ChildProcess): void => {
    child = started
    started.once('spawn', () => {
      // A program that ends without reading its input is no error of ours.
      started.stdin?.on('error', () => {})
      if (signal.aborted) stop()
    })
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    // What it takes is a command line, in which quotes and backslashes are escaped.
    const code: number | null = await onSpawn.run(track, () =>
      run(`"${program.replaceAll(/[\\"]/g, '\\$&')}"`, args, options),
    )
    return code ?? 128 + constants.signals[child?.signalCode ?? 'SIGKILL']
  } finally {
    signal.removeEventListener('abort', stop)
    stopper.finish()
  }
}

/** Stops a process and all that it started: asks first, insists after a few seconds or when the process itself has ended. */
function createStopper(): { stop: (pid: number | undefined) => void; finish: () => void } {
  let tree: number[] = []
  let timer: NodeJS.Timeout | undefined
  return {
    stop: (pid) => {
      tree = processTree(pid)
      kill(tree, 'SIGTERM')
      // The run may be cancelled while the program is being started: then this happens twice.
      clearTimeout(timer)
      timer = setTimeout(() => kill(tree, 'SIGKILL'), KILL_AFTER_MS)
    },
    finish: () => {
      clearTimeout(timer)
      kill(tree, 'SIGKILL')
    },
  }
}

/**
 * A process and all that it started (a shell its commands, docker its plugins), as far as the system tells: Linux lists in /proc what each of a
 * process's threads started (a Go program starts others from any), elsewhere it is the process alone.
 */
function processTree(pid: number | undefined): number[] {
  if (pid === undefined) return []
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => childrenOf(pid, thread))
    return [pid, ...children.flatMap(processTree)]
  } catch {
    return [pid]
  }
}

function childrenOf(pid: number, thread: string): number[] {
  try {
    const listed = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
    return listed.split(' ').filter(Boolean).map(Number)
  } catch {
    // The thread has ended meanwhile.
    return []
  }
}

/** Signals processes; that one of them is gone, or another user's, is no error. */
function kill(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      // EPERM: what `sudo` started in it is not ours to stop.
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

/** Whether the system takes these arguments: Linux has limits of 128 KiB for each (MAX_ARG_STRLEN) and of 2 MiB for all (ARG_MAX). */
function fits(args: string[]): boolean {
  const lengths = args.map((arg) => Buffer.byteLength(arg) + 1)
  return lengths.every((length) => length <= 128 * 1024) && lengths.reduce((sum, length) => sum + length, 0) < 1_500_000
}

/** Cuts a stream of UTF-8 bytes into lines, whatever its chunks. */
class Lines {
  private readonly decoder = new StringDecoder('utf8')
  private rest = ''
  private readonly onLine: (line: string) => void

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine
  }

  /** Gives the text of the chunk. */
  write(data: Buffer): string {
    const text = this.decoder.write(data)
    const [first = '', ...more] = text.split('\n')
    this.rest = this.shortened(this.rest + first)
    for (const next of more) {
      this.onLine(this.rest.replace(/\r$/, ''))
      this.rest = this.shortened(next)
    }
    return text
  }

  /** A line without an end must not fill the memory: what is over the limit is told as a line of its own. */
  private shortened(rest: string): string {
    if (rest.length <= LINE_LIMIT) return rest
    this.onLine(rest)
    return ''
  }

  /** The last line may have no line end. */
  end(): void {
    if (this.rest !== '') this.onLine(this.rest.replace(/\r$/, ''))
  }
}

/** Absolute path of a program, from the PATH where it is a name alone; null where there is none that may be executed. */
export async function findProgram(program: string, path: string): Promise<string | null> {
  const candidates = /[\\/]/.test(program)
    ? [resolve(program)]
    : path
        .split(delimiter)
        .filter(Boolean)
        .map((folder) => join(folder, program))
  for (const candidate of candidates) {
    const found = await access(candidate, mode.X_OK).then(
      async () => (await stat(candidate)).isFile(),
      () => false,
    )
    if (found) return candidate
  }
  return null
}

/** Whether a folder is there, links followed. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function cancelled(program: string): CouldNotMeasure {
  return new CouldNotMeasure('cancelled', `The run was cancelled while \`${basename(program)}\` was under way.`)
}

function environment(env: Record<string, string | undefined>, withoutCredentials: boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !(withoutCredentials && CREDENTIALS.test(entry[0])),
    ),
  )
}
