import { describe, expect, test } from '@jest/globals'
import { vcsAndTests } from '../../src/advice/vcs-and-tests.ts'
import { aFile, anImage, aPackage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const clone = aLayer('RUN git clone https://example.com/app /app', { line: 4 })
const copied = aLayer('COPY --from=build /src /srv', { line: 8, copiedFrom: { kind: 'stage', name: 'build' } })

test('what a RUN or a stage left over, one finding a kind, largest first', () => {
  const files = [
    aFile('/app/.git/objects/pack/x.pack', 5_000_000, 1),
    aFile('/app/main.py', 10_000, 1),
    aFile('/srv/coverage/lcov.info', 900_000, 2),
    aFile('/srv/test/big.json', 700_000, 2),
    aFile('/srv/src/__tests__/a.json', 200_000, 2),
    aFile('/srv/.idea/workspace.xml', 150_000, 2),
    aFile('/srv/yarn-error.log', 120_000, 2),
    aFile('/srv/.mypy_cache/3.11/x.json', 110_000, 2),
  ]
  const found = vcsAndTests(anImage([base, clone, copied], files))
  expect(found.map(({ key, bytes, paths, fix }) => [key, bytes, paths, plain(fix)])).toEqual([
    ['vcs-and-tests:vcs', 5_000_000, ['/app/.git'], 'remove it in the same `RUN`, line 4'],
    ['vcs-and-tests:coverage', 900_000, ['/srv/coverage'], 'leave it out of what line 8 copies'],
    ['vcs-and-tests:tests', 900_000, ['/srv/test', '/srv/src/__tests__'], 'leave it out of what line 8 copies'],
    ['vcs-and-tests:editor', 150_000, ['/srv/.idea'], 'leave it out of what line 8 copies'],
    ['vcs-and-tests:log', 120_000, ['/srv/yarn-error.log'], 'leave it out of what line 8 copies'],
    ['vcs-and-tests:tools', 110_000, ['/srv/.mypy_cache'], 'leave it out of what line 8 copies'],
  ])
})

describe('leaves alone', () => {
  const packages = [aPackage('dpkg', 'libpython3.11-testsuite')]
  test.each([
    ['the base image', [aFile('/app/.git/x', 9_000_000, 0)]],
    ['what is lost', [aFile('/app/.git/x', 9_000_000, 1, { lost: { layer: 2, how: 'removed' } })]],
    ['system logs', [aFile('/var/log/dpkg.log', 9_000_000, 1)]],
    ['a distribution’s package', [aFile('/opt/x/tests/y', 9_000_000, 1, { package: 0 })]],
    ['programs below /usr', [aFile('/usr/lib/python3.11/test/x.py', 9_000_000, 1)]],
    ['a toolchain', [aFile('/usr/local/go/test/x.go', 9_000_000, 1)]],
    ['a few bytes', [aFile('/app/.git/x', 99_999, 1)]],
    ['a program’s folder called coverage', [aFile('/app/coverage/policy.py', 9_000_000, 1)]],
    ['a package’s tests, of some bytes', [aFile('/app/node_modules/a/test/x', 4_999_999, 1)]],
    ['a package’s log', [aFile('/app/node_modules/a/x.log', 9_000_000, 1)]],
  ])('%s', (_, files) => {
    expect(vcsAndTests(anImage([base, clone, copied], files, { packages }))).toEqual([])
  })
})

test('packages’ tests count in all, from 5 MB on', () => {
  const files = [
    aFile('/usr/local/lib/python3.11/site-packages/numpy/tests/x.py', 4_000_000, 1),
    aFile('/usr/local/lib/python3.11/site-packages/pandas/tests/x.py', 3_000_000, 1),
  ]
  const [found, ...others] = vcsAndTests(anImage([base, clone], files))
  expect(others).toEqual([])
  expect(found).toMatchObject({ bytes: 7_000_000, count: 2, key: 'vcs-and-tests:packages' })
  expect(plain(found!.fix)).toBe('delete them in the `RUN` that installs the packages')
})
