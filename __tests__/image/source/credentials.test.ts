import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createExec, type Exec } from '../../../src/exec.ts'
import { toFailure, type Failure } from '../../../src/failure.ts'
import { createCredentials, type Credential } from '../../../src/image/source/credentials.ts'

const SECRET = 'correct-horse:battery-staple'
const HUB = 'https://index.docker.io/v1/'
const ADA: Credential = { kind: 'password', username: 'ada', password: SECRET }

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'credentials-'))
  await mkdir(join(home, '.docker'))
})
afterEach(() => rm(home, { recursive: true }))

const encoded = (name: string, secret = SECRET): { auth: string } => ({ auth: btoa(`${name}:${secret}`) })

/** Looks up with `~/.docker/config.json` as given; nothing may be run unless `exec` is given. */
async function find(
  config: unknown,
  registry: string,
  { repository = 'acme/api', env = {}, exec }: { repository?: string; env?: Record<string, string>; exec?: Exec } = {},
): Promise<Credential | null> {
  if (config !== undefined) {
    const text = typeof config === 'string' ? config : JSON.stringify(config)
    await writeFile(join(home, '.docker', 'config.json'), text)
  }
  const none: Exec = (program) => Promise.reject(new Error(`${program} was run`))
  return createCredentials(exec ?? none, env, home)(registry, repository)
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const failure = await promise.then(() => null, toFailure)
  expect(failure?.kind).toBe('precondition')
  expect(JSON.stringify(failure)).not.toMatch(new RegExp(`${SECRET}|${btoa(`ada:${SECRET}`)}`))
  return failure!
}

describe('credentials of auths', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['the host', { 'ghcr.io': encoded('ada') }, 'ghcr.io'],
    ['the host with its port', { 'localhost:5000': encoded('ada') }, 'localhost:5000'],
    ['the host among others', { 'ghcr.io:443': encoded('eve'), 'ghcr.io': encoded('ada') }, 'ghcr.io'],
    ['the host as a URL', { 'https://ghcr.io': encoded('ada') }, 'ghcr.io'],
    ['the host as an old URL', { 'http://quay.io/v1/': encoded('ada') }, 'quay.io'],
    ['the host itself before its URL', { 'https://ghcr.io': encoded('eve'), 'ghcr.io': encoded('ada') }, 'ghcr.io'],
    ['Docker Hub’s key', { [HUB]: encoded('ada'), 'docker.io': encoded('eve') }, 'docker.io'],
    ['Docker Hub’s name', { 'docker.io': encoded('ada') }, 'docker.io'],
    ['Docker Hub’s old name', { 'index.docker.io': encoded('ada') }, 'docker.io'],
    ['the repository, as podman has it', { 'quay.io': encoded('eve'), 'quay.io/acme/api': encoded('ada') }, 'quay.io'],
    ['a part of the repository', { 'quay.io': encoded('eve'), 'quay.io/acme': encoded('ada') }, 'quay.io'],
    ['a name and a password apart', { 'ghcr.io': { username: 'ada', password: SECRET } }, 'ghcr.io'],
  ])('are found by %s', async (_, auths, registry) => {
    expect(await find({ auths }, registry)).toEqual(ADA)
  })

  it.each<[string, unknown, string]>([
    ['there is no file', undefined, 'ghcr.io'],
    ['the file is empty', '', 'ghcr.io'],
    ['there are none', {}, 'ghcr.io'],
    [
      'they are for another host',
      { auths: { 'evil-ghcr.io': encoded('eve'), 'ghcr.io.evil': encoded('eve') } },
      'ghcr.io',
    ],
    ['they are for another port', { auths: { 'localhost:5001': encoded('eve') } }, 'localhost:5000'],
    ['the entry is empty, as beside a helper', { auths: { 'ghcr.io': {} } }, 'ghcr.io'],
    ['the name is one of every object', { auths: {} }, 'constructor'],
  ])('are none where %s', async (_, config, registry) => {
    expect(await find(config, registry)).toBeNull()
  })

  it('may be tokens', async () => {
    const auths = {
      'a.example': { ...encoded('<token>', ''), identitytoken: SECRET },
      'b.example': { registrytoken: SECRET },
    }
    expect(await find({ auths }, 'a.example')).toEqual({ kind: 'identity-token', token: SECRET })
    expect(await find({ auths }, 'b.example')).toEqual({ kind: 'registry-token', token: SECRET })
  })

  it('are in $DOCKER_CONFIG, before that in $DOCKER_AUTH_CONFIG, before that in $REGISTRY_AUTH_FILE', async () => {
    const auths = (name: string): string => JSON.stringify({ auths: { 'ghcr.io': encoded(name) } })
    const other = join(home, 'other')
    await mkdir(other)
    await writeFile(join(other, 'config.json'), auths('folder'))
    await writeFile(join(home, 'auth.json'), auths('file'))
    let env: Record<string, string> = { DOCKER_CONFIG: other }
    expect(await find(auths('home'), 'ghcr.io', { env })).toMatchObject({ username: 'folder' })
    env = { ...env, DOCKER_AUTH_CONFIG: auths('content') }
    expect(await find(undefined, 'ghcr.io', { env })).toMatchObject({ username: 'content' })
    env = { ...env, REGISTRY_AUTH_FILE: join(home, 'auth.json') }
    expect(await find(undefined, 'ghcr.io', { env })).toMatchObject({ username: 'file' })
    env = { ...env, REGISTRY_AUTH_FILE: join(home, 'not-there.json') }
    expect(await find(undefined, 'ghcr.io', { env })).toMatchObject({ username: 'content' })
  })

  it.each<[string, unknown]>([
    ['no JSON', `{"auths": {"ghcr.io": {"auth": "${btoa(`ada:${SECRET}`)}"}`],
    ['another shape', { auths: { 'ghcr.io': encoded('ada').auth } }],
    ['an auth without a name', { auths: { 'ghcr.io': { auth: btoa(SECRET.replace(':', '-')) } } }],
  ])('that are broken are an error without them: %s', async (_, config) => {
    expect((await failureOf(find(config, 'ghcr.io'))).remedy).toContain('docker login')
  })
})

