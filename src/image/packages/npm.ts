import type { OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'

/** What … tells. */
export type NpmFact = { kind: 'npm' }

export const npmReader: OpenReader<NpmFact> = () => null

export const findNpmPackages: FindPackages = () => []
