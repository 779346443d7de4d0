import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import type { Exec } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'
import type { BakeTarget, Inputs } from '../inputs/inputs.ts'
import { MAX_DOCKERFILE_LENGTH } from './dockerfile.ts'
import { isElsewhere } from '../inputs/named-context.ts'
import { parseJson } from '../json.ts'
import { csv, inTree, isOutside, localPaths, namedContext, type PathFrame } from './paths.ts'
import type { DockerfileSource } from './provenance.ts'

/** What of a bake file's target decides how it is built here and what is said of it; bake itself knows the rest. */
export type TargetDefinition = {
  /** Build context: a path from the folder that bake is run in, or a URL. */
  context: string
  /** Path of the Dockerfile from the context, or its text, where that stands in the bake file. */
  dockerfile: { path: string } | { text: string }
  /** Named contexts: paths, images, URLs, other targets (`target:NAME`). */
  contexts: ReadonlyMap<string, string>
  /** Stage. */
  stage: string | null
  platforms: string[]
  args: ReadonlyMap<string, string>
  /** Files of this machine that it takes besides: of secrets and keys. */
  files: string[]
  /** Folders of this machine that caches lie in; they need not be there. */
  caches: string[]
  /** It hands an SSH agent on to the build. */
  hasSsh: boolean
  /** It writes a cache. */
  hasCacheTo: boolean
  /** It only looks at the Dockerfile unless it is told not to. */
  hasCall: boolean
  /** It has nothing but files, or nothing at all, for its result; or only looks at the Dockerfile (`call`). */
  makesNoImage: boolean
}

/** What `docker buildx bake --print` tells. */
export type BakeDefinition = {
  /** The targets that were asked for, groups resolved, in bake's order. */
  wanted: string[]
  /** Those, and the ones that they take contexts from. */
  targets: ReadonlyMap<string, TargetDefinition>
}

/** Where bake is run, and which files it reads. Paths are absolute, `files` from `folder`; []: those that bake finds by itself. */
export type BakeRun = { tree: string; folder: string; files: readonly string[] }

/** Bake files that bake finds by itself, in the order in which it reads them: https://docs.docker.com/build/bake/reference/#file-format */
export const BAKE_FILES = [
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
]

/** With the compose files, which are for running. */
const FOUND_BY_ITSELF = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml', ...BAKE_FILES]

/** Some releases print some of them as text (`type=registry,ref=…`). */
const attributes = z.union([z.string(), z.looseObject({})])
type Attributes = z.output<typeof attributes>

const targetShape = z.looseObject({
  context: z.string().default('.'),
  contexts: z.record(z.string(), z.string()).default({}),
  dockerfile: z.string().default('Dockerfile'),
  'dockerfile-inline': z.string().optional(),
  target: z.string().optional(),
  platforms: z.array(z.string()).default([]),
  args: z.record(z.string(), z.string().nullable()).default({}),
  secret: z.array(attributes).default([]),
  ssh: z.array(attributes).default([]),
  'cache-from': z.array(attributes).default([]),
  'cache-to': z.array(attributes).default([]),
  output: z.array(attributes).default([]),
  call: z.string().optional(),
})

const printedShape = z.looseObject({
  group: z.record(z.string(), z.looseObject({ targets: z.array(z.string()).default([]) })).default({}),
  target: z.record(z.string(), targetShape).default({}),
})

/** How deep groups may be in each other. */
const GROUPS_DEPTH = 50

/** Outputs that leave no image. */
const NO_IMAGE = new Set(['local', 'tar', 'cacheonly'])

/**
 * Asks bake what the targets (or groups; [] for its default) of its files are. Nothing is built, and no builder is asked.
 * Throws CouldNotMeasure `input` with bake's own reason.
 */
