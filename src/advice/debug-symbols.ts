import type { ElfFact } from '../image/layer/elf.ts'
import { grouped } from '../groups.ts'
import { byFolder, type ImageFile } from '../image/runs.ts'
import type { Layer } from '../image/measurement.ts'
import { bloatFiles } from './context-bloat.ts'
import { devFiles } from './dev-dependencies.ts'
import { MAX_PATHS, type Found, type Rule, type Words } from './finding.ts'
import { isPlain, keywordOf, originOf } from './instruction.ts'
import { cacheFiles } from './package-cache.ts'
import { toolchainFiles } from './toolchain.ts'
import { leftFiles } from './vcs-and-tests.ts'
import { distributionPackage, isOwn, largestFirst } from './weigh.ts'

/** Bytes of symbols from which stripping is worth a word. */
const FLOOR = 50_000

/** Symbols and debugging information of programs and libraries, by the layer that has them and by what strips them. */
export const debugSymbols: Rule = (image) => {
  const { content } = image
  if (content === null) return []
  const told = [toolchainFiles(image), cacheFiles(image), bloatFiles(image), devFiles(image), leftFiles(image)]
  /** Of files that are the same `duplicate-files` takes all but one. */
  const seen = new Set<string>()
  const facts = new Map<ImageFile, ElfFact>()
  for (const file of byFolder(content.files).flatMap(({ withFacts }) => withFacts)) {
    const fact = file.facts.find(({ kind }) => kind === 'elf')
    if (fact?.kind !== 'elf' || file.lost !== null || !isOwn(image, file)) continue
    const same = `${file.size} ${file.checksum}`
    if (told.some((files) => files.has(file)) || (file.checksum !== null && seen.has(same))) continue
    seen.add(same)
    // A distribution's packages come stripped of what it thinks is too much.
    if (distributionPackage(content, file) === null) facts.set(file, fact)
  }
  const saved = (file: ImageFile): number => facts.get(file)!.symbols + facts.get(file)!.debug
  const groups = grouped(facts.keys(), (file) => `${file.layer} ${facts.get(file)!.go}`)
  const found = [...groups.values()].map((files): Found & { bytes: number } => {
    const largest = files.toSorted((one, other) => saved(other) - saved(one))
    const [{ layer: at }] = files as [ImageFile]
    const { go } = facts.get(files[0]!)!
    const layer = image.layers[at] ?? null
    return {
      what: [files.some((file) => facts.get(file)!.debug > 0) ? 'debugging information and symbols' : 'symbols'],
      paths: largest.slice(0, MAX_PATHS).map(({ path }) => path),
      count: files.length,
      bytes: files.reduce((sum, file) => sum + saved(file), 0),
      layer,
      otherLayer: null,
      fix: fixOf(go, layer, largest[0]!),
      key: `debug-symbols:${go ? 'go' : 'elf'} ${keywordOf(layer)}`,
    }
  })
  return largestFirst(found.filter(({ bytes }) => bytes >= FLOOR))
}

function fixOf(go: boolean, layer: Layer | null, { path }: ImageFile): Words {
  if (go) return ['build with ', { code: 'go build -ldflags="-s -w"' }]
  const from = layer && originOf(layer).from
  const place = from === 'stage' ? ' in the stage that builds it' : from === 'run' ? ' in the same ' : ''
  return [
    'run ',
    { code: isPlain(path) ? `strip ${path.slice(path.lastIndexOf('/') + 1)}` : 'strip' },
    place,
    ...(from === 'run' ? [{ code: 'RUN' }] : []),
  ]
}
