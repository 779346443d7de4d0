import { posix } from 'node:path'

/**
 * The image's name where the user gave none: the repository's name, then what tells this image from the repository's
 * others: the context's folder, the Dockerfile's own name, the target. `shop`, `shop/services/api`, `shop/worker:debug`.
 * `context` is relative to the repository's root ('' for the root itself), `file` the Dockerfile relative to that root.
 */
export function defaultName(repository: string, context: string, file: string, target: string | null): string {
  const stem = posix
    .basename(file)
    .replace(/\.?Dockerfile\.?/i, '')
    .replace(/^\.+|\.+$/g, '')
  const name = [repository, context, stem].filter((part) => part !== '').join('/')
  return (target === null ? name : `${name}:${target}`).slice(0, 100)
}
