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

/** The exit code: 0 within, 1 over, 2 could not measure. `fail: false` lets a broken budget pass, a failed measurement never. */
export function exitCodeOf(verdict: Verdict, fail: boolean): 0 | 1 | 2 {
  if (verdict === 'error') return 2
  return verdict === 'over' && fail ? 1 : 0
}
