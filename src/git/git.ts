import { realpath } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Exec, ExecResult } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'

/** A repository on disk. Nothing here changes its working tree, index, HEAD or refs. */
export type Repository = {
  /** Absolute path of the working tree's top folder, links resolved. */
  root: string
  /** Absolute path of the git directory (of the linked worktree, where it is one). */
  gitDir: string
  /** Runs git and gives its output without the last line end; throws CouldNotMeasure `git` where it fails. */
  git: (args: string[], env?: Record<string, string>) => Promise<string>
  /** Runs git and gives whatever came of it. */
  tryGit: (args: string[], env?: Record<string, string>) => Promise<ExecResult>
  /** What Exec and OpenOutput take to run git here: for output that is bytes. */
  command: (args: string[], env?: Record<string, string>) => [program: string, args: string[], options: GitOptions]
  /** The same, with these variables for each git. */
  with: (env: Record<string, string>) => Repository
}

type GitOptions = { cwd: string; env: Record<string, string | undefined> }

/** Variables that tie git to one repository (`git rev-parse --local-env-vars`): a hook of the user's that runs us sets them. */
const LOCAL_VARIABLES = [
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
]
/** No prompt can be answered here, no hook or file watcher of the user's has anything to say, and output is not translated. */
const ENV = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  LC_ALL: 'C',
  ...Object.fromEntries(LOCAL_VARIABLES.map((name) => [name, undefined])),
}
const CONFIG = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false']

/**
 * Opens the repository that `folder` is in.
 * Throws CouldNotMeasure `precondition` where there is none.
 */
export async function openRepository(exec: Exec, folder: string): Promise<Repository> {
  const found = await exec('git', ['-c', 'safe.directory=*', 'rev-parse', '--show-toplevel', '--absolute-git-dir'], {
    cwd: folder,
    env: ENV,
  })
  const [root, gitDir] = found.stdout.split('\n')
  if (found.exitCode !== 0 || !root || !gitDir) {
    throw new CouldNotMeasure('precondition', `\`${folder}\` is not in a git repository with a working tree.`, {
      remedy:
        'Check the repository out first (`actions/checkout` in a workflow): head and base are both built from its commits.',
    })
  }
  const path = await realpath(root)
  // The checkout may belong to another user than the one that runs us (a container job): it is the folder we were told to read.
  return repositoryAt(exec, path, isAbsolute(gitDir) ? gitDir : join(path, gitDir), ['-c', `safe.directory=${path}`])
}

/**
 * The repository whose git directory is `gitDir` (absolute), for reading: its own working tree may be gone, so that git is
 * run in `folder`, which must exist, instead. Null where `gitDir` is no git directory.
 */
export async function openGitDir(exec: Exec, gitDir: string, folder: string): Promise<Repository | null> {
  const repository = repositoryAt(exec, folder, gitDir, [`--git-dir=${gitDir}`, `--work-tree=${folder}`])
  const found = await repository.tryGit(['rev-parse', '--git-dir'])
  return found.exitCode === 0 ? repository : null
}

function repositoryAt(
  exec: Exec,
  root: string,
  gitDir: string,
  options: string[],
  own: Record<string, string> = {},
): Repository {
  const command: Repository['command'] = (args, env = {}) => [
    'git',
    [...CONFIG, ...options, ...args],
    { cwd: root, env: { ...ENV, ...own, ...env } },
  ]
  const tryGit: Repository['tryGit'] = (args, env) => exec(...command(args, env))
  const git: Repository['git'] = async (args, env) => {
    const result = await tryGit(args, env)
    if (result.exitCode !== 0) throw gitFailure(args, result)
    return result.stdout.replace(/\n$/, '')
  }
  const withVariables: Repository['with'] = (env) => repositoryAt(exec, root, gitDir, options, { ...own, ...env })
  return { root, gitDir, git, tryGit, command, with: withVariables }
}

/** What git said when it failed, as our error. */
export function gitFailure(args: string[], result: ExecResult): CouldNotMeasure {
  const said = result.stderr
    .trim()
    .split('\n')
    .filter((line) => /^(?:fatal|error):/.test(line))
    .slice(-2)
    .join('; ')
  const command = args.find((arg) => !arg.startsWith('-')) ?? ''
  return new CouldNotMeasure(
    'git',
    `\`git ${command}\` failed with exit code ${result.exitCode}${said ? `: ${said}` : ''}.`,
  )
}
