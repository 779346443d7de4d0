import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A real git repository in a folder of its own. */
export type TestRepository = {
  dir: string
  /** Runs git there and gives its output, trimmed. */
  git: (...args: string[]) => string
  /** Writes files (null deletes one; one that starts with `#!` is executable), commits all, and gives the commit. */
  commit: (files: Record<string, string | Uint8Array | null>, message?: string) => string
  dispose: () => void
}

/** The same on every machine and whatever git commands the test itself runs below, so that equal trees are equal commits. */
function environment(minutes: number): Record<string, string | undefined> {
  const date = new Date(Date.UTC(2026, 0, 1, 0, minutes)).toISOString()
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  return {
    ...Object.fromEntries(inherited),
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.invalid',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.invalid',
    GIT_COMMITTER_DATE: date,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  }
}

/** Opens the repository in `dir`. Its commits are a minute apart. */
function repositoryAt(dir: string): TestRepository {
  let commits = 0
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: dir,
      env: environment(commits),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  return {
    dir,
    git,
    commit: (files, message = 'Change') => {
      for (const [name, content] of Object.entries(files)) {
        const path = join(dir, name)
        if (content === null) {
          rmSync(path, { recursive: true })
          continue
        }
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, content)
        if (typeof content === 'string' && content.startsWith('#!')) chmodSync(path, 0o755)
      }
      commits += 1
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', '--message', message)
      return git('rev-parse', 'HEAD')
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** An empty repository on the branch `main`. */
export function createRepository(): TestRepository {
  const repository = repositoryAt(mkdtempSync(join(tmpdir(), 'image-budget-test-')))
  repository.git('init', '--quiet', '--initial-branch=main')
  return repository
}

/**
 * A checkout of `ref` of `origin` as actions/checkout makes it: an empty repository, one fetch (depth 1 unless told; 0: all), a
 * detached HEAD.
 */
export function checkOut(origin: TestRepository, ref: string, depth = 1): TestRepository {
  const checkout = createRepository()
  checkout.git('remote', 'add', 'origin', pathToFileURL(origin.dir).href)
  const commit = origin.git('rev-parse', `${ref}^{commit}`)
  checkout.git(
    'fetch',
    '--quiet',
    '--no-tags',
    ...(depth === 0 ? [] : [`--depth=${depth}`]),
    'origin',
    `+${commit}:refs/remotes/pull/merge`,
  )
  checkout.git('checkout', '--quiet', '--detach', commit)
  return checkout
}

/** GitHub's merge commit of `head` into `base`, as it stands at refs/pull/N/merge; gives its sha and moves no branch. */
export function mergeCommit(origin: TestRepository, base: string, head: string): string {
  const tree = origin.git('merge-tree', '--write-tree', base, head).split('\n')[0]!
  return origin.git('commit-tree', tree, '-p', base, '-p', head, '-m', `Merge ${head} into ${base}`)
}
