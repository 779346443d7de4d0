import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { payload } from './payload.ts'
import { readLog, readPairs, runAction, type RunOptions, type RunResult } from './runner.ts'

const METADATA = `
name: Fake
inputs:
  max-size: { description: a }
  two words: { description: b, default: of two words }
  fail: { description: c, default: 'true' }
  github-token: { description: d, default: '\${{ github.token }}' }
runs: { using: node24, main: main.js }
`

let folder: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'runner-')))
  writeFileSync(join(folder, 'action.yml'), METADATA)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
})

afterEach(() => rmSync(folder, { recursive: true }))

/** Runs a script as an action. */
function run(main: string, options: Partial<RunOptions> = {}): Promise<RunResult> {
  writeFileSync(join(folder, 'main.js'), main)
  const event = payload('push', { repository: { full_name: 'octo-org/shop' } })
  return runAction({ event, workspace: folder, temp: join(folder, 'temp'), action: folder, ...options })
}

/** The environment that the action gets. */
async function environment(options: Partial<RunOptions> = {}): Promise<Record<string, string>> {
  const { stdout } = await run('console.log(JSON.stringify(process.env))', options)
  return JSON.parse(stdout) as Record<string, string>
}

describe('what an action is given', () => {
  it('every input: given, default, the token, or empty', async () => {
    const inputs = { 'max-size': '10 MB', fail: 'false' }
    expect(await environment({ inputs, token: 'secret$&' })).toMatchObject({
      'INPUT_MAX-SIZE': '10 MB',
      INPUT_TWO_WORDS: 'of two words',
      INPUT_FAIL: 'false',
      'INPUT_GITHUB-TOKEN': 'secret$&',
    })
    expect(await environment()).toMatchObject({ 'INPUT_MAX-SIZE': '', INPUT_FAIL: 'true' })
    await expect(run('', { inputs: { maxsize: '1' } })).rejects.toThrow('action.yml has no input maxsize')
  })

  it('Node 24, the workspace as working directory, and nothing of the test’s own environment', async () => {
    process.env.LEAK = 'leak'
    const { stdout } = await run(
      'console.log(process.version, process.cwd(), process.env.LEAK, process.env.JEST_WORKER_ID)',
    )
    delete process.env.LEAK
    expect(stdout).toMatch(/^v24\.\S+ /)
    expect(stdout.split(' ').slice(1).join(' ')).toBe(`${folder} undefined undefined\n`)
    expect(await environment({ env: { DOCKER_HOST: 'unix:///there' } })).toMatchObject({ DOCKER_HOST: 'unix:///there' })
  })

  it("a server's addresses, or ones where nobody listens", async () => {
    expect(await environment({ github: { url: 'http://127.0.0.1:1234' } })).toMatchObject({
      GITHUB_API_URL: 'http://127.0.0.1:1234',
      GITHUB_GRAPHQL_URL: 'http://127.0.0.1:1234/graphql',
      GITHUB_SERVER_URL: 'https://github.com',
    })
    expect((await environment()).GITHUB_API_URL).toMatch(/^http:\/\/127\.0\.0\.1:/)
  })

  const repository = { full_name: 'octo-org/shop' }
  it.each([
    [
      payload('pull_request.synchronize', { number: 7, repository }),
      {
        GITHUB_EVENT_NAME: 'pull_request',
        GITHUB_REF: 'refs/pull/7/merge',
        GITHUB_HEAD_REF: 'changes',
        GITHUB_BASE_REF: 'master',
      },
    ],
    [
      payload('merge_group.checks_requested', { repository, merge_group: { head_sha: 'a'.repeat(40) } }),
      {
        GITHUB_EVENT_NAME: 'merge_group',
        GITHUB_SHA: 'a'.repeat(40),
        GITHUB_REF: expect.stringContaining('refs/heads/gh-readonly-queue/main/pr-'),
      },
    ],
    [
      payload('push', { repository, ref: 'refs/heads/main', after: 'b'.repeat(40) }),
      { GITHUB_EVENT_NAME: 'push', GITHUB_SHA: 'b'.repeat(40), GITHUB_REF: 'refs/heads/main', GITHUB_REF_NAME: 'main' },
    ],
    [
      payload('workflow_dispatch', { repository }),
      { GITHUB_EVENT_NAME: 'workflow_dispatch', GITHUB_REF: 'refs/heads/main', GITHUB_SHA: 'c'.repeat(40) },
    ],
  ])('the facts of the event: %#', async (event, facts) => {
    const sha = event.name === 'workflow_dispatch' ? { sha: 'c'.repeat(40) } : {}
    expect(await environment({ event, ...sha })).toMatchObject({
      GITHUB_REPOSITORY: 'octo-org/shop',
      GITHUB_REPOSITORY_OWNER: 'octo-org',
      ...facts,
    })
    const { stdout } = await run(
      "import { readFileSync } from 'node:fs'; console.log(readFileSync(process.env.GITHUB_EVENT_PATH, 'utf8'))",
      { event },
    )
    expect(JSON.parse(stdout)).toEqual(event.payload)
  })
})

