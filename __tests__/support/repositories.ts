/** Real git repositories in a temporary folder: a bare origin and clones of it, as workflows make them. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createExec, type Exec } from '../../src/exec.ts'

/** A file's text, a symbolic link, an executable, or null: to be taken away. */
export type Files = Record<string, string | { link: string } | { executable: string } | null>

export type Sandbox = {
  folder: string
  /** Environment in which no configuration of this machine's user has a say. */
  env: Record<string, string | undefined>
  /** Runs programs in that environment, as the product does. */
  exec: Exec
  /** Runs git and gives its output; throws where it fails. */
  git: (cwd: string, ...args: string[]) => string
  /** The same with an input. */
  feed: (cwd: string, input: string, ...args: string[]) => string
  /** Makes a repository `name`. Gives its path. */
  init: (name: string) => string
  /** Makes a bare repository, which gives any commit that is asked for, as GitHub does. */
  initBare: (name: string) => string
  /** Writes files and commits all that is in the folder. Gives the commit. */
  commit: (repository: string, message: string, files?: Files) => string
  remove: () => void
}

export function createSandbox(): Sandbox {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'repositories-')))
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_GLOBAL: join(folder, 'gitconfig'),
    GIT_CONFIG_NOSYSTEM: '1',
  }
  writeFileSync(
    env.GIT_CONFIG_GLOBAL,
    '[user]\nname = A\nemail = a@example.com\n[init]\ndefaultBranch = main\ntemplateDir =\n[protocol "file"]\nallow = always\n[advice]\ndetachedHead = false\n',
  )
  const feed = (cwd: string, input: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('git', args, {
      cwd,
      input,
      encoding: 'utf8',
      env: { ...env, GIT_OPTIONAL_LOCKS: '0' },
    })
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
    return stdout.replace(/\n$/, '')
  }
  const git = (cwd: string, ...args: string[]): string => feed(cwd, '', ...args)
  const init = (name: string): string => {
    mkdirSync(join(folder, name), { recursive: true })
    git(folder, 'init', '--quiet', name)
    return join(folder, name)
  }
  return {
    folder,
    env,
    exec: createExec(env, new AbortController().signal),
    git,
    feed,
    init,
    initBare: (name) => {
      git(folder, 'init', '--quiet', '--bare', name)
      git(join(folder, name), 'config', 'uploadpack.allowAnySHA1InWant', 'true')
      return `file://${join(folder, name)}`
    },
    commit: (repository, message, files = {}) => {
      writeFiles(repository, files)
      git(repository, 'add', '--all')
      git(repository, 'commit', '--quiet', '--allow-empty', '--message', message)
      return git(repository, 'rev-parse', 'HEAD')
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

export function writeFiles(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    rmSync(path, { force: true, recursive: true })
    if (content === null) continue
    mkdirSync(dirname(path), { recursive: true })
    if (typeof content === 'string') writeFileSync(path, content)
    else if ('link' in content) symlinkSync(content.link, path)
    else {
      writeFileSync(path, content.executable)
      chmodSync(path, 0o755)
    }
  }
}

/** Every file below a folder, by path: what `writeFiles` would take to make it. Empty folders are left out. */
export function readFiles(folder: string): Files {
  const files: Files = {}
  // Node's own recursive listing goes through links now and then.
  const read = (within: string): void => {
    for (const entry of readdirSync(join(folder, within), { withFileTypes: true })) {
      const name = join(within, entry.name)
      const path = join(folder, name)
      if (entry.isDirectory()) read(name)
      else if (entry.isSymbolicLink()) files[name] = { link: readlinkSync(path) }
      else if (entry.isFile()) {
        const text = readFileSync(path, 'utf8')
        files[name] = lstatSync(path).mode & 0o100 ? { executable: text } : text
      }
    }
  }
  read('')
  return files
}

/**
 * All that a user would call the state of the checkout: what git says of it, and every file in it and in its `.git`, byte for byte.
 * Left out are the objects, which fetching adds to, and the list of the commits at which a shallow clone ends.
 */
export function stateOf(sandbox: Sandbox, repository: string): Record<string, unknown> {
  const say = (...args: string[]): string => sandbox.git(repository, ...args)
  const digests = Object.entries(readFiles(repository))
    .filter(([name]) => !/^\.git\/(?:.*\/)?(?:objects\/|shallow$)/.test(name))
    .map(([name, content]) => [name, createHash('sha256').update(JSON.stringify(content)).digest('hex')])
  return {
    status: say('status', '--porcelain', '--ignored'),
    head: readFileSync(join(say('rev-parse', '--absolute-git-dir'), 'HEAD'), 'utf8'),
    refs: say('for-each-ref'),
    worktrees: say('worktree', 'list', '--porcelain'),
    stash: say('stash', 'list'),
    files: Object.fromEntries(digests),
  }
}