export async function readDefinition(
  exec: Exec,
  { tree, folder, files }: BakeRun,
  names: readonly string[],
): Promise<BakeDefinition> {
  await mustBeFiles(tree, folder, files)
  const args = ['buildx', 'bake', '--progress=plain', '--print', ...files.map((file) => `--file=${file}`)]
  // Bake reads every name after it as a target's.
  // What it says of variables reaches the report, and an expression of the bake file can say them in any form.
  const printed = await exec('docker', [...args, '--', ...names], { cwd: folder, withoutCredentials: true })
  const missing = /\nERROR: failed to find target ([\w-]+)\s*$/.exec(`\n${printed.stderr}`)?.[1]
  if (missing !== undefined)
    throw new CouldNotMeasure('input', noTarget(missing), {
      remedy: '`bake-targets` names targets and groups; `docker buildx bake --list=targets` lists them.',
    })
  if (printed.exitCode !== 0)
    throw new CouldNotMeasure(
      'input',
      `The bake file cannot be used: ${(await takesCompose(folder, files)) ? COMPOSE : reasonOf(printed.stderr)}`,
      {
        remedy: '`docker buildx bake --print` says the same; `bake-files` and `bake-targets` name files and targets.',
      },
    )
  const parsed = printedShape.safeParse(parseJson(printed.stdout))
  if (!parsed.success)
    throw new CouldNotMeasure(
      'precondition',
      `What \`docker buildx bake --print\` says is not understood:\n${z.prettifyError(parsed.error)}`,
      { remedy: 'Update buildx: 0.20 or newer is needed.' },
    )
  const groups = new Map(Object.entries(parsed.data.group).map(([name, { targets }]) => [name, targets]))
  const targets = new Map(Object.entries(parsed.data.target).map(([name, each]) => [name, definitionOf(each)]))
  return { wanted: resolved(groups, targets), targets }
}

const noTarget = (name: string): string => `The bake file has no target \`${name}\`.`
/** What `readDefinition` says where no target is asked for, and the files have no default. */
export const NO_DEFAULT = noTarget('default')

const listedShape = z.array(z.looseObject({ name: z.string(), group: z.boolean().default(false) }))

/**
 * The names of all targets of bake files, without groups. Throws CouldNotMeasure `input` with bake's own reason.
 * The form: https://docs.docker.com/reference/cli/docker/buildx/bake/#list
 */
export async function listTargets(exec: Exec, { tree, folder, files }: BakeRun): Promise<string[]> {
  await mustBeFiles(tree, folder, files)
  const args = ['buildx', 'bake', '--list=type=targets,format=json', ...files.map((file) => `--file=${file}`)]
  const listed = await exec('docker', args, { cwd: folder, withoutCredentials: true })
  const parsed = listedShape.safeParse(listed.exitCode === 0 ? parseJson(listed.stdout) : null)
  if (!parsed.success)
    throw new CouldNotMeasure('input', `The targets of the bake file cannot be listed: ${reasonOf(listed.stderr)}`, {
      remedy: '`docker buildx bake --list=targets` says the same; buildx 0.20 or newer is needed.',
    })
  return parsed.data.filter(({ group }) => !group).map(({ name }) => name)
}

/** A compose file takes in others (`env_file`, `extends`, `include`), of which what is wrong shows a line. */
const COMPOSE = 'it is a compose file, of which bake says what is wrong on a terminal only.'

async function takesCompose(folder: string, files: readonly string[]): Promise<boolean> {
  return (await filesRead(folder, files)).some((file) => /\.ya?ml$/i.test(file))
}

/** The bake files that are there: those that are named, else those that bake finds by itself. */
async function filesRead(folder: string, files: readonly string[]): Promise<string[]> {
  const there: string[] = []
  for (const file of files.length > 0 ? files : FOUND_BY_ITSELF) {
    const isThere = await stat(join(folder, file)).then(
      () => true,
      () => false,
    )
    if (isThere) there.push(file)
  }
  return there
}

/** What bake cannot read it shows, so that a link in the commit would show a file of this machine. */
async function mustBeFiles(tree: string, folder: string, files: readonly string[]): Promise<void> {
  const top = await realpath(tree)
  // Compose files take variables from `.env`.
  for (const file of [...files, ...FOUND_BY_ITSELF, '.env']) {
    const path = resolve(folder, file)
    const wanted = relative(tree, path).replaceAll('\\', '/')
    const found = await realpath(path).catch(() => null)
    if (isOutside(found === null ? wanted : relative(top, found)))
      throw new CouldNotMeasure('input', `The bake file \`${file}\` is outside the repository, or a link out of it.`, {
        remedy: '`bake-files` takes files inside: head and base are built by their own.',
      })
    if (found === null && files.includes(file))
      throw new CouldNotMeasure('input', `There is no bake file at \`${wanted}\` in this commit.`, {
        remedy:
          '`bake-files` takes paths from the working directory; in a budget file, from the repository’s top folder.',
      })
  }
}

