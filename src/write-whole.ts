import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Writes a file that is there as a whole or not at all, and makes the folders above it. What was at `path` is replaced; of a symbolic link that
 * is the link, not what it leads to. Throws the system's error.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const folder = dirname(path)
  await makeFolder(folder)
  const unfinished = join(folder, `.image-budget-${randomUUID()}`)
  try {
    await writeFile(unfinished, text, { flag: 'wx' })
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Node's own `recursive` never ends where the system says that a folder to make is not there: below `/proc`. */
async function makeFolder(folder: string): Promise<void> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  )
  if (isThere) return
  if (dirname(folder) !== folder) await makeFolder(dirname(folder))
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    // Another one was quicker.
    if (error.code !== 'EEXIST') throw error
  })
}
