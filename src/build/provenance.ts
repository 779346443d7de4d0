import { z } from 'zod'
import { instructionAt, parseDockerfile } from './dockerfile.ts'

/** Where a layer comes from, as BuildKit's record of the build tells. */
export type LayerOrigin =
  | { fromBase: true }
  | {
      fromBase: false
      /** Line (1-based) of the Dockerfile's instruction, or null. */
      line: number | null
      /** The instruction as written, on one line. */
      instruction: string | null
      stage: string | null
    }

export type Origins = {
  /** By layer index, base layer first; a layer that is not in it has no known origin. */
  layers: Map<number, LayerOrigin>
  /** The image that the final stage's chain starts from: name without digest, digest where it is known; null for scratch. */
  baseImage: { name: string; digest: string | null } | null
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

const NOT_KNOWN: LayerOrigin = { fromBase: false, line: null, instruction: null, stage: null }
const UNKNOWN: Origins = { layers: new Map(), baseImage: null }

/**
 * Tells each layer's Dockerfile line from the provenance that buildx writes into its metadata file
 * (BUILDX_METADATA_PROVENANCE=max; SLSA v0.2 predicate with BuildKit's extensions).
 *
 * Walks from the last step down the root file system's input. A step's `layers` lists all layers up to and with its own, so its
 * own index is that list's length less one. Layers are never matched by digest: two instructions may make equal ones.
 * Gives no origins, rather than wrong ones, where the record is not of the form that is known.
 */
export function readOrigins(record: unknown): Origins {
  const parsed = provenance.safeParse(record)
  if (!parsed.success) return UNKNOWN
  const steps = new Map(parsed.data.buildConfig.llbDefinition.map((entry) => [entry.id, entry]))
  const { layers, source } = parsed.data.metadata['https://mobyproject.org/buildkit@v1#metadata']
  const stepOf = (output: string): Step | undefined => steps.get(output.slice(0, output.lastIndexOf(':')))
  /** Layers up to and with a step's own; NaN where neither the record nor the steps below tell. */
  const counts = new Map<string, number>()
  const count = (output: string | null): number => {
    if (output === null) return 0
    const known = counts.get(output) ?? layers[output]?.[0]?.length
    if (known !== undefined) return known
    // What leads back here, in a circle, has no count.
    counts.set(output, Number.NaN)
    const current = stepOf(output)
    const { exec, file, merge } = current?.op.Op ?? {}
    // A step that was under way for another build at the same time (head and base share theirs) is recorded without layers: it
    // has one more than the step below.
    if (current && merge)
      counts.set(
        output,
        current.inputs.reduce((sum, input) => sum + count(input), 0),
      )
    else if (current && (exec || file)) counts.set(output, count(rootInput(current)) + 1)
    return counts.get(output)!
  }
  const dockerfile = parseDockerfile(Buffer.from(source?.infos[0]?.data ?? '', 'base64').toString('utf8'))

  const originOf = (output: string): LayerOrigin | null => {
    const lines = (source?.locations[stepOf(output)?.id ?? '']?.locations ?? [])
      .filter((location) => location.sourceIndex === 0)
      .flatMap((location) => location.ranges.map((range) => range.start.line))
      .filter((line) => line > 0)
    const found = lines.length === 0 ? null : instructionAt(dockerfile, lines.toSorted((a, b) => a - b)[0]!)
    return found && { fromBase: false, line: found.line, instruction: found.text, stage: found.stage }
  }

  const origins: Origins = { layers: new Map(), baseImage: null }
  const visited = new Set<string>()
  let output = parsed.data.buildConfig.llbDefinition.at(-1)?.inputs[0] ?? null
  while (output !== null && !visited.has(output)) {
    visited.add(output)
    const current = stepOf(output)
    if (current === undefined) return UNKNOWN
    const own = count(output)
    if (Number.isNaN(own)) return UNKNOWN
    const image = imageOf(current)
    if (image !== null) {
      for (let index = 0; index < own; index++) origins.layers.set(index, { fromBase: true })
      origins.baseImage = withDigest(image, parsed.data.materials)
      break
    }
    const below = rootInput(current)
    if (own < count(below)) return UNKNOWN
    if (current.op.Op?.merge) {
      // `COPY --link`: inputs[0] is the file system below, each further input brings its own layers.
      let index = count(below)
      for (const merged of current.inputs.slice(1)) {
        const end = index + count(merged)
        for (; index < end; index++) origins.layers.set(index, originOf(output) ?? originOf(merged) ?? NOT_KNOWN)
      }
    } else if (own > count(below)) {
      origins.layers.set(own - 1, originOf(output) ?? NOT_KNOWN)
    }
    output = below
  }
  return origins
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

/** `docker-image://docker.io/library/node:24@sha256:…` as familiar name (`node:24`) and digest; null for a step that is no image source. */
function imageOf(current: Step): { name: string; digest: string | null } | null {
  const match = /^(?:docker-image|oci-layout):\/\/([^@]+)(?:@(sha256:[0-9a-f]{64}))?$/.exec(
    current.op.Op?.source?.identifier ?? '',
  )
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
