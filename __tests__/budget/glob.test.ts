import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { createMatcher } from '../../src/budget/glob.ts'

describe('a glob', () => {
  it.each([
    ['/app', ['/app', '/app/a', '/app/a/b'], ['/apps', '/', '/x/app']],
    ['/app/', ['/app/a'], ['/apple']],
    ['/app/*.map', ['/app/a.map', '/app/.map', '/app/a.map/inside'], ['/app/b/a.map', '/app/a.maps']],
    ['/app/**/*.map', ['/app/a.map', '/app/b/c/a.map'], ['/a.map', '/app/map', '/other/app/a.map']],
    ['/**/node_modules', ['/node_modules/x', '/app/node_modules/y/z'], ['/app/node_modules2/y']],
    ['/usr/**/lib/**/*.a', ['/usr/lib/x.a', '/usr/local/lib/y/z/x.a'], ['/usr/local/x.a']],
    ['/a?c', ['/abc', '/a.c', '/aßc', '/a💾c'], ['/ac', '/abbc', '/a/c']],
    ['/a*b*c', ['/abc', '/aXbYc', '/abcbc'], ['/abcd', '/acb']],
    ['/[ab](c|d)+{e}', ['/[ab](c|d)+{e}'], ['/a', '/ac', '/ce']],
    ['/a**b', ['/axxb', '/ab'], ['/a/b']],
  ])('%s', (glob, matching, others) => {
    const matches = createMatcher(glob)
    expect(matching.filter((path) => !matches(path))).toEqual([])
    expect(others.filter(matches)).toEqual([])
  })

  it('says what a regular expression says', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 5 })
    const glob = fc.array(fc.oneof(name, fc.constant('**')), { minLength: 1, maxLength: 5 })
    const path = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(glob, path, (globNames, pathNames) => {
        const pattern = globNames
          .map((each) =>
            each === '**' ? '(?:/[^/]+)*' : `/${each.replaceAll(/\*+/g, '[^/]*').replaceAll('?', '[^/]')}`,
          )
          .join('')
        const expected = new RegExp(`^${pattern}(?:/[^/]+)*$`).test(`/${pathNames.join('/')}`)
        expect(createMatcher(`/${globNames.join('/')}`)(`/${pathNames.join('/')}`)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('is done with what would keep a regular expression busy for ever', () => {
    const matches = createMatcher(`/${'*a'.repeat(40)}b/${'**/x/'.repeat(20)}y`)
    expect(matches(`/${'a'.repeat(4000)}/${'x/'.repeat(2000)}z`)).toBe(false)
  })
})
