import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { rmSync } from 'node:fs'
import type { ExecOptions } from '../../src/exec.ts'
import { fetchBase, fetchCommit, parentsOf, resolveBase, type BaseCommit } from '../../src/git/commits.ts'
import { openRepository, type Repository } from '../../src/git/git.ts'
import type { BaseQuestion } from '../../src/inputs/event.ts'
import { createSandbox, stateOf, type Sandbox } from '../support/repositories.ts'

let sandbox: Sandbox
let origin: string
let author: string
beforeEach(() => {
  sandbox = createSandbox()
  origin = sandbox.initBare('origin.git')
  author = sandbox.init('author')
  sandbox.git(author, 'remote', 'add', 'origin', origin)
})
afterEach(() => sandbox.remove())

/** Commits with a file each, on the author's current branch. Gives the commits. */
function history(prefix: string, count: number): string[] {
  const branch = sandbox.git(author, 'symbolic-ref', 'HEAD')
  const commits = Array.from({ length: count }, (_, at) =>
    [
      `commit ${branch}`,
      `mark :${at + 1}`,
      'committer A <a@example.com> 1700000000 +0000',
      `data <<END\n${prefix}${at}\nEND`,
      ...(at === 0 && exists(branch) ? [`from ${branch}^0`] : []),
      `M 100644 inline ${prefix}\ndata <<END\n${at}\nEND\n`,
    ].join('\n'),
  )
  sandbox.feed(author, commits.join('\n'), 'fast-import', '--quiet')
  sandbox.git(author, 'reset', '--quiet', '--hard')
  return sandbox.git(author, 'rev-list', '--reverse', '--first-parent', `--max-count=${count}`, 'HEAD').split('\n')
}

function exists(ref: string): boolean {
  return sandbox.git(author, 'for-each-ref', ref) !== ''
}

function push(...refs: string[]): void {
  sandbox.git(author, 'push', '--quiet', '--force', 'origin', ...refs)
}

/** A clone as actions/checkout makes it: one ref, fetched to a depth (0: all of it), checked out without a branch. */
function checkout(from: string, to: string, depth = 1): string {
  const clone = sandbox.init('clone')
  sandbox.git(clone, 'remote', 'add', 'origin', origin)
  const shallow = depth === 0 ? [] : [`--depth=${depth}`]
  sandbox.git(clone, 'fetch', '--quiet', '--no-tags', ...shallow, 'origin', `+${from}:${to}`)
  sandbox.git(clone, 'checkout', '--quiet', '--detach', to)
  return clone
}

const open = (folder: string): Promise<Repository> => openRepository(sandbox.exec, folder)

/** The base that a question gets in a clone, whose state must be the same before and after. */
async function baseIn(clone: string, question: BaseQuestion): Promise<BaseCommit> {
  const before = stateOf(sandbox, clone)
  const repository = await open(clone)
  const found = await resolveBase(repository, question, null)
  const base = found.reason === null ? await fetchBase(repository, found, null) : found
  expect(stateOf(sandbox, clone)).toEqual(before)
  // Its tree is there to be built.
  if (base.commit !== null) sandbox.git(clone, 'ls-tree', '-r', base.commit)
  return base
}

const isShallow = (clone: string): boolean => sandbox.git(clone, 'rev-parse', '--is-shallow-repository') === 'true'

type PullRequest = { main: string[]; change: string[]; merge: string; question: BaseQuestion }

/**
 * `main` with three commits, and a change of three from the second of them, merged as GitHub does it: pushed as
 * `refs/pull/7/merge`. `length` more commits stand before the tip of each.
 */
function pullRequest(length = 0): PullRequest {
  const main = history('main', 2)
  sandbox.git(author, 'checkout', '--quiet', '-b', 'change')
  const change = history('change', 3 + length)
  sandbox.git(author, 'checkout', '--quiet', 'main')
  main.push(...history('more', 1 + length))
  sandbox.git(author, 'checkout', '--quiet', '--detach')
  sandbox.git(author, 'merge', '--quiet', '--no-ff', '--message', 'Merge', 'change')
  const merge = sandbox.git(author, 'rev-parse', 'HEAD')
  push('main', 'change', 'change:refs/pull/7/head', `${merge}:refs/pull/7/merge`)
  sandbox.git(author, 'checkout', '--quiet', 'main')
  const question = { kind: 'pull-request', headSha: change.at(-1)!, baseSha: main.at(-1)!, baseRef: 'main' } as const
  return { main, change, merge, question }
}

