import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const workflows = globSync('.github/workflows/*.yml', { cwd: root })
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })]

type Document = { name: string; text: string }

function problemsIn(documents: Document[]): string[] {
  const validator = join(root, '__tests__/support/validate-workflows.ts')
  const input = JSON.stringify({ action: read('action.yml'), documents })
  const { stdout, stderr, status } = spawnSync(process.execPath, [validator], { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const problems: string[] = JSON.parse(stdout)
  return problems
}

/**
 * The YAML blocks of a Markdown page, each as a whole workflow: one that is only `on:`, `permissions:`, `jobs:` or a list
 * of steps is put into a workflow that has the rest. `name` ends with the number of the block's first line. Budget files, which name their
 * schema, are left to the test of that.
 */
function workflowsIn(page: string, markdown: string): Document[] {
  return [...markdown.matchAll(/^( *)```ya?ml\n(?! *# yaml-language-server:)(.*?)^ *```$/gms)].map(
    ({ 1: indent = '', 2: block = '', index }) => {
      const name = `${page}, block at line ${markdown.slice(0, index).split('\n').length}`
      const text = block.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
      const trigger = 'on: pull_request\n'
      const job = 'jobs:\n  size:\n    runs-on: ubuntu-24.04\n    steps:\n'
      if (text.startsWith('- ')) return { name, text: trigger + job + text.replaceAll(/^/gm, '      ') }
      const keys = Object.keys(parse(text) ?? {})
      const rest = `${keys.includes('on') ? '' : trigger}${keys.includes('jobs') ? '' : `${job}      - run: 'true'\n`}`
      return { name, text: `${text}\n${rest}` }
    },
  )
}

describe("what GitHub's own validation says", () => {
  it('has nothing to say about action.yml, the workflows and each snippet of the documentation', () => {
    const snippets = pages.flatMap((page) => workflowsIn(page, read(page)))
    expect(workflows.length).toBeGreaterThan(0)
    expect(snippets.length).toBeGreaterThan(0)
    const documents = ['action.yml', ...workflows].map((name) => ({ name, text: read(name) }))
    expect(problemsIn([...documents, ...snippets])).toEqual([])
  })

  it('would name a wrong key, permission, input or output', () => {
    const page = [
      '```yaml',
      'permissions:',
      '  pull-requests: wrte',
      '```',
      '1. a list item',
      '   ```yaml',
      '   - uses: image-budget/image-budget@v0',
      '     id: budget',
      '     with:',
      '       max-siz: 160 MB',
      '   - run: echo ${{ steps.budgt.outputs.size }}',
      '   ```',
    ].join('\n')
    const broken = { name: 'broken/action.yml', text: read('action.yml').replace('using: node24', 'using: node99') }
    expect(
      problemsIn([...workflowsIn('page.md', page), broken, { name: 'x.yml', text: 'on: push\njob: {}\n' }]),
    ).toEqual([
      expect.stringContaining("Unexpected value 'wrte'"),
      "page.md, block at line 6:9: Invalid action input 'max-siz'",
      'page.md, block at line 6:10: Context access might be invalid: budgt',
      expect.stringMatching(/^broken\/action.yml:\d+: /),
      expect.stringContaining("Unexpected value 'job'"),
      expect.stringContaining('jobs'),
    ])
  })
})

describe('the workflows of this repository', () => {
  const steps = workflows.flatMap((name) => {
    const { jobs }: { jobs: Record<string, { steps: { uses?: string; with?: Record<string, unknown> }[] }> } = parse(
      read(name),
    )
    return Object.values(jobs).flatMap((job) => job.steps)
  })

  it('pin the actions of others to a commit', () => {
    const others = steps.flatMap(({ uses }) => (uses === undefined || uses.startsWith('./') ? [] : [uses]))
    expect(others.length).toBeGreaterThan(0)
    expect(others.filter((uses) => !/@[0-9a-f]{40}$/.test(uses))).toEqual([])
  })

  it('leave no token in the checkout', () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))
    expect(checkouts.map((step) => step.with?.['persist-credentials'])).toEqual(checkouts.map(() => false))
  })

  it.each(workflows)('%s starts from reading only', (name) => {
    const { permissions }: { permissions: unknown } = parse(read(name))
    expect(permissions).toEqual({ contents: 'read' })
  })

  it('never run code of a pull request with a token that can write', () => {
    for (const name of workflows) expect(Object.keys(parse(read(name)).on)).not.toContain('pull_request_target')
  })
})
