import { execFileSync } from 'node:child_process'
import { CouldNotMeasure } from '../../../src/failure.ts'
import { TarParser, type TarEntry } from '../../../src/image/layer/tar.ts'

/** What GNU tar writes of a folder. */
export function gnuTar(folder: string, ...options: string[]): Buffer {
  return execFileSync('tar', ['-C', folder, '--sort=name', ...options, '-cf', '-', '.'], {
    maxBuffer: 64 * 1024 * 1024,
  })
}

type Field = string | Buffer

/** One member: a header of our own making, its payload, and what fills the last block. */
export function member(
  name: Field,
  payload: Field = '',
  fields: {
    flag?: string
    link?: Field
    size?: string
    mode?: string
    magic?: string
    prefix?: string
    raw?: [number, Field][]
  } = {},
): Buffer {
  const block = Buffer.alloc(512)
  const content = Buffer.from(payload as string)
  const put = (at: number, value: Field): number => Buffer.from(value as string).copy(block, at)
  put(0, name)
  put(100, fields.mode ?? '0000644\0')
  put(108, '0000000\0')
  put(116, '0000000\0')
  put(124, fields.size ?? `${content.length.toString(8).padStart(11, '0')}\0`)
  put(136, '00000000000\0')
  put(156, fields.flag ?? '0')
  put(157, fields.link ?? '')
  put(257, fields.magic ?? 'ustar\u000000')
  put(345, fields.prefix ?? '')
  for (const [at, value] of fields.raw ?? []) put(at, value)
  return Buffer.concat([sealed(block), content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

/** The header with its checksum: the sum of all bytes, the checksum's own taken as spaces. */
export function sealed(block: Buffer, signed = false): Buffer {
  block.fill(' ', 148, 156)
  let sum = 0
  for (const byte of block) sum += signed && byte > 127 ? byte - 256 : byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** Records of an extended header, each with its own length before it. */
export function pax(records: Record<string, Field> | [string, Field][], flag = 'x'): Buffer {
  const list = Array.isArray(records) ? records : Object.entries(records)
  return member(
    'PaxHeaders/x',
    Buffer.concat(
      list.map(([key, value]) => {
        const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')])
        let length = rest.length
        while (String(length).length + rest.length !== length) length = String(length).length + rest.length
        return Buffer.concat([Buffer.from(String(length)), rest])
      }),
    ),
    { flag },
  )
}

export const END = Buffer.alloc(1024)

export function tar(...members: Buffer[]): Buffer {
  return Buffer.concat([...members, END])
}

/** The chunks of some bytes, each as long as the next of `lengths`, which start over when they are used up. */
export function* chunksOf(bytes: Buffer, lengths: number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? bytes.length
    yield bytes.subarray(at, at + length)
    at += length
  }
}

/** As an engine's socket is read: the chunks come into a few buffers, one after the other, and what was there before is gone. */
export async function* streamOf(bytes: Buffer, lengths: number[] = [65_536]): AsyncGenerator<Buffer> {
  const slots: Buffer[] = []
  let turn = 0
  for (const chunk of chunksOf(bytes, lengths)) {
    const at = turn++ % 8
    const slot = (slots[at] ??= Buffer.alloc(Math.max(...lengths)))
    chunk.copy(slot)
    yield slot.subarray(0, chunk.length)
  }
}

/** All entries with their content, which is undefined where `wanted` says no. */
export function entriesOf(
  archive: Buffer,
  lengths: number[] = [archive.length],
  wanted: (entry: TarEntry) => boolean = () => true,
): { entry: TarEntry; content: Buffer | undefined; sparse: boolean }[] {
  const parser = new TarParser()
  const found: { entry: TarEntry; chunks: Buffer[] | undefined; sparse: boolean }[] = []
  for (const chunk of chunksOf(archive, lengths)) {
    parser.push(chunk)
    for (let event = parser.next(); event; event = parser.next()) {
      if (!event.entry) found.at(-1)?.chunks?.push(Buffer.from(event.payload))
      else {
        const isWanted = wanted(event.entry)
        found.push({ entry: event.entry, chunks: isWanted ? [] : undefined, sparse: event.sparse })
        if (!isWanted) parser.skip()
      }
    }
  }
  parser.end()
  return found.map(({ entry, chunks, sparse }) => ({ entry, sparse, content: chunks && Buffer.concat(chunks) }))
}

/** The message of the CouldNotMeasure that this throws; what else it throws is thrown on. */
export async function failureOf(action: () => unknown): Promise<string> {
  try {
    await action()
  } catch (error) {
    if (error instanceof CouldNotMeasure) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}
