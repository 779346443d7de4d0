import type { Box } from './layout.ts'
import { shortened, labelOf } from './text.ts'
import { isFile, kindOf, stateOf, type State, type Tree } from './tree.ts'

/** What a colour stands for. */
export type Colour = State | `layer-${0 | 1 | 2 | 3 | 4 | 5}`

/** The style sheet's colours, as the scheme has them. */
export type Palette = Record<Colour | 'text' | 'strong' | 'paper' | 'line' | 'found' | 'hatch', string>

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  return {
    unchanged: colour('unchanged'),
    same: colour('same'),
    grown: colour('grown'),
    shrunk: colour('shrunk'),
    new: colour('new'),
    gone: colour('gone'),
    'layer-0': colour('layer-0'),
    'layer-1': colour('layer-1'),
    'layer-2': colour('layer-2'),
    'layer-3': colour('layer-3'),
    'layer-4': colour('layer-4'),
    'layer-5': colour('layer-5'),
    text: colour('text'),
    strong: colour('strong'),
    paper: colour('paper'),
    line: colour('line'),
    found: colour('found'),
    hatch: colour('hatch'),
  }
}

/** What became of it; where there is nothing to compare with, which layer it comes from. */
export function colourOf(tree: Tree, node: number): Colour {
  const { image, ref } = tree
  if (image.facts.sizeBefore !== null) return stateOf(tree, node)
  return isFile(tree, node) ? colourOfLayer(image.layerAfter[ref[node]!]!) : 'unchanged'
}

/** Neighbours differ; after six the colours begin anew. */
export function colourOfLayer(at: number): Colour {
  return `layer-${(at % 6) as 0 | 1 | 2 | 3 | 4 | 5}`
}

const FONT = '12px system-ui, sans-serif'
/** Characters of a shortened name. */
const LABEL_MIN = 9
/** Pixels of a character, about. */
const CHARACTER = 6.5

export type Drawing = {
  tree: Tree
  boxes: readonly Box[]
  selected: number
  /** How many of the files that were found each node has; null: nothing is searched. */
  found: Int32Array | null
}

export function draw(canvas: HTMLCanvasElement, { tree, boxes, selected, found }: Drawing, palette: Palette): void {
  const context = canvas.getContext('2d')!
  const ratio = devicePixelRatio
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, canvas.width / ratio, canvas.height / ratio)
  context.font = FONT
  context.textBaseline = 'middle'
  const hatch = hatching(context, palette.hatch)
  for (const { node, x0, y0, x1, y1, open, strip, isRest } of boxes) {
    const [w, h] = [x1 - x0, y1 - y0]
    const isDim = found !== null && found[node] === 0
    context.globalAlpha = isDim ? 0.22 : 1
    context.fillStyle = open ? palette.paper : isRest ? palette.line : palette[colourOf(tree, node)]
    context.fillRect(x0, y0, w, h)
    if (isRest) continue
    if (!open && isLost(tree, node)) {
      context.fillStyle = hatch
      context.fillRect(x0, y0, w, h)
    }
    if (w > 3 && h > 3) {
      const isHit = found !== null && !open && !isDim
      context.strokeStyle = isHit ? palette.found : palette.line
      context.lineWidth = isHit ? 2 : 1
      context.strokeRect(x0 + 0.5, y0 + 0.5, w - 1, h - 1)
    }
    const room = Math.floor((w - 8) / CHARACTER)
    if (strip === 0 && (open || h < 16 || room < 3)) continue
    const label = labelOf(tree, node)
    // A name of which hardly anything is left tells nothing.
    if (label.length <= room || room >= LABEL_MIN) {
      context.fillStyle = open ? palette.text : palette.strong
      context.fillText(shortened(label, room), x0 + 4, y0 + (open ? strip / 2 + 1 : Math.min(h / 2, 10)), w - 8)
    }
  }
  context.globalAlpha = 1
  const chosen = boxes.find(({ node, isRest }) => node === selected && !isRest)
  if (!chosen) return
  const { x0, y0, x1, y1 } = chosen
  for (const [colour, width] of [
    [palette.paper, 5],
    [palette.text, 3],
  ] as const) {
    context.strokeStyle = colour
    context.lineWidth = width
    context.strokeRect(x0 + 1.5, y0 + 1.5, Math.max(1, x1 - x0 - 3), Math.max(1, y1 - y0 - 3))
  }
}

/** All that is in it is shipped and not in the image. */
function isLost(tree: Tree, node: number): boolean {
  return tree.after[node]! > 0 && tree.lostAfter[node] === tree.after[node] && kindOf(tree, node) !== 'root'
}

function hatching(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement('canvas')
  tile.width = tile.height = 8
  const pen = tile.getContext('2d')!
  pen.strokeStyle = colour
  pen.lineWidth = 1.5
  pen.beginPath()
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift, 8)
    pen.lineTo(shift + 8, 0)
  }
  pen.stroke()
  return context.createPattern(tile, 'repeat') ?? 'transparent'
}
