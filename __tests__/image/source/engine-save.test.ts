import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { systemClock, type Clock } from '../../../src/clock.ts'
import type { Exec } from '../../../src/exec.ts'
import { toFailure } from '../../../src/failure.ts'
import { createSaveImage } from '../../../src/image/source/engine-save.ts'
import { createFindSocket } from '../../../src/image/source/engine-socket.ts'

const image = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) % 256))

let folder: string
let path: string
let server: Server | null
let connections: Set<Socket>
let commands: string[][]
let cancel: AbortController
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'engine-'))
  path = join(folder, 'docker.sock')
  server = null
  connections = new Set()
  commands = []
  cancel = new AbortController()
})
afterEach(async () => {
  for (const connection of connections) connection.destroy()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)))
  rmSync(folder, { recursive: true })
})

async function listen(listening: Server): Promise<void> {
  server = listening
  server.on('connection', (connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection)).on('error', () => {})
  })
  await new Promise<void>((resolve) => listening.listen(path, resolve))
}

/** An engine of API 1.44, which refuses any other; it answers the request for the image so. */
function engine(answer: RequestListener): Promise<void> {
  return listen(
    createHttpServer((request, response) => {
      if (request.url === '/_ping') response.setHeader('Api-Version', '1.44').end('OK')
      else if (request.url?.startsWith('/v1.44/images/get?')) answer(request, response)
      else response.writeHead(400).end('{"message":"client version is too new"}')
    }),
  )
}

/** What is saved of `api:1`, by an engine at `host` or, if that is to be so, by the docker command. */
function save(host = `unix://${path}`, exitCode = 0, clock: Clock = systemClock): AsyncIterable<Uint8Array> {
  const exec: Exec = (program, args) => {
    commands.push([program, ...args])
    return Promise.resolve({ exitCode, stdout: `${host}\n`, stderr: '' })
  }
  const openOutput = (program: string, args: string[]): Promise<Readable> => {
    commands.push([program, ...args])
    return Promise.resolve(Readable.from([Buffer.from('by the command')]))
  }
  return createSaveImage(createFindSocket(exec, cancel.signal, clock), openOutput, cancel.signal)('api:1')
}

async function bytesOf(saved: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of saved) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

const failure = async (reading: Promise<unknown>) =>
  reading.then(
    () => null,
    (error: unknown) => toFailure(error),
  )

