import { grouped } from '../groups.ts'
import { byFolder, type ImageFile } from '../image/runs.ts'
import type { Measurement } from '../image/measurement.ts'
import { bloatFiles } from './context-bloat.ts'
import { devFiles } from './dev-dependencies.ts'
import type { Found, Rule, Words } from './finding.ts'
import { isPlain, lineOf } from './instruction.ts'
import { cacheFiles } from './package-cache.ts'
import { toolchainFiles } from './toolchain.ts'
import { leftFiles } from './vcs-and-tests.ts'
import { findingIn, isOwn, largestFirst, mainLayer } from './weigh.ts'

/** Bytes of a file from which a second one is worth a word. */
const FLOOR = 500_000

/**
 * The same content at several paths: equal in size and checksum. Hard links are one file. What other rules have taken out goes with it.
 * Copies in the base image stay, so each one of the image's own is too much beside them.
 */
export const duplicateFiles: Rule = (image) => {
  const told = [toolchainFiles(image), cacheFiles(image), bloatFiles(image), devFiles(image), leftFiles(image)]
  const summed = byFolder(image.content?.files ?? []).flatMap(({ withChecksum }) => withChecksum)
  const groups = grouped(summed, (file) => {
    const { size, checksum, lost } = file
    if (size < FLOOR || checksum === null || lost !== null || told.some((files) => files.has(file))) return null
    return `${size} ${checksum}`
  })
  return largestFirst([...groups.values()].flatMap((files) => findingOf(image, files) ?? []))
}

function findingOf(image: Measurement, files: ImageFile[]): (Found & { bytes: number }) | null {
  const own = files.filter((file) => isOwn(image, file))
  const [first] = files as [ImageFile]
  const kept = own.length < files.length ? 0 : 1
  const copies = own.slice(kept)
  if (copies.length === 0) return null
  const layer = mainLayer(image, copies)
  const { paths, count } = findingIn(image, files, { what: [], fix: [], key: '' })
  return {
    what: [files.length === 2 ? 'the same file twice,' : `the same file ${files.length} times,`],
    paths,
    count,
    bytes: copies.length * first.size,
    layer,
    otherLayer: null,
    fix: fixOf(first, copies[0]!, lineOf(layer)),
    key: `duplicate-files:${first.size} ${first.checksum}`,
  }
}

function fixOf(first: ImageFile, copy: ImageFile, line: Words): Words {
  const command: Words =
    isPlain(first.path) && isPlain(copy.path) ? [': ', { code: `ln -s ${first.path} ${copy.path}` }] : []
  return ['let ', ...line, ' link it', ...command, ', or bring it in once']
}
