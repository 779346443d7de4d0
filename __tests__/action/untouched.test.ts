import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFile, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { markerOf } from '../../src/github/comment.ts'
import type { Report } from '../../src/report/report.ts'
import { engines } from '../support/engine.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { payload, type Event } from '../support/payload.ts'
import { checkOut, createRepository, mergeCommit, type TestRepository } from '../support/repository.ts'
import { runAction, type RunOptions, type RunResult } from '../support/runner.ts'

// A machine that may be busy.
jest.setTimeout(60_000)

/** A required check must neither fail nor need an engine where the change has nothing to do with the image. */
const REPOSITORY = { full_name: 'octo-org/shop' }
const DOCKERFILE = 'FROM image-budget/base:1\nCOPY payload /payload\n'

let origin: TestRepository
let folder: string
let main: string
/** Branches from it: one changes the documentation, one the image `api`. */
let docs: string
let api: string
/** A PATH that has git and nothing else. */
let gitAlone: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-untouched-'))
  gitAlone = join(folder, 'bin')
  mkdirSync(gitAlone)
  symlinkSync(execFileSync('which', ['git'], { encoding: 'utf8' }).trim(), join(gitAlone, 'git'))
  origin = createRepository()
  main = origin.commit({
    'README.md': '1',
    ...Object.fromEntries(
      ['api', 'web', 'worker'].flatMap((name) => [
        [`${name}/Dockerfile`, DOCKERFILE],
        [`${name}/payload`, 'x'.repeat(100)],
      ]),
    ),
  })
  origin.git('checkout', '--quiet', '-b', 'docs')
  docs = origin.commit({ 'README.md': '2', 'docs/guide.md': '1' })
  origin.git('checkout', '--quiet', '-b', 'api', 'main')
  api = origin.commit({ 'api/payload': 'x'.repeat(50_100) })
})
afterAll(() => {
  origin.dispose()
  rmSync(folder, { recursive: true, force: true })
})

