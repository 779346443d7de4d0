import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { CouldNotMeasure, type Failure } from '../../src/failure.ts'
import { ACCEPTED, inputNames, nearestInput, parseInputs, type InputName } from '../../src/inputs/inputs.ts'

function failureOf(values: Record<string, string>): Failure {
  try {
    parseInputs(values)
  } catch (error) {
    if (error instanceof CouldNotMeasure) return error.failure
    throw error
  }
  throw new Error(`${JSON.stringify(values)} was accepted`)
}

const bytes = 'a number with a unit: `160 MB`, `150 MiB`, `1.2 GB`, `800 kB`'
const keyValue = 'one `KEY=value` (or `KEY`, taken from the environment) a line'
const platforms = 'platforms `os/architecture[/variant]`, comma- or line-separated: `linux/amd64,linux/arm64`'
const contexts = 'one `name=value` a line, the value a folder, `docker-image://…`, `oci-layout://…` or a URL'
const builders = 'the name of a buildx builder (`docker buildx ls`)'
const folder = 'a folder of the checked-out repository; a remote context cannot be compared'
const rules =
  'ids of rules, comma- or line-separated: `toolchain`, `package-cache`, `dev-dependencies`, `vcs-and-tests`, `secrets`, `removed-later`, `duplicate-files`, `debug-symbols`, `single-stage`, `context-bloat`, `root-user`, `floating-base`, `layer-count`'
const label = "a label's name on one line, of at most 50 characters, or `off`"
const stage = "the name of a stage: `AS name` in the Dockerfile's `FROM` lines"

/** Input, bad value, what the message shows of it, the accepted form. */
const images =
  'an image where it lies: `docker://NAME` (a registry), `docker-daemon:NAME` (the Docker engine), `docker-archive:FILE`, `oci-archive:FILE` or `oci:FOLDER`'
const baselines = `\`auto\`, \`record\`, \`build\`, \`none\`, or ${images}`

