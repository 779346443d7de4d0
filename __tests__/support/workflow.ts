/**
 * Runs a workflow, of the documentation or of this repository, job by job, as GitHub would: conditions and `${{ … }}` are evaluated by GitHub's own library, each
 * job has a token with what its `permissions` and the event give it, artifacts go from one job and run to another, a matrix's legs run at
 * once. Steps are what the recipes need: a checkout, this action, artifacts, `run`.
 *
 * Sources: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax, contexts and expressions; for forks and
 * Dependabot https://docs.github.com/actions/security-for-github-actions/security-guides/automatic-token-authentication
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, isAbsolute, join, matchesGlob } from 'node:path'
import { data, Evaluator, Lexer, Parser } from '@actions/expressions'
import { parse } from 'yaml'
import type { Token } from './github/server.ts'
import type { Event, JsonObject } from './payload.ts'
import { checkOut, type TestRepository } from './repository.ts'
import { readPairs, runAction, type RunResult } from './runner.ts'

type Result = 'success' | 'failure' | 'cancelled' | 'skipped'

type Step = {
  id?: string
  name?: string
  if?: string
  uses?: string
  run?: string
  with?: Record<string, string | number | boolean>
  env?: Record<string, string | number | boolean>
  'continue-on-error'?: boolean
}

type Permissions = Record<string, string>

type Job = {
  if?: string
  needs?: string | string[]
  permissions?: Permissions
  strategy?: { matrix?: Record<string, unknown[]>; 'fail-fast'?: boolean }
  outputs?: Record<string, string>
  steps: Step[]
}

type Workflow = {
  name?: string
  on: string | string[] | Record<string, unknown>
  permissions?: Permissions
  jobs: Record<string, Job>
}

/** What is kept of a run for other jobs and runs: a folder for each artifact, by its name. */
export type Artifacts = Map<string, string>

/** A step as it ended: `result` as the step itself did, whether or not the job goes on. */
export type StepRun = { name: string; result: Result; log: string }

/** One job, or one leg of a matrix. */
export type JobRun = {
  /** The job's id. */
  id: string
  matrix: JsonObject
  result: Result
  /** What each step of this action gave. */
  actions: RunResult[]
  /** The steps that ran. */
  steps: StepRun[]
  /** What a job that depends on it sees. */
  outputs: Record<string, string>
}

export type WorkflowRun = {
  /** False: the event is none of the workflow's. */
  isStarted: boolean
  jobs: JobRun[]
  artifacts: Artifacts
  /** The run's own result, as a `workflow_run` event tells it. */
  conclusion: 'success' | 'failure'
}

export type Surroundings = {
  event: Event
  /** The commit that the run is of. */
  sha: string
  origin: TestRepository
  github: { url: string }
  /** The stand-in's own: each job's token is put there. */
  tokens: Record<string, Token>
  /** The event comes from a fork or from Dependabot: no token of its run may write. */
  isReadOnly?: boolean
  /** The engine's environment. */
  env: Record<string, string>
  /** Artifacts of other runs, by the run's id. */
  runs?: ReadonlyMap<string, Artifacts>
  /** Told of each step of an action that is stood in for by nothing (`actions/setup-node` and the like), by its name. */
  onOther?: (name: string, inputs: Record<string, string>) => void
}

/** Runs a whole workflow to its end. Throws for what it does not know: no part of a recipe is passed over. */
export async function runWorkflow(text: string, surroundings: Surroundings): Promise<WorkflowRun> {
  const workflow = parse(text) as Workflow
  const artifacts: Artifacts = new Map()
  const jobs: JobRun[] = []
  const events =
    typeof workflow.on === 'string'
      ? [workflow.on]
      : Array.isArray(workflow.on)
        ? workflow.on
        : Object.keys(workflow.on)
  if (!events.includes(surroundings.event.name)) return { isStarted: false, jobs, artifacts, conclusion: 'success' }
  const left = new Map(Object.entries(workflow.jobs))
  while (left.size > 0) {
    const ready = [...left].filter(([, job]) => needsOf(job).every((id) => !left.has(id)))
    if (ready.length === 0) throw new Error(`jobs that wait for each other: ${[...left.keys()].join(', ')}`)
    for (const [id] of ready) left.delete(id)
    const legs = ready.flatMap(([id, job]) =>
      combinations(job.strategy?.matrix ?? {}).map((matrix) => ({ id, job, matrix })),
    )
    jobs.push(
      ...(await Promise.all(legs.map((leg) => runJob({ ...leg, workflow, done: jobs, artifacts }, surroundings)))),
    )
  }
  const isFailed = jobs.some(({ result }) => result === 'failure')
  return { isStarted: true, jobs, artifacts, conclusion: isFailed ? 'failure' : 'success' }
}

