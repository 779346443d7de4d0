import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { dpkgReader } from '../../../src/image/packages/dpkg.ts'
import { fixture, inspect, rows } from './inspect.ts'

/** Of a debian:bookworm-slim in which `adduser` was removed and `base-passwd` is held. */
const status = fixture('dpkg-status')
const info = 'var/lib/dpkg/info/'

describe('packages of dpkg', () => {
  it('are those that are installed, held ones too, with the files that their lists have', async () => {
    const image = await inspect({
      'var/lib/dpkg/status': status,
      [`${info}libgcc-s1:amd64.list`]: fixture('libgcc-s1.list'),
      [`${info}base-passwd.list`]: fixture('base-passwd.list'),
      // As in an image whose /usr is merged: the list says /lib.
      lib: { symlink: 'usr/lib' },
      'usr/lib/x86_64-linux-gnu/libgcc_s.so.1': 'x'.repeat(125_312),
      'usr/sbin/update-passwd': 'y'.repeat(1_000),
      'usr/share/base-passwd/passwd.master': 'z'.repeat(10),
      'usr/share/doc/libgcc-s1': { symlink: 'gcc-12-base' },
      'usr/share/doc/gcc-12-base/copyright': 'of gcc-12-base',
      'etc/passwd': 'nobody’s',
    })
    expect(rows(image.packages)).toEqual([
      'dpkg base-passwd 3.6.1 1010',
      'dpkg libc6 2.36-9+deb12u14 0',
      'dpkg libgcc-s1 12.2.0-14+deb12u1 125312',
    ])
    expect(image.ofPackage('libgcc-s1')).toEqual(['/usr/lib/x86_64-linux-gnu/libgcc_s.so.1'])
    expect(image.packages.map(({ path, dev }) => [path, dev])).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ])
  })

  it('are those of the last status file: what a layer removed is gone, and its files are nobody’s', async () => {
    const both = 'Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: install ok installed\n'
    const image = await inspect(
      { 'var/lib/dpkg/status': both, [`${info}a.list`]: '/.\n/a\n', [`${info}b.list`]: '/b\n', a: 'aa', b: 'b' },
      { 'var/lib/dpkg/status': both.split('\n\n')[1]!, [`${info}.wh.a.list`]: '', '.wh.a': '' },
    )
    expect(rows(image.packages)).toEqual(['dpkg b null 1'])
    expect(image.files.find(({ path }) => path === '/a')).toMatchObject({
      lost: { layer: 1, how: 'removed' },
      package: null,
    })
  })

  it('own a file under its own name only, and a hard link once', async () => {
    const { packages, ofPackage } = await inspect({
      'var/lib/dpkg/status':
        'Package: alias\nStatus: install ok installed\n\nPackage: perl\nStatus: install ok installed\n',
      [`${info}alias.list`]: '/usr/bin/perl-link\n',
      [`${info}perl.list`]: '/usr/bin/perl\n/usr/bin/perl5.36\n',
      'usr/bin/perl5.36': 'x'.repeat(100),
      'usr/bin/perl': { link: 'usr/bin/perl5.36' },
      'usr/bin/perl-link': { symlink: 'perl' },
    })
    expect(rows(packages)).toEqual(['dpkg alias null 0', 'dpkg perl null 100'])
    expect(ofPackage('perl')).toEqual(['/usr/bin/perl5.36'])
  })

  it('have their architecture in the name where there are several', async () => {
    const one = (architecture: string): string =>
      `Package: libc6\nStatus: install ok installed\nArchitecture: ${architecture}\nVersion: 2\n`
    const { packages } = await inspect({
      'var/lib/dpkg/status': `${one('amd64')}\n${one('i386')}\n`,
      [`${info}libc6:amd64.list`]: '/lib64/libc.so\n',
      [`${info}libc6:i386.list`]: '/lib/libc.so\n',
      'lib64/libc.so': 'four',
      'lib/libc.so': 'two',
    })
    expect(rows(packages)).toEqual(['dpkg libc6:amd64 2 4', 'dpkg libc6:i386 2 3'])
  })

  it('of a distroless image are in files of their own, with sums for a list', async () => {
    const { packages } = await inspect({
      'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2026b-0+deb12u1\nArchitecture: all\n',
      'var/lib/dpkg/status.d/tzdata.md5sums':
        '0fa9d2ba9dbb7ae6cd8c0a2dd3a6a3b0  usr/share/zoneinfo/Europe/Oslo\nfe3d2b6f0a5f3f3a2b06e8bd1b2dd1d9 *usr/share/a b\n',
      'usr/share/zoneinfo/Europe/Oslo': 'x'.repeat(705),
      'usr/share/a b': '12345',
    })
    expect(rows(packages)).toEqual(['dpkg tzdata 2026b-0+deb12u1 710'])
  })

  it('may have names like parts of JavaScript, and lists that lead nowhere', async () => {
    const { packages } = await inspect({
      'var/lib/dpkg/status': ['__proto__', 'constructor', 'toString']
        .map((name) => `Package: ${name}\nStatus: install ok installed\n`)
        .join('\n'),
      [`${info}__proto__.list`]: Buffer.from('/caf\xe9\n\n/\n', 'latin1'),
      [`${info}toString.list`]: '/toString\n/../../toString/../x\n',
      ...Object.fromEntries([['toString', '22']]),
    })
    expect(rows(packages)).toEqual(['dpkg __proto__ null 0', 'dpkg constructor null 0', 'dpkg toString null 2'])
  })
})

