import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import * as fc from 'fast-check'
import type { ImageReport, Report } from '../../src/report/report.ts'
import { markerOf } from '../../src/github/comment.ts'
import { engines } from '../support/engine.ts'
import { elements, links, references, rendered, textOf } from '../support/github-markdown.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { hostileReport } from '../support/hostile.ts'
import { payload, type Event, type JsonObject } from '../support/payload.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import { failedImage, failure, imageReport, overImage, report } from '../support/reports.ts'
import { runAction, type RunOptions, type RunResult } from '../support/runner.ts'

// Real builds and many runs, on a machine that may be busy.
jest.setTimeout(180_000)

/** A fork's reports, in a run on `workflow_run` whose token may write: whatever they are, they say nothing but what a report says. */
const TOKEN = 'ghs_0123456789abcdefghijABCDEFGHIJ012345'
const FORK = 'mallory/shop'
const HEAD = 'd4e5f6a7'.repeat(5)
const BOT = 'github-actions[bot]'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-forks-'))
  mkdirSync(join(folder, 'nothing'))
})
afterAll(() => rmSync(folder, { recursive: true }))

let github: GitHub
beforeEach(async () => {
  github = await startGitHub({
    tokens: {
      [TOKEN]: { kind: 'actions', permissions: { pull_requests: 'write' } },
      readonly: { kind: 'actions', permissions: { pull_requests: 'read', contents: 'read' } },
    },
    pullRequests: [
      { number: 1, head: { ref: 'feature', sha: HEAD, repository: FORK } },
      { number: 2, head: { ref: 'feature', sha: HEAD, repository: 'octo-org/shop' } },
      { number: 3, head: { ref: 'other', sha: HEAD, repository: FORK } },
    ],
  })
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

/** The run that follows a fork's. */
function followed(facts: JsonObject = {}): Event {
  return payload('workflow_run.completed', {
    repository: { full_name: 'octo-org/shop', default_branch: 'main' },
    workflow_run: {
      event: 'pull_request',
      head_sha: HEAD,
      head_branch: 'feature',
      head_repository: { full_name: FORK, owner: { login: 'mallory' } },
      ...facts,
    },
  })
}

/** Runs the second workflow's job: no checkout, no git, no docker. */
function run(reports: string, options: Partial<RunOptions> = {}): Promise<RunResult> {
  const nothing = join(folder, 'nothing')
  return runAction({
    event: followed(),
    workspace: nothing,
    temp: mkdtempSync(join(folder, 'runner-')),
    github,
    token: TOKEN,
    sha: 'f'.repeat(40),
    ...options,
    inputs: { mode: 'report', reports, comment: 'always', ...options.inputs },
    env: { PATH: nothing, HOME: nothing, ...options.env },
  })
}

/** A folder with these files, as the artifact had them. */
function artifact(files: Record<string, string | Uint8Array | Report>): string {
  const downloaded = mkdtempSync(join(folder, 'downloaded-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(downloaded, name)), { recursive: true })
    const isBytes = typeof content === 'string' || content instanceof Uint8Array
    writeFileSync(join(downloaded, name), isBytes ? content : JSON.stringify(content))
  }
  return downloaded
}

const reported = (of: Report, options?: Partial<RunOptions>): Promise<RunResult> =>
  run(artifact({ 'report.json': of }), options)

const comments = (): string[] => github.state.comments.map(({ body }) => body)
const written = (): string[] =>
  github.requests.filter(({ method, path }) => method !== 'GET' && path !== '/graphql').map(({ path }) => path)

const OURS = new Set('h3 h4 p table thead tbody tr th td strong code pre a ul li details summary sub'.split(' '))

/** What is shown has nothing but our own elements, links to this repository, and no reference; the log nothing that the runner obeys. */
function expectInert(result: RunResult, markdowns: string[] = [...comments(), result.summary]): void {
  for (const markdown of markdowns) {
    const tree = rendered(markdown)
    expect([...elements(tree)].filter((name) => !OURS.has(name))).toEqual([])
    expect(links(tree).filter((url) => !url.startsWith('https://github.com/octo-org/shop/'))).toEqual([])
    expect(references(tree)).toEqual([])
  }
  expect(result.masks).toEqual([TOKEN])
  expect(result.groups).toEqual([])
  expect(['within', 'over', 'error']).toContain(result.outputs['verdict'])
  // Of the terminal's sequences those for colours alone, which are ours.
  expect(result.stdout.replaceAll(/\p{Cc}\[\d*m/gu, '')).not.toContain('\u001b')
}

describe('the comment on a fork’s pull request', () => {
  let change: PullRequestFixture
  beforeAll(() => {
    change = openPullRequest(
      { Dockerfile: 'FROM image-budget/base:1\nCOPY payload /payload\n', payload: 'x' },
      { payload: 'x'.repeat(51_001) },
      { head: { repo: { full_name: FORK, owner: { login: 'mallory' }, fork: true } } },
    )
    // What is merged over the head is laid over its commit, too.
    ;(change.event.payload['pull_request'] as { head: JsonObject }).head['sha'] = change.head
    ;(change.event.payload['pull_request'] as { base: JsonObject }).base['sha'] = change.base
  })
  afterAll(() => change.dispose())

  it('is what its own run would have written, had it been allowed to', async () => {
    const { env } = engines()[0]!
    const pull = github.state.pullRequests[0]!
    pull.head.sha = change.head
    const inputs = { 'max-increase': '10 kB', 'accept-label': 'off' }
    const own = await change.run(env, { github, token: 'readonly', inputs })
    expect(own).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'comment-url': '' } })
    expect(comments()).toEqual([])

    const event = followed({ head_sha: change.head })
    const reports = artifact({ 'image-budget-shop/report.json': readFileSync(own.outputs['report']!) })
    const result = await run(reports, { event, inputs: { comment: 'on-change', 'accept-label': '' } })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'over' }, annotations: [], groups: [] })
    expect(github.state.comments).toMatchObject([{ number: 1, login: BOT }])
    expect(comments()).toEqual([`${markerOf('shop')}\n${own.outputs['comment-body']}`])
    expect(result.summary).toBe(own.summary)

    // Run again, it is brought up to date.
    await run(reports, { event })
    expect(comments()).toHaveLength(1)
    // Nothing was asked but whose pull request it is, and for the comment.
    const asked = github.requests.slice(-4).map(({ method, path }) => `${method} ${path}`)
    expect(asked.filter((each) => !/\/pulls$|\/issues\/1\/comments$|\/graphql$/.test(each))).toEqual([])
  })
})

