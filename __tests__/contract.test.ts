import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import type { ActionMetadata } from '../scripts/docs.ts'
import { outputNames } from '../src/github/outputs.ts'
import { DEFAULTS, inputNames, parseInputs } from '../src/inputs/inputs.ts'

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const action: ActionMetadata = parse(read('action.yml'))

/** The first cell of each row of the tables whose first column has this heading, in order, without the backticks. */
function tableNames(markdown: string, heading: string): string[] {
  const tables = markdown.matchAll(new RegExp(`^\\| ${heading} .*\\n\\|[ :|-]+\\n((?:\\|.*\\n)+)`, 'gm'))
  return [...tables].flatMap(([, rows = '']) => [...rows.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name))
}

describe('action.yml, the code and the documentation agree', () => {
  it('on every input, in one order', () => {
    expect(inputNames).toEqual(Object.keys(action.inputs))
    const headings = [...read('docs/inputs.md').matchAll(/^### `([^`]+)`$/gm)].map(([, name]) => name)
    expect(headings).toEqual(Object.keys(action.inputs))
  })

  it('on every output, in one order', () => {
    expect(outputNames).toEqual(Object.keys(action.outputs))
    expect(tableNames(read('docs/inputs.md'), 'Output')).toEqual(Object.keys(action.outputs))
  })

  it('on the defaults, which stand in the code, where a budget file can come before them, and in words in action.yml', () => {
    const said = Object.entries(action.inputs).flatMap(([name, { description }]) => {
      const [, value] = / Default: `([^`]+)`\.$/.exec(description) ?? []
      return value === undefined ? [] : [[name, value]]
    })
    expect(Object.fromEntries(said)).toEqual(DEFAULTS)
    expect(parseInputs(DEFAULTS)).toEqual(parseInputs({}))
  })

  it('on what the runner hands over unasked: the token, and nothing that a budget file could not change any more', () => {
    const declared = Object.entries(action.inputs).filter(([, input]) => input.default !== undefined)
    expect(declared.map(([name]) => name)).toEqual(['github-token'])
  })

  it('docs/configuration.md explains every input once', () => {
    expect(tableNames(read('docs/configuration.md'), 'Input').toSorted()).toEqual(Object.keys(action.inputs).toSorted())
  })
})
