import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { inspectBuilder, isSameAlone, throughPlugin } from '../../src/build/builder.ts'
import type { Clock } from '../../src/clock.ts'
import type { Exec, ExecResult } from '../../src/exec.ts'

/** What docker really printed: see `__tests__/support/capture-builds.ts` for the engines. */
const recorded = (name: string): string => readFileSync(new URL(`fixtures/builder/${name}`, import.meta.url), 'utf8')
const printed = (stdout: string): ExecResult => ({ exitCode: 0, stdout, stderr: '' })
const failed = (stderr: string): ExecResult => ({ exitCode: 1, stdout: '', stderr })

type Answers = { inspect?: ExecResult; info?: ExecResult }

/** What `docker info` says of its plugins (it tells of the client also where no engine answers), with more of its members. */
function withBuildx(version: string, members: object = JSON.parse(recorded('info.classic.json'))): string {
  return JSON.stringify({
    ...members,
    ClientInfo: { Plugins: [{ Name: 'compose' }, { Name: 'buildx', Version: version }] },
  })
}

/** Docker with recorded answers; the other answers are those of a classic engine. */
function docker(answers: Answers, calls: string[][] = []): Exec {
  const { inspect, info } = {
    inspect: printed(recorded('inspect.classic.txt')),
    info: printed(recorded('info.classic.json')),
    ...answers,
  }
  return async (program, args) => {
    calls.push([program, ...args])
    return args[0] === 'info' ? info : inspect
  }
}

/** In which no time goes by. */
const never: Clock = { now: () => 0, sleep: () => new Promise(() => {}) }

