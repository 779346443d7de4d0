import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { ImageReference } from './reference.ts'

const LONGEST = 100

/**
 * The image's name where the user gave none: the repository's name, then what tells this image from the repository's others: the
 * context's folder, the Dockerfile's folder where that is another one, the Dockerfile's own name, the target. `shop`,
 * `shop/services/api`, `shop/worker:debug`. `context` is relative to the repository's root ('' for the root itself), `file` the
 * Dockerfile relative to that root. A name that is too long ends in a hash of the whole.
 */
export function defaultName(repository: string, context: string, file: string, target: string | null): string {
  const folder = posix.dirname(file)
  const stem = posix
    .basename(file)
    .replace(/\.?Dockerfile\.?/i, '')
    .replace(/^\.+|\.+$/g, '')
  const parts = [repository, context, folder === '.' || folder === context ? '' : folder, stem]
  return atMost(parts.filter((part) => part !== '').join('/') + (target === null ? '' : `:${target}`))
}

/**
 * A name for the artifact that a job uploads its report as, which no other job of the workflow has: `image-budget-api`, with a hash of what it
 * stands for where the image's name had to be changed, or does not tell it apart. Letters, digits, `.`, `_` and `-`:
 * `actions/upload-artifact` takes no `/` and `:`, which names may have. It does not depend on what becomes of the job: run again, it has the same.
 */
export function artifactName(names: readonly string[], platforms: readonly string[]): string {
  const [name = ''] = names
  const readable = names.length === 1 ? name.replaceAll(/[^\w.-]+/g, '-').slice(0, LONGEST) : 'images'
  const isWhole = readable === name && names.length === 1 && platforms.length === 0
  const hash = createHash('sha256')
    .update(JSON.stringify([names, platforms]))
    .digest('hex')
  return `image-budget-${readable}${isWhole ? '' : `-${hash.slice(0, 8)}`}`
}

/**
 * The name of one of several Dockerfiles, by its path from the repository's top: its folder (`services/api`), with the file's name where
 * that is not `Dockerfile`; `repository` stands for the top folder.
 */
export function nameOfDockerfile(repository: string, path: string): string {
  const folder = posix.dirname(path)
  const file = posix.basename(path)
  const place = folder === '.' ? repository : folder
  return atMost(file === 'Dockerfile' ? place : `${place}/${file}`)
}

/**
 * The name of an image that is measured where it lies: the repository's without registry, tag and digest (`acme/api`, `node`), or the
 * name of the file or folder. The same for every version of an image, for it keys the comment.
 */
export function nameOfReference(reference: ImageReference): string {
  if (reference.transport === 'docker') return atMost(reference.repository.replace(/^library\//, ''))
  if (reference.transport === 'docker-daemon') {
    const id = /^(?:sha256:)?[0-9a-f]{12}(?=[0-9a-f]*$)/.exec(reference.name)?.[0]
    return atMost(id ?? reference.name.replace(/@.*$/, '').replace(/:[^:/]*$/, ''))
  }
  const file =
    reference.path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) ?? ''
  return atMost(file.replace(/(?:\.tar)?(?:\.gz|\.zst)?$/, '') || 'image')
}

/** At most as many characters as a name has; a longer one ends in a hash of the whole. */
export function atMost(name: string): string {
  if (name.length <= LONGEST) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${name.slice(0, LONGEST - 1 - hash.length)}~${hash}`
}
