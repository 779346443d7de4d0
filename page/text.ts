import { formatBytes, formatExactBytes, formatSigned } from '../src/report/units.ts'
import { filePath, folderPath, type Loaded } from './image.ts'
import { kindOf, outer, stateOf, type Show, type State, type Tree } from './tree.ts'

/** Controls, format characters (the bidirectional ones among them), private and unassigned ones, halves of pairs, and what breaks a line. */
const UNPRINTABLE = /(?!\u200D)[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu

/** A name as it can be read: what cannot be seen, or moves what stands beside it, as its number: `⟨202E⟩`. */
export function shown(name: string): string {
  return name.replaceAll(
    UNPRINTABLE,
    (character) => `⟨${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`,
  )
}

/** At most so many characters, without its middle: where a path begins and ends tells most. */
export function shortened(name: string, max: number): string {
  if (name.length <= max) return name
  const end = Math.floor(max * 0.6)
  return `${name.slice(0, max - end - 1)}…${name.slice(-end)}`.toWellFormed()
}

/** What a node is called where it stands: of a folder the folders that were passed over too. */
export function labelOf(tree: Tree, node: number): string {
  const { image, ref } = tree
  const at = ref[node]!
  switch (kindOf(tree, node)) {
    case 'root':
      return shown(image.facts.name)
    case 'file':
      return shown(image.names[at]!) || '(no name)'
    case 'folder':
      return `${shown(relativePath(tree, node))}/`
    case 'package': {
      const { name, versionAfter, versionBefore } = image.facts.packages[at]!
      return shown(`${name} ${versionAfter ?? versionBefore ?? ''}`.trim())
    }
    case 'ecosystem':
      return `${tree.ecosystems[at]!} packages`
    case 'layer':
      return layerLabel(image, at)
    case 'none':
      return 'of no package'
  }
}

function relativePath(tree: Tree, node: number): string {
  const { image, ref, parent } = tree
  const end = outer(tree, node)
  const names: string[] = []
  for (let at = node; at !== end && at > 0; at = parent[at]!) names.push(image.folderNames[ref[at]!]!)
  return names.toReversed().join('/')
}

/** `Layer 3: RUN npm ci`; of a layer that is gone, its number in the base. */
export function layerLabel({ facts }: Loaded, at: number): string {
  const { numberAfter, numberBefore, instruction } = facts.layers[at]!
  const number = numberAfter === null ? `Layer ${numberBefore} of before` : `Layer ${numberAfter}`
  return instruction === '' ? number : `${number}: ${shown(instruction)}`
}

/** The whole path of a file or folder; null for what has none. */
export function pathOf(tree: Tree, node: number): string | null {
  const kind = kindOf(tree, node)
  if (kind === 'file') return shown(filePath(tree.image, tree.ref[node]!))
  return kind === 'folder' ? shown(folderPath(tree.image, tree.ref[node]!)) : null
}

export const STATES: Record<State, string> = {
  unchanged: 'unchanged',
  same: 'changed, as many bytes',
  grown: 'grown',
  shrunk: 'shrunk',
  new: 'new',
  gone: 'gone',
}

/** Bytes, as `show` has them, and what became of it: the sign says it of what grew or shrank. */
export function figuresOf(tree: Tree, node: number, show: Show): string {
  const [was, is] = [tree.before[node]!, tree.after[node]!]
  const state = tree.image.facts.sizeBefore === null ? 'unchanged' : stateOf(tree, node)
  const words = state === 'unchanged' || state === 'grown' || state === 'shrunk' ? '' : `, ${STATES[state]}`
  const signed = formatSigned(is - was)
  if (show === 'change') return `${signed}${words}`
  const bytes = formatBytes(show === 'before' ? was : is)
  return `${bytes}${words === '' && state !== 'unchanged' ? ` (${signed})` : words}`
}

/** `1.5 MB (1,512,034 B)`; small figures once. */
export function exactly(bytes: number): string {
  return bytes < 1000 ? formatBytes(bytes) : `${formatBytes(bytes)} (${formatExactBytes(bytes)})`
}
