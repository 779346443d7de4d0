import { CouldNotMeasure, toFailure } from '../failure.ts'
import type { BaseQuestion } from '../inputs/event.ts'
import { gitFailure, type Repository } from './git.ts'

/** The base commit, or why there is none. `ref` is the name by which the user knows it. */
export type BaseCommit =
  { commit: string; ref: string; reason: null } | { commit: null; ref: string | null; reason: string }

/** How to reach the remote when the checkout kept no credentials: server and token, or null. */
export type Credentials = { serverUrl: string; token: string } | null

/** Each round of deepening a shallow clone asks for this many commits more than the one before, times two. */
const FIRST_DEEPENING = 64
const DEEPENINGS = 12

/**
 * Finds the base commit that `question` asks for, fetching what a shallow clone lacks to tell it; its tree may still be missing: see
 * {@link fetchBase}. No ref is created or moved. A base that cannot be found is an answer (with the reason), not an error, whatever git
 * says; CouldNotMeasure `input` is thrown for a `base-ref` that does not exist.
 */
export async function resolveBase(
  repository: Repository,
  question: BaseQuestion,
  credentials: Credentials,
): Promise<BaseCommit> {
  const ref = question.kind === 'pull-request' ? question.baseRef : 'ref' in question ? question.ref : null
  return orReason(ref, () => findBase(repository, question, credentials))
}

/** Makes the base commit's tree available. The same base, or why it cannot be had. */
export async function fetchBase(
  repository: Repository,
  { commit, ref }: Extract<BaseCommit, { reason: null }>,
  credentials: Credentials,
): Promise<BaseCommit> {
  return orReason(ref, () => available(repository, commit, ref, credentials))
}

async function orReason(ref: string | null, find: () => Promise<BaseCommit>): Promise<BaseCommit> {
  try {
    return await find()
  } catch (error) {
    const { kind, message } = toFailure(error)
    if (kind !== 'git') throw error
    return { commit: null, ref, reason: `the base commit could not be found (${message.replace(/\.$/, '')})` }
  }
}

async function findBase(repository: Repository, question: BaseQuestion, credentials: Credentials): Promise<BaseCommit> {
  switch (question.kind) {
    case 'none':
      return { commit: null, ref: null, reason: question.reason }
    case 'commit':
      return { commit: question.sha, ref: question.ref, reason: null }
    case 'ref':
      return namedBase(repository, question.ref, credentials)
    case 'merge-base':
      return branchBase(repository, question.ref, credentials)
    case 'default-branch':
      return defaultBranchBase(repository, credentials)
    case 'pull-request':
      return pullRequestBase(repository, question, credentials)
  }
}

/**
 * The checked-out commit's parents, read from the commit itself: in a shallow clone git's own `HEAD^1` denies them.
 */
export async function parentsOf(repository: Repository, commit: string): Promise<string[]> {
  const text = await repository.git(['cat-file', 'commit', commit])
  const header = text.slice(0, text.indexOf('\n\n') + 1)
  return [...header.matchAll(/^parent ([0-9a-f]{40,64})$/gm)].map((match) => match[1]!)
}

async function pullRequestBase(
  repository: Repository,
  question: Extract<BaseQuestion, { kind: 'pull-request' }>,
  credentials: Credentials,
): Promise<BaseCommit> {
  const head = await repository.git(['rev-parse', 'HEAD'])
  const [first, second] = await parentsOf(repository, head)
  // GitHub's merge commit: what the change is merged into is its first parent, whatever the base branch did since.
  if (first !== undefined && second === question.headSha) return { commit: first, ref: question.baseRef, reason: null }
  return mergeBase(repository, head, question.baseSha, question.baseRef, credentials)
}

