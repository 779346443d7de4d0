import { DockerfileParser, type Instruction } from 'dockerfile-ast'

/** One instruction of a Dockerfile. */
export type DockerfileInstruction = {
  /** First and last line, 1-based. */
  line: number
  endLine: number
  /** Upper case: `RUN`, `COPY`. */
  keyword: string
  /** The instruction as written, on one line: continuations joined, comments and here-document marks kept as they are. */
  text: string
  /** The stage it stands in: its name, else its number as text; null before the first `FROM`. */
  stage: string | null
}

/** The stages and instructions of a Dockerfile, in its order. Bad lines are left to the builder to complain about. */
export function parseDockerfile(content: string): DockerfileInstruction[] {
  const lines = content.split(/\r?\n/)
  let stage: string | null = null
  let stages = 0
  return DockerfileParser.parse(content)
    .getInstructions()
    .map((instruction) => {
      const keyword = instruction.getKeyword()
      if (keyword === 'FROM') {
        stage = stageName(instruction) ?? String(stages)
        stages++
      }
      const { start, end } = instruction.getRange()
      return {
        line: start.line + 1,
        endLine: end.line + 1,
        keyword,
        text: oneLine(lines.slice(start.line, end.line + 1)),
        stage,
      }
    })
}

/** The instruction that covers a line (1-based), or null. */
export function instructionAt(instructions: DockerfileInstruction[], line: number): DockerfileInstruction | null {
  return instructions.find((instruction) => instruction.line <= line && line <= instruction.endLine) ?? null
}

function stageName(from: Instruction): string | null {
  const words = from.getArguments().map((argument) => argument.getValue())
  const as = words.findIndex((word) => word.toLowerCase() === 'as')
  return as === -1 ? null : (words[as + 1] ?? null)
}

function oneLine(lines: string[]): string {
  return lines
    .filter((line, at) => at === 0 || !/^\s*#/.test(line))
    .map((line) => line.trim().replace(/\s*[\\`]$/, ''))
    .filter((line) => line !== '')
    .join(' ')
}
