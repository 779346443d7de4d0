import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import type { Exec } from '../../../src/exec.ts'
import { imagesByCommand, imagesBySocket } from '../../../src/image/source/engine-images.ts'

it('does not wait for ever for an engine that says nothing, by its socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'image-budget-silent-'))
  const path = join(folder, 'docker.sock')
  const connections: Socket[] = []
  let isAsked = (): void => {}
  const asked = new Promise<void>((resolve) => (isAsked = resolve))
  const silent = createServer((connection) => {
    connections.push(connection.on('error', () => {}))
    connection.once('data', isAsked)
  })
  await new Promise<void>((resolve) => silent.listen(path, resolve))
  try {
    // The minute is over as soon as the engine was asked.
    const clock = { now: () => 0, sleep: () => asked }
    const engine = imagesBySocket({ path, version: '1.51' }, new AbortController().signal, clock)
    expect(await engine.inspect('api:1')).toEqual({ ok: false, why: 'it has said nothing for 60 seconds.' })
  } finally {
    for (const connection of connections) connection.destroy()
    silent.close()
    rmSync(folder, { recursive: true })
  }
})

it('does not wait for ever for an engine that says nothing, by the docker command', async () => {
  const stopped: Exec = (_, __, options) =>
    new Promise((___, reject) => {
      options?.signal?.addEventListener('abort', () => reject(new Error('stopped')))
    })
  const engine = imagesByCommand(stopped, () => stopped, { now: () => 0, sleep: () => Promise.resolve() })
  const silence = { ok: false, why: 'it has said nothing for 60 seconds.' }
  expect(await engine.inspect('api:1')).toEqual(silence)
  expect(await engine.driverStatus()).toEqual(silence)
})
