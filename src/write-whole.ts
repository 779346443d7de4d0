import { randomUUID } from 'node:crypto'
import { lstat, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Writes a file that is there as a whole or not at all, and makes the folders above it. What was at `path` is replaced; of a symbolic link that
 * is the link, not what it leads to. A device or a pipe stays, and takes the text. Throws the system's error, and where a link leads to one.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  if (await isNoFile(path, lstat)) return writeFile(path, text)
  // `/dev/stdout` is one; of a stranger's commit it could be any.
  if (await isNoFile(path, stat)) throw new Error(`\`${path}\` is a link to what is no file`)
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

/** Whether a device, a pipe or a socket is there. */
async function isNoFile(path: string, look: typeof stat): Promise<boolean> {
  const found = await look(path).catch(() => null)
  return found !== null && !found.isFile() && !found.isDirectory() && !found.isSymbolicLink()
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
