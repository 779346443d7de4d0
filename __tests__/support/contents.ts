import { layOneByOne, type LaidFiles } from '../../src/image/files.ts'
import { createEntries, type LayerEntries } from '../../src/image/layer/entries.ts'
import type { ImageContent } from '../../src/image/content.ts'
import { byFolder, FolderRun, FolderRuns, type ImageFile } from '../../src/image/runs.ts'
import type { Layer, Measurement } from '../../src/image/measurement.ts'
import type { Package } from '../../src/image/packages/package.ts'
import { aLayer, aMeasurement, digest } from './measurements.ts'

/** A file of root's in the layer of that index, in the image; its checksum is its own unless it is given. */
export function aFile(path: string, size: number, layer: number, overrides: Partial<ImageFile> = {}): ImageFile {
  return {
    path,
    layer,
    size,
    mode: 0o644,
    uid: 0,
    gid: 0,
    checksum: null,
    facts: [],
    lost: null,
    package: null,
    ...overrides,
  }
}

/** A package without files; give its files its index. */
export function aPackage(ecosystem: Package['ecosystem'], name: string, overrides: Partial<Package> = {}): Package {
  return { ecosystem, name, version: '1.0.0', path: null, size: 0, dev: null, ...overrides }
}

/** The files as an image has them that was laid: objects are made of a folder's once they are looked at, but for those that something is told of. */
export function aContent(files: ImageFile[], packages: Package[] = []): ImageContent {
  const laid = new FolderRuns()
  for (const run of byFolder(files)) {
    const [{ package: owner }] = run.files as [ImageFile]
    const isPlain = run.files.every((file) => file.lost === null && file.package === owner)
    const entries = createEntries()
    for (const file of run.files) entries.push({ kind: 'file', ...file })
    const [item, ...others] = entries.items()
    if (!isPlain || item?.kind !== 'files' || others.length > 0) {
      laid.add(run)
      continue
    }
    const listed = FolderRun.ofListed(item, run.layer)
    listed.claim(owner)
    laid.add(listed)
  }
  return { files: laid, packages }
}

/** Layers laid on each other, base layer first. */
export function layFiles(layers: readonly LayerEntries[]): LaidFiles | null {
  const laying = layOneByOne()
  for (const entries of layers) Array.from(laying.add(entries))
  return laying.end()
}

/** A measured image of these layers and files; its sizes follow from the files. Two stages unless it says otherwise. */
export function anImage(
  layers: Layer[],
  files: ImageFile[],
  { packages = [], ...overrides }: Partial<Measurement> & { packages?: Package[] } = {},
): Measurement {
  const sized = layers.map((layer, at) => ({
    ...layer,
    size: files.reduce((sum, file) => (file.layer === at ? sum + file.size : sum), 0),
  }))
  return aMeasurement({ stages: 2, content: aContent(files, packages), ...overrides, layers: sized })
}

/** Words as one text, code between backticks. */
export function plain(words: (string | { code: string })[]): string {
  return words.map((word) => (typeof word === 'string' ? word : `\`${word.code}\``)).join('')
}

/** What one layer ships: bytes by path, and the package that has the file. */
export type Shipped = { instruction: string; files: Record<string, number | [number, Package]>; layer?: Partial<Layer> }

/** An image whose layers ship these files; what a later layer has again is lost in the earlier one. */
export function anImageOf(shipped: Shipped[], overrides: Partial<Measurement> = {}): Measurement {
  const packages: Package[] = []
  const files: ImageFile[] = []
  const layers = shipped.map(({ instruction, files: paths, layer }, at) => {
    for (const [path, what] of Object.entries(paths)) {
      const [size, owner] = typeof what === 'number' ? [what, null] : what
      if (owner !== null && !packages.includes(owner)) packages.push(owner)
      for (const file of files) if (file.path === path) file.lost = { layer: at, how: 'replaced' }
      files.push(aFile(path, size, at, { package: owner === null ? null : packages.indexOf(owner) }))
    }
    return aLayer(instruction, { diffId: digest(JSON.stringify([instruction, paths])), line: at + 2, ...layer })
  })
  return anImage(layers, files, { packages, ...overrides })
}
