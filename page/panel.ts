import { lossOf } from '../src/page/format.ts'
import { formatBytes, formatCount, formatPercent, formatSigned } from '../src/report/units.ts'
import { byId, element } from './elements.ts'
import { exactly, labelOf, layerLabel, pathOf, shown, STATES } from './text.ts'
import { filesOf, isFile, kindOf, stateOf, type Show, type Tree } from './tree.ts'

/** Layers and packages that have most of what is selected. */
const MOST = 5

/** Shows all that is known of a node. */
export function showPanel(tree: Tree, node: number, show: Show): void {
  const { image, before, after, lostAfter, filesAfter, filesBefore } = tree
  const { facts } = image
  const compared = facts.sizeBefore !== null
  byId('selected-heading').textContent = pathOf(tree, node) ?? labelOf(tree, node)
  const rows: [string, (Node | string)[]][] = []
  const say = (term: string, ...what: (Node | string)[]): void => void rows.push([term, what])
  if (compared) {
    const change = after[node]! - before[node]!
    const percent = before[node] === 0 ? '' : `, ${formatPercent((change / before[node]!) * 100)}`
    say('Before', filesBefore[node] === 0 ? 'not there' : exactly(before[node]!))
    say('After', filesAfter[node] === 0 ? 'not there' : exactly(after[node]!))
    say('Change', change === 0 ? STATES[stateOf(tree, node)] : `${formatSigned(change)}${percent}`)
  } else say('Size', exactly(after[node]!))
  if (facts.size > 0 && node !== 0) say('Of the image', `${((after[node]! / facts.size) * 100).toFixed(1)} %`)
  if (!isFile(tree, node)) say('Files', formatCount(show === 'before' ? filesBefore[node]! : filesAfter[node]!, 'file'))
  if (lostAfter[node]! > 0 && !isFile(tree, node))
    say('Shipped, not there', `${formatBytes(lostAfter[node]!)} that a layer removes or replaces`)
  if (isFile(tree, node)) sayFile(tree, node, say)
  else if (kindOf(tree, node) === 'layer') sayLayer(tree, tree.ref[node]!, say)
  else sayParts(tree, node, show, say)
  if (kindOf(tree, node) === 'package') sayPackage(tree, tree.ref[node]!, say)
  byId('facts').replaceChildren(
    ...rows.flatMap(([term, what]) => [element('dt', { text: term }), element('dd', {}, what)]),
  )
}

type Say = (term: string, ...what: (Node | string)[]) => void

function sayFile(tree: Tree, node: number, say: Say): void {
  const { image } = tree
  const file = tree.ref[node]!
  const isThere = tree.filesAfter[node]! > 0
  const owner = (isThere ? image.packageAfter : image.packageBefore)[file]!
  say('Package', ...(owner === -1 ? ['no package manager knows it'] : [packageWords(tree, owner)]))
  const loss = lossOf((isThere ? image.lostAfter : image.lostBefore)[file]!)
  if (loss) say('Shipped, not there', `${loss.how} by ${layerLabel(image, loss.layer)}`, ...linkOf(tree, loss.layer))
  const [was, is] = [image.layerBefore[file]!, image.layerAfter[file]!]
  sayLayer(tree, isThere ? is : was, say)
  if (isThere && was !== -1 && was !== is && tree.filesBefore[node]! > 0)
    say('Before in', layerLabel(image, was), ...linkOf(tree, was))
}

function sayLayer(tree: Tree, at: number, say: Say): void {
  const { instruction, stage, fromBase, numberAfter, numberBefore } = tree.image.facts.layers[at]!
  const where = numberAfter === null ? `${numberBefore} of before, gone` : String(numberAfter)
  const origin = fromBase === true ? ', of the base image' : stage === null ? '' : `, stage ${shown(stage)}`
  say('Layer', `${where}${origin}`)
  say('Instruction', element('code', { text: shown(instruction) }), ...linkOf(tree, at))
}

/** The Dockerfile's line, where it is known. */
function linkOf(tree: Tree, at: number): Node[] {
  const { file, line, url } = tree.image.facts.layers[at]!
  if (file === null) return []
  const text = `${shown(file)}${line === null ? '' : `:${line}`}`
  if (url === null || !/^https?:\/\//.test(url)) return [element('div', { text, className: 'quiet' })]
  const link = element('a', { text })
  link.href = url
  link.rel = 'noreferrer noopener'
  link.target = '_blank'
  return [element('div', {}, [link])]
}

function packageWords(tree: Tree, at: number): string {
  const { ecosystem, name, versionBefore, versionAfter } = tree.image.facts.packages[at]!
  const version = versionAfter ?? versionBefore
  return shown(`${name}${version === null ? '' : ` ${version}`} (${ecosystem})`)
}

function sayPackage(tree: Tree, at: number, say: Say): void {
  const { versionBefore, versionAfter } = tree.image.facts.packages[at]!
  if (versionBefore !== null && versionAfter !== null && versionBefore !== versionAfter)
    say('Version', shown(`${versionBefore} → ${versionAfter}`))
}

/** The layers and packages that have most of it, on the side that is shown. */
function sayParts(tree: Tree, node: number, show: Show, say: Say): void {
  const { image } = tree
  const isBefore = show === 'before' || tree.filesAfter[node] === 0
  const [bytes, layers, packages] = isBefore
    ? [image.before, image.layerBefore, image.packageBefore]
    : [image.after, image.layerAfter, image.packageAfter]
  const [byLayer, byPackage] = [new Map<number, number>(), new Map<number, number>()]
  for (const file of filesOf(tree, node)) {
    const size = bytes[file]!
    if (size === 0) continue
    byLayer.set(layers[file]!, (byLayer.get(layers[file]!) ?? 0) + size)
    if (packages[file] !== -1) byPackage.set(packages[file]!, (byPackage.get(packages[file]!) ?? 0) + size)
  }
  for (const [layer, sum] of largest(byLayer)) say(formatBytes(sum), layerLabel(image, layer), ...linkOf(tree, layer))
  if (kindOf(tree, node) !== 'package')
    for (const [owner, sum] of largest(byPackage)) say(formatBytes(sum), packageWords(tree, owner))
}

function largest(sums: Map<number, number>): [number, number][] {
  return [...sums].toSorted((one, other) => other[1] - one[1]).slice(0, MOST)
}
