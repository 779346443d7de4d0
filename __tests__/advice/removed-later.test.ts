import { describe, expect, test } from '@jest/globals'
import { removedLater } from '../../src/advice/removed-later.ts'
import { aFile, anImage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const install = aLayer('RUN apt-get install -y build-essential', { line: 3 })
const copy = aLayer('COPY . /app', { line: 5 })
const last = (instruction: string) => aLayer(instruction, { line: 7 })
const gone = { layer: 3, how: 'removed' } as const
const again = { layer: 3, how: 'replaced' } as const

test('what a later layer removes is told with both lines', () => {
  const files = [
    aFile('/var/lib/apt/lists/a', 20_000_000, 1, { lost: gone }),
    aFile('/var/lib/apt/lists/b', 5_000_000, 1, { lost: gone }),
    aFile('/usr/bin/gcc', 1_000_000, 1),
  ]
  const [found, ...others] = removedLater(anImage([base, install, copy, last('RUN rm -rf /var/lib/apt/lists')], files))
  expect(others).toEqual([])
  expect(found).toMatchObject({
    bytes: 25_000_000,
    paths: ['/var/lib/apt/lists'],
    count: 1,
    layer: { line: 3 },
    otherLayer: { line: 7 },
  })
  expect(plain(found!.what)).toBe('files that line 7 takes away again')
  expect(plain(found!.fix)).toBe('remove them in the same `RUN` that makes them, line 3, not in line 7')
})

test('each layer that ships and each that removes are a finding of their own', () => {
  const files = [
    aFile('/var/a', 3_000_000, 1, { lost: gone }),
    aFile('/app/b', 2_000_000, 2, { lost: gone }),
    aFile('/var/c', 1_000_000, 1, { lost: { layer: 2, how: 'removed' } }),
  ]
  const found = removedLater(anImage([base, install, copy, last('RUN rm -rf /var /app/b')], files))
  expect(found.map(({ layer, otherLayer, bytes }) => [layer?.line, otherLayer?.line, bytes])).toEqual([
    [3, 7, 3_000_000],
    [5, 7, 2_000_000],
    [3, 5, 1_000_000],
  ])
})

describe('files that are shipped twice', () => {
  const lower = { checksum: 7, lost: again }
  const image = (upper: Parameters<typeof aFile>[3], instruction = 'RUN chown -R 1000:1000 /app') =>
    anImage(
      [base, install, copy, last(instruction)],
      [aFile('/app/big', 9_000_000, 2, lower), aFile('/app/big', 9_000_000, 3, { checksum: 7, ...upper })],
    )

  test.each([
    [
      'owner',
      { uid: 1000, gid: 1000 },
      'files that line 7 ships again for another owner',
      'use `COPY --chown=1000:1000` in line 5 instead of line 7',
    ],
    [
      'mode',
      { mode: 0o755 },
      'files that line 7 ships again for another mode',
      'use `COPY --chmod=755` in line 5 instead of line 7',
    ],
    [
      'owner and mode',
      { uid: 1, mode: 0o700 },
      'files that line 7 ships again for another owner and mode',
      'use `COPY --chown=1:0 --chmod=700` in line 5 instead of line 7',
    ],
    [
      'nothing',
      {},
      'files that line 7 ships again unchanged',
      'leave them alone in line 7: line 5 has brought them in',
    ],
  ])('for another %s', (_, upper, what, fix) => {
    const [found] = removedLater(image(upper))
    expect(found!.bytes).toBe(9_000_000)
    expect(plain(found!.what)).toBe(what)
    expect(plain(found!.fix)).toBe(fix)
  })

  test('by another COPY', () => {
    const [found] = removedLater(image({}, 'COPY big /app/'))
    expect(plain(found!.fix)).toBe('bring them in once, by line 5 or by line 7')
    const [other] = removedLater(image({ checksum: 8 }, 'COPY big /app/'))
    expect(plain(other!.fix)).toBe('write them once: line 5 and line 7 both bring them in')
  })

  test('by a RUN that does more, which is still needed', () => {
    const [found] = removedLater(image({ uid: 5 }, 'RUN chown -R 5 /app && rm -rf /app/sub'))
    expect(plain(found!.fix)).toBe('use `COPY --chown=5:0` in line 5, and leave `chown` out of line 7')
    const [both] = removedLater(image({ uid: 5, mode: 0o755 }, 'RUN chown -R 5 /app && chmod -R 755 /app && make'))
    expect(plain(both!.fix)).toBe(
      'use `COPY --chown=5:0 --chmod=755` in line 5, and leave `chown` and `chmod` out of line 7',
    )
  })

  test('with other content are written once', () => {
    const [found] = removedLater(image({ checksum: 8, uid: 1000 }, 'RUN make'))
    expect(plain(found!.what)).toBe('files that line 7 writes again')
    expect(plain(found!.fix)).toBe('have them in line 5 as line 7 makes them: both are shipped')
  })

  test('with other content by two RUNs are written in one', () => {
    const layers = [base, install, copy, last('RUN strip /usr/bin/gcc')]
    const files = [
      aFile('/usr/bin/gcc', 9_000_000, 1, { checksum: 1, lost: again }),
      aFile('/usr/bin/gcc', 5_000_000, 3, { checksum: 2 }),
    ]
    const [found] = removedLater(anImage(layers, files))
    expect(plain(found!.fix)).toBe('write them in the same `RUN` as line 3 does, not in line 7')
  })

  test('and then taken away are told by the line that brought them in', () => {
    const files = [
      aFile('/app/big', 9_000_000, 2, { checksum: 7, lost: again }),
      aFile('/app/big', 9_000_000, 3, { checksum: 7, uid: 5, lost: { layer: 4, how: 'removed' } }),
    ]
    const layers = [base, install, copy, last('RUN chown 5 /app/big'), aLayer('RUN rm /app/big', { line: 9 })]
    const found = removedLater(anImage(layers, files)).find(({ otherLayer }) => otherLayer?.line === 9)
    expect(plain(found!.fix)).toBe('do not copy them in line 5: what line 9 removes is shipped all the same')
  })

  test('and moved are copied to where they shall be', () => {
    const files = [
      aFile('/tmp/a', 9_000_000, 2, { checksum: 7, lost: gone }),
      aFile('/tmp/b', 4_000_000, 2, { checksum: 8, lost: gone }),
      aFile('/app/lib/a', 9_000_000, 3, { checksum: 7 }),
      aFile('/app/lib/b', 4_000_000, 3, { checksum: 8 }),
    ]
    const layers = [base, install, copy, last('RUN mv /tmp/a /tmp/b /app/lib')]
    const [found] = removedLater(anImage(layers, files))
    expect(plain(found!.fix)).toBe('copy them to `/app/lib` in line 5: where line 7 moves them they are shipped again')
  })

  test('without a checksum are not taken for the same', () => {
    const [found] = removedLater(image({ checksum: null, uid: 1000 }))
    expect(plain(found!.what)).toBe('files that line 7 writes again')
  })

  test.each([
    ['another owner and the same size, for another owner', { uid: 1000 }, 40_000, 'ships again for another owner'],
    ['another mode and the same size, for another mode', { mode: 0o755 }, 40_000, 'ships again for another mode'],
    ['another size, are written again', { uid: 1000 }, 40_001, 'writes again'],
    ['the same of all, as they are', {}, 40_000, 'ships again unchanged'],
    [
      'another owner, by a RUN that writes too',
      { uid: 1 },
      40_000,
      'writes again',
      'RUN chown 1 /app/* && sed -i s/a/b/ /app/*',
    ],
    [
      'another mode, by a find that writes',
      { mode: 0o755 },
      40_000,
      'writes again',
      'RUN find /app -exec sed -i s/a/b/ {} +',
    ],
    ['another owner of a program’s own doing, may be other ones', { uid: 1000 }, 40_000, 'writes again', 'RUN make'],
  ])(
    'and are small: with %s',
    (
      _,
      upper,
      size,
      what,
      instruction = 'RUN chown -R 1000 /app && \\\n    find /app -type f -exec chmod 755 {} +',
    ) => {
      const names = ['a', 'b', 'c']
      const files = [
        ...names.map((name) => aFile(`/app/${name}`, 40_000, 2, { checksum: null, lost: again })),
        ...names.map((name) => aFile(`/app/${name}`, size, 3, { checksum: null, ...upper })),
      ]
      const [found] = removedLater(anImage([base, install, copy, last(instruction)], files))
      expect(plain(found!.what)).toBe(`files that line 7 ${what}`)
    },
  )

  test('are told beside those that are other ones, and those that are gone: each for itself', () => {
    const files = [
      aFile('/app/same', 1_500_000, 2, lower),
      aFile('/app/other', 400_000, 2, lower),
      aFile('/app/gone', 200_000, 2, { lost: { layer: 3, how: 'removed' } }),
      aFile('/app/same', 1_500_000, 3, { checksum: 7, uid: 5 }),
      aFile('/app/other', 400_000, 3, { checksum: 8, uid: 5 }),
    ]
    const found = removedLater(
      anImage([base, install, copy, last('RUN chown -R 5 /app && make && rm /app/gone')], files),
    )
    expect(found.map(({ what, bytes }) => [plain(what), bytes])).toEqual([
      ['files that line 7 ships again for another owner', 1_500_000],
      ['files that line 7 writes again', 400_000],
      ['files that line 7 takes away again', 200_000],
    ])
  })

  test('by a RUN that another RUN follows', () => {
    const files = [aFile('/srv/x', 9_000_000, 1, lower), aFile('/srv/x', 9_000_000, 3, { checksum: 7, uid: 5 })]
    const [found] = removedLater(anImage([base, install, copy, last('RUN chown -R app /srv')], files))
    expect(plain(found!.fix)).toBe('do it in the same `RUN` as line 3 does, not in line 7')
  })
})

describe('the base image’s files', () => {
  const layers = [base, install, copy, last('RUN apt-get upgrade -y')]
  const baseImage = { name: 'debian:bookworm', digest: null, line: 1, instruction: 'FROM debian:bookworm' }

  test('are given back by another base image only', () => {
    const image = anImage(layers, [aFile('/usr/lib/libssl.so', 6_000_000, 0, { lost: again })], { baseImage })
    const [found] = removedLater(image)
    expect(found).toMatchObject({ bytes: 6_000_000, layer: { fromBase: true }, otherLayer: { line: 7 } })
    expect(plain(found!.fix)).toBe(
      'start from a newer `debian:bookworm`, which has them up to date: its own are shipped all the same',
    )
  })

  test('are not worth a word below 1 MB', () => {
    expect(removedLater(anImage(layers, [aFile('/usr/lib/a', 900_000, 0, { lost: again })]))).toEqual([])
  })

  test('are nobody’s business where another layer of the base image took them away', () => {
    const lost = { layer: 1, how: 'removed' } as const
    const image = anImage([base, aBaseLayer('RUN rm /x'), copy], [aFile('/x', 50_000_000, 0, { lost })])
    expect(removedLater(image)).toEqual([])
  })
})

test("a package manager's records are written anew by each run, and no waste", () => {
  const records = [
    '/var/lib/dpkg/status',
    '/var/cache/debconf/templates.dat',
    '/etc/ld.so.cache',
    '/lib/apk/db/installed',
  ]
  const layers = [base, install, copy, last('RUN apt-get install -y curl')]
  const files = records.flatMap((path) => [0, 1].map((layer) => aFile(path, 5_000_000, layer, { lost: again })))
  expect(removedLater(anImage(layers, files))).toEqual([])
  expect(removedLater(anImage(layers, [aFile('/var/lib/apt/lists/x', 5_000_000, 1, { lost: again })]))).toHaveLength(1)
  expect(removedLater(anImage(layers, [aFile('/var/lib/dpkg/status', 5_000_000, 1, { lost: gone })]))).toHaveLength(1)
})

test('an instruction stands in for a line that is not known, and small ones are left out', () => {
  const layers = [base, aLayer('RUN make', { fromBase: null }), aLayer('RUN rm -rf /src', { fromBase: null })]
  const lost = { layer: 2, how: 'removed' } as const
  const found = removedLater(
    anImage(layers, [aFile('/src/a', 5_000_000, 1, { lost }), aFile('/usr/b', 10, 0, { lost })]),
  )
  expect(found.map(({ what }) => plain(what))).toEqual(['files that `RUN rm -rf /src` takes away again'])
})

test('a path that two layers have many times is told by the last one of each', () => {
  const lower = Array.from({ length: 20_000 }, () => aFile('/app/a', 10, 2, { checksum: 7, lost: again }))
  const upper = Array.from({ length: 20_000 }, () => aFile('/app/a', 10, 3, { checksum: 7, uid: 5, lost: again }))
  const found = removedLater(anImage([base, install, copy, last('RUN chown 5 /app/a')], [...lower, ...upper]))
  expect(found.map(({ bytes, what }) => [bytes, plain(what)])).toEqual([
    [200_000, 'files that line 7 ships again for another owner'],
  ])
})
