import { describe, expect, it } from '@jest/globals'
import { generate, type ActionMetadata } from '../../scripts/docs.ts'

const action: ActionMetadata = {
  inputs: {
    context: { description: 'Build context, a folder.', default: '.' },
    'max-size': { description: 'Cap: `160 MB` | `150 MiB`,\n  unpacked.' },
  },
  outputs: { verdict: { description: '`within` or `over`.' } },
}

describe('generate', () => {
  it('writes a table of all inputs in the order of action.yml, and leaves the prose', () => {
    expect(generate('before\n<!-- generated:inputs -->\nold\n<!-- /generated -->\nafter', action)).toBe(
      [
        'before',
        '<!-- generated:inputs -->',
        '',
        '| Input      | Default | Meaning                               |',
        '| ---------- | ------- | ------------------------------------- |',
        '| `context`  | `.`     | Build context, a folder.              |',
        '| `max-size` |         | Cap: `160 MB` \\| `150 MiB`, unpacked. |',
        '',
        '<!-- /generated -->',
        'after',
      ].join('\n'),
    )
  })

  it('writes a table of the inputs that the marker names', () => {
    const text = generate('<!-- generated:inputs max-size -->\n<!-- /generated -->', action)
    expect(text).toContain('| `max-size` |')
    expect(text).not.toContain('context')
  })

  it('writes the outputs, and a step that sets every input to its default', () => {
    const text = generate(
      '<!-- generated:outputs -->\n<!-- /generated -->\n<!-- generated:usage -->\n<!-- /generated -->',
      action,
    )
    expect(text).toContain('| `verdict` | `within` or `over`. |')
    expect(text).toContain(
      "    # Build context, a folder.\n    context: .\n    # Cap: `160 MB` | `150 MiB`, unpacked.\n    max-size: ''\n",
    )
  })

  it('writes every input under a heading of its own, in lines that can be read as they are', () => {
    const long = { description: `A ${'long '.repeat(40)}text. Default: \`1\`.` }
    const text = generate('<!-- generated:entries -->\n<!-- /generated -->', { inputs: { long }, outputs: {} })
    expect(text).toMatch(/\n### `long`\n\nA long [a-z ]+\n[a-z ]+ text\.\n\nDefault: `1`\n/)
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(140)
  })

  it('takes the default that a description ends with for one, and leaves other words on defaults', () => {
    const inputs = {
      baseline: { description: 'What to compare with.\n  Default: `auto`.' },
      file: { description: 'Path. Default: `Dockerfile` in the context.' },
    }
    const text = generate(
      '<!-- generated:inputs -->\n<!-- /generated -->\n<!-- generated:usage -->\n<!-- /generated -->',
      { inputs, outputs: {} },
    )
    expect(text).toContain('| `baseline` | `auto`  | What to compare with. ')
    expect(text).toContain('| `file`     |         | Path. Default: `Dockerfile` in the context. |')
    expect(text).toContain('    # What to compare with.\n    baseline: auto\n')
  })

  it('writes the same again from what it wrote', () => {
    const once = generate('<!-- generated:inputs -->\n<!-- /generated -->', action)
    expect(generate(once, action)).toBe(once)
  })

  it.each([
    ['an input that action.yml does not have', '<!-- generated:inputs max-siz -->\n<!-- /generated -->', 'max-siz'],
    ['an unknown kind', '<!-- generated:input -->\n<!-- /generated -->', 'generated:input '],
    ['a part without an end', '<!-- generated:inputs -->\n', 'no <!-- /generated -->'],
    ['a part inside a part', '<!-- generated:usage -->\n<!-- generated:inputs -->\n<!-- /generated -->', 'not closed'],
  ])('refuses %s', (_what, text, message) => {
    expect(() => generate(text, action)).toThrow(message)
  })
})
