import type { Layer } from '../image/measurement.ts'
import type { Words } from './finding.ts'

/** How an instruction brings files into an image; `context`: a COPY or ADD of what lies in the build context. */
export type Origin = { from: 'context'; sources: string[]; destination: string } | { from: 'stage' | 'run' | 'else' }

/** Characters of an instruction that stand in for its line. */
const SHOWN = 60
const ELSE: Origin = { from: 'else' }

/** Reads the instruction of a layer, as the Dockerfile has it or as an image's history tells it. */
export function originOf({ instruction, copiedFrom }: Layer): Origin {
  const [, keyword, rest] = /^([A-Za-z]+)\s+(.*)$/s.exec(instruction) ?? []
  if (keyword === undefined || rest === undefined) return ELSE
  if (/^RUN$/i.test(keyword)) return { from: 'run' }
  if (!/^(?:COPY|ADD)$/i.test(keyword)) return ELSE
  const words = wordsOf(rest)
  const flags = words.filter((word) => word.startsWith('--'))
  if (copiedFrom !== null || flags.some((flag) => flag.startsWith('--from='))) return { from: 'stage' }
  const paths = words.filter((word) => !word.startsWith('--'))
  // The classic builder's history: `COPY dir:1f2e… in /app`.
  const legacy = /^(?:dir|file|multi):[0-9a-f]+ in (.+)$/.exec(paths.join(' '))
  if (legacy) return { from: 'context', sources: ['.'], destination: legacy[1]! }
  const destination = paths.pop()
  // A here-document, an archive that is unpacked, an address.
  const other = paths.some((path) => /^<<|^[\w+.-]+:\/\/|^git@|\.(?:tar|tgz|tbz2?|txz)(?:\.\w+)?$/.test(path))
  return destination === undefined || paths.length === 0 || other
    ? ELSE
    : { from: 'context', sources: paths, destination }
}

/** The words of a `COPY`, in either form. */
function wordsOf(text: string): string[] {
  const [, flags = '', array] = /^((?:--\S+ +)*)(\[.*\])$/s.exec(text) ?? []
  if (array === undefined) return text.split(/\s+/).filter((word) => word !== '')
  try {
    const parsed: unknown = JSON.parse(array)
    if (Array.isArray(parsed)) return [...wordsOf(flags), ...parsed.filter((word) => typeof word === 'string')]
  } catch {
    // No JSON: the builder takes it as words, too.
  }
  return text.split(/\s+/)
}

/** `line 14`, or the instruction where its line is not known; `a layer` where that is not known, either. */
export function lineOf(layer: Layer | null): Words {
  if (layer?.line) return [`line ${layer.line}`]
  const text = layer?.instruction ?? ''
  if (text === '') return ['a layer']
  return [{ code: text.length > SHOWN ? `${text.slice(0, SHOWN).trimEnd()}…` : text }]
}

/** `RUN`, `COPY`: what makes layers of two builds alike, whatever else of their instructions changed; empty where it is not known. */
export function keywordOf(layer: Layer | null): string {
  return /^\w+/.exec(layer?.instruction ?? '')?.[0].toUpperCase() ?? ''
}

/** A command that gives files another owner or mode. */
const GIVING = /^\s*(?:(?:chown|chgrp|chmod|cd|set)\s|find\s.*\s-exec(?:dir)?\s+(?:chown|chgrp|chmod)\s)/s
/** One that usually stands beside it, and writes no file of an app's. */
const PREPARING = /^\s*(?:mkdir|adduser|addgroup|useradd|groupadd)\s/
const REMOVING = /^\s*(?:(?:rm|rmdir|cd|set)\s|find\s.*\s(?:-delete\b|-exec(?:dir)?\s+rm\s))/s

/** Whether a layer's instruction is a `RUN` of nothing but such commands. */
function runsOnly({ instruction }: Layer, ...kinds: RegExp[]): boolean {
  const [, text] = /^RUN\s+(?:\/bin\/sh -c )?(.*?)(?: # buildkit)?$/is.exec(instruction) ?? []
  // A redirection writes, and what follows it is no command of these.
  const commands = text?.replaceAll(/\\\r?\n/g, ' ').split(/&&|\|\||[;|\n>]/)
  return commands?.every((command) => kinds.some((kind) => kind.test(command))) === true
}

/** Whether a layer's instruction is a `RUN` that gives files another owner or mode and does nothing else to them. */
export function onlyGives(layer: Layer): boolean {
  return runsOnly(layer, GIVING, PREPARING)
}

/** Whether it does nothing else at all. */
export function onlyGivesAlone(layer: Layer): boolean {
  return runsOnly(layer, GIVING)
}

/** Whether a layer's instruction is a `RUN` that does nothing but remove files. */
export function onlyRemoves(layer: Layer): boolean {
  return runsOnly(layer, REMOVING)
}

/** Whether it may give files of a layer below another owner, mode or time: that they are shipped again does not mean that they were made. */
export function mayGive({ instruction }: Layer): boolean {
  return /\b(?:chown|chgrp|chmod|touch)\b/.test(instruction)
}

/** Whether a path may stand in a command to paste: a shell takes it as it is. */
export function isPlain(path: string): boolean {
  return /^(?!-)[\w./@+-]{1,300}$/.test(path)
}

/** Whether it may stand in a `.dockerignore`, where `*` is a pattern and no shell expands it. */
export function isPlainPattern(pattern: string): boolean {
  return isPlain(pattern.replaceAll('*', 'x'))
}

/** How to keep a file or folder out of a layer; `ignore`: the line for `.dockerignore`, relative to the context. */
export function keepOut(layer: Layer | null, ignore: string): Words {
  const origin = layer === null ? ELSE : originOf(layer)
  switch (origin.from) {
    case 'context':
      return ['add ', ...(isPlainPattern(ignore) ? [{ code: ignore }] : ['it']), ' to ', { code: '.dockerignore' }]
    case 'stage':
      return ['leave it out of what ', ...lineOf(layer), ' copies']
    case 'run':
      return ['remove it in the same ', { code: 'RUN' }, ', ', ...lineOf(layer)]
    default:
      return ['leave it out of the image']
  }
}
