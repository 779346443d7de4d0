/** What a release is, computed from texts and tags alone: scripts/release.ts reads and writes them. */

/** The texts that say the version. */
export type Sources = {
  /** package.json and package-lock.json, as text. */
  manifest: string
  lock: string
  /** src/version.ts, as text. */
  module: string
  changelog: string
}

/** A run of a workflow, as `gh run list --json workflowName,event,conclusion,headSha` tells it. */
export type WorkflowRun = { workflowName: string; event: string; conclusion: string; headSha: string }

export type State = {
  sources: Sources
  commit: string
  /** The branch that the release is made from. */
  branch: string
  /** Tags of the remote, each with the commit that it is at. */
  tags: ReadonlyMap<string, string>
  /** Paths that differ from the commit, new ones too. */
  changed: readonly string[]
  /** Runs of workflows on the commit; null where nobody asked. */
  runs: readonly WorkflowRun[] | null
}

export type Release = {
  version: string
  /** `v1.2.3`: made once, never moved. */
  tag: string
  /** `v1`: what most workflows name. */
  majorTag: string
  isPrerelease: boolean
  /** Nothing newer is out, of any major. */
  isLatest: boolean
  /** Nothing newer is out of this major, and it is no pre-release. */
  movesMajor: boolean
  /** An earlier run has made the tag, on this very commit. */
  isTagged: boolean
  /** The changelog's section, Markdown without its heading. */
  notes: string
}

/** What has to have succeeded on the commit when it was pushed, by the workflows' names. */
export const REQUIRED_WORKFLOWS = ['CI', 'Check dist', 'End to end']

/** A branch for fixes of an older version, and the major (and minor) that it is for: `release/1.2`, `release/1`. */
const OLDER = /^release\/(\d+)(?:\.(\d+))?$/

type Version = { major: number; minor: number; patch: number; pre: string | null }

const NUMBER = '(0|[1-9][0-9]*)'
const VERSION = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*))?$`)

/** A version of https://semver.org, without build metadata; null: it is none. */
export function parseVersion(text: string): Version | null {
  const [, major, minor, patch, pre] = VERSION.exec(text) ?? []
  if (major === undefined) return null
  return { major: Number(major), minor: Number(minor), patch: Number(patch), pre: pre ?? null }
}

/** Of two versions, whatever they are before: above 0 where the first is the newer one. */
function compareVersions(one: Version, other: Version): number {
  return one.major - other.major || one.minor - other.minor || one.patch - other.patch
}

/** Whether a version that is no pre-release comes after another, be that a pre-release of it. */
function isNewer(one: Version, other: Version): boolean {
  const order = compareVersions(one, other)
  return order > 0 || (order === 0 && other.pre !== null)
}

/** The section of a version in a changelog, without its heading; null: there is none. https://keepachangelog.com/en/1.1.0/ */
export function sectionOf(changelog: string, version: string): string | null {
  const lines = changelog.split('\n')
  const start = lines.findIndex((line) => line === `## [${version}]` || line.startsWith(`## [${version}] `))
  if (start === -1) return null
  const rest = lines.slice(start + 1)
  // The next version's heading, or the list of links that a changelog may end with.
  const end = rest.findIndex((line) => /^(?:## |\[[^\]]+\]: )/.test(line))
  return rest
    .slice(0, end === -1 ? rest.length : end)
    .join('\n')
    .trim()
}

/** What would be released, or every reason why nothing can be. */
export function planRelease(state: State): { release: Release; problems: [] } | { release: null; problems: string[] } {
  const { sources, commit, branch, tags, changed, runs } = state
  const version: string = JSON.parse(sources.manifest).version
  const parsed = parseVersion(version)
  if (parsed === null)
    return { release: null, problems: [`package.json: \`${version}\` is no version such as 1.2.3 or 1.2.3-rc.1`] }

  const tag = `v${version}`
  const tagged = tags.get(tag)
  const newer = [...tags.keys()]
    .map((name) => (name.startsWith('v') ? parseVersion(name.slice(1)) : null))
    .filter((each) => each !== null)
    .filter((each) => each.pre === null && isNewer(each, parsed))
  const newerOfMinor = newer.find((each) => each.major === parsed.major && each.minor === parsed.minor)
  const notes = sectionOf(sources.changelog, version)

  const problems = [
    ...disagreements(sources, version),
    ...(notes === null ? [`CHANGELOG.md has no section \`## [${version}] - DATE\`: npm run release -- prepare`] : []),
    ...(notes === '' ? [`CHANGELOG.md: the section of ${version} is empty`] : []),
    ...wrongBranch(branch, parsed),
    ...(changed.length === 0 ? [] : [`not what is committed: ${changed.join(', ')}; build, commit, and begin again`]),
    ...(tagged === undefined || tagged === commit ? [] : [`${tag} is out already, at ${tagged}: a tag never moves`]),
    ...(newerOfMinor === undefined ? [] : [`v${textOf(newerOfMinor)} is out already: ${tag} would be older`]),
    ...missingRuns(runs, commit),
  ]
  if (problems.length > 0) return { release: null, problems }

  const isPrerelease = parsed.pre !== null
  return {
    release: {
      version,
      tag,
      majorTag: `v${parsed.major}`,
      isPrerelease,
      isLatest: !isPrerelease && newer.length === 0,
      movesMajor: !isPrerelease && newer.every(({ major }) => major !== parsed.major),
      isTagged: tagged !== undefined,
      notes: notes ?? '',
    },
    problems: [],
  }
}

function textOf({ major, minor, patch }: Version): string {
  return `${major}.${minor}.${patch}`
}

/** A release is made from `main`, or from the branch for fixes of this very version. */
function wrongBranch(branch: string, { major, minor }: Version): string[] {
  if (branch === 'main') return []
  const [, ofMajor, ofMinor] = OLDER.exec(branch) ?? []
  if (ofMajor === undefined) return [`releases are made from main or from release/1.2, not from ${branch}`]
  const isOwn = Number(ofMajor) === major && (ofMinor === undefined || Number(ofMinor) === minor)
  return isOwn
    ? []
    : [`${branch} is for versions ${branch.replace('release/', '')}.*: ${major}.${minor}.* is made elsewhere`]
}

/** Where else the version is written. */
function disagreements({ lock, module }: Sources, version: string): string[] {
  const locked: { version?: string; packages?: Record<string, { version?: string }> } = JSON.parse(lock)
  const written = {
    'package-lock.json': locked.version,
    'package-lock.json, packages': locked.packages?.['']?.version,
    'src/version.ts': /^export const version = '([^']*)'$/m.exec(module)?.[1],
  }
  return Object.entries(written).flatMap(([where, other]) =>
    other === version ? [] : [`${where} says ${other ?? 'no version'}, package.json ${version}`],
  )
}

