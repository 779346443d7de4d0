import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { Ajv } from 'ajv'
import * as fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { parseBudgetFile } from '../../src/inputs/budget-file.ts'
import { FILE_FORMS } from '../../src/inputs/file-forms.ts'
import { inputNames, type InputName } from '../../src/inputs/inputs.ts'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const schema = JSON.parse(read('schema/image-budget.schema.json')) as object
// Types and properties may stand apart, as in a `oneOf` that only adds to what is said already.
const validate = new Ajv({ strictTypes: false, allErrors: true }).compile(schema)

const problems = (text: string): string[] => parseBudgetFile(new TextEncoder().encode(text), 'budget.yml').problems

const keys = inputNames.filter((name) => FILE_FORMS[name].kind !== 'none')

describe('the documentation', () => {
  const examples = [
    ...read('docs/configuration.md').matchAll(/```yaml\n(# yaml-language-server: \$schema=(\S+)\n.*?)```/gs),
  ]

  it('has examples', () => expect(examples.length).toBeGreaterThan(1))

  it.each(examples.map(([, text = '', address = '']) => [address, text]))('%s', (address, text) => {
    expect(address).toMatch(/^https:\/\/raw\.githubusercontent\.com\/.+\/schema\/image-budget\.schema\.json$/)
    expect(problems(text)).toEqual([])
    expect(validate(parse(text)) ? [] : validate.errors).toEqual([])
  })
})

/** Values that people write, each of some key's: for that key they are right, for another they may be. */
const good: Partial<Record<InputName, unknown[]>> = {
  name: ['api', 'shop/api', 12],
  dockerfiles: [['services/*/Dockerfile', '!services/old/*'], '**/Dockerfile, Dockerfile'],
  'bake-files': ['docker-bake.hcl', ['docker-bake.hcl', 'ci/bake.json']],
  'bake-targets': ['api', ['api', 'worker-a']],
  image: ['docker://ghcr.io/acme/api:1.0', 'docker-daemon:api', 'oci:layout', 'docker-archive:a.tar:api:1'],
  context: ['.', './services/api', 'a b'],
  file: ['docker/Dockerfile'],
  target: ['production'],
  'build-args': [{ VERSION: 1.2, DEBUG: true, FROM_ENV: null }, ['A=1', 'B'], 'A=1\nB=2\n', {}],
  'build-contexts': [{ base: 'docker-image://alpine:3' }, ['lib=../lib']],
  platforms: [['linux/amd64', 'linux/arm64'], 'linux/amd64,linux/arm64', 'linux/amd64\nlinux/arm/v7\n', []],
  'secret-files': [{ npmrc: './npmrc' }, 'npmrc=a b'],
  'cache-from': [['type=gha', 'type=registry,ref=a'], 'type=gha'],
  'cache-to': [['type=gha,mode=max']],
  builder: ['builder-1'],
  'before-build': ['npm ci\nnpm run build\n'],
  metrics: [['size'], 'size, download-size'],
  'max-size': ['160 MB', '1.5 GiB', '0 B', '800kB', '999 TiB', null],
  'max-download-size': ['55 MB'],
  'max-layers': [0, 12],
  'max-increase': ['5 MB', '3%', '+2.5 %'],
  budgets: [
    [
      { scope: 'own', 'max-increase': '2 MB', level: 'warn' },
      { 'max-increase': '20 MB', over: '30d' },
    ],
    [{ path: '/app/**/*.map', 'max-size': '0 B' }, 'package=npm:typescript,max-size=0 B'],
    [
      'stage=runtime,max-layers=6',
      { stage: 'build', 'max-size': '1 MB', 'max-layers': 3, 'max-download-size': '1 MB' },
    ],
    'scope=own,max-increase=2 MB\nmax-size=150 MB,level=warn\n',
    [],
  ],
  forbid: [['secrets', 'vcs-and-tests'], 'secrets, toolchain', []],
  'accept-label': ['bigger', 'off'],
  baseline: ['auto', 'none', 'docker://ghcr.io/acme/api'],
  'base-ref': ['main', 'v1.0'],
  untouched: ['skip', 'measure'],
  record: ['auto', 'off'],
  'data-branch': ['image-budget', 'data/sizes'],
  comment: ['on-change', 'off'],
  fail: [true, false],
}