describe('a credential helper', () => {
  /** Puts a helper on the PATH: a shell script that has what it was asked in $asked. */
  async function helper(name: string, script: string): Promise<Exec> {
    const path = join(home, `docker-credential-${name}`)
    await writeFile(path, `#!/bin/sh\n[ "$1" = get ] || exit 9\nread -r asked\n${script}\n`)
    await chmod(path, 0o755)
    return createExec({ PATH: `${home}:${process.env['PATH']}` }, new AbortController().signal)
  }
  const says = (name: string): string =>
    `echo "{\\"ServerURL\\":\\"$asked\\",\\"Username\\":\\"${name}\\",\\"Secret\\":\\"$asked ${SECRET}\\"}"`

  it('is asked for its registry, by the key that docker uses', async () => {
    const exec = await helper('mine', says('ada'))
    const config = { credHelpers: { 'ghcr.io': 'mine', [HUB]: 'mine' }, auths: { 'ghcr.io': encoded('eve') } }
    expect(await find(config, 'ghcr.io', { exec })).toEqual({ ...ADA, password: `ghcr.io ${SECRET}` })
    expect(await find(config, 'docker.io', { exec })).toEqual({ ...ADA, password: `${HUB} ${SECRET}` })
  })

  it('of the store is asked where the registry has none of its own', async () => {
    const exec = await helper('store', says('ada'))
    const config = { credsStore: 'store', credHelpers: { 'ghcr.io': 'other' } }
    expect(await find(config, 'quay.io', { exec })).toEqual({ ...ADA, password: `quay.io ${SECRET}` })
  })

  it('may give an identity token', async () => {
    const exec = await helper('store', says('<token>'))
    expect(await find({ credsStore: 'store' }, 'quay.io', { exec })).toEqual({
      kind: 'identity-token',
      token: `quay.io ${SECRET}`,
    })
  })

  it('that knows none means that access is anonymous', async () => {
    const exec = await helper('store', 'echo credentials not found in native keychain; exit 1')
    expect(await find({ credsStore: 'store', auths: { 'quay.io': {} } }, 'quay.io', { exec })).toBeNull()
  })

  it.each([
    ['fails', `echo "locked: ${SECRET}"; echo "${SECRET}" >&2; exit 1`, 'failed with exit code 1'],
    ['says something else', `echo "${SECRET}"`, 'gave no credentials that are understood'],
  ])('that %s is an error that names it, without what it said', async (_, script, expected) => {
    const exec = await helper('store', script)
    const failure = await failureOf(find({ credsStore: 'store' }, 'quay.io', { exec }))
    expect(failure.message).toBe(`Docker's credential helper \`docker-credential-store\` ${expected} for \`quay.io\`.`)
    expect(failure.remedy).toContain('docker-credential-store get')
  })

  it('that is not there is an error that names it; one with a path in its name is not run', async () => {
    const exec = await helper('store', says('ada'))
    expect((await failureOf(find({ credsStore: 'desktop' }, 'quay.io', { exec }))).message).toContain(
      '`docker-credential-desktop` is not installed',
    )
    expect((await failureOf(find({ credsStore: '../x' }, 'quay.io', { exec }))).message).toContain(
      'no name of a program',
    )
  })

  it('is asked once for a repository', async () => {
    const exec = await helper('store', says('ada'))
    let runs = 0
    const counting: Exec = (...call) => {
      runs += 1
      return exec(...call)
    }
    await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ credsStore: 'store' }))
    const credentials = createCredentials(counting, {}, home)
    await Promise.all([credentials('quay.io', 'a'), credentials('quay.io', 'a')])
    expect(runs).toBe(1)
  })
})
