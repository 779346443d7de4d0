/** A name of a glob: `**`, a name without wildcards, or the characters of one that has some. */
type Name = '**' | { exactly: string } | { characters: string[] }

/**
 * Tells whether an absolute path is what a glob names, or lies below it: `/app/node_modules` has all that is in the folder.
 *
 * `*` and `?` stand for characters of one name, also of one that begins with a dot; `**` as a whole name stands for any number of folders,
 * also none. Every other character is itself. Only the last star is ever tried again, so that the time is at most the product of both
 * lengths, whatever an image calls its files: no regular expression promises that.
 */
export function createMatcher(glob: string): (path: string) => boolean {
  const names = namesOf(glob).map((name): Name => {
    if (name === '**') return name
    return /[*?]/.test(name) ? { characters: Array.from(name) } : { exactly: name }
  })
  // All that lies below, too: as if the glob went on.
  const pattern: Name[] = [...names, '**']
  return (path) => matches(pattern, namesOf(path), (name) => name === '**', nameFits)
}

function nameFits(pattern: Name, name: string): boolean {
  if (pattern === '**') return true
  if ('exactly' in pattern) return pattern.exactly === name
  return matches(
    pattern.characters,
    Array.from(name),
    (character) => character === '*',
    (one, character) => one === '?' || one === character,
  )
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}

/** Whether the items fit the pattern's, in order and all of them, where a star fits any number. */
function matches<P, I>(
  pattern: readonly P[],
  items: readonly I[],
  isStar: (one: P) => boolean,
  fits: (one: P, item: I) => boolean,
): boolean {
  let at = 0
  let item = 0
  let star = -1
  let taken = 0
  while (item < items.length) {
    const one = pattern[at]
    if (one !== undefined && isStar(one)) {
      star = at
      taken = item
      at += 1
    } else if (one !== undefined && fits(one, items[item]!)) {
      at += 1
      item += 1
    } else if (star === -1) {
      return false
    } else {
      taken += 1
      at = star + 1
      item = taken
    }
  }
  return pattern.slice(at).every(isStar)
}
