import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  configure,
  type Configured,
  configureHistory,
  configureReports,
  ownerOfRemote,
  type Remote,
} from '../src/configure.ts'
import { createExec } from '../src/exec.ts'
import type { Inputs } from '../src/inputs/inputs.ts'
import { createRepository, type TestRepository } from './support/repository.ts'

const exec = createExec(process.env, new AbortController().signal)
const world = {
  remote: null,
  exec,
  temporary: tmpdir(),
  uncommitted: 'warn' as const,
  repositoryName: 'shop',
  credentials: null,
}
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

const configured = (
  values: Record<string, string> = {},
  folder = '.',
  isFound = true,
  remote: Remote | null = null,
): Promise<Inputs> => alone(configure(values, { ...world, cwd: join(repository.dir, folder), isFound, remote }))

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

describe('a budget file that extends another', () => {
  const asked: unknown[] = []
  /** The file of another repository, or why there is none. */
  const remote = (text: string | null, owner: string | null = 'Acme'): Remote => ({
    owner: () => Promise.resolve(owner),
    read: (file) => {
      asked.push(file)
      return Promise.resolve(
        text === null ? { bytes: null, why: 'which is not there' } : { bytes: Buffer.from(text), why: null },
      )
    },
  })
  const extended = (text: string | null, own = '', owner: string | null = 'Acme'): Promise<Inputs> => {
    write({ [FILE]: `extends: acme/.github/image-budget.yml@v1\n${own}` })
    return configured({ 'max-layers': '3' }, '.', true, remote(text, owner))
  }

  it('has its values where it has none of its own, below its images’ and the inputs', async () => {
    expect(await extended('max-size: 1 MB\nmax-layers: 9\nmax-increase: 2%\n', 'max-increase: 1 MB\n')).toMatchObject({
      limits: { maxSize: 1_000_000, maxLayers: 3, maxIncrease: { limit: 1_000_000, unit: 'bytes' } },
    })
    expect(asked.at(-1)).toMatchObject({ owner: 'acme', repository: '.github', path: 'image-budget.yml', ref: 'v1' })
    expect(await extended('max-size: 1 MB\n', 'images: [{ name: a, max-size: 2 MB }]\n')).toMatchObject({
      limits: { maxSize: 2_000_000 },
    })
  })

  it.each<[string, string | null, string, string | null]>([
    ['which is not there', null, '', 'Acme'],
    ['and this repository is other’s: it takes a file of the same owner.', '', '', 'other'],
    ['and whose this repository is is not known.', '', '', null],
    ['which extends another file itself; only one is read.', 'extends: acme/b/c.yml\n', '', 'Acme'],
    ['which has a list of images; only what is for all images can be extended.', 'images: [{ name: a }]\n', '', 'Acme'],
    ['acme/.github/image-budget.yml@v1, line 1: unknown key `max_size`', 'max_size: 1 MB\n', '', 'Acme'],
  ])('is an error where it cannot be had, or is not what it should be: %s', async (words, text, own, owner) => {
    await expect(extended(text, own, owner)).rejects.toThrow(words)
  })

  it.each([
    'acme',
    'acme/x',
    '../x/y.yml',
    'acme/../y.yml',
    'acme/x/../../y.yml',
    'acme/x//y.yml',
    'https://x/y/z',
    'acme/x/y@',
  ])('takes no %s', async (text) => {
    write({ [FILE]: `max-size: 1 MB\nextends: "${text}"\n` })
    await expect(configured()).rejects.toThrow(`${FILE}, line 2: \`extends\` has \`${text}\`; it takes`)
  })

  it('is of the owner that the clone’s remote has', async () => {
    const ownerOf = async (address: string, server = 'github.com'): Promise<string | null> => {
      repository.git('remote', 'add', 'origin', address)
      const owner = await ownerOfRemote(exec, repository.dir, server)
      repository.git('remote', 'remove', 'origin')
      return owner
    }
    expect(await ownerOf('https://github.com/acme/shop.git')).toBe('acme')
    expect(await ownerOf('git@github.com:acme/shop.git')).toBe('acme')
    expect(await ownerOf('ssh://git@ghe.example:22/acme/shop', 'ghe.example')).toBe('acme')
    expect(await ownerOf('https://ghe.example/acme/shop')).toBeNull()
    expect(await ownerOf('git@gitlab.com:acme/shop.git')).toBeNull()
    expect(await ownerOfRemote(exec, repository.dir, 'github.com')).toBeNull()
  })
})

