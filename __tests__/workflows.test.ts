import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
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

describe('what the end-to-end workflow asks of a comparison', () => {
  const { steps } = parse(read('.github/workflows/e2e.yml')).jobs.within
  const { run } = steps.find(({ name }: { name?: string }) => name === 'The outputs say what was measured')
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'e2e-'))
    writeFileSync(join(folder, 'report.json'), '{ "schema": 1 }\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([
    ['passes where the figures add up', 'pull_request', '1000', '200', 0],
    ['fails where they do not', 'pull_request', '1000', '201', 1],
    ['fails where a proposed change was compared with nothing', 'pull_request', '', '', 1],
    ['passes by hand on the default branch, where nothing is there to compare with', 'workflow_dispatch', '', '', 0],
    ['passes on the first push', 'push', '', '', 0],
    ['fails by hand where there is a change from nothing', 'workflow_dispatch', '', '200', 1],
  ])('%s', (_, EVENT, BASE_SIZE, CHANGE, status) => {
    const outputs = { VERDICT: 'within', SIZE: '1200', BASE_SIZE, CHANGE, DOWNLOAD_SIZE: '600', LAYERS: '2' }
    const ran = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', run], {
      env: { PATH: process.env['PATH'], EVENT, ...outputs, REPORT: join(folder, 'report.json') },
    })
    expect(ran.status).toBe(status)
  })
})

describe('the rules', () => {
  const digest = 'a'.repeat(40)
  const jobs = 'jobs:\n  test:'
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
    ['a step in braces', '- run: npm test', '- { uses: evil/action@main }', 'evil/action@main, which is not pinned'],
    ['a digest in braces', '- run: npm test', `- { uses: evil/action@${digest} }`, 'is not pinned'],
    ['a key in quotes', '- run: npm test', '- "uses": evil/action@main', 'evil/action@main, which is not pinned'],
    ['a key with a space', '- run: npm test', '- uses : evil/action@main', 'evil/action@main, which is not pinned'],
    ['a value on its own line', '- run: npm test', '- uses:\n          evil/action@main', 'is not pinned'],
    ['a value in escapes', '- run: npm test', String.raw`- uses: "evil/action\x40main"`, 'is not pinned'],
    ['an image', '- run: npm test', '- uses: docker://alpine:3', 'is not pinned'],
    [
      'a workflow of others',
      jobs,
      'jobs:\n  other:\n    uses: evil/x/.github/workflows/y.yml@v1\n  test:',
      'other uses',
    ],
    [
      'secrets handed on',
      jobs,
      `jobs:\n  other:\n    uses: x/y/.github/workflows/z.yml@${digest} # v1.2.3\n    secrets: inherit\n  test:`,
      'other hands its secrets on',
    ],
    ['no permissions at the top', 'permissions:\n  contents: read\n', '', 'permissions'],
    ['a permission to write at the top', 'contents: read', 'contents: write', 'permissions'],
    ['all permissions', 'permissions:\n  contents: read', 'permissions: write-all', 'permissions'],
    ['a job that may write', '    steps:', '    permissions:\n      packages: write\n    steps:', 'may write packages'],
    ['an expression in a script', 'npm test', 'echo ${{ github.event.pull_request.title }}', 'expression'],
    [
      'an expression in the script of an action',
      '- run: npm test',
      `- uses: actions/github-script@${digest} # v8.0.0\n        with:\n          script: core.info("\${{ github.event.issue.title }}")`,
      'expression in a script',
    ],
    ['a token in the checkout', 'persist-credentials: false', 'fetch-depth: 2', 'leaves its token'],
    [
      'a token in the checkout, in capitals',
      `actions/checkout@${digest} # v7.0.1\n        with:\n          persist-credentials: false`,
      `Actions/Checkout@${digest} # v7.0.1`,
      'leaves its token',
    ],
    ['a job without an end', '    timeout-minutes: 5\n', '', 'timeout-minutes'],
    ['a moving runner', 'ubuntu-24.04', 'ubuntu-latest', 'runner'],
    ['a token that may write for any fork', 'on: pull_request', 'on: [pull_request_target]', 'pull_request_target'],
    ['a secret', 'npm test', 'npm test\n        env: { KEY: "${{ secrets.KEY }}" }', 'secret'],
    ['all secrets at once', 'npm test', 'npm test\n        env: { ALL: "${{ toJSON(secrets) }}" }', 'secret'],
    ['a secret in capitals', 'npm test', 'npm test\n        env: { KEY: "${{ SECRETS[0] }}" }', 'secret'],
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
