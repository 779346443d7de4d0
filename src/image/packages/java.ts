import type { OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'

/** What … tells. */
export type JavaFact = { kind: 'java' }

export const javaReader: OpenReader<JavaFact> = () => null

export const findJavaPackages: FindPackages = () => []
