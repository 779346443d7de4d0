import { z } from 'zod'
import type { Exec } from '../exec.ts'
import { CouldNotMeasure } from '../failure.ts'

/** One line of `docker history --format '{{json .}}' --human=false`, newest instruction first. */
const historyLine = z.object({ Size: z.string().regex(/^\d+$/).transform(Number), CreatedBy: z.string() })

/** What a Docker engine tells of one entry of an image's history. */
export type HistoryEntry = {
  /** Bytes, as the engine counts them: see `readClassicSizes`. */
  size: number
  createdBy: string
}

/** The history of an image that is in the engine, oldest entry first. Throws CouldNotMeasure `measure`. */
export async function readHistory(exec: Exec, image: string): Promise<HistoryEntry[]> {
  const args = ['history', '--no-trunc', '--human=false', '--format', '{{json .}}', image]
  const { exitCode, stdout, stderr } = await exec('docker', args)
  if (exitCode !== 0)
    throw new CouldNotMeasure('measure', `\`docker history\` failed: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines
    .map((line) => historyLine.parse(JSON.parse(line)))
    .map(({ Size: size, CreatedBy: createdBy }) => ({ size, createdBy }))
    .toReversed()
}
