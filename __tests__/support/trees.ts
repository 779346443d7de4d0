/** Trees of files for repositories under test: kept as folders, and what would be large or is made anew from words. */
import { createCipheriv, createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Files by path; null: the file is removed. */
export type Tree = Record<string, string | Uint8Array | null>

/**
 * Files that are made: `packed 3 MB` (bytes that do not pack, as of a picture or an archive) or `text 20 kB`, by path; decimal units. Two
 * of the same path and size have the same content, two paths have not; another word behind makes another version. Null removes one.
 */
export type MadeFiles = Record<string, string | null>

/** The files below a folder by path; none where it does not exist. */
export function readTree(folder: string): Tree {
  if (!existsSync(folder)) return {}
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const content = readFileSync(path)
      // As text where it is text: a program's first characters make it executable (see TestRepository.commit).
      const decoded = content.toString('utf8')
      return [relative(folder, path), Buffer.from(decoded).equals(content) ? decoded : content]
    }),
  )
}

const UNITS: Record<string, number> = { B: 1, kB: 1000, MB: 1_000_000 }

/** Makes what {@link MadeFiles} says. Throws for words that say nothing. */
export function makeFiles(made: MadeFiles): Tree {
  return Object.fromEntries(
    Object.entries(made).map(([path, words]) => {
      if (words === null) return [path, null]
      const asked = /^(packed|text) (\d+(?:\.\d+)?) (B|kB|MB)( \S+)?$/.exec(words)
      if (asked === null)
        throw new Error(`${path}: ${JSON.stringify(words)} is not like "packed 3 MB" or "text 20 kB v2"`)
      const [, kind, amount, unit, version = ''] = asked
      const bytes = Math.round(Number(amount) * UNITS[unit!]!)
      return [path, kind === 'packed' ? packed(bytes, path + version) : text(bytes, path + version)]
    }),
  )
}

/** Pseudo-random bytes, the same for the same seed on every machine. */
function packed(bytes: number, seed: string): Uint8Array {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes))
}

/** Lines of hexadecimal numbers. */
function text(bytes: number, seed: string): string {
  const lines = Buffer.from(packed(Math.ceil(bytes / 2), seed)).toString('hex')
  return lines.replaceAll(/.{60}(?=.)./g, (line) => `${line.slice(0, 60)}\n`).slice(0, bytes)
}
