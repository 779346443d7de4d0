import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { Report } from '../../src/report/report.ts'
import { incompressible } from '../support/bytes.ts'
import { engines, type Engine } from '../support/engine.ts'
import type { Blobs, ImageOptions } from '../support/images.ts'
import { makeLayer } from '../support/layers.ts'
import { findRegistry } from '../support/peers.ts'
import { startRegistry, type Registry, type RegistryOptions } from '../support/registry.ts'
import { createRepository } from '../support/repository.ts'
import { archiveOf, gzipped, imageOf, layerOf, layoutOf, named } from '../support/saved-images.ts'
import { copyOut, createSpreading, DOCKERFILE, traces, type Spread, type Spreading } from '../support/transports.ts'

// Real engines, on a machine that may be busy.
jest.setTimeout(60_000)

/** The terminal's door, on images where they lie: the bundled command as a user runs it. */
const COMMAND = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))
const ESCAPE = '\u001b'
const NO_ENGINE = { DOCKER_HOST: 'tcp://127.0.0.1:1', DOCKER_CONTEXT: '' }

type Result = { exitCode: number | null; stdout: string; stderr: string }
type RunOptions = {
  cwd?: string
  env?: Record<string, string>
  onStart?: (child: ReturnType<typeof spawn>) => void
}

let folder: string
/** The command's own `TMPDIR`. */
let temporary: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-diff-'))
  temporary = join(folder, 'temporary')
  mkdirSync(temporary)
})
afterEach(() => expect(readdirSync(temporary)).toEqual([]))
afterAll(() => rmSync(folder, { recursive: true }))

function run(args: string[], options: RunOptions = {}): Promise<Result> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: options.cwd ?? folder,
    env: { ...inherited, TMPDIR: temporary, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  options.onStart?.(child)
  const result = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (result[name] += text))
  return new Promise((ended, failed) => {
    child.once('error', failed)
    child.once('close', (exitCode) => ended({ exitCode, ...result }))
  })
}

async function json(args: string[], options: RunOptions = {}): Promise<Report> {
  const { stdout } = await run([...args, '--json'], options)
  return JSON.parse(stdout) as Report
}

/** Runs with what cannot be measured: exit code 2, the words on the terminal, the same in JSON, and a number nowhere. */
async function failure(args: string[], options: RunOptions = {}): Promise<string> {
  const [{ exitCode, stdout, stderr }, report] = await Promise.all([run(args, options), json(args, options)])
  expect(exitCode).toBe(2)
  expect(report).toMatchObject({ schema: 1, verdict: 'error' })
  for (const image of report.images) {
    expect(image).toMatchObject({ head: null, base: null, change: null, layerChanges: [], checks: [] })
    expect(image.error?.message).toBeTruthy()
  }
  expect(stdout + stderr).not.toMatch(/\d [kMG]?B\b|at .*\.js:|undefined|\[object/)
  expect(stdout + stderr).not.toContain(ESCAPE)
  // As one line: the terminal's are cut at its width.
  return (stdout + stderr).replaceAll(/\s+/g, ' ')
}

/** An image of gzipped layers, for a registry. */
function packed(layers: Record<string, string | Buffer>[], options: ImageOptions = {}): ImageOptions {
  const made = layers.map(makeLayer)
  const rootfs = { type: 'layers', diff_ids: made.map(({ diffId }) => diffId) }
  return { layers: made.map((layer) => layer.packed), ...options, config: { rootfs, ...options.config } }
}

/** Starts a registry for one test. */
async function withRegistry(options: RegistryOptions, test: (registry: Registry) => Promise<void>): Promise<void> {
  const registry = await startRegistry(options)
  try {
    await test(registry)
  } finally {
    await registry.stop()
  }
}

/** An OCI layout in a folder of the test's own. */
function writeLayout(name: string, files: Map<string, Buffer>): string {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true })
    writeFileSync(join(folder, name, path), content)
  }
  return `oci:${name}`
}

