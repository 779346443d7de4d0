import { describe, expect, test } from '@jest/globals'
import { contextBloat } from '../../src/advice/context-bloat.ts'
import { removedLater } from '../../src/advice/removed-later.ts'
import { vcsAndTests } from '../../src/advice/vcs-and-tests.ts'
import { aFile, anImage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const install = aLayer('RUN npm ci', { line: 4 })
const copy = aLayer('COPY . .', { line: 6 })
const tidy = aLayer('RUN rm -rf coverage', { line: 7 })

const app = aFile('/app/src/server.js', 40_000, 2)

test('what a .dockerignore should have kept out, with the line to paste', () => {
  const files = [
    app,
    aFile('/app/.git/objects/pack/x.pack', 5_000_000, 2),
    aFile('/app/coverage/lcov.info', 3_400_000, 2),
    aFile('/app/.vscode/settings.json', 200_000, 2),
    aFile('/app/npm-debug.log', 150_000, 2),
  ]
  const found = contextBloat(anImage([base, install, copy], files))
  expect(found.map(({ bytes, paths, fix, layer }) => [plain(fix), bytes, paths, layer?.line])).toEqual([
    ['add `.git` to `.dockerignore`', 5_000_000, ['/app/.git'], 6],
    ['add `coverage` to `.dockerignore`', 3_400_000, ['/app/coverage'], 6],
    ['add `.vscode` to `.dockerignore`', 200_000, ['/app/.vscode'], 6],
    ['add `npm-debug.log` to `.dockerignore`', 150_000, ['/app/npm-debug.log'], 6],
  ])
  expect(plain(found[1]!.what)).toBe('a coverage report, from the build context')
  expect(found[1]!.key).toBe('context-bloat:coverage')
})

describe('what the image makes itself', () => {
  const own = aFile('/app/node_modules/a/index.js', 2_000_000, 1, { checksum: 1, lost: { layer: 2, how: 'replaced' } })
  const copied = aFile('/app/node_modules/a/index.js', 2_000_000, 2, { checksum: 1, uid: 1 })
  const more = aFile('/app/node_modules/typescript/lib/tsc.js', 9_000_000, 2)

  test('is too much from the context, and what it replaced is not told again', () => {
    const image = anImage([base, install, copy], [app, own, copied, more])
    const [found, ...others] = contextBloat(image)
    expect(others).toEqual([])
    expect(found).toMatchObject({ bytes: 11_000_000, paths: ['/app/node_modules'] })
    expect(plain(found!.what)).toBe('`node_modules` from the build context, which the image makes itself')
    expect(removedLater(image)).toEqual([])
  })

  test('is what the image runs, where it makes none', () => {
    expect(contextBloat(anImage([base, install, copy], [app, more, aFile('/app/dist/main.js', 2_000_000, 2)]))).toEqual(
      [],
    )
  })

  test('is too much when a later layer takes it away', () => {
    const lost = { layer: 3, how: 'removed' } as const
    const image = anImage(
      [base, install, copy, tidy],
      [app, { ...more, lost }, aFile('/app/coverage/x', 300_000, 2, { lost })],
    )
    expect(contextBloat(image).map(({ bytes, fix }) => [bytes, plain(fix)])).toEqual([
      [9_000_000, 'add `node_modules` to `.dockerignore`'],
      [300_000, 'add `coverage` to `.dockerignore`'],
    ])
    expect(removedLater(image)).toEqual([])
  })

  test.each([
    ['RUN npm run build', [9_000_000]],
    ['RUN chown -R 1000:1000 /app', []],
    ['RUN npm rebuild && chmod -R g+w /app', []],
    ['RUN touch /app/node_modules/typescript/lib/tsc.js', []],
    ['COPY . /app', []],
  ])('is too much when a later layer writes it anew, not when it only gives it away: %s', (instruction, bytes) => {
    const lost = { layer: 3, how: 'replaced' } as const
    const again = aFile(more.path, more.size, 3, { uid: 1000 })
    const image = anImage([base, install, copy, aLayer(instruction, { line: 7 })], [app, { ...more, lost }, again])
    const found = contextBloat(image).find(({ layer }) => layer?.line !== 7)
    expect(found === undefined ? [] : [found.bytes]).toEqual(bytes)
  })

  test('is too much as a virtual environment of another machine', () => {
    const files = [app, aFile('/app/.venv/pyvenv.cfg', 100, 2), aFile('/app/.venv/lib/x.so', 8_000_000, 2)]
    expect(contextBloat(anImage([base, install, copy], files))).toMatchObject([{ bytes: 8_000_100 }])
  })
})

describe('the line for .dockerignore is relative to the context:', () => {
  const git = (path: string) => [aFile(path, 5_000_000, 1), aFile('/srv/app/x/main.js', 10_000, 1)]
  test.each([
    ['COPY . /srv/app', '/srv/app/.git/x', '.git'],
    ['COPY --chown=1:1 ./ /srv/app/', '/srv/app/.git/x', '.git'],
    ['COPY ["server", "/srv/app"]', '/srv/app/.git/x', 'server/.git'],
    ['ADD ./server/ app', '/srv/app/.git/x', 'server/.git'],
    ['COPY . .', '/srv/app/.git/x', '.git'],
    ['COPY a b /srv/', '/srv/app/.git/x', '**/.git'],
    ['COPY packages/* /srv/', '/srv/app/.git/x', '**/.git'],
    ['COPY dir:0123456789abcdef in /srv/app ', '/srv/app/.git/x', '.git'],
  ])('%s', (instruction, path, line) => {
    const [found] = contextBloat(anImage([base, aLayer(instruction)], git(path)))
    expect(plain(found!.fix)).toBe(`add \`${line}\` to \`.dockerignore\``)
  })

  test('a pattern where there are several', () => {
    const files = ['a', 'b'].map((name) => aFile(`/app/${name}/.git/x`, 900_000, 1))
    expect(plain(contextBloat(anImage([base, aLayer('COPY . /app')], files))[0]!.fix)).toContain('`**/.git`')
  })
})

describe('is nothing that a .dockerignore keeps out:', () => {
  test.each([
    ['what a stage gave', 'COPY --from=build /app /app', '/app/.git/x'],
    ['what a RUN made', 'RUN git clone https://example.com/x /app', '/app/.git/x'],
    ['what a repository gave', 'ADD https://github.com/acme/x.git /app', '/app/.git/x'],
    ['what an archive had', 'ADD app.tar.gz /app', '/app/.git/x'],
    ['what is copied by its name', 'COPY node_modules /app/node_modules', '/app/node_modules/x'],
    ['a package’s own', 'COPY . /app', '/app/node_modules/x/coverage/lcov.info'],
    ['a program’s folder called coverage', 'COPY . /app', '/app/src/coverage/policy.js'],
    ['tests: they may be run', 'COPY . /app', '/app/tests/x'],
  ])('%s', (_, instruction, path) => {
    expect(contextBloat(anImage([base, aLayer(instruction)], [aFile(path, 9_000_000, 1)]))).toEqual([])
  })
})

test('no byte is told by vcs-and-tests too', () => {
  const image = anImage(
    [base, install, copy],
    [app, aFile('/app/.git/x', 5_000_000, 2), aFile('/app/test/x', 700_000, 2)],
  )
  expect(contextBloat(image).map(({ bytes }) => bytes)).toEqual([5_000_000])
  expect(vcsAndTests(image).map(({ key, bytes, fix }) => [key, bytes, plain(fix)])).toEqual([
    ['vcs-and-tests:tests', 700_000, 'add `**/test` to `.dockerignore`'],
  ])
})

test('what another line copies by its name is left alone: the build would miss it', () => {
  const report = aLayer('COPY ./coverage/ /srv/report', { line: 8 })
  const files = [app, aFile('/app/coverage/lcov.info', 3_400_000, 2), aFile('/srv/report/lcov.info', 3_400_000, 3)]
  expect(contextBloat(anImage([base, install, copy, report], files))).toEqual([])
})
