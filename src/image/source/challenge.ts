/** What a server asks for in `WWW-Authenticate` (RFC 9110, 11.6.1). */
export type Challenge = {
  /** In lower case: `bearer`, `basic`. */
  scheme: string
  /** By their names in lower case. */
  parameters: Map<string, string>
}

const TOKEN = String.raw`[!#$%&'*+.^_\x60|~0-9A-Za-z-]+`
const PARAMETER = new RegExp(String.raw`^[\s,]*(${TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|(${TOKEN}))`, 's')
const SCHEME = new RegExp(String.raw`^[\s,]*(${TOKEN})(?=[\s,]|$)(?:[ \t]+[\w.~+/-]+=*(?=[\s]*(?:,|$)))?`)

/**
 * The challenges of a `WWW-Authenticate` header, several of them too, in order. A quoted value may hold commas, spaces and escapes.
 * What is not understood ends the list.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = []
  // A header is at most a few kilobytes (Node's limit is 16 KiB for all).
  let rest = header
  while (rest.trim() !== '') {
    const parameter = PARAMETER.exec(rest)
    const current = challenges.at(-1)
    if (parameter && current) {
      const [all, name = '', quoted, plain = ''] = parameter
      current.parameters.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replaceAll(/\\(.)/gs, '$1'))
      rest = rest.slice(all.length)
      continue
    }
    const [all, scheme] = SCHEME.exec(rest) ?? []
    if (all === undefined || scheme === undefined) break
    challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    rest = rest.slice(all.length)
  }
  return challenges
}
