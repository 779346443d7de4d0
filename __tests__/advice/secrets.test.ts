import { describe, expect, test } from '@jest/globals'
import { secretFiles, secretSettings } from '../../src/advice/secrets.ts'
import { namesSecret } from '../../src/image/layer/secret.ts'
import { aFile, anImage, plain } from '../support/contents.ts'
import { aBaseLayer, aLayer } from '../support/measurements.ts'

const base = aBaseLayer('ADD rootfs.tar /')
const copy = aLayer('COPY . /app', { line: 5 })
const rm = aLayer('RUN npm ci && rm .npmrc', { line: 7 })

describe('a file that holds a secret', () => {
  const facts = [{ kind: 'secret', secret: 'npm-token' }] as const

  test('is named, with its line and how to do without it', () => {
    const [found] = secretFiles(anImage([base, copy], [aFile('/app/.npmrc', 60, 1, { facts: [...facts] })]))
    expect(found).toMatchObject({ paths: ['/app/.npmrc'], count: 1, bytes: null, layer: { line: 5 }, otherLayer: null })
    expect(plain(found!.what)).toBe('an npm token')
    expect(plain(found!.fix)).toBe(
      'add `**/.npmrc` to `.dockerignore`, give it to the `RUN` that needs it by `--mount=type=secret,id=npmrc`, and replace it',
    )
  })

  test('is found in a lower layer when a later one removes it', () => {
    const lost = { layer: 2, how: 'removed' } as const
    const [found] = secretFiles(anImage([base, copy, rm], [aFile('/app/.npmrc', 60, 1, { facts: [...facts], lost })]))
    expect(plain(found!.what)).toBe('an npm token, shipped though a later layer removes it')
    expect(found!.otherLayer).toMatchObject({ line: 7 })
  })

  test('is told once where it is shipped again, and where something else takes its place as well', () => {
    const lost = { layer: 2, how: 'replaced' } as const
    const key = { facts: [...facts], lost }
    const twice = [aFile('/app/.npmrc', 60, 1, key), aFile('/app/.npmrc', 60, 2, { facts: [...facts] })]
    expect(secretFiles(anImage([base, copy, rm], twice))).toMatchObject([{ what: ['an npm token'], otherLayer: null }])
    const [found] = secretFiles(
      anImage([base, copy, rm], [aFile('/app/.npmrc', 60, 1, key), aFile('/app/.npmrc', 9, 2)]),
    )
    expect(plain(found!.what)).toBe('an npm token, shipped though a later layer replaces it')
  })

  test('of the base image is the base image’s to take out', () => {
    const baseImage = { name: 'acme/base:1', digest: null, line: 1, instruction: 'FROM acme/base:1' }
    const image = anImage([base, copy], [aFile('/root/.npmrc', 60, 0, { facts: [...facts] })], { baseImage })
    expect(plain(secretFiles(image)[0]!.fix)).toBe('take it out of the base image `acme/base:1` and replace it')
  })
})

describe('names', () => {
  test.each([
    'SECRET',
    'API_KEY',
    'APIKEY',
    'STRIPE_API_KEY',
    'DB_PASSWORD',
    'npm_token',
    'NPM_TOKEN',
    'GITHUB_TOKEN',
    'AWS_SECRET_ACCESS_KEY',
    'PRIVATE_KEY',
    'CREDENTIALS',
    'JWT_SECRET',
    'MYSQL_ROOT_PASSWORD',
    'SECRET_KEY_BASE',
    'SSH_PASSPHRASE',
  ])('%s is a secret’s', (name) => expect(namesSecret(name)).toBe(true))

  test.each([
    'GPG_KEY',
    'GPG_KEYS',
    'PASSWORD_FILE',
    'DB_PASSWORD_FILE',
    'TOKEN_TTL',
    'TOKENIZERS_PARALLELISM',
    'PATH',
    'SECRET_NAME',
    'SECRETS_DIR',
    'PUBLIC_KEY',
    'NEXT_PUBLIC_API_KEY',
    'VITE_API_KEY',
    'KEYBOARD',
    'PASSWORD_MIN_LENGTH',
    'TOKEN_URL',
    'ALLOW_EMPTY_PASSWORD',
    'YARN_VERSION',
    'GOOGLE_APPLICATION_CREDENTIALS_FILE',
    'MONKEY',
    'AWS_ACCESS_KEY_ID',
  ])('%s is none', (name) => expect(namesSecret(name)).toBe(false))
})

test('a variable and a build argument are told by name alone, and once', () => {
  const settings = { user: '', variables: ['PATH', 'API_KEY'], buildArgs: ['NPM_TOKEN', 'API_KEY', 'VERSION'] }
  const found = secretSettings(anImage([base], [], { settings }))
  expect(found.map(({ what, key }) => [plain(what), key])).toEqual([
    ["the variable `API_KEY`, whose value anyone can read in the image's config", 'secrets:setting:API_KEY'],
    ["the build argument `NPM_TOKEN`, whose value anyone can read in the image's config", 'secrets:setting:NPM_TOKEN'],
  ])
  expect(plain(found[1]!.fix)).toBe('give it to the build by `RUN --mount=type=secret,id=NPM_TOKEN,env=NPM_TOKEN`')
  expect(secretSettings(anImage([base], [], { settings: null }))).toEqual([])
})
