import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { incompressible } from '../support/bytes.ts'
import { docker, engines, type Engine } from '../support/engine.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import { imagesIn } from '../support/pages.ts'
import type { RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

const DOCKERFILE = `FROM image-budget/base:1
COPY first /first
# The line that the change touches is the fourth.
COPY payload /payload
RUN rm -f /nothing && echo done >/done
`

let github: GitHub

function reportOf(result: RunResult): Report {
  return JSON.parse(readFileSync(result.outputs.report!, 'utf8')) as Report
}

/** What GNU tar says of an OCI archive: the payload of the files in its layers, and what its manifest's blobs weigh. */
function archiveBytes(archive: string): { size: number; downloadSize: number } {
  const blob = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`
  const read = (name: string): Buffer => execFileSync('tar', ['-xOf', archive, name], { maxBuffer: 2 ** 28 })
  type Descriptor = { digest: string; size: number }
  const { manifests } = JSON.parse(read('index.json').toString()) as { manifests: Descriptor[] }
  const { config, layers } = JSON.parse(read(blob(manifests[0]!.digest)).toString()) as {
    config: Descriptor
    layers: Descriptor[]
  }
  const files = layers.flatMap(({ digest }) =>
    execFileSync('tar', ['-tvzf', '-'], { input: read(blob(digest)), encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.startsWith('-')),
  )
  return {
    size: files.reduce((sum, line) => sum + Number(line.split(/ +/)[2]), 0),
    downloadSize: [config, ...layers].reduce((sum, { size }) => sum + size, 0),
  }
}

/** The figures that other tools give for a plain build of a folder; the classic store packs no layers but for a push. */
function measuredByHand(engine: Engine, folder: string, temp: string): { size: number; downloadSize: number | null } {
  if (engine.store === 'containerd') {
    const archive = join(temp, 'image.tar')
    docker(engine, 'buildx', 'build', '--provenance=false', `--output=type=oci,dest=${archive}`, folder)
    return archiveBytes(archive)
  }
  const tag = `plain-build:${Date.now()}`
  docker(engine, 'build', '--tag', tag, folder)
  const size = docker(engine, 'image', 'inspect', '--format', '{{.Size}}', tag)
  docker(engine, 'image', 'rm', tag)
  return { size: Number(size), downloadSize: null }
}

describe.each(engines())('a pull request that is over budget, $store store', (engine) => {
  const { store, env } = engine
  const inputs = { 'max-size': '2 MB', 'max-download-size': '1 MB', 'max-increase': '10 kB' }
  let change: PullRequestFixture
  let result: RunResult
  let page: string
  beforeAll(async () => {
    change = openPullRequest(
      { Dockerfile: DOCKERFILE, first: 'first', payload: incompressible(5_000) },
      { payload: incompressible(60_000, 1) },
    )
    github = await startGitHub()
    page = join(change.temp(), 'out', 'size map.html')
    result = await change.run(env, { github, inputs: { ...inputs, page } })
  })
  afterAll(async () => {
    expect(github.violations).toEqual([])
    await github.close()
    change.dispose()
  })

  it('fails the job and says the same in outputs, comment, summary, log, annotation and report', () => {
    expect(result.exitCode).toBe(1)
    const byHand = measuredByHand(engine, change.checkout.dir, change.temp())
    const report = reportOf(result)
    const [image] = report.images
    expect(result.outputs).toMatchObject({
      verdict: 'over',
      size: String(byHand.size),
      'download-size': byHand.downloadSize === null ? expect.stringMatching(/^\d+$/) : String(byHand.downloadSize),
      'base-size': String(byHand.size - 55_000),
      'size-change': '55000',
      'size-change-percent': ((55_000 / (byHand.size - 55_000)) * 100).toFixed(1),
    })
    expect(image).toMatchObject({ head: { size: byHand.size }, base: { size: byHand.size - 55_000 } })
    // Text that can hardly be packed.
    expect(image!.change!.downloadSize!.amount).toBeGreaterThan(50_000)
    expect(image!.change!.downloadSize!.amount).toBeLessThan(60_000)
    expect(result.outputs).toMatchObject({ layers: '5', 'layers-change': '0' })
    expect(report).toMatchObject({ schema: 1, verdict: 'over', head: { commit: change.merge, dirty: false } })
    expect(image).toMatchObject({
      name: 'shop',
      engine: { store },
      baseline: { kind: 'build', commit: change.base, ref: 'main', reason: null },
    })

    expect(result.outputs.page).toBe(page)
    const { commit } = report.head
    expect(imagesIn(readFileSync(page, 'utf8'))).toMatchObject([
      {
        name: 'shop',
        size: byHand.size,
        sizeBefore: byHand.size - 55_000,
        layers: expect.arrayContaining([
          expect.objectContaining({
            line: 4,
            url: expect.stringMatching(new RegExp(`^https://github\\.com/[^/]+/[^/]+/blob/${commit}/Dockerfile#L4$`)),
          }),
        ]),
      },
    ])

    const headline = result.summary.split('\n', 1)[0]!
    expect(headline).toMatch(/^### Image budget: `shop` is over .*by \d/)
    expect(github.state.comments).toHaveLength(1)
    const [marker, ledger, ...text] = github.state.comments[0]!.body.split('\n')
    expect(marker).toBe('<!-- image-budget: shop -->')
    expect(ledger).toMatch(/^<!-- image-budget-data: [\w.]+ -->$/)
    expect(text[0]).toBe(headline)
    expect(text.join('\n')).toBe(result.outputs['comment-body'])
    expect(result.outputs['comment-url']).toMatch(/\/pull\/1#issuecomment-\d+$/)
    expect(result.stdout).toContain(headline.replace('### ', '').replaceAll('`', ''))

    expect(result.annotations).toHaveLength(1)
    expect(result.annotations[0]).toMatchObject({
      level: 'error',
      message: expect.stringContaining('COPY payload /payload'),
      properties: { file: 'Dockerfile', line: '4', title: headline.replace('### ', '').replaceAll('`', '') },
    })
  })

  it('names the one layer that changed, with its line', () => {
    const [image] = reportOf(result).images
    const changed = image!.layerChanges.filter((layer) => !['unchanged', 'rebuilt'].includes(layer.change))
    expect(changed).toMatchObject([
      { change: 'changed', file: 'Dockerfile', line: 4, instruction: 'COPY payload /payload', fromBase: false },
    ])
    expect(image!.layerChanges.filter(({ fromBase }) => fromBase)).toHaveLength(2)
  })

  it('shows the builds in groups of their own', () => {
    const { groups } = result
    expect(groups.map(({ title }) => title)).toEqual([
      `Build this change ${change.merge.slice(0, 7)}`,
      `Build base ${change.base.slice(0, 7)} (main)`,
    ])
    for (const { lines } of groups) expect(lines.join('\n')).toMatch(/COPY payload \/payload/)
  })
})

