import type { Inputs } from '../inputs/inputs.ts'
import type { Budget } from './budget.ts'

/** The budgets that the inputs set, in the report's order. */
export function budgetsOf({ maxSize, maxDownloadSize, maxLayers, maxIncrease }: Inputs['limits']): Budget[] {
  return [
    ...(maxSize === null ? [] : [{ budget: 'max-size', limit: maxSize, unit: 'bytes' } as const]),
    ...(maxDownloadSize === null
      ? []
      : [{ budget: 'max-download-size', limit: maxDownloadSize, unit: 'bytes' } as const]),
    ...(maxLayers === null ? [] : [{ budget: 'max-layers', limit: maxLayers, unit: 'layers' } as const]),
    ...(maxIncrease === null ? [] : [{ budget: 'max-increase', ...maxIncrease } as const]),
  ]
}
