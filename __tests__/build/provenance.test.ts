import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { readOrigins, type Origins } from '../../src/build/provenance.ts'

/** What `__tests__/support/capture-builds.ts` kept of a real build: `created_by` of the image's layers, and the records by platform. */
type Captured = { layers: string[] | null; records: Record<string, unknown> }

const folder = new URL('fixtures/provenance/', import.meta.url)
function captured(name: string): Captured {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Captured
}

/** Origins as `INDEX base` or `INDEX LINE STAGE: INSTRUCTION`, base layer first. */
function rows({ layers }: Origins): string[] {
  return [...layers]
    .toSorted(([a], [b]) => a - b)
    .map(([index, origin]) =>
      origin.fromBase ? `${index} base` : `${index} ${origin.line} ${origin.stage}: ${origin.instruction}`,
    )
}

const fromBase = ['0 base', '1 base']
const builds: Record<string, string[]> = {
  'multi-stage': [
    ...fromBase,
    '2 10 1: WORKDIR /app',
    '3 11 1: RUN true',
    '4 12 1: COPY --from=compile /out /app/out',
    '5 13 1: RUN echo one > /app/one && echo two > /app/two',
  ],
  link: [
    ...fromBase,
    '2 3 0: RUN echo first > /first',
    '3 4 0: COPY --link a.txt /linked/a',
    '4 5 0: COPY --link b.txt /linked/b',
    '5 6 0: RUN echo last > /last',
  ],
  heredoc: [
    ...fromBase,
    '2 2 0: RUN <<SCRIPT echo one > /one # not a comment of the Dockerfile echo two > /two SCRIPT',
    '3 7 0: COPY <<"SETTINGS" <<OTHER /etc/app/ RUN is not an instruction here SETTINGS second OTHER',
    '4 12 0: COPY a.txt /',
  ],
  duplicate: [
    ...fromBase,
    '2 2 0: COPY a.txt /a',
    '3 3 0: COPY a.txt /a',
    '4 4 0: RUN cp /a /b',
    '5 5 0: COPY a.txt /a',
  ],
  alias: [...fromBase, '2 2 os: RUN echo os > /os', '3 4 runtime: RUN echo runtime > /runtime', '4 6 2: COPY a.txt /a'],
  'alias@target': [...fromBase, '2 2 os: RUN echo os > /os', '3 4 runtime: RUN echo runtime > /runtime'],
  scratch: ['0 4 1: COPY --from=compile /binary /binary', '1 5 1: ADD b.txt /b'],
  numbered: [
    ...fromBase,
    '2 4 1: COPY --from=0 /binary /binary',
    '3 5 1: RUN --mount=type=bind,source=a.txt,target=/mnt/a.txt --mount=type=cache,target=/cache cp /mnt/a.txt /copy',
  ],
  // The first two are one step with the equal ones of the stage `packages`.
  equal: [
    ...fromBase,
    '2 9 2: WORKDIR /app',
    '3 10 2: RUN echo shared > /shared',
    '4 11 2: COPY --from=compile /out /out',
  ],
  windowed: [...fromBase, '2 4 0: RUN echo "$WHO" > /who', '3 6 0: COPY a.txt b.txt /both/'],
  empty: fromBase,
}
/** The `FROM` that each one's last stage starts from, as `LINE: TEXT`, and the number of stages. */
const starts: Record<string, [from: string | null, stages: number]> = {
  'multi-stage': ['8: FROM mybase:1', 2],
  link: ['2: FROM mybase:1', 1],
  heredoc: ['1: FROM mybase:1', 1],
  duplicate: ['1: FROM mybase:1', 1],
  alias: ['1: FROM mybase:1 AS os', 3],
  'alias@target': ['1: FROM mybase:1 AS os', 3],
  scratch: [null, 2],
  numbered: ['3: FROM mybase:1', 2],
  equal: ['8: FROM mybase:1', 3],
  windowed: ['2: FROM mybase:1', 1],
  empty: ['1: FROM mybase:1', 1],
}
/** What `COPY --from` names, as `INDEX KIND NAME`; of the other builds none does. */
const copies: Record<string, string[]> = {
  'multi-stage': ['4 stage compile'],
  scratch: ['0 stage compile'],
  numbered: ['2 stage 0'],
  equal: ['4 stage compile'],
}

