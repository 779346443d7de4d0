import { open, realpath } from 'node:fs/promises'
import { basename, isAbsolute } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { answeringInTime, lastError, type Exec } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'
import type { Engine } from './engine.ts'

const dockerInfo = z.object({
  ClientInfo: z
    .object({
      Plugins: z
        .array(z.object({ Name: z.string(), Version: z.string().optional(), Path: z.string().optional() }))
        .nullish(),
    })
    .optional(),
  ServerVersion: z.string().optional(),
  /** What the engine's containers are: `linux` or `windows`. */
  OSType: z.string().optional(),
  DriverStatus: z.array(z.tuple([z.string(), z.string()])).nullish(),
})

/** buildx from which on a build's own records can be read back (`buildx history inspect attachment`); Docker with BuildKit in it. */
const MIN_BUILDX = [0, 20] as const
const MIN_DOCKER = [20, 10] as const

/** What is left where there is no engine to be had: a hosted runner with macOS, say. */
const NO_ENGINE_NEEDED = 'An image in a registry (`image: docker://…`) is measured without an engine.'

/** What builds, and the file of buildx on this machine that docker tells of: an absolute path, or null. */
export type Builder = {
  engine: Engine
  plugin: string | null
  /** What `docker buildx inspect` said. */
  inspected: string
}

/**
 * Finds out what will build: the builder's driver, its store and the versions. `builder` is a name of `docker buildx ls`, or
 * null for the current one. Throws CouldNotMeasure `precondition` with the remedy where something is missing, or says nothing for a minute.
 */
export async function inspectBuilder(exec: Exec, clock: Clock, builder: string | null): Promise<Builder> {
  const ask = answeringInTime(exec, clock)
  const [inspected, info] = await Promise.all([
    ask('docker', ['buildx', 'inspect', ...(builder === null ? [] : [builder])]),
    ask('docker', ['info', '--format', '{{json .}}']),
  ])
  // With no engine to ask it still tells of the client, and exits with 1.
  const facts = readInfo(info.stdout)
  const plugin = facts?.ClientInfo?.Plugins?.find(({ Name }) => Name === 'buildx')
  if (facts !== null && plugin === undefined) {
    throw new CouldNotMeasure('precondition', 'Docker has no `buildx` plugin here.', {
      remedy:
        'Add the step `docker/setup-buildx-action`, or install the package `docker-buildx-plugin` (Debian: `docker-buildx`).',
    })
  }
  const path = plugin?.Path !== undefined && isAbsolute(plugin.Path) ? plugin.Path : null
  const buildx = /\d+\.\d+\.\d+\S*/.exec(plugin?.Version ?? '')?.[0] ?? 'unknown'
  requireVersion('buildx', buildx, MIN_BUILDX, 'Update it, or add the step `docker/setup-buildx-action`.')

  const field = (name: string): string | null =>
    new RegExp(`^${name}:[ \\t]+(\\S.*)$`, 'm').exec(inspected.stdout)?.[1]?.trim() ?? null
  const driver = field('Driver')
  // BuildKit of another driver runs elsewhere: it is Linux whatever this engine is.
  if (facts?.OSType === 'windows' && (driver === 'docker' || (driver === null && builder === null))) {
    throw new CouldNotMeasure('precondition', 'The Docker engine runs Windows containers; Linux images are measured.', {
      remedy: `Run the job on a Linux runner (\`runs-on: ubuntu-24.04\`), or switch the engine to Linux containers. ${NO_ENGINE_NEEDED}`,
    })
  }
  if (inspected.exitCode !== 0 || driver === null) {
    const said = field('Error') ?? lastError(inspected.stderr)
    throw new CouldNotMeasure(
      'precondition',
      `The ${builder === null ? 'current buildx builder' : `buildx builder \`${builder}\``} cannot be used: ${said}`,
      {
        remedy: /no builder/.test(said)
          ? 'See `docker buildx ls` for the builders that exist; `docker/setup-buildx-action` makes one.'
          : `Start Docker (or the builder), and see that this user may use its socket: \`docker info\` must answer. ${NO_ENGINE_NEEDED}`,
      },
    )
  }
  if (driver !== 'docker') {
    const version = field('BuildKit version') ?? field('Buildkit') ?? 'unknown'
    return { engine: { driver, store: 'buildkit', version, buildx }, plugin: path, inspected: inspected.stdout }
  }
  if (!facts?.ServerVersion) {
    throw new CouldNotMeasure('precondition', `The Docker engine does not answer: ${lastError(info.stderr)}`, {
      remedy: `Start Docker, and see that this user may use its socket: \`docker info\` must answer. ${NO_ENGINE_NEEDED}`,
    })
  }
  const { ServerVersion, DriverStatus } = facts
  requireVersion('the Docker engine', ServerVersion, MIN_DOCKER, "Update it: GitHub's hosted runners have 28 or newer.")
  // https://docs.docker.com/engine/storage/containerd/: how `docker info` shows the containerd image store.
  const isContainerd =
    DriverStatus?.some(([key, value]) => key === 'driver-type' && value === 'io.containerd.snapshotter.v1') ?? false
  const store = isContainerd ? 'containerd' : 'classic'
  return { engine: { driver, store, version: ServerVersion, buildx }, plugin: path, inspected: inspected.stdout }
}

