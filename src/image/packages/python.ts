import { beginning, gathering, MAX_RECORD, type OpenReader } from '../layer/gather.ts'
import { decodeName } from '../layer/tar-header.ts'
import type { FindPackages, FoundPackage } from './package.ts'
import { linesOf, stanzasOf, word } from './text.ts'

/** What a file in a `.dist-info` or `.egg-info` folder tells. */
export type PythonFact =
  | { kind: 'python'; of: 'metadata'; name: string; version: string | null }
  /** `files`: a path on each line, absolute or relative to what `from` says. */
  | { kind: 'python'; of: 'files'; from: 'site-packages' | 'info'; files: string }

const RECORD = /^(.*\.dist-info)\/RECORD$/
const INSTALLED_FILES = /^(.*\.egg-info)\/installed-files\.txt$/
const METADATA = /^(.*)\/(?:(?<=\.dist-info\/)METADATA|(?<=\.egg-info\/)PKG-INFO)$/
/** The fields come before the description, which is as long as it likes. */
const MAX_FIELDS = 64 * 1024

/** https://packaging.python.org/en/latest/specifications/recording-installed-packages/; egg-info is what setuptools made before that. */
export const pythonReader: OpenReader<PythonFact> = (path, size) => {
  if (!path.includes('-info/')) return null
  if (METADATA.test(path)) return beginning(size, MAX_FIELDS, metadataOf, () => 500)
  if (RECORD.test(path)) return gathering(size, MAX_RECORD, recordOf)
  return INSTALLED_FILES.test(path) ? gathering(size, MAX_RECORD, installedFilesOf) : null
}

function metadataOf(payload: Buffer): PythonFact | null {
  const fields = stanzasOf(payload, ['Name', 'Version']).next().value
  const name = word(fields?.get('Name'))
  return name === null ? null : { kind: 'python', of: 'metadata', name, version: word(fields?.get('Version')) }
}

/** Lines of `path,hash,size`; a path with a comma or a quote in it stands in quotes. */
function recordOf(payload: Buffer): PythonFact {
  const paths: string[] = []
  for (const line of linesOf(payload)) {
    if (line.length === 0) continue
    if (line[0] !== 0x22) {
      const comma = line.indexOf(0x2c)
      paths.push(decodeName(comma === -1 ? line : line.subarray(0, comma)))
      continue
    }
    const quoted = /^"((?:[^"]|"")*)"/.exec(decodeName(line))?.[1]
    if (quoted !== undefined) paths.push(quoted.replaceAll('""', '"'))
  }
  return { kind: 'python', of: 'files', from: 'site-packages', files: Buffer.from(paths.join('\n')).toString() }
}

function installedFilesOf(payload: Buffer): PythonFact {
  return { kind: 'python', of: 'files', from: 'info', files: decodeName(payload) }
}

/** Packages of pip and its like: the files that `pip show -f` lists; where there is no list, the metadata alone. */
export const findPythonPackages: FindPackages = ({ facts }) => {
  const found: { name: string; version: string | null; path: string }[] = []
  const lists = new Map<string, { from: 'site-packages' | 'info'; files: string }>()
  for (const { path, fact } of facts) {
    if (fact.kind !== 'python') continue
    const info = path.slice(0, path.lastIndexOf('/'))
    if (fact.of === 'files') lists.set(info, fact)
    else found.push({ name: fact.name, version: fact.version, path: info })
  }
  // What a package brings along for itself (`setuptools/_vendor`) lies deeper, and is listed by that package.
  found.sort((one, other) => depth(one.path) - depth(other.path))
  return found.map(({ name, version, path }): FoundPackage => {
    const list = lists.get(path)
    const owns = list ? { files: listed(path, list) } : { folder: path }
    return { ecosystem: 'python', name, version, path, dev: null, owns }
  })
}

function depth(path: string): number {
  return path.split('/').length
}

/** The paths of a list, absolute. */
function listed(info: string, { from, files }: { from: 'site-packages' | 'info'; files: string }): string[] {
  const base = from === 'info' ? info : info.slice(0, info.lastIndexOf('/'))
  return files.split('\n').map((path) => (path.startsWith('/') ? path : `${base}/${path}`))
}
