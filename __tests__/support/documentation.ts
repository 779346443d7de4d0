import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import GithubSlugger from 'github-slugger'
import type { Nodes } from 'mdast'
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import { unified } from 'unified'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Every page that a reader is meant to find, by its path from the repository's root. */
export const pages = [
  ...globSync(['*.md', 'docs/**/*.md', 'examples/*/*.md', '.github/**/*.md'], { cwd: root }),
].toSorted()

export const readPage = (page: string): string =>
  readFileSync(new URL(page, new URL('../../', import.meta.url)), 'utf8')

/** A block of code: `language` and `title` are the words behind the fence (`yaml`, or `yaml .dive-ci`), null where there are none; `line` is the fence's. */
export type Block = { page: string; line: number; language: string | null; title: string | null; text: string }

/** The blocks of code of a page, indented ones too, wherever they stand (lists, quotations). */
export function blocksOf(page: string, markdown: string): Block[] {
  return nodesOf(markdown).flatMap((node) =>
    node.type === 'code'
      ? [
          {
            page,
            line: node.position?.start.line ?? 0,
            language: node.lang ?? null,
            title: node.meta ?? null,
            text: node.value,
          },
        ]
      : [],
  )
}

/** Where links and pictures of a page lead, as they are written: those of Markdown and of HTML. */
export function addressesOf(markdown: string): { address: string; line: number }[] {
  return nodesOf(markdown).flatMap((node) => {
    const line = node.position?.start.line ?? 0
    if (node.type === 'link' || node.type === 'image' || node.type === 'definition')
      return [{ address: node.url, line }]
    if (node.type !== 'html') return []
    return [...node.value.matchAll(/\s(?:href|src|srcset)="([^"]+)"/g)].map(([, address = '']) => ({ address, line }))
  })
}

/** What can stand behind a `#` in an address of the page: GitHub's names of its headings. */
export function anchorsOf(markdown: string): Set<string> {
  const slugger = new GithubSlugger()
  return new Set(nodesOf(markdown).flatMap((node) => (node.type === 'heading' ? [slugger.slug(textOf(node))] : [])))
}

/** The text that is seen of a node. */
export function textOf(node: Nodes): string {
  if ('value' in node) return node.type === 'html' ? '' : node.value
  return 'children' in node ? node.children.map((child) => textOf(child)).join('') : ''
}

/** All nodes of a page, each before those inside of it. */
export function nodesOf(markdown: string): Nodes[] {
  const walk = (node: Nodes): Nodes[] => [
    node,
    ...('children' in node ? node.children.flatMap((child) => walk(child)) : []),
  ]
  return walk(unified().use(remarkParse).use(remarkGfm).parse(markdown))
}
