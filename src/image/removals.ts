/** What is to be taken away from an engine when it is not needed any more. */
export type Removals = {
  /** To be done some time, together with others. */
  add: (remove: () => Promise<void>) => Promise<void>
  /** Does what is left, and waits for what is under way: to be called when the run ends, however it does. */
  flush: () => Promise<void>
}

/** So many images wait at most, for each takes room in the engine; and are removed at once, for some engines are asked through ssh. */
const AT_ONCE = 8

/**
 * Removes images many at once: containerd looks through all that it has for each image that is removed, but once for those that it is asked
 * for while it does. From the moment that `signal` aborts nothing waits: a run that is cancelled may soon be killed.
 */
export function createRemovals(signal: AbortSignal): Removals {
  let waiting: (() => Promise<void>)[] = []
  const underWay = new Set<Promise<unknown>>()

  function begin(): Promise<unknown> {
    const now = Promise.allSettled(waiting.map((remove) => remove()))
    waiting = []
    underWay.add(now)
    return now.finally(() => underWay.delete(now))
  }

  signal.addEventListener('abort', () => void begin(), { once: true })
  return {
    add: async (remove) => {
      waiting.push(remove)
      if (waiting.length >= AT_ONCE || signal.aborted) await begin()
    },
    flush: async () => {
      await begin()
      await Promise.all(underWay)
    },
  }
}
