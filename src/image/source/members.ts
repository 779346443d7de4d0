import { posix } from 'node:path'
import { CouldNotMeasure } from '../../failure.ts'
import { normalisePath } from '../layer/tar-header.ts'
import type { TarEntry } from '../layer/tar.ts'

/** The members of a tar archive by path, each with what is known of its content. A path is a key; nothing is written anywhere. */
export type Members<Content> = {
  /** Adds a file or a link; folders and devices count for nothing. What has a path that was there already replaces it, as when unpacking. */
  add: (entry: TarEntry, content: Content | null) => void
  /** The content that a path leads to, through links within the archive; null where there is none. */
  get: (path: string) => Content | null
}

/** An image of a hundred layers has a few hundred members. */
const MAX_MEMBERS = 100_000
/** Links to a link. */
const MAX_HOPS = 10

/** `add` throws CouldNotMeasure `measure` (a sentence on "it", the archive) at the first member over the limit. */
export function createMembers<Content>(): Members<Content> {
  const contents = new Map<string, Content>()
  const links = new Map<string, string>()
  let count = 0
  return {
    add: ({ path, type, target }, content) => {
      count += 1
      if (count > MAX_MEMBERS) {
        throw new CouldNotMeasure('measure', `It has more than ${MAX_MEMBERS} files: it is no image.`)
      }
      contents.delete(path)
      links.delete(path)
      if (content !== null) contents.set(path, content)
      else if (type === 'symlink') links.set(path, linked(path, target ?? ''))
      else if (type === 'link') links.set(path, target ?? '')
    },
    get: (path) => {
      let at = path
      for (let hops = 0; hops <= MAX_HOPS; hops += 1) {
        const link = links.get(at)
        if (link === undefined) return contents.get(at) ?? null
        at = link
      }
      return null
    },
  }
}

/** Where a symbolic link leads: from its folder, or from the archive's root, and never above that. */
function linked(path: string, target: string): string {
  return normalisePath(target.startsWith('/') ? target : `${posix.dirname(path)}/${target}`)
}
