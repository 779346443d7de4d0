import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import {
  bakeArguments,
  findPlaces,
  readDefinition,
  takenByTarget,
  type BakeBuild,
  type BakeDefinition,
} from '../../src/build/bake.ts'
import { sourceThatFailed } from '../../src/build/failure.ts'
import { readOrigins, type DockerfileSource } from '../../src/build/provenance.ts'
import type { Exec } from '../../src/exec.ts'
import { toFailure } from '../../src/failure.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'

let tree: string
beforeEach(() => {
  tree = realpathSync(mkdtempSync(join(tmpdir(), 'image-budget-bake-')))
})
afterEach(() => rmSync(tree, { recursive: true }))

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true })
    writeFileSync(join(tree, name), text)
  }
}

/** Answers as bake does that prints this. */
const printing =
  (stdout: string, calls: string[][] = []): Exec =>
  (_, args) => {
    calls.push(args)
    return Promise.resolve({ exitCode: 0, stdout, stderr: '' })
  }
const failing =
  (stderr: string): Exec =>
  () =>
    Promise.resolve({ exitCode: 1, stdout: '', stderr })

const define = (printed: unknown, names: string[] = []): Promise<BakeDefinition> =>
  readDefinition(printing(JSON.stringify(printed)), { tree, folder: tree, files: [] }, names)

const failureOf = async (promise: Promise<unknown>): Promise<{ kind: string; message: string }> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => toFailure(error),
  )

describe('readDefinition', () => {
  const captured = readFileSync(new URL('fixtures/bake/print.json', import.meta.url), 'utf8')

  it('reads what bake prints: groups resolved, and targets that others start from', async () => {
    const calls: string[][] = []
    write({ 'ci/bake.hcl': '' })
    const run = { tree, folder: join(tree, 'ci'), files: ['bake.hcl'] }
    const { wanted, targets } = await readDefinition(printing(captured, calls), run, ['default', 'new'])
    expect(calls).toEqual([
      ['buildx', 'bake', '--progress=plain', '--print', '--file=bake.hcl', '--', 'default', 'new'],
    ])
    expect(wanted).toEqual(['api', 'inl', 'lint', 'm-one', 'm-two', 'new'])
    expect(targets.get('api')).toMatchObject({ context: 'services/api', dockerfile: { path: 'bake.Dockerfile' } })
    expect(targets.get('base')?.dockerfile).toEqual({
      text: 'FROM image-budget/base:1\nRUN head -c 3000 /dev/zero > /b\n',
    })
    expect([...targets].filter(([, { makesNoImage }]) => makesNoImage).map(([name]) => name)).toEqual([
      'base',
      'lint',
      'shared',
    ])
  })

  it('reads the forms of other releases, and what HCL marks twice', async () => {
    const { wanted, targets } = await define({
      group: { default: { targets: ['default', 'a'] }, a: { targets: ['b', 'a', 'constructor'] } },
      target: {
        default: { output: ['type=local,dest=out', 'cache'], 'cache-to': ['type=local,dest=../cache'] },
        a: { 'dockerfile-inline': 'RUN echo $${A} %%{B}', ssh: [{ id: 'key', paths: ['/k'] }], secret: ['id=a,src=b'] },
        b: { output: [{ type: 'docker' }, { type: 'local' }], call: 'check', args: { A: null, B: '' } },
        c: {},
      },
    })
    expect(wanted).toEqual(['default', 'b', 'a'])
    expect(targets.get('default')).toMatchObject({
      makesNoImage: true,
      hasCacheTo: true,
      files: [],
      caches: ['../cache'],
    })
    expect(targets.get('a')).toMatchObject({
      dockerfile: { text: 'RUN echo ${A} %{B}' },
      files: ['b', '/k'],
      hasSsh: true,
      makesNoImage: false,
    })
    expect(targets.get('b')).toMatchObject({ hasCall: true, makesNoImage: true, args: new Map([['B', '']]) })
  })

  it('says in a word what is wrong', async () => {
    const run = { tree, folder: tree, files: [] }
    expect(
      await failureOf(readDefinition(failing('#1 DONE\nERROR: failed to find target api\n'), run, ['api'])),
    ).toMatchObject({ kind: 'input', message: 'The bake file has no target `api`.' })
    const log = 'docker-bake.hcl:3\n---\n   3 | >>> x\nERROR: docker-bake.hcl:3,1-2: Unsupported block type'
    expect(await failureOf(readDefinition(failing(log), run, []))).toMatchObject({
      kind: 'input',
      message: 'The bake file cannot be used: docker-bake.hcl:3,1-2: Unsupported block type.',
    })
    expect(await failureOf(readDefinition(printing('no JSON'), run, []))).toMatchObject({ kind: 'precondition' })
  })

  it('reads no file outside of the tree', async () => {
    const file = join(tree, '..', `${tree.split('/').at(-1)}.hcl`)
    symlinkSync('/etc/passwd', join(tree, 'docker-bake.hcl'))
    const run = (files: string[]): Promise<unknown> =>
      failureOf(readDefinition(failing('read'), { tree, folder: tree, files }, []))
    expect(await run([])).toMatchObject({ message: expect.stringContaining('`docker-bake.hcl` is outside') })
    rmSync(join(tree, 'docker-bake.hcl'))
    for (const outside of [file, '../x.hcl', '/etc/passwd'])
      expect(await run([outside])).toMatchObject({ message: expect.stringContaining('outside the repository') })
    expect(await run(['x.hcl'])).toMatchObject({ message: 'There is no bake file at `x.hcl` in this commit.' })
    write({ 'x.hcl': '' })
    symlinkSync('/etc/passwd', join(tree, '.env'))
    expect(await run(['x.hcl'])).toMatchObject({ message: expect.stringContaining('`.env` is outside') })
  })

  it('shows nothing of what compose files take in, and hands over no credentials', async () => {
    write({ 'compose.yaml': '' })
    const failed = await failureOf(
      readDefinition(failing('ERROR: unexpected character in "hunter2"'), { tree, folder: tree, files: [] }, []),
    )
    expect(failed.message).toMatch(/^The bake file cannot be used: it is a compose file/)
    expect(failed.message).not.toContain('hunter2')
    const asked: unknown[] = []
    const noting: Exec = (program, args, options) => {
      asked.push(options)
      return printing('{}')(program, args, options)
    }
    await readDefinition(noting, { tree, folder: tree, files: [] }, [])
    expect(asked).toEqual([expect.objectContaining({ withoutCredentials: true })])
  })

  it('takes anything for what it is', async () => {
    const name = fc.constantFrom('a', 'b', 'default', '__proto__', 'constructor', '')
    const target = fc.record(
      { context: fc.string(), output: fc.array(fc.string()), contexts: fc.dictionary(name, fc.string()) },
      { requiredKeys: [] },
    )
    const printed = fc.record({
      group: fc.dictionary(name, fc.record({ targets: fc.array(name) })),
      target: fc.dictionary(name, fc.oneof(target, fc.jsonValue())),
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(printed, fc.jsonValue()), async (value) => {
        const found = await define(value).catch((error: unknown) => toFailure(error))
        if ('kind' in found) expect(found.kind).toBe('precondition')
        else expect(found.wanted.every((each) => found.targets.has(each))).toBe(true)
      }),
    )
  })
})