function definitionOf(told: z.output<typeof targetShape>): TargetDefinition {
  const outputs = told.output.map((output) => fieldOf(output, 'type') ?? (output === '-' ? 'tar' : 'local'))
  const inline = told['dockerfile-inline']
  const caches = [...told['cache-from'], ...told['cache-to']].filter((cache) => fieldOf(cache, 'type') === 'local')
  const hasCall = told.call !== undefined && told.call !== '' && told.call !== 'build'
  return {
    context: told.context,
    // HCL's own marks are doubled in what bake prints.
    dockerfile:
      inline === undefined
        ? { path: told.dockerfile }
        : { text: inline.replaceAll('$${', '${').replaceAll('%%{', '%{') },
    contexts: new Map(Object.entries(told.contexts)),
    stage: told.target || null,
    platforms: told.platforms,
    args: new Map(Object.entries(told.args).flatMap(([key, value]) => (value === null ? [] : [[key, value]]))),
    files: [
      ...told.secret.flatMap((each) => fieldOf(each, 'src') ?? fieldOf(each, 'source') ?? []),
      ...told.ssh.flatMap(keysOf),
    ],
    caches: caches.flatMap((each) => fieldOf(each, 'src') ?? fieldOf(each, 'dest') ?? []),
    hasSsh: told.ssh.length > 0,
    hasCacheTo: told['cache-to'].length > 0,
    hasCall,
    makesNoImage: hasCall || (outputs.length > 0 && outputs.every((type) => NO_IMAGE.has(type))),
  }
}

