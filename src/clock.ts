import { setTimeout } from 'node:timers/promises'

/** The world's time, in milliseconds: a parameter, so that tests need not wait. */
export type Clock = {
  now(): number
  /** Rejects as soon as the signal does: a cancelled run waits for nothing. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** A time in milliseconds since 1970 as ISO 8601 has it, in UTC, to the second: `2026-11-21T10:00:00Z`. */
export function isoSeconds(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, signal && { signal }),
}
