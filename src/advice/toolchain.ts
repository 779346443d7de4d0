import type { ImageContent } from '../image/content.ts'
import { grouped } from '../groups.ts'
import { byFolder, filesOf, type FolderRun, type ImageFile } from '../image/runs.ts'
import type { Measurement } from '../image/measurement.ts'
import type { Package } from '../image/packages/package.ts'
import { anyOf } from '../patterns.ts'
import type { Rule, Words } from './finding.ts'
import {
  bytesOf,
  distributionPackage,
  findingIn,
  folderAt,
  isOfDistribution,
  isOwn,
  largestFirst,
  oncePerImage,
} from './weigh.ts'

/** Bytes from which a toolchain is worth a word. */
const FLOOR = 1_000_000

const HOME = '(?:/root|/home/[^/]+|/var/lib/jenkins)'

/**
 * What a toolchain consists of, by the names of a distribution's packages or by the usual places of what no package manager put there.
 * `core` proves that it is there; `rest` (what it downloaded, what only it needs) counts beside a core only.
 */
type Toolchain = {
  id: 'go' | 'rust' | 'java' | 'c'
  /** In full, and in a list of several. */
  name: string
  short: string
  fix: Words
  packages: { core: RegExp; rest: RegExp }
  places: { core: RegExp; rest: RegExp }
}

const NONE = /^\b$/
const BUILD_ELSEWHERE: Words = [
  'build in a stage of its own, and ',
  { code: 'COPY --from' },
  ' it only what the image runs',
]

/** The first that a file or package belongs to has it. */
const TOOLCHAINS: Toolchain[] = [
  {
    id: 'go',
    name: 'the Go toolchain',
    short: 'Go',
    fix: BUILD_ELSEWHERE,
    packages: { core: /^(?:golang(?:-.*)?|go)$/, rest: NONE },
    places: {
      core: /^\/usr\/local\/go\/|^\/usr\/(?:lib|share)\/go(?:-[\d.]+)?\//,
      rest: new RegExp(String.raw`^/go/pkg/|^${HOME}/(?:go/pkg|\.cache/go-build)/`),
    },
  },
  {
    id: 'rust',
    name: 'the Rust toolchain',
    short: 'Rust',
    fix: BUILD_ELSEWHERE,
    packages: { core: /^(?:rustc|cargo|rustup|rust|rust-.*|libstd-rust-.*)$/, rest: /^(?:libllvm\d+|llvm\d+-libs)$/ },
    places: {
      core: new RegExp(String.raw`^(?:/usr/local/|${HOME}/\.)rustup/`),
      // `cargo install` puts programs of one's own into `bin`.
      rest: new RegExp(
        String.raw`^(?:/usr/local/|${HOME}/\.)cargo/(?:registry/|git/|bin/(?:cargo|rust|clippy|rls)[\w-]*$)`,
      ),
    },
  },
  {
    id: 'java',
    name: 'a JDK and build tools, where a JRE runs the program',
    short: 'Java',
    fix: ['build in a stage of its own, and let the final stage start ', { code: 'FROM' }, ' an image with a JRE'],
    packages: {
      core: /^(?:openjdk-?\d+-jdk(?:-headless)?|default-jdk(?:-headless)?|openjdk\d+-(?:jmods|src|demos|doc)|java-.*-openjdk-(?:devel|jmods|src)|maven|gradle|libmaven.*-java)$/,
      rest: /^lib(?:wagon|plexus|sisu|surefire|aether).*-java$/,
    },
    places: {
      core: /\/bin\/javac$|^\/usr\/share\/(?:maven|gradle)\/|^\/opt\/(?:maven|gradle)[^/]*\//,
      rest: new RegExp(`^${HOME}/\\.(?:m2|gradle)/`),
    },
  },
  {
    id: 'c',
    name: 'a C and C++ toolchain',
    short: 'C and C++',
    fix: BUILD_ELSEWHERE,
    packages: {
      core: /^(?:build-essential|build-base|(?:gcc|g\+\+|clang)(?:-(?!\d+-base$).*)?)$/,
      rest: /^(?:.*-dev|.*-devel|glibc-headers.*|kernel-headers|(?:cpp|llvm|lld|binutils)(?:-.*)?|make|cmake(?:-data)?|ninja-build|samurai|meson|autoconf|automake|libtool(?:-bin)?|m4|bison|flex|pkg-config|pkgconf(?:-bin)?|pkgconfig|libdpkg-perl|libc-dev-bin|linux-headers|fortify-headers|libbinutils|lib(?:a|hwa|l|t|ub)san\d+|libcc1-\d+|libctf(?:-nobfd)?\d+|libgprofng\d+|libisl\d+|libmpc\d+|isl\d+|mpc\d+)$/,
    },
    places: {
      core: /^\/usr\/(?:local\/)?(?:lib|libexec)\/gcc\/|\/bin\/clang(?:-\d+)?$/,
      rest: /^\/usr\/(?:local\/)?include\/|^\/usr\/(?:local\/)?bin\/(?:gcc|g\+\+|cc|c\+\+|cpp|make|cmake|ld|as)$/,
    },
  },
]

