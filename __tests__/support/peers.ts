import { fileURLToPath } from 'node:url'
import { scriptEnvironment } from './engine.ts'

/** Debian's registry on 127.0.0.1, and skopeo and umoci on the PATH of `env`. */
export type Registry = {
  /** `127.0.0.1:PORT`, over http. */
  host: string
  /** The folder of its storage: blobs lie in `docker/registry/v2/blobs/sha256/XX/DIGEST/data`. */
  storage: string
  env: Record<string, string>
}

/** A BuildKit that buildx reaches by that driver. It does not see an engine's images. */
export type Builder = {
  driver: 'remote' | 'docker-container'
  /** The base image as a build context: `--build-context image-budget/base:1=…`. */
  base: string
  /** Makes it buildx's current builder. */
  env: Record<string, string>
}

const script = (name: string): string => fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url))
const NOT_RUNNING = 4

/** The registry of that name (`scripts/peers.sh start NAME`), or null where it does not run. */
export function findRegistry(name = 'registry'): Registry | null {
  const env = scriptEnvironment(script('peers.sh'), ['env', name], [NOT_RUNNING])
  if (typeof env === 'string') return null
  const { PEERS_REGISTRY: host, PEERS_REGISTRY_DATA: storage, PATH: path } = env
  return { host: host!, storage: storage!, env: { PATH: path! } }
}

/** The builder with that driver (`scripts/buildkitd.sh start` or `container`), or null where it does not run. */
export function findBuilder(driver: Builder['driver']): Builder | null {
  const name = driver === 'remote' ? 'remote' : 'container'
  const env = scriptEnvironment(script('buildkitd.sh'), ['env', name], [NOT_RUNNING])
  if (typeof env === 'string') return null
  const { BUILDKIT_BASE: base, ...rest } = env
  return { driver, base: base!, env: rest }
}
