import type { LayerChangeKind } from '../compare/comparison.ts'
import type { Ecosystem } from '../image/packages/package.ts'

/**
 * What the page is given: written by this room, read by the page's own sources in `page/`. Sizes are integers in bytes. Names are as the
 * image has them, whatever that is: the page shows them as text and nothing else.
 */

/** The images of the run, in the report's order; each image's own data is a block of its own, unpacked when it is looked at. */
export type PageIndex = {
  /** Version of image-budget that wrote the page. */
  version: string
  images: PageEntry[]
  /** Address of the workflow run, or null. */
  runUrl: string | null
}

/** One image on one platform, as the choice of images shows it. */
export type PageEntry = {
  name: string
  platform: string | null
  /** Number of its block; null: there is nothing to draw, and `problem` says why. */
  block: number | null
  problem: string | null
}

/** One image on one platform. */
export type PageImage = {
  name: string
  platform: string
  /** Bytes of the image: the sum of `after`, and of `before`; null: there is nothing to compare with. */
  size: number
  sizeBefore: number | null
  /** What it is compared with, as a sentence without its final full stop. */
  comparedWith: string
  /** In the image's order, base layer first; a layer that is gone stands where it stood. */
  layers: PageLayer[]
  packages: PagePackage[]
  folders: PageFolders
  files: PageFiles
}

export type PageLayer = {
  change: LayerChangeKind
  instruction: string
  /** Dockerfile and line, where they are known, and where a link to them leads. */
  file: string | null
  line: number | null
  url: string | null
  stage: string | null
  fromBase: boolean | null
  /** Number of the layer in the image, from 1; null: it has it not. */
  numberBefore: number | null
  numberAfter: number | null
}

/** A package of either side. */
export type PagePackage = {
  ecosystem: Ecosystem
  name: string
  versionBefore: string | null
  versionAfter: string | null
}

/** The folders that have files, and those above them, each after its parent. The first one is the root, which has no name. */
export type PageFolders = { names: string[]; parents: number[] }

/**
 * Files by columns, in the folders' order. A file that a layer ships and a later one removes or replaces is one of its own. Of the same path the
 * file of a layer is the one of that layer on the other side; what is left over has moved from layer to layer.
 */
export type PageFiles = {
  names: string[]
  /** How many of them each folder has. */
  counts: number[]
  after: number[]
  /** After minus before: nearly always 0, which packs to nothing. */
  growth: number[]
  /** Index of the layer that ships it on that side; -1: it is not there. */
  layerAfter: number[]
  layerBefore: number[]
  /** Index of its package on that side; -1: no package's, or not there. */
  packageAfter: number[]
  packageBefore: number[]
  /** What took it away on that side, of `lossOf`; 0: nothing. */
  lostAfter: number[]
  lostBefore: number[]
}

/** A file is shipped and yet not in the image: the layer that took it away, and how. */
export type PageLoss = { layer: number; how: 'removed' | 'replaced' }

/** A loss as a number, 1 or more. */
export function codeOfLoss({ layer, how }: PageLoss): number {
  return 1 + layer * 2 + (how === 'replaced' ? 1 : 0)
}

/** The loss of a number; null for 0. */
export function lossOf(code: number): PageLoss | null {
  return code === 0 ? null : { layer: (code - 1) >> 1, how: (code - 1) % 2 === 1 ? 'replaced' : 'removed' }
}
