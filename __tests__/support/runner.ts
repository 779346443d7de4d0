/**
 * Runs a JavaScript action the way GitHub's runner does: as a process of the Node that the action asks for, with its
 * inputs and the job's facts in an environment that has nothing else, and with files for what it hands back.
 *
 * Source of the rules: https://docs.github.com/actions/reference/workflows-and-actions (variables, workflow commands,
 * metadata syntax) and the runner's own code (github.com/actions/runner).
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { Event, JsonObject } from './payload.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type RunOptions = {
  /** By the names of action.yml, as in a workflow's `with`. A name that action.yml does not have is an error. */
  inputs?: Record<string, string>
  event: Event
  /** The checked-out repository: `GITHUB_WORKSPACE` and the working directory. */
  workspace: string
  /** A folder of the test's own, for `RUNNER_TEMP` and the files beside it; made where it is missing, left as it is. */
  temp: string
  /** Server to talk to. Without one, requests go to a port of this machine where nothing listens. */
  github?: { url: string }
  /** The job's own token, which `${{ github.token }}` stands for. `token` unless given. */
  token?: string
  /** The checked-out commit (`GITHUB_SHA`). From the event unless given. */
  sha?: string
  /** Laid over the environment last. `DOCKER_HOST`, say: nothing of the test's own environment but PATH and HOME gets through. */
  env?: Record<string, string>
  /** Cancels the job as the runner does: SIGINT, SIGTERM after 7.5 s, SIGKILL after 2.5 s more. */
  signal?: AbortSignal
  /** Told of every piece of output as it comes: what a test waits for before it cancels. */
  onOutput?: (text: string) => void
  /** Folder that has action.yml. This repository unless given. */
  action?: string
}

export type Annotation = {
  level: 'error' | 'warning' | 'notice'
  message: string
  /** As written: `file`, `line`, `endLine`, `col`, `title`, … */
  properties: Record<string, string>
}

export type RunResult = {
  /** Null where a signal ended it. */
  exitCode: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  outputs: Record<string, string>
  /** State for a post step. */
  state: Record<string, string>
  /** Markdown of the job summary. */
  summary: string
  annotations: Annotation[]
  /** Log groups in order; a group ends at its `::endgroup::`, at the next `::group::` or with the log. */
  groups: { title: string; lines: string[] }[]
  /** Values that the runner was told to hide. */
  masks: string[]
}

type Command = { name: string; properties: Record<string, string>; message: string }

type Metadata = {
  inputs?: Record<string, { default?: string | number | boolean } | null>
  runs: { using: string; main: string }
}

/** The runner cuts the log into lines at any of these. */
const LINE_END = /\r\n|\n|\r/

function unescaped(escaped: string, more: Record<string, string> = {}): string {
  const codes: Record<string, string> = { '%0D': '\r', '%0A': '\n', ...more }
  const decoded = Object.entries(codes).reduce((value, [code, character]) => value.replaceAll(code, character), escaped)
  return decoded.replaceAll('%25', '%')
}

function propertiesOf(list: string, separator: ',' | ';', codes: Record<string, string>): Record<string, string> {
  const pairs = list.split(separator).flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 ? [[pair.slice(0, at).trim(), unescaped(pair.slice(at + 1), codes)] as const] : []
  })
  return Object.fromEntries(pairs)
}

/**
 * The workflow command in a line of the log, or null: `::name key=value,…::message`, or the runner's older form
 * `##[name key=value;…]message`, which it still obeys anywhere in a line.
 */
function commandOf(line: string): Command | null {
  const current = /^\s*::(?<name>[^\s:]+)(?: (?<properties>.*?))?::(?<message>.*)$/su.exec(line)?.groups
  if (current !== undefined) {
    const properties = propertiesOf(current.properties ?? '', ',', { '%3A': ':', '%2C': ',' })
    return { name: (current.name ?? '').toLowerCase(), properties, message: unescaped(current.message ?? '') }
  }
  const older = /##\[(?<name>[^\s\]]+)(?: (?<properties>[^\]]*))?\](?<message>.*)$/su.exec(line)?.groups
  if (older === undefined) return null
  const codes = { '%3B': ';', '%5D': ']' }
  const properties = propertiesOf(older.properties ?? '', ';', codes)
  return { name: (older.name ?? '').toLowerCase(), properties, message: unescaped(older.message ?? '', codes) }
}

