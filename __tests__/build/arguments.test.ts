import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { buildArguments, buildImage, temporaryName, type BuildRequest, type Side } from '../../src/build/build.ts'
import { inTree } from '../../src/build/paths.ts'
import type { Exec, ExecResult } from '../../src/exec.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'

type Overrides = { side?: Side; cwd?: string; tree?: string }

function request(
  values: Record<string, string>,
  { side = 'head', cwd = '/repo', tree = '/tmp/s/head' }: Overrides = {},
): BuildRequest {
  return {
    side,
    image: 'image-budget.invalid/head:1',
    keep: false,
    inputs: parseInputs(values),
    bake: null,
    tree,
    root: '/repo',
    cwd,
    scratch: '/tmp/s',
    onLine: () => {},
  }
}

const argv = (values: Record<string, string>, overrides?: Overrides): string[] =>
  buildArguments(request(values, overrides), '/tmp/s/m.json').args

/** The arguments of one option. */
const option = (name: string, values: Record<string, string>, overrides?: Overrides): string[] =>
  argv(values, overrides).filter((argument) => argument.startsWith(`--${name}=`))

describe('buildArguments', () => {
  const full = {
    context: 'services/api',
    file: 'docker/api.Dockerfile',
    target: 'production',
    'build-args': 'VERSION=1 2\n"TEXT=a\nb"\nFROM_ENV',
    'build-contexts': 'lib=libs/shared\nalpine=docker-image://alpine:3',
    platforms: 'linux/amd64,linux/arm64',
    secrets: 'npmrc=//registry/:_authToken=hunter2',
    'secret-files': 'key=keys/my key,"1".pem',
    'cache-from': 'type=gha',
    'cache-to': 'type=gha,mode=max',
    builder: 'mine',
  }

  it('gives the whole command, one argument for each thing', () => {
    expect(buildArguments(request(full), '/tmp/s/m.json')).toEqual({
      args: [
        'buildx',
        'build',
        '--progress=plain',
        '--provenance=false',
        '--metadata-file=/tmp/s/m.json',
        '--output=type=image,push=false,store=false,name=image-budget.invalid/head:1',
        '--cache-to=type=gha,mode=max',
        '--file=/tmp/s/head/docker/api.Dockerfile',
        '--builder=mine',
        '--target=production',
        '--platform=linux/amd64,linux/arm64',
        '--build-arg=VERSION=1 2',
        '--build-arg=TEXT=a\nb',
        '--build-arg=FROM_ENV',
        '--build-context=lib=/tmp/s/head/libs/shared',
        '--build-context=alpine=docker-image://alpine:3',
        '--secret=id=npmrc,env=IMAGE_BUDGET_SECRET_0',
        '--secret=id=key,"src=/repo/keys/my key,""1"".pem"',
        '--cache-from=type=gha',
        '/tmp/s/head/services/api',
      ],
      env: {
        BUILDX_METADATA_PROVENANCE: 'max',
        BUILDX_METADATA_WARNINGS: '1',
        BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
        DOCKER_CLI_HINTS: 'false',
        IMAGE_BUDGET_SECRET_0: '//registry/:_authToken=hunter2',
      },
    })
  })

  it('gives the shortest command for no inputs', () => {
    expect(argv({})).toEqual([
      'buildx',
      'build',
      '--progress=plain',
      '--provenance=false',
      '--metadata-file=/tmp/s/m.json',
      '--output=type=image,push=false,store=false,name=image-budget.invalid/head:1',
      '--file=/tmp/s/head/Dockerfile',
      '/tmp/s/head',
    ])
  })

  it('hands the values of secrets over in the environment only', () => {
    const { args, env } = buildArguments(request({ secrets: 'a=hunter2\n"b=hunter2\nmore"' }), 'm')
    expect(args.join('\n')).not.toContain('hunter2')
    expect([env['IMAGE_BUDGET_SECRET_0'], env['IMAGE_BUDGET_SECRET_1']]).toEqual(['hunter2', 'hunter2\nmore'])
  })

  it("lets only the change's build write a cache; both read it", () => {
    expect(option('cache-to', full, { side: 'base' })).toEqual([])
    expect(option('cache-from', full, { side: 'base' })).toEqual(['--cache-from=type=gha'])
  })

  it("takes a cache's folder from the working directory, not from the tree", () => {
    const values = {
      'cache-from': 'type=local,src=../cache\ntype=local,src=/abs/cache\ntype=registry,ref=a/b:src',
      'cache-to': 'type=local,mode=max,dest=cache',
    }
    expect(option('cache-from', values, { cwd: '/repo/app' })).toEqual([
      '--cache-from=type=local,src=/repo/cache',
      '--cache-from=type=local,src=/abs/cache',
      '--cache-from=type=registry,ref=a/b:src',
    ])
    expect(option('cache-to', values, { cwd: '/repo/app' })).toEqual([
      '--cache-to=type=local,mode=max,dest=/repo/app/cache',
    ])
  })

  it.each([
    ['.', '/tmp/s/head/app'],
    ['..', '/tmp/s/head'],
    ['/repo/libs', '/tmp/s/head/libs'],
    ['docker-image://ghcr.io/acme/base:1', 'docker-image://ghcr.io/acme/base:1'],
    ['https://example.com/x.git#main', 'https://example.com/x.git#main'],
    ['git@example.com:x.git', 'git@example.com:x.git'],
    ['target:other', 'target:other'],
    ['oci-layout:///abs/layout:1', 'oci-layout:///abs/layout:1'],
    ['oci-layout://../layout@sha256:abc', 'oci-layout:///repo/layout@sha256:abc'],
  ])('takes the named context %s as %s', (value, taken) => {
    expect(option('build-context', { 'build-contexts': `x=${value}` }, { cwd: '/repo/app' })).toEqual([
      `--build-context=x=${taken}`,
    ])
  })

  it.each<[Record<string, string>, string, string, string]>([
    [{}, '/repo/app', '/tmp/s/head/app', '/tmp/s/head/app/Dockerfile'],
    [{ context: '..' }, '/repo/app', '/tmp/s/head', '/tmp/s/head/Dockerfile'],
    [{ context: 'api', file: 'docker/x' }, '/repo/app', '/tmp/s/head/app/api', '/tmp/s/head/app/docker/x'],
    [{ context: '/repo/api' }, '/repo', '/tmp/s/head/api', '/tmp/s/head/api/Dockerfile'],
    [{ context: '..api', file: '-f' }, '/repo', '/tmp/s/head/..api', '/tmp/s/head/-f'],
  ])('finds context and Dockerfile of %j from %s', (values, cwd, context, file) => {
    const args = argv(values, { cwd })
    expect([args.at(-1), args.find((argument) => argument.startsWith('--file='))]).toEqual([context, `--file=${file}`])
  })

  it.each([
    ['context', '..'],
    ['context', '/etc'],
    ['context', '../repository'],
    ['file', '../Dockerfile'],
    ['build-contexts', 'x=../../lib'],
    // As `relative` gives it on Windows.
    ['file', '..\\Dockerfile'],
  ])('refuses a path outside the repository: `%s` %s', (input, value) => {
    const path = value.replace('x=', '')
    expect(() => argv({ [input]: value })).toThrow(
      `\`${input}\` is \`${path}\`, which is outside the repository; it takes a path inside: head and base are built from their own trees.`,
    )
  })
})