it('goes through a list once, however many packages ask for it', async () => {
  const stanza = 'Package: a\nStatus: install ok installed\n\n'
  const { packages } = await inspect({
    'var/lib/dpkg/status': stanza.repeat(20_000),
    [`${info}a.list`]: `/a\n${'/none\n'.repeat(100_000)}`,
    a: '12345',
  })
  expect(packages).toHaveLength(20_000)
  expect(packages[0]).toMatchObject({ name: 'a', size: 5 })
})

describe('what dpkg’s files tell', () => {
  const read = (path: string, content: Buffer) => {
    const reader = dpkgReader(path, content.length)
    reader?.push(content)
    return reader?.end() ?? null
  }

  it('is nothing of files that are no records', () => {
    for (const path of [
      'etc/passwd',
      'var/lib/dpkg/status-old',
      'var/lib/dpkg/info/a.md5sums',
      'x/var/lib/dpkg/status',
    ])
      expect(dpkgReader(path, 10)).toBeNull()
    expect(dpkgReader('var/lib/dpkg/status', 17 * 1024 * 1024)).toBeNull()
  })

  it('is what was written, with any fields between and any line ends', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,40}$/)
    const version = fc.stringMatching(/^[0-9][A-Za-z0-9.+~:-]{0,30}$/)
    const packages = fc.array(fc.record({ name, version }), { minLength: 1, maxLength: 20 })
    const other = fc.constantFrom(
      'Depends: libc6 (>= 2)',
      ' continued: Package: x',
      '\tPackage: y',
      'Description: :',
      ':',
    )
    fc.assert(
      fc.property(
        packages,
        fc.array(other, { maxLength: 4 }),
        fc.constantFrom('\n', '\r\n'),
        (expected, others, end) => {
          const text = expected.flatMap((each) => [
            `Package: ${each.name}`,
            ...others,
            'Status: install ok installed',
            'Architecture: all',
            `Version: ${each.version}`,
            '',
          ])
          expect(read('var/lib/dpkg/status', Buffer.from(text.join(end)))).toEqual({
            kind: 'dpkg',
            of: 'packages',
            packages: expected.map((each) => ({ ...each, architecture: 'all' })),
          })
        },
      ),
    )
  })

  it('never throws, whatever the bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each))
    const lines = fc
      .array(fc.constantFrom('Package: a', 'Status: install ok installed', '', ':', 'Version:', ' ', '\r', 'Package:'))
      .map((each) => Buffer.from(each.join('\n')))
    const path = fc.constantFrom('var/lib/dpkg/status', `${info}a.list`, 'var/lib/dpkg/status.d/a.md5sums')
    fc.assert(fc.property(path, fc.oneof(bytes, lines), (at, content) => void read(at, content)))
  })
})
