import { posix } from 'node:path'

/** Whether a file (its path from the context, with `/`) is left out of the build context. */
export type LeavesOut = (path: string) => boolean

/** Longest ignore file that is read, in bytes. */
export const IGNORE_FILE_MAX = 64 * 1024

/**
 * Reads a `.dockerignore` file as BuildKit does. Null where it is not certain what that would make of it: names in other characters than
 * ASCII's printable ones, escapes, unusual character classes, patterns that it refuses.
 *
 * The rules: https://docs.docker.com/build/concepts/context/#dockerignore-files, and where they say nothing github.com/moby/patternmatcher,
 * with what github.com/tonistiigi/fsutil makes of it. Nothing here is tried again, so that the time is at most the product of the lengths of
 * file and path.
 */
export function parseIgnoreFile(text: string): LeavesOut | null {
  const patterns: Pattern[] = []
  for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
    if (line.startsWith('#')) continue
    const pattern = parseLine(line.replace(/\r$/, ''))
    if (pattern === null) return null
    if (pattern !== 'blank') patterns.push(pattern)
  }
  const ofFolder = new Map<string, boolean[]>()
  const matchesOfFolder = (folder: string): boolean[] => {
    if (folder === '.') return []
    const known = ofFolder.get(folder) ?? matchesOf(folder)
    ofFolder.set(folder, known)
    return known
  }
  /** What each pattern says of a path: of one that it said of a folder above, it says the same. */
  const matchesOf = (path: string): boolean[] => {
    const above = matchesOfFolder(posix.dirname(path))
    let isOut = false
    return patterns.map(({ isException, matches }, at) => {
      // Only a pattern that would change the answer is asked; one that was not counts as no match for what lies below.
      const isMatch = above[at] === true || (isException === isOut && matches(path))
      if (isMatch) isOut = !isException
      return isMatch
    })
  }
  return (path) => {
    const last = matchesOf(path).lastIndexOf(true)
    return last !== -1 && !patterns[last]!.isException
  }
}

type Pattern = {
  /** It begins with `!`: what it matches is let in again. */
  isException: boolean
  matches: (path: string) => boolean
}

function parseLine(line: string): Pattern | 'blank' | null {
  if (!/^\t*[\u0020-\u007E]*\t*$/.test(line)) return null
  const trimmed = line.trim()
  if (trimmed === '') return 'blank'
  const isException = trimmed.startsWith('!')
  const name = (isException ? trimmed.slice(1) : trimmed).trim()
  if (name === '') return null
  const cleaned = posix.normalize(name).replace(/(?<=.)\/$/, '')
  const relative = cleaned.length > 1 ? cleaned.replace(/^\//, '') : cleaned
  // BuildKit reads the mark twice.
  if (relative.startsWith('!')) return null
  const matches = createMatches(relative)
  return matches && { isException, matches }
}

/** What one place of a pattern takes: this character, one of a set, any (`?`), any number of a name's (`*`), or folders (`**`). */
type Token = { kind: 'one'; fits: (character: string) => boolean } | { kind: 'name' | 'folders' | 'all' }

function createMatches(pattern: string): Pattern['matches'] | null {
  // Behind stars at the start, a text without any other is the end of a path: `**src` of a name, too.
  const [, folder, suffix] = /^\*\*(\/?)([^*?[\]\\]*)$/.exec(pattern) ?? []
  if (suffix !== undefined)
    return folder === '' ? (path) => path.endsWith(suffix) : (path) => path === suffix || path.endsWith(`/${suffix}`)
  const tokens = tokensOf(pattern)
  return tokens && ((path) => fits(tokens, path))
}

function tokensOf(pattern: string): Token[] | null {
  const tokens: Token[] = []
  let at = 0
  while (at < pattern.length) {
    const rest = pattern.slice(at)
    const [special = ''] = /^(?:\*\*\/?|\*|\?|\[\^?(?:[\w.+~ ](?:-\w)?)+\])/.exec(rest) ?? []
    at += special.length || 1
    if (special.startsWith('**')) tokens.push({ kind: at === pattern.length ? 'all' : 'folders' })
    else if (special === '*') tokens.push({ kind: 'name' })
    else if (special === '?') tokens.push({ kind: 'one', fits: (character) => character !== '/' })
    else if (special !== '') {
      const set = setOf(special)
      if (set === null) return null
      tokens.push({ kind: 'one', fits: set })
    } else {
      const [character] = rest
      // A caret is an anchor there, and no character.
      if ('[]\\^'.includes(character!)) return null
      tokens.push({ kind: 'one', fits: (other) => other === character })
    }
  }
  return tokens
}

/** `[a-z_]`, `[^.]`: null for a range that has its ends the wrong way round. */
function setOf(set: string): ((character: string) => boolean) | null {
  const isNot = set.startsWith('[^')
  const ranges = [...set.slice(isNot ? 2 : 1, -1).matchAll(/(.)(?:-(.))?/g)].map(
    ([, from, to = from]) => [from!, to!] as const,
  )
  if (ranges.some(([from, to]) => from > to)) return null
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== isNot
}

/** Follows the pattern to all the places that the path can have come to, character by character. */
function fits(tokens: readonly Token[], path: string): boolean {
  /** Places that what was read so far leads to, and folders' stars that are in the middle of a name, where nothing else can begin. */
  let reached = new Set<number>()
  let within = new Set<number>()
  const enter = (from: number): void => {
    for (let at = from; !reached.has(at); at += 1) {
      reached.add(at)
      if ((tokens[at]?.kind ?? 'one') === 'one') return
    }
  }
  enter(0)
  for (const character of path) {
    const before = [...reached, ...within]
    if (before.length === 0) return false
    reached = new Set()
    within = new Set()
    for (const at of before) {
      const token = tokens[at]
      if (token === undefined) continue
      if (token.kind === 'one' && token.fits(character)) enter(at + 1)
      if (token.kind === 'all' || (token.kind === 'name' && character !== '/')) enter(at)
      if (token.kind !== 'folders') continue
      within.add(at)
      if (character === '/') enter(at + 1)
    }
  }
  return reached.has(tokens.length)
}
