import { join, relative, resolve } from 'node:path'
import type { Inputs } from '../inputs/inputs.ts'
import { isElsewhere } from '../inputs/named-context.ts'
import { isOutside } from './paths.ts'

/** What a build takes from the repository: paths from its top folder, with `/`; '' is that folder itself. */
export type Taken = {
  context: string
  dockerfile: string
  /** Where an ignore file of the context may stand; the first that is there holds. */
  ignoreFiles: string[]
  /** Folders that are taken whole. */
  folders: string[]
  /** Files besides; they need not be committed. */
  files: string[]
}

/**
 * What the files of the repository that an image is built from are, whatever the Dockerfile makes of them. Null where that is not known: an
 * image that is not built, `before-build`, which may read anything, a bake file that may take in others, contexts that others make, and paths
 * out of the repository.
 */
export function takenBy(inputs: Inputs, { root, cwd }: { root: string; cwd: string }): Taken | null {
  if (inputs.image !== null || inputs.beforeBuild !== null) return null
  const inRepository = (path: string): string | null => {
    const found = relative(root, resolve(cwd, path))
    return isOutside(found) ? null : found.replaceAll('\\', '/')
  }
  const { bake } = inputs
  // Of another context than its own a target has another Dockerfile, too.
  if (bake !== null && (bake.taken === null || (bake.context !== null && inputs.file === null))) return null
  const context =
    bake !== null && bake.context === null
      ? (bake.taken?.context ?? null)
      : inRepository(bake?.context ?? inputs.context)
  const dockerfile =
    bake !== null && inputs.file === null
      ? (bake.taken?.dockerfile ?? null)
      : inRepository(inputs.file ?? join(inputs.context, 'Dockerfile'))
  if (context === null || dockerfile === null) return null
  const folders = [...(bake?.taken?.folders ?? [])]
  for (const { value } of inputs.buildContexts) {
    // An image or an address is nothing that the change could touch, no more than what `FROM` names.
    if (/^(?:docker-image|https?|git|ssh):\/\/|^git@/.test(value)) continue
    const folder = isElsewhere(value) ? null : inRepository(value)
    if (folder === null) return null
    folders.push(folder)
  }
  // One outside is none of the repository's, and the same for head and base.
  const files = [...(bake?.taken?.files ?? []), ...inputs.secretFiles.flatMap(({ path }) => inRepository(path) ?? [])]
  const ignoreFiles = [`${dockerfile}.dockerignore`, context === '' ? '.dockerignore' : `${context}/.dockerignore`]
  return { context, dockerfile, ignoreFiles, folders, files }
}
