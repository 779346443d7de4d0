import type { OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'

/** What … tells. */
export type PythonFact = { kind: 'python' }

export const pythonReader: OpenReader<PythonFact> = () => null

export const findPythonPackages: FindPackages = () => []