async function namedBase(repository: Repository, ref: string, credentials: Credentials): Promise<BaseCommit> {
  const remote = await remoteName(repository)
  const candidates = [ref, ...(remote ? [`refs/remotes/${remote}/${ref}`] : [])]
  for (const candidate of candidates) {
    const found = await repository.tryGit([
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${candidate}^{commit}`,
    ])
    if (found.exitCode === 0) return { commit: found.stdout.trim(), ref, reason: null }
  }
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)) return { commit: ref, ref: ref.slice(0, 7), reason: null }
  if (remote !== null) {
    // A tag goes before a branch of the same name, as with git itself; the peeled line of an annotated tag names the commit.
    const names = ref.startsWith('refs/')
      ? [`${ref}^{}`, ref]
      : [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`]
    const listed = await withCredentials(repository, credentials, ['ls-remote', '--quiet', remote, ...names])
    if (listed.exitCode !== 0) {
      const said = gitFailure(['ls-remote'], listed).message.replace(/\.$/, '')
      return {
        commit: null,
        ref,
        reason: `\`${ref}\` is not in the clone and \`${remote}\` could not be asked for it (${said})`,
      }
    }
    const commits = new Map(listed.stdout.split('\n').map((line) => line.split('\t').toReversed() as [string, string]))
    const sha = names.map((name) => commits.get(name)).find((found) => found !== undefined)
    if (sha !== undefined) return { commit: sha, ref, reason: null }
  }
  throw new CouldNotMeasure(
    'input',
    `\`base-ref\` is \`${ref}\`, which is no commit, branch or tag here${remote ? ` or on \`${remote}\`` : ''}.`,
  )
}

/** The merge base with a branch as the remote has it now: what the clone knows of it may be old, or nothing at all. */
async function branchBase(repository: Repository, ref: string, credentials: Credentials): Promise<BaseCommit> {
  const none = (reason: string): BaseCommit => ({ commit: null, ref, reason })
  const remote = await remoteName(repository)
  if (remote === null) return none('the repository has no remote')
  const listed = await withCredentials(repository, credentials, ['ls-remote', '--quiet', remote, `refs/heads/${ref}`])
  if (listed.exitCode !== 0) {
    const said = gitFailure(['ls-remote'], listed).message.replace(/\.$/, '')
    return none(`\`${remote}\` could not be asked for \`${ref}\` (${said})`)
  }
  const sha = listed.stdout
    .split('\n')
    .find((line) => line.endsWith(`\trefs/heads/${ref}`))
    ?.split('\t', 1)[0]
  if (sha === undefined) return none(`\`${remote}\` has no branch \`${ref}\``)
  const head = await repository.git(['rev-parse', 'HEAD'])
  const base = await mergeBase(repository, head, sha, ref, credentials)
  return base.commit === head ? none(`\`${ref}\` has all that the checked-out commit has`) : base
}

