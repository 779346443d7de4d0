import { referenceIn } from '../build/dockerfile.ts'
import type { BaseImage } from '../image/measurement.ts'
import type { Rule } from './finding.ts'

/** A base image that may be another one tomorrow: the image grows by it without a change of the Dockerfile. */
export const floatingBase: Rule = ({ baseImage }) => {
  const what = baseImage && floatOf(baseImage)
  if (baseImage === null || what === null) return []
  const { name } = baseImage
  return [
    {
      what: ['the base image ', { code: name }, what],
      paths: [],
      count: 0,
      bytes: null,
      layer: null,
      otherLayer: null,
      // Which digest a registry has is not known here: the engine's own may be of an image that was made on this machine.
      fix: ['pin it by the digest that its registry shows: ', { code: `FROM ${name}@sha256:…` }],
      // Another image that floats is no new reason.
      key: 'floating-base',
    },
  ]
}

/** How it floats, as the end of a sentence; null: it does not, or what `FROM` names is not known. */
function floatOf({ name, instruction }: BaseImage): string | null {
  const written = instruction === null ? null : referenceIn(instruction)
  // A name without a tag comes of a digest alone: BuildKit completes all others by `latest`.
  if (written?.includes('@') || name === repositoryOf(name)) return null
  const isLatest = name.endsWith(':latest')
  if (written === null || /^\$\w+$|^\$\{[^}]*\}$/.test(written))
    return isLatest ? ', which is whatever is latest' : null
  if (!isLatest) return ' without a digest, whose tag may move'
  return written.endsWith(':latest') ? ', which is whatever is latest' : ' without a tag, which is whatever is latest'
}

function repositoryOf(name: string): string {
  const at = name.lastIndexOf(':')
  return at > name.lastIndexOf('/') ? name.slice(0, at) : name
}
