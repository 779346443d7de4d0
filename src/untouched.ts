import { relative } from 'node:path'
import { IGNORE_FILE_MAX, parseIgnoreFile, type LeavesOut } from './build/ignore-file.ts'
import { takenBy, type Taken } from './build/taken.ts'
import { toFailure } from './failure.ts'
import { entriesAt, readBlob, type ChangedPath, type TreeEntry } from './git/changes.ts'
import type { Checkout } from './git/checkout.ts'
import type { BaseQuestion } from './inputs/event.ts'
import { BUDGET_FILE } from './inputs/budget-file.ts'
import type { Inputs } from './inputs/inputs.ts'

/** What is asked of a change. */
export type ChangeQuestion = {
  checkout: Checkout
  /** The commit that is checked out, and how the one that it is compared with is found. */
  head: string
  base: BaseQuestion
  /** Absolute path that the inputs' paths are relative to, links resolved. */
  cwd: string
  /** Absolute paths of the budget file. */
  budgetFiles: readonly string[]
}

/** A base commit, and the name by which the user knows it. */
export type Since = { commit: string; ref: string }

/**
 * The base commit, where nothing that the image is built from differs between it and the head: what its build takes of the repository,
 * the budget file, and what may hand inputs over (`.github/workflows`, `.github/actions`). Everything else is the same for both sides.
 * Null where something differs, and where that is not known for certain. Throws where the run was cancelled.
 */
export async function untouchedSince(inputs: Inputs, question: ChangeQuestion): Promise<Since | null> {
  const { checkout, head, cwd, budgetFiles } = question
  const { root } = checkout.repository
  const taken = takenBy(inputs, { root, cwd })
  if (taken === null) return null
  try {
    const base = await checkout.resolveBase(question.base)
    if (base.commit === null) return null
    const there = await checkout.fetchBase(base)
    if (there.commit === null) return null
    const changed = await checkout.changedPaths(there.commit, head)
    const settings = [BUDGET_FILE, ...budgetFiles.map((path) => relative(root, path)), ...HANDING_OVER]
    const whole = [...settings, taken.dockerfile, ...taken.ignoreFiles, ...taken.folders, ...taken.files]
    if (changed.some(({ path }) => whole.some((other) => concerns(path, other)) || shapesFiles(path, taken)))
      return null
    const inContext = changed.filter(({ path }) => concerns(path, taken.context))
    return (await isPlain(checkout, head, taken, inContext)) ? { commit: there.commit, ref: there.ref } : null
  } catch (error) {
    if (toFailure(error).kind === 'cancelled') throw error
    return null
  }
}

/** Folders that have workflows, and by custom the actions of the repository's own: either may give inputs. */
const HANDING_OVER = ['.github/workflows', '.github/actions']

/** Whether what changed at a path is, or is part of, what stands at another; also where a folder above that became something else. */
function concerns(path: string, other: string): boolean {
  return other === '' || path === other || path.startsWith(`${other}/`) || other.startsWith(`${path}/`)
}

/** Files that decide how git writes others: line ends and filters of all that is below their folder, and which submodules there are. */
function shapesFiles(path: string, { context, dockerfile, folders, files }: Taken): boolean {
  if (path === '.gitmodules' || path === '.gitattributes') return true
  const [, folder] = /^(.*)\/\.gitattributes$/s.exec(path) ?? []
  return folder !== undefined && [context, dockerfile, ...folders, ...files].some((other) => concerns(folder, other))
}

/**
 * Whether the build takes what it seems to take: its places are no links that lead elsewhere, and the ignore file, which is the same in both
 * commits, leaves out all that changed below the context.
 */
async function isPlain(
  { repository }: Checkout,
  head: string,
  { context, dockerfile, ignoreFiles, folders, files }: Taken,
  inContext: readonly ChangedPath[],
): Promise<boolean> {
  const trees = [context, ...folders].filter((path) => path !== '')
  const all = [...trees, dockerfile, ...ignoreFiles, ...files]
  const above = new Set(all.flatMap(foldersAbove))
  const entries = await entriesAt(repository, head, [...all, ...above])
  if ([...above].some((path) => entries.get(path)?.mode === LINK)) return false
  if (ignoreFiles.some((path) => entries.has(path) && !isFile(entries.get(path)))) return false
  if (trees.some((path) => entries.get(path)?.mode !== '040000') || !isFile(entries.get(dockerfile))) return false
  // One that is not committed is made by the workflow.
  if (files.some((path) => entries.has(path) && !isFile(entries.get(path)))) return false
  if (inContext.length === 0) return true
  const ignoreFile = ignoreFiles.map((path) => entries.get(path)).find((entry) => entry !== undefined)
  if (!isFile(ignoreFile) || inContext.some(({ isSubmodule }) => isSubmodule)) return false
  const text = await readBlob(repository, ignoreFile.object, IGNORE_FILE_MAX)
  const characters = inContext.reduce((sum, { path }) => sum + path.length, 0)
  if (text === null || characters * text.length > MOST_WORK) return false
  const leavesOut = parseIgnoreFile(text)
  return leavesOut !== null && inContext.every(({ path }) => isLeftOut(path, context, leavesOut))
}

const LINK = '120000'

/** `a/b` and `a` of `a/b/c`. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'))
}

function isFile(entry: TreeEntry | undefined): entry is TreeEntry {
  return entry?.mode === '100644' || entry?.mode === '100755'
}

/** Most characters of changed paths times those of the ignore file, which is some seconds at the very worst. */
const MOST_WORK = 50_000_000

/** Never the context itself, and no path that was not read as it is: git's are bytes. */
function isLeftOut(path: string, context: string, leavesOut: LeavesOut): boolean {
  const inside = context === '' ? path : path.startsWith(`${context}/`) ? path.slice(context.length + 1) : null
  return inside !== null && !/[\n\uFFFD]/.test(inside) && leavesOut(inside)
}
