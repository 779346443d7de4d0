import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { CouldNotMeasure, toFailure } from '../../../src/failure.ts'
import { createLayerContents, type LayerContents } from '../../../src/image/layer/contents.ts'
import { startReceiver, type Arrival, type Receiver, type Reception } from '../../../src/image/source/receiver.ts'
import { sha256 } from '../../support/images.ts'
import { makeLayer, type TestLayer } from '../../support/layers.ts'
import { answerOf, PushClient } from '../../support/push-client.ts'

let receiver: Receiver
let contents: LayerContents
beforeEach(async () => {
  receiver = await startReceiver()
  contents = createLayerContents(new AbortController().signal)
})
afterEach(() => receiver.close())

function receive<T>(push: (client: PushClient, arrival: Arrival) => Promise<T>, reception: Partial<Reception> = {}) {
  return receiver.receive({ contents, isWanted: () => true, ...reception }, (arrival) =>
    push(new PushClient(arrival.name), arrival),
  )
}

/** The failure of a push in which something is sent that cannot be right. */
async function failureOf(push: (client: PushClient) => Promise<unknown>) {
  const error = await receive(push).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof CouldNotMeasure) return error.failure
  throw error ?? new Error('It did not fail.')
}

const small = makeLayer({ 'etc/os-release': 'NAME=Debian\n', 'bin/true': 'x'.repeat(1000) })
const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [small.diffId] } })
const manifest = JSON.stringify({
  config: { digest: sha256(config), size: config.length },
  layers: [{ digest: small.digest, size: small.packed.length }],
})