describe('history', () => {
  const branchOf = async (values: Record<string, string>): Promise<string | undefined> =>
    (await configureHistory(values, { exec, cwd: repository.dir, isFound: true, remote: null }))['data-branch']

  it('has the branch of the file: of the image, where it is one of the file’s, else of all', async () => {
    expect(await branchOf({})).toBeUndefined()
    write({ [FILE]: 'data-branch: sizes\nimages: [{ name: a }, { name: b, data-branch: b }]\n' })
    expect(await branchOf({})).toBe('sizes')
    expect(await branchOf({ name: 'b' })).toBe('b')
    expect(await branchOf({ name: 'gone' })).toBe('sizes')
    expect(await branchOf({ name: 'b', 'data-branch': 'mine' })).toBe('mine')
    expect(await branchOf({ config: 'off' })).toBeUndefined()
    expect(
      await configureHistory({ name: 'a', config: FILE }, { exec, cwd: repository.dir, isFound: true, remote: null }),
    ).toEqual({
      name: 'a',
      'data-branch': 'sizes',
    })
  })
})

describe('a run that reads reports', () => {
  const reports = (values: Record<string, string> = {}, cwd = repository.dir) =>
    configureReports({ mode: 'report', 'github-token': 'x', ...values }, { ...world, cwd, isFound: true })
  const LIST = 'fail: false\nimages:\n  - name: api\n    fail: true\n  - name: worker\n'

  it('needs no checkout: what is not given has its default, and no image is expected', async () => {
    const { common, expected, fails } = await reports({}, elsewhere)
    expect(common).toMatchObject({ mode: 'report', reports: ['image-budget-reports'], comment: 'on-change' })
    expect(expected).toEqual([])
    expect(fails('api')).toBe(true)
    expect((await reports({ fail: 'false' }, elsewhere)).fails('api')).toBe(false)
  })

  it('expects the images of the budget file, and goes by what it says of failing', async () => {
    write({ [FILE]: LIST })
    const { expected, fails } = await reports()
    expect(expected).toEqual(['api', 'worker'])
    expect(['api', 'worker', 'another'].map(fails)).toEqual([true, false, false])
    expect((await reports({ fail: 'true' })).fails('worker')).toBe(true)
  })

  it('expects those that are named instead, in the file or not', async () => {
    write({ [FILE]: LIST })
    expect((await reports({ images: 'worker, web\nworker' })).expected).toEqual(['worker', 'web'])
    expect((await reports({ name: 'web' }, elsewhere)).expected).toEqual(['web'])
    await expect(reports({ name: 'web', images: 'api' })).rejects.toThrow('`name` and `images` are both given')
  })

  it('is given nothing that says what or how to measure', async () => {
    await expect(reports({ 'max-size': '1 MB', context: '.', comment: 'x' })).rejects.toThrow(
      [
        '3 inputs are not valid:',
        '- `comment` has `x`; it takes `on-change`, `always`, `off`.',
        '- `max-size` is given, but with `mode: report` nothing is measured: it has no effect.',
        '- `context` is given, but with `mode: report` nothing is measured: it has no effect.',
      ].join('\n'),
    )
    // In the file it is for the jobs that measure.
    write({ [FILE]: 'max-size: 1 MB\ncontext: app\n' })
    await expect(reports()).resolves.toMatchObject({ expected: [] })
  })

  it('is told which images there are to be where the file finds them', async () => {
    write({ [FILE]: 'dockerfiles: services/*/Dockerfile\nimages: [{ name: api, max-size: 1 MB }]\n' })
    await expect(reports()).rejects.toThrow('`images` is not given, and nothing else tells which images `dockerfiles`')
    expect((await reports({ images: 'api, web' })).expected).toEqual(['api', 'web'])
  })

  it('is given no name that is no input', async () => {
    await expect(reports({ reprots: 'x' })).rejects.toThrow('`reprots` is not an input; did you mean `reports`?')
  })
})