describe('which pull request it is', () => {
  const over = report({ images: [overImage()] })

  it('is GitHub’s word: nothing in the report or beside it says otherwise', async () => {
    const numbers = { 'pr-number': '2', 'NR.txt': '2', 'report.json': over }
    const result = await run(artifact(numbers), { event: followed({ pull_requests: [{ number: 2 }] }) })
    expect(result.exitCode).toBe(0)
    expect(github.state.comments.map(({ number }) => number)).toEqual([1])
    const forged = await reported(JSON.parse(JSON.stringify({ ...over, number: 2, pullRequest: 2 })) as Report)
    expect(forged.exitCode).toBe(2)
    expect(comments()).toHaveLength(1)
  })

  it.each([
    ['was pushed to since', { head_sha: 'e'.repeat(40) }, 'feature of mallory/shop was pushed to since eeeeeee'],
    ['is closed', { head_branch: 'gone' }, 'gone of mallory/shop has no open pull request any more'],
    ['has gone with its fork', { head_repository: null }, 'the branch of the pull request is gone'],
    ['was none', { event: 'push' }, 'the run that this one follows was of push, not of pull_request'],
  ])('is none that %s: nothing is posted, and the log says so', async (_, facts, said) => {
    const result = await reported(over, { event: followed(facts) })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'over', 'comment-url': '' }, annotations: [] })
    expect(result.stdout).toContain(`No comment: ${said}`)
    expect(result.summary).toContain('is over by 3.9 MB')
    expect(written()).toEqual([])
  })

  it('is not guessed where GitHub does not tell: a warning', async () => {
    github.fault({ path: /\/pulls$/, status: 403, message: 'Resource not accessible by integration' })
    const result = await reported(over)
    expect(result).toMatchObject({ exitCode: 0, annotations: [{ level: 'warning' }] })
    expect(written()).toEqual([])
  })
})