describe('what an engine pushes', () => {
  it.each(['push', 'stream'] as const)('is walked while it comes in, and its documents are kept (%s)', async (way) => {
    await receive(async (client, { document, top, diffId }) => {
      expect((await client.send('GET', '/v2/')).status).toBe(200)
      expect((await client.send('HEAD', `blobs/${small.digest}`)).status).toBe(404)
      expect((await client[way](small.packed)).status).toBe(201)
      expect((await client[way](config)).status).toBe(201)
      const put = await client.send('PUT', `manifests/${client.tag}`, {
        body: manifest,
        headers: { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' },
      })
      expect([put.status, put.headers['docker-content-digest']]).toEqual([201, sha256(manifest)])
      expect(top()).toBe(sha256(manifest))
      expect(document(sha256(manifest))?.toString()).toBe(manifest)
      expect(document(sha256(config))?.toString()).toBe(config)
      expect(diffId(small.digest)).toBe(small.diffId)
    })
    const { size, entries } = contents.get(small.diffId)!
    expect(size).toBe(1012)
    expect([...entries!]).toMatchObject([
      { path: '/etc/os-release', size: 12 },
      { path: '/bin/true', size: 1000 },
    ])
  })

  it('is there to be read again: buildx looks for what it pushed', async () => {
    await receive(async (client) => {
      await client.push(config)
      await client.send('PUT', `manifests/${client.tag}`, { body: manifest, headers: { 'Content-Type': 'a/b' } })
      for (const [path, text] of [
        [`blobs/${sha256(config)}`, config],
        [`manifests/${client.tag}`, manifest],
        [`manifests/${sha256(manifest)}`, manifest],
      ] as const) {
        const [head, get] = [await client.send('HEAD', path), await client.send('GET', path)]
        expect([head.status, head.headers['content-length'], head.body]).toEqual([200, String(text.length), ''])
        expect([get.status, get.body]).toEqual([200, text])
      }
      expect((await client.send('HEAD', `manifests/${client.tag}`)).headers['content-type']).toBe('a/b')
    })
  })

  it('may come in one request, or in parts one after the other', async () => {
    await receive(async (client) => {
      const whole = await client.send('POST', `blobs/uploads/?digest=${sha256(config)}`, { body: config })
      expect([whole.status, whole.headers.location]).toEqual([201, `${client.url.pathname}blobs/${sha256(config)}`])
      const at = await client.startUpload()
      const [one, two] = [small.packed.subarray(0, 100), small.packed.subarray(100)]
      const first = await client.send('PATCH', at, { body: one, headers: { 'Content-Range': '0-99' } })
      expect([first.status, first.headers.range]).toEqual([202, '0-99'])
      expect((await client.send('GET', at)).headers.range).toBe('0-99')
      expect((await client.send('PUT', `${at}?digest=${small.digest}`, { body: two })).status).toBe(201)
    })
    expect(contents.get(small.diffId)?.size).toBe(small.size)
  })

  it('is not mounted from another repository, but sent', async () => {
    await receive(async (client) => {
      const { status, headers } = await client.send('POST', `blobs/uploads/?mount=${small.digest}&from=library/debian`)
      expect(status).toBe(202)
      expect(
        (await client.send('PUT', `${headers.location}?digest=${small.digest}`, { body: small.packed })).status,
      ).toBe(201)
    })
  })

  it('is told to be there already where it came in before, in this push or an earlier one', async () => {
    await receive((client) => client.push(small.packed))
    await receive(async (client) => {
      const { status, headers } = await client.send('HEAD', `blobs/${small.digest}`)
      expect([status, headers['content-length']]).toEqual([200, String(small.packed.length)])
    })
  })

  it('comes again where its content is asked for and not known', async () => {
    await receive((client) => client.push(small.packed), { contents: null })
    expect(contents.get(small.diffId)).toBeUndefined()
    await receive(async (client) => {
      expect((await client.send('HEAD', `blobs/${small.digest}`)).status).toBe(404)
    })
  })

  it('is not sent where it is not wanted', async () => {
    await receive(
      async (client) => {
        expect((await client.send('HEAD', `blobs/${small.digest}`)).status).toBe(200)
        expect((await client.send('HEAD', `blobs/${sha256(config)}`)).status).toBe(404)
      },
      { contents: null, isWanted: (digest) => digest === sha256(config) },
    )
  })

  it('may be a layer that is not packed, whose first file has a name like JSON', async () => {
    const { packed } = makeLayer({ '{"a": 1}': 'payload' })
    const tar = (await import('node:zlib')).gunzipSync(packed)
    await receive((client) => client.push(tar))
    expect(contents.get(sha256(tar))).toMatchObject({ size: 7 })
  })

  it('may come in several uploads at once', async () => {
    const layers = Array.from({ length: 12 }, (_, at): TestLayer => makeLayer({ [`file${at}`]: randomBytes(300_000) }))
    await receive(async (client) => {
      const answers = await Promise.all(
        layers.map(({ packed }, at) => (at % 2 ? client.push(packed) : client.stream(packed))),
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    })
    expect(layers.map(({ diffId }) => contents.get(diffId)?.size)).toEqual(layers.map(() => 300_000))
  })

  it('waits while two others are being read, without being kept in memory', async () => {
    const blocker = makeLayer({ big: randomBytes(200_000) })
    await receive(async (client) => {
      const open = await Promise.all([client.startUpload(), client.startUpload()])
      const stalled = open.map((at) => client.open('PATCH', at))
      for (const each of stalled) each.write(blocker.packed.subarray(0, 100_000))
      const waiting = client.open('PATCH', await client.startUpload())
      waiting.on('error', () => {})
      // The kernel's buffers and ours fill up; then nothing more is taken.
      let taken = 0
      while (waiting.write(Buffer.alloc(65_536)) || (await drainedSoon(waiting))) taken += 65_536
      expect(taken).toBeLessThan(32 * 1024 * 1024)
      waiting.destroy()
      const answers = stalled.map((each) => answerOf(each.end(blocker.packed.subarray(100_000))))
      for (const [at, answer] of answers.entries()) {
        expect((await answer).status).toBe(202)
        expect((await client.send('PUT', `${open[at]}?digest=${blocker.digest}`)).status).toBe(201)
      }
    })
  })
})

/** Whether a request takes more within a few thousand turns of the event loop. */
async function drainedSoon(sent: ClientRequest): Promise<boolean> {
  const drained = { is: false }
  sent.once('drain', () => (drained.is = true))
  for (let turn = 0; turn < 5_000 && !drained.is; turn++) await setImmediate()
  return drained.is
}

describe('one who does not know the name', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/v2/_catalog'],
    ['POST', '/v2/'],
    ['POST', '/v2/8a1f0c0e-0000-4000-8000-000000000000/image/blobs/uploads/'],
    ['PUT', '/v2/image/manifests/1'],
    ['GET', '/../../etc/passwd'],
    ['GET', '//[::1]/v2/'],
    ['GET', '/v2/%00'],
    ['GET', '/v2/a?digest=a&digest[]=b&digest'],
  ])('finds nothing: %s %s', async (method, path) => {
    await receive(async (client) => {
      expect((await client.send(method, path)).status).toBe(404)
      expect((await client.push(small.packed)).status).toBe(201)
    })
  })

  it('finds nothing when no push is under way either', async () => {
    const client = await receive((each) => Promise.resolve(each))
    expect((await client.send('HEAD', `blobs/${small.digest}`)).status).toBe(404)
    expect((await client.send('POST', 'blobs/uploads/')).status).toBe(404)
  })

  it('does no harm with what is no HTTP at all', async () => {
    await receive(async (client) => {
      // What TLS begins with; the engine tries that first, and wants an answer in plain HTTP.
      for (const bytes of ['\u0016\u0003\u0001\u0002\u0000', 'x'.repeat(100_000), 'GET /v2/ HTTP/9.9\r\n\r\n']) {
        const socket = connect(Number(client.url.port), client.url.hostname)
        socket.on('error', () => {})
        socket.write(bytes, 'latin1')
        let answer = ''
        socket.on('data', (data) => (answer += String(data)))
        await new Promise((closed) => socket.once('close', closed))
        expect(answer).toMatch(/^(?:HTTP\/1\.1 4\d\d|$)/)
      }
      expect((await client.push(small.packed)).status).toBe(201)
    })
  })
})

