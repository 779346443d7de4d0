import type { PageImage, PageIndex } from '../src/page/format.ts'
import { formatBytes, formatCount, formatSigned } from '../src/report/units.ts'
import { colourOfLayer, draw, readPalette, type Colour } from './draw.ts'
import { byId, element } from './elements.ts'
import { load, type Loaded } from './image.ts'
import { boxAt, layOut, type Box } from './layout.ts'
import { createOutline } from './outline.ts'
import { showPanel } from './panel.ts'
import { countIn, createSearch, largest, type Search } from './search.ts'
import { figuresOf, labelOf, layerLabel, shortened, shown, STATES } from './text.ts'
import { createOrder, hasChildren, outer, treeOf, valueOf, type By, type Show, type State, type Tree } from './tree.ts'

/** A tree with the order of its children, which is made when it is asked for. */
type Ordered = { tree: Tree; childrenOf: ReturnType<typeof createOrder> }

/** What is looked at. `root` fills the map; `selected` is what the panel tells of. */
type View = {
  image: Loaded
  search: Search
  orders: Map<By, Ordered>
  by: By
  show: Show
  root: number
  selected: number
  found: Uint8Array | null
}

const HITS = 50
/** Layers that the legend names. */
const LEGEND = 12

const canvas = byId('canvas') as HTMLCanvasElement
const map = byId('map')
const searchField = byId('search') as HTMLInputElement
const controls = byId('controls') as HTMLFormElement
const choice = byId('image') as HTMLSelectElement
const enterButton = byId('enter') as HTMLButtonElement
const outline = createOutline(byId('outline'), {
  onSelect: (node) => select(node, { from: 'outline' }),
  onEnter: (node) => {
    enter(node)
    outline.focus()
  },
})

const views = new Map<number, View>()
let view: View
let boxes: Box[] = []
let counts: Int32Array | null = null
let palette = readPalette(document.documentElement)

/** What stands in an element of that id: base64 of gzip of JSON. */
async function unpack<T>(id: string): Promise<T> {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (character) => character.charCodeAt(0))
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return (await new Response(plain).json()) as T
}

function ordered(): Ordered {
  const known = view.orders.get(view.by)
  if (known) return known
  const tree = treeOf(view.image, view.by)
  const made = { tree, childrenOf: createOrder(tree) }
  view.orders.set(view.by, made)
  return made
}

async function openImage(block: number): Promise<void> {
  let next = views.get(block)
  if (!next) {
    const image = load(await unpack<PageImage>(`image-${block}`))
    next = {
      image,
      search: createSearch(image),
      orders: new Map(),
      by: 'folder',
      show: 'after',
      root: 0,
      selected: 0,
      found: null,
    }
    views.set(block, next)
  }
  view = next
  const { name, platform, size, sizeBefore, comparedWith } = view.image.facts
  document.title = `${shortened(shown(name), 100)} – Image Budget`
  byId('title').textContent = shown(name)
  byId('platform').textContent = shown(platform)
  byId('totals').textContent =
    sizeBefore === null
      ? formatBytes(size)
      : `${formatBytes(sizeBefore)} → ${formatBytes(size)} (${formatSigned(size - sizeBefore)})`
  byId('compared').textContent = `${shown(comparedWith.replaceAll('`', ''))}.`
  for (const each of controls.querySelectorAll<HTMLInputElement>('input[name="show"]')) {
    each.checked = each.value === view.show
    each.disabled = sizeBefore === null && each.value !== 'after'
  }
  for (const each of controls.querySelectorAll<HTMLInputElement>('input[name="by"]'))
    each.checked = each.value === view.by
  showLegend(sizeBefore !== null)
  runSearch()
  showRoot()
}

function showLegend(compared: boolean): void {
  const states: State[] = ['new', 'grown', 'same', 'unchanged', 'shrunk', 'gone']
  const meanings: [Colour | 'lost', string][] = compared
    ? states.map((state) => [state, STATES[state]])
    : view.image.facts.layers
        .map((_, at): [Colour, string] => [colourOfLayer(at), shortened(layerLabel(view.image, at), 40)])
        .slice(0, LEGEND)
  meanings.push(['lost', 'shipped, though a layer removes or replaces it'])
  byId('legend').replaceChildren(
    ...meanings.map(([colour, text]) =>
      element('li', {}, [element('span', { className: `swatch swatch-${colour}` }), text]),
    ),
  )
}

