import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { version } from '../../src/version.ts'
import { engines, type Engine } from '../support/engine.ts'
import { createRepository, type TestRepository } from '../support/repository.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** The terminal's door: the bundled command as a user runs it, in a repository of their own. */
const [{ store, env }] = engines() as [Engine]
const COMMAND = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))
const ESCAPE = '\u001b['

type Result = { exitCode: number | null; stdout: string; stderr: string }
type RunOptions = {
  node?: string
  cwd?: string
  env?: Record<string, string>
  /** Told of all that stands on standard error so far. */
  onError?: (text: string, child: ReturnType<typeof spawn>) => void
}

let repository: TestRepository
let temporary: string
/** What the base image has, and nothing else. */
let empty: number
beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'image-budget-cli-'))
  repository = createRepository()
  repository.commit({
    Dockerfile: 'FROM image-budget/base:1\nCOPY . /app\n',
    '.dockerignore': '*\n!data\n!more\n',
    '.gitignore': 'ignored-data\n',
    'sub/Dockerfile': 'FROM image-budget/base:1\nCOPY data /\n',
    'sub/data': 'x'.repeat(700),
    data: 'x'.repeat(1000),
  })
  repository.git('checkout', '--quiet', '-b', 'feature')
  repository.commit({ data: 'x'.repeat(3000) })
  empty = (await json(['sub'])).images[0]!.head!.size! - 700
})
afterAll(() => {
  repository.dispose()
  rmSync(temporary, { recursive: true })
})

function run(args: string[], options: RunOptions = {}): Promise<Result> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env
  const child = spawn(options.node ?? process.execPath, [COMMAND, ...args], {
    cwd: options.cwd ?? repository.dir,
    env: { ...inherited, ...env, TMPDIR: temporary, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const result = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    result.stderr += text
    options.onError?.(result.stderr, child)
  })
  return new Promise((ended, failed) => {
    child.once('error', failed)
    child.once('close', (exitCode) => ended({ exitCode, ...result }))
  })
}

async function json(args: string[], options: RunOptions = {}): Promise<Report> {
  const { stdout } = await run(['check', '--json', ...args], options)
  return JSON.parse(stdout) as Report
}