describe('inspectBuilder', () => {
  it('knows the classic store', async () => {
    expect((await inspectBuilder(docker({}), never, null)).engine).toEqual({
      driver: 'docker',
      store: 'classic',
      version: '28.5.2+dfsg4',
      buildx: '0.29.1+ds1',
    })
  })

  it('knows the containerd store', async () => {
    const answers = {
      inspect: printed(recorded('inspect.containerd.txt')),
      info: printed(recorded('info.containerd.json')),
    }
    const { engine } = await inspectBuilder(docker(answers), never, null)
    expect(engine).toMatchObject({ driver: 'docker', store: 'containerd' })
  })

  it('knows a BuildKit of its own, and needs no engine then', async () => {
    const inspect = printed(recorded('inspect.remote.txt'))
    const windows = printed(withBuildx('v0.29.1', { ServerVersion: '28.5.2', OSType: 'windows' }))
    for (const info of [failed('Cannot connect'), windows]) {
      expect((await inspectBuilder(docker({ inspect, info }), never, 'remote-test')).engine).toMatchObject({
        driver: 'remote',
        store: 'buildkit',
        version: 'unknown',
      })
    }
  })

  it('asks for the builder that the user names, and for no other', async () => {
    const calls: string[][] = []
    await inspectBuilder(docker({}, calls), never, 'mine')
    expect(calls).toContainEqual(['docker', 'buildx', 'inspect', 'mine'])
    calls.length = 0
    await inspectBuilder(docker({}, calls), never, null)
    expect(calls).toContainEqual(['docker', 'buildx', 'inspect'])
  })

  it.each<[string, string | null, Answers, string, RegExp]>([
    [
      'buildx is missing',
      null,
      {
        inspect: failed(recorded('version.missing.err')),
        info: printed('{"ServerVersion":"28.5.2","ClientInfo":{"Plugins":[]}}'),
      },
      'Docker has no `buildx` plugin here.',
      /docker\/setup-buildx-action.*docker-buildx-plugin/,
    ],
    [
      'buildx is too old',
      null,
      { info: printed(withBuildx('v0.19.3')) },
      'The version of buildx is 0.19.3; 0.20 or newer is needed.',
      /^Update it/,
    ],
    [
      'the engine does not answer',
      null,
      {
        inspect: printed(recorded('inspect.unreachable.txt')),
        info: {
          exitCode: 1,
          stdout: withBuildx('v0.29.1', { ServerVersion: '' }),
          stderr: recorded('info.unreachable.err'),
        },
      },
      'The current buildx builder cannot be used: Cannot connect to the Docker daemon at unix:///var/run/nothing.sock. Is the docker daemon running?',
      /^Start Docker/,
    ],
    [
      'the engine went away in between',
      null,
      { info: failed(recorded('info.unreachable.err')) },
      'The Docker engine does not answer: Cannot connect to the Docker daemon at unix:///var/run/nothing.sock. Is the docker daemon running?',
      /^Start Docker/,
    ],
    [
      'the engine gives half an answer',
      null,
      { info: printed('{"ServerVersion":"28') },
      'The Docker engine does not answer: it gave no reason.',
      /^Start Docker/,
    ],
    [
      'the engine is too old',
      null,
      { info: printed(withBuildx('v0.29.1', { ServerVersion: '19.3.15' })) },
      'The version of the Docker engine is 19.3.15; 20.10 or newer is needed.',
      /^Update it/,
    ],
    [
      'the engine runs Windows containers',
      null,
      { info: printed(withBuildx('v0.29.1', { ServerVersion: '28.5.2', OSType: 'windows' })) },
      'The Docker engine runs Windows containers; Linux images are measured.',
      /Linux runner.*Linux containers/,
    ],
    [
      'the engine runs Windows containers, and buildx cannot use it',
      null,
      {
        inspect: failed('ERROR: no valid drivers found'),
        info: printed(withBuildx('v0.29.1', { ServerVersion: '28.5.2', OSType: 'windows' })),
      },
      'The Docker engine runs Windows containers; Linux images are measured.',
      /Linux runner.*Linux containers/,
    ],
    [
      'there is no such builder',
      'nosuch',
      { inspect: failed(recorded('inspect.unknown.txt')) },
      'The buildx builder `nosuch` cannot be used: no builder "nosuch" found',
      /docker buildx ls/,
    ],
  ])('says what to do where %s', async (_, builder, answers, message, remedy) => {
    await expect(inspectBuilder(docker(answers), never, builder)).rejects.toMatchObject({
      failure: { kind: 'precondition', message, remedy: expect.stringMatching(remedy) },
    })
  })

  describe('does not wait for ever', () => {
    /** In which the minute is over at once. */
    const atOnce: Clock = { now: () => 0, sleep: () => Promise.resolve() }
    /** Docker which says nothing where it is asked for that, until it is stopped. */
    const silentAt =
      (subject: 'buildx' | 'info', answers: Answers = {}): Exec =>
      (program, args, options) => {
        if (args[0] !== subject) return docker(answers)(program, args, options)
        return new Promise((_, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('stopped')))
        })
      }

    it('for an engine that takes the connection and says nothing', async () => {
      await expect(inspectBuilder(silentAt('info'), atOnce, null)).rejects.toMatchObject({
        failure: {
          kind: 'precondition',
          message: 'The Docker engine does not answer: it has said nothing for 60 seconds.',
          remedy: expect.stringMatching(/^Start Docker/),
        },
      })
    })

    it('for a builder that does so', async () => {
      await expect(inspectBuilder(silentAt('buildx'), atOnce, 'mine')).rejects.toMatchObject({
        failure: {
          kind: 'precondition',
          message: 'The buildx builder `mine` cannot be used: it has said nothing for 60 seconds.',
        },
      })
    })

    it('for an engine that is not needed', async () => {
      const asked = silentAt('info', { inspect: printed(recorded('inspect.remote.txt')) })
      expect((await inspectBuilder(asked, atOnce, 'remote-test')).engine).toMatchObject({ driver: 'remote' })
    })
  })

  it.each(['0.20.0', 'v0.36.0', '1.0.0-rc1', '0.29.1+ds1'])('takes buildx %s', async (version) => {
    const answers = { info: printed(withBuildx(version)) }
    expect((await inspectBuilder(docker(answers), never, null)).engine.buildx).toBe(version.replace(/^v/, ''))
  })

  it('lets through a version that says nothing: what it lacks will say so itself', async () => {
    const answers = { info: printed(withBuildx('HEAD', { ServerVersion: 'dev' })) }
    expect((await inspectBuilder(docker(answers), never, null)).engine).toMatchObject({
      buildx: 'unknown',
      version: 'dev',
    })
  })

  it.each([
    ['/usr/libexec/docker/cli-plugins/docker-buildx', '/usr/libexec/docker/cli-plugins/docker-buildx'],
    ['docker-buildx', null],
    [undefined, null],
  ])('tells where the plugin is, where docker says `%s`', async (path, plugin) => {
    const info = JSON.parse(withBuildx('0.29.1')) as { ClientInfo: { Plugins: { Name: string; Path?: string }[] } }
    for (const each of info.ClientInfo.Plugins) {
      if (path === undefined) delete each.Path
      else each.Path = each.Name === 'buildx' ? path : '/another'
    }
    expect((await inspectBuilder(docker({ info: printed(JSON.stringify(info)) }), never, null)).plugin).toBe(plugin)
  })
})

