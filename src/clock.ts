import { setTimeout } from 'node:timers/promises'

/** The world's time, in milliseconds: a parameter, so that tests need not wait. */
export type Clock = { now(): number; sleep(milliseconds: number): Promise<void> }

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now(), sleep: (milliseconds) => setTimeout(milliseconds) }
