/** Runs a task when it is its turn, and gives what it gives. `weight`: what takes long is begun before what does not. */
export type InTurn = <T>(task: () => Promise<T>, weight?: number) => Promise<T>

/** At most `atATime` tasks are under way; of the others the heaviest is next, and of those that weigh the same the one that came first. */
export function createTurns(atATime: number): InTurn {
  const waiting: { go: () => void; weight: number }[] = []
  let underWay = 0
  return async (task, weight = 0) => {
    if (underWay >= atATime) await new Promise<void>((go) => waiting.push({ go, weight }))
    else underWay += 1
    try {
      return await task()
    } finally {
      const heaviest = waiting.reduce((most, { weight: each }, at) => (each > waiting[most]!.weight ? at : most), 0)
      const [next] = waiting.splice(heaviest, 1)
      if (next) next.go()
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
