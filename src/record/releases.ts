import type { Release } from './record.ts'

/** Whether a tag names a release: a version has a digit; a tag like `latest` moves, and says nothing of what was released when. */
export function isRelease(name: string): boolean {
  return /\d/.test(name)
}

/** The names of each commit's tags, in the order that they are given in. */
export function tagsByCommit(releases: readonly Release[]): Map<string, string[]> {
  const tags = new Map<string, string[]>()
  for (const { name, commit } of releases) {
    const names = tags.get(commit)
    if (names) names.push(name)
    else tags.set(commit, [name])
  }
  return tags
}

/** Of a commit's tags (`latest`, `v1`, `v1.4.2`) the one that tells most: the longest that is a version and nothing else, or the first. */
export function preciseTag(names: readonly string[]): string | null {
  const versions = names.filter((name) => /^v?\d+(?:\.\d+)*$/.test(name))
  return versions.toSorted((one, other) => other.length - one.length)[0] ?? names[0] ?? null
}