describe('check', () => {
  it('prints the table on standard output, and what it does on standard error', async () => {
    const { exitCode, stdout, stderr } = await run(['check', '--max-size', '10 MB'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Image budget: .* is within budget, 2\.0 kB larger$/m)
    expect(stdout).toMatch(/^\s*Size\s.*\+2\.0 kB/m)
    expect(stdout).toMatch(/Dockerfile:2 COPY \. \/app \+2\.0 kB/)
    expect(stdout).not.toMatch(/#\d+ |│/)
    expect(stderr).toMatch(/^Build this change/m)
    expect(stderr).toMatch(/^Build base/m)
    expect(stdout + stderr).not.toContain(ESCAPE)
    expect(readdirSync(temporary)).toEqual([])
  })

  it.each([
    [0, ['--max-increase', '2 kB']],
    [1, ['--max-increase', '1.9 kB']],
    [0, ['--max-increase', '1.9 kB', '--fail', 'false']],
    [2, ['--target', 'none']],
    [2, ['--max-size', 'large']],
  ])('exits with %i: %j', async (exitCode, args) => {
    expect((await run(['check', ...args])).exitCode).toBe(exitCode)
  })

  it('reads the budget file of the repository, and one that is named', async () => {
    const file = join(repository.dir, '.github/image-budget.yml')
    mkdirSync(join(repository.dir, '.github'))
    writeFileSync(file, 'max-increase: 1.9 kB\nbuild-contexts:\n  none: .\n')
    writeFileSync(join(temporary, 'sizes.yml'), 'max-increase: 2 kB\n')
    try {
      expect((await run(['check'])).exitCode).toBe(1)
      expect((await run(['check', '--max-increase', '2 kB'])).exitCode).toBe(0)
      expect((await run(['check', '--config', join(temporary, 'sizes.yml')])).exitCode).toBe(0)
      // The context is the folder that it is called in, and what is built there has not changed.
      expect(await run(['check'], { cwd: join(repository.dir, 'sub') })).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(/Size/),
      })
      writeFileSync(file, '- max-increase')
      expect(await run(['check'])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('.github/image-budget.yml, line 1: the file is a list'),
      })
    } finally {
      rmSync(join(repository.dir, '.github'), { recursive: true })
      rmSync(join(temporary, 'sizes.yml'))
    }
  })

  it('says what a failing step had printed', async () => {
    const broken = join(repository.dir, 'broken.Dockerfile')
    writeFileSync(broken, `FROM image-budget/base:1\nRUN echo "look ""here ${Date.now()}" && exit 7\n`)
    const { exitCode, stdout, stderr } = await run(['check', '--file', 'broken.Dockerfile'])
    rmSync(broken)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/head │ .*look here/)
    expect(stdout).toMatch(/could not be measured[^]*failed at broken\.Dockerfile:2 [^]*exit code 7/)
  })

  it('prints the report as JSON, the same with `--json` as what the action writes', async () => {
    const report = await json(['--max-size', '1 MB', '--max-layers', '20'])
    const totals = {
      size: expect.any(Number),
      downloadSize: expect.any(Number),
      layers: 3,
      ownSize: expect.any(Number),
    }
    expect(report).toMatchObject({
      schema: 1,
      verdict: 'over',
      head: { commit: repository.git('rev-parse', 'HEAD'), dirty: false },
      images: [
        {
          name: expect.any(String),
          platform: expect.stringMatching(/^linux\//),
          engine: { store },
          head: { ...totals, size: empty + 3000, ownSize: 3000 },
          base: { ...totals, size: empty + 1000, ownSize: 1000 },
          baseline: { kind: 'build', commit: repository.git('rev-parse', 'main'), reason: null },
          layerChanges: [
            { change: 'unchanged', fromBase: true },
            { change: 'unchanged', fromBase: true },
            {
              change: 'changed',
              instruction: 'COPY . /app',
              file: 'Dockerfile',
              line: 2,
              sizeBefore: 1000,
              sizeAfter: 3000,
            },
          ],
          checks: [
            { budget: 'max-size', limit: 1_000_000, actual: empty + 3000, status: 'over' },
            { budget: 'max-layers', limit: 20, actual: 3, status: 'within' },
          ],
        },
      ],
    })
  })

  it('prints the report as Markdown or HTML, with the exit code that it has', async () => {
    const [markdown, html] = await Promise.all(
      ['--markdown', '--html'].map((form) => run(['check', form, '--max-increase', '1.9 kB'])),
    )
    expect([markdown!.exitCode, html!.exitCode]).toEqual([1, 1])
    expect(markdown!.stdout).toMatch(/^### Image budget: [^]*\| \*\*Size\*\* \|[^]*<details>/)
    expect(html!.stdout).toMatch(
      /^<!doctype html>[^]*<h1>Image budget: [^]*<td align="left"><strong>Size<\/strong><\/td>/,
    )
    // What it does is told beside it.
    expect(html!.stderr).toMatch(/^Build this change/m)
    const failed = await run(['check', '--html', '--max-size', 'large'])
    expect(failed).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('could not be measured'),
      stderr: expect.stringContaining('`--max-size` has `large`'),
    })
  })

  it('prints JSON for what could not be measured, too', async () => {
    expect(await json(['--max-size', 'large'])).toMatchObject({
      verdict: 'error',
      images: [{ head: null, error: { kind: 'input' } }],
    })
  })
})

