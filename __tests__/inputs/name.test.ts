import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { artifactName, defaultName } from '../../src/inputs/name.ts'

describe('defaultName', () => {
  it.each([
    ['shop', '', 'Dockerfile', null, 'shop'],
    ['shop', 'services/api', 'services/api/Dockerfile', null, 'shop/services/api'],
    ['shop', '', 'docker/worker.Dockerfile', null, 'shop/docker/worker'],
    ['shop', '', 'services/api/Dockerfile', null, 'shop/services/api'],
    ['shop', 'services/api', 'docker/Dockerfile', null, 'shop/services/api/docker'],
    ['shop', '', 'Dockerfile.worker', null, 'shop/worker'],
    ['shop', '', 'worker.dockerfile', null, 'shop/worker'],
    ['shop', '', 'Containerfile', null, 'shop/Containerfile'],
    ['shop', 'api', 'api/Dockerfile', 'debug', 'shop/api:debug'],
  ])('of %j, context %j, file %j, target %j is %j', (repository, context, file, target, name) => {
    expect(defaultName(repository, context, file, target)).toBe(name)
  })

  it('tells the images of one repository apart', () => {
    const names = [
      defaultName('shop', '', 'Dockerfile', null),
      defaultName('shop', 'api', 'api/Dockerfile', null),
      defaultName('shop', '', 'web/Dockerfile', null),
      defaultName('shop', '', 'api.Dockerfile', 'debug'),
      defaultName('shop', '', 'Dockerfile', 'debug'),
      defaultName('shop', '', 'Dockerfile', 'test'),
    ]
    expect(new Set(names).size).toBe(names.length)
  })

  it('is no longer than a name may be, and still its own', () => {
    const long = (end: string): string => defaultName('shop', 'a'.repeat(300), `${'a'.repeat(300)}/Dockerfile`, end)
    expect(long('one').length).toBe(100)
    expect(long('one')).not.toBe(long('two'))
  })
})

describe('artifactName', () => {
  it.each([
    [['api'], [], /^image-budget-api$/],
    [['shop/services/api:debug'], [], /^image-budget-shop-services-api-debug-[0-9a-f]{8}$/],
    [['api'], ['linux/arm64'], /^image-budget-api-[0-9a-f]{8}$/],
    [['api', 'worker'], [], /^image-budget-images-[0-9a-f]{8}$/],
    [['../../x'], [], /^image-budget-..-..-x-[0-9a-f]{8}$/],
  ])('of %j, for %j, is one that an upload takes', (names, platforms, expected) => {
    expect(artifactName(names, platforms)).toMatch(expected)
  })

  it('is the same for the same image alone, and of letters that every upload takes', () => {
    const job = fc.record({
      names: fc.array(fc.string({ unit: 'binary', maxLength: 120 }), { minLength: 1, maxLength: 3 }),
      platforms: fc.subarray(['linux/amd64', 'linux/arm64']),
    })
    fc.assert(
      fc.property(job, job, (one, other) => {
        const [name, another] = [one, other].map(({ names, platforms }) => artifactName(names, platforms))
        expect(name).toMatch(/^[\w.-]{13,130}$/)
        expect(name === another).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
    )
  })
})