/** Through docker it is set for its plugins; where it is inherited, buildx would take itself for one. */
const ALONE = { DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: undefined }

/**
 * Whether buildx itself speaks of the same builder as `docker buildx` does. Not where `docker` is another program's other name (snap's) or a
 * script (podman's, somebody's own), which may set what it likes. `docker`: its path, or null.
 */
export async function isSameAlone(
  exec: Exec,
  { plugin, inspected }: Builder,
  builder: string | null,
  docker: string | null,
): Promise<boolean> {
  if (plugin === null || docker === null || !(await isOwnProgram(docker))) return false
  const alone = await exec(plugin, ['inspect', ...(builder === null ? [] : [builder])], { env: ALONE })
  return alone.exitCode === 0 && identityOf(alone.stdout) === identityOf(inspected)
}

/** The lines that tell which builder it is; others tell how it is. */
function identityOf(inspected: string): string {
  return (inspected.match(/^(?:Name|Driver|Endpoint):.*/gm) ?? []).join('\n')
}

async function isOwnProgram(docker: string): Promise<boolean> {
  if (basename(await realpath(docker)) !== 'docker') return false
  const file = await open(docker)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return buffer.toString('latin1', 0, bytesRead) !== '#!'
  } finally {
    await file.close()
  }
}

/**
 * `docker buildx …` as the plugin itself, once it is known where that is: the docker command looks for its plugins, starts each of them to ask
 * what it is, and takes more time than the plugin.
 */
export function throughPlugin(exec: Exec, plugin: () => string | null): Exec {
  return (program, args, options) => {
    const path = program === 'docker' && args[0] === 'buildx' ? plugin() : null
    if (path === null) return exec(program, args, options)
    return exec(path, args.slice(1), { ...options, env: { ...options?.env, ...ALONE } })
  }
}

function readInfo(stdout: string): z.output<typeof dockerInfo> | null {
  try {
    return dockerInfo.safeParse(JSON.parse(stdout)).data ?? null
  } catch {
    return null
  }
}

function requireVersion(
  what: string,
  version: string,
  [major, minor]: readonly [number, number],
  remedy: string,
): void {
  const seen = /^v?(\d+)\.(\d+)/.exec(version)
  // A version that says nothing (a build from source) is let through: what it lacks will say so itself.
  if (!seen || Number(seen[1]) > major || (Number(seen[1]) === major && Number(seen[2]) >= minor)) return
  throw new CouldNotMeasure(
    'precondition',
    `The version of ${what} is ${version}; ${major}.${minor} or newer is needed.`,
    { remedy },
  )
}
