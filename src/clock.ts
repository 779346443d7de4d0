import { setTimeout } from 'node:timers/promises'

/** The world's time, in milliseconds: a parameter, so that tests need not wait. */
export type Clock = {
  now(): number
  /** Rejects as soon as the signal does: a cancelled run waits for nothing. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, signal && { signal }),
}
