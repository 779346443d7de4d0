import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { REQUIRED_WORKFLOWS } from '../scripts/release-plan.ts'
import { brokenRules } from './support/workflow-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const workflows = globSync('.github/workflows/*.yml', { cwd: root })
const pages = ['README.md', 'SECURITY.md', ...globSync('docs/**/*.md', { cwd: root })]

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
    const drawn = { name: 'drawn/action.yml', text: read('action.yml').replace('icon: package', 'icon: whale') }
    expect(
      problemsIn([...workflowsIn('page.md', page), broken, drawn, { name: 'x.yml', text: 'on: push\njob: {}\n' }]),
    ).toEqual([
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
