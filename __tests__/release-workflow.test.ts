import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { REQUIRED_WORKFLOWS } from '../scripts/release-plan.ts'
import type { Event } from './support/payload.ts'
import { createRepository, type TestRepository } from './support/repository.ts'
import { runWorkflow, type JobRun } from './support/workflow.ts'

/** .github/workflows/release.yml, run step by step on a real repository; `gh` and `npm` are stood in for. */

jest.setTimeout(60_000)

const root = fileURLToPath(new URL('..', import.meta.url))
const workflow = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')
const PACKED = ['action.yml', 'dist', 'schema', 'package.json', 'README.md', 'CHANGELOG.md', 'LICENSE']

/**
 * What the workflow asks of GitHub's own program: a release is the file `$STATE/release-TAG`, which says whether it is a draft, and every call is a
 * line of `$STATE/calls`.
 */
const GH = `#!/usr/bin/env bash
echo "gh $*" >>"$STATE/calls"
case "$1 $2" in
  'run list') cat "$STATE/runs.json" ;;
  'auth setup-git') ;;
  'release view') cat "$STATE/release-$3" ;;
  'release create') tar -tzf "$4" >"$STATE/packed" && [ ! -e "$STATE/release-$3" ] && echo true >"$STATE/release-$3" ;;
  'release edit') [ ! -e "$STATE/offline" ] && echo false >"$STATE/release-$3" ;;
  'release delete') rm "$STATE/release-$3" ;;
  'api '*) cat "$STATE/immutable" ;;
  *) exit 1 ;;
esac
`

let origin: TestRepository
let state: string
let attested: Record<string, string>[]
let commit: string
beforeEach(() => {
  attested = []
  state = mkdtempSync(join(tmpdir(), 'release-'))
  mkdirSync(join(state, 'bin'))
  for (const [name, text] of Object.entries({ gh: GH, npm: '#!/bin/sh\necho "npm $*" >>"$STATE/calls"\n' })) {
    writeFileSync(join(state, 'bin', name), text)
    chmodSync(join(state, 'bin', name), 0o755)
  }
  write('immutable', 'true')
  origin = createRepository()
  for (const path of [
    ...PACKED,
    'scripts/release.ts',
    'scripts/release-plan.ts',
    'src/version.ts',
    'package-lock.json',
  ])
    cpSync(join(root, path), join(origin.dir, path), { recursive: true })
  release('0.1.0')
})
afterEach(() => {
  for (const folder of [state, origin.dir]) rmSync(folder, { recursive: true, force: true })
})

function write(name: string, text: string): void {
  writeFileSync(join(state, name), text)
}

