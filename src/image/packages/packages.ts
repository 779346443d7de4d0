import type { LaidFiles } from '../files.ts'
import { byFolder, type ImageFile } from '../runs.ts'
import { findApkPackages } from './apk.ts'
import { findDpkgPackages } from './dpkg.ts'
import { findGoPackages } from './go.ts'
import { findJavaPackages } from './java.ts'
import { findNpmPackages } from './npm.ts'
import { DISTRIBUTIONS, type FoundPackage, type Inspected, type Package } from './package.ts'
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
 * The packages of an image, in the finders' order. Each file in `laid.files` gets the index of its package, also one that is lost where it
 * lay in a package's folder. What Python compiled of a package's module belongs to that package, also if no list has it. What another package has all files of is not told twice: a Go program in a Debian package is that package.
 */
export function findPackages(laid: LaidFiles): Package[] {
  const inspected: Inspected = { facts: factsOf(laid), file: laid.file }
  const found: FoundPackage[] = []
  for (const find of FINDERS) {
    const first = found.length
    for (const one of find(inspected)) found.push(one)
    claim(laid, found, first)
  }
  if (found.length === 0) return []
  const runs = byFolder(laid.files)
  for (const { files } of runs.filter(({ folder }) => folder.endsWith('/__pycache__/'))) {
    for (const file of files) file.package ??= ownerOfModule(file, laid)
  }
  const owned = found.map(() => ({ files: 0, bytes: 0 }))
  for (const run of runs) {
    for (const { package: owner, files, bytes } of run.shares()) {
      if (owner === null) continue
      owned[owner]!.files += files
      owned[owner]!.bytes += bytes
    }
    for (const { package: owner, size } of run.lost) {
      if (owner === null) continue
      owned[owner]!.files -= 1
      owned[owner]!.bytes -= size
    }
  }

  const packages: Package[] = []
  const places: (number | null)[] = []
  for (const [at, { ecosystem, name, version, path, dev, parts = [] }] of found.entries()) {
    const { files, bytes } = owned[at]!
    // A distribution's package may be without files, and is installed all the same.
    if (files === 0 && !DISTRIBUTIONS.has(ecosystem)) {
      places.push(null)
      continue
    }
    places.push(packages.length)
    const size = parts.reduce((rest, part) => rest - part.size, bytes)
    packages.push({ ecosystem, name, version, path, size, dev })
    for (const part of parts) packages.push({ ecosystem, ...part, dev })
  }
  for (const run of runs) run.assign((owner) => places[owner] ?? null)
  return packages
}

/** Of the files that are in the image. */
function factsOf({ files }: LaidFiles): Inspected['facts'] {
  const found: Inspected['facts'] = []
  for (const { path, facts, lost } of byFolder(files).flatMap(({ withFacts }) => withFacts)) {
    if (lost === null) found.push(...facts.map((fact) => ({ path, fact })))
  }
  return found
}

/** Gives the packages from `first` on the files that no one before has. */
function claim(laid: LaidFiles, found: readonly FoundPackage[], first: number): void {
  const folders = new Map<string, number>()
  for (let at = first; at < found.length; at++) {
    const { owns } = found[at]!
    if ('folder' in owns) {
      if (!folders.has(owns.folder)) folders.set(owns.folder, at)
      continue
    }
    for (const path of owns.files) {
      const file = laid.file(path)
      if (file) file.package ??= at
    }
  }
  if (folders.size === 0) return
  const known = new Map<string, number | null>(folders)
  for (const run of byFolder(laid.files)) run.claim(ownerOf(run.folder, known))
}

/** The package in whose folder a path lies, the deepest one; `known`, by folder, takes what it finds. Paths are as deep as `layOneByOne` allows. */
function ownerOf(path: string, known: Map<string, number | null>): number | null {
  const end = path.lastIndexOf('/')
  if (end <= 0) return null
  const folder = path.slice(0, end)
  const found = known.get(folder)
  if (found !== undefined) return found
  const owner = ownerOf(folder, known)
  known.set(folder, owner)
  return owner
}

/** `…/__pycache__/NAME.cpython-311.pyc` is compiled of `…/NAME.py`: https://peps.python.org/pep-3147/ */
const COMPILED = /^(.*\/)__pycache__\/([^./]+)\.[^/]*\.pyc$/

function ownerOfModule({ path }: ImageFile, laid: LaidFiles): number | null {
  if (!path.endsWith('.pyc')) return null
  const [, folder, name] = COMPILED.exec(path) ?? []
  return name === undefined ? null : (laid.file(`${folder}${name}.py`)?.package ?? null)
}
