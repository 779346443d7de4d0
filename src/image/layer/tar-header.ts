import { isAscii, isUtf8 } from 'node:buffer'
import { CouldNotMeasure } from '../../failure.ts'

/*
 * Headers of tar archives. What is read, and what is refused, follows Go's archive/tar, with which the engines unpack layers.
 * Formats: https://www.gnu.org/software/tar/manual/html_node/Standard.html (v7, ustar, GNU and its sparse files) and
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (pax).
 */

export const BLOCK = 512

/** Most bytes of an extended header, of a long name, of a sparse map: as in Go's archive/tar. */
export const METADATA_LIMIT = 1024 * 1024

/** The fields of one 512-byte header. Names are decoded (`decodeName`) and not normalised. */
export type TarHeader = {
  /** The type flag's byte. */
  flag: number
  name: string
  linkName: string
  /** Bytes that follow the header, as it stands there: null where the field holds none that counts exactly. */
  size: number | null
  mode: number
  uid: number
  gid: number
  isGnu: boolean
}

/** What the extended header (pax) before an entry says of it; undefined: nothing. */
export type PaxRecords = {
  path?: string
  linkpath?: string
  size?: number
  uid?: number
  gid?: number
  /** `GNU.sparse.*`: version, name, full size, number of pieces, and their offsets and lengths (`map`, versions 0.0 and 0.1). */
  sparse: Map<string, string>
}

/** A sparse file's pieces: offset and length in turn. */
export type SparseMap = number[]

export function corrupt(message: string): CouldNotMeasure {
  return new CouldNotMeasure('measure', message)
}

/** An invalid byte of a name as text, and a backslash that would be taken for one. */
const ESCAPABLE = /\\(?=x(?:5c|[89a-f][0-9a-f]))/g

/**
 * Text of a name in an archive, which is bytes, in UTF-8 by custom only. A byte that is no UTF-8 becomes `\xNN` (two lower-case hex digits,
 * 80 to ff); a backslash that would read as such an escape becomes `\x5c`. So different names stay different, and nothing is lost:
 * replacing `\x5c` and `\x80` to `\xff` by their bytes gives the name back.
 */
export function decodeName(bytes: Buffer): string {
  if (isAscii(bytes)) return escaped(bytes.toString('latin1'))
  if (isUtf8(bytes)) return escaped(bytes.toString())
  let name = ''
  let valid = 0
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    if (length === 0) {
      name += `${escaped(bytes.toString('utf8', valid, at))}\\x${(bytes[at] ?? 0).toString(16)}`
      at += 1
      valid = at
    } else {
      at += length
    }
  }
  return name + escaped(bytes.toString('utf8', valid))
}

function escaped(name: string): string {
  return name.includes('\\x') ? name.replace(ESCAPABLE, '\\x5c') : name
}

/** Bytes of the UTF-8 sequence that begins at `at`; 0 where none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

const NEEDS_CLEANING = /(?:^|\/)\.{0,2}(?:\/|$)/

/**
 * A path as seen from the archive's root: no leading, trailing or double slash, no `.`; `..` goes up, but never above the root, as
 * when containerd unpacks. '' is the root itself.
 */
