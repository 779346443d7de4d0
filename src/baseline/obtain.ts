import { CouldNotMeasure, toFailure } from '../failure.ts'
import { measureImage, measureRevision, type Reading, type Revision, type Workshop } from '../image/measure.ts'
import { platformsOf } from '../image/measurement.ts'
import type { BaseQuestion } from '../inputs/event.ts'
import type { Inputs } from '../inputs/inputs.ts'
import type { ImageReference } from '../inputs/reference.ts'
import type { Log } from '../log.ts'
import { NO_BASELINE, type Baseline } from './baseline.ts'
import { findRecord, type NoRecord, type RecordSearch } from './recorded.ts'

/**
 * The base's measurement: what is recorded of its commit, or else a build of it. A base that cannot be found or built is no failure but an
 * answer: `none`, with the reason. `search` null: there are no records.
 * Throws where the run was cancelled, where the engine fails to tell what it built, where only records are wanted and they cannot be
 * read, and for a `base-ref` that does not exist: that is a mistake to be told, not a missing base.
 */
export async function obtainBaseline(
  shop: Workshop,
  question: BaseQuestion,
  head: Revision,
  search: RecordSearch | null,
): Promise<Baseline> {
  if (shop.inputs.baseline === 'none') return NOT_WANTED
  const base = await shop.checkout.resolveBase(question)
  if (base.commit === null) return none(null, base.ref, base.reason)
  const { commit, ref } = base
  if (question.kind === 'default-branch' && commit === head.treeish) {
    return none(
      commit,
      null,
      `this is a commit of \`${ref}\` itself; \`--base HEAD~1\` compares it with the one before`,
    )
  }
  if (shop.inputs.baseline === 'build') return buildBaseline(shop, base)
  const found = await obtainRecord(search, base, shop.inputs, shop.log)
  if ('kind' in found) return found
  if (shop.inputs.baseline === 'record') return none(commit, ref, found.reason ?? noRecord(base, shop.inputs))
  return { ...(await buildBaseline(shop, base)), passedOver: found.reason }
}

/** The record of the base commit of an event, for an image that is not built: no repository is needed to know that commit. */
export async function obtainImageRecord(search: RecordSearch, question: BaseQuestion, log: Log): Promise<Baseline> {
  const base =
    question.kind === 'commit'
      ? { commit: question.sha, ref: question.ref }
      : question.kind === 'pull-request'
        ? { commit: question.baseSha, ref: question.baseRef }
        : null
  if (base === null) return NOT_NAMED
  const found = await obtainRecord(search, base, search.inputs, log)
  if ('kind' in found) return found
  return none(base.commit, base.ref, found.reason ?? noRecord(base, search.inputs))
}

/**
 * What is recorded of the base: of its commit; where only records are wanted, else of the nearest one before. Records that cannot be read
 * are passed over, unless only they are wanted: a growth limit must not pass for it.
 */
async function obtainRecord(
  search: RecordSearch | null,
  base: { commit: string; ref: string },
  { baseline }: Inputs,
  log: Log,
): Promise<Baseline | NoRecord> {
  if (search === null) {
    if (baseline !== 'record') return { reason: null }
    throw new CouldNotMeasure('precondition', '`baseline` is `record`, and without a token no records can be read.', {
      remedy: '`github-token` takes one; `${{ github.token }}`, its default, is the job’s own.',
    })
  }
  try {
    return await findRecord(search, base, baseline === 'record' ? 'nearest' : 'exact')
  } catch (error) {
    if (error instanceof CouldNotMeasure) throw error
    const why = `The records could not be read: ${toFailure(error).message}`
    if (baseline === 'record')
      throw new CouldNotMeasure('measure', why, { remedy: '`baseline: auto` builds the base then.' })
    log.info(why)
    return { reason: asClause(why) }
  }
}

function noRecord({ commit }: { commit: string }, { dataBranch }: Inputs): string {
  return `the branch \`${dataBranch}\` has no record of \`${commit.slice(0, 7)}\`, nor of a commit before it`
}

async function buildBaseline(shop: Workshop, base: { commit: string; ref: string; reason: null }): Promise<Baseline> {
  const { commit, ref } = base
  const there = await shop.checkout.fetchBase(base)
  if (there.commit === null) return none(null, ref, there.reason)
  try {
    const measurements = await measureRevision(shop, {
      side: 'base',
      treeish: commit,
      commit,
      label: `base \`${commit.slice(0, 7)}\` (${ref})`,
    })
    const platforms = platformsOf(measurements)
    return { ...NO_BASELINE, kind: 'build', commit, ref, measurements, platforms }
  } catch (error) {
    const failure = toFailure(error)
    // A base that built and then could not be read is the engine's failure, not the base's: a growth limit must not pass for it.
    if (!['build', 'input', 'git'].includes(failure.kind)) throw error
    return none(commit, ref, `the base \`${commit.slice(0, 7)}\` could not be measured: ${asClause(failure.message)}`)
  }
}

/**
 * The measurement of an image that the user named as the base, for the platforms of the head. An image that is not there (its first
 * release is still to come) is `none`; one that cannot be read is an error: a growth limit must not pass for it.
 */
export async function obtainImage(reading: Reading, reference: ImageReference, platforms: string[]): Promise<Baseline> {
  try {
    return await requireImage(reading, reference, platforms)
  } catch (error) {
    const failure = toFailure(error)
    if (failure.kind !== 'missing') throw error
    return none(null, reference.text, asClause(failure.message))
  }
}

/** The same where the image has to be there: throws `missing`, with the remedy, where it is not. */
export async function requireImage(
  reading: Reading,
  reference: ImageReference,
  platforms: string[],
): Promise<Baseline> {
  const measured = await measureImage(reading, reference, platforms, 'base')
  return { ...NO_BASELINE, kind: 'image', ref: reference.text, ...measured }
}

/** What `baseline: none` gives. */
export const NOT_WANTED = none(null, null, 'none was asked for (`baseline: none`)')

/** Nothing was built and no image was named. */
export const NOT_NAMED = none(null, null, '`baseline` names no image')

/** A message's sentence as the end of another one. */
function asClause(message: string): string {
  return message.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase()).replace(/\.$/, '')
}

function none(commit: string | null, ref: string | null, reason: string): Baseline {
  return { ...NO_BASELINE, commit, ref, reason }
}
