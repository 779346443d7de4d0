import { readFileSync } from 'node:fs'
import { layFiles } from '../../support/contents.ts'
import { type ImageFile } from '../../../src/image/runs.ts'
import { readLayer } from '../../../src/image/layer/read.ts'
import { findPackages } from '../../../src/image/packages/packages.ts'
import type { Package } from '../../../src/image/packages/package.ts'
import { member, streamOf, tar } from '../layer/archives.ts'

/** A file's content; or a link to another path; or a folder. */
export type Content = string | Buffer | { symlink: string } | { link: string } | { folder: true }

/** What is read of an image whose layers are tars of these files, by path, base layer first. */
export async function inspect(
  ...layers: Record<string, Content>[]
): Promise<{ packages: Package[]; files: ImageFile[]; ofPackage: (name: string) => string[] }> {
  const entries = await Promise.all(
    layers.map(async (files) => {
      const archive = tar(...Object.entries(files).map(([path, content]) => memberOf(path, content)))
      const read = await readLayer(streamOf(archive, [7_000]), { digest: null, diffId: null })
      return read.entries!
    }),
  )
  const laid = layFiles(entries)!
  const packages = findPackages(laid)
  const ofPackage = (name: string): string[] =>
    [...laid.files]
      .filter((file) => file.package !== null && packages[file.package]!.name === name)
      .map(({ path }) => path)
  return { packages, files: [...laid.files], ofPackage }
}

function memberOf(path: string, content: Content): Buffer {
  if (typeof content === 'object' && 'folder' in content) return member(`${path}/`, '', { flag: '5' })
  if (typeof content === 'string' || Buffer.isBuffer(content)) return member(path, content)
  return 'link' in content
    ? member(path, '', { flag: '1', link: content.link })
    : member(path, '', { flag: '2', link: content.symlink })
}

/** `ECOSYSTEM NAME VERSION SIZE`, and what is for development only, or is not. */
export function rows(packages: Package[]): string[] {
  return packages.map(
    ({ ecosystem, name, version, size, dev }) =>
      `${ecosystem} ${name} ${version} ${size}${dev === null ? '' : dev ? ' dev' : ' not dev'}`,
  )
}

/** What a real program wrote: see the test that reads it. */
export function fixture(name: string): Buffer {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url))
}

/** An ELF file of 64 bits that has these bytes at these places, and else what looks like code; writable from `data` on. */
export function program(parts: [at: number, bytes: Buffer][], size = 200_000, data = 4_096): Buffer {
  const file = Buffer.alloc(size, 0x90)
  file.fill(0, 0, 64 + 2 * 56)
  file.write('\x7fELF\x02\x01\x01', 'latin1')
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(2, 56)
  for (const [at, flags, start, end] of [
    [64, 5, 0, data],
    [120, 6, data, size],
  ] as const) {
    file.writeUInt32LE(1, at)
    file.writeUInt32LE(flags, at + 4)
    file.writeBigUInt64LE(BigInt(start), at + 8)
    file.writeBigUInt64LE(BigInt(end - start), at + 32)
  }
  for (const [at, bytes] of parts) bytes.copy(file, at)
  return file
}
