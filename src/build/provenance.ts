import { z } from 'zod'
import { instructionAt, parseDockerfile, type DockerfileInstruction } from './dockerfile.ts'

/** Where a layer comes from, as BuildKit's record of the build tells. */
export type LayerOrigin =
  | { fromBase: true }
  | {
      fromBase: false
      /** Line (1-based) of the Dockerfile's instruction, or null. */
      line: number | null
      /** The Dockerfile that has it, where that is not the one that was built; null: its text stands in a bake file. */
      file?: string | null
      /** The instruction as written, on one line. */
      instruction: string | null
      stage: string | null
      /** What `COPY --from` names, a stage or else another image (or named context); null for all else. */
      copiedFrom: { kind: 'stage' | 'image'; name: string } | null
    }

export type Origins = {
  /** By layer index, base layer first; a layer that is not in it has no known origin. */
  layers: Map<number, LayerOrigin>
  /**
   * The image that the final stage's chain starts from: name without digest, digest where it is known, line (1-based) and text of its
   * `FROM`; null for scratch.
   */
  baseImage: { name: string; digest: string | null; line: number | null; instruction: string | null } | null
  /** Number of the Dockerfile's stages; null: not known. */
  stages: number | null
}

const step = z.object({
  id: z.string(),
  op: z.object({
    Op: z
      .object({
        source: z.object({ identifier: z.string() }).optional(),
        exec: z
          .object({ mounts: z.array(z.object({ input: z.number().default(0), dest: z.string().optional() })) })
          .optional(),
        file: z.object({ actions: z.array(z.object({ input: z.number().default(0) })) }).optional(),
        merge: z.object({}).optional(),
      })
      .nullish(),
  }),
  inputs: z.array(z.string()).default([]),
})
type Step = z.output<typeof step>

const ranges = z.array(z.object({ start: z.object({ line: z.number().default(0) }) }))
const provenance = z.object({
  buildConfig: z.object({ llbDefinition: z.array(step) }),
  metadata: z.object({
    'https://mobyproject.org/buildkit@v1#metadata': z.object({
      layers: z.record(z.string(), z.array(z.array(z.unknown()))).default({}),
      source: z
        .object({
          locations: z
            .record(
              z.string(),
              z.object({
                locations: z
                  .array(z.object({ sourceIndex: z.number().default(0), ranges: ranges.default([]) }))
                  .default([]),
              }),
            )
            .default({}),
          infos: z.array(z.object({ data: z.string().default(''), language: z.string().optional() })).default([]),
        })
        .optional(),
    }),
  }),
  materials: z.array(z.object({ uri: z.string(), digest: z.record(z.string(), z.string()).optional() })).default([]),
})

const NOT_KNOWN: LayerOrigin = { fromBase: false, line: null, instruction: null, stage: null, copiedFrom: null }
const UNKNOWN: Origins = { layers: new Map(), baseImage: null, stages: null }

/** A Dockerfile that a build may have used: its text, and its path from the repository's root; null where it is no file. */
export type DockerfileSource = { text: string; file: string | null }

/**
 * Tells each layer's Dockerfile line from the provenance that buildx writes into its metadata file
 * (BUILDX_METADATA_PROVENANCE=max; SLSA v0.2 predicate with BuildKit's extensions). `layerCount`: how many layers the image has.
 * `sources`: of a target of a bake file, which may start from another target: the Dockerfiles of all of them, its own first; the record has
 * their texts in any order, and no paths.
 *
 * Walks from the last step down the root file system's input. Each step of an instruction makes one layer, so the layers are dealt out
 * from the top; what is left at the image that the chain starts from came with it. The record also lists each step's
 * layers, but not reliably: of a step that two builds have under way at the same moment (head and base share most of theirs) only
 * one record has the list. Where there is one it must agree. Layers are never matched by digest: two instructions may make equal ones.
 * Gives no origins, rather than wrong ones, where the record is not of the form that is known.
 */