describe("a pull request's merge commit", () => {
  it.each([1, 2, 0])('checked out at depth %d is compared with its first parent', async (depth) => {
    const { main, question } = pullRequest()
    const clone = checkout('refs/pull/7/merge', 'refs/remotes/pull/7/merge', depth)
    expect(await baseIn(clone, question)).toEqual({ commit: main.at(-1), ref: 'main', reason: null })
    expect(isShallow(clone)).toBe(depth !== 0)
  })

  it('is compared with its first parent, whatever the base branch did since', async () => {
    const { main, question } = pullRequest()
    const clone = checkout('refs/pull/7/merge', 'refs/remotes/pull/7/merge')
    const [later] = history('later', 1)
    push('main')
    // The event's own base may be older or newer than what was merged.
    for (const baseSha of [main[0]!, later!]) {
      expect((await baseIn(clone, { ...question, baseSha } as BaseQuestion)).commit).toBe(main.at(-1))
    }
  })
})

describe("a pull request's head", () => {
  it('checked out at depth 1 is compared with the merge base', async () => {
    const { main, question } = pullRequest()
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change')
    expect(await baseIn(clone, question)).toEqual({ commit: main[1], ref: 'main', reason: null })
  })

  it('is compared with the merge base also where that is hundreds of commits away', async () => {
    const { main, question } = pullRequest(150)
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change')
    expect((await baseIn(clone, question)).commit).toBe(main[1])
  }, 20_000)

  it('is compared with the merge base in a whole clone, which stays whole', async () => {
    const { main, question } = pullRequest()
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change', 0)
    const [later] = history('later', 1)
    push('main')
    expect((await baseIn(clone, { ...question, baseSha: later! } as BaseQuestion)).commit).toBe(main[1])
    expect(isShallow(clone)).toBe(false)
  })

  it('that is a merge itself is not taken for the merge commit', async () => {
    const { main, question } = pullRequest()
    sandbox.git(author, 'checkout', '--quiet', 'change')
    sandbox.git(author, 'merge', '--quiet', '--message', 'Merge main into change', main[2]!)
    const headSha = sandbox.git(author, 'rev-parse', 'HEAD')
    push('change')
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change')
    expect((await baseIn(clone, { ...question, headSha } as BaseQuestion)).commit).toBe(main[2])
  })

  it.each([1, 0])('without a common ancestor has no base (depth %d)', async (depth) => {
    const { question } = pullRequest()
    sandbox.git(author, 'checkout', '--quiet', '--orphan', 'orphan')
    const headSha = sandbox.commit(author, 'orphan')
    push('orphan')
    const clone = checkout('refs/heads/orphan', 'refs/remotes/origin/orphan', depth)
    expect(await baseIn(clone, { ...question, headSha } as BaseQuestion)).toEqual({
      commit: null,
      ref: 'main',
      reason: 'the checked-out commit and `main` have no common ancestor',
    })
  })

  it('is compared with the merge base also where it is a commit that the remote does not know', async () => {
    const { main, question } = pullRequest()
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change')
    const headSha = sandbox.commit(clone, 'local')
    expect((await baseIn(clone, { ...question, headSha } as BaseQuestion)).commit).toBe(main[1])
  })

  it('is compared with the merge base also where a force push took it off its branch', async () => {
    const { main, question } = pullRequest()
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change')
    push(':refs/heads/change', ':refs/pull/7/head', ':refs/pull/7/merge')
    expect((await baseIn(clone, question)).commit).toBe(main[1])
  })

  it('has no base where the remote is shallow itself and lacks the merge base', async () => {
    const { question } = pullRequest()
    sandbox.git(sandbox.folder, 'clone', '--quiet', '--bare', '--depth=1', '--no-single-branch', origin, 'mirror.git')
    sandbox.git(join(sandbox.folder, 'mirror.git'), 'config', 'uploadpack.allowAnySHA1InWant', 'true')
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change')
    sandbox.git(clone, 'remote', 'set-url', 'origin', `file://${sandbox.folder}/mirror.git`)
    let fetches = 0
    const counting = await openRepository((program, args, options) => {
      if (args.includes('fetch')) fetches++
      return sandbox.exec(program, args, options)
    }, clone)
    const base = await resolveBase(counting, question, null)
    expect(base.reason).toBe(
      'the clone is shallow and its remote, too, lacks the history up to the merge base with `main`',
    )
    // The base, one step that brings nothing, and all there is.
    expect(fetches).toBe(3)
  })

  it('knows the parent of a merge commit without a fetch: a record of it may be all that is needed', async () => {
    const { merge, main, question } = pullRequest()
    const clone = checkout('refs/pull/7/merge', 'refs/remotes/pull/7/merge')
    rmSync(join(sandbox.folder, 'origin.git'), { recursive: true })
    const base = await resolveBase(await open(clone), question, null)
    expect(base).toEqual({ commit: main.at(-1), ref: 'main', reason: null })
    expect(sandbox.git(clone, 'rev-parse', 'HEAD')).toBe(merge)
  })

  it('has no base where git cannot read the history: that is an answer, no error', async () => {
    const { change, question } = pullRequest()
    sandbox.git(author, 'checkout', '--quiet', '--detach', 'change')
    const lost = change[1]!
    rmSync(join(author, '.git/objects', lost.slice(0, 2), lost.slice(2)))
    const base = await resolveBase(await open(author), question, null)
    expect(base).toEqual({
      commit: null,
      ref: 'main',
      reason: expect.stringMatching(
        /^the base commit could not be found \(`git merge-base` failed with exit code \d+: (?:error|fatal): .*\)$/,
      ),
    })
  })

  it('has no base where the remote is gone', async () => {
    const { question } = pullRequest()
    const clone = checkout('refs/heads/change', 'refs/remotes/origin/change')
    rmSync(join(sandbox.folder, 'origin.git'), { recursive: true })
    expect((await baseIn(clone, question)).reason).toMatch(
      /^the base commit `[0-9a-f]{7}` is not in the clone and could not be fetched \(`git fetch` failed with exit code 128: fatal: .*\)$/,
    )
  })
})

