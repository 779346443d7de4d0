/**
 * Cuts GitHub's OpenAPI description down to the operations that this project uses, into
 * `__tests__/support/github/openapi.json`: what the tests' stand-in for GitHub validates against.
 *
 *   node scripts/cut-openapi.ts                     # gets the pinned version with `npm pack` into a temporary folder
 *   node scripts/cut-openapi.ts api.github.com.json # cuts a description that is there already
 *
 * The package has 394 MB unpacked, which is why it is no dependency. The same input gives the same bytes. To use another
 * operation, add it to OPERATIONS; for a newer description, raise VERSION; then run again and commit the result.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const VERSION = '23.0.2'
const FILE = 'package/generated/api.github.com.json'
const TARGET = new URL('../__tests__/support/github/openapi.json', import.meta.url)

const OPERATIONS: Record<string, string[]> = {
  '/rate_limit': ['get'],
  '/user': ['get'],
  '/repos/{owner}/{repo}': ['get'],
  '/repos/{owner}/{repo}/issues/{issue_number}/comments': ['get', 'post'],
  '/repos/{owner}/{repo}/issues/comments/{comment_id}': ['get', 'patch', 'delete'],
  '/repos/{owner}/{repo}/issues/{issue_number}/labels': ['get'],
  '/repos/{owner}/{repo}/issues/{issue_number}/events': ['get'],
  '/repos/{owner}/{repo}/pulls': ['get'],
  '/repos/{owner}/{repo}/pulls/{pull_number}': ['get'],
  '/repos/{owner}/{repo}/commits/{commit_sha}/pulls': ['get'],
  '/repos/{owner}/{repo}/commits': ['get'],
  '/repos/{owner}/{repo}/contents/{path}': ['get'],
  '/repos/{owner}/{repo}/tags': ['get'],
  '/repos/{owner}/{repo}/git/ref/{ref}': ['get'],
  '/repos/{owner}/{repo}/git/refs': ['post'],
  '/repos/{owner}/{repo}/git/refs/{ref}': ['patch'],
  '/repos/{owner}/{repo}/git/blobs': ['post'],
  '/repos/{owner}/{repo}/git/blobs/{file_sha}': ['get'],
  '/repos/{owner}/{repo}/git/trees': ['post'],
  '/repos/{owner}/{repo}/git/trees/{tree_sha}': ['get'],
  '/repos/{owner}/{repo}/git/commits': ['post'],
  '/repos/{owner}/{repo}/git/commits/{commit_sha}': ['get'],
}

/** Keys that say nothing about what is valid. */
const PROSE = new Set(['description', 'summary', 'title', 'externalDocs', 'example', 'examples', 'tags', 'deprecated'])

/** Keys whose value is a map from names to things: a name in it may well be `description` or `title`. */
const MAPS = new Set(['properties', 'patternProperties', 'headers', 'content', 'responses'])

/** Keys whose value is data: kept as it is. */
const DATA = new Set(['enum', 'default', 'const', 'required'])

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }

/** The node without prose, examples and vendor extensions. */
function withoutProse(node: Json, isMap = false): Json {
  if (Array.isArray(node)) return node.map((item) => withoutProse(item))
  if (node === null || typeof node !== 'object') return node
  const kept: JsonObject = {}
  for (const [key, value] of Object.entries(node)) {
    if (!isMap && (PROSE.has(key) || key.startsWith('x-'))) continue
    kept[key] = !isMap && DATA.has(key) ? value : withoutProse(value, !isMap && MAPS.has(key))
  }
  return kept
}

/** Every `$ref` below the node. */
function* references(node: Json): Generator<string> {
  if (node === null || typeof node !== 'object') return
  if (!Array.isArray(node) && typeof node.$ref === 'string') yield node.$ref
  for (const value of Object.values(node)) yield* references(value)
}

function child(node: Json | undefined, key: string): Json {
  const value = node !== null && typeof node === 'object' && !Array.isArray(node) ? node[key] : undefined
  if (value === undefined) throw new Error(`The description has no ${key}`)
  return value
}

/** The operations that are listed, with the components that can be reached from them and no others. */
function cut(description: Json): { head: JsonObject; paths: JsonObject; components: Record<string, JsonObject> } {
  const paths: JsonObject = {}
  for (const [path, methods] of Object.entries(OPERATIONS)) {
    const item = child(child(description, 'paths'), path)
    paths[path] = Object.fromEntries(methods.map((method) => [method, withoutProse(child(item, method))]))
  }

  const reached = new Map<string, Json>()
  const pending = [...references(paths)]
  for (let reference = pending.pop(); reference !== undefined; reference = pending.pop()) {
    if (reached.has(reference)) continue
    const [, components, kind, name, ...rest] = reference.split('/')
    if (components !== 'components' || kind === undefined || name === undefined || rest.length > 0) {
      throw new Error(`A reference of a form that is not known: ${reference}`)
    }
    const component = withoutProse(child(child(child(description, 'components'), kind), name))
    reached.set(reference, component)
    pending.push(...references(component))
  }

  const components: Record<string, JsonObject> = {}
  for (const reference of [...reached.keys()].toSorted()) {
    const [, , kind = '', name = ''] = reference.split('/')
    components[kind] = { ...components[kind], [name]: reached.get(reference) ?? null }
  }
  const info = child(description, 'info')
  const head = {
    openapi: child(description, 'openapi'),
    info: { title: child(info, 'title'), version: child(info, 'version'), license: child(info, 'license') },
  }
  return { head, paths, components }
}

/** The members of a JSON object, each on its line. */
function lines(map: JsonObject): string {
  return Object.entries(map)
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join(',\n')
}

/** Compact, but one line for each path and component, so that a newer version shows as a readable diff. */
function print({ head, paths, components }: ReturnType<typeof cut>): string {
  const kinds = Object.entries(components).map(([kind, map]) => `${JSON.stringify(kind)}:{\n${lines(map)}\n}`)
  return `{\n${lines(head)},\n"paths":{\n${lines(paths)}\n},\n"components":{\n${kinds.join(',\n')}\n}}\n`
}

function download(): string {
  const folder = mkdtempSync(join(tmpdir(), 'openapi-'))
  try {
    const archive = execFileSync('npm', ['pack', `@octokit/openapi@${VERSION}`, '--silent'], {
      cwd: folder,
      encoding: 'utf8',
    })
    execFileSync('tar', ['-xzf', archive.trim(), FILE], { cwd: folder })
    return readFileSync(join(folder, FILE), 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const [given] = process.argv.slice(2)
const source = given === undefined ? download() : readFileSync(given, 'utf8')
const text = print(cut(JSON.parse(source) as Json))
writeFileSync(TARGET, text)
console.log(`${TARGET.pathname}: ${text.length} bytes`)
