import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { z } from 'zod'
import type { Measurement } from '../../src/image/measurement.ts'
import type { Point, StoredRecord } from '../../src/record/record.ts'
import {
  MAX_RECORD,
  parseLaterRecord,
  parseRecord,
  point,
  renderRecord,
  storedRecord,
} from '../../src/record/schema.ts'
import { aLayer } from '../support/measurements.ts'
import { anyRecord, aRecord } from '../support/records.ts'
import type { Flat, Same } from '../support/same.ts'

type Kept = Omit<StoredRecord, 'measurement'> & { measurement: Omit<Measurement, 'content'> & { content: null } }

it('has each member of what is stored: to add one to the type alone does not compile', () => {
  const record: Same<Flat<z.output<typeof storedRecord>>, Flat<Kept>> = 'same'
  const onePoint: Same<z.output<typeof point>, Point> = 'same'
  expect([record, onePoint]).toEqual(['same', 'same'])
})

describe('a record', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const text = renderRecord(record)
        expect(parseRecord(text)).toEqual(record)
        expect(text.endsWith('}\n')).toBe(true)
      }),
    )
  })

  it('is the same text whatever the order of its keys, and once it was read', () => {
    const shuffled = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value
      if (Array.isArray(value)) return value.map(shuffled)
      return Object.fromEntries(
        Object.entries(value)
          .map(([key, each]) => [key, shuffled(each)] as const)
          .toReversed(),
      )
    }
    fc.assert(
      fc.property(anyRecord, (record) => {
        const text = renderRecord(record)
        expect(renderRecord(shuffled(record) as StoredRecord)).toBe(text)
        expect(renderRecord(parseRecord(text)!)).toBe(text)
      }),
    )
  })

  it('is written without what lies in the image', () => {
    const content = { files: [], packages: [] }
    expect(parseRecord(renderRecord(aRecord({}, { content })))?.measurement.content).toBeNull()
    expect(renderRecord(aRecord({}, { content }))).toBe(renderRecord(aRecord()))
  })

  it('is read without what a newer version adds to it, at whatever depth', () => {
    const added = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value
      if (Array.isArray(value)) return value.map(added)
      const members = Object.entries(value).map(([key, each]) => [key, key === 'recipe' ? each : added(each)])
      return Object.fromEntries([...members, ['newer', { than: 'this' }]])
    }
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(parseRecord(JSON.stringify(added(record)))).toEqual(record)
      }),
    )
  })

  it('of another schema is none', () => {
    const record = aRecord()
    for (const schema of [0, 2, '1', null, 1.5, undefined]) {
      expect(parseRecord(JSON.stringify({ ...record, schema }))).toBeNull()
      const measurement = { ...record.measurement, schema }
      expect(parseRecord(JSON.stringify({ ...record, measurement }))).toBeNull()
    }
  })

  /** The places of all members, those of array's elements too. */
  function membersOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([key, each]) => {
      const at = [...path, Array.isArray(value) ? Number(key) : key]
      return [at].concat(membersOf(each, at))
    })
  }

  function changed(value: unknown, [key, ...rest]: (string | number)[], by: (member: unknown) => unknown): unknown {
    if (key === undefined) return by(value)
    const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }
    const members = copy as Record<string | number, unknown>
    members[key] = changed(members[key], rest, by)
    return copy
  }

  const full = aRecord(
    {},
    {
      target: 'runtime',
      layers: [aLayer('COPY . .', { line: 3, stage: '0', copiedFrom: { kind: 'stage', name: 'build' } })],
      warnings: [{ rule: 'FromAsCasing', message: 'as', line: 1, url: null }],
      source: { reference: 'docker://api', digest: null },
    },
  )

  it.each(membersOf(full).map((path) => [path.join('.'), path] as const))('without its %s is none', (name, path) => {
    const isElement = typeof path.at(-1) === 'number'
    const isFree = name.startsWith('recipe.')
    const without = JSON.stringify(changed(full, path, () => (isElement ? null : undefined)))
    if (isFree) expect(parseRecord(without)).not.toBeNull()
    else expect(parseRecord(without)).toBeNull()
  })

  it.each(membersOf(full).map((path) => [path.join('.'), path] as const))(
    'with another kind of %s is none',
    (_, path) => {
      for (const other of [{ 0: 1 }, [[]], 'ABC'.repeat(5_000), -1, 1.5, 2 ** 53]) {
        expect(parseRecord(JSON.stringify(changed(full, path, () => other)))).toBeNull()
      }
    },
  )

  it('whose layers have another size in sum than it has is none', () => {
    const record = aRecord()
    const measurement = { ...record.measurement, size: record.measurement.size! + 1 }
    expect(parseRecord(renderRecord({ ...record, measurement }))).toBeNull()
  })

  it('may be of an engine’s total alone', () => {
    const layers = [aLayer('RUN a', { size: null })]
    const total = aRecord({}, { layers, size: 5, sizeFrom: 'engine' })
    expect(parseRecord(renderRecord(total))).toEqual(total)
  })

  it('takes times in UTC to the second, commits as git has them, and checksums of four digits', () => {
    const readable = (overrides: object): boolean =>
      parseRecord(JSON.stringify({ ...aRecord(), ...overrides })) !== null
    expect(readable({ committedAt: '2024-02-29T23:59:59Z', commit: 'ab'.repeat(32) })).toBe(true)
    for (const committedAt of [
      '2026-02-29T10:00:00Z',
      '2026-11-21T10:00:00+01:00',
      '2026-11-21T10:00:00.5Z',
      '2026-11-21',
    ])
      expect(readable({ committedAt })).toBe(false)
    for (const commit of ['ab'.repeat(20).toUpperCase(), 'ab'.repeat(19), `${'ab'.repeat(20)}\n`, '../../x'])
      expect(readable({ commit })).toBe(false)
    for (const recipe of [{ target: '12345' }, { target: '12AB' }, { 'a`b': '1234' }, { 'build-args a b': '1234' }])
      expect(readable({ recipe })).toBe(false)
  })

  it('is none where it is longer than one can be, even if it is one', () => {
    const record = aRecord(
      {},
      { settings: { user: '', variables: Array.from({ length: 110 }, () => 'x'.repeat(9_000)), buildArgs: [] } },
    )
    const text = renderRecord(record)
    expect(parseRecord(text)).not.toBeNull()
    expect(parseRecord(text + ' '.repeat(MAX_RECORD - text.length))).not.toBeNull()
    expect(parseRecord(text + ' '.repeat(MAX_RECORD - text.length + 1))).toBeNull()
  })

  it('of an image with as many layers as an engine takes can be read back', () => {
    const layers = Array.from({ length: 127 }, (_, at) => aLayer(`RUN ${at} ${'宽'.repeat(1_000)}`))
    expect(parseRecord(renderRecord(aRecord({}, { layers })))?.measurement.layers).toHaveLength(127)
  })

  it('has lists of a thousand elements at most, and of more it does not take long to say so', () => {
    const withLayers = (layers: unknown[]): string => {
      const record = aRecord({}, { size: 0 })
      return JSON.stringify({ ...record, measurement: { ...record.measurement, layers } })
    }
    const one = aLayer('RUN a', { size: 0 })
    expect(parseRecord(withLayers(Array.from({ length: 1_000 }, () => one)))).not.toBeNull()
    expect(parseRecord(withLayers(Array.from({ length: 1_001 }, () => one)))).toBeNull()
    expect(parseRecord(withLayers(Array.from({ length: 320_000 }, () => ({}))))).toBeNull()
  })

  it('of a later schema tells its times and layers, where they are as they are here', () => {
    const record = aRecord()
    const { committedAt, measuredAt, measurement } = record
    const later = (overrides: object): unknown =>
      parseLaterRecord(JSON.stringify({ ...record, schema: 2, ...overrides }))
    const layers = measurement.layers.map(({ diffId }) => ({ diffId }))
    expect(later({})).toEqual({ schema: 2, committedAt, measuredAt, measurement: { layers } })
    expect(later({ committedAt: 5, measurement: { layers: [{ diffId: 'x' }] } })).toEqual({
      schema: 2,
      committedAt: null,
      measuredAt,
      measurement: null,
    })
    for (const schema of [0, 1, '2', null]) expect(later({ schema })).toBeNull()
    expect(parseLaterRecord('')).toBeNull()
  })

  it('is none of whatever else a file may hold', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.constant('['.repeat(100_000))), (text) => {
        expect(parseRecord(text)).toBeNull()
      }),
    )
    expect(parseRecord(`{"schema":1,"__proto__":${JSON.stringify(aRecord())}}`)).toBeNull()
  })
})
