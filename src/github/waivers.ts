import type { Acceptance, AskWaivers, Shown } from '../budget/waiver.ts'
import type { Clock } from '../clock.ts'
import type { Report } from '../report/report.ts'
import { shownIn } from '../report/waiver.ts'
import { readOwnComment, upsertComment, type StickyComment } from './comment.ts'
import { explainGitHubError, patiently, TO_COMMENT } from './errors.ts'
import {
  acceptedAt,
  isKeepable,
  ledgerLine,
  NO_LEDGER,
  readLedger,
  withoutHidden,
  withSeen,
  type Ledger,
} from './ledger.ts'
import type { Octokit } from './octokit.ts'

/** Of which pull request, and by which label. */
export type WaiverSetting = {
  owner: string
  repo: string
  number: number
  label: string
  /** The label that the run's own event set, or null: it is another event. */
  labelled: string | null
  /** There is a comment that can keep what was accepted. */
  hasComment: boolean
}

/** The pull request's waivers. */
export type Waivers = {
  ask: AskWaivers
  /** What the comment on a report keeps unseen. */
  noteFor: (report: Report) => NonNullable<StickyComment['note']>
}

/**
 * Opens the waivers of a pull request: who set the label, and when, is in its events; what the report showed then is kept in its comment.
 * Nothing is asked of GitHub before `ask` is called. `warn` is told of what could not be read or kept.
 */
export function openWaivers(
  octokit: Octokit,
  setting: WaiverSetting,
  { clock, warn }: { clock: Clock; warn: (text: string) => void },
): Waivers {
  const { owner, repo, number, label } = setting
  /** Undefined: nobody asked, so what was accepted before stays. */
  let accepted: Ledger['accepted'] | undefined

  const nothing = (problem: string | null, set: Acceptance['set'] = null): Acceptance => {
    if (problem !== null) warn(`The label \`${label}\` accepts nothing: ${problem}.`)
    return { label, set, shown: [], problem }
  }
  const explained = (error: unknown): string => explainGitHubError(error, clock.now(), TO_COMMENT).replace(/\.$/, '')

  /** Keeps what is accepted before it counts: were it not kept, the label would accept whatever comes. */
  const keep = async (key: string, old: string | null, ledger: Ledger): Promise<void> => {
    const text = old === null ? `The label \`${label}\` accepts what this change grows by.` : withoutHidden(old)
    const note = (): string => ledgerLine(ledger)
    await upsertComment(octokit, { owner, repo, number, key, bodies: [text], createIfMissing: true, note }, clock)
  }

  const ask = async (key: string, shown: Shown[]): Promise<Acceptance> => {
    try {
      const set = await patiently(clock, () => labelSet(octokit, setting))
      accepted = null
      if (set === null) return nothing(null)
      const isNow = setting.labelled?.toLowerCase() === label.toLowerCase()
      const accept = (found: NonNullable<Ledger['accepted']>): Acceptance => {
        accepted = found
        return { label, set, shown: found.shown, problem: null }
      }
      if (!setting.hasComment) {
        if (isNow) return accept({ ...set, shown })
        return nothing('`comment` is `off`, so nothing keeps how much was accepted', set)
      }
      const comment = await patiently(clock, () => readOwnComment(octokit, { owner, repo, number, key }))
      const ledger = comment === null ? NO_LEDGER : readLedger(comment.body)
      const found = acceptedAt(ledger, set, comment?.createdAt ?? null)
      // Were it accepted though it cannot be kept, the next run would accept whatever that shows.
      if (!isKeepable(found ?? { ...set, shown }))
        return nothing('what it would accept is too long for the comment to keep', set)
      if (found !== null) return accept(found)
      // The person who has just set it has this change before them.
      if (isNow) return accept({ ...set, shown })
      if (comment !== null && Date.parse(comment.createdAt) <= Date.parse(set.at))
        return nothing('the comment did not show yet what the change grows by when it was set. Set the label anew', set)
      try {
        await keep(key, comment?.body ?? null, { ...ledger, accepted: { ...set, shown } })
      } catch (error) {
        return nothing(`how much was accepted could not be kept in the comment. ${explained(error)}`, set)
      }
      return accept({ ...set, shown })
    } catch (error) {
      return nothing(`it could not be looked up. ${explained(error)}`)
    }
  }

  const noteFor: Waivers['noteFor'] = (report) => {
    const shown = shownIn(report)
    const isCompared = report.images.some(({ change }) => change !== null)
    return (old, now) => {
      const before = old === null ? NO_LEDGER : readLedger(old)
      const ledger = { ...before, accepted: accepted === undefined ? before.accepted : accepted }
      // Also where nothing is broken: a label that is set upon that accepts no more.
      return ledgerLine(isCompared ? withSeen(ledger, { at: now, shown }) : ledger)
    }
  }
  return { ask, noteFor }
}

/** Who set the label and when, by the pull request's events; null where it is not set. The event's own labels may be old ones. */
async function labelSet(octokit: Octokit, { owner, repo, number, label }: WaiverSetting): Promise<Acceptance['set']> {
  const parameters = { owner, repo, issue_number: number, per_page: 100 }
  const events = await octokit.paginate(octokit.rest.issues.listEvents, parameters)
  const last = events
    .filter((event) => event.event === 'labeled' || event.event === 'unlabeled')
    .filter((event) => 'label' in event && event.label.name?.toLowerCase() === label.toLowerCase())
    .toSorted((one, other) => one.id - other.id)
    .at(-1)
  if (last?.event !== 'labeled') return null
  return { by: last.actor?.login ?? 'ghost', at: new Date(last.created_at).toISOString() }
}
