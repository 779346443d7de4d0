import type { Limits } from '../inputs/budget-lines.ts'
import type { Inputs } from '../inputs/inputs.ts'
import type { Caps } from '../record/record.ts'
import type { Budget, BudgetName } from './budget.ts'

/** The budgets that the inputs set: the whole image's own inputs, then `budgets` as they were written, then `forbid`. */
export function budgetsOf({ limits, budgets, forbid }: Pick<Inputs, 'limits' | 'budgets' | 'forbid'>): Budget[] {
  return [
    ...limitsOf(limits, { scope: null, level: 'fail', over: null }),
    ...budgets.flatMap(({ scope, level, over, limits: each }) => limitsOf(each, { scope, level, over })),
    ...forbid.map((rule): Budget => ({
      budget: 'forbid',
      scope: { kind: 'rule', of: rule },
      level: 'fail',
      over: null,
      limit: 0,
      unit: 'findings',
    })),
  ]
}

/** The caps on the whole image that break the budget; of several the lowest. */
export function capsOf(budgets: readonly Budget[]): Caps {
  const lowest = (name: BudgetName): number | null => {
    const those = budgets.filter(({ budget, scope, level }) => budget === name && scope === null && level === 'fail')
    return those.length === 0 ? null : Math.min(...those.map(({ limit }) => limit))
  }
  return { size: lowest('max-size'), downloadSize: lowest('max-download-size'), layers: lowest('max-layers') }
}

function limitsOf(
  { maxSize, maxDownloadSize, maxLayers, maxIncrease }: Limits,
  on: Pick<Budget, 'scope' | 'level' | 'over'>,
): Budget[] {
  return [
    ...(maxSize === null ? [] : [{ budget: 'max-size', ...on, limit: maxSize, unit: 'bytes' } as const]),
    ...(maxDownloadSize === null
      ? []
      : [{ budget: 'max-download-size', ...on, limit: maxDownloadSize, unit: 'bytes' } as const]),
    ...(maxLayers === null ? [] : [{ budget: 'max-layers', ...on, limit: maxLayers, unit: 'layers' } as const]),
    ...(maxIncrease === null ? [] : [{ budget: 'max-increase', ...on, ...maxIncrease } as const]),
  ]
}
