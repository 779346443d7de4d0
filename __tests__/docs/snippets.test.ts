import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { Ajv } from 'ajv'
import { DockerfileParser } from 'dockerfile-ast'
import { parse as parseShell } from 'shell-quote'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseBudgetFile } from '../../src/inputs/budget-file.ts'
import { readCommand } from '../../src/inputs/command-line.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'
import { blocksOf, pages, readPage, root, type Block } from '../support/documentation.ts'
import { workflowProblems } from '../support/workflow-problems.ts'

/**
 * Every block of code in the documentation, by what it is written in. A language that is not here fails: what no test knows would be wrong
 * one day. Whole workflows of docs/recipes.md are run, too (`__tests__/action/recipes.test.ts`).
 */
const VALIDATORS: Record<string, (block: Block) => string[]> = {
  yaml: yamlProblems,
  sh: shellProblems,
  json: jsonProblems,
  dockerfile: dockerfileProblems,
  // What a program prints, a drawing, an address: nothing to run.
  text: () => [],
  // Elements to paste into a page: __tests__/docs/outputs.test.ts.
  html: () => [],
}

function problemsOf(block: Block): string[] {
  const validate = block.language === null ? undefined : VALIDATORS[block.language]
  const problems = validate?.(block) ?? [`no test knows blocks of \`${block.language ?? 'nothing'}\``]
  return problems.map((problem) => `${block.page}, block at line ${block.line}: ${problem}`)
}

const schema = JSON.parse(readFileSync(join(root, 'schema/image-budget.schema.json'), 'utf8')) as object
const hasSchema = new Ajv({ strictTypes: false, allErrors: true }).compile(schema)
const SCHEMA_LINE =
  /^# yaml-language-server: \$schema=https:\/\/raw\.githubusercontent\.com\/image-budget\/image-budget\/v\d+\/schema\/image-budget\.schema\.json\n/

/** Files of other tools, as they stand in the guides that lead away from them: only keys that those tools know. */
const FOREIGN: Record<string, z.ZodType> = {
  '.dive-ci': z.strictObject({
    rules: z.strictObject({
      lowestEfficiency: z.number().min(0).max(1),
      highestWastedBytes: z.string().regex(/^\d+\s?[KMG]?B$/),
      highestUserWastedPercent: z.number().min(0).max(1),
    }),
  }),
  '.size-limit.json': z.array(z.strictObject({ name: z.string(), path: z.string(), limit: z.string() })),
}

function foreignProblems(title: string, value: unknown): string[] {
  const result = FOREIGN[title]?.safeParse(value)
  if (result === undefined) return [`no test knows ${title}`]
  return result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

/** Budget files name their schema, other tools' files stand behind the fence; all else is a workflow, which GitHub's own validation is asked of at once. */
function yamlProblems({ text, title }: Block): string[] {
  if (title !== null) return foreignProblems(title, parse(text))
  if (!text.startsWith('# yaml-language-server:')) return []
  const { problems } = parseBudgetFile(new TextEncoder().encode(text), 'budget.yml')
  const bySchema = hasSchema(parse(text)) ? [] : (hasSchema.errors ?? []).map(({ message }) => `schema: ${message}`)
  return [...problems, ...bySchema, ...(SCHEMA_LINE.test(text) ? [] : ['its first line is not the schema’s address'])]
}

function jsonProblems({ text, title }: Block): string[] {
  try {
    const value: unknown = JSON.parse(text)
    return title === null ? [] : foreignProblems(title, value)
  } catch (error) {
    return [(error as Error).message]
  }
}

const INSTRUCTIONS =
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  )

function dockerfileProblems({ text }: Block): string[] {
  const instructions = DockerfileParser.parse(text).getInstructions()
  return instructions
    .filter((each) => !INSTRUCTIONS.includes(each.getKeyword()) || each.getArguments().length === 0)
    .map((each) => `no instruction: ${each.getKeyword()}`)
}

/** Programs of others, which are not held to anything here but bash's own look at the line. */
const KNOWN = new Set(
  'cd cosign curl docker echo eval export gh git grep jq open rm sha256sum skopeo source tar unzip xdg-open'.split(' '),
)
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** What is wrong with a block of shell: its syntax, and each command of this project in it. */
function shellProblems({ text }: Block): string[] {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })
  if (status !== 0) return [stderr.trim()]
  return commandsOf(text).flatMap(commandProblems)
}

