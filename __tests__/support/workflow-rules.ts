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
      steps?: { uses?: string; run?: string; with?: Record<string, unknown> }[]
    }
  >
}

/** One sentence for each place where a workflow breaks a rule. */
export function brokenRules(name: string, text: string): string[] {
  const { on, permissions, jobs }: Workflow = parse(text)
  const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on)
  const broken = text.split('\n').flatMap(unpinned)
  if (events.includes('pull_request_target')) broken.push('runs on pull_request_target')
  if (permissions === undefined || writtenBy(permissions).length > 0)
    broken.push('has no permissions at the top that only read')
  if (/\bsecrets\s*[.[]/.test(text)) broken.push("uses a secret: the job's own token is `github.token`")
  for (const [id, job] of Object.entries(jobs)) {
    const allowed = new Set(WRITERS[`${name} ${id}`])
    for (const area of writtenBy(job.permissions)) if (!allowed.has(area)) broken.push(`${id} may write ${area}`)
    if (job['timeout-minutes'] === undefined) broken.push(`${id} has no timeout-minutes`)
    if (!/-\d/.test(job['runs-on'] ?? '')) broken.push(`${id} does not say which version of the runner it wants`)
    for (const { uses, run, with: inputs } of job.steps ?? []) {
      // A value goes into a script by its environment: an expression's would be read as a part of the script.
      if (run?.includes('${{')) broken.push(`${id} has an expression in a script: ${run}`)
      if (uses?.startsWith('actions/checkout@') && inputs?.['persist-credentials'] !== false)
        broken.push(`${id} leaves its token in the checkout`)
    }
  }
  return broken
}

/** An action of others by anything but a commit and, for people and Dependabot, its version. */
function unpinned(line: string): string[] {
  const [, uses] = /^\s*(?:- )?uses:\s*(.*)$/.exec(line) ?? []
  if (uses === undefined || uses === './' || /^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(uses)) return []
  return [`${uses} is not pinned as OWNER/NAME@COMMIT # vX.Y.Z`]
}

function writtenBy(permissions: Permissions): string[] {
  if (permissions === undefined) return []
  if (typeof permissions === 'string') return permissions === 'read-all' ? [] : ['everything']
  return Object.entries(permissions).flatMap(([area, access]) => (access === 'write' ? [area] : []))
}
