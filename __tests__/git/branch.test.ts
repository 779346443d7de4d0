import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createOpenOutput, type Exec } from '../../src/exec.ts'
import { commitsBefore, readBranch, tagsOf, type Branch } from '../../src/git/branch.ts'
import { openRepository } from '../../src/git/git.ts'
import { createSandbox, stateOf, type Sandbox } from '../support/repositories.ts'

let sandbox: Sandbox
let origin: string
let author: string
beforeEach(() => {
  sandbox = createSandbox()
  origin = sandbox.initBare('origin.git')
  author = sandbox.init('author')
  sandbox.git(author, 'remote', 'add', 'origin', origin)
  sandbox.commit(author, 'code', { Dockerfile: 'FROM scratch\n' })
  sandbox.git(author, 'push', '--quiet', 'origin', 'main')
})
afterEach(() => sandbox.remove())

/** Commits files to the origin's data branch, which has nothing in common with the code. Gives the commit. */
function record(files: Record<string, string | Buffer>): string {
  const data = sandbox.init('data')
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(data, path)), { recursive: true })
    writeFileSync(join(data, path), content)
  }
  const commit = sandbox.commit(data, 'record')
  sandbox.git(data, 'push', '--quiet', '--force', origin, 'HEAD:refs/heads/image-budget')
  return commit
}

/** A clone as actions/checkout makes it: one commit of the code, and nothing of the data branch. */
function checkout(): string {
  const clone = sandbox.init('clone')
  sandbox.git(clone, 'remote', 'add', 'origin', origin)
  sandbox.git(
    clone,
    'fetch',
    '--quiet',
    '--no-tags',
    '--depth=1',
    'origin',
    '+refs/heads/main:refs/remotes/origin/main',
  )
  sandbox.git(clone, 'checkout', '--quiet', '--detach', 'origin/main')
  return clone
}

/** A clone as a developer makes it. */
function cloneWith(...options: string[]): string {
  sandbox.git(sandbox.folder, 'clone', '--quiet', ...options, origin, 'clone')
  return join(sandbox.folder, 'clone')
}

const moveOrigin = (): void => renameSync(join(sandbox.folder, 'origin.git'), join(sandbox.folder, 'moved.git'))

type Settings = { fetch?: boolean; branch?: string; exec?: Exec }

/** Opens the data branch in a clone, reads with `use`, and holds the clone to the state that it had. */
async function reading<T>(clone: string, use: (branch: Branch | null) => Promise<T> | T, settings: Settings = {}) {
  const { fetch = true, branch = 'image-budget', exec = sandbox.exec } = settings
  const before = stateOf(sandbox, clone)
  const isShallow = sandbox.git(clone, 'rev-parse', '--is-shallow-repository')
  const openOutput = createOpenOutput(sandbox.env, new AbortController().signal)
  try {
    return await use(await readBranch(openOutput, await openRepository(exec, clone), branch, { fetch }, null))
  } finally {
    expect(stateOf(sandbox, clone)).toEqual(before)
    expect(sandbox.git(clone, 'rev-parse', '--is-shallow-repository')).toBe(isShallow)
  }
}

const textOf = async (branch: Branch | null, path: string): Promise<string | undefined> =>
  (await branch?.read(path))?.toString()

