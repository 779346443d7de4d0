import type { OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'

/** What … tells. */
export type DpkgFact = { kind: 'dpkg' }

export const dpkgReader: OpenReader<DpkgFact> = () => null

export const findDpkgPackages: FindPackages = () => []