const bad: [InputName, string, string, string][] = [
  ['name', 'a\nb', '`a\\nb`', 'a text of at most 100 characters on one line'],
  ['name', 'x'.repeat(101), `\`${'x'.repeat(101)}\``, 'a text of at most 100 characters on one line'],
  ['config', 'a\nb', '`a\\nb`', 'a path on one line, or `off`'],
  ['images', 'x'.repeat(101), `\`${'x'.repeat(101)}\``, "names of the budget file's images, comma- or line-separated"],
  ['dockerfiles', `api/Dockerfile, ${'x'.repeat(1001)}`, `\`${'x'.repeat(120)}…\``, ACCEPTED.dockerfiles],
  ['bake-files', 'docker-bake.hcl, -', '`-`', ACCEPTED['bake-files']],
  ['bake-files', 'https://github.com/acme/shop.git', '`https://github.com/acme/shop.git`', ACCEPTED['bake-files']],
  ['bake-targets', 'api, two words', '`two words`', ACCEPTED['bake-targets']],
  ['bake-targets', '--push', '`--push`', ACCEPTED['bake-targets']],
  ['context', 'https://github.com/acme/shop.git', '`https://github.com/acme/shop.git`', folder],
  ['context', 'git@github.com:acme/shop.git', '`git@github.com:acme/shop.git`', folder],
  ['context', 'github.com/acme/shop\nb', '`github.com/acme/shop\\nb`', folder],
  ['file', 'a\nb', '`a\\nb`', 'a path on one line'],
  ['target', 'two words', '`two words`', stage],
  ['target', '--push', '`--push`', stage],
  ['build-args', 'A=1\n=2', '`…` as entry 2', keyValue],
  ['build-args', '2A=1', '`…` as entry 1', keyValue],
  ['build-args', 'A=1\n--load', '`…` as entry 2', keyValue],
  ['build-contexts', 'base', '`base`', contexts],
  ['build-contexts', 'a=b\nbase=', '`base=`', contexts],
  ['build-contexts', '-x=b', '`-x=b`', contexts],
  ['platforms', 'linux/amd64, amd64', '`amd64`', platforms],
  ['platforms', 'linux', '`linux`', platforms],
  ['secrets', 'npmrc', '`…` as entry 1', 'one `id=value` a line'],
  ['secrets', 'id,env=HOME=x', '`…` as entry 1', 'one `id=value` a line'],
  ['secret-files', 'npmrc', '`npmrc`', 'one `id=path` a line'],
  ['secret-files', 'npmrc=', '`npmrc=`', 'one `id=path` a line'],
  ['cache-from', 'type=gha\n""', '`…` as entry 2', 'one cache source a line: `type=gha`, `type=registry,ref=…`'],
  ['cache-to', '"type=gha', '`…`', 'one cache destination a line: `type=gha,mode=max`'],
  ['builder', 'my builder', '`my builder`', builders],
  ['builder', '--debug', '`--debug`', builders],
  ['max-size', '160', '`160`', bytes],
  ['max-size', '-1 MB', '`-1 MB`', bytes],
  ['max-download-size', '55 M', '`55 M`', bytes],
  ['max-layers', '12.5', '`12.5`', 'a whole number: `12`'],
  ['max-layers', 'none', '`none`', 'a whole number: `12`'],
  ['max-increase', '3', '`3`', 'bytes with a unit or percent of the base: `5 MB`, `3%`'],
  ['budgets', 'max-size=1 MB\nscope=own,max-size=160', '`max-size=160` in line 2', bytes],
  ['forbid', 'secrets, antsy-pansy', '`antsy-pansy`', rules],
  ['accept-label', 'a\nb', '`a\\nb`', label],
  ['accept-label', 'x'.repeat(51), `\`${'x'.repeat(51)}\``, label],
  ['image', 'api:1.0', '`api:1.0`', images],
  ['image', 'docker://API', '`docker://API`', images],
  ['metrics', 'layers', '`layers`', '`size`, `download-size`, or both, comma- or line-separated'],
  ['metrics', ',', '`,`', '`size`, `download-size`, or both, comma- or line-separated'],
  ['baseline', 'main', '`main`', baselines],
  ['baseline', 'Auto', '`Auto`', baselines],
  ['base-ref', '--upload-pack=id', '`--upload-pack=id`', 'a commit, branch or tag'],
  ['base-ref', 'main..v1 v2', '`main..v1 v2`', 'a commit, branch or tag'],
  ['untouched', 'true', '`true`', '`skip`, `measure`'],
  ['record', 'true', '`true`', '`auto`, `off`'],
  ['data-branch', '../main', '`../main`', 'the name of a branch that has nothing else: `image-budget`'],
  ['data-branch', 'refs/heads/data', '`refs/heads/data`', 'the name of a branch that has nothing else: `image-budget`'],
  ['data-branch', 'a.lock', '`a.lock`', 'the name of a branch that has nothing else: `image-budget`'],
  ['comment', 'true', '`true`', '`on-change`, `always`, `off`'],
  ['page', 'a\nb.html', '`a\\nb.html`', 'the path of a file on one line: `image-budget.html`'],
  ['fail', 'yes', '`yes`', '`true` or `false`'],
  ['mode', 'Report', '`Report`', '`check`, `measure`, `report`'],
  ['reports', ',', '`,`', 'files or folders, comma- or line-separated'],
  ['reports', 'a\u0007', '`a\\u0007`', 'files or folders, comma- or line-separated'],
  ['allow-pull-request-target', '1', '`1`', '`true` or `false`'],
]
/** Any text is a command, and any text may be a token. */
const anyText: InputName[] = ['before-build', 'github-token']

