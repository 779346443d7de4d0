import { maySecret } from './layer/secret.ts'
import type { Settings } from './measurement.ts'
import type { ImageConfig } from './oci.ts'

/** Names that are looked at, and characters of each. */
const MAX_NAMES = 1_000
const MAX_NAME = 200

/**
 * What an image's config says, without any value; null where there is none (an engine that was asked without its handing the image over).
 */
export function settingsOf(config: ImageConfig): Settings | null {
  if (!config.config) return null
  const history = (config.history ?? []).map((entry) => entry.created_by ?? '')
  return {
    user: config.config.User ?? '',
    variables: namesOf(config.config.Env ?? []),
    buildArgs: argumentsOf(history),
  }
}

/** Names of the build arguments with a value: defaults of `ARG A=x`, and what `RUN` was given (`|2 A=x B=y /bin/sh -c …`). */
function argumentsOf(history: string[]): string[] {
  const declared = history.flatMap(declaredBy)
  const names = new Set(declared.map(({ name }) => name))
  // Values stand there unquoted, and what looks like a key may be part of one: only names that are declared are told.
  const given = history.flatMap((createdBy) =>
    /^(?:RUN )?\|\d/.test(createdBy) ? [...createdBy.matchAll(/ ([A-Za-z_]\w*)=\S/g)].map(([, name]) => name!) : [],
  )
  const defaults = declared.flatMap(({ name, hasDefault }) => (hasDefault ? [name] : []))
  return distinct([...defaults, ...given.filter((name) => names.has(name))])
}

/** What an `ARG` declares: one instruction may have several, `ARG A=1 B`. Their values stand there unquoted. */
function declaredBy(createdBy: string): { name: string; hasDefault: boolean }[] {
  const [start] = /^(?:\/bin\/sh -c #\(nop\) +)?ARG(?= )/.exec(createdBy) ?? []
  if (start === undefined) return []
  const words = createdBy.slice(start.length).matchAll(/ ([A-Za-z_]\w*)(?:(=\S)|=?(?!\S))/g)
  return [...words].map(([, name, value]) => ({ name: name!, hasDefault: value !== undefined }))
}

/** The keys of those that have a value which may be a secret. */
function namesOf(pairs: string[]): string[] {
  const names = pairs.flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 && maySecret(pair.slice(at + 1)) ? [pair.slice(0, at)] : []
  })
  return distinct(names)
}

function distinct(names: string[]): string[] {
  return [...new Set(names)].slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME))
}
