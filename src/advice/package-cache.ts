import { filesOf, type ImageFile, type ImageFiles } from '../image/runs.ts'
import type { Layer, Measurement } from '../image/measurement.ts'
import { anyOf } from '../patterns.ts'
import type { Rule, Words } from './finding.ts'
import { lineOf, originOf } from './instruction.ts'
import { toolchainFiles } from './toolchain.ts'
import {
  bytesOf,
  distributionPackage,
  findingIn,
  groupedByFolder,
  isOwn,
  largestFirst,
  mainLayer,
  parentOf,
  oncePerImage,
} from './weigh.ts'

/** Bytes from which a cache is worth a word. */
const FLOOR = 100_000

/** What a package manager keeps for its next run, which an image does not have. */
type Cache = {
  id: string
  what: Words
  /** Matches the cache's folder at the start of a path. */
  folder: RegExp
  /** What to add to the instruction that fills it: `command` at its end, or `option` to the manager's call. */
  fix: { command: string } | { option: string }
  /** Folder for a cache mount, where one does it as well. */
  mount: string | null
}

const HOME = String.raw`/(?:root|home/[^/]+|usr/local/share|usr/src/app|var/www|app)`
const inHome = (folder: string): RegExp => new RegExp(`^${HOME}/${folder}/`)

/**
 * None of pnpm and uv: their stores are hard links to what is installed, and to remove them saves nothing. None of conda, for the same
 * reason.
 */
const CACHES: Cache[] = [
  {
    id: 'apt',
    what: ["apt's package lists and cache"],
    folder: /^\/var\/(?:lib\/apt\/lists|cache\/apt)\//,
    fix: { command: 'apt-get clean && rm -rf /var/lib/apt/lists/*' },
    mount: null,
  },
  {
    id: 'apk',
    what: ["apk's package index and cache"],
    folder: /^\/(?:var\/cache\/apk|etc\/apk\/cache)\//,
    fix: { option: 'apk add --no-cache' },
    mount: null,
  },
  {
    id: 'dnf',
    what: ["the package manager's metadata and cache"],
    folder: /^\/var\/cache\/(?:dnf|yum|libdnf5|zypp)\//,
    fix: { command: 'dnf clean all' },
    mount: null,
  },
  {
    id: 'pip',
    what: ["pip's cache"],
    folder: inHome(String.raw`\.cache/pip`),
    fix: { option: 'pip install --no-cache-dir' },
    mount: '/root/.cache/pip',
  },
  {
    id: 'poetry',
    what: ["Poetry's cache"],
    folder: inHome(String.raw`\.cache/pypoetry/(?:cache|artifacts)`),
    fix: { option: 'poetry install --no-cache' },
    mount: '/root/.cache/pypoetry',
  },
  {
    id: 'npm',
    what: ["npm's cache"],
    folder: inHome(String.raw`\.npm/_cacache`),
    fix: { command: 'npm cache clean --force' },
    mount: '/root/.npm',
  },
  {
    id: 'yarn',
    what: ["Yarn's cache"],
    folder: new RegExp(String.raw`^${HOME}/\.cache/yarn/|^(?:/[^/]+){0,6}/\.yarn/cache/|^${HOME}/\.yarn/berry/cache/`),
    fix: { command: 'yarn cache clean' },
    mount: '/root/.cache/yarn',
  },
  {
    id: 'go',
    what: ["Go's module and build caches"],
    folder: new RegExp(String.raw`^(?:/go|${HOME}/go)/pkg/mod/|^${HOME}/\.cache/go-build/`),
    fix: { command: 'go clean -cache -modcache' },
    mount: '/root/.cache/go-build',
  },
  {
    id: 'maven',
    what: ["Maven's local repository"],
    folder: inHome(String.raw`\.m2/repository`),
    fix: { command: 'rm -rf ~/.m2/repository' },
    mount: '/root/.m2',
  },
  {
    id: 'gradle',
    what: ["Gradle's caches"],
    folder: inHome(String.raw`\.gradle/(?:caches|wrapper)`),
    fix: { command: 'rm -rf ~/.gradle' },
    mount: '/root/.gradle',
  },
  {
    id: 'cargo',
    what: ["Cargo's registry"],
    folder: new RegExp(String.raw`^(?:/usr/local/|${HOME}/\.)cargo/(?:registry|git)/`),
    fix: { command: 'rm -rf $CARGO_HOME/registry' },
    mount: '/usr/local/cargo/registry',
  },
  {
    id: 'composer',
    what: ["Composer's cache"],
    folder: inHome(String.raw`(?:\.composer|\.cache/composer)/(?:cache|files|repo)`),
    fix: { command: 'composer clear-cache' },
    mount: '/root/.composer/cache',
  },
  {
    id: 'gem',
    what: ["RubyGems' downloads"],
    folder: /^\/(?:usr\/local\/bundle|usr\/local\/lib\/ruby\/gems\/[\d.]+|var\/lib\/gems\/[\d.]+)\/cache\//,
    fix: { command: 'rm -rf "$(gem env gemdir)"/cache' },
    mount: null,
  },
]

