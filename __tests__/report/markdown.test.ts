import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { oneLine, shortenMiddle } from '../../src/report/characters.ts'
import { cell, code, codeBlock, markdown, placeUrl, text } from '../../src/report/markdown.ts'
import { elements, links, references, rendered, textOf } from '../support/github-markdown.ts'
import { hostileString } from '../support/hostile.ts'
import { BASE_COMMIT } from '../support/reports.ts'

const SHOP = { repositoryUrl: 'https://github.com/octo/shop' }

describe('code', () => {
  it.each([
    ['RUN npm ci', '`RUN npm ci`'],
    ['a`b', '``a`b``'],
    ['`', '`` ` ``'],
    ['RUN a\\\n  && b', '`RUN a\\   && b`'],
    ['', ''],
    ['COPY . .\u202E', '`COPY . .\uFFFD`'],
    ['\u001B[31mred\u001B[0m', '`red`'],
  ])('writes %j as %s', (value, expected) => {
    expect(code(value)).toBe(expected)
  })

  it('escapes pipes in tables only', () => {
    expect([code('a | b'), code('a | b', { table: true })]).toEqual(['`a | b`', '`a \\| b`'])
  })

  it('is HTML where a backslash stands before a pipe in a table', () => {
    expect(code('sed s/\\|/x/', { table: true })).toBe('<code>sed s/&#92;&#124;/x/</code>')
  })

  it('keeps 120 characters, of the beginning and of the end', () => {
    expect(code(`/${'x'.repeat(200)}/file`)).toBe(`\`/${'x'.repeat(79)}…${'x'.repeat(34)}/file\``)
  })

  it('shows exactly the value, as code, whatever it is', () => {
    fc.assert(
      fc.property(hostileString, (value) => {
        const shown = shortenMiddle(oneLine(value), 120)
        const tree = rendered(`x ${code(value)} y`)
        expect([...elements(tree)].toSorted()).toEqual(shown === '' ? ['p'] : ['code', 'p'])
        expect(textOf(tree, 'code')).toBe(shown)
      }),
      { numRuns: 500 },
    )
  })

  it('does the same in a table, and leaves the next cell alone', () => {
    fc.assert(
      fc.property(hostileString, (value) => {
        const tree = rendered(`| a | b |\n| - | - |\n| ${code(value, { table: true })} | next |\n`)
        expect(textOf(tree, 'code').replaceAll('\u200B', '')).toBe(shortenMiddle(oneLine(value), 120))
        expect(textOf(tree, 'td').endsWith('next')).toBe(true)
        expect(
          [...elements(tree)].filter((name) => !['table', 'thead', 'tbody', 'tr', 'th', 'td', 'code'].includes(name)),
        ).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

describe('text', () => {
  it.each([
    ['main', 'main'],
    ['feature/my-branch_2', 'feature/my-branch\\_2'],
    ['@octocat', '@&#8203;octocat'],
    ['fixes #12', 'fixes \\#&#8203;12'],
    ['GH-7', 'GH-&#8203;7'],
    ['https://evil.example', 'https:&#8203;//evil.example'],
    ['<b>', '&lt;b&gt;'],
    ['a|b\\', 'a&#124;b&#92;'],
    ['126.9 MB', '126.9 MB'],
    ['- x', '\\- x'],
    ['1. x', '1\\. x'],
    ['−21.3 MB, +1', '−21.3 MB, +1'],
  ])('writes %j as %s', (value, expected) => {
    expect(text(value)).toBe(expected)
  })

  it.each(['', 'x '])('shows exactly the value, and nothing comes of it (after %j)', (before) => {
    fc.assert(
      fc.property(hostileString, (value) => {
        const tree = rendered(`${before}${text(value)}`)
        expect([...elements(tree)].filter((name) => name !== 'p')).toEqual([])
        expect(references(tree)).toEqual([])
        expect(textOf(tree).replaceAll('\u200B', '').trim()).toBe(`${before}${oneLine(value)}`.trim())
      }),
      { numRuns: 500 },
    )
  })

  it('does the same in a table', () => {
    fc.assert(
      fc.property(hostileString, (value) => {
        const tree = rendered(`| a | b |\n| - | - |\n| ${cell([value], SHOP)} | next |\n`)
        expect(
          textOf(tree, 'td')
            .replaceAll('\u200B', '')
            .replace(/\s*next$/, '')
            .trim(),
        ).toBe(oneLine(value))
        expect(references(tree)).toEqual([])
        expect(links(tree)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('is bounded without cutting a character in two', () => {
    expect(text('\u{1F680}'.repeat(30), 10)).toBe(`${'\u{1F680}'.repeat(9)}…`)
  })
})

describe('codeBlock', () => {
  it('keeps the end of the output, where the error is', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`)
    expect(codeBlock(lines.join('\n'))).toBe(['```text', ...lines.slice(10), '```'].join('\n'))
  })

  it('is nothing for nothing', () => {
    expect(codeBlock(' \n\n')).toBe('')
  })

  it('has no way out', () => {
    fc.assert(
      fc.property(hostileString, (value) => {
        const tree = rendered(`${codeBlock(value)}\n\nafter`)
        expect([...elements(tree)].filter((name) => !['pre', 'code', 'p'].includes(name))).toEqual([])
        expect(textOf(tree, 'p')).toBe('after')
      }),
      { numRuns: 500 },
    )
  })
})

const place = (file: string) => ({ file, line: 14, commit: BASE_COMMIT })

describe('places', () => {
  it('links the line of the commit', () => {
    expect(markdown([{ place: place('api/Dockerfile') }], SHOP)).toBe(
      `[\`api/Dockerfile:14\`](https://github.com/octo/shop/blob/${BASE_COMMIT}/api/Dockerfile#L14)`,
    )
  })

  it('encodes what an address or a Markdown link would end at', () => {
    expect(placeUrl(place('a b/(c)?#[x].Dockerfile'), SHOP.repositoryUrl)).toBe(
      `https://github.com/octo/shop/blob/${BASE_COMMIT}/a%20b/%28c%29%3F%23%5Bx%5D.Dockerfile#L14`,
    )
  })

  it.each([
    ['no repository', place('Dockerfile'), null],
    ['a repository address with a bracket', place('Dockerfile'), 'https://github.com/o/r)'],
    ['a script for a repository', place('Dockerfile'), 'javascript:alert(1)'],
    ['no commit', { ...place('Dockerfile'), commit: null }, SHOP.repositoryUrl],
    ['a commit that is none', { ...place('Dockerfile'), commit: '../../x' }, SHOP.repositoryUrl],
    ['a path out of the repository', place('../../evil/repo/blob/main/Dockerfile'), SHOP.repositoryUrl],
    ['an endless path', place('x'.repeat(301)), SHOP.repositoryUrl],
  ])('links nothing for %s', (_, where, repositoryUrl) => {
    expect(placeUrl(where, repositoryUrl)).toBeNull()
  })

  it('only ever leads into the repository', () => {
    fc.assert(
      fc.property(hostileString, (file) => {
        const tree = rendered(`x ${markdown([{ place: place(file) }], SHOP)} y`)
        const base = `${SHOP.repositoryUrl}/blob/${BASE_COMMIT}/`
        expect(links(tree).every((href) => new URL(href).href.startsWith(base))).toBe(true)
        expect([...elements(tree)].filter((name) => !['p', 'a', 'code'].includes(name))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

it('links an address of ours only if it is one', () => {
  expect(markdown([{ link: 'full report', url: 'https://github.com/octo/shop/actions/runs/1' }], SHOP)).toBe(
    '[full report](https://github.com/octo/shop/actions/runs/1)',
  )
  expect(markdown([{ link: 'full report', url: 'javascript:alert(1)' }], SHOP)).toBe('full report')
})

it('begins no list where a number and its full stop come from two pieces', () => {
  for (const words of [
    ['14', '.'],
    ['14', { code: '' }, ') x'],
  ]) {
    expect([...elements(rendered(markdown(words, SHOP)))]).toEqual(['p'])
  }
  expect(markdown(['14.5 MB more'], SHOP)).toBe('14.5 MB more')
})
