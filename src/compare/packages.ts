import type { Package } from '../image/packages/package.ts'
import type { PackageChange } from './comparison.ts'

/** The packages of an image by what makes them the same in another image. */
export type PackageIndex = ReadonlyMap<string, Package>

/** Two versions of a package are the same package; what lies in a folder may be there several times, in several folders. */
export function keyOfPackage({ ecosystem, name, path }: Package): string {
  // Python's and Java's own names have the version: the folder that they lie in tells them apart.
  const place = ecosystem === 'python' || ecosystem === 'java' ? path?.slice(0, path.lastIndexOf('/')) : path
  return `${ecosystem}\0${name}\0${place ?? ''}`
}

/** Several with the same key (kernels of an rpm) are one, with the bytes of all. */
export function indexPackages(packages: Package[]): PackageIndex {
  const index = new Map<string, Package>()
  for (const each of packages) {
    const key = keyOfPackage(each)
    const known = index.get(key)
    index.set(key, known ? { ...known, size: known.size + each.size } : each)
  }
  return index
}

/** What became of the package `owner` (of either side), of which `amount` bytes more (or less) are shipped. */
export function changeOfPackage(
  owner: Package,
  amount: number,
  before: PackageIndex,
  after: PackageIndex,
): { key: string; change: PackageChange } {
  const key = keyOfPackage(owner)
  const was = before.get(key)
  const is = after.get(key)
  const { ecosystem, name, path, dev } = is ?? was ?? owner
  const change = !was ? 'new' : !is ? 'gone' : was.version === is.version ? 'same' : 'updated'
  return {
    key,
    change: {
      ecosystem,
      name,
      path,
      change,
      versionBefore: was?.version ?? null,
      versionAfter: is?.version ?? null,
      amount,
      folder: null,
      dev,
    },
  }
}

/**
 * The packages that are new, gone, of another version or of another size, by the bytes that are in the image; largest change first.
 */
export function changesOfPackages(before: Package[], after: Package[]): PackageChange[] {
  const was = indexPackages(before)
  const is = indexPackages(after)
  const keys = new Set([...was.keys(), ...is.keys()])
  return [...keys]
    .map((key) => {
      const amount = (is.get(key)?.size ?? 0) - (was.get(key)?.size ?? 0)
      return changeOfPackage((is.get(key) ?? was.get(key))!, amount, was, is).change
    })
    .filter(({ change, amount }) => change !== 'same' || amount !== 0)
    .toSorted((one, other) => Math.abs(other.amount) - Math.abs(one.amount) || (one.name < other.name ? -1 : 1))
}
