import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { parseCommaOrLines, parseLines, parsePair } from '../../src/inputs/list.ts'

describe('parseLines', () => {
  it.each([
    ['nothing', '', []],
    ['one entry', 'A=1', ['A=1']],
    ['lines, whatever their ends and surroundings', '  A=1\r\nB=2  \n\n\t\r\nC=3', ['A=1', 'B=2', 'C=3']],
    ['commas', 'type=registry,ref=a\ntype=gha', ['type=registry,ref=a', 'type=gha']],
    ['comments, but no # inside an entry', '# all\nA=1 # part of it\n  # B=2\nC=#3', ['A=1 # part of it', 'C=#3']],
    ['a quoted entry', '"A=1, 2"', ['A=1, 2']],
    ['a quoted entry over lines', '"KEY=first\n  second\n\n# third"\nB=2', ['KEY=first\n  second\n\n# third', 'B=2']],
    ['doubled quotes', '"A=say ""hi"""', ['A=say "hi"']],
    ['a quoted entry that ends with a doubled quote at a line end', '"A=""x""\ny"', ['A="x"\ny']],
    ['quotes inside an entry', 'A="1 2"', ['A="1 2"']],
    ['an empty quoted entry', '""\nA=1', ['', 'A=1']],
    ['whitespace at the end of a line inside quotes', '"A= \t\n b \n"', ['A= \t\n b \n']],
    ['CRLF inside quotes', '"A=1\r\n2"', ['A=1\n2']],
  ])('reads %s', (_, text, entries) => {
    expect(parseLines(text)).toEqual(entries)
  })

  it.each(['"A=1', '"A=1\nB=2', 'A=1\n"', '"A=1"" \nB', '"a"b', '"A=1" "B=2"'])(
    'refuses the unclosed quote of %j',
    (text) => {
      expect(parseLines(text)).toBeNull()
    },
  )

  it('gives back any entries that are quoted', () => {
    const entry = fc
      .oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...Array.from('ab \t\n"#,=')) }))
      .map((text) => text.replaceAll('\r', ''))
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const text = entries.map((one) => `"${one.replaceAll('"', '""')}"`).join('\n')
        expect(parseLines(text)).toEqual(entries)
      }),
    )
  })

  it('reads a megabyte of hostile quotes at once', () => {
    expect(parseLines(`"${'""'.repeat(500_000)}`)).toBeNull()
    expect(parseLines(`"${'\n'.repeat(20_000)}`)).toBeNull()
  })
})

describe('parseCommaOrLines', () => {
  it('takes commas and lines alike, without comments and empty entries', () => {
    expect(parseCommaOrLines(' linux/amd64, linux/arm64\r\n# none\n,linux/arm/v7,,')).toEqual([
      'linux/amd64',
      'linux/arm64',
      'linux/arm/v7',
    ])
  })
})

describe('parsePair', () => {
  it.each([
    ['a=b', { key: 'a', value: 'b' }],
    ['a=', { key: 'a', value: '' }],
    ['a=b=c', { key: 'a', value: 'b=c' }],
    [' a = b ', { key: 'a', value: ' b ' }],
    ['a', null],
    ['=b', null],
    ['', null],
  ])('reads %j', (entry, pair) => {
    expect(parsePair(entry)).toEqual(pair)
  })
})
