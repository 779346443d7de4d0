import { setImmediate } from 'node:timers/promises'

/** Waits until a count has stayed the same for so many turns of the event loop. */
export async function settled(count: () => number, turns: number): Promise<void> {
  let before = count()
  for (let turn = 0; turn < turns; turn += 1) {
    await setImmediate()
    if (count() === before) continue
    before = count()
    turn = -1
  }
}