describe('a bad value', () => {
  it.each(bad)('of `%s`, %j, gets one error that names input, value and accepted form', (input, value, shown, form) => {
    const { kind, message } = failureOf({ [input]: value })
    const [said] = message.split(' Did you mean ')
    expect({ kind, said }).toEqual({
      kind: 'input',
      said: `An input is not valid:\n- \`${input}\` has ${shown}; it takes ${form}.`,
    })
  })

  it.each([
    ['comment', 'on'],
    ['record', 'on'],
    ['record', 'Yes'],
    ['comment', 'true'],
    ['comment', 'if'],
    ['record', 'soft'],
  ])('of `%s`, %j, is not told the opposite, nor a word that has little in common with it', (input, value) => {
    expect(failureOf({ [input]: value }).message).not.toContain('Did you mean')
  })

  it.each([
    ['baseline', 'recrod', 'record'],
    ['metrics', 'size, download_size', 'download-size'],
    ['fail', 'ture', 'true'],
    ['mode', 'Report', 'report'],
    ['forbid', 'secret', 'secrets'],
    ['comment', 'of', 'off'],
  ])('of `%s`, %j, is told what it was most likely meant as', (input, value, meant) => {
    expect(failureOf({ [input]: value }).message).toMatch(new RegExp(`Did you mean \`${meant}\`\\?$`))
  })

  it('is known of every input that can have one', () => {
    expect([...new Set(bad.map(([input]) => input)), ...anyText].toSorted()).toEqual(inputNames.toSorted())
  })

  it('does not keep the others from being told: all are in one message, one line each', () => {
    const worst = Object.fromEntries(bad.map(([input, value]) => [input, value]))
    const { message } = failureOf({ ...worst, 'max-sise': '1 MB' })
    const [head, ...problems] = message.split('\n')
    expect(head).toBe(`${Object.keys(worst).length + 1} inputs are not valid:`)
    expect(problems.map((line) => /^- `([^`]+)` /.exec(line)?.[1] ?? line).toSorted()).toEqual(
      [...Object.keys(worst), 'max-sise'].toSorted(),
    )
  })

  it('is cut short where it is long', () => {
    expect(failureOf({ 'max-size': '9'.repeat(5_000) }).message).toContain(`\`${'9'.repeat(120)}…\`; it takes`)
  })

  it('says which line of a list is bad', () => {
    expect(failureOf({ platforms: 'linux/amd64\nlinux/arm64\nwindows' }).message).toContain('has `windows`;')
  })
})

it('finds images, or is of one', () => {
  expect(failureOf({ dockerfiles: '*/Dockerfile', file: 'Dockerfile', target: 'x' }).message).toBe(
    [
      '2 inputs are not valid:',
      "- `file` is one image's, and `dockerfiles` finds several; leave one of the two out.",
      "- `target` is one image's, and `dockerfiles` finds several; leave one of the two out.",
    ].join('\n'),
  )
  expect(failureOf({ 'bake-targets': 'api', image: 'docker-daemon:api' }).message).toContain(
    "`image` is one image's, and `bake-targets` finds several",
  )
})

describe('values that nobody may see', () => {
  const secret = 'hunter2'
  it.each([
    { secrets: `bad id=${secret}` },
    { secrets: `"npmrc=a\n${secret}` },
    { secrets: secret },
    { secrets: `=${secret}` },
    { secrets: `ok=1\n${secret}\n` },
    { secrets: `a b=x\n${secret}=1` },
    { 'build-args': `9=${secret}` },
    { 'build-args': `${secret} ${secret}` },
    { 'build-args': `"A=1\n${secret}` },
    { 'build-args': `"${secret}\nA=1` },
    { secrets: `"${secret}\n=A` },
    // Base64 ends with what looks like the end of a key.
    { secrets: `${secret}=` },
    { secrets: `key=-----BEGIN\n${secret}==` },
    { 'build-args': `-${secret}=` },
  ])('are not in the message about %j', (values) => {
    expect(failureOf({ ...values, fail: 'no' }).message).not.toContain(secret)
  })
})

describe('a name that is no input', () => {
  it.each([
    ['max_size', 'max-size'],
    ['maxsize', 'max-size'],
    ['max-sise', 'max-size'],
    ['Platform', 'platforms'],
    ['build-arg', 'build-args'],
    ['github_token', 'github-token'],
  ])('%j is answered with `%s`', (name, near) => {
    expect(failureOf({ [name]: 'x' }).message).toContain(`- \`${name}\` is not an input; did you mean \`${near}\`?`)
  })

  it('is answered with all of them where it is like none', () => {
    expect(failureOf({ containerfile: 'x' }).message).toBe(
      `An input is not valid:\n- \`containerfile\` is not an input (they are ${inputNames.join(', ')}).`,
    )
    expect(failureOf({ constructor: 'x' }).message).toContain('`constructor` is not an input')
    expect(failureOf({ toString: 'x' }).message).toContain('`toString` is not an input')
  })

  it('never takes long, whatever it is', () => {
    expect(nearestInput('x'.repeat(1e6))).toBeNull()
    expect(nearestInput('')).toBeNull()
  })
})

