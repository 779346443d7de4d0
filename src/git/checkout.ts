import { join } from 'node:path'
import type { Exec } from '../exec.ts'
import type { BaseQuestion } from '../inputs/event.ts'
import { once } from '../turns.ts'
import { fetchBase, resolveBase, type BaseCommit, type Credentials } from './commits.ts'
import { changedPaths, type ChangedPath } from './changes.ts'
import type { Repository } from './git.ts'
import { writeTree } from './tree.ts'

/** A checkout that images are built from. Each question is asked of git once, and each tree written once, however many images ask. */
export type Checkout = {
  repository: Repository
  /** See resolveBase. */
  resolveBase: (question: BaseQuestion) => Promise<BaseCommit>
  /** See fetchBase. */
  fetchBase: (base: Extract<BaseCommit, { reason: null }>) => Promise<BaseCommit>
  /** See changedPaths. */
  changedPaths: (from: string, to: string) => Promise<ChangedPath[]>
  /** Absolute path of a folder with the files of a commit or tree, for reading only: other images are built from it, too. */
  treeOf: (treeish: string) => Promise<string>
  /** Writes them into a folder of the caller's own, which must not exist. */
  writeTree: (treeish: string, folder: string) => Promise<void>
}

/** `scratch`: a folder of its own, which need not be there yet. */
export function createCheckout(
  exec: Exec,
  repository: Repository,
  scratch: string,
  credentials: Credentials,
): Checkout {
  const write = (treeish: string, folder: string): Promise<void> =>
    writeTree(exec, repository, treeish, folder, credentials)
  let trees = 0
  const changes = once(
    ([from, to]: readonly [string, string]) => changedPaths(repository, from, to),
    (commits) => commits.join(),
  )
  return {
    repository,
    resolveBase: once(
      (question) => resolveBase(repository, question, credentials),
      (question) => JSON.stringify(question),
    ),
    fetchBase: once(
      (base) => fetchBase(repository, base, credentials),
      ({ commit }) => commit,
    ),
    changedPaths: (from, to) => changes([from, to]),
    treeOf: once(
      async (treeish) => {
        const folder = join(scratch, `tree-${(trees += 1)}`)
        await write(treeish, folder)
        return folder
      },
      (treeish) => treeish,
    ),
    writeTree: write,
  }
}