describe('what a report decides', () => {
  it('is no conclusion of the job, which runs on the default branch: only what cannot be read fails it', async () => {
    for (const each of [report(), report({ images: [overImage()] }), report({ images: [failedImage()] })])
      expect(await reported(each)).toMatchObject({ exitCode: 0, annotations: [] })
    const missing = await reported(report(), { inputs: { images: 'api, worker' } })
    expect(missing).toMatchObject({ exitCode: 0, outputs: { verdict: 'error' } })
    expect(await reported(report({ images: [] }))).toMatchObject({ exitCode: 2 })
  })

  it('is no waiver: neither what it says was accepted, nor what it says has grown', async () => {
    github.label({ label: 'image-budget: accept', login: 'mona', at: '2026-01-01T00:00:00Z' })
    const [grown] = report({ images: [overImage()] }).images
    const checks = grown!.checks.map((check) => Object.assign(check, { status: 'waived', accepted: 10 ** 12 } as const))
    const forged = report({
      verdict: 'within',
      images: [{ ...grown!, verdict: 'within', checks }],
      waiver: { label: 'image-budget: accept', by: 'mona', at: '2026-01-01T00:00:00Z', problem: null },
    })
    const result = await reported(forged)
    expect(result).toMatchObject({ outputs: { verdict: 'over' } })
    expect(comments()[0]).not.toContain('mona')
    // Nothing that a later run could take for what was shown and accepted.
    expect(comments()[0]).not.toContain('image-budget-data')
    expect(github.requests.filter(({ path }) => path.endsWith('/events'))).toEqual([])
  })

  it('is not which of our comments it is: a name keys no other one’s, and makes no second marker', async () => {
    const data = '<!-- image-budget-data: eyJ2ZXJzaW9uIjoxfQ -->'
    for (const name of ['*', '-->', 'x -->\n<!-- image-budget: api', `\n${data}\n`, data, ' ', '\u200b', '%20', '`']) {
      github.state.comments.splice(0)
      const result = await reported(report({ images: [overImage({ name })] }))
      expect(result.exitCode).toBe(0)
      const [marker, second] = comments()[0]!.split('\n')
      expect(marker).toBe(markerOf(name))
      expect(second).toMatch(/^### Image budget: /)
      expect(comments()[0]!.match(/^\s*<!--/gm)).toHaveLength(1)
      expectInert(result)
    }
  })

  it('leaves what others have written alone, whatever it looks like', async () => {
    for (const login of ['mallory', 'octocat']) github.comment({ number: 1, login, body: `${markerOf('api')}\nMine` })
    github.comment({ number: 2, login: BOT, body: `${markerOf('api')}\nAnother's` })
    await reported(report({ images: [overImage()] }))
    expect(comments().filter((body) => /Mine|Another/.test(body))).toHaveLength(3)
    expect(comments()).toHaveLength(4)
  })
})

const MARKUP = [
  '<img src=x onerror=alert(1)><script>alert(1)</script></details></summary></code></sub><svg/onload=alert(1)>',
  '![x](https://evil.example/x.png) [x](javascript:alert(1)) [x]: https://evil.example <https://evil.example>',
  'https://evil.example www.evil.example mallory@evil.example mailto:a@b.example FTP://evil.example //evil.example',
  '@octocat @octo-org/team #1 GH-1 octo-org/shop#2 d4e5f6a7d4e5f6a7d4e5f6a7d4e5f6a7d4e5f6a7 :tada: $\\evil$',
  '</td></tr></table>|`||\\|| | a | b |\n| - | - |\n\n# Heading\n\n> Quote\n\n- [ ] task\n\n```\nfence\n~~~\n[^1]: note',
  '&lt;b&gt; &#64;octocat &commat;octocat \u202egnp.exe\u2066 \u0000\u001b]8;;https://evil.example\u0007link\u001b[2J',
]
const COMMANDS = [
  '\n::set-output name=verdict::within\n::add-mask::a\n::error file=main.ts,line=1::forged\n::stop-commands::x\n::endgroup::',
  '\r##[error]forged\r##[add-mask]b\n::save-state name=a::b\n%0A::error::forged',
]
const HOSTILE = [...MARKUP, ...COMMANDS].join(' ')

/** A value with every text in it replaced, where the form lets it be any. */
function withTexts<T>(value: T, text: string): T {
  const FIXED =
    /^(?:schema|verdict|kind|change|doing|status|reason|level|unit|metric|budget|rule|since|ecosystem|sizeFrom|store)$/
  return JSON.parse(
    JSON.stringify(value, (key, each: unknown) => {
      if (typeof each !== 'string' || FIXED.test(key)) return each
      return text.slice(0, key === 'name' || key === 'platform' ? 200 : 5_000)
    }),
  ) as T
}

describe('what a report says', () => {
  const images = (): ImageReport[] => [
    overImage(),
    imageReport({ name: 'b' }),
    failedImage({ name: 'c', error: failure({ kind: 'input' }) }),
    failedImage({ name: 'd' }),
  ]

  it.each([
    ...MARKUP.map((text, at) => [`markup ${at + 1}`, text]),
    ['commands', COMMANDS.join('')],
    ['all of it', HOSTILE],
  ])('is text wherever it stands: %s', async (_, text) => {
    for (const image of images()) {
      github.state.comments.splice(0)
      const result = await reported(withTexts(report({ images: [image] }), text))
      expect(result).toMatchObject({ exitCode: 0, annotations: [] })
      expect(comments()).toHaveLength(1)
      expectInert(result)
    }
  })

  it('is text for several images, too, whatever it is made of', async () => {
    const attacks = fc.sample(hostileReport, { numRuns: 60, seed: 6 })
    const named = attacks.flatMap((attack, at) =>
      attack.images.map((image) => Object.assign(image, { name: `${at}${image.name}`.slice(0, 200), platform: null })),
    )
    const distinct = named.filter(({ name }, at) => named.findIndex((other) => other.name === name) === at)
    const result = await reported(report({ images: distinct, gonePlatforms: attacks.map(({ version }) => version) }))
    expect(result).toMatchObject({ exitCode: 0, annotations: [] })
    expectInert(result)
    expect(textOf(rendered(comments()[0]!), 'h3')).toMatch(/^Image budget: /)
  })

  it('names no address: not of the repository, the run, a check or a place', async () => {
    const evil = [
      'javascript:alert(1)',
      'https://evil.example/',
      'https://github.com/octo-org/shop/](https://evil.example)',
    ]
    for (const url of evil) {
      github.state.comments.splice(0)
      const image = overImage({ warnings: [{ rule: 'FromAsCasing', message: 'x', line: 1, url }] })
      const result = await reported(report({ images: [image], repositoryUrl: url, runUrl: url }))
      expectInert(result)
      expect(comments()[0]).not.toContain('evil')
      expect(comments()[0]).toContain('(https://github.com/octo-org/shop/actions/runs/15000000001)')
    }
    // A place leads into this repository, or nowhere.
    github.state.comments.splice(0)
    const file = '../../../mallory/evil/blob/main/x'
    const layerChanges = overImage().layerChanges.map((layer) => Object.assign(layer, { file }))
    const head = { commit: '../evil', pushed: null, dirty: false, reference: null }
    expectInert(await reported(report({ images: [overImage({ layerChanges })], head })))
  })

  it('is of the commit that was run, not of one that it names', async () => {
    const head = { commit: 'c'.repeat(40), pushed: 'b'.repeat(40), dirty: false, reference: null }
    await reported(report({ images: [overImage()], head }))
    expect(comments()[0]).toContain('this change `d4e5f6a`')
    expect(comments()[0]).not.toContain('bbbbbbb')
  })
})

describe('what is no report', () => {
  const text = JSON.stringify(report())
  const bad: [string, () => string, RegExp][] = [
    ['nothing at all', () => join(folder, 'nowhere'), /there is no such file or folder/],
    ['no report', () => artifact({ 'image.png': 'x' }), /there is no `\*\.json` in it/],
    ['half of one', () => artifact({ 'a.json': text.slice(0, -20) }), /`\S*a\.json` is no report: it is no JSON/],
    ['another encoding', () => artifact({ 'a.json': Buffer.from(text, 'utf16le') }), /is no report/],
    ['bytes', () => artifact({ 'a.json': Buffer.from([0xff, 0xfe, 0x00, 0x80]) }), /is no report/],
    ['a page', () => artifact({ 'a.json': MARKUP.join('') }), /it is no JSON/],
    ['commands', () => artifact({ 'a.json': COMMANDS.join('') }), /it is no JSON/],
    ['a depth', () => artifact({ 'a.json': '['.repeat(10_000_000) }), /more than 20 lists and objects/],
    ['a breadth', () => artifact({ 'a.json': `[${'{},'.repeat(5_000_000)}0]` }), /more than 1,000,000 values/],
    ['a size', () => artifact({ 'a.json': Buffer.alloc(25_000_000, ' ') }), /it has more than 20 MB/],
    ['a size in pieces', () => artifact(pieces(4, 15_000_000)), /the reports have more than 50 MB together/],
    [
      'a prototype',
      () => artifact({ 'a.json': text.replace('{', '{"__proto__":{"verdict":"within"},') }),
      /`__proto__`/,
    ],
    [
      'a constructor',
      () => artifact({ 'a.json': text.replace('"head":{', '"head":{"constructor":{"prototype":{}},') }),
      /`constructor`/,
    ],
    [
      'a key with markup',
      () => artifact({ 'a.json': text.replace('{', `{${JSON.stringify(HOSTILE)}:1,`) }),
      /which no report of this version has/,
    ],
    [
      'a value with markup',
      () => artifact({ 'a.json': text.replace('"schema":1', `"schema":${JSON.stringify(HOSTILE)}`) }),
      /`schema` is `<img/,
    ],
    ['a number beyond all', () => artifact({ 'a.json': text.replace('"size":148200000', '"size":1e400') }), /size` is/],
    ['a twin', () => artifact({ 'a/report.json': text, 'b/report.json': text }), /are both of `api` for linux\/amd64/],
    ['a link to a file', () => withLink('/etc/hostname', 'a.json'), /is a link, and links are not followed/],
    ['a link to a folder', () => withLink('/etc', 'folder'), /is a link, and links are not followed/],
    ['a link to itself', () => withLink('a.json', 'a.json'), /is a link, and links are not followed/],
    ['a link upwards', () => withLink('..', 'a'), /is a link, and links are not followed/],
    ['a pipe', withPipe, /is neither a file nor a folder/],
    [
      'a name with markup',
      () => artifact({ ['<b>@octocat `x`\n::error::forged/a.json']: 'x' }),
      /a\.json` is no report/,
    ],
    ['a depth of folders', () => artifact({ [`${'a/'.repeat(100)}a.json`]: text }), /more than 8 folders deep/],
  ]

  function pieces(count: number, bytes: number): Record<string, Uint8Array> {
    return Object.fromEntries(
      Array.from({ length: count }, (_, at) => [
        `${at}.json`,
        Buffer.concat([
          Buffer.from(JSON.stringify(report({ images: [imageReport({ name: `i${at}` })] }))),
          Buffer.alloc(bytes, ' '),
        ]),
      ]),
    )
  }

  function withLink(target: string, name: string): string {
    const downloaded = artifact({ 'report.json': text })
    symlinkSync(target, join(downloaded, name))
    return downloaded
  }

  function withPipe(): string {
    const downloaded = artifact({ 'report.json': text })
    execFileSync('mkfifo', [join(downloaded, 'pipe.json')])
    return downloaded
  }

  it.each(bad)('is an error that says what is wrong, and writes nowhere: %s', async (_, prepare, said) => {
    const result = await run(prepare())
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
    expect(result.annotations).toMatchObject([{ level: 'error', message: expect.stringMatching(said) }])
    // Of what is there only a line is told.
    expect(result.annotations[0]!.message.length).toBeLessThan(1_000)
    expect(result.annotations[0]!.properties).toEqual({ title: expect.not.stringContaining('::') })
    expect(written()).toEqual([])
    expectInert(result)
  })

  it('is not looked through to its end: 100,000 files', async () => {
    const many = mkdtempSync(join(folder, 'many-'))
    for (let at = 0; at < 100_000; at += 1) writeFileSync(join(many, `${at}.json`), text)
    const result = await run(many)
    expect(result).toMatchObject({ exitCode: 2 })
    expect(result.annotations[0]?.message).toMatch(/there are more than 1,000 of them/)
    rmSync(many, { recursive: true })
  })

  it('is nothing to go by: neither a budget file in the artifact, nor a repository that git would look at', async () => {
    const workspace = artifact({
      'report.json': report({ images: [overImage()] }),
      '.github/image-budget.yml': "comment: 'off'\nimages:\n  - name: other\n",
      '.git/HEAD': 'ref: refs/heads/main\n',
      '.git/config': '[core]\n\tfsmonitor = touch ran\n',
    })
    const tools = mkdtempSync(join(folder, 'tools-'))
    writeFileSync(join(tools, 'git'), '#!/bin/sh\necho >"${0%/*}/ran"\n', { mode: 0o755 })
    const result = await run('.', { workspace, env: { PATH: tools } })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'over' } })
    expect(comments()).toHaveLength(1)
    expect(readdirSync(tools)).toEqual(['git'])
  })

  it('is not reached by a path: what lies outside of the folder is not read', async () => {
    const downloaded = artifact({ 'report.json': text, '..%2f..%2fsecret.json': 'x' })
    const result = await run(downloaded)
    expect(result.annotations[0]?.message).toMatch(/\.\.%2f\.\.%2fsecret\.json` is no report/)
  })
})
