import { randomUUID } from 'node:crypto'
import { readFile, readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { isFolder, type Exec } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'
import type { Inputs } from '../inputs/inputs.ts'
import { BAKE_FILES, bakeArguments, findPlaces, type BakeBuild } from './bake.ts'
import { MAX_DOCKERFILE_LENGTH, parseDockerfile, type DockerfileInstruction } from './dockerfile.ts'
import { explainBuildFailure, sourceThatFailed } from './failure.ts'
import { isElsewhere } from '../inputs/named-context.ts'
import { csv, inTree, isOutside, localPaths, namedContext } from './paths.ts'
import type { DockerfileSource } from './provenance.ts'
import { readWarnings, type BuildWarning } from './warnings.ts'

/** Which of the two trees is built. */
export type Side = 'head' | 'base'

/** One build, in one tree. Paths are absolute. */
export type BuildRequest = {
  side: Side
  /** Name that the classic store gives the image: see `temporaryName`. */
  image: string
  /** The engine keeps the image under that name, to be read from it; the classic store always does. */
  keep: boolean
  inputs: Inputs
  /** The target of a bake file that is built; null: what the inputs tell. */
  bake: BakeBuild | null
  /** Folder with the tree's files. */
  tree: string
  /** Top of the user's repository: what `tree` stands in for. */
  root: string
  /** The user's working directory: what relative paths of the inputs are relative to. */
  cwd: string
  /** Folder for the metadata file. */
  scratch: string
  /** buildx's log, line by line. */
  onLine: (line: string) => void
}

/** A finished build: where to find what it made. */
export type Build = {
  /** buildx's record of the build, as `docker buildx history` takes it. */
  ref: string
  /** Digest of the manifest or index; on the classic store, of the config. */
  digest: string
  /** By platform, `''` for the only one: BuildKit's provenance as it is. */
  provenance: Map<string, unknown>
  /** The Dockerfile, relative to the repository's root, with `/`; null: its text stands in a bake file. */
  dockerfile: string | null
  /** The file that says what is left out of the build context, relative to the repository's root; it may not be there. Null: no folder is the context. */
  ignoreFile: string | null
  /** Stage that was built; null: the last one. */
  target: string | null
  /** Of a target of a bake file, its Dockerfiles, its own first: see readOrigins. */
  sources: DockerfileSource[] | null
  /** What BuildKit's own checks say of the Dockerfile; [] where they say nothing, or buildx or the engine has none. */
  warnings: BuildWarning[]
}

const metadata = z.looseObject({
  'buildx.build.ref': z.string(),
  'containerimage.digest': z.string(),
})

/**
 * The argument vector and environment of `docker buildx build`. Everything from the inputs is one argument of its own; secrets' values
 * go through the environment. Attestations are left out: they are no part of the image's size.
 */
export function buildArguments(
  request: BuildRequest,
  metadataFile: string,
): { args: string[]; env: Record<string, string> } {
  // Under a name of ours an image can be removed without touching one of the user's. `store=false`: none is made where that can be helped.
  const output = `type=image,push=false,store=${request.keep},name=${request.image}`
  if (request.bake !== null)
    return withVariables(
      bakeArguments(request, request.inputs, request.bake, {
        own: [`output=${output}`],
        metadataFile,
        writesCache: request.side === 'head',
      }),
    )
  // The base's build never writes a cache: it would replace the change's.
  const cacheTo = request.side === 'head' ? request.inputs.cacheTo : []
  return commonArguments(request, [
    `--metadata-file=${metadataFile}`,
    `--output=${output}`,
    ...cacheTo.map((destination) => `--cache-to=${localPaths(request.cwd, destination)}`),
  ])
}

/** What a build is told in its environment, beside secrets. */
function withVariables({ args, env }: { args: string[]; env: Record<string, string> }) {
  return {
    args,
    env: {
      BUILDX_METADATA_PROVENANCE: 'max',
      BUILDX_METADATA_WARNINGS: '1',
      BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
      // A summary of warnings and a link to Docker Desktop are no use in a log.
      DOCKER_CLI_HINTS: 'false',
      ...env,
    },
  }
}

function commonArguments(request: BuildRequest, own: string[]): { args: string[]; env: Record<string, string> } {
  const { inputs } = request
  const { context, file } = places(request)
  const args = ['buildx', 'build', '--progress=plain', '--provenance=false', ...own, `--file=${file}`]
  const env: Record<string, string> = {}
  if (inputs.builder !== null) args.push(`--builder=${inputs.builder}`)
  if (inputs.target !== null) args.push(`--target=${inputs.target}`)
  if (inputs.platforms.length > 0) args.push(`--platform=${inputs.platforms.join(',')}`)
  for (const argument of inputs.buildArgs) args.push(`--build-arg=${argument}`)
  for (const { name, value } of inputs.buildContexts)
    args.push(`--build-context=${name}=${namedContext(request, value)}`)
  for (const [at, { id, value }] of inputs.secrets.entries()) {
    env[`IMAGE_BUDGET_SECRET_${at}`] = value
    args.push(`--secret=id=${id},env=IMAGE_BUDGET_SECRET_${at}`)
  }
  for (const { id, path } of inputs.secretFiles)
    args.push(`--secret=${csv([`id=${id}`, `src=${resolve(request.cwd, path)}`])}`)
  for (const source of inputs.cacheFrom) args.push(`--cache-from=${localPaths(request.cwd, source)}`)
  args.push(context)
  return withVariables({ args, env })
}

/**
 * Writes the image that was just built as an OCI layout into a folder, where a builder hands its blobs over in no other way; blobs
 * that lie there already are not sent again. Throws CouldNotMeasure `measure`.
 */
export async function exportLayout(exec: Exec, request: BuildRequest, folder: string): Promise<void> {
  const output = `output=${csv(['type=oci', 'tar=false', `dest=${folder}`])}`
  const { args, env } =
    request.bake === null
      ? commonArguments(request, [`--${output}`])
      : withVariables(
          bakeArguments(request, request.inputs, request.bake, {
            own: [output],
            metadataFile: null,
            writesCache: false,
          }),
        )
  const exported = await exec('docker', args, { cwd: folderOf(request), env, onLine: request.onLine })
  if (exported.exitCode === 0) return
  // What it printed may hold build arguments; it is in the log.
  throw new CouldNotMeasure('measure', 'The builder did not hand over the image that it built; the log has its reason.')
}

/**
 * Builds one side's image. `environment`: what docker inherits, where `build-args` of a `KEY` alone have their values.
 * Throws CouldNotMeasure `build` with the Dockerfile's line, or `input` for a path of the tree that is missing or leads out of it.
 */
export async function buildImage(
  exec: Exec,
  request: BuildRequest,
  environment: Record<string, string | undefined> = process.env,
): Promise<Build> {
  const { bake } = request
  const subject = bake === null ? await plainSubject(request) : await bakeSubject(request, bake)
  const metadataFile = join(request.scratch, `${request.side}.json`)
  const { args, env } = buildArguments(request, metadataFile)
  const built = await exec('docker', args, { cwd: folderOf(request), env, onLine: request.onLine })
  const hidden = hiddenValues(request, environment)
  if (built.exitCode !== 0) {
    const { sources, target } = subject
    const failed =
      sources === null
        ? { dockerfile: subject.dockerfile, instructions: await readInstructions(places(request).file) }
        : sourceThatFailed(built.stderr, sources)
    throw explainBuildFailure({ log: built.stderr, target, hidden, ...failed })
  }
  const all = z.looseObject({}).safeParse(JSON.parse(await readFile(metadataFile, 'utf8'))).data ?? {}
  const parsed = metadata.safeParse(bake === null ? all : all[bake.target])
  if (!parsed.success) {
    throw new CouldNotMeasure(
      'measure',
      `buildx's metadata file does not tell what was built:\n${z.prettifyError(parsed.error)}`,
      { remedy: 'Update buildx: 0.20 or newer is needed.' },
    )
  }
  const provenance = new Map<string, unknown>()
  for (const [key, value] of Object.entries(parsed.data)) {
    const match = /^buildx\.build\.provenance(?:\/(.+))?$/.exec(key)
    if (match) provenance.set(match[1] ?? '', value)
  }
  // Of several Dockerfiles nothing tells which one a warning is about.
  const isSure = subject.dockerfile !== null && (subject.sources === null || subject.sources.length === 1)
  return {
    ref: parsed.data['buildx.build.ref'].split('/').at(-1)!,
    digest: parsed.data['containerimage.digest'],
    provenance,
    ...subject,
    warnings: isSure ? readWarnings(all['buildx.build.warnings'], hidden) : [],
  }
}

/** What is known of a build before it is made. */
type BuildSubject = Pick<Build, 'dockerfile' | 'ignoreFile' | 'target' | 'sources'>

async function plainSubject(request: BuildRequest): Promise<BuildSubject> {
  await mustBeInside(request)
  return {
    dockerfile: relative(request.tree, places(request).file).replaceAll('\\', '/'),
    ignoreFile: await ignoreFileOf(request),
    target: request.inputs.target,
    sources: null,
  }
}

async function bakeSubject(request: BuildRequest, bake: BakeBuild): Promise<BuildSubject> {
  const stage = bake.definition.targets.get(bake.target)?.stage ?? null
  return { ...(await findPlaces(request, request.inputs, bake)), target: request.inputs.target ?? stage }
}

/** Where the build is run. */
function folderOf({ bake, tree }: BuildRequest): string {
  return bake?.folder ?? tree
}

/** One of the Dockerfile's own comes before the context's: https://docs.docker.com/build/concepts/context/#filename-and-location */
async function ignoreFileOf(request: BuildRequest): Promise<string> {
  const { context, file } = places(request)
  const own = `${file}.dockerignore`
  const hasOwn = await stat(own).then(
    () => true,
    () => false,
  )
  return relative(request.tree, hasOwn ? own : join(context, '.dockerignore')).replaceAll('\\', '/')
}

function places(request: BuildRequest): { context: string; file: string } {
  const context = inTree(request, 'context', request.inputs.context)
  return {
    context,
    file: request.inputs.file === null ? join(context, 'Dockerfile') : inTree(request, 'file', request.inputs.file),
  }
}

/** A name that no registry and nobody else has: the classic store makes an image of every build. */
export function temporaryName(side: Side): string {
  return `image-budget.invalid/${side}:${randomUUID()}`
}

/**
 * Every path that the build takes from the tree must be there, and inside of it when links are followed: a link in the commit
 * must not make a folder of this machine a build context.
 */
async function mustBeInside(request: BuildRequest): Promise<void> {
  const { inputs, tree } = request
  const { context, file } = places(request)
  const paths = [
    { input: 'context', value: inputs.context, path: context, what: 'build context', form: 'a folder' },
    { input: 'file', value: inputs.file, path: file, what: 'Dockerfile', form: 'a Dockerfile' },
    ...inputs.buildContexts
      .filter(({ value }) => !isElsewhere(value))
      .map(({ name, value }) => ({
        input: 'build-contexts',
        value: `${name}=${value}`,
        path: namedContext(request, value),
        what: `build context \`${name}\``,
        form: '`name=value` with a folder',
      })),
  ]
  const top = await realpath(tree)
  for (const { input, value, path, what, form } of paths) {
    const shown = relative(tree, path).replaceAll('\\', '/') || '.'
    const remedy =
      input === 'file'
        ? '`file` names the Dockerfile, relative to the working directory; default: `Dockerfile` in `context`.'
        : `\`${input}\` takes ${form} inside the repository, relative to the working directory.`
    const found = await realpath(path).catch(() => null)
    if (found === null) {
      const bakeFile = input === 'file' && value === null ? await bakeFileIn(context) : null
      const orBake =
        bakeFile === null ? '' : ` For the targets of a bake file: \`bake-files: ${join(inputs.context, bakeFile)}\`.`
      throw new CouldNotMeasure('input', `There is no ${what} at \`${shown}\` in this commit.`, {
        remedy: `${remedy}${orBake}`,
      })
    }
    if (isOutside(relative(top, found)))
      throw new CouldNotMeasure(
        'input',
        `\`${input}\` is \`${value ?? shown}\`, which is a link out of the repository; it takes ${form} inside.`,
        { remedy },
      )
    const isAFolder = await isFolder(found)
    if (input === 'context' && !isAFolder)
      throw new CouldNotMeasure('input', `\`context\` is \`${value}\`, which is no folder in this commit.`, { remedy })
    if (input === 'file' && isAFolder)
      throw new CouldNotMeasure('input', `\`${shown}\` is a folder in this commit, and no Dockerfile.`, { remedy })
  }
}

/** A bake file in this folder that is one by itself, by its name. */
async function bakeFileIn(folder: string): Promise<string | null> {
  const names = await readdir(folder).catch((): string[] => [])
  return BAKE_FILES.find((name) => !name.includes('.override.') && names.includes(name)) ?? null
}

/** The Dockerfile's instructions; none where it cannot be read or is too long to be parsed: a failed build is told all the same. */
async function readInstructions(file: string): Promise<DockerfileInstruction[]> {
  try {
    const found = await stat(file)
    if (!found.isFile() || found.size > MAX_DOCKERFILE_LENGTH) return []
    return parseDockerfile(await readFile(file, 'utf8'))
  } catch {
    return []
  }
}

/** Values that must not reach a report: builder errors show what a Dockerfile's variables stand for. */
function hiddenValues({ inputs, bake }: BuildRequest, environment: Record<string, string | undefined>): string[] {
  const buildArgs = inputs.buildArgs.map((argument) => {
    const at = argument.indexOf('=')
    return at === -1 ? (environment[argument] ?? '') : argument.slice(at + 1)
  })
  const baked = [...(bake?.definition.targets.values() ?? [])].flatMap(({ args }) => Array.from(args.values()))
  return [...buildArgs, ...baked, ...inputs.secrets.map(({ value }) => value)]
}
