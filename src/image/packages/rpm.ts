import type { OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'

/** What … tells. */
export type RpmFact = { kind: 'rpm' }

export const rpmReader: OpenReader<RpmFact> = () => null

export const findRpmPackages: FindPackages = () => []
