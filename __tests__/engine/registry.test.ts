import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { toFailure } from '../../src/failure.ts'
import { platformName } from '../../src/image/oci.ts'
import { createRegistryClient, type RegistryReference } from '../../src/image/source/registry-client.ts'
import { createRegistrySource } from '../../src/image/source/registry.ts'
import type { SourceImage } from '../../src/image/source/source.ts'
import { parseReference } from '../../src/inputs/reference.ts'
import { incompressible } from '../support/bytes.ts'
import { addAttestation, addImage, addIndex, DOCKER, type Blobs, type Document } from '../support/images.ts'
import { findRegistry, type Registry } from '../support/peers.ts'

const ARM64 = { os: 'linux', architecture: 'arm64' }
const AMD64 = { os: 'linux', architecture: 'amd64' }

/** Puts a blob into a registry, as the OCI distribution-spec has it. */
async function pushBlob(at: string, { digest, bytes }: Document): Promise<void> {
  const started = await fetch(`${at}/blobs/uploads/`, { method: 'POST' })
  const to = new URL(started.headers.get('location')!, at)
  to.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  expect((await fetch(to, { method: 'PUT', headers, body: new Uint8Array(bytes) })).status).toBe(201)
}

async function pushManifest(at: string, { bytes, mediaType }: Document, tag: string): Promise<void> {
  const headers = { 'content-type': mediaType }
  const url = `${at}/manifests/${tag}`
  expect((await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })).status).toBe(201)
}

describe('a real registry', () => {
  let registry: Registry
  let repository: string
  let at: string
  beforeAll(() => {
    const found = findRegistry()
    if (!found) throw new Error('no registry: scripts/peers.sh start')
    registry = found
    repository = `image-budget/${randomUUID()}`
    at = `http://${registry.host}/v2/${repository}`
  })

  async function images(which: string, platforms: string[] = []): Promise<SourceImage[]> {
    const client = createRegistryClient({
      credentials: () => Promise.resolve(null),
      signal: new AbortController().signal,
      clock: { now: Date.now, sleep: () => Promise.reject(new Error('nothing has to be tried again')) },
    })
    const reference = parseReference(`docker://${registry.host}/${repository}${which}`) as RegistryReference
    return createRegistrySource(reference, client).images({ platforms, contents: null, downloadSizes: false })
  }

  it('has what it says, to the byte: an index of OCI and of Docker, of two platforms and an attestation', async () => {
    const blobs: Blobs = new Map()
    const bytes = incompressible(2_000_000)
    const amd64 = addImage(blobs, { layers: ['base', bytes], types: DOCKER })
    const arm64 = addImage(blobs, { platform: 'linux/arm64', layers: ['arm'] })
    const attestation = addAttestation(blobs, amd64)
    const index = addIndex(blobs, [
      { document: amd64, platform: AMD64 },
      { document: arm64, platform: ARM64 },
      attestation,
    ])
    const manifests = [amd64, arm64, attestation.document, index]
    for (const blob of blobs.values()) if (!manifests.includes(blob)) await pushBlob(at, blob)
    for (const document of manifests) await pushManifest(at, document, document === index ? 'both' : document.digest)

    const found = await images(':both')
    expect(found.map(({ config }) => platformName(config))).toEqual(['linux/amd64', 'linux/arm64'])
    const { packed, openLayer } = found[0]!
    for (const { digest, size } of packed!.layers) {
      const hex = digest.replace('sha256:', '')
      const stored = join(registry.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
      expect(readFileSync(stored)).toHaveLength(size)
    }
    expect(Buffer.from(bytes).equals(await buffer(await openLayer(1)))).toBe(true)
    expect((await images(`@${index.digest}`, ['linux/arm64'])).map(({ digest }) => digest)).toEqual([arm64.digest])
  })

  it('says what it does not have', async () => {
    const failure = await images(':none').then(() => null, toFailure)
    expect(failure?.message).toContain(`does not have the manifest of \`none\` in \`${repository}\` (404)`)
  })
})
