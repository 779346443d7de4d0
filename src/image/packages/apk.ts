import type { OpenReader } from '../layer/gather.ts'
import type { FindPackages } from './package.ts'

/** What … tells. */
export type ApkFact = { kind: 'apk' }

export const apkReader: OpenReader<ApkFact> = () => null

export const findApkPackages: FindPackages = () => []
