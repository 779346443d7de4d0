import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BASE_IMAGE, docker, type Engine } from './engine.ts'
import type { Blobs, Document } from './images.ts'
import type { Registry } from './peers.ts'

/** One image in each place that an engine can put it, as references. */
export type Spread = Record<'docker-daemon' | 'docker' | 'docker-archive' | 'oci-archive' | 'oci', string>

/** A repository's name of a test's own, with what an engine built and put elsewhere. */
export type Spreading = {
  /** `image-budget-test/…`: the name in the engine. */
  repository: string
  /** Builds `FROM image-budget/base:1` with these bytes in one more layer, as `repository:tag`. */
  build: (tag: string, payload: Uint8Array) => void
  /** Puts a built image into the registry, an archive and a folder. */
  spread: (tag: string) => Spread
  /** A file or folder of the test's own. */
  path: (name: string) => string
  /** Takes the images out of the engine, and the files away; what the registry has stays there. */
  dispose: () => void
}

export const DOCKERFILE = `FROM ${BASE_IMAGE}\nCOPY payload /payload\n`

export function createSpreading(engine: Engine, registry: Registry): Spreading {
  const repository = `image-budget-test/${randomUUID()}`
  const folder = mkdtempSync(join(tmpdir(), 'image-budget-spread-'))
  const tags: string[] = []
  const path = (name: string): string => join(folder, name)
  return {
    repository,
    path,
    build: (tag, payload) => {
      const context = path(`context-${tag}`)
      mkdirSync(context)
      writeFileSync(join(context, 'Dockerfile'), DOCKERFILE)
      writeFileSync(join(context, 'payload'), payload)
      // One manifest, so that one image is in the registry and not an index with what was recorded of its build.
      const options = ['--provenance=false', '--load', '--quiet', '--tag', `${repository}:${tag}`]
      docker(engine, 'buildx', 'build', ...options, context)
      tags.push(`${repository}:${tag}`)
    },
    spread: (tag) => {
      const image = `${repository}:${tag}`
      const inRegistry = `${registry.host}/${image}`
      docker(engine, 'tag', image, inRegistry)
      docker(engine, 'push', '--quiet', inRegistry)
      docker(engine, 'image', 'rm', inRegistry)
      const archive = path(`${tag}.tar`)
      docker(engine, 'save', '--output', archive, image)
      mkdirSync(path(tag))
      execFileSync('tar', ['-xf', archive, '-C', path(tag)])
      return {
        'docker-daemon': `docker-daemon:${image}`,
        docker: `docker://${inRegistry}`,
        'docker-archive': `docker-archive:${archive}`,
        'oci-archive': `oci-archive:${archive}`,
        oci: `oci:${path(tag)}`,
      }
    },
    dispose: () => {
      if (tags.length > 0) docker(engine, 'image', 'rm', '--force', ...tags)
      rmSync(folder, { recursive: true })
    },
  }
}

/** What stands in a registry under a tag, one manifest: its documents and blobs, for a registry that keeps count (`startRegistry`). */
export async function copyOut(host: string, repository: string, tag: string, blobs: Blobs): Promise<Document> {
  const get = async (path: string, accept = '*/*'): Promise<Document> => {
    const response = await fetch(`http://${host}/v2/${repository}/${path}`, { headers: { accept } })
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    const digest = response.headers.get('docker-content-digest') ?? ''
    const document = { digest, size: bytes.length, mediaType: response.headers.get('content-type') ?? '', bytes }
    blobs.set(digest, document)
    return document
  }
  const types = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']
  const manifest = await get(`manifests/${tag}`, types.join(', '))
  const { config, layers } = JSON.parse(manifest.bytes.toString()) as {
    config: { digest: string }
    layers: { digest: string }[]
  }
  for (const { digest } of [config, ...layers]) await get(`blobs/${digest}`)
  return manifest
}

/** All that an engine tells of an image's names, and the containers made of it: what a reader must leave as it was. */
export function traces(engine: Engine, image: string): unknown {
  const [found] = JSON.parse(docker(engine, 'image', 'inspect', image)) as Record<string, unknown>[]
  const { Id: id, RepoTags: tags, RepoDigests: digests } = found!
  return { id, tags, digests, containers: docker(engine, 'ps', '--all', '--quiet', '--filter', `ancestor=${image}`) }
}
