import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { incompressible } from '../support/bytes.ts'
import { engines, type Engine } from '../support/engine.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** Inputs reach the build. Where sizes can be told, an added file of a telling size shows which way it went. */
const [{ env }] = engines() as [Engine]
const BASE = 'FROM image-budget/base:1\n'

/** A repository with one of each: a service in a subfolder, stages, arguments, contexts and secrets. */
let change: PullRequestFixture
let secretFile: string
beforeAll(() => {
  const files = (bytes: number): Record<string, string> => ({
    Dockerfile: [
      'FROM image-budget/base:1 AS small',
      'FROM image-budget/base:1 AS large',
      'ARG BYTES=1000',
      `RUN head -c "$BYTES" /dev/zero >/${bytes}`,
      '',
    ].join('\n'),
    'docker/secret.Dockerfile': `${BASE}RUN --mount=type=secret,id=size head -c "$(cat /run/secrets/size)" /dev/zero >/${bytes}\n`,
    // Another instruction: a secret is no part of what BuildKit's cache goes by.
    'docker/secret-file.Dockerfile': `${BASE}RUN --mount=type=secret,id=size head -c "$(cat /run/secrets/size)" /dev/zero >/file-${bytes}\n`,
    'docker/context.Dockerfile': `${BASE}COPY --from=assets data /data\n`,
    'docker/context.Dockerfile.dockerignore': '*\n',
    'assets/data': 'x'.repeat(bytes),
    'services/api/Dockerfile': `${BASE}COPY . /app\n`,
    'services/api/.dockerignore': 'ignored\nDockerfile\n.dockerignore\n',
    'services/api/ignored': 'x'.repeat(bytes * 7),
    'services/api/data': 'x'.repeat(bytes),
    'build/Dockerfile': `${BASE}COPY built /built\n`,
    'build/.gitignore': 'built\n',
  })
  change = openPullRequest(files(3000), files(8000))
  secretFile = join(change.temp(), 'size')
  writeFileSync(secretFile, '40000')
})
afterAll(() => change.dispose())

function reportOf(result: RunResult): Report {
  return JSON.parse(readFileSync(result.outputs.report!, 'utf8')) as Report
}

/** Bytes that the image has beyond its base image's, on the classic store. */
function ownSize(result: RunResult): number | null | undefined {
  return reportOf(result).images[0]?.head?.ownSize
}

const run = (inputs: Record<string, string>, more = {}): Promise<RunResult> =>
  change.run(env, { inputs: { comment: 'off', ...inputs }, ...more })

describe('what is built', () => {
  it.each([
    ['build-args', { 'build-args': 'BYTES=20000' }, 20_000, 'shop'],
    ['target; default: the last stage', {}, 1_000, 'shop'],
    ['target', { target: 'small' }, 0, 'shop:small'],
    ['secrets', { file: 'docker/secret.Dockerfile', secrets: 'size=30000' }, 30_000, 'shop/docker/secret'],
    [
      'secret-files',
      { file: 'docker/secret-file.Dockerfile', 'secret-files': () => `size=${secretFile}` },
      40_000,
      'shop/docker/secret-file',
    ],
    [
      'build-contexts, from each tree',
      { file: 'docker/context.Dockerfile', 'build-contexts': 'assets=assets' },
      8_000,
      'shop/docker/context',
    ],
    ['context, with its own .dockerignore', { context: 'services/api' }, 8_000, 'shop/services/api'],
    [
      'before-build',
      { context: 'build', 'before-build': 'test -d .git && exit 9; head -c 5000 /dev/zero >build/built' },
      5_000,
      'shop/build',
    ],
  ] as const)('%s', async (_, inputs, bytes, name) => {
    const given = Object.fromEntries(
      Object.entries(inputs).map(([key, value]) => [key, typeof value === 'function' ? value() : (value as string)]),
    )
    const result = await run(given)
    expect(result.exitCode).toBe(0)
    expect(ownSize(result)).toBe(bytes)
    expect(reportOf(result).images[0]).toMatchObject({ name, baseline: { kind: 'build' } })
  })

  it('in a checkout that is a folder of the workspace', async () => {
    const workspace = change.temp()
    const moved = change.push({})
    renameSync(moved.checkout.dir, join(workspace, 'source'))
    const result = await change.run(env, {
      workspace,
      event: moved.event,
      inputs: { comment: 'off', context: 'source/services/api', file: 'source/services/api/Dockerfile' },
    })
    expect(result).toMatchObject({ exitCode: 0, outputs: { 'size-change': '5000' } })
    mkdirSync(moved.checkout.dir)
  })
})

describe('before-build runs in both trees', () => {
  it.each([
    ['head', 2, 'error'],
    ['base', 0, 'within'],
  ])('failing in %s: exit code %i', async (side, exitCode, verdict) => {
    const command = `cd services/api; ! test "$IMAGE_BUDGET_SIDE" = ${side}`
    const result = await run({ context: 'services/api', 'before-build': command })
    expect(result).toMatchObject({ exitCode, outputs: { verdict, 'base-size': '', 'size-change': '' } })
    expect(result.summary).toContain('`before-build` failed with exit code 1')
  })
})

describe.each(engines())('two platforms, $store store', (engine) => {
  it(engine.store === 'classic' ? 'are refused with what to do' : 'are two rows of one report', async () => {
    const scratch = openPullRequest(
      {
        Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY ${TARGETARCH} /data\n',
        amd64: 'a',
        arm64: incompressible(2_000, 1),
      },
      // Packed sizes of a few bytes may be equal by chance.
      { arm64: incompressible(9_000, 2) },
    )
    const result = await scratch.run(engine.env, {
      inputs: { comment: 'off', platforms: 'linux/arm64,linux/amd64', 'max-layers': '1' },
    })
    const report = reportOf(result)
    scratch.dispose()
    if (engine.store === 'classic') {
      expect(result.exitCode).toBe(2)
      expect(result.annotations[0]!.message).toMatch(/[Mm]ulti-platform.*docker\/setup-buildx-action/s)
      return
    }
    expect(result.exitCode).toBe(0)
    expect(report.images.map(({ platform }) => platform)).toEqual(['linux/arm64', 'linux/amd64'])
    expect(report.images.map(({ layerChanges }) => layerChanges.map(({ change: kind }) => kind))).toEqual([
      ['changed'],
      ['unchanged'],
    ])
    expect(result.outputs['download-size']).toBe(String(report.images[0]!.head!.downloadSize))
    expect(result.summary).toContain('linux/arm64')
  })
})