/** A commit of a version, on which all workflows have passed. */
function release(version: string): void {
  const manifest = { ...JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')), version }
  const changelog = `# Changelog\n\n## [${version}] - 2026-11-21\n\n- All of ${version}\n`
  commit = origin.commit({
    'package.json': JSON.stringify(manifest),
    'package-lock.json': JSON.stringify({ version, packages: { '': { version } } }),
    'src/version.ts': `export const version = '${version}'\n`,
    'CHANGELOG.md': changelog,
  })
  passed(REQUIRED_WORKFLOWS)
}

function passed(names: string[]): void {
  const runs = names.map((workflowName) => ({ workflowName, event: 'push', conclusion: 'success', headSha: commit }))
  write('runs.json', JSON.stringify(runs))
}

/** `onStep`: what happens meanwhile, told the action that a step uses. */
async function run(onStep: (action: string) => void = () => {}): Promise<JobRun[]> {
  const event: Event = {
    name: 'workflow_dispatch',
    payload: { ref: 'refs/heads/main', repository: { full_name: 'image-budget/image-budget' } },
  }
  const PATH = [join(state, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter)
  const { jobs } = await runWorkflow(workflow, {
    event,
    sha: commit,
    origin,
    github: { url: '' },
    tokens: {},
    env: { PATH, STATE: state },
    onOther: (name, inputs) => {
      onStep(name)
      if (name === 'actions/attest') attested.push(inputs)
    },
  })
  return jobs
}

const results = (jobs: JobRun[]): string[][] => jobs.map(({ id, result }) => [id, result])
const calls = (): string[] => readFileSync(join(state, 'calls'), 'utf8').trimEnd().split('\n')
const tags = (): Record<string, string> => {
  const list = origin.git('for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/tags')
  return Object.fromEntries(list === '' ? [] : list.split('\n').map((line) => line.split(' ')))
}

it('releases what is committed: archive, provenance, tag, release, and last the major', async () => {
  const jobs = await run()
  expect(jobs.flatMap(({ steps }) => steps).filter(({ result }) => result !== 'success')).toEqual([])
  expect(results(jobs)).toEqual([
    ['check', 'success'],
    ['publish', 'success'],
  ])
  expect(tags()).toEqual({ 'v0.1.0': commit, v0: commit })
  expect(attested.map((each) => each['subject-path']?.trim().split(/\s+/))).toEqual([
    [expect.stringMatching(/\/image-budget-0\.1\.0\.tar\.gz$/), 'dist/index.js', 'dist/cli/index.js'],
  ])
  const packed = readFileSync(join(state, 'packed'), 'utf8')
  for (const file of ['action.yml', 'dist/index.js', 'dist/licenses.txt', 'dist/cli/index.js', 'LICENSE'])
    expect(packed).toContain(`image-budget-0.1.0/${file}\n`)
  expect(calls().filter((call) => call.startsWith('gh release create'))).toEqual([
    expect.stringMatching(/^gh release create v0\.1\.0 .*--verify-tag .*--prerelease=false --draft$/),
  ])
  expect(readFileSync(join(state, 'release-v0.1.0'), 'utf8')).toBe('false\n')
})

it('shows whoever approves what would be released', async () => {
  const [check] = await run()
  expect(check!.steps.at(-1)!.log).toContain(`| Commit | \`${commit}\` |`)
  expect(check!.steps.at(-1)!.log).toContain('- All of 0.1.0')
})

describe('nothing is published', () => {
  it('where a test has not passed on the commit', async () => {
    passed(REQUIRED_WORKFLOWS.slice(1))
    expect(results(await run())).toEqual([
      ['check', 'failure'],
      ['publish', 'skipped'],
    ])
    expect(tags()).toEqual({})
  })

  it('where dist is not what the sources build', async () => {
    write('bin/npm', '#!/bin/sh\n[ "$1" = ci ] || { echo "// another" >dist/index.js; exit 1; }\n')
    expect(results(await run())).toEqual([
      ['check', 'failure'],
      ['publish', 'skipped'],
    ])
  })

  it('where the tag is out already', async () => {
    const first = commit
    await run()
    release('0.1.0')
    commit = origin.commit({ 'dist/index.js': '// another\n' })
    passed(REQUIRED_WORKFLOWS)
    expect(results(await run())[0]).toEqual(['check', 'failure'])
    expect(tags()).toEqual({ 'v0.1.0': first, v0: first })
  })

  // The check has set up Node before.
  it.each([
    ['while it waited for approval', 'actions/setup-node', 2],
    ['while it was attested', 'actions/attest', 1],
  ])('where the tag has come to be since the check, %s', async (_, action, time) => {
    const other = origin.commit({ 'dist/index.js': '// another\n' })
    const seen: string[] = []
    const jobs = await run((name) => {
      seen.push(name)
      if (name === action && seen.filter((each) => each === action).length === time) origin.git('tag', 'v0.1.0', other)
    })
    expect(results(jobs)).toEqual([
      ['check', 'success'],
      ['publish', 'failure'],
    ])
    expect(jobs[1]!.steps.at(-1)!.log).toContain(`v0.1.0 is out already, at ${other}`)
    expect(tags()).toEqual({ 'v0.1.0': other })
    expect(calls().filter((call) => call.startsWith('gh release'))).toEqual([])
  })
})

it('leaves the major where it was while the release can still be changed', async () => {
  await run()
  const { v0 } = tags()
  release('0.2.0')
  write('immutable', 'false')
  const jobs = await run()
  expect(results(jobs)[1]).toEqual(['publish', 'failure'])
  expect(jobs[1]!.steps.at(-1)!.log).toContain('Enable release immutability')
  expect(tags()).toMatchObject({ v0 })
})

it('goes on where it was interrupted: a draft is made anew, and the major has waited', async () => {
  write('offline', '')
  expect(results(await run())[1]).toEqual(['publish', 'failure'])
  expect(tags()).toEqual({ 'v0.1.0': commit })
  rmSync(join(state, 'offline'))
  expect(results(await run())[1]).toEqual(['publish', 'success'])
  expect(tags()).toEqual({ 'v0.1.0': commit, v0: commit })
})

it('leaves what is published as it is', async () => {
  await run()
  const before = calls().length
  expect(results(await run())).toEqual([
    ['check', 'success'],
    ['publish', 'success'],
  ])
  expect(calls().slice(before).join('\n')).not.toMatch(/release (?:create|edit|delete)/)
})

it('does not show a pre-release as the latest, and leaves the major', async () => {
  release('0.2.0-rc.1')
  expect(results(await run())[1]).toEqual(['publish', 'success'])
  expect(tags()).toEqual({ 'v0.2.0-rc.1': commit })
  expect(calls().find((call) => call.startsWith('gh release create'))).toContain('--prerelease=true')
  expect(calls().find((call) => call.startsWith('gh release edit'))).toContain('--latest=false')
})

it('installs nothing where it may write', () => {
  const [, publish = ''] = workflow.split(/^ {2}publish:$/m)
  expect(publish).not.toMatch(/\bnp[mx]\b/)
})

it('packs what is there', () => {
  expect(PACKED.filter((path) => !existsSync(join(root, path)))).toEqual([])
  const { stdout } = spawnSync('git', ['ls-files', 'dist'], { cwd: root, encoding: 'utf8' })
  expect(stdout).toContain('dist/licenses.txt')
})
