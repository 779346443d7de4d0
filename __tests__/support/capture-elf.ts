/**
 * Captures ELF files as fixtures of `__tests__/image/layer/elf.test.ts`: what the linker wrote of their structure (header, section
 * headers, names of sections) as it is and where it is, all else as zeros, packed by gzip. Each file is taken as NAME=PATH.
 *
 *     printf 'package main\nfunc main() { println("hello") }\n' > main.go
 *     for arch in amd64 386 mips s390x; do CGO_ENABLED=0 GOARCH=$arch go build -o go-$arch main.go; done
 *     g++ -g -o gnu hello.cc && g++ -fuse-ld=lld -g -o lld hello.cc && gcc -g -shared -fPIC -o library hello.c && gcc -c -g -o object hello.c
 *     node __tests__/support/capture-elf.ts go-amd64=go-amd64 …
 *
 * What stripping saves of the originals is what `strip -s` (GNU binutils 2.40) says, of Go's the linker's `-s -w`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

for (const argument of process.argv.slice(2)) {
  const [name = '', path = ''] = argument.split('=')
  const file = readFileSync(path)
  const kept = Buffer.alloc(file.length)
  const keep = (at: number, length: number): void => void file.copy(kept, at, at, at + length)
  const [is64, isLittle] = [file[4] === 2, file[5] === 1]
  const u16 = (at: number): number => (isLittle ? file.readUInt16LE(at) : file.readUInt16BE(at))
  const u32 = (at: number): number => (isLittle ? file.readUInt32LE(at) : file.readUInt32BE(at))
  const word = (at: number): number =>
    is64 ? Number(isLittle ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at)) : u32(at)
  const sections = word(is64 ? 40 : 32)
  const [size, count, names] = [u16(is64 ? 58 : 46), u16(is64 ? 60 : 48), u16(is64 ? 62 : 50)]
  keep(0, is64 ? 64 : 52)
  keep(sections, size * count)
  keep(word(sections + names * size + (is64 ? 24 : 16)), word(sections + names * size + (is64 ? 32 : 20)))
  const target = fileURLToPath(new URL(`../image/layer/fixtures/elf/${name}.gz`, import.meta.url))
  writeFileSync(target, gzipSync(kept, { level: 9 }))
}