/** The artifacts' folders are the caller's to remove. */
export function discardArtifacts(run: WorkflowRun): void {
  for (const folder of run.artifacts.values()) rmSync(folder, { recursive: true, force: true })
}

type Leg = {
  id: string
  job: Job
  matrix: JsonObject
  workflow: Workflow
  done: readonly JobRun[]
  artifacts: Artifacts
}

function needsOf({ needs = [] }: Job): string[] {
  return typeof needs === 'string' ? [needs] : needs
}

function combinations(matrix: Record<string, unknown[]>): JsonObject[] {
  return Object.entries(matrix).reduce<JsonObject[]>(
    (rows, [key, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [key]: value as string }))),
    [{}],
  )
}

let tokenCount = 0

/** The job's own token, with what it may do: nothing but what `permissions` names. */
function tokenFor({ job, workflow }: Leg, { tokens, isReadOnly = false }: Surroundings): string {
  const given = job.permissions ?? workflow.permissions
  if (given === undefined) throw new Error('a recipe says what its jobs may do')
  const permissions = Object.fromEntries(
    Object.entries(given).map(([area, access]) => [
      area.replaceAll('-', '_'),
      isReadOnly && access === 'write' ? 'read' : access,
    ]),
  )
  tokenCount += 1
  const token = `ghs_job_${tokenCount}`
  tokens[token] = { kind: 'actions', permissions }
  return token
}

