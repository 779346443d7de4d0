import { compare } from '../../src/compare/compare.ts'
import type { ImageFile } from '../../src/image/files.ts'
import type { Measurement } from '../../src/image/measurement.ts'
import type { Package } from '../../src/image/packages/package.ts'
import { pageImageOf } from '../../src/page/image.ts'
import { packImage, renderPage } from '../../src/page/html.ts'
import type { PageImage } from '../../src/page/format.ts'
import { aFile, anImage, aPackage } from './contents.ts'
import { aBaseLayer, aLayer, builtBase, digest } from './measurements.ts'
import { imageReport, report } from './reports.ts'

const REPOSITORY = 'https://github.com/octo/shop'

/** What the page is given of a change, or of one image. */
export function pageImage(head: Measurement, base: Measurement | null): PageImage {
  const comparison = compare(
    head,
    base,
    base ? builtBase() : builtBase({ kind: 'none', commit: null, ref: null, reason: '`baseline` is `none`' }),
  )
  return pageImageOf({ comparison, head, base }, REPOSITORY)!
}

/** The page of these images. */
export function pageOf(...images: PageImage[]): string {
  const reports = images.map(({ name, platform }) => imageReport({ name, platform }))
  return renderPage(report({ images: reports }), images.map(packImage))!
}

/** Always the same numbers, from 0 up to 1. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/**
 * A change of an image of about so many files in 1 GB: a distribution's files in packages, an application with its modules, a build's
 * remains that a later layer removes.
 */
export function aLargeChange(count: number): { head: Measurement; base: Measurement } {
  return { head: aLargeImage(count, 1), base: aLargeImage(count, 0) }
}

function aLargeImage(count: number, side: 0 | 1): Measurement {
  const random = createRandom(7)
  const files: ImageFile[] = []
  const packages: Package[] = []
  const bytes = 1_000_000_000 / count
  const sizeOf = (): number => Math.round(bytes * 4 * random() ** 3)
  const distribution = Math.round(count * 0.25)
  for (let at = 0; at < distribution; at++) {
    const owner = Math.floor(at / 40)
    packages[owner] ??= aPackage('dpkg', `lib-${owner.toString(36)}`, { version: `1.${owner % 17}` })
    const folder = at % 3 === 0 ? `/usr/share/doc/lib-${owner}` : `/usr/lib/x86_64-linux-gnu/${at % 50}`
    files.push(aFile(`${folder}/file-${at}.so`, sizeOf(), 0, { package: owner }))
  }
  const modules = Math.round(count * 0.7)
  for (let at = 0; at < modules; at++) {
    const name = `module-${Math.floor(at / 60).toString(36)}`
    const owner = distribution + Math.floor(at / 60)
    packages[owner] ??= aPackage('npm', name, {
      version: at % 7 === 0 && side === 1 ? '2.1.0' : '2.0.0',
      path: `/srv/app/node_modules/${name}`,
    })
    const grown = side === 1 && at % 9 === 0 ? 700 : 0
    const size = sizeOf() + grown
    if (side === 0 && at % 101 === 0) continue
    const folder = `/srv/app/node_modules/${name}/${['dist', 'lib/esm', 'src/inner/deep'][at % 3]}`
    files.push(aFile(`${folder}/part-${at % 60}-${at % 13}.js`, size, 1, { package: owner }))
  }
  for (let at = 0; at < count - distribution - modules; at++)
    files.push(aFile(`/tmp/build/out-${at}.o`, sizeOf(), 2, { lost: { layer: 3, how: 'removed' } }))
  const known = new Map([...packages.keys()].flatMap((at) => (packages[at] ? [[at, 0]] : [])))
  for (const [place, at] of [...known.keys()].entries()) known.set(at, place)
  for (const file of files) if (file.package !== null) file.package = known.get(file.package)!
  const layers = [
    aBaseLayer('ADD rootfs.tar /'),
    aLayer('RUN npm ci', { line: 5, diffId: digest(`modules ${side}`) }),
    aLayer('RUN make', { line: 7 }),
    aLayer('RUN rm -rf /tmp/build', { line: 8 }),
  ]
  return anImage(layers, files, { packages: packages.filter((each) => each !== undefined), name: 'large' })
}
