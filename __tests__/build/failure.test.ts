import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parseDockerfile } from '../../src/build/dockerfile.ts'
import { explainBuildFailure } from '../../src/build/failure.ts'
import type { Failure } from '../../src/failure.ts'

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** What is said of a build that really failed so: `__tests__/support/capture-builds.ts` made the logs. */
function explain(name: string, store: string, target: string | null = null): Failure {
  const instructions = name === 'no-dockerfile' ? [] : parseDockerfile(read(`dockerfiles/failures/${name}.Dockerfile`))
  const log = read(`fixtures/failures/${name}.${store}.log`)
  return explainBuildFailure({ log, dockerfile: 'api/Dockerfile', target, instructions, hidden: [] }).failure
}

type Expected = { message: string; line: number | null; instruction: string | null; remedy: string | null | RegExp }
const failures: Record<string, Expected> = {
  run: {
    message: 'the command ended with exit code 1',
    line: 3,
    instruction: 'RUN exit 1',
    remedy: null,
  },
  'multi-line': {
    message: 'the command ended with exit code 1',
    line: 2,
    instruction: 'RUN echo start && ls /nowhere && echo end',
    remedy: null,
  },
  heredoc: {
    message: 'the command ended with exit code 1',
    line: 2,
    instruction: 'RUN <<EOF set -e echo start cat /nowhere EOF',
    remedy: null,
  },
  'missing-file': {
    message: '"/dist/app.jar": not found',
    line: 3,
    instruction: 'COPY dist/app.jar /app.jar',
    remedy: /committed files only.*`before-build`/,
  },
  'unknown-instruction': {
    message: 'dockerfile parse error on line 3: unknown instruction: COPPY (did you mean COPY?)',
    line: 3,
    instruction: 'COPPY a.txt /',
    remedy: null,
  },
  'bad-target': {
    message: 'target stage "prodution" could not be found (did you mean production?)',
    line: null,
    instruction: null,
    remedy: /^`target` is `prodution`; the Dockerfile's stages are `compile`, `production`\.$/,
  },
  'no-dockerfile': {
    message: 'failed to read dockerfile: open no-dockerfile.Dockerfile: no such file or directory',
    line: null,
    instruction: null,
    remedy: /^`file` names the Dockerfile/,
  },
  'no-base': {
    message:
      'image-budget.invalid/base:1: failed to resolve source metadata for image-budget.invalid/base:1: failed to do request: Head "https://image-budget.invalid/v2/base/manifests/1": dial tcp: lookup image-budget.invalid on 192.0.2.1: no such host',
    line: 2,
    instruction: 'FROM image-budget.invalid/base:1',
    remedy: /docker\/login-action.*`FROM`/,
  },
  'no-stage': {
    message: expect.stringContaining('compiel: failed to resolve source metadata') as unknown as string,
    line: 2,
    instruction: 'COPY --from=compiel /out /',
    remedy: /`--from=`/,
  },
  'no-secret': {
    message: 'secret npmrc: not found',
    line: 2,
    instruction: 'RUN --mount=type=secret,id=npmrc,required=true cat /run/secrets/npmrc',
    remedy: /`secrets`.*`secret-files`/,
  },
  empty: { message: 'the Dockerfile cannot be empty', line: null, instruction: null, remedy: null },
  // The program prints an `ERROR:` and a place of its own.
  lies: {
    message: 'the command ended with exit code 3',
    line: 2,
    instruction: expect.stringMatching(/^RUN printf/) as unknown as string,
    remedy: null,
  },
}

