import { setTimeout } from 'node:timers/promises'

/** The world's time, in milliseconds: a parameter, so that tests need not wait. */
export type Clock = {
  now(): number
  /** Rejects as soon as the signal does: a cancelled run waits for nothing. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** 9999-12-31T23:59:59Z: later years have more digits, and a sign. */
const LAST = 253_402_300_799_000

/**
 * A time in milliseconds since 1970 as ISO 8601 has it, in UTC, to the second: `2026-11-21T10:00:00Z`. Such texts are in the order of the
 * times: what lies before 1970 or after the year 9999, as a wrong clock may say, is the first or last of them.
 */
export function isoSeconds(milliseconds: number): string {
  return new Date(Math.min(Math.max(milliseconds, 0), LAST)).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, signal && { signal }),
}
