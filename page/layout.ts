import { treemapSquarify } from 'd3-hierarchy'
import { hasChildren, valueOf, type Show, type Tree } from './tree.ts'

/** Where a node is drawn; one that holds others stands before them. In CSS pixels. */
export type Box = {
  node: number
  x0: number
  y0: number
  x1: number
  y1: number
  depth: number
  /** What is in it is drawn in it, below a strip with its name where that is `strip` high. */
  open: boolean
  strip: number
  /** It stands for what is too small to be drawn in `node`. */
  isRest: boolean
}

const STRIP = 18
const GAP = 2
/** Narrower or lower than this, nothing is drawn inside. */
const OPEN_MIN = 14
const STRIP_MIN_WIDTH = 50
const STRIP_MIN_HEIGHT = 44
/** Square pixels. */
const SMALLEST = 1.5

/** What `treemapSquarify` takes of d3's nodes, and gives them. */
type Tile = { node: number; value: number; x0: number; y0: number; x1: number; y1: number }

/**
 * Fills the area with what is in `root`, squarified (Bruls, Huizing and van Wijk 2000), as deep as it can be seen: so the time that it takes
 * is the screen's matter, not the image's. What is too small to be seen is one box together.
 */
export function layOut(
  tree: Tree,
  childrenOf: (node: number, show: Show) => Int32Array,
  root: number,
  show: Show,
  width: number,
  height: number,
): Box[] {
  const boxes: Box[] = []
  if (valueOf(tree, root, show) <= 0 || width <= 0 || height <= 0) return boxes
  if (!hasChildren(tree, root))
    return [{ node: root, x0: 0, y0: 0, x1: width, y1: height, depth: 1, open: false, strip: 0, isRest: false }]
  const fill = (node: number, depth: number, x0: number, y0: number, x1: number, y1: number): void => {
    const total = valueOf(tree, node, show)
    const perByte = ((x1 - x0) * (y1 - y0)) / total
    const tiles: Tile[] = []
    for (const child of childrenOf(node, show)) {
      const value = valueOf(tree, child, show)
      if (value <= 0 || value * perByte < SMALLEST) break
      tiles.push({ node: child, value, x0: 0, y0: 0, x1: 0, y1: 0 })
    }
    const seen = tiles.reduce((sum, { value }) => sum + value, 0)
    // Keeps its place, last, for what is too small.
    if (seen < total) tiles.push({ node: -1, value: total - seen, x0: 0, y0: 0, x1: 0, y1: 0 })
    treemapSquarify({ value: total, children: tiles } as never, x0, y0, x1, y1)
    for (const tile of tiles) {
      const { x0: left, y0: top, x1: right, y1: bottom } = tile
      if (tile.node === -1) {
        boxes.push({ node, x0: left, y0: top, x1: right, y1: bottom, depth, open: false, strip: 0, isRest: true })
        continue
      }
      const [w, h] = [right - left, bottom - top]
      const open = hasChildren(tree, tile.node) && w >= OPEN_MIN && h >= OPEN_MIN
      const strip = open && w >= STRIP_MIN_WIDTH && h >= STRIP_MIN_HEIGHT ? STRIP : 0
      boxes.push({ node: tile.node, x0: left, y0: top, x1: right, y1: bottom, depth, open, strip, isRest: false })
      if (open) fill(tile.node, depth + 1, left + GAP, top + Math.max(strip, GAP), right - GAP, bottom - GAP)
    }
  }
  fill(root, 1, 0, 0, width, height)
  return boxes
}

/** The innermost box at a place; null where there is none. */
export function boxAt(boxes: readonly Box[], x: number, y: number): Box | null {
  return boxes.findLast((box) => x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1) ?? null
}
