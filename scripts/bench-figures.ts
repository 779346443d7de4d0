/** What the benchmarks share: figures of many rounds, what a Node process took, and where the tables go. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'

const DOCUMENT = fileURLToPath(new URL('../docs/benchmark.md', import.meta.url))

/** The input `metrics` with all there are. */
export const BOTH = 'size, download-size'

export function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2
}

/** Seconds that a task takes. */
export async function timed(task: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint()
  await task()
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** What a process of Node took: seconds of the processor, and the most memory in MB. */
export type Usage = { processor: number; memory: number }

/** Has a Node process tell what it took: `env` is laid over its own, and `read` gives it once the process is gone. */
export type UsageHook = { env: Record<string, string>; read: () => Usage }

/** `folder` is where the hook and what it writes are kept; of two processes at a time each needs one of its own. */
export function hookUsage(folder: string): UsageHook {
  const hook = join(folder, 'usage.cjs')
  const file = join(folder, 'usage.json')
  // Not maxRSS: a process begins with what the one had that started it.
  writeFileSync(
    hook,
    `process.on('exit', () => {
  const { readFileSync, writeFileSync } = require('node:fs')
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  const [, kilobytes] = /^VmHWM:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  writeFileSync(process.env.USAGE_FILE, JSON.stringify({ processor: (userCPUTime + systemCPUTime) / 1e6, memory: (kilobytes * 1024) / 1e6 }))
})`,
  )
  return {
    env: { USAGE_FILE: file, NODE_OPTIONS: `--require=${hook}` },
    read: () => JSON.parse(readFileSync(file, 'utf8')) as Usage,
  }
}

/** Puts tables into docs/benchmark.md, in place of those that stand there under the name. Throws where there is no such place. */
export async function writeTables(name: string, tables: string): Promise<void> {
  const text = readFileSync(DOCUMENT, 'utf8')
  const begin = `<!-- measured:${name} -->\n`
  const from = text.indexOf(begin)
  const to = text.indexOf('<!-- /measured -->', from)
  if (from === -1 || to === -1) throw new Error(`docs/benchmark.md has no ${begin.trim()}`)
  const written = `${text.slice(0, from)}${begin}\n${tables}\n\n${text.slice(to)}`
  writeFileSync(DOCUMENT, await format(written, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT }))
}
