import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { engines, type Engine } from '../support/engine.ts'
import { startGitHub } from '../support/github/server.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** The file as a run of the action finds it; what it may say is in __tests__/inputs/budget-file.test.ts. */
const [{ env }] = engines() as [Engine]
const FILE = '.github/image-budget.yml'

let change: PullRequestFixture
beforeAll(() => {
  const api = 'FROM image-budget/base:1\nARG BYTES=1\nRUN head -c "$BYTES" /dev/zero >/zeros\nCOPY payload /payload\n'
  change = openPullRequest(
    {
      'services/api/Dockerfile': api,
      'services/api/payload': 'x'.repeat(1000),
      Dockerfile: 'FROM image-budget/base:1\n',
    },
    {
      'services/api/payload': 'x'.repeat(21_000),
      [FILE]: [
        'max-increase: 30 kB',
        'comment: off',
        'images:',
        '  - name: api',
        '    context: services/api',
        '    build-args: { BYTES: 5000 }',
        '    max-increase: 10 kB',
        '  - name: top',
        '',
      ].join('\n'),
    },
  )
})
afterAll(() => change.dispose())

const run = (inputs: Record<string, string>): Promise<RunResult> => change.run(env, { inputs })
const reportOf = (result: RunResult): Report => JSON.parse(readFileSync(result.outputs.report!, 'utf8')) as Report

it('sets what a workflow leaves open: of the image that it names, for both sides', async () => {
  const result = await run({ name: 'api' })
  expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'size-change': '20000', 'comment-url': '' } })
  const [image] = reportOf(result).images
  expect(image).toMatchObject({ name: 'api', head: { ownSize: 26_000 }, base: { ownSize: 6_000 } })
})

it('cannot change what the workflow says', async () => {
  expect(await run({ name: 'api', 'max-increase': '19.9 kB', 'build-args': 'BYTES=1' })).toMatchObject({ exitCode: 1 })
  const result = await run({ name: 'api', 'max-increase': '20 kB', 'build-args': 'BYTES=1' })
  expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
  expect(reportOf(result).images[0]).toMatchObject({ head: { ownSize: 21_001 } })
})

it('has another image by another name, or none where the workflow wants none', async () => {
  expect(await run({ name: 'top' })).toMatchObject({ exitCode: 0, outputs: { 'size-change': '0' } })
  const off = await run({ config: 'off', context: 'services/api', comment: 'off' })
  expect(off).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'size-change': '20000' } })
})

it('has all of its images in one report, where nobody says which', async () => {
  const result = await run({})
  expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
  const { verdict, images } = reportOf(result)
  expect(verdict).toBe('over')
  expect(images.map(({ name, verdict: own, change: of }) => [name, own, of?.size?.amount])).toEqual([
    ['api', 'over', 20_000],
    ['top', 'within', 0],
  ])
  expect(result.groups.map(({ title }) => title.replaceAll(/[0-9a-f]{7}/g, '…'))).toEqual(
    expect.arrayContaining(['api: Build this change …', 'top: Build this change …', 'top: Build base … (main)']),
  )
  expect(await run({ images: 'top, api' })).toMatchObject({ exitCode: 1 })
  expect(await run({ images: 'top' })).toMatchObject({ exitCode: 0, outputs: { 'size-change': '0' } })
})

it('has what it leaves open from a file of another repository', async () => {
  const github = await startGitHub({ elsewhere: { 'octo-org/.github/budgets.yml': 'max-increase: 10 kB\n' } })
  try {
    const extending = change.push({ [FILE]: 'extends: octo-org/.github/budgets.yml\ncontext: services/api\n' })
    expect(await extending.run(env, { github })).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
    const gone = extending.push({ [FILE]: 'extends: octo-org/.github/none.yml\ncontext: services/api\n' })
    const result = await gone.run(env, { github })
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
    expect(result.summary).toContain('line 1: `extends` has `octo-org/.github/none.yml`, which GitHub does not have')
    expect(github.violations).toEqual([])
  } finally {
    await github.close()
  }
})

it('is an error where it is wrong, or is asked for an image that it does not have', async () => {
  const unknown = await run({ images: 'api, topp' })
  expect(unknown).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
  expect(unknown.summary).toContain('did you mean')
  const broken = change.push({ [FILE]: 'max-size: 1 GB\nmax_layers: 3\n' })
  const result = await broken.run(env, {})
  expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
  expect(result.summary).toContain('line 2: unknown key')
  expect(result.annotations.filter(({ level }) => level === 'error')).not.toEqual([])
})
