import { expect, test } from '@jest/globals'
import { devDependencies } from '../../src/advice/dev-dependencies.ts'
import { packageCache } from '../../src/advice/package-cache.ts'
import { aFile, anImage, aPackage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const packages = [
  aPackage('npm', 'express', { path: '/app/node_modules/express', dev: false }),
  aPackage('npm', 'typescript', { path: '/app/node_modules/typescript', dev: true }),
  aPackage('npm', '@types/node', { path: '/app/node_modules/@types/node', dev: true }),
  aPackage('npm', 'left-pad', { path: '/srv/node_modules/left-pad', dev: null }),
  aPackage('npm', 'tap', { path: '/usr/lib/node_modules/npm/node_modules/tap', dev: true }),
]
const files = [
  aFile('/app/node_modules/express/index.js', 2_000_000, 1, { package: 0 }),
  aFile('/app/node_modules/@types/node/fs.d.ts', 2_200_000, 1, { package: 2 }),
  aFile('/app/node_modules/typescript/lib/tsc.js', 9_000_000, 1, { package: 1 }),
  aFile('/app/node_modules/typescript/lib/old.js', 5_000_000, 1, { package: 1, lost: { layer: 2, how: 'removed' } }),
  aFile('/srv/node_modules/left-pad/index.js', 3_000_000, 1, { package: 3 }),
  aFile('/usr/lib/node_modules/npm/node_modules/tap/x.js', 3_000_000, 0, { package: 4 }),
]
const fixWith = (instruction: string, copiedFrom: { kind: 'stage'; name: string } | null = null): string => {
  const image = anImage([base, aLayer(instruction, { line: 14, copiedFrom }), aLayer('RUN rm')], files, { packages })
  return plain(devDependencies(image)[0]!.fix)
}

test('what only development needs, by the bytes that are in the image', () => {
  const found = devDependencies(
    anImage([base, aLayer('RUN npm ci', { line: 14 }), aLayer('RUN rm')], files, { packages }),
  )
  expect(found).toMatchObject([
    {
      bytes: 11_200_000,
      paths: ['/app/node_modules/typescript', '/app/node_modules/@types/node'],
      count: 2,
      layer: { line: 14 },
      key: 'dev-dependencies:/app/node_modules',
    },
  ])
  expect(plain(found[0]!.what)).toBe('2 development dependencies')
})

test('a package that lies in a cache is told as a cache, and once', () => {
  const cached = aFile('/app/.yarn/cache/typescript.zip', 9_000_000, 1, { package: 1 })
  const image = anImage([base, aLayer('RUN yarn install', { line: 14 })], [cached], { packages })
  expect(devDependencies(image)).toEqual([])
  expect(packageCache(image)).toMatchObject([{ bytes: 9_000_000 }])
})

test('the fix fits how they came in', () => {
  expect(fixWith('RUN npm ci')).toBe('use `npm ci --omit=dev` in the final stage')
  expect(fixWith('RUN corepack enable && pnpm install')).toBe('use `pnpm install --prod` in the final stage')
  expect(fixWith('RUN yarn install --frozen-lockfile')).toBe('use `yarn install --production` in the final stage')
  expect(fixWith('COPY --from=build /app /app', { kind: 'stage', name: 'build' })).toBe(
    'let line 14 copy `node_modules` from a stage that ran `npm ci --omit=dev`',
  )
  expect(fixWith('COPY . .')).toBe('add `node_modules` to `.dockerignore`, and install by `npm ci --omit=dev`')
})
