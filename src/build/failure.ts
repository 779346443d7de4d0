import { CouldNotMeasure } from '../failure.ts'
import { instructionAt, parseDockerfile, type DockerfileInstruction } from './dockerfile.ts'
import type { DockerfileSource } from './provenance.ts'

/** What a build was asked for: decides the remedy. */
export type FailedBuild = {
  /** buildx's standard error with `--progress=plain`, or its last part. */
  log: string
  /** Dockerfile's path relative to the repository's root, as the report names it; null: its text stands in a bake file. */
  dockerfile: string | null
  target: string | null
  /** The Dockerfile's instructions; none where it could not be parsed. */
  instructions: DockerfileInstruction[]
  /** Values of build arguments and secrets: what the message must not show. */
  hidden: string[]
}

/** A shorter value is no secret, and what it stands in (`exit code 1`) would not be readable without it. */
const MIN_HIDDEN = 4
/** A Dockerfile may name thousands, to make a report that is too long to be posted. */
const MAX_STAGES_SHOWN = 20

/**
 * A failed build as one error: buildx's last `ERROR:` line, the Dockerfile's line where it says one, and the remedy where one is
 * known. The log's tail names the place as `FILE:LINE` and a rule of 20 hyphens; a program's own output never stands at a line's start.
 */
export function explainBuildFailure({ log, dockerfile, target, instructions, hidden }: FailedBuild): CouldNotMeasure {
  const said = lastError(log)
  const place = [...log.matchAll(/^\S[^\n]*:(\d+)\n-{20}$/gm)].at(-1)
  const line = place ? Number(place[1]) : null
  const at = line === null || dockerfile === null ? '' : ` at \`${dockerfile}:${line}\``
  return new CouldNotMeasure('build', `The build failed${at}: ${firstLine(redact(said, hidden))}`, {
    file: dockerfile,
    line: dockerfile === null ? null : line,
    instruction: line === null ? null : (instructionAt(instructions, line)?.text ?? null),
    remedy: remedyFor(firstLine(said), target, instructions),
  })
}

/**
 * Which of several Dockerfiles the log of a failed build is about: the one that has the line which it shows (`   4 | >>> RUN …`). Without
 * such a line the first.
 */
export function sourceThatFailed(
  log: string,
  sources: readonly DockerfileSource[],
): Pick<FailedBuild, 'dockerfile' | 'instructions'> {
  const [, line, text] = [...log.matchAll(/^ *(\d+) \| >>> ([^\n]*)$/gm)].at(-1) ?? []
  const isShown = (source: DockerfileSource): boolean =>
    line === undefined || source.text.split(/\r?\n/)[Number(line) - 1]?.trim() === text?.trim()
  const found = sources.find(isShown)
  if (found === undefined) return { dockerfile: null, instructions: [] }
  return { dockerfile: found.file, instructions: parseDockerfile(found.text) }
}

/** buildx's own last word and what follows it, without the layers of "failed to" around it. */
function lastError(log: string): string {
  const at = `\n${log}`.lastIndexOf('\nERROR: ')
  const said = at === -1 ? (log.trim().split('\n').at(-1) ?? '') : log.slice(at + 'ERROR: '.length)
  return said
    .replace(/^(?:failed to build: )?(?:failed to solve: )?/, '')
    .replace(/^process ".*" did not complete successfully: exit code: (\d+)$/m, 'the command ended with exit code $1')
    .replace(/^failed to compute cache key: failed to calculate checksum of ref \S+: /, '')
}

function firstLine(said: string): string {
  return said.split('\n', 1)[0]!.slice(0, 1_000).trim() || 'buildx gave no reason.'
}

/**
 * `…` for each value, longest first: as it is, as Go quotes it, and its parts between `/`, `:`, `@` and line ends, because paths
 * and image references are taken apart and put together anew (`FROM reg/name` asks for `https://reg/v2/name`). Platforms and
 * hosts come in lower case. Comes before any cut: a half of a value could not be found any more.
 */
export function redact(text: string, hidden: string[]): string {
  const forms = hidden
    .flatMap((value) => [value, JSON.stringify(value).slice(1, -1), ...value.split(/[/:@\r\n]+/)])
    .filter((form) => form.trim().length >= MIN_HIDDEN)
    .toSorted((one, other) => other.length - one.length)
    .map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return forms.length === 0 ? text : text.replaceAll(new RegExp(forms.join('|'), 'gi'), '…')
}

function remedyFor(error: string, target: string | null, instructions: DockerfileInstruction[]): string | null {
  if (/^target stage .* could not be found/.test(error)) {
    const stages = instructions.flatMap(({ keyword, stage }) => (keyword === 'FROM' && stage !== null ? [stage] : []))
    // A stage without a name has its number, which is no target.
    const named = stages.flatMap((stage) => (/^\d+$/.test(stage) ? [] : [`\`${stage}\``]))
    const known = [...named.slice(0, MAX_STAGES_SHOWN), ...(named.length > MAX_STAGES_SHOWN ? ['…'] : [])].join(', ')
    if (stages.length === 0)
      return `\`target\` is \`${target ?? ''}\`; it takes the name of a stage (\`FROM … AS name\`).`
    return `\`target\` is \`${target ?? ''}\`; ${known ? `the Dockerfile's stages are ${known}.` : 'the Dockerfile names no stage (`FROM … AS name`).'}`
  }
  if (error.startsWith('failed to read dockerfile'))
    return '`file` names the Dockerfile, relative to the working directory; default: `Dockerfile` in `context`.'
  if (/^"[^"]*": not found$/.test(error)) {
    return 'The file is not in the build context (or `.dockerignore` leaves it out): both sides are built from committed files only (no ignored or untracked ones). `before-build` can make it in each tree.'
  }
  if (/^[Mm]ulti-platform build is not supported/.test(error)) {
    return 'Add the step `docker/setup-buildx-action`, or turn on the containerd image store: the classic one holds one platform an image.'
  }
  if (/^secret .*: not found$/.test(error))
    return 'Hand it over with `secrets` (`id=value`) or `secret-files` (`id=path`).'
  if (/^\S+: (?:failed to resolve source metadata|pull access denied)/.test(error))
    return 'Log in to the registry before this step (`docker/login-action`), and check the name after `FROM` or `--from=`.'
  return null
}
