import { expect, it } from '@jest/globals'
import { rowsOf } from '../../../src/image/packages/sqlite.ts'

const PAGE = 512

/** A row with texts and small numbers: its length, its key, the types of its columns, and these. */
function rowOf(key: number, columns: (string | number)[]): Buffer {
  const types = columns.map((column) => (typeof column === 'string' ? 13 + 2 * column.length : 1))
  const record = Buffer.concat([
    Buffer.from([types.length + 1, ...types]),
    ...columns.map((column) => (typeof column === 'string' ? Buffer.from(column) : Buffer.from([column]))),
  ])
  return Buffer.concat([Buffer.from([record.length, key]), record])
}

/** A page of a table, with its rows at its end. */
function pageOf(header: Buffer, rows: Buffer[]): Buffer {
  const page = Buffer.alloc(PAGE)
  header.copy(page)
  page[header.length] = 0x0d
  page.writeUInt16BE(rows.length, header.length + 3)
  let end = PAGE
  for (const [at, row] of rows.entries()) {
    end -= row.length
    row.copy(page, end)
    page.writeUInt16BE(end, header.length + 8 + at * 2)
  }
  return page
}

it('reads a table once, however many of its name there are', () => {
  const header = Buffer.alloc(100)
  header.write('SQLite format 3\0')
  header.writeUInt16BE(PAGE, 16)
  const table = (key: number, name: string, root: number): Buffer => rowOf(key, ['table', name, name, root, 'sql'])
  const database = Buffer.concat([
    pageOf(header, [table(1, 'Name', 3), table(2, 'Packages', 2), table(3, 'Packages', 2), table(4, 'Packages', 3)]),
    pageOf(Buffer.alloc(0), [rowOf(1, [1, 'a']), rowOf(2, [2, 'b'])]),
    pageOf(Buffer.alloc(0), [rowOf(1, [3, 'c'])]),
  ])
  expect([...rowsOf(database, 'Packages')].map(([number, text]) => [number, String(text)])).toEqual([
    [1, 'a'],
    [2, 'b'],
  ])
})
