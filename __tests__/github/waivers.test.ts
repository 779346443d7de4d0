import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Acceptance, Shown } from '../../src/budget/waiver.ts'
import { markerOf, upsertComment } from '../../src/github/comment.ts'
import { ledgerLine, readLedger } from '../../src/github/ledger.ts'
import { openGitHub } from '../../src/github/octokit.ts'
import { openWaivers, type Waivers, type WaiverSetting } from '../../src/github/waivers.ts'
import type { Report } from '../../src/report/report.ts'
import { primaryRateLimit, startGitHub, type GitHub, type GitHubOptions } from '../support/github/server.ts'
import { budget, imageReport, report, totals, totalsChange } from '../support/reports.ts'

const LABEL = 'image-budget: accept'
const BOT = 'github-actions[bot]'
const EVENTS = /\/issues\/1\/events$/
const NOW = Date.UTC(2026, 0, 2)

let github: GitHub
let warnings: string[]
const clock = { now: () => NOW, sleep: async () => {} }

beforeEach(async () => {
  github = await startGitHub()
  warnings = []
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

async function restart(options: GitHubOptions): Promise<void> {
  await github.close()
  github = await startGitHub(options)
}

function open(setting: Partial<WaiverSetting> = {}): Waivers {
  const octokit = openGitHub('token', { baseUrl: github.url, timeout: 5_000 })
  const where = { owner: github.owner, repo: github.name, number: 1, label: LABEL, labelled: null, hasComment: true }
  return openWaivers(octokit, { ...where, ...setting }, { clock, warn: (text) => void warnings.push(text) })
}

const PLATFORM = 'linux/amd64'
/** Of an image that does not grow there is nothing. */
const shown = (size: number): Shown[] =>
  size > 0 ? [{ name: 'api', platform: PLATFORM, growth: { size, downloadSize: null, layers: 0 }, parts: [] }] : []

/** A report of growth by so many bytes, over a budget of 148.2 MB. */
function reportOf(size: number): Report {
  const [head, base] = [totals({ size: 148_200_000 + size, downloadSize: null }), totals({ downloadSize: null })]
  const image = imageReport({
    head,
    base,
    budgets: [budget('max-size', 148_200_000)],
    change: totalsChange(base, head),
  })
  return report({ images: [image] })
}

/** One run: asks where a budget is broken, and writes its comment. */
async function run(size: number, setting: Partial<WaiverSetting> = {}): Promise<Acceptance | null> {
  const waivers = open(setting)
  const of = reportOf(size)
  const asked = size > 0 ? await waivers.ask('api', shown(size)) : null
  const octokit = openGitHub('token', { baseUrl: github.url, timeout: 5_000 })
  const comment = {
    owner: github.owner,
    repo: github.name,
    number: 1,
    key: 'api',
    bodies: [`+${size}`],
    createIfMissing: true,
  }
  await upsertComment(octokit, { ...comment, note: waivers.noteFor(of) }, clock)
  return asked
}

const ledger = () => readLedger(github.state.comments[0]?.body ?? '')
const label = (more: Partial<Parameters<GitHub['label']>[0]> = {}) =>
  github.label({ label: LABEL, login: 'mona', ...more })

describe('a label', () => {
  it('that is not set accepts nothing', async () => {
    expect(await open().ask('api', shown(5))).toEqual({ label: LABEL, set: null, shown: [], problem: null })
    label({ label: 'bug' })
    label({ number: 2 })
    expect(await open().ask('api', shown(5))).toMatchObject({ set: null, shown: [] })
    expect(warnings).toEqual([])
  })

  it('accepts what the report showed when it was set, whatever was pushed since', async () => {
    await run(100)
    label()
    expect(await run(100)).toMatchObject({ set: { by: 'mona' }, shown: shown(100), problem: null })
    expect(await run(150)).toMatchObject({ shown: shown(100) })
    expect(await run(90)).toMatchObject({ shown: shown(100) })
  })

  it('is found in whatever case, behind many events, the latest of them', async () => {
    await run(100)
    for (let count = 0; count < 120; count += 1) github.label({ label: `l${count}`, login: 'hubot' })
    label({ label: LABEL.toUpperCase() })
    expect(await run(100)).toMatchObject({ set: { by: 'mona' }, shown: shown(100) })
    label({ event: 'unlabeled', login: 'hubot' })
    expect(await run(100)).toMatchObject({ set: null, shown: [] })
    expect(ledger().accepted).toBeNull()
  })

  it('that is set anew accepts what is shown by then', async () => {
    await run(100)
    label()
    await run(100)
    await run(150)
    label({ event: 'unlabeled', at: '2099-01-01T00:00:00Z' })
    label({ at: '2099-01-01T00:00:01Z', login: 'hubot' })
    expect(await run(150)).toMatchObject({ set: { by: 'hubot' }, shown: shown(150) })
  })

  it('set before the first run accepts what that shows, and no more', async () => {
    label({ at: '2020-01-01T00:00:00Z' })
    expect(await run(100)).toMatchObject({ shown: shown(100) })
    expect(ledger().accepted?.shown).toEqual(shown(100))
    expect(await run(150)).toMatchObject({ shown: shown(100) })
    expect(github.state.comments).toHaveLength(1)
  })

  it('keeps what it accepted through runs that are within, and many that are not', async () => {
    await run(100)
    label()
    await run(100)
    await run(0)
    for (let size = 200; size < 215; size += 1) await run(size)
    expect(await run(300)).toMatchObject({ shown: shown(100) })
  })

  it('accepts nothing that the comment cannot keep, in whatever run', async () => {
    const many: Shown[] = Array.from({ length: 40 }, (_, each) => ({ ...shown(100)[0]!, platform: `linux/${each}` }))
    const problem = expect.stringContaining('too long for the comment to keep')
    label({ at: '2020-01-01T00:00:00Z' })
    for (const labelled of [null, LABEL])
      expect(await open({ labelled }).ask('api', many)).toMatchObject({ set: { by: 'mona' }, shown: [], problem })
    expect(github.state.comments).toEqual([])
    expect(warnings).toHaveLength(2)
  })

  it('does not make a comment change that says the same', async () => {
    await run(100)
    const [{ body } = { body: '' }] = github.state.comments
    await run(100)
    expect(github.state.comments).toMatchObject([{ body }])
    expect(github.requests.filter(({ method }) => method === 'PATCH')).toEqual([])
  })

  it('asks nothing where no budget is broken, and keeps what was shown', async () => {
    await run(0)
    expect(github.requests.some(({ path }) => EVENTS.test(path))).toBe(false)
    expect(ledger()).toMatchObject({ seen: [{ shown: shown(0) }], accepted: null })
  })

  it('set while nothing is broken accepts no more than was shown then', async () => {
    await run(-20)
    label()
    for (const size of [100, 100, 150]) expect(await run(size)).toMatchObject({ shown: shown(-20), problem: null })
  })

  it('set upon a comment that shows no growth accepts nothing until it is set anew', async () => {
    github.comment({ number: 1, login: BOT, body: `${markerOf('api')}\nNo figures.`, at: '2020-01-01T00:00:00Z' })
    label({ at: '2020-01-01T00:00:01Z' })
    const problem = 'the comment did not show yet what the change grows by when it was set. Set the label anew'
    for (const size of [100, 100, 150])
      expect(await run(size)).toMatchObject({ set: { by: 'mona' }, shown: [], problem })
    expect(warnings).toContain(`The label \`${LABEL}\` accepts nothing: ${problem}.`)
    label({ at: '2099-01-01T00:00:01Z' })
    expect(await run(150)).toMatchObject({ shown: shown(150), problem: null })
  })

  it('set upon a comment that shows no growth accepts what the run that it starts shows', async () => {
    github.comment({ number: 1, login: BOT, body: `${markerOf('api')}\nNo figures.`, at: '2020-01-01T00:00:00Z' })
    label({ at: '2020-01-01T00:00:01Z' })
    expect(await run(100, { labelled: LABEL })).toMatchObject({ shown: shown(100), problem: null })
    expect(await run(150)).toMatchObject({ shown: shown(100) })
  })
})

describe('what was accepted is never anybody else’s word', () => {
  it('another author’s comment with the marker is none of ours', async () => {
    label({ at: '2026-01-01T00:00:00Z' })
    const accepted = { by: 'mona', at: '2026-01-01T00:00:00.000Z', shown: shown(1e9) }
    const forged = `${markerOf('api')}\n${ledgerLine({ seen: [], accepted })}\nall is well`
    github.comment({ number: 1, login: 'mallory', body: forged })
    expect(await run(100)).toMatchObject({ shown: shown(100) })
  })

  it('what stands in the report’s own text is none of it', async () => {
    const accepted = { by: 'mona', at: '2020-01-01T00:00:00.000Z', shown: shown(1e9) }
    github.comment({ number: 1, login: BOT, body: `${markerOf('api')}\ntext\n${ledgerLine({ seen: [], accepted })}` })
    label({ at: '2020-01-01T00:00:00Z' })
    expect(await run(100)).toMatchObject({ shown: shown(100) })
  })
})

describe('without a comment', () => {
  it('that is off, only the label’s own event tells what was accepted', async () => {
    label()
    const off = { hasComment: false }
    const problem = '`comment` is `off`, so nothing keeps how much was accepted'
    expect(await open(off).ask('api', shown(5))).toMatchObject({ set: { by: 'mona' }, shown: [], problem })
    expect(warnings).toEqual([`The label \`${LABEL}\` accepts nothing: ${problem}.`])
    expect(await open({ ...off, labelled: LABEL }).ask('api', shown(5))).toMatchObject({
      shown: shown(5),
      problem: null,
    })
    expect(await open({ ...off, labelled: 'bug' }).ask('api', shown(5))).toMatchObject({ shown: [] })
  })

  it('that a fork’s token may write, neither: a label is no blank cheque', async () => {
    await restart({ tokens: { token: { kind: 'actions', permissions: { pull_requests: 'read' } } } })
    label()
    expect(await open().ask('api', shown(5))).toMatchObject({
      set: { by: 'mona' },
      shown: [],
      problem: expect.stringContaining('`permissions: pull-requests: write`'),
    })
    expect(warnings).toHaveLength(1)
    expect(await open({ labelled: LABEL }).ask('api', shown(5))).toMatchObject({ shown: shown(5) })
  })
})

describe('what GitHub does not tell', () => {
  it('is a warning that names the permission', async () => {
    await restart({ private: true, tokens: { token: { kind: 'actions', permissions: {} } } })
    label()
    const { shown: accepted, problem } = await open({ labelled: LABEL }).ask('api', shown(5))
    expect({ accepted, problem }).toEqual({ accepted: [], problem: expect.stringContaining('pull-requests') })
    expect(warnings).toEqual([expect.stringContaining('pull-requests')])
  })

  it('for a moment is asked again', async () => {
    await run(100)
    label()
    github.fault({ path: EVENTS, status: 502 })
    github.fault({ path: EVENTS, ...primaryRateLimit(NOW / 1000 + 1) })
    expect(await run(100)).toMatchObject({ shown: shown(100) })
    expect(warnings).toEqual([])
  })

  it('keeps what was accepted before', async () => {
    await run(100)
    label()
    await run(100)
    github.fault({ path: EVENTS, status: 500, times: 3 })
    expect(await run(100)).toMatchObject({ shown: [], problem: expect.stringContaining('GitHub is in trouble') })
    expect(await run(150)).toMatchObject({ shown: shown(100) })
  })
})
