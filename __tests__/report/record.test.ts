import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { plain } from '../../src/report/phrase.ts'
import { recordedWords, renderRecorded, type Recorded } from '../../src/report/record.ts'
import { elements, links, nodes, references, rendered, textOf } from '../support/github-markdown.ts'
import { hostileString } from '../support/hostile.ts'

const api = { name: 'api', platform: 'linux/amd64', folder: 'api/linux-amd64' }

function recorded(overrides: Partial<Recorded> = {}): Recorded {
  return {
    action: 'recorded',
    isNew: true,
    reason: null,
    branch: 'image-budget',
    images: [api],
    repositoryUrl: 'https://github.com/octo/shop',
    isPrivate: false,
    ...overrides,
  }
}

/** What a reader would copy: the content of the fenced blocks. */
function snippets(markdown: string): string[] {
  return nodes(rendered(markdown)).flatMap(({ node }) =>
    node.type === 'element' && node.tagName === 'pre' ? [textOf(node)] : [],
  )
}

/** The addresses that a README with these lines would load pictures from. */
function pictures(readme: string): string[] {
  return nodes(rendered(readme)).flatMap(({ node }) =>
    node.type === 'element'
      ? ['src', 'srcSet'].flatMap((name) => (name in node.properties ? [String(node.properties[name])] : []))
      : [],
  )
}

describe('recordedWords', () => {
  it.each<[string, Partial<Recorded>]>([
    ['Recorded on the branch image-budget (see it: https://github.com/octo/shop/tree/image-budget).', { isNew: false }],
    ['Recorded on the branch image-budget.', { isNew: false, repositoryUrl: null }],
    [
      'The records on the branch image-budget are as they were.',
      { action: 'unchanged', isNew: false, repositoryUrl: null },
    ],
    [
      'Not recorded: this is no push to the default branch.',
      { action: 'skipped', reason: 'this is no push to the default branch' },
    ],
    ['Not recorded.', { action: 'skipped' }],
  ])('%s', (words, overrides) => {
    expect(plain(recordedWords(recorded(overrides)))).toBe(words)
    expect(renderRecorded(recorded(overrides)).trim().split('\n').length).toBe(1)
  })
})

