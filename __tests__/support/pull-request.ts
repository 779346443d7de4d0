import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { payload, type Event, type JsonObject } from './payload.ts'
import { checkOut, createRepository, mergeCommit, type TestRepository } from './repository.ts'
import { runAction, type RunOptions, type RunResult } from './runner.ts'

export type Files = Record<string, string | Uint8Array | null>

/** A repository with pull request 1, and the merge commit of it checked out at depth 1: what most runs start from. */
export type PullRequestFixture = {
  origin: TestRepository
  checkout: TestRepository
  /** Commits: the base branch's, the change's, and GitHub's merge of both, which is what is checked out. */
  base: string
  head: string
  merge: string
  event: Event
  /** A new folder, for one run's `RUNNER_TEMP`. */
  temp: () => string
  /** Adds a commit to the change, and gives the fixture with its merge checked out. */
  push: (files: Files) => PullRequestFixture
  /** Runs the action on the event with the engine of `env`. */
  run: (env: Record<string, string>, options?: Partial<RunOptions>) => Promise<RunResult>
  dispose: () => void
}

/** Opens a pull request that makes `change` to a repository of the files `base`; `overrides` are laid over its part of the payload. */
export function openPullRequest(base: Files, change: Files, overrides: JsonObject = {}): PullRequestFixture {
  const origin = createRepository()
  const folders = [origin.dir]
  const baseSha = origin.commit(base, 'Base')
  origin.git('branch', 'feature')

  const push = (files: Files): PullRequestFixture => {
    origin.git('checkout', '--quiet', 'feature')
    const head = origin.commit(files)
    const merge = mergeCommit(origin, baseSha, head)
    const checkout = checkOut(origin, merge)
    folders.push(checkout.dir)
    const event = payload('pull_request.synchronize', {
      number: 1,
      repository: { full_name: 'octo-org/shop' },
      pull_request: {
        number: 1,
        merge_commit_sha: merge,
        head: { ref: 'feature', sha: head },
        base: { ref: 'main', sha: baseSha },
        ...overrides,
      },
    })
    const temp = (): string => {
      folders.push(mkdtempSync(join(tmpdir(), 'image-budget-runner-')))
      return folders.at(-1)!
    }
    return {
      origin,
      checkout,
      base: baseSha,
      head,
      merge,
      event,
      temp,
      push,
      run: (env, options = {}) =>
        runAction({ event, workspace: checkout.dir, temp: temp(), ...options, env: { ...env, ...options.env } }),
      dispose: () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })),
    }
  }
  return push(change)
}