describe.each(['classic', 'containerd'])('a build that fails on the %s store', (store) => {
  it.each(Object.entries(failures))(
    'is told by reason, place and remedy: %s',
    (name, { message, remedy, ...place }) => {
      expect(explain(name, store, name === 'bad-target' ? 'prodution' : null)).toEqual({
        kind: 'build',
        message:
          typeof message === 'string'
            ? `The build failed${place.line === null ? '' : ` at \`api/Dockerfile:${place.line}\``}: ${message}`
            : message,
        file: 'api/Dockerfile',
        ...place,
        remedy: remedy instanceof RegExp ? expect.stringMatching(remedy) : remedy,
      })
    },
  )
})

it('tells that the classic store takes one platform', () => {
  expect(explain('multi-platform', 'classic')).toMatchObject({
    message: 'The build failed: Multi-platform build is not supported for the docker driver.',
    line: null,
    remedy: expect.stringContaining('docker/setup-buildx-action'),
  })
})

const explained = (log: string, dockerfile = '', hidden: string[] = []): Failure =>
  explainBuildFailure({
    log,
    dockerfile: 'Dockerfile',
    target: 'x',
    instructions: parseDockerfile(dockerfile),
    hidden,
  }).failure

describe('a log that is not as usual', () => {
  it.each([
    ['', 'The build failed: buildx gave no reason.'],
    ['\n\n', 'The build failed: buildx gave no reason.'],
    ['#1 something\nunknown flag: --nope\n', 'The build failed: unknown flag: --nope'],
    ['ERROR: failed to build: ', 'The build failed: buildx gave no reason.'],
    ['ERROR: one\nERROR: two\nmore of two', 'The build failed: two'],
  ])('%j still gives a sentence', (log, message) => {
    expect(explained(log).message).toBe(message)
  })

  it('is cut short where it is long', () => {
    expect(explained(`ERROR: ${'x'.repeat(5_000)}`).message.length).toBeLessThan(1_100)
  })

  it('of a Dockerfile without named stages says how to name one', () => {
    const log = 'ERROR: failed to solve: target stage "x" could not be found'
    expect(explained(log, 'FROM a').remedy).toBe('`target` is `x`; the Dockerfile names no stage (`FROM … AS name`).')
    // What was too long to be parsed is not said to lack them.
    expect(explained(log).remedy).toBe('`target` is `x`; it takes the name of a stage (`FROM … AS name`).')
  })

  it('of a Dockerfile with thousands of stages names some', () => {
    const dockerfile = Array.from({ length: 2_000 }, (_, at) => `FROM a AS s${at}-${'x'.repeat(60)}`).join('\n')
    const { remedy } = explained('ERROR: failed to solve: target stage "x" could not be found', dockerfile)
    expect(remedy).toMatch(/stages are `s0-x+`, .*`s19-x+`, …\.$/)
  })

  it('never takes long', () => {
    expect(explained(`x:1\n${'-'.repeat(19)}\n`.repeat(10_000)).line).toBeNull()
    expect(explained(':1'.repeat(130_000)).line).toBeNull()
  })
})

describe('values of build arguments and secrets', () => {
  it.each<[string, string[], string, string]>([
    ['in a path', ['hunter2'], '"/hunter2": not found', '"/…": not found'],
    [
      'in an image and in the URL that is made of it',
      ['reg.example/hunter2:v1'],
      'reg.example/hunter2:v1: failed to do request: Head "https://reg.example/v2/hunter2/manifests/v1": EOF',
      '…: failed to do request: Head "https://…/v2/…/manifests/v1": EOF',
    ],
    ['the longest first', ['hunter', 'hunter2more'], '"/hunter2more": not found', '"/…": not found'],
    ['quoted', ['a "b" c'], String.raw`"/a \"b\" c": not found`, '"/…": not found'],
    ['on several lines', ['first\nsecond'], '"/first\nsecond": not found', '"/…": not found'],
    ['in lower case', ['HUNTER/2'], '"hunter/2": unknown operating system', '"…": unknown operating system'],
    ['that look like patterns', ['.*+?(x)[1]|\\'], 'it is .*+?(x)[1]|\\ and x', 'it is … and x'],
    ['where the message is cut', ['hunter2'], `${'x'.repeat(996)}hunter2`, `${'x'.repeat(996)}…`],
  ])('are not shown: %s', (_, hidden, error, shown) => {
    expect(explained(`ERROR: failed to build: failed to solve: ${error}\n`, '', hidden).message).toBe(
      `The build failed: ${shown}`,
    )
  })

  it('leave the sentence as it is where they are shorter than 4 characters, or empty', () => {
    const log = 'ERROR: process "/bin/sh -c exit 1" did not complete successfully: exit code: 1'
    expect(explained(log, '', ['1', '', 'cod', '    ']).message).toBe(
      'The build failed: the command ended with exit code 1',
    )
  })

  it('do not hide the remedy', () => {
    expect(explained('ERROR: "/hunter2": not found', '', ['hunter2', 'not found']).remedy).toMatch(/`before-build`/)
  })
})
