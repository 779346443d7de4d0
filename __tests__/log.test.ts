import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { queueSections, type Log } from '../src/log.ts'

/** Sections whose writing is kept, one row an event. */
function kept(): { section: Log['section']; rows: string[] } {
  const rows: string[] = []
  const section = queueSections({
    open: (title) => rows.push(`open ${title}`),
    line: (text) => rows.push(text),
    close: () => rows.push('close'),
  })
  return { section, rows }
}

describe('queueSections', () => {
  it('writes the first section as it comes and the others whole, one after the other', () => {
    const { section, rows } = kept()
    const head = section('head')
    const base = section('base')
    head.line('h1')
    base.line('b1')
    head.line('h2')
    expect(rows).toEqual(['open head', 'h1', 'h2'])
    head.end()
    base.line('b2')
    expect(rows).toEqual(['open head', 'h1', 'h2', 'close', 'open base', 'b1', 'b2'])
    base.end()
    section('later').end()
    expect(rows.slice(7)).toEqual(['close', 'open later', 'close'])
  })

  it('writes a section that ends before its turn when its turn comes', () => {
    const { section, rows } = kept()
    const [first, second, third] = [section('1'), section('2'), section('3')]
    third.line('c')
    third.end()
    second.line('b')
    second.end()
    first.end()
    expect(rows).toEqual(['open 1', 'close', 'open 2', 'b', 'close', 'open 3', 'c', 'close'])
  })

  it('loses no line and mixes no sections, in whatever order they are written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { maxLength: 30 }),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        (writes, ends) => {
          const { section, rows } = kept()
          const sections = [0, 1, 2, 3].map((id) => section(String(id)))
          writes.forEach((id, at) => sections[id]?.line(`${id}:${at}`))
          for (const id of ends) sections[id]?.end()
          const expected = [0, 1, 2, 3].flatMap((id) => {
            const lines = writes.map((writer, at) => `${writer}:${at}`).filter((line) => line.startsWith(`${id}:`))
            return [`open ${id}`, lines, 'close'].flat()
          })
          expect(rows).toEqual(expected)
        },
      ),
    )
  })
})
