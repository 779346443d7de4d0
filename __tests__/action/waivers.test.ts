import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { engines } from '../support/engine.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import type { Event, JsonObject } from '../support/payload.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunResult } from '../support/runner.ts'
import type { Report } from '../../src/report/report.ts'

// Several real builds each, on a machine that may be busy.
jest.setTimeout(180_000)

/** The life of a waiver, as a workflow with the types `opened, synchronize, reopened, labeled, unlabeled` sees it. */
const { env } = engines()[0]!
const LABEL = 'image-budget: accept'
const inputs = { 'max-increase': '10 kB', metrics: 'size' }

let github: GitHub
let change: PullRequestFixture
beforeEach(async () => {
  github = await startGitHub()
  change = openPullRequest(
    { Dockerfile: 'FROM image-budget/base:1\nCOPY payload /payload\n', payload: 'x'.repeat(1000) },
    { payload: 'x'.repeat(51_000) },
  )
})
afterEach(async () => {
  change.dispose()
  expect(github.violations).toEqual([])
  await github.close()
})

/** The event of a label that is set or taken off. */
function labelEvent(action: 'labeled' | 'unlabeled'): Event {
  const payload: JsonObject = { ...change.event.payload, action, label: { name: LABEL } }
  return { name: 'pull_request', payload }
}

const run = (on: PullRequestFixture, more: Parameters<PullRequestFixture['run']>[1] = {}): Promise<RunResult> =>
  on.run(env, { github, ...more, inputs: { ...inputs, ...more.inputs } })

const checksOf = (result: RunResult) =>
  (JSON.parse(readFileSync(result.outputs.report!, 'utf8')) as Report).images[0]!.checks
const comment = (): string => github.state.comments[0]?.body ?? ''

it('growth is accepted up to what was shown, void beyond it, and not accepted any more without the label', async () => {
  const over = await run(change)
  expect(over).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'size-change': '50000' } })
  expect(comment()).toContain(`add the label \`${LABEL}\` to accept +50.0 kB`)

  github.label({ label: LABEL, login: 'mona' })
  const accepted = await run(change, { event: labelEvent('labeled') })
  expect(accepted).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
  expect(checksOf(accepted)).toMatchObject([{ status: 'waived', accepted: 50_000, growth: 50_000, excess: 40_000 }])
  for (const text of [comment(), accepted.summary])
    expect(text).toMatch(
      /`mona` accepted growth up to \+50\.0 kB with the label `image-budget: accept` on \d{4}-\d\d-\d\d\./,
    )
  expect(accepted.stdout).toMatch(/mona accepted growth up to \+50\.0 kB/)
  expect(accepted.annotations.filter(({ level }) => level === 'error')).toEqual([])

  const grown = change.push({ payload: 'x'.repeat(53_500) })
  const voided = await run(grown)
  expect(voided).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
  expect(checksOf(voided)).toMatchObject([{ status: 'over', accepted: 50_000, growth: 52_500 }])
  expect(comment()).toContain('`mona` accepted +50.0 kB')
  expect(comment()).toContain('this is 2.5 kB more, which was not accepted.')

  const shrunk = grown.push({ payload: 'x'.repeat(41_000) })
  expect(await run(shrunk)).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })

  github.label({ label: LABEL, login: 'mona', event: 'unlabeled' })
  const unlabelled = await run(shrunk, {
    event: {
      ...labelEvent('unlabeled'),
      payload: { ...shrunk.event.payload, action: 'unlabeled', label: { name: LABEL } },
    },
  })
  expect(unlabelled).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
  expect(comment()).toContain('to accept +40.0 kB')
  expect(github.state.comments).toHaveLength(1)
})

it('without a comment only the run that the label started accepts, and the others say why not', async () => {
  github.label({ label: LABEL, login: 'mona' })
  const off = { inputs: { comment: 'off' } }
  const result = await run(change, off)
  expect(result).toMatchObject({ exitCode: 1 })
  expect(result.summary).toContain('accepts nothing: `comment` is `off`, so nothing keeps how much was accepted.')
  expect(result.annotations.filter(({ level }) => level === 'warning')).toMatchObject([
    { message: expect.stringContaining(`The label \`${LABEL}\` accepts nothing`) },
  ])
  expect(await run(change, { ...off, event: labelEvent('labeled') })).toMatchObject({ exitCode: 0 })
  expect(github.state.comments).toEqual([])
})

it('another name of the label, or none', async () => {
  github.label({ label: LABEL, login: 'mona' })
  expect(await run(change, { inputs: { 'accept-label': 'bigger', comment: 'off' } })).toMatchObject({ exitCode: 1 })
  const asked = (): number => github.requests.filter(({ path }) => path.includes('/issues/')).length
  const before = asked()
  const off = await run(change, { inputs: { 'accept-label': 'off', comment: 'off' } })
  expect(off).toMatchObject({ exitCode: 1 })
  expect(off.summary).not.toContain('add the label')
  expect(asked()).toBe(before)
})
