import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { secretReader } from '../../../src/image/layer/secret.ts'

function read(path: string, text: string): string | null {
  const reader = secretReader(path, Buffer.byteLength(text))
  for (const byte of Buffer.from(text)) reader?.push(Uint8Array.of(byte))
  return reader?.end()?.secret ?? null
}

const key = (kind: string) => `-----BEGIN ${kind}-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END ${kind}-----\n`
const login = Buffer.from('robot:hunter2').toString('base64')

describe('holds a secret:', () => {
  test.each([
    ['root/.ssh/id_rsa', key('OPENSSH PRIVATE KEY'), 'private-key'],
    ['home/app/.ssh/id_ed25519', key('OPENSSH PRIVATE KEY'), 'private-key'],
    ['app/server.key', key('RSA PRIVATE KEY'), 'private-key'],
    ['etc/nginx/tls/site.pem', `${key('CERTIFICATE')}${key('PRIVATE KEY')}`, 'private-key'],
    ['app/keys/jwt.pem', key('EC PRIVATE KEY').replaceAll('\n', '\r\n'), 'private-key'],
    ['server.pem', key('PRIVATE KEY'), 'private-key'],
    ['app/sealed.pem', key('ENCRYPTED PRIVATE KEY'), 'private-key'],
    ['root/.npmrc', '//npm.acme.test/:_authToken=npm_abc\n', 'npm-token'],
    ['app/.npmrc', 'registry=https://npm.acme.test\n_auth = "cm9ib3Q6aHVudGVyMg=="\n', 'npm-token'],
    ['app/.npmrc', '//npm.acme.test/:_password=aHVudGVyMg==\n', 'npm-token'],
    ['root/.netrc', 'machine git.acme.test\n  login robot\n  password hunter2\n', 'netrc-password'],
    ['root/_netrc', 'machine git.acme.test login robot password hunter2', 'netrc-password'],
    ['root/.pypirc', '[pypi]\nusername = __token__\npassword = pypi-AgEIcH\n', 'pypi-token'],
    ['root/.aws/credentials', '[default]\naws_access_key_id = AKIA\naws_secret_access_key = wJalr\n', 'aws-key'],
    ['root/.docker/config.json', JSON.stringify({ auths: { 'ghcr.io': { auth: login } } }), 'docker-login'],
    ['app/.dockerconfigjson', JSON.stringify({ auths: { r: { identitytoken: 'eyJ' } } }), 'docker-login'],
    ['root/.git-credentials', 'https://robot:hunter2@git.acme.test\n', 'git-credentials'],
    ['app/.env', 'PORT=3000\nexport STRIPE_KEY="sk_live_1"\n', 'env-file'],
    ['app/.env.production', 'DATABASE_URL=postgres://app:hunter2@db/app\n', 'env-file'],
    ['app/.env', '\uFEFFA=1\r\nDB_HOST=db\r\nDB_PASSWORD=hunter2\r\n', 'env-file'],
    ['app/.env.local', 'REDIS_HOST=redis://:hunter2@db\n', 'env-file'],
  ])('%s', (path, text, kind) => {
    expect(read(path, text)).toBe(kind)
  })
})

describe('holds none:', () => {
  test.each([
    ['a certificate', 'etc/ssl/certs/ca-certificates.pem', key('CERTIFICATE')],
    ['a public key', 'app/public.pem', key('PUBLIC KEY')],
    ['a package’s own test key', 'app/node_modules/https-proxy/test/server.key', key('RSA PRIVATE KEY')],
    ['what a Python package publishes', 'usr/lib/python3/dist-packages/twisted/test/server.pem', key('PRIVATE KEY')],
    ['the interpreter’s tests', 'usr/local/lib/python3.11/test/keycert.pem', key('PRIVATE KEY')],
    ['Go’s', 'usr/local/go/src/crypto/tls/testdata/example-key.pem', key('EC PRIVATE KEY')],
    ['a module’s', 'go/pkg/mod/example.com/x@v1.0.0/key.pem', key('EC PRIVATE KEY')],
    ['the app’s test data', 'app/tests/fixtures/server.key', key('RSA PRIVATE KEY')],
    ['Debian’s snakeoil', 'etc/ssl/private/ssl-cert-snakeoil.key', key('PRIVATE KEY')],
    ['an apt key', 'etc/apt/keyrings/acme.key', key('PGP PUBLIC KEY BLOCK')],
    ['a public SSH key', 'root/.ssh/id_rsa.pub', 'ssh-rsa AAAA'],
    ['what only ends as a key’s name does', 'root/.ssh/xid_rsa', key('OPENSSH PRIVATE KEY')],
    ['what has nothing before its ending', 'app/.key', key('PRIVATE KEY')],
    ['a key that speaks of one', 'app/readme.key', 'it starts with -----BEGIN PRIVATE KEY-----'],
    ['a token from the environment', 'app/.npmrc', '//npm.acme.test/:_authToken=${NPM_TOKEN}\n'],
    ['npm’s settings', 'app/.npmrc', 'save-exact=true\n; _authToken=old\n# _authToken=older\n'],
    ['no password', 'root/.netrc', 'machine git.acme.test login robot'],
    [
      'credential helpers',
      'root/.docker/config.json',
      JSON.stringify({ auths: { 'ghcr.io': {} }, credsStore: 'pass' }),
    ],
    ['no JSON', 'root/.docker/config.json', '{"auths":'],
    ['a list', 'root/.docker/config.json', '[null, 1, "auth"]'],
    ['a role', 'root/.aws/config', '[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/x\n'],
    ['an example', 'root/.aws/credentials', 'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n'],
    ['a pattern', 'app/.env.example', 'API_KEY=abc\n'],
    ['a pattern of production', 'app/.env.production.sample', 'API_KEY=abc\n'],
    [
      'settings that hide nothing',
      'app/.env',
      'APP_NAME=shop\nFEATURE_X=true\nPASSWORD_MIN=8\nCACHE_TTL=60\nGOOGLE_ANALYTICS_ID=UA-1\nAPI_URL=https://api/\nDATABASE_URL=postgres://localhost/db\nMAX_TOKENS=4096\n',
    ],
    ['values to come', 'app/.env', 'API_KEY=\nDB_PASSWORD="${DB_PASSWORD}"\nTOKEN=<your token>\n# SECRET=1\n'],
    [
      'harmless settings',
      'app/.env',
      'NODE_ENV=production\nPORT=3000\nDB_HOST=db\nLOG_LEVEL=info\nNEXT_PUBLIC_API=https://x\n',
    ],
    ['types', 'app/.env.d.ts', 'const API_KEY=1'],
    ['no file of settings', 'app/my.env', 'API_KEY=abc\n'],
    ['an empty one', 'app/.env', ''],
    ['a long one', 'app/.env', `API_KEY=abc\n${'#'.repeat(70_000)}`],
  ])('%s', (_, path, text) => {
    expect(read(path, text)).toBeNull()
  })
})

test('whatever the file holds, it tells its kind at most', () => {
  const paths = [
    'a/.env',
    'a/.npmrc',
    'a/.netrc',
    'a/.docker/config.json',
    'a/x.pem',
    'a/.git-credentials',
    '.aws/credentials',
  ]
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.string({ unit: 'binary', maxLength: 300 }), (path, text) => {
      const reader = secretReader(path, Buffer.byteLength(text))
      reader?.push(Buffer.from(text))
      const fact = reader?.end() ?? null
      expect(fact === null || Object.keys(fact).join() === 'kind,secret').toBe(true)
    }),
  )
})
