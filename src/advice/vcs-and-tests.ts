import { byFolder, type FolderRun, type ImageFile } from '../image/runs.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import { bloatFiles } from './context-bloat.ts'
import { devFiles } from './dev-dependencies.ts'
import type { Rule, Words } from './finding.ts'
import { keepOut } from './instruction.ts'
import { coverageReports, leftoverOf, type LeftoverKind } from './leftovers.ts'
import { cacheFiles } from './package-cache.ts'
import { toolchainFiles } from './toolchain.ts'
import {
  bytesOf,
  distributionPackage,
  findingIn,
  groupedByFolder,
  isOwn,
  largestFirst,
  mainLayer,
  oncePerImage,
} from './weigh.ts'

/** Bytes from which it is worth a word. */
const FLOOR = 100_000
/** Of what packages bring along, which takes more than a line of `.dockerignore` to leave out. */
const PACKAGES_FLOOR = 5_000_000

type Kind = LeftoverKind | 'packages'

const KINDS: Record<Kind, Words> = {
  vcs: ["version control's history"],
  coverage: ['a coverage report'],
  editor: ["an editor's settings"],
  tools: ["a tool's cache"],
  log: ['log files'],
  tests: ['tests and their data'],
  packages: ['tests that packages bring along'],
}

/** What a working copy has and an image does not need, in the image's own layers; what came from the context is told by `context-bloat`. */
export const vcsAndTests: Rule = (image) => {
  const { byKind, folders } = leftIn(image)
  return largestFirst(
    byKind.map(([kind, files]) =>
      findingIn(image, files, {
        what: KINDS[kind],
        fix: fixOf(kind, mainLayer(image, files), files, folders),
        key: `vcs-and-tests:${kind}`,
        placeOf: (file) => folders.get(file)!,
      }),
    ),
  )
}

/** The files that are told as left over. */
export function leftFiles(image: Measurement): Set<ImageFile> {
  return new Set(leftIn(image).byKind.flatMap(([, files]) => files))
}

/** By kind, those that are worth a word; and each file's folder. */
const leftIn = oncePerImage((image): { byKind: [Kind, ImageFile[]][]; folders: Map<ImageFile, string> } => {
  const folders = new Map<ImageFile, string>()
  const byKind = groupedByFolder(image.content?.files ?? [], kindIn(image, folders))
  const floor = (kind: Kind): number => (kind === 'packages' ? PACKAGES_FLOOR : FLOOR)
  return { byKind: [...byKind].filter(([kind, files]) => bytesOf(files) >= floor(kind)), folders }
})

/** Tells, folder by folder, the kind of what is left over, and notes the outermost folder of it. */
function kindIn(
  image: Measurement,
  folders: Map<ImageFile, string>,
): (run: FolderRun) => ((file: ImageFile) => Kind | null) | null {
  const { content } = image
  const reports = coverageReports(byFolder(content?.files ?? []))
  const told = [bloatFiles(image), toolchainFiles(image), cacheFiles(image), devFiles(image)]
  const kindOf = (file: ImageFile, leftover: ReturnType<typeof leftoverOf>): Kind | null => {
    if (content === null || leftover === null || file.lost !== null) return null
    const { kind, folder, inPackage } = leftover
    const isTest = kind === 'tests' || kind === 'coverage'
    if (inPackage && !isTest && kind !== 'vcs') return null
    // Beside the app's: what is installed below /usr has folders of such names that programs read.
    if (isTest && !inPackage && /^\/(?:usr(?!\/src\/)|lib\w*|etc|var(?!\/www\/)|s?bin)\//.test(file.path)) return null
    if (told.some((files) => files.has(file)) || distributionPackage(content, file) !== null) return null
    folders.set(file, folder)
    return inPackage && isTest ? 'packages' : kind
  }
  return (run) => {
    if (!isOwn(image, run) || run.folder.startsWith('/var/log/')) return null
    // A folder decides for all that lies in it, but for logs.
    const leftover = leftoverOf(`${run.folder}x`, reports)
    if (leftover !== null) return (file) => kindOf(file, leftover)
    if (!run.mayHave('.log')) return null
    return (file) => (file.path.includes('.log') ? kindOf(file, leftoverOf(file.path, reports)) : null)
  }
}

function fixOf(kind: Kind, layer: Layer | null, files: ImageFile[], folders: ReadonlyMap<ImageFile, string>): Words {
  if (kind === 'packages') return ['delete them in the ', { code: 'RUN' }, ' that installs the packages']
  const names = new Set(files.map((file) => (kind === 'log' ? '*.log' : nameOf(folders.get(file)!))))
  const [name = ''] = names
  return keepOut(layer, `**/${name}`)
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('/') + 1)
}
