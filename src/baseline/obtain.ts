import { toFailure } from '../failure.ts'
import { resolveBase } from '../git/commits.ts'
import { measureImage, measureRevision, type Reading, type Revision, type Workshop } from '../image/measure.ts'
import { platformsOf } from '../image/measurement.ts'
import type { BaseQuestion } from '../inputs/event.ts'
import type { ImageReference } from '../inputs/reference.ts'
import type { Baseline } from './baseline.ts'

/**
 * The base's measurement. A base that cannot be found or built is no failure but an answer: `none`, with the reason.
 * Throws where the run was cancelled, where the engine fails to tell what it built, and for a `base-ref` that does not exist: that is a
 * mistake to be told, not a missing base.
 */
export async function obtainBaseline(shop: Workshop, question: BaseQuestion, head: Revision): Promise<Baseline> {
  if (shop.inputs.baseline === 'none') return NOT_WANTED
  const base = await resolveBase(shop.repository, question, shop.credentials)
  if (base.commit === null) return none(null, base.ref, base.reason)
  const { commit, ref } = base
  if (question.kind === 'default-branch' && commit === head.treeish) {
    return none(
      commit,
      null,
      `this is a commit of \`${ref}\` itself; \`--base HEAD~1\` compares it with the one before`,
    )
  }
  try {
    const measurements = await measureRevision(shop, {
      side: 'base',
      treeish: commit,
      commit,
      label: `base \`${commit.slice(0, 7)}\` (${ref})`,
    })
    const platforms = platformsOf(measurements)
    return { ...NOTHING, kind: 'build', commit, ref, measurements, platforms }
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
  return { ...NOTHING, kind: 'image', ref: reference.text, ...measured }
}

/** No baseline at all. */
const NOTHING: Baseline = {
  kind: 'none',
  commit: null,
  ref: null,
  reason: null,
  record: null,
  passedOver: null,
  measurements: [],
  platforms: [],
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
  return { ...NOTHING, commit, ref, reason }
}