async function runJob(leg: Leg, surroundings: Surroundings): Promise<JobRun> {
  const { id, job, matrix, done } = leg
  const needs = needsOf(job)
  const needed = done.filter((other) => needs.includes(other.id))
  const skipped: JobRun = { id, matrix, result: 'skipped', actions: [], steps: [], outputs: {} }
  const contexts = {
    github: githubOf(surroundings),
    matrix,
    needs: needsContext(needs, needed),
    steps: {},
    env: {},
    runner: {},
  }
  if (
    !isTrue(
      job.if,
      contexts,
      needed.map(({ result }) => result),
    )
  )
    return skipped

  const token = tokenFor(leg, surroundings)
  contexts.github = { ...contexts.github, token }
  const temp = mkdtempSync(join(tmpdir(), 'image-budget-job-'))
  const folders = [temp]
  const place: Place = { temp, workspace: join(temp, 'workspace'), token, leg, folders }
  mkdirSync(place.workspace)
  contexts.runner = { temp }
  const results: Result[] = []
  const actions: RunResult[] = []
  const stepRuns: StepRun[] = []
  const steps: JsonObject = {}
  try {
    for (const [at, step] of job.steps.entries()) {
      const seen = { ...contexts, steps }
      if (!isTrue(step.if, seen, results)) continue
      const ran = await runStep(step, place, surroundings, (value) => expand(value, seen, results), at)
      if (ran.action !== null) actions.push(ran.action)
      stepRuns.push({ name: step.name ?? step.uses ?? step.run ?? '', result: ran.result, log: ran.log })
      const conclusion = step['continue-on-error'] === true ? 'success' : ran.result
      if (step.id !== undefined) steps[step.id] = { outputs: ran.outputs, outcome: ran.result, conclusion }
      results.push(conclusion)
    }
    const outputs = Object.fromEntries(
      Object.entries(job.outputs ?? {}).map(([name, value]) => [name, expand(value, { ...contexts, steps }, results)]),
    )
    return {
      id,
      matrix,
      result: results.includes('failure') ? 'failure' : 'success',
      actions,
      steps: stepRuns,
      outputs,
    }
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
}

type Place = { temp: string; workspace: string; token: string; leg: Leg; folders: string[] }
type Ran = { result: Result; outputs: Record<string, string>; action: RunResult | null; log: string }

const DONE: Ran = { result: 'success', outputs: {}, action: null, log: '' }

/** Actions that change nothing that a test could see. */
const OTHERS = new Set(['actions/setup-node', 'actions/attest'])

async function runStep(
  step: Step,
  place: Place,
  surroundings: Surroundings,
  expanded: (value: string) => string,
  at: number,
): Promise<Ran> {
  const all = (values: Step['with'] = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, expanded(String(value))]))
  if (step.run !== undefined) return runScript(expanded(step.run), all(step.env), place, surroundings, at)
  const [name = ''] = (step.uses ?? '').split('@')
  const inputs = all(step.with)
  if (OTHERS.has(name)) {
    surroundings.onOther?.(name, inputs)
    return DONE
  }
  switch (name) {
    case 'actions/checkout': {
      const checkout = checkOut(
        surroundings.origin,
        inputs['ref'] ?? surroundings.sha,
        Number(inputs['fetch-depth'] ?? 1),
      )
      place.folders.push(checkout.dir)
      place.workspace = checkout.dir
      return DONE
    }
    case 'docker/build-push-action':
      return build(inputs, place, surroundings)
    case 'actions/upload-artifact':
      return upload(inputs, place)
    case 'actions/download-artifact':
      return download(inputs, place, surroundings)
    // The action of the checkout is, in a test, the one of this repository.
    case './':
    case 'image-budget/image-budget': {
      const { event, sha, github, env } = surroundings
      const temp = join(place.temp, `step-${at}`)
      const action = await runAction({
        event,
        sha,
        github,
        env,
        temp,
        token: place.token,
        inputs,
        workspace: place.workspace,
      })
      const { exitCode, outputs, stdout: log } = action
      return { result: exitCode === 0 ? 'success' : 'failure', outputs, action, log }
    }
    default:
      throw new Error(`a step that no test knows: ${step.uses}`)
  }
}

function runScript(
  script: string,
  own: Record<string, string>,
  { workspace, temp }: Place,
  { event, sha, env }: Surroundings,
  at: number,
): Ran {
  const file = join(temp, `output-${at}`)
  const { repository } = event.payload as { repository?: { full_name?: string } }
  const { ref = '' } = event.payload as { ref?: string }
  const { status, stdout, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: workspace,
    encoding: 'utf8',
    env: {
      ...process.env,
      ...env,
      RUNNER_TEMP: temp,
      GITHUB_SHA: sha,
      GITHUB_REF_NAME: ref.replace('refs/heads/', ''),
      GITHUB_REPOSITORY: repository?.full_name ?? '',
      GITHUB_OUTPUT: file,
      GITHUB_STEP_SUMMARY: join(temp, `summary-${at}`),
      ...own,
    },
  })
  const outputs = existsSync(file) ? readPairs(readFileSync(file, 'utf8')) : {}
  return { ...DONE, result: status === 0 ? 'success' : 'failure', outputs, log: `${stdout}${stderr}` }
}

/** https://github.com/docker/build-push-action, of which only what loads into the engine is known. */
function build(
  { context, load, tags, ...others }: Record<string, string>,
  { workspace }: Place,
  { env }: Surroundings,
): Ran {
  if (load !== 'true' || context === undefined || tags === undefined || Object.keys(others).length > 0)
    throw new Error('a build that no test knows')
  const args = ['buildx', 'build', '--load', `--tag=${tags}`, join(workspace, context)]
  const { status } = spawnSync('docker', args, { env: { ...process.env, ...env } })
  return { ...DONE, result: status === 0 ? 'success' : 'failure' }
}

