import { spawn, spawnSync } from 'node:child_process'
import { Terminal } from '@xterm/headless'

/** Whether there is a program that runs another one on a terminal (util-linux's `script`). */
export const isPty = spawnSync('script', ['--version']).status === 0

/** What a command left on the terminal that it ran on. */
export type Seen = {
  exitCode: number | null
  /** Every byte that it wrote, its moves among them. */
  written: string
  /** The lines that stand there in the end, without blank ones behind them. */
  lines: string[]
}

/**
 * Runs a command on a terminal of that width, and reads what a person sees of it in the end. `onOutput` is told what has come so far,
 * and types.
 */
export async function runOnTerminal(
  command: string[],
  options: {
    cwd: string
    env: Record<string, string | undefined>
    columns: number
    onOutput?: (written: string, type: (keys: string) => void) => void
  },
): Promise<Seen> {
  const { columns, cwd, onOutput } = options
  const rows = 24
  const line = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ')
  const child = spawn('script', ['-qec', `stty cols ${columns} rows ${rows}; exec ${line}`, '/dev/null'], {
    cwd,
    env: options.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 5_000 })
  let written = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text
    terminal.write(text)
    onOutput?.(written, (keys) => void child.stdin.write(keys))
  })
  const exitCode = await new Promise<number | null>((ended, failed) => {
    child.once('error', failed)
    child.once('close', ended)
  })
  await new Promise<void>((done) => terminal.write('', done))
  const buffer = terminal.buffer.active
  const lines = Array.from({ length: buffer.length }, (_, at) => buffer.getLine(at)!.translateToString(true))
  return { exitCode, written, lines: lines.slice(0, lines.findLastIndex((each) => each !== '') + 1) }
}