describe('an odd request', () => {
  it.each([
    ['PUT', 'blobs/uploads/../../x', 404],
    ['PATCH', 'blobs/uploads/none', 404],
    ['PUT', `blobs/${small.digest}`, 405],
    ['DELETE', 'manifests/1', 405],
    ['GET', 'blobs/__proto__', 404],
    ['GET', 'tags/list', 404],
    ['GET', 'manifests/', 404],
  ])('is refused and does no harm: %s %s', async (method, path, status) => {
    await receive(async (client) => {
      expect((await client.send(method, path)).status).toBe(status)
      expect((await client.push(small.packed)).status).toBe(201)
    })
  })

  it('is one for a part that does not come next', async () => {
    await receive(async (client) => {
      const at = await client.startUpload()
      await client.send('PATCH', at, { body: 'abc' })
      const headers = { 'Content-Range': '7-9' }
      expect((await client.send('PATCH', at, { body: 'xyz', headers })).status).toBe(416)
      expect((await client.send('DELETE', at)).status).toBe(204)
      expect((await client.send('PATCH', at, { body: 'abc' })).status).toBe(404)
    })
  })

  it('is one for more uploads than any engine opens', async () => {
    await receive(async (client) => {
      for (let opened = 0; opened < 64; opened++) await client.startUpload()
      expect((await client.send('POST', 'blobs/uploads/')).status).toBe(429)
    })
    await receive((client) => client.startUpload())
  })

  it('is one for a manifest that is too large', async () => {
    await receive(async (client) => {
      const body = Buffer.alloc(8 * 1024 * 1024 + 1, ' ')
      expect((await client.send('PUT', `manifests/${client.tag}`, { body })).status).toBe(413)
    })
  })
})

