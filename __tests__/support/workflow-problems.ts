import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root, type Block } from './documentation.ts'

type Document = { name: string; text: string }

/** What GitHub's own validation says of workflows, and of an action where the name ends in `action.yml`: `NAME:LINE: MESSAGE`. */
export function documentProblems(documents: Document[]): string[] {
  const validator = join(root, '__tests__/support/validate-workflows.ts')
  const input = JSON.stringify({ action: readFileSync(join(root, 'action.yml'), 'utf8'), documents })
  const { stdout, stderr, status } = spawnSync(process.execPath, [validator], { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const problems: string[] = JSON.parse(stdout)
  return problems
}

/**
 * The same of blocks of a Markdown page, each as a whole workflow: one that is only `on:`, `permissions:`, `jobs:` or a list of steps is put
 * into a workflow that has the rest. A name ends with the number of the block's first line.
 */
export function workflowProblems(blocks: Block[]): string[] {
  return documentProblems(
    blocks.map(({ page, line, text }) => ({ name: `${page}, block at line ${line}`, text: asWorkflow(text) })),
  )
}

function asWorkflow(text: string): string {
  const trigger = 'on: pull_request\n'
  const job = 'jobs:\n  size:\n    runs-on: ubuntu-24.04\n    steps:\n'
  if (text.startsWith('- ')) return trigger + job + text.replaceAll(/^/gm, '      ')
  const keys = Object.keys((parse(text) ?? {}) as object)
  const rest = `${keys.includes('on') ? '' : trigger}${keys.includes('jobs') ? '' : `${job}      - run: 'true'\n`}`
  return `${text}\n${rest}`
}