describe.each(engines())('an image of the $store engine', (engine: Engine) => {
  const { env } = engine
  const debian = findRegistry()
  let spreading: Spreading
  let first: Spread
  let second: Spread
  beforeAll(() => {
    if (!debian) throw new Error('no registry: scripts/peers.sh start')
    spreading = createSpreading(engine, debian)
    spreading.build('1', incompressible(100_000, 1))
    spreading.build('2', incompressible(123_456, 2))
    first = spreading.spread('1')
    second = spreading.spread('2')
  })
  afterAll(() => spreading.dispose())

  it('is the same in every place', async () => {
    const places = Object.values(first)
    const pairs = places.flatMap((base, at) => places.slice(at + 1).map((head) => [base, head] as const))
    for (const [base, head] of pairs) {
      const report = await json(['diff', base, head], { env })
      const [image] = report.images
      expect([base, head, image?.head?.size]).toEqual([base, head, image?.base?.size])
      expect(report).toMatchObject({
        verdict: 'within',
        gonePlatforms: [],
        head: { reference: head, commit: null, pushed: null, dirty: false },
        images: [
          {
            platform: expect.stringMatching(/^linux\//),
            engine: null,
            error: null,
            source: { reference: head },
            change: { size: { amount: 0, percent: 0 }, layers: { amount: 0 } },
            baseline: { kind: 'image', commit: null, ref: base, reason: null },
            layerChanges: [{ change: 'unchanged' }, { change: 'unchanged' }, { change: 'unchanged' }],
          },
        ],
      })
    }
  })

  it('is larger than another by the bytes of the file that grew, in whatever places the two are', async () => {
    const places = Object.keys(first) as (keyof Spread)[]
    for (const [at, place] of places.entries()) {
      const [base, head] = [first[place], second[places[(at + 2) % places.length]!]]
      const [image] = (await json(['diff', base, head], { env })).images
      expect(image).toMatchObject({
        change: { size: { amount: 23_456 }, layers: { amount: 0 } },
        layerChanges: [
          { change: 'unchanged' },
          { change: 'unchanged' },
          { change: 'changed', instruction: 'COPY payload /payload', sizeBefore: 100_000, sizeAfter: 123_456 },
        ],
      })
    }
  })

  it('is read without a trace in the engine', async () => {
    const [one, two] = ['1', '2'].map((tag) => `${spreading.repository}:${tag}`) as [string, string]
    const before = [traces(engine, one), traces(engine, two)]
    for (const metrics of ['size', 'download-size', 'size,download-size']) {
      const args = ['diff', '--metrics', metrics, first['docker-daemon'], second['docker-daemon']]
      expect((await run(args, { env })).exitCode).toBe(0)
    }
    await run(['diff', first['docker-daemon'], `docker-daemon:${two}-none`], { env })
    expect([traces(engine, one), traces(engine, two)]).toEqual(before)
  })

  it('is left alone by Ctrl-C in the midst of reading', async () => {
    const image = `${spreading.repository}:1`
    const before = traces(engine, image)
    // A docker that knows no socket, and does all but to push: it tells that it was asked to, and takes its time.
    const tools = join(folder, `slow-${engine.store}`)
    const started = join(tools, 'started')
    mkdirSync(tools)
    const path = env['PATH'] ?? process.env['PATH']!
    writeFileSync(
      join(tools, 'docker'),
      `#!/bin/sh\nPATH='${path}'\nif [ "$1" = context ]; then exit 1; fi\nif [ "$1" = push ]; then echo $$ >'${started}.new'; mv '${started}.new' '${started}'; sleep 300; fi\nexec docker "$@"\n`,
    )
    chmodSync(join(tools, 'docker'), 0o755)
    const result = await run(['diff', second.oci, first['docker-daemon']], {
      env: { ...env, PATH: `${tools}${delimiter}${path}` },
      onStart: (child) => {
        const watcher = watch(tools, (_, name) => {
          if (name !== 'started') return
          watcher.close()
          child.kill('SIGINT')
        })
      },
    })
    expect(result).toMatchObject({ exitCode: 130, stdout: '' })
    const pid = Number(readFileSync(started, 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(traces(engine, image)).toEqual(before)
  })

  it('can be the base of what is built, and the layers of both are read once', async () => {
    const blobs: Blobs = new Map()
    const document = await copyOut(debian!.host, spreading.repository, '1', blobs)
    const repository = createRepository()
    repository.commit({ Dockerfile: DOCKERFILE, payload: incompressible(123_456, 2) })
    await withRegistry({ blobs, tags: { 'shop/api:1': document } }, async (registry) => {
      const base = `docker://${registry.host}/shop/api:1`
      const report = await json(['check', '--baseline', base, '--max-increase', '20 kB'], { env, cwd: repository.dir })
      expect(report).toMatchObject({
        verdict: 'over',
        head: { commit: repository.git('rev-parse', 'HEAD') },
        images: [
          {
            engine: { store: engine.store },
            source: null,
            baseline: { kind: 'image', ref: base },
            change: { size: { amount: 23_456 }, layers: { amount: 0 } },
            layerChanges: [{ change: 'unchanged' }, { change: 'unchanged' }, { change: 'changed' }],
            checks: [{ budget: 'max-increase', actual: 23_456, status: 'over' }],
          },
        ],
      })
      const { config, layers } = JSON.parse(document.bytes.toString()) as {
        config: { digest: string }
        layers: { digest: string }[]
      }
      const read = registry.log().filter((line) => line.startsWith('GET blobs/'))
      expect(read.toSorted()).toEqual([config, layers[2]!].map(({ digest }) => `GET blobs/${digest}`).toSorted())
    })
    repository.dispose()
  })

  it('that is not there is told, with where it may be', async () => {
    const none = `${spreading.repository}:none`
    const words = `There is no image ${none} in the Docker engine. \`docker images\` lists those that are there. An image in a registry is docker://${none}.`
    expect(await failure(['diff', `docker-daemon:${none}`, first.oci], { env })).toContain(words)
    expect(await failure(['diff', first.oci, `docker-daemon:${none}`], { env })).toContain(words)
    expect(await failure(['diff', `${first['docker-archive']}:api:9`, first.oci], { env })).toMatch(
      /There is no image api:9 in docker-archive:.*1\.tar.*image-budget-test/,
    )
  })
})

describe('the report', () => {
  let base: string
  let head: string
  beforeAll(() => {
    const [below, one, two] = [{ a: 'a'.repeat(5000) }, { b: 'b'.repeat(1000) }, { b: 'b'.repeat(4000) }].map((files) =>
      gzipped(layerOf(files)),
    )
    base = writeLayout('one', layoutOf([imageOf([below!, one!])]))
    head = writeLayout('two', layoutOf([imageOf([below!, two!])]))
  })

  it('is for people, without an engine: both names, both metrics, the change', async () => {
    const { exitCode, stdout, stderr } = await run(['diff', base, head], { env: NO_ENGINE })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Image budget: two is 3\.0 kB larger$/m)
    expect(stdout).toMatch(/^ +one +two +change$/m)
    expect(stdout).toMatch(/^ +Size +6\.0 kB +9\.0 kB +\+3\.0 kB \(\+50\.0 %\)$/m)
    expect(stdout).toMatch(/base oci:one, image oci:two \(sha256:[0-9a-f]{12}\)/)
    expect(stderr).toMatch(/^Read image oci:two$[^]*^Read base oci:one$/m)
  })

  it.each([
    [0, ['--max-increase', '3 kB', '--max-size', '9 kB', '--max-layers', '2']],
    [1, ['--max-increase', '2.9 kB']],
    [1, ['--max-increase', '49%']],
    [1, ['--max-size', '8.9 kB']],
    [0, ['--max-size', '8.9 kB', '--fail', 'false']],
    [2, ['--max-size', 'large']],
    [2, ['--platforms', 'linux/s390x']],
  ])('exits with %i: %j', async (exitCode, args) => {
    expect((await run(['diff', base, head, ...args], { env: NO_ENGINE })).exitCode).toBe(exitCode)
  })

  it('of `check --image` has the same shape, with `--baseline` and without', async () => {
    const args = ['check', '--image', head, '--max-increase', '1 kB']
    expect(await json([...args, '--baseline', base])).toEqual(
      await json(['diff', base, head, '--max-increase', '1 kB']),
    )
    // Growth of what? A limit that can never be judged is a mistake.
    expect((await run(args)).stderr).toContain(
      '`max-increase` limits growth, but beside `image` there is no `baseline`',
    )
    const alone = await run(args.slice(0, 3))
    expect(alone.exitCode).toBe(0)
    expect(alone.stdout).toContain('There is nothing to compare with: baseline names no image.')
  })

  it('leaves what an image says of itself without effect on the terminal', async () => {
    const hostile = `${ESCAPE}[2J${ESCAPE}]8;;https://evil.example\u0007\u009b31mRUN evil\r\n`
    const history = [{ created_by: hostile, comment: hostile }]
    const layers = [gzipped(layerOf({ [`x${ESCAPE}[2J`]: 'x'.repeat(9000) }))]
    const image = imageOf(layers, 'linux/amd64', {
      history,
      author: hostile,
      config: { Labels: { [hostile]: hostile } },
    })
    const reference = writeLayout('hostile', layoutOf([image]))
    const { exitCode, stdout, stderr } = await run(['diff', '--verbose', base, reference])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('RUN evil')
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)

    const two = writeLayout('two-hostile', layoutOf([named(`${hostile}1`, image), named(`${hostile}2`, imageOf([]))]))
    expect(await failure(['diff', base, two])).toContain('There is more than one image')
  })
})

describe('platforms', () => {
  const one = packed([{ a: 'a'.repeat(1000) }])
  const arm = packed([{ a: 'a'.repeat(1500) }], { platform: 'linux/arm64' })
  const two = packed([{ a: 'a'.repeat(3000) }])
  const images = { 'api:both': [one, arm], 'api:next': two, 'api:later': [two, arm] }

  it('that went away are named, and those that came have a row without a comparison', () =>
    withRegistry({ images }, async ({ host }) => {
      const [both, next] = [`docker://${host}/api:both`, `docker://${host}/api:next`]
      const gone = await json(['diff', both, next])
      expect(gone).toMatchObject({
        gonePlatforms: ['linux/arm64'],
        images: [{ platform: 'linux/amd64', change: { size: { amount: 2000 } } }],
      })
      expect(gone.images).toHaveLength(1)
      expect((await run(['diff', both, next])).stdout).toMatch(/linux\/arm64/)

      const came = await json(['diff', next, both])
      expect(came.gonePlatforms).toEqual([])
      expect(
        came.images.map(({ platform, base, head, change }) => [platform, base?.size, head?.size, change?.size?.amount]),
      ).toEqual([
        ['linux/amd64', 3000, 1000, -2000],
        ['linux/arm64', undefined, 1500, undefined],
      ])
      expect(came.images[1]?.baseline).toMatchObject({ kind: 'none', reason: expect.stringContaining('linux/arm64') })
    }))

  it('are those that `--platforms` names', () =>
    withRegistry({ images }, async ({ host }) => {
      const args = ['diff', '--platforms', 'linux/arm64', `docker://${host}/api:both`, `docker://${host}/api:later`]
      const { images: rows, gonePlatforms } = await json(args)
      expect(rows.map(({ platform, change }) => [platform, change?.size?.amount])).toEqual([['linux/arm64', 0]])
      expect(gonePlatforms).toEqual([])
      const remedy = 'platforms takes what it has: linux/amd64, linux/arm64.'
      expect(await failure(['diff', '--platforms', 'linux/s390x', args[3]!, args[4]!])).toContain(remedy)
      // One of two that is not there is not passed unseen either.
      expect(await failure(['diff', '--platforms', 'linux/amd64,linux/s390x', args[3]!, args[4]!])).toContain(
        remedy.slice(0, 40),
      )
    }))
})

describe('a registry', () => {
  const images = {
    'api:1': packed([{ a: 'a'.repeat(5000) }, { b: 'b'.repeat(1000) }]),
    'api:2': packed([{ a: 'a'.repeat(5000) }, { b: 'b'.repeat(1400) }]),
    'api:same': packed([{ a: 'a'.repeat(5000) }, { b: 'b'.repeat(1000) }]),
  }

  it('gives no layer for download sizes, and each layer once for sizes', () =>
    withRegistry({ images }, async ({ host, log }) => {
      const layers = (): string[] => log().filter((line) => line.startsWith('GET blobs/'))
      const args = ['diff', `docker://${host}/api:1`, `docker://${host}/api:2`]
      const { images: rows } = await json([...args, '--metrics', 'download-size'])
      expect(rows[0]).toMatchObject({ head: { size: null }, unmeasured: { size: null } })
      expect(rows[0]?.change?.downloadSize?.amount).not.toBeNull()
      expect(layers()).toHaveLength(2) // The configs.
      expect((await json(args)).images[0]?.change?.size?.amount).toBe(400)
      expect(new Set(layers()).size).toBe(5)
      expect(layers()).toHaveLength(2 + 5)
    }))

  it('gives the manifest of two tags with one digest once', () =>
    withRegistry({ images }, async ({ host, log }) => {
      const { images: rows } = await json(['diff', `docker://${host}/api:1`, `docker://${host}/api:same`])
      expect(rows[0]?.change).toMatchObject({ size: { amount: 0 }, downloadSize: { amount: 0 } })
      expect(log().filter((line) => line.startsWith('GET manifests/'))).toHaveLength(1)
      expect(log().filter((line) => line.startsWith('GET blobs/'))).toHaveLength(3)
    }))

  it('that breaks off in a layer is taken up where it broke; where it does so each time there is no number', () =>
    withRegistry({ images: { 'api:1': packed([{ a: Buffer.from(incompressible(50_000)) }]) } }, async (registry) => {
      const reference = `docker://${registry.host}/api:1`
      const [layer] = (JSON.parse(registry.tags['api:1']!.bytes.toString()) as { layers: { digest: string }[] }).layers
      const body = registry.blobs.get(layer!.digest)!.bytes
      const cut = { path: new RegExp(layer!.digest), answer: { status: 200, body }, cutAfter: 20_000 }
      registry.fault(cut)
      expect((await json(['check', '--image', reference])).images[0]?.head?.size).toBe(50_000)
      registry.fault({ ...cut, times: 2 * 5 })
      expect(await failure(['check', '--image', reference])).toMatch(
        /api:1: the layer sha256:\S+ broke off after \d+ of \d+ bytes/,
      )
    }))

  it('that is silent in a layer is not waited for after Ctrl-C', () =>
    withRegistry({ images }, async (registry) => {
      registry.fault({ path: /blobs/, times: 99, answer: 'silence' })
      const asked = (): boolean => registry.log().some((line) => line.startsWith('GET blobs/'))
      let poll: NodeJS.Timeout | undefined
      const result = await run(['check', '--image', `docker://${registry.host}/api:1`], {
        onStart: (child) => {
          poll = setInterval(() => {
            if (!asked()) return
            // Once: who presses twice wants it gone, whatever it still has to tidy up.
            clearInterval(poll)
            child.kill('SIGINT')
          }, 20)
        },
      })
      clearInterval(poll)
      expect(result).toMatchObject({ exitCode: 130, stdout: '' })
    }))

  it('with another layer than its manifest says is found out', async () => {
    const made = makeLayer({ a: 'a' })
    const other = {
      layers: [made.packed],
      config: { rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] } },
    }
    await withRegistry({ images: { 'api:1': other } }, async ({ host }) => {
      expect(await failure(['check', '--image', `docker://${host}/api:1`])).toMatch(
        /docker:\/\/\S+\/api:1: layer sha256:[0-9a-f]{64} .*diffID/,
      )
    })
  })

  it('that lacks the tag, does not answer, or is none', () =>
    withRegistry({ images }, async (registry) => {
      const there = `docker://${registry.host}/api:1`
      expect(await failure(['diff', `docker://${registry.host}/api:9`, there])).toContain(
        'does not have the manifest of 9 in api (404). Check the name and the tag.',
      )
      expect(await failure(['diff', there, 'docker://127.0.0.1:1/api:1'])).toContain('127.0.0.1:1: ECONNREFUSED')
      registry.fault({
        path: /manifests/,
        times: 9,
        answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<b>Hi' },
      })
      expect(await failure(['diff', there, there])).toContain('answered with a web page (200). Is it a registry?')
    }))
})

