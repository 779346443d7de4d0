import { expect, it } from '@jest/globals'
import { createTurns } from '../src/turns.ts'

it('has the heaviest of those that wait next, of those that weigh the same the first', async () => {
  const inTurn = createTurns(2)
  const begun: string[] = []
  const done = new Map<string, () => void>()
  const task = (name: string, weight?: number): Promise<void> =>
    inTurn(async () => {
      begun.push(name)
      await new Promise<void>((resolve) => done.set(name, resolve))
    }, weight)
  const tasks = [task('a', 1), task('b', 1), task('c'), task('d', 5), task('e', 9), task('f', 5), task('g')]
  expect(begun).toEqual(['a', 'b'])
  for (const name of ['b', 'e', 'a', 'd', 'f', 'c', 'g']) {
    done.get(name)!()
    await tasks['abcdefg'.indexOf(name)]
  }
  expect(begun).toEqual(['a', 'b', 'e', 'd', 'f', 'c', 'g'])
})

it('goes on where one fails', async () => {
  const inTurn = createTurns(1)
  const failing = inTurn(() => Promise.reject(new Error('it fails')))
  const next = inTurn(() => Promise.resolve('next'))
  await expect(failing).rejects.toThrow('it fails')
  expect(await next).toBe('next')
})