describe('isSameAlone', () => {
  const inspected = recorded('inspect.classic.txt')
  const found = {
    engine: { driver: 'docker', store: 'classic' as const, version: '28.5.2', buildx: '0.29.1' },
    plugin: '/plugins/docker-buildx',
    inspected,
  }
  const folder = mkdtempSync(join(tmpdir(), 'image-budget-test-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const program = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const elf = program('docker', '\x7fELF')
  const answering = (answer: ExecResult, calls: unknown[] = []): Exec => {
    return async (...call) => {
      calls.push(call)
      return answer
    }
  }

  it('where it tells of the same builder, whatever else it says of it', async () => {
    const calls: unknown[] = []
    const later = printed(inspected.replace(/^Last Activity:.*$/m, 'Last Activity: now'))
    expect(await isSameAlone(answering(later, calls), found, 'mine', elf)).toBe(true)
    const env = { DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: undefined }
    expect(calls).toEqual([['/plugins/docker-buildx', ['inspect', 'mine'], { env }]])
  })

  it.each<[string, ExecResult, string | null]>([
    ['it knows of another builder', printed(inspected.replace(/^Endpoint:.*$/m, 'Endpoint: other')), elf],
    ['it cannot reach the engine', failed('ERROR: permission denied'), elf],
    ['docker is not found', printed(inspected), null],
  ])('not where %s', async (_, answer, path) => {
    expect(await isSameAlone(answering(answer), found, null, path)).toBe(false)
  })

  it('not where docker is a script, or another program by that name', async () => {
    const scripts = join(folder, 'scripts')
    mkdirSync(scripts)
    const script = program('scripts/docker', '#!/bin/sh\nsudo docker "$@"\n')
    program('snap', '\x7fELF')
    const link = join(folder, 'link')
    symlinkSync(join(folder, 'snap'), link)
    for (const path of [script, link])
      expect(await isSameAlone(answering(printed(inspected)), found, null, path)).toBe(false)
  })
})

describe('throughPlugin', () => {
  it('runs the plugin for `docker buildx …` as soon as it is known, and docker for all else', async () => {
    let plugin: string | null = null
    const calls: string[][] = []
    const exec = throughPlugin(docker({}, calls), () => plugin)
    const options = { cwd: '/tree' }
    await exec('docker', ['buildx', 'build', '.'], options)
    plugin = '/plugins/docker-buildx'
    await exec('docker', ['buildx', 'build', '.'], options)
    await exec('docker', ['image', 'ls', 'buildx'])
    await exec('git', ['buildx'])
    expect(calls).toEqual([
      ['docker', 'buildx', 'build', '.'],
      ['/plugins/docker-buildx', 'build', '.'],
      ['docker', 'image', 'ls', 'buildx'],
      ['git', 'buildx'],
    ])
  })
})
