import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { layFiles } from '../../support/contents.ts'
import { type ImageFile } from '../../../src/image/runs.ts'
import type { FileFact } from '../../../src/image/layer/facts.ts'
import type { LayerEntry } from '../../../src/image/layer/entries.ts'
import { findPackages } from '../../../src/image/packages/packages.ts'
import { inspect, rows, type Content } from './inspect.ts'

const file = (path: string, facts: FileFact[] = []): LayerEntry => ({
  kind: 'file',
  path,
  size: 10,
  mode: 0o644,
  uid: 0,
  gid: 0,
  checksum: null,
  facts,
})
const sum = (sizes: { size: number }[]): number => sizes.reduce((total, { size }) => total + size, 0)
const isOwned = (each: ImageFile): boolean => each.lost === null && each.package !== null

describe('the packages of an image', () => {
  it('own a file once: the distribution’s first, then what lies in its folders', async () => {
    const { packages, files } = await inspect({
      'var/lib/dpkg/status': 'Package: nodejs\nStatus: install ok installed\n',
      'var/lib/dpkg/info/nodejs.list': '/usr/lib/node_modules/npm/index.js\n/usr/lib/python3/tool.py\n',
      'usr/lib/node_modules/npm/package.json': '{"name":"npm","version":"11.0.0"}',
      'usr/lib/node_modules/npm/index.js': '12345',
      'usr/lib/python3/tool.py': '1',
      'usr/lib/python3/tool-1.dist-info/METADATA': 'Name: tool\nVersion: 1\n',
      'usr/lib/python3/tool-1.dist-info/RECORD': 'tool.py,,\n',
    })
    expect(rows(packages)).toEqual(['dpkg nodejs null 6', 'npm npm 11.0.0 33'])
    expect(files.map((each) => each.package)).toEqual([null, null, 1, 0, 0, null, null])
  })

  it('have the files of a folder that were lost, without their bytes', async () => {
    const { packages, files } = await inspect(
      {
        'app/node_modules/a/package.json': '{"name":"a","version":"1.0.0"}',
        'app/node_modules/a/docs/readme': 'x'.repeat(1_000),
        'app/node_modules/b/package.json': '{"name":"b","version":"1.0.0"}',
      },
      { 'app/node_modules/a/.wh.docs': '', 'app/node_modules/.wh.b': '' },
    )
    expect(rows(packages)).toEqual(['npm a 1.0.0 30'])
    expect(files.map((each) => [each.path, each.package])).toEqual([
      ['/app/node_modules/a/package.json', 0],
      ['/app/node_modules/a/docs/readme', 0],
      ['/app/node_modules/b/package.json', null],
    ])
  })

  it('are as large together as the files that are theirs, whatever the records claim', async () => {
    const path = fc.constantFrom(
      '/a',
      '/b/a',
      '/b/c.py',
      '/b/../a',
      '//b',
      '/x/y',
      '/b/node_modules/n/package.json',
      '../a',
      '',
    )
    const list = fc.array(path).map((paths) => paths.join('\n'))
    await fc.assert(
      fc.asyncProperty(fc.tuple(list, list, list, list), async ([one, other, third, fourth]) => {
        const files: Record<string, Content> = {
          'var/lib/dpkg/status':
            'Package: p\nStatus: install ok installed\n\nPackage: q\nStatus: install ok installed\n',
          'var/lib/dpkg/info/p.list': one,
          'var/lib/dpkg/info/q.list': other,
          'lib/apk/db/installed': `P:r\nV:1\nF:\n${third.replaceAll(/^/gm, 'R:')}\n`,
          'b/d-1.dist-info/METADATA': 'Name: d\nVersion: 1\n',
          'b/d-1.dist-info/RECORD': fourth,
          'b/node_modules/n/package.json': '{"name":"n"}',
          'b/node_modules/n/node_modules/m/package.json': '{"name":"m"}',
          a: 'aaa',
          'b/a': { link: 'a' },
          'b/c.py': 'cc',
          'b/__pycache__/c.cpython-311.pyc': 'c',
          x: { symlink: 'b' },
          'b/y': 'y',
        }
        const { packages, files: laid } = await inspect(files)
        expect(sum(packages)).toBe(sum(laid.filter(isOwned)))
        for (const each of laid) expect(each.package === null || packages[each.package] !== undefined).toBe(true)
      }),
    )
  })
})

describe('an image with very many', () => {
  it('files and packages has each found, in one pass', () => {
    const entries: LayerEntry[] = []
    for (let at = 0; at < 5_000; at++) {
      const folder = `/app/node_modules/package-${at}`
      const dependencies = [`package-${at + 1}`, `package-${(at * 7) % 5_000}`]
      entries.push(
        file(`${folder}/package.json`, [
          { kind: 'npm', of: 'package', name: `package-${at}`, version: '1.0.0', dependencies },
        ]),
      )
      for (let each = 0; each < 20; each++) entries.push(file(`${folder}/lib/${each}.js`))
    }
    entries.push(
      file('/app/package.json', [
        { kind: 'npm', of: 'project', dependencies: ['package-4000'], devDependencies: ['package-0'] },
      ]),
    )
    const packages = findPackages(layFiles([entries])!)
    expect(packages).toHaveLength(5_000)
    expect(packages.every(({ size }) => size === 210)).toBe(true)
    expect(packages.every(({ dev }) => dev !== null)).toBe(true)
  })

  it('list entries, most of them of nothing, has the sizes of what is there', () => {
    const lines = Array.from({ length: 1_000_000 }, (_, at) => `/usr/share/${at % 1_000}/../${at}/file`)
    const laid = layFiles([
      [
        file('/var/lib/dpkg/status', [
          { kind: 'dpkg', of: 'packages', packages: [{ name: 'a', version: '1', architecture: 'all' }] },
        ]),
        file('/var/lib/dpkg/info/a.list', [{ kind: 'dpkg', of: 'files', files: lines.join('\n') }]),
        ...Array.from({ length: 1_000 }, (_, at) => file(`/usr/share/${at}/file`)),
      ],
    ])!
    expect(rows(findPackages(laid))).toEqual(['dpkg a 1 10000'])
  })
})