describe('the data branch', () => {
  it('is read in a shallow clone that does not have it, which stays as it is', async () => {
    const commit = record({ 'README.md': 'Records\n', 'api/linux-amd64/points/older.jsonl': '{}\n' })
    await reading(checkout(), async (branch) => {
      expect(branch).toMatchObject({ commit, unasked: null })
      expect(await textOf(branch, 'api/linux-amd64/points/older.jsonl')).toBe('{}\n')
    })
  })

  it.each([['whole'], ['whole, of one branch', '--single-branch'], ['partial', '--filter=blob:none']])(
    'is read as the remote has it now: in a clone that is %s',
    async (_, ...options) => {
      record({ file: 'then' })
      const clone = cloneWith(...options)
      record({ file: 'now' })
      const commit = record({ more: '!' })
      await reading(clone, async (branch) => {
        expect(branch).toMatchObject({ commit, unasked: null })
        expect(await textOf(branch, 'file')).toBe('now')
        expect(await textOf(branch, 'more')).toBe('!')
      })
    },
  )

  it('is not fetched again where it is there', async () => {
    record({ file: 'now' })
    const clone = checkout()
    const run: string[] = []
    const exec: Exec = (program, args, options) => {
      run.push(args.find((arg) => ['fetch', 'ls-remote'].includes(arg)) ?? '')
      return sandbox.exec(program, args, options)
    }
    await reading(clone, (branch) => textOf(branch, 'file'), { exec })
    await reading(clone, async (branch) => expect(await textOf(branch, 'file')).toBe('now'), { exec })
    expect(run.filter(Boolean)).toEqual(['ls-remote', 'fetch', 'ls-remote'])
  })

  it('that an earlier fetch left is read without the remote, and says so', async () => {
    const commit = record({ file: 'then' })
    const clone = cloneWith()
    record({ file: 'now' })
    moveOrigin()
    await reading(clone, async (branch) => {
      expect(branch?.commit).toBe(commit)
      expect(branch?.unasked).toMatch(/^`origin` could not be asked for it \(`git ls-remote` failed .*fatal: .*[^.]\)$/)
      expect(await textOf(branch, 'file')).toBe('then')
    })
  })

  it('that cannot be fetched is read as an earlier fetch left it', async () => {
    const commit = record({ file: 'then' })
    const clone = cloneWith()
    record({ file: 'now' })
    const exec: Exec = async (program, args, options) =>
      args.includes('fetch')
        ? { exitCode: 128, stdout: '', stderr: 'fatal: the remote end hung up' }
        : sandbox.exec(program, args, options)
    const unasked =
      'it could not be fetched from `origin` (`git fetch` failed with exit code 128: fatal: the remote end hung up)'
    await reading(clone, (branch) => expect(branch).toMatchObject({ commit, unasked }), { exec })
  })

  it('cannot be told to be missing where the remote cannot be reached', async () => {
    record({ file: 'now' })
    const clone = checkout()
    moveOrigin()
    await expect(reading(clone, () => {})).rejects.toMatchObject({
      failure: {
        kind: 'git',
        message: expect.stringMatching(
          /^The branch `image-budget` is not in the clone, and `origin` could not be asked for it \(.*\)\.$/,
        ),
      },
    })
  })

  it('is what the clone has where the remote is not to be asked', async () => {
    const commit = record({ file: 'then' })
    const clone = cloneWith()
    record({ file: 'now' })
    const offline = { fetch: false }
    await reading(clone, (branch) => expect(branch).toMatchObject({ commit, unasked: null }), offline)
    await reading(author, (branch) => expect(branch).toBeNull(), offline)
    sandbox.git(author, 'branch', 'image-budget')
    await reading(author, async (branch) => expect(await textOf(branch, 'Dockerfile')).toBe('FROM scratch\n'), offline)
  })

  it('may be a branch of a repository without any remote', async () => {
    record({ file: 'here' })
    const data = join(sandbox.folder, 'data')
    await reading(data, (branch) => expect(branch).toBeNull())
    await reading(data, async (branch) => expect(await textOf(branch, 'file')).toBe('here'), { branch: 'main' })
  })

  it('is gone where the remote has deleted it, whatever an earlier fetch left', async () => {
    record({ file: 'then' })
    const clone = cloneWith()
    sandbox.git(author, 'push', '--quiet', 'origin', ':refs/heads/image-budget')
    await reading(clone, (branch) => expect(branch).toBeNull())
  })

  it('is not there before the first record', async () => {
    await reading(checkout(), (branch) => expect(branch).toBeNull())
  })

  it('is no ref that only ends like it, and no tag', async () => {
    sandbox.git(
      author,
      'push',
      '--quiet',
      'origin',
      'main:refs/x/refs/heads/image-budget',
      'main:refs/tags/image-budget',
    )
    await reading(checkout(), (branch) => expect(branch).toBeNull())
    const branch = '--upload-pack=touch pwned'
    await reading(author, (none) => expect(none).toBeNull(), { branch })
    await reading(author, (none) => expect(none).toBeNull(), { branch, fetch: false })
  })
})

