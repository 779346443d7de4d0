import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { engines } from '../support/engine.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { payload, type Event } from '../support/payload.ts'
import { checkOut } from '../support/repository.ts'
import { openPullRequest, type Files, type PullRequestFixture } from '../support/pull-request.ts'
import { runAction, type RunResult } from '../support/runner.ts'

// Several real builds each, on a machine that may be busy.
jest.setTimeout(180_000)

const FILE = '.github/image-budget.yml'
const LABEL = 'image-budget: accept'
const dockerfile = 'FROM image-budget/base:1\nCOPY payload /payload\n'
const files = (sizes: Record<string, number>): Files =>
  Object.fromEntries(
    Object.entries(sizes).flatMap(([name, bytes]) => [
      [`${name}/Dockerfile`, dockerfile],
      [`${name}/payload`, 'x'.repeat(bytes)],
    ]),
  )
const budgets = (...lines: string[]): string =>
  ['images:', '  - { name: api, context: api }', '  - { name: web, context: web }', ...lines, ''].join('\n')

/** The repository that the data branch is in as well, where a test has one. */
const tokens = { token: { kind: 'actions', permissions: { pull_requests: 'write', contents: 'write' } } } as const

// What differs between the stores is each image's own.
describe.each(engines().slice(0, 1))('several images in one run on the $store store', ({ env }) => {
  let change: PullRequestFixture
  let github: GitHub
  let folders: string[]
  beforeEach(async () => {
    change = openPullRequest(
      { ...files({ api: 1_000, web: 1_000 }), [FILE]: budgets('max-increase: 30 kB') },
      files({ api: 51_000, web: 21_000 }),
    )
    github = await startGitHub({ git: { dir: change.origin.dir }, tokens })
    folders = []
  })
  afterEach(async () => {
    expect(github.violations).toEqual([])
    await github.close()
    change.dispose()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  const run = (on = change, options: Parameters<PullRequestFixture['run']>[1] = {}): Promise<RunResult> =>
    on.run(env, { github, ...options })
  const reportOf = ({ outputs }: RunResult): Report => JSON.parse(readFileSync(outputs.report!, 'utf8')) as Report
  const images = (result: RunResult) =>
    reportOf(result).images.map(({ name, verdict, change: of }) => [name, verdict, of?.size?.amount ?? null])

  it('have one comment, in which the one that fails comes first', async () => {
    const result = await run()
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
    expect(images(result)).toEqual([
      ['api', 'over', 50_000],
      ['web', 'within', 20_000],
    ])
    expect(github.state.comments).toHaveLength(1)
    const { body } = github.state.comments[0]!
    expect(body.indexOf('`api`')).toBeLessThan(body.indexOf('`web`'))
    const mended = change.push(files({ api: 2_000 }))
    expect(await run(mended)).toMatchObject({ exitCode: 0 })
    expect(github.state.comments).toHaveLength(1)
    expect(github.state.comments[0]!.body).not.toBe(body)
  })

  it('have the comment that they had, also where there is one left, or the budget file is broken', async () => {
    const one = change.push({ [FILE]: 'max-increase: 30 kB\nimages:\n  - { name: api, context: api }\n' })
    const found = { inputs: { dockerfiles: 'api/Dockerfile', config: 'off', 'max-increase': '30 kB' } }
    await run(one, found)
    expect(github.state.comments).toHaveLength(1)
    await run(one, { inputs: { ...found.inputs, dockerfiles: '*/Dockerfile' } })
    expect(github.state.comments).toHaveLength(1)
    const broken = change.push({ [FILE]: 'max_size: 1 MB\n' })
    expect(await run(broken)).toMatchObject({ exitCode: 2 })
    expect(github.state.comments).toHaveLength(1)
    expect(github.state.comments[0]!.body).toContain('unknown key')
  })

  it('of which nobody has heard make no comment where the budget file is broken', async () => {
    expect(await run(change.push({ [FILE]: 'max_size: 1 MB\n' }))).toMatchObject({ exitCode: 2 })
    expect(github.state.comments).toEqual([])
  })

  it('are all measured though one does not build, and that one is told', async () => {
    const broken = change.push({ 'web/Dockerfile': `${dockerfile}RUN exit 3\n` })
    const result = await run(broken)
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
    expect(images(result)).toEqual([
      ['api', 'over', 50_000],
      ['web', 'error', null],
    ])
    expect(reportOf(result).images[1]!.error).toMatchObject({
      kind: 'build',
      file: 'web/Dockerfile',
      line: 3,
    })
  })

  it('fail by themselves: one may be allowed to', async () => {
    const soft = change.push({
      [FILE]:
        'max-increase: 30 kB\nimages:\n  - { name: api, context: api, fail: false }\n  - { name: web, context: web }\n',
    })
    expect(await run(soft)).toMatchObject({ exitCode: 0, outputs: { verdict: 'over' } })
    expect(await run(soft.push(files({ web: 51_000 })))).toMatchObject({ exitCode: 1 })
  })

  it('have growth accepted together, and each by itself', async () => {
    github.label({ label: LABEL, login: 'mona' })
    const event: Event = {
      name: 'pull_request',
      payload: { ...change.event.payload, action: 'labeled', label: { name: LABEL } },
    }
    expect(await run(change, { event })).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
    const grown = change.push(files({ web: 32_000 }))
    // That is more than was shown of the one, though less than was accepted of the other.
    expect(images(await run(grown))).toEqual([
      ['api', 'within', 50_000],
      ['web', 'over', 31_000],
    ])
    expect(github.state.comments).toHaveLength(1)
  })

  it('are prepared apart: what one makes before its build, the other does not have', async () => {
    const prepared = change.push({
      [FILE]: [
        'metrics: size',
        'images:',
        '  - { name: api, context: ., file: api/Dockerfile, before-build: "head -c 5000 /dev/zero >payload" }',
        '  - { name: web, context: ., file: api/Dockerfile, before-build: "test ! -e payload; head -c 7000 /dev/zero >payload" }',
        '',
      ].join('\n'),
    })
    expect(reportOf(await run(prepared)).images.map(({ head }) => head?.ownSize)).toEqual([5_000, 7_000])
  })

  it('are recorded by one commit, which both are compared with', async () => {
    const { origin } = change
    const main = change.base
    const event = payload('push', {
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: main,
      repository: { full_name: 'octo-org/shop', default_branch: 'main' },
    })
    const checkout = checkOut(origin, main)
    folders.push(checkout.dir, mkdtempSync(join(tmpdir(), 'image-budget-runner-')))
    const pushed = await runAction({ event, workspace: checkout.dir, temp: folders.at(-1)!, github, sha: main, env })
    expect(pushed.exitCode).toBe(0)
    expect(origin.git('log', '--format=%s', 'image-budget')).toBe(`Record 2 images of ${main.slice(0, 7)}`)
    const result = await run()
    expect(reportOf(result).images.map(({ baseline }) => baseline.kind)).toEqual(['record', 'record'])
    expect(images(result)).toEqual([
      ['api', 'over', 50_000],
      ['web', 'within', 20_000],
    ])
  })

  it('are recorded each as it wants to be', async () => {
    const { origin } = change
    origin.git('checkout', '--quiet', 'main')
    const main = origin.commit({
      [FILE]: 'images:\n  - { name: api, context: api, record: off }\n  - { name: web, context: web }\n',
    })
    const event = payload('push', {
      ref: 'refs/heads/main',
      before: change.base,
      after: main,
      repository: { full_name: 'octo-org/shop', default_branch: 'main' },
    })
    const checkout = checkOut(origin, main)
    folders.push(checkout.dir, mkdtempSync(join(tmpdir(), 'image-budget-runner-')))
    await runAction({ event, workspace: checkout.dir, temp: folders.at(-1)!, github, sha: main, env })
    expect(origin.git('log', '--format=%s', 'image-budget')).toBe(`Record web of ${main.slice(0, 7)}`)
  })
})