async function building(printed: Record<string, unknown>, target = 'api'): Promise<BakeBuild> {
  const definition = await define({ target: printed })
  return {
    target,
    asked: [],
    files: ['docker-bake.hcl'],
    folder: tree,
    context: null,
    args: {},
    taken: null,
    definition,
  }
}
const frame = (): { tree: string; root: string; cwd: string } => ({ tree, root: '/repo', cwd: '/repo' })

describe('bakeArguments', () => {
  const targets = {
    api: { contexts: { base: 'target:base' }, 'cache-to': ['type=gha'], call: 'check' },
    base: { 'cache-to': ['type=gha'], ssh: ['default'] },
    other: { 'cache-to': ['type=gha'] },
  }
  const argumentsFor = async (values: Record<string, string>, writesCache: boolean) =>
    bakeArguments(frame(), parseInputs(values), await building(targets), {
      own: ['output=type=image'],
      metadataFile: '/m.json',
      writesCache,
    })

  it('builds one target, for us alone; the base writes no cache', async () => {
    const common = ['--set=api.output=type=image', '--set=api.tags=', '--set=api.call=build']
    const start = [
      'buildx',
      'bake',
      '--progress=plain',
      '--provenance=false',
      '--sbom=false',
      '--metadata-file=/m.json',
      '--file=docker-bake.hcl',
      `--allow=fs.read=${tree}`,
      '--allow=ssh',
    ]
    expect((await argumentsFor({}, true)).args).toEqual([...start, ...common, '--', 'api'])
    expect((await argumentsFor({ 'cache-to': 'type=gha' }, false)).args).toEqual([
      ...start,
      ...common,
      '--set=api.cache-to=',
      '--set=base.cache-to=',
      '--',
      'api',
    ])
  })

  it('has what is given come before what the bake file says, and secrets in the environment alone', async () => {
    const { args, env } = await argumentsFor(
      {
        target: 'final',
        file: 'docker/Dockerfile',
        'build-args': 'A=1,2=3\nB',
        'build-contexts': 'lib=lib\nalpine=docker-image://alpine',
        platforms: 'linux/amd64, linux/arm64',
        secrets: 'token=hunter2',
        'secret-files': 'npmrc=a,b',
        'cache-from': 'type=local,src=cache',
        'cache-to': 'type=local,dest=cache',
        builder: 'mine',
      },
      true,
    )
    expect(args.filter((each) => each.startsWith('--set='))).toEqual(
      [
        'output=type=image',
        'tags=',
        'call=build',
        'cache-to=type=local,dest=/repo/cache',
        'cache-from=type=local,src=/repo/cache',
        `dockerfile=${tree}/docker/Dockerfile`,
        'target=final',
        'platform=linux/amd64',
        'platform=linux/arm64',
        'args.A=1,2=3',
        'args.B',
        `contexts.lib=${tree}/lib`,
        'contexts.alpine=docker-image://alpine',
        'secrets+=id=token,env=IMAGE_BUDGET_SECRET_0',
        'secrets+=id=npmrc,"src=/repo/a,b"',
      ].map((each) => `--set=api.${each}`),
    )
    expect(args).toContain('--builder=mine')
    expect(env).toEqual({ IMAGE_BUDGET_SECRET_0: 'hunter2' })
    expect(JSON.stringify(args)).not.toContain('hunter2')
  })
})

