import { lstat, mkdir, realpath, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { configure } from './configure.ts'
import { BAKE_FILES, NO_DEFAULT, listTargets, readDefinition } from './build/bake.ts'
import { CouldNotMeasure, toFailure } from './failure.ts'
import { findImages, type FindWorld } from './find-images.ts'
import { committedFiles } from './git/committed.ts'
import { openRepository, type Repository } from './git/git.ts'
import { BUDGET_FILE } from './inputs/budget-file.ts'
import type { InitCommand } from './inputs/command-line.ts'
import { firstBudgetFile, type FirstImage } from './inputs/first-file.ts'
import { nameOfDockerfile } from './inputs/name.ts'
import type { ImageReport } from './report/report.ts'
import { run } from './run.ts'
import type { Surroundings, World } from './sides.ts'
import { majorTag } from './version.ts'

/** What is taken for a Dockerfile, and what never is the repository's own image. */
const DOCKERFILES = ['**/Dockerfile', '**/*.Dockerfile', '**/*.dockerfile', '**/Dockerfile.*']
const NONE = ['**/*.dockerignore', '**/node_modules/**', '**/vendor/**']

/** The job to paste, as the README has it. */
export const WORKFLOW = `name: Image budget
on: pull_request
permissions:
  contents: read
  pull-requests: write
jobs:
  size:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
      - uses: image-budget/image-budget@${majorTag}
`

/** The budget file that was made, what it was made of, and the file that it was written to; null: none was. */
export type FirstFile = {
  text: string
  path: string | null
  images: FirstImage[]
  /** The bake files that have the targets, from the repository's top. */
  bakeFiles: string[]
  failed: number
}

/**
 * What `init --json` prints: each image with where it is built from (a target of the bake files: null), what was measured of it (bytes, and
 * the number of layers; null: not measured) or why nothing was, and the budget file as text.
 */
export function firstFileJson({ text, images, bakeFiles }: FirstFile): string {
  const shown = images.map(({ name, build, measured }) => ({
    name,
    context: build?.context ?? null,
    file: build?.file ?? null,
    ...('reason' in measured
      ? { size: null, layers: null, problem: measured.reason }
      : { size: measured.size, layers: measured.layers, problem: null }),
  }))
  return `${JSON.stringify({ schema: 1, path: BUDGET_FILE, bakeFiles, images: shown, text }, null, 2)}\n`
}

/**
 * Builds and measures the images of the repository, those of its bake file and of its other committed Dockerfiles, and writes a first budget
 * file of what they have. Throws CouldNotMeasure where there is a file already (unless it is to be replaced), where no image is found, and
 * where none could be measured.
 */
export async function init(
  command: InitCommand,
  surroundings: Surroundings,
  world: World,
  finding: FindWorld,
): Promise<FirstFile> {
  const repository = await openRepository(finding.exec, finding.cwd)
  const path = await pathFor(repository, command)
  const at = { ...finding, cwd: repository.root, isFound: false, remote: null }
  const head = await repository.git(['rev-parse', '--verify', 'HEAD^{commit}']).catch(() => {
    throw new CouldNotMeasure('precondition', 'The repository has no commit yet.', {
      remedy: 'Commit first: images are found among the files of a commit.',
    })
  })
  const bakeFiles = (await Promise.all(BAKE_FILES.map((file) => committedFiles(repository, head, file)))).flat()
  const shared = { baseline: 'none', ...(command.builder !== null && { builder: command.builder }) }
  const measure = async (values: Record<string, string>): Promise<Map<string, FirstImage['measured']>> => {
    const { images } = await configure({ ...shared, ...values }, at)
    const { report } = await run(images, { ...surroundings, cwd: repository.root }, world)
    return measuredOf(report.images)
  }

  const bakeTargets = await targetsWithoutDefault(at, bakeFiles)
  const targets =
    bakeFiles.length === 0
      ? new Map<string, FirstImage['measured']>()
      : await measure({ 'bake-files': bakeFiles.join(','), 'bake-targets': bakeTargets.join(',') })
  const dockerfiles = await otherDockerfiles(repository, head, await bakedFiles(at, bakeFiles, bakeTargets))
  const images: FirstImage[] = [...targets].map(([name, measured]) => ({ name, build: null, measured }))
  images.push(...(await measureDockerfiles(dockerfiles, surroundings.repositoryName ?? nameOf(repository), measure)))
  if (images.length === 0)
    throw new CouldNotMeasure(
      'input',
      'No image is found: the repository has no committed Dockerfile, nor a bake file.',
      {
        remedy: `An image that lies elsewhere is \`image\` of ${BUDGET_FILE}.`,
      },
    )
  const failed = images.flatMap(({ name, measured }) => ('reason' in measured ? [`${name}: ${measured.reason}`] : []))
  if (failed.length === images.length)
    throw new CouldNotMeasure('build', `No image could be measured:\n${failed.slice(0, 20).join('\n')}`)
  const text = firstBudgetFile(images, bakeFiles, bakeTargets.length === 0)
  if (path !== null) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: command.force ? 'w' : 'wx' })
  }
  return { text, path: path && relative(finding.cwd, path), images, bakeFiles, failed: failed.length }
}

