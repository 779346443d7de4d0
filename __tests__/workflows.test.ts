import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { blocksOf, root } from './support/documentation.ts'
import { documentProblems, workflowProblems } from './support/workflow-problems.ts'
import { REQUIRED_WORKFLOWS } from '../scripts/release-plan.ts'
import { brokenRules } from './support/workflow-rules.ts'

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
    const drawn = { name: 'drawn/action.yml', text: read('action.yml').replace('icon: package', 'icon: whale') }
    expect([
      ...workflowProblems(blocksOf('page.md', page)),
      ...documentProblems([broken, drawn, { name: 'x.yml', text: 'on: push\njob: {}\n' }]),
    ]).toEqual([
      expect.stringContaining("Unexpected value 'wrte'"),
      "page.md, block at line 6:9: Invalid action input 'max-siz'",
      'page.md, block at line 6:10: Context access might be invalid: budgt',
      expect.stringMatching(/^broken\/action.yml:\d+: /),
      expect.stringContaining("Unexpected value 'whale'"),
      expect.stringContaining("Unexpected value 'job'"),
      expect.stringContaining('jobs'),
    ])
  })
})

describe('the workflows of this repository', () => {
  it.each(workflows)('%s keeps to the rules', (name) => {
    expect(brokenRules(name, read(name))).toEqual([])
  })

  it('name each action of others in one version', () => {
    const pins = workflows.flatMap((name) => [...read(name).matchAll(/uses: ([\w-]+\/[\w-]+)\S*@(\S+)/g)])
    const versions = Map.groupBy(pins, ([, action]) => action)
    const several = [...versions].filter(([, each]) => new Set(each.map(([, , digest]) => digest)).size > 1)
    expect(versions.size).toBeGreaterThan(0)
    expect(several.map(([action]) => action)).toEqual([])
  })

  it('have those that a release asks for, on each push', () => {
    const pushed = workflows.map((name) => parse(read(name))).filter(({ on }) => Object.hasOwn(on, 'push'))
    for (const { on } of pushed) expect(on.push.branches).toEqual(['main', 'release/**'])
    expect(pushed.map(({ name }) => name)).toEqual(expect.arrayContaining(REQUIRED_WORKFLOWS))
  })

  it('have one job that needs every other, for a branch rule', () => {
    const { jobs } = parse(read('.github/workflows/e2e.yml'))
    const { e2e, ...others } = jobs
    expect(e2e.needs).toEqual(Object.keys(others))
    expect(e2e.if).toBe('always()')
  })
})

describe('the rules', () => {
  const digest = 'a'.repeat(40)
  const good = [
    'on: pull_request',
    'permissions:',
    '  contents: read',
    'jobs:',
    '  test:',
    '    runs-on: ubuntu-24.04',
    '    timeout-minutes: 5',
    '    steps:',
    `      - uses: actions/checkout@${digest} # v7.0.1`,
    '        with:',
    '          persist-credentials: false',
    '      - run: npm test',
  ].join('\n')

  it('have nothing to say about a workflow that keeps to them', () => {
    expect(brokenRules('x.yml', good)).toEqual([])
  })

  it.each([
    ['a tag instead of a digest', `@${digest} # v7.0.1`, '@v7 # v7', 'is not pinned'],
    ['a digest without its version', ' # v7.0.1', '', 'is not pinned'],
    ['no permissions at the top', 'permissions:\n  contents: read\n', '', 'permissions'],
    ['a permission to write at the top', 'contents: read', 'contents: write', 'permissions'],
    ['all permissions', 'permissions:\n  contents: read', 'permissions: write-all', 'permissions'],
    ['a job that may write', '    steps:', '    permissions:\n      packages: write\n    steps:', 'may write packages'],
    ['an expression in a script', 'npm test', 'echo ${{ github.event.pull_request.title }}', 'expression'],
    ['a token in the checkout', 'persist-credentials: false', 'fetch-depth: 2', 'leaves its token'],
    ['a job without an end', '    timeout-minutes: 5\n', '', 'timeout-minutes'],
    ['a moving runner', 'ubuntu-24.04', 'ubuntu-latest', 'runner'],
    ['a token that may write for any fork', 'on: pull_request', 'on: [pull_request_target]', 'pull_request_target'],
    ['a secret', 'npm test', 'npm test\n        env: { KEY: "${{ secrets.KEY }}" }', 'secret'],
  ])('name %s', (_, before, after, problem) => {
    expect(good).toContain(before)
    expect(
      brokenRules(
        'x.yml',
        good.replace(before, () => after),
      ),
    ).toEqual([expect.stringContaining(problem)])
  })
})
