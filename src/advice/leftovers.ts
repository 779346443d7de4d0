import type { FolderRun } from '../image/runs.ts'

/** What a working copy has and an image does not need. */
export type LeftoverKind = 'vcs' | 'coverage' | 'editor' | 'tools' | 'log' | 'tests'

/** `folder`: the outermost folder that is left over, or the log file itself. */
export type Leftover = { kind: LeftoverKind; folder: string }

const FOLDERS = new Map<string, LeftoverKind>([
  ...['.git', '.hg', '.svn', '.bzr'].map((name) => [name, 'vcs'] as const),
  ...['coverage', '.nyc_output', 'htmlcov', 'lcov-report'].map((name) => [name, 'coverage'] as const),
  ...['.idea', '.vscode', '.vs', '.fleet', '.zed'].map((name) => [name, 'editor'] as const),
  ...[
    '.pytest_cache',
    '.mypy_cache',
    '.ruff_cache',
    '.tox',
    '.nox',
    '.hypothesis',
    '.parcel-cache',
    '.turbo',
    '.terraform',
    '.vagrant',
  ].map((name) => [name, 'tools'] as const),
  ...[
    'test',
    'tests',
    '__tests__',
    'spec',
    'specs',
    '__fixtures__',
    '__snapshots__',
    'testdata',
    'test-data',
    'test_data',
    'e2e',
  ].map((name) => [name, 'tests'] as const),
])

/** Folders that packages are installed into: what lies there is theirs. */
const INSTALLED = new Set(['node_modules', 'site-packages', 'dist-packages', 'gems', 'vendor'])

/** What only a report of coverage has: a program's own folder may be called `coverage`, too. */
const COVERAGE_REPORT =
  /\/(?:lcov\.info|coverage-(?:final|summary)\.json|clover\.xml|cobertura[^/]*\.xml|coverage\.xml|\.resultset\.json|\.last_run\.json)$|\/lcov-report\//

/** The folders called `coverage` that hold a report, of all folders or some of them. */
export function coverageReports(runs: readonly FolderRun[]): Set<string> {
  const folders = new Set<string>()
  for (const { folder, files } of runs.filter((run) => run.folder.includes('/coverage/'))) {
    const isReport = files.some(({ path }) => COVERAGE_REPORT.test(path))
    if (isReport) folders.add(folder.slice(0, folder.indexOf('/coverage/') + '/coverage'.length))
  }
  return folders
}

/** What a file is left over from, or null; `inPackage`: it lies where packages are installed. */
export function leftoverOf(path: string, reports: ReadonlySet<string>): (Leftover & { inPackage: boolean }) | null {
  let inPackage = false
  let start = 1
  for (let end = path.indexOf('/', start); end !== -1; end = path.indexOf('/', start)) {
    const name = path.slice(start, end)
    const kind = FOLDERS.get(name)
    const folder = path.slice(0, end)
    if (kind !== undefined && (name !== 'coverage' || reports.has(folder))) return { kind, folder, inPackage }
    if (INSTALLED.has(name)) inPackage = true
    start = end + 1
  }
  return isLog(path.slice(start)) ? { kind: 'log', folder: path, inPackage } : null
}

function isLog(name: string): boolean {
  return /\.log(?:\.\d+)?$/.test(name)
}
