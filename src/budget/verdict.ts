import type { Verdict } from './budget.ts'

/**
 * The one order of verdicts, for the checks of an image and for the images of a report: `error` before `over` before
 * `within`. An unmeasured image or budget must not hide behind a broken one, since a user may choose that broken budgets
 * do not fail the job (`fail: false`), but never that a failed measurement does not. The checks still say what is over.
 * `within` for an empty list: no budget is broken.
 */
export function worstVerdict(verdicts: Verdict[]): Verdict {
  if (verdicts.includes('error')) return 'error'
  return verdicts.includes('over') ? 'over' : 'within'
}
