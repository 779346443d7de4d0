import type { Log } from './log.ts'
import { displayWidth, fitMiddle, manyLines, oneLine } from './report/characters.ts'
import { formatBytes, formatCount } from './report/units.ts'

/** A terminal, or what standard error goes to instead. */
export type Screen = {
  write: (text: string) => void
  /** Columns and rows as they are now. */
  size: () => { columns: number; rows: number }
  /** Somebody looks at it: what is under way is shown at the bottom, and goes away again. */
  isLive: boolean
  colour: boolean
  /** Milliseconds, of any origin. */
  now: () => number
  /** Calls again and again, until it is told to stop; keeps no process alive. */
  every: (milliseconds: number, call: () => void) => () => void
}

/** The log of a run on a terminal, and a way to say something beside it. */
export type TerminalLog = Log & {
  /** One line or more, above what is under way; of hostile text only what can be printed. */
  say: (text: string) => void
  /** Takes away what is under way; from then on nothing is shown but what is said. */
  close: () => void
}

/** How often what is under way is drawn anew. */
const EVERY_MS = 150
/** Builds that have a line of their own. */
const SHOWN = 6
/** A bar, the start of an instruction and a time need this much. */
const COLUMNS_MIN = 20

/** A build or an image that is read, while it is under way. */
type Task = {
  label: string
  /** What it does when no step runs: reading layers. */
  doing: string
  since: number
  steps: Map<number, Step>
  /** Steps that the cache had, and that nothing was said of yet. */
  cached: number
}

/** A step of a build (a vertex of BuildKit's graph), by its number in the log. */
type Step = { text: string; since: number; isRunning: boolean; isInternal: boolean }

/**
 * The log of a run, for a person. Where nobody looks: each build's lines as they come, behind its side's name; of buildx's numbered lines
 * only the steps, unless `verbose`; what it says of a failed step at the end, and what `before-build` prints, whole. On a terminal a step
 * that was run has a line when it is finished, and what is under way stands below, a line for each build. `signal`: after it, nothing is told of what is
 * being stopped.
 */
