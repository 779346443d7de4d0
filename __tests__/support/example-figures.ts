import { parseBytes } from '../../src/inputs/quantity.ts'
import { readPage } from './documentation.ts'

/** The sizes of an example in docs/examples.md, in bytes, as rounded as they stand there. Throws where its row is not there. */
export function exampleFigures(example: string): { before: number; after: number } {
  const row = readPage('docs/examples.md')
    .split('\n')
    .find((line) => line.startsWith(`| [${example}](`))
  const [, , before = '', after = ''] = (row ?? '').split('|').map((cell) => cell.replaceAll('*', '').trim())
  return { before: bytesOf(before), after: bytesOf(after) }
}

function bytesOf(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === null) throw new Error(`no size in docs/examples.md: ${text}`)
  return bytes
}