/** Everything anew: another image, root, order or side. */
function showRoot(): void {
  const { tree, childrenOf } = ordered()
  counts = view.found && countIn(tree, view.found)
  outline.show({ tree, childrenOf, root: view.root, show: view.show })
  showCrumbs(tree)
  layOutMap()
  showSelected()
  showHits()
}

function showCrumbs(tree: Tree): void {
  const way: number[] = []
  for (let at = view.root; at !== -1; at = outer(tree, at)) way.push(at)
  byId('crumbs').replaceChildren(
    ...way.toReversed().map((node) => {
      const button = element('button', { text: shortened(labelOf(tree, node), 80) })
      button.type = 'button'
      if (node === view.root) button.setAttribute('aria-current', 'location')
      button.addEventListener('click', () => {
        enter(node)
        byId('crumbs').querySelector<HTMLElement>('[aria-current]')?.focus()
      })
      return element('li', {}, [button])
    }),
  )
}

function layOutMap(): void {
  const { tree, childrenOf } = ordered()
  const { width, height } = map.getBoundingClientRect()
  canvas.width = Math.round(width * devicePixelRatio)
  canvas.height = Math.round(height * devicePixelRatio)
  boxes = layOut(tree, childrenOf, view.root, view.show, width, height)
  const nothing = byId('nothing')
  nothing.hidden = valueOf(tree, view.root, view.show) > 0
  nothing.textContent = view.show === 'change' ? 'Nothing has changed here.' : 'There are no bytes here on this side.'
  drawMap()
}

function drawMap(): void {
  draw(canvas, { tree: ordered().tree, boxes, selected: view.selected, found: counts }, palette)
}

function showSelected(): void {
  const { tree } = ordered()
  showPanel(tree, view.selected, view.show)
  enterButton.hidden = view.selected === view.root || !hasChildren(tree, view.selected)
  outline.select(view.selected)
  map.setAttribute('aria-label', `Map, ${labelOf(tree, view.selected)}, ${figuresOf(tree, view.selected, view.show)}`)
}

function say(text: string): void {
  byId('said').textContent = text
}

/** What a screen reader hears of what was selected on the map: the outline's items speak for themselves. */
function saySelected(): void {
  const { tree, childrenOf } = ordered()
  const node = view.selected
  const siblings = node === 0 ? [0] : childrenOf(outer(tree, node), view.show)
  say(
    `${labelOf(tree, node)}, ${figuresOf(tree, node, view.show)}, ${siblings.indexOf(node) + 1} of ${siblings.length}`,
  )
}

function select(node: number, { from }: { from: 'map' | 'outline' }): void {
  view.selected = node
  showSelected()
  drawMap()
  if (from === 'map') saySelected()
}

/** Fills the map with a node; of a file, with what it lies in. */
function enter(node: number): void {
  const { tree } = ordered()
  view.root = hasChildren(tree, node) || node === 0 ? node : outer(tree, node)
  view.selected = node
  showRoot()
  saySelected()
}

function leave(): void {
  if (view.root === 0) return
  const left = view.root
  view.root = outer(ordered().tree, left)
  view.selected = left
  showRoot()
  saySelected()
}

/** So many siblings on, in the order of their sizes; from the root, into it. */
function step(by: number): void {
  const { tree, childrenOf } = ordered()
  if (view.selected === view.root) {
    const [first] = childrenOf(view.root, view.show)
    if (first !== undefined) select(first, { from: 'map' })
    return
  }
  const siblings = childrenOf(outer(tree, view.selected), view.show)
  const next = siblings[siblings.indexOf(view.selected) + by]
  if (next !== undefined) select(next, { from: 'map' })
}

function runSearch(): void {
  const words = searchField.value.trim()
  if (words === '') {
    view.found = null
    byId('found').textContent = ''
    return
  }
  const { found, count } = view.search(words)
  view.found = found
  const side = view.show === 'before' ? view.image.before : view.image.after
  let bytes = 0
  for (let file = 0; file < found.length; file++) if (found[file] === 1) bytes += side[file]!
  byId('found').textContent = `${formatCount(count, 'file')}, ${formatBytes(bytes)}`
}

