import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { BASE_IMAGE, engines, type Engine } from '../support/engine.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunResult } from '../support/runner.ts'
import type { Report } from '../../src/report/report.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** Budgets as a workflow sets them; what they make of every figure is in __tests__/budget. */
const DOCKERFILE = 'FROM image-budget/base:1\nCOPY payload /payload\n'
const LEFT_PAD = JSON.stringify({ name: 'left-pad', version: '1.3.0' })
const key = (seed: string): string =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${seed.repeat(64)}\n-----END OPENSSH PRIVATE KEY-----\n`
let grown: PullRequestFixture
let shrunk: PullRequestFixture
let parts: PullRequestFixture
let unwanted: PullRequestFixture
beforeAll(() => {
  grown = openPullRequest({ Dockerfile: DOCKERFILE, payload: 'x'.repeat(1000) }, { payload: 'x'.repeat(21_000) })
  parts = openPullRequest(
    {
      Dockerfile: 'FROM image-budget/base:1 AS runtime\nCOPY payload /payload\nCOPY app /app\n',
      payload: 'x'.repeat(1000),
      'app/a': '',
    },
    { payload: 'x'.repeat(21_000), 'app/src/a.js.map': 'x'.repeat(300) },
  )
  unwanted = openPullRequest(
    { Dockerfile: 'FROM image-budget/base:1\nCOPY app /app\n', 'app/old/id_rsa': key('a') },
    { 'app/new/id_ed25519': key('b'), 'app/node_modules/left-pad/package.json': LEFT_PAD },
  )
  shrunk = openPullRequest({ Dockerfile: DOCKERFILE, payload: 'x'.repeat(21_000) }, { payload: 'x'.repeat(1000) })
})
afterAll(() => {
  grown.dispose()
  parts.dispose()
  unwanted.dispose()
  shrunk.dispose()
})

/** Tests of what depends on the store; skipped where the only engine there is (`IMAGE_BUDGET_USE_DOCKER=1`) has the other one. */
function withEngine(store: Engine['store'], tests: (env: Engine['env']) => void): void {
  const engine = engines().find((each) => each.store === store)
  const suite = engine ? describe : describe.skip
  suite(`${store} store`, () => tests(engine?.env ?? {}))
}

withEngine('classic', (env) => {
  const run = (change: PullRequestFixture, inputs: Record<string, string>): Promise<RunResult> =>
    change.run(env, { inputs: { comment: 'off', ...inputs } })

  it.each([
    ['bytes, broken', { 'max-increase': '19.9 kB' }, 1, 'over'],
    ['bytes, kept to the byte', { 'max-increase': '20 kB' }, 0, 'within'],
    ['percent, broken', { 'max-increase': '0.5%' }, 1, 'over'],
    ['percent, kept', { 'max-increase': '5%' }, 0, 'within'],
    ['layers, broken', { 'max-layers': '2', baseline: 'none' }, 1, 'over'],
    ['broken, but not to fail the job', { 'max-increase': '1 kB', fail: 'false' }, 0, 'over'],
  ])('%s', async (_, inputs, exitCode, verdict) => {
    expect(await run(grown, inputs)).toMatchObject({ exitCode, outputs: { verdict } })
  })

  it('a cap that the base breaks already is not held against a change that does not grow the image', async () => {
    const result = await run(shrunk, { 'max-size': '1 MB' })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'size-change': '-20000' } })
    expect(result.summary).toContain('over before this change')
    expect(await run(grown, { 'max-size': '1 MB' })).toMatchObject({ exitCode: 1 })
  })
})

describe.each(engines())('parts of an image, $store store', ({ env }) => {
  const run = (inputs: Record<string, string>): Promise<RunResult> =>
    parts.run(env, { inputs: { comment: 'off', metrics: 'size', ...inputs } })
  const checksOf = (result: RunResult): unknown[] =>
    (JSON.parse(readFileSync(result.outputs.report!, 'utf8')) as Report).images[0]!.checks

  it('have budgets of their own, soft ones among them', async () => {
    const budgets = [
      'scope=own,max-size=25 kB',
      'scope=base,max-increase=0 B',
      'path=/app/**/*.map,max-size=0 B',
      'stage=Runtime,max-layers=3',
      'package=left-pad,max-size=0 B',
      'max-increase=1 kB,level=warn',
    ]
    const result = await run({ budgets: budgets.join('\n') })
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'size-change': '20300' } })
    expect(checksOf(result)).toMatchObject([
      { budget: 'max-increase', scope: null, status: 'warned', actual: 20_300, excess: 19_300 },
      { scope: { kind: 'own' }, status: 'within', actual: 21_300, growth: 20_300 },
      { scope: { kind: 'base' }, status: 'within', actual: 0 },
      { scope: { kind: 'path' }, status: 'over', actual: 300, growth: 300, excess: 300 },
      { scope: { kind: 'stage' }, status: 'within', actual: 2 },
      { scope: { kind: 'package' }, status: 'within', actual: 0 },
    ])
    expect(result.summary).toContain('is over by 300 B in /app/')
    expect(await run({ budgets: budgets.slice(3).join('\n') })).toMatchObject({ exitCode: 0 })
  })

  it('may be packages and findings that nobody wants, and that the base has not', async () => {
    const inputs = {
      budgets: 'package=npm:left-pad,max-size=0 B',
      forbid: 'secrets, vcs-and-tests',
      'max-size': '1 GB',
    }
    const result = await unwanted.run(env, { inputs: { comment: 'off', metrics: 'size', ...inputs } })
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
    expect(checksOf(result)).toMatchObject([
      { budget: 'max-size', status: 'within' },
      {
        scope: { kind: 'package', of: 'npm:left-pad' },
        status: 'over',
        growth: LEFT_PAD.length,
        excess: LEFT_PAD.length,
      },
      { scope: { kind: 'rule', of: 'secrets' }, status: 'over', actual: 1, excess: 1 },
      { scope: { kind: 'rule', of: 'vcs-and-tests' }, status: 'within', actual: 0 },
    ])
    expect(result.summary).toContain('and has 1 forbidden finding')
  })

  it('that are not there are told, and never passed unseen', async () => {
    const result = await run({ budgets: 'stage=runtme,max-size=1 GB', fail: 'false' })
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
    expect(result.summary).toContain('no layer of the image is of the stage `runtme`, only of `runtime`')
  })
})

withEngine('containerd', (env) => {
  it('a budget on the download is judged', async () => {
    const run = (cap: string): Promise<RunResult> =>
      grown.run(env, { inputs: { comment: 'off', 'max-download-size': cap } })
    expect(await run('100 MB')).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
    expect(await run('100 kB')).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
  })
})

withEngine('classic', (env) => {
  it('a budget on what cannot be told is never passed unseen, `fail: false` or not', async () => {
    const archive = join(grown.temp(), 'base.tar')
    execFileSync('docker', ['save', '--output', archive, BASE_IMAGE], { env: { ...process.env, ...env } })
    const inputs = { comment: 'off', image: `docker-archive:${archive}`, 'max-download-size': '100 MB', fail: 'false' }
    const result = await grown.run(env, { inputs })
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error', 'download-size': '' } })
    expect(result.outputs.size).toMatch(/^\d+$/)
    expect(result.summary).toMatch(/the download size is not measured: the layers lie unpacked there/)
    expect(result.annotations).toMatchObject([{ level: 'error' }])
  })
})