describe.each(['classic', 'containerd'])('readOrigins, of a build on the %s store', (store) => {
  it.each(Object.entries(builds))('tells every layer its line: %s', (name, expected) => {
    const { layers, records } = captured(`${name}.${store}`)
    const origins = readOrigins(records[''], layers?.length ?? 0)
    expect(rows(origins)).toEqual(expected)
    expect(origins.layers.size).toBe(layers?.length)
    const [from, stages] = starts[name]!
    const [, line, instruction] = /^(\d+): (.*)$/.exec(from ?? '') ?? []
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)
    expect(origins.baseImage).toEqual(
      from === null ? null : { name: 'mybase:1', digest, line: Number(line), instruction },
    )
    expect(origins.stages).toBe(stages)
    expect(
      [...origins.layers]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([index, origin]) =>
          origin.fromBase || origin.copiedFrom === null
            ? []
            : [`${index} ${origin.copiedFrom.kind} ${origin.copiedFrom.name}`],
        ),
    ).toEqual(copies[name] ?? [])
  })
})

type Recorded = { metadata: Record<string, { layers: Record<string, unknown> }> }

// Seen of head and base, built side by side: a step that both need is recorded with its layers for one of them only.
describe.each(Object.keys(builds))('a build beside another one: %s', (name) => {
  it('has its lines also where the record lacks the layers of steps that were shared', () => {
    const { layers: image, records } = captured(`${name}.classic`)
    const count = image?.length ?? 0
    const whole = readOrigins(records[''], count)
    const { layers } = (records[''] as Recorded).metadata['https://mobyproject.org/buildkit@v1#metadata']!
    const shared = Object.keys(layers)
    for (const missing of [...shared.map((output) => [output]), shared]) {
      const record = structuredClone(records['']) as Recorded
      const own = record.metadata['https://mobyproject.org/buildkit@v1#metadata']!
      own.layers = Object.fromEntries(Object.entries(own.layers).filter(([output]) => !missing.includes(output)))
      expect(readOrigins(record, count)).toEqual(whole)
    }
  })
})

it('tells the layers of each of several platforms', () => {
  const { records } = captured('platforms.containerd')
  expect(Object.entries(records).map(([platform, record]) => [platform, rows(readOrigins(record, 1))])).toEqual([
    ['linux/amd64', ['0 2 0: COPY a.txt /']],
    ['linux/arm64', ['0 2 0: COPY a.txt /']],
  ])
})

it('has a real build of each Dockerfile that is there for it', () => {
  const names = [...new Set(readdirSync(folder).map((file) => file.replace(/\..*/, '')))].filter(
    (name) => !name.includes('@'),
  )
  const dockerfiles = readdirSync(new URL('dockerfiles/provenance/', import.meta.url)).map((file) =>
    file.replace(/\..*/, ''),
  )
  expect(names.toSorted()).toEqual(dockerfiles.toSorted())
})

it('tells no lines of a Dockerfile that is too long to be parsed, nor its stages, but still what came with the base', () => {
  const record = structuredClone(captured('duplicate.classic').records['']) as {
    metadata: Record<string, { source: { infos: { data: string }[] } }>
  }
  const info = record.metadata['https://mobyproject.org/buildkit@v1#metadata']!.source.infos[0]!
  info.data = Buffer.from(`${Buffer.from(info.data, 'base64').toString()}\nRUN ${'x'.repeat(300_000)}\n`).toString(
    'base64',
  )
  const origins = readOrigins(record, 6)
  expect(rows(origins)).toEqual([...fromBase, ...[2, 3, 4, 5].map((at) => `${at} null null: null`)])
  expect(origins).toMatchObject({ stages: null, baseImage: { name: 'mybase:1', line: null, instruction: null } })
})

