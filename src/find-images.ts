import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { isAbsolute, join, posix, relative, resolve } from 'node:path'
import { reachable, readDefinition, takenByTarget } from './build/bake.ts'
import { isOutside } from './build/paths.ts'
import type { Exec } from './exec.ts'
import { CouldNotMeasure } from './failure.ts'
import { committedFiles } from './git/committed.ts'
import type { Credentials } from './git/commits.ts'
import { openRepository, type Repository } from './git/git.ts'
import { isDirty, snapshotWorkingTree, withSnapshots, writeTree } from './git/tree.ts'
import { onOneLine, PATTERNS, type BakeTarget, type Given, type InputName, type Inputs } from './inputs/inputs.ts'
import { nameOfDockerfile } from './inputs/name.ts'

/** Where images are found. */
export type FindWorld = {
  exec: Exec
  /** Absolute path that the inputs' paths are relative to. */
  cwd: string
  /** Folder for temporary files; what is made there is removed. */
  temporary: string
  /** Whether what is not committed is measured too (the terminal), or HEAD alone (the action). */
  uncommitted: 'measure' | 'warn'
  /** The repository's name without its owner, or null: the folder's name serves. */
  repositoryName: string | null
  credentials: Credentials
}

/** An image that a Dockerfile or a target makes. */
export type FoundImage = {
  name: string
  /** What says that it is one, for errors: "`services/api/Dockerfile`". */
  origin: string
  /** What it says of the inputs; `weak`: only where nothing else does. Paths are from the working directory. */
  weak: ReadonlyMap<InputName, Given>
  own: ReadonlyMap<InputName, Given>
  bake: BakeTarget | null
  /** What it is built of: paths from the repository's top, with `/`. */
  dockerfiles: string[]
}

/** Images that a run may find. */
const MOST = 1_000

/** Globs of one run: git is asked for each. */
const MOST_GLOBS = 100

/**
 * The images of the commit that is measured, as `dockerfiles`, `bake-files` and `bake-targets` name them: Dockerfiles in git's order, then
 * targets in bake's. `isFromFile`: the paths of that input are from the repository's top, and not from the working directory.
 * Throws CouldNotMeasure `input` where a glob, or all of bake, finds none, where two have one name, and for more than 1,000.
 */