describe('an image is saved', () => {
  it('by the engine at the socket that docker uses, without a docker command for it', async () => {
    const asked: (string | undefined)[] = []
    await engine((request, response) => {
      asked.push(request.url)
      response.end(image)
    })
    expect(image.equals(await bytesOf(save()))).toBe(true)
    expect(asked).toEqual(['/v1.44/images/get?names=api%3A1'])
    expect(commands).toEqual([['docker', 'context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']])
  })

  it('not from an engine that takes the connection and says nothing, which is not waited for for ever', async () => {
    let isAsked = (): void => {}
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    await listen(createServer((socket) => void socket.once('data', isAsked)))
    // The minute is over as soon as the engine was asked.
    const clock = { now: () => 0, sleep: () => asked }
    expect(await failure(bytesOf(save(undefined, 0, clock)))).toMatchObject({
      kind: 'precondition',
      message: 'The Docker engine does not answer: it has said nothing for 60 seconds.',
    })
  })

  it.each([1, 2, 3, 50, 1000])('whole, however the answer comes apart: %d bytes at a time', async (length) => {
    const body = image.subarray(0, 1500)
    const answers = ['HTTP/1.0 200 OK\r\nApi-Version: 1.44\r\n\r\nOK', 'HTTP/1.0 200 OK\r\nA: b\r\n\r\n']
    await listen(
      createServer((socket) => {
        socket.once('data', async () => {
          const head = Buffer.from(answers.shift() ?? '')
          const all = answers.length === 0 ? Buffer.concat([head, body]) : head
          for (let at = 0; at < all.length; at += length) {
            socket.write(all.subarray(at, at + length))
            await new Promise(setImmediate)
          }
          socket.end()
        })
      }),
    )
    expect(body.equals(await bytesOf(save()))).toBe(true)
  })

  it('in chunks that stay as they are until seven more were asked for, and in little memory', async () => {
    const blocks = Array.from({ length: 64 }, (_, at) => Buffer.alloc(256 * 1024, at + 1))
    await engine((_, response) => Readable.from(blocks).pipe(response))
    const held: { chunk: Uint8Array; checksum: number }[] = []
    const buffers = new Set<ArrayBufferLike>()
    let whole = 0
    for await (const chunk of save()) {
      for (const each of held) expect(crc32(each.chunk)).toBe(each.checksum)
      held.push({ chunk, checksum: crc32(chunk) })
      if (held.length > 7) held.shift()
      buffers.add(chunk.buffer)
      whole = crc32(chunk, whole)
    }
    expect(whole).toBe(crc32(Buffer.concat(blocks)))
    // And what came with the answer's head.
    expect(buffers.size).toBeLessThanOrEqual(9)
  })

  it.each<[string, RequestListener]>([
    ['refuses', (_, response) => response.writeHead(500).end('{"message":"no"}')],
    ['goes away', (request) => request.socket.destroy()],
    [
      'answers in pieces, as it was not asked to',
      (_, response) => response.writeHead(200, { 'Transfer-Encoding': 'chunked' }).end(image),
    ],
    ['answers with a head without end', (_, response) => response.setHeader('A', 'b'.repeat(100_000)).end(image)],
  ])('by the docker command where the engine %s', async (_, answer) => {
    await engine(answer)
    expect((await bytesOf(save())).toString()).toBe('by the command')
    expect(commands.slice(1)).toEqual([['docker', 'save', 'api:1']])
  })

  it.each([
    ['listens elsewhere', 'tcp://10.0.0.1:2376', 0],
    ['is reached by ssh', 'ssh://me@there', 0],
    ['is not told', '', 1],
    ['is not there', 'unix:///nowhere/docker.sock', 0],
  ])('by the docker command where the engine %s', async (_, host, exitCode) => {
    expect((await bytesOf(save(host, exitCode))).toString()).toBe('by the command')
  })

  it('by the docker command where what listens there is no engine', async () => {
    await listen(createHttpServer((_, response) => response.end('hello')))
    expect((await bytesOf(save())).toString()).toBe('by the command')
  })

  it('or it fails, where the engine breaks off', async () => {
    const answers = ['HTTP/1.0 200 OK\r\nApi-Version: 1.44\r\n\r\nOK', 'HTTP/1.0 200 OK\r\n\r\nthe begin']
    // Closing a connection with a request in it that nobody read is what resets it.
    await listen(createServer({ pauseOnConnect: true }, (socket) => void socket.write(answers.shift() ?? '')))
    const chunks = save()[Symbol.asyncIterator]()
    expect(String((await chunks.next()).value)).toBe('the begin')
    for (const connection of connections) connection.destroy()
    expect(await failure(bytesOf({ [Symbol.asyncIterator]: () => chunks }))).toMatchObject({
      kind: 'measure',
      message: 'The engine broke off `docker save`: ECONNRESET.',
    })
  })

  it('until the run is cancelled: the engine is let go of', async () => {
    await engine((_, response) => response.write(image))
    const chunks = save()[Symbol.asyncIterator]()
    await chunks.next()
    const gone = [...connections].map((connection) => new Promise((resolve) => connection.once('close', resolve)))
    cancel.abort()
    const rest = bytesOf({ [Symbol.asyncIterator]: () => chunks })
    expect(await failure(rest)).toMatchObject({ kind: 'cancelled' })
    await Promise.all(gone)
  })

  it('not at all where the run was cancelled before', async () => {
    await engine((_, response) => response.end(image))
    cancel.abort()
    expect(await failure(bytesOf(save()))).toMatchObject({ kind: 'cancelled' })
  })

  it('as far as it is read: the engine is let go of', async () => {
    await engine((_, response) => response.write(image))
    const chunks = save()[Symbol.asyncIterator]()
    await chunks.next()
    const gone = [...connections].map((connection) => new Promise((resolve) => connection.once('close', resolve)))
    await chunks.return?.()
    await Promise.all(gone)
  })
})
