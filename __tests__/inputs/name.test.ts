import { describe, expect, it } from '@jest/globals'
import { defaultName } from '../../src/inputs/name.ts'

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
