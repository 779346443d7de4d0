import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { rooms } from '../oxlint.config.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

let project: string
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'lint-'))
  cpSync(join(root, 'oxlint.config.ts'), join(project, 'oxlint.config.ts'))
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'))
})
afterEach(() => rmSync(project, { recursive: true }))

/** The lines that our configuration refuses, of a project made of `files` (path to lines), as `rule path: line`. */
function refusedLines(files: Record<string, string[]>): string[] {
  for (const [path, lines] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), lines.join('\n'))
  }
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
  const { stdout } = spawnSync(process.execPath, [oxlint, '--format', 'json', 'src'], {
    cwd: project,
    encoding: 'utf8',
  })
  type Diagnostic = { code: string; filename: string; labels: { span: { line: number } }[] }
  const { diagnostics }: { diagnostics: Diagnostic[] } = JSON.parse(stdout)
  return diagnostics.map(({ code, filename, labels: [label] }) => {
    const line = label && files[filename]?.[label.span.line - 1]
    return `${code.replace(/^.*\((.*)\)$/, '$1')} ${filename}: ${line}`
  })
}

/** What refusedLines answers when `rule` refuses each line. */
function eachLine(rule: string, files: Record<string, string[]>): string[] {
  return Object.entries(files).flatMap(([path, lines]) => lines.map((line) => `${rule} ${path}: ${line}`))
}

describe('a room imports from rooms to its left, never to its right', () => {
  it('accepts imports from the left and from the room itself', () => {
    const files = {
      'src/compare/align.ts': [
        "export { layersOf } from '../image/layer.ts'",
        "export { alignment } from './alignment.ts'",
        "export { CouldNotMeasure } from '../failure.ts'",
      ],
      'src/git/trees.ts': ["export { run } from '../exec.ts'"],
      'src/build/run.ts': ["export { run } from './buildx.ts'", "export { cli } from './cli.ts'"],
      'src/budget/rules/growth.ts': ["export { compare } from '../../compare/comparison.ts'"],
      'src/run.ts': ["export { comment } from './github/comment.ts'"],
      'src/main.ts': ["export { run } from './run.ts'"],
    }
    expect(refusedLines(files)).toEqual([])
  })

  it('refuses imports from the right, of types and lazy ones too', () => {
    const files = {
      'src/compare/align.ts': [
        "export { judge } from '../budget/budget.ts'",
        "export type { Budget } from '../budget/budget.ts'",
        "import type { Report } from '../report/report.ts'; export type X = Report",
        "export const comment = import('../github/comment.ts')",
      ],
      'src/budget/rules/growth.ts': ["export { render } from '../../report/comment.ts'"],
      'src/inputs/inputs.ts': ["export { trees } from '../git/trees.ts'"],
      'src/git/trees.ts': ["export { build } from '../build/buildx.ts'"],
      'src/build/buildx.ts': ["export { read } from '../image/read.ts'"],
      'src/github/comment.ts': ["export { run } from '../run.ts'", "export { main } from '../main.ts'"],
      'src/failure.ts': ["export { run } from './exec.ts'"],
      'src/exec.ts': ["export { inputs } from './inputs/inputs.ts'"],
      'src/run.ts': ["export { main } from './main.ts'"],
      'src/cli.ts': ["export { main } from './main.ts'"],
    }
    expect(refusedLines(files).toSorted()).toEqual(eachLine('no-restricted-imports', files).toSorted())
  })

  it('knows the place of every room that there is', () => {
    const entries = readdirSync(join(root, 'src'), { withFileTypes: true })
    expect(rooms).toEqual(expect.arrayContaining(entries.map((entry) => entry.name + (entry.isDirectory() ? '/' : ''))))
  })
})

describe('only the edges touch the world', () => {
  it('accepts each module at its edge', () => {
    const files = {
      'src/exec.ts': ["export { exec } from '@actions/exec'", "export { spawn } from 'node:child_process'"],
      'src/github/api.ts': ["export { getOctokit } from '@actions/github'", "export { warning } from '@actions/core'"],
      'src/main.ts': ["export { getInput } from '@actions/core'"],
      'src/git/trees.ts': ["export { mkdtemp } from 'node:fs/promises'"],
      'src/report/comment.ts': ["export { basename } from 'node:path'", 'export const most = Math.max(1, 2)'],
    }
    expect(refusedLines(files)).toEqual([])
  })

  it('refuses them anywhere else', () => {
    const files = {
      'src/build/buildx.ts': ["export { exec } from '@actions/exec'"],
      'src/git/trees.ts': ["export { spawn } from 'node:child_process'"],
      'src/run.ts': ["export { getOctokit } from '@actions/github'"],
      'src/inputs/inputs.ts': ["export { getInput } from '@actions/core'"],
      'src/cli.ts': ["export { setFailed } from '@actions/core'"],
    }
    expect(refusedLines(files).toSorted()).toEqual(eachLine('no-restricted-imports', files).toSorted())
  })

  it.each(['compare', 'budget', 'report'])('keeps %s/ pure', (room) => {
    const modules = {
      [`src/${room}/modules.ts`]: ['node:fs', 'node:fs/promises', 'fs', 'node:https', 'node:os'].map(
        (module, index) => `export * as module${index} from '${module}'`,
      ),
    }
    const globals = {
      [`src/${room}/globals.ts`]: [
        'process.env',
        'console',
        'globalThis.process',
        'Date.now()',
        'new Date()',
        'fetch',
      ].map((value, index) => `export const value${index} = ${value}`),
    }
    const properties = { [`src/${room}/properties.ts`]: ['export const luck = Math.random()'] }
    expect(refusedLines({ ...modules, ...globals, ...properties }).toSorted()).toEqual(
      [
        ...eachLine('no-restricted-imports', modules),
        ...eachLine('no-restricted-globals', globals),
        ...eachLine('no-restricted-properties', properties),
      ].toSorted(),
    )
  })
})
