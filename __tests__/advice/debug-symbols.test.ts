import { describe, expect, test } from '@jest/globals'
import { debugSymbols } from '../../src/advice/debug-symbols.ts'
import { aFile, anImage, aPackage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const copy = aLayer('COPY --from=build /out /usr/local/bin', { line: 9, copiedFrom: { kind: 'stage', name: 'build' } })
const pip = aLayer('RUN pip install big', { line: 5 })
const elf = (symbols: number, debug: number, go = false) => ({ facts: [{ kind: 'elf', symbols, debug, go } as const] })

test('a Go program is built without them, another one is stripped', () => {
  const files = [
    aFile('/usr/local/bin/api', 20_000_000, 1, elf(2_000_000, 5_000_000, true)),
    aFile('/usr/local/bin/tool', 9_000_000, 1, elf(500_000, 1_500_000)),
    aFile('/usr/local/bin/other', 9_000_000, 1, elf(200_000, 100_000)),
    aFile('/usr/local/lib/python3/site-packages/big.so', 9_000_000, 2, elf(3_000_000, 0)),
  ]
  const found = debugSymbols(anImage([base, copy, pip], files))
  expect(found.map(({ what, bytes, paths, fix }) => [plain(what), bytes, paths, plain(fix)])).toEqual([
    ['debugging information and symbols', 7_000_000, ['/usr/local/bin/api'], 'build with `go build -ldflags="-s -w"`'],
    ['symbols', 3_000_000, ['/usr/local/lib/python3/site-packages/big.so'], 'run `strip big.so` in the same `RUN`'],
    [
      'debugging information and symbols',
      2_300_000,
      ['/usr/local/bin/tool', '/usr/local/bin/other'],
      'run `strip tool` in the stage that builds it',
    ],
  ])
})

describe('leaves alone', () => {
  test.each([
    ['the base image', [aFile('/usr/bin/node', 90_000_000, 0, elf(9_000_000, 0))]],
    ['less than 50 kB in all', [aFile('/a', 9_000_000, 1, elf(24_999, 0)), aFile('/b', 9_000_000, 1, elf(0, 25_000))]],
    ['what is lost', [aFile('/a', 9_000_000, 1, { ...elf(5_000_000, 0), lost: { layer: 2, how: 'removed' } })]],
    ['a toolchain', [aFile('/usr/local/go/bin/go', 9_000_000, 1, elf(5_000_000, 0, true))]],
    ['a distribution’s package', [aFile('/usr/bin/x', 9_000_000, 1, { ...elf(5_000_000, 0), package: 0 })]],
  ])('%s', (_, files) => {
    expect(debugSymbols(anImage([base, copy, pip], files, { packages: [aPackage('dpkg', 'x')] }))).toEqual([])
  })
})
