import { join } from 'node:path'
import { buildImage, removeImage, temporaryName, type Side } from '../build/build.ts'
import type { Engine } from '../build/engine.ts'
import type { Exec } from '../exec.ts'
import { CouldNotMeasure, toFailure } from '../failure.ts'
import type { Credentials } from '../git/commits.ts'
import type { Repository } from '../git/git.ts'
import { writeTree } from '../git/tree.ts'
import type { Inputs } from '../inputs/inputs.ts'
import type { Log } from '../log.ts'
import type { Measurement } from './measurement.ts'
import { readImages } from './read.ts'

/** What measuring either side takes. */
export type Workshop = {
  exec: Exec
  log: Log
  repository: Repository
  credentials: Credentials
  inputs: Inputs
  /** What builds; found out while the builds are already under way. */
  engine: Promise<Engine>
  /** The user's working directory, absolute, links resolved. */
  cwd: string
  /** A folder of our own, removed at the end of the run. */
  scratch: string
  /** The image's name in the report. */
  name: string
  /** For removing what was made: not stopped when the run is, but limited in time. */
  tidyUp: () => Exec
  /** Runs one task after the other, in the order of the calls: for what may not run side by side. */
  inTurn: <T>(task: () => Promise<T>) => Promise<T>
}

/** What is measured: a commit or tree object and the commit that the report names for it. */
export type Revision = { side: Side; treeish: string; commit: string; label: string }

/** Writes the revision's tree, builds it and measures the image: one Measurement a platform. Leaves nothing in the engine but its cache. */
export async function measureRevision(shop: Workshop, revision: Revision): Promise<Measurement[]> {
  const section = shop.log.section(`Build ${revision.label}`)
  try {
    const tree = join(shop.scratch, revision.side)
    await writeTree(shop.exec, shop.repository, revision.treeish, tree, shop.credentials)
    const { beforeBuild, builder, platforms, target } = shop.inputs
    if (beforeBuild !== null) await shop.inTurn(() => prepare(shop, revision.side, tree, beforeBuild, section.line))
    const image = temporaryName(revision.side)
    const request = {
      side: revision.side,
      image,
      inputs: shop.inputs,
      tree,
      root: shop.repository.root,
      cwd: shop.cwd,
      scratch: shop.scratch,
      onLine: section.line,
    }
    const subject = { name: shop.name, commit: revision.commit, target }
    const buildAndRead = async (): Promise<Measurement[]> => {
      const build = await buildImage(shop.exec, request)
      return readImages(shop.exec, build, await shop.engine, builder, subject)
    }
    try {
      const measurements = await buildAndRead().catch((error: unknown) => {
        // Another build's clean-up may take a blob before it is read (seen once on a busy containerd store): the cache makes it again.
        if (toFailure(error).kind !== 'measure') throw error
        return buildAndRead()
      })
      // An index lists its platforms in an order of its own; the report has the one that was asked for.
      const place = ({ platform }: Measurement): number => platforms.indexOf(platform)
      return measurements.toSorted((one, other) => place(one) - place(other))
    } finally {
      const engine = await shop.engine.catch(() => null)
      if (engine?.store === 'classic') await removeImage(shop.tidyUp(), image)
    }
  } finally {
    section.end()
  }
}

/**
 * Runs `before-build` in a tree, as a workflow's `run` step would: bash, stopping at the first failure. What it prints is for
 * the log alone, where a workflow's secrets are masked: in a comment they would not be.
 */
async function prepare(
  shop: Workshop,
  side: Side,
  tree: string,
  command: string,
  onLine: (line: string) => void,
): Promise<void> {
  const ran = await shop.exec('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', command], {
    cwd: tree,
    env: { IMAGE_BUDGET_SIDE: side },
    withoutCredentials: true,
    onLine,
  })
  if (ran.exitCode === 0) return
  throw new CouldNotMeasure(
    'build',
    `\`before-build\` failed with exit code ${ran.exitCode}; the log has what it said.`,
    {
      remedy:
        'It runs in each tree, which holds the committed files only; paths are relative to the repository’s root.',
    },
  )
}
