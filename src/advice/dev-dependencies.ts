import { grouped } from '../groups.ts'
import { filesOf, type ImageFile } from '../image/runs.ts'
import type { Layer } from '../image/measurement.ts'
import { bloatFiles } from './context-bloat.ts'
import type { Rule, Words } from './finding.ts'
import { lineOf, originOf } from './instruction.ts'
import { cacheFiles } from './package-cache.ts'
import { toolchainFiles } from './toolchain.ts'
import { findingIn, isOwn, largestFirst, mainLayer, oncePerImage } from './weigh.ts'

/** The files that are told as development dependencies, with the folder that their packages lie in. */
export const devFiles = oncePerImage((image): ReadonlyMap<ImageFile, string> => {
  const { content } = image
  const found = new Map<ImageFile, string>()
  if (content === null) return found
  const others = [bloatFiles(image), cacheFiles(image), toolchainFiles(image)]
  const isDev = (owner: number): boolean => content.packages[owner]?.dev === true
  for (const file of filesOf(content.files, (run) => run.mayBeOf(isDev))) {
    const owner = file.package === null ? undefined : content.packages[file.package]
    if (owner?.dev !== true || file.lost !== null || !isOwn(image, file) || others.some((files) => files.has(file)))
      continue
    found.set(file, rootOf(owner.path ?? file.path))
  }
  return found
})

/** Packages that the image's own lock file or package.json has for development only; one finding for each folder that they lie in. */
export const devDependencies: Rule = (image) => {
  const roots = devFiles(image)
  const byRoot = grouped(roots.keys(), (file) => roots.get(file)!)
  const placeOf = ({ path, package: of }: ImageFile): string => image.content?.packages[of!]?.path ?? path
  return largestFirst(
    [...byRoot].map(([root, files]) => {
      const count = new Set(files.map((file) => file.package)).size
      return findingIn(image, files, {
        what: [count === 1 ? '1 development dependency' : `${count} development dependencies`],
        fix: fixOf(mainLayer(image, files)),
        key: `dev-dependencies:${root}`,
        placeOf,
      })
    }),
  )
}

/** The outermost folder of packages: `/app/node_modules` of `/app/node_modules/a/node_modules/b`. */
function rootOf(path: string): string {
  const name = '/node_modules'
  const at = path.indexOf(`${name}/`)
  return at === -1 ? path : path.slice(0, at + name.length)
}

/** How each package manager leaves them out, by what the instruction says. */
const MANAGERS: [RegExp, string][] = [
  [/\bpnpm\b/, 'pnpm install --prod'],
  [/\byarn\b/, 'yarn install --production'],
  [/\bbun\b/, 'bun install --production'],
]

function fixOf(layer: Layer | null): Words {
  const from = layer && originOf(layer).from
  const command = MANAGERS.find(([manager]) => manager.test(layer?.instruction ?? ''))?.[1] ?? 'npm ci --omit=dev'
  if (from === 'stage')
    return ['let ', ...lineOf(layer), ' copy ', { code: 'node_modules' }, ' from a stage that ran ', { code: command }]
  return from === 'context'
    ? ['add ', { code: 'node_modules' }, ' to ', { code: '.dockerignore' }, ', and install by ', { code: command }]
    : ['use ', { code: command }, ' in the final stage']
}
