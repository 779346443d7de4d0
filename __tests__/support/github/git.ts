/**
 * The stand-in's git: GitHub's database of objects and references, kept by git itself in a real repository, so that what a test reads
 * with git is what was written, and what is no fast-forward is git's own judgement.
 *
 * GitHub's words for what it refuses are those that its API is seen to answer with.
 */
import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure, loginOf, notFound, type Answer, type Asked, type Handler, type Token } from './answers.ts'

export type GitServer = {
  /** The repository's folder. */
  dir: () => string
  /** Runs git there and gives its output, trimmed; throws where it fails. */
  git: (...args: string[]) => string
  /** By the operation's name. */
  handlers: Record<string, Handler>
  dispose: () => void
}

export type GitOptions = {
  /** Folder of the repository to serve, bare or not; null: one with a commit on `main` is made when it is asked for first. */
  dir: string | null
  /** REST's address of the repository. */
  api: () => string
  /** Its address for people. */
  html: string
  /** The page of a list that was asked for. */
  page: (all: unknown[], asked: Asked) => Answer
}

type Entry = { path: string; mode: string; type: string; sha?: string | null; content?: string }
type Ran = { code: number; stdout: Buffer }

const SHA = /^[0-9a-f]{40}$/
/** Letters, digits and what else is no syntax of git's: `heads/image-budget`. */
const REF = /^(?!.*(?:\.\.|\/\/|\.lock$|\/$))[\w][\w./+-]*$/
const UNSIGNED = { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null }
const TYPES: Record<string, string> = { '040000': 'tree', '160000': 'commit' }

/** No configuration of this machine's user has a say, nor a repository that runs the tests. */
const ENV = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
}

function identity(name: string): Record<string, string> {
  const email = `${name}@users.noreply.github.com`
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
}

/** `name <email> seconds zone`, as a commit has it. */
function person(line: string): { name: string; email: string; date: string } {
  const [, name = '', email = '', seconds = '0'] = /^(.*) <(.*)> (\d+) [+-]\d{4}$/.exec(line) ?? []
  return { name, email, date: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') }
}

function parseCommit(text: string): {
  tree: string
  parents: string[]
  author: string
  committer: string
  message: string
} {
  const end = text.indexOf('\n\n')
  const headers = text
    .slice(0, end)
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const)
  const all = (name: string): string[] => headers.filter(([key]) => key === name).map(([, value]) => value)
  return {
    tree: all('tree')[0] ?? '',
    parents: all('parent'),
    author: all('author')[0] ?? '',
    committer: all('committer')[0] ?? '',
    message: text.slice(end + 2),
  }
}

