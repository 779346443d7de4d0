import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { BUDGET_FILE_MAX, parseBudgetFile, type BudgetFile, type FileValues } from '../../src/inputs/budget-file.ts'
import { inputNames, inputsOf, type InputName } from '../../src/inputs/inputs.ts'
import { settingsOf } from '../../src/inputs/settings.ts'

const read = (text: string) => parseBudgetFile(new TextEncoder().encode(text), 'budget.yml')

/** What is wrong with a file, without its name. */
const problems = (text: string): string[] => read(text).problems.map((each) => each.replace(/^budget\.yml, /, ''))

function fileOf(text: string): BudgetFile {
  const { file, problems: found } = read(text)
  expect(found).toEqual([])
  return file!
}

const textsOf = (values: FileValues): Record<string, string> =>
  Object.fromEntries([...values].map(([name, { text }]) => [name, text]))

/** What a file of one image means. */
const inputsIn = (text: string) => inputsOf(settingsOf(new Map(), fileOf(text), null))

const bytes = 'a number with a unit: `160 MB`, `150 MiB`, `1.2 GB`, `800 kB`'

describe('a budget file', () => {
  it('means what the same texts as inputs mean', () => {
    const file = [
      'context: services/api',
      'platforms: [linux/amd64, Linux/ARM64]',
      'build-args:',
      '  VERSION: 1.20',
      '  DEBUG: true',
      '  FROM_ENV:',
      "  EMPTY: ''",
      '  TEXT: "# a, \\"b\\"\\nc"',
      'build-contexts:',
      '  - base=docker-image://alpine:3',
      'secret-files: { npmrc: ./a b }',
      'cache-from: type=gha',
      'cache-to:',
      '  - type=registry,ref=ghcr.io/acme/shop',
      'before-build: |',
      '  npm ci',
      'metrics: [size]',
      'max-size: 160 MB',
      'max-layers: 12',
      'fail: False',
      'accept-label: off',
      'comment: off',
    ].join('\n')
    expect(inputsIn(file)).toMatchObject({
      context: 'services/api',
      platforms: ['linux/amd64', 'linux/arm64'],
      buildArgs: ['VERSION=1.20', 'DEBUG=true', 'FROM_ENV', 'EMPTY=', 'TEXT=# a, "b"\nc'],
      buildContexts: [{ name: 'base', value: 'docker-image://alpine:3' }],
      secretFiles: [{ id: 'npmrc', path: './a b' }],
      cacheFrom: ['type=gha'],
      cacheTo: ['type=registry,ref=ghcr.io/acme/shop'],
      beforeBuild: 'npm ci\n',
      metrics: ['size'],
      limits: { maxSize: 160_000_000, maxLayers: 12 },
      fail: false,
      acceptLabel: null,
      comment: 'off',
      baseline: 'auto',
    })
  })

  it('has budgets as lines, as mappings and as the text of the input', () => {
    const expected = inputsIn('budgets: "scope=own,max-increase=2 MB,level=warn\\nmax-increase=20 MB,over=30d"').budgets
    expect(expected).toHaveLength(2)
    for (const budgets of [
      '[{ scope: own, max-increase: 2 MB, level: warn }, { max-increase: 20 MB, over: 30d }]',
      '\n  - scope=own,max-increase=2 MB,level=warn\n  - over: 30d\n    max-increase: 20 MB\n    level:',
      '|\n  scope=own,max-increase=2 MB,level=warn\n  max-increase=20 MB,over=30d',
    ])
      expect(inputsIn(`budgets: ${budgets}`).budgets).toEqual(expected)
    expect(inputsIn('budgets: [{ path: "/a,\\"b\\"", max-size: 0 B }]').budgets).toMatchObject([
      { scope: { kind: 'path', of: '/a,"b"' } },
    ])
  })

  it('has values for every image, and for each', () => {
    const file = fileOf(
      'max-size: &cap 1 GB\nimages:\n  - name: api\n    max-size: 1 MB\n    forbid: []\n    target:\n  - { name: 12, max-download-size: *cap }\n',
    )
    expect(textsOf(file.defaults)).toEqual({ 'max-size': '1 GB' })
    expect(file.images?.map(({ name, line, values }) => [name, line, textsOf(values)])).toEqual([
      ['api', 3, { name: 'api', 'max-size': '1 MB', forbid: '' }],
      ['12', 7, { name: '12', 'max-download-size': '1 GB' }],
    ])
  })

  it.each(['', '\n', '# nothing yet\n', '---\n', '~', '{}'])('may have nothing in it: %j', (text) => {
    expect(fileOf(text)).toEqual({ path: 'budget.yml', extends: null, defaults: new Map(), images: null })
  })

  it('may begin with a byte order mark, and end its lines as on Windows', () => {
    expect(textsOf(fileOf('\ufeffmax-size: 1 MB\r\nfail: true\r\n').defaults)).toEqual({
      'max-size': '1 MB',
      fail: 'true',
    })
  })
})

