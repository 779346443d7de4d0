import type { Rule } from './finding.ts'
import { findSplit } from './toolchain.ts'

/** A Dockerfile of one stage whose image has the tools that built it: told once, in place of `toolchain`. */
export const singleStage: Rule = (image) => (image.stages === 1 ? findSplit(image) : [])
