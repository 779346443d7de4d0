import type { Layer } from '../image/measurement.ts'

/** One row of an alignment: the same layer on both sides, or a layer that only one side has (then the other is null). */
export type LayerPair = { base: Layer; head: Layer } | { base: Layer; head: null } | { base: null; head: Layer }

/**
 * diffID of the layer that holds nothing: SHA-256 of 1,024 zero bytes, a tar's end-of-archive mark. Every instruction
 * that changes no file has it (`RUN true`, `WORKDIR` of a folder that is there), so it tells nothing about another one.
 */
export const EMPTY_TAR = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'

/** Similarity of two instructions is an integer up to this. */
const fullSimilarity = 1000

/** Characters of an instruction that are looked at: bounds the work for a heredoc of thousands of lines. */
const comparedText = 1000

/**
 * Pairs the layers of two images; both sides base layer first, as is the result. The order of both sides is kept, every
 * layer is in exactly one row, and where layers of both sides stand unpaired side by side, the base's come first.
 *
 * One dynamic programme (Needleman and Wunsch 1970, without gap costs) looks for the alignment with, in this order of
 * importance, the most layers of the same content (diffID), the most equal instructions, and the most similar
 * instructions of the same keyword. So an inserted layer does not shift the rest, and an edited instruction is one pair
 * however much of it was edited. Layers of unlike keywords pair only as the same content; layers that came with the
 * `FROM` image never pair with the image's own; one whose origin is not known may be either. Among equals the lowest layers pair.
 *
 * Time and memory grow with the product of the sides: nothing to notice for an engine's 127 layers, a second for 1,000.
 */
export function alignLayers(base: Layer[], head: Layer[]): LayerPair[] {
  const scoreOf = scorer(base, head)
  const width = head.length + 1

  // best[b * width + h]: score of the best alignment of base[b..] with head[h..].
  const best = new Float64Array((base.length + 1) * width)
  const pair = new Float64Array(base.length * width)
  for (let b = base.length - 1; b >= 0; b--) {
    for (let h = head.length - 1; h >= 0; h--) {
      const here = b * width + h
      const score = scoreOf(b, h)
      pair[here] = score
      const paired = score > 0 ? score + best[here + width + 1]! : 0
      best[here] = Math.max(paired, best[here + width]!, best[here + 1]!)
    }
  }

  const rows: LayerPair[] = []
  let b = 0
  let h = 0
  while (b < base.length || h < head.length) {
    const here = b * width + h
    const baseLayer = base[b]
    const headLayer = head[h]
    if (baseLayer && headLayer && pair[here]! > 0 && best[here] === pair[here]! + best[here + width + 1]!) {
      rows.push({ base: baseLayer, head: headLayer })
      b++
      h++
    } else if (baseLayer && (!headLayer || best[here] === best[here + width])) {
      rows.push({ base: baseLayer, head: null })
      b++
    } else if (headLayer) {
      rows.push({ base: null, head: headLayer })
      h++
    }
  }
  return rows
}

/**
 * The worth of pairing base[b] with head[h]; 0: they never pair. Each level outweighs whatever all pairs together can
 * have on the levels below it, which makes one sum of the three. For 1,000 layers a side the largest total is
 * about 10^12, far below where doubles stop being exact.
 */
function scorer(base: Layer[], head: Layer[]): (b: number, h: number) => number {
  const pairs = Math.min(base.length, head.length)
  const sameInstruction = pairs * (fullSimilarity + 1) + 1
  const sameContent = pairs * (sameInstruction + fullSimilarity + 1) + 1
  const vocabulary = new Map<string, number>()
  const baseTexts = base.map((layer) => readInstruction(layer, vocabulary))
  const headTexts = head.map((layer) => readInstruction(layer, vocabulary))

  return (b, h) => {
    const left = base[b]!
    const right = head[h]!
    if (left.fromBase !== null && right.fromBase !== null && left.fromBase !== right.fromBase) return 0
    const equalText = left.instruction === right.instruction
    const equalContent = left.diffId === right.diffId && (equalText || left.diffId !== EMPTY_TAR)
    const content = equalContent ? sameContent : 0
    if (equalText) return content + sameInstruction
    const leftText = baseTexts[b]!
    const rightText = headTexts[h]!
    if (leftText.keyword !== rightText.keyword) return content
    return content + 1 + similarity(leftText.words, rightText.words)
  }
}

/** `words`: their numbers in the vocabulary, sorted; numbers compare faster than words do. */
type InstructionText = { keyword: string; words: Int32Array }

/** The keyword, `''` where the text does not start with a word (base images made by other tools), and what follows it. */
function readInstruction({ instruction }: Layer, vocabulary: Map<string, number>): InstructionText {
  const keyword = /^[a-z]+(?=\s|$)/i.exec(instruction)?.[0] ?? ''
  const words = instruction.slice(keyword.length, comparedText).match(/[\p{L}\p{N}]+/gu) ?? []
  const numbers = words.map((word) => {
    const number = vocabulary.get(word) ?? vocabulary.size
    vocabulary.set(word, number)
    return number
  })
  return { keyword: keyword.toUpperCase(), words: Int32Array.from(numbers).toSorted() }
}

/** Dice's coefficient of two sorted lists of words, 0 to `fullSimilarity`. */
function similarity(left: Int32Array, right: Int32Array): number {
  let common = 0
  for (let l = 0, r = 0; l < left.length && r < right.length;) {
    const a = left[l]!
    const b = right[r]!
    if (a === b) common++
    if (a <= b) l++
    if (b <= a) r++
  }
  const total = left.length + right.length
  return total === 0 ? 0 : Math.floor((2 * common * fullSimilarity) / total)
}
