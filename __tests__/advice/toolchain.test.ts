import { describe, expect, test } from '@jest/globals'
import { singleStage } from '../../src/advice/single-stage.ts'
import { findToolchains, toolchain, toolchainFiles } from '../../src/advice/toolchain.ts'
import { aFile, anImage, aPackage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const apt = aLayer('RUN apt-get install -y gcc', { line: 3 })
const copy = aLayer('COPY --from=build /app /app', { line: 9, copiedFrom: { kind: 'stage', name: 'build' } })

describe('a C toolchain', () => {
  const packages = [
    aPackage('dpkg', 'gcc-12'),
    aPackage('dpkg', 'libc6-dev'),
    aPackage('dpkg', 'gcc-12-base'),
    aPackage('dpkg', 'libgcc-s1'),
    aPackage('dpkg', 'libstdc++6'),
    aPackage('npm', 'make'),
  ]
  const files = [
    aFile('/usr/lib/gcc/x86_64-linux-gnu/12/cc1', 30_000_000, 1, { package: 0 }),
    aFile('/usr/include/stdio.h', 5_000_000, 1, { package: 1 }),
    aFile('/usr/share/doc/gcc-12-base/copyright', 2_000_000, 0, { package: 2 }),
    aFile('/usr/lib/x86_64-linux-gnu/libgcc_s.so.1', 2_000_000, 0, { package: 3 }),
    aFile('/usr/lib/x86_64-linux-gnu/libstdc++.so.6', 2_000_000, 0, { package: 4 }),
    aFile('/app/node_modules/make/index.js', 2_000_000, 2, { package: 5 }),
  ]

  test('is the packages that a compiler consists of, and not the libraries that programs need', () => {
    const [found, ...others] = toolchain(anImage([base, apt, copy], files, { packages }))
    expect(others).toEqual([])
    expect(found).toMatchObject({
      bytes: 35_000_000,
      paths: ['/usr/lib/gcc', '/usr/include'],
      count: 2,
      layer: { line: 3 },
      key: 'toolchain:c',
    })
    expect(plain(found!.what)).toBe('a C and C++ toolchain')
    expect(plain(found!.fix)).toBe('build in a stage of its own, and `COPY --from` it only what the image runs')
  })

  test('is headers and build tools where there is no compiler', () => {
    const headers = files.filter((file) => file.package !== 0)
    const [found] = toolchain(anImage([base, apt, copy], headers, { packages }))
    expect(plain(found!.what)).toBe('C headers and build tools')
    expect(found!.bytes).toBe(5_000_000)
  })

  test('is found by its places where no package database tells it', () => {
    const bare = [aFile('/usr/local/lib/gcc/x86_64-linux-gnu/14/cc1plus', 40_000_000, 0)]
    expect(toolchain(anImage([base], bare))).toMatchObject([{ bytes: 40_000_000, key: 'toolchain:c' }])
  })
})

test('Go counts with the modules and the build cache that it left behind, and not with what was installed', () => {
  const files = [
    aFile('/usr/local/go/bin/go', 14_000_000, 0),
    aFile('/usr/local/go/src/fmt/print.go', 40_000, 0),
    aFile('/go/pkg/mod/example.com/x@v1.0.0/x.go', 3_000_000, 1),
    aFile('/root/.cache/go-build/00/00-d', 2_000_000, 1),
    aFile('/go/bin/app', 9_000_000, 1),
  ]
  expect(toolchain(anImage([base, apt], files))).toMatchObject([{ bytes: 19_040_000, key: 'toolchain:go' }])
})

test('modules without the compiler are no toolchain: a cache has them', () => {
  expect(findToolchains(anImage([base, apt], [aFile('/go/pkg/mod/x/x.go', 30_000_000, 1)]))).toEqual([])
})

test('Rust counts with its registry, and without what `cargo install` made', () => {
  const files = [
    aFile('/usr/local/rustup/toolchains/stable/bin/rustc', 80_000_000, 0),
    aFile('/usr/local/cargo/registry/src/x/lib.rs', 1_000_000, 1),
    aFile('/usr/local/cargo/bin/cargo', 2_000_000, 0),
    aFile('/usr/local/cargo/bin/app', 4_000_000, 1),
  ]
  expect(toolchain(anImage([base, apt], files))).toMatchObject([{ bytes: 83_000_000, key: 'toolchain:rust' }])
})

test('of a JDK it is what a JRE has not', () => {
  const files = [
    aFile('/opt/java/openjdk/bin/javac', 20_000, 0),
    aFile('/opt/java/openjdk/bin/java', 20_000, 0),
    aFile('/opt/java/openjdk/jmods/java.base.jmod', 70_000_000, 0),
    aFile('/opt/java/openjdk/lib/modules', 130_000_000, 0),
    aFile('/opt/java/openjdk/lib/src.zip', 50_000_000, 0),
    aFile('/root/.m2/repository/a/a.jar', 9_000_000, 1),
  ]
  expect(toolchain(anImage([base, apt], files))).toMatchObject([{ bytes: 129_020_000, key: 'toolchain:java' }])
  const jre = files.filter(({ path }) => !path.endsWith('/javac'))
  expect(toolchain(anImage([base, apt], jre))).toEqual([])
})

test('a JDK of one package is told from what a JRE has, and a folder beside it is not its own', () => {
  const owned = { package: 0 }
  const files = [
    aFile('/usr/lib/jvm/temurin-21/bin/javac', 20_000, 0, owned),
    aFile('/usr/lib/jvm/temurin-21/lib/modules', 130_000_000, 0, owned),
    aFile('/usr/lib/jvm/temurin-21/jmods/java.base.jmod', 70_000_000, 0, owned),
    aFile('/opt/other/include/x.h', 5_000_000, 0),
  ]
  const image = anImage([base], files, { packages: [aPackage('dpkg', 'temurin-21-jdk')] })
  expect(toolchain(image)).toMatchObject([{ bytes: 70_020_000, key: 'toolchain:java' }])
})

test('what a JRE’s own package has is not told of the JDK beside it', () => {
  const files = [
    aFile('/usr/lib/jvm/java-17/bin/javac', 20_000, 0, { package: 0 }),
    aFile('/usr/lib/jvm/java-17/jmods/java.base.jmod', 70_000_000, 0, { package: 0 }),
    aFile('/usr/lib/jvm/java-17/lib/ct.sym', 8_000_000, 0, { package: 1 }),
  ]
  const packages = [aPackage('dpkg', 'openjdk-17-jdk-headless'), aPackage('dpkg', 'openjdk-17-jre-headless')]
  expect(toolchain(anImage([base], files, { packages }))).toMatchObject([{ bytes: 70_020_000 }])
})

test('headers that an interpreter’s image comes with are no toolchain', () => {
  const headers = [aFile('/usr/local/include/node/v8.h', 8_000_000, 0)]
  expect(toolchain(anImage([base, apt], headers))).toEqual([])
  expect(toolchain(anImage([base, apt], [aFile('/usr/local/include/x/x.h', 8_000_000, 1)]))).toHaveLength(1)
})

test('of Red Hat’s packages', () => {
  const packages = ['gcc-c++', 'glibc-devel', 'kernel-headers', 'libgcc', 'java-17-openjdk-devel'].map((name) =>
    aPackage('rpm', name),
  )
  const files = packages.map((_, at) => aFile(`/usr/lib/${at}`, 1_000_000 * (at + 1), 1, { package: at }))
  expect(toolchain(anImage([base, apt], files, { packages })).map(({ key, bytes }) => [key, bytes])).toEqual([
    ['toolchain:c', 6_000_000],
    ['toolchain:java', 5_000_000],
  ])
})

test('what came with the base image goes with another base image', () => {
  const image = anImage([base, apt], [aFile('/usr/local/go/bin/go', 14_000_000, 0)], {
    baseImage: { name: 'golang:1.24', digest: null, line: 1, instruction: 'FROM golang:1.24' },
  })
  expect(plain(toolchain(image)[0]!.fix)).toBe(
    'let the final stage start `FROM` an image without it instead of `golang:1.24`, and build in a stage of its own',
  )
})

test('a toolchain that a later layer removed is not in the image', () => {
  const lost = { layer: 2, how: 'removed' } as const
  const image = anImage([base, apt, copy], [aFile('/usr/local/go/bin/go', 14_000_000, 1, { lost })])
  expect(findToolchains(image)).toEqual([])
  expect(toolchainFiles(image).size).toBe(0)
})

describe('an image of one stage', () => {
  const files = [
    aFile('/usr/local/go/bin/go', 14_000_000, 0),
    aFile('/usr/lib/gcc/x86_64-linux-gnu/12/cc1', 30_000_000, 1),
    aFile('/usr/local/bin/app', 5_000_000, 1),
  ]

  test('is told once, with all that a second stage saves', () => {
    const image = anImage([base, apt], files, { stages: 1 })
    expect(toolchain(image)).toEqual([])
    const [found, ...others] = singleStage(image)
    expect(others).toEqual([])
    expect(found).toMatchObject({ bytes: 44_000_000, paths: ['/usr/lib/gcc', '/usr/local/go'] })
    expect(plain(found!.what)).toBe('build tools of Go, C and C++ beside the program')
    expect(plain(found!.fix)).toContain('build in a first stage')
  })

  test('of no known stages, or of two, is no such one', () => {
    expect(singleStage(anImage([base, apt], files, { stages: null }))).toEqual([])
    expect(singleStage(anImage([base, apt], files, { stages: 2 }))).toEqual([])
    expect(singleStage(anImage([base, apt], [files[2]!], { stages: 1 }))).toEqual([])
  })
})

test('of JDKs that are in an image many times the first twenty have their own files told', () => {
  const files = Array.from({ length: 30 }, (_, at) => [
    aFile(`/opt/${at}/bin/javac`, 1_000_000, 1),
    aFile(`/opt/${at}/jmods/java.base.jmod`, 1_000_000, 1),
  ]).flat()
  expect(toolchain(anImage([base, apt], files))[0]!.bytes).toBe(50_000_000)
})