export function normalisePath(path: string): string {
  if (!NEEDS_CLEANING.test(path)) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** Reads a header's block of 512 bytes. Throws CouldNotMeasure `measure` where it is none. */
export function parseHeader(block: Buffer): TarHeader {
  if (!hasValidChecksum(block)) throw corrupt('It is no tar archive, or a corrupt one: a header has a wrong checksum.')
  const magic = block.toString('latin1', 257, 265)
  const isGnu = magic === 'ustar  \0'
  let name = text(block, 0, 100)
  if (magic.startsWith('ustar\0') && block[345] !== 0) {
    // star's own format has a shorter prefix, before times that it keeps there.
    const isStar = block.toString('latin1', 508, 512) === 'tar\0'
    name = `${text(block, 345, isStar ? 476 : 500)}/${name}`
  }
  return {
    flag: block[156] ?? 0,
    name,
    linkName: block[157] === 0 ? '' : text(block, 157, 257),
    size: exact(number(block, 124, 136)),
    mode: number(block, 100, 108),
    uid: number(block, 108, 116),
    gid: number(block, 116, 124),
    isGnu,
  }
}

function hasValidChecksum(block: Buffer): boolean {
  let sum = 8 * 0x20
  for (let at = 0; at < 148; at++) sum += block[at] as number
  for (let at = 156; at < BLOCK; at++) sum += block[at] as number
  const expected = number(block, 148, 156)
  if (sum === expected) return true
  // Some old archivers took bytes as signed.
  let high = 0
  for (let at = 0; at < BLOCK; at++) if ((at < 148 || at >= 156) && (block[at] as number) >= 0x80) high += 1
  return sum - 256 * high === expected
}

/** Text up to the first NUL, or to the field's end. */
function text(block: Buffer, from: number, to: number): string {
  const nul = block.indexOf(0, from)
  return decodeName(block.subarray(from, nul === -1 || nul > to ? to : nul))
}

const SPACE = 0x20
const LINE_END = 0x0a

/** A number in octal digits, padded with spaces and NULs; or (GNU) in base 256, where the first bit is set. Throws where it is none. */
function number(block: Buffer, from: number, to: number): number {
  const first = block[from] as number
  if (first >= 0x80) return base256(block.subarray(from, to))
  let at = from
  while (at < to && (block[at] === SPACE || block[at] === 0)) at++
  let value = 0
  for (; at < to; at++) {
    const byte = block[at] as number
    if (byte === 0) return value
    if (byte === SPACE) break
    const digit = byte - 0x30
    if (digit < 0 || digit > 7)
      throw corrupt('It is no tar archive, or a corrupt one: a number in a header is malformed.')
    value = value * 8 + digit
  }
  while (at < to && block[at] === SPACE) at++
  if (at < to && block[at] !== 0) {
    throw corrupt('It is no tar archive, or a corrupt one: a number in a header is malformed.')
  }
  return value
}

/** Two's complement, most significant byte first, without the first bit, which marks the format. */
function base256(bytes: Buffer): number {
  const first = (bytes[0] ?? 0) & 0x7f
  let value = first >= 0x40 ? first - 0x80 : first
  for (const byte of bytes.subarray(1)) value = value * 256 + byte
  return value
}

function exact(value: number): number | null {
  return Number.isSafeInteger(value) && value >= 0 ? value : null
}

/**
 * Reads the records `LENGTH KEY=VALUE\n` of an extended header. Of a key that stands there twice the last counts; an empty value says nothing.
 * Throws CouldNotMeasure `measure` where a record is malformed.
 */
export function parsePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = { sparse: new Map() }
  const pieces: string[] = []
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(SPACE, at)
    const length = space === -1 ? Number.NaN : decimal(bytes.toString('latin1', at, space))
    const end = at + length
    const equals = bytes.indexOf(0x3d, space)
    if (!(length >= 5 && end <= bytes.length) || bytes[end - 1] !== LINE_END || equals === -1 || equals >= end) {
      throw corrupt('It is a corrupt tar archive: a record of an extended header is malformed.')
    }
    addRecord(records, pieces, bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, end - 1))
    at = end
  }
  if (pieces.length > 0) records.sparse.set('map', pieces.join(','))
  return records
}

function addRecord(records: PaxRecords, pieces: string[], key: string, value: Buffer): void {
  if (value.length === 0) return
  if (key === 'path' || key === 'linkpath') {
    if (value.includes(0)) throw corrupt('It is a corrupt tar archive: a path in an extended header has a NUL in it.')
    records[key] = decodeName(value)
  } else if (key === 'size' || key === 'uid' || key === 'gid') {
    records[key] = decimalOrThrow(value.toString('latin1'))
  } else if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
    // Version 0.0 gives each piece records of its own, in turn.
    if ((pieces.length % 2 === 0) !== (key === 'GNU.sparse.offset')) throw corrupt(SPARSE)
    pieces.push(value.toString('latin1'))
  } else if (key.startsWith('GNU.sparse.')) {
    records.sparse.set(
      key.slice('GNU.sparse.'.length),
      key === 'GNU.sparse.name' ? decodeName(value) : value.toString('latin1'),
    )
  }
}