/** A field of `type=registry,ref=…`, or of the object that says the same. */
function fieldOf(of: Attributes, name: string): string | undefined {
  if (typeof of !== 'string') return typeof of[name] === 'string' && Object.hasOwn(of, name) ? of[name] : undefined
  return of
    .split(',')
    .find((field) => field.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}

/** The files of an SSH entry, `id=path,path` or the object of it. */
function keysOf(of: Attributes): string[] {
  if (typeof of === 'string') return of.includes('=') ? of.slice(of.indexOf('=') + 1).split(',') : []
  return Array.isArray(of['paths']) ? of['paths'].filter((path) => typeof path === 'string') : []
}

/** What was asked for is the group `default`, whatever it was called; a group may have the name of a target that is in it. */
function resolved(groups: ReadonlyMap<string, string[]>, targets: ReadonlyMap<string, TargetDefinition>): string[] {
  const found = new Set<string>()
  const follow = (name: string, inside: readonly string[]): void => {
    const members = inside.includes(name) || inside.length > GROUPS_DEPTH ? undefined : groups.get(name)
    if (members === undefined) {
      if (targets.has(name)) found.add(name)
      return
    }
    for (const member of members) follow(member, [...inside, name])
  }
  follow('default', [])
  return [...found]
}

function reasonOf(log: string): string {
  const said = /(?:^|\n)ERROR: ([^\n]+)\s*$/.exec(log)?.[1] ?? log.trim().split('\n').at(-1) ?? ''
  return said.slice(0, 1_000).replace(/\.?$/, '.')
}

/** A target that is built: what the side's own bake file says of it, and where. */
export type BakeBuild = BakeTarget & {
  definition: BakeDefinition
  /** The side's folder that bake is run in, absolute. */
  folder: string
}

/** What a build by bake takes: `buildImage` has the rest. */
export type BakeArguments = { args: string[]; env: Record<string, string> }

/**
 * The argument vector and environment of `docker buildx bake` for one target. `own`: what it is built for, as `--set` has it without the
 * target (`output=…`). What the inputs say comes before what the bake file says; secrets are added to the target's own.
 */
export function bakeArguments(
  frame: PathFrame,
  inputs: Inputs,
  bake: BakeBuild,
  options: { own: string[]; metadataFile: string | null; writesCache: boolean },
): BakeArguments {
  const { target, definition } = bake
  const reached = reachable(definition, target)
  const env: Record<string, string> = {}
  const args = ['buildx', 'bake', '--progress=plain', '--provenance=false', '--sbom=false']
  const set = (value: string, of = target): void => void args.push(`--set=${of}.${value}`)
  if (options.metadataFile !== null) args.push(`--metadata-file=${options.metadataFile}`)
  args.push(...bake.files.map((file) => `--file=${file}`), `--allow=fs.read=${frame.tree}`)
  if ([...reached.values()].some(({ hasSsh }) => hasSsh)) args.push('--allow=ssh')
  if (inputs.builder !== null) args.push(`--builder=${inputs.builder}`)
  // Tags of the bake file's are the user's: the image has a name of ours.
  for (const value of [...options.own, 'tags=']) set(value)
  if (reached.get(target)?.hasCall) set('call=build')
  // The base's build never writes a cache: it would replace the change's.
  if (!options.writesCache) for (const [name, { hasCacheTo }] of reached) if (hasCacheTo) set('cache-to=', name)
  if (options.writesCache) for (const cache of inputs.cacheTo) set(`cache-to=${localPaths(frame.cwd, cache)}`)
  for (const cache of inputs.cacheFrom) set(`cache-from=${localPaths(frame.cwd, cache)}`)
  if (bake.context !== null) set(`context=${inTree(frame, 'context', bake.context)}`)
  if (inputs.file !== null) set(`dockerfile=${inTree(frame, 'file', inputs.file)}`)
  if (inputs.target !== null) set(`target=${inputs.target}`)
  for (const platform of inputs.platforms) set(`platform=${platform}`)
  for (const argument of inputs.buildArgs) set(`args.${argument}`)
  for (const { name, value } of inputs.buildContexts) set(`contexts.${name}=${namedContext(frame, value)}`)
  for (const [at, { id, value }] of inputs.secrets.entries()) {
    env[`IMAGE_BUDGET_SECRET_${at}`] = value
    set(`secrets+=id=${id},env=IMAGE_BUDGET_SECRET_${at}`)
  }
  for (const { id, path } of inputs.secretFiles) set(`secrets+=${csv([`id=${id}`, `src=${resolve(frame.cwd, path)}`])}`)
  args.push('--', target)
  return { args, env }
}

/** The target, and those that it takes contexts from, near or far. */
export function reachable({ targets }: BakeDefinition, name: string): Map<string, TargetDefinition> {
  const found = new Map<string, TargetDefinition>()
  const next = [name]
  while (next.length > 0) {
    const at = next.pop()!
    const target = targets.get(at)
    if (target === undefined || found.has(at)) continue
    found.set(at, target)
    for (const value of target.contexts.values()) if (value.startsWith('target:')) next.push(value.slice(7))
  }
  return found
}

/**
 * What a target and those that it starts from take of a tree, from its top folder: see `BakeTarget`. Null where it is not known: a compose
 * file may take in any others, and paths may lead out.
 */
export async function takenByTarget(
  definition: BakeDefinition,
  name: string,
  { tree, folder, files }: BakeRun,
): Promise<BakeTarget['taken']> {
  const own = definition.targets.get(name)
  const read = files.length > 0 ? files : FOUND_BY_ITSELF
  const there = await filesRead(folder, files)
  if (there.some((file) => /\.ya?ml$/i.test(file))) return null
  let isInside = true
  const at = (path: string, from = folder): string => {
    const found = relative(tree, resolve(from, path.replace(/^cwd:\/\//, '')))
    isInside &&= !isOutside(found)
    return found.replaceAll('\\', '/')
  }
  const taken = { folders: [] as string[], files: read.map((file) => at(file)) }
  let dockerfile: string | null = null
  for (const [each, told] of reachable(definition, name)) {
    const isOwn = each === name
    const context = isRemote(told.context) ? null : at(told.context)
    if (context === null && (isOwn || 'path' in told.dockerfile)) return null
    if (!isOwn && context !== null) taken.folders.push(context)
    taken.folders.push(...[...told.contexts.values()].flatMap(folderOf).map((path) => at(path)))
    taken.files.push(...told.files.map((path) => at(path)))
    const file = 'path' in told.dockerfile ? at(told.dockerfile.path, join(tree, context ?? '')) : null
    if (isOwn) dockerfile = file
    else if (file !== null) taken.files.push(file, `${file}.dockerignore`)
  }
  // Where there is no file of its own the bake file is what has the text.
  dockerfile ??= there[0] === undefined ? null : at(there[0])
  if (own === undefined || dockerfile === null || !isInside) return null
  return { context: at(own.context), dockerfile, ...taken }
}

/** What a target is built of, found in a tree. */
export type BakePlaces = {
  /** The Dockerfiles of the target, its own first, and of those that it takes contexts from. */
  sources: DockerfileSource[]
  /** The target's own, relative to the repository's root; null: its text stands in the bake file. */
  dockerfile: string | null
  /** The file that says what is left out of the build context, relative to the repository's root; null: there is no folder. */
  ignoreFile: string | null
}

/**
 * Finds what a target is built of. Everything that it takes from the tree must be inside, when links are followed too: bake itself looks at
 * that as well, but not in all its releases at every target. Throws CouldNotMeasure `input`.
 */
export async function findPlaces(frame: PathFrame, inputs: Inputs, bake: BakeBuild): Promise<BakePlaces> {
  const top = await realpath(frame.tree)
  const shown = (path: string): string => relative(top, path).replaceAll('\\', '/') || '.'
  const inside = async (path: string, name: string, what: string): Promise<string> => {
    const found = await realpath(path).catch(() => null)
    const wanted = relative(frame.tree, path).replaceAll('\\', '/') || '.'
    if (isOutside(found === null ? relative(frame.tree, path) : relative(top, found)))
      throw new CouldNotMeasure(
        'input',
        `The ${what} of the target \`${name}\` is \`${wanted}\`, which is outside the repository; it is to be inside: head and base are built from their own trees.`,
      )
    if (found === null)
      throw new CouldNotMeasure(
        'input',
        `There is no ${what} of the target \`${name}\` at \`${wanted}\` in this commit.`,
      )
    return found
  }
  const at = (path: string, from = bake.folder): string => resolve(from, path.replace(/^cwd:\/\//, ''))
  const sources: DockerfileSource[] = []
  let own: Pick<BakePlaces, 'dockerfile' | 'ignoreFile'> = { dockerfile: null, ignoreFile: null }
  for (const [name, told] of reachable(bake.definition, bake.target)) {
    const isOwn = name === bake.target
    const value = isOwn && bake.context !== null ? inTree(frame, 'context', bake.context) : told.context
    const context = isRemote(value) ? null : at(value)
    if (context !== null) await inside(context, name, 'build context')
    for (const path of [...told.contexts.values()].flatMap(folderOf)) await inside(at(path), name, 'named context')
    for (const path of told.files) await inside(at(path), name, 'file')
    // One that is not there yet is made, or passed over.
    for (const path of told.caches) await inside(await nearest(at(path)), name, 'cache')
    const path = isOwn && inputs.file !== null ? inTree(frame, 'file', inputs.file) : null
    if ('text' in told.dockerfile && path === null) {
      sources.push({ text: told.dockerfile.text, file: null })
      if (isOwn && context !== null) own = { dockerfile: null, ignoreFile: shown(join(context, '.dockerignore')) }
    } else if (context !== null) {
      const file = path ?? at('path' in told.dockerfile ? told.dockerfile.path : '', context)
      const found = await inside(file, name, 'Dockerfile')
      sources.push({ text: await readText(found), file: relative(frame.tree, file).replaceAll('\\', '/') })
      // One of the Dockerfile's own comes before the context's.
      const ignore = await realpath(`${file}.dockerignore`).then(
        () => `${file}.dockerignore`,
        () => join(context, '.dockerignore'),
      )
      if (isOwn)
        own = { dockerfile: sources.at(-1)!.file, ignoreFile: relative(frame.tree, ignore).replaceAll('\\', '/') }
    } else if (isOwn) sources.push({ text: '', file: null })
  }
  for (const { name, value } of inputs.buildContexts)
    if (!isElsewhere(value)) await inside(namedContext(frame, value), bake.target, `build context \`${name}\``)
  return { sources, ...own }
}

/** The path, or the nearest folder above it that is there. */
async function nearest(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  return isThere || dirname(path) === path ? path : nearest(dirname(path))
}

/** `docker-image:` is written with or without slashes, and git knows repositories of GitHub without a scheme. */
function isRemote(value: string): boolean {
  if (value.startsWith('cwd://')) return false
  return isElsewhere(value) || /^docker-image:|^(?:github|gitlab|bitbucket)\.(?:com|org)\//.test(value)
}

/** The folder of this machine that a named context is; none for what is elsewhere. */
function folderOf(value: string): string[] {
  const layout = /^oci-layout:\/\/(.*?)(?::[^:/]*|@.*)?$/.exec(value)
  if (layout) return [layout[1]!]
  return isRemote(value) ? [] : [value]
}

/** '' where it cannot be read or is too long to be parsed: bake says what is wrong with it. */
async function readText(file: string): Promise<string> {
  const found = await stat(file)
  return found.isFile() && found.size <= MAX_DOCKERFILE_LENGTH ? readFile(file, 'utf8') : ''
}
