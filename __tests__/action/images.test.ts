import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { elements, links, references, rendered, textOf } from '../support/github-markdown.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import type { ImageOptions } from '../support/images.ts'
import { makeLayer } from '../support/layers.ts'
import { payload, type Event } from '../support/payload.ts'
import { startRegistry, type Registry } from '../support/registry.ts'
import { runAction, type RunOptions, type RunResult } from '../support/runner.ts'
import { gzipped, imageOf, layerOf, layoutOf, named } from '../support/saved-images.ts'

// A machine that may be busy.
jest.setTimeout(60_000)

/** The action on images where they lie: a workflow that checks nothing out, on a runner that has neither git nor docker. */
const TOKEN = 'ghs_0123456789abcdefghijABCDEFGHIJ012345'
const PASSWORD = 'correct-horse-battery-staple'
const HEAD = '1'.repeat(40)

let folder: string
let registry: Registry
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-images-'))
  mkdirSync(join(folder, 'nothing'))
  const base = { 'app/base': 'a'.repeat(20_000) }
  registry = await startRegistry({
    images: {
      'acme/api:latest': image(base, { 'app/main': 'b'.repeat(1000) }),
      'acme/api:pr-1': image(base, { 'app/main': 'b'.repeat(21_000) }),
      'acme/api:both': [image(base), { ...image(base), platform: 'linux/arm64' }],
    },
    login: { kind: 'token', anonymous: true },
  })
})
afterAll(async () => {
  await registry.stop()
  rmSync(folder, { recursive: true })
})

let github: GitHub
beforeEach(async () => {
  github = await startGitHub({ tokens: { [TOKEN]: { kind: 'actions', permissions: { pull_requests: 'write' } } } })
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

/** An image of gzipped layers of these files. */
function image(...layers: Record<string, string>[]): ImageOptions {
  const made = layers.map(makeLayer)
  const rootfs = { type: 'layers', diff_ids: made.map(({ diffId }) => diffId) }
  const history = made.map((_, at) => ({ created_by: `COPY layer-${at + 1} /app # buildkit` }))
  return { layers: made.map((layer) => layer.packed), config: { rootfs, history } }
}

const docker = (name: string): string => `docker://${registry.host}/${name}`

function pullRequest(): Event {
  return payload('pull_request.synchronize', {
    number: 1,
    repository: { full_name: 'octo-org/shop' },
    pull_request: { number: 1, head: { ref: 'feature', sha: HEAD }, base: { ref: 'main', sha: '2'.repeat(40) } },
  })
}

/** Runs the action in an empty workspace, with an empty PATH; what it left in `RUNNER_TEMP` besides its report is an error. */
async function run(inputs: Record<string, string>, options: Partial<RunOptions> = {}): Promise<RunResult> {
  const temp = mkdtempSync(join(folder, 'runner-'))
  const result = await runAction({
    event: pullRequest(),
    workspace: join(folder, 'nothing'),
    temp,
    github,
    token: TOKEN,
    inputs,
    ...options,
    env: { PATH: join(folder, 'nothing'), HOME: join(folder, 'nothing'), TMPDIR: temp, ...options.env },
  })
  const left = readdirSync(temp, { recursive: true, encoding: 'utf8' }).filter((path) => /image-budget-/.test(path))
  expect(left.filter((path) => !path.endsWith('.json'))).toEqual([])
  return result
}

const reportOf = ({ outputs }: RunResult): Report => JSON.parse(readFileSync(outputs['report']!, 'utf8')) as Report
const comments = (): string[] => github.state.comments.map(({ body }) => body)

/** What nobody may read a number of an image in. */
function expectNoNumber(result: RunResult): void {
  const report = reportOf(result)
  expect(report).toMatchObject({
    verdict: 'error',
    images: [{ head: null, base: null, change: null, layerChanges: [] }],
  })
  for (const text of [result.summary, ...comments(), ...result.annotations.map(({ message }) => message)])
    expect(text).not.toMatch(/\d\s[kMG]?B\b/)
  for (const name of ['size', 'size-change', 'download-size', 'download-size-change', 'layers'])
    expect(result.outputs[name] ?? '').toBe('')
}

describe('images in a registry, on a pull request', () => {
  it('are compared in a comment that names both', async () => {
    const result = await run({ image: docker('acme/api:pr-1'), baseline: docker('acme/api:latest') })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'size-change': '20000' } })
    expect(comments()).toHaveLength(1)
    const text = textOf(rendered(comments()[0]!))
    for (const words of [
      'acme/api',
      'api:latest',
      'api:pr-1',
      '+20.0 kB',
      docker('acme/api:latest'),
      docker('acme/api:pr-1'),
    ])
      expect(text).toContain(words)
    expect(text).toContain('COPY layer-2 /app')
    expect(textOf(rendered(result.summary))).toContain('+20.0 kB')
    expect(reportOf(result)).toMatchObject({
      head: { reference: docker('acme/api:pr-1'), commit: null, pushed: null },
      images: [{ baseline: { kind: 'image', ref: docker('acme/api:latest') }, change: { size: { amount: 20_000 } } }],
    })
  })

  it.each([
    [0, 'within', { 'max-increase': '20 kB', 'max-size': '41 kB' }],
    [1, 'over', { 'max-increase': '19.9 kB' }],
    [1, 'over', { 'max-increase': '10%' }],
    [1, 'over', { 'max-size': '40.9 kB' }],
    [0, 'over', { 'max-size': '40.9 kB', fail: 'false' }],
  ])('end with %i, %s: %j', async (exitCode, verdict, limits) => {
    const inputs = { image: docker('acme/api:pr-1'), baseline: docker('acme/api:latest'), comment: 'off', ...limits }
    expect(await run(inputs)).toMatchObject({ exitCode, outputs: { verdict } })
  })

  it('have no comparison where the first release is still to come, and are judged by what needs none', async () => {
    const inputs = { image: docker('acme/api:pr-1'), baseline: docker('acme/api:next'), 'max-increase': '1 kB' }
    const result = await run({ ...inputs, comment: 'always' })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within', 'size-change': '' } })
    expect(textOf(rendered(comments()[0]!))).toMatch(
      /nothing to compare with: docker:\/\/\S+\/acme\/api:next: \S+ does not have the manifest of next/,
    )
    expect(await run({ ...inputs, 'max-size': '40 kB' })).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
  })

  it('that cannot be read are an error, and no growth passes unseen', async () => {
    registry.fault({ path: /manifests\/latest/, times: 1, answer: { status: 500 } })
    const inputs = { image: docker('acme/api:pr-1'), baseline: docker('acme/api:latest'), 'max-increase': '1 kB' }
    const result = await run(inputs)
    expect(result).toMatchObject({ exitCode: 2, outputs: { verdict: 'error' } })
    expect(comments()[0]).toContain('could not be measured')
    expect(comments()[0]).toMatch(/answered 500/)
    expectNoNumber(result)
  })

  it('have a row for each platform, and those that are gone are named', async () => {
    const result = await run({ image: docker('acme/api:pr-1'), baseline: docker('acme/api:both'), comment: 'always' })
    expect(reportOf(result)).toMatchObject({ gonePlatforms: ['linux/arm64'], images: [{ platform: 'linux/amd64' }] })
    expect(textOf(rendered(comments()[0]!))).toContain('linux/arm64')
    const more = await run({ image: docker('acme/api:both'), baseline: docker('acme/api:pr-1'), comment: 'always' })
    expect(reportOf(more).images.map(({ platform, base }) => [platform, base === null])).toEqual([
      ['linux/amd64', false],
      ['linux/arm64', true],
    ])
  })
})

