import { describe, expect, it } from '@jest/globals'
import { clockUntil, within, type Clock } from '../src/clock.ts'

/** In which time stands still until `passes`; `signals` are what ends each sleep. */
function stopped(): { clock: Clock; passes: () => void; signals: AbortSignal[] } {
  let passes = (): void => {}
  const signals: AbortSignal[] = []
  const over = new Promise<void>((resolve) => (passes = resolve))
  const sleep = (_: number, signal?: AbortSignal): Promise<void> => {
    signals.push(signal!)
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error))
      over.then(resolve, reject)
    })
  }
  return { clock: { now: () => 0, sleep }, passes, signals }
}

describe('within', () => {
  it('gives what was asked for, and waits no more', async () => {
    const { clock, signals } = stopped()
    expect(
      await within(
        clock,
        5,
        () => Promise.resolve('answer'),
        () => 'late',
      ),
    ).toBe('answer')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('throws what is thrown in time, and waits no more', async () => {
    const { clock, signals } = stopped()
    const asked = within(
      clock,
      5,
      () => Promise.reject(new Error('refused')),
      () => 'late',
    )
    await expect(asked).rejects.toThrow('refused')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('stops what takes too long', async () => {
    const { clock, passes } = stopped()
    const ask = (signal: AbortSignal): Promise<string> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')))
      })
    const asked = within(clock, 5, ask, () => 'late')
    passes()
    expect(await asked).toBe('late')
  })
})

describe('clockUntil', () => {
  it.each(['the run’s', 'its own'])('sleeps until %s signal', async (whose) => {
    const [run, own] = [new AbortController(), new AbortController()]
    const asleep = clockUntil(run.signal, stopped().clock).sleep(5, own.signal)
    const end = whose === 'its own' ? own : run
    end.abort(new Error('awake'))
    await expect(asleep).rejects.toThrow('awake')
  })

  it('sleeps until the run’s signal without one of its own', async () => {
    const run = new AbortController()
    const asleep = clockUntil(run.signal, stopped().clock).sleep(5)
    run.abort(new Error('awake'))
    await expect(asleep).rejects.toThrow('awake')
  })
})