export async function findImages(
  inputs: Pick<Inputs, 'dockerfiles' | 'bakeFiles' | 'bakeTargets' | 'context'>,
  isFromFile: (name: InputName) => boolean,
  world: FindWorld,
): Promise<FoundImage[]> {
  const { exec, temporary } = world
  const cwd = await realpath(world.cwd)
  const around = await realpath(resolve(cwd, inputs.context)).catch(() => cwd)
  const scratch = await mkdtemp(join(await realpath(temporary), 'image-budget-'))
  try {
    const repository = await withSnapshots(await openRepository(exec, around), scratch)
    const treeish = await measuredTree(repository, scratch, world.uncommitted)
    const place: Place = { repository, treeish, cwd, scratch, isFromFile, world }
    const found = [
      ...(inputs.dockerfiles.length > 0 ? await findDockerfiles(inputs.dockerfiles, place) : []),
      ...(inputs.bakeFiles.length + inputs.bakeTargets.length > 0 ? await findTargets(inputs, place) : []),
    ]
    if (found.length > MOST)
      throw new CouldNotMeasure('input', `${found.length} images are found; a run measures at most ${MOST}.`, {
        remedy: 'Narrower globs, or fewer targets, in several jobs.',
      })
    refuseClashes(found)
    return found
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

type Place = {
  repository: Repository
  /** The commit or tree that is measured. */
  treeish: string
  cwd: string
  scratch: string
  isFromFile: (name: InputName) => boolean
  world: FindWorld
}

async function measuredTree(
  repository: Repository,
  scratch: string,
  uncommitted: FindWorld['uncommitted'],
): Promise<string> {
  const head = await repository.tryGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  if (head.exitCode !== 0)
    throw new CouldNotMeasure('precondition', 'The repository has no commit yet.', {
      remedy: 'Commit first: images are found among the files of a commit.',
    })
  const isMore = uncommitted === 'measure' && (await isDirty(repository))
  return isMore ? snapshotWorkingTree(repository, scratch) : head.stdout.trim()
}

async function findDockerfiles(globs: readonly string[], place: Place): Promise<FoundImage[]> {
  const { repository, cwd, treeish, world } = place
  if (globs.length > MOST_GLOBS)
    throw new CouldNotMeasure('input', `\`dockerfiles\` has ${globs.length} globs; it takes at most ${MOST_GLOBS}.`)
  const from = place.isFromFile('dockerfiles') ? repository.root : cwd
  const globOf = (text: string): string => {
    const path = isAbsolute(text) ? text : `${slashed(from)}/${text}`
    const glob = relativeGlob(slashed(repository.root), posix.normalize(path))
    if (glob !== null) return glob
    throw new CouldNotMeasure(
      'input',
      `\`dockerfiles\` has \`${onOneLine(text)}\`, which is outside the repository; it takes paths inside.`,
    )
  }
  const except = globs.flatMap((glob) => (glob.startsWith('!') ? [globOf(glob.slice(1))] : []))
  if (globs.length > 0 && globs.length === except.length)
    throw new CouldNotMeasure(
      'input',
      '`dockerfiles` only leaves files out; it takes those that there are, too: `**/Dockerfile`.',
    )
  const paths = new Set<string>()
  for (const glob of globs.filter((each) => !each.startsWith('!'))) {
    const files = await committedFiles(repository, treeish, globOf(glob), except)
    if (files.length === 0)
      throw new CouldNotMeasure(
        'input',
        `\`dockerfiles\` has \`${onOneLine(glob)}\`, and no committed file is named so${except.length > 0 ? ' that is not left out' : ''}.`,
        {
          remedy:
            'It takes paths of Dockerfiles, `*` for any name and `**` for any folders: `services/*/Dockerfile`; `git ls-files` lists what is committed.',
        },
      )
    for (const file of files) paths.add(file)
  }
  const repositoryName = world.repositoryName ?? slashed(repository.root).split('/').at(-1) ?? 'image'
  return [...paths].map((path): FoundImage => {
    const name = nameOfDockerfile(repositoryName, path)
    if (!PATTERNS.name.test(path))
      throw new CouldNotMeasure(
        'input',
        `\`dockerfiles\` finds \`${onOneLine(path)}\`, which is no name for an image.`,
        {
          remedy: 'Leave it out with `!` before its path, or give it another name.',
        },
      )
    const file = join(repository.root, path)
    return {
      name,
      origin: `\`${path}\``,
      weak: new Map([['context', given(seen(cwd, join(file, '..')))]]),
      own: new Map([['file', given(seen(cwd, file))]]),
      bake: null,
      dockerfiles: [path],
    }
  })
}

/** A glob from the top, without resolving what is no path; null: it leads out. */
function relativeGlob(root: string, glob: string): string | null {
  if (!glob.startsWith(root === '/' ? '/' : `${root}/`)) return null
  return glob.slice(root === '/' ? 1 : root.length + 1) || null
}

async function findTargets(
  { bakeFiles, bakeTargets }: Pick<Inputs, 'bakeFiles' | 'bakeTargets'>,
  { repository, cwd, treeish, scratch, isFromFile, world }: Place,
): Promise<FoundImage[]> {
  const isCwdInside = !isOutside(relative(repository.root, cwd))
  const fromTop = isFromFile(bakeFiles.length > 0 ? 'bake-files' : 'bake-targets') || !isCwdInside
  const folder = fromTop ? repository.root : cwd
  const tree = join(scratch, 'tree')
  await writeTree(world.exec, repository, treeish, tree, world.credentials)
  // From a working directory outside, a file is told with the way to the checkout.
  const files = bakeFiles.map((file) =>
    fromTop && !isFromFile('bake-files') ? relative(folder, resolve(cwd, file)) : file,
  )
  const run = { tree, folder: join(tree, relative(repository.root, folder)), files }
  const definition = await readDefinition(world.exec, run, bakeTargets)
  const { wanted, targets } = definition
  // A group may have targets beside its images: linters, tests, files that are generated.
  const images = wanted.filter((name) => bakeTargets.includes(name) || targets.get(name)?.makesNoImage !== true)
  if (images.length === 0)
    throw new CouldNotMeasure('input', 'The bake file has no target there that makes an image.', {
      remedy: '`bake-targets` names targets and groups; `docker buildx bake --print` lists those of the default group.',
    })
  const here = seen(cwd, folder)
  return Promise.all(
    images.map(async (name): Promise<FoundImage> => {
      const { platforms = [], args = new Map<string, string>() } = targets.get(name) ?? {}
      const isKnown = platforms.length > 0 && platforms.every((platform) => PATTERNS.platform.test(platform))
      return {
        name,
        origin: `the target \`${name}\``,
        weak: new Map<InputName, Given>([
          ['context', given(here)],
          ...(isKnown ? [['platforms', given(platforms.join(','))] as const] : []),
        ]),
        own: new Map(),
        bake: {
          target: name,
          asked: bakeTargets,
          files,
          folder: here,
          context: null,
          args: Object.fromEntries(args),
          taken: await takenByTarget(definition, name, run),
        },
        dockerfiles: [...reachable(definition, name).values()].flatMap(({ context, dockerfile }) =>
          'path' in dockerfile ? [slashed(relative(tree, resolve(run.folder, context, dockerfile.path)))] : [],
        ),
      }
    }),
  )
}

function refuseClashes(found: readonly FoundImage[]): void {
  const first = new Map<string, FoundImage>()
  const problems = found.flatMap((image) => {
    const other = first.get(image.name)
    if (other === undefined) first.set(image.name, image)
    return other === undefined
      ? []
      : [`${other.origin} and ${image.origin} are both an image \`${onOneLine(image.name)}\`.`]
  })
  if (problems.length > 0)
    throw new CouldNotMeasure('input', problems.slice(0, 20).join('\n'), {
      remedy: 'An image is named after the folder or the target; `!path` in `dockerfiles` leaves one out.',
    })
}

function given(text: string): Given {
  return { text, place: null }
}

/** A path as the inputs have it: from the working directory. */
function seen(cwd: string, path: string): string {
  return slashed(relative(cwd, path)) || '.'
}

function slashed(path: string): string {
  return path.replaceAll('\\', '/')
}