describe('a login', () => {
  it('is taken from `DOCKER_CONFIG`, and a wrong password is told with the remedy and without the password', async () => {
    const user = { username: 'octo', password: PASSWORD }
    const closed = await startRegistry({
      images: { 'acme/api:1': image({ a: 'a' }) },
      login: { kind: 'basic', ...user },
    })
    const login = (password: string): RunOptions['env'] => {
      const config = mkdtempSync(join(folder, 'config-'))
      const auth = Buffer.from(`octo:${password}`).toString('base64')
      writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [closed.host]: { auth } } }))
      return { DOCKER_CONFIG: config }
    }
    const inputs = { image: `docker://${closed.host}/acme/api:1` }
    const right = await run(inputs, { env: login(PASSWORD)! })
    expect(right).toMatchObject({ exitCode: 0, outputs: { size: '1' } })
    const wrong = await run(inputs, { env: login('wrong-horse')! })
    await closed.stop()
    expect(wrong.exitCode).toBe(2)
    expect(comments().at(-1)).toMatch(
      /refuses the credentials.*401[^]*`docker login 127\.0\.0\.1:\d+`[^]*docker\/login-action/,
    )
    expectNoNumber(wrong)
    for (const { stdout, stderr, summary, outputs } of [right, wrong]) {
      const all = [stdout, stderr, summary, readFileSync(outputs['report']!, 'utf8'), ...comments()].join('\n')
      for (const secret of [PASSWORD, 'wrong-horse', Buffer.from('octo:').toString('base64').slice(0, 6)])
        expect(all).not.toContain(secret)
    }
  })
})

