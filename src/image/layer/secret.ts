import { anyOf } from '../../patterns.ts'
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
  { secret: 'private-key', path: /(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519)$|[^/]\.(?:pem|key)$/, holds: hasPrivateKey },
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

/** Matches the path of any kind: most files are of none, and are told so at once. */
const ANY = anyOf(KINDS.map(({ path }) => path))

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
  if (size === 0 || !ANY.test(path)) return null
  const kind = KINDS.find((each) => each.path.test(path))
  if (kind === undefined) return null
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

/** `//HOST/:_authToken=…`: https://docs.npmjs.com/cli/configuring-npm/npmrc */
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

/** Words that name a secret, each a part of the name between underscores. */
const SECRET =
  /(?:^|_)(?:SECRETS?|TOKENS?|PASSWORDS?|PASSWD|PASSPHRASE|API_?KEYS?|ACCESS_?KEYS?|PRIVATE_?KEYS?|SECRET_?KEYS?|CREDENTIALS?)(?:_|$)/i
/** What a name with such a word says that is no secret: where it lies, how long it lives, what it is called; or is for all to see. */
const HARMLESS =
  /_(?:FILES?|PATH|DIR|URL|URI|ENDPOINT|HOST|TTL|AGE|LIFETIME|EXPIRY|EXPIRES?(?:_IN)?|EXPIRATION|TIMEOUT|INTERVAL|LENGTH|MIN|MAX|SIZE|LIMIT|COUNT|NAME|ID|HEADER|HELPER|TYPE|ALGORITHM|ALG|ISSUER|AUDIENCE|ENABLED|REQUIRED|POLICY|PROVIDER|ROTATION|SCANNING|VERSION|PREFIX)$|(?:^|_)(?:PUBLIC|MAX|MIN)(?:_|$)|^(?:ALLOW|DISABLE|ENABLE|NO|USE|REQUIRE|SKIP|HAS|IS|VITE|REACT_APP|VUE_APP)_/i

/** Whether a variable of this name holds a secret, as far as a name tells. */
export function namesSecret(name: string): boolean {
  return /^[A-Za-z_][\w.-]{0,99}$/.test(name) && SECRET.test(name) && !HARMLESS.test(name)
}

/** Whether a value may be a secret: not a number, a length of time or a switch, nor what stands for another value. */
export function maySecret(value: string): boolean {
  return (
    isValue(value) &&
    !/^(?:[\d.,]+ ?(?:[a-z]{1,2}|min|sec|hours?|days?)?|true|false|on|off|yes|no|none|null)$/i.test(value)
  )
}

/** How keys and tokens of well-known services begin. */
const TOKEN = /^(?:sk[-_]|rk_|gh[opsu]_|github_pat_|glpat-|xox[abeprs]-|AKIA|AIza|npm_|SG\.|ya29\.|eyJ)[\w.-]{4}/

/** Some variable is named like a secret and has a value that may be one, or one that looks like a token or an address with a password. */
function hasEnvironment(text: string): boolean {
  return settingsOf(text).some(
    ({ name, value }) => (namesSecret(name) && maySecret(value)) || TOKEN.test(value) || hasUrlPassword(value),
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
