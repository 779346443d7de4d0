import { DockerfileParser, type Copy, type Instruction, type Run } from 'dockerfile-ast'

/** One instruction of a Dockerfile. */
export type DockerfileInstruction = {
  /** First and last line, 1-based. */
  line: number
  endLine: number
  /** Upper case: `RUN`, `COPY`. */
  keyword: string
  /**
   * The instruction as written, on one line: continuations joined, comments between them left out, here-documents kept.
   * What is longer than 1,000 characters ends there, with an ellipsis.
   */
  text: string
  /** The stage it stands in: its name (at most 100 characters and an ellipsis), else its number as text; null before the first `FROM`. */
  stage: string | null
  /** What `COPY --from` names, a stage (by its name, if it has one) or else an image; null for all else. */
  copiedFrom: { kind: 'stage' | 'image'; name: string } | null
}

/** Longest Dockerfile that is parsed, in characters: of this length the parser takes up to a second, and a longer one blocks it. */
export const MAX_DOCKERFILE_LENGTH = 256 * 1024
const MAX_TEXT = 1_000
const MAX_STAGE_NAME = 100

/**
 * The stages and instructions of a Dockerfile, in its order. Bad lines are left to the builder to complain about.
 * None of a Dockerfile longer than MAX_DOCKERFILE_LENGTH: its lines are not told then.
 */
export function parseDockerfile(content: string): DockerfileInstruction[] {
  if (content.length > MAX_DOCKERFILE_LENGTH) return []
  const lines = content.split(/\r?\n/)
  let stage: string | null = null
  const stages: string[] = []
  const dockerfile = DockerfileParser.parse(content)
  const escape = dockerfile.getEscapeCharacter()
  return dockerfile.getInstructions().map((instruction) => {
    const keyword = instruction.getKeyword()
    if (keyword === 'FROM') {
      stage = stageName(instruction) ?? String(stages.length)
      stages.push(stage)
    }
    const { start, end } = instruction.getRange()
    return {
      line: start.line + 1,
      endLine: end.line + 1,
      keyword,
      text: cut(
        oneLine(lines.slice(start.line, end.line + 1), documentStart(instruction) - start.line, escape),
        MAX_TEXT,
      ),
      stage,
      copiedFrom: keyword === 'COPY' ? copySource(instruction as Copy, stages) : null,
    }
  })
}

/** The instruction that covers a line (1-based), or null. */
export function instructionAt(instructions: DockerfileInstruction[], line: number): DockerfileInstruction | null {
  return instructions.find((instruction) => instruction.line <= line && line <= instruction.endLine) ?? null
}

/** What a `FROM` names, as written: `node:24` of `FROM --platform=linux/amd64 node:24 AS build`; null where that is no `FROM`. */
export function referenceIn(instruction: string): string | null {
  return /^FROM\s+(?:--\S+\s+)*(\S+)/i.exec(instruction)?.[1] ?? null
}

function stageName(from: Instruction): string | null {
  const words = from.getArguments().map((argument) => argument.getValue())
  const as = words.findIndex((word) => word.toLowerCase() === 'as')
  const name = words[as + 1]
  return as === -1 || name === undefined ? null : cut(name, MAX_STAGE_NAME)
}

/** A name is a stage's where one above has it, a number the stage's of that number; anything else is an image, or a named context. */
function copySource(copy: Copy, stages: string[]): DockerfileInstruction['copiedFrom'] {
  // `getFromFlag` knows it only where it is the only flag.
  const name = copy
    .getFlags()
    .find((flag) => flag.getName() === 'from')
    ?.getValue()
  if (!name) return null
  const stage = stages.slice(0, -1).findLast((known) => known.toLowerCase() === name.toLowerCase())
  const numbered = /^\d{1,4}$/.test(name) ? stages.slice(0, -1)[Number(name)] : undefined
  const found = stage ?? numbered
  return found === undefined ? { kind: 'image', name: cut(name, MAX_TEXT) } : { kind: 'stage', name: found }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

/** Line (0-based) at which the instruction's first here-document begins; Infinity where it has none. */
function documentStart(instruction: Instruction): number {
  // Every instruction has the method (`ADD` takes here-documents, too); the types only show it of `RUN` and `COPY`.
  const documents = (instruction as Run).getHeredocs()
  return Math.min(...documents.map((document) => document.getContentRange()?.start.line ?? Infinity))
}

/** From the line `documents` on, a line is text as it is: no comment, no continuation. */
function oneLine(lines: string[], documents: number, escape: string): string {
  const last = Math.min(lines.length, documents) - 1
  return lines
    .map((line) => line.trim())
    .filter((line, at) => at === 0 || at >= documents || !line.startsWith('#'))
    .map((line, at) => (at < last && line.endsWith(escape) ? line.slice(0, -1).trimEnd() : line))
    .filter((line) => line !== '')
    .join(' ')
}