let github: GitHub
beforeEach(async () => {
  github = await startGitHub()
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

function pullRequest(head: string): Event {
  return payload('pull_request.synchronize', {
    number: 1,
    repository: REPOSITORY,
    pull_request: { number: 1, head: { ref: 'docs', sha: head }, base: { ref: 'main', sha: main } },
  })
}

/** Runs the action where there is git alone, on a shallow checkout of the pull request's merge. */
async function run(head: string, options: Partial<RunOptions> = {}): Promise<RunResult & { report: Report }> {
  const merge = mergeCommit(origin, main, head)
  const checkout = checkOut(origin, merge)
  const temp = mkdtempSync(join(folder, 'runner-'))
  const result = await runAction({
    event: pullRequest(head),
    workspace: checkout.dir,
    temp,
    github,
    sha: merge,
    env: { PATH: gitAlone },
    ...options,
    inputs: { context: 'api', ...options.inputs },
  })
  checkout.dispose()
  return { ...result, report: JSON.parse(readFileSync(result.outputs['report']!, 'utf8')) as Report }
}

it('passes without docker, builds nothing, and writes no comment', async () => {
  const result = await run(docs, { inputs: { context: 'api', 'max-size': '1 B', 'max-increase': '0 B' } })
  expect(result).toMatchObject({ exitCode: 0, annotations: [], groups: [], outputs: { verdict: 'within', size: '' } })
  expect(result.outputs).toMatchObject({ 'size-change': '', 'base-size': '', 'comment-url': '' })
  expect(result.outputs['comment-body']).toBe('`shop/api` is not touched by this change, and was not built.\n')
  expect(result.summary).toContain(`\`shop/api\` is not touched by this change`)
  expect(result.summary).toContain(`differs from main (\`${main.slice(0, 7)}\`)`)
  expect(result.report.images).toMatchObject([{ untouched: true, head: null, baseline: { commit: main, ref: 'main' } }])
  // Whether there is a comment to bring up to date is all that GitHub is asked.
  expect(github.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /repos/octo-org/shop/issues/1/comments',
  ])
})

describe('beside an engine that never answers', () => {
  const asked: Socket[] = []
  const silent = createServer((connection) => {
    asked.push(connection.on('error', () => {}))
    // Git is let go on, once.
    if (asked.length === 1) writeFile(join(folder, 'asked'), '\n', () => {})
  })
  afterEach(() => {
    for (const connection of asked) connection.destroy()
    silent.close()
  })

  it('ends all the same', async () => {
    const socket = join(folder, 'silent.sock')
    await new Promise<void>((resolve) => silent.listen(socket, resolve))
    execFileSync('mkfifo', [join(folder, 'asked')])
    const waiting = join(folder, 'waiting')
    mkdirSync(waiting)
    const git = execFileSync('which', ['git'], { encoding: 'utf8' }).trim()
    writeFileSync(
      join(waiting, 'git'),
      `#!/bin/bash\ncase " $* " in *' diff-tree '*) read -r <'${folder}/asked' ;; esac\nexec ${git} "$@"\n`,
      { mode: 0o755 },
    )
    const { PATH, ...env } = engines()[0]!.env
    const result = await run(docs, { env: { ...env, PATH: `${waiting}:${PATH}`, DOCKER_HOST: `unix://${socket}` } })
    expect(result).toMatchObject({ exitCode: 0, annotations: [], outputs: { verdict: 'within' } })
    expect(asked).not.toHaveLength(0)
  })
})

it('brings a comment up to date that says what was so before', async () => {
  const body = `${markerOf('shop/api')}\n### Image budget: \`shop/api\` is over by 1 MB`
  github.comment({ number: 1, login: 'github-actions[bot]', body })
  const result = await run(docs)
  expect(result).toMatchObject({ exitCode: 0, outputs: { 'comment-url': expect.stringContaining('#issuecomment-') } })
  expect(github.state.comments).toHaveLength(1)
  expect(github.state.comments[0]!.body).toContain('`shop/api` is not touched by this change, and was not built.')
  expect(github.state.comments[0]!.body).not.toContain('is over')
})

it('passes in a merge queue, too, and asks GitHub for nothing', async () => {
  const event = payload('merge_group.checks_requested', {
    repository: REPOSITORY,
    merge_group: { head_sha: docs, base_sha: main, base_ref: 'refs/heads/main' },
  })
  const result = await run(docs, { event })
  expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'comment-url': '' } })
  expect(github.requests).toEqual([])
})

describe('an image is measured all the same', () => {
  const noDocker = { exitCode: 2, outputs: { verdict: 'error' } }

  it('where `untouched` is `measure`', async () => {
    expect(await run(docs, { inputs: { untouched: 'measure' } })).toMatchObject(noDocker)
  })

  it('on a push: what is recorded is measured', async () => {
    const event = payload('push', { repository: REPOSITORY, ref: 'refs/heads/main', before: main, after: docs })
    expect(await run(docs, { event })).toMatchObject(noDocker)
  })

  it('where the change touches it', async () => {
    expect(await run(api)).toMatchObject(noDocker)
  })
})

it('builds of several images those that the change touches, in one report', async () => {
  const config = join(folder, 'budgets.yml')
  writeFileSync(config, 'images:\n  - { name: api, context: api }\n  - { name: web, context: web }\n')
  const result = await run(api, { env: engines()[0]!.env, inputs: { context: '', config, 'max-increase': '1 kB' } })
  expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'size-change': '50000' } })
  expect(result.report.images).toMatchObject([
    { name: 'api', untouched: false, verdict: 'over' },
    { name: 'web', untouched: true, verdict: 'within' },
  ])
  expect(result.groups.map(({ title }) => title)).toEqual([
    expect.stringContaining('api: Build this change'),
    expect.stringContaining('api: Build base'),
  ])
  const { body } = github.state.comments[0]!
  expect(body).toContain('1 of 2 images is over')
  expect(body).toContain('<summary>1 image not touched by this change</summary>\n\n`web`')
})