/** Serves one repository. */
export function serveGit({ dir: given, api, html, page }: GitOptions): GitServer {
  let made: string | null = null
  let hasRefs = false

  const dir = (): string => given ?? (made ??= makeRepository())

  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: dir(), env: { ...ENV, ...identity('test') }, encoding: 'utf8' }).trim()

  /** Runs git and gives whatever came of it. */
  function run(args: string[], input: string | Buffer = '', env: Record<string, string> = {}): Promise<Ran> {
    return new Promise((done, failed) => {
      const child = spawn('git', args, { cwd: dir(), env: { ...ENV, ...env }, stdio: ['pipe', 'pipe', 'ignore'] })
      const chunks: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
      child.on('error', failed)
      child.on('close', (code) => done({ code: code ?? 1, stdout: Buffer.concat(chunks) }))
      // A program that has read enough closes its end.
      child.stdin.on('error', () => {})
      child.stdin.end(input)
    })
  }

  /** Git's output, trimmed; null where it fails. */
  async function tell(args: string[], input?: string | Buffer, env?: Record<string, string>): Promise<string | null> {
    const { code, stdout } = await run(args, input, env)
    return code === 0 ? stdout.toString('utf8').trim() : null
  }

  async function isEmpty(): Promise<boolean> {
    hasRefs ||= (await tell(['for-each-ref', '--count=1'])) !== ''
    return !hasRefs
  }

  async function readObject(type: string, sha: string): Promise<Buffer | null> {
    if (!SHA.test(sha)) return null
    const { code, stdout } = await run(['cat-file', type, sha])
    return code === 0 ? stdout : null
  }

  async function typeOf(sha: string): Promise<string | null> {
    return SHA.test(sha) ? tell(['cat-file', '-t', sha]) : null
  }

  /** What a reference (`heads/main`) points at; null: there is none. */
  async function resolveRef(ref: string): Promise<string | null> {
    return REF.test(ref) ? tell(['show-ref', '--verify', '--hash', `refs/${ref}`]) : null
  }

  const restRef = async (ref: string, sha: string): Promise<unknown> => {
    const type = (await typeOf(sha)) ?? ''
    const object = { type, sha, url: `${api()}/git/${type}s/${sha}` }
    return { ref: `refs/${ref}`, node_id: `REF_${sha}`, url: `${api()}/git/refs/${ref}`, object }
  }

  const links = (sha: string) => ({ sha, url: `${api()}/git/commits/${sha}`, html_url: `${html}/commit/${sha}` })

  function restCommit(sha: string, text: string): unknown {
    const { tree, parents, author, committer, message } = parseCommit(text)
    return {
      ...links(sha),
      node_id: `C_${sha}`,
      author: person(author),
      committer: person(committer),
      tree: { sha: tree, url: `${api()}/git/trees/${tree}` },
      message,
      parents: parents.map(links),
      verification: UNSIGNED,
    }
  }

  async function restTree(sha: string, isRecursive: boolean): Promise<unknown> {
    const { stdout } = await run(['ls-tree', '-l', '-z', ...(isRecursive ? ['-r', '-t'] : []), sha])
    const lines = stdout.toString('utf8').split('\0').slice(0, -1)
    const tree = lines.map((line) => {
      const [, mode = '', type = '', object = '', size = '', path = ''] =
        /^(\S+) (\S+) (\S+) +(\S+)\t([^]*)$/.exec(line) ?? []
      const url = `${api()}/git/${type}s/${object}`
      const entry = { path, mode, type, sha: object, url }
      return type === 'blob' ? Object.assign(entry, { size: Number(size) }) : entry
    })
    return { sha, url: `${api()}/git/trees/${sha}`, tree, truncated: false }
  }

  /** The id of a new tree: `base` with the entries laid over it, or GitHub's refusal. */
  async function layTree(base: string | undefined, entries: Entry[]): Promise<string | Answer> {
    const index = join(tmpdir(), `stand-in-${randomUUID()}.index`)
    const env = { GIT_INDEX_FILE: index }
    try {
      if (base !== undefined && (await typeOf(base)) !== 'tree')
        return failure(422, 'base_tree is not a valid tree oid')
      if (base !== undefined) await run(['read-tree', base], '', env)
      const lines: string[] = []
      for (const { path, mode, type, sha, content } of entries) {
        if ((sha === undefined) === (content === undefined))
          return failure(
            422,
            'Must supply either tree.sha or tree.content. Request will be rejected if both are present.',
          )
        if (sha === null && (await tell(['ls-files', '--', `:(literal)${path}`], '', env)) === '')
          return failure(422, 'GitRPC::BadObjectState')
        if (typeof sha === 'string' && (await typeOf(sha)) !== (TYPES[mode] ?? 'blob'))
          return failure(422, `tree.sha ${sha} is not a valid ${type}`)
        const id = content === undefined ? sha : await tell(['hash-object', '-w', '--stdin'], content)
        // A line without a mode takes the path away.
        lines.push(`${id === null ? '0' : mode} ${id ?? '0'.repeat(40)}\t${path}\0`)
      }
      const added = await run(['update-index', '-z', '--index-info'], lines.join(''), env)
      const tree = added.code === 0 ? await tell(['write-tree'], '', env) : null
      return tree ?? failure(422, 'GitRPC::BadObjectState')
    } finally {
      await rm(index, { force: true })
    }
  }

  async function createCommit(
    body: { message: string; tree: string; parents?: string[] },
    token: Token,
  ): Promise<Answer> {
    const { message, tree, parents = [] } = body
    if ((await typeOf(tree)) !== 'tree') return failure(422, 'Tree SHA does not exist')
    for (const parent of parents)
      if ((await typeOf(parent)) !== 'commit')
        return failure(422, 'Parent SHA does not exist or is not a commit object')
    const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent])]
    const sha = (await tell(args, message, identity(loginOf(token)))) ?? ''
    return { status: 201, body: restCommit(sha, String(await readObject('commit', sha))) }
  }

  async function createRef({ ref: full, sha }: { ref: string; sha: string }): Promise<Answer> {
    if (!full.startsWith('refs/')) return failure(422, "Reference name must start with 'refs/'.")
    const ref = full.slice('refs/'.length)
    if (!ref.includes('/'))
      return failure(422, 'Reference name must contain at least three slash-separated components.')
    const type = await typeOf(sha)
    if (type === null) return failure(422, 'Object does not exist')
    if (!REF.test(ref) || (ref.startsWith('heads/') && type !== 'commit'))
      return failure(422, 'Reference update failed')
    if ((await resolveRef(ref)) !== null) return failure(422, 'Reference already exists')
    // Git itself decides who was first.
    const { code } = await run(['update-ref', full, sha, '0'.repeat(40)])
    return code === 0 ? { status: 201, body: await restRef(ref, sha) } : failure(422, 'Reference already exists')
  }

  async function updateRef(ref: string, { sha, force = false }: { sha: string; force?: boolean }): Promise<Answer> {
    const before = await resolveRef(ref)
    if (before === null) return failure(422, 'Reference does not exist')
    const type = await typeOf(sha)
    if (type === null) return failure(422, 'Object does not exist')
    if (ref.startsWith('heads/') && type !== 'commit') return failure(422, 'Object is not a commit')
    const isForward = force || (await run(['merge-base', '--is-ancestor', before, sha])).code === 0
    if (!isForward) return failure(422, 'Update is not a fast forward')
    const { code } = await run(['update-ref', `refs/${ref}`, sha, before])
    return code === 0 ? { status: 200, body: await restRef(ref, sha) } : failure(422, 'Reference cannot be updated')
  }

  async function listCommits(asked: Asked): Promise<Answer> {
    const wanted = asked.query.get('sha') ?? 'HEAD'
    const start = SHA.test(wanted) || wanted === 'HEAD' ? wanted : await resolveRef(`heads/${wanted}`)
    const all = start === null ? null : await run(['log', '-z', '--format=%H%n%T%n%P%n%an%n%ae%n%at%n%B', start])
    if (all === null || all.code !== 0) return notFound()
    const commits = all.stdout
      .toString('utf8')
      .split('\0')
      .filter((text) => text !== '')
    return page(commits.map(restListed), asked)
  }

  function restListed(text: string): unknown {
    const [sha = '', tree = '', parents = '', name = '', email = '', seconds = '', ...message] = text.split('\n')
    const at = { name, email, date: new Date(Number(seconds) * 1000).toISOString() }
    const commit = {
      url: `${api()}/git/commits/${sha}`,
      author: at,
      committer: at,
      message: message.join('\n').trimEnd(),
      tree: { sha: tree, url: `${api()}/git/trees/${tree}` },
      comment_count: 0,
      verification: UNSIGNED,
    }
    return {
      ...links(sha),
      url: `${api()}/commits/${sha}`,
      comments_url: `${api()}/commits/${sha}/comments`,
      node_id: `C_${sha}`,
      commit,
      author: null,
      committer: null,
      parents: parents.split(' ').filter(Boolean).map(links),
    }
  }

  async function listTags(asked: Asked): Promise<Answer> {
    const format = '%(refname:strip=2) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)'
    const lines = (await tell(['for-each-ref', '--sort=-version:refname', `--format=${format}`, 'refs/tags']))?.split(
      '\n',
    )
    const tags = (lines ?? []).filter(Boolean).map((line) => {
      const [name = '', sha = ''] = line.split(' ')
      const ball = (kind: string): string => `${api()}/${kind}ball/refs/tags/${name}`
      const commit = { sha, url: `${api()}/commits/${sha}` }
      return { name, node_id: `REF_${sha}`, commit, zipball_url: ball('zip'), tarball_url: ball('tar') }
    })
    return page(tags, asked)
  }

  /** GitHub answers so to everything about git while a repository has no branch. */
  const unlessEmpty =
    (handler: Handler): Handler =>
    async (asked) =>
      (await isEmpty()) ? failure(409, 'Git Repository is empty.') : handler(asked)

  const handlers: Record<string, Handler> = {
    'git/get-ref': async ({ operation }) => {
      const ref = operation.params['ref'] ?? ''
      const sha = await resolveRef(ref)
      return sha === null ? notFound() : { status: 200, body: await restRef(ref, sha) }
    },
    'git/create-ref': ({ body }) => createRef(body as { ref: string; sha: string }),
    'git/update-ref': ({ operation, body }) => updateRef(operation.params['ref'] ?? '', body as { sha: string }),
    'git/get-blob': async ({ operation }) => {
      const sha = operation.params['file_sha'] ?? ''
      const bytes = await readObject('blob', sha)
      if (bytes === null) return notFound()
      // In lines of 60 characters.
      const content = bytes.toString('base64').replaceAll(/.{1,60}/g, '$&\n')
      const url = `${api()}/git/blobs/${sha}`
      return { status: 200, body: { sha, node_id: `B_${sha}`, size: bytes.length, url, content, encoding: 'base64' } }
    },
    'git/create-blob': async ({ body }) => {
      const { content, encoding = 'utf-8' } = body as { content: string; encoding?: 'utf-8' | 'base64' }
      const sha = await tell(['hash-object', '-w', '--stdin'], Buffer.from(content, encoding))
      return { status: 201, body: { sha, url: `${api()}/git/blobs/${sha}` } }
    },
    'git/get-tree': async ({ operation, query }) => {
      const sha = operation.params['tree_sha'] ?? ''
      if ((await typeOf(sha)) !== 'tree') return notFound()
      return { status: 200, body: await restTree(sha, query.has('recursive')) }
    },
    'git/create-tree': async ({ body }) => {
      const { base_tree: base, tree } = body as { base_tree?: string; tree: Entry[] }
      const laid = await layTree(base, tree)
      return typeof laid === 'string' ? { status: 201, body: await restTree(laid, false) } : laid
    },
    'git/get-commit': async ({ operation }) => {
      const sha = operation.params['commit_sha'] ?? ''
      const commit = await readObject('commit', sha)
      return commit === null ? notFound() : { status: 200, body: restCommit(sha, String(commit)) }
    },
    'git/create-commit': ({ body, token }) => createCommit(body as { message: string; tree: string }, token),
    'repos/list-commits': listCommits,
  }

  return {
    dir,
    git,
    handlers: {
      ...Object.fromEntries(Object.entries(handlers).map(([id, handler]) => [id, unlessEmpty(handler)])),
      'repos/list-tags': listTags,
    },
    dispose: () => {
      if (made !== null) rmSync(made, { recursive: true, force: true })
    },
  }
}

/** A bare repository with one commit on `main`. Gives its folder. */
function makeRepository(): string {
  const dir = mkdtempSync(join(tmpdir(), 'stand-in-'))
  const git = (args: string[], input = ''): string =>
    execFileSync('git', args, { cwd: dir, env: { ...ENV, ...identity('mona') }, encoding: 'utf8', input }).trim()
  git(['init', '--quiet', '--bare', '--initial-branch=main', '--template='])
  const readme = git(['hash-object', '-w', '--stdin'], '# Shop\n')
  const tree = git(['mktree'], `100644 blob ${readme}\tREADME.md\n`)
  git(['update-ref', 'refs/heads/main', git(['commit-tree', tree], 'Add a shop')])
  return dir
}
