import { expect, it } from '@jest/globals'
import { oncePerFolder } from '../../src/advice/weigh.ts'

it('tells of each folder what is its own, however many there are, and of those that come together once', () => {
  let asked = 0
  const tell = oncePerFolder((folder) => {
    asked += 1
    return `told of ${folder}`
  })
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 5_000; at++) {
      expect(tell(`/${at}/a`)).toBe(`told of /${at}/`)
      expect(tell(`/${at}/b`)).toBe(`told of /${at}/`)
    }
  }
  expect(asked).toBe(10_000)
})
