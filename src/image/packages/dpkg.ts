import { gathering, MAX_RECORD, type OpenReader } from '../layer/gather.ts'
import { decodeName } from '../layer/tar-header.ts'
import type { FindPackages, FoundPackage } from './package.ts'
import { linesIn, stanzasOf, word } from './text.ts'

/** What a file of dpkg's database tells: packages that are installed, or the files of one. */
export type DpkgFact =
  | { kind: 'dpkg'; of: 'packages'; packages: DpkgPackage[] }
  /** `files`: a path on each line, as the file has them. */
  | { kind: 'dpkg'; of: 'files'; files: string }

type DpkgPackage = { name: string; version: string | null; architecture: string }

const DATABASE = 'var/lib/dpkg/'
const STATUS = `${DATABASE}status`
/** Distroless images have a file for each package there, and its list of files beside it. */
const STATUS_FOLDER = `${DATABASE}status.d/`
const LIST = /^var\/lib\/dpkg\/info\/[^/]+\.list$/
const SUMS = /^var\/lib\/dpkg\/status\.d\/[^/]+\.md5sums$/
const MAX_PACKAGES = 100_000

export const dpkgReader: OpenReader<DpkgFact> = (path, size) => {
  if (!path.startsWith(DATABASE)) return null
  if (path === STATUS) return gathering(size, MAX_RECORD, (payload) => installed(payload, false))
  if (LIST.test(path)) return gathering(size, MAX_RECORD, (payload) => filesOf(decodeName(payload)))
  if (!path.startsWith(STATUS_FOLDER)) return null
  if (SUMS.test(path)) return gathering(size, MAX_RECORD, (payload) => filesOf(summed(decodeName(payload))))
  return gathering(size, MAX_RECORD, (payload) => installed(payload, true))
}

function filesOf(files: string): DpkgFact {
  return { kind: 'dpkg', of: 'files', files }
}

/**
 * The packages of a status file that are unpacked and configured, also those that are held; the others have been removed or never got so
 * far. A distroless file has no `Status`. https://manpages.debian.org/bookworm/dpkg/dpkg-query.1.en.html
 */
function installed(status: Buffer, isDistroless: boolean): DpkgFact | null {
  const packages: DpkgPackage[] = []
  for (const stanza of stanzasOf(status, ['Package', 'Status', 'Version', 'Architecture'])) {
    const name = word(stanza.get('Package'))
    const state = stanza.get('Status')
    if (name === null || (state === undefined ? !isDistroless : !/^\S+ ok installed$/.test(state))) continue
    if (packages.length === MAX_PACKAGES) return null
    packages.push({
      name,
      version: word(stanza.get('Version')),
      architecture: word(stanza.get('Architecture')) ?? '',
    })
  }
  return packages.length > 0 ? { kind: 'dpkg', of: 'packages', packages } : null
}

/** The paths of lines like `d41d8cd98f00b204e9800998ecf8427e  usr/bin/env`. */
function summed(sums: string): string {
  return sums.replace(/^[0-9a-f]{32} [ *]/gm, '/')
}

/**
 * Packages of dpkg: what `dpkg-query -L` lists of each, its own database in `var/lib/dpkg` not among it. A file that one package diverts
 * from another is taken for that of the one which comes first in the status file.
 */
export const findDpkgPackages: FindPackages = ({ facts }) => {
  const lists = new Map<string, string>()
  const found: { path: string; record: DpkgPackage }[] = []
  const architectures = new Map<string, Set<string>>()
  for (const { path, fact } of facts) {
    if (fact.kind !== 'dpkg') continue
    if (fact.of === 'files') {
      lists.set(path, fact.files)
      continue
    }
    for (const record of fact.packages) {
      found.push({ path, record })
      const known = architectures.get(record.name) ?? new Set()
      architectures.set(record.name, known.add(record.architecture))
    }
  }
  /** A list is the first one's that asks for it: of the next no file would be. */
  function take(path: string): string | undefined {
    const files = lists.get(path)
    lists.delete(path)
    return files
  }
  return found.map(({ path, record }): FoundPackage => {
    const { name, version, architecture } = record
    const qualified = `${name}:${architecture}`
    const files =
      path === `/${STATUS}`
        ? // Packages that may be there for several architectures have theirs in the list's name.
          (take(`/${DATABASE}info/${qualified}.list`) ?? take(`/${DATABASE}info/${name}.list`))
        : take(`${path}.md5sums`)
    const isAmbiguous = (architectures.get(name)?.size ?? 0) > 1
    return {
      ecosystem: 'dpkg',
      name: isAmbiguous ? qualified : name,
      version,
      path: null,
      dev: null,
      owns: { files: files === undefined ? [] : linesIn(files) },
    }
  })
}
