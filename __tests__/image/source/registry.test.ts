import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { CouldNotMeasure, toFailure, type Failure } from '../../../src/failure.ts'
import type { Credential } from '../../../src/image/source/credentials.ts'
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryReference,
} from '../../../src/image/source/registry-client.ts'
import { createRegistrySource } from '../../../src/image/source/registry.ts'
import type { Source, SourceImage } from '../../../src/image/source/source.ts'
import { parseReference } from '../../../src/inputs/reference.ts'
import { incompressible } from '../../support/bytes.ts'
import { addAttestation, addImage, addIndex, DOCKER, sha256, type Blobs } from '../../support/images.ts'
import { basicHeader, startRegistry, type Registry, type RegistryOptions } from '../../support/registry.ts'

const SECRET = 'correct-horse-battery-staple'
const USER = { username: 'ada', password: SECRET }
const LOGIN: Credential = { kind: 'password', ...USER }
const EVERYTHING = { platforms: [], contents: null, downloadSizes: false }
const NOW = Date.parse('2026-01-01T00:00:00Z')

let running: Registry[]
let waits: number[]
let cancel: AbortController
let client: RegistryClient
beforeEach(() => {
  running = []
  waits = []
  cancel = new AbortController()
  client = clientWith(null)
})
afterEach(async () => {
  await Promise.all(running.map((registry) => registry.stop()))
})

async function start(options: RegistryOptions = {}): Promise<Registry> {
  const registry = await startRegistry({ images: { 'acme/api:1': {} }, ...options })
  running.push(registry)
  return registry
}

function clientWith(credential: Credential | null, idleTimeout = 10_000): RegistryClient {
  return createRegistryClient({
    credentials: () => Promise.resolve(credential),
    signal: cancel.signal,
    clock: {
      now: () => NOW,
      sleep: (duration) => {
        waits.push(duration)
        return Promise.resolve()
      },
    },
    idleTimeout,
  })
}

function reference(text: string): RegistryReference {
  const parsed = parseReference(text)
  if (parsed?.transport !== 'docker') throw new Error(`${text} is no reference to a registry`)
  return parsed
}

function source(registry: Registry, name = 'acme/api:1'): Source {
  return createRegistrySource(reference(`docker://${registry.host}/${name}`), client)
}

function images(registry: Registry, name?: string, platforms: string[] = []): Promise<SourceImage[]> {
  return source(registry, name).images({ ...EVERYTHING, platforms })
}

/** How it fails; whatever it is, no secret is in it. */
async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const failure = await promise.then(() => null, toFailure)
  if (failure === null) throw new Error('It did not fail.')
  expect(JSON.stringify(failure)).not.toMatch(new RegExp(`${SECRET}|${btoa(`ada:${SECRET}`)}|token-\\d`))
  return failure
}

async function layerOf(registry: Registry, at = 0): Promise<Buffer> {
  const [image] = await images(registry)
  return buffer(await image!.openLayer(at))
}