/** Where the file is written to; null: it is only shown. */
async function pathFor({ root }: Repository, { force, dryRun, json }: InitCommand): Promise<string | null> {
  if (dryRun || json) return null
  const path = join(root, BUDGET_FILE)
  const found = await lstat(path).catch(() => null)
  if (found !== null && !force)
    throw new CouldNotMeasure('input', `There is a budget file already: ${BUDGET_FILE}.`, {
      remedy: '`--force` writes it anew, `--dry-run` shows what would be written.',
    })
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  if (found?.isSymbolicLink() === true || relative(root, folder) !== dirname(BUDGET_FILE))
    throw new CouldNotMeasure(
      'input',
      `${BUDGET_FILE} is a link, or in a folder that is one; \`init\` writes through none.`,
    )
  return path
}

/** Each image's largest platform, or why there is none. */
function measuredOf(images: readonly ImageReport[]): Map<string, FirstImage['measured']> {
  const measured = new Map<string, FirstImage['measured']>()
  for (const { name, error, head } of images) {
    const before = measured.get(name)
    if (error !== null || head === null) {
      measured.set(name, { reason: error?.message ?? 'it was not measured' })
      continue
    }
    const { size, layers } = before !== undefined && !('reason' in before) ? before : { size: null, layers: 0 }
    measured.set(name, {
      size: head.size === null ? size : Math.max(size ?? 0, head.size),
      layers: Math.max(layers, head.layers),
    })
  }
  return measured
}

type Measure = (values: Record<string, string>) => Promise<Map<string, FirstImage['measured']>>

/** Many Dockerfiles are built from the top folder: one that does not build in its own is tried there. */
async function measureDockerfiles(
  paths: readonly string[],
  repositoryName: string,
  measure: Measure,
): Promise<FirstImage[]> {
  if (paths.length === 0) return []
  const nameOfPath = (path: string): string => nameOfDockerfile(repositoryName, path)
  const own = await measure({ dockerfiles: listed(paths) })
  const failed = paths.filter((path) => path.includes('/') && isFailed(own.get(nameOfPath(path))))
  const fromTop: Awaited<ReturnType<Measure>> =
    failed.length === 0 ? new Map() : await measure({ dockerfiles: listed(failed), context: '.' })
  return paths.map((path) => {
    const name = nameOfPath(path)
    const top = fromTop.get(name)
    const isTop = top !== undefined && !isFailed(top)
    const context = isTop || !path.includes('/') ? '.' : dirname(path)
    const measured = (isTop ? top : own.get(name)) ?? { reason: 'it was not measured' }
    return { name, build: { context, file: path }, measured }
  })
}

function isFailed(measured: FirstImage['measured'] | undefined): boolean {
  return measured !== undefined && 'reason' in measured
}

/** Paths as globs that name them alone. */
function listed(paths: readonly string[]): string {
  return paths.map((path) => path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)).join('\n')
}

async function otherDockerfiles(repository: Repository, head: string, baked: ReadonlySet<string>): Promise<string[]> {
  const found = await Promise.all(DOCKERFILES.map((glob) => committedFiles(repository, head, glob, NONE)))
  // A comma would part a list of inputs.
  return [...new Set(found.flat())].filter((path) => !baked.has(path) && !/[,\n\r]/.test(path)).toSorted()
}

/** All targets of bake files that have no group `default`; []: they have one, which says which targets are wanted. */
async function targetsWithoutDefault({ exec, cwd }: FindWorld, files: string[]): Promise<string[]> {
  if (files.length === 0) return []
  const asked = { tree: cwd, folder: cwd, files }
  const hasDefault = await readDefinition(exec, asked, []).then(
    () => true,
    (error: unknown) => {
      if (toFailure(error).message === NO_DEFAULT) return false
      throw error
    },
  )
  return hasDefault ? [] : listTargets(exec, asked)
}

/** The Dockerfiles of the bake file's targets, and of those that they start from. */
async function bakedFiles(world: FindWorld, bakeFiles: string[], bakeTargets: string[]): Promise<Set<string>> {
  if (bakeFiles.length === 0) return new Set()
  const found = await findImages({ dockerfiles: [], bakeFiles, bakeTargets, context: '.' }, () => false, world)
  return new Set(found.flatMap(({ dockerfiles }) => dockerfiles))
}

function nameOf({ root }: Repository): string {
  return root.split(/[\\/]/).at(-1) ?? 'image'
}
