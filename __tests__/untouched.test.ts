import { mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createExec } from '../src/exec.ts'
import { createCheckout } from '../src/git/checkout.ts'
import { openRepository } from '../src/git/git.ts'
import { parseInputs } from '../src/inputs/inputs.ts'
import { untouchedSince } from '../src/untouched.ts'
import { createRepository, type TestRepository } from './support/repository.ts'

const exec = createExec(process.env, new AbortController().signal)

/** Two services, what they share, and what belongs to neither. */
const FILES = {
  'services/api/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'services/api/.dockerignore': 'docs\n**/*.md\n!docs/keep.md\n',
  'services/api/src/main.ts': '1',
  'services/api/README.md': '1',
  'services/api/docs/keep.md': '1',
  'services/api/docs/other.txt': '1',
  'services/web/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'services/web/index.html': '1',
  'docker/api.Dockerfile': 'FROM scratch\nCOPY . /\n',
  'docker/api.Dockerfile.dockerignore': 'src\n',
  'lib/shared.ts': '1',
  'README.md': '1',
}

let repository: TestRepository
afterEach(() => repository.dispose())

type Files = Parameters<TestRepository['commit']>[0]

/** Whether the change from FILES (and `before`) to `after` leaves the image alone. */
async function isUntouched(
  inputs: Record<string, string>,
  after: Files,
  { before = {}, budgetFiles = [] }: { before?: Files; budgetFiles?: string[] } = {},
): Promise<boolean> {
  repository = createRepository()
  const base = repository.commit({ ...FILES, ...before })
  return asked(base, inputs, repository.commit(after), budgetFiles)
}

async function asked(
  base: string,
  inputs: Record<string, string>,
  head: string,
  budgetFiles: string[] = [],
): Promise<boolean> {
  const cwd = realpathSync(repository.dir)
  const checkout = createCheckout(exec, await openRepository(exec, cwd), join(cwd, '.git', 'scratch'), null)
  const since = await untouchedSince(parseInputs({ context: 'services/api', ...inputs }), {
    checkout,
    head,
    base: { kind: 'commit', sha: base, ref: 'main' },
    cwd,
    budgetFiles: budgetFiles.map((path) => join(cwd, path)),
  })
  if (since !== null) expect(since).toEqual({ commit: base, ref: 'main' })
  return since !== null
}

describe('an image is not touched by', () => {
  it.each<[string, Files, Record<string, string>?]>([
    ['nothing', {}],
    ['another image’s files', { 'services/web/index.html': '2', 'services/web/Dockerfile': 'FROM scratch\n' }],
    ['a folder whose name begins alike', { 'services/api2/Dockerfile': 'FROM scratch\n', 'services/api.md': '1' }],
    ['what its ignore file leaves out', { 'services/api/README.md': '2', 'services/api/docs/other.txt': null }],
    ['what is new and left out', { 'services/api/docs/new/deep.txt': '1', 'services/api/src/deep/notes.md': '1' }],
    ['files of other folders that git writes by rules', { 'services/web/.gitattributes': '*.html eol=crlf\n' }],
    ['what it shares with nobody', { 'README.md': '2', 'lib/shared.ts': '2' }],
    [
      'the context’s ignore file where the Dockerfile has its own',
      { 'services/api/src/main.ts': '2' },
      { file: 'docker/api.Dockerfile' },
    ],
    ['its own secret that is not committed', { 'README.md': '2' }, { 'secret-files': 'key=services/.npmrc' }],
    [
      'what is not in the repository',
      { 'README.md': '2' },
      { 'build-contexts': 'base=docker-image://alpine:3\nweb=https://example.com/web.git' },
    ],
  ])('%s', async (_, after, inputs = {}) => {
    expect(await isUntouched(inputs, after)).toBe(true)
  })
})

it('is not known to be untouched where links lead elsewhere', async () => {
  repository = createRepository()
  const base = repository.commit({ ...FILES, 'shared.ignore': 'docs\n', 'build/ci/key': '1' })
  const cwd = repository.dir
  symlinkSync('../../shared.ignore', join(cwd, 'services/web/Dockerfile.dockerignore'))
  symlinkSync('build/ci', join(cwd, 'ci'))
  const linked = repository.commit({})
  const after = repository.commit({ 'shared.ignore': 'src\n', 'build/ci/key': '2' })
  expect(await asked(base, { context: 'services/web' }, linked)).toBe(false)
  expect(await asked(linked, { context: 'services/web' }, after)).toBe(false)
  expect(await asked(linked, { 'secret-files': 'key=ci/key' }, after)).toBe(false)
  expect(await asked(linked, { 'secret-files': 'key=build/none' }, after)).toBe(true)
})

describe('an image is touched by', () => {
  it.each<[string, Files, Record<string, string>?]>([
    ['a file of its context', { 'services/api/src/main.ts': '2' }],
    ['a new one', { 'services/api/src/new.ts': '1' }],
    ['one that is gone', { 'services/api/src/main.ts': null }],
    ['one that moved out', { 'services/api/src/main.ts': null, 'services/web/main.ts': '1' }],
    ['the mode of one', { 'services/api/src/main.ts': '#!1' }],
    ['one that its ignore file lets in again', { 'services/api/docs/keep.md': '2' }],
    ['its Dockerfile', { 'services/api/Dockerfile': 'FROM scratch\nCOPY . /app/\n' }],
    [
      'its Dockerfile elsewhere',
      { 'docker/api.Dockerfile': 'FROM scratch\nCOPY . /app/\n' },
      { file: 'docker/api.Dockerfile' },
    ],
    ['its ignore file', { 'services/api/.dockerignore': 'docs\n**/*.md\n' }],
    ['a new ignore file of its Dockerfile', { 'services/api/Dockerfile.dockerignore': '**\n' }],
    [
      'what its Dockerfile’s own ignore file lets in',
      { 'services/api/README.md': '2' },
      { file: 'docker/api.Dockerfile' },
    ],
    ['a folder of a named context', { 'lib/shared.ts': '2' }, { 'build-contexts': 'lib=./lib' }],
    ['a committed file that is a secret', { 'lib/shared.ts': '2' }, { 'secret-files': 'key=lib/shared.ts' }],
    [
      'anything, where its context is the repository',
      { 'README.md': '2' },
      { context: '.', file: 'services/api/Dockerfile' },
    ],
    ['the budget file', { '.github/image-budget.yml': 'max-size: 1 MB\n' }],
    ['a workflow', { '.github/workflows/ci.yml': 'on: push\n' }],
    ['an action of the repository’s own', { '.github/actions/build/action.yml': 'name: x\n' }],
    ['how git writes its files', { '.gitattributes': '* eol=crlf\n' }],
    ['how git writes the files of a folder above', { 'services/.gitattributes': '* eol=crlf\n' }],
    ['how git writes some of its files', { 'services/api/docs/.gitattributes': '* eol=crlf\n' }],
  ])('%s', async (_, after, inputs = {}) => {
    expect(await isUntouched(inputs, after)).toBe(false)
  })

  it('the budget file that is named', async () => {
    const change = { 'ci/budgets.yml': 'max-size: 1 MB\n' }
    expect(await isUntouched({}, change, { budgetFiles: ['ci/budgets.yml'] })).toBe(false)
  })

  it('a submodule of its context, left out or not, and by no other', async () => {
    repository = createRepository()
    repository.commit(FILES)
    const link = (path: string, commit: string): string => {
      repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
      repository.git('commit', '--quiet', '--message', 'Submodule')
      return repository.git('rev-parse', 'HEAD')
    }
    const [first, second] = [
      link('services/api/docs/sub', 'a'.repeat(40)),
      link('services/api/docs/sub', 'b'.repeat(40)),
    ]
    expect(await asked(first, {}, second)).toBe(false)
    expect(await asked(second, {}, link('services/web/sub', 'a'.repeat(40)))).toBe(true)
    repository.git('config', 'diff.ignoreSubmodules', 'all')
    expect(await asked(first, {}, second)).toBe(false)
  })
})

describe('what is not known for certain touches an image', () => {
  const elsewhere = { 'README.md': '2' }

  it.each<[string, Record<string, string>]>([
    ['a command that runs before the build', { 'before-build': 'make' }],
    ['an image that is not built', { context: '', image: 'docker://ghcr.io/acme/api' }],
    ['a context that another step makes', { 'build-contexts': 'base=oci-layout://base' }],
    ['a context that another target makes', { 'build-contexts': 'base=target:base' }],
    ['a context out of the repository', { context: '..' }],
    ['a named context out of the repository', { 'build-contexts': 'lib=../lib' }],
    ['a context that is not there', { context: 'services/none' }],
    ['a Dockerfile that is not there', { file: 'none.Dockerfile' }],
    ['a named context that is not there', { 'build-contexts': 'lib=./none' }],
  ])('%s', async (_, inputs) => {
    expect(await isUntouched(inputs, elsewhere)).toBe(false)
  })

  it('a base commit that is nowhere', async () => {
    repository = createRepository()
    expect(await asked('a'.repeat(40), {}, repository.commit(FILES))).toBe(false)
  })

  it.each([
    ['context', 'linked', {}],
    ['folder above the context', 'linked-services/api', {}],
    ['Dockerfile', 'services/api', { file: 'linked.Dockerfile' }],
    ['named context', 'services/api', { 'build-contexts': 'lib=./linked' }],
    ['secret', 'services/api', { 'secret-files': 'key=linked.Dockerfile' }],
  ])('a %s that is a link', async (_, context, inputs) => {
    repository = createRepository()
    symlinkSync('services/api', join(repository.dir, 'linked'))
    symlinkSync('services', join(repository.dir, 'linked-services'))
    symlinkSync('services/api/Dockerfile', join(repository.dir, 'linked.Dockerfile'))
    const base = repository.commit(FILES)
    expect(await asked(base, { context, ...inputs }, repository.commit(elsewhere))).toBe(false)
  })

  it.each([
    ['one that is not understood', 'docs\n**/*.md\n[]]\n'],
    ['one that is too long', `docs\n**/*.md\n${'#'.repeat(70_000)}\n`],
  ])('an ignore file: %s', async (_, ignoreFile) => {
    const before = { 'services/api/.dockerignore': ignoreFile }
    expect(await isUntouched({}, { 'services/api/README.md': '2' }, { before })).toBe(false)
    repository.dispose()
    expect(await isUntouched({}, elsewhere, { before })).toBe(true)
  })

  it('an ignore file that is a link', async () => {
    repository = createRepository()
    mkdirSync(join(repository.dir, 'services/web'), { recursive: true })
    symlinkSync('../api/.dockerignore', join(repository.dir, 'services/web/.dockerignore'))
    const base = repository.commit(FILES)
    const head = repository.commit({ 'services/web/README.md': '1' })
    expect(await asked(base, { context: 'services/web' }, head)).toBe(false)
  })
})
