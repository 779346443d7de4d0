import { gathering, MAX_RECORD, type OpenReader } from '../layer/gather.ts'
import type { ImageFile } from '../runs.ts'
import type { FindPackages, FoundPackage, Inspected } from './package.ts'
import { word } from './text.ts'

/** What a package.json or a lock file tells. */
export type NpmFact =
  /** A package in a node_modules folder; `dependencies`: names of what it may need. */
  | { kind: 'npm'; of: 'package'; name: string | null; version: string | null; dependencies: string[] }
  /** A project's own package.json: the names of what it needs, and of what it needs to be developed only. */
  | { kind: 'npm'; of: 'project'; dependencies: string[]; devDependencies: string[] }
  /** npm's lock file: by path relative to the project (`node_modules/a/node_modules/b`) what it has locked. */
  | { kind: 'npm'; of: 'lock'; packages: Map<string, Locked> }

type Locked = { version: string | null; dev: boolean }

const PACKAGE_JSON = 'package.json'
/** npm's own names; the one in node_modules tells what is really installed. */
const LOCK = /^(?:(.*)\/)?(?:node_modules\/\.package-lock|package-lock|npm-shrinkwrap)\.json$/
const MODULES = '/node_modules/'
/** Longest package.json that is read; those that npm's registry has are shorter. */
const MAX_MANIFEST = 2 * 1024 * 1024
const MAX_NAMES = 10_000
/** Characters of the paths where the packages that others need are looked for: of an image with 2,000 packages some million. */
const MAX_LOOKED_UP = 100_000_000

export const npmReader: OpenReader<NpmFact> = (path, size) => {
  if (!path.endsWith('.json')) return null
  if (path === PACKAGE_JSON || path.endsWith(`/${PACKAGE_JSON}`)) {
    if (!isInModules(path)) return gathering(size, MAX_MANIFEST, projectOf)
    const isPackage = isPackageFolder(path.slice(0, -PACKAGE_JSON.length - 1))
    return isPackage ? gathering(size, MAX_MANIFEST, packageOf, weightOf) : null
  }
  // Asked of every JSON file of an image: there may be tens of thousands.
  if (!path.endsWith('-lock.json') && !path.endsWith('-shrinkwrap.json')) return null
  const project = LOCK.exec(path)
  // A package's own lock file was for those who develop it.
  return project && !isInModules(project[1] ?? '') ? gathering(size, MAX_RECORD, lockOf) : null
}

function isInModules(path: string): boolean {
  return `/${path}/`.includes(MODULES)
}

/**
 * Whether a folder is where a package of npm, Yarn or pnpm stands: `…/node_modules/NAME`, `NAME` perhaps in a scope; between two
 * node_modules lies a package, or one of the store of those that link (`.pnpm/NAME@VERSION`). A package's own tests have others.
 */
function isPackageFolder(path: string): boolean {
  const [, ...parts] = `/${path}`.split(MODULES)
  return parts.every((part, at) => {
    const names = part.split('/')
    const isName = names.length === (part.startsWith('@') ? 2 : 1) && !part.startsWith('.')
    return isName || (at < parts.length - 1 && part.startsWith('.') && names.length === 2)
  })
}

function packageOf(payload: Buffer): NpmFact {
  const manifest = parsed(payload) ?? {}
  // What a package asks its surroundings for is needed by it, too.
  const dependencies = new Set(
    [manifest['dependencies'], manifest['optionalDependencies'], manifest['peerDependencies']].flatMap(keysOf),
  )
  return {
    kind: 'npm',
    of: 'package',
    name: word(manifest['name']),
    version: word(manifest['version']),
    dependencies: [...dependencies],
  }
}

/** Names are counted in each package that has them, though most are the same strings. */
function weightOf(fact: NpmFact): number {
  return fact.of === 'package' ? fact.dependencies.reduce((sum, { length }) => sum + 16 + length, 500) : 0
}

function projectOf(payload: Buffer): NpmFact | null {
  const manifest = parsed(payload)
  if (!manifest) return null
  const dependencies = [...keysOf(manifest['dependencies']), ...keysOf(manifest['optionalDependencies'])]
  const devDependencies = keysOf(manifest['devDependencies'])
  if (dependencies.length + devDependencies.length === 0) return null
  return { kind: 'npm', of: 'project', dependencies, devDependencies }
}

/**
 * https://docs.npmjs.com/cli/configuring-npm/package-lock-json. What is `devOptional` also stays when development is left out: it is
 * an optional dependency of something else.
 */
function lockOf(payload: Buffer): NpmFact | null {
  const lock = parsed(payload)
  const packages = new Map<string, Locked>()
  if (isObject(lock?.['packages'])) {
    for (const [path, locked] of Object.entries(lock['packages'])) {
      if (isObject(locked)) packages.set(path, { version: word(locked['version']), dev: locked['dev'] === true })
    }
    return { kind: 'npm', of: 'lock', packages }
  }
  // npm 6 and older: what is nested in node_modules is nested here.
  const waiting: [folder: string, dependencies: unknown][] = [['', lock?.['dependencies']]]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [folder, dependencies] = next
    for (const [name, locked] of isObject(dependencies) ? Object.entries(dependencies) : []) {
      if (!isObject(locked)) continue
      const path = `${folder}node_modules/${name}`
      packages.set(path, { version: word(locked['version']), dev: locked['dev'] === true })
      if (locked['dependencies'] !== undefined) waiting.push([`${path}/`, locked['dependencies']])
    }
  }
  return packages.size > 0 ? { kind: 'npm', of: 'lock', packages } : null
}

