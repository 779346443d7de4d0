import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { renderJson } from '../../src/report/json.ts'
import { DOCUMENTED, STATES, failedImage, report } from '../support/reports.ts'

describe('renderJson', () => {
  it.each(Object.keys(STATES))('leaves nothing out: %s', (state) => {
    expect(JSON.parse(renderJson(STATES[state] ?? report()))).toEqual(STATES[state])
  })

  it('begins with its schema and ends with a newline', () => {
    expect(renderJson(report())).toMatch(/^\{\n {2}"schema": 1,\n {2}"version": "0.1.0",\n[^]*\}\n$/)
  })
})

describe('docs/report.md', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/report.md'), 'utf8')

  it('shows a report as it is written', () => {
    const [, example] = /^```json\n([^]*?)^```$/m.exec(docs) ?? []
    expect(example).toBe(renderJson(DOCUMENTED))
  })

  it('describes every key', () => {
    const keys = new Set<string>()
    const collect = (_: string, value: unknown): unknown => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        Object.keys(value).forEach((key) => keys.add(key))
      return value
    }
    for (const each of [DOCUMENTED, report({ images: [failedImage()] })]) JSON.parse(renderJson(each), collect)
    const missing = [...keys].filter((key) => !new RegExp(`[\`.]${key}(\`|\\.)`).test(docs))
    expect(missing).toEqual([])
  })
})
