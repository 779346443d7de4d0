import { namesSecret, type SecretKind } from '../image/layer/secret.ts'
import { byFolder, type ImageFile } from '../image/runs.ts'
import type { Measurement } from '../image/measurement.ts'
import type { Found, Rule, Words } from './finding.ts'
import { keepOut, originOf } from './instruction.ts'
import { isOwn } from './weigh.ts'

const KINDS: Record<SecretKind, Words> = {
  'private-key': ['a private key'],
  'npm-token': ['an npm token'],
  'netrc-password': ['a password of a ', { code: '.netrc' }],
  'pypi-token': ['a PyPI token'],
  'aws-key': ['an AWS key'],
  'docker-login': ["a registry's login"],
  'git-credentials': ['a Git password'],
  'env-file': ['settings of an ', { code: '.env' }, ' file'],
}

/** Files that hold a secret, in every layer that is shipped: what a later one removes can be read all the same. */
export const secretFiles: Rule = (image) => {
  const telling = byFolder(image.content?.files ?? []).flatMap(({ withFacts }) => withFacts)
  const holders = telling.filter(({ facts }) => facts.some(({ kind }) => kind === 'secret'))
  // A layer that changes a file's owner ships it again: one finding a path, of the file that is in the image.
  const paths = new Set(holders.filter(({ lost }) => lost === null).map(({ path }) => path))
  return holders.flatMap((file): Found[] => {
    const { path, lost } = file
    const fact = file.facts.find(({ kind }) => kind === 'secret')
    if (fact?.kind !== 'secret' || (lost !== null && paths.has(path))) return []
    paths.add(path)
    const hidden =
      lost === null ? [] : [`, shipped though a later layer ${lost.how === 'removed' ? 'removes' : 'replaces'} it`]
    return [
      {
        what: [...KINDS[fact.secret], ...hidden],
        paths: [path],
        count: 1,
        bytes: null,
        layer: image.layers[file.layer] ?? null,
        otherLayer: lost === null ? null : (image.layers[lost.layer] ?? null),
        fix: fixOf(image, file),
        key: `secrets:file:${path}`,
      },
    ]
  })
}

/** Who can pull the image can read it: out of the image, and no longer valid. */
function fixOf(image: Measurement, file: ImageFile): Words {
  if (!isOwn(image, file))
    return [
      'take it out of the base image ',
      ...(image.baseImage ? [{ code: image.baseImage.name }] : []),
      ' and replace it',
    ]
  const layer = image.layers[file.layer] ?? null
  const [folder = '', name = ''] = file.path.split('/').slice(-2)
  // `credentials` alone would leave out more than the file: in `.aws` it is what it is.
  const ignore = folder.startsWith('.') ? `${folder}/${name}` : name
  const mount: Words = [
    'give it to the ',
    { code: 'RUN' },
    ' that needs it by ',
    { code: `--mount=type=secret,id=${idOf(name)}` },
    ', and replace it',
  ]
  return layer !== null && originOf(layer).from === 'context'
    ? [...keepOut(layer, `**/${ignore}`), ', ', ...mount]
    : mount
}

function idOf(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, 40) || 'secret'
  )
}

/** Variables and build arguments that are named like a secret and have a value. */
export const secretSettings: Rule = ({ settings }) => {
  if (settings === null) return []
  const variables = settings.variables.filter(namesSecret)
  // An argument that a variable repeats is told once.
  const buildArgs = settings.buildArgs.filter((name) => namesSecret(name) && !variables.includes(name))
  return [
    ...variables.map((name) =>
      settingOf('the variable ', name, ['set it where the container runs, or for a build by ']),
    ),
    ...buildArgs.map((name) => settingOf('the build argument ', name, ['give it to the build by '])),
  ]
}

/** The Dockerfile's instruction that BuildKit's own check blames for such a setting, where it has that check. */
export function lineOfSetting({ warnings, dockerfile }: Measurement, { what }: Pick<Found, 'what'>): number | null {
  const [name] = what.flatMap((word) => (typeof word === 'string' ? [] : [word.code]))
  const found = warnings.find(({ rule, message }) => rule === 'SecretsUsedInArgOrEnv' && message.includes(`"${name}"`))
  return dockerfile === null ? null : (found?.line ?? null)
}

function settingOf(what: string, name: string, fix: Words): Found {
  return {
    what: [what, { code: name }, ", whose value anyone can read in the image's config"],
    paths: [],
    count: 1,
    bytes: null,
    layer: null,
    otherLayer: null,
    fix: [...fix, { code: `RUN --mount=type=secret,id=${name},env=${name}` }],
    key: `secrets:setting:${name}`,
  }
}
