import type { ImageFile, LaidFiles } from '../files.ts'
import { findApkPackages } from './apk.ts'
import { findDpkgPackages } from './dpkg.ts'
import { findGoPackages } from './go.ts'
import { findJavaPackages } from './java.ts'
import { findNpmPackages } from './npm.ts'
import type { FoundPackage, Inspected, Package } from './package.ts'
import { findPythonPackages } from './python.ts'
import { findRpmPackages } from './rpm.ts'

/** Where two claim a file, the one that stands first here has it: a distribution's package before what lies in its folders. */
const FINDERS = [
  findDpkgPackages,
  findApkPackages,
  findRpmPackages,
  findNpmPackages,
  findPythonPackages,
  findGoPackages,
  findJavaPackages,
]

/**
 * The packages of an image. Each file in `laid.files` gets the index of its package, also one that is lost where it lay in a package's
 * folder. In the finders' order.
 */
export function findPackages(laid: LaidFiles): Package[] {
  const present = laid.files.filter((file) => file.lost === null)
  const inspected: Inspected = {
    facts: present.flatMap(({ path, facts }) => facts.map((fact) => ({ path, fact }))),
    file: laid.file,
  }
  const found = FINDERS.flatMap((find) => find(inspected))
  const folders = new Map<string, number>()
  for (const [at, { owns }] of found.entries()) {
    if ('folder' in owns) {
      if (!folders.has(owns.folder)) folders.set(owns.folder, at)
      continue
    }
    for (const path of owns.files) {
      const file = laid.file(path)
      if (file) file.package ??= at
    }
  }
  for (const file of laid.files) file.package ??= ownerOf(file, folders)
  const sizes = found.map(() => 0)
  for (const file of present) if (file.package !== null) sizes[file.package]! += file.size
  return found.map((each, at) => withSize(each, sizes[at]!))
}

/** The package in whose folder a file lies, the deepest one. */
function ownerOf({ path }: ImageFile, folders: ReadonlyMap<string, number>): number | null {
  if (folders.size === 0) return null
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const owner = folders.get(path.slice(0, end))
    if (owner !== undefined) return owner
  }
  return null
}

function withSize({ ecosystem, name, version, path, dev }: FoundPackage, size: number): Package {
  return { ecosystem, name, version, path, size, dev }
}