/** Matches the folder of any of them: most folders are of none, and are told so at once. */
const ANY = anyOf(CACHES.map(({ folder }) => folder))

/** The caches that the image's own layers brought in. What a later layer took away is told by `removed-later`, a toolchain's by `toolchain`. */
const cachesIn = oncePerImage((image): Map<Cache, ImageFile[]> => {
  const { content } = image
  if (content === null) return new Map()
  const { files } = content
  const toolchains = toolchainFiles(image)
  let playing: Set<string> | null = null
  return groupedByFolder(files, (run) => {
    const cache =
      isOwn(image, run) && ANY.test(run.folder) ? CACHES.find(({ folder }) => folder.test(run.folder)) : null
    if (!cache) return null
    if (cache.id === 'yarn') {
      playing ??= playingIn(files)
      if (playing.has(run.folder.slice(0, run.folder.indexOf('.yarn/')))) return null
    }
    return (file) =>
      file.lost !== null || toolchains.has(file) || distributionPackage(content, file) !== null ? null : cache
  })
})

/** The folders (with their final `/`) in which Yarn's Plug'n'Play runs programs out of its cache. */
function playingIn(files: ImageFiles): Set<string> {
  const plugs = filesOf(files, (run) => run.mayHave('.pnp.')).filter(({ path }) => /\/\.pnp\.[cm]?js$/.test(path))
  return new Set(plugs.map(({ path }) => `${parentOf(path)}/`))
}

/** The files that are told as caches. */
export function cacheFiles(image: Measurement): Set<ImageFile> {
  return new Set([...cachesIn(image).values()].flat())
}

/** What package managers left behind, one finding a manager. */
export const packageCache: Rule = (image) => {
  const found = [...cachesIn(image)].filter(([, files]) => bytesOf(files) >= FLOOR)
  return largestFirst(
    found.map(([cache, files]) =>
      findingIn(image, files, {
        what: cache.what,
        fix: fixOf(cache, mainLayer(image, files)),
        key: `package-cache:${cache.id}`,
        placeOf: ({ path }) => (cache.folder.exec(path)?.[0] ?? path).replace(/\/$/, ''),
      }),
    ),
  )
}

function fixOf({ fix, mount }: Cache, layer: Layer | null): Words {
  const from = layer && originOf(layer).from
  if (from === 'stage' || from === 'context') return ['leave it out of what ', ...lineOf(layer), ' copies']
  const place: Words = layer === null ? [' that fills it'] : [' of ', ...lineOf(layer)]
  const instead: Words = mount === null ? [] : [', or give it ', { code: `--mount=type=cache,target=${mount}` }]
  return 'option' in fix
    ? ['use ', { code: fix.option }, ' in the ', { code: 'RUN' }, ...place, ...instead]
    : ['end the ', { code: 'RUN' }, ...place, ' with ', { code: `&& ${fix.command}` }, ...instead]
}
