import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import type { ActionMetadata } from '../scripts/docs.ts'
import { outputNames } from '../src/github/outputs.ts'
import { inputNames, parseInputs } from '../src/inputs/inputs.ts'

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
    expect(tableNames(read('README.md'), 'Input')).toEqual(Object.keys(action.inputs))
  })

  it('on every output, in one order', () => {
    expect(outputNames).toEqual(Object.keys(action.outputs))
    expect(tableNames(read('README.md'), 'Output')).toEqual(Object.keys(action.outputs))
  })

  it('on the defaults: the terminal, which has no action.yml, has the same', () => {
    const defaults = Object.entries(action.inputs).filter(([name]) => name !== 'github-token')
    const declared = Object.fromEntries(defaults.map(([name, input]) => [name, input.default ?? '']))
    expect(parseInputs(declared)).toEqual(parseInputs({}))
  })

  it('docs/configuration.md explains every input once', () => {
    expect(tableNames(read('docs/configuration.md'), 'Input').toSorted()).toEqual(Object.keys(action.inputs).toSorted())
  })
})
