import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { CouldNotMeasure } from '../failure.ts'
import { readEvent, type EventFacts } from '../inputs/event.ts'
import { inputNames, nearestInput, type Inputs } from '../inputs/inputs.ts'
import { version } from '../version.ts'

type Env = Record<string, string | undefined>

/** What the runner tells an action through the environment. */
export type ActionContext = {
  /** The step's working directory: the checkout. */
  cwd: string
  /** RUNNER_TEMP. */
  temporary: string
  apiUrl: string
  /** GraphQL's address; null where the server has none, or does not say. */
  graphqlUrl: string | null
  serverUrl: string
  repository: { owner: string; repo: string } | null
  repositoryName: string | null
  /** The commit that the run is of (GITHUB_SHA); '' where the runner does not say. */
  sha: string
  /** What is another one in each run and means nothing: its id and number, the names of branches. */
  volatile: string[]
  repositoryUrl: string | null
  runUrl: string | null
}

const VOLATILE = [
  'GITHUB_RUN_ID',
  'GITHUB_RUN_NUMBER',
  'GITHUB_REF',
  'GITHUB_REF_NAME',
  'GITHUB_HEAD_REF',
  'GITHUB_BASE_REF',
]

/** https://docs.github.com/actions/reference/workflows-and-actions/variables */
export function readContext(env: Env): ActionContext {
  const serverUrl = env['GITHUB_SERVER_URL'] || 'https://github.com'
  const [owner, repo] = (env['GITHUB_REPOSITORY'] ?? '').split('/')
  const repository = owner && repo ? { owner, repo } : null
  const repositoryUrl = repository && `${serverUrl}/${repository.owner}/${repository.repo}`
  const run = env['GITHUB_RUN_ID']
  return {
    cwd: env['GITHUB_WORKSPACE'] || process.cwd(),
    temporary: required(env, 'RUNNER_TEMP'),
    apiUrl: env['GITHUB_API_URL'] || 'https://api.github.com',
    graphqlUrl: env['GITHUB_GRAPHQL_URL'] || null,
    serverUrl,
    repository,
    repositoryName: repository?.repo ?? null,
    sha: env['GITHUB_SHA'] ?? '',
    volatile: VOLATILE.map((name) => env[name] ?? ''),
    repositoryUrl,
    runUrl: repositoryUrl && run ? `${repositoryUrl}/actions/runs/${run}` : null,
  }
}

/**
 * The first line of the log: which version runs, and the reference that the workflow named it by, `OWNER/NAME@REF`. An action of the
 * checkout (`uses: ./`) has no reference; a branch or tag may have moved since, the version tells what ran.
 */
export function greeting(env: Env): string {
  const [name, ref] = [env['GITHUB_ACTION_REPOSITORY'], env['GITHUB_ACTION_REF']]
  return `Image Budget ${version}${name && ref ? ` (${name}@${ref})` : ''}`
}

/**
 * The inputs as the runner hands them over: INPUT_<NAME>, upper case, blanks as underscores. A variable that is none of
 * ours is taken for a misspelt input only where it comes near one; the runner itself warns of the others.
 */
export function readInputs(env: Env): Record<string, string> {
  const values: Record<string, string> = {}
  for (const name of inputNames) values[name] = env[variableOf(name)] ?? ''
  const known = new Set(inputNames.map(variableOf))
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('INPUT_') || known.has(variable) || !value) continue
    const name = variable.slice('INPUT_'.length).toLowerCase()
    if (nearestInput(name) !== null) values[name] = value
  }
  return values
}

function variableOf(name: string): string {
  return `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`
}

/** The event that the workflow runs on. Throws CouldNotMeasure for one that cannot be read or must not be built. */
export async function readEventFacts(
  env: Env,
  { baseRef, allowPullRequestTarget }: Pick<Inputs, 'baseRef' | 'allowPullRequestTarget'>,
): Promise<EventFacts> {
  const path = required(env, 'GITHUB_EVENT_PATH')
  const payload = await readFile(path, 'utf8').then(
    (text) => z.looseObject({}).safeParse(JSON.parse(text)).data,
    () => undefined,
  )
  if (payload === undefined)
    throw new CouldNotMeasure('precondition', `GITHUB_EVENT_PATH is \`${path}\`, which holds no JSON object.`)
  return readEvent(env['GITHUB_EVENT_NAME'] ?? '', payload, baseRef, env['GITHUB_REF'] ?? '', allowPullRequestTarget)
}

function required(env: Env, name: string): string {
  const value = env[name]
  if (value) return value
  throw new CouldNotMeasure('precondition', `The variable ${name} is not set; it is where a GitHub runner is.`, {
    remedy: 'Outside of a workflow the same check is the command `image-budget check`.',
  })
}
