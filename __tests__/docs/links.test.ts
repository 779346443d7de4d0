import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { addressesOf, anchorsOf, pages, readPage, root } from '../support/documentation.ts'

/** What is wrong with where a page's links lead: files and headings of this repository; other sites are not asked. */
function brokenLinks(page: string, markdown: string): string[] {
  return addressesOf(markdown).flatMap(({ address, line }) => {
    if (/^[a-z]+:/.test(address)) return []
    const [path = '', anchor] = address.split('#')
    const target = path === '' ? page : normalize(join(dirname(page), path))
    const problem = (what: string): string[] => [`${page}:${line}: ${address} ${what}`]
    if (target.startsWith('..') || !existsSync(join(root, target))) return problem('is not there')
    if (anchor === undefined) return []
    if (!target.endsWith('.md') || statSync(join(root, target)).isDirectory())
      return problem('is no page with headings')
    const text = target === page ? markdown : readPage(target)
    return anchorsOf(text).has(anchor) ? [] : problem('is no heading there')
  })
}

describe('links and pictures', () => {
  it('there are some', () => {
    expect(pages.flatMap((page) => addressesOf(readPage(page))).length).toBeGreaterThan(50)
  })

  it.each(pages)('%s leads to what is there', (page) => {
    expect(brokenLinks(page, readPage(page))).toEqual([])
  })

  it('every page of docs/ is linked from the README or from a page that is', () => {
    const reached = new Set<string>()
    const follow = (page: string): void => {
      if (reached.has(page) || !pages.includes(page)) return
      reached.add(page)
      for (const { address } of addressesOf(readPage(page))) {
        const [path = ''] = address.split('#')
        if (path !== '' && !/^[a-z]+:/.test(path)) follow(normalize(join(dirname(page), path)))
      }
    }
    follow('README.md')
    expect(pages.filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([])
  })

  it('the pictures are made by a script, of the product', () => {
    const shown = pages.flatMap((page) => addressesOf(readPage(page))).map(({ address }) => basename(address))
    const pictures = [...new Set(shown)].filter((name) => /\.(?:png|jpe?g|gif|webp)$/.test(name))
    const scripts = globSync('scripts/*pictures*.ts', { cwd: root }).map((file) =>
      readFileSync(join(root, file), 'utf8'),
    )
    const made = (name: string): boolean => scripts.some((text) => text.includes(`'${name}'`))
    expect(pictures.length).toBeGreaterThan(0)
    expect(pictures.filter((name) => !made(name))).toEqual([])
  })

  it('would tell a file, a heading and a picture that are not there', () => {
    const page = [
      '# Heading `with` code, twice',
      '[a](nothing.md) [b](#heading-with-code-twice) [c](#heading) [d](README.md#not-there) [e](https://example.com)',
      '<picture><source srcset="images/none.png"><img alt="" src="LICENSE"></picture>',
      '[f](LICENSE#part)',
    ].join('\n\n')
    expect(brokenLinks('README.md', page)).toEqual([
      'README.md:3: nothing.md is not there',
      'README.md:3: #heading is no heading there',
      'README.md:3: README.md#not-there is no heading there',
      'README.md:5: images/none.png is not there',
      'README.md:7: LICENSE#part is no page with headings',
    ])
  })
})
