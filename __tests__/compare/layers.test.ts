import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { compare } from '../../src/compare/compare.ts'
import type { Comparison, Why } from '../../src/compare/comparison.ts'
import type { Package } from '../../src/image/packages/package.ts'
import { aPackage, anImageOf, type Shipped } from '../support/contents.ts'
import { builtBase } from '../support/measurements.ts'

function compared(base: Shipped[], head: Shipped[]): Comparison {
  return compare(anImageOf(head), anImageOf(base), builtBase())
}

const aNpmPackage = (name: string, overrides: Partial<Package>): Package =>
  aPackage('npm', name, { path: `/app/node_modules/${name}`, ...overrides })

/** The parts of the only layer that has a reason. */
function onlyWhy({ layerChanges }: Comparison): Why {
  const whys = layerChanges.flatMap(({ why }) => why ?? [])
  expect(whys).toHaveLength(1)
  return whys[0]!
}

const told = ({ parts }: Why) => parts.map(({ path, change, amount }) => [path, change, amount])
const base: Shipped = { instruction: 'ADD rootfs.tar /', files: { '/usr/bin/node': 90_000 }, layer: { fromBase: true } }

describe('what a layer changed by', () => {
  it('is told by the folder that is new as a whole, and not by what lies in it', () => {
    const before = { instruction: 'COPY . .', files: { '/app/src/main.js': 100 } }
    const after = {
      instruction: 'COPY . .',
      files: { '/app/src/main.js': 120, '/app/coverage/a/index.html': 900, '/app/coverage/b/x/y.html': 800 },
    }
    expect(told(onlyWhy(compared([base, before], [base, after])))).toEqual([
      ['/app/coverage', 'new', 1700],
      ['/app/src/main.js', 'changed', 20],
    ])
  })

  it('is told by the one file, however deep it lies', () => {
    const after = { instruction: 'COPY model .', files: { '/srv/data/models/large/v1.bin': 5_000 } }
    expect(told(onlyWhy(compared([base], [base, after])))).toEqual([['/srv/data/models/large/v1.bin', 'new', 5_000]])
  })

  it('is told by the folder where many things in it changed a little', () => {
    const files = (size: number) =>
      Object.fromEntries(Array.from({ length: 12 }, (_, at) => at).map((each) => [`/app/dist/${each}.js`, size]))
    const [before, after] = [100, 150].map((size) => ({ instruction: 'RUN make', files: files(size) }))
    expect(told(onlyWhy(compared([base, before!], [base, after!])))).toEqual([['/app/dist', 'changed', 600]])
  })

  it('is told by what lies in a folder where few things there came in', () => {
    const before = { instruction: 'COPY . .', files: { '/app/src/main.js': 100 } }
    const files = { '/app/src/main.js': 100, '/app/a/1': 500, '/app/b/1': 400, '/app/c/1': 300, '/app/d/1': 200 }
    expect(told(onlyWhy(compared([base, before], [base, { instruction: 'COPY . .', files }])))).toEqual([
      ['/app/a/1', 'new', 500],
      ['/app/b/1', 'new', 400],
      ['/app/c/1', 'new', 300],
      ['/app/d/1', 'new', 200],
    ])
  })

  it('says gone of what the image has no more', () => {
    const before = { instruction: 'COPY . .', files: { '/app/a.js': 5, '/app/docs/1': 700, '/app/docs/2': 600 } }
    const after = { instruction: 'COPY . .', files: { '/app/a.js': 5 } }
    expect(told(onlyWhy(compared([base, before], [base, after])))).toEqual([['/app/docs', 'gone', -1300]])
  })

  it('is told of a file that a folder takes the place of, and the other way round', () => {
    const file = { instruction: 'COPY . .', files: { '/app/x': 400, '/app/y': 1 } }
    const folder = { instruction: 'COPY . .', files: { '/app/x/a': 100, '/app/x/b': 900, '/app/y': 1 } }
    const [there, back] = [
      [file, folder],
      [folder, file],
    ].map(([before, after]) => onlyWhy(compared([base, before!], [base, after!])))
    expect(told(there!)).toEqual([
      ['/app/x/b', 'new', 900],
      ['/app/x', 'changed', -400],
      ['/app/x/a', 'new', 100],
    ])
    expect(told(back!)).toEqual([
      ['/app/x/b', 'gone', -900],
      ['/app/x', 'changed', 400],
      ['/app/x/a', 'gone', -100],
    ])
    expect([there!.rest, back!.rest]).toEqual([0, 0])
  })

  it('puts packages together by the folder they lie in, largest first, with versions', () => {
    const lodash = aNpmPackage('lodash', { version: '4.17.20' })
    const newer = aNpmPackage('lodash', { version: '4.17.21' })
    const typescript = aNpmPackage('typescript', { version: '5.9.3', dev: true })
    const before: Shipped = { instruction: 'RUN npm ci', files: { '/app/node_modules/lodash/index.js': [500, lodash] } }
    const after: Shipped = {
      instruction: 'RUN npm ci',
      files: {
        '/app/node_modules/lodash/index.js': [530, newer],
        '/app/node_modules/typescript/lib/tsc.js': [9_000, typescript],
        '/root/.npm/_cacache/x': 1_000,
        '/root/.npm/_cacache/y': 1_000,
      },
    }
    const { parts } = onlyWhy(compared([base, before], [base, after]))
    expect(parts.map(({ path, ecosystem, amount, packages }) => [path, ecosystem, amount, packages.length])).toEqual([
      ['/app/node_modules', 'npm', 9_030, 2],
      ['/root/.npm', null, 2_000, 0],
    ])
    expect(parts[0]?.packages).toEqual([
      expect.objectContaining({ name: 'typescript', change: 'new', versionAfter: '5.9.3', amount: 9_000, dev: true }),
      expect.objectContaining({
        name: 'lodash',
        change: 'updated',
        versionBefore: '4.17.20',
        versionAfter: '4.17.21',
        amount: 30,
      }),
    ])
  })

  it('puts the packages of a database together, wherever their files lie', () => {
    const curl = aPackage('dpkg', 'curl')
    const files: Shipped['files'] = {
      '/usr/bin/curl': [300, curl],
      '/usr/share/doc/curl/copyright': [20, curl],
      '/var/lib/apt/lists/x': 20,
      '/var/lib/apt/lists/y': 30,
    }
    const { parts } = onlyWhy(compared([base], [base, { instruction: 'RUN apt-get install curl', files }]))
    expect(parts.map(({ path, ecosystem, amount, packageCount }) => [path, ecosystem, amount, packageCount])).toEqual([
      [null, 'dpkg', 320, 1],
      ['/var/lib/apt', null, 50, 0],
    ])
  })

  it('tells packages of one name apart by the folder that they lie in', () => {
    const requests = (place: string): Package =>
      aPackage('python', 'requests', { path: `/${place}/site-packages/requests-2.dist-info` })
    const [a, b] = [requests('a'), requests('b')]
    const one = {
      instruction: 'RUN pip install',
      files: { '/a/site-packages/requests/x.py': [5, a] },
    } satisfies Shipped
    const two: Shipped = {
      instruction: one.instruction,
      files: { ...one.files, '/b/site-packages/requests/x.py': [9, b] },
    }
    expect(compared([base, one], [base, two]).packages).toMatchObject([{ change: 'new', path: b.path }])
    expect(compared([base, one], [base, two]).layerChanges.at(-1)?.why?.parts[0]?.packages).toMatchObject([
      { name: 'requests', change: 'new', path: b.path, amount: 9 },
    ])
  })

  it('names the folder that grew, and not one that shrank', () => {
    const files = (old: number, now: number): Shipped['files'] => ({
      '/app/node_modules/p/old/x': [old, aNpmPackage('p', {})],
      '/app/node_modules/p/new/y': [now, aNpmPackage('p', {})],
    })
    const [before, after] = [files(1_000, 1), files(1, 10_000)].map((its) => ({
      instruction: 'RUN npm ci',
      files: its,
    }))
    expect(onlyWhy(compared([base, before!], [base, after!])).parts[0]?.packages).toMatchObject([
      { change: 'same', amount: 9_000, folder: '/app/node_modules/p/new' },
    ])
  })

  it('is not what only moved from one layer to another', () => {
    const both = { instruction: 'RUN a && b', files: { '/opt/a': 1_000, '/opt/b': 2_000 } }
    const { layerChanges, change } = compared(
      [base, both],
      [
        base,
        { instruction: 'RUN a && c', files: { '/opt/a': 1_000 } },
        { instruction: 'RUN b', files: { '/opt/b': 2_000, '/opt/new': 5 } },
      ],
    )
    expect(change?.size?.amount).toBe(5)
    const whys = layerChanges.flatMap(({ why }) => why ?? [])
    expect(whys.reduce((sum, { moved }) => sum + moved, 0)).toBe(0)
    expect(whys.flatMap(told)).toEqual([['/opt/new', 'new', 5]])
  })

  it('is unknown where the content of one side was not read', () => {
    const head = anImageOf([base, { instruction: 'COPY . .', files: { '/app/x': 5 } }])
    const { layerChanges, packages, head: totals } = compare({ ...head, content: null }, anImageOf([base]), builtBase())
    expect(layerChanges.every(({ why }) => why === null)).toBe(true)
    expect(packages).toBeNull()
    expect(totals.wasted).toBeNull()
  })
})

