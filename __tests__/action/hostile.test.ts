import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { engines } from '../support/engine.ts'
import { elements, links, references, rendered } from '../support/github-markdown.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** What a pull request may hold to act on the runner, on readers or on the comment; a build prints it, a name or an instruction has it. */
const { env } = engines()[0]!
const TOKEN = 'ghs_0123456789abcdefghijABCDEFGHIJ012345'
const SECRET = 'correct-horse-battery-staple'
const COMMANDS = [
  '::error file=main.ts,line=1::forged',
  '::set-output name=verdict::within',
  '::add-mask::a',
  '::endgroup::',
  '::stop-commands::forged',
  '##[error]forged',
  '##[add-mask]b',
]
const MARKUP = '<img src=x onerror=alert(1)> @everyone | `a`](http://evil.example) <!-- -->'

let github: GitHub
beforeEach(async () => {
  github = await startGitHub({ tokens: { [TOKEN]: { kind: 'actions', permissions: { pull_requests: 'write' } } } })
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

/** All that a run hands to anybody. */
function everythingOf(result: RunResult): string {
  const { stdout, stderr, summary, outputs } = result
  const masksLeft = stdout.replaceAll(/^::add-mask::.*$/gm, '')
  const report = readFileSync(outputs.report!, 'utf8')
  return [
    masksLeft,
    stderr,
    summary,
    report,
    ...Object.values(outputs),
    ...github.state.comments.map(({ body }) => body),
  ].join('\n')
}

/** A shell command that prints the lines, none of which stands in its own text. */
function printing(lines: string[]): string {
  const encoded = Buffer.from(`${lines.join('\n')}\n`).toString('base64')
  return `echo ${encoded} | base64 -d`
}

describe('what a build and `before-build` print', () => {
  let change: PullRequestFixture
  beforeAll(() => {
    change = openPullRequest(
      { Dockerfile: 'FROM image-budget/base:1\n' },
      {
        Dockerfile: `FROM image-budget/base:1\nRUN : ${randomUUID()}; ${printing(COMMANDS)}; ${printing(COMMANDS)} >&2; head -c 50000 /dev/zero >/big\n`,
      },
    )
  })
  afterAll(() => change.dispose())

  it.each([
    ['the build of the change', {}],
    ['`before-build`', { 'before-build': `${printing(COMMANDS)}; ${printing(COMMANDS)} >&2` }],
  ])('is text to the runner: %s', async (_, more) => {
    const result = await change.run(env, { github, token: TOKEN, inputs: { 'max-increase': '1 kB', ...more } })
    expect(result.outputs.verdict).toBe('over')
    expect(result.annotations.map(({ level, properties }) => [level, properties.file, properties.line])).toEqual([
      ['error', 'Dockerfile', '2'],
    ])
    expect(result.masks).toEqual([TOKEN])
    expect(result.groups).toHaveLength(2)
    // It is shown, all the same.
    expect(result.groups.flatMap(({ lines }) => lines).join('\n')).toContain('::error file=main.ts,line=1::forged')
  })
})

describe('what names and instructions say', () => {
  it('is text in comment, summary and annotation', async () => {
    const instruction = `RUN head -c 50000 /dev/zero >/big; : '${MARKUP} ::error::forged ##[error]forged %0A::error::forged'`
    const change = openPullRequest(
      { Dockerfile: 'FROM image-budget/base:1\n' },
      { Dockerfile: `FROM image-budget/base:1\n${instruction}\n` },
      { base: { ref: 'main`|<b>@everyone' } },
    )
    // The base's sha is what counts; overrides lay a hostile branch name over it.
    const event = { ...change.event, payload: structuredClone(change.event.payload) }
    Object.assign((event.payload.pull_request as { base: object }).base, { sha: change.base })
    const result = await change.run(env, {
      github,
      token: TOKEN,
      event,
      inputs: { name: 'api`|<i>@here', 'max-increase': '1 kB' },
    })
    change.dispose()

    expect(result.exitCode).toBe(1)
    expect(result.annotations).toHaveLength(1)
    expect(result.annotations[0]).toMatchObject({ level: 'error', properties: { file: 'Dockerfile', line: '2' } })
    const { body } = github.state.comments[0]!
    // Outside of code nothing of it may be left that Markdown, or GitHub's filters, act on.
    for (const text of [body, result.summary]) {
      const tree = rendered(text)
      expect(['img', 'b', 'i'].filter((name) => elements(tree).has(name))).toEqual([])
      expect(links(tree).filter((address) => address.includes('evil'))).toEqual([])
      expect(references(tree)).toEqual([])
    }
    expect(
      body
        .split('\n')
        .filter((line) => line.startsWith('| '))
        .every((line) => line.trimEnd().endsWith('|')),
    ).toBe(true)
  })

  it('a failing instruction is text, too', async () => {
    const change = openPullRequest(
      { Dockerfile: 'FROM image-budget/base:1\n' },
      { Dockerfile: `FROM image-budget/base:1\nRUN false '${MARKUP} ::error::forged'\n` },
    )
    const result = await change.run(env, { github, token: TOKEN })
    change.dispose()
    expect(result.exitCode).toBe(2)
    expect(result.annotations).toHaveLength(1)
    const outside = github.state.comments[0]!.body.replaceAll(/(`+)(?!`)[^]*?[^`]\1(?!`)/g, '')
    expect(outside).not.toMatch(/<img|@everyone|\]\(http:\/\/evil/)
  })
})

describe('what must not be seen', () => {
  const dockerfile =
    'FROM image-budget/base:1\nRUN --mount=type=secret,id=key test -s /run/secrets/key && wc -c </run/secrets/key >/length\n'

  it('the token and a secret’s value are in no output, comment or report, and masked in the log', async () => {
    const change = openPullRequest({ Dockerfile: dockerfile }, { Dockerfile: `${dockerfile}RUN echo 1 >/one\n` })
    const result = await change.run(env, {
      github,
      token: TOKEN,
      inputs: { secrets: `key=${SECRET}`, comment: 'always' },
      env: { ACTIONS_RUNTIME_TOKEN: TOKEN },
    })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
    expect(github.state.comments).toHaveLength(1)
    expect(result.masks).toEqual([TOKEN, SECRET])
    expect(everythingOf(result)).not.toContain(TOKEN)
    expect(everythingOf(result)).not.toContain(SECRET)
    change.dispose()
  })

  it('`before-build` gets neither the inputs nor the runner’s credentials, and what it says on failing stays in the log', async () => {
    const change = openPullRequest({ Dockerfile: 'FROM image-budget/base:1\n' }, { a: 'a' })
    const result = await change.run(env, {
      github,
      token: TOKEN,
      inputs: { secrets: `key=${SECRET}`, 'before-build': 'env | sort; echo "$API_KEY" >&2; exit 3' },
      env: {
        ACTIONS_RUNTIME_TOKEN: TOKEN,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: TOKEN,
        GITHUB_TOKEN: TOKEN,
        API_KEY: 'workflow-secret',
      },
    })
    expect(result.exitCode).toBe(2)
    expect(result.stdout).toMatch(/^IMAGE_BUDGET_SIDE=head$/m)
    expect(result.stdout).not.toMatch(/^(?:INPUT|ACTIONS)_/m)
    expect(everythingOf(result)).not.toContain(TOKEN)
    expect(everythingOf(result)).not.toContain(SECRET)
    expect(github.state.comments[0]!.body).toContain('`before-build` failed with exit code 3')
    expect(github.state.comments[0]!.body).not.toContain('workflow-secret')
    change.dispose()
  })
})