describe('an image in a registry', () => {
  it('costs a HEAD, a manifest and a config; no layer is asked for', async () => {
    const registry = await start()
    const [image] = await images(registry)
    const manifest = registry.tags['acme/api:1']!
    const { config, layers } = JSON.parse(manifest.bytes.toString()) as {
      config: { digest: string; size: number }
      layers: { digest: string; size: number; mediaType: string }[]
    }
    expect(image!.digest).toBe(manifest.digest)
    expect(image!.packed).toEqual({
      configSize: config.size,
      layers: layers.map((layer) => Object.assign(layer, { elsewhere: false })),
    })
    expect(registry.log()).toEqual([
      'HEAD manifests/1',
      `GET manifests/${manifest.digest}`,
      `GET blobs/${config.digest}`,
    ])
  })

  it('is read once for two references: the second one with the same digest costs one HEAD', async () => {
    const registry = await start()
    registry.tags['acme/api:2'] = registry.tags['acme/api:1']!
    await images(registry)
    const before = registry.log().length
    await images(registry, 'acme/api:2')
    expect(registry.log().slice(before)).toEqual(['HEAD manifests/2'])
  })

  it('is read once for head and base side by side, with one token', async () => {
    const registry = await start({ login: { kind: 'token', anonymous: true } })
    registry.tags['acme/api:2'] = registry.tags['acme/api:1']!
    const [head, base] = await Promise.all([images(registry), images(registry, 'acme/api:2')])
    expect(head[0]!.packed).toEqual(base[0]!.packed)
    const given = registry.requests.filter(({ method, status }) => method === 'GET' && status === 200)
    expect(given.map(({ path }) => path.replace(/\?.*|.*\//g, '').slice(0, 6)).toSorted()).toEqual([
      'sha256',
      'sha256',
      'token',
    ])
  })

  it('is not asked for by HEAD where the reference has the digest', async () => {
    const registry = await start()
    const { digest } = registry.tags['acme/api:1']!
    await images(registry, `acme/api@${digest}`)
    expect(registry.log()[0]).toBe(`GET manifests/${digest}`)
  })

  it('is found without the digest’s header, by GET', async () => {
    const registry = await start({ withoutDigestHeader: true })
    const [image] = await images(registry)
    expect(image!.digest).toBe(registry.tags['acme/api:1']!.digest)
    expect(registry.log().slice(0, 2)).toEqual(['HEAD manifests/1', 'GET manifests/1'])
    expect(registry.log()).toHaveLength(3)
  })

  it('is found where HEAD is not allowed', async () => {
    const registry = await start()
    registry.fault({ method: 'HEAD', path: /manifests/, answer: { status: 405 } })
    expect(await images(registry)).toHaveLength(1)
  })

  it('may be of several platforms, in an index in an index, beside attestations', async () => {
    const blobs: Blobs = new Map()
    const amd64 = addImage(blobs, { types: DOCKER })
    const arm64 = addImage(blobs, { platform: 'linux/arm64', layers: ['arm'] })
    const inner = addIndex(blobs, [
      { document: amd64, platform: { os: 'linux', architecture: 'amd64' } },
      { document: arm64, platform: { os: 'linux', architecture: 'arm64' } },
      addAttestation(blobs, amd64),
    ])
    const registry = await start({ blobs, tags: { 'acme/api:1': addIndex(blobs, [{ document: inner }]) } })
    expect((await images(registry)).map(({ digest }) => digest)).toEqual([amd64.digest, arm64.digest])

    client = clientWith(null)
    const before = registry.log().length
    await images(registry, undefined, ['linux/arm64'])
    expect(registry.log().slice(before)).not.toContain(`GET manifests/${amd64.digest}`)
  })

  it('gives a layer as it is stored, when it is opened', async () => {
    const bytes = incompressible(3_000_000)
    const registry = await start({ images: { 'acme/api:1': { layers: ['base', bytes] } } })
    expect(Buffer.from(bytes).equals(await layerOf(registry, 1))).toBe(true)
    expect(registry.log().filter((line) => line.includes(sha256('base')))).toEqual([])
  })

  it('is asked for over https alone where it is not on this machine, through the proxy of the environment', async () => {
    const asked: string[] = []
    const proxy = createServer((socket) => {
      socket.once('data', (data) => {
        asked.push(data.toString().split('\r\n')[0]!)
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      })
    })
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
    process.env['https_proxy'] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    try {
      const failure = await failureOf(client.resolve(reference('docker://ada/api')))
      expect(asked[0]).toBe('CONNECT registry-1.docker.io:443 HTTP/1.1')
      expect(failure.message).toContain('the proxy did not let it through (statusCode=403)')
    } finally {
      delete process.env['https_proxy']
      proxy.close()
    }
  })
})

describe('logging in', () => {
  it('needs no credential where the registry gives tokens to anyone, and one token for all', async () => {
    const registry = await start({ login: { kind: 'token', anonymous: true } })
    await images(registry)
    expect(registry.log().slice(0, 3)).toEqual(['HEAD manifests/1', 'GET token', 'HEAD manifests/1'])
    expect(registry.log().filter((line) => line === 'GET token')).toHaveLength(1)
    const asked = registry.requests.find(({ path }) => path.startsWith('/token'))
    expect(new URL(asked!.path, registry.url).searchParams.get('service')).toBe('a registry')
    expect(new URL(asked!.path, registry.url).searchParams.get('scope')).toBe('repository:acme/api:pull')
    expect(asked!.authorization).toBeNull()
  })

  it.each(['token', 'access_token'] as const)('changes a password for a token (%s)', async (member) => {
    client = clientWith(LOGIN)
    const registry = await start({ login: { kind: 'token', user: USER, member } })
    expect(await images(registry)).toHaveLength(1)
    const withPassword = registry.requests.filter(({ authorization }) => authorization === basicHeader(USER))
    expect(withPassword.map(({ path }) => path.split('?')[0])).toEqual(['/token'])
  })

  it('changes an identity token for a token', async () => {
    client = clientWith({ kind: 'identity-token', token: SECRET })
    const registry = await start({ login: { kind: 'token', identityToken: SECRET } })
    expect(await images(registry)).toHaveLength(1)
    const asked = registry.requests.find(({ method }) => method === 'POST')!
    expect(Object.fromEntries(new URLSearchParams(asked.body))).toMatchObject({
      grant_type: 'refresh_token',
      service: 'a registry',
      scope: 'repository:acme/api:pull',
    })
    expect(asked.path).toBe('/token')
  })

  it('gives a password where the registry asks for that', async () => {
    client = clientWith(LOGIN)
    const registry = await start({ login: { kind: 'basic', ...USER } })
    expect(await images(registry)).toHaveLength(1)
    expect(registry.requests[0]!.authorization).toBeNull()
  })

  it('gets another token where one has run out', async () => {
    const registry = await start({ login: { kind: 'token', anonymous: true, uses: 2 } })
    const [image] = await images(registry)
    expect((await buffer(await image!.openLayer(0))).toString()).toBe('layer one')
    expect(registry.log().filter((line) => line === 'GET token')).toHaveLength(2)
  })

  it.each([
    ['no credential', null, { kind: 'token', user: USER }, 'gives it only after a login (401)'],
    ['no credential, and a password asked for', null, { kind: 'basic', ...USER }, 'gives it only after a login (401)'],
    [
      'a wrong password',
      { kind: 'password', username: 'ada', password: `${SECRET}?` },
      { kind: 'token', user: USER },
      'refuses the credentials that it was given (401)',
    ],
    [
      'a wrong password, and that asked for',
      { kind: 'password', username: 'ada', password: `${SECRET}?` },
      { kind: 'basic', ...USER },
      'refuses the credentials that it was given (401)',
    ],
  ] as const)('that fails says how to log in: %s', async (_, credential, login, expected) => {
    client = clientWith(credential)
    const registry = await start({ login })
    const failure = await failureOf(images(registry))
    expect(failure.message).toContain(`\`docker://${registry.host}/acme/api:1\`: \`${registry.host}\` ${expected}`)
    expect(failure.remedy).toContain(`\`docker login ${registry.host}\``)
    expect(failure.remedy).toContain('docker/login-action')
  })

  it('leaves the credential with the registry: a redirect to another server has none', async () => {
    client = clientWith(LOGIN)
    const cdn = await start()
    const registry = await start({ login: { kind: 'token', user: USER }, redirectBlobsTo: `${cdn.url}/v2/cdn/blobs` })
    for (const [digest, blob] of registry.blobs) cdn.blobs.set(digest, blob)
    expect((await layerOf(registry)).toString()).toBe('layer one')
    expect(cdn.requests.map(({ authorization }) => authorization)).toEqual([null, null])
  })

  it('never happens where another server asks, to which there was a redirect', async () => {
    client = clientWith(LOGIN)
    const cdn = await start({ login: { kind: 'basic', ...USER } })
    const registry = await start({ redirectBlobsTo: `${cdn.url}/v2/cdn/blobs` })
    await failureOf(images(registry))
    expect(cdn.requests.map(({ authorization }) => authorization)).toEqual([null])
  })

  it.each(['http://tokens.example/token', 'ftp://127.0.0.1/token', 'no URL'])(
    'sends nothing to a token service at %s',
    async (realm) => {
      client = clientWith(LOGIN)
      const registry = await start({ login: { kind: 'token', user: USER, realm } })
      expect((await failureOf(images(registry))).message).toContain('names no https address for its tokens')
    },
  )

  it.each(['http://cdn.example/blob', 'file:///etc/passwd', 'http://'])(
    'follows no redirect to %s',
    async (location) => {
      const registry = await start()
      registry.fault({ path: /manifests/, answer: { status: 307, headers: { location } } })
      expect((await failureOf(images(registry))).message).toContain('redirects to no https address')
    },
  )

  it('does not go round in circles', async () => {
    const registry = await start()
    const headers = { location: `${registry.url}/v2/acme/api/manifests/1` }
    registry.fault({ path: /manifests/, times: 100, answer: { status: 302, headers } })
    expect((await failureOf(images(registry))).message).toContain('redirects in a circle')
  })

  it.each(['', 'no JSON', '{}', '{"token": "one\\nX-Header: two"}'])('takes no token from %j', async (body) => {
    const registry = await start({ login: { kind: 'token', anonymous: true } })
    registry.fault({ path: /token/, answer: { status: 200, body } })
    expect((await failureOf(images(registry))).message).toContain('gave no token')
  })
})

describe('what goes wrong on the way', () => {
  it.each([429, 502, 503, 504])('is tried again after %d', async (status) => {
    const registry = await start()
    registry.fault({ path: /manifests/, times: 3, answer: { status } })
    expect(await images(registry)).toHaveLength(1)
    expect(waits).toEqual([1_000, 2_000, 4_000])
  })

  it.each([
    ['7', 7_000],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', 1_000],
  ])('waits as long as the server asks for: Retry-After %s', async (value, expected) => {
    const registry = await start()
    registry.fault({ path: /manifests/, answer: { status: 429, headers: { 'retry-after': value } } })
    await images(registry)
    expect(waits).toEqual([expected])
  })

  it('gives up where that is too long, and names Docker Hub’s remedy nowhere else', async () => {
    const registry = await start()
    registry.fault({ path: /manifests/, answer: { status: 429, headers: { 'retry-after': '21600' } } })
    const failure = await failureOf(images(registry))
    expect(failure.message).toContain('too many requests (429)')
    expect(failure.remedy).not.toContain('Docker Hub')
    expect(waits).toEqual([])
  })

  it('is an error when a server stays down', async () => {
    const registry = await start()
    registry.fault({ path: /blobs/, times: 100, answer: { status: 503, headers: { 'content-type': 'text/html' } } })
    const failure = await failureOf(images(registry))
    expect(failure.message).toContain(`\`${registry.host}\` answered 503 for the image config sha256:`)
    expect(registry.log().filter((line) => line.includes('blobs'))).toHaveLength(4)
  })

  it('is an error at once with 500', async () => {
    const registry = await start()
    registry.fault({ path: /manifests/, times: 100, answer: { status: 500 } })
    expect((await failureOf(images(registry))).message).toContain('answered 500')
    expect(waits).toEqual([])
  })

  it.each([
    ['cut', { answer: 'cut' as const }],
    ['a body that ends too soon', { answer: { status: 200, body: 'x'.repeat(1_000) }, cutAfter: 10 }],
  ])('is tried again after a lost connection: %s', async (_, fault) => {
    const registry = await start()
    registry.fault({ method: 'GET', path: /manifests/, ...fault })
    expect(await images(registry)).toHaveLength(1)
    expect(waits).toEqual([1_000])
  })

  it('is an error when nothing is ever answered', async () => {
    client = clientWith(null, 50)
    const registry = await start()
    registry.fault({ path: /manifests/, times: 100, answer: 'silence' })
    expect((await failureOf(images(registry))).message).toContain(
      `the manifest of \`1\` could not be had from \`${registry.host}\`: ETIMEDOUT`,
    )
  })

  it.each([
    ['acme/api:2', 'does not have the manifest of `2` in `acme/api` (404)'],
    [`acme/api@${sha256('')}`, `does not have the manifest ${sha256('')} in \`acme/api\` (404 MANIFEST_UNKNOWN)`],
  ])('is told: %s is not there', async (name, expected) => {
    const registry = await start()
    const failure = await failureOf(images(registry, name))
    expect(failure).toMatchObject({ kind: 'missing', remedy: 'Check the name and the tag.' })
    expect(failure.message).toContain(expected)
  })

  it('is told as no missing image: the tag is there, and what it leads to is not', async () => {
    const registry = await start()
    registry.fault({ method: 'GET', path: /manifests\/sha256:/, times: 9, answer: { status: 404 } })
    const failure = await failureOf(images(registry))
    expect(failure.kind).toBe('measure')
    expect(failure.message).toContain('does not have the manifest sha256:')
  })

  it('is told: a web page', async () => {
    const registry = await start()
    registry.fault({
      path: /./,
      times: 9,
      answer: { status: 404, headers: { 'content-type': 'text/html; charset=utf-8' } },
    })
    const failure = await failureOf(images(registry))
    expect(failure.message).toContain('answered with a web page (404)')
    expect(failure.remedy).toContain('Is it a registry?')
  })

  it('is told: nobody listens', async () => {
    const registry = await start()
    await registry.stop()
    expect((await failureOf(images(registry))).message).toContain('ECONNREFUSED')
  })

  it('is told: no such host, no such port', async () => {
    const failure = await failureOf(client.resolve(reference('docker://registry.invalid/acme/api')))
    expect(failure.message).toContain('there is no host `registry.invalid`')
    const port = await failureOf(client.resolve(reference('docker://registry.invalid:99999/acme/api')))
    expect(port.message).toContain('`registry.invalid:99999` is no host')
  })

  it('is told: a certificate that is not trusted; http is not tried then', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'registry-'))
    try {
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
      const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-days', '2']
      execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' })
      const registry = await start({ tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } })
      const failure = await failureOf(images(registry))
      expect(failure.message).toContain(`the certificate of \`${registry.host}\` is not trusted`)
      expect(failure.remedy).toContain('NODE_EXTRA_CA_CERTS')
      expect(registry.requests).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is told: a document with another digest, and nothing is kept of it', async () => {
    const registry = await start()
    const { digest } = registry.tags['acme/api:1']!
    registry.fault({ method: 'GET', path: /manifests/, answer: { status: 200, body: '{}' } })
    expect((await failureOf(images(registry))).message).toContain(`the document ${digest} has another digest`)
    expect(await images(registry)).toHaveLength(1)
  })

  it.each([true, false])('is told: a document that is too large (announced: %s)', async (isAnnounced) => {
    const registry = await start()
    const headers: Record<string, string> = isAnnounced ? {} : { 'transfer-encoding': 'chunked' }
    const body = Buffer.alloc(9 * 1024 * 1024, ' ')
    registry.fault({ method: 'GET', path: /blobs/, answer: { status: 200, headers, body } })
    expect((await failureOf(images(registry))).message).toMatch(/the image config \S+ has more than 8388608 bytes/)
  })

  it('is told: schema 1, by its media type or content', async () => {
    const registry = await start()
    const old = JSON.stringify({ schemaVersion: 1, fsLayers: [], signatures: [] })
    for (const type of ['application/vnd.docker.distribution.manifest.v1+prettyjws', 'application/json']) {
      const headers = { 'content-type': type }
      registry.fault({ path: /manifests/, times: 2, answer: { status: 200, headers, body: old } })
      expect((await failureOf(images(registry))).message).toContain("Docker's schema 1")
    }
  })
})

