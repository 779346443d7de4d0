import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { ImageFile } from '../../../src/image/runs.ts'
import { findNpmPackages, npmReader } from '../../../src/image/packages/npm.ts'
import { fixture, inspect, rows, type Content } from './inspect.ts'

/** What `npm install` of `project.json` left in node_modules. */
const hiddenLock = fixture('hidden-lock.json')
const project = fixture('project.json')
type Lock = { packages: Record<string, { version: string; dependencies?: Record<string, string>; dev?: boolean }> }
const locked = (JSON.parse(hiddenLock.toString()) as Lock).packages

/** A package.json for each package that the lock file lists, as npm installed them, and 100 bytes of code. */
const installed: Record<string, Content> = Object.fromEntries(
  Object.entries(locked).flatMap(([path, { version, dependencies }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    return [
      [`app/${path}/package.json`, JSON.stringify({ name, version, dependencies })],
      [`app/${path}/index.js`, 'x'.repeat(100)],
    ]
  }),
)
const json = (value: unknown): string => JSON.stringify(value)
const devOf = async (files: Record<string, Content>): Promise<Record<string, boolean | null>> =>
  Object.fromEntries((await inspect(files)).packages.map(({ path, dev }) => [path!.replace('/app/', ''), dev]))

/** As many and as long names as a package.json may have. */
const manyNames = Array.from({ length: 10_000 }, (_, at) => `${'x'.repeat(150)}${at}`)

/** As `npm ls --all --omit=dev` lists them. */
const PRODUCTION = new Set([
  'node_modules/@sindresorhus/is',
  'node_modules/debug',
  'node_modules/debug/node_modules/ms',
  'node_modules/minipass',
  'node_modules/ms',
])
const expectedDev = Object.fromEntries(Object.keys(locked).map((path) => [path, !PRODUCTION.has(path)]))

describe('packages in node_modules', () => {
  it('have their folders’ bytes without those of the packages in them, scoped and nested ones', async () => {
    const { packages, files } = await inspect({
      'app/node_modules/debug/package.json': json({ name: 'debug', version: '4.4.1' }),
      'app/node_modules/debug/src/node.js': 'x'.repeat(1_000),
      'app/node_modules/debug/node_modules/ms/package.json': json({ name: 'ms', version: '2.1.3' }),
      'app/node_modules/debug/node_modules/ms/index.js': 'x'.repeat(30),
      'app/node_modules/@types/ms/package.json': json({ name: '@types/ms', version: '2.1.0' }),
      'app/node_modules/.bin/tool': 'of nobody',
      'app/node_modules/.cache/package.json': json({ name: 'no-package' }),
      'app/index.js': 'the app',
    })
    expect(packages.map(({ name, version, path, size, dev }) => [name, version, path, size, dev])).toEqual([
      ['debug', '4.4.1', '/app/node_modules/debug', 1_034, null],
      ['ms', '2.1.3', '/app/node_modules/debug/node_modules/ms', 61, null],
      ['@types/ms', '2.1.0', '/app/node_modules/@types/ms', 38, null],
    ])
    expect(files.filter((file) => file.package === null).map(({ path }) => path)).toEqual([
      '/app/node_modules/.bin/tool',
      '/app/node_modules/.cache/package.json',
      '/app/index.js',
    ])
  })

  it('are not the folders that a package has for its own tests, nor a package.json inside one', async () => {
    const { packages } = await inspect({
      'app/node_modules/resolve/package.json': json({ name: 'resolve', version: '1.0.0' }),
      'app/node_modules/resolve/esm/package.json': json({ type: 'module', name: 'no-package' }),
      'app/node_modules/resolve/test/node_modules/fake/package.json': json({ name: 'fake', version: '0.0.0' }),
    })
    expect(rows(packages)).toEqual([expect.stringMatching(/^npm resolve 1\.0\.0 \d+$/)])
  })

  it('of a package.json that tells no name or is broken have the folder’s', async () => {
    const { packages } = await inspect({
      'node_modules/@scope/nameless/package.json': '{}',
      'node_modules/broken/package.json': '{"name": ',
      'node_modules/marked/package.json': `\ufeff${json({ name: 'really-marked', version: 1 })}`,
    })
    expect(packages.map(({ name, version, path }) => [name, version, path])).toEqual([
      ['@scope/nameless', null, '/node_modules/@scope/nameless'],
      ['broken', null, '/node_modules/broken'],
      ['really-marked', null, '/node_modules/marked'],
    ])
  })
})

describe('what is only for development', () => {
  it('npm’s own lock file in node_modules tells, also of what packages need', async () => {
    expect(await devOf({ ...installed, 'app/node_modules/.package-lock.json': hiddenLock })).toEqual(expectedDev)
  })

  it('the project’s lock file tells where that one is missing, in the form of npm 6 as well', async () => {
    expect(await devOf({ ...installed, 'app/package-lock.json': hiddenLock })).toEqual(expectedDev)
    const old = {
      lockfileVersion: 1,
      dependencies: {
        debug: { version: '4.4.1', requires: { ms: '^2.1.3' }, dependencies: { ms: { version: '2.1.3' } } },
        rimraf: { version: '6.0.1', dev: true },
      },
    }
    expect(await devOf({ ...installed, 'app/package-lock.json': json(old) })).toMatchObject({
      'node_modules/debug': false,
      'node_modules/debug/node_modules/ms': false,
      'node_modules/rimraf': true,
      'node_modules/glob': null,
    })
  })

  it('a lock file does not tell of another version than the one that it has', async () => {
    const stale = { packages: { 'node_modules/rimraf': { version: '5.0.0', dev: true } } }
    expect(await devOf({ ...installed, 'app/package-lock.json': json(stale) })).toMatchObject({
      'node_modules/rimraf': null,
    })
  })

  it('without one the project’s package.json leads to, as Node would find it', async () => {
    const found = await devOf({ ...installed, 'app/package.json': project })
    // `minipass` is an optional dependency, and what rimraf needs: that it is there for production is right.
    expect(found).toEqual(expectedDev)
  })

  it('is nothing that one of several projects needs to run', async () => {
    const found = await devOf({
      'app/package.json': json({ devDependencies: { shared: '1', tool: '1' } }),
      'app/packages/api/package.json': json({ dependencies: { shared: '1' } }),
      'app/node_modules/shared/package.json': json({ name: 'shared', peerDependencies: { peer: '1' } }),
      'app/node_modules/peer/package.json': json({ name: 'peer' }),
      'app/node_modules/tool/package.json': json({ name: 'tool', dependencies: { shared: '1', helper: '1' } }),
      'app/node_modules/helper/package.json': json({ name: 'helper', dependencies: { tool: '1', missing: '1' } }),
      'app/node_modules/stray/package.json': json({ name: 'stray' }),
    })
    expect(found).toEqual({
      'node_modules/shared': false,
      'node_modules/peer': false,
      'node_modules/tool': true,
      'node_modules/helper': true,
      'node_modules/stray': null,
    })
  })

  it('is told through the links of pnpm, whose packages are in its store', async () => {
    const store = 'app/node_modules/.pnpm'
    const at = (name: string, version: string): string => `${store}/${name.replace('/', '+')}@${version}/node_modules`
    const { packages } = await inspect({
      'app/package.json': project,
      [`${at('debug', '4.4.1')}/debug/package.json`]: json({
        name: 'debug',
        version: '4.4.1',
        dependencies: { ms: '^2.1.3' },
      }),
      [`${at('debug', '4.4.1')}/ms`]: { symlink: '../../ms@2.1.3/node_modules/ms' },
      [`${at('ms', '2.1.3')}/ms/package.json`]: json({ name: 'ms', version: '2.1.3' }),
      [`${at('@types/ms', '2.1.0')}/@types/ms/package.json`]: json({ name: '@types/ms', version: '2.1.0' }),
      [`${store}/node_modules/ms`]: { symlink: '../ms@2.1.3/node_modules/ms' },
      'app/node_modules/debug': { symlink: '.pnpm/debug@4.4.1/node_modules/debug' },
      'app/node_modules/@types/ms': { symlink: '../.pnpm/@types+ms@2.1.0/node_modules/@types/ms' },
    })
    expect(packages.map(({ name, version, path, dev }) => [name, version, path, dev])).toEqual([
      ['debug', '4.4.1', '/app/node_modules/.pnpm/debug@4.4.1/node_modules/debug', false],
      ['ms', '2.1.3', '/app/node_modules/.pnpm/ms@2.1.3/node_modules/ms', false],
      ['@types/ms', '2.1.0', '/app/node_modules/.pnpm/@types+ms@2.1.0/node_modules/@types/ms', true],
    ])
  })
})

describe('what npm’s files tell', () => {
  it('is nothing of files that are no records', () => {
    const paths = [
      'app/tsconfig.json',
      'app/my-package.json',
      'app/node_modules/a/lib/package.json',
      'app/node_modules/a/package-lock.json',
      'app/node_modules/@scope/package.json',
    ]
    for (const path of paths) expect([path, npmReader(path, 10)]).toEqual([path, null])
  })

  it('never throws, and finds nothing that is not there, whatever is in the files', async () => {
    const names = fc.constantFrom('a', '@s/b', '__proto__', 'constructor', '..', '', 'a/../../b')
    const dependencies = fc.oneof(fc.dictionary(names, fc.constant('1')), fc.anything())
    const manifest = fc.oneof(
      fc.record({
        name: fc.oneof(names, fc.anything()),
        version: fc.anything(),
        dependencies,
        devDependencies: dependencies,
        packages: fc.dictionary(
          names.map((name) => `node_modules/${name}`),
          fc.oneof(fc.record({ version: names, dev: fc.boolean(), dependencies }), fc.anything()),
        ),
      }),
      fc.anything(),
    )
    const text = fc.oneof(
      manifest.map((value) => {
        try {
          return JSON.stringify(value) ?? ''
        } catch {
          return ''
        }
      }),
      fc.string(),
    )
    const paths = [
      'package.json',
      'package-lock.json',
      'node_modules/.package-lock.json',
      'node_modules/a/package.json',
      'node_modules/@s/b/package.json',
      'node_modules/__proto__/package.json',
    ]
    await fc.assert(
      fc.asyncProperty(fc.tuple(...paths.map(() => text)), async (texts) => {
        const files = Object.fromEntries(paths.map((path, at) => [path, texts[at]!]))
        const { packages } = await inspect(files)
        expect(packages.map(({ path }) => path)).toEqual([
          '/node_modules/a',
          '/node_modules/@s/b',
          '/node_modules/__proto__',
        ])
      }),
    )
  })

  it('weighs its names', () => {
    const manifest = json({ dependencies: Object.fromEntries(manyNames.map((name) => [name, '1'])) })
    const reader = npmReader('node_modules/a/package.json', manifest.length)!
    reader.push(Buffer.from(manifest))
    expect(reader.end()).toMatchObject({ dependencies: manyNames })
    expect(reader.keeps).toBeGreaterThan(10_000 * 150)
  })

  it('does not tell what is for development where too many paths would have to be looked at', () => {
    const find = (folder: string): { dev: (boolean | null)[]; lookUps: number } => {
      let lookUps = 0
      const packages = findNpmPackages({
        facts: [
          {
            path: '/package.json',
            fact: { kind: 'npm', of: 'project', dependencies: ['a'], devDependencies: manyNames },
          },
          {
            path: '/node_modules/a/package.json',
            fact: { kind: 'npm', of: 'package', name: 'a', version: null, dependencies: [] },
          },
          {
            path: `${folder}/package.json`,
            fact: { kind: 'npm', of: 'project', dependencies: manyNames, devDependencies: [] },
          },
        ],
        file: (path) => {
          lookUps += 1
          return path === '/node_modules/a/package.json' ? ({ path } as ImageFile) : null
        },
      })
      return { dev: packages.map(({ dev }) => dev), lookUps }
    }
    expect(find('/app').dev).toEqual([false])
    const deep = find('/app'.repeat(250))
    expect(deep.dev).toEqual([null])
    expect(deep.lookUps).toBeLessThan(1_000_000)
  })
})