/** What the runner makes of a log: its commands, obeyed or (between `::stop-commands::token` and `::token::`) not. */
export function readLog(log: string): Pick<RunResult, 'annotations' | 'groups' | 'masks'> {
  const annotations: Annotation[] = []
  const groups: RunResult['groups'] = []
  const masks: string[] = []
  let isInGroup = false
  let stopToken: string | null = null
  for (const line of log.split(LINE_END)) {
    const command = commandOf(line)
    if (stopToken !== null) {
      if (command?.name === stopToken.toLowerCase()) stopToken = null
      else if (isInGroup) groups.at(-1)?.lines.push(line)
      continue
    }
    switch (command?.name) {
      case 'error':
      case 'warning':
      case 'notice':
        annotations.push({ level: command.name, message: command.message, properties: command.properties })
        break
      case 'group':
        groups.push({ title: command.message, lines: [] })
        isInGroup = true
        break
      case 'endgroup':
        isInGroup = false
        break
      case 'add-mask':
        masks.push(command.message)
        break
      case 'stop-commands':
        stopToken = command.message
        break
      default:
        if (isInGroup) groups.at(-1)?.lines.push(line)
    }
  }
  return { annotations, groups, masks }
}

/**
 * The pairs in a file such as `GITHUB_OUTPUT`: `name=value`, or `name<<delimiter`, the value's lines, `delimiter`.
 * What the runner refuses is an error here too.
 */
