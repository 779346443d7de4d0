import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openRepository } from '../../src/git/git.ts'
import { isDirty, snapshotWorkingTree, withSnapshots, writeTree } from '../../src/git/tree.ts'
import { createSandbox, readFiles, stateOf, writeFiles, type Files, type Sandbox } from '../support/repositories.ts'

let sandbox: Sandbox
let repository: string
beforeEach(() => {
  sandbox = createSandbox()
  repository = sandbox.init('repository')
})
afterEach(() => sandbox.remove())

/** The files that a commit or tree has when it is written, which must leave the checkout as it is. */
async function written(treeish: string, from = repository): Promise<Files> {
  const before = stateOf(sandbox, from)
  const out = join(sandbox.folder, 'scratch', String(Math.random()))
  const opened = await withSnapshots(await openRepository(sandbox.exec, from), join(sandbox.folder, 'scratch'))
  await writeTree(sandbox.exec, opened, treeish, out, null)
  expect(stateOf(sandbox, from)).toEqual(before)
  return readFiles(out)
}

async function snapshot(): Promise<Files> {
  const before = stateOf(sandbox, repository)
  const opened = await openRepository(sandbox.exec, repository)
  const tree = await snapshotWorkingTree(opened, join(sandbox.folder, 'scratch'))
  expect(await snapshotWorkingTree(opened, join(sandbox.folder, 'scratch'))).toBe(tree)
  expect(stateOf(sandbox, repository)).toEqual(before)
  return written(tree)
}

const outside = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !name.endsWith('.gitmodules')))