describe('a layer that is read', () => {
  const bytes = Buffer.from(incompressible(400_000))
  const big = { images: { 'acme/api:1': { layers: [bytes] } } }
  const layer = { path: new RegExp(`blobs/${sha256(bytes)}`) }

  it('is taken up again where it broke off', async () => {
    const registry = await start(big)
    registry.fault({ ...layer, answer: { status: 200, body: bytes }, cutAfter: 150_000 })
    expect(bytes.equals(await layerOf(registry))).toBe(true)
    const ranges = registry.requests.map(({ range }) => range).filter((range) => range !== null)
    expect(ranges).toHaveLength(1)
    expect(ranges[0]).toMatch(/^bytes=\d+-$/)
  })

  it('is an error that names it where it breaks off each time', async () => {
    const registry = await start(big)
    registry.fault({ ...layer, times: 100, answer: { status: 200, body: bytes }, cutAfter: 1_000 })
    expect((await failureOf(layerOf(registry))).message).toMatch(
      new RegExp(`the layer ${sha256(bytes)} broke off after \\d+ of 400000 bytes`),
    )
  })

  it('is an error that names it where its length is not the manifest’s', async () => {
    const registry = await start(big)
    registry.fault({ ...layer, answer: { status: 200, body: 'short' } })
    expect((await failureOf(layerOf(registry))).message).toContain(
      `the layer ${sha256(bytes)} has 5 bytes where its manifest lists 400000`,
    )
  })

  it.each([
    ['more', Buffer.concat([bytes, bytes]), 'has more than the 400000 bytes'],
    ['less', bytes.subarray(0, 1_000), 'broke off after 1000 of 400000 bytes'],
  ])('is an error where %s comes than is listed, of a length that is not told', async (_, body, expected) => {
    const registry = await start(big)
    const headers = { 'transfer-encoding': 'chunked' }
    registry.fault({ ...layer, times: 9, answer: { status: 200, headers, body } })
    expect((await failureOf(layerOf(registry))).message).toContain(expected)
  })

  it('is an error that names it where it is not there', async () => {
    const registry = await start(big)
    registry.blobs.delete(sha256(bytes))
    expect((await failureOf(layerOf(registry))).message).toContain(`does not have the layer ${sha256(bytes)}`)
  })

  it('is said to lie elsewhere where it does', async () => {
    const also = { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }
    const registry = await start({ images: { 'acme/api:1': { layers: [{ bytes: 'windows', also }] } } })
    registry.blobs.delete(sha256('windows'))
    const [image] = await images(registry)
    expect(image!.packed!.layers[0]!.elsewhere).toBe(true)
    expect((await failureOf(image!.openLayer(0))).message).toContain('a non-distributable one that lies elsewhere')
  })

  it('ends when the run is cancelled, and so does what is waiting', async () => {
    const registry = await start(big)
    const [image] = await images(registry)
    registry.fault({ ...layer, answer: 'silence' })
    const opened = failureOf(image!.openLayer(0))
    while (!registry.log().some((line) => line.includes(sha256(bytes)))) await new Promise(setImmediate)
    cancel.abort()
    expect((await opened).kind).toBe('cancelled')
    expect((await failureOf(images(registry))).kind).toBe('cancelled')
  })

  it('gives its connection back when the source is closed, twice too', async () => {
    const registry = await start(big)
    const from = source(registry)
    const [image] = await from.images(EVERYTHING)
    const stream = await image!.openLayer(0)
    await from.close()
    await from.close()
    await expect(buffer(stream)).rejects.toThrow(CouldNotMeasure)
  })
})
