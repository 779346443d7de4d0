import type { Nodes, Root } from 'hast'
import rehypeRaw from 'rehype-raw'
import rehypeSanitize, { defaultSchema } from 'rehype-sanitize'
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import remarkRehype from 'remark-rehype'
import { unified } from 'unified'

/** Markdown as GitHub would parse it, HTML in it included, as a tree of elements. */
export function rendered(markdown: string): Root {
  const pipeline = unified()
    .use(remarkParse)
    .use(remarkGfm)
    .use(remarkRehype, { allowDangerousHtml: true })
    .use(rehypeRaw)
  return pipeline.runSync(pipeline.parse(markdown))
}

/** What GitHub's filter leaves of a tree: its schema is the default one. */
export function sanitised(tree: Root): Root {
  return unified().use(rehypeSanitize, defaultSchema).runSync(tree)
}

/** Every node of a tree with the names of the elements it stands in, outermost first. */
export function nodes(tree: Nodes, within: string[] = []): { node: Nodes; within: string[] }[] {
  const inner = tree.type === 'element' ? [...within, tree.tagName] : within
  const children = 'children' in tree ? tree.children.flatMap((child) => nodes(child, inner)) : []
  return [{ node: tree, within }, ...children]
}

/** Names of the elements that occur. */
export function elements(tree: Nodes): Set<string> {
  return new Set(nodes(tree).flatMap(({ node }) => (node.type === 'element' ? [node.tagName] : [])))
}

/** The text of all elements, or of those of one name. */
export function textOf(tree: Nodes, element?: string): string {
  return nodes(tree)
    .filter(({ node, within }) => node.type === 'text' && (element === undefined || within.includes(element)))
    .map(({ node }) => (node.type === 'text' ? node.value : ''))
    .join('')
}

/** Where links lead. */
export function links(tree: Nodes): string[] {
  return nodes(tree).flatMap(({ node }) =>
    node.type === 'element' && node.tagName === 'a' ? [String(node.properties['href'])] : [],
  )
}

/**
 * What GitHub's filters would make links, mentions or pictures of: they read the rendered text, except in code and in
 * links.
 */
export function references(tree: Nodes): string[] {
  const FILTERED = /(?<!\w)@\w[\w-]*|(?<!\w)#\d+|\bGH-\d+|\bhttps?:\/\/|\bwww\.\w|:[\w+-]+:/gi
  return nodes(tree)
    .filter(({ within }) => !within.some((name) => name === 'code' || name === 'pre' || name === 'a'))
    .flatMap(({ node }) => (node.type === 'text' ? (node.value.match(FILTERED) ?? []) : []))
}