describe('what is compared', () => {
  it('measures what is not committed, untracked files too, but no ignored ones', async () => {
    writeFileSync(join(repository.dir, 'data'), 'x'.repeat(5000))
    mkdirSync(join(repository.dir, 'more'))
    writeFileSync(join(repository.dir, 'more', 'untracked'), 'x'.repeat(400))
    writeFileSync(join(repository.dir, 'more', 'ignored-data'), 'x'.repeat(90_000))
    const before = repository.git('status', '--porcelain')
    const report = await json([])
    expect(repository.git('status', '--porcelain')).toBe(before)
    repository.git('checkout', '--quiet', '--', 'data')
    rmSync(join(repository.dir, 'more'), { recursive: true })
    expect(report.head).toMatchObject({ commit: repository.git('rev-parse', 'HEAD'), pushed: null, dirty: true })
    expect(report.images[0]?.head?.ownSize).toBe(5400)
  })

  it('has nothing to compare a commit of the default branch with, and says what to do', async () => {
    repository.git('checkout', '--quiet', 'main')
    const { exitCode, stdout, stderr } = await run(['check'])
    repository.git('checkout', '--quiet', 'feature')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/no comparison[^]*`?main`? itself; `?--base HEAD~1/)
    expect(stderr).not.toContain('Build base')
  })

  it('says that a repository has no commit', async () => {
    const unborn = createRepository()
    const { exitCode, stdout } = await run(['check'], { cwd: unborn.dir })
    unborn.dispose()
    expect(exitCode).toBe(2)
    expect(stdout).toContain('The repository has no commit yet.')
  })

  it('compares with the merge base of the default branch, and with `--base`', async () => {
    repository.git('checkout', '--quiet', 'main')
    repository.commit({ data: 'x'.repeat(200_000) })
    repository.git('checkout', '--quiet', 'feature')
    expect((await json([])).images[0]?.base?.ownSize).toBe(1000)
    expect((await json(['--base', 'main'])).images[0]?.base?.ownSize).toBe(200_000)
    const wrong = await run(['check', '--base', 'trunk'])
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stdout + wrong.stderr).toContain('base-ref is trunk, which is no commit, branch or tag here')
  })

  it('takes paths relative to the folder it is called in', async () => {
    const report = await json(['--file', 'Dockerfile'], { cwd: join(repository.dir, 'sub') })
    expect(report.images[0]).toMatchObject({
      head: { ownSize: 700 },
      layerChanges: expect.arrayContaining([expect.objectContaining({ file: 'sub/Dockerfile' })]),
    })
  })
})

describe('the command line', () => {
  it('has help and a version', async () => {
    expect(await run(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' })
    const help = await run(['--help'])
    expect(help).toMatchObject({ exitCode: 0, stderr: '' })
    expect(help.stdout).toMatch(/Usage: image-budget COMMAND[^]*check[^]*diff[^]*Examples:/)
    const own = await run(['check', '--help'])
    expect(own).toMatchObject({ exitCode: 0, stderr: '' })
    expect(own.stdout).toMatch(/Usage: image-budget check[^]*--max-increase GROWTH[^]*--base, --base-ref REF/)
    expect(await run(['help', 'check'])).toEqual(own)
    expect(help.stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
  })

  it('suggests what an unknown option may have been', async () => {
    const { exitCode, stdout, stderr } = await run(['check', '--max-sise', '1 MB', '--unlike-any'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain('did you mean `--max-size`?')
    expect(stderr).toContain('--unlike-any')
  })

  it.each([
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, true],
    ['NO_COLOR, which is stronger', { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('has colours with %s', async (_, variables, hasColours) => {
    const { stdout } = await run(['check'], { env: variables })
    expect(stdout.includes(ESCAPE)).toBe(hasColours)
  })

  const isScript = spawnSync('script', ['--version']).status === 0
  ;(isScript ? it : it.skip)('has colours on a terminal', () => {
    const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env
    const { stdout, status } = spawnSync('script', ['-qec', `'${process.execPath}' '${COMMAND}' check`, '/dev/null'], {
      cwd: repository.dir,
      env: { ...inherited, ...env, TERM: 'xterm' },
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    expect(stdout).toContain(ESCAPE)
  })

  it('is not troubled by a reader that has seen enough', () => {
    const line = `set -o pipefail; '${process.execPath}' '${COMMAND}' check | true`
    const { status, stderr } = spawnSync('bash', ['-c', line], {
      cwd: repository.dir,
      env: { ...process.env, ...env },
      encoding: 'utf8',
    })
    expect(stderr).not.toMatch(/EPIPE|at .*\.js:/)
    expect(status).toBe(0)
  })

  it('ends with 130 on Ctrl-C, and leaves nothing', async () => {
    const slow = join(repository.dir, 'slow.Dockerfile')
    writeFileSync(slow, `FROM image-budget/base:1\nRUN : ${Date.now()}; echo "under"" way"; sleep 300\n`)
    let cancelled = false
    const result = await run(['check', '--verbose', '--file', 'slow.Dockerfile'], {
      onError: (text, child) => {
        if (cancelled || !text.includes('under way')) return
        cancelled = true
        child.kill('SIGINT')
      },
    })
    rmSync(slow)
    expect(result.exitCode).toBe(130)
    expect(result.stdout).toBe('')
    expect(readdirSync(temporary)).toEqual([])
  })
})

/** The Node that the machine itself has: the oldest that package.json names is 20. */
const machinesNode = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .find((node) => existsSync(node))
const machinesVersion = machinesNode && spawnSync(machinesNode, ['--version'], { encoding: 'utf8' }).stdout.trim()
const isOther = machinesNode !== undefined && machinesVersion !== process.version
;(isOther ? describe : describe.skip)(`with the machine's own Node (${machinesVersion ?? 'there is none'})`, () => {
  it('says the same', async () => {
    const node = machinesNode!
    expect(await json(['--max-size', '10 MB'], { node })).toEqual(await json(['--max-size', '10 MB']))
    expect((await run(['--version'], { node })).stdout).toBe(`${version}\n`)
  })
})