describe('inputs', () => {
  it.each([
    [{ image: 'acme/api:1' }, /`image` has `acme\/api:1`; it takes .*`docker:\/\/NAME`/],
    [{ image: 'oci:x', baseline: 'build' }, /`baseline` is `build`, but with `image` nothing is built/],
    [
      { image: 'oci:x', target: 'app', platforms: 'linux/amd64' },
      /`target` is given, but `image` is measured as it is/,
    ],
    [{ image: 'docker-daemon:api:1' }, /`docker` is not installed or not on the PATH/],
    [{ image: 'docker-archive:out/api.tar' }, /There is no file `[^`]*out\/api\.tar`.*/],
  ])('%j is told', async (inputs, words) => {
    const result = await run(inputs)
    expect(result.exitCode).toBe(2)
    expect(result.annotations.map(({ level }) => level)).toEqual(['error'])
    expect(result.annotations[0]!.message).toMatch(words)
    expectNoNumber(result)
  })
})

describe('what an image says of itself', () => {
  const MARKUP =
    '<img src=x onerror=alert(1)> @everyone | `a`](http://evil.example) <!-- --> ![x](https://evil.example/x) #1\n\n# x'
  const COMMANDS = '\n::error file=main.ts,line=1::forged\n##[error]forged\n::set-output name=verdict::forged'
  const HOSTILE = `RUN ${MARKUP}${COMMANDS}`

  /** Writes an OCI layout below the workspace, which may have any name. */
  function write(workspace: string, name: string, tops: Parameters<typeof layoutOf>[0]): string {
    for (const [path, content] of layoutOf(tops)) {
      const file = join(workspace, name, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
    return `oci:${name}`
  }

  function expectHarmless(result: RunResult, levels: string[]): void {
    for (const markdown of [comments().at(-1)!, result.summary]) {
      const tree = rendered(markdown)
      expect([...elements(tree)].filter((name) => ['img', 'script', 'b', 'i'].includes(name))).toEqual([])
      expect(links(tree).filter((url) => url.includes('evil'))).toEqual([])
      expect(references(tree)).toEqual([])
      expect(markdown).not.toMatch(/^# x/m)
    }
    expect(result.annotations.map(({ level }) => level)).toEqual(levels)
    expect(result.annotations.every(({ properties }) => properties['file'] === undefined)).toBe(true)
    expect(result.masks).toEqual([TOKEN])
    expect(result.outputs['verdict']).not.toBe('forged')
  }

  it('is text in comment, summary and log: history, labels, file names, and a reference', async () => {
    const workspace = mkdtempSync(join(folder, 'hostile-'))
    const files = { [MARKUP.slice(0, 90)]: 'x'.repeat(9000), b: 'b' }
    const hostile = (size: number) =>
      imageOf([gzipped(layerOf({ ...files, size: 'x'.repeat(size) }))], 'linux/amd64', {
        history: [{ created_by: HOSTILE, comment: HOSTILE, author: HOSTILE }],
        author: HOSTILE,
        config: { Labels: { [HOSTILE]: HOSTILE }, Env: [HOSTILE] },
      })
    const base = write(workspace, 'before<b>`|@everyone', [hostile(10)])
    const head = write(workspace, 'after<img src=x onerror=alert(1)>`|@octocat #1', [hostile(60_000)])
    const result = await run({ image: head, baseline: base, 'max-increase': '1 kB' }, { workspace })
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'size-change': '59990' } })
    expect(comments()[0]).toContain('evil')
    expectHarmless(result, ['error'])
  })

  it('is text in an error: names in an index, and a platform that is none', async () => {
    const workspace = mkdtempSync(join(folder, 'hostile-'))
    const several = write(workspace, 'several', [
      named(HOSTILE, imageOf([gzipped(layerOf({ a: 'a' }))])),
      named(`${HOSTILE}2`, imageOf([gzipped(layerOf({ b: 'b' }))])),
    ])
    const result = await run({ image: several }, { workspace })
    expect(result.exitCode).toBe(2)
    expect(textOf(rendered(comments()[0]!))).toMatch(/There is more than one image in oci:\S+several: @0, @1\./)
    expectHarmless(result, ['error'])
    expectNoNumber(result)

    const platform = write(workspace, 'platform', [imageOf([gzipped(layerOf({ a: 'a' }))], 'linux/<b>@everyone')])
    const refused = await run({ image: platform }, { workspace })
    expect(refused.exitCode).toBe(2)
    expect(comments()[1]).toContain('is not what it should be at `manifests.0.platform.architecture`')
    expectHarmless(refused, ['error'])
  })
})
