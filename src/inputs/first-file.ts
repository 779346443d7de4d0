import { stringify } from 'yaml'
import { majorTag } from '../version.ts'
import { onOneLine } from './inputs.ts'

/** An image of the repository, as `init` found and measured it. Paths are from the repository's top, with `/`. */
export type FirstImage = {
  name: string
  /** The folder and the Dockerfile that it is built of; null: it is a target of the bake file. */
  build: { context: string; file: string } | null
  /** The largest of its platforms: bytes (null: not measured) and layers; or why it does not build. */
  measured: { size: number | null; layers: number } | { reason: string }
}

const SCHEMA = `https://raw.githubusercontent.com/image-budget/image-budget/${majorTag}/schema/image-budget.schema.json`
const EXPLAINED = `https://github.com/image-budget/image-budget/blob/${majorTag}/docs/configuration.md#budget-file`

/** Layers more than there are. */
const MORE_LAYERS = 2

/**
 * A first budget file: each image with what it has and 10 % more, as whole MB, and two layers more. One that does not build is left as a
 * comment, with the reason. `bakeFiles`: those that have the targets, from the repository's top. `isDefault`: the targets are those of the group
 * `default`, and what is added to that later is to be measured too.
 */
export function firstBudgetFile(
  images: readonly FirstImage[],
  bakeFiles: readonly string[],
  isDefault: boolean,
): string {
  const all = images.filter(({ build }) => build === null)
  const targets = all.filter(({ measured }) => !('reason' in measured))
  const isWhole = isDefault && targets.length === all.length
  const top = {
    ...(targets.length > 0 && { 'bake-files': bakeFiles }),
    ...(targets.length > 0 && !isWhole && { 'bake-targets': targets.map(({ name }) => name) }),
  }
  const isEmpty = images.every(({ measured }) => 'reason' in measured)
  return [
    `# yaml-language-server: $schema=${SCHEMA}`,
    `# ${EXPLAINED}`,
    '# Each cap is what was measured and 10 % more; lower it where less is enough.',
    '',
    ...linesOf(top),
    ...(isEmpty ? [] : ['images:']),
    ...images.flatMap(entryOf),
    '',
  ].join('\n')
}

function entryOf({ name, build, measured }: FirstImage): string[] {
  const places = build === null ? {} : placesOf(build)
  if ('reason' in measured)
    return [
      ...item({ name, ...places }).map((line) => `  # ${line}`),
      `  #   It could not be measured: ${onOneLine(measured.reason)}`,
    ]
  const { size, layers } = measured
  const caps = { ...(size !== null && { 'max-size': capOf(size) }), 'max-layers': layers + MORE_LAYERS }
  return item({ name, ...places, ...caps }).map((line) => `  ${line}`)
}

/** What says by itself where the Dockerfile is needs no `file`. */
function placesOf({ context, file }: { context: string; file: string }): Record<string, string> {
  const usual = context === '.' ? 'Dockerfile' : `${context}/Dockerfile`
  return file === usual ? { context } : { context, file }
}

function capOf(size: number): string {
  return `${Math.max(1, Math.ceil((size * 11) / 10_000_000))} MB`
}

function item(values: Record<string, unknown>): string[] {
  return linesOf(values).map((line, at) => `${at === 0 ? '- ' : '  '}${line}`)
}

/** Each value on its own line, however long: in a comment, too, it is to be one. */
function linesOf(values: Record<string, unknown>): string[] {
  return Object.entries(values)
    .map(([key, value]) =>
      stringify({ [key]: value }, { collectionStyle: 'any', lineWidth: 0, flowCollectionPadding: false })
        .trimEnd()
        .replaceAll(/\n\s*- /g, '\n  - '),
    )
    .flatMap((text) => text.split('\n'))
}
