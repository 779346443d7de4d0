import { z } from 'zod'
import { DIGEST } from '../image/oci.ts'
import { sum } from '../image/measurement.ts'
import { parseJson } from '../json.ts'
import type { StoredRecord } from './record.ts'

/** Bytes of a record; one of an image with 127 layers, the engines' limit, has a tenth of it. */
export const MAX_RECORD = 1_000_000
/** Bytes of a file of points, and the points that are written into one: they fit, whatever their figures. */
export const MAX_POINTS_FILE = 5_000_000
export const MAX_POINTS = 10_000
/** Characters of a text; an instruction has at most a tenth of it. */
const MAX_TEXT = 10_000
/** Elements of a list: engines take 127 layers, and there are as many names at most. */
const MAX_ELEMENTS = 1_000

const text = z.string().max(MAX_TEXT)
/** At most a thousand elements, counted before they are looked at: what is wrong with each of a million takes gigabytes to tell. */
export const listOf = <T extends z.ZodType>(one: T) => z.array(z.unknown()).max(MAX_ELEMENTS).pipe(z.array(one))
const count = z.int().nonnegative()
const bytes = count.nullable()
const line = z.int().positive().nullable()
const digest = z.string().regex(DIGEST)
const commit = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
/** ISO 8601, UTC, to the second: so texts are in the order of the times. */
const time = z.iso.datetime({ precision: 0 })
const store = z.enum(['classic', 'containerd', 'buildkit'])
const sizeFrom = z.enum(['content', 'engine']).nullable()
const caps = z.object({ size: bytes, downloadSize: bytes, layers: bytes })

const layer = z.object({
  diffId: digest,
  digest: digest.nullable(),
  size: bytes,
  downloadSize: bytes,
  compression: z.enum(['gzip', 'zstd', 'none']).nullable(),
  instruction: text,
  file: text.nullable(),
  line,
  stage: text.nullable(),
  fromBase: z.boolean().nullable(),
  copiedFrom: z.object({ kind: z.enum(['stage', 'image']), name: text }).nullable(),
})

const measurement = z
  .object({
    schema: z.literal(1),
    name: text,
    platform: text,
    commit: commit.nullable(),
    dockerfile: text.nullable(),
    ignoreFile: text.nullable(),
    target: text.nullable(),
    engine: z.object({ driver: text, store, version: text, buildx: text }).nullable(),
    source: z.object({ reference: text, digest: digest.nullable() }).nullable(),
    baseImage: z.object({ name: text, digest: digest.nullable(), line, instruction: text.nullable() }).nullable(),
    size: bytes,
    sizeFrom,
    downloadSize: bytes,
    unmeasured: z.object({ size: text.nullable(), downloadSize: text.nullable() }),
    layers: listOf(layer),
    stages: count.nullable(),
    settings: z.object({ user: text, variables: listOf(text), buildArgs: listOf(text) }).nullable(),
    warnings: listOf(z.object({ rule: text, message: text, line, url: text.nullable() })),
    content: z.null(),
  })
  // What a comparison tells adds up only where these do.
  .refine(({ size, sizeFrom: from, layers }) => {
    const parts = sum(layers.map((each) => each.size))
    return (size === null) === (from === null) && (parts === null || parts === size)
  })

/** Of schema 1. What it has besides, a later version wrote: it is left out. */
export const storedRecord = z.object({
  schema: z.literal(1),
  commit,
  committedAt: time,
  measuredAt: time,
  recipe: z.record(z.string().regex(/^[a-z-]{1,40}(?: [A-Za-z_][\w.-]{0,199})?$/), z.string().regex(/^[0-9a-f]{4}$/)),
  caps,
  measurement,
})

export const point = z.object({
  commit,
  at: time,
  size: bytes,
  downloadSize: bytes,
  layers: count,
  caps,
  store: store.nullable(),
  sizeFrom,
})

/** What a point's line says besides: it tells two of one commit apart, and nothing that is shown. */
export const measured = z.object({ measuredAt: time })

/**
 * What is looked for in a record that cannot be read, for a later version may have written it: its place in the history, and its layers.
 * Each is null where it is not as this version has it.
 */
const recordHead = z.object({
  schema: z.int(),
  committedAt: time.nullable().catch(null),
  measuredAt: time.nullable().catch(null),
  measurement: z
    .object({ layers: listOf(z.object({ diffId: digest })) })
    .nullable()
    .catch(null),
})
export type RecordHead = z.output<typeof recordHead>

/** What reads a record, by its schema's number: one of an older number, once there is a newer, as what it would be today. */
const READERS = new Map<number, z.ZodType<StoredRecord>>([[1, storedRecord]])

const versioned = z.looseObject({ schema: z.int() })

/** A record's text, with the newline at its end: the same for the same content, whatever the order of its keys. `content` is left out. */
export function renderRecord(record: StoredRecord): string {
  const kept = { ...record, measurement: { ...record.measurement, content: null } }
  return `${JSON.stringify(kept, inOrder, 2)}\n`
}

/** A replacer that puts an object's keys in the order of the alphabet. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** The record that a text is; null where it is none, not of a schema that is known, or longer than one can be. */
export function parseRecord(written: string): StoredRecord | null {
  if (Buffer.byteLength(written) > MAX_RECORD) return null
  const value = parseJson(written)
  const { success, data } = versioned.safeParse(value)
  if (!success) return null
  return READERS.get(data.schema)?.safeParse(value).data ?? null
}

/** What a record of a later schema tells; null where it is none. */
export function parseLaterRecord(written: string): RecordHead | null {
  if (Buffer.byteLength(written) > MAX_RECORD) return null
  const { data } = recordHead.safeParse(parseJson(written))
  return data !== undefined && data.schema > Math.max(...READERS.keys()) ? data : null
}
