import { readFileSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { docker, engines } from '../support/engine.ts'
import { startGitHub, type GitHub, type Token } from '../support/github/server.ts'
import { payload, type Event, type JsonObject } from '../support/payload.ts'
import { createRepository, mergeCommit, type TestRepository } from '../support/repository.ts'
import { discardArtifacts, runWorkflow, type Surroundings, type WorkflowRun } from '../support/workflow.ts'

/**
 * The workflows of docs/recipes.md, as they stand there, run job by job with the tokens that GitHub would hand to each. What each says of the
 * change is known: `api` grows by 200 kB, over its budget; `worker` by nothing.
 */

// Several real builds each, on a machine that may be busy.
jest.setTimeout(240_000)

const [engine] = engines() as [ReturnType<typeof engines>[0]]
const { env } = engine
const OWNER = 'octo-org/shop'
const REPOSITORY = { full_name: OWNER, default_branch: 'main' }
const DOCKERFILE = 'FROM image-budget/base:1\nCOPY payload /payload\n'
const FILE = '.github/image-budget.yml'

/** The YAML blocks of a section of the recipes. */
function recipe(title: string): string[] {
  const page = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8')
  const section = page.split(/^## /m).find((each) => each.startsWith(`${title}\n`))
  if (section === undefined) throw new Error(`there is no recipe ${title}`)
  return [...section.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block!)
}

const [CHECK] = recipe('A required check') as [string]
const [BUDGETS] = recipe('Many images in one job') as [string]
const [RECORDS] = recipe('Badge and records') as [string]
const [MONOREPO] = recipe('A monorepo') as [string]
const [BUILT] = recipe('An image that is built already') as [string]
const [OUTSIDE] = recipe('What is built outside of the Dockerfile') as [string]
const [MATRIX] = recipe('A job for each image') as [string]
const [MEASURE, COMMENT] = recipe('Forks') as [string, string]
const [NIGHTLY] = recipe('By hand, by the clock, for a tag') as [string]

let origin: TestRepository
let github: GitHub
let tokens: Record<string, Token>
let runs: WorkflowRun[]
let base: string
let head: string
let merge: string
beforeEach(async () => {
  origin = createRepository()
  runs = []
  tokens = {}
  base = origin.commit({
    ...images(100_000, 50_000),
    // Growth is what the recipe limits: small enough for a test.
    [FILE]: BUDGETS.replace('max-increase: 5 MB', 'max-increase: 100 kB'),
    Dockerfile: DOCKERFILE,
    payload: 'x'.repeat(1000),
  })
  origin.git('checkout', '--quiet', '-b', 'feature')
  head = origin.commit({ 'services/api/payload': 'x'.repeat(300_000), payload: 'x'.repeat(301_000) })
  origin.git('checkout', '--quiet', 'main')
  merge = mergeCommit(origin, base, head)
  github = await startGitHub({ git: { dir: origin.dir }, tokens })
})
afterEach(async () => {
  runs.forEach(discardArtifacts)
  expect(github.violations).toEqual([])
  await github.close()
  rmSync(origin.dir, { recursive: true, force: true })
})

function images(api: number, worker: number): Record<string, string> {
  return {
    'services/api/Dockerfile': DOCKERFILE,
    'services/api/payload': 'x'.repeat(api),
    'services/worker/Dockerfile': DOCKERFILE,
    'services/worker/payload': 'x'.repeat(worker),
  }
}

/** The pull request's event; `from` is the repository that its head is in. */
function pullRequestEvent(from = OWNER): Event {
  github.state.pullRequests[0]!.head = { ref: 'feature', sha: head, repository: from }
  const [owner = ''] = from.split('/')
  return payload('pull_request.synchronize', {
    number: 1,
    repository: REPOSITORY,
    pull_request: {
      number: 1,
      merge_commit_sha: merge,
      head: { ref: 'feature', sha: head, repo: { full_name: from, fork: from !== OWNER, owner: { login: owner } } },
      base: { ref: 'main', sha: base },
    },
  })
}

/** The event of a merge queue that would merge the pull request. */
function queueEvent(): Event {
  return payload('merge_group.checks_requested', {
    repository: REPOSITORY,
    merge_group: {
      head_sha: merge,
      head_ref: 'refs/heads/gh-readonly-queue/main/pr-1-x',
      base_sha: base,
      base_ref: 'refs/heads/main',
    },
  })
}

async function run(
  workflow: string,
  event: Event,
  sha: string,
  more: Partial<Surroundings> = {},
): Promise<WorkflowRun> {
  const ran = await runWorkflow(workflow, { event, sha, origin, github, tokens, env, ...more })
  runs.push(ran)
  return ran
}

/** The event that the second workflow runs on when the first has ended; its run has the id 77. */
function workflowRunEvent(first: WorkflowRun, from = OWNER): Event {
  const [owner = '', name = ''] = from.split('/')
  return payload('workflow_run.completed', {
    repository: REPOSITORY,
    workflow_run: {
      id: 77,
      event: 'pull_request',
      conclusion: first.conclusion,
      head_branch: 'feature',
      head_sha: head,
      head_repository: { full_name: from, name, owner: { login: owner } },
      pull_requests: [],
    },
  })
}

const results = ({ jobs }: WorkflowRun) => jobs.map(({ id, result }) => [id, result])
const comments = () => github.state.comments.map(({ body }) => body)

/** Whose token may do what. */
const FORK = { isReadOnly: true }

describe('a required check', () => {
  const limited = CHECK.replace('max-size: 160 MB', 'max-increase: 100 kB')

  it('comments on a pull request of the repository and fails it', async () => {
    expect(results(await run(limited, pullRequestEvent(), merge))).toEqual([['size', 'failure']])
    expect(comments()).toEqual([expect.stringContaining('over its growth budget')])
  })

  it.each(['a fork', 'Dependabot'])('fails one of %s just so, without a comment', async (who) => {
    const event = pullRequestEvent(who === 'a fork' ? 'mona/shop' : OWNER)
    const ran = await run(limited, event, merge, FORK)
    expect(results(ran)).toEqual([['size', 'failure']])
    expect(comments()).toEqual([])
    expect(ran.jobs[0]!.actions[0]!.summary).toContain('over its growth budget')
  })

  it('judges what the merge queue would merge, and comments nowhere', async () => {
    const event = queueEvent()
    expect(results(await run(limited, event, merge))).toEqual([['size', 'failure']])
    const wide = limited.replace('100 kB', '1 MB')
    expect(results(await run(wide, event, merge))).toEqual([['size', 'success']])
    expect(comments()).toEqual([])
  })

  it('is there, and green, where a change touches nothing of the image', async () => {
    const checked = limited.replace('{ max-increase', "{ context: services/worker, config: 'off', max-increase")
    const ran = await run(checked, pullRequestEvent(), merge)
    expect(results(ran)).toEqual([['size', 'success']])
    expect(ran.jobs[0]!.actions[0]!.groups.filter(({ title }) => title.startsWith('Build'))).toEqual([])
    expect(comments()).toEqual([])
  })
})

describe('badge and records', () => {
  it('record a push and nothing else, and compare a pull request with that', async () => {
    const limited = RECORDS.replaceAll(/max-size: 160 MB/g, "max-size: 160 MB, config: 'off'").replace(
      /max-size: 160 MB, config: 'off'\n/,
      "max-size: 160 MB\n          config: 'off'\n",
    )
    const push = payload('push', { ref: 'refs/heads/main', before: base, after: base, repository: REPOSITORY })
    expect(results(await run(limited, push, base))).toEqual([
      ['size', 'skipped'],
      ['record', 'success'],
    ])
    const files = origin.git('ls-tree', '-r', '--name-only', 'image-budget').split('\n')
    expect(files.filter((file) => file.endsWith('/badge-size.svg') || file.endsWith('/history.svg'))).toHaveLength(2)

    const ran = await run(limited, pullRequestEvent(), merge)
    expect(results(ran)).toEqual([
      ['size', 'success'],
      ['record', 'skipped'],
    ])
    const built = ran.jobs[0]!.actions[0]!.groups.map(({ title }) => title).filter((title) => title.includes('Build'))
    expect(built).toHaveLength(1)
    expect(comments()).toHaveLength(1)
    expect(origin.git('rev-list', '--count', 'image-budget')).toBe('1')
  })
})

describe('a monorepo', () => {
  it('has an image for each Dockerfile that the glob names, in one comment', async () => {
    const limited = MONOREPO.replace('max-increase: 3%', "max-increase: 3%\n          config: 'off'")
    const ran = await run(limited, pullRequestEvent(), merge)
    expect(results(ran)).toEqual([['size', 'failure']])
    expect(comments()).toHaveLength(1)
    expect(comments()[0]).toContain('`services/api`')
    const built = ran.jobs[0]!.actions[0]!.groups.map(({ title }) => title).filter((title) => title.includes('Build'))
    expect(built).toHaveLength(2)
    expect(built.every((title) => title.startsWith('services/api: '))).toBe(true)
    expect(ran.jobs[0]!.actions[0]!.summary).toContain('`services/worker`')
  })
})

describe('an image that is built already', () => {
  it('is measured where it lies, and compared with another', async () => {
    const before = 'image-budget/base:1'
    const own = BUILT.replace(/ +- uses: docker\/login-action@.*?(?= +- uses:)/s, '')
      .replace('docker://ghcr.io/acme/api:latest', `docker-daemon:${before}`)
      .replace('max-increase: 5 MB', "max-increase: 100 kB\n          config: 'off'")
    expect(own).not.toContain('login')
    try {
      const ran = await run(own, pullRequestEvent(), merge)
      expect(results(ran)).toEqual([['size', 'failure']])
      const [action] = ran.jobs[0]!.actions
      expect(action!.outputs).toMatchObject({ verdict: 'over', 'size-change': '301000', 'layers-change': '1' })
    } finally {
      docker(engine, 'image', 'rm', `api:${merge}`)
    }
  })
})

describe('what is built outside of the Dockerfile', () => {
  it('is built in each tree, from its own sources', async () => {
    const script = (bytes: number): Record<string, string> => ({
      gradlew: `#!/bin/sh\nhead -c ${bytes} /dev/zero > app.jar\n`,
      Dockerfile: 'FROM image-budget/base:1\nCOPY app.jar /app.jar\n',
      '.gitignore': 'app.jar\n',
    })
    base = origin.commit(script(100_000))
    origin.git('checkout', '--quiet', '-B', 'feature', 'main')
    head = origin.commit(script(300_000))
    origin.git('checkout', '--quiet', 'main')
    merge = mergeCommit(origin, base, head)
    const ran = await run(
      OUTSIDE.replace('max-size: 300 MB', "max-size: 300 MB\n          config: 'off'"),
      pullRequestEvent(),
      merge,
    )
    expect(results(ran)).toEqual([['size', 'success']])
    expect(ran.jobs[0]!.actions[0]!.outputs['size-change']).toBe('200000')
  })
})

describe('many images in one job', () => {
  const unlimited = CHECK.replace(/\n +with: .*\n/, '\n')

  it('have one comment and one verdict, and those that the change does not touch are not built', async () => {
    const ran = await run(unlimited, pullRequestEvent(), merge)
    expect(results(ran)).toEqual([['size', 'failure']])
    expect(comments()).toHaveLength(1)
    const built = ran.jobs[0]!.actions[0]!.groups.map(({ title }) => title).filter((title) => title.includes('Build'))
    expect(built.every((title) => title.startsWith('api: '))).toBe(true)
    expect(built).toHaveLength(2)
  })
})

describe('a job for each image', () => {
  it('is green though its budget is broken: the last one has the verdict and the one comment', async () => {
    const ran = await run(MATRIX, pullRequestEvent(), merge)
    expect(results(ran)).toEqual([
      ['measure', 'success'],
      ['measure', 'success'],
      ['size', 'failure'],
    ])
    expect(comments()).toHaveLength(1)
    expect(comments()[0]).toContain('`api`')
    expect(ran.jobs.at(-1)!.actions[0]!.outputs['verdict']).toBe('over')
  })

  it('is missed where it hands nothing over', async () => {
    const lost = MATRIX.replace(
      'if: ${{ !cancelled() }}\n        with:',
      "if: ${{ matrix.image != 'worker' }}\n        with:",
    )
    const ran = await run(lost, pullRequestEvent(), merge)
    expect(ran.jobs.at(-1)).toMatchObject({ id: 'size', result: 'failure' })
    expect(ran.jobs.at(-1)!.actions[0]!.outputs['verdict']).toBe('error')
    expect(comments()).toHaveLength(1)
    expect(comments()[0]).toContain('`worker`')
  })

  it('works in the merge queue and for a fork without a comment', async () => {
    expect((await run(MATRIX, queueEvent(), merge)).jobs.at(-1)).toMatchObject({ id: 'size', result: 'failure' })
    expect((await run(MATRIX, pullRequestEvent('mona/shop'), merge, FORK)).jobs.at(-1)).toMatchObject({
      result: 'failure',
    })
    expect(comments()).toEqual([])
  })

  it('may have twenty legs at once', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `image-${at + 1}`)
    // They are built from what the change leaves alone: a leg takes no longer than its start.
    const budgets = ['images:', ...names.map((name) => `  - { name: ${name}, context: services/worker }`), '']
    base = origin.commit({ [FILE]: budgets.join('\n') })
    origin.git('checkout', '--quiet', '-B', 'feature', 'main')
    head = origin.commit({ 'services/api/payload': 'x'.repeat(300_000) })
    origin.git('checkout', '--quiet', 'main')
    merge = mergeCommit(origin, base, head)
    const wide = MATRIX.replace('[api, worker]', `[${names.join(', ')}]`).replace(
      'images: api, worker',
      `images: ${names.join(', ')}`,
    )
    const ran = await run(
      wide.replace('mode: report', 'mode: report\n          comment: always'),
      pullRequestEvent(),
      merge,
    )
    expect(ran.jobs).toHaveLength(21)
    expect(ran.conclusion).toBe('success')
    expect(comments()).toHaveLength(1)
    // Without the split each has a comment of its own, and none takes another's place.
    const apart = MATRIX.replace('[api, worker]', `[${names.slice(0, 5).join(', ')}]`)
      .replace('mode: measure', 'comment: always')
      .replace(/^ {2}size:$.*/ms, '')
      .replace('contents: read', 'contents: read\n  pull-requests: write')
    await run(apart, pullRequestEvent(), merge)
    expect(comments()).toHaveLength(6)
    expect(new Set(comments()).size).toBe(6)
  })
})