/** The commands of a script, each as its words; what goes to and comes from files is left out. */
function commandsOf(script: string): string[][] {
  return script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => {
      const commands: string[][] = [[]]
      let isFile = false
      for (const token of parseShell(line, (name) => `$${name}`)) {
        if (typeof token === 'object' && 'comment' in token) break
        const isRedirect = typeof token === 'object' && /^[<>&]*[<>]&?$/.test(token.op)
        if (typeof token === 'string' && !isFile) commands.at(-1)!.push(token)
        else if (typeof token === 'object' && token.op === 'glob') commands.at(-1)!.push(token.pattern)
        else if (typeof token === 'object' && !isRedirect) commands.push([])
        isFile = isRedirect
      }
      return commands
    })
    .map((words) => words.slice(words.findIndex((word) => !/^\w+=/.test(word))))
    .filter((words) => words.length > 0)
}

function commandProblems([program = '', ...words]: string[]): string[] {
  if (program === 'image-budget') return ownProblems(words)
  if (program === 'npm') {
    const name = words[0] === 'run' ? words[1] : words[0]
    const isThere =
      words[0] === 'run' || name === 'test'
        ? scripts[name ?? ''] !== undefined
        : ['ci', 'install', 'link'].includes(name ?? '')
    return isThere ? [] : [`no script \`npm ${words.join(' ')}\``]
  }
  if (program === 'node' || program === 'bash')
    return existsSync(join(root, words[0] ?? '')) ? [] : [`no file ${words[0]}`]
  if (program.includes('/') && !program.startsWith('$'))
    return isExecutable(join(root, program)) ? [] : [`no program ${program}`]
  // What \`eval "$(…)"\` runs is a word of its own here.
  return KNOWN.has(program) || program === '$' ? [] : [`no test knows the command ${program}`]
}

/** The command as the product reads it, with the values of its options. */
function ownProblems(words: string[]): string[] {
  try {
    const command = readCommand(words)
    if (command.kind === 'check' || command.kind === 'history' || command.kind === 'report') parseInputs(command.values)
    return []
  } catch (error) {
    return [`image-budget ${words.join(' ')}: ${(error as Error).message}`]
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

describe('blocks of code in the documentation', () => {
  it.each(pages)('%s', (page) => {
    expect(blocksOf(page, readPage(page)).flatMap(problemsOf)).toEqual([])
  })

  it('are workflows that GitHub has nothing to say about, where they are YAML and nothing else', () => {
    const workflows = pages
      .flatMap((page) => blocksOf(page, readPage(page)))
      .filter(
        ({ language, title, text }) =>
          language === 'yaml' && title === null && !text.startsWith('# yaml-language-server:'),
      )
    expect(workflows.length).toBeGreaterThan(20)
    expect(workflowProblems(workflows)).toEqual([])
  })

  it('would be told apart from what is wrong', () => {
    const page = [
      '```ruby\nputs 1\n```',
      '    npm test',
      '```sh\nimage-budget check --max-siz "1 MB"\n```',
      '```sh\nimage-budget check --max-size 160\n```',
      '```sh\nnpm run nothing && node scripts/nothing.ts && scripts/nothing.sh > out.txt # npm run comment\n```',
      '```sh\nVERSION=1 rsync | jq . && (\n```',
      '```sh\nVERSION=1 rsync | jq .\n```',
      '```yaml\n# yaml-language-server: $schema=x\nmax-siz: 1 MB\n```',
      '```yaml .dive-ci\nrules: { lowestEfficency: 1 }\n```',
      '```json\n{ "a": 1, }\n```',
      '```dockerfile\nFROM node:24\nRUM npm ci\n```',
    ].join('\n\n')
    const problems = blocksOf('page.md', page).map((block) => problemsOf(block).join('\n'))
    expect(problems).toEqual(
      [
        'no test knows blocks of `ruby`',
        'no test knows blocks of `nothing`',
        '`--max-siz` is not an option',
        '160',
        /nothing`\n.*no file scripts\/nothing.ts\n.*no program scripts\/nothing.sh$/,
        'syntax error',
        'no test knows the command rsync',
        'unknown key `max-siz`',
        'lowestEfficiency',
        'JSON',
        'no instruction: RUM',
      ].map((each) => (typeof each === 'string' ? expect.stringContaining(each) : expect.stringMatching(each))),
    )
  })
})
