import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { WORKFLOW } from '../../src/init.ts'
import { engines, type Engine } from '../support/engine.ts'
import { createRepository, type TestRepository } from '../support/repository.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(240_000)

const [{ env }] = engines() as [Engine]
const COMMAND = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))
const FILE = '.github/image-budget.yml'

let repository: TestRepository
let temporary: string
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'image-budget-init-'))
  repository = createRepository()
})
afterEach(() => {
  repository.dispose()
  rmSync(temporary, { recursive: true })
})

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [COMMAND, ...args], {
    cwd: repository.dir,
    env: { ...process.env, ...env, TMPDIR: temporary },
    encoding: 'utf8',
  })
}
const file = (): string => readFileSync(join(repository.dir, FILE), 'utf8')

it('writes a budget file of what is there, and the next check is within it', () => {
  repository.commit({
    'docker-bake.hcl':
      'group "default" { targets = ["web"] }\ntarget "web" {\n  context = "web"\n  dockerfile = "web.Dockerfile"\n}\n',
    'web/web.Dockerfile': 'FROM image-budget/base:1\nCOPY page /\n',
    'web/page': 'x',
    'services/api/Dockerfile': 'FROM image-budget/base:1\nCOPY services/api/main /\n',
    'services/api/main': 'x',
    'services/[old]/Dockerfile': 'FROM image-budget/base:1\nRUN echo "- images:" && false\n',
    'node_modules/a/Dockerfile': 'FROM scratch\n',
    'Dockerfile.dockerignore': '',
  })
  const shown = run('init', '--dry-run')
  expect([shown.status, existsSync(join(repository.dir, FILE))]).toEqual([0, false])
  expect(shown.stdout.split('\n').slice(4, -1)).toEqual([
    'bake-files:',
    '  - docker-bake.hcl',
    'images:',
    '  - name: web',
    expect.stringMatching(/^ {4}max-size: \d MB$/),
    '    max-layers: 5',
    '  # - name: services/[old]',
    '  #   context: services/[old]',
    expect.stringMatching(/^ {2}# {3}It could not be measured: The build failed at `services\/\[old\]\/Dockerfile:2`/),
    '  - name: services/api',
    '    context: .',
    '    file: services/api/Dockerfile',
    expect.stringMatching(/^ {4}max-size: \d MB$/),
    '    max-layers: 5',
  ])
  expect(shown.stderr).toContain('1 image could not be measured')
  const asJson = run('init', '--json')
  expect([asJson.status, existsSync(join(repository.dir, FILE))]).toEqual([0, false])
  expect(JSON.parse(asJson.stdout)).toEqual({
    schema: 1,
    path: FILE,
    bakeFiles: ['docker-bake.hcl'],
    images: [
      { name: 'web', context: null, file: null, size: expect.any(Number), layers: 3, problem: null },
      {
        name: 'services/[old]',
        context: 'services/[old]',
        file: 'services/[old]/Dockerfile',
        size: null,
        layers: null,
        problem: expect.stringContaining('The build failed'),
      },
      {
        name: 'services/api',
        context: '.',
        file: 'services/api/Dockerfile',
        size: expect.any(Number),
        layers: 3,
        problem: null,
      },
    ],
    text: shown.stdout,
  })
  const written = run('init')
  expect(written).toMatchObject({ status: 0, stdout: expect.stringContaining(`Written: ${FILE}\n`) })
  expect(written.stdout).toContain(WORKFLOW)
  expect(file()).toBe(shown.stdout)
  expect(readdirSync(temporary)).toEqual([])
  const checked = run('check', '--baseline', 'none')
  expect([checked.status, checked.stdout]).toEqual([0, expect.stringContaining('both images are within budget')])
})

it('never writes over a file, unless it is told to, nor through a link', () => {
  repository.commit({ Dockerfile: 'FROM image-budget/base:1\n', [FILE]: 'max-size: 1 GB\n' })
  const refused = run('init')
  expect(refused).toMatchObject({ status: 2, stdout: '' })
  expect(refused.stderr).toContain('There is a budget file already')
  expect(file()).toBe('max-size: 1 GB\n')
  expect(run('init', '--force').status).toBe(0)
  expect(file()).toMatch(/^images:\n {2}- name: \S+\n {4}context: \.\n {4}max-size: \d MB\n {4}max-layers: 4$/m)
  rmSync(join(repository.dir, '.github'), { recursive: true })
  symlinkSync(temporary, join(repository.dir, '.github'))
  expect(run('init')).toMatchObject({ status: 2, stderr: expect.stringContaining('is a link') })
  expect(readdirSync(temporary)).toEqual([])
})

it('says why there is nothing to write', () => {
  expect(run('init')).toMatchObject({ status: 2, stderr: expect.stringContaining('has no commit yet') })
  repository.commit({ readme: '' })
  expect(run('init')).toMatchObject({ status: 2, stderr: expect.stringContaining('No image is found') })
  repository.commit({ Dockerfile: 'FROM image-budget/base:1\nRUN false\n' })
  expect(run('init')).toMatchObject({ status: 2, stderr: expect.stringContaining('No image could be measured') })
  expect(existsSync(join(repository.dir, FILE))).toBe(false)
})

it('finds Dockerfiles by the names that people give them, and the targets of a bake file without a default', () => {
  const dockerfile = 'FROM image-budget/base:1\n'
  repository.commit({
    'docker-bake.hcl':
      'target "web" {\n  dockerfile = "Dockerfile.web"\n}\ntarget "jobs" {\n  dockerfile = "Dockerfile.jobs"\n}\n',
    'Dockerfile.web': dockerfile,
    'Dockerfile.jobs': dockerfile,
    'Dockerfile.prod': dockerfile,
    'debug.Dockerfile': dockerfile,
    'tools/lint.dockerfile': dockerfile,
    'lint.dockerfile.dockerignore': '',
  })
  const { status, stdout } = run('init', '--json')
  expect(status).toBe(0)
  const found = JSON.parse(stdout) as { images: { file: string | null; name: string; layers: number }[] }
  expect(found.images.map((image) => image.file ?? image.name).toSorted()).toEqual([
    'Dockerfile.prod',
    'debug.Dockerfile',
    'jobs',
    'tools/lint.dockerfile',
    'web',
  ])
})