describe('a mistake is told with its line, and in the words that the input has', () => {
  it.each([
    ['max_size: 1 MB', 'line 1: unknown key `max_size`, did you mean `max-size`?'],
    ['imags: []', 'line 1: unknown key `imags`, did you mean `images`?'],
    ['containerfile: a', 'line 1: unknown key `containerfile`; a key is the name of an input, or `images`.'],
    ['dockerfile: a', 'line 1: unknown key `dockerfile`, did you mean `dockerfiles`?'],
    ['images: [{ name: a, dockerfiles: b }]', 'line 1: `dockerfiles` has its place at the top of the file.'],
    ['__proto__: 1', 'line 1: unknown key `__proto__`; a key is the name of an input, or `images`.'],
    ['constructor: { a: b }', 'line 1: unknown key `constructor`; a key is the name of an input, or `images`.'],
    ['? [a]\n: b', 'line 1: a key that is no text.'],
    [': b', 'line 1: a key that is no text.'],
    ['fail: true\nfail: false', 'line 2: `fail` is there twice: line 1 has it.'],
    ['build-args:\n  A: 1\n  A: 2', 'line 3: `A` is there twice: line 2 has it.'],
    [
      'secrets: [a=b]',
      'line 1: `secrets` has no place in a budget file: what is in it is committed; give it as an input, or name a file by `secret-files`.',
    ],
    [
      'github-token: x',
      'line 1: `github-token` has no place in a budget file: what is in it is committed; give it as an input.',
    ],
    ['config: a', 'line 1: `config` has no place in a budget file: it says where this file is.'],
    ['\nmax-size: 160', `line 2: \`max-size\` has \`160\`; it takes ${bytes}.`],
    ['max-size: [1 MB]', `line 1: \`max-size\` has a list; it takes ${bytes}.`],
    ['max-size: { a: b }', `line 1: \`max-size\` has a mapping; it takes ${bytes}.`],
    ['fail: no', 'line 1: `fail` has `no`; it takes `true` or `false`.'],
    ['max-layers: 0x10', 'line 1: `max-layers` has `0x10`; it takes a whole number: `12`.'],
    [
      'platforms:\n  - linux/amd64\n  - linux',
      'line 3: `platforms` has `linux`; it takes platforms `os/architecture[/variant]`, comma- or line-separated: `linux/amd64,linux/arm64`.',
    ],
    [
      'metrics: []',
      'line 1: `metrics` has an empty list; it takes `size`, `download-size`, or both, comma- or line-separated.',
    ],
    [
      'cache-to:\n  - {}',
      'line 2: `cache-to` has a mapping as an entry; it takes one cache destination a line: `type=gha,mode=max`.',
    ],
    [
      'build-args:\n  OK: 1\n  9: hunter2',
      'line 3: `build-args` has `…`; it takes one `KEY=value` (or `KEY`, taken from the environment) a line.',
    ],
    ['secret-files: { a: [b] }', 'line 1: `secret-files` has a list for `a`; it takes one `id=path` a line.'],
    ['secret-files: { "a=b": c }', 'line 1: `secret-files` has a key with `=` in it; it takes one `id=path` a line.'],
    ['name: a\nimages: [{ name: b }]', 'line 1: `name` has no place beside `images`: each image has its own.'],
    ['images:', 'line 1: `images` has nothing; it takes a list of images, each with a `name`.'],
    ['images: {}', 'line 1: `images` has a mapping; it takes a list of images, each with a `name`.'],
    ['images: []', 'line 1: `images` has no entry; it takes a list of images, each with a `name`, 1 to 1000.'],
    ['images:\n  - api', 'line 2: `images` has a text as an entry; it takes a list of images, each with a `name`.'],
    ['images:\n  -', 'line 2: `images` has nothing as an entry; it takes a list of images, each with a `name`.'],
    ['images:\n  - context: a', 'line 2: an image without a `name`.'],
    ["images:\n  - name: ''", 'line 2: an image without a `name`.'],
    ['images:\n  - name: a\n  - context: b\n    name: a', 'line 4: the image `a` is there twice: line 2 has it.'],
    ['images:\n  - name: a\n    images: []', 'line 3: `images` has its place at the top of the file.'],
    ['- a', 'line 1: the file is a list; it takes a mapping, its keys the inputs and `images`.'],
    ['a', 'line 1: the file is a text; it takes a mapping, its keys the inputs and `images`.'],
    ['fail: true\n---\nfail: true', 'line 2: a second document starts here; a budget file is one.'],
    ['images:\n\t- name: a', 'line 2: not valid YAML: Tabs are not allowed as indentation.'],
    ['fail: !yes true', 'line 1: not valid YAML: Unresolved tag: !yes.'],
    ['name: *a', 'line 1: nothing before has the anchor `&a`.'],
  ])('%j', (text, told) => {
    expect(problems(text)).toEqual([told])
  })

  it.each([
    [
      'budgets:\n  - scope=own\n  - { scope: own, max-size: 1 }',
      [
        'line 2: `budgets` has `scope=own`; it takes at least one of `max-size`, `max-download-size`, `max-layers`, `max-increase` a line.',
        `line 3: \`budgets\` has \`max-size=1\`; it takes ${bytes}.`,
      ],
    ],
    [
      'budgets:\n  - scope: own\n    max-sise: 1 MB\n  - {}\n  - "# all"',
      [
        'line 3: `budgets` has `max-sise=1 MB`; it takes `scope`, `path`, `stage`, `package`, `max-size`, `max-download-size`, `max-layers`, `max-increase`, `over`, `level`. Did you mean `max-size`?',
        'line 4: `budgets` has an empty mapping; it takes one budget a line, its options separated by commas: `scope=own,max-increase=2 MB`.',
        'line 5: `budgets` has `# all` as an entry; it takes one budget a line, its options separated by commas: `scope=own,max-increase=2 MB`.',
      ],
    ],
    [
      'budgets: |\n\n  # first\n  max-size=1 MB\n  max-size=2 MB',
      ['line 5: `budgets` has `max-size=2 MB`; it takes `max-size` once for a scope and level, and line 4 has it.'],
    ],
    [
      'fail: true\nbudgets:\n  - max-size=1 MB\n  - { max-size: 2 MB }',
      ['line 4: `budgets` has `max-size=2 MB`; it takes `max-size` once for a scope and level, and line 3 has it.'],
    ],
    [
      'budgets: [{ path: "/a\\nb", max-size: 1 MB }]',
      [
        'line 1: `budgets` has `path=/a\\nb`; it takes one budget a line, its options separated by commas: `scope=own,max-increase=2 MB`.',
      ],
    ],
  ])('of %j', (text, told) => {
    expect(problems(text)).toEqual(told)
  })

  it('with all the others, in the order of the file', () => {
    expect(problems('images:\n  - name: a\n    fail: 1\n    max-siz: 2\n  - {}\nmax-layers: x\n')).toEqual([
      'line 3: `fail` has `1`; it takes `true` or `false`.',
      'line 4: unknown key `max-siz`, did you mean `max-size`?',
      'line 5: an image without a `name`.',
      'line 6: `max-layers` has `x`; it takes a whole number: `12`.',
    ])
  })

  it('but for those that are too many', () => {
    const told = problems(Array.from({ length: 100 }, (_, at) => `key-${at}: 1`).join('\n'))
    expect(told).toHaveLength(31)
    expect(told.at(-1)).toBe('budget.yml: 70 more problems like these.')
  })

  it('what does not go together names the line of what the file has', () => {
    const file = fileOf('\nmax-increase: 5 MB\nbudgets:\n  - level: warn\n    max-increase: 2 MB\n')
    const settings = settingsOf(new Map([['baseline', { text: 'none', place: null }]]), file, null)
    expect(() => inputsOf(settings)).toThrow(
      [
        '2 settings are not valid:',
        '- budget.yml, line 4: `budgets`: `max-increase` limits growth, but there is no `baseline` to grow from; leave it out, or give one.',
        '- budget.yml, line 2: `max-increase` limits growth against a base, but `baseline` is `none`; leave one of the two out.',
      ].join('\n'),
    )
  })
})

