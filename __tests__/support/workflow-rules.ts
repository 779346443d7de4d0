/**
 * What every workflow of this repository keeps to, so that no pull request and no action of others gets hold of more than it needs:
 * https://docs.github.com/actions/reference/security/secure-use
 */
import { parse } from 'yaml'

/** The jobs that may write, and what: `FILE JOB` to permissions. */
const WRITERS: Record<string, string[]> = {
  '.github/workflows/e2e.yml within': ['pull-requests'],
  '.github/workflows/codeql.yml analyze': ['security-events'],
  '.github/workflows/release.yml publish': ['contents', 'id-token', 'attestations'],
}

type Permissions = string | Record<string, string> | undefined

type Workflow = {
  on: string | string[] | Record<string, unknown>
  permissions?: Permissions
  jobs: Record<
    string,
    {
      'runs-on'?: string
      'timeout-minutes'?: number
      permissions?: Permissions
      /** A workflow of others, which is the whole job. */
      uses?: string
      secrets?: unknown
      steps?: { uses?: string; run?: string; with?: Record<string, unknown> }[]
    }
  >
}

/** One sentence for each place where a workflow breaks a rule. */
export function brokenRules(name: string, text: string): string[] {
  const workflow: Workflow = parse(text)
  const { on, permissions, jobs } = workflow
  const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on)
  const broken: string[] = []
  if (events.includes('pull_request_target')) broken.push('runs on pull_request_target')
  if (permissions === undefined || writtenBy(permissions).length > 0)
    broken.push('has no permissions at the top that only read')
  if (textsIn(workflow).some((each) => each.includes('${{') && /\bsecrets\b/i.test(each)))
    broken.push("uses a secret: the job's own token is `github.token`")
  for (const [id, job] of Object.entries(jobs)) {
    const allowed = new Set(WRITERS[`${name} ${id}`])
    for (const area of writtenBy(job.permissions)) if (!allowed.has(area)) broken.push(`${id} may write ${area}`)
    if (job.secrets !== undefined) broken.push(`${id} hands its secrets on`)
    if (job.uses === undefined) {
      if (job['timeout-minutes'] === undefined) broken.push(`${id} has no timeout-minutes`)
      if (!/-\d/.test(job['runs-on'] ?? '')) broken.push(`${id} does not say which version of the runner it wants`)
    }
    const steps = job.steps ?? []
    for (const { uses } of [job, ...steps])
      if (uses !== undefined && !isPinned(uses, text))
        broken.push(`${id} uses ${uses}, which is not pinned as OWNER/NAME@COMMIT # vX.Y.Z`)
    for (const { uses, run, with: inputs = {} } of steps) {
      // A value goes into a script by its environment: an expression's would be read as a part of the script.
      for (const script of [run, ...scriptsIn(inputs)])
        if (String(script).includes('${{')) broken.push(`${id} has an expression in a script: ${String(script)}`)
      if (/^actions\/checkout@/i.test(uses ?? '') && inputs['persist-credentials'] !== false)
        broken.push(`${id} leaves its token in the checkout`)
    }
  }
  return broken
}

/**
 * Whether what a step or job uses is this action, or one of others at a commit. The version, for people and Dependabot, is a comment, which only the
 * text has: it stands wherever the commit does.
 */
function isPinned(uses: string, text: string): boolean {
  if (uses === './') return true
  if (!/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(uses)) return false
  const lines = text.split('\n').filter((line) => line.includes(uses))
  return lines.length > 0 && lines.every((line) => /^\s*(?:- )?uses: \S+ # v\d+\.\d+\.\d+$/.test(line))
}

/** Scripts that an action takes, as actions/github-script does; the runner knows an input in capitals, too. */
function scriptsIn(inputs: Record<string, unknown>): unknown[] {
  return Object.entries(inputs).flatMap(([name, value]) => (name.toLowerCase() === 'script' ? [value] : []))
}

/** All keys and values of a workflow that are texts: YAML's own spellings are resolved, its comments gone. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return [...Object.keys(value), ...Object.values(value).flatMap(textsIn)]
}

function writtenBy(permissions: Permissions): string[] {
  if (permissions === undefined) return []
  if (typeof permissions === 'string') return permissions === 'read-all' ? [] : ['everything']
  return Object.entries(permissions).flatMap(([area, access]) => (access === 'write' ? [area] : []))
}
