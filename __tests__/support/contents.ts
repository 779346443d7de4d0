import type { ImageContent } from '../../src/image/content.ts'
import type { ImageFile } from '../../src/image/files.ts'
import type { Layer, Measurement } from '../../src/image/measurement.ts'
import type { Package } from '../../src/image/packages/package.ts'
import { aLayer, aMeasurement, digest } from './measurements.ts'

/** A file of 1 kB in the first layer that is in the image. */
export function aFile(path: string, overrides: Partial<ImageFile> = {}): ImageFile {
  return {
    path,
    layer: 0,
    size: 1000,
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

export function aPackage(name: string, overrides: Partial<Package> = {}): Package {
  return {
    ecosystem: 'npm',
    name,
    version: '1.0.0',
    path: `/app/node_modules/${name}`,
    size: 1000,
    dev: null,
    ...overrides,
  }
}

/** What one layer ships: bytes by path, and the package that has the file. */
export type Shipped = { instruction: string; files: Record<string, number | [number, Package]>; layer?: Partial<Layer> }

/** An image whose layers ship these files; sizes follow, and what a later layer has again is lost in the earlier one. */
export function anImage(shipped: Shipped[], overrides: Partial<Measurement> = {}): Measurement {
  const packages: Package[] = []
  const files: ImageFile[] = []
  const layers = shipped.map(({ instruction, files: paths, layer }, at) => {
    for (const [path, what] of Object.entries(paths)) {
      const [size, owner] = typeof what === 'number' ? [what, null] : what
      if (owner !== null && !packages.includes(owner)) packages.push(owner)
      for (const file of files) if (file.path === path) file.lost = { layer: at, how: 'replaced' }
      files.push(aFile(path, { size, layer: at, package: owner === null ? null : packages.indexOf(owner) }))
    }
    const size = files.filter((file) => file.layer === at).reduce((sum, file) => sum + file.size, 0)
    return aLayer(instruction, { diffId: digest(JSON.stringify([instruction, paths])), size, line: at + 2, ...layer })
  })
  const content: ImageContent = { files, packages }
  return aMeasurement({ layers, content, ...overrides })
}
