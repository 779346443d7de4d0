import { expect, it } from '@jest/globals'
import { createRemovals } from '../../src/image/removals.ts'

/** Tasks that all end when `end` is called, and how many of them have begun and ended. */
function tasks() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const count = { begun: 0, ended: 0 }
  const remove = async (): Promise<void> => {
    count.begun += 1
    await promise
    count.ended += 1
  }
  return { remove, count, end: resolve }
}

const never = (): AbortSignal => new AbortController().signal

it('waits for others, and does all of them at once when the run ends, each of them once', async () => {
  const removals = createRemovals(never())
  const { remove, count, end } = tasks()
  await removals.add(remove)
  await removals.add(remove)
  expect(count.begun).toBe(0)
  const flushed = removals.flush()
  expect(count.begun).toBe(2)
  end()
  await flushed
  await removals.flush()
  expect(count).toEqual({ begun: 2, ended: 2 })
})

it('leaves no more than 8 images in the engine', async () => {
  const removals = createRemovals(never())
  const { remove, count, end } = tasks()
  end()
  for (let image = 1; image <= 20; image += 1) {
    await removals.add(remove)
    expect(image - count.ended).toBeLessThan(8)
  }
  expect(count.ended).toBe(16)
})

it('waits with nothing once the run is cancelled, and the end of the run waits for all', async () => {
  const cancelled = new AbortController()
  const removals = createRemovals(cancelled.signal)
  const { remove, count, end } = tasks()
  await removals.add(remove)
  cancelled.abort()
  expect(count.begun).toBe(1)
  const late = removals.add(remove)
  expect(count.begun).toBe(2)
  const flushed = removals.flush().then(() => count.ended)
  end()
  expect(await flushed).toBe(2)
  await late
})

it('does the others where one fails', async () => {
  const removals = createRemovals(never())
  const { remove, count, end } = tasks()
  end()
  await removals.add(() => Promise.reject(new Error('the engine is gone')))
  await removals.add(remove)
  await removals.flush()
  expect(count.ended).toBe(1)
})