describe('a base image that changed', () => {
  it('is spoken of as one, and not by its layers', () => {
    const openssl = (version: string) => aPackage('dpkg', 'libssl3', { version })
    const image = (version: string, size: number): Shipped => ({
      instruction: `ADD ${version}`,
      files: { '/usr/lib/libssl.so.3': [size, openssl(version)] },
      layer: { fromBase: true },
    })
    const own = { instruction: 'COPY app /', files: { '/app': 10 } }
    const { baseImage, layerChanges } = compared([image('3.0.15', 700), own], [image('3.0.17', 900), own])
    expect(layerChanges.every(({ why }) => why === null)).toBe(true)
    expect(baseImage.why?.parts[0]?.packages).toEqual([
      expect.objectContaining({ name: 'libssl3', change: 'updated', versionBefore: '3.0.15', versionAfter: '3.0.17' }),
    ])
  })
})

describe('a layer that stands elsewhere', () => {
  const a = { instruction: 'COPY a /', files: { '/a': 10 } }
  const b = { instruction: 'COPY b /', files: { '/b': 20 } }

  it('moved', () => {
    const { layerChanges } = compared([base, a, b], [base, b, a])
    expect(layerChanges.map(({ change, instruction }) => [change, instruction])).toEqual([
      ['unchanged', 'ADD rootfs.tar /'],
      ['unchanged', 'COPY b /'],
      ['moved', 'COPY a /'],
    ])
  })

  it('is removed where the change has it no more, and added where it has it twice', () => {
    expect(compared([base, a, b], [base, b]).layerChanges.map(({ change }) => change)).toContain('removed')
    expect(compared([base, a], [base, a, a]).layerChanges.map(({ change }) => change)).toEqual([
      'unchanged',
      'unchanged',
      'added',
    ])
  })
})