/** JDKs whose own files are told: each file is compared with each. */
const MAX_HOMES = 20

/** What a JDK has below its folder and a JRE has not. */
const JDK_ONLY =
  /^\/(?:(?:jmods|include|demo)\/|(?:lib\/)?src\.zip$|lib\/(?:ct\.sym|tools\.jar)$|bin\/(?:jar|jarsigner|javac|javadoc|javap|jcmd|jconsole|jdb|jdeprscan|jdeps|jhsdb|jimage|jinfo|jlink|jmap|jmod|jpackage|jps|jshell|jstack|jstat|jstatd)$)/

/** A distribution's package of a JRE: `openjdk-17-jre-headless`, `openjdk17-jre`. */
const JRE = /(?:^|-)jre(?:-|$)/

/** A toolchain that is in an image, and its files; not `complete`: headers and build tools without a compiler. */
type Present = { toolchain: Toolchain; complete: boolean; files: ImageFile[] }

/** The toolchains whose files are in an image, with at least FLOOR bytes. */
const presentIn = oncePerImage((image): Present[] => (image.content === null ? [] : findPresent(image, image.content)))

function findPresent(image: Measurement, content: ImageContent): Present[] {
  const judgeIn = judgesOf(content)
  const parts = new Map<ImageFile, Part>()
  for (const run of byFolder(content.files)) {
    const judge = judgeIn(run)
    if (judge === null) continue
    for (const file of run.files) {
      const part = file.lost === null ? judge(file) : null
      if (part) parts.set(file, part)
    }
  }
  const complete = new Set([...parts.values()].filter(({ isCore }) => isCore).map(({ toolchain }) => toolchain.id))
  const files = grouped(parts.keys(), (file) => parts.get(file)!.toolchain)
  return TOOLCHAINS.flatMap((toolchain): Present[] => {
    const isComplete = complete.has(toolchain.id)
    // Headers and build tools are no use in an image either, but images of interpreters come with their own; downloads without what
    // they were for are a cache.
    if (!isComplete && toolchain.id !== 'c') return []
    const its = (files.get(toolchain) ?? []).filter((file) => isComplete || isOwn(image, file))
    return bytesOf(its) < FLOOR ? [] : [{ toolchain, complete: isComplete, files: its }]
  })
}

type Part = { toolchain: Toolchain; isCore: boolean }