describe('a hostile file', () => {
  it('is no larger than a megabyte, and UTF-8', () => {
    expect(parseBudgetFile(new Uint8Array(BUDGET_FILE_MAX + 1), 'a.yml')).toEqual({
      file: null,
      problems: ['a.yml has more than 1 MB.'],
    })
    expect(parseBudgetFile(Uint8Array.of(0x61, 0xff), 'a.yml')).toEqual({
      file: null,
      problems: ['a.yml is not UTF-8.'],
    })
    expect(fileOf(`max-size: 1 MB #${'é'.repeat(400_000)}`).defaults.size).toBe(1)
  })

  // A stack that is too deep in the library's composer ends the process: no test of ours would be told.
  it.each(['[', '{', '- ', '? ', 'a: ', '[{', '- [', '[a,', '{a: b,', '&a [*a,'])(
    'is not as deep as %j repeated',
    (text) => {
      expect(problems(text.repeat(140_000))).toEqual(['line 1: more than 30 lists and mappings in each other.'])
    },
  )

  it('uses its anchors no more often than a file that people write', () => {
    const uses = (count: number): string =>
      `forbid: &a [secrets]\nimages:\n${' - { name: x, forbid: *a }\n'.repeat(count)}`
    const names = (count: number): string => {
      let at = 0
      return uses(count).replaceAll('x', () => `n${(at += 1)}`)
    }
    expect(fileOf(names(100)).images).toHaveLength(100)
    expect(problems(names(101))).toEqual(['line 103: more than 100 aliases.'])
    // Each level ten times the one below: a billion in the end.
    const bomb = Array.from(
      { length: 9 },
      (_, at) =>
        `a${at}: &a${at} [${Array(10)
          .fill(at === 0 ? 'x' : `*a${at - 1}`)
          .join(',')}]`,
    )
    expect(problems(bomb.join('\n'))).toHaveLength(9)
    expect(problems('images: &a [*a]')).toEqual([
      'line 1: `images` has a list as an entry; it takes a list of images, each with a `name`.',
    ])
  })

  it('has no secret of a build told', () => {
    expect(problems('build-args: ["9=hunter2"]\ncache-to: ["\\"hunter2"]\n').join()).not.toContain('hunter2')
    expect(problems('baseline: docker://user:hunter2@registry/A\n').join()).not.toContain('hunter2')
  })

  it('is answered, whatever it is', () => {
    const key = fc.constantFrom<string>(...inputNames, 'images', '__proto__', 'toString', '')
    const scalar = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null))
    const value = fc.oneof(
      scalar,
      fc.array(scalar),
      fc.dictionary(fc.string(), scalar),
      fc.array(fc.dictionary(key, scalar)),
    )
    const yaml = fc.oneof(
      fc.dictionary(key, value).map((data) => stringify(data)),
      fc.array(fc.constantFrom(...Array.from('[]{}:,-?!&*#|>%"\'\n\t ab~<='))).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(yaml, (text) => {
        const { file, problems: found } = read(text)
        expect(file === null).toBe(found.length > 0)
      }),
      { numRuns: 200 },
    )
  })
})

