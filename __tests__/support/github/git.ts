/**
 * The stand-in's git: GitHub's database of objects and references, kept by git itself in a real repository, so that what a test reads
 * with git is what was written, and what is no fast-forward is git's own judgement.
 *
 * GitHub's words for what it refuses are those that its API is seen to answer with.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createTurns } from '../../../src/turns.ts'
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
type Found = { sha: string; type: string; size: number; content: Buffer }

const SHA = /^[0-9a-f]{40}$/
/** Letters, digits and what else is no syntax of git's: `heads/image-budget`. */
const REF = /^(?!.*(?:\.\.|\/\/|\.lock$|\/$))[\w][\w./+-]*$/
const UNSIGNED = { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null }
const TYPES: Record<string, string> = { '040000': 'tree', '160000': 'commit' }

/** How `updateRef` ends where git finds no fast-forward. */
const NOT_FORWARD = 9

/** No configuration of this machine's user has a say, nor a repository that runs the tests. Nothing has to survive the machine. */
const ENV = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.fsync',
  GIT_CONFIG_VALUE_0: 'none',
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

/** A tree as git keeps it: `mode name`, a zero byte, and the id in 20 bytes. */
function* parseTree(bytes: Buffer): Generator<{ mode: string; name: string; sha: string }> {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at)
    const [mode = '', ...name] = bytes.toString('utf8', at, end).split(' ')
    at = end + 21
    yield { mode: mode.padStart(6, '0'), name: name.join(' '), sha: bytes.toString('hex', end + 1, at) }
  }
}

type ObjectReader = { find: (name: string) => Promise<Found | null>; close: () => void }

/** Asks one `git cat-file` about many objects, one after the other; `--batch-check` gives no content. */
function openObjects(dir: string, mode: '--batch' | '--batch-check'): ObjectReader {
  const child = spawn('git', ['cat-file', mode], { cwd: dir, env: ENV, stdio: ['pipe', 'pipe', 'ignore'] })
  const waiting: ((found: Found | null) => void)[] = []
  let bytes = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n')) {
      const line = bytes.toString('utf8', 0, end)
      const [, sha = '', type = '', size = ''] = /^([0-9a-f]{40}) (\w+) (\d+)$/.exec(line) ?? []
      const hasContent = mode === '--batch' && sha !== ''
      const next = end + 1 + (hasContent ? Number(size) + 1 : 0)
      if (bytes.length < next) return
      const content = hasContent ? bytes.subarray(end + 1, next - 1) : Buffer.alloc(0)
      bytes = bytes.subarray(next)
      waiting.shift()?.(sha === '' ? null : { sha, type, size: Number(size), content })
    }
  })
  return {
    find: (name) =>
      new Promise((found) => {
        waiting.push(found)
        child.stdin.write(`${name}\n`)
      }),
    close: () => void child.kill(),
  }
}