/** Tells, folder by folder, what a file is part of: one that a distribution's package manager put there by its package, any other by its place. */
function judgesOf(content: ImageContent): (run: FolderRun) => ((file: ImageFile) => Part | null) | null {
  const packages = new Map<Package, Part | null>()
  const compilers = filesOf(content.files, (run) => run.folder.endsWith('/bin/') && run.mayHave('javac')).filter(
    ({ path, lost }) => lost === null && path.endsWith('/bin/javac'),
  )
  // A compiler in `/usr/bin` has not all of `/usr` for its folder.
  const homes = compilers
    .map(({ path }) => path.slice(0, -'/bin/javac'.length))
    .filter((home) => !/^\/usr(?:\/local)?$/.test(home))
    .slice(0, MAX_HOMES)
  const java = TOOLCHAINS.find(({ id }) => id === 'java')!
  return (run) => {
    const { folder } = run
    const mayBePart = BY_NAME.test(folder) || ANY.places.test(folder)
    const home = homes.find((each) => folder.startsWith(`${each}/`))
    if (!mayBePart && home === undefined && !run.mayBeOf((owner) => isOfDistribution(content, owner))) return null
    return (file) => {
      const owner = distributionPackage(content, file)
      if (owner && !packages.has(owner)) packages.set(owner, partOf(owner.name, 'packages'))
      const part = owner ? packages.get(owner) : mayBePart ? partOf(file.path, 'places') : null
      if (part) return part
      if (home === undefined || !JDK_ONLY.test(file.path.slice(home.length))) return null
      // Debian's JRE has some of it, and stays.
      if (owner && JRE.test(owner.name)) return null
      return { toolchain: java, isCore: file.path === `${home}/bin/javac` }
    }
  }
}

/** Folders in which the names of files decide; in all others the folder does. */
const BY_NAME = /\/bin\/$/

/** Matches what any of them does: most folders are of none, and are told so at once. */
const ANY = {
  packages: anyOf(TOOLCHAINS.flatMap(({ packages: { core, rest } }) => [core, rest])),
  places: anyOf(TOOLCHAINS.flatMap(({ places: { core, rest } }) => [core, rest])),
}

function partOf(text: string, by: 'packages' | 'places'): Part | null {
  if (!ANY[by].test(text)) return null
  for (const toolchain of TOOLCHAINS) {
    if (toolchain[by].core.test(text)) return { toolchain, isCore: true }
    if (toolchain[by].rest.test(text)) return { toolchain, isCore: false }
  }
  return null
}

/** Every file that a toolchain consists of: other rules leave them to this one. */
export const toolchainFiles = oncePerImage(
  (image): ReadonlySet<ImageFile> => new Set(presentIn(image).flatMap(({ files }) => files)),
)

/** `/usr/lib/gcc`, but `/usr/bin` and `/usr/include` as they are: what lies there is many files. */
const shownFolder = ({ path }: ImageFile): string => folderAt(path, /^\/usr\/(?:s?bin|include)\//.test(path) ? 2 : 3)

/** The toolchains of an image, whichever rule tells them. */
export const findToolchains: Rule = (image) =>
  largestFirst(
    presentIn(image).map(({ toolchain, complete, files }) =>
      findingIn(image, files, {
        what: [complete ? toolchain.name : 'C headers and build tools'],
        fix: fixOf(image, toolchain, files),
        key: `toolchain:${toolchain.id}`,
        placeOf: shownFolder,
      }),
    ),
  )

/** What came with the base image goes with another base image. */
function fixOf(image: Measurement, toolchain: Toolchain, files: ImageFile[]): Words {
  const fromBase = bytesOf(files.filter((file) => !isOwn(image, file)))
  if (toolchain.id === 'java' || image.baseImage === null || 2 * fromBase <= bytesOf(files)) return toolchain.fix
  return [
    'let the final stage start ',
    { code: 'FROM' },
    ' an image without it instead of ',
    { code: image.baseImage.name },
    ', and build in a stage of its own',
  ]
}

/** Compilers and SDKs in the final image; of an image of one stage, `single-stage` tells them. */
export const toolchain: Rule = (image) => (image.stages === 1 ? [] : findToolchains(image))

/** All toolchains of an image as one finding: what building in a stage of its own saves. */
export const findSplit: Rule = (image) => {
  const present = presentIn(image)
  if (present.length === 0) return []
  const files = present.flatMap((each) => each.files)
  const what = [`build tools of ${present.map(({ toolchain: { short } }) => short).join(', ')} beside the program`]
  const fix: Words = [
    'build in a first stage, and ',
    { code: 'COPY --from' },
    ' it what the image runs into a final stage that starts ',
    { code: 'FROM' },
    ' a smaller image',
  ]
  return [findingIn(image, files, { what, fix, key: 'toolchain', placeOf: shownFolder })]
}