describe.each(engines())('an instruction that comes, goes or grows, $store store', ({ env }) => {
  const from = 'FROM image-budget/base:1\n'
  it.each([
    ['comes', `${from}COPY a /a\nCOPY b /b\n`, `${from}COPY a /a\nRUN echo 1 >/one\nCOPY b /b\n`, 'added', 3],
    ['goes', `${from}COPY a /a\nRUN echo 1 >/one\nCOPY b /b\n`, `${from}COPY a /a\nCOPY b /b\n`, 'removed', 3],
    ['grows', `${from}COPY a /a\nRUN echo 1 >/o\n`, `${from}COPY a /a\nRUN echo 123456 >/o\n`, 'changed', 3],
  ])('%s: that is one changed layer', async (_, before, after, kind, line) => {
    const change = openPullRequest({ Dockerfile: before, a: 'aa', b: 'bb' }, { Dockerfile: after })
    const result = await change.run(env, { github, inputs: { comment: 'off' } })
    const layers = reportOf(result).images[0]!.layerChanges
    change.dispose()
    expect(layers.filter((layer) => !['unchanged', 'rebuilt'].includes(layer.change))).toMatchObject([
      { change: kind, line, file: 'Dockerfile' },
    ])
  })
})

/** What was written to GitHub so far. */
function writes(): string[] {
  return github.requests.flatMap(({ method, path }) =>
    method === 'GET' || path === '/graphql' ? [] : [`${method} ${path}`],
  )
}

describe.each(engines())('two images that are built for the first time, side by side, $store store', ({ env }) => {
  // BuildKit's records of two builds that share a step under way differ from run to run.
  it.each([1, 2])('are told apart by nothing where they are the same (%i)', async () => {
    const dockerfile = `FROM image-budget/base:1\nRUN echo ${randomUUID()} >/one\nWORKDIR /app\nRUN echo 2 >/two\n`
    const change = openPullRequest({ Dockerfile: dockerfile }, { 'README.md': 'Read me' })
    const [image] = reportOf(await change.run(env, { inputs: { comment: 'off' } })).images
    change.dispose()
    expect(image!.layerChanges.map((layer) => [layer.change, layer.line, layer.fromBase])).toEqual([
      ['unchanged', null, true],
      ['unchanged', null, true],
      ['unchanged', 2, false],
      ['unchanged', 3, false],
      ['unchanged', 4, false],
    ])
    expect(image).toMatchObject({ head: { ownLayers: 3 }, base: { ownLayers: 3 } })
  })
})

