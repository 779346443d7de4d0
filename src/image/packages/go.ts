import type { OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'

/** What … tells. */
export type GoFact = { kind: 'go' }

export const goReader: OpenReader<GoFact> = () => null

export const findGoPackages: FindPackages = () => []
