import { z } from 'zod'
import { redact } from './failure.ts'

/** What one of BuildKit's own checks says of a Dockerfile: https://docs.docker.com/reference/build-checks/ */
export type BuildWarning = {
  /** The check's name: `FromAsCasing`. */
  rule: string
  /** One sentence, at most 300 characters. */
  message: string
  /** Line (1-based) of the Dockerfile, or null. */
  line: number | null
  /** Where the check is explained, or null. */
  url: string | null
}

const MAX_WARNINGS = 100
const MAX_MESSAGE = 300
/** Characters of one that are decoded. */
const MAX_ENCODED = 10_000

const warning = z.object({
  /** Base64, as Go has bytes in JSON. */
  short: z.string().max(MAX_ENCODED),
  url: z.string().max(MAX_MESSAGE).optional(),
  range: z.array(z.object({ start: z.object({ line: z.number().int().positive() }) })).nullish(),
})

/**
 * Reads `buildx.build.warnings` of the metadata file (BUILDX_METADATA_WARNINGS=1; buildx 0.16 and BuildKit 0.14, Docker 27, have the
 * checks), in the Dockerfile's order, each once: the builder tells them in any, and several platforms say the same. What is no check's, or not of the form that is known, is left out.
 * `hidden`: values that must not be told, since a message may show what a variable stands for.
 */
export function readWarnings(told: unknown, hidden: string[]): BuildWarning[] {
  const found = new Map<string, BuildWarning>()
  for (const each of Array.isArray(told) ? told.slice(0, 10 * MAX_WARNINGS) : []) {
    const read = readWarning(each, hidden)
    if (read) found.set(JSON.stringify(read), read)
  }
  const inOrder = [...found.values()].toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0))
  return inOrder.slice(0, MAX_WARNINGS)
}

function readWarning(told: unknown, hidden: string[]): BuildWarning | null {
  const parsed = warning.safeParse(told)
  if (!parsed.success) return null
  const { short, url, range } = parsed.data
  const text = Buffer.from(short, 'base64').toString('utf8')
  // `FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)`
  const [, rule, message] = /^([A-Z][A-Za-z]{2,60}): ([^\r\n]+?)(?: \(line \d+\))?$/.exec(text) ?? []
  if (rule === undefined || message === undefined) return null
  return {
    rule,
    message: redact(message, hidden).slice(0, MAX_MESSAGE),
    line: range?.[0]?.start.line ?? null,
    url: url?.startsWith('https://docs.docker.com/') ? url : null,
  }
}