/** Text as one word of a shell's. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

type Shell = { run: (script: string, input?: string | Buffer) => Promise<Ran>; close: () => void }

/** A shell that runs programs for us, one after the other: to start one takes a process as large as this one very long. */
function openShell(dir: string): Shell {
  const folder = mkdtempSync(join(tmpdir(), 'stand-in-shell-'))
  const [input, output] = [join(folder, 'in'), join(folder, 'out')]
  const child = spawn('sh', {
    cwd: dir,
    env: { ...ENV, GIT_INDEX_FILE: join(folder, 'index') },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const codes = createInterface(child.stdout)[Symbol.asyncIterator]()
  const inTurn = createTurns(1)
  return {
    run: (script, given = '') =>
      inTurn(async () => {
        await writeFile(input, given)
        child.stdin.write(`( ${script}; ) <${quoted(input)} >${quoted(output)}; echo $?\n`)
        const { value } = await codes.next()
        return { code: Number(value ?? 1), stdout: await readFile(output) }
      }),
    close: () => {
      child.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Serves one repository. */
export function serveGit({ dir: given, api, html, page }: GitOptions): GitServer {
  let made: string | null = null
  let hasRefs = false
  let shell: Shell | null = null
  let facts: ObjectReader | null = null
  let objects: ObjectReader | null = null

  const dir = (): string => given ?? (made ??= makeRepository())

  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: dir(), env: { ...ENV, ...identity('test') }, encoding: 'utf8' }).trim()

  const run = (script: string, input?: string | Buffer): Promise<Ran> => (shell ??= openShell(dir())).run(script, input)

  /** A program's output, trimmed; null where it fails. */
  async function tell(script: string, input?: string | Buffer): Promise<string | null> {
    const { code, stdout } = await run(script, input)
    return code === 0 ? stdout.toString('utf8').trim() : null
  }

  async function isEmpty(): Promise<boolean> {
    hasRefs ||= (await tell('git for-each-ref --count=1')) !== ''
    return !hasRefs
  }

  const look = (name: string): Promise<Found | null> => (facts ??= openObjects(dir(), '--batch-check')).find(name)

  async function readObject(type: string, sha: string): Promise<Buffer | null> {
    if (!SHA.test(sha)) return null
    const found = await (objects ??= openObjects(dir(), '--batch')).find(sha)
    return found?.type === type ? found.content : null
  }

  async function typeOf(sha: string): Promise<string | null> {
    return SHA.test(sha) ? ((await look(sha))?.type ?? null) : null
  }

  /** What a reference (`heads/main`) points at; null: there is none. */
  async function resolveRef(ref: string): Promise<string | null> {
    return REF.test(ref) ? ((await look(`refs/${ref}`))?.sha ?? null) : null
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

  /** A tree's entries, and those of the folders below where they are asked for too. */
  async function entriesOf(sha: string, isRecursive: boolean, folder = ''): Promise<object[]> {
    const found: object[] = []
    for (const { mode, name, sha: id } of parseTree((await readObject('tree', sha)) ?? Buffer.alloc(0))) {
      const [path, type] = [`${folder}${name}`, TYPES[mode] ?? 'blob']
      const entry = { path, mode, type, sha: id, url: `${api()}/git/${type}s/${id}` }
      found.push(type === 'blob' ? { ...entry, size: (await look(id))?.size ?? 0 } : entry)
      if (isRecursive && type === 'tree') found.push(...(await entriesOf(id, true, `${path}/`)))
    }
    return found
  }

  async function restTree(sha: string, isRecursive: boolean): Promise<unknown> {
    return { sha, url: `${api()}/git/trees/${sha}`, tree: await entriesOf(sha, isRecursive), truncated: false }
  }

  /** The id of a new tree: `base` with the entries laid over it, or GitHub's refusal. */
  async function layTree(base: string | undefined, entries: Entry[]): Promise<string | Answer> {
    if (base !== undefined && (await typeOf(base)) !== 'tree') return failure(422, 'base_tree is not a valid tree oid')
    const lines: string[] = []
    for (const { path, mode, type, sha, content } of entries) {
      if ((sha === undefined) === (content === undefined))
        return failure(
          422,
          'Must supply either tree.sha or tree.content. Request will be rejected if both are present.',
        )
      if (sha === null && (await look(`${base}:${path}`)) === null) return failure(422, 'GitRPC::BadObjectState')
      if (typeof sha === 'string' && (await typeOf(sha)) !== (TYPES[mode] ?? 'blob'))
        return failure(422, `tree.sha ${sha} is not a valid ${type}`)
      const id = content === undefined ? sha : await tell('git hash-object -w --stdin', content)
      // A line without a mode takes the path away.
      lines.push(`${id === null ? '0' : mode} ${id ?? '0'.repeat(40)}\t${path}\0`)
    }
    const tree = await tell(
      `git read-tree ${base ?? '--empty'} && git update-index -z --index-info && git write-tree`,
      lines.join(''),
    )
    return tree ?? failure(422, 'GitRPC::BadObjectState')
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
    const author = Object.entries(identity(loginOf(token))).map(([name, value]) => `${name}=${quoted(value)}`)
    const above = parents.map((parent) => `-p ${parent}`)
    const sha = (await tell([...author, 'git commit-tree', tree, ...above].join(' '), message)) ?? ''
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
    const { code } = await run(`git update-ref refs/${ref} ${sha} ${'0'.repeat(40)}`)
    return code === 0 ? { status: 201, body: await restRef(ref, sha) } : failure(422, 'Reference already exists')
  }

  async function updateRef(ref: string, { sha, force = false }: { sha: string; force?: boolean }): Promise<Answer> {
    const before = await resolveRef(ref)
    if (before === null) return failure(422, 'Reference does not exist')
    const type = await typeOf(sha)
    if (type === null) return failure(422, 'Object does not exist')
    if (ref.startsWith('heads/') && type !== 'commit') return failure(422, 'Object is not a commit')
    const isForward = force ? 'true' : `git merge-base --is-ancestor ${before} ${sha}`
    const { code } = await run(`${isForward} || exit ${NOT_FORWARD}; git update-ref refs/${ref} ${sha} ${before}`)
    if (code === NOT_FORWARD) return failure(422, 'Update is not a fast forward')
    return code === 0 ? { status: 200, body: await restRef(ref, sha) } : failure(422, 'Reference cannot be updated')
  }

  async function listCommits(asked: Asked): Promise<Answer> {
    const wanted = asked.query.get('sha') ?? 'HEAD'
    const start = SHA.test(wanted) || wanted === 'HEAD' ? wanted : await resolveRef(`heads/${wanted}`)
    const all = start === null ? null : await run(`git log -z --format=%H%n%T%n%P%n%an%n%ae%n%at%n%B ${start}`)
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
    const lines = (await tell(`git for-each-ref --sort=-version:refname --format=${quoted(format)} refs/tags`))?.split(
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
      const sha = await tell('git hash-object -w --stdin', Buffer.from(content, encoding))
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
      shell?.close()
      facts?.close()
      objects?.close()
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
