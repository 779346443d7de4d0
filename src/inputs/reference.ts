/** Where an image is, as skopeo writes it (containers-transports(5)): `TRANSPORT:REST`. */
export type ImageReference = { text: string } & (
  | {
      /** A registry. */
      transport: 'docker'
      /** Host, with its port where one is given: `docker.io`, `ghcr.io`, `localhost:5000`. */
      registry: string
      /** `library/node`, `acme/api`. */
      repository: string
      /** Null where there is a digest. */
      tag: string | null
      digest: string | null
    }
  | {
      /** The Docker engine's store. */
      transport: 'docker-daemon'
      /** `name:tag`, `name@sha256:…`, or an image's id, with or without `sha256:`. */
      name: string
    }
  | {
      /** A file that `docker save` writes, an OCI layout in a tar file, an OCI layout's folder. */
      transport: 'docker-archive' | 'oci-archive' | 'oci'
      path: string
      /** The image in it: a name (docker-archive), `org.opencontainers.image.ref.name` (OCI), `@INDEX`; null: the only one. */
      name: string | null
    }
)

const HOST = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?`
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
const TAG = String.raw`\w[\w.-]{0,127}`
const DIGEST = 'sha256:[0-9a-f]{64}'
/** The grammar of https://github.com/distribution/reference, with the one digest algorithm in use. */
const NAME = new RegExp(`^(?:(${HOST})/)?(${PART}(?:/${PART})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`)

// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const FILE = /(?:docker-archive|oci-archive|oci):[^:\u0000-\u001f\u007f]+(?::[^\u0000-\u001f\u007f]+)?/

/** What a reference looks like, where it has no drive's letter; its parts have lengths, too. */
export const REFERENCE = new RegExp(
  `^(?:docker://${NAME.source.slice(1, -1)}|docker-daemon:(?:${NAME.source.slice(1, -1)}|(?:sha256:)?[0-9a-f]{12,64})|${FILE.source})$`,
)

/** Parses a reference to an image; null for what is none. Docker Hub's short names become whole: `node` is `docker.io/library/node:latest`. */
export function parseReference(text: string): ImageReference | null {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (text.length > 4096 || /[\u0000-\u001f\u007f]/.test(text)) return null
  if (text.startsWith('docker://')) return registryReference(text, text.slice('docker://'.length))
  const [, transport, rest] = /^(docker-daemon|docker-archive|oci-archive|oci):(.+)$/.exec(text) ?? []
  if (transport === undefined || rest === undefined) return null
  if (transport === 'docker-daemon') {
    // `docker images` shows the first twelve digits.
    const isId = /^(?:sha256:)?[0-9a-f]{12,64}$/.test(rest)
    if (isId) return { text, transport, name: rest }
    const [isName, , , tag, digest] = NAME.exec(rest) ?? []
    // `docker save` of a name alone would give all of its tags.
    const name = tag === undefined && digest === undefined ? `${rest}:latest` : rest
    return isName === undefined ? null : { text, transport, name }
  }
  if (transport !== 'docker-archive' && transport !== 'oci-archive' && transport !== 'oci') return null
  // A drive letter's colon is part of the path.
  const [, path, name] = /^((?:[A-Za-z]:(?=[\\/]))?[^:]+)(?::(.+))?$/.exec(rest) ?? []
  return path === undefined ? null : { text, transport, path, name: name ?? null }
}

function registryReference(text: string, name: string): ImageReference | null {
  const [, first, rest, tag, digest] = NAME.exec(name) ?? []
  if (rest === undefined) return null
  // What stands before the first slash is a host if it looks like one, else a part of Docker Hub's name.
  const isHost = first !== undefined && (/[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first))
  const registry = isHost ? first : 'docker.io'
  const path = isHost || first === undefined ? rest : `${first}/${rest}`
  if (path.length > 255) return null
  const hub = registry === 'docker.io' || registry === 'index.docker.io'
  return {
    text,
    transport: 'docker',
    registry: hub ? 'docker.io' : registry,
    repository: hub && !path.includes('/') ? `library/${path}` : path,
    tag: digest === undefined ? (tag ?? 'latest') : null,
    digest: digest ?? null,
  }
}