it('gives back any values that are written as lists and mappings', () => {
  const word = fc.stringMatching(/^[A-Za-z_][\w.-]{0,10}$/)
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...Array.from('ab \t\n"#:-')) }),
  )
  const data = fc.record({
    'build-args': fc.dictionary(
      word,
      anything.map((text) => text.replaceAll('\r', '')),
    ),
    'secret-files': fc.uniqueArray(word).map((ids) => ids.map((id) => `${id}=a b,#"${id}"`)),
  })
  fc.assert(
    fc.property(data, (values) => {
      // Quoted: the library's literals do not hold a first line of nothing but whitespace.
      const inputs = inputsIn(stringify(values, { blockQuote: false }))
      expect(inputs.buildArgs).toEqual(Object.entries(values['build-args']).map(([key, value]) => `${key}=${value}`))
      expect(inputs.secretFiles.map(({ id, path }) => `${id}=${path}`)).toEqual(values['secret-files'])
    }),
  )
})

it('knows every input', () => {
  const none = new Set<InputName>([
    'config',
    'secrets',
    'page',
    'mode',
    'reports',
    'allow-pull-request-target',
    'github-token',
  ])
  for (const name of inputNames) {
    const [problem = ''] = problems(`${name}: { "\\n": [] }`)
    if (none.has(name)) expect(problem).toContain('has no place in a budget file')
    else expect(problem).toMatch(new RegExp(`^line 1: \`${name}\` has .*; it takes .+\\.$`))
  }
})