export function readPairs(content: string): Record<string, string> {
  const pairs: Record<string, string> = {}
  const lines = content.split(/\r\n|\n/)
  if (lines.at(-1) === '') lines.pop()
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ''
    if (line === '') continue
    const equals = line.indexOf('=')
    const heredoc = line.indexOf('<<')
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      pairs[line.slice(0, equals)] = line.slice(equals + 1)
    } else if (heredoc > 0) {
      const delimiter = line.slice(heredoc + 2)
      const end = lines.indexOf(delimiter, index + 1)
      if (delimiter === '' || end === -1) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`)
      pairs[line.slice(0, heredoc)] = lines.slice(index + 1, end).join('\n')
      index = end
    } else {
      throw new Error(`Invalid format '${line}'`)
    }
  }
  return pairs
}

/** Every input of action.yml as the runner hands it over: given, or its default, or empty. */
function inputVariables(metadata: Metadata, given: Record<string, string>, token: string): Record<string, string> {
  const declared = metadata.inputs ?? {}
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(declared, name))
  if (unknown.length > 0) throw new Error(`action.yml has no input ${unknown.join(', ')}`)
  return Object.fromEntries(
    Object.entries(declared).map(([name, input]) => {
      const fallback = String(input?.default ?? '').replaceAll(/\$\{\{\s*github\.token\s*\}\}/g, () => token)
      if (fallback.includes('${{'))
        throw new Error(`The default of ${name} is an expression that is not known: ${fallback}`)
      return [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, given[name] ?? fallback]
    }),
  )
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isFollowing(payload: JsonObject): boolean {
  return payload.workflow_run !== undefined
}

/** What the runner sets from the event: https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows */
function eventVariables({ name, payload }: Event, sha: string | undefined): Record<string, string> {
  const group = payload.merge_group as JsonObject | undefined
  const pull = payload.pull_request as { head: JsonObject; base: JsonObject; merge_commit_sha?: string } | undefined
  const repository = payload.repository as { full_name: string; default_branch: string } | undefined
  const release = payload.release as { tag_name: string } | undefined
  const fullName = repository?.full_name ?? ''
  // A run that follows another one is of the default branch, whatever that one was of.
  const own = isFollowing(payload) ? undefined : payload.ref
  const ref =
    pull === undefined
      ? text(
          group?.head_ref ??
            own ??
            (release ? `refs/tags/${release.tag_name}` : `refs/heads/${repository?.default_branch}`),
        )
      : `refs/pull/${JSON.stringify(payload.number)}/merge`
  const commit = text(
    pull === undefined ? (group?.head_sha ?? payload.after) : (pull.merge_commit_sha ?? pull.head.sha),
  )
  return {
    GITHUB_EVENT_NAME: name,
    GITHUB_SHA: sha ?? commit,
    GITHUB_REF: ref,
    GITHUB_REF_NAME: ref.replace(/^refs\/(?:heads|tags|pull)\//, ''),
    GITHUB_REF_TYPE: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    GITHUB_HEAD_REF: text(pull?.head.ref),
    GITHUB_BASE_REF: text(pull?.base.ref),
    GITHUB_REPOSITORY: fullName,
    GITHUB_REPOSITORY_OWNER: fullName.split('/')[0] ?? '',
    GITHUB_ACTOR: text((payload.sender as JsonObject | undefined)?.login),
  }
}

/** The Node that action.yml asks for; the one of the tests where this machine's packages have none. */
function nodeFor(using: string): string {
  const packaged = join(ROOT, 'node_modules', '.bin', 'node')
  if (!/^node\d+$/.test(using)) throw new Error(`action.yml: runs.using is ${using}, which is no Node`)
  return existsSync(packaged) ? packaged : process.execPath
}

/** Runs the action once, to its end. A failing action is a result, not an error. */
export async function runAction(options: RunOptions): Promise<RunResult> {
  const { event, workspace, temp, token = 'token', action = ROOT } = options
  const metadata = parse(readFileSync(join(action, 'action.yml'), 'utf8')) as Metadata
  const url = options.github?.url ?? 'http://127.0.0.1:9'

  const runnerTemp = join(temp, '_temp')
  const commandFiles = join(runnerTemp, '_runner_file_commands')
  const eventPath = join(temp, '_github_workflow', 'event.json')
  mkdirSync(commandFiles, { recursive: true })
  mkdirSync(join(temp, '_github_workflow'), { recursive: true })
  writeFileSync(eventPath, JSON.stringify(event.payload))
  const fileOf = (name: string): string => join(commandFiles, name.toLowerCase())
  const fileVariables = Object.fromEntries(
    ['OUTPUT', 'STEP_SUMMARY', 'STATE', 'ENV', 'PATH'].map((name) => {
      writeFileSync(fileOf(name), '')
      return [`GITHUB_${name}`, fileOf(name)]
    }),
  )

  const environment: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__self',
    GITHUB_API_URL: url,
    GITHUB_GRAPHQL_URL: `${url}/graphql`,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_EVENT_PATH: eventPath,
    GITHUB_WORKSPACE: workspace,
    GITHUB_WORKFLOW: 'CI',
    GITHUB_JOB: 'image',
    GITHUB_RUN_ID: '15000000001',
    GITHUB_RUN_NUMBER: '1',
    GITHUB_RUN_ATTEMPT: '1',
    RUNNER_TEMP: runnerTemp,
    RUNNER_TOOL_CACHE: join(temp, '_tool'),
    RUNNER_NAME: 'GitHub Actions 1',
    RUNNER_OS: 'Linux',
    RUNNER_ARCH: process.arch.toUpperCase(),
    ...fileVariables,
    ...eventVariables(event, options.sha),
    ...inputVariables(metadata, options.inputs ?? {}, token),
    ...options.env,
  }

  const child = spawn(nodeFor(metadata.runs.using), [join(action, metadata.runs.main)], {
    cwd: workspace,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const streams = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      streams[name] += piece
      options.onOutput?.(piece)
    })
  }

  const timers: NodeJS.Timeout[] = []
  const cancel = (): void => {
    child.kill('SIGINT')
    timers.push(
      setTimeout(() => child.kill('SIGTERM'), 7_500),
      setTimeout(() => child.kill('SIGKILL'), 10_000),
    )
  }
  if (options.signal?.aborted === true) cancel()
  options.signal?.addEventListener('abort', cancel, { once: true })
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((ended, failed) => {
    child.once('error', failed)
    child.once('close', (...how) => ended(how))
  })
  options.signal?.removeEventListener('abort', cancel)
  timers.forEach(clearTimeout)

  const { stdout, stderr } = streams
  return {
    exitCode,
    signal,
    stdout,
    stderr,
    outputs: readPairs(readFileSync(fileOf('OUTPUT'), 'utf8')),
    state: readPairs(readFileSync(fileOf('STATE'), 'utf8')),
    summary: readFileSync(fileOf('STEP_SUMMARY'), 'utf8'),
    ...readLog(`${stdout}\n${stderr}`),
  }
}
