import { grouped } from '../groups.ts'
import { byFolder, type FolderRun, type ImageFile } from '../image/runs.ts'
import type { Measurement } from '../image/measurement.ts'
import type { Rule, Words } from './finding.ts'
import { isPlainPattern, mayGive, originOf, type Origin } from './instruction.ts'
import { coverageReports, leftoverOf, type LeftoverKind } from './leftovers.ts'
import { bytesOf, commonFolder, findingIn, groupedByFolder, isOwn, largestFirst, oncePerImage } from './weigh.ts'
import { toolchainFiles } from './toolchain.ts'

/** Bytes from which it is worth a word. */
const FLOOR = 100_000

/**
 * What a build makes and an image may well need: too much only where the image makes it itself, in a layer below, or where a later layer
 * takes away what came from the context.
 */
const MADE = new Set(['node_modules', 'dist', 'build', 'target', 'out', '.next', '.venv', 'venv'])

/** A file that a `.dockerignore` keeps out. `folder`: in the image; `ignore`: in the context, null where that cannot be told. */
type Bloat = { name: string; kind: LeftoverKind | 'made'; folder: string; ignore: string | null }

const KINDS: Record<Exclude<LeftoverKind, 'tests'>, Words> = {
  vcs: ["version control's history, from the build context"],
  coverage: ['a coverage report, from the build context'],
  editor: ["an editor's settings, from the build context"],
  tools: ["a tool's cache, from the build context"],
  log: ['log files, from the build context'],
}

/** The files that `COPY` and `ADD` took from the build context and that do not belong into an image, also those that are lost. */
export function bloatFiles(image: Measurement): ReadonlyMap<ImageFile, unknown> {
  return bloatIn(image)
}

const bloatIn = oncePerImage(findBloat)

function findBloat(image: Measurement): Map<ImageFile, Bloat> {
  const bloat = new Map<ImageFile, Bloat>()
  const origins = image.layers.map((layer) => originOf(layer))
  const copied = groupedByFolder(image.content?.files ?? [], (run) =>
    origins[run.layer]?.from === 'context' && isOwn(image, run) ? () => run.layer : null,
  )
  if (image.content === null || copied.size === 0) return bloat
  const own = byFolder(image.content.files).filter((run) => isOwn(image, run))
  const makers = firstMakers(own, origins)
  const toolchains = toolchainFiles(image)
  // What another line copies by its name, the build would miss.
  const named = origins.flatMap((origin) => (origin?.from === 'context' ? origin.sources : [])).map(plainPath)
  const isNamed = (ignore: string | null): boolean =>
    ignore !== null &&
    named.some((source) => source === plainPath(ignore) || source.startsWith(`${plainPath(ignore)}/`))
  // What another COPY ships again, or what only gets another owner, is not made by the image.
  const makes = image.layers.map((layer, at) => origins[at]?.from !== 'context' && !mayGive(layer))
  const isMadeAgain = ({ lost }: ImageFile): boolean =>
    lost !== null && (lost.how === 'removed' || makes[lost.layer] === true)
  const reports = coverageReports(own)
  const environments = new Set(own.filter(isEnvironment).map(({ folder }) => folder.slice(0, -1)))
  for (const [layer, its] of copied) {
    const origin = origins[layer]
    if (origin?.from !== 'context') continue
    const root = rootOf(origin.destination, its)
    const reportsHere = reportsBelow(root, reports)
    const prefix = contextPrefix(origin.sources)
    for (const file of its) {
      if (!file.path.startsWith(`${root}/`) || toolchains.has(file)) continue
      const below = `/${file.path.slice(root.length + 1)}`
      const leftover = leftoverOf(below, reportsHere)
      const made = madeFolder(below)
      const name = made === null ? '' : nameOf(made)
      const inContext = (folder: string): string | null => (prefix === null ? null : `${prefix}${folder.slice(1)}`)
      if (made !== null && !(leftover !== null && made.startsWith(`${leftover.folder}/`))) {
        const folder = `${root}${made}`
        const remade = (makers.get(folder) ?? Infinity) < layer || environments.has(folder)
        if ((remade || isMadeAgain(file)) && !isNamed(inContext(made)))
          bloat.set(file, { name, kind: 'made', folder, ignore: inContext(made) })
      } else if (
        leftover !== null &&
        leftover.kind !== 'tests' &&
        !leftover.inPackage &&
        !isNamed(inContext(leftover.folder))
      ) {
        const { kind, folder } = leftover
        const of = kind === 'log' ? '*.log' : nameOf(folder)
        bloat.set(file, { name: of, kind, folder: `${root}${folder}`, ignore: inContext(folder) })
      }
    }
  }
  return bloat
}