async function defaultBranchBase(repository: Repository, credentials: Credentials): Promise<BaseCommit> {
  const remote = await remoteName(repository)
  const remoteHead = remote ? await repository.tryGit(['symbolic-ref', '--quiet', `refs/remotes/${remote}/HEAD`]) : null
  const candidates = [
    ...(remoteHead?.exitCode === 0 ? [remoteHead.stdout.trim()] : []),
    ...(remote ? [`refs/remotes/${remote}/main`, `refs/remotes/${remote}/master`] : []),
    'refs/heads/main',
    'refs/heads/master',
  ]
  for (const candidate of candidates) {
    const found = await repository.tryGit(['rev-parse', '--verify', '--quiet', `${candidate}^{commit}`])
    if (found.exitCode !== 0) continue
    const head = await repository.git(['rev-parse', 'HEAD'])
    return mergeBase(
      repository,
      head,
      found.stdout.trim(),
      candidate.replace(/^refs\/(?:heads|remotes)\//, ''),
      credentials,
    )
  }
  return {
    commit: null,
    ref: null,
    reason: 'no default branch (`main` or `master`, here or on the remote) was found; `--base` can name the base',
  }
}

/**
 * The merge base of two commits; a shallow clone is deepened until there is one, at last to all that the remote has.
 *
 * The remote is asked for the base alone: the checked-out commit may be known to this clone only, and all the commits at
 * which the clone ends are deepened anyway. By steps those alone that the remote's refs lead to (git's upload-pack leaves
 * out the others, such as a branch that was pushed by force since); the last fetch, `--unshallow`, is for every one.
 */
async function mergeBase(
  repository: Repository,
  head: string,
  base: string,
  ref: string,
  credentials: Credentials,
): Promise<BaseCommit> {
  const there = await available(repository, base, ref, credentials)
  if (there.commit === null) return there
  const none = (reason: string): BaseCommit => ({ commit: null, ref, reason })
  let known = 0
  let whole = false
  for (let round = 0; ; round++) {
    const found = await repository.tryGit(['merge-base', head, base])
    if (found.exitCode === 0) return { commit: found.stdout.trim().split('\n')[0]!, ref, reason: null }
    // A history that it cannot read is for git 2.39 none at all: exit code 1, but not without a word.
    if (found.exitCode !== 1 || /^error:/m.test(found.stderr)) throw gitFailure(['merge-base'], found)
    if (!(await isShallow(repository))) return none(`the checked-out commit and \`${ref}\` have no common ancestor`)
    if (whole)
      return none(`the clone is shallow and its remote, too, lacks the history up to the merge base with \`${ref}\``)
    const before = known
    known = Number(await repository.git(['rev-list', '--count', head, base]))
    whole = known === before || round >= DEEPENINGS
    const depth = whole ? '--unshallow' : `--deepen=${FIRST_DEEPENING * 2 ** round}`
    const failed = await fetchCommits(repository, credentials, [depth], [base])
    if (failed !== null)
      return none(`the clone is shallow and could not be deepened to the merge base with \`${ref}\` (${failed})`)
  }
}

/** A commit with its tree, fetched if it is not there. */
async function available(
  repository: Repository,
  commit: string,
  ref: string,
  credentials: Credentials,
): Promise<BaseCommit> {
  const failed = await fetchCommit(repository, commit, credentials)
  return failed === null
    ? { commit, ref, reason: null }
    : {
        commit: null,
        ref,
        reason: `the base commit \`${commit.slice(0, 7)}\` is not in the clone and could not be fetched (${failed})`,
      }
}

/** Fetches one commit if the repository lacks it. Null when it is there, else git's own words. */
export async function fetchCommit(
  repository: Repository,
  commit: string,
  credentials: Credentials,
): Promise<string | null> {
  const there = await repository.tryGit(['cat-file', '-e', `${commit}^{tree}`])
  if (there.exitCode === 0) return null
  return fetchCommits(repository, credentials, (await isShallow(repository)) ? ['--depth=1'] : [], [commit])
}

async function fetchCommits(
  repository: Repository,
  credentials: Credentials,
  options: string[],
  commits: string[],
): Promise<string | null> {
  const remote = await remoteName(repository)
  if (remote === null) return 'the repository has no remote'
  const fetched = await withCredentials(repository, credentials, [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--refmap=',
    ...options,
    remote,
    ...commits,
  ])
  return fetched.exitCode === 0 ? null : gitFailure(['fetch'], fetched).message.replace(/\.$/, '')
}

/**
 * Talks to the remote as the checkout is set up to, and where that fails (`persist-credentials: false`) once more with the
 * token, handed over in the environment as the header that actions/checkout itself would configure.
 */
export async function withCredentials(
  repository: Repository,
  credentials: Credentials,
  args: string[],
): ReturnType<Repository['tryGit']> {
  const plain = await repository.tryGit(args)
  if (plain.exitCode === 0 || credentials === null) return plain
  const again = await repository.tryGit(args, credentialVariables(credentials))
  return again.exitCode === 0 ? again : plain
}

/** The environment in which git sends the token to its server, and to no other. */
export function credentialVariables(credentials: NonNullable<Credentials>): Record<string, string> {
  const basic = Buffer.from(`x-access-token:${credentials.token}`).toString('base64')
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${credentials.serverUrl.replace(/\/$/, '')}/.extraheader`,
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
  }
}

async function isShallow(repository: Repository): Promise<boolean> {
  return (await repository.git(['rev-parse', '--is-shallow-repository'])) === 'true'
}

/** `origin`, else the only or first remote, else null. */
export async function remoteName(repository: Repository): Promise<string | null> {
  const remotes = (await repository.git(['remote'])).split('\n').filter(Boolean)
  return remotes.includes('origin') ? 'origin' : (remotes[0] ?? null)
}