describe('a login', () => {
  const PASSWORD = 'correct-horse-battery-staple'
  const user = { username: 'octo', password: PASSWORD }
  const images = { 'shop/api:1': packed([{ a: 'a'.repeat(1000) }]), 'shop/api:2': packed([{ a: 'a'.repeat(1700) }]) }

  /** A folder for `DOCKER_CONFIG`. */
  function configured(config: object): Record<string, string> {
    const at = mkdtempSync(join(folder, 'docker-config-'))
    writeFileSync(join(at, 'config.json'), JSON.stringify(config))
    return { ...NO_ENGINE, DOCKER_CONFIG: at }
  }
  const auths = (host: string, { username, password }: typeof user): Record<string, string> =>
    configured({ auths: { [host]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } } })

  /** `docker-credential-test`, which has the password for any registry. */
  function helper(host: string, secret: string): Record<string, string> {
    const env = configured({ credHelpers: { [host]: 'test' } })
    const program = join(env['DOCKER_CONFIG']!, 'docker-credential-test')
    writeFileSync(
      program,
      `#!/bin/sh\nread -r server\nprintf '{"ServerURL":"%s","Username":"octo","Secret":"${secret}"}' "$server"\n`,
    )
    chmodSync(program, 0o755)
    return { ...env, PATH: `${dirname(program)}${delimiter}${process.env['PATH']}` }
  }

  it.each([
    ['basic, `auths`', { kind: 'basic', ...user }, auths],
    ['a token, `auths`', { kind: 'token', user }, auths],
    ['basic, a credential helper', { kind: 'basic', ...user }, (host: string) => helper(host, PASSWORD)],
    ['a token, a credential helper', { kind: 'token', user }, (host: string) => helper(host, PASSWORD)],
    ['a token for anybody', { kind: 'token', anonymous: true }, () => configured({})],
  ] as const)('%s', (_, login, config) =>
    withRegistry({ images, login }, async ({ host }) => {
      const args = ['diff', '--verbose', `docker://${host}/shop/api:1`, `docker://${host}/shop/api:2`]
      const { exitCode, stdout, stderr } = await run([...args, '--json'], { env: config(host, user) })
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
      expect((JSON.parse(stdout) as Report).images[0]?.change?.size?.amount).toBe(700)
      expect(stdout + stderr).not.toContain(PASSWORD)
    }),
  )

  it.each([
    ['a wrong password, basic', { kind: 'basic', ...user }, 'wrong-horse'],
    ['a wrong password, token', { kind: 'token', user }, 'wrong-horse'],
  ] as const)('%s, is told with the remedy and without the password', (_, login, password) =>
    withRegistry({ images, login }, async ({ host }) => {
      const args = ['diff', `docker://${host}/shop/api:1`, `docker://${host}/shop/api:2`]
      for (const env of [auths(host, { ...user, password }), helper(host, password)]) {
        const words = await failure(args, { env })
        expect(words).toMatch(new RegExp(`shop/api:2: ${host} refuses the credentials that it was given \\(401`))
        expect(words).toContain(`log in with \`docker login ${host}\``)
        const raw = await run([...args, '--json', '--verbose'], { env })
        for (const secret of [password, Buffer.from(`${user.username}:${password}`).toString('base64')])
          expect(words + raw.stdout + raw.stderr).not.toContain(secret)
      }
    }),
  )

  it('that is missing, and a helper that is not there', () =>
    withRegistry({ images, login: { kind: 'basic', ...user } }, async ({ host }) => {
      const args = ['check', '--image', `docker://${host}/shop/api:1`]
      expect(await failure(args, { env: configured({}) })).toMatch(
        new RegExp(`${host} gives it only after a login \\(401.*, or it is not there.*docker login ${host}`),
      )
      expect(await failure(args, { env: configured({ credsStore: 'nowhere' }) })).toContain('docker-credential-nowhere')
    }))
})

