/** Deepest tree of pages that is followed: 5 levels of the smallest pages hold more than any record that is read. */
const MAX_DEPTH = 20
const HEADER = 100
const MAGIC = 'SQLite format 3\0'
const INTERIOR = 0x05
const LEAF = 0x0d

/** What a row's column has: bytes of a text or BLOB; a number; null for all else. */
export type Value = Buffer | number | null

/**
 * The rows of a table in a SQLite database, in the order of their keys, each with the columns that it stores. None where there is no such
 * table. Throws where the file is broken. https://www.sqlite.org/fileformat2.html
 */
export function* rowsOf(database: Buffer, table: string): Generator<Value[]> {
  if (database.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('no SQLite database')
  for (const [kind, name, , root] of walk(database, 1)) {
    if (textOf(kind) !== 'table' || textOf(name) !== table || typeof root !== 'number') continue
    yield* walk(database, root)
    // Names are unique: a broken file that has one again would have its rows read again.
    return
  }
}

function textOf(value: Value | undefined): string | null {
  return Buffer.isBuffer(value) ? value.toString('utf8') : null
}

/** The rows below a page; each page stands in a tree once, and rows do not overlap, so that a broken one comes to an end. */
function* walk(database: Buffer, root: number): Generator<Value[]> {
  const stored = database.readUInt16BE(16)
  const pageSize = stored === 1 ? 65_536 : stored
  const usable = pageSize - database.readUInt8(20)
  const seen = new Set<number>()
  let read = 0

  function pageAt(number: number): Buffer {
    const start = (number - 1) * pageSize
    if (number < 1 || start + pageSize > database.length) throw new Error('a page that is not there')
    if (seen.has(number)) throw new Error('a page that is there twice')
    seen.add(number)
    return database.subarray(start, start + pageSize)
  }

  /** A row's bytes: what is too long for its page goes on in pages of its own. */
  function payloadAt(page: Buffer, start: number): Buffer {
    const [size, afterSize] = varint(page, start)
    const [, at] = varint(page, afterSize)
    read += size
    if (read > database.length) throw new Error('more rows than the database has bytes')
    const most = usable - 35
    if (size <= most) return page.subarray(at, at + size)
    const least = Math.floor(((usable - 12) * 32) / 255) - 23
    const fitting = least + ((size - least) % (usable - 4))
    const local = fitting <= most ? fitting : least
    const parts = [page.subarray(at, at + local)]
    let missing = size - local
    for (let next = page.readUInt32BE(at + local); missing > 0;) {
      const overflow = pageAt(next)
      const part = overflow.subarray(4, 4 + Math.min(missing, usable - 4))
      parts.push(part)
      missing -= part.length
      next = overflow.readUInt32BE(0)
    }
    return Buffer.concat(parts)
  }

  function* rows(number: number, depth: number): Generator<Value[]> {
    if (depth > MAX_DEPTH) throw new Error('a tree that is too deep')
    const page = pageAt(number)
    const header = number === 1 ? HEADER : 0
    const kind = page[header]
    if (kind !== INTERIOR && kind !== LEAF) throw new Error('a page of no table')
    const cells = page.readUInt16BE(header + 3)
    const pointers = header + (kind === LEAF ? 8 : 12)
    for (let cell = 0; cell < cells; cell++) {
      const at = page.readUInt16BE(pointers + cell * 2)
      if (kind === LEAF) yield columnsOf(payloadAt(page, at))
      else yield* rows(page.readUInt32BE(at), depth + 1)
    }
    if (kind === INTERIOR) yield* rows(page.readUInt32BE(header + 8), depth + 1)
  }
  yield* rows(root, 0)
}

function columnsOf(record: Buffer): Value[] {
  const [headerSize, first] = varint(record, 0)
  const columns: Value[] = []
  let at = headerSize
  for (let next = first; next < headerSize;) {
    const [type, after] = varint(record, next)
    next = after
    const size = sizeOf(type)
    if (at + size > record.length) throw new Error('a column that is longer than its row')
    if (type >= 12) columns.push(record.subarray(at, at + size))
    else if (type >= 1 && type <= 5 && size <= 6) columns.push(record.readIntBE(at, size))
    else columns.push(type === 8 ? 0 : type === 9 ? 1 : null)
    at += size
  }
  return columns
}

/** Bytes of a column by its type. */
function sizeOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2)
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? 0
}

/** A number of up to nine bytes, and where it ends; one that no file needs is as large as it may be. */
function varint(bytes: Buffer, start: number): [value: number, end: number] {
  let value = 0
  for (let at = start; at < start + 9; at++) {
    const byte = bytes.readUInt8(at)
    if (at === start + 8) return [Math.min(value * 256 + byte, Number.MAX_SAFE_INTEGER), at + 1]
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return [value, at + 1]
  }
  return [value, start + 9]
}
