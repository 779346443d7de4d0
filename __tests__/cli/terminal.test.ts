/* oxlint-disable no-control-regex -- control sequences are what is looked for */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { displayWidth } from '../../src/report/characters.ts'
import { engines, type Engine } from '../support/engine.ts'
import { isPty, runOnTerminal, type Seen } from '../support/pty.ts'
import { createRepository, type TestRepository } from '../support/repository.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(120_000)

const [{ env }] = engines() as [Engine]
const COMMAND = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))

let repository: TestRepository
let temporary: string
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'image-budget-terminal-'))
  repository = createRepository()
  const slow = `RUN : ${Date.now()} a-long-instruction-that-no-narrow-terminal-has-room-for 宽宽宽; sleep 2\n`
  repository.commit({
    Dockerfile: `FROM image-budget/base:1\nARG N\n${slow}COPY data /\n`,
    'slow.Dockerfile': 'FROM image-budget/base:1\nARG N\nRUN sleep 300\n',
    'broken.Dockerfile': `FROM image-budget/base:1\nRUN echo "look ""here ${Date.now()}" && exit 7\n`,
    data: 'x'.repeat(1000),
  })
  repository.git('checkout', '--quiet', '-b', 'feature')
  repository.commit({ data: 'x'.repeat(3000) })
})
afterAll(() => {
  repository.dispose()
  rmSync(temporary, { recursive: true })
})

function run(
  args: string[],
  columns: number,
  more: { variables?: Record<string, string>; onOutput?: (written: string, type: (keys: string) => void) => void } = {},
): Promise<Seen> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...inherited } = process.env
  return runOnTerminal([process.execPath, COMMAND, ...args], {
    cwd: repository.dir,
    env: { ...inherited, ...env, TERM: 'xterm', TMPDIR: temporary, ...more.variables },
    columns,
    ...(more.onOutput && { onOutput: more.onOutput }),
  })
}

/** A line for what is under way ends with a time in whole seconds. */
const underWay = (lines: readonly string[]): string[] => lines.filter((line) => /│ .* \d+ s$/.test(line))

;(isPty ? describe : describe.skip)('on a terminal', () => {
  it.each([80, 40, 200])('leaves the steps that ended and the report, in %i columns', async (columns) => {
    const { exitCode, lines, written } = await run(['check', '--build-args', `N=${columns}`], columns)
    expect(exitCode).toBe(0)
    expect(written).toMatch(/│ .*\d s/)
    expect(underWay(lines)).toEqual([])
    expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([])
    expect(lines.filter((line) => /^(?:head|base) │ \[\d\/3\] .*\d\.\ds$/.test(line)).length).toBeGreaterThan(1)
    const report = lines.findIndex((line) => line.startsWith('Image budget: '))
    expect(lines.slice(0, report).join('\n')).not.toMatch(/Size/)
    expect(lines.slice(report).join('\n')).toMatch(/Size[^]*\+2\.0 kB/)
    expect(lines.slice(report).join('\n')).not.toContain('│')
  })

  it.each([
    ['in a job', { CI: 'true' }],
    ['on a terminal that cannot move', { TERM: 'dumb' }],
  ])('only adds lines %s', async (_, variables) => {
    const { written, lines } = await run(['check'], 80, { variables })
    expect(written).not.toMatch(/\u001b\[\d*[AJ]/)
    expect(lines).toContainEqual(expect.stringMatching(/^head │ #\d+ \[\d\/3\] /))
  })

  it('has no colours where nobody wants them, and shows what is under way all the same', async () => {
    const { written } = await run(['check'], 80, { variables: { NO_COLOR: '1' } })
    expect(written).not.toMatch(/\u001b\[\d*m/)
    expect(written).toMatch(/\u001b\[\d+A/)
  })

  it('is ended by Ctrl-C, and says no more than that', async () => {
    let isTyped = false
    const { exitCode, lines } = await run(
      ['check', '--build-args', `N=${Date.now()}`, '--file', 'slow.Dockerfile'],
      80,
      {
        onOutput: (written, type) => {
          if (isTyped || !written.includes('sleep 300')) return
          isTyped = true
          type('\u0003')
        },
      },
    )
    expect(exitCode).toBe(130)
    expect(underWay(lines)).toEqual([])
    expect(lines.join('\n')).not.toMatch(/ERROR|CANCELED|canceled|Image budget: /)
    expect(lines.slice(-2)).toEqual([
      'Stopping what is under way ...',
      expect.stringMatching(/^image-budget: The run was cancelled/),
    ])
    expect(readdirSync(temporary)).toEqual([])
  })

  it('shows whole why a build failed', async () => {
    const { exitCode, lines } = await run(['check', '--file', 'broken.Dockerfile'], 60)
    expect(exitCode).toBe(2)
    expect(underWay(lines)).toEqual([])
    expect(lines.join('')).toMatch(/head │ .*look here/)
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toMatch(
      /could not be measured The build failed at broken\.Dockerfile:2/,
    )
  })
})