describe('the comment over several runs', () => {
  const { env } = engines()[0]!
  beforeEach(async () => {
    github = await startGitHub()
  })
  afterEach(async () => {
    expect(github.violations).toEqual([])
    await github.close()
  })
  let grown: PullRequestFixture
  let same: PullRequestFixture
  beforeAll(() => {
    const base = { Dockerfile: DOCKERFILE, first: 'first', payload: incompressible(5_000), 'README.md': 'Read me' }
    grown = openPullRequest(base, { payload: incompressible(90_000, 1) })
    same = openPullRequest(base, { 'README.md': 'Read me too' })
  })
  afterAll(() => {
    grown.dispose()
    same.dispose()
  })

  it('is written once, left alone when it says so already, and updated by the next push', async () => {
    const first = await grown.run(env, { github })
    expect(github.state.comments).toHaveLength(1)
    const posted = github.state.comments[0]!.body

    const before = writes()
    const second = await grown.run(env, { github })
    expect(writes()).toEqual(before)
    expect(second.outputs['comment-url']).toBe(first.outputs['comment-url'])
    expect(second.stdout).toContain('up to date')

    const pushed = grown.push({ payload: incompressible(140_000, 2) })
    const third = await pushed.run(env, { github })
    expect(github.state.comments).toHaveLength(1)
    expect(github.state.comments[0]!.body).not.toBe(posted)
    expect(github.state.comments[0]!.body).toContain('+135.0 kB')
    expect(third.outputs['comment-url']).toBe(first.outputs['comment-url'])

    const undone = grown.push({ payload: incompressible(5_000) })
    await undone.run(env, { github })
    expect(github.state.comments).toHaveLength(1)
    expect(github.state.comments[0]!.body.split('\n')[2]).toMatch(/^`shop` is not touched by this change/)
  })

  it('is not written where nothing changed', async () => {
    const result = await same.run(env, { github, inputs: { 'max-size': '10 MB' } })
    expect(result.exitCode).toBe(0)
    expect(result.outputs).toMatchObject({
      verdict: 'within',
      'size-change': '0',
      'size-change-percent': '0.0',
      'comment-url': '',
    })
    expect(result.outputs['comment-body']).toMatch(/^`shop` is the same size as main/)
    expect(result.annotations).toEqual([])
    expect(github.state.comments).toEqual([])
  })

  it('is written with `comment: always` all the same', async () => {
    await same.run(env, { github, inputs: { comment: 'always' } })
    expect(github.state.comments).toHaveLength(1)
  })

  it('is not asked for with `comment: off`, whatever grew', async () => {
    const result = await grown.run(env, { github, inputs: { comment: 'off', 'max-size': '1 MB' } })
    expect(result.exitCode).toBe(1)
    expect(github.requests.filter(({ path }) => path.endsWith('/comments'))).toEqual([])
    expect(result.summary).toContain('over')
  })

  it('is one for each image name', async () => {
    await grown.run(env, { github, inputs: { name: 'api' } })
    await grown.run(env, { github, inputs: { name: 'worker' } })
    expect(github.state.comments.map(({ body }) => body.split('\n', 1)[0])).toEqual([
      '<!-- image-budget: api -->',
      '<!-- image-budget: worker -->',
    ])
  })

  it('is one for each Dockerfile, with no name given', async () => {
    const file = 'FROM image-budget/base:1\nCOPY payload /payload\n'
    const change = openPullRequest(
      { 'services/api/Dockerfile': file, 'services/web/Dockerfile': file, payload: 'a' },
      { payload: incompressible(90_000) },
    )
    await change.run(env, { github, inputs: { file: 'services/api/Dockerfile' } })
    await change.run(env, { github, inputs: { file: 'services/web/Dockerfile' } })
    change.dispose()
    expect(github.state.comments.map(({ body }) => body.split('\n', 1)[0])).toEqual([
      '<!-- image-budget: shop%2Fservices%2Fapi -->',
      '<!-- image-budget: shop%2Fservices%2Fweb -->',
    ])
  })

  it('and the JSON report are never overwritten by another step of the job', async () => {
    const temp = grown.temp()
    const first = await grown.run(env, { temp, inputs: { comment: 'off', name: 'a/b' } })
    const second = await grown.run(env, { temp, inputs: { comment: 'off', name: 'a-b', 'max-size': '1 MB' } })
    const verdicts = [first, second].map(({ outputs }) => JSON.parse(readFileSync(outputs.report!, 'utf8')).verdict)
    expect(verdicts).toEqual(['within', 'over'])
  })
})
