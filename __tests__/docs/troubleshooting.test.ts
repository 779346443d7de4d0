import { describe, expect, it } from '@jest/globals'
import { nodesOf, readPage } from '../support/documentation.ts'
import { readSources, type Message } from '../support/source-texts.ts'

const { texts, messages } = await readSources()

/** The messages that the page is looked through for: what stands in bold and is nothing but code, `…` for what differs. */
const quoted = nodesOf(readPage('docs/troubleshooting.md')).flatMap((node) => {
  const [code, ...more] = node.type === 'strong' ? node.children : []
  return code?.type === 'inlineCode' && more.length === 0 ? [code.value] : []
})

const lettersOf = (text: string): number => text.replaceAll(/[^a-zA-Z]/g, '').length

/** Whether a text of the sources has what is quoted; on either side `…` stands for anything. */
function says(text: string, quote: string): boolean {
  if (pattern(quote).test(text)) return true
  // A quote may have a value that the text leaves open; a text that is hardly more than values would have anything.
  return lettersOf(text) > 12 && new RegExp(`^${pattern(text).source}$`, 's').test(quote)
}

function pattern(said: string): RegExp {
  const parts = said.trim().replace(/[.:]$/, '').split('…')
  return new RegExp(parts.map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*'), 's')
}

/**
 * Messages without a remedy that the page leaves out, and why: by the beginning of what they say, or by where they are of.
 */
const LEFT_OUT: { why: string; is: (message: Message) => boolean }[] = [
  { why: 'cancelled: who did that knows', is: ({ kind }) => kind === 'cancelled' },
  {
    why: 'the page tells all of them at once, under "An image that is damaged"',
    is: ({ kind, file }) =>
      kind === 'measure' && /^src\/image\/(?:layer|source\/(?!http|registry-client)|describe|record)/.test(file),
  },
  {
    why: 'a program that failed: its own words follow',
    is: ({ file, texts: said }) => file === 'src/exec.ts' && said.every((text) => lettersOf(text) === 0),
  },
  {
    why: 'an input: the message names the value and the accepted form',
    is: ({ kind, texts: [text = ''] }) =>
      kind === 'input' &&
      /; it takes|it is to be inside|not valid:|takes one name too|writes through none|it is no file|cannot be read/.test(
        text,
      ),
  },
]

describe('docs/troubleshooting.md', () => {
  it('quotes what the product says', () => {
    expect(quoted.length).toBeGreaterThan(30)
    expect(quoted.filter((quote) => lettersOf(quote) < 6)).toEqual([])
    expect(quoted.filter((quote) => !texts.some((text) => says(text, quote)))).toEqual([])
  })

  it('has every message that does not say itself what to do', () => {
    expect(messages.length).toBeGreaterThan(100)
    const missing = messages
      .filter((message) => !message.hasRemedy && !LEFT_OUT.some(({ is }) => is(message)))
      .filter(({ texts: said }) => !said.some((text) => quoted.some((quote) => says(text, quote))))
    expect(missing.map(({ file, texts: said }) => `${file}: ${said.join(' / ')}`)).toEqual([])
  })

  it('leaves nothing out that is not there', () => {
    const unused = LEFT_OUT.filter(({ is }) => !messages.some((message) => !message.hasRemedy && is(message)))
    expect(unused.map(({ why }) => why)).toEqual([])
  })
})
