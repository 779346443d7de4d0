import { describe, expect, it } from '@jest/globals'
import { renderJson } from '../../src/report/json.ts'
import { STATES, imageReport, report } from '../support/reports.ts'

describe('renderJson', () => {
  it.each(Object.keys(STATES))('leaves nothing out: %s', (state) => {
    expect(JSON.parse(renderJson(STATES[state] ?? report()))).toEqual(STATES[state])
  })

  it('has the same order of keys, however the report was put together', () => {
    const { checks, head, name, ...rest } = imageReport()
    const reordered = { checks, ...rest, head, name }
    expect(Object.keys(reordered)).not.toEqual(Object.keys(imageReport()))
    expect(renderJson(report({ images: [reordered] }))).toBe(renderJson(report()))
  })

  it('begins with its schema and ends with a newline', () => {
    expect(renderJson(report())).toMatch(/^\{\n {2}"schema": 1,\n {2}"version": "0.1.0",\n[^]*\}\n$/)
  })
})