function showHits(): void {
  const { tree } = ordered()
  byId('results').hidden = view.found === null
  if (view.found === null) return
  byId('hits').replaceChildren(
    ...largest(tree, view.found, HITS).map(({ node, path }) => {
      const button = element('button', { text: `${shown(path)} – ${figuresOf(tree, node, view.show)}` })
      button.type = 'button'
      button.addEventListener('click', () => {
        enter(node)
        map.focus()
      })
      return element('li', {}, [button])
    }),
  )
}

let waiting = 0
searchField.addEventListener('input', () => {
  cancelAnimationFrame(waiting)
  waiting = requestAnimationFrame(() => {
    runSearch()
    counts = view.found && countIn(ordered().tree, view.found)
    showHits()
    drawMap()
  })
})
controls.addEventListener('submit', (event) => event.preventDefault())
controls.addEventListener('change', (event) => {
  const { name, value } = event.target as HTMLInputElement
  if (name === 'show') view.show = value as Show
  if (name === 'by') {
    view.by = value as By
    view.root = view.selected = 0
  }
  if (name !== 'show' && name !== 'by') return
  runSearch()
  showRoot()
})
choice.addEventListener('change', () => void openImage(Number(choice.value)))
enterButton.addEventListener('click', () => {
  enter(view.selected)
  map.focus()
})

const keys: Record<string, () => void> = {
  ArrowRight: () => step(1),
  ArrowDown: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowUp: () => step(-1),
  Enter: () => {
    const { tree, childrenOf } = ordered()
    if (view.selected !== view.root) enter(view.selected)
    const [first] = childrenOf(view.root, view.show)
    if (view.selected === view.root && first !== undefined && hasChildren(tree, view.root))
      select(first, { from: 'map' })
  },
}
map.addEventListener('keydown', (event) => {
  const act = event.altKey || event.ctrlKey || event.metaKey || !Object.hasOwn(keys, event.key) ? null : keys[event.key]
  if (!act) return
  act()
  event.preventDefault()
})
document.addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  const target = event.target as Element
  const isTyping = target === searchField || target === choice
  if (event.key === '/' && !isTyping) {
    searchField.focus()
    searchField.select()
  } else if ((event.key === 'Escape' || event.key === 'Backspace') && !isTyping) {
    const wasInOutline = target.closest('#outline') !== null
    leave()
    if (wasInOutline) outline.focus()
  } else return
  event.preventDefault()
})

function boxUnder({ clientX, clientY }: MouseEvent): { box: Box | null; onStrip: boolean } {
  const { left, top } = map.getBoundingClientRect()
  const box = boxAt(boxes, clientX - left, clientY - top)
  return { box, onStrip: box !== null && box.open && clientY - top < box.y0 + box.strip }
}
canvas.addEventListener('click', (event) => {
  const { box, onStrip } = boxUnder(event)
  if (box === null) return
  if (onStrip) enter(box.node)
  else select(box.node, { from: 'map' })
})
canvas.addEventListener('dblclick', (event) => {
  const { box } = boxUnder(event)
  if (box !== null) enter(box.node)
})
canvas.addEventListener('pointermove', (event) => {
  const { box } = boxUnder(event)
  const { tree } = ordered()
  canvas.title = box === null ? '' : `${labelOf(tree, box.node)}\n${figuresOf(tree, box.node, view.show)}`
})

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  palette = readPalette(document.documentElement)
  drawMap()
})

const index = await unpack<PageIndex>('index')
for (const { name, platform, block, problem } of index.images) {
  const option = element('option', {
    text: `${shown(name)}${platform === null ? '' : ` (${shown(platform)})`}${problem === null ? '' : `: ${shown(problem)}`}`,
  })
  option.disabled = block === null
  option.value = String(block)
  choice.append(option)
}
byId('image-choice').hidden = index.images.length < 2
choice.value = String(index.images.find(({ block }) => block !== null)!.block)
await openImage(Number(choice.value))
new ResizeObserver(layOutMap).observe(map)
document.documentElement.dataset['ready'] = 'true'
