import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { instructionAt, parseDockerfile } from '../../src/build/dockerfile.ts'

/** The instructions as `FIRST-LAST STAGE: TEXT`. */
function rows(...lines: string[]): string[] {
  return parseDockerfile(lines.join('\n')).map(
    ({ line, endLine, stage, text }) => `${line}-${endLine} ${stage ?? 'none'}: ${text}`,
  )
}

describe('parseDockerfile', () => {
  it('gives each instruction its lines and its stage', () => {
    expect(
      rows(
        'ARG TAG=1',
        '',
        '# base',
        'FROM node:$TAG AS build',
        'RUN npm ci',
        'FROM scratch',
        'COPY . .',
        'from build as Last',
      ),
    ).toEqual([
      '1-1 none: ARG TAG=1',
      '4-4 build: FROM node:$TAG AS build',
      '5-5 build: RUN npm ci',
      '6-6 1: FROM scratch',
      '7-7 1: COPY . .',
      '8-8 Last: from build as Last',
    ])
  })

  it('finds the name of a stage behind flags', () => {
    expect(rows('FROM --platform=$BUILDPLATFORM node:24 AS build')).toEqual([
      '1-1 build: FROM --platform=$BUILDPLATFORM node:24 AS build',
    ])
    expect(rows('FROM --platform=linux/amd64 as')).toEqual(['1-1 0: FROM --platform=linux/amd64 as'])
  })

  it('joins continued lines and leaves out the comments between them', () => {
    expect(
      rows('FROM a', 'RUN one && \\', '    # about two', '    two; \\   ', '', '  three # not a comment', 'RUN last'),
    ).toEqual(['1-1 0: FROM a', '2-6 0: RUN one && two; three # not a comment', '7-7 0: RUN last'])
  })

  it('keeps here-documents as they are, in one line', () => {
    expect(
      rows('FROM a', 'RUN <<EOF', '#!/bin/sh', '# comment of the script', 'a \\', '  b', 'EOF', 'RUN last'),
    ).toEqual(['1-1 0: FROM a', '2-7 0: RUN <<EOF #!/bin/sh # comment of the script a \\ b EOF', '8-8 0: RUN last'])
  })

  it('knows several here-documents, quoted, with tabs, and of COPY and ADD', () => {
    expect(
      rows('FROM a', 'COPY <<"A" <<-B /x/', 'FROM b', 'A', '# c', '\tB', 'ADD <<C /y', '# d', 'C', 'RUN last'),
    ).toEqual([
      '1-1 0: FROM a',
      '2-6 0: COPY <<"A" <<-B /x/ FROM b A # c B',
      '7-9 0: ADD <<C /y # d C',
      '10-10 0: RUN last',
    ])
  })

  it('honours the escape directive', () => {
    expect(rows('# escape=`', 'FROM a', 'RUN one `', '  two C:\\', 'RUN last')).toEqual([
      '2-2 0: FROM a',
      '3-4 0: RUN one two C:\\',
      '5-5 0: RUN last',
    ])
  })

  it('takes a backquote for what it is, elsewhere', () => {
    expect(rows('FROM a', 'RUN echo `date`', 'RUN echo `date` \\', '  `id`')).toEqual([
      '1-1 0: FROM a',
      '2-2 0: RUN echo `date`',
      '3-4 0: RUN echo `date` `id`',
    ])
  })

  it('takes ONBUILD for the instruction it is', () => {
    expect(parseDockerfile('FROM a\nONBUILD RUN x')[1]).toEqual({
      line: 2,
      endLine: 2,
      keyword: 'ONBUILD',
      text: 'ONBUILD RUN x',
      stage: '0',
      copiedFrom: null,
    })
  })

  it('tells what COPY --from names: a stage above, by name or number, else an image', () => {
    const copied = (...lines: string[]) =>
      parseDockerfile(['FROM a AS Build', 'FROM b', 'FROM c AS last', ...lines].join('\n'))
        .slice(3)
        .map(({ copiedFrom }) => copiedFrom && `${copiedFrom.kind} ${copiedFrom.name}`)
    expect(copied('COPY --from=build /x /x')).toEqual(['stage Build'])
    expect(copied('COPY --chown=1:1 --from=0 /x /x', 'COPY --link --from=1 /x /x')).toEqual(['stage Build', 'stage 1'])
    // Its own stage, one that is not there, and a named context are no stages above.
    expect(copied('COPY --from=last /x /x', 'COPY --from=2 /x /x', 'COPY --from=99999 /x /x')).toEqual([
      'image last',
      'image 2',
      'image 99999',
    ])
    expect(copied('COPY --from=ghcr.io/octo/tool:1@sha256:00 /x /x')).toEqual(['image ghcr.io/octo/tool:1@sha256:00'])
    expect(copied('COPY . .', 'COPY --from= /x /x', 'ADD --from=build x /x', 'RUN --from=build x')).toEqual([
      null,
      null,
      null,
      null,
    ])
  })

  it('reads lines that end with CRLF', () => {
    expect(rows('FROM a AS b\r', 'RUN one && \\\r', '  two\r')).toEqual(['1-1 b: FROM a AS b', '2-3 b: RUN one && two'])
  })

  it('leaves what is wrong to the builder', () => {
    expect(rows('FROM', 'COPPY a b', 'RUN')).toEqual(['1-1 0: FROM', '2-2 0: COPPY a b', '3-3 0: RUN'])
    expect(rows('')).toEqual([])
    expect(rows('RUN one \\')).toEqual(['1-1 none: RUN one \\'])
  })

  it('cuts what is too long to be shown', () => {
    const [from, run] = parseDockerfile(
      `FROM a AS ${'s'.repeat(200)}\nRUN <<EOF\n${'echo hello\n'.repeat(10_000)}EOF\n`,
    )
    expect(from?.stage).toBe(`${'s'.repeat(100)}…`)
    expect(run).toMatchObject({ line: 2, endLine: 10_003, text: expect.stringMatching(/^RUN <<EOF echo.{986}…$/) })
    expect(run?.text.length).toBe(1_001)
  })

  it('does not parse a Dockerfile of a length that would take long', () => {
    expect(parseDockerfile(`FROM a\nRUN ${'x '.repeat(130_000)}`)).toHaveLength(2)
    expect(parseDockerfile(`FROM a\nRUN ${'x '.repeat(132_000)}`)).toEqual([])
  })

  it('gives each line of any text to at most one instruction, in order', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'FROM a AS b',
        'RUN x \\',
        'RUN <<EOF',
        'EOF',
        '# c',
        '',
        '  y',
        '# escape=`',
        'COPY <<A <<B /',
        'A',
        '\\',
        '"',
        'RUN ["',
        'FROM a AS',
        'ONBUILD',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const instructions = parseDockerfile(lines.join('\n'))
        instructions.forEach(({ line: first, endLine, text }, at) => {
          expect(first).toBeGreaterThan(instructions[at - 1]?.endLine ?? 0)
          expect(endLine).toBeGreaterThanOrEqual(first)
          expect(text).not.toContain('\n')
        })
      }),
    )
  })
})

describe('instructionAt', () => {
  const instructions = parseDockerfile('FROM a\n\nRUN one \\\n  two\n')

  it('finds the instruction that covers a line, or none', () => {
    expect([1, 2, 3, 4, 5, 0, -1].map((line) => instructionAt(instructions, line)?.keyword ?? null)).toEqual([
      'FROM',
      null,
      'RUN',
      'RUN',
      null,
      null,
      null,
    ])
  })
})

it('reads every Dockerfile that BuildKit could build', () => {
  const folder = new URL('dockerfiles/provenance/', import.meta.url)
  for (const file of readdirSync(folder)) {
    const keywords = parseDockerfile(readFileSync(new URL(file, folder), 'utf8')).map(({ keyword }) => keyword)
    expect([
      file,
      keywords.filter((keyword) => !/^(FROM|RUN|COPY|ADD|ENV|ARG|LABEL|WORKDIR|CMD)$/.test(keyword)),
    ]).toEqual([file, []])
  }
})
