import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
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

const STDERR_KEPT = 256 * 1024
const STDOUT_LIMIT = 256 * 1024 * 1024
/** How long a program that was told to stop may take, before it is made to. */
const KILL_AFTER_MS = 8_000
/** How long an ended program's output is waited for. */
const DRAIN_MS = 1_000

/** What belongs to the action itself and no program needs: its inputs (the token among them). */
const OWN_VARIABLES = /^INPUT_/
/** What the runner gives to actions (caches, artifacts, OIDC) but not to a workflow's `run` steps; and the usual tokens. */
const CREDENTIALS = /^(?:ACTIONS_.*|GITHUB_TOKEN|GH_TOKEN)$/

/** The Exec of a run: `env` is the parent's environment, `signal` stops every program that is under way. */
export function createExec(env: Record<string, string | undefined>, signal: AbortSignal): Exec {
  const inherited = Object.fromEntries(Object.entries(env).filter(([name]) => !OWN_VARIABLES.test(name)))

  return async (program, args, options = {}) => {
    if (signal.aborted) throw cancelled(program)
    const { cwd, onLine = () => {} } = options
    if (cwd !== undefined && !(await isFolder(cwd))) {
      throw new CouldNotMeasure('precondition', `There is no folder \`${cwd}\` to run \`${program}\` in.`)
    }
    const stdout: Buffer[] = []
    let stdoutBytes = 0
    let stderr = ''
    const stdoutLines = new Lines(onLine)
    const stderrLines = new Lines(onLine)
    try {
      const exitCode = await untilClosed(
        program,
        args,
        {
          env: environment({ ...inherited, ...options.env }, options.withoutCredentials ?? false),
          ...(cwd === undefined ? {} : { cwd }),
        },
        options.input ?? '',
        signal,
        {
          stdout: (data) => {
            stdoutBytes += data.length
            if (stdoutBytes <= STDOUT_LIMIT) stdout.push(data)
            stdoutLines.write(data)
          },
          stderr: (data) => {
            stderr = (stderr + stderrLines.write(data)).slice(-STDERR_KEPT)
          },
        },
      )
      stdoutLines.end()
      stderrLines.end()
      if (signal.aborted) throw cancelled(program)
      if (stdoutBytes > STDOUT_LIMIT) {
        throw new CouldNotMeasure('measure', `\`${program} ${args[0] ?? ''}\` printed more than ${STDOUT_LIMIT} bytes.`)
      }
      return { exitCode, stdout: Buffer.concat(stdout).toString('utf8'), stderr }
    } catch (error) {
      throw signal.aborted ? cancelled(program) : (notStarted(program, error) ?? error)
    }
  }
}

/** Starts the program and gives its exit code once it has ended and its output is read. Rejects where it cannot be started. */
async function untilClosed(
  program: string,
  args: string[],
  options: { env: Record<string, string>; cwd?: string },
  input: string,
  signal: AbortSignal,
  onData: Record<'stdout' | 'stderr', (data: Buffer) => void>,
): Promise<number> {
  // A process group of its own: what the program starts (a shell its commands, docker its plugins) is stopped with it.
  const child = spawn(program, args, { ...options, detached: true })
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    signalGroup(child.pid, 'SIGTERM')
    timer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  child.stdout.on('data', onData.stdout)
  child.stderr.on('data', onData.stderr)
  // A program that ends without reading its input is no error of ours.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => {
        // What it left running in the background may hold its output open for ever.
        if (!signal.aborted)
          timer = setTimeout(() => [child.stdout, child.stderr].map((open) => open.destroy()), DRAIN_MS)
      })
      child.once('close', (code, endedBy) => resolve(code ?? 128 + constants.signals[endedBy ?? 'SIGKILL']))
    })
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(timer)
    if (signal.aborted) signalGroup(child.pid, 'SIGKILL')
  }
}

/** Signals a child and all that it started; that none of them is left is no error. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Why a program could not be started, or null for an error of another kind. */
function notStarted(program: string, error: unknown): CouldNotMeasure | null {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'EACCES':
      return new CouldNotMeasure('precondition', `\`${program}\` is not installed or not on the PATH.`, {
        remedy: `Install ${program}; GitHub's hosted Linux runners have it.`,
      })
    case 'E2BIG':
      return new CouldNotMeasure('input', `The arguments of \`${program}\` are longer than the system takes.`, {
        remedy: 'Hand long values over in files (`secret-files`, a file in the build context).',
      })
    default:
      return null
  }
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
    this.rest += first
    for (const next of more) {
      this.onLine(this.rest.replace(/\r$/, ''))
      this.rest = next
    }
    return text
  }

  /** The last line may have no line end. */
  end(): void {
    if (this.rest !== '') this.onLine(this.rest.replace(/\r$/, ''))
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
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
