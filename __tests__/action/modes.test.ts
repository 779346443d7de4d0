import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { readReport } from '../../src/report/read.ts'
import type { Report } from '../../src/report/report.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { payload, type Event, type JsonObject } from '../support/payload.ts'
import { runAction, type RunOptions, type RunResult } from '../support/runner.ts'
import { gzipped, imageOf, layerOf, layoutOf } from '../support/saved-images.ts'

// A machine that may be busy.
jest.setTimeout(60_000)

/** Jobs that measure, and one that reports: images are measured where they lie, without any engine, git or checkout. */
const LABEL = 'image-budget: accept'
const HEAD = '1'.repeat(40)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-modes-'))
  mkdirSync(join(folder, 'nothing'))
  for (const [name, bytes] of Object.entries({ before: 1_000, same: 1_000, larger: 61_000, smaller: 500 })) {
    const image = imageOf([
      gzipped(layerOf({ base: 'a'.repeat(90_000) })),
      gzipped(layerOf({ app: 'b'.repeat(bytes) })),
    ])
    for (const [path, content] of layoutOf([image])) {
      const file = join(folder, name, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

let github: GitHub
beforeEach(async () => {
  github = await startGitHub({ tokens: { token: { kind: 'actions', permissions: { pull_requests: 'write' } } } })
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

function pullRequest(overrides: JsonObject = {}): Event {
  return payload('pull_request.synchronize', {
    number: 1,
    repository: { full_name: 'octo-org/shop' },
    pull_request: { number: 1, head: { ref: 'feature', sha: HEAD }, base: { ref: 'main', sha: '2'.repeat(40) } },
    ...overrides,
  })
}

type Job = Partial<RunOptions> & { inputs?: Record<string, string> }

function run({ inputs = {}, ...options }: Job): Promise<RunResult> {
  const nothing = join(folder, 'nothing')
  const temp = mkdtempSync(join(folder, 'runner-'))
  return runAction({
    event: pullRequest(),
    workspace: nothing,
    temp,
    github,
    inputs,
    ...options,
    env: { PATH: nothing, HOME: nothing, TMPDIR: temp, ...options.env },
  })
}

const imageInputs = (name: string, at: string, more: Record<string, string> = {}) => ({
  name,
  image: `oci:${join(folder, at)}`,
  baseline: `oci:${join(folder, 'before')}`,
  'max-increase': '10 kB',
  ...more,
})
const measure = (name: string, at: string, more: Record<string, string> = {}, options: Job = {}): Promise<RunResult> =>
  run({ ...options, inputs: imageInputs(name, at, { mode: 'measure', ...more }) })

/** What the steps that upload and download leave: a folder for each artifact, with the report in it. */
function artifacts(...legs: RunResult[]): string {
  const downloaded = mkdtempSync(join(folder, 'downloaded-'))
  for (const { outputs } of legs) {
    mkdirSync(join(downloaded, outputs['artifact']!))
    writeFileSync(join(downloaded, outputs['artifact']!, 'report.json'), readFileSync(outputs['report']!))
  }
  return downloaded
}

const report = (legs: RunResult[], more: Record<string, string> = {}, options: Job = {}): Promise<RunResult> =>
  run({ ...options, inputs: { mode: 'report', reports: artifacts(...legs), ...more } })

const reportOf = ({ outputs }: RunResult): Report => JSON.parse(readFileSync(outputs['report']!, 'utf8')) as Report
const comments = (): string[] => github.state.comments.map(({ body }) => body)
const asked = (): string[] => github.requests.map(({ method, path }) => `${method} ${path}`)

/** All that a run says, without the addresses of its files. */
function said({ exitCode, annotations, outputs, summary, stdout }: RunResult): object {
  const { report: _report, 'comment-url': url, ...rest } = outputs
  // What measuring says comes before the report.
  const log = stdout.slice(stdout.indexOf('Image budget: ')).replaceAll(/::[0-9a-f-]{36}::|^The comment was.*$/gm, '')
  return { exitCode, annotations, outputs: rest, hasComment: url !== '', summary, log }
}

describe('one image, measured in one job and reported by another', () => {
  it.each([
    ['that is over', 'larger', {}, 1],
    ['that is within', 'smaller', { comment: 'always' }, 0],
    ['that is over and may be', 'larger', { fail: 'false' }, 0],
    ['that cannot be measured', 'nowhere', {}, 2],
  ])('%s, is what one job would have said, to the byte', async (_, at, more, exitCode) => {
    const checked = await run({ inputs: imageInputs('acme/api', at, more) })
    const [comment] = comments().splice(0)
    await github.close()
    github = await startGitHub({ tokens: { token: { kind: 'actions', permissions: { pull_requests: 'write' } } } })
    const leg = await measure('acme/api', at, more)
    const reported = await report([leg], more)

    expect(checked.exitCode).toBe(exitCode)
    expect(said(reported)).toEqual(said(checked))
    // The hidden line has the time at which it was written.
    const visible = (body = ''): string => body.replace(/\n<!-- image-budget-data: .* -->\n/, '\n')
    expect(comments().map(visible)).toEqual([visible(comment)])
    expect(readFileSync(reported.outputs['report']!, 'utf8')).toBe(readFileSync(checked.outputs['report']!, 'utf8'))
    const bytes = readFileSync(checked.outputs['report']!)
    expect(readReport(bytes).report).toEqual(reportOf(checked))
  })

  it('has the one comment of that image, whichever of the two ways it came', async () => {
    await run({ inputs: imageInputs('api', 'larger') })
    await report([await measure('api', 'smaller')])
    expect(comments()).toHaveLength(1)
    expect(comments()[0]).toContain('500 B smaller')
  })
})

describe('a job that measures', () => {
  it('judges, and leaves the rest to the job that reports: no comment, no annotation, no failure over budget', async () => {
    github.label({ label: LABEL, login: 'mona' })
    const leg = await measure('shop/api', 'larger')
    expect(leg).toMatchObject({
      exitCode: 0,
      annotations: [],
      outputs: { verdict: 'over', 'size-change': '60000', 'comment-url': '' },
    })
    expect(leg.outputs['artifact']).toMatch(/^image-budget-shop-api-[0-9a-f]{8}$/)
    expect(leg.stdout).toContain('it is judged by the job that reports')
    expect(leg.summary).toContain('is over its growth budget by 50.0 kB')
    expect(reportOf(leg)).toMatchObject({ verdict: 'over', waiver: null })
    expect(asked().filter((request) => request.includes('/issues/'))).toEqual([])
  })

  it('fails where it could not measure, with its report all the same', async () => {
    const leg = await measure('api', 'nowhere', { fail: 'false' })
    expect(leg).toMatchObject({
      exitCode: 2,
      annotations: [],
      outputs: { verdict: 'error', artifact: 'image-budget-api' },
    })
    expect(reportOf(leg).images).toMatchObject([{ name: 'api', verdict: 'error' }])
    expect(asked().filter((request) => request.includes('/issues/'))).toEqual([])
  })

  it('that was given something wrong has a report, too', async () => {
    const leg = await measure('api', 'larger', { 'max-size': '160' })
    expect(leg).toMatchObject({ exitCode: 2, outputs: { verdict: 'error', artifact: 'image-budget-api' } })
    expect(reportOf(leg).images[0]?.error?.message).toContain('`max-size` has `160`')
  })

  it('records a push to the default branch', async () => {
    await github.close()
    github = await startGitHub({ tokens: { token: { kind: 'actions', permissions: { contents: 'write' } } } })
    const after = github.git('rev-parse', 'main')
    const event = payload('push', {
      repository: { full_name: 'octo-org/shop', default_branch: 'main' },
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after,
    })
    await measure('api', 'larger', {}, { event, sha: after })
    expect(github.git('ls-tree', '-r', '--name-only', 'image-budget')).toMatch(/api/)
    // What reports has measured nothing.
    const before = github.git('rev-parse', 'image-budget')
    expect(
      await report([await measure('api', 'same', { record: 'off' }, { event, sha: after })], {}, { event, sha: after }),
    ).toMatchObject({
      exitCode: 0,
    })
    expect(github.git('rev-parse', 'image-budget')).toBe(before)
  })
})

describe('a job that reports', () => {
  it('makes one comment, one summary and one verdict of them all', async () => {
    const legs = await Promise.all([measure('api', 'larger'), measure('worker', 'same'), measure('web', 'smaller')])
    const result = await report(legs)
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
    expect(result.outputs['artifact']).toMatch(/^image-budget-images-/)
    expect(result.annotations.map(({ level }) => level)).toEqual(['error'])
    expect(comments()).toHaveLength(1)
    expect(comments()[0]).toMatch(/^<!-- image-budget: \* -->\n/)
    for (const text of [comments()[0]!, result.summary]) {
      expect(text).toContain('1 of 3 images is over')
      expect(text).toContain('**api**')
      expect(text).toContain('2 images with no change to speak of')
    }
    expect(
      reportOf(result)
        .images.map(({ name }) => name)
        .toSorted(),
    ).toEqual(['api', 'web', 'worker'])
  })

  it('names what should have come and did not', async () => {
    const result = await report([await measure('api', 'same')], { images: 'api, worker' })
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
    expect(comments()[0]).toContain('1 of 2 images could not be measured')
    expect(comments()[0]).toContain(
      'No report of it came: the job that measures it failed, was cancelled or was skipped.',
    )
  })

  it('takes what is to come, and of which a broken budget fails, from the budget file', async () => {
    const workspace = mkdtempSync(join(folder, 'checkout-'))
    mkdirSync(join(workspace, '.github'))
    writeFileSync(
      join(workspace, '.github/image-budget.yml'),
      'images:\n  - name: api\n    fail: false\n  - name: worker\n',
    )
    const legs = [await measure('api', 'larger'), await measure('worker', 'same')]
    expect(await report(legs, {}, { workspace })).toMatchObject({ exitCode: 0, outputs: { verdict: 'over' } })
    expect(await report(legs.slice(1), {}, { workspace })).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
  })

  it('asks what a label accepts, once for all', async () => {
    const legs = [await measure('api', 'larger'), await measure('worker', 'larger')]
    expect(await report(legs)).toMatchObject({ exitCode: 1 })
    github.label({ label: LABEL, login: 'mona' })
    const before = asked().length
    const accepted = await report(legs, {}, { event: pullRequest({ action: 'labeled', label: { name: LABEL } }) })
    expect(accepted).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
    expect(comments()).toHaveLength(1)
    expect(comments()[0]).toContain('`mona` accepted growth up to +60.0 kB')
    expect(
      asked()
        .slice(before)
        .filter((request) => request.endsWith('/events')),
    ).toHaveLength(1)
    expect(await report(legs)).toMatchObject({ exitCode: 0 })
  })

  it('of another event than a pull request has a verdict and no comment', async () => {
    const event = payload('merge_group.checks_requested', { repository: { full_name: 'octo-org/shop' } })
    const legs = [await measure('api', 'larger', {}, { event })]
    expect(await report(legs, {}, { event })).toMatchObject({ exitCode: 1, outputs: { 'comment-url': '' } })
    expect(comments()).toEqual([])
  })

  it('refuses what it cannot read, and leaves the comment as it is', async () => {
    const legs = [await measure('api', 'larger'), await measure('worker', 'same')]
    await report(legs)
    const before = comments()
    writeFileSync(legs[1]!.outputs['report']!, '{"schema": 1}')
    const result = await report(legs)
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
    expect(result.annotations.map(({ message }) => message)).toEqual([
      expect.stringMatching(/image-budget-worker\/report\.json` is no report: `version` is not there/),
    ])
    expect(comments()).toEqual(before)
    const twice = [legs[0]!, await measure('api', 'same', { platforms: 'linux/amd64' })]
    expect((await report(twice)).annotations[0]?.message).toMatch(
      /image-budget-api-[0-9a-f]{8}\/report\.json` and `.*image-budget-api\/report\.json` are both of `api` for linux\/amd64/,
    )
  })

  it('refuses what has no effect there', async () => {
    const result = await report([], { 'max-size': '1 MB' })
    expect(result).toMatchObject({ exitCode: 2 })
    expect(result.annotations[0]?.message).toContain('`max-size` is given, but with `mode: report` nothing is measured')
  })
})

describe('`pull_request_target`', () => {
  const event = (): Event => ({ name: 'pull_request_target', payload: pullRequest().payload })

  it('is refused in every mode, with the reason', async () => {
    for (const mode of ['check', 'measure', 'report']) {
      const inputs = mode === 'report' ? { mode } : imageInputs('api', 'larger', { mode })
      const result = await run({ event: event(), inputs })
      expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
      expect(result.annotations[0]?.message).toMatch(/`pull_request_target`.*the code of any fork.*\n.*`workflow_run`/)
    }
    expect(github.requests).toEqual([])
  })

  it('is as `pull_request` where the workflow says so, and nothing else can', async () => {
    const inputs = imageInputs('api', 'larger', { 'allow-pull-request-target': 'true' })
    expect(await run({ event: event(), inputs })).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
    expect(comments()).toHaveLength(1)
    const workspace = mkdtempSync(join(folder, 'checkout-'))
    mkdirSync(join(workspace, '.github'))
    writeFileSync(join(workspace, '.github/image-budget.yml'), 'allow-pull-request-target: true\n')
    const refused = await run({ event: event(), workspace, inputs: imageInputs('api', 'larger') })
    expect(refused).toMatchObject({ exitCode: 2 })
    // Nothing of the checkout is read before.
    expect(refused.annotations[0]?.message).toMatch(/^The workflow runs on `pull_request_target`/)
  })
})