export function createTerminalLog(
  screen: Screen,
  { verbose, signal }: { verbose: boolean; signal: AbortSignal },
): TerminalLog {
  const area = createArea(screen)
  const tasks = new Set<Task>()
  let bytes = 0
  let isClosed = false
  let stop: (() => void) | null = null

  const say = (text: string): void => area.print(manyLines(text).join('\n'))
  const draw = (): void => area.show(underWay(tasks, bytes, screen))
  const refresh = (): void => {
    if (!screen.isLive || isClosed) return
    if (tasks.size > 0) {
      stop ??= screen.every(EVERY_MS, draw)
      return draw()
    }
    stop?.()
    stop = null
    area.show([])
  }
  const dim = (row: string): string => (screen.colour ? `\u001b[2m${row}\u001b[22m` : row)
  const row = (label: string, text: string, isWhole: boolean): void => {
    const line = manyLines(`${label} │ ${text}`).join(' ')
    const isCut = screen.isLive && !isWhole
    area.print(dim(isCut ? fitMiddle(oneLine(line), lineWidth(screen)) : line))
  }

  return {
    section: (title) => {
      // Of several images each says which one it is.
      const [, image = '', what = ''] = /^(.*: )?(?:Build|Read) (base\b)?/s.exec(title) ?? []
      const label = `${image.replace(/: $/, ' ')}${what || 'head'}`
      const isRead = /^(?:.*: )?Read /s.test(title)
      const task: Task = {
        label,
        doing: isRead ? 'reading' : 'starting',
        since: screen.now(),
        steps: new Map(),
        cached: 0,
      }
      say(oneLine(title.replaceAll('`', '')))
      tasks.add(task)
      refresh()
      return {
        line: (text) => {
          if (signal.aborted) return
          const isKept = verbose || !/^(?:#\d+ (?!\[(?!internal))|\s*$)/.test(text)
          if (!screen.isLive) {
            if (isKept) row(label, text, true)
            return
          }
          const finished = advance(task, text, screen.now())
          if (verbose) row(label, text, true)
          else if (finished !== null) row(label, finished, false)
          // What it is about to do is shown while it does; that it was stopped, for the other side failed, is no news.
          else if (isKept && !/^#\d+ |…$|^ERROR: .*\bcontext canceled$/.test(text)) row(label, text, true)
          refresh()
        },
        end: () => {
          tasks.delete(task)
          if (screen.isLive && !signal.aborted && task.cached > 0 && !verbose)
            row(label, `${formatCount(task.cached, 'step')} cached`, false)
          refresh()
        },
      }
    },
    info: say,
    warning: (text) => say(`Warning: ${text}`),
    read: (more) => {
      bytes += more
    },
    say,
    close: () => {
      isClosed = true
      stop?.()
      stop = null
      area.show([])
    },
  }
}

/**
 * What a line of `--progress=plain` tells (`#5 [2/4] RUN make`, `#5 DONE 1.2s`, `#5 CACHED`, `#5 0.31 output`): a step that it ends, as the
 * line to keep of it, or null; those that the cache had are counted. BuildKit says a step's first line again where it comes back to it.
 */
function advance(task: Task, line: string, now: number): string | null {
  const [, number, rest = ''] = /^#(\d+) (.*)$/s.exec(line) ?? []
  if (number === undefined) {
    if (line.endsWith('…')) Object.assign(task, { doing: line.replace(/ …$/, ''), since: now })
    return null
  }
  const key = Number(number)
  const step = task.steps.get(key)
  const ended = /^(?:DONE( [\d.]+s)?|(CACHED)|ERROR\b.*|CANCELED)$/s.exec(rest)
  if (ended !== null) {
    if (step === undefined || !step.isRunning) return null
    step.isRunning = false
    Object.assign(task, { doing: 'waiting', since: now })
    if (step.isInternal || rest.startsWith('ERROR') || rest === 'CANCELED') return null
    if (ended[2] === undefined) return `${step.text}${ended[1] ?? ''}`
    task.cached += 1
  } else if (step === undefined && key > 0) {
    // One that goes on after its end (an export's many parts) is known, and no new one.
    const isInternal = !/^\[(?![^\]]*\binternal\])/.test(rest)
    task.steps.set(key, { text: oneLine(rest), since: now, isRunning: true, isInternal })
  }
  return null
}

/** What is under way: a line for each build, and how much was read. */
function underWay(tasks: ReadonlySet<Task>, bytes: number, screen: Screen): string[] {
  const width = lineWidth(screen)
  const now = screen.now()
  const { rows } = screen.size()
  const most = Math.max(1, Math.min(SHOWN, rows - 3))
  const shown = [...tasks].slice(0, most)
  const labels = Math.min(Math.max(0, ...shown.map(({ label }) => displayWidth(oneLine(label)))), Math.floor(width / 3))
  const lines = shown.map((task) => taskLine(task, labels, width, now))
  const more = tasks.size - shown.length
  const notes = [...(more > 0 ? [`${more} more`] : []), ...(bytes > 0 ? [`${formatBytes(bytes)} of layers read`] : [])]
  return notes.length === 0 || lines.length === 0 ? lines : [...lines, fitMiddle(`  ${notes.join(', ')}`, width)]
}

/** `head │ [2/4] RUN npm ci                12 s`. */
function taskLine(task: Task, labels: number, width: number, now: number): string {
  const running = [...task.steps.values()].filter((step) => step.isRunning)
  // What everybody waits for is what has run for longest.
  const [step, ...others] = running.toSorted((one, other) => one.since - other.since)
  const time = ` ${seconds(now - (step?.since ?? task.since))}`
  const beside = others.length > 0 ? ` +${others.length}` : ''
  const name = fitMiddle(oneLine(task.label), labels)
  const start = `${name}${' '.repeat(labels - displayWidth(name))} │ `
  const room = Math.max(0, width - displayWidth(start) - time.length - beside.length)
  const text = fitMiddle(oneLine(step?.text ?? task.doing), room)
  return `${start}${text}${beside}${' '.repeat(room - displayWidth(text))}${time}`
}

/** `8 s`, `2 min 05 s`. */
function seconds(milliseconds: number): string {
  const all = Math.max(0, Math.floor(milliseconds / 1000))
  return all < 60 ? `${all} s` : `${Math.floor(all / 60)} min ${String(all % 60).padStart(2, '0')} s`
}

/** The last column stays free: terminals differ over what a full line does to the next one. */
function lineWidth(screen: Screen): number {
  return Math.max(COLUMNS_MIN, screen.size().columns) - 1
}

/** The lines at the bottom, which are replaced, and what is printed above them. ECMA-48: CUU (8.3.22), ED (8.3.39). */
function createArea({ write, size, isLive }: Screen): {
  print: (text: string) => void
  show: (lines: readonly string[]) => void
} {
  let shown: readonly string[] = []
  /** Terminals break lines anew when they become narrower: then they have more rows than were written. */
  const erase = (): string => {
    const { columns } = size()
    const rows = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0)
    // What was typed meanwhile (`^C`) stands on the line below, and goes with it.
    return `${rows === 0 ? '' : `\u001b[${rows}A`}${isLive ? '\r\u001b[J' : ''}`
  }
  return {
    print: (text) => write(`${erase()}${text}\n${written(shown)}`),
    show: (lines) => {
      if (lines.length === shown.length && lines.every((line, at) => line === shown[at])) return
      const before = erase()
      shown = lines
      write(`${before}${written(lines)}`)
    },
  }
}

function written(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