describe('writeTree', () => {
  it('writes text, executables, links and folders, and nothing of git', async () => {
    const files: Files = {
      Dockerfile: 'FROM scratch\n',
      'bin/run': { executable: '#!/bin/sh\n' },
      'bin/link': { link: 'run' },
      dangling: { link: '../../nowhere' },
      empty: '',
      'deep/er/file': 'x',
    }
    expect(await written(sandbox.commit(repository, 'first', files))).toEqual(files)
  })

  it('writes files with odd names', async () => {
    const names = [
      'a b',
      'line\nline',
      'größe',
      '-rf',
      '--',
      '"quoted"',
      "it's",
      '$HOME',
      '*',
      'tab\there',
      ':(top)x',
      '#x',
    ]
    const files = Object.fromEntries(
      names.flatMap((name) => [
        [name, name],
        [`dir ${name}/${name}`, name],
      ]),
    )
    expect(await written(sandbox.commit(repository, 'first', files))).toEqual(files)
  })

  it('writes an empty tree as an empty folder', async () => {
    expect(await written(sandbox.commit(repository, 'first'))).toEqual({})
  })

  it('writes each commit as it was, whatever is checked out', async () => {
    const first = sandbox.commit(repository, 'first', { a: '1', b: '1' })
    const second = sandbox.commit(repository, 'second', { a: '2', b: null })
    writeFiles(repository, { a: 'changed', c: 'untracked' })
    expect([await written(first), await written(second)]).toEqual([{ a: '1', b: '1' }, { a: '2' }])
  })

  it("honours the tree's own attributes: line ends, ident, filters", async () => {
    sandbox.git(repository, 'config', 'filter.shout.smudge', 'tr a-z A-Z')
    const first = sandbox.commit(repository, 'first', {
      '.gitattributes': '*.bat text eol=crlf\n*.id ident\n*.loud filter=shout\n',
      'a.bat': 'one\ntwo\n',
      'a.id': '$Id$\n',
      'a.loud': 'hello\n',
    })
    sandbox.commit(repository, 'second', { '.gitattributes': '' })
    const files = await written(first)
    expect([files['a.bat'], files['a.loud']]).toEqual(['one\r\ntwo\r\n', 'HELLO\n'])
    expect(files['a.id']).toMatch(/^\$Id: [0-9a-f]{40} \$\n$/)
  })

  it('has LFS files as the checkout has them: their pointers, unless their content was fetched', async () => {
    sandbox.git(repository, 'config', 'filter.lfs.smudge', 'test -n "$GIT_LFS_SKIP_SMUDGE" && cat || tr a-z A-Z')
    const commit = sandbox.commit(repository, 'first', { '.gitattributes': '*.bin filter=lfs\n', 'a.bin': 'pointer' })
    mkdirSync(join(repository, '.git/lfs/objects'), { recursive: true })
    expect((await written(commit))['a.bin']).toBe('pointer')
    writeFiles(repository, { '.git/lfs/objects/ab/cd/abcd': 'content' })
    expect((await written(commit))['a.bin']).toBe('POINTER')
    sandbox.git(repository, 'config', 'lfs.storage', 'elsewhere')
    expect((await written(commit))['a.bin']).toBe('pointer')
  })

  it('fetches the blobs that a partial clone left out, with the token where git fails without it', async () => {
    sandbox.git(repository, 'config', 'uploadpack.allowFilter', 'true')
    sandbox.git(repository, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
    const commit = sandbox.commit(repository, 'first', { a: 'a', 'b/c': 'c' })
    const url = `file://${repository}`
    sandbox.git(sandbox.folder, 'clone', '--quiet', '--no-checkout', '--filter=blob:none', url, 'partial')
    const partial = join(sandbox.folder, 'partial')
    // A remote that lets nobody in without the header.
    const server = join(sandbox.folder, 'upload-pack')
    writeFiles(sandbox.folder, {
      'upload-pack': { executable: '#!/bin/sh\ntest -n "$GIT_CONFIG_VALUE_0" && exec git-upload-pack "$@"\n' },
    })
    sandbox.git(partial, 'config', 'remote.origin.uploadpack', server)
    const opened = await openRepository(sandbox.exec, partial)
    const out = join(sandbox.folder, 'scratch/head')
    await expect(writeTree(sandbox.exec, opened, commit, `${out}-without`, null)).rejects.toMatchObject({
      failure: { kind: 'git', message: expect.stringContaining('`git read-tree` failed') },
    })
    const credentials = { serverUrl: 'https://github.example', token: 'ghs_hunter2' }
    await writeTree(sandbox.exec, opened, commit, out, credentials)
    expect(readFiles(out)).toEqual({ a: 'a', 'b/c': 'c' })
  })

  it('leaves out what a sparse checkout leaves out', async () => {
    const files = { 'app/a': 'a', 'docs/b': 'b', top: 'c' }
    const commit = sandbox.commit(repository, 'first', files)
    sandbox.git(repository, 'sparse-checkout', 'set', 'app')
    expect(await written(commit)).toEqual({ 'app/a': 'a', top: 'c' })
  })

  it('reads from a linked worktree', async () => {
    const commit = sandbox.commit(repository, 'first', { a: 'a' })
    const linked = join(sandbox.folder, 'linked')
    sandbox.git(repository, 'worktree', 'add', '--quiet', '-b', 'other', linked)
    expect(await written(commit, linked)).toEqual({ a: 'a' })
  })

  it('leaves nothing in the tree, and its index beside it', async () => {
    const commit = sandbox.commit(repository, 'first', { a: 'a' })
    const out = join(sandbox.folder, 'scratch/head')
    await writeTree(sandbox.exec, await openRepository(sandbox.exec, repository), commit, out, null)
    expect([readdirSync(out), readdirSync(join(sandbox.folder, 'scratch'))]).toEqual([['a'], ['head', 'head.index']])
  })

  it('fails with the words of git where there is no such commit', async () => {
    await expect(written('b'.repeat(40))).rejects.toMatchObject({
      failure: { kind: 'git', message: expect.stringMatching(/^`git read-tree` failed with exit code 128: fatal: /) },
    })
  })

  describe('with submodules', () => {
    let library: string
    let commits: [string, string]
    beforeEach(() => {
      const inner = sandbox.init('inner')
      sandbox.commit(inner, 'inner', { deepest: 'x' })
      library = sandbox.init('library')
      sandbox.git(library, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
      sandbox.git(library, 'submodule', '--quiet', 'add', inner, 'in ner')
      const first = sandbox.commit(library, 'library', { code: '1' })
      sandbox.git(repository, 'submodule', '--quiet', 'add', `file://${library}`, 'vendor/lib')
      sandbox.git(repository, 'submodule', '--quiet', 'update', '--init', '--recursive')
      commits = [sandbox.commit(repository, 'first', { a: 'a' }), first]
    })

    it('fills those that the checkout has, and leaves no file of git in them', async () => {
      expect(outside(await written(commits[0]))).toEqual({
        a: 'a',
        'vendor/lib/code': '1',
        'vendor/lib/in ner/deepest': 'x',
      })
    })

    it('leaves those empty that the checkout has empty', async () => {
      sandbox.git(repository, 'submodule', '--quiet', 'deinit', '--force', 'vendor/lib')
      expect(outside(await written(commits[0]))).toEqual({ a: 'a' })
    })

    it('fetches the commit of the submodule that the other side has', async () => {
      sandbox.git(library, 'rm', '--quiet', '--force', 'in ner')
      const later = sandbox.commit(library, 'later', { code: '2' })
      sandbox.git(repository, 'update-index', '--cacheinfo', `160000,${later},vendor/lib`)
      const tree = sandbox.git(repository, 'write-tree')
      sandbox.git(repository, 'reset', '--quiet')
      expect(outside(await written(tree))).toEqual({ a: 'a', 'vendor/lib/code': '2' })
    })

    it('fills one that the checkout has at another path', async () => {
      sandbox.git(repository, 'mv', 'vendor/lib', 'third_party')
      sandbox.commit(repository, 'moved')
      // As on a runner, where the clone is made for the new path alone.
      const clone = join(sandbox.folder, 'clone')
      sandbox.git(sandbox.folder, 'clone', '--quiet', '--recurse-submodules', repository, 'clone')
      expect(outside(await written(commits[0], clone))).toEqual({
        a: 'a',
        'vendor/lib/code': '1',
        'vendor/lib/in ner/deepest': 'x',
      })
    })

    it('fills one that the checkout has no more from the clone that git kept', async () => {
      sandbox.git(repository, 'rm', '--quiet', '-r', 'vendor/lib')
      sandbox.commit(repository, 'removed')
      expect(outside(await written(commits[0]))).toEqual({
        a: 'a',
        'vendor/lib/code': '1',
        'vendor/lib/in ner/deepest': 'x',
      })
    })

    it('says which one the checkout, whose commit lacks it, has no clone of', async () => {
      sandbox.git(repository, 'rm', '--quiet', '-r', 'vendor/lib')
      sandbox.commit(repository, 'removed')
      sandbox.git(sandbox.folder, 'clone', '--quiet', '--recurse-submodules', repository, 'clone')
      await expect(written(commits[0], join(sandbox.folder, 'clone'))).rejects.toMatchObject({
        failure: {
          kind: 'git',
          message: 'The submodule `vendor/lib` is needed, but the checkout, whose commit lacks it, has no clone of it.',
        },
      })
    })

    it('leaves one empty that the checkout has no more, where it leaves all of its own empty', async () => {
      sandbox.git(repository, 'submodule', '--quiet', 'add', `file://${library}`, 'other')
      sandbox.git(repository, 'rm', '--quiet', '-r', 'vendor/lib')
      sandbox.commit(repository, 'replaced')
      sandbox.git(sandbox.folder, 'clone', '--quiet', repository, 'clone')
      expect(outside(await written(commits[0], join(sandbox.folder, 'clone')))).toEqual({ a: 'a' })
    })

    it.each(['../../../elsewhere/.git', 'x/../../../../elsewhere/.git'])(
      'takes none that a name (%s) or a link of the checkout leads to',
      async (name) => {
        const elsewhere = sandbox.init('elsewhere')
        const secret = sandbox.commit(elsewhere, 'secret', { secret: 'x' })
        sandbox.git(repository, 'update-index', '--add', '--cacheinfo', `160000,${secret},link/elsewhere`)
        writeFiles(repository, { '.gitmodules': `[submodule "${name}"]\npath = link/elsewhere\nurl = /nowhere\n` })
        sandbox.git(repository, 'add', '.gitmodules')
        const tree = sandbox.git(repository, 'write-tree')
        sandbox.git(repository, 'reset', '--quiet', '--hard')
        sandbox.commit(repository, 'link', { link: { link: sandbox.folder } })
        await expect(written(tree)).rejects.toMatchObject({
          failure: { kind: 'git', message: expect.stringContaining('The submodule `link/elsewhere` is needed') },
        })
      },
    )

    it('reads no file that `.gitmodules` includes', async () => {
      const modules = join(sandbox.folder, 'modules')
      writeFiles(sandbox.folder, { modules: 'no configuration' })
      const text = readFileSync(join(repository, '.gitmodules'), 'utf8')
      const commit = sandbox.commit(repository, 'include', { '.gitmodules': `[include]\npath = ${modules}\n${text}` })
      expect(Object.keys(outside(await written(commit)))).toContain('vendor/lib/code')
    })

    it('says which one cannot be had', async () => {
      sandbox.git(repository, 'update-index', '--cacheinfo', `160000,${'b'.repeat(40)},vendor/lib`)
      const tree = sandbox.git(repository, 'write-tree')
      sandbox.git(repository, 'reset', '--quiet')
      await expect(written(tree)).rejects.toMatchObject({
        failure: {
          kind: 'git',
          message: expect.stringContaining('The commit `bbbbbbb` of the submodule `vendor/lib` '),
        },
      })
    })
  })
})

describe('snapshotWorkingTree', () => {
  it('holds what is changed, staged, new and gone, and not what is ignored', async () => {
    sandbox.commit(repository, 'first', {
      '.gitignore': '*.log\n/dist/\n',
      same: 's',
      changed: '1',
      staged: '1',
      gone: '1',
      'removed/x': '1',
    })
    writeFiles(repository, { staged: '2', 'staged-new': 'n' })
    sandbox.git(repository, 'add', 'staged', 'staged-new')
    sandbox.git(repository, 'rm', '--quiet', '-r', 'removed')
    writeFiles(repository, {
      changed: '2',
      gone: null,
      'new/file': 'n',
      tool: { executable: 'x' },
      'debug.log': 'ignored',
      'dist/app': 'ignored',
    })
    expect(await snapshot()).toEqual({
      '.gitignore': '*.log\n/dist/\n',
      same: 's',
      changed: '2',
      staged: '2',
      'staged-new': 'n',
      'new/file': 'n',
      tool: { executable: 'x' },
    })
  })

  it('holds what changed in the very moment in which the index was written, and kept its size', async () => {
    sandbox.commit(repository, 'first', { changed: '1' })
    sandbox.git(repository, 'config', 'core.checkStat', 'minimal')
    sandbox.git(repository, 'config', 'core.trustctime', 'false')
    const [file, index] = [join(repository, 'changed'), join(repository, '.git/index')]
    const moment = new Date('2026-01-02T03:04:05Z')
    utimesSync(file, moment, moment)
    sandbox.git(repository, 'update-index', '--refresh')
    writeFiles(repository, { changed: '2' })
    for (const each of [file, index]) utimesSync(each, moment, moment)
    const opened = await openRepository(sandbox.exec, repository)
    expect(await written(await snapshotWorkingTree(opened, join(sandbox.folder, 'scratch')))).toEqual({ changed: '2' })
  })

  it('holds the whole working tree, also when asked from a folder of it', async () => {
    sandbox.commit(repository, 'first', { 'sub/a': '1', b: '1' })
    writeFiles(repository, { b: '2' })
    const opened = await openRepository(sandbox.exec, join(repository, 'sub'))
    const tree = await snapshotWorkingTree(opened, join(sandbox.folder, 'scratch'))
    expect(await written(tree)).toEqual({ 'sub/a': '1', b: '2' })
  })

  it('keeps what a sparse checkout does not show', async () => {
    sandbox.commit(repository, 'first', { 'app/a': 'a', 'docs/b': 'b' })
    sandbox.git(repository, 'sparse-checkout', 'set', 'app')
    writeFiles(repository, { 'app/a': '2' })
    const opened = await openRepository(sandbox.exec, repository)
    const tree = await snapshotWorkingTree(opened, join(sandbox.folder, 'scratch'))
    const seeing = await withSnapshots(opened, join(sandbox.folder, 'scratch'))
    expect(await seeing.git(['ls-tree', '-r', '--name-only', tree])).toBe('app/a\ndocs/b')
  })

  it('is the commit’s own tree where nothing is changed', async () => {
    const commit = sandbox.commit(repository, 'first', { a: '1' })
    const opened = await openRepository(sandbox.exec, repository)
    const tree = await snapshotWorkingTree(opened, join(sandbox.folder, 'scratch'))
    expect(tree).toBe(sandbox.git(repository, 'rev-parse', `${commit}^{tree}`))
  })

  it('leaves nothing in the user’s repository: what is untracked may be large, or a secret', async () => {
    sandbox.commit(repository, 'first', { a: '1' })
    const before = sandbox.git(repository, 'count-objects', '--verbose')
    writeFiles(repository, { a: '2', 'deploy.key': 'secret', 'new folder/b': 'b' })
    expect(await snapshot()).toEqual({ a: '2', 'deploy.key': 'secret', 'new folder/b': 'b' })
    expect(sandbox.git(repository, 'count-objects', '--verbose')).toBe(before)
  })

  it('needs no index', async () => {
    sandbox.commit(repository, 'first', { a: '1' })
    rmSync(join(repository, '.git/index'))
    const tree = await snapshotWorkingTree(
      await openRepository(sandbox.exec, repository),
      join(sandbox.folder, 'scratch'),
    )
    expect(sandbox.git(repository, 'ls-tree', '-r', '--name-only', tree)).toBe('a')
    expect(existsSync(join(repository, '.git/index'))).toBe(false)
  })
})

const dirty = async (): Promise<boolean> => {
  const before = stateOf(sandbox, repository)
  const answer = await isDirty(await openRepository(sandbox.exec, repository))
  expect(stateOf(sandbox, repository)).toEqual(before)
  return answer
}

describe('isDirty', () => {
  it('is told by changed, staged, new and gone files, not by ignored ones or empty folders', async () => {
    sandbox.commit(repository, 'first', { '.gitignore': '*.log\n', a: '1', 'dir/b': '1' })
    writeFiles(repository, { 'debug.log': 'x' })
    mkdirSync(join(repository, 'empty'))
    expect(await dirty()).toBe(false)
    for (const change of [{ a: '2' }, { a: null }, { 'dir/new': '' }] satisfies Files[]) {
      writeFiles(repository, change)
      expect(await dirty()).toBe(true)
      sandbox.git(repository, 'stash', '--quiet', '--include-untracked')
      expect(await dirty()).toBe(false)
    }
    writeFiles(repository, { a: '3' })
    sandbox.git(repository, 'add', 'a')
    expect(await dirty()).toBe(true)
  })
})
