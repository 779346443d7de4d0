import { Readable } from 'node:stream'
import { expect, it } from '@jest/globals'
import { createLayerContents } from '../../../src/image/layer/contents.ts'
import { openIncoming } from '../../../src/image/source/incoming.ts'
import { settled } from '../../support/settled.ts'

it('takes little of a layer that waits for its turn', async () => {
  const incoming = openIncoming(createLayerContents(new AbortController().signal), () => new Promise(() => {}))
  const part = new Readable({
    read() {
      this.push(Buffer.alloc(64 * 1024))
    },
  })
  void incoming.feed(part)
  await settled(incoming.received, 1_000)
  // What is gathered for the reader, and the piece that it took to see what it is.
  expect(incoming.received()).toBeGreaterThan(1024 * 1024)
  expect(incoming.received()).toBeLessThan(2.5 * 1024 * 1024)
  part.destroy()
})
