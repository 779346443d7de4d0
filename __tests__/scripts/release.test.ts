import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { parseVersion, prepareRelease, REQUIRED_WORKFLOWS, sectionOf } from '../../scripts/release-plan.ts'
import { createSandbox, writeFiles, type Files, type Sandbox } from '../support/repositories.ts'

/** scripts/release.ts as the workflow runs it, in clones of a real bare repository. */

const script = fileURLToPath(new URL('../../scripts/release.ts', import.meta.url))

let sandbox: Sandbox
let origin: string
let clone: string
beforeEach(() => {
  sandbox = createSandbox()
  origin = sandbox.initBare('origin.git')
  clone = sandbox.init('clone')
  sandbox.git(clone, 'remote', 'add', 'origin', origin)
})
afterEach(() => sandbox.remove())

/** The files that say a version, and a bundle. */
function filesOf(version: string, more: Files = {}): Files {
  return {
    'package.json': `{\n  "name": "x",\n  "version": "${version}"\n}\n`,
    'package-lock.json': JSON.stringify({ name: 'x', version, packages: { '': { name: 'x', version } } }, null, 2),
    'src/version.ts': `export const version = '${version}'\n`,
    'CHANGELOG.md': `# Changelog\n\n## [Unreleased]\n\n## [${version}] - 2026-11-21\n\n- What is new in ${version}\n\n## [0.0.1] - 2026-01-01\n\n- Old\n`,
    'dist/index.js': `// ${version}\n`,
    ...more,
  }
}

type Place = { branch?: string; from?: string; more?: Files }

/** Commits a version on `branch` (begun at `from`) and pushes it. Gives the commit. */
function commitVersion(version: string, { branch = 'main', from = 'HEAD', more = {} }: Place = {}): string {
  if (sandbox.git(clone, 'branch', '--list', branch) === '' && branch !== 'main')
    sandbox.git(clone, 'checkout', '--quiet', '-b', branch, from)
  else if (branch !== sandbox.git(clone, 'symbolic-ref', '--short', 'HEAD'))
    sandbox.git(clone, 'checkout', '--quiet', branch)
  const commit = sandbox.commit(clone, version, filesOf(version, more))
  sandbox.git(clone, 'push', '--quiet', 'origin', branch)
  return commit
}

type Ran = { status: number | null; stdout: string; stderr: string; outputs: string }

function release(...args: string[]): Ran {
  const file = join(sandbox.folder, 'outputs')
  rmSync(file, { force: true })
  const ran = spawnSync(process.execPath, [script, ...args], {
    cwd: clone,
    env: { ...sandbox.env, GITHUB_OUTPUT: file },
    encoding: 'utf8',
  })
  const outputs = args[0] === 'check' && ran.status === 0 ? readFileSync(file, 'utf8') : ''
  return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr, outputs }
}

/** Releases what is checked out, as the workflow's last job does. */
function publish(): void {
  for (const command of ['tag', 'move-major']) expect(release(command)).toMatchObject({ status: 0, stderr: '' })
}

/** The remote's tags, each with its commit. */
function tags(): Record<string, string> {
  const list = sandbox.git(
    fileURLToPath(origin),
    'for-each-ref',
    '--format=%(refname:short) %(objectname)',
    'refs/tags',
  )
  return Object.fromEntries(list === '' ? [] : list.split('\n').map((line) => line.split(' ')))
}

