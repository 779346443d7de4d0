import { createHash } from 'node:crypto'
import { posix } from 'node:path'

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
  const name = parts.filter((part) => part !== '').join('/') + (target === null ? '' : `:${target}`)
  if (name.length <= LONGEST) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${name.slice(0, LONGEST - 1 - hash.length)}~${hash}`
}
