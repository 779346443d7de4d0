import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { renderComment, renderSummary } from '../../src/report/comment.ts'
import type { Report } from '../../src/report/report.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { STATES } from '../support/reports.ts'

/**
 * Every state as it looks, committed to be read: `<state>.md` is the comment, `<state>.txt` the terminal, and for the
 * states that tell most, `<state>.<length>.md`. `UPDATE_RENDERED=1` writes them anew.
 */
const folder = join(import.meta.dirname, 'rendered')

function filesOf(state: string, of: Report): [string, string][] {
  const [full = '', short = '', minimal = ''] = renderComment(of)
  const files: [string, string][] = [
    [`${state}.md`, full],
    [`${state}.txt`, renderTerminal(of, { colour: false, width: 80 })],
  ]
  if (state !== 'over' && state !== 'images') return files
  return [
    ...files,
    [`${state}.short.md`, short],
    [`${state}.minimal.md`, minimal],
    [`${state}.summary.md`, renderSummary(of)],
  ]
}

const expected = Object.entries(STATES).flatMap(([state, of]) => filesOf(state, of))

if (process.env['UPDATE_RENDERED'] === '1') {
  mkdirSync(folder, { recursive: true })
  for (const [file, content] of expected) writeFileSync(join(folder, file), content)
}

describe('rendered reports', () => {
  it.each(expected)('%s is as committed (UPDATE_RENDERED=1 writes it anew)', (file, content) => {
    expect(content).toBe(readFileSync(join(folder, file), 'utf8'))
  })

  it('has no file of a state that is gone', () => {
    expect(readdirSync(folder).toSorted()).toEqual(expected.map(([file]) => file).toSorted())
  })
})
