import { chownSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createExec } from '../../src/exec.ts'
import { openRepository } from '../../src/git/git.ts'
import { createSandbox, type Sandbox } from '../support/repositories.ts'

let sandbox: Sandbox
let repository: string
beforeEach(() => {
  sandbox = createSandbox()
  repository = sandbox.init('my repository')
  sandbox.commit(repository, 'first', { 'services/api/Dockerfile': 'FROM scratch\n' })
})
afterEach(() => sandbox.remove())

describe('openRepository', () => {
  it('finds the repository from any folder in it', async () => {
    for (const folder of ['.', 'services', 'services/api']) {
      const { root, gitDir } = await openRepository(sandbox.exec, join(repository, folder))
      expect([root, gitDir]).toEqual([repository, join(repository, '.git')])
    }
  })

  it('finds it through a link', async () => {
    symlinkSync(join(repository, 'services'), join(sandbox.folder, 'link'))
    expect((await openRepository(sandbox.exec, join(sandbox.folder, 'link'))).root).toBe(repository)
  })

  it('finds the folder of a linked worktree', async () => {
    const linked = join(sandbox.folder, 'linked')
    sandbox.git(repository, 'worktree', 'add', '--quiet', '--detach', linked)
    const { root, gitDir } = await openRepository(sandbox.exec, linked)
    expect([root, gitDir]).toEqual([linked, join(repository, '.git/worktrees/linked')])
  })

  it('finds the repository of the folder, whatever a hook that runs us says of another', async () => {
    const other = sandbox.init('other')
    const env = { ...sandbox.env, GIT_DIR: join(other, '.git'), GIT_WORK_TREE: other, GIT_INDEX_FILE: '/nowhere' }
    const opened = await openRepository(createExec(env, new AbortController().signal), repository)
    expect(opened.root).toBe(repository)
    expect(await opened.git(['ls-files'])).toBe('services/api/Dockerfile')
  })

  it.each(['no repository', 'a bare repository'])('says what to do where there is %s', async (what) => {
    const folder = join(sandbox.folder, 'folder')
    if (what === 'no repository') mkdirSync(folder)
    else sandbox.initBare('folder')
    await expect(openRepository(sandbox.exec, folder)).rejects.toMatchObject({
      failure: {
        kind: 'precondition',
        message: `\`${folder}\` is not in a git repository with a working tree.`,
        remedy: expect.stringContaining('actions/checkout'),
      },
    })
  })

  const isRoot = process.getuid?.() === 0
  ;(isRoot ? it : it.skip)('reads a checkout that belongs to another user, as in a container job', async () => {
    for (const path of ['.', '.git', 'services']) chownSync(join(repository, path), 65_534, 65_534)
    expect(() => sandbox.git(repository, 'status')).toThrow('dubious ownership')
    const { git } = await openRepository(sandbox.exec, join(repository, 'services'))
    expect(await git(['status', '--porcelain'])).toBe('')
  })
})

describe('git', () => {
  it('runs no hook of the repository and prints no translation', async () => {
    const { git, tryGit } = await openRepository(sandbox.exec, repository)
    expect(await git(['config', 'core.hooksPath'])).toBe('/dev/null')
    expect((await tryGit(['rev-parse', '--verify', 'nothing'])).stderr).toBe('fatal: Needed a single revision\n')
  })

  it("tells its own words, the command and the exit code where it fails, and none of the arguments' values", async () => {
    const { git } = await openRepository(sandbox.exec, repository)
    await expect(git(['cat-file', '-p', 'nothing'])).rejects.toMatchObject({
      failure: {
        kind: 'git',
        message: '`git cat-file` failed with exit code 128: fatal: Not a valid object name nothing.',
      },
    })
  })

  it('gives output without its last line end only', async () => {
    const { git } = await openRepository(sandbox.exec, repository)
    expect(await git(['show', 'HEAD:services/api/Dockerfile'])).toBe('FROM scratch')
  })
})