/** Null: no JSON object. */
function parsed(payload: Buffer): Record<string, unknown> | null {
  try {
    // npm passes over a byte order mark as well.
    const value: unknown = JSON.parse(payload.toString('utf8').replace(/^\uFEFF/, ''))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keysOf(value: unknown): string[] {
  return (isObject(value) ? Object.keys(value) : []).flatMap((name) => word(name) ?? []).slice(0, MAX_NAMES)
}

/**
 * Packages of npm, Yarn and pnpm: each folder of a node_modules folder with all that lies in it but the packages in its own node_modules.
 * What is only for development the lock file tells that npm leaves in node_modules, else the project's lock file; else what
 * the projects' package.json lead to, as Node would find it from there.
 */
export const findNpmPackages: FindPackages = (image) => {
  const locks = locksOf(image)
  const led = followDependencies(image)
  return image.facts.flatMap(({ path, fact }): FoundPackage[] => {
    if (fact.kind !== 'npm' || fact.of !== 'package') return []
    const folder = folderOf(path)
    return [
      {
        ecosystem: 'npm',
        name: fact.name ?? folder.slice(folder.lastIndexOf(MODULES) + MODULES.length),
        version: fact.version,
        path: folder,
        dev: lockedDev(folder, fact.version, locks) ?? led.get(path) ?? null,
        owns: { folder },
      },
    ]
  })
}

function folderOf(packageJson: string): string {
  return packageJson.slice(0, -PACKAGE_JSON.length - 1)
}

/**
 * By the path of a package's package.json whether it is for development only: false where a project's dependencies lead to it, true where
 * only its devDependencies do. None where too many paths would have to be looked at to tell.
 */
function followDependencies({ facts, file }: Inspected): Map<string, boolean> {
  const dependencies = new Map<string, string[]>()
  const projects: { folder: string; fact: Extract<NpmFact, { of: 'project' }> }[] = []
  for (const { path, fact } of facts) {
    if (fact.kind !== 'npm') continue
    if (fact.of === 'package') dependencies.set(path, fact.dependencies)
    if (fact.of === 'project') projects.push({ folder: folderOf(path), fact })
  }
  const found = new Map<string, boolean>()
  let left = MAX_LOOKED_UP
  function lookUp(path: string): ImageFile | null {
    left -= path.length
    return left < 0 ? null : file(path)
  }
  function follow(start: { folder: string; names: string[] }[], dev: boolean): void {
    const waiting = [...start]
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      for (const name of next.names) {
        if (left < 0) return
        const path = installed(next.folder, name, lookUp)
        if (path === null || found.has(path)) continue
        found.set(path, dev)
        waiting.push({ folder: folderOf(path), names: dependencies.get(path) ?? [] })
      }
    }
  }
  follow(
    projects.map(({ folder, fact }) => ({ folder, names: fact.dependencies })),
    false,
  )
  follow(
    projects.map(({ folder, fact }) => ({ folder, names: fact.devDependencies })),
    true,
  )
  return left < 0 ? new Map() : found
}

/** Where Node finds a package from a folder: in the nearest node_modules above; pnpm links from there to its store. */
function installed(folder: string, name: string, file: Inspected['file']): string | null {
  for (let at = folder; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const found = at.endsWith('/node_modules') ? null : file(`${at}${MODULES}${name}/${PACKAGE_JSON}`)
    if (found) return found.path
    if (at === '') return null
  }
}

type Lock = Map<string, Locked>

/** By project folder ('' is the root), the best one last. */
function locksOf({ facts }: Inspected): Map<string, Lock[]> {
  const locks = new Map<string, Lock[]>()
  for (const { path, fact } of facts) {
    if (fact.kind !== 'npm' || fact.of !== 'lock') continue
    const project = LOCK.exec(path)?.[1] ?? ''
    const known = locks.get(project) ?? []
    if (path.endsWith('/node_modules/.package-lock.json')) known.push(fact.packages)
    else known.unshift(fact.packages)
    locks.set(project, known)
  }
  return locks
}

/** What the lock files of the folders above say; one that has another version locked does not speak of what is installed. */
function lockedDev(folder: string, version: string | null, locks: Map<string, Lock[]>): boolean | null {
  if (locks.size === 0) return null
  for (let end = folder.lastIndexOf(MODULES); end !== -1; end = folder.lastIndexOf('/', end - 1)) {
    const relative = folder.slice(end + 1)
    for (const lock of locks.get(folder.slice(0, end))?.toReversed() ?? []) {
      const locked = lock.get(relative)
      if (locked && (locked.version === null || locked.version === version)) return locked.dev
    }
    if (end === 0) break
  }
  return null
}
