import { isAbsolute, join, relative, resolve } from 'node:path'
import { CouldNotMeasure } from '../failure.ts'
import { withPathAt } from '../inputs/named-context.ts'

/** What a path of the inputs is seen from. All absolute. */
export type PathFrame = {
  /** Folder with the tree's files. */
  tree: string
  /** Top of the user's repository: what `tree` stands in for. */
  root: string
  /** The user's working directory: what relative paths of the inputs are relative to. */
  cwd: string
}

/** The place of a path of the inputs in a tree. Throws CouldNotMeasure `input` for one outside the repository. */
export function inTree(frame: PathFrame, input: string, path: string): string {
  const inRepository = relative(frame.root, resolve(frame.cwd, path))
  if (isOutside(inRepository)) {
    throw new CouldNotMeasure(
      'input',
      `\`${input}\` is \`${path}\`, which is outside the repository; it takes a path inside: head and base are built from their own trees.`,
    )
  }
  return join(frame.tree, inRepository)
}

/** Whether what `relative` gave leads out. Either separator counts on any system; on Windows another drive is an absolute path. */
export function isOutside(path: string): boolean {
  return isAbsolute(path) || path.split(/[\\/]/, 1)[0] === '..'
}

/** A folder is taken from the tree; `oci-layout://` of a relative path, which no commit holds, from the working directory. */
export function namedContext(frame: PathFrame, value: string): string {
  return withPathAt(
    value,
    (path) => inTree(frame, 'build-contexts', path),
    (path) => resolve(frame.cwd, path),
  )
}

/** A cache in a local folder is relative to the user's working directory, not to the tree. */
export function localPaths(cwd: string, cache: string): string {
  if (!/(?:^|,)type=local(?:,|$)/.test(cache)) return cache
  return cache.replaceAll(
    /(^|,)(src|dest)=([^,/"][^,"]*)/g,
    (_, comma: string, key: string, path: string) => `${comma}${key}=${resolve(cwd, path)}`,
  )
}

/** Fields as one CSV record, as buildx reads its options. */
export function csv(fields: string[]): string {
  return fields.map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')
}