describe('the base image', () => {
  type Step = { op: { Op: { source?: { identifier: string } } } }
  function baseOf(identifier: string, materials: unknown[]): Origins['baseImage'] {
    const record = structuredClone(captured('empty.classic').records['']) as { buildConfig: { llbDefinition: Step[] } }
    for (const { op } of record.buildConfig.llbDefinition) if (op.Op?.source) op.Op.source.identifier = identifier
    return readOrigins({ ...record, materials }, 2).baseImage
  }
  const digest = `sha256:${'a'.repeat(64)}`
  const sha256 = 'b'.repeat(64)

  it.each([
    ['docker-image://docker.io/library/node:24-slim', 'node:24-slim'],
    ['docker-image://docker.io/acme/base:1', 'acme/base:1'],
    ['docker-image://ghcr.io/acme/base:1', 'ghcr.io/acme/base:1'],
    ['docker-image://localhost:5000/base:1', 'localhost:5000/base:1'],
  ])('of %s is called %s, as docker does', (identifier, name) => {
    const from = { line: 1, instruction: 'FROM mybase:1' }
    expect(baseOf(`${identifier}@${digest}`, [])).toEqual({ name, digest, ...from })
    expect(baseOf(identifier, [])).toEqual({ name, digest: null, ...from })
  })

  it('has the digest of the material that is of the same repository and tag', () => {
    const materials = [
      { uri: 'pkg:docker/node@24?platform=linux%2Famd64', digest: { sha256: 'c'.repeat(64) } },
      { uri: 'pkg:docker/ghcr.io/acme/base@1?platform=linux%2Famd64', digest: { sha256 } },
    ]
    expect(baseOf('docker-image://ghcr.io/acme/base:1', materials)?.digest).toBe(`sha256:${sha256}`)
    expect(baseOf('docker-image://ghcr.io/acme/base:11', materials)?.digest).toBeNull()
  })

  it('is not stopped by a material that is no URI', () => {
    expect(baseOf('docker-image://docker.io/library/node:24', [{ uri: 'pkg:docker/%E0%A4%A' }])).toMatchObject({
      name: 'node:24',
      digest: null,
    })
  })
})

describe('a record that is not as BuildKit writes it', () => {
  const none: Origins = { layers: new Map(), baseImage: null, stages: null }

  it.each([
    undefined,
    null,
    'text',
    7,
    [],
    {},
    { buildConfig: {} },
    { buildConfig: { llbDefinition: [] }, metadata: {} },
  ])('gives no origins: %j', (record) => {
    expect(readOrigins(record, 2)).toEqual(none)
  })

  it.each([
    ['alias', [0, 1, 2, 4, 6]],
    ['link', [0, 1, 3, 5, 7]],
    ['scratch', [0, 1, 3]],
  ])('gives no origins, rather than wrong ones, where the image has another number of layers: %s', (name, counts) => {
    const record = captured(`${name}.classic`).records['']
    for (const count of counts) expect(readOrigins(record, count)).toEqual(none)
  })

  it('is read to its end, whatever is in it: steps in circles, wrong counts, broken Dockerfiles', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', '')
    const output = fc.oneof(
      id.map((name) => `${name}:0`),
      id,
      fc.string(),
    )
    const number = fc.integer({ min: -2, max: 3 })
    const op = fc.oneof(
      fc.record({
        source: fc.record({ identifier: fc.constantFrom('docker-image://x', 'docker-image://x@y', 'local://', '') }),
      }),
      fc.record({
        exec: fc.record({ mounts: fc.array(fc.record({ input: number, dest: fc.constantFrom('/', '/x') })) }),
      }),
      fc.record({ file: fc.record({ actions: fc.array(fc.record({ input: number })) }) }),
      fc.record({ merge: fc.constant({}) }),
      fc.constant(null),
    )
    const step = fc.record({ id, op: fc.record({ Op: op }), inputs: fc.array(output, { maxLength: 3 }) })
    const counts = fc.dictionary(output, fc.array(fc.array(fc.anything(), { maxLength: 4 }), { maxLength: 2 }))
    const place = fc.record({
      sourceIndex: number,
      ranges: fc.array(fc.record({ start: fc.record({ line: number }) })),
    })
    const record = fc.record({
      buildConfig: fc.record({ llbDefinition: fc.array(step, { maxLength: 5 }) }),
      metadata: fc.record({
        'https://mobyproject.org/buildkit@v1#metadata': fc.record({
          layers: counts,
          source: fc.record({
            locations: fc.dictionary(id, fc.record({ locations: fc.array(place) })),
            infos: fc.array(fc.record({ data: fc.oneof(fc.base64String(), fc.string()) })),
          }),
        }),
      }),
      materials: fc.array(fc.record({ uri: fc.string() })),
    })
    fc.assert(
      fc.property(fc.oneof(record, fc.anything()), fc.nat(5), (value, count) => {
        for (const index of readOrigins(value, count).layers.keys())
          expect(Number.isSafeInteger(index) && index >= 0 && index < count).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