describe('images that are found', () => {
  /** Bake as it answers here: nothing is built. */
  const printed = {
    group: { default: { targets: ['web', 'lint'] } },
    target: {
      web: { context: 'web', platforms: ['linux/amd64', 'linux/arm64'], args: { A: '1' } },
      lint: { output: ['type=cacheonly'] },
    },
  }
  let folders: string[]
  const answering: typeof exec = (program, args, options) => {
    if (program !== 'docker') return exec(program, args, options)
    folders.push(options?.cwd ?? '')
    return Promise.resolve({ exitCode: 0, stdout: JSON.stringify(printed), stderr: '' })
  }
  const find = (values: Record<string, string>, folder = '.', more: Partial<typeof world> = {}): Promise<Configured> =>
    configure(values, { ...world, exec: answering, ...more, cwd: join(repository.dir, folder), isFound: true })
  const commit = (file = ''): void => {
    folders = []
    repository.commit({
      Dockerfile: '',
      'services/api/Dockerfile': '',
      'services/api/debug.Dockerfile': '',
      'services/worker/Dockerfile': '',
      'web/Dockerfile': '',
      'docker-bake.hcl': '',
      ...(file === '' ? {} : { [FILE]: file }),
    })
  }

  it('are each a committed Dockerfile, named after its folder, which is the context', async () => {
    commit()
    write({ 'services/new/Dockerfile': '' })
    const { images, common } = await find({ dockerfiles: '**/*Dockerfile, !web/*', 'max-size': '1 MB' })
    expect(images.map(({ name, context, file }) => [name, context, file])).toEqual([
      ['shop', '.', 'Dockerfile'],
      ['services/api', 'services/api', 'services/api/Dockerfile'],
      ['services/api/debug.Dockerfile', 'services/api', 'services/api/debug.Dockerfile'],
      ['services/worker', 'services/worker', 'services/worker/Dockerfile'],
    ])
    expect(images.every(({ limits, dockerfiles }) => limits.maxSize === 1_000_000 && dockerfiles.length === 0)).toBe(
      true,
    )
    expect(common.name).toBeNull()
    const { images: uncommitted } = await find({ dockerfiles: 'services/*/Dockerfile' }, '.', {
      uncommitted: 'measure' as never,
    })
    expect(uncommitted.map(({ name }) => name)).toContain('services/new')
  })

  it('have paths from the working directory, or from the top where the file names them, and one context where it is given', async () => {
    commit()
    const here = await find({ dockerfiles: '*/Dockerfile, ../Dockerfile', context: '..' }, 'services')
    expect(here.images.map(({ name, context, file }) => [name, context, file])).toEqual([
      ['services/api', '..', 'api/Dockerfile'],
      ['services/worker', '..', 'worker/Dockerfile'],
      ['shop', '..', '../Dockerfile'],
    ])
    commit('dockerfiles: services/worker/Dockerfile\ncontext: services\n')
    expect((await find({}, 'services')).images).toMatchObject([{ context: '../services', file: 'worker/Dockerfile' }])
  })

  it('are the targets of the bake file that make an image, with their platforms', async () => {
    commit('bake-files: docker-bake.hcl\n')
    const { images, common } = await find({}, 'services')
    expect(images).toEqual([common])
    expect(common).toMatchObject({
      name: 'web',
      context: '..',
      platforms: ['linux/amd64', 'linux/arm64'],
      bake: { target: 'web', asked: [], files: ['docker-bake.hcl'], folder: '..', context: null, args: { A: '1' } },
    })
    expect(folders[0]).not.toContain(repository.dir)
    expect((await find({ platforms: 'linux/arm64', context: 'services' })).common).toMatchObject({
      platforms: ['linux/arm64'],
      bake: { context: 'services' },
    })
    // Where the bake file lies each target's own context is found.
    expect((await find({ context: '.' })).common).toMatchObject({ context: '.', bake: { context: null } })
    // One for two would be the wrong one for at least one of them.
    await expect(find({ 'bake-targets': 'lint,web', context: 'services' })).rejects.toThrow(
      '`context` is `services`, one folder for 2 targets of the bake file, which have contexts of their own; leave it out',
    )
    expect(await find({ 'bake-targets': 'lint,web', context: 'services', name: 'web' })).toMatchObject({
      images: [{ bake: { context: 'services' } }],
    })
    // Who names it wants it.
    expect((await find({ 'bake-targets': 'lint,web' })).images.map(({ name }) => name)).toEqual(['web', 'lint'])
  })

  it('have the settings of the entry with their name; other entries are images of their own', async () => {
    commit(
      [
        'dockerfiles: services/*/Dockerfile',
        'bake-targets: web',
        'max-size: 1 MB',
        'build-args: { A: 1 }',
        'images:',
        '  - { name: services/api, max-size: 2 MB, target: final }',
        '  - { name: web, max-size: 3 MB }',
        '  - { name: own, context: web }',
      ].join('\n'),
    )
    const { images } = await find({})
    expect(images.map(({ name, limits, target, context }) => [name, limits.maxSize, target, context])).toEqual([
      ['services/api', 2_000_000, 'final', 'services/api'],
      ['services/worker', 1_000_000, null, 'services/worker'],
      ['web', 3_000_000, null, '.'],
      ['own', 1_000_000, null, 'web'],
    ])
    expect(images.every(({ buildArgs }) => buildArgs.join() === 'A=1')).toBe(true)
    expect((await find({ images: 'own, web' })).images.map(({ name }) => name)).toEqual(['web', 'own'])
    expect((await find({ name: 'services/api' })).common).toMatchObject({ name: 'services/api' })
    await expect(find({ images: 'services/apo' })).rejects.toThrow('did you mean `services/api`?')
  })

  it('are not looked for beside an image that lies somewhere, which the entry with its name judges', async () => {
    commit(
      'bake-files: docker-bake.hcl\nmax-size: 1 MB\nimages: [{ name: web, max-size: 3 MB }, { name: api, max-size: 2 MB }]\n',
    )
    const { images } = await find({ image: 'docker-daemon:web:1', name: 'web' })
    expect(images).toMatchObject([
      { image: { text: 'docker-daemon:web:1' }, bake: null, limits: { maxSize: 3_000_000 } },
    ])
  })

  it.each([
    [{ dockerfiles: 'x/*' }, '', '`dockerfiles` has `x/*`, and no committed file is named so.'],
    [{ dockerfiles: 'services' }, '', '`dockerfiles` has `services`, and no committed file is named so.'],
    [{ dockerfiles: '../*/Dockerfile' }, '', '`dockerfiles` has `../*/Dockerfile`, which is outside the repository'],
    [{ dockerfiles: '/etc/*' }, '', '`dockerfiles` has `/etc/*`, which is outside the repository'],
    [
      { dockerfiles: 'web/Dockerfile', 'bake-targets': 'web' },
      '',
      '`web/Dockerfile` and the target `web` are both an image `web`.',
    ],
    [{ 'bake-files': 'x.hcl' }, '', 'There is no bake file at `x.hcl` in this commit.'],
    [{ 'bake-files': '../x.hcl' }, '', 'The bake file `../x.hcl` is outside the repository'],
    [{}, 'dockerfiles: web/Dockerfile\nfile: a', "line 2: `file` is one image's, and `dockerfiles` finds several"],
    [
      {},
      'dockerfiles: services/*/Dockerfile\nimages: [{ name: services/apo, max-size: 1 MB }]',
      'line 2: the image `services/apo` is none that is found, and has no build of its own',
    ],
    [
      {},
      'dockerfiles: web/Dockerfile\nimages: [{ name: web, file: a }]',
      'line 2: `file` is given for `web`, which is found as `web/Dockerfile`; leave one of the two out.',
    ],
    [
      { context: '.' },
      'dockerfiles: web/Dockerfile\nimages: [{ name: own, context: a }]',
      '`context` is given as an input',
    ],
    [{}, 'dockerfiles: web/Dockerfile\nimages: [{ name: web, comment: off }]', '`comment` is the same for all images'],
  ])('are an error where they are not there, or said twice: %j %j', async (values, file, message) => {
    commit(file)
    await expect(find(values)).rejects.toThrow(message)
  })
})