describe('what an action hands back', () => {
  it('outputs, state, summary, streams, commands and the exit code', async () => {
    const result = await run(`
      import { appendFileSync } from 'node:fs'
      appendFileSync(process.env.GITHUB_OUTPUT, 'size=12\\ncomment-body<<EOF\\na=b\\n\\nc<<d\\nEOF\\n')
      appendFileSync(process.env.GITHUB_STATE, 'folder=/tmp/x\\n')
      appendFileSync(process.env.GITHUB_STEP_SUMMARY, '# Hello\\n')
      console.log('::warning file=Dockerfile,line=3::grew')
      console.error('on stderr')
      process.exitCode = 2`)
    expect(result).toMatchObject({
      exitCode: 2,
      signal: null,
      outputs: { size: '12', 'comment-body': 'a=b\n\nc<<d' },
      state: { folder: '/tmp/x' },
      summary: '# Hello\n',
      stderr: 'on stderr\n',
      annotations: [{ level: 'warning', message: 'grew', properties: { file: 'Dockerfile', line: '3' } }],
    })
  })

  it('is told to stop when the job is cancelled', async () => {
    const abort = new AbortController()
    const result = await run(
      `process.on('SIGINT', () => { console.log('cleaned up'); process.exit(130) })
       setInterval(() => {}, 1000); console.log('ready')`,
      { signal: abort.signal, onOutput: (text) => text.includes('ready') && abort.abort() },
    )
    expect(result).toMatchObject({ exitCode: 130, stdout: 'ready\ncleaned up\n' })
  })
})

describe('a log as the runner reads it', () => {
  it('has annotations with their escapes undone, and no more than once', () => {
    const log =
      '::error file=a%2Cb%3A,line=1,title=x%25::50%25 of%0Atwo %250A lines\n  ::notice::indented\ntext ::error::no'
    expect(readLog(log).annotations).toEqual([
      { level: 'error', message: '50% of\ntwo %0A lines', properties: { file: 'a,b:', line: '1', title: 'x%' } },
      { level: 'notice', message: 'indented', properties: {} },
    ])
  })

  it('obeys the older form anywhere in a line, which hostile output may use', () => {
    expect(readLog('#12 0.3 ##[error file=x;line=2]boo').annotations).toEqual([
      { level: 'error', message: 'boo', properties: { file: 'x', line: '2' } },
    ])
  })

  it('has groups', () => {
    expect(readLog('a\n::group::Build of head\nb\nc\n::endgroup::\nd\n::group::e\nf').groups).toEqual([
      { title: 'Build of head', lines: ['b', 'c'] },
      { title: 'e', lines: ['f'] },
    ])
  })

  it('obeys nothing between stop-commands and its token', () => {
    const log =
      '::stop-commands::t0ken\n::error::not obeyed\n::group::neither\n::t0ken::\n::error::obeyed\n::add-mask::s3cret'
    expect(readLog(log)).toEqual({
      annotations: [{ level: 'error', message: 'obeyed', properties: {} }],
      groups: [],
      masks: ['s3cret'],
    })
  })
})

describe('a file of pairs', () => {
  it('refuses what the runner refuses', () => {
    expect(readPairs('a=b=c<<d\ne<<E\n\nE\nf<<F\nF\n')).toEqual({ a: 'b=c<<d', e: '', f: '' })
    expect(() => readPairs('a<<EOF\nb\n')).toThrow("Matching delimiter not found 'EOF'")
    expect(() => readPairs('a\n')).toThrow("Invalid format 'a'")
  })
})

describe('payloads', () => {
  it('speak of the repository and pull request that they were asked for, and of no other', () => {
    const { payload: body } = payload('pull_request.opened', {
      number: 7,
      repository: { full_name: 'octo-org/shop' },
      pull_request: { head: { sha: 'f'.repeat(40), repo: { full_name: 'mallory/shop', fork: true } } },
    })
    expect(body).toMatchObject({
      action: 'opened',
      number: 7,
      repository: { name: 'shop', full_name: 'octo-org/shop', owner: { login: 'octo-org' } },
      pull_request: {
        number: 7,
        html_url: 'https://github.com/octo-org/shop/pull/7',
        base: { ref: 'master', repo: { full_name: 'octo-org/shop' } },
        head: { ref: 'changes', sha: 'f'.repeat(40), repo: { full_name: 'mallory/shop', name: 'shop', fork: true } },
      },
    })
    expect(JSON.stringify(body)).not.toContain('Hello-World')
    expect(JSON.stringify(body)).not.toMatch(/(pulls?|issues)\/2\b/)
  })

  it('are not changed by the next one', () => {
    payload('push', { repository: { full_name: 'octo-org/shop' }, ref: 'refs/heads/other' })
    expect(payload('push').payload).toMatchObject({
      ref: 'refs/heads/master',
      repository: { full_name: 'Codertocat/Hello-World' },
    })
  })
})