describe('what cannot be read', () => {
  let there: string
  let image: ReturnType<typeof imageOf>
  beforeAll(() => {
    image = imageOf([gzipped(layerOf({ a: Buffer.from(incompressible(60_000)) })), gzipped(layerOf({ b: 'b' }))])
    const files = layoutOf([named('1', image)])
    there = writeLayout('good', files)
    const archive = archiveOf(files)
    writeFileSync(join(folder, 'good.tar'), archive)
    writeFileSync(join(folder, 'cut.tar'), archive.subarray(0, 40_000))
    writeFileSync(join(folder, 'text.txt'), 'This is no archive.\n')
    writeFileSync(join(folder, 'empty.tar'), '')
    cpSync(join(folder, 'good'), join(folder, 'bad'), { recursive: true })
    const blobs = join(folder, 'bad', 'blobs', 'sha256')
    const [largest] = readdirSync(blobs).toSorted(
      (one, other) => statSync(join(blobs, other)).size - statSync(join(blobs, one)).size,
    )
    const bytes = readFileSync(join(blobs, largest!))
    bytes[30_000]! ^= 1
    writeFileSync(join(blobs, largest!), bytes)
    mkdirSync(join(folder, 'no-layout'))
  })

  it.each([
    ['no file', 'docker-archive:none.tar', /There is no file \S*none\.tar: no such file.*Check the path/],
    ['no folder', 'oci:none', /There is no folder \S*none: no such file.*Check the path/],
    ['a folder for a file', 'docker-archive:good', /good is a folder, not an archive\. Write oci:\S*good for/],
    [
      'a file for a folder',
      'oci:good.tar',
      /good\.tar is a file, and oci: takes a folder\. Write oci-archive:\S*good\.tar/,
    ],
    ['a folder of other files', 'oci:no-layout', /There is no oci-layout in oci:\S*no-layout: it is no OCI layout/],
    ['an image that is not in it', 'oci:good:9', /There is no image 9 in oci:\S*good.*1/],
    ['a truncated archive', 'oci-archive:cut.tar', /oci-archive:\S*cut\.tar cannot be read\. It is cut off/],
    ['no archive', 'docker-archive:text.txt', /docker-archive:\S*text\.txt cannot be read/],
    ['an empty file', 'docker-archive:empty.tar', /empty\.tar is empty/],
    ['a flipped bit in a layer', 'oci:bad', /oci:bad: layer sha256:[0-9a-f]{64} \(diffID sha256:[0-9a-f]{64}\)/],
    ['an engine that does not run', 'docker-daemon:api:1', /The Docker engine does not answer: .*Start Docker/],
  ])('%s', async (_, reference, words) => {
    const options = { env: NO_ENGINE }
    expect(await failure(['diff', there, reference], options)).toMatch(words)
    // As a base, a layer that the head has too is not read again.
    if (reference !== 'oci:bad') expect(await failure(['diff', reference, there], options)).toMatch(words)
  })

  it('docker is asked for only where it is needed', async () => {
    const env = { PATH: dirname(process.execPath) }
    expect((await run(['diff', there, 'oci-archive:good.tar'], { env })).exitCode).toBe(0)
    expect(await failure(['diff', there, 'docker-daemon:api:1'], { env: { PATH: '/nowhere' } })).toContain(
      'docker is not installed',
    )
  })
})