function missingRuns(runs: State['runs'], commit: string): string[] {
  if (runs === null) return []
  const passed = runs.filter(
    ({ event, conclusion, headSha }) => event === 'push' && conclusion === 'success' && headSha === commit,
  )
  return REQUIRED_WORKFLOWS.flatMap((name) =>
    passed.some(({ workflowName }) => workflowName === name)
      ? []
      : [`the workflow \`${name}\` has not succeeded on the push of ${commit}`],
  )
}

/** The sources with a version's number in all places, and what was unreleased as its section. Throws where that cannot be. */
export function prepareRelease(sources: Sources, version: string, date: string): Sources {
  if (parseVersion(version) === null) throw new Error(`\`${version}\` is no version such as 1.2.3 or 1.2.3-rc.1`)
  if (sectionOf(sources.changelog, version) !== null)
    throw new Error(`CHANGELOG.md has a section of ${version} already`)
  if (!sectionOf(sources.changelog, 'Unreleased')) throw new Error('CHANGELOG.md has nothing under `## [Unreleased]`')
  const before: string = JSON.parse(sources.manifest).version
  const said = `"version": "${before}"`
  const saying = `"version": "${version}"`
  return {
    manifest: sources.manifest.replace(said, () => saying),
    // The project's own are the first two; those of the packages come after.
    lock: sources.lock
      .replace(said, () => saying)
      .replace(/("packages": \{\s+"": \{[^}]*?"version": )"[^"]*"/, (_, head) => `${head}"${version}"`),
    module: sources.module.replace(/^export const version = '[^']*'$/m, () => `export const version = '${version}'`),
    changelog: sources.changelog.replace(
      /^## \[Unreleased\]$/m,
      (heading) => `${heading}\n\n## [${version}] - ${date}`,
    ),
  }
}

/** What whoever approves the release is shown, as Markdown. */
export function describeRelease(release: Release, commit: string): string {
  const { tag, majorTag, isPrerelease, isLatest, movesMajor, notes } = release
  const rows = [
    ['Version', `\`${tag}\`${isPrerelease ? ', a pre-release' : ''}`],
    ['Commit', `\`${commit}\``],
    ['Shown as the latest release', isLatest ? 'yes' : 'no'],
    [
      `\`${majorTag}\` moves here`,
      movesMajor ? 'yes' : `no: ${isPrerelease ? 'a pre-release' : 'something newer is out'}`,
    ],
  ]
  return ['| | |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`), '', notes, ''].join('\n')
}