describe('renderRecorded', () => {
  it('has what to paste when the branch is new: pictures for light and dark pages, and the badge by shields.io', () => {
    const [html = '', markdown = '', ...more] = snippets(renderRecorded(recorded()))
    const raw = 'https://raw.githubusercontent.com/octo/shop/image-budget/api/linux-amd64'
    expect(more).toEqual([])
    expect([...elements(rendered(html))].filter((name) => name !== 'p')).toEqual(['a', 'picture', 'source', 'img'])
    expect(pictures(html)).toEqual(
      ['badge-size-dark', 'badge-size', 'history-dark', 'history'].map((name) => `${raw}/${name}.svg`),
    )
    const [shields = ''] = pictures(markdown)
    expect(new URL(shields).searchParams.get('url')).toBe(`${raw}/badge-size.json`)
    const page = 'https://github.com/octo/shop/tree/image-budget/api/linux-amd64'
    expect([links(rendered(html)), links(rendered(markdown))]).toEqual([[page], [page]])
  })

  it.each<[string, Partial<Recorded>, string]>([
    ['a private repository', { isPrivate: true }, 'https://github.com/octo/shop'],
    ['one of which that is not known', { isPrivate: null }, 'https://github.com/octo/shop'],
    [
      'a server of one’s own',
      { repositoryUrl: 'https://git.example.com/octo/shop' },
      'https://git.example.com/octo/shop',
    ],
    ['one with data residency', { repositoryUrl: 'https://octo.ghe.com/octo/shop' }, 'https://octo.ghe.com/octo/shop'],
    ['a look-alike', { repositoryUrl: 'https://github.com.example/octo/shop' }, 'https://github.com.example/octo/shop'],
  ])('asks the server itself for the files of %s, and shields.io for nothing', (_, overrides, url) => {
    const markdown = renderRecorded(recorded(overrides))
    const [html = '', ...more] = snippets(markdown)
    expect(more).toEqual([])
    expect(pictures(html)[1]).toBe(`${url}/raw/image-budget/api/linux-amd64/badge-size.svg`)
    expect(markdown.includes('repository is private')).toBe(overrides.isPrivate === true)
    expect(markdown).not.toContain('img.shields.io')
  })

  it('writes branch and folder as an address has to have them', () => {
    const image = { ...api, folder: 'a b/50%,(x)#?é' }
    const [html = '', markdown = ''] = snippets(renderRecorded(recorded({ branch: 'data/größe', images: [image] })))
    const path = (address: string) => decodeURIComponent(new URL(address).pathname)
    expect(pictures(html).map(path)[1]).toBe('/octo/shop/data/größe/a b/50%,(x)#?é/badge-size.svg')
    expect(path(new URL(pictures(markdown)[0] ?? '').searchParams.get('url') ?? '')).toBe(
      '/octo/shop/data/größe/a b/50%,(x)#?é/badge-size.json',
    )
    expect(links(rendered(markdown)).map(path)).toEqual(['/octo/shop/tree/data/größe/a b/50%,(x)#?é'])
  })

  it('is of the metric that is measured', () => {
    const [html = ''] = snippets(renderRecorded(recorded({ images: [{ ...api, metric: 'download-size' }] })))
    expect(html).toContain('alt="image download"')
    expect(pictures(html)[1]).toMatch(/badge-download-size\.svg$/)
  })

  it('writes out the first four of many images, and counts the others', () => {
    const images = Array.from({ length: 24 }, (_, index) => ({
      ...api,
      name: `job-${index}`,
      folder: `job-${index}/linux-amd64`,
    }))
    const markdown = renderRecorded(recorded({ images, isPrivate: true }))
    expect(snippets(markdown).length).toBe(4)
    expect(markdown).toContain('`job-3` `linux/amd64`')
    expect(markdown).toContain('… and 20 more images')
  })

  it.each(['../../etc', '', 'api//linux-amd64', '.'])('has no address for a folder that is none: %j', (folder) => {
    expect(snippets(renderRecorded(recorded({ images: [{ ...api, folder }] })))).toEqual([])
  })

  it('keeps names, branches and reasons inert: in the summary, and in a README that they are pasted into', () => {
    // Where every path was hostile, few would be one at all, and there would be nothing to paste.
    const path = fc.oneof(fc.constant('image-budget'), hostileString)
    const overrides = fc.record({
      action: fc.constantFrom('recorded', 'recorded', 'unchanged', 'skipped'),
      isNew: fc.constantFrom(true, true, false),
      reason: fc.option(hostileString),
      branch: path,
      images: fc.array(fc.record({ name: hostileString, platform: hostileString, folder: path }), {
        maxLength: 3,
      }),
      isPrivate: fc.constantFrom(true, false, null),
    })
    const OURS = new Set(['p', 'code', 'a', 'pre', 'details', 'summary', 'strong'])
    const THEIRS = new Set(['p', 'a', 'picture', 'source', 'img'])
    const isOurs = (address: string) =>
      /^https:\/\/(?:github\.com\/octo\/shop\/|raw\.githubusercontent\.com\/octo\/shop\/|img\.shields\.io\/endpoint\?url=https%3A%2F%2Fraw\.githubusercontent\.com%2Focto%2Fshop%2F)/.test(
        address,
      )
    fc.assert(
      fc.property(overrides, (hostile) => {
        const markdown = renderRecorded(recorded(hostile))
        const tree = rendered(markdown)
        expect([...elements(tree)].filter((name) => !OURS.has(name))).toEqual([])
        expect([...links(tree).filter((href) => !isOurs(href)), ...references(tree)]).toEqual([])
        for (const snippet of snippets(markdown)) {
          const readme = rendered(snippet)
          expect([...elements(readme)].filter((name) => !THEIRS.has(name))).toEqual([])
          expect([...links(readme), ...pictures(snippet)].filter((address) => !isOurs(address))).toEqual([])
          expect(references(readme)).toEqual([])
        }
      }),
      { numRuns: 300 },
    )
  })
})
