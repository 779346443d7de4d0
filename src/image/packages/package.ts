import type { ECOSYSTEMS } from '../../inputs/budget-lines.ts'
import type { FileFact } from '../layer/facts.ts'
import type { ImageFile } from '../runs.ts'

/** Which kind of package manager knows it. */
export type Ecosystem = (typeof ECOSYSTEMS)[number]

/** Package managers of distributions. */
export const DISTRIBUTIONS: ReadonlySet<Ecosystem> = new Set<Ecosystem>(['dpkg', 'apk', 'rpm'])

/** A package that an image has. */
export type Package = {
  ecosystem: Ecosystem
  /** As its manager has it: `libssl3`, `@types/node`, `requests`, `github.com/spf13/cobra`. */
  name: string
  /** Null where nothing tells it. */
  version: string | null
  /**
   * The folder or file that it is or that tells of it: `/app/node_modules/typescript`, `…/requests-2.31.0.dist-info`; a Java archive in
   * another one as `/app/app.jar!/BOOT-INF/lib/x-1.2.jar`; null where a database lists its files.
   */
  path: string | null
  /**
   * Bytes of its files that are in the image, a hard link once. Of an archive in an archive the bytes that it takes there, and the
   * outer one's are without them: no byte is in two packages.
   */
  size: number
  /** Only needed to develop or build, as the image's own lock file or package.json says; null: nothing says. */
  dev: boolean | null
}

/** A package as one manager's records tell it, and what belongs to it. */
export type FoundPackage = Omit<Package, 'size'> & {
  /**
   * Absolute paths of the files that it owns, as its record has them (links are followed where they lead through folders); or a folder
   * all of which is its own, but for what a package in a deeper folder owns. The paths can be gone through once. A file that two packages own is the first one's.
   */
  owns: { files: Iterable<string> } | { folder: string }
  /** Packages that lie packed in its file; their sizes in bytes, together no more than its own files have. They own no file of the image. */
  parts?: Pick<Package, 'name' | 'version' | 'path' | 'size'>[]
}

/** An image's file system, as looking for packages takes it. Paths are absolute. */
export type Inspected = {
  /** Facts of the files that are in the image, with their path. */
  facts: { path: string; fact: FileFact }[]
  /** The regular file at a path, through links to folders; null where there is none, or a link itself. */
  file: (path: string) => ImageFile | null
}

/** Tells the packages of one ecosystem. Never throws: what it cannot make sense of is no package. */
export type FindPackages = (image: Inspected) => FoundPackage[]