it('accounts for every byte of every layer, whatever changed', () => {
  const path = fc.constantFrom('/app/a', '/app/b/c', '/app/b/d', '/usr/lib/x/y', '/opt/z', '/app/node_modules/p/i.js')
  const files = fc.dictionary(path, fc.integer({ min: 0, max: 5_000 }), { maxKeys: 5 })
  const layers = fc.array(fc.record({ instruction: fc.constantFrom('RUN a', 'RUN b', 'COPY . .'), files }), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(layers, layers, (before, after) => {
      const { layerChanges, change } = compared([base, ...before], [base, ...after])
      let amounts = 0
      for (const { change: kind, why, sizeBefore, sizeAfter } of layerChanges) {
        const amount = (sizeAfter ?? 0) - (sizeBefore ?? 0)
        if (kind === 'unchanged' || kind === 'rebuilt' || kind === 'moved') expect(amount).toBe(0)
        else expect(why!.moved + why!.rest + why!.parts.reduce((sum, part) => sum + part.amount, 0)).toBe(amount)
        amounts += amount
      }
      expect(change?.size?.amount).toBe(amounts)
      // What only moved is on no side more.
      expect(layerChanges.reduce((sum, { why }) => sum + (why?.moved ?? 0), 0)).toBe(0)
    }),
    { numRuns: 500 },
  )
})
