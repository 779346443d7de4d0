/**
 * Writes what the documentation says about action.yml, so that they cannot drift apart: `npm run docs`, or with
 * `-- --check` only looks, and fails where a file is not up to date.
 *
 * A generated part stands between `<!-- generated:KIND -->` and `<!-- /generated -->`. KIND is `inputs NAME …` (a table of
 * these inputs; without names, of all), `entries` (all inputs, each under a heading that can be linked to), `outputs`, or `usage` (a step with
 * every input, to copy).
 *
 * `src/inputs/descriptions.ts`, the texts of the command's help, and `schema/image-budget.schema.json`, what editors know of budget files,
 * are written as a whole.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'
import { format, resolveConfig } from 'prettier'
import { parse } from 'yaml'
import { wordWrap } from '../src/inputs/word-wrap.ts'
import { majorTag } from '../src/version.ts'
import { budgetFileSchema } from './budget-file-schema.ts'

/** The part of action.yml that is documented. */
export type ActionMetadata = {
  inputs: Record<string, { description: string; default?: string }>
  outputs: Record<string, { description: string }>
}

const files = ['docs/inputs.md', 'docs/configuration.md']
const descriptionsFile = 'src/inputs/descriptions.ts'
const schemaFile = 'schema/image-budget.schema.json'
const uses = `image-budget/image-budget@${majorTag}`
const usageWidth = 100
const entryWidth = 140

/** `text` with each generated part written anew. Throws where a marker is not closed, or names no input and no kind. */
export function generate(text: string, action: ActionMetadata): string {
  const opened = text.match(/<!-- generated:/g)?.length ?? 0
  let closed = 0
  const generated = text.replace(
    /<!-- generated:(\w+)([^>]*?) -->\n.*?<!-- \/generated -->/gs,
    (part: string, kind: string, names: string) => {
      if (part.indexOf('<!-- generated:', 1) !== -1) throw new Error(`not closed: <!-- generated:${kind}${names} -->`)
      closed += 1
      return `<!-- generated:${kind}${names} -->\n\n${partOf(kind, names.split(' ').filter(Boolean), action)}\n\n<!-- /generated -->`
    },
  )
  if (opened !== closed) throw new Error('a <!-- generated:… --> has no <!-- /generated -->')
  return generated
}

function partOf(kind: string, names: string[], { inputs: declared, outputs }: ActionMetadata): string {
  const inputs = Object.fromEntries(Object.entries(declared).map(([name, input]) => [name, withDefault(input)]))
  if (kind === 'inputs') {
    const rows = (names.length > 0 ? names : Object.keys(inputs)).map((name) => {
      const input = inputs[name]
      if (!input) throw new Error(`action.yml has no input ${name}`)
      return [`\`${name}\``, input.default === undefined ? '' : `\`${input.default}\``, cell(input.description)]
    })
    return markdownTable([['Input', 'Default', 'Meaning'], ...rows])
  }
  if (kind === 'entries') {
    const entries = Object.entries(inputs).map(([name, { description, default: value }]) => {
      const text = wordWrap(description, entryWidth).join('\n')
      return `### \`${name}\`\n\n${text}${value === undefined ? '' : `\n\nDefault: \`${value}\``}`
    })
    return entries.join('\n\n')
  }
  if (kind === 'outputs') {
    const rows = Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, cell(description)])
    return markdownTable([['Output', 'Meaning'], ...rows])
  }
  if (kind === 'usage') {
    const lines = Object.entries(inputs).map(([name, { description, default: value }]) => {
      const comment = wordWrap(description, usageWidth).map((line) => `    # ${line}\n`)
      return `${comment.join('')}    ${name}: ${value === undefined ? "''" : scalar(value)}`
    })
    return ['```yaml', `- uses: ${uses}`, '  with:', ...lines, '```'].join('\n')
  }
  throw new Error(`<!-- generated:${kind} --> is none of inputs, entries, outputs, usage`)
}

/** The default that a description ends with, as one that is declared. */
function withDefault(input: ActionMetadata['inputs'][string]): ActionMetadata['inputs'][string] {
  const [sentence, value] = /\s+Default: `([^`]+)`\.\s*$/.exec(input.description) ?? []
  if (sentence === undefined || value === undefined) return input
  return { description: input.description.slice(0, -sentence.length), default: value }
}

/** A value as YAML takes it: with a colon in it, only between quotes. */
function scalar(value: string): string {
  return value.includes(': ') ? `'${value.replaceAll("'", "''")}'` : value
}

function cell(description: string): string {
  return description.trim().replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}

/** The module that holds what each input means, for the command's help. */
function descriptions({ inputs }: ActionMetadata): string {
  const texts = Object.entries(inputs).map(([name, { description }]) => [
    name,
    description.trim().replaceAll(/\s+/g, ' '),
  ])
  return `/** What action.yml says of each input. Written by \`npm run docs\`. */
export const descriptions = ${JSON.stringify(Object.fromEntries(texts))}
`
}

/** Brings every file up to date, or with `check` leaves them; answers those that were not. */
async function update(root: URL, check: boolean): Promise<string[]> {
  const action: ActionMetadata = parse(readFileSync(new URL('action.yml', root), 'utf8'))
  const outdated: string[] = []
  for (const file of [...files, descriptionsFile, schemaFile]) {
    const path = fileURLToPath(new URL(file, root))
    const before = readFileSync(path, 'utf8')
    const text =
      file === descriptionsFile
        ? descriptions(action)
        : file === schemaFile
          ? JSON.stringify(budgetFileSchema(action.inputs))
          : generate(before, action)
    const after = await format(text, { ...(await resolveConfig(path)), filepath: path })
    if (after === before) continue
    outdated.push(file)
    if (!check) writeFileSync(path, after)
  }
  return outdated
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const outdated = await update(new URL('..', import.meta.url), check)
  for (const file of outdated) console.log(check ? `${file} does not say what action.yml says` : `written: ${file}`)
  if (check && outdated.length > 0) {
    console.log('To fix: npm run docs')
    process.exitCode = 1
  }
}
