import { setTimeout } from 'node:timers/promises'

/** The world's time, in milliseconds: a parameter, so that tests need not wait. */
export type Clock = {
  now(): number
  /** Rejects as soon as the signal does: a cancelled run waits for nothing. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** The last second that ISO 8601 writes with four digits of the year. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59)

/**
 * A time in milliseconds since 1970 as ISO 8601 has it, in UTC, to the second: `2026-11-21T10:00:00Z`; one before 1970, or after the year
 * 9999, is the first or last second that is written so. A commit may have any time.
 */
export function isoSeconds(milliseconds: number): string {
  return new Date(Math.min(Math.max(milliseconds, 0), LATEST)).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, signal && { signal }),
}

/** The clock of a run that `signal` cancels: what waits ends with it, or by a signal of its own. */
export function clockUntil(signal: AbortSignal, clock: Clock = systemClock): Clock {
  return {
    now: () => clock.now(),
    sleep: (milliseconds, own) =>
      clock.sleep(milliseconds, own === undefined ? signal : AbortSignal.any([signal, own])),
  }
}

/**
 * What `ask` gives. When so many milliseconds are over its signal is aborted; what it throws from then on is dropped, and `late` gives, or
 * throws, something in its place.
 */
export async function within<T>(
  clock: Clock,
  milliseconds: number,
  ask: (signal: AbortSignal) => Promise<T>,
  late: () => T,
): Promise<T> {
  const over = new AbortController()
  const given = new AbortController()
  clock.sleep(milliseconds, given.signal).then(
    () => over.abort(),
    () => {},
  )
  try {
    return await ask(over.signal)
  } catch (error) {
    if (over.signal.aborted) return late()
    throw error
  } finally {
    given.abort()
  }
}