describe('inputs that contradict each other', () => {
  it('are both named', () => {
    const values = { baseline: 'none', 'max-increase': '3%', 'base-ref': 'v1' }
    expect(failureOf(values).message).toBe(
      [
        '2 inputs are not valid:',
        '- `max-increase` limits growth against a base, but `baseline` is `none`; leave one of the two out.',
        '- `base-ref` is `v1`, but `baseline` is `none`; leave one of the two out.',
      ].join('\n'),
    )
    expect(() => parseInputs({ ...values, baseline: 'build' })).not.toThrow()
  })

  it.each([
    ['secrets', 'npmrc=a\nnpmrc=b'],
    ['secret-files', 'npmrc=a\nnpmrc=b'],
    ['build-contexts', 'base=a\nbase=b'],
  ])('of `%s` with the same name twice are refused', (input, value) => {
    expect(failureOf({ [input]: value }).message).toMatch(
      new RegExp(`^An input is not valid:\n- \`${input}\` has \`(npmrc|base)\` more than once\\.$`),
    )
  })

  it('refuse what says how to build beside `image`, all of it in one sentence', () => {
    const values = { image: 'oci:layout', context: 'app', 'build-args': 'A=1', 'base-ref': 'main', baseline: 'build' }
    expect(failureOf(values).message).toBe(
      [
        '2 inputs are not valid:',
        '- `context`, `build-args`, `base-ref` are given, but `image` is measured as it is and nothing is built: they have no effect.',
        '- `baseline` is `build`, but with `image` nothing is built; give an image to compare with, or `none`.',
      ].join('\n'),
    )
    expect(() =>
      parseInputs({ image: 'oci:layout', context: '.', baseline: 'docker://api', platforms: 'linux/arm64' }),
    ).not.toThrow()
  })

  it('refuse a limit on what is not measured', () => {
    expect(failureOf({ metrics: 'size', 'max-download-size': '5 MB' }).message).toContain(
      '- `max-download-size` limits the download size, but `metrics` is `size` alone; add `download-size`.',
    )
    expect(failureOf({ metrics: 'download-size', 'max-size': '5 MB' }).message).toContain(
      '- `max-size` limits the size, but `metrics` is `download-size` alone; add `size`.',
    )
  })

  it('refuse a secret that is given in both ways', () => {
    expect(failureOf({ secrets: 'npmrc=a', 'secret-files': 'npmrc=b' }).message).toContain(
      '- `secrets` and `secret-files` both have `npmrc`; leave one of the two out.',
    )
  })
})

