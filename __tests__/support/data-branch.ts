import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { StoredRecord } from '../../src/record/record.ts'
import { changesOf } from '../../src/record/store.ts'
import { aLayer } from './measurements.ts'
import { aRecord } from './records.ts'
import type { Sandbox } from './repositories.ts'
import { aShelf, applied, type Files } from './shelves.ts'

/** A record of an image of that size, committed then. */
export function recordOf(
  commit: string,
  committedAt: string,
  size: number,
  { name = 'api', platform = 'linux/amd64' } = {},
): StoredRecord {
  const layers = [aLayer('COPY . .', { size, downloadSize: size / 4 })]
  return aRecord({ commit, committedAt }, { name, platform, size, downloadSize: size / 4, layers })
}

/** What a data branch has when these were recorded, one after the other. */
export async function filesOf(records: StoredRecord[]): Promise<Files> {
  let files: Files = new Map()
  for (const record of records) {
    const { changes } = await changesOf(aShelf(files), { record, listings: new Map() }, new Set())
    files = applied(files, changes)
  }
  return files
}

/** Commits files to a branch of a repository, in place of what it has there. Gives the commit. */
export function pushFiles(sandbox: Sandbox, origin: string, branch: string, files: Files): string {
  rmSync(join(sandbox.folder, `branch-${branch}`), { recursive: true, force: true })
  const folder = sandbox.init(`branch-${branch}`)
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const commit = sandbox.commit(folder, 'Record')
  sandbox.git(folder, 'push', '--quiet', '--force', origin, `HEAD:refs/heads/${branch}`)
  return commit
}