describe('a push that goes wrong', () => {
  it('may lose a connection and send the blob again', async () => {
    await receive(async (client) => {
      const sent = client.open('PATCH', await client.startUpload(), { 'Content-Length': String(small.packed.length) })
      sent.on('error', () => {})
      await new Promise((flushed) => sent.write(small.packed.subarray(0, 600), flushed))
      sent.destroy()
      const document = client.open('PUT', `manifests/${client.tag}`, { 'Content-Length': '100' })
      document.on('error', () => {})
      await new Promise((flushed) => document.write('{', flushed))
      document.destroy()
      expect((await client.stream(small.packed)).status).toBe(201)
    })
    expect(contents.get(small.diffId)?.size).toBe(small.size)
  })

  it('is an error where a blob has another digest than it is sent for', async () => {
    const digest = sha256('another')
    for (const bytes of [config, small.packed]) {
      const failure = await failureOf(async (client) => {
        const { status, body } = await client.push(bytes, digest)
        expect([status, JSON.parse(body).errors[0].code]).toEqual([403, 'DENIED'])
      })
      expect(failure).toMatchObject({ kind: 'measure', message: expect.stringContaining(digest) })
    }
    expect(contents.get(small.diffId)).toBeUndefined()
  })

  it('is an error where a manifest has another digest than it is sent for', async () => {
    const failure = await failureOf((client) => client.send('PUT', `manifests/${sha256('x')}`, { body: manifest }))
    expect(failure.message).toBe(`The engine sent the manifest ${sha256(manifest)} as ${sha256('x')}.`)
  })

  it.each([
    ['cut short', small.packed.subarray(0, small.packed.length - 20)],
    ['no archive', Buffer.alloc(4096, 'x')],
    ['no archive, but packed', Buffer.concat([small.packed.subarray(0, 40), Buffer.alloc(4096)])],
  ])('is an error, final for the engine, where a layer is corrupt: %s', async (_, bytes) => {
    const failure = await failureOf(async (client) => {
      const { status, body } = await client.push(bytes)
      expect([status, JSON.parse(body).errors[0].code]).toEqual([403, 'DENIED'])
      expect((await client.send('POST', 'blobs/uploads/')).status).toBe(403)
    })
    expect(failure).toMatchObject({ kind: 'measure', message: expect.stringContaining(sha256(bytes)) })
  })

  it('tells the engine at once, in the middle of a layer that goes on', async () => {
    await failureOf(async (client) => {
      const sent = client.open('PATCH', await client.startUpload(), { 'Transfer-Encoding': 'chunked' })
      sent.on('error', () => {})
      sent.write(Buffer.alloc(100_000, 'x'))
      expect((await answerOf(sent)).status).toBe(403)
      sent.destroy()
    })
  })

  it('ends the other uploads with the first error, and leaves the next push alone', async () => {
    await failureOf(async (client) => {
      const other = client.open('PATCH', await client.startUpload(), { 'Transfer-Encoding': 'chunked' })
      other.on('error', () => {})
      await new Promise((flushed) => other.write(small.packed.subarray(0, 600), flushed))
      await client.push(Buffer.alloc(4096, 'x'))
      expect((await answerOf(other)).status).toBe(403)
      other.destroy()
    })
    await receive((client) => client.push(small.packed))
    expect(contents.get(small.diffId)?.size).toBe(small.size)
  })

  it('gives the error of the layer rather than that of the push', async () => {
    const failure = await failureOf(async (client) => {
      await client.push(Buffer.alloc(4096, 'x'))
      throw new Error('exit code 1')
    })
    expect(failure.kind).toBe('measure')
    const own = receive(() => Promise.reject(new Error('exit code 1')))
    expect(toFailure(await own.catch((error: unknown) => error)).message).toBe('exit code 1')
  })

  it('does not keep a document without end', async () => {
    const bomb = Buffer.alloc(9 * 1024 * 1024, '[')
    bomb[0] = 0x7b
    await receive(async (client, { document }) => {
      expect((await client.push(bomb)).status).toBe(201)
      expect(document(sha256(bomb))).toBeUndefined()
    })
  })

  it('does not keep documents without number', async () => {
    await receive(async (client, { document }) => {
      const kept = []
      for (let at = 0; at < 10; at++) {
        const bytes = Buffer.alloc(8 * 1024 * 1024, ' ')
        bytes.write(`{"at": ${at}`)
        await client.push(bytes)
        kept.push(document(sha256(bytes)) !== undefined)
      }
      expect(kept.filter(Boolean)).toHaveLength(8)
    })
  })
})

describe('the receiver', () => {
  it('takes one push at a time', async () => {
    let underWay = 0
    const most = await Promise.all(
      [1, 2, 3].map(() =>
        receive(async (client) => {
          underWay += 1
          await client.send('GET', '/v2/')
          return underWay--
        }),
      ),
    )
    expect(most).toEqual([1, 1, 1])
  })

  it('tells whether anything has found its way to it', async () => {
    await receive(async (client, { isReached }) => {
      expect(isReached()).toBe(false)
      await client.send('GET', '/v2/')
      expect(isReached()).toBe(true)
    })
  })

  it('listens on the loopback interface alone, and ends every connection when it is closed', async () => {
    const client = await receive((each) => Promise.resolve(each))
    expect(client.url.hostname).toBe('127.0.0.1')
    const idle = connect(Number(client.url.port), '127.0.0.1')
    idle.on('error', () => {})
    await once(idle, 'connect')
    await Promise.all([receiver.close(), once(idle, 'close')])
    await receiver.close()
    await expect(client.send('GET', '/v2/')).rejects.toThrow('ECONNREFUSED')
  })
})
