import { expect, it } from '@jest/globals'
import { isRelease, preciseTag, tagsByCommit } from '../../src/record/releases.ts'
import { commitOf } from '../support/records.ts'

it('a release has a number', () => {
  expect(['v1.2.3', '2026-11', 'release-7'].map(isRelease)).toEqual([true, true, true])
  expect(['latest', 'stable', ''].map(isRelease)).toEqual([false, false, false])
})

it('a commit has all of its tags, in their order', () => {
  const [one, other] = [commitOf(1), commitOf(2)]
  const releases = [
    { name: 'v2', commit: other },
    { name: 'v1', commit: one },
    { name: 'v2.0', commit: other },
  ]
  expect([...tagsByCommit(releases)]).toEqual([
    [other, ['v2', 'v2.0']],
    [one, ['v1']],
  ])
})

it('of a commit’s tags the longest version is named, or else the first', () => {
  expect(preciseTag(['v1', 'v1.4.2', 'v1.4', 'v1.4.2-built-at-night'])).toBe('v1.4.2')
  expect(preciseTag(['nightly-7', 'night-7-b'])).toBe('nightly-7')
  expect(preciseTag([])).toBeNull()
})