describe('good values', () => {
  it('are read, all of them', () => {
    const values = {
      name: ' shop ',
      context: './services/api',
      file: 'docker/api.Dockerfile',
      target: 'production',
      'build-args': 'VERSION=1=2\nFROM_ENV\n"TEXT=a\nb"',
      'build-contexts': 'base=docker-image://alpine:3\nlib=../lib',
      platforms: 'Linux/AMD64,linux/arm/v7\nlinux/amd64',
      secrets: 'npmrc=a=b',
      'secret-files': 'key=./key file',
      'cache-from': 'type=gha\ntype=registry,ref=ghcr.io/acme/shop:cache',
      'cache-to': 'type=gha,mode=max',
      builder: 'builder-1',
      'before-build': '\n  npm ci\n',
      metrics: 'download-size\nsize',
      'max-size': '160 MB',
      'max-download-size': '55 MiB',
      'max-layers': '12',
      'max-increase': '2.5%',
      budgets: 'scope=own,max-increase=2 MB\npath=/app/**/*.map,max-size=0 B,level=warn\nmax-increase=20 MB,over=4w',
      forbid: 'secrets, vcs-and-tests\nsecrets',
      'accept-label': 'bigger is fine',
      baseline: 'build',
      'base-ref': 'release/v1.0',
      untouched: 'measure',
      record: 'off',
      'data-branch': 'data/sizes',
      comment: 'always',
      page: 'out/size map.html',
      fail: 'FALSE',
      mode: 'report',
      reports: 'one.json, artifacts\n/tmp/more',
      'allow-pull-request-target': 'True',
      'github-token': 'ghs_x',
    } satisfies Record<
      Exclude<InputName, 'config' | 'images' | 'dockerfiles' | 'bake-files' | 'bake-targets' | 'image'>,
      string
    >
    const none = { maxSize: null, maxDownloadSize: null, maxLayers: null, maxIncrease: null }
    expect(parseInputs(values)).toEqual({
      name: 'shop',
      images: [],
      dockerfiles: [],
      bakeFiles: [],
      bakeTargets: [],
      bake: null,
      image: null,
      context: './services/api',
      file: 'docker/api.Dockerfile',
      target: 'production',
      buildArgs: ['VERSION=1=2', 'FROM_ENV', 'TEXT=a\nb'],
      buildContexts: [
        { name: 'base', value: 'docker-image://alpine:3' },
        { name: 'lib', value: '../lib' },
      ],
      platforms: ['linux/amd64', 'linux/arm/v7'],
      secrets: [{ id: 'npmrc', value: 'a=b' }],
      secretFiles: [{ id: 'key', path: './key file' }],
      cacheFrom: ['type=gha', 'type=registry,ref=ghcr.io/acme/shop:cache'],
      cacheTo: ['type=gha,mode=max'],
      builder: 'builder-1',
      beforeBuild: '\n  npm ci\n',
      metrics: ['size', 'download-size'],
      limits: {
        maxSize: 160_000_000,
        maxDownloadSize: 57_671_680,
        maxLayers: 12,
        maxIncrease: { limit: 2.5, unit: 'percent' },
      },
      budgets: [
        {
          line: 1,
          scope: { kind: 'own', of: null },
          level: 'fail',
          over: null,
          limits: { ...none, maxIncrease: { limit: 2_000_000, unit: 'bytes' } },
        },
        {
          line: 2,
          scope: { kind: 'path', of: '/app/**/*.map' },
          level: 'warn',
          over: null,
          limits: { ...none, maxSize: 0 },
        },
        {
          line: 3,
          scope: null,
          level: 'fail',
          over: { kind: 'days', days: 28 },
          limits: { ...none, maxIncrease: { limit: 20_000_000, unit: 'bytes' } },
        },
      ],
      forbid: ['secrets', 'vcs-and-tests'],
      acceptLabel: 'bigger is fine',
      baseline: 'build',
      baseRef: 'release/v1.0',
      untouched: 'measure',
      record: 'off',
      dataBranch: 'data/sizes',
      comment: 'always',
      page: 'out/size map.html',
      fail: false,
      mode: 'report',
      reports: ['one.json', 'artifacts', '/tmp/more'],
      allowPullRequestTarget: true,
      githubToken: 'ghs_x',
    })
  })

  it('are not needed: an input left empty is an input not given', () => {
    const empty = Object.fromEntries(inputNames.map((name) => [name, ' ']))
    expect(parseInputs(empty)).toEqual(parseInputs({}))
  })

  it.each(['.', './', 'a b', 'päckage', 'C++/app', 'a:b'])('may be the folder %j', (context) => {
    expect(parseInputs({ context }).context).toBe(context)
  })

  it.each([
    'main',
    'v1.0',
    'feature/größe',
    'a'.repeat(40),
    'HEAD',
    'renovate/node-24.x',
    'HEAD~1',
    'v1^',
    'refs/heads/main',
  ])('may be the base %j', (ref) => {
    expect(parseInputs({ 'base-ref': ref }).baseRef).toBe(ref)
  })
})

it('answers any texts with inputs or one error, never anything else', () => {
  const texts = fc.dictionary(
    fc.constantFrom<string>(...inputNames, '__proto__', 'nmae'),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(texts, (values) => {
      try {
        parseInputs(values)
      } catch (error) {
        expect(error).toBeInstanceOf(CouldNotMeasure)
      }
    }),
  )
})
