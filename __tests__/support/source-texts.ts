import { globSync, readFileSync } from 'node:fs'
import { parsers } from 'prettier/plugins/typescript'
import { root } from './documentation.ts'

/** A message of `new CouldNotMeasure(kind, message, details)` as the sources have it. */
export type Message = {
  file: string
  /** Null: a variable's. */
  kind: string | null
  /** What it may say, with `…` where a value comes in; none where all of it is a variable's. */
  texts: string[]
  hasRemedy: boolean
}

type Node = { type: string } & Record<string, unknown>

/** What the sources can say: all their texts, with `…` where a value comes in, and among them the messages of failures. */
export async function readSources(): Promise<{ texts: string[]; messages: Message[] }> {
  const texts: string[] = []
  const messages: Message[] = []
  for (const file of globSync('src/**/*.ts', { cwd: root, exclude: ['src/page/assets.ts'] })) {
    const ast: unknown = await parsers.typescript.parse(readFileSync(`${root}/${file}`, 'utf8'), {
      filepath: file,
    } as never)
    walk(ast, (node) => {
      texts.push(...textsOf(node))
      if (node.type !== 'NewExpression' || (node['callee'] as Node)['name'] !== 'CouldNotMeasure') return
      const [kind, message, details] = node['arguments'] as (Node | undefined)[]
      messages.push({
        file,
        kind: kind?.type === 'Literal' ? String(kind['value']) : null,
        texts: message === undefined ? [] : textsOf(message),
        hasRemedy: details !== undefined && mayRemedy(details),
      })
    })
  }
  return { texts, messages }
}

/** Only a literal object says that there is none. */
function mayRemedy(details: Node): boolean {
  if (details.type !== 'ObjectExpression') return true
  const properties = details['properties'] as Node[]
  return properties.some((each) => each.type === 'SpreadElement' || (each['key'] as Node)['name'] === 'remedy')
}

/** What an expression may evaluate to, as far as it stands there; none for what is no text. */
function textsOf(node: Node): string[] {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? [node['value']] : []
  if (node.type === 'ConditionalExpression')
    return [...textsOf(node['consequent'] as Node), ...textsOf(node['alternate'] as Node)]
  if (node.type !== 'TemplateLiteral') return []
  const expressions = node['expressions'] as Node[]
  return (node['quasis'] as Node[]).reduce<string[]>(
    (before, quasi, at) => {
      const { cooked } = quasi['value'] as { cooked: string }
      const expression = expressions[at]
      const values = expression === undefined ? [''] : textsOf(expression)
      const ends = (values.length > 0 ? values : ['…']).map((value) => cooked + value)
      return before.flatMap((start) => ends.map((end) => start + end)).slice(0, 64)
    },
    [''],
  )
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const each of value) walk(each, visit)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  if ('type' in value && typeof value.type === 'string') visit(value as Node)
  for (const [key, each] of Object.entries(value)) if (!SKIPPED.has(key)) walk(each, visit)
}

const SKIPPED = new Set(['parent', 'loc', 'range', 'comments', 'tokens'])
