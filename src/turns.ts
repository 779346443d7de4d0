/** Runs a task when it is its turn, and gives what it gives. */
export type InTurn = <T>(task: () => Promise<T>) => Promise<T>

/** At most `atATime` tasks are under way, the others wait in the order they came. */
export function createTurns(atATime: number): InTurn {
  const waiting: (() => void)[] = []
  let underWay = 0
  return async (task) => {
    if (underWay >= atATime) await new Promise<void>((go) => waiting.push(go))
    else underWay += 1
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else underWay -= 1
    }
  }
}

/** The same function, asked once for each key. */
export function once<A, R>(
  ask: (argument: A) => Promise<R>,
  keyOf: (argument: A) => string,
): (argument: A) => Promise<R> {
  const asked = new Map<string, Promise<R>>()
  return (argument) => {
    const key = keyOf(argument)
    const found = asked.get(key) ?? ask(argument)
    asked.set(key, found)
    return found
  }
}