describe('forks', () => {
  it.each(['mona/shop', OWNER])(
    'have the comment from a second workflow, which has the token for it (%s)',
    async (from) => {
      const first = await run(MEASURE, pullRequestEvent(from), merge, from === OWNER ? {} : FORK)
      expect(results(first)).toEqual([['size', 'failure']])
      expect(comments()).toEqual([])
      const more = { runs: new Map([['77', first.artifacts]]) }
      const second = await run(COMMENT, workflowRunEvent(first, from), base, more)
      expect(results(second)).toEqual([['comment', 'success']])
      expect(comments()).toEqual([expect.stringContaining('`api`')])
      // A re-run says the same again.
      await run(COMMENT, workflowRunEvent(first, from), base, more)
      expect(comments()).toHaveLength(1)
    },
  )

  it('have none where the pull request has a newer commit by then', async () => {
    const first = await run(MEASURE, pullRequestEvent('mona/shop'), merge, FORK)
    const event = workflowRunEvent(first, 'mona/shop')
    github.state.pullRequests[0]!.head.sha = 'f'.repeat(40)
    const second = await run(COMMENT, event, base, { runs: new Map([['77', first.artifacts]]) })
    expect(results(second)).toEqual([['comment', 'success']])
    expect(comments()).toEqual([])
  })

  it('have none for a run that is of no pull request', async () => {
    const first = await run(MEASURE, pullRequestEvent(), merge)
    const event = workflowRunEvent(first)
    ;(event.payload['workflow_run'] as JsonObject)['event'] = 'push'
    expect(results(await run(COMMENT, event, base))).toEqual([['comment', 'skipped']])
  })
})

describe('a nightly run', () => {
  it('compares with the record of the same commit, and records anew', async () => {
    const limited = NIGHTLY.replace('max-size: 160 MB', "max-size: 160 MB\n          config: 'off'")
    const event = payload('workflow_dispatch', { ref: 'refs/heads/main', repository: REPOSITORY })
    expect(results(await run(limited, event, base))).toEqual([['size', 'success']])
    expect(origin.git('rev-list', '--count', 'image-budget')).toBe('1')
    const second = await run(limited, event, base)
    expect(results(second)).toEqual([['size', 'success']])
    expect(second.jobs[0]!.actions[0]!.outputs['size-change']).toBe('0')
    expect(comments()).toEqual([])
  })
})
