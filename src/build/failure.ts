import { CouldNotMeasure } from '../failure.ts'

/** What a build was asked for: decides the remedy. */
export type FailedBuild = {
  /** buildx's standard error with `--progress=plain`, or its last part. */
  log: string
  /** Dockerfile's path relative to the repository's root, as the report names it. */
  dockerfile: string
  target: string | null
  /** The Dockerfile's stages that have names. */
  stages: string[]
}

/**
 * A failed build as one error: buildx's last `ERROR:` line, the Dockerfile's line where it says one, and the remedy where one is
 * known. The log's tail names the place as `FILE:LINE`, a rule of 20 hyphens, and the lines around with `>>>` before the failing ones.
 */
export function explainBuildFailure({ log, dockerfile, target, stages }: FailedBuild): CouldNotMeasure {
  const error = reason(log)
  const place = /^\S[^\n]*:(\d+)\n-{20}\n([^]*?)\n-{20}$/m.exec(log)
  const instruction = place?.[2]
    ?.split('\n')
    .flatMap(
      (row) =>
        /^\s*\d+ \| >>> (.*)$/
          .exec(row)?.[1]
          ?.trim()
          .replace(/\s*\\$/, '') ?? [],
    )
    .join(' ')
  const line = place ? Number(place[1]) : null
  return new CouldNotMeasure('build', `The build failed: ${error}`, {
    file: dockerfile,
    line,
    instruction: instruction || null,
    remedy: remedyFor(error, target, stages),
  })
}

/** buildx's own last word, without the layers of "failed to" around it. */
function reason(log: string): string {
  const at = log.lastIndexOf('\nERROR: ')
  const said = (
    at === -1 && !log.startsWith('ERROR: ') ? log.trim().slice(-500) : log.slice(at + 1).replace(/^ERROR: /, '')
  ).trim()
  return said
    .replace(/^(?:failed to build: )?(?:failed to solve: )?/, '')
    .replace(/failed to compute cache key: failed to calculate checksum of ref \S+: /, '')
    .split('\n')[0]!
    .slice(0, 1_000)
}

function remedyFor(error: string, target: string | null, stages: string[]): string | null {
  if (/target stage .* could not be found/.test(error)) {
    const known = stages.map((stage) => `\`${stage}\``).join(', ')
    return `\`target\` is \`${target ?? ''}\`; ${known ? `the Dockerfile's stages are ${known}.` : 'the Dockerfile names no stage (`FROM … AS name`).'}`
  }
  if (/failed to read dockerfile/.test(error))
    return '`file` names the Dockerfile, relative to the working directory; default: `Dockerfile` in `context`.'
  if (/^"[^"]*": not found$/.test(error)) {
    return 'The file is not in the build context: both sides are built from committed files only (no ignored or untracked ones). `before-build` can make it in each tree.'
  }
  if (/[Mm]ulti-platform build is not supported/.test(error)) {
    return 'Add the step `docker/setup-buildx-action`, or turn on the containerd image store: the classic one holds one platform an image.'
  }
  if (/secret .*: not found/.test(error))
    return 'Hand it over with `secrets` (`id=value`) or `secret-files` (`id=path`).'
  if (/failed to resolve source metadata|pull access denied/.test(error))
    return 'Log in to the registry before this step (`docker/login-action`), and check the name after `FROM`.'
  return null
}