/** https://github.com/actions/upload-artifact: what a name may not have, and that no two are of one name. */
function upload(inputs: Record<string, string>, { workspace, leg }: Place): Ran {
  const { name = 'artifact', path = '' } = inputs
  if (/["':<>|*?\r\n\\/]/.test(name) || name === '') throw new Error(`upload-artifact takes no such name: ${name}`)
  const found = path
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => (isAbsolute(each) ? each : join(workspace, each)))
    .filter((each) => existsSync(each))
  if (found.length === 0) return { ...DONE, result: inputs['if-no-files-found'] === 'error' ? 'failure' : 'success' }
  if (leg.artifacts.has(name)) return { ...DONE, result: 'failure' }
  const folder = mkdtempSync(join(tmpdir(), 'image-budget-artifact-'))
  leg.artifacts.set(name, folder)
  // One file stands at the artifact's top, and so does what is in one folder.
  for (const each of found)
    cpSync(each, statSync(each).isDirectory() ? folder : join(folder, basename(each)), { recursive: true })
  return DONE
}

/** https://github.com/actions/download-artifact: a folder for each, unless it is one by its name, or they are to be merged. */
function download(inputs: Record<string, string>, { workspace, leg }: Place, { runs }: Surroundings): Ran {
  const artifacts = inputs['run-id'] === undefined ? leg.artifacts : runs?.get(inputs['run-id'])
  const { name, pattern = '*' } = inputs
  const destination = join(workspace, inputs['path'] ?? '.')
  mkdirSync(destination, { recursive: true })
  const wanted = [...(artifacts ?? [])].filter(([each]) =>
    name === undefined ? matchesGlob(each, pattern) : each === name,
  )
  if (wanted.length === 0 && name !== undefined) return { ...DONE, result: 'failure' }
  for (const [each, folder] of wanted) {
    const isFlat = name !== undefined || inputs['merge-multiple'] === 'true'
    for (const entry of readdirSync(folder))
      cpSync(join(folder, entry), join(destination, ...(isFlat ? [] : [each]), entry), { recursive: true })
  }
  return DONE
}

function githubOf({ event, sha }: Surroundings): JsonObject {
  const repository = (event.payload['repository'] as JsonObject | undefined)?.['full_name'] ?? ''
  return { event_name: event.name, event: event.payload, repository, sha }
}

function needsContext(ids: string[], runs: JobRun[]): JsonObject {
  return Object.fromEntries(
    ids.map((id) => {
      const own = runs.filter((run) => run.id === id)
      return [
        id,
        {
          result: worst(own.map(({ result }) => result)),
          outputs: Object.assign({}, ...own.map(({ outputs }) => outputs)) as JsonObject,
        },
      ]
    }),
  )
}

function worst(results: Result[]): Result {
  return (['failure', 'cancelled', 'success'] as const).find((each) => results.includes(each)) ?? 'skipped'
}

type Contexts = Record<string, JsonObject>

/** A condition. Without a word on what came before, it holds only where that succeeded: a skipped job counts as no success. */
function isTrue(condition: string | undefined, contexts: Contexts, before: Result[]): boolean {
  const text =
    condition
      ?.trim()
      .replace(/^\$\{\{(.*)\}\}$/s, '$1')
      .trim() ?? ''
  const isSuccess = before.every((result) => result === 'success')
  if (text === '') return isSuccess
  const value = evaluate(text, contexts, before)
  const holds = value.coerceString() !== 'false' && value.coerceString() !== '' && value.coerceString() !== '0'
  return holds && (/\b(?:always|cancelled|failure|success)\s*\(/.test(text) || isSuccess)
}

function expand(value: string, contexts: Contexts, before: Result[]): string {
  return value.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    evaluate(expression.trim(), contexts, before).coerceString(),
  )
}

function evaluate(expression: string, contexts: Contexts, before: Result[]): data.ExpressionData {
  const status = {
    always: true,
    cancelled: false,
    failure: before.includes('failure'),
    success: before.every((result) => result === 'success'),
  }
  const functions = Object.entries(status).map(([name, value]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  }))
  const parsed = new Parser(new Lexer(expression).lex().tokens, Object.keys(contexts), functions).parse()
  const context = JSON.parse(JSON.stringify(contexts), data.reviver) as data.Dictionary
  return new Evaluator(parsed, context, new Map(functions.map((each) => [each.name, each]))).evaluate()
}
