import { describe, expect, test } from '@jest/globals'
import { floatingBase } from '../../src/advice/floating-base.ts'
import { layerCount } from '../../src/advice/layer-count.ts'
import { rootUser } from '../../src/advice/root-user.ts'
import { plain } from '../support/contents.ts'
import { aLayer, aMeasurement, digest } from '../support/measurements.ts'

describe('root-user', () => {
  const found = (user: string) => rootUser(aMeasurement({ settings: { user, variables: [], buildArgs: [] } })).length
  test.each(['', 'root', '0', '0:0', 'root:root', '0:app', '00'])('%j is root', (user) => expect(found(user)).toBe(1))
  test.each(['node', '1000', '1000:0', 'rooty', '10', 'app:root'])('%j is not', (user) => expect(found(user)).toBe(0))
  test('a user that is not known is nobody', () => expect(rootUser(aMeasurement({ settings: null }))).toEqual([]))
})

describe('floating-base', () => {
  const told = (name: string, instruction: string | null, of: string | null = null) => {
    const [found] = floatingBase(aMeasurement({ baseImage: { name, digest: of, line: 1, instruction } }))
    return found ? plain(found.what) : null
  }
  const pinned = digest('x')
  test.each([
    ['node:latest', 'FROM node', 'the base image `node:latest` without a tag, which is whatever is latest'],
    ['node:latest', 'FROM node:latest AS run', 'the base image `node:latest`, which is whatever is latest'],
    ['node:24', 'FROM --platform=linux/amd64 node:24', 'the base image `node:24` without a digest, whose tag may move'],
    ['node:24', 'FROM node:${VERSION}', 'the base image `node:24` without a digest, whose tag may move'],
    [
      'registry:5000/app:latest',
      'from registry:5000/app',
      'the base image `registry:5000/app:latest` without a tag, which is whatever is latest',
    ],
    ['node:latest', 'FROM ${BASE}', 'the base image `node:latest`, which is whatever is latest'],
    ['node:latest', null, 'the base image `node:latest`, which is whatever is latest'],
    ['node:24', `FROM node:24@${pinned}`, null],
    ['node', `FROM node@${pinned}`, null],
    ['node', 'FROM ${BASE}', null],
    ['node:24', 'FROM $BASE', null],
    ['node:24', null, null],
  ])('%s from %s', (name, instruction, what) => expect(told(name, instruction)).toBe(what))

  test('is pinned by its digest, and stays the same finding when the tag changes', () => {
    const baseImage = { name: 'node:24', digest: pinned, line: 1, instruction: 'FROM node:24' }
    const [found] = floatingBase(aMeasurement({ baseImage }))
    expect(plain(found!.fix)).toBe('pin it by the digest that its registry shows: `FROM node:24@sha256:…`')
    expect(found!.key).toBe('floating-base')
  })

  test('nothing is said of no base image', () => expect(floatingBase(aMeasurement({ baseImage: null }))).toEqual([]))
})

test('layer-count: from 100 layers on', () => {
  const image = (count: number) =>
    aMeasurement({ layers: Array.from({ length: count }, (_, at) => aLayer(`RUN ${at}`)) })
  expect(layerCount(image(99))).toEqual([])
  expect(plain(layerCount(image(100))[0]!.what)).toBe('100 layers, of the 127 that engines take')
})