describe('a release', () => {
  it('gets a tag of its own, and the major follows it', () => {
    const first = commitVersion('0.1.0')
    publish()
    expect(tags()).toEqual({ 'v0.1.0': first, v0: first })
    const second = commitVersion('0.2.0')
    publish()
    expect(tags()).toEqual({ 'v0.1.0': first, 'v0.2.0': second, v0: second })
  })

  it('hands its facts and its part of the changelog to the next steps', () => {
    commitVersion('1.2.3')
    const { stdout, outputs } = release('check')
    expect(outputs).toBe('version=1.2.3\ntag=v1.2.3\nmajor-tag=v1\nprerelease=false\nlatest=true\nmoves-major=true\n')
    expect(stdout).toContain('- What is new in 1.2.3')
    expect(release('notes').stdout).toBe('- What is new in 1.2.3\n')
  })

  it('that was interrupted after its tag goes on', () => {
    const commit = commitVersion('0.1.0')
    expect(release('tag').status).toBe(0)
    publish()
    expect(tags()).toEqual({ 'v0.1.0': commit, v0: commit })
  })

  it('never moves a tag that is out', () => {
    const first = commitVersion('0.1.0')
    publish()
    commitVersion('0.1.0', { more: { 'dist/index.js': '// another\n' } })
    for (const command of ['check', 'tag', 'move-major'])
      expect(release(command)).toMatchObject({ status: 1, stderr: expect.stringContaining('v0.1.0 is out already') })
    expect(tags()).toEqual({ 'v0.1.0': first, v0: first })
  })

  it('moves the major only to what is released', () => {
    commitVersion('0.1.0')
    expect(release('move-major')).toMatchObject({ status: 1, stderr: expect.stringContaining('v0.1.0 is not out') })
    expect(tags()).toEqual({})
  })

  it('before its time leaves the major where it is', () => {
    const first = commitVersion('1.0.0')
    publish()
    const candidate = commitVersion('1.1.0-rc.1')
    publish()
    expect(tags()).toEqual({ 'v1.0.0': first, 'v1.1.0-rc.1': candidate, v1: first })
    expect(release('check').outputs).toContain('prerelease=true\nlatest=false\nmoves-major=false\n')
  })

  it('of an older minor does not move the major back', () => {
    const old = commitVersion('1.1.0')
    publish()
    const newest = commitVersion('1.2.0')
    publish()
    const fix = commitVersion('1.1.1', { branch: 'release/1.1', from: old })
    publish()
    expect(tags()).toEqual({ 'v1.1.0': old, 'v1.2.0': newest, 'v1.1.1': fix, v1: newest })
  })

  it('of an older major moves that major, and is not the latest', () => {
    const old = commitVersion('1.9.0')
    publish()
    const next = commitVersion('2.0.0')
    publish()
    const fix = commitVersion('1.9.1', { branch: 'release/1', from: old })
    expect(release('check').outputs).toContain('latest=false\nmoves-major=true\n')
    publish()
    expect(tags()).toMatchObject({ v1: fix, v2: next })
  })

  it('counts versions as numbers, and tags of other kinds not at all', () => {
    commitVersion('0.9.0')
    sandbox.git(clone, 'push', '--quiet', 'origin', 'HEAD:refs/tags/v99.0', 'HEAD:refs/tags/latest')
    publish()
    const tenth = commitVersion('0.10.0')
    publish()
    expect(tags()).toMatchObject({ v0: tenth })
  })

  it('does not take back a major that another release has moved since the plan', () => {
    const first = commitVersion('1.9.0')
    publish()
    const second = commitVersion('1.10.0')
    expect(release('tag').status).toBe(0)
    const other = commitVersion('1.11.0', { branch: 'other' })
    sandbox.git(clone, 'checkout', '--quiet', 'main')
    // The other release comes just after this one has looked at the remote.
    const folder = join(sandbox.folder, 'bin')
    mkdirSync(folder)
    const path = sandbox.env['PATH'] ?? ''
    writeFileSync(
      join(folder, 'git'),
      `#!/bin/sh
PATH=\${PATH#*${delimiter}}
git "$@" || exit
if [ "$1" = ls-remote ]; then git push --quiet --force origin ${other}:refs/tags/v1; fi
`,
    )
    chmodSync(join(folder, 'git'), 0o755)
    sandbox.env['PATH'] = `${folder}${delimiter}${path}`
    expect(release('move-major')).toMatchObject({ status: 1, stderr: expect.stringContaining('stale info') })
    sandbox.env['PATH'] = path
    expect(tags()).toEqual({ 'v1.9.0': first, 'v1.10.0': second, v1: other })
  })

  it('reads where an annotated major is, and replaces it', () => {
    commitVersion('0.1.0')
    sandbox.git(clone, 'tag', '--annotate', '--message', 'by hand', 'v0')
    sandbox.git(clone, 'push', '--quiet', 'origin', 'v0')
    publish()
    const second = commitVersion('0.2.0')
    publish()
    expect(tags()).toMatchObject({ v0: second })
  })
})

