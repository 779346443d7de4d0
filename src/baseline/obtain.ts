import { toFailure } from '../failure.ts'
import { resolveBase } from '../git/commits.ts'
import { measureRevision, type Revision, type Workshop } from '../image/measure.ts'
import type { BaseQuestion } from '../inputs/event.ts'
import type { Baseline } from './baseline.ts'

/**
 * The base's measurement. A base that cannot be found or built is no failure but an answer: `none`, with the reason.
 * Throws where the run was cancelled, where the engine fails to tell what it built, and for a `base-ref` that does not exist: that is a
 * mistake to be told, not a missing base.
 */
export async function obtainBaseline(shop: Workshop, question: BaseQuestion, head: Revision): Promise<Baseline> {
  if (shop.inputs.baseline === 'none') return none(null, null, 'none was asked for (`baseline: none`)')
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
    return { kind: 'build', commit, ref, reason: null, measurements }
  } catch (error) {
    const failure = toFailure(error)
    // A base that built and then could not be read is the engine's failure, not the base's: a growth limit must not pass for it.
    if (!['build', 'input', 'git'].includes(failure.kind)) throw error
    const why = failure.message.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase()).replace(/\.$/, '')
    return none(commit, ref, `the base \`${commit.slice(0, 7)}\` could not be measured: ${why}`)
  }
}

function none(commit: string | null, ref: string | null, reason: string): Baseline {
  return { kind: 'none', commit, ref, reason, measurements: [] }
}