it('finds a place in the tree from a subfolder', () => {
  expect(inTree({ tree: '/t', root: '/repo', cwd: '/repo/a/b' }, 'file', '../c')).toBe('/t/a/c')
})

const never: Exec = () => Promise.reject(new Error('nothing was to be run'))

/** Docker, as far as a build of several platforms asks it. */
function docker(metadata: Record<string, unknown>, calls: string[][] = []): Exec {
  return async (_, args): Promise<ExecResult> => {
    calls.push(args)
    const file = args.find((argument) => argument.startsWith('--metadata-file='))
    if (file) writeFileSync(file.replace('--metadata-file=', ''), JSON.stringify(metadata))
    const platform = args.find((argument) => argument.startsWith('--platform='))
    return {
      exitCode: args.includes('attachment') && platform?.includes('s390x') ? 1 : 0,
      stdout: JSON.stringify({ of: platform }),
      stderr: '',
    }
  }
}

describe('buildImage', () => {
  let tree: string
  beforeEach(() => {
    tree = realpathSync(mkdtempSync(join(tmpdir(), 'tree-')))
    writeFileSync(join(tree, 'Dockerfile'), 'FROM a AS one\nRUN exit 1\n')
  })
  afterEach(() => rmSync(tree, { recursive: true }))

  const failure = (values: Record<string, string>, exec: Exec = never, environment = {}): Promise<unknown> =>
    buildImage(exec, { ...request(values, { tree }), scratch: tree }, environment).then(
      () => null,
      (error: { failure: unknown }) => error.failure,
    )

  it.each<[Record<string, string>, string, RegExp]>([
    [{ context: 'api' }, 'There is no build context at `api` in this commit.', /^`context` takes a folder/],
    [{ file: 'x/Dockerfile' }, 'There is no Dockerfile at `x/Dockerfile` in this commit.', /^`file` names/],
    [
      { 'build-contexts': 'deps=vendor' },
      'There is no build context `deps` at `vendor` in this commit.',
      /^`build-contexts` takes `name=value` with a folder inside/,
    ],
    [
      { context: 'out' },
      '`context` is `out`, which is a link out of the repository; it takes a folder inside.',
      /^`context` takes/,
    ],
    [
      { context: 'linked' },
      '`file` is `linked/Dockerfile`, which is a link out of the repository; it takes a Dockerfile inside.',
      /^`file` names/,
    ],
    [
      { file: 'linked/Dockerfile' },
      '`file` is `linked/Dockerfile`, which is a link out of the repository; it takes a Dockerfile inside.',
      /^`file` names/,
    ],
    [
      { 'build-contexts': 'alpine=docker-image://alpine:3\ndeps=out' },
      '`build-contexts` is `deps=out`, which is a link out of the repository; it takes `name=value` with a folder inside.',
      /^`build-contexts` takes/,
    ],
    [
      { 'build-contexts': 'deps=out/ssl' },
      '`build-contexts` is `deps=out/ssl`, which is a link out of the repository; it takes `name=value` with a folder inside.',
      /^`build-contexts` takes/,
    ],
  ])('runs nothing for %j', async (values, message, remedy) => {
    symlinkSync('/etc', join(tree, 'out'))
    mkdirSync(join(tree, 'linked'))
    symlinkSync('/etc/hostname', join(tree, 'linked/Dockerfile'))
    expect(await failure(values)).toMatchObject({
      kind: 'input',
      message,
      remedy: expect.stringMatching(remedy),
      file: null,
    })
  })

  it('hides values of build arguments and secrets, also those from the environment', async () => {
    const stderr = 'ERROR: "/hunter2/from-env/s3cret": not found\n'
    const values = { 'build-args': 'TOKEN=hunter2\nFROM_ENV\nNOWHERE', secrets: 'a=s3cret' }
    expect(
      await failure(values, async () => ({ exitCode: 1, stdout: '', stderr }), { FROM_ENV: 'from-env' }),
    ).toMatchObject({
      message: 'The build failed: "/…/…/…": not found',
    })
  })

  it('tells the failure of a Dockerfile that is too long to be parsed', async () => {
    writeFileSync(join(tree, 'Dockerfile'), `FROM a\nRUN ${'x'.repeat(300_000)}\n`)
    const rule = '-'.repeat(20)
    const stderr = `Dockerfile:2\n${rule}\n   2 | >>> RUN x\n${rule}\nERROR: exit code: 1\n`
    expect(await failure({}, async () => ({ exitCode: 1, stdout: '', stderr }))).toMatchObject({
      message: 'The build failed at `Dockerfile:2`: exit code: 1',
      instruction: null,
    })
  })

  it('takes contexts that are links inside the repository', async () => {
    mkdirSync(join(tree, 'real'))
    symlinkSync('real', join(tree, 'link'))
    writeFileSync(join(tree, 'real/Dockerfile'), 'FROM a\n')
    expect(
      await failure({ context: 'link', 'build-contexts': 'deps=link\nalpine=docker-image://alpine:3' }, async () => ({
        exitCode: 1,
        stdout: '',
        stderr: 'ERROR: reached\n',
      })),
    ).toMatchObject({
      kind: 'build',
      message: 'The build failed: reached',
    })
  })

  it('tells the line of the Dockerfile where the build fails', async () => {
    const rule = '-'.repeat(20)
    const stderr = `Dockerfile:2\n${rule}\n   2 | >>> RUN exit 1\n${rule}\nERROR: failed to build: failed to solve: exit code: 1\n`
    expect(await failure({}, async () => ({ exitCode: 1, stdout: '', stderr }))).toMatchObject({
      message: 'The build failed at `Dockerfile:2`: exit code: 1',
      file: 'Dockerfile',
      line: 2,
      instruction: 'RUN exit 1',
    })
  })

  const metadata = { 'buildx.build.ref': 'default/default0/ref1', 'containerimage.digest': 'sha256:1' }

  it("gives the build's record, digest, provenance and what the checks say, without a build argument's value", async () => {
    const exec = docker({
      ...metadata,
      'buildx.build.provenance': { one: 1 },
      'buildx.build.warnings': [
        { short: Buffer.from('WorkdirRelativePath: Relative workdir "hunter2" (line 3)').toString('base64') },
      ],
    })
    const build = await buildImage(exec, { ...request({ 'build-args': 'WHO=hunter2' }, { tree }), scratch: tree })
    expect(build).toEqual({
      ref: 'ref1',
      digest: 'sha256:1',
      provenance: new Map([['', { one: 1 }]]),
      dockerfile: 'Dockerfile',
      ignoreFile: '.dockerignore',
      target: null,
      sources: null,
      warnings: [{ rule: 'WorkdirRelativePath', message: 'Relative workdir "…"', line: null, url: null }],
    })
    expect(temporaryName('head')).toMatch(/^image-budget\.invalid\/head:[0-9a-f-]{36}$/)
  })

  it('tells which file says what is left out of the context: the Dockerfile’s own, else the context’s', async () => {
    mkdirSync(join(tree, 'app/docker'), { recursive: true })
    writeFileSync(join(tree, 'app/docker/api.Dockerfile'), 'FROM scratch\n')
    const build = () =>
      buildImage(docker(metadata), {
        ...request({ context: 'app', file: 'app/docker/api.Dockerfile' }, { tree }),
        scratch: tree,
      })
    expect((await build()).ignoreFile).toBe('app/.dockerignore')
    writeFileSync(join(tree, 'app/docker/api.Dockerfile.dockerignore'), '')
    expect((await build()).ignoreFile).toBe('app/docker/api.Dockerfile.dockerignore')
  })

  it('says that buildx is too old where the metadata does not tell what was built', async () => {
    expect(await failure({}, docker({ 'containerimage.digest': 'sha256:1' }))).toMatchObject({
      kind: 'measure',
      message: expect.stringMatching(/does not tell what was built:\n.*\n\s*→ at \["buildx\.build\.ref"\]/),
      remedy: expect.stringContaining('0.20'),
    })
  })
})