export function readOrigins(
  record: unknown,
  layerCount: number,
  sources: readonly DockerfileSource[] | null = null,
): Origins {
  const parsed = provenance.safeParse(record)
  if (!parsed.success) return UNKNOWN
  const steps = new Map(parsed.data.buildConfig.llbDefinition.map((entry) => [entry.id, entry]))
  const { layers, source } = parsed.data.metadata['https://mobyproject.org/buildkit@v1#metadata']
  const stepOf = (output: string): Step | undefined => steps.get(output.slice(0, output.lastIndexOf(':')))
  const texts = (source?.infos ?? []).map(({ data }) => Buffer.from(data, 'base64').toString('utf8'))
  const dockerfiles = texts.map(parseDockerfile)
  const named = sources === null ? 0 : texts.indexOf(sources[0]?.text ?? '')
  // Of a single one there is no doubt, whatever the builder did to its text.
  const own = named === -1 && texts.length === 1 ? 0 : named
  const known = sources === null ? [0] : [...texts.keys()]
  const isFile = sources === null || (sources[0]?.file ?? null) !== null

  // BuildKit makes one step of equal instructions in several stages, and lists all their lines. Walking down, an instruction stands
  // above the last one: in the same stage, or in a stage that it starts from.
  const above = new Map<number, number>()
  let lastOf = own
  const instructionOf = (output: string): { found: DockerfileInstruction; at: number } | null => {
    const listed = source?.locations[stepOf(output)?.id ?? '']?.locations ?? []
    for (const at of [lastOf, ...known.filter((other) => other !== lastOf)]) {
      const found = listed
        .filter((location) => location.sourceIndex === at)
        .flatMap((location) => location.ranges.map((range) => range.start.line))
        .flatMap((line) => instructionAt(dockerfiles[at] ?? [], line) ?? [])
        .filter(({ line }) => line < (above.get(at) ?? Number.POSITIVE_INFINITY))
        .toSorted((one, other) => other.line - one.line)[0]
      if (found === undefined) continue
      above.set(at, found.line)
      lastOf = at
      return { found, at }
    }
    return null
  }
  const originOf = (output: string): LayerOrigin | null => {
    const instruction = instructionOf(output)
    if (instruction === null) return null
    const { line, text, stage, copiedFrom } = instruction.found
    if (instruction.at === own)
      return { fromBase: false, line: isFile ? line : null, instruction: text, stage, copiedFrom }
    // A stage of another Dockerfile is none that a budget of this image could mean.
    const file = sources?.find((each) => each.text === texts[instruction.at])?.file ?? null
    return {
      fromBase: false,
      line: file === null ? null : line,
      instruction: text,
      stage: null,
      copiedFrom: null,
      file,
    }
  }

  const stages = (dockerfiles[own] ?? []).filter(({ keyword }) => keyword === 'FROM').length
  const origins: Origins = { layers: new Map(), baseImage: null, stages: stages === 0 ? null : stages }
  const visited = new Set<string>()
  let top = layerCount
  let output = parsed.data.buildConfig.llbDefinition.at(-1)?.inputs[0] ?? null
  while (output !== null) {
    const current = stepOf(output)
    const op = current?.op.Op
    const listed = Object.hasOwn(layers, output) ? layers[output]?.[0]?.length : undefined
    if (!current || !op || visited.has(output) || (listed !== undefined && listed !== top)) return UNKNOWN
    visited.add(output)
    if (op.source) {
      const image = imageOf(op.source.identifier)
      // A base that is no image (a folder as a named context) is nobody's layers that we know.
      if (image === null) return origins
      while (top > 0) origins.layers.set(--top, { fromBase: true })
      const from = instructionOf(output)
      origins.baseImage = {
        ...withDigest(image, parsed.data.materials),
        line: from?.found.keyword === 'FROM' && from.at === own && isFile ? from.found.line : null,
        instruction: from?.found.keyword === 'FROM' ? from.found.text : null,
      }
      return origins
    }
    // `COPY --link`: inputs[0] is the file system below, each further input brings a layer of its own.
    const made = op.merge ? current.inputs.slice(1).toReversed() : op.exec || op.file ? [output] : []
    if (made.length === 0 || made.length > top) return UNKNOWN
    for (const each of made) origins.layers.set(--top, originOf(output) ?? originOf(each) ?? NOT_KNOWN)
    output = rootInput(current)
  }
  return top === 0 ? origins : UNKNOWN
}

/** The step's input that holds the root file system, or null: it starts from an empty one. */
function rootInput(current: Step): string | null {
  const op = current.op.Op
  const index = op?.exec
    ? (op.exec.mounts.find((mount) => mount.dest === '/')?.input ?? -1)
    : op?.file
      ? (op.file.actions[0]?.input ?? -1)
      : 0
  // A file action's input may also be an earlier action's output (an index past the inputs): only the first action starts the chain.
  return index < 0 ? null : (current.inputs[index] ?? null)
}

/** `docker-image://docker.io/library/node:24@sha256:…` as familiar name (`node:24`) and digest; null for a source that is no image. */
function imageOf(identifier: string): { name: string; digest: string | null } | null {
  const match = /^(?:docker-image|oci-layout):\/\/([^@]+)(?:@(sha256:[0-9a-f]{64}))?$/.exec(identifier)
  return match ? { name: match[1]!.replace(/^docker\.io\/(?:library\/)?/, ''), digest: match[2] ?? null } : null
}

/** The digest from the build's materials (`pkg:docker/node@24?digest=…`) where the source itself names none. */
function withDigest(
  image: { name: string; digest: string | null },
  materials: { uri: string; digest?: Record<string, string> | undefined }[],
) {
  if (image.digest !== null) return image
  const [repository, tag] = splitTag(image.name)
  const material = materials.find(({ uri }) => decoded(uri).startsWith(`pkg:docker/${repository}@${tag}?`))
  const sha256 = material?.digest?.['sha256']
  return { name: image.name, digest: sha256 === undefined ? null : `sha256:${sha256}` }
}

/** A text that is no percent-encoding stays as it is. */
function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri)
  } catch {
    return uri
  }
}

function splitTag(name: string): [string, string] {
  const at = name.lastIndexOf(':')
  return at > name.lastIndexOf('/') ? [name.slice(0, at), name.slice(at + 1)] : [name, 'latest']
}