describe('the commit before a push', () => {
  it('is fetched where a shallow clone lacks it', async () => {
    const commits = history('main', 3)
    push('main')
    const clone = checkout('refs/heads/main', 'refs/remotes/origin/main')
    const question = { kind: 'commit', sha: commits[0]!, ref: 'main before the push' } as const
    expect(await baseIn(clone, question)).toEqual({ commit: commits[0], ref: 'main before the push', reason: null })
  })

  it('is fetched also where a force push took it off its branch', async () => {
    const [first, second] = history('main', 2)
    push('main')
    sandbox.git(author, 'reset', '--quiet', '--hard', first!)
    history('other', 1)
    push('main')
    const clone = checkout('refs/heads/main', 'refs/remotes/origin/main', 0)
    expect((await baseIn(clone, { kind: 'commit', sha: second!, ref: 'main' })).commit).toBe(second)
    expect(isShallow(clone)).toBe(false)
  })

  it('may be gone for good: that is an answer, no error', async () => {
    history('main', 1)
    push('main')
    const clone = checkout('refs/heads/main', 'refs/remotes/origin/main')
    expect(await baseIn(clone, { kind: 'commit', sha: 'b'.repeat(40), ref: 'main' })).toEqual({
      commit: null,
      ref: 'main',
      reason: expect.stringMatching(
        /^the base commit `bbbbbbb` is not in the clone and could not be fetched \(.*not our ref/,
      ),
    })
  })

  it('cannot be fetched without a remote', async () => {
    history('main', 1)
    sandbox.git(author, 'remote', 'remove', 'origin')
    expect((await baseIn(author, { kind: 'commit', sha: 'b'.repeat(40), ref: 'main' })).reason).toBe(
      'the base commit `bbbbbbb` is not in the clone and could not be fetched (the repository has no remote)',
    )
  })
})

describe('a base that the user names', () => {
  let commits: string[]
  let clone: string
  beforeEach(() => {
    commits = history('main', 4)
    sandbox.git(author, 'branch', 'old', commits[0]!)
    sandbox.git(author, 'tag', 'light', commits[1]!)
    sandbox.git(author, 'tag', '--annotate', '--message', 'v1', 'v1', commits[2]!)
    push('main', 'old', 'light', 'v1')
    clone = checkout('refs/heads/main', 'refs/remotes/origin/main')
  })
  const named = (ref: string): Promise<BaseCommit> => baseIn(clone, { kind: 'ref', ref })

  it('may be a branch or tag, here or on the remote, also by its full name', async () => {
    const places = { old: 0, 'refs/heads/old': 0, light: 1, v1: 2, 'refs/tags/v1': 2, main: 3, HEAD: 3 }
    for (const [ref, at] of Object.entries(places)) {
      expect(await named(ref)).toEqual({ commit: commits[at], ref, reason: null })
    }
  })

  it('may be a commit, here or on the remote, that no ref names', async () => {
    expect(await named(commits[3]!)).toEqual({ commit: commits[3], ref: commits[3], reason: null })
    expect(await named(commits[1]!)).toEqual({ commit: commits[1], ref: commits[1]!.slice(0, 7), reason: null })
  })

  it('is the local branch where there is one', async () => {
    sandbox.git(clone, 'branch', 'old', commits[3]!)
    expect((await named('old')).commit).toBe(commits[3])
  })

  it('is the tag where a branch of the remote has the same name, as with git itself', async () => {
    push('main:refs/heads/v1', 'main:refs/heads/light')
    expect([(await named('v1')).commit, (await named('light')).commit]).toEqual([commits[2], commits[1]])
  })

  it('is a mistake to be told where it is nothing', async () => {
    for (const ref of ['mian', 'refs/heads/mian', 'v1^{tree}', 'abcdef0']) {
      await expect(named(ref)).rejects.toMatchObject({
        failure: {
          kind: 'input',
          message: `\`base-ref\` is \`${ref}\`, which is no commit, branch or tag here or on \`origin\`.`,
        },
      })
    }
  })

  it('is no mistake where the remote cannot be asked', async () => {
    rmSync(join(sandbox.folder, 'origin.git'), { recursive: true })
    expect((await named('old')).reason).toMatch(/^`old` is not in the clone and `origin` could not be asked for it \(/)
  })
})

describe('the branch that another one came from', () => {
  const question = { kind: 'merge-base', ref: 'main' } as const

  /** A branch of two commits from main's second, in a clone of depth 1 that knows nothing else; main's commits. */
  function branched(): { clone: string; commits: string[] } {
    sandbox.git(author, 'branch', '-M', 'main')
    const commits = history('main', 3)
    push('main')
    sandbox.git(author, 'checkout', '--quiet', '-b', 'change', commits[1]!)
    history('change', 2)
    push('change')
    const options = ['--quiet', '--depth=1', '--branch=change', '--no-tags']
    sandbox.git(sandbox.folder, 'clone', ...options, `file://${origin}`, 'clone')
    return { clone: join(sandbox.folder, 'clone'), commits }
  }

  it('gives the merge base with it, which a shallow clone does not have', async () => {
    const { clone, commits } = branched()
    expect(await baseIn(clone, question)).toEqual({ commit: commits[1], ref: 'main', reason: null })
  })

  it('is asked of the remote: what the clone knows of it may be old', async () => {
    const { clone, commits } = branched()
    sandbox.git(clone, 'update-ref', 'refs/remotes/origin/main', 'HEAD')
    expect(await baseIn(clone, question)).toEqual({ commit: commits[1], ref: 'main', reason: null })
  })

  it('may have all that the other one has', async () => {
    const { clone } = branched()
    sandbox.git(author, 'push', '--quiet', '--force', 'origin', 'change:main')
    expect(await baseIn(clone, question)).toMatchObject({
      commit: null,
      reason: '`main` has all that the checked-out commit has',
    })
  })

  it('may not be there', async () => {
    const { clone } = branched()
    // One that ends alike is another branch.
    sandbox.git(author, 'push', '--quiet', 'origin', 'main:refs/heads/refs/heads/trunk')
    expect(await baseIn(clone, { ...question, ref: 'trunk' })).toMatchObject({
      commit: null,
      reason: '`origin` has no branch `trunk`',
    })
    sandbox.git(clone, 'remote', 'set-url', 'origin', '/nowhere')
    expect(await baseIn(clone, question)).toMatchObject({ commit: null, ref: 'main' })
    sandbox.git(clone, 'remote', 'remove', 'origin')
    expect(await baseIn(clone, question)).toMatchObject({ commit: null, reason: 'the repository has no remote' })
  })
})

describe('the default branch', () => {
  const question = { kind: 'default-branch' } as const

  it.each(['main', 'master', 'trunk'])('called %s gives the merge base with it', async (name) => {
    sandbox.git(author, 'checkout', '--quiet', '-b', name === 'main' ? 'other' : name)
    if (name === 'main') sandbox.git(author, 'branch', '-M', 'main')
    const commits = history('main', 3)
    push(name)
    sandbox.git(join(sandbox.folder, 'origin.git'), 'symbolic-ref', 'HEAD', `refs/heads/${name}`)
    sandbox.git(sandbox.folder, 'clone', '--quiet', origin, 'clone')
    const clone = join(sandbox.folder, 'clone')
    sandbox.git(clone, 'checkout', '--quiet', '-b', 'change', commits[1]!)
    sandbox.commit(clone, 'change')
    expect(await baseIn(clone, question)).toEqual({ commit: commits[1], ref: `origin/${name}`, reason: null })
  })

  it('may be a local one, without any remote', async () => {
    const commits = history('main', 2)
    sandbox.git(author, 'remote', 'remove', 'origin')
    sandbox.git(author, 'checkout', '--quiet', '-b', 'change')
    history('change', 2)
    expect(await baseIn(author, question)).toEqual({ commit: commits[1], ref: 'main', reason: null })
  })

  it('may not be found', async () => {
    history('main', 1)
    sandbox.git(author, 'branch', '-m', 'else')
    expect(await baseIn(author, question)).toMatchObject({
      commit: null,
      reason: expect.stringContaining('no default branch'),
    })
  })
})

it('tells a reason that is known already', async () => {
  history('main', 1)
  expect(await baseIn(author, { kind: 'none', reason: 'the push created `x`' })).toEqual({
    commit: null,
    ref: null,
    reason: 'the push created `x`',
  })
})

it("reads a commit's parents also where a shallow clone denies them, and none from its message", async () => {
  const { main, change } = pullRequest()
  const clone = await open(checkout('refs/pull/7/merge', 'refs/remotes/pull/7/merge'))
  expect(await parentsOf(clone, 'HEAD')).toEqual([main.at(-1), change.at(-1)])
  const lie = sandbox.commit(author, `Subject\n\nparent ${'a'.repeat(40)}\nparent ${'b'.repeat(40)}`)
  expect(await parentsOf(await open(author), lie)).toEqual([main.at(-1)])
})

describe('the token', () => {
  const token = 'ghs_hunter2'
  const credentials = { serverUrl: 'https://github.example/', token }

  it('goes into the environment of git, never into its arguments, and only where git fails without it', async () => {
    history('main', 1)
    const calls: { args: string[]; env: NonNullable<ExecOptions['env']> }[] = []
    const repository = await openRepository(async (program, args, options) => {
      calls.push({ args, env: options?.env ?? {} })
      return args.includes('fetch') && options?.env?.['GIT_CONFIG_COUNT'] === undefined
        ? { exitCode: 128, stdout: '', stderr: 'fatal: Authentication failed' }
        : args.includes('fetch')
          ? { exitCode: 0, stdout: '', stderr: '' }
          : sandbox.exec(program, args, options)
    }, author)
    expect(await fetchCommit(repository, 'b'.repeat(40), credentials)).toBeNull()
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
    for (const { args } of calls) expect(args.join(' ')).not.toMatch(new RegExp(`${token}|${basic}`))
    const withToken = calls.filter(({ env }) => JSON.stringify(env).includes(basic))
    expect(withToken.map(({ env }) => env)).toEqual([
      expect.objectContaining({
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.https://github.example/.extraheader',
        GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
      }),
    ])
    expect(calls.findIndex(({ env }) => env['GIT_CONFIG_COUNT'] !== undefined)).toBe(calls.length - 1)
  })

  it('is not in the reason where git fails with it, too', async () => {
    history('main', 1)
    push('main')
    const clone = checkout('refs/heads/main', 'refs/remotes/origin/main')
    const failed = await fetchCommit(await open(clone), 'b'.repeat(40), credentials)
    expect(failed).toMatch(/not our ref/)
    expect(failed).not.toMatch(new RegExp(`${token}|${Buffer.from(token).toString('base64').slice(0, 8)}`))
  })
})
