import type { Package } from '../image/packages/package.ts'
import type { PackageChange } from './comparison.ts'

/** The packages of an image by what makes them the same in another image. */
export type PackageIndex = ReadonlyMap<string, Package>

/** Two versions of a package are the same package; npm's may be there several times, in several folders. */
function keyOf({ ecosystem, name, path }: Package): string {
  return `${ecosystem}\0${name}\0${ecosystem === 'npm' || ecosystem === 'go' ? (path ?? '') : ''}`
}

/** Of several with the same key the first counts. */
export function indexPackages(packages: Package[]): PackageIndex {
  const index = new Map<string, Package>()
  for (const each of packages) {
    const key = keyOf(each)
    if (!index.has(key)) index.set(key, each)
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
  const key = keyOf(owner)
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
