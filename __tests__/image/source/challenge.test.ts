import { describe, expect, it } from '@jest/globals'
import { parseChallenges } from '../../../src/image/source/challenge.ts'

const parsed = (header: string): [string, Record<string, string>][] =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

describe('parseChallenges', () => {
  it.each<[string, [string, Record<string, string>][]]>([
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/node:pull"',
      [
        [
          'bearer',
          {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:library/node:pull',
          },
        ],
      ],
    ],
    ['Basic realm="a, \\"b\\" = c"', [['basic', { realm: 'a, "b" = c' }]]],
    [
      'BEARER Realm = "r" , scope="repository:a:pull,push"',
      [['bearer', { realm: 'r', scope: 'repository:a:pull,push' }]],
    ],
    ['bearer realm=plain,service=s', [['bearer', { realm: 'plain', service: 's' }]]],
    // Two headers come as one, joined with a comma.
    [
      'Basic realm="one", Bearer realm="two",service="s"',
      [
        ['basic', { realm: 'one' }],
        ['bearer', { realm: 'two', service: 's' }],
      ],
    ],
    [
      'Negotiate, NTLM dG9rZW4=, Basic realm="x"',
      [
        ['negotiate', {}],
        ['ntlm', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    ['Bearer', [['bearer', {}]]],
    ['', []],
    [' , ', []],
    ['Bearer realm="not closed', [['bearer', {}]]],
    ['"Bearer"', []],
  ])('%s', (header, expected) => {
    expect(parsed(header)).toEqual(expected)
  })

  it('takes a header of any length that Node takes in no time', () => {
    const started = performance.now()
    parseChallenges(`Bearer ${'a'.repeat(16_000)}`)
    parseChallenges(`Bearer realm="${'\\'.repeat(16_000)}`)
    parseChallenges('a,'.repeat(8_000))
    parseChallenges(`Bearer ${'a="b",'.repeat(2_500)}`)
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