describe('findPlaces', () => {
  const find = async (printed: Record<string, unknown>, values: Record<string, string> = {}) =>
    findPlaces(frame(), parseInputs(values), await building(printed))

  it('tells the Dockerfiles of the target and of those that it starts from', async () => {
    write({ 'api/Dockerfile': 'FROM base', 'api/.dockerignore': '', 'base.Dockerfile': 'FROM scratch' })
    const base = { dockerfile: 'base.Dockerfile', contexts: { x: 'target:text' } }
    const text = { 'dockerfile-inline': 'FROM alpine', context: 'https://github.com/acme/shop.git' }
    expect(await find({ api: { context: 'api', contexts: { base: 'target:base' } }, base, text, no: {} })).toEqual({
      dockerfile: 'api/Dockerfile',
      ignoreFile: 'api/.dockerignore',
      sources: [
        { text: 'FROM base', file: 'api/Dockerfile' },
        { text: 'FROM scratch', file: 'base.Dockerfile' },
        { text: 'FROM alpine', file: null },
      ],
    })
    write({ 'base.Dockerfile.dockerignore': '' })
    expect(await find({ api: { ...base, contexts: {} } })).toMatchObject({ ignoreFile: 'base.Dockerfile.dockerignore' })
    expect(await find({ api: { 'dockerfile-inline': 'FROM a' } })).toMatchObject({
      dockerfile: null,
      ignoreFile: '.dockerignore',
    })
  })

  it.each([
    [{ api: { context: '/etc' } }, 'build context'],
    [{ api: { context: '../../etc' } }, 'build context'],
    [{ api: { context: 'out' } }, 'build context'],
    [{ api: { dockerfile: '/etc/passwd' } }, 'Dockerfile'],
    [{ api: { dockerfile: 'out/passwd' } }, 'Dockerfile'],
    [{ api: { contexts: { a: '..' } } }, 'named context'],
    [{ api: { contexts: { a: 'oci-layout://../a:1' } } }, 'named context'],
    [{ api: { contexts: { a: 'cwd:///etc' } } }, 'named context'],
    [{ api: { contexts: { a: 'target:b' } }, b: { context: 'out' } }, 'build context'],
    [{ api: { secret: ['id=a,src=/etc/shadow'] } }, 'file'],
    [{ api: { ssh: [{ id: 'a', paths: ['/root/.ssh/id'] }] } }, 'file'],
    [{ api: { 'cache-to': [{ type: 'local', dest: '/etc' }] } }, 'cache'],
    [{ api: { 'cache-from': ['type=local,src=out/new'] } }, 'cache'],
  ])('refuses %j, which is outside', async (printed, what) => {
    write({ Dockerfile: '' })
    symlinkSync('/etc', join(tree, 'out'))
    expect(await failureOf(find(printed))).toMatchObject({
      kind: 'input',
      message: expect.stringMatching(new RegExp(`^The ${what} of the target .* is outside the repository`)),
    })
  })

  it('has no need of a cache that is not there yet', async () => {
    write({ Dockerfile: '' })
    const cache = { 'cache-from': ['type=local,src=.cache/a'], 'cache-to': ['type=local,dest=.cache/a'] }
    expect(await find({ api: cache })).toMatchObject({ dockerfile: 'Dockerfile' })
  })

  it('says what is not there in this commit', async () => {
    expect(await failureOf(find({ api: { context: 'api' } }))).toMatchObject({
      kind: 'input',
      message: 'There is no build context of the target `api` at `api` in this commit.',
    })
  })
})