describe('its files', () => {
  it('are read byte for byte', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const packed = gzipSync(Buffer.alloc(300_000, every))
    record({ 'layers/a.json.gz': packed, every, empty: '', noline: 'no line end', lines: 'a\r\nb\n\n' })
    await reading(checkout(), async (branch) => {
      expect((await branch?.read('layers/a.json.gz'))?.equals(packed)).toBe(true)
      expect((await branch?.read('every'))?.equals(every)).toBe(true)
      expect(await textOf(branch, 'empty')).toBe('')
      expect(await textOf(branch, 'noline')).toBe('no line end')
      expect(await textOf(branch, 'lines')).toBe('a\r\nb\n\n')
    })
  })

  it('are told by their folders', async () => {
    record({ 'README.md': '', 'api/linux-amd64/a': '', 'api/linux-arm64/b': '', 'api-2/x': '' })
    await reading(checkout(), async (branch) => {
      expect((await branch?.list(''))?.toSorted()).toEqual(['README.md', 'api', 'api-2'])
      expect((await branch?.list('api'))?.toSorted()).toEqual(['linux-amd64', 'linux-arm64'])
      for (const none of ['ap', 'api/', 'README.md', '/', '..', 'api/../api-2'])
        expect([none, await branch?.list(none)]).toEqual([none, null])
    })
  })

  it('have any names, and none leads out of the branch', async () => {
    const names = ['-p', '--batch', 'a\nb', 'tab\t"quoted"', ':(top)x', '宽', '__proto__', 'constructor/x']
    record(Object.fromEntries(names.map((name) => [name, `content of ${name}`])))
    await reading(checkout(), async (branch) => {
      for (const name of names) expect(await textOf(branch, name)).toBe(`content of ${name}`)
      for (const none of ['', '.', '../Dockerfile', '/etc/passwd', 'toString', 'constructor', 'HEAD:Dockerfile'])
        expect([none, await branch?.read(none)]).toEqual([none, null])
    })
  })

  it('are no links and no submodules', async () => {
    const data = sandbox.init('data')
    symlinkSync('/etc/passwd', join(data, 'link'))
    sandbox.commit(sandbox.init('data/module'), 'module')
    record({ file: 'x' })
    expect(sandbox.git(data, 'ls-tree', '--format=%(objectmode)', 'HEAD')).toBe('100644\n120000\n160000')
    await reading(checkout(), async (branch) => {
      expect(await branch?.read('link')).toBeNull()
      expect(await branch?.read('module')).toBeNull()
      expect(await branch?.list('')).toEqual(['file'])
    })
  })

  it('are refused above 20 MB, and read up to that', async () => {
    record({ most: Buffer.alloc(20_000_000), more: Buffer.alloc(20_000_001) })
    await reading(checkout(), async (branch) => {
      expect((await branch?.read('most'))?.length).toBe(20_000_000)
      await expect(branch?.read('more')).rejects.toMatchObject({
        failure: {
          kind: 'git',
          message: '`more` of the branch `image-budget` cannot be read: it has more than 20000000 bytes.',
        },
      })
    })
  })

  it('that git lost are an error with the file', async () => {
    record({ file: 'x' })
    const data = join(sandbox.folder, 'data')
    const object = sandbox.git(data, 'rev-parse', 'HEAD:file')
    // The object alone: the commit may lie in the same folder.
    renameSync(join(data, '.git/objects', object.slice(0, 2), object.slice(2)), join(sandbox.folder, 'lost'))
    await expect(reading(data, (branch) => branch?.read('file'), { branch: 'main' })).rejects.toMatchObject({
      failure: {
        kind: 'git',
        message: expect.stringMatching(/^`file` of the branch `main` cannot be read: .*fatal: /),
      },
    })
  })
})

describe('the repository tells', () => {
  it('a commit and those before it, the latest first, as far as they are there', async () => {
    const first = sandbox.git(author, 'rev-parse', 'main')
    const second = sandbox.commit(author, 'second')
    const third = sandbox.commit(author, 'third')
    const repository = await openRepository(sandbox.exec, author)
    expect(await commitsBefore(repository, third, 300)).toEqual([third, second, first])
    expect(await commitsBefore(repository, second, 300)).toEqual([second, first])
    expect(await commitsBefore(repository, third, 2)).toEqual([third, second])
    sandbox.git(author, 'push', '--quiet', 'origin', 'main')
    const shallow = await openRepository(sandbox.exec, checkout())
    expect(await commitsBefore(shallow, third, 300)).toEqual([third])
    for (const none of ['a'.repeat(40), '--all', '']) {
      await expect(commitsBefore(repository, none, 300)).rejects.toMatchObject({ failure: { kind: 'git' } })
    }
  })

  it('its tags and the commits that they are on, the latest first', async () => {
    const first = sandbox.git(author, 'rev-parse', 'main')
    const second = sandbox.commit(author, 'second')
    const tag = (...args: string[]): string => sandbox.git(author, '-c', 'tag.gpgSign=false', 'tag', ...args)
    sandbox.env['GIT_COMMITTER_DATE'] = '2026-01-01T00:00:00Z'
    tag('light', first)
    sandbox.env['GIT_COMMITTER_DATE'] = '2040-01-01T00:00:00Z'
    tag('--annotate', '--message', 'v1', 'v1', second)
    tag('--annotate', '--message', 'no commit', 'tree', `${second}^{tree}`)
    sandbox.env['GIT_COMMITTER_DATE'] = '2041-01-01T00:00:00Z'
    tag('--annotate', '--message', 'v2', 'release/=v2', first)
    const repository = await openRepository(sandbox.exec, author)
    const all = [
      { name: 'release/=v2', commit: first },
      { name: 'v1', commit: second },
      { name: 'light', commit: first },
    ]
    expect(await tagsOf(repository, 300)).toEqual(all)
    expect(await tagsOf(repository, 1)).toEqual(all.slice(0, 1))
    expect(await tagsOf(await openRepository(sandbox.exec, checkout()), 300)).toEqual([])
  })
})
