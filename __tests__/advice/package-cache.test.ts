import { describe, expect, test } from '@jest/globals'
import { packageCache } from '../../src/advice/package-cache.ts'
import { aFile, anImage, aPackage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const run = aLayer('RUN apt-get update && apt-get install -y curl', { line: 4 })
const npm = aLayer('RUN npm ci', { line: 8 })

test('apt: lists and cache as one, and a fix that fits the line', () => {
  const files = [
    aFile('/var/lib/apt/lists/deb_dists_bookworm_main_Packages', 18_000_000, 1),
    aFile('/var/cache/apt/pkgcache.bin', 7_000_000, 1),
    aFile('/usr/bin/curl', 300_000, 1),
  ]
  const [found, ...others] = packageCache(anImage([base, run], files))
  expect(others).toEqual([])
  expect(found).toMatchObject({
    bytes: 25_000_000,
    paths: ['/var/lib/apt/lists', '/var/cache/apt'],
    count: 2,
    layer: { line: 4 },
    key: 'package-cache:apt',
  })
  expect(plain(found!.fix)).toBe('end the `RUN` of line 4 with `&& apt-get clean && rm -rf /var/lib/apt/lists/*`')
})

test('each manager is a finding of its own, largest first, with a cache mount where that helps', () => {
  const files = [
    aFile('/root/.npm/_cacache/content-v2/sha512/00', 4_000_000, 2),
    aFile('/root/.cache/pip/http/0', 9_000_000, 1),
  ]
  const found = packageCache(anImage([base, run, npm], files))
  expect(found.map(({ key, bytes, paths }) => [key, bytes, paths])).toEqual([
    ['package-cache:pip', 9_000_000, ['/root/.cache/pip']],
    ['package-cache:npm', 4_000_000, ['/root/.npm/_cacache']],
  ])
  expect(found.map(({ fix }) => plain(fix))).toEqual([
    'use `pip install --no-cache-dir` in the `RUN` of line 4, or give it `--mount=type=cache,target=/root/.cache/pip`',
    'end the `RUN` of line 8 with `&& npm cache clean --force`, or give it `--mount=type=cache,target=/root/.npm`',
  ])
})

test('what is copied out of a stage is left out of the copy', () => {
  const copy = aLayer('COPY --from=build /root /root', { line: 12, copiedFrom: { kind: 'stage', name: 'build' } })
  const [found] = packageCache(anImage([base, copy], [aFile('/root/.npm/_cacache/x', 4_000_000, 1)]))
  expect(plain(found!.fix)).toBe('leave it out of what line 12 copies')
})

describe('is no cache of this image:', () => {
  test.each([
    ['the base image’s', [aFile('/var/lib/apt/lists/x', 20_000_000, 0)]],
    [
      'one that a later layer removed',
      [aFile('/var/lib/apt/lists/x', 20_000_000, 1, { lost: { layer: 2, how: 'removed' } })],
    ],
    ['a few bytes', [aFile('/var/lib/apt/lists/lock', 99_999, 1)]],
    ['what a package owns', [aFile('/var/cache/apt/archives/partial/x', 20_000_000, 1, { package: 0 })]],
    [
      'Go’s, beside the compiler: the toolchain has it',
      [aFile('/usr/local/go/bin/go', 9_000_000, 0), aFile('/go/pkg/mod/x', 9_000_000, 1)],
    ],
    ['Yarn’s, out of which it runs', [aFile('/app/.pnp.cjs', 10, 1), aFile('/app/.yarn/cache/x.zip', 9_000_000, 1)]],
    ['pnpm’s store, whose files are links', [aFile('/root/.local/share/pnpm/store/v3/files/00/x', 9_000_000, 1)]],
  ])('%s', (_, files) => {
    expect(packageCache(anImage([base, run, npm], files, { packages: [aPackage('dpkg', 'apt')] }))).toEqual([])
  })
})

test('Go’s modules without the compiler, and Maven’s jars, are caches, whichever package they are', () => {
  const files = [
    aFile('/go/pkg/mod/cache/x.zip', 9_000_000, 1),
    aFile('/root/.m2/repository/a/a.jar', 8_000_000, 1, { package: 0 }),
    aFile('/app/.yarn/cache/x.zip', 7_000_000, 1),
  ]
  const found = packageCache(anImage([base, run], files, { packages: [aPackage('java', 'a')] }))
  expect(found.map(({ key }) => key)).toEqual(['package-cache:go', 'package-cache:maven', 'package-cache:yarn'])
})

test.each([
  ['/var/lib/apt/lists/deb_Packages', 'apt'],
  ['/var/cache/apt/archives/curl.deb', 'apt'],
  ['/var/cache/apk/APKINDEX.a1.tar.gz', 'apk'],
  ['/etc/apk/cache/curl.apk', 'apk'],
  ['/var/cache/dnf/fedora/primary.xml.gz', 'dnf'],
  ['/root/.cache/pip/http/a/b', 'pip'],
  ['/root/.npm/_cacache/content-v2/x', 'npm'],
  ['/root/.cargo/registry/cache/x.crate', 'cargo'],
])('finds %s', (path, manager) => {
  const found = packageCache(
    anImage([aBaseLayer('ADD rootfs.tar /'), aLayer('RUN install')], [aFile(path, 5_000_000, 1)]),
  )
  expect(found.map(({ key, bytes }) => [key, bytes])).toEqual([[`package-cache:${manager}`, 5_000_000]])
})
