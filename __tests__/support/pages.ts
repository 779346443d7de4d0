import { gunzipSync } from 'node:zlib'
import { compare } from '../../src/compare/compare.ts'
import type { ImageFile } from '../../src/image/runs.ts'
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

/** Packages of an application and their bytes before and after. */
const MODULES: [name: string, before: number, after: number][] = [
  ['@img/sharp-libvips-linux-x64', 17_400_000, 17_400_000],
  ['typescript', 0, 23_600_000],
  ['next', 31_200_000, 33_900_000],
  ['react-dom', 4_600_000, 4_600_000],
  ['@prisma/client', 9_800_000, 9_100_000],
  ['moment', 4_300_000, 0],
  ['date-fns', 2_100_000, 2_600_000],
  ['zod', 1_900_000, 1_900_000],
  ['pino', 700_000, 720_000],
]

/** An invented change of a web shop, as the pictures in docs/ show it. */
export function aShopChange(): { head: Measurement; base: Measurement } {
  return { head: aShop('after'), base: aShop('before') }
}

function aShop(side: 'before' | 'after'): Measurement {
  const random = createRandom(3)
  const files: ImageFile[] = []
  const packages: Package[] = []
  /** So many bytes in so many files, a few of them large. */
  const spread = (folder: string, bytes: number, count: number, layer: number, more: Partial<ImageFile> = {}): void => {
    const shares = Array.from({ length: count }, () => random() ** 4 + 0.02)
    const sum = shares.reduce((total, share) => total + share, 0)
    for (const [at, share] of shares.entries()) {
      const size = Math.round((bytes * share) / sum)
      if (bytes > 0) files.push(aFile(`${folder}/${['chunk', 'index', 'data'][at % 3]}-${at}.js`, size, layer, more))
    }
  }
  for (const name of ['libc6', 'perl-base', 'libssl3', 'coreutils', 'bash', 'util-linux', 'dpkg', 'apt']) {
    const owner = packages.push(aPackage('dpkg', name, { version: '12.4-1' })) - 1
    spread(`/usr/lib/x86_64-linux-gnu/${name}`, 2_000_000 + random() * 9_000_000, 40, 0, { package: owner })
  }
  files.push(aFile('/usr/local/bin/node', side === 'before' ? 118_000_000 : 121_500_000, 1))
  spread('/usr/local/lib/node_modules/npm/lib', 13_000_000, 90, 1)
  for (const [name, before, after] of MODULES) {
    const bytes = side === 'before' ? before : after
    const owner = bytes === 0 ? null : packages.push(aPackage('npm', name, { path: `/app/node_modules/${name}` })) - 1
    spread(`/app/node_modules/${name}/dist`, bytes, 60, 2, { package: owner })
  }
  spread('/app/.next/static', side === 'before' ? 6_000_000 : 7_200_000, 50, 3)
  spread('/root/.npm/_cacache/content', 24_000_000, 70, 2, { lost: { layer: 4, how: 'removed' } })
  const layers = [
    aBaseLayer('ADD rootfs.tar.xz /'),
    aBaseLayer('RUN install node', { diffId: digest(`node ${side}`) }),
    aLayer('RUN npm ci', { line: 7, diffId: digest(`npm ci ${side}`) }),
    aLayer('COPY .next .next', { line: 9, diffId: digest(`next ${side}`) }),
    aLayer('RUN npm cache clean --force', { line: 11 }),
  ]
  return anImage(layers, files, { packages, name: 'shop' })
}

/** The images that a page carries. */
export function imagesIn(html: string): PageImage[] {
  const blocks = html.matchAll(/<script type="application\/octet-stream" id="image-\d+">([\w+/=]+)<\/script>/g)
  return [...blocks].map(([, packed]) => JSON.parse(gunzipSync(Buffer.from(packed!, 'base64')).toString()) as PageImage)
}