describe('nothing is released', () => {
  it('where a file says another version; all of them are named', () => {
    commitVersion('0.2.0', {
      more: { 'src/version.ts': "export const version = '0.1.0'\n", 'CHANGELOG.md': '# Changelog\n' },
    })
    const { status, stderr } = release('tag')
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toEqual([
      '- src/version.ts says 0.1.0, package.json 0.2.0',
      expect.stringContaining('CHANGELOG.md has no section'),
    ])
  })

  it.each([
    ['a changed', 'dist/index.js'],
    ['a new', 'dist/chunk.js'],
  ])('with %s file in dist', (_, file) => {
    commitVersion('0.1.0')
    writeFiles(clone, { [file]: '// built\n' })
    expect(release('check')).toMatchObject({ status: 1, stderr: expect.stringContaining(file) })
    expect(tags()).toEqual({})
  })

  it('from a branch of a change', () => {
    commitVersion('0.1.0')
    commitVersion('0.2.0', { branch: 'release-notes' })
    expect(release('tag')).toMatchObject({ status: 1, stderr: expect.stringContaining('not from release-notes') })
  })

  it.each([
    ['0.3.0', 'release/0.1'],
    ['2.0.0', 'release/1.2'],
    ['1.2.0', 'release/2'],
    ['1.2.0', 'release/1.20'],
  ])('that is %s from %s, a branch of other versions', (version, branch) => {
    commitVersion('0.2.0')
    publish()
    const before = tags()
    commitVersion(version, { branch })
    for (const command of ['check', 'tag'])
      expect(release(command)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`${branch} is for versions`),
      })
    expect(tags()).toEqual(before)
  })

  it('that is a pre-release of what is out', () => {
    commitVersion('1.2.3-rc.1')
    publish()
    commitVersion('1.2.3')
    publish()
    const before = tags()
    commitVersion('1.2.3-rc.2')
    expect(release('tag')).toMatchObject({ status: 1, stderr: expect.stringContaining('v1.2.3 is out already') })
    expect(tags()).toEqual(before)
  })

  it('that is older than what is out of its minor', () => {
    const old = commitVersion('0.1.0')
    commitVersion('0.1.2')
    publish()
    commitVersion('0.1.1', { branch: 'release/0.1', from: old })
    expect(release('tag')).toMatchObject({ status: 1, stderr: expect.stringContaining('v0.1.2 is out already') })
  })

  it('unless each workflow has succeeded on the very commit', () => {
    const commit = commitVersion('0.1.0')
    const passed = REQUIRED_WORKFLOWS.map((workflowName) => ({
      workflowName,
      event: 'push',
      conclusion: 'success',
      headSha: commit,
    }))
    const check = (runs: typeof passed): Ran => {
      const file = join(sandbox.folder, 'runs.json')
      writeFileSync(file, JSON.stringify(runs))
      return release('check', file)
    }
    expect(check(passed).status).toBe(0)
    for (const wrong of [{ conclusion: 'failure' }, { event: 'pull_request' }, { headSha: 'f'.repeat(40) }]) {
      const { status, stderr } = check([{ ...passed[0]!, ...wrong }, ...passed.slice(1)])
      expect([status, stderr]).toEqual([1, expect.stringContaining(`\`${REQUIRED_WORKFLOWS[0]}\` has not succeeded`)])
    }
    // A second attempt counts.
    expect(check([{ ...passed[0]!, conclusion: 'failure' }, ...passed]).status).toBe(0)
  })
})

describe('what is prepared', () => {
  const sources = {
    manifest: readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    lock: readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
    module: readFileSync(new URL('../../src/version.ts', import.meta.url), 'utf8'),
    changelog: '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing\n',
  }

  it('says the new version everywhere, and dates what was unreleased', () => {
    const { manifest, lock, module, changelog } = prepareRelease(sources, '98.7.6', '2026-11-21')
    expect(JSON.parse(manifest)).toEqual({ ...JSON.parse(sources.manifest), version: '98.7.6' })
    const { packages, ...locked } = JSON.parse(lock)
    expect([locked.version, packages[''].version]).toEqual(['98.7.6', '98.7.6'])
    expect(lock.match(/98\.7\.6/g)).toHaveLength(2)
    expect(module).toContain("export const version = '98.7.6'\n")
    expect(sectionOf(changelog, '98.7.6')).toBe('### Added\n\n- A thing')
    expect(sectionOf(changelog, 'Unreleased')).toBe('')
    expect(changelog).toContain('## [98.7.6] - 2026-11-21\n')
  })

  it.each([
    ['1.2', 'is no version'],
    ['v1.2.3', 'is no version'],
    ['01.2.3', 'is no version'],
    ['1.2.3\n', 'is no version'],
  ])('is refused for %j', (version, why) => {
    expect(() => prepareRelease(sources, version, '2026-11-21')).toThrow(why)
  })

  it('is refused where nothing is new', () => {
    const { changelog } = prepareRelease(sources, '98.7.6', '2026-11-21')
    expect(() => prepareRelease({ ...sources, changelog }, '98.7.7', '2026-11-21')).toThrow('nothing under')
    expect(() => prepareRelease({ ...sources, changelog }, '98.7.6', '2026-11-21')).toThrow('has a section')
  })
})

it('knows a pre-release by its version', () => {
  expect(parseVersion('1.2.3-rc.1')).toEqual({ major: 1, minor: 2, patch: 3, pre: 'rc.1' })
  expect(parseVersion('1.2.3')).toMatchObject({ pre: null })
})
