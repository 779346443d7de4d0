import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { pythonReader } from '../../../src/image/packages/python.ts'
import { fixture, inspect, rows } from './inspect.ts'

const SITE = 'usr/local/lib/python3.11/site-packages'
/** What pip wrote when it installed bottle. */
const info = {
  [`${SITE}/bottle-0.13.2.dist-info/METADATA`]: fixture('METADATA'),
  [`${SITE}/bottle-0.13.2.dist-info/RECORD`]: fixture('RECORD'),
}
const infoSize = fixture('METADATA').length + fixture('RECORD').length

describe('packages of Python', () => {
  it('have the files of their record, also those outside of site-packages', async () => {
    const { packages, ofPackage } = await inspect({
      ...info,
      [`${SITE}/bottle.py`]: 'x'.repeat(1_000),
      [`${SITE}/__pycache__/bottle.cpython-311.pyc`]: 'x'.repeat(200),
      [`${SITE}/__pycache__/other.cpython-311.pyc`]: 'of nobody',
      'usr/local/bin/bottle': 'x'.repeat(30),
      'usr/local/bin/other': 'of nobody',
    })
    expect(rows(packages)).toEqual([`python bottle 0.13.2 ${infoSize + 1_230}`])
    expect(packages[0]!.path).toBe(`/${SITE}/bottle-0.13.2.dist-info`)
    expect(ofPackage('bottle')).toHaveLength(5)
  })

  it('have what was compiled of their modules later', async () => {
    const { packages } = await inspect(
      { ...info, [`${SITE}/bottle.py`]: 'x' },
      {
        [`${SITE}/__pycache__/bottle.cpython-312.opt-1.pyc`]: 'x'.repeat(10),
        [`${SITE}/__pycache__/bottle2.cpython-312.pyc`]: 'of nobody',
      },
    )
    expect(rows(packages)).toEqual([`python bottle 0.13.2 ${infoSize + 11}`])
  })

  it('without a record are their metadata', async () => {
    const { packages } = await inspect({
      [`${SITE}/foo-1.0.dist-info/METADATA`]: 'Name: foo\nVersion: 1.0\n',
      [`${SITE}/foo-1.0.dist-info/INSTALLER`]: 'conda',
      [`${SITE}/foo/__init__.py`]: 'not known whose',
    })
    expect(rows(packages)).toEqual(['python foo 1.0 28'])
  })

  it('that setuptools installed have the list that pip made of it', async () => {
    const { packages } = await inspect({
      [`${SITE}/old-2.0.egg-info/PKG-INFO`]: 'Metadata-Version: 1.0\nName: old\nVersion: 2.0\n',
      [`${SITE}/old-2.0.egg-info/installed-files.txt`]: '../old/__init__.py\nPKG-INFO\n',
      [`${SITE}/old/__init__.py`]: 'x'.repeat(100),
    })
    expect(rows(packages)).toEqual(['python old 2.0 145'])
  })

  it('are not those that a package brings along for itself, nor those of a Debian package', async () => {
    const vendored = `${SITE}/setuptools/_vendor/wheel-1.0.dist-info/METADATA`
    const { packages } = await inspect({
      'var/lib/dpkg/status': 'Package: python3-yaml\nStatus: install ok installed\n',
      'var/lib/dpkg/info/python3-yaml.list':
        '/usr/lib/python3/dist-packages/PyYAML-6.egg-info/PKG-INFO\n/usr/lib/python3/dist-packages/yaml.py\n',
      'usr/lib/python3/dist-packages/PyYAML-6.egg-info/PKG-INFO': 'Name: PyYAML\nVersion: 6\n',
      'usr/lib/python3/dist-packages/yaml.py': 'x',
      'usr/lib/python3/dist-packages/__pycache__/yaml.cpython-311.pyc': 'xx',
      [vendored]: 'Name: wheel\nVersion: 1.0\n',
      [`${SITE}/setuptools-70.dist-info/METADATA`]: 'Name: setuptools\nVersion: 70\n',
      [`${SITE}/setuptools-70.dist-info/RECORD`]: 'setuptools/_vendor/wheel-1.0.dist-info/METADATA,,\n',
    })
    expect(rows(packages)).toEqual(['dpkg python3-yaml null 27', 'python setuptools 70 25'])
  })
})

describe('what Python’s files tell', () => {
  const read = (path: string, content: Buffer) => {
    const reader = pythonReader(path, content.length)
    reader?.push(content)
    return reader?.end() ?? null
  }

  it('is nothing of files that are no records', () => {
    for (const path of ['METADATA', 'a-info/METADATA', 'a.dist-info/PKG-INFO', 'a.egg-info/RECORD', 'RECORD'])
      expect([path, pythonReader(path, 10)]).toEqual([path, null])
  })

  it('is not what stands in the description', () => {
    const metadata = Buffer.from('Metadata-Version: 2.1\nName: a\n\nVersion: 9\nName: b\n')
    expect(read('a.dist-info/METADATA', metadata)).toMatchObject({ name: 'a', version: null })
    expect(read('a.dist-info/METADATA', Buffer.from('\nVersion: 9\n'))).toBeNull()
  })

  it('is of a description of any length what stands before it', () => {
    const content = Buffer.from(`Name: a\nVersion: 1\n\n${'x'.repeat(20_000_000)}`)
    expect(read('a.dist-info/METADATA', content)).toMatchObject({ name: 'a', version: '1' })
  })

  it('is what was written, whatever is in the names', () => {
    // As Python's csv module writes them.
    const field = (path: string): string => (/[",]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path)
    const path = fc.stringMatching(/^[ -~é]{1,40}$/).filter((each) => !each.includes('\\'))
    fc.assert(
      fc.property(fc.array(path, { minLength: 1 }), fc.constantFrom('\n', '\r\n'), (paths, end) => {
        const record = paths.map((each) => `${field(each)},sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0${end}`)
        expect(read('a.dist-info/RECORD', Buffer.from(record.join('')))).toMatchObject({ files: paths.join('\n') })
      }),
    )
  })

  it('never throws, whatever the bytes', () => {
    const path = fc.constantFrom('a.dist-info/RECORD', 'a.dist-info/METADATA', 'a.egg-info/installed-files.txt')
    const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each))
    const text = fc
      .array(fc.constantFrom('"', ',', '\n', 'a', '""', 'Name:', 'Version: '))
      .map((each) => Buffer.from(each.join('')))
    fc.assert(fc.property(path, fc.oneof(bytes, text), (at, content) => void read(at, content)))
  })
})
