import type { OpenReader } from './gather.ts'

export type SecretFact = { kind: 'secret' }

export const secretReader: OpenReader<SecretFact> = () => null
