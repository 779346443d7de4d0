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

const copied = { checksum: 7, lost: again }
/** An image in which line 5 copies a file, and line 7 ships something in its place. */
const twice = (upper: Parameters<typeof aFile>[3], instruction = 'RUN chown -R 1000:1000 /app') =>
  anImage(
    [base, install, copy, last(instruction)],
    [aFile('/app/big', 9_000_000, 2, copied), aFile('/app/big', 9_000_000, 3, { checksum: 7, ...upper })],
  )

describe('files that are shipped twice', () => {
  test.each([
    [
      'owner',
      { uid: 1000, gid: 1000 },
      'files that line 7 ships again for another owner',
      'use `COPY --chown=1000:1000` in line 5, and leave `-R` out of line 7',
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
      'use `COPY --chown=1:0 --chmod=700` in line 5, and leave `-R` out of line 7',
    ],
    [
      'nothing',
      {},
      'files that line 7 ships again unchanged',
      'leave them alone in line 7: line 5 has brought them in',
    ],
  ])('for another %s', (_, upper, what, fix) => {
    const [found] = removedLater(twice(upper))
    expect(found!.bytes).toBe(9_000_000)
    expect(plain(found!.what)).toBe(what)
    expect(plain(found!.fix)).toBe(fix)
  })

  test('by another COPY', () => {
    const [found] = removedLater(twice({}, 'COPY big /app/'))
    expect(plain(found!.fix)).toBe('bring them in once, by line 5 or by line 7')
    const [other] = removedLater(twice({ checksum: 8 }, 'COPY big /app/'))
    expect(plain(other!.fix)).toBe('write them once: line 5 and line 7 both bring them in')
  })

  test('by a RUN that does more, which is still needed', () => {
    const [found] = removedLater(twice({ uid: 5 }, 'RUN useradd app && chown app /app/*'))
    expect(plain(found!.fix)).toBe('use `COPY --chown=5:0` in line 5, and leave `chown` out of line 7')
    const [both] = removedLater(twice({ uid: 5, mode: 0o755 }, 'RUN chown 5 /app/* && chmod 755 /app/* && make'))
    expect(plain(both!.fix)).toBe(
      'use `COPY --chown=5:0 --chmod=755` in line 5, and leave `chown` and `chmod` out of line 7',
    )
  })

  test('with other content are written once', () => {
    const [found] = removedLater(twice({ checksum: 8, uid: 1000 }, 'RUN make'))
    expect(plain(found!.what)).toBe('files that line 7 writes again')
    expect(plain(found!.fix)).toBe(
      'do what line 7 does in an earlier stage, or leave them out of line 5 where it makes them anew: both are shipped',
    )
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

  test('but for its rights in the system have to be made elsewhere', () => {
    const [found] = removedLater(twice({}, 'RUN setcap cap_net_bind_service=+ep /app/big'))
    expect(plain(found!.fix)).toBe('do it in an earlier stage and copy them from there: line 7 ships them again')
  })

  test('by a RUN that installs them too', () => {
    const [found] = removedLater(twice({}, 'RUN npm ci'))
    expect(plain(found!.fix)).toBe('bring them in once, by line 5 or by line 7')
  })

  test('by a RUN that installs and gives away, where most are too small for a checksum', () => {
    const small = Array.from({ length: 10 }, (_, at) => `/app/${at}.py`)
    const layers = [base, install, copy, last('RUN pip install -r requirements.txt && chown -R 5:5 /app')]
    const files = [
      ...small.map((path) => aFile(path, 40_000, 2, { checksum: null, lost: again })),
      ...small.map((path) => aFile(path, 40_000, 3, { checksum: null, uid: 5, gid: 5 })),
    ]
    const [found] = removedLater(anImage(layers, files))
    expect(plain(found!.what)).toBe('files that line 7 writes again')
    expect(plain(found!.fix)).toBe('use `COPY --chown=5:5` in line 5, and leave `-R` out of line 7')
  })

  test('by links', () => {
    const layers = [base, install, copy, last('RUN ln -sf /opt/big /app/big')]
    const [found] = removedLater(anImage(layers, [aFile('/app/big', 9_000_000, 2, copied)]))
    expect(plain(found!.fix)).toBe('leave them out of line 5: line 7 puts something else in their place')
  })

  test('of a folder that is taken away and made anew', () => {
    const files = [
      aFile('/app/public/big', 9_000_000, 2, { checksum: 7, lost: gone }),
      aFile('/app/public/big', 9_000_000, 3, { checksum: 7 }),
    ]
    const [found, ...others] = removedLater(
      anImage([base, install, copy, last('RUN rm -rf public && make public')], files),
    )
    expect(others).toEqual([])
    expect(plain(found!.what)).toBe('files that line 7 ships again unchanged')
    expect(plain(found!.fix)).toBe('bring them in once, by line 5 or by line 7')
  })

  test('by a chown alone', () => {
    const [found] = removedLater(twice({ uid: 5 }, 'RUN chown 5 /app/big'))
    expect(plain(found!.fix)).toBe('use `COPY --chown=5:0` in line 5 instead of line 7')
  })

  test('by a COPY that gives them away', () => {
    const [found] = removedLater(twice({ uid: 5 }, 'COPY --chown=5 . /app'))
    expect(plain(found!.fix)).toBe('bring them in once, by line 5 or by line 7')
  })

  test('beside what is made there, which is given away alone', () => {
    const files = [
      aFile('/app/a', 900_000, 2, copied),
      aFile('/app/a', 900_000, 3, { checksum: 7, uid: 5 }),
      aFile('/app/node_modules/b', 900_000, 3, { uid: 5 }),
    ]
    const [found] = removedLater(anImage([base, install, copy, last('RUN npm ci && chown -R 5 /app')], files))
    expect(plain(found!.fix)).toBe(
      'use `COPY --chown=5:0` in line 5, and have line 7 give away only what it makes itself',
    )
  })

  test.each(['RUN chown 5:0 -R /app', 'RUN useradd app && chown --recursive 5 /app'])('by %s', (instruction) => {
    const [found] = removedLater(twice({ uid: 5 }, instruction))
    expect(plain(found!.fix)).toBe('use `COPY --chown=5:0` in line 5, and leave `-R` out of line 7')
  })

  test('by another command than the one for all', () => {
    const [found] = removedLater(twice({ mode: 0o755 }, 'RUN chown -R 5 /var/log && chmod 755 /app/big'))
    expect(plain(found!.fix)).toBe('use `COPY --chmod=755` in line 5 instead of line 7')
  })

  test('for an owner, and some of them for a mode of their own', () => {
    const files = ['a', 'b'].flatMap((name, which) => [
      aFile(`/app/${name}`, 900_000, 2, copied),
      aFile(`/app/${name}`, 900_000, 3, { checksum: 7, uid: 5, mode: which === 0 ? 0o755 : 0o644 }),
    ])
    const run = last('RUN chown -R 5 /app && chmod +x /app/a')
    const [found] = removedLater(anImage([base, install, copy, run], files))
    expect(plain(found!.fix)).toBe('use `COPY --chown=5:0` in line 5, and leave `-R` out of line 7')
  })

  test('of which others that came with them are given to somebody else', () => {
    const files = [
      aFile('/srv/a', 900_000, 2, { checksum: 7, lost: again }),
      aFile('/srv/b', 900_000, 2, { checksum: 8, lost: { layer: 4, how: 'replaced' } }),
      aFile('/srv/a', 900_000, 3, { checksum: 7, uid: 5 }),
      aFile('/srv/b', 900_000, 4, { checksum: 8, uid: 6 }),
    ]
    const layers = [base, install, copy, last('RUN chown 5 /srv/a'), aLayer('RUN chown 6 /srv/b', { line: 9 })]
    expect(removedLater(anImage(layers, files)).map(({ fix }) => plain(fix))).toEqual([
      'copy them apart from the rest of line 5, with `COPY --chown=5:0` instead of line 7',
      'copy them apart from the rest of line 5, with `COPY --chown=6:0` instead of line 9',
    ])
  })

  test.each([
    ['an address', 'ADD https://example.org/tini /tini', 'use `ADD --chmod=755` in line 5 instead of line 7'],
    [
      'an archive, which has its own',
      'ADD tini.tar.gz /',
      'do it in an earlier stage and copy them from there: line 7 ships them again',
    ],
  ])('for another mode than that of %s', (_, instruction, fix) => {
    const files = [aFile('/tini', 900_000, 2, copied), aFile('/tini', 900_000, 3, { checksum: 7, mode: 0o755 })]
    const layers = [base, install, aLayer(instruction, { line: 5 }), last('RUN chmod 755 /tini')]
    expect(removedLater(anImage(layers, files)).map((found) => plain(found.fix))).toEqual([fix])
  })

  test('by a move, and links in their place', () => {
    const layers = [base, install, copy, last('RUN mv /app/big /data && ln -s /data /app/big')]
    const [found] = removedLater(anImage(layers, [aFile('/app/big', 9_000_000, 2, copied)]))
    expect(plain(found!.fix)).toBe(
      'do what line 7 does in an earlier stage, or leave them out of line 5 where it makes them anew: both are shipped',
    )
  })

  test('of which others that came with them are not', () => {
    const files = [
      aFile('/app/storage/a', 900_000, 2, copied),
      aFile('/app/code', 900_000, 2, { checksum: 8 }),
      aFile('/app/storage/a', 900_000, 3, { checksum: 7, uid: 33 }),
    ]
    const [found] = removedLater(anImage([base, install, copy, last('RUN chown 33 /app/storage/a')], files))
    expect(plain(found!.fix)).toBe(
      'copy them apart from the rest of line 5, with `COPY --chown=33:0` instead of line 7',
    )
  })

  test('for a mode with which no folder could be opened', () => {
    const files = ['a', 'b'].flatMap((name) => [
      aFile(`/app/${name}`, 900_000, 2, copied),
      aFile(`/app/${name}`, 900_000, 3, { checksum: 7, mode: 0o640 }),
    ])
    const run = last('RUN find /app -type f -exec chmod 640 {} +')
    const [found] = removedLater(anImage([base, install, copy, run], files))
    expect(plain(found!.fix)).toBe('do it in an earlier stage and copy them from there: line 7 ships them again')
  })

  test('for a mode and more that no option gives', () => {
    const [found] = removedLater(twice({ mode: 0o755 }, 'RUN chmod 755 /app/big && setcap cap_chown=+ep /app/big'))
    expect(plain(found!.fix)).toBe('do it in an earlier stage and copy them from there: line 7 ships them again')
  })
})

describe('files that are moved', () => {
  const at = (path: string, size: number, layer: 2 | 3) =>
    aFile(path, size, layer, { checksum: size < 50_000 ? null : size, lost: layer === 2 ? gone : null })
  const fixOf = (instruction: string, files: ReturnType<typeof aFile>[], below = copy): string =>
    plain(removedLater(anImage([base, install, below, last(instruction)], files))[0]!.fix)

  test('are copied to where they shall be, the small ones too', () => {
    const files = ['assets/a.js', 'assets/b.js', 'index.html'].flatMap((name, which) => {
      const size = which === 2 ? 500 : 9_000_000 + which
      return [at(`/tmp/dist/${name}`, size, 2), at(`/usr/share/nginx/html/${name}`, size, 3)]
    })
    expect(fixOf('RUN mv /tmp/dist/* /usr/share/nginx/html/', files)).toBe(
      'copy them to `/usr/share/nginx/html` in line 5: where line 7 moves them they are shipped again',
    )
  })

  test('and are all small', () => {
    const files = Array.from({ length: 60 }, (_, which) => `${which}.js`).flatMap((name) => [
      at(`/opt/app-1.4/${name}`, 12_000, 2),
      at(`/opt/app/${name}`, 12_000, 3),
    ])
    expect(fixOf('RUN mv /opt/app-1.4 /opt/app', files)).toBe(
      'copy them to `/opt/app` in line 5: where line 7 moves them they are shipped again',
    )
  })

  test('and renamed', () => {
    const files = [at('/tmp/app-1.2.jar', 9_000_000, 2), at('/opt/app.jar', 9_000_000, 3)]
    expect(fixOf('RUN mv /tmp/app-1.2.jar /opt/app.jar', files)).toBe(
      'copy them to `/opt/app.jar` in line 5: where line 7 moves them they are shipped again',
    )
  })

  test.each([
    ['to several places', [at('/src/model', 4_000_000, 2), at('/opt/model', 4_000_000, 3)]],
    ['in part, and the rest is removed', [at('/src/main.c', 700_000, 2)]],
  ])('%s', (_, more) => {
    const files = [at('/src/api', 9_000_000, 2), at('/usr/bin/api', 9_000_000, 3), ...more]
    expect(fixOf('RUN mv /src/api /usr/bin && mv /src/model /opt; rm -rf /src', files)).toBe(
      'copy what is needed to where line 7 moves it, and leave the rest out of line 5',
    )
  })

  test('for the smaller part are told as removed', () => {
    const files = [at('/src/a', 200_000, 2), at('/a', 200_000, 3), at('/src/b', 9_000_000, 2)]
    expect(fixOf('RUN mv /src/a / && rm -rf /src', files)).toBe(
      'have them in an earlier stage and copy from there what is needed, or by `RUN --mount` alone: what line 7 removes is shipped all the same',
    )
  })

  test('and were made by a RUN', () => {
    const files = [at('/tmp/kubectl', 9_000_000, 2), at('/usr/local/bin/kubectl', 9_000_000, 3)]
    const fetched = aLayer('RUN curl -o /tmp/kubectl https://example.org/kubectl', { line: 5 })
    expect(fixOf('RUN mv /tmp/kubectl /usr/local/bin/', files, fetched)).toBe(
      'move them in the same `RUN` as line 5 does, not in line 7',
    )
  })
})

test.each([
  ['by the line that removes them', 'RUN pip install /wheels/*.whl && rm -rf /wheels', null],
  ['by a line before it', 'RUN rm -rf /wheels', 'RUN pip install /wheels/*.whl'],
])('what may be needed %s is not left out', (_, instruction, before) => {
  const between = before === null ? [] : [aLayer(before, { line: 6 })]
  const files = [aFile('/wheels/a.whl', 9_000_000, 2, { lost: { layer: 3 + between.length, how: 'removed' } })]
  const [found] = removedLater(anImage([base, install, copy, ...between, last(instruction)], files))
  expect(plain(found!.fix)).toBe(
    'have them in an earlier stage and copy from there what is needed, or by `RUN --mount` alone: what line 7 removes is shipped all the same',
  )
})

test('an archive that is copied, unpacked and removed is had by other means', () => {
  const archive = aLayer('COPY app.tar.gz /tmp/', { line: 5 })
  const files = [aFile('/tmp/app.tar.gz', 9_000_000, 2, { lost: gone })]
  const layers = [base, install, archive, last('RUN tar xzf /tmp/app.tar.gz && rm /tmp/app.tar.gz')]
  expect(plain(removedLater(anImage(layers, files))[0]!.fix)).toBe(
    'have them in an earlier stage and copy from there what is needed, or by `RUN --mount` alone: what line 7 removes is shipped all the same',
  )
})

describe('files that are shipped twice, and what is known of them', () => {
  test('without a checksum are not taken for the same', () => {
    const [found] = removedLater(twice({ checksum: null, uid: 1000 }))
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
      aFile('/app/same', 1_500_000, 2, copied),
      aFile('/app/other', 400_000, 2, copied),
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
    const files = [aFile('/srv/x', 9_000_000, 1, copied), aFile('/srv/x', 9_000_000, 3, { checksum: 7, uid: 5 })]
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

  test.each<[string, string, Parameters<typeof aFile>[3], string]>([
    [
      'given away',
      'RUN chgrp -R 0 /usr/local/tomcat',
      { gid: 5 },
      'leave them in line 7 as `debian:bookworm` has them, but for what has to be written to: its own are shipped all the same',
    ],
    [
      'given rights',
      'RUN setcap cap_net_bind_service=+ep /usr/local/tomcat/a',
      {},
      'start from an image that has it so: what comes with `debian:bookworm` is shipped all the same',
    ],
  ])('and %s', (_, instruction, upper, fix) => {
    const files = [
      aFile('/usr/local/tomcat/a', 6_000_000, 0, { checksum: 1, lost: again }),
      aFile('/usr/local/tomcat/a', 6_000_000, 3, { checksum: 1, ...upper }),
    ]
    const found = removedLater(anImage([base, install, copy, last(instruction)], files, { baseImage }))
    expect(plain(found[0]!.fix)).toBe(fix)
  })

  test('and moved', () => {
    const files = [
      aFile('/usr/lib/a', 6_000_000, 0, { checksum: 1, lost: gone }),
      aFile('/opt/a', 6_000_000, 3, { checksum: 1 }),
    ]
    const found = removedLater(anImage([base, install, copy, last('RUN mv /usr/lib/a /opt')], files, { baseImage }))
    expect(plain(found[0]!.fix)).toBe(
      'link to them, or leave them where `debian:bookworm` has them: what comes with it is shipped all the same',
    )
  })

  test('that are given away and then removed are not told by an instruction of the base image', () => {
    const files = [
      aFile('/usr/lib/npm', 6_000_000, 0, { checksum: 1, lost: again }),
      aFile('/usr/lib/npm', 6_000_000, 3, { checksum: 1, uid: 5, lost: { layer: 4, how: 'removed' } }),
    ]
    const given = [base, install, copy, last('RUN chown -R 5 /usr/lib'), aLayer('RUN rm /usr/lib/npm', { line: 9 })]
    const found = removedLater(anImage(given, files, { baseImage })).find(({ otherLayer }) => otherLayer?.line === 9)
    expect(plain(found!.fix)).toBe('remove them in the same `RUN` that makes them, line 7, not in line 9')
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
