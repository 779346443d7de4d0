import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { configure, type Configured, configureHistory } from '../src/configure.ts'
import { createExec } from '../src/exec.ts'
import type { Inputs } from '../src/inputs/inputs.ts'
import { createRepository, type TestRepository } from './support/repository.ts'

const exec = createExec(process.env, new AbortController().signal)
const world = { exec, temporary: tmpdir(), uncommitted: 'warn' as const, repositoryName: 'shop', credentials: null }
const FILE = '.github/image-budget.yml'

let repository: TestRepository
let elsewhere: string
beforeEach(() => {
  repository = createRepository()
  elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'image-budget-test-')))
})
afterEach(() => {
  repository.dispose()
  rmSync(elsewhere, { recursive: true })
})

function write(files: Record<string, string>, folder = repository.dir): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/** The inputs of a run of one image. */
async function alone(result: Promise<Configured>): Promise<Inputs> {
  const { images, common } = await result
  expect(images).toEqual([common])
  return common
}

const configured = (values: Record<string, string> = {}, folder = '.', isFound = true): Promise<Inputs> =>
  alone(configure(values, { ...world, cwd: join(repository.dir, folder), isFound }))

const sizeOf = async (inputs: Promise<Inputs>): Promise<number | null> => (await inputs).limits.maxSize

describe('the budget file', () => {
  it('need not be there', async () => {
    expect(await configured({ 'max-size': '2 MB' })).toMatchObject({ limits: { maxSize: 2_000_000 }, context: '.' })
  })

  it('is found in the repository, from any folder of it, with its paths', async () => {
    write({ [FILE]: 'context: services/api\nmax-size: 1 MB\n', 'services/api/Dockerfile': '' })
    expect(await configured()).toMatchObject({ context: 'services/api', limits: { maxSize: 1_000_000 } })
    expect(await configured({}, 'services/api')).toMatchObject({ context: '../../services/api' })
    expect(await configured({ context: '.' }, 'services/api')).toMatchObject({ context: '.' })
  })

  it('is that of the repository that is measured', async () => {
    write({ [FILE]: 'max-size: 1 MB\n' })
    expect(
      await sizeOf(alone(configure({ context: repository.dir }, { ...world, cwd: elsewhere, isFound: true }))),
    ).toBe(1_000_000)
    write({ [FILE]: 'max-size: 3 MB\n' }, elsewhere)
    expect(await sizeOf(alone(configure({}, { ...world, cwd: elsewhere, isFound: true })))).toBe(3_000_000)
  })

  it('may have another name, which is a path from the working directory', async () => {
    write({ [FILE]: 'max-size: 1 MB\n', 'sub/sizes.yml': 'max-size: 2 MB\n' })
    expect(await sizeOf(configured({ config: 'sizes.yml' }, 'sub'))).toBe(2_000_000)
    expect(await sizeOf(configured({ config: join(repository.dir, 'sub/sizes.yml') }))).toBe(2_000_000)
  })

  it('must be there where it is named', async () => {
    await expect(configured({ config: 'sizes.yml' })).rejects.toThrow(
      '`config` names `sizes.yml`, and there is no such file.',
    )
  })

  it('is not read where nobody wants it', async () => {
    write({ [FILE]: 'max-size: wrong\n' })
    expect(await sizeOf(configured({ config: 'Off' }))).toBeNull()
    expect(await sizeOf(configured({}, '.', false))).toBeNull()
    await expect(configured({ config: FILE }, '.', false)).rejects.toThrow(
      `${FILE}, line 1: \`max-size\` has \`wrong\``,
    )
  })

  it('is told with all that is wrong with it, and with the inputs', async () => {
    write({ [FILE]: 'max_size: 1 MB\nfail: 2\n' })
    await expect(configured({ comment: 'x' })).rejects.toThrow(
      [
        '3 settings are not valid:',
        `- ${FILE}, line 1: unknown key \`max_size\`, did you mean \`max-size\`?`,
        `- ${FILE}, line 2: \`fail\` has \`2\`; it takes \`true\` or \`false\`.`,
        '- `comment` has `x`; it takes `on-change`, `always`, `off`.',
      ].join('\n'),
    )
  })
})

describe('a file that a pull request made', () => {
  beforeEach(() => mkdirSync(join(repository.dir, '.github')))
  const path = (): string => join(repository.dir, FILE)

  it('is no link out of the repository, whose text an error would show', async () => {
    write({ secret: 'token: hunter2\n' }, elsewhere)
    symlinkSync(join(elsewhere, 'secret'), path())
    await expect(configured()).rejects.toThrow(`${FILE} cannot be read: it is a link out of the repository.`)
    await expect(configured({ config: FILE })).rejects.toThrow('it is a link out of the repository')
  })

  it('is in no folder that is a link out of the repository', async () => {
    write({ 'image-budget.yml': 'max-size: 1 MB\n' }, elsewhere)
    rmSync(join(repository.dir, '.github'), { recursive: true })
    symlinkSync(elsewhere, join(repository.dir, '.github'))
    await expect(configured()).rejects.toThrow('it is a link out of the repository')
  })

  it('may be a link inside', async () => {
    write({ 'sizes.yml': 'max-size: 1 MB\n' })
    symlinkSync('../sizes.yml', path())
    expect(await sizeOf(configured())).toBe(1_000_000)
  })

  it('may lie outside where the workflow says so', async () => {
    write({ 'sizes.yml': 'max-size: 1 MB\n' }, elsewhere)
    expect(await sizeOf(configured({ config: join(elsewhere, 'sizes.yml') }))).toBe(1_000_000)
  })

  it('is a file', async () => {
    mkdirSync(path())
    await expect(configured()).rejects.toThrow(`${FILE} cannot be read: it is no file.`)
    rmSync(path(), { recursive: true })
    execFileSync('mkfifo', [path()])
    await expect(configured()).rejects.toThrow('it is no file')
  })

  it('is not read further than it may be long', async () => {
    write({ [FILE]: `# ${'x'.repeat(1_000_000)}\n` })
    await expect(configured()).rejects.toThrow(`${FILE} has more than 1 MB.`)
  })
})

describe('history', () => {
  const branchOf = async (values: Record<string, string>): Promise<string | undefined> =>
    (await configureHistory(values, { exec, cwd: repository.dir, isFound: true }))['data-branch']

  it('has the branch of the file: of the image, where it is one of the file’s, else of all', async () => {
    expect(await branchOf({})).toBeUndefined()
    write({ [FILE]: 'data-branch: sizes\nimages: [{ name: a }, { name: b, data-branch: b }]\n' })
    expect(await branchOf({})).toBe('sizes')
    expect(await branchOf({ name: 'b' })).toBe('b')
    expect(await branchOf({ name: 'gone' })).toBe('sizes')
    expect(await branchOf({ name: 'b', 'data-branch': 'mine' })).toBe('mine')
    expect(await branchOf({ config: 'off' })).toBeUndefined()
    expect(await configureHistory({ name: 'a', config: FILE }, { exec, cwd: repository.dir, isFound: true })).toEqual({
      name: 'a',
      'data-branch': 'sizes',
    })
  })
})