it('takes what people write', () => {
  expect(Object.keys(good)).toEqual(keys)
  for (const [key, values] of Object.entries(good))
    for (const value of values) {
      const file = { [key]: value }
      // A text is what a name is; the parser takes a number for it, too.
      const isTaken = typeof value !== 'number' || key === 'max-layers'
      expect([file, problems(stringify(file))]).toEqual([file, []])
      expect([file, validate(file)]).toEqual([file, isTaken])
    }
})

it.each([
  [{ max_size: '1 MB' }],
  [{ secrets: ['a=b'] }],
  [{ config: 'a' }],
  [{ 'max-size': 160 }],
  [{ images: [] }],
  [{ images: [{ name: 'a', dockerfiles: ['b'] }] }],
  [{ 'bake-files': ['https://a/b.git'] }],
  [{ images: [{ context: 'a' }] }],
  [{ name: 'a', images: [{ name: 'b' }] }],
  [{ budgets: [{ scope: 'own', path: '/a', 'max-size': '1 MB' }] }],
  [{ budgets: [{ path: '/a', 'max-layers': 1 }] }],
  [{ budgets: [{ scope: 'own' }] }],
  [{ budgets: [{ over: '30d', 'max-size': '1 MB' }] }],
  [{ fail: 'no' }],
  [{ metrics: [] }],
])('refuses %j, as the parser does', (file) => {
  expect(validate(file)).toBe(false)
  expect(problems(stringify(file))).not.toEqual([])
})

/** Texts near what patterns take: their own parts, put together anew. */
const pieces = [
  'linux',
  '/',
  'amd64',
  'size',
  ',',
  ' ',
  '\n',
  '#',
  '"',
  '=',
  'A',
  '1',
  '.',
  ' MB',
  'kib',
  '%',
  'B',
  ':',
  '-',
  '@',
  '..',
  'oci:',
  'docker://',
  'docker-daemon:',
  'max-size=1 MB',
  'scope=own',
  'level=warn',
  '/a',
  '\t',
  '\u0000',
  '\u00a0',
  'é',
  'secrets',
  'type=gha',
  '_',
  '+',
  '~',
  'release',
  '30d',
  'over=',
  'npm:',
  'sha256:',
]
const shards = fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join(''))
const known = fc.constantFrom(...Object.values(good).flat())
const scalar = fc.oneof(
  shards,
  fc.constantFrom('own', 'warn', '1 MB', '3%', '/a', 'own'),
  fc.integer({ min: -1, max: 1e7 }),
  fc.boolean(),
  fc.constant(null),
)
const budget = fc.dictionary(
  fc.constantFrom(
    'scope',
    'path',
    'stage',
    'package',
    'max-size',
    'max-download-size',
    'max-layers',
    'max-increase',
    'over',
    'level',
    'x',
  ),
  scalar,
  { maxKeys: 4 },
)
// One at most: that two do not say the same is the parser's to know.
const value = fc.oneof(
  known,
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(shards, scalar, { maxKeys: 3 }),
  fc.tuple(budget),
)
const values = fc.dictionary(fc.constantFrom(...keys.filter((key) => key !== 'name')), value, { maxKeys: 4 })
const images = fc.uniqueArray(fc.tuple(fc.oneof(fc.constantFrom('a', 'b', 'ä b', ' '), shards), values), {
  selector: ([name]) => name.trim(),
  minLength: 1,
  maxLength: 3,
})
const file = fc.oneof(
  fc.constantFrom(...keys).chain((key) => value.map((each) => ({ [key]: each }))),
  fc
    .tuple(values, images)
    .map(([top, list]) =>
      Object.assign({}, top, { images: list.map(([name, each]) => Object.assign({}, each, { name })) }),
    ),
)

/** What only the parser knows: of a line, whether its options go together, and of two, whether they say the same. */
const BETWEEN = /once for a|at most one of|at least one of|alone beside `over`|beside `(?:path|package)`|once a line/

it('accepts nothing that the parser does not', () => {
  let accepted = 0
  fc.assert(
    fc.property(file, (data) => {
      if (!validate(data)) return
      accepted += 1
      expect(problems(stringify(data)).filter((each) => !BETWEEN.test(each))).toEqual([])
    }),
    { numRuns: 2_000 },
  )
  // Not for want of files that it accepts.
  expect(accepted).toBeGreaterThan(100)
})
