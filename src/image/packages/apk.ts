import { gathering, MAX_RECORD, type OpenReader } from '../layer/gather.ts'
import { decodeName } from '../layer/tar-header.ts'
import type { FindPackages } from './package.ts'
import { linesIn, linesOf, word } from './text.ts'

/** The packages that apk has installed. `files`: an absolute path on each line. */
export type ApkFact = { kind: 'apk'; packages: { name: string; version: string | null; files: string }[] }

/** The second one where /usr is merged, as in Wolfi. */
const DATABASE = 'lib/apk/db/installed'
const MERGED_DATABASE = `usr/${DATABASE}`
const MAX_PACKAGES = 100_000
/** Files of all packages, and the characters of their paths: a folder stands in the database once, and in each path. */
const MAX_FILES = 1_000_000
const MAX_PATHS = 64 * 1024 * 1024

export const apkReader: OpenReader<ApkFact> = (path, size) =>
  path === DATABASE || path === MERGED_DATABASE ? gathering(size, MAX_RECORD, installed, weightOf) : null

function weightOf({ packages }: ApkFact): number {
  return packages.reduce((sum, { files }) => sum + 300 + files.length, 0)
}

/**
 * A line is a letter, a colon and a value, a blank line ends a package: `P` name, `V` version, `F` a folder, `R` a file in it.
 * https://wiki.alpinelinux.org/wiki/Apk_spec
 */
function installed(database: Buffer): ApkFact | null {
  const packages: ApkFact['packages'] = []
  let name: string | null = null
  let version: string | null = null
  let folder = ''
  let files: string[] = []
  let leftFiles = MAX_FILES
  let leftCharacters = MAX_PATHS
  function end(): void {
    if (name !== null) packages.push({ name, version, files: flat(files) })
    name = null
    version = null
    folder = ''
    files = []
  }
  for (const line of linesOf(database)) {
    if (line.length === 0) end()
    if (packages.length > MAX_PACKAGES) return null
    if (line[1] !== 0x3a) continue
    const value = decodeName(line.subarray(2))
    const key = String.fromCharCode(line[0]!)
    if (key === 'P') name = word(value)
    if (key === 'V') version = word(value)
    if (key === 'F') folder = value === '' ? '' : `/${value}`
    if (key !== 'R') continue
    leftFiles -= 1
    leftCharacters -= folder.length + value.length + 2
    if (leftFiles < 0 || leftCharacters < 0) return null
    files.push(`${folder}/${value}`)
  }
  end()
  return packages.length > 0 ? { kind: 'apk', packages } : null
}

/** One string in one piece. */
function flat(lines: string[]): string {
  return Buffer.from(lines.join('\n')).toString()
}

/** Packages of apk: what `apk info -L` lists of each. */
export const findApkPackages: FindPackages = ({ facts }) =>
  facts.flatMap(({ fact }) =>
    fact.kind !== 'apk'
      ? []
      : fact.packages.map(({ name, version, files }) => ({
          ecosystem: 'apk' as const,
          name,
          version,
          path: null,
          dev: null,
          owns: { files: linesIn(files) },
        })),
  )