describe('the command line', () => {
  it.each([
    [
      ['api:1', 'api:2'],
      /`api:1` and `api:2`; it takes .*`docker:\/\/NAME`.*`docker-daemon:NAME`.*`docker-archive:FILE`.*`oci-archive:FILE`.*`oci:FOLDER`/,
    ],
    [['none', 'oci:x'], /`diff` has `none`; it takes/],
    [['', 'oci:x'], /`diff` has ``; it takes/],
    [['oci:x'], /`diff` takes two images/],
    [['oci:x', 'oci:y', 'oci:z'], /`diff` takes two images/],
    [['--image', 'oci:x', 'oci:y', 'oci:z'], /`--image` has no place in `diff`; `check`, `explore` have it/],
    [['--baseline', 'oci:x', 'oci:y', 'oci:z'], /`--baseline` has no place in `diff`; `check`, `explore` have it/],
    [
      ['--file', 'Dockerfile', '--target', 'x', 'oci:y', 'oci:z'],
      /`--file` has no place in `diff`[^]*`--target` has no place in `diff`/,
    ],
    [
      ['--metrics', 'size', '--max-download-size', '1 MB', 'oci:y', 'oci:z'],
      /`max-download-size` limits the download size, but `metrics`/,
    ],
  ])('`diff` with %j', async (args, words) => {
    const { exitCode, stdout, stderr } = await run(['diff', '--json', ...args])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'error', images: [{ head: null, error: { kind: 'input' } }] })
    expect(stderr).toMatch(words)
  })

  it.each([
    [['--image', 'oci:x', '--baseline', 'build'], /`baseline` is `build`, but with `image` nothing is built/],
    [['--image', 'oci:x', '--base', 'main'], /`base-ref` is given, but `image`/],
    [
      ['--image', 'oci:x', '--baseline', 'none', '--max-increase', '1 kB'],
      /`max-increase` limits growth against a base, but `baseline` is `none`/,
    ],
    [['--image', 'api:1'], /`--image` has `api:1`; it takes an image where it lies/],
    [['--image', 'oci:x', 'services/api'], /`context` is given, but `image`/],
  ])('`check` with %j', async (args, words) => {
    expect(await failure(['check', ...args])).toMatch(words)
  })
})
