import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { inspectBuilder } from '../../src/build/builder.ts'
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

describe('inspectBuilder', () => {
  it('knows the classic store', async () => {
    expect(await inspectBuilder(docker({}), null)).toEqual({
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
    expect(await inspectBuilder(docker(answers), null)).toMatchObject({ driver: 'docker', store: 'containerd' })
  })

  it('knows a BuildKit of its own, and needs no engine then', async () => {
    const inspect = printed(recorded('inspect.remote.txt'))
    const windows = printed(withBuildx('v0.29.1', { ServerVersion: '28.5.2', OSType: 'windows' }))
    for (const info of [failed('Cannot connect'), windows]) {
      expect(await inspectBuilder(docker({ inspect, info }), 'remote-test')).toMatchObject({
        driver: 'remote',
        store: 'buildkit',
        version: 'unknown',
      })
    }
  })

  it('asks for the builder that the user names, and for no other', async () => {
    const calls: string[][] = []
    await inspectBuilder(docker({}, calls), 'mine')
    expect(calls).toContainEqual(['docker', 'buildx', 'inspect', 'mine'])
    calls.length = 0
    await inspectBuilder(docker({}, calls), null)
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
    await expect(inspectBuilder(docker(answers), builder)).rejects.toMatchObject({
      failure: { kind: 'precondition', message, remedy: expect.stringMatching(remedy) },
    })
  })

  it.each(['0.20.0', 'v0.36.0', '1.0.0-rc1', '0.29.1+ds1'])('takes buildx %s', async (version) => {
    const answers = { info: printed(withBuildx(version)) }
    expect((await inspectBuilder(docker(answers), null)).buildx).toBe(version.replace(/^v/, ''))
  })

  it('lets through a version that says nothing: what it lacks will say so itself', async () => {
    const answers = { info: printed(withBuildx('HEAD', { ServerVersion: 'dev' })) }
    expect(await inspectBuilder(docker(answers), null)).toMatchObject({ buildx: 'unknown', version: 'dev' })
  })
})
