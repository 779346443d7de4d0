import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { version } from '../../src/version.ts'
import { docker, engines, type Engine } from '../support/engine.ts'
import { startGitHub, type GitHub, type Token } from '../support/github/server.ts'
import { payload, type Event } from '../support/payload.ts'
import { createRepository, mergeCommit, type TestRepository } from '../support/repository.ts'
import { discardArtifacts, runWorkflow, type WorkflowRun } from '../support/workflow.ts'

/** The workflow that tries the action on this repository, .github/workflows/e2e.yml, on a pull request that changes an example. */

// Real builds of the examples, on a machine that may be busy.
jest.setTimeout(600_000)

const root = fileURLToPath(new URL('../..', import.meta.url))
const workflow = readFileSync(`${root}/.github/workflows/e2e.yml`, 'utf8')
const [engine] = engines() as [Engine]

let origin: TestRepository
let github: GitHub
let tokens: Record<string, Token>
let runs: WorkflowRun[]
let event: Event
let merge: string
beforeEach(async () => {
  runs = []
  tokens = {}
  origin = createRepository()
  const base = origin.commit(filesBelow('examples', '.github'))
  origin.git('checkout', '--quiet', '-b', 'feature')
  // The compiler keeps what is used.
  const more = `package main\n\nfunc init() { println("${'more '.repeat(60_000)}") }\n`
  const head = origin.commit({ 'examples/go/more.go': more })
  origin.git('checkout', '--quiet', 'main')
  merge = mergeCommit(origin, base, head)
  github = await startGitHub({ git: { dir: origin.dir }, tokens })
  github.state.pullRequests[0]!.head = { ref: 'feature', sha: head, repository: 'octo-org/shop' }
  event = payload('pull_request.synchronize', {
    number: 1,
    repository: { full_name: 'octo-org/shop', default_branch: 'main' },
    pull_request: {
      number: 1,
      merge_commit_sha: merge,
      head: { ref: 'feature', sha: head, repo: { full_name: 'octo-org/shop', fork: false } },
      base: { ref: 'main', sha: base },
    },
  })
})
afterEach(async () => {
  runs.forEach(discardArtifacts)
  docker(engine, 'image', 'rm', '--force', 'image-budget-e2e/go', 'image-budget-e2e/leak')
  expect(github.violations).toEqual([])
  await github.close()
  rmSync(origin.dir, { recursive: true, force: true })
})

/** The committed files below these folders, as they are now. */
function filesBelow(...folders: string[]): Record<string, string> {
  const options = { cwd: root, encoding: 'utf8' } as const
  const { stdout } = spawnSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', ...folders],
    options,
  )
  const names = stdout.split('\0').filter(Boolean)
  return Object.fromEntries(names.map((name) => [name, readFileSync(`${root}/${name}`, 'utf8')]))
}

async function run(text: string): Promise<WorkflowRun> {
  const ran = await runWorkflow(text, { event, sha: merge, origin, github, tokens, env: engine.env })
  runs.push(ran)
  return ran
}

/** The job that branch rules require, with these of the others alone, changed. */
function only(id: string, change: (text: string) => string): string {
  const { jobs, ...rest } = parse(workflow) as { jobs: Record<string, Record<string, unknown>> }
  const left = { [id]: jobs[id], e2e: { ...jobs['e2e'], needs: [id] } }
  return change(stringify({ ...rest, jobs: left }))
}

it('passes: what must pass does, and what must fail fails as it should', async () => {
  const { jobs } = await run(workflow)
  // What a job that went wrong said comes with its result.
  const failed = jobs.filter(({ result }) => result !== 'success')
  expect(failed.map(({ id, steps }) => [id, steps.at(-1)])).toEqual([])
  for (const { stdout } of jobs.flatMap(({ actions }) => actions)) expect(stdout).toMatch(`Image Budget ${version}\n`)
  expect(jobs.map(({ id }) => id)).toEqual([
    'within',
    'measure',
    'measure',
    'archive',
    'over',
    'unmeasured',
    'secret',
    'report',
    'e2e',
  ])
  // The one job that may, for the one image that the change makes grow.
  expect(Number(jobs[0]!.actions[0]!.outputs['size-change'])).toBeGreaterThan(200_000)
  expect(github.state.comments.map(({ body }) => body)).toEqual([expect.stringContaining('example-go')])
})

it.each([
  [
    'a budget that should be broken is kept',
    'over',
    (text: string) => text.replaceAll('max-size: 1 kB', 'max-size: 1 GB'),
  ],
  [
    'an input that should be refused is taken',
    'unmeasured',
    (text: string) => text.replace('max-size: large', 'max-size: 1 GB'),
  ],
  ['a secret is not found', 'secret', (text: string) => text.replace('forbid: secrets', 'forbid: docs')],
])('is red where %s', async (_, id, change) => {
  const text = only(id, change)
  expect(text).not.toBe(only(id, (same) => same))
  expect((await run(text)).jobs.map((job) => [job.id, job.result])).toEqual([
    [id, 'failure'],
    ['e2e', 'failure'],
  ])
})
