import { gathering, type OpenReader } from './gather.ts'

/** What kind of secret a file holds. Of the secret itself nothing is kept. */
export type SecretKind =
  | 'private-key'
  | 'npm-token'
  | 'netrc-password'
  | 'pypi-token'
  | 'aws-key'
  | 'docker-login'
  | 'git-credentials'
  | 'env-file'

export type SecretFact = { kind: 'secret'; secret: SecretKind }

/** A file of secrets is small; a longer one is something else. */
const MAX_BYTES = 64 * 1024

type Kind = {
  secret: SecretKind
  /** Matches the path, without leading `/`. */
  path: RegExp
  holds: (text: string) => boolean
}

const KINDS: Kind[] = [
  { secret: 'private-key', path: /(?:^|\/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:pem|key))$/, holds: hasPrivateKey },
  { secret: 'npm-token', path: /(?:^|\/)\.npmrc$/, holds: hasNpmToken },
  { secret: 'netrc-password', path: /(?:^|\/)[._]netrc$/, holds: hasNetrcPassword },
  { secret: 'pypi-token', path: /(?:^|\/)\.pypirc$/, holds: (text) => hasSetting(text, /^password$/i) },
  {
    secret: 'aws-key',
    path: /(?:^|\/)\.aws\/(?:credentials|config)$/,
    holds: (text) => hasSetting(text, /^aws_(?:secret_access_key|session_token)$/i),
  },
  {
    secret: 'docker-login',
    path: /(?:^|\/)(?:\.docker\/config\.json|\.dockerconfigjson|\.dockercfg)$/,
    holds: hasDockerLogin,
  },
  {
    secret: 'git-credentials',
    path: /(?:^|\/)(?:\.git-credentials|\.config\/git\/credentials)$/,
    holds: hasUrlPassword,
  },
  { secret: 'env-file', path: /(?:^|\/)\.env(?:\.[\w-]+)*$/, holds: hasEnvironment },
]

/**
 * Places whose keys are nobody's secret: what packages publish (everyone has it), test data, documentation, and the keys that Debian's and
 * Red Hat's packages make for themselves.
 */
const PUBLISHED = [
  /(?:^|\/)(?:node_modules|site-packages|dist-packages|gems|bower_components)\//,
  /(?:^|\/)(?:tests?|__tests__|testing|testdata|test[-_]data|test[-_]?certs|specs?|fixtures?|__fixtures__|mocks?|__mocks__|examples?|samples?|demos?|e2e)\//i,
  /^usr\/(?:share|lib|lib32|lib64|libexec|include|src)\//,
  /^usr\/local\/(?:share|include|go|cargo|rustup|lib\/(?:python|node|ruby|perl)[^/]*)\//,
  /^(?:go|root\/go|home\/[^/]+\/go)\/pkg\//,
  /(?:^|\/)\.(?:cargo\/registry|m2\/repository|gradle|rustup|npm|cache)\//,
  /(?:^|\/)(?:ssl-cert-snakeoil\.key|snakeoil[^/]*|localhost\.key|dummy[^/]*)$/i,
]

/** Forms of `.env` that are made to be committed. */
const PATTERN_ENV = /\.(?:example|sample|template|tmpl|tpl|dist|defaults?|schema|test|testing|ci|vault|[cm]?[jt]s)$/i

/** Which files hold a secret, by their name and what stands in them. */
export const secretReader: OpenReader<SecretFact> = (path, size) => {
  const kind = KINDS.find((each) => each.path.test(path))
  if (kind === undefined || size === 0) return null
  if (PUBLISHED.some((place) => place.test(path))) return null
  if (kind.secret === 'env-file' && PATTERN_ENV.test(path)) return null
  return gathering(size, MAX_BYTES, (payload) =>
    kind.holds(payload.toString('latin1')) ? { kind: 'secret', secret: kind.secret } : null,
  )
}

/** PEM (RFC 7468), OpenSSH's and PGP's form too. A public key or a certificate is none. */
function hasPrivateKey(text: string): boolean {
  return /^-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/m.test(text)
}

/** `//registry.npmjs.org/:_authToken=…`: https://docs.npmjs.com/cli/configuring-npm/npmrc */
function hasNpmToken(text: string): boolean {
  return hasSetting(text, /(?:^|:)_(?:authToken|password|auth)$/)
}

/** `machine HOST login NAME password SECRET`, over any number of lines. */
function hasNetrcPassword(text: string): boolean {
  const words = text.split(/\s+/)
  return words.some((word, at) => word === 'password' && isValue(words[at + 1] ?? ''))
}

/** `auths.HOST.auth`, `identitytoken` or `password`; `.dockercfg` has the hosts at its top. */
function hasDockerLogin(text: string): boolean {
  const parsed: unknown = JSON.parse(text)
  const top = fieldsOf(parsed)
  const hosts = [...fieldsOf(top.get('auths')).values(), ...top.values()]
  return hosts.some((host) => {
    const login = fieldsOf(host)
    return ['auth', 'identitytoken', 'registrytoken', 'password'].some((name) => {
      const value = login.get(name)
      return typeof value === 'string' && isValue(value)
    })
  })
}

function fieldsOf(value: unknown): Map<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

/** `https://name:secret@host`. */
function hasUrlPassword(text: string): boolean {
  const [, password] = /:\/\/[^/\s:@]{0,100}:([^/\s@]{1,300})@/.exec(text) ?? []
  return password !== undefined && isValue(password)
}

/** Variables that configure and hide nothing. */
const HARMLESS =
  /^(?:(?:\w+_)?(?:ENV|ENVIRONMENT|PORT|HOST|HOSTNAME|LEVEL|VERSION|TIMEOUT|ENABLED|DEBUG|MODE|DIR|PATH)|TZ|LANG|LC_\w+|\w*PUBLIC_\w+|(?:VITE|REACT_APP|VUE_APP|COMPOSE|npm_config)_\w+|GENERATE_SOURCEMAP)$/

/** Some variable has a value, and not only of those that hide nothing. */
function hasEnvironment(text: string): boolean {
  return settingsOf(text).some(
    ({ name, value }) => /^\w+$/.test(name) && isValue(value) && (!HARMLESS.test(name) || hasUrlPassword(value)),
  )
}

function hasSetting(text: string, name: RegExp): boolean {
  return settingsOf(text).some((setting) => name.test(setting.name) && isValue(setting.value))
}

/** Lines `NAME = VALUE`, without quotes and what `export` says; comments are none. */
function settingsOf(text: string): { name: string; value: string }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const at = line.indexOf('=')
    const name = line
      .slice(0, Math.max(0, at))
      .trim()
      .replace(/^export\s+/, '')
    if (at === -1 || /^[#;]/.test(name)) return []
    return [
      {
        name,
        value: line
          .slice(at + 1)
          .trim()
          .replace(/^(["'])(.*)\1$/, '$2')
          .trim(),
      },
    ]
  })
}

/** No value: a variable that something else fills in (`${NPM_TOKEN}`), a placeholder, a documentation's example. */
function isValue(value: string): boolean {
  if (value === '' || /^[$<{%[*#]/.test(value)) return false
  return !/example|change[-_ ]?me|^your[-_ ]|placeholder|^x+$|^todo$/i.test(value)
}