export const TOO_MANY_PIECES = 'It has a sparse file in too many pieces.'
const SPARSE = 'It is a corrupt tar archive: the map of a sparse file is malformed.'

function decimal(digits: string): number {
  return /^[+-]?\d{1,19}$/.test(digits) ? Number(digits) : Number.NaN
}

function decimalOrThrow(digits: string): number {
  const value = decimal(digits)
  if (Number.isNaN(value)) {
    throw corrupt('It is a corrupt tar archive: a number in an extended header is malformed.')
  }
  return value
}

/** Which of pax's sparse formats records describe: the map in the records (`records`), at the payload's begin (`payload`), or none. */
export function sparseFormat({ sparse }: PaxRecords): 'records' | 'payload' | null {
  const version = `${sparse.get('major') ?? ''}.${sparse.get('minor') ?? ''}`
  if (version === '0.0' || version === '0.1') return 'records'
  if (version === '1.0') return 'payload'
  // 0.0 and 0.1 did not always say their version. One that is not known is no sparse file, as Go has it.
  return version === '.' && sparse.has('map') ? 'records' : null
}

/** The full size that records tell of a sparse file; null where they do not. */
export function sparseSize({ sparse }: PaxRecords): number | null {
  const size = sparse.get('size') ?? sparse.get('realsize')
  return size === undefined ? null : decimalOrThrow(size)
}

/** The map in records (versions 0.0 and 0.1). */
export function sparseMapOfRecords({ sparse }: PaxRecords): SparseMap {
  const map = (sparse.get('map') ?? '').split(',').filter((field, _, all) => all.length > 1 || field !== '')
  if (map.length !== 2 * decimalOrThrow(sparse.get('numblocks') ?? '')) throw corrupt(SPARSE)
  return map.map(decimalOrThrow)
}

/** The map at the begin of the payload (version 1.0): a count, then offsets and lengths, each in decimal on a line of its own. */
export class PayloadMap {
  private text = ''
  private lines = 0
  private needed = 1

  /** Adds the payload's next block; answers the map once it is whole, else null. */
  add(block: Buffer): SparseMap | null {
    this.text += block.toString('latin1')
    for (const byte of block) if (byte === LINE_END) this.lines += 1
    if (this.needed === 1 && this.lines > 0) {
      const count = decimalOrThrow(this.text.slice(0, this.text.indexOf('\n')))
      if (count < 0) throw corrupt(SPARSE)
      this.needed = 1 + 2 * count
    }
    if (this.lines >= this.needed) return this.text.split('\n', this.needed).slice(1).map(decimalOrThrow)
    if (this.text.length >= METADATA_LIMIT) throw corrupt(TOO_MANY_PIECES)
    return null
  }
}

/** An old GNU sparse file's header (`main`), or a block that continues its map: pieces, whether one more block follows, and the full size. */
export function oldSparse(block: Buffer, kind: 'main' | 'more'): { map: SparseMap; more: boolean; size: number } {
  const [from, pieces, flag] = kind === 'main' ? [386, 4, 482] : [0, 21, 504]
  const map: SparseMap = []
  for (let piece = 0; piece < pieces; piece++) {
    const at = from + piece * 24
    if (block[at] === 0) break
    map.push(number(block, at, at + 12), number(block, at + 12, at + 24))
  }
  return { map, more: block[flag] !== 0, size: kind === 'main' ? number(block, 483, 495) : 0 }
}

/** The pieces that are not empty, checked: they lie one after the other within the file's `size`, and they are what is `stored`. */
export function checkedPieces(map: SparseMap, size: number, stored: number): SparseMap {
  const pieces: SparseMap = []
  let end = 0
  let sum = 0
  for (let at = 0; at < map.length; at += 2) {
    const [offset = -1, length = -1] = [map[at], map[at + 1]]
    if (offset < end || length < 0 || offset + length > size) throw corrupt(SPARSE)
    end = offset + length
    sum += length
    if (length > 0) pieces.push(offset, length)
  }
  if (sum !== stored || !Number.isSafeInteger(size)) throw corrupt(SPARSE)
  return pieces
}
