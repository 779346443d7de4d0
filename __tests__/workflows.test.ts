import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { blocksOf, root } from './support/documentation.ts'
import { documentProblems, workflowProblems } from './support/workflow-problems.ts'

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const workflows = globSync('.github/workflows/*.yml', { cwd: root })

describe("what GitHub's own validation says", () => {
  // The snippets of the documentation: __tests__/docs/snippets.test.ts.
  it('has nothing to say about action.yml and the workflows', () => {
    expect(workflows.length).toBeGreaterThan(0)
    expect(documentProblems(['action.yml', ...workflows].map((name) => ({ name, text: read(name) })))).toEqual([])
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
    expect([
      ...workflowProblems(blocksOf('page.md', page)),
      ...documentProblems([broken, { name: 'x.yml', text: 'on: push\njob: {}\n' }]),
    ]).toEqual([
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