describe('takenByTarget', () => {
  const taken = async (printed: Record<string, unknown>, files: string[] = ['bake.hcl'], folder = '.') =>
    takenByTarget(await define({ target: printed }), 'api', { tree, folder: join(tree, folder), files })

  it('has all that the target takes, and those that it starts from', async () => {
    write({ 'ci/bake.hcl': '', 'bake.hcl': '', 'docker-bake.hcl': '' })
    const base = { context: 'base', secret: ['id=a,src=key'], contexts: { lib: 'lib', image: 'docker-image://a' } }
    const api = { context: '../api', dockerfile: 'x.Dockerfile', contexts: { base: 'target:base' } }
    expect(await taken({ api, base, other: { context: 'other' } }, ['bake.hcl'], 'ci')).toEqual({
      context: 'api',
      dockerfile: 'api/x.Dockerfile',
      folders: ['ci/base', 'ci/lib'],
      files: ['ci/bake.hcl', 'ci/key', 'ci/base/Dockerfile', 'ci/base/Dockerfile.dockerignore'],
    })
    const inline = { 'dockerfile-inline': 'FROM a' }
    expect(await taken({ api: inline })).toMatchObject({ context: '', dockerfile: 'bake.hcl' })
    const found = await taken({ api: inline }, [])
    expect(found).toMatchObject({ dockerfile: 'docker-bake.hcl' })
    expect(found?.files).toContain('docker-bake.override.json')
  })

  it('is not known of a compose file, which may take in others, of another repository, and of what lies outside', async () => {
    write({ 'compose.yaml': '', 'bake.hcl': '' })
    expect(await taken({ api: {} }, [])).toBeNull()
    expect(await taken({ api: {} }, ['compose.yaml'])).toBeNull()
    expect(await taken({ api: { context: 'https://github.com/acme/shop.git' } })).toBeNull()
    expect(await taken({ api: { contexts: { a: '..' } } })).toBeNull()
    expect(await taken({ other: {} })).toBeNull()
  })
})

describe.each(['classic', 'containerd'])('readOrigins of a target that starts from another one (%s)', (store) => {
  const record = JSON.parse(
    readFileSync(new URL(`fixtures/bake/linked.${store}.json`, import.meta.url), 'utf8'),
  ) as unknown
  const own: DockerfileSource = { text: 'FROM base\nCOPY f /f\nARG V\nRUN echo $V > /v\n', file: 'api/Dockerfile' }
  const other: DockerfileSource = { text: 'FROM image-budget/base:1\nRUN echo base > /b\n', file: 'base.Dockerfile' }
  const places = (sources: DockerfileSource[]): unknown[] =>
    [...readOrigins(record, 5, sources).layers]
      .toSorted(([one], [two]) => one - two)
      .map(([, origin]) => (origin.fromBase ? 'base' : [origin.file, origin.line, origin.instruction]))

  it('tells each line with its own Dockerfile', () => {
    expect(places([own, other])).toEqual([
      'base',
      'base',
      ['base.Dockerfile', 2, 'RUN echo base > /b'],
      [undefined, 2, 'COPY f /f'],
      [undefined, 4, 'RUN echo $V > /v'],
    ])
    expect(readOrigins(record, 5, [own, other])).toMatchObject({ stages: 1, baseImage: { line: null } })
  })

  it('tells no line of what is no file, and none that it is not sure of', () => {
    expect(
      places([
        { ...own, file: null },
        { ...other, file: null },
      ]),
    ).toEqual([
      'base',
      'base',
      [null, null, 'RUN echo base > /b'],
      [undefined, null, 'COPY f /f'],
      [undefined, null, 'RUN echo $V > /v'],
    ])
    expect(places([{ text: 'FROM elsewhere', file: 'Dockerfile' }]).slice(2)).toEqual([
      [null, null, 'RUN echo base > /b'],
      [null, null, 'COPY f /f'],
      [null, null, 'RUN echo $V > /v'],
    ])
  })
})

it('says of a failed build which of the Dockerfiles has the line', () => {
  const log =
    'other.Dockerfile:2\n--------------------\n   1 |     FROM a\n   2 | >>> RUN false\n--------------------\nERROR: x'
  const sources = [
    { text: 'FROM b\nRUN true\n', file: 'Dockerfile' },
    { text: 'FROM a\nRUN false\n', file: 'other.Dockerfile' },
  ]
  expect(sourceThatFailed(log, sources)).toMatchObject({
    dockerfile: 'other.Dockerfile',
    instructions: [{}, { line: 2 }],
  })
  expect(sourceThatFailed('ERROR: y', sources)).toMatchObject({ dockerfile: 'Dockerfile' })
  expect(sourceThatFailed(log, sources.slice(0, 1))).toEqual({ dockerfile: null, instructions: [] })
})
