import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, describe, expect, it, jest } from '@jest/globals'
import * as fc from 'fast-check'
import { parseIgnoreFile } from '../../src/build/ignore-file.ts'
import { engines } from '../support/engine.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(120_000)

/** Files of a context, with names that patterns meet half-way. */
const FILES = [
  'a',
  'b.md',
  'README.md',
  'b.pyc',
  'b.pyo',
  'b.py',
  'src/a',
  'src/a.md',
  'src/README.md',
  'src/lib/a',
  'src/lib/deep/README.md',
  'src/lib/deep/b.md',
  'srcs/a',
  'docs/b.md',
  'docs/keep/a',
  'docs/keep/b.md',
  'docs/api/v1/a.md',
  'a.d/a',
  'x/src/a',
  'x/docs/keep/a',
  'x/a+b(c)',
  'node_modules/p/index.js',
  'src/node_modules/p/index.js',
  'anode_modules/p',
  '.git/HEAD',
  '.env',
  'deep/er/and/deeper/a',
  'with space/a b',
  '!mark',
]

/** Ignore files as people write them, and the corners of the rules. */
const IGNORE_FILES = [
  '',
  '# all\n\n  \nb.md',
  '#*\n #a\n',
  '*',
  '*\n!src',
  '*\n!src/lib\n',
  '*\n!src/**\n!README.md\n',
  '**',
  '**\n!src',
  '**\n!**/*.md',
  '*.md\n!README.md',
  '*.md\n!README*.md\nREADME.md',
  '**/*.md\n!**/README.md',
  'src\n!src/lib\nsrc/lib/deep',
  'src/lib\n!src',
  'src/*\n!src/lib',
  '*/lib',
  '*/*/deep',
  'src/**/README.md',
  'src/**',
  'src/**/',
  'src**',
  '**src',
  '**/src',
  '**/src/**',
  'src/***',
  '**/node_modules\n!src/node_modules/p',
  '/docs/\n!/docs/keep/',
  './docs\n!docs/keep/a',
  'docs/../src',
  '../src\nsrc/../..',
  '/',
  '.',
  '!src',
  '! src\n*\n ! docs/keep ',
  'docs\n!docs/keep/*.md',
  'docs\n!docs/keep/**\n**/a',
  'docs/**\n!docs/*/',
  'docs/*\n!docs/keep\n!docs/api/v1',
  '*.py[co]',
  '*.py[a-o]\n!b.pyc',
  '*.py[^c]',
  '*.p[^a-x]*',
  '?\n??/a',
  'src?lib',
  'src[^x]lib',
  'a*b*c*',
  'x/a+b(c)',
  '*/a+b(*)',
  '.*',
  '.*\n!.env',
  '**/.*',
  'with space/a b',
  '*/a b\r\nb.md\r\n',
  '\uFEFFb.md\na',
  '**/a/**/b\n**/er/**/a',
  'deep/**/a\n!deep/er',
  'deep/**\n!deep/er/and/deeper/a',
  '*\n!**/keep',
  '*\n!*/keep/a',
  'src\t\n\tdocs',
]

describe('an ignore file', () => {
  const folders: string[] = []
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))
  const { env } = engines()[0]!
  const temporary = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'image-budget-ignore-'))
    folders.push(folder)
    return folder
  }

  /** What BuildKit lets in of the files by each of the ignore files: each has a context of its own, of one build. */
  function letIn(ignoreFiles: readonly string[]): string[][] {
    const [aside, output] = [temporary(), temporary()]
    const contexts = ignoreFiles.map((ignoreFile) => {
      const context = temporary()
      for (const file of FILES) {
        mkdirSync(dirname(join(context, file)), { recursive: true })
        writeFileSync(join(context, file), '')
      }
      writeFileSync(join(context, '.dockerignore'), ignoreFile)
      return context
    })
    const copies = contexts.map((_, at) => `COPY --link --from=c${at} . /${at}/`)
    writeFileSync(join(aside, 'Dockerfile'), ['FROM scratch', ...copies].join('\n'))
    const named = contexts.map((context, at) => `--build-context=c${at}=${context}`)
    const args = ['buildx', 'build', '--quiet', `--output=type=local,dest=${output}`, ...named, aside]
    execFileSync('docker', args, { env: { ...process.env, ...env }, stdio: 'pipe' })
    return contexts.map((_, at) => {
      const folder = join(output, String(at))
      const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : []
      const files = entries.filter((entry) => entry.isFile())
      return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).toSorted()
    })
  }

  function expected(ignoreFile: string): string[] | null {
    const leavesOut = parseIgnoreFile(ignoreFile)
    return leavesOut && [...FILES, '.dockerignore'].filter((file) => !leavesOut(file)).toSorted()
  }

  it('leaves in what BuildKit leaves in', () => {
    const names = fc.constantFrom(
      '*',
      '**',
      'src',
      'docs',
      'keep',
      'lib',
      'a',
      '*.md',
      'README.md',
      '?',
      '[a-d]*',
      '.*',
    )
    const lines = fc
      .tuple(
        fc.constantFrom('', '', '!', '/'),
        fc.array(names, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '/'),
      )
      .map(([before, parts, after]) => `${before}${parts.join('/')}${after}`)
    const files = fc.array(lines, { minLength: 1, maxLength: 5 }).map((file) => file.join('\n'))
    const ignoreFiles = [...IGNORE_FILES, ...fc.sample(files, 25)]
    const left = letIn(ignoreFiles)
    const told = (lists: (string[] | null)[]) => Object.fromEntries(ignoreFiles.map((file, at) => [file, lists[at]]))
    expect(told(ignoreFiles.map(expected))).toEqual(told(left))
  })

  it.each([
    ['an escape', 'src\\*'],
    ['a class with a bracket in it', '[]a]'],
    ['a class that does not end', 'src[ab'],
    ['a class with its ends the wrong way round', '[z-a]'],
    ['a caret', 'a^b*'],
    ['a mark alone', '!'],
    ['two marks', '!!src'],
    ['other characters than ASCII’s', 'döcs'],
    ['a blank that only some know', 'docs\u00A0'],
    ['a control character', 'docs\u0000'],
    ['a tab in a name', 'a\tb'],
  ])('is not understood with %s, as nobody can be certain of it', (_, ignoreFile) => {
    expect(parseIgnoreFile(`b.md\n${ignoreFile}\n`)).toBeNull()
  })

  it('takes a time that grows with its length and the path’s, and not more', () => {
    const stars = parseIgnoreFile(`${'*a'.repeat(200)}\n${'*?'.repeat(200)}b`)!
    expect(stars('a'.repeat(4_000))).toBe(true)
    expect(stars(`${'c'.repeat(4_000)}/${'a'.repeat(4_000)}`)).toBe(false)
  })
})