/** Whether it is a virtual environment's folder: https://docs.python.org/3/library/venv.html */
function isEnvironment(run: FolderRun): boolean {
  return run.mayHave('pyvenv.cfg') && run.files.some(({ path }) => path.endsWith('/pyvenv.cfg'))
}

/** Relative to the context, without `./` and a final `/`. */
function plainPath(path: string): string {
  return path.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '')
}

/** The first layer that makes such a folder and takes nothing from the context, by the folder's path. */
function firstMakers(runs: FolderRun[], origins: Origin[]): Map<string, number> {
  const makers = new Map<string, number>()
  for (const { folder: of, layer } of runs) {
    const folder = madeFolder(of)
    if (folder === null || origins[layer]?.from === 'context') continue
    makers.set(folder, Math.min(layer, makers.get(folder) ?? layer))
  }
  return makers
}

/** The outermost folder on the way to a file that has such a name. */
function madeFolder(path: string): string | null {
  let start = 1
  for (let end = path.indexOf('/', start); end !== -1; end = path.indexOf('/', start)) {
    if (MADE.has(path.slice(start, end))) return path.slice(0, end)
    start = end + 1
  }
  return null
}

/** Reports' folders below the context's root; a `coverage` that stands right in it is one, whatever is in it. */
function reportsBelow(root: string, folders: ReadonlySet<string>): Set<string> {
  const below = [...folders].flatMap((folder) => (folder.startsWith(`${root}/`) ? [folder.slice(root.length)] : []))
  return new Set(['/coverage', ...below])
}

/** The folder of the image that the destination is. One that is relative lies in a `WORKDIR` that nothing tells: where the files are. */
function rootOf(destination: string, files: ImageFile[]): string {
  const wanted = destination.split('/').filter((name) => name !== '' && name !== '.')
  const path = wanted.map((name) => `/${name}`).join('')
  if (destination.startsWith('/')) return path
  const common = commonFolder(files.map((file) => file.path))
  const at = path === '' ? -1 : `${common}/`.lastIndexOf(`${path}/`)
  if (at !== -1) return common.slice(0, at + path.length)
  const left = madeFolder(`${common}/`) ?? leftoverOf(`${common}/x`, new Set())?.folder
  return left === undefined ? common : left.slice(0, left.lastIndexOf('/'))
}

/** What a path below the destination starts with in the context; null: of several sources nobody knows which. */
function contextPrefix(sources: string[]): string | null {
  const [source = '', ...others] = sources
  if (others.length > 0 || /[*?[\\$]/.test(source)) return null
  const names = source.split('/').filter((name) => name !== '' && name !== '.')
  return names.map((name) => `${name}/`).join('')
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('/') + 1)
}

/** What a `.dockerignore` should have kept out, one finding a name. */
export const contextBloat: Rule = (image) => {
  const bloat = bloatIn(image)
  const byName = [...grouped(bloat.keys(), (file) => bloat.get(file)!.name)]
  return largestFirst(
    byName
      .filter(([, files]) => bytesOf(files) >= FLOOR)
      .map(([name, files]) =>
        findingIn(image, files, {
          what: whatOf(bloat.get(files[0]!)!),
          fix: [
            'add ',
            {
              code: ignoreLine(
                name,
                files.map((file) => bloat.get(file)!),
              ),
            },
            ' to ',
            { code: '.dockerignore' },
          ],
          key: `context-bloat:${name}`,
          placeOf: (file) => bloat.get(file)!.folder,
        }),
      ),
  )
}

function whatOf({ kind, name }: Bloat): Words {
  if (kind === 'made') return [{ code: name }, ' from the build context, which the image makes itself']
  return kind === 'tests' ? [] : KINDS[kind]
}

/** The folder as it lies in the context; a pattern where there are several, or it is not known where it lies. */
function ignoreLine(name: string, bloat: Bloat[]): string {
  const lines = new Set(bloat.map(({ ignore }) => ignore))
  const [line = null] = lines
  return lines.size === 1 && line !== null && isPlainPattern(line) ? line : `**/${name}`
}
