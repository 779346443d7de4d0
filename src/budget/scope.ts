import { distinctBlobs, hasOrigins } from '../compare/compare.ts'
import type { Totals } from '../compare/comparison.ts'
import { filesOf, type ImageFile } from '../image/runs.ts'
import { sum, type Layer, type Measurement } from '../image/measurement.ts'
import type { Package } from '../image/packages/package.ts'
import { ECOSYSTEMS, type LimitScope } from '../inputs/budget-lines.ts'
import { createMatcher } from './glob.ts'

/** What a scope has of an image: bytes, bytes, layers; null: not measured, or nothing that a scope has. */
export type Figures = {
  size: number | null
  downloadSize: number | null
  layers: number | null
  /** Why figures are null, as the end of a sentence, where the measurement's own `unmeasured` does not tell it. */
  why: string | null
}

/** The figures of a scope in one image, given its totals. */
export type Gauge = (image: Measurement, totals: Totals) => Figures

/**
 * How the figures of a scope are had. What a path or a package has is all that the layers ship of it, what is lost again included, a
 * hard link once; what layers have is what they have together.
 */
export function gaugeOf(scope: LimitScope | null): Gauge {
  if (scope === null) return (_, { size, downloadSize, layers }) => ({ size, downloadSize, layers, why: null })
  switch (scope.kind) {
    case 'own':
      return ({ layers }, { ownSize, ownDownloadSize, ownLayers }) => ({
        size: ownSize,
        downloadSize: ownDownloadSize,
        layers: ownLayers,
        why: hasOrigins(layers) ? null : NO_ORIGINS,
      })
    case 'base':
      return baseFigures
    case 'stage':
      return ({ layers }) => stageFigures(layers, scope.of)
    case 'path': {
      const matcher = createMatcher(scope.of)
      return (image) => fileFigures(image, ({ path }) => matcher(path))
    }
    case 'package': {
      const isMeant = packageMatcher(scope.of)
      return (image) => {
        const meant = (image.content?.packages ?? []).map(isMeant)
        return fileFigures(image, (file) => file.package !== null && meant[file.package] === true)
      }
    }
  }
}

/** What of a path's or package's files lies in the layers that came with the `FROM` image. */
export function gaugeInBase(scope: LimitScope): Gauge {
  const gauge = gaugeOf(scope)
  return (image, totals) => {
    const { content, layers } = image
    if (content === null || !hasOrigins(layers)) return unknown(NO_ORIGINS)
    const files = filesOf(content.files, ({ layer }) => layers[layer]?.fromBase === true)
    return gauge({ ...image, content: { ...content, files } }, totals)
  }
}

const NO_ORIGINS = "the build's record does not tell which layers came with the base image"
const NO_CONTENT = "the image's files were not read, or are more than can be kept"

function baseFigures({ layers }: Measurement): Figures {
  return hasOrigins(layers) ? layerFigures(layers.filter((layer) => layer.fromBase)) : unknown(NO_ORIGINS)
}

/** The stages that an image's own layers are of, in their order. */
export function stagesOf({ layers }: Measurement): string[] {
  return [...new Set(layers.flatMap(({ stage }) => stage ?? []))]
}

function stageFigures(layers: Layer[], stage: string): Figures {
  const own = layers.filter((layer) => layer.fromBase !== true)
  if (own.some((layer) => layer.stage === null)) return unknown("the build's record does not tell each layer's stage")
  const wanted = stage.toLowerCase()
  return layerFigures(own.filter((layer) => layer.stage?.toLowerCase() === wanted))
}

/** What the base has of the layers that are a stage's in the head, where the base has no stage of that name. */
export function sharedWithStage(head: Measurement, base: Measurement, stage: string): Figures {
  const wanted = stage.toLowerCase()
  const its = new Set(head.layers.flatMap((layer) => (layer.stage?.toLowerCase() === wanted ? layer.diffId : [])))
  return layerFigures(base.layers.filter(({ diffId }) => its.has(diffId)))
}

function layerFigures(layers: Layer[]): Figures {
  return {
    size: sum(layers.map((layer) => layer.size)),
    downloadSize: sum(distinctBlobs(layers).map((layer) => layer.downloadSize)),
    layers: layers.length,
    why: null,
  }
}

function fileFigures({ content }: Measurement, isMeant: (file: ImageFile) => boolean): Figures {
  if (content === null) return unknown(NO_CONTENT)
  let size = 0
  for (const file of content.files) if (isMeant(file)) size += file.size
  return { ...unknown(null), size }
}

function unknown(why: string | null): Figures {
  return { size: null, downloadSize: null, layers: null, why }
}

/** `dpkg:libssl3` is one ecosystem's; a name alone is any's, so that no package is passed unseen. */
function packageMatcher(wanted: string): (found: Package) => boolean {
  const ecosystem = ECOSYSTEMS.find((known) => wanted.startsWith(`${known}:`))
  const name = ecosystem === undefined ? wanted : wanted.slice(ecosystem.length + 1)
  return (found) => found.name === name && (ecosystem === undefined || found.ecosystem === ecosystem)
}
