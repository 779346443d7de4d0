import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, jest } from '@jest/globals'
import { systemClock } from '../../src/clock.ts'
import { createExec, createOpenOutput } from '../../src/exec.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'
import type { LayerChange, Totals } from '../../src/compare/comparison.ts'
import type { ImageReport } from '../../src/report/report.ts'
import { run } from '../../src/run.ts'
import { docker, engines, type Engine } from '../support/engine.ts'
import { exampleFigures } from '../support/example-figures.ts'
import { createRepository } from '../support/repository.ts'

// Real builds and packages, on a machine that may be busy.
jest.setTimeout(120_000)

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const temporary = mkdtempSync(join(tmpdir(), 'image-budget-examples-'))
afterAll(() => rmSync(temporary, { recursive: true }))

/** An example's files by path, without the packages that its prepare.sh may have fetched. */
function filesOf(example: string): Record<string, string> {
  const folder = join(EXAMPLES, example)
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  const kept = paths.filter((path) => !path.startsWith('vendor/'))
  return Object.fromEntries(kept.map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}

/** The report on a change that puts the example's Dockerfile in the place of Dockerfile.before. */
async function measure(engine: Engine, example: string): Promise<ImageReport> {
  const { 'Dockerfile.before': before = '', Dockerfile: after = '', ...files } = filesOf(example)
  const repository = createRepository()
  try {
    const base = repository.commit({ ...files, Dockerfile: before })
    repository.commit({ Dockerfile: after })
    const prepare = 'prepare.sh' in files ? { 'before-build': 'bash prepare.sh' } : {}
    const section = { line: () => {}, end: () => {} }
    const { report } = await run(
      [parseInputs(prepare)],
      {
        cwd: repository.dir,
        temporary,
        base: { kind: 'ref', ref: base },
        isProposal: false,
        budgetFiles: [],
        baseMustExist: false,
        pushed: null,
        uncommitted: 'warn',
        volatile: [],
        committedAt: null,
        repositoryName: null,
        repositoryUrl: null,
        runUrl: null,
        credentials: null,
      },
      {
        createExec: (signal) => createExec({ ...process.env, ...engine.env }, signal),
        createOpenOutput: (signal) => createOpenOutput({ ...process.env, ...engine.env }, signal),
        env: engine.env,
        clock: systemClock,
        log: { section: () => section, info: () => {}, warning: () => {} },
        records: null,
        askWaivers: null,
        key: null,
        signal: new AbortController().signal,
      },
    )
    expect(report.images.map((image) => image.error)).toEqual([null])
    const image = report.images[0]!
    expectAsDocumented(example, image)
    return image
  } finally {
    repository.dispose()
  }
}

/** docs/examples.md has other figures than these only as far as Debian's packages move: node scripts/examples.ts --write. */
function expectAsDocumented(example: string, { base, head }: ImageReport): void {
  const said = exampleFigures(example)
  for (const [measured, documented] of [
    [sizeOf(base), said.before],
    [sizeOf(head), said.after],
  ] as const) {
    expect(measured).toBeGreaterThan(documented * 0.9)
    expect(measured).toBeLessThan(documented * 1.1)
  }
}

/** Unpacked where the store tells it, else packed. */
function sizeOf(totals: Totals | null): number {
  return totals?.size ?? totals?.downloadSize ?? Number.NaN
}

/** The image's own layers on either side as `line instruction`: a pair counts for both. */
function ownLines({ layerChanges }: ImageReport, side: 'before' | 'after'): string[] {
  const absent = side === 'before' ? 'added' : 'removed'
  const text = (layer: LayerChange): string =>
    side === 'before' ? (layer.instructionBefore ?? layer.instruction) : layer.instruction
  return layerChanges.filter((layer) => layer.fromBase === false && layer.change !== absent).map(text)
}

describe.each(engines())('the examples on the $store engine', (engine) => {
  const images = docker(engine, 'images', '--format', '{{.Repository}}:{{.Tag}}').split('\n')
  /** A test that is skipped, under a name that says why, where the base image or the package manager is missing. */
  const built = (name: string, from: string, program: string | null, test: () => Promise<void>): void => {
    if (!images.includes(from)) it.skip(`${name} (no ${from}: scripts/base-images.sh)`, test)
    else if (program !== null && spawnSync(program, ['--version']).status !== 0)
      it.skip(`${name} (no ${program})`, test)
    else it(name, test)
  }

  built('go: one binary on scratch instead of the compiler', 'golang:1.19-bookworm', null, async () => {
    const image = await measure(engine, 'go')
    expect(sizeOf(image.head)).toBeGreaterThan(1_000_000)
    expect(sizeOf(image.head)).toBeLessThan(sizeOf(image.base) / 10)
    expect(image.baseImage).toMatchObject({ before: { name: 'golang:1.19-bookworm' }, after: null, change: 'changed' })
    expect(ownLines(image, 'after')).toEqual(['COPY --from=build /shortlinks /shortlinks'])
    expect(ownLines(image, 'before')).toEqual([
      'WORKDIR /app',
      'COPY . .',
      'RUN CGO_ENABLED=0 go build -o /usr/local/bin/shortlinks .',
    ])
    expect(image).toMatchObject({ head: { layers: 1, ownLayers: 1 }, base: { ownLayers: 3 } })
  })

  built('node: production packages without the compiler', 'node:24-bookworm-slim', 'npm', async () => {
    const image = await measure(engine, 'node')
    expect(sizeOf(image.head)).toBeLessThan(sizeOf(image.base) - 1_000_000)
    expectOwnLayersOnly(image, 'node:24-bookworm-slim')
    expect(ownLines(image, 'after')).toEqual([
      'WORKDIR /app',
      'COPY package.json ./',
      'COPY --from=dependencies /app/node_modules node_modules',
      'COPY --from=build /app/dist dist',
    ])
    expect(ownLines(image, 'before')).toEqual([
      'WORKDIR /app',
      'COPY . .',
      'RUN npm ci --offline --no-update-notifier',
      'RUN npm run build',
    ])
  })

  built('python: installed packages without the wheels and mypy', 'python:3.11-slim-bookworm', 'pip3', async () => {
    const image = await measure(engine, 'python')
    expect(sizeOf(image.head)).toBeLessThan(sizeOf(image.base) - 1_000_000)
    expectOwnLayersOnly(image, 'python:3.11-slim-bookworm')
    expect(ownLines(image, 'after')).toEqual([expect.stringMatching(/^RUN --mount=type=bind,from=wheels/)])
    expect(ownLines(image, 'before')).toHaveLength(4)
  })
})

/** Both sides start from the same base image, and none of its layers is told as a change. */
function expectOwnLayersOnly(image: ImageReport, name: string): void {
  expect(image.baseImage).toMatchObject({ before: { name }, after: { name }, change: 'unchanged' })
  const base = image.layerChanges.filter((layer) => layer.fromBase !== false)
  expect(base.length).toBeGreaterThan(0)
  expect(base.filter((layer) => layer.change !== 'unchanged' || layer.fromBase !== true)).toEqual([])
}
