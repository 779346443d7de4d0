import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Exec } from '../../exec.ts'
import { CouldNotMeasure } from '../../failure.ts'
import { parseJson } from '../../json.ts'

/** How a registry is told who asks. Never goes into an error or the log. */
export type Credential =
  | { kind: 'password'; username: string; password: string }
  /** An OAuth2 refresh token, which the registry's token service changes for an access token. */
  | { kind: 'identity-token'; token: string }
  /** An access token, for the registry itself. */
  | { kind: 'registry-token'; token: string }

/**
 * The credential for a repository of a registry, null where there is none: then access is anonymous.
 * Throws CouldNotMeasure `precondition` where the user's set-up is broken: a file that is not JSON, a helper that fails.
 */
export type Credentials = (registry: string, repository: string) => Promise<Credential | null>

/** An entry of `auths` (github.com/docker/cli, cli/config/types). */
const auth = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
})
const configFile = z.object({
  auths: z.record(z.string(), auth).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
})
type ConfigFile = z.output<typeof configFile>
/** What a helper prints (github.com/docker/docker-credential-helpers). */
const helped = z.object({ Username: z.string(), Secret: z.string() })

/** Docker Hub's key, for historical reasons. */
const HUB_KEY = 'https://index.docker.io/v1/'

/**
 * The credentials that `docker login` and `podman login` leave, found as docker finds them: `$REGISTRY_AUTH_FILE` (podman's) and
 * `$DOCKER_AUTH_CONFIG` (the file's content) first, then `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`. A registry's helper
 * in `credHelpers` goes before `credsStore`, and that before `auths`.
 */
export function createCredentials(
  exec: Exec,
  env: Record<string, string | undefined>,
  /** The user's home folder. */
  home: string,
): Credentials {
  let configs: Promise<ConfigFile[]> | undefined
  const found = new Map<string, Promise<Credential | null>>()

  async function find(registry: string, repository: string): Promise<Credential | null> {
    const keys = keysOf(registry, repository)
    configs ??= readConfigs(env, home)
    for (const config of await configs) {
      const helper = helperOf(config, keys)
      const credential = helper === null ? fromAuths(config, keys) : await askHelper(exec, helper, keys.main)
      if (credential !== null) return credential
    }
    return null
  }

  return (registry, repository) => {
    const key = `${registry}/${repository}`
    const already = found.get(key) ?? find(registry, repository)
    found.set(key, already)
    return already
  }
}

/** The keys under which a repository's credential may stand. */
type Keys = {
  /** What docker asks for, and gives to helpers. */
  main: string
  /** The others in podman's order: the repository, its parents, the host. */
  others: string[]
  /** What a key may be as a host, whatever scheme and path it has. */
  hosts: string[]
}

function keysOf(registry: string, repository: string): Keys {
  const path = repository.split('/')
  const others = path.map((_, at) => [registry, ...path.slice(0, path.length - at)].join('/'))
  return registry === 'docker.io'
    ? { main: HUB_KEY, others, hosts: ['docker.io', 'index.docker.io', 'registry-1.docker.io'] }
    : { main: registry, others, hosts: [registry] }
}

/** The host (with its port) of a key, which may be written as a URL: `https://ghcr.io/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^[a-z]+:\/\//, '').replace(/\/.*$/s, '')
}

function lookUp<T>(record: Record<string, T>, { main, others, hosts }: Keys): T | undefined {
  const exact = [...others, main].find((key) => Object.hasOwn(record, key))
  const key = exact ?? Object.keys(record).find((candidate) => hosts.includes(hostOf(candidate)))
  return key === undefined ? undefined : record[key]
}

function helperOf({ credHelpers, credsStore }: ConfigFile, keys: Keys): string | null {
  return lookUp(credHelpers ?? {}, keys) || credsStore || null
}

function fromAuths({ auths }: ConfigFile, keys: Keys): Credential | null {
  const entry = lookUp(auths ?? {}, keys)
  if (!entry) return null
  if (entry.registrytoken) return { kind: 'registry-token', token: entry.registrytoken }
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken }
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (entry.auth && colon < 1) {
    throw new CouldNotMeasure(
      'precondition',
      `Docker's configuration has an \`auth\` for \`${keys.main}\` that is none.`,
      {
        remedy: `Log in again: \`docker login ${loginName(keys.main)}\`.`,
      },
    )
  }
  const username = colon < 1 ? entry.username : decoded.slice(0, colon)
  // Some old versions of docker padded the password with NULs.
  const password = colon < 1 ? entry.password : decoded.slice(colon + 1).replace(/\0+$/, '')
  return username && password ? { kind: 'password', username, password } : null
}

/** Asks `docker-credential-NAME get` with the registry on its standard input. */
async function askHelper(exec: Exec, name: string, key: string): Promise<Credential | null> {
  const program = `docker-credential-${name}`
  const fail = (what: string): CouldNotMeasure =>
    new CouldNotMeasure('precondition', `Docker's credential helper \`${program}\` ${what} for \`${key}\`.`, {
      remedy: `Try \`echo ${key} | ${program} get\`; Docker's config.json names the helper in \`credHelpers\` or \`credsStore\`.`,
    })
  if (!/^[\w.-]+$/.test(name)) throw fail('has no name of a program')
  const { exitCode, stdout } = await exec(program, ['get'], { input: `${key}\n` })
  if (exitCode !== 0) {
    // The protocol has no exit code for it. What else the helper said is not told: it may hold a secret.
    if (/credentials not found/i.test(stdout)) return null
    throw fail(`failed with exit code ${exitCode}`)
  }
  const parsed = helped.safeParse(parseJson(stdout))
  if (!parsed.success) throw fail('gave no credentials that are understood')
  const { Username: username, Secret: secret } = parsed.data
  if (secret === '') return null
  return username === '<token>'
    ? { kind: 'identity-token', token: secret }
    : { kind: 'password', username, password: secret }
}

async function readConfigs(env: Record<string, string | undefined>, home: string): Promise<ConfigFile[]> {
  const { REGISTRY_AUTH_FILE: podman, DOCKER_AUTH_CONFIG: content, DOCKER_CONFIG: folder } = env
  const docker = join(folder || join(home, '.docker'), 'config.json')
  return [
    ...(podman ? await readConfig(podman) : []),
    ...(content ? [parseConfig('$DOCKER_AUTH_CONFIG', content)] : []),
    ...(await readConfig(docker)),
  ]
}

/** A configuration file; none where there is none. */
async function readConfig(path: string): Promise<ConfigFile[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw new CouldNotMeasure(
      'precondition',
      `The credentials in \`${path}\` cannot be read: ${error.code ?? 'unknown'}.`,
    )
  })
  // Docker takes an empty file for an empty configuration.
  return text === null || text.trim() === '' ? [] : [parseConfig(path, text)]
}

function parseConfig(name: string, text: string): ConfigFile {
  const parsed = configFile.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new CouldNotMeasure('precondition', `\`${name}\` is not as Docker's configuration file is.`, {
    remedy: `Log in again with \`docker login\`, or mend \`${name}\`.`,
  })
}

/** What `docker login` takes for a key: nothing for Docker Hub. */
function loginName(key: string): string {
  return key === HUB_KEY ? '' : key
}
