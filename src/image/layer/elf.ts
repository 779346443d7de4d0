import type { OpenReader } from './gather.ts'

export type ElfFact = { kind: 'elf' }

export const elfReader: OpenReader<ElfFact> = () => null
