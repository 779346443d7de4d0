import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { engines } from '../support/engine.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { openPullRequest, type Files, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunOptions, RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

const { env } = engines()[0]!
const GOOD =
  'FROM image-budget/base:1 AS build\nRUN echo 1 >/one\nFROM image-budget/base:1\nCOPY --from=build /one /one\n'

let github: GitHub
beforeEach(async () => {
  github = await startGitHub()
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

async function runOnce(base: Files, head: Files, options: Partial<RunOptions> = {}): Promise<RunResult> {
  const change = openPullRequest(base, head)
  const result = await change.run(options.env ?? env, { github, ...options })
  change.dispose()
  return result
}

/** What holds of every run that could not measure: no figure anywhere, and exit code 2 whatever `fail` says. */
function expectNoFigures(result: RunResult): void {
  expect(result).toMatchObject({
    exitCode: 2,
    outputs: { verdict: 'error', size: '', 'download-size': '', layers: '', 'base-size': '', 'size-change': '' },
  })
  expect(result.summary).toMatch(/could not be measured/)
  expect(result.annotations.filter(({ level }) => level === 'error')).toHaveLength(1)
}

describe('a change that does not build', () => {
  it.each(engines())('is an error on the line of the Dockerfile, $store store', async (engine) => {
    const broken = 'FROM image-budget/base:1\n\nRUN echo one \\\n  && exit 3\n'
    const result = await runOnce(
      { Dockerfile: GOOD },
      { Dockerfile: broken },
      { env: engine.env, inputs: { fail: 'false' } },
    )
    expectNoFigures(result)
    expect(result.annotations).toMatchObject([
      { properties: { file: 'Dockerfile', line: '3' }, message: expect.stringContaining('exit code 3') },
    ])
    expect(github.state.comments).toMatchObject([
      { body: expect.stringMatching(/could not be measured[^]*`?Dockerfile:3/) },
    ])
    expect(github.state.comments[0]!.body).toContain('exit code 3')
  })

  it('replaces the figures in a comment that is there', async () => {
    const change = openPullRequest({ Dockerfile: GOOD }, { Dockerfile: `${GOOD}RUN echo 2 >/two\n` })
    await change.run(env, { github })
    expect(github.state.comments[0]!.body).toContain('larger')
    await change.push({ Dockerfile: 'FROM image-budget/base:1\nRUN false\n' }).run(env, { github })
    change.dispose()
    expect(github.state.comments).toMatchObject([{ body: expect.stringContaining('could not be measured') }])
  })

  it.each([
    [
      'no Dockerfile',
      { Dockerfile: null, 'README.md': '' },
      {},
      /no Dockerfile at `Dockerfile`/,
      /default: `Dockerfile` in `context`\.$/m,
    ],
    [
      'no Dockerfile, but a bake file',
      { Dockerfile: null, 'docker-bake.hcl': 'target "default" {}\n' },
      {},
      /no Dockerfile at `Dockerfile`/,
      /For the targets of a bake file: `bake-files: docker-bake\.hcl`\.$/m,
    ],
    [
      'no folder for a context',
      { a: '' },
      { context: 'a' },
      /`context` is `a`, which is no folder in this commit/,
      /`context` takes a folder inside the repository/,
    ],
    [
      'no such file',
      { a: '' },
      { file: 'docker/Dockerfile.prod' },
      /no Dockerfile at `docker\/Dockerfile.prod`/,
      /relative to the working directory/,
    ],
    [
      'a folder for a Dockerfile',
      { 'docker/Dockerfile': GOOD },
      { file: 'docker' },
      /`docker` is a folder in this commit, and no Dockerfile/,
      /`file` names the Dockerfile/,
    ],
    [
      'no such context',
      { a: '' },
      { context: 'services/api' },
      /no build context at `services\/api`/,
      /folder inside the repository/,
    ],
    [
      'a context outside',
      { a: '' },
      { context: '../elsewhere' },
      /`context` is `\.\.\/elsewhere`, which is outside/,
      /own trees/,
    ],
    [
      'no such stage',
      { a: '' },
      { target: 'builder' },
      /target stage "builder" could not be found/,
      /the Dockerfile's stages are `build`/,
    ],
    ['a file that is not committed', { Dockerfile: `${GOOD}COPY app.jar /\n` }, {}, /app\.jar/, /committed files only/],
    ['a bad instruction', { Dockerfile: `${GOOD}COPPY a b\n` }, {}, /unknown instruction: COPPY/, /COPPY/],
  ] as const)('says what is wrong and what to do: %s', async (_, head, inputs, wrong, remedy) => {
    const result = await runOnce({ Dockerfile: GOOD }, head, { inputs })
    expectNoFigures(result)
    expect(result.annotations[0]!.message).toMatch(wrong)
    expect(result.annotations[0]!.message).toMatch(remedy)
    expect(result.summary).toMatch(wrong)
  })
})

describe('a base that cannot be measured is no baseline, and no failure', () => {
  it.each([
    ['does not build', { Dockerfile: 'FROM image-budget/base:1\nRUN exit 4\n' }, /`Dockerfile:2`.*exit code 4/],
    ['has no Dockerfile', { 'README.md': '' }, /there is no Dockerfile at `Dockerfile` in this commit/],
  ])('one that %s', async (_, base, why) => {
    const result = await runOnce(
      base,
      { Dockerfile: GOOD },
      { inputs: { 'max-size': '10 MB', 'max-increase': '1 kB' } },
    )
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'base-size': '', 'size-change': '' } })
    expect(Number(result.outputs.size)).toBeGreaterThan(0)
    expect(result.summary).toMatch(why)
    expect(github.state.comments).toMatchObject([{ body: expect.stringMatching(why) }])
  })

  it('still judges the caps', async () => {
    const result = await runOnce({ 'README.md': '' }, { Dockerfile: GOOD }, { inputs: { 'max-size': '1 MB' } })
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
  })
})

describe('a machine that lacks something', () => {
  let change: PullRequestFixture
  let bare: string
  beforeAll(() => {
    change = openPullRequest({ Dockerfile: GOOD }, { 'README.md': '' })
    bare = mkdtempSync(join(tmpdir(), 'image-budget-path-'))
    // A PATH with the docker CLI and no plugin, and one with git alone.
    const which = (program: string): string =>
      execFileSync('which', [program], { encoding: 'utf8', env: { ...process.env, ...env } }).trim()
    for (const [folder, programs] of [
      ['docker', ['docker', 'git', 'bash']],
      ['git', ['git', 'bash']],
    ] as const) {
      mkdirSync(join(bare, folder))
      for (const program of programs) symlinkSync(which(program), join(bare, folder, program))
    }
    mkdirSync(join(bare, 'config'))
  })
  afterAll(() => {
    change.dispose()
    rmSync(bare, { recursive: true })
  })

  it.each([
    [
      'no engine',
      () => ({ ...env, DOCKER_HOST: 'unix:///nowhere/docker.sock' }),
      /docker.sock/,
      /`docker info` must answer/,
    ],
    ['no docker', () => ({ PATH: join(bare, 'git') }), /`docker` is not installed/, /Install docker/],
    [
      'no buildx',
      () => ({ ...env, PATH: join(bare, 'docker'), DOCKER_CONFIG: join(bare, 'config') }),
      /no `buildx` plugin/,
      /docker\/setup-buildx-action/,
    ],
    ['no builder of that name', () => ({ ...env, BUILDX_BUILDER: 'gone' }), /no builder "gone"/, /docker buildx ls/],
  ])('says what and how to get it: %s', async (_, variables, what, remedy) => {
    const result = await change.run(variables(), { github })
    expectNoFigures(result)
    expect(result.annotations[0]!.message).toMatch(what)
    expect(result.annotations[0]!.message).toMatch(remedy)
  })

  it('has no checkout', async () => {
    const workspace = change.temp()
    const result = await change.run(env, { github, workspace })
    expectNoFigures(result)
    expect(result.annotations[0]!.message).toMatch(/not in a git repository[^]*actions\/checkout/)
  })
})

it('several bad inputs are one message, and nothing is built', async () => {
  const result = await runOnce(
    { Dockerfile: GOOD },
    { a: '' },
    { inputs: { 'max-size': '160', 'max-layers': 'ten', comment: 'sometimes', platforms: 'linux' } },
  )
  expectNoFigures(result)
  const { message } = result.annotations[0]!
  for (const named of [
    '4 inputs',
    '`max-size` has `160`',
    '`max-layers` has `ten`',
    '`comment` has `sometimes`',
    '`platforms` has `linux`',
  ])
    expect(message).toContain(named)
  expect(result.groups).toEqual([])
  expect(github.state.comments).toEqual([])
})
